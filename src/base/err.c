/* Errors that keep their context on the way up.
 *
 * Texts are always composed beside the error and copied in afterwards, so that a caller may pass the
 * error's own text as an argument. A text that is cut is cut between characters, because it is going
 * to be printed, stored in SQLite and put into JSON. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Shortens text of n bytes so that it does not end inside a UTF-8 character. */
static size_t whole_characters(const char *text, size_t n)
{
    size_t start = n;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start == 0)
        return n;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return n - (start - 1) < want ? start - 1 : n;
}

/* Length of what vsnprintf() left in text[size]; trims a half character if it had to cut. */
static size_t settle(char *text, size_t size, int wanted)
{
    if (wanted < 0) {
        text[0] = '\0';
        return 0;
    }
    if ((size_t)wanted < size)
        return (size_t)wanted;
    size_t n = whole_characters(text, size - 1);
    text[n] = '\0';
    return n;
}

static void append(char *text, size_t size, size_t at, const char *more)
{
    settle(text + at, size - at, snprintf(text + at, size - at, "%s", more));
}

bool err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (!e)
        return false;
    char text[sizeof e->text];
    va_list ap;
    va_start(ap, fmt);
    size_t n = settle(text, sizeof text, vsnprintf(text, sizeof text, fmt, ap));
    va_end(ap);
    e->code = code;
    e->device[0] = '\0';
    memcpy(e->text, text, n + 1);
    return false;
}

bool err_context(struct err *e, const char *fmt, ...)
{
    if (!e)
        return false;
    char text[sizeof e->text];
    va_list ap;
    va_start(ap, fmt);
    size_t n = settle(text, sizeof text, vsnprintf(text, sizeof text, fmt, ap));
    va_end(ap);
    if (e->text[0] && n + 2 < sizeof text) {
        memcpy(text + n, ": ", 3);
        append(text, sizeof text, n + 2, e->text);
    }
    memcpy(e->text, text, strlen(text) + 1);
    return false;
}

bool err_errno(struct err *e, enum err_code code, int number, const char *fmt, ...)
{
    if (!e)
        return false;
    char text[sizeof e->text];
    char reason[128];
    va_list ap;
    va_start(ap, fmt);
    size_t n = settle(text, sizeof text, vsnprintf(text, sizeof text, fmt, ap));
    va_end(ap);
    if (n + 2 < sizeof text) {
        memcpy(text + n, ": ", 3);
        append(text, sizeof text, n + 2, strerror_r(number, reason, sizeof reason));
    }
    e->code = code;
    e->device[0] = '\0';
    memcpy(e->text, text, strlen(text) + 1);
    return false;
}

bool err_device(struct err *e, const char *device)
{
    if (e && !e->device[0])
        append(e->device, sizeof e->device, 0, device);
    return false;
}

void err_clear(struct err *e)
{
    if (!e)
        return;
    e->code = ERR_NONE;
    e->text[0] = e->device[0] = '\0';
}

static const struct {
    const char *name;
    int status;
} codes[] = {
#define X(id, name, status) [ERR_##id] = {name, status},
    ERR_TABLE(X)
#undef X
};

const char *err_name(enum err_code code)
{
    return (size_t)code < sizeof codes / sizeof codes[0] ? codes[code].name : "unknown";
}

int err_exit_status(enum err_code code)
{
    return (size_t)code < sizeof codes / sizeof codes[0] ? codes[code].status : 3;
}
