/* Growable byte buffer and string builder.
 *
 * Also the one place where text is quoted for JSON and CSV, so that no output can forget a rule. */
#include "base/buf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clocale.h"
#include "base/utf8.h"

static _Noreturn void out_of_memory(void)
{
    fputs("seccm: out of memory\n", stderr);
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *xcalloc(size_t count, size_t size)
{
    void *p = calloc(count ? count : 1, size ? size : 1);
    if (!p)
        out_of_memory();
    return p;
}

void *xrealloc(void *old, size_t n)
{
    void *p = realloc(old, n ? n : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;
    return memcpy(xmalloc(n), s, n);
}

void buf_free(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}

void buf_clear(struct buf *b)
{
    b->n = 0;
    if (b->p)
        b->p[0] = '\0';
}

void buf_reserve(struct buf *b, size_t extra)
{
    if (extra >= SIZE_MAX / 4 || b->n >= SIZE_MAX / 4)
        out_of_memory();
    size_t need = b->n + extra + 1;
    if (b->p && need <= b->cap)
        return;
    size_t cap = b->cap < 64 ? 64 : b->cap;
    while (cap < need)
        cap += cap / 2;
    b->p = xrealloc(b->p, cap);
    b->cap = cap;
    b->p[b->n] = '\0';
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    buf_reserve(b, n);
    if (n)
        memcpy(b->p + b->n, bytes, n);
    b->n += n;
    b->p[b->n] = '\0';
}

void buf_str(struct buf *b, const char *text)
{
    buf_add(b, text, strlen(text));
}

void buf_char(struct buf *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    buf_reserve(b, 128);
    int n = vsnprintf(b->p + b->n, b->cap - b->n, fmt, ap);
    va_end(ap);
    if (n < 0) {
        n = 0;
    } else if ((size_t)n >= b->cap - b->n) {
        buf_reserve(b, (size_t)n);
        vsnprintf(b->p + b->n, b->cap - b->n, fmt, again);
    }
    va_end(again);
    b->n += (size_t)n;
    b->p[b->n] = '\0';
}

void buf_drop(struct buf *b, size_t n)
{
    if (n > b->n)
        n = b->n;
    if (n == 0)
        return;
    memmove(b->p, b->p + n, b->n - n + 1);
    b->n -= n;
}

static void add_json_character(struct buf *b, unsigned char c)
{
    const char *const plain = "\"\\\b\f\n\r\t", *const name = "\"\\bfnrt";
    const char *at = c ? strchr(plain, c) : NULL;
    if (at) {
        buf_char(b, '\\');
        buf_char(b, name[at - plain]);
    } else if (c < 0x20 || c == 0x7F) {
        buf_printf(b, "\\u%04x", c);
    } else {
        buf_char(b, (char)c);
    }
}

void buf_json_string(struct buf *b, const char *text)
{
    const unsigned char *p = (const unsigned char *)text;
    buf_char(b, '"');
    while (*p) {
        int n = utf8_length(p, 4);
        if (n == 0)
            buf_str(b, "\xEF\xBF\xBD");
        else if (n == 1)
            add_json_character(b, *p);
        else
            buf_add(b, p, (size_t)n);
        p += n ? n : 1;
    }
    buf_char(b, '"');
}

void buf_json_number(struct buf *b, double value)
{
    if (!isfinite(value)) {
        buf_str(b, "null");
        return;
    }
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        c_print_double(text, sizeof text, digits, value);
        if (c_strtod(text, NULL) == value)
            break;
    }
    buf_str(b, text);
}

void buf_csv_field(struct buf *b, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        buf_str(b, text);
        return;
    }
    buf_char(b, '"');
    for (const char *p = text; *p; p++) {
        if (*p == '"')
            buf_char(b, '"');
        buf_char(b, *p);
    }
    buf_char(b, '"');
}
