/* What went over all links of a run, as text: writing and parsing of one line per chunk. */
#include "wire/transcript.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* After a crash all but the last second can be read, and a virtual run does not pay a system call per line.
 */
#define FLUSH_EVERY NS_S

struct transcript {
    FILE *file;
    char *path;
    struct buf line;
    ns_t flushed;
    int error; /* first errno */
};

struct transcript *transcript_create(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        err_errno(e, ERR_IO, errno, "%s", path);
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    struct transcript *t = xcalloc(1, sizeof *t);
    t->file = file;
    t->path = xstrdup(path);
    fputs("# seconds device direction bytes: > sent by the host, < received\n", file);
    return t;
}

bool transcript_close(struct transcript *t, struct err *e)
{
    if (!t)
        return true;
    if (fclose(t->file) != 0 && !t->error)
        t->error = errno;
    int error = t->error;
    if (error)
        err_errno(e, ERR_IO, error, "%s", t->path);
    buf_free(&t->line);
    free(t->path);
    free(t);
    return !error;
}

/* A blank at the end would be lost in many editors, so it is written as a number. */
void transcript_escape(struct buf *out, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = ((const unsigned char *)bytes)[i];
        switch (c) {
        case '\n':
            buf_str(out, "\\n");
            break;
        case '\r':
            buf_str(out, "\\r");
            break;
        case '\t':
            buf_str(out, "\\t");
            break;
        case '\\':
            buf_str(out, "\\\\");
            break;
        default:
            if (c < ' ' || c > '~' || (c == ' ' && i + 1 == n))
                buf_printf(out, "\\x%02x", c);
            else
                buf_char(out, (char)c);
        }
    }
}

void transcript_add(struct transcript *t, ns_t at, const char *device, char direction, const void *bytes,
                    size_t n)
{
    struct buf *b = &t->line;
    buf_clear(b);
    buf_printf(b, "%" PRId64 ".%09" PRId64 " ", at / NS_S, at % NS_S);
    for (const char *p = device; *p; p++) /* one word */
        buf_char(b, isgraph((unsigned char)*p) ? *p : '_');
    buf_char(b, ' ');
    buf_char(b, direction);
    buf_char(b, ' ');
    transcript_escape(b, bytes, n);
    buf_char(b, '\n');
    bool failed = fwrite(b->p, 1, b->n, t->file) != b->n;
    if (at - t->flushed >= FLUSH_EVERY) {
        t->flushed = at;
        failed |= fflush(t->file) != 0;
    }
    if (failed && !t->error)
        t->error = errno;
}

/* --- parsing ------------------------------------------------------------------------------------------- */

static bool digits(const char **p, int max, int64_t *value, int *count)
{
    *value = 0;
    for (*count = 0; **p >= '0' && **p <= '9'; (*p)++) {
        if (++*count > max)
            return false;
        *value = *value * 10 + (**p - '0');
    }
    return *count > 0;
}

/* "SECONDS.FRACTION " with at most 9 decimals, exactly. */
static bool parse_time(const char **p, ns_t *at)
{
    int64_t s, fraction = 0;
    int count;
    if (!digits(p, 9, &s, &count))
        return false;
    if (**p == '.') {
        (*p)++;
        if (!digits(p, 9, &fraction, &count))
            return false;
        for (; count < 9; count++)
            fraction *= 10;
    }
    *at = s * NS_S + fraction;
    return *(*p)++ == ' ';
}

static bool parse_device(const char **p, char device[64])
{
    size_t n = strcspn(*p, " ");
    if (!n || n >= 64 || !(*p)[n])
        return false;
    memcpy(device, *p, n);
    device[n] = 0;
    *p += n + 1;
    return true;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* What follows a backslash. */
static bool parse_escape(const char **p, char *c)
{
    static const char letters[] = "nrt\\", bytes[] = "\n\r\t\\";
    char letter = *(*p)++;
    if (letter == 'x') {
        int high = hex_digit((*p)[0]), low = high < 0 ? -1 : hex_digit((*p)[1]);
        *c = (char)(high * 16 + low);
        *p += 2;
        return low >= 0;
    }
    const char *known = letter ? strchr(letters, letter) : NULL;
    if (known)
        *c = bytes[known - letters];
    return known;
}

bool transcript_parse(const char *line, struct transcript_line *out, bool *skip, struct err *e)
{
    struct transcript_line l = {0};
    const char *p = line;
    if (line[strspn(line, " \t\r")] == 0 || *line == '#') {
        *skip = true;
        return true;
    }
    if (!parse_time(&p, &l.at))
        return err_set(e, ERR_INPUT,
                       "a line starts with a time in seconds, as in `12.003456789 stage > POS? 3\\n`");
    if (!parse_device(&p, l.device))
        return err_set(e, ERR_INPUT, "a device name (at most 63 bytes) and a direction follow the time");
    if ((*p != '>' && *p != '<') || p[1] != ' ')
        return err_set(e, ERR_INPUT, "the direction is > or <, followed by a blank");
    l.direction = *p;
    for (p += 2; *p;) {
        char c = *p++;
        if (c == '\\' && !parse_escape(&p, &c)) {
            buf_free(&l.bytes);
            return err_set(e, ERR_INPUT, "unknown escape: known are \\n \\r \\t \\\\ \\xNN");
        }
        buf_char(&l.bytes, c);
    }
    *skip = false;
    *out = l;
    return true;
}
