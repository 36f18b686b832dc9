/* Growable byte buffer and string builder. Zero-initialised `struct buf b = {0}` is an empty one; the
 * bytes always end with a NUL that `n` does not count. Out of memory aborts the program: every buffer
 * here is bounded by its caller, so running out means a bug. */
#ifndef SECCM_BASE_BUF_H
#define SECCM_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf {
    char *p;
    size_t n, cap;
};

void buf_free(struct buf *b);
void buf_clear(struct buf *b);
void buf_reserve(struct buf *b, size_t extra);
void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_str(struct buf *b, const char *text);
void buf_char(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Removes the first n bytes. */
void buf_drop(struct buf *b, size_t n);
/* Appends text as a JSON string with quotes (UTF-8 passed through, invalid bytes as U+FFFD). */
void buf_json_string(struct buf *b, const char *text);
/* Appends a double so that it reads back exactly (shortest of %.15g..%.17g); NaN and infinities as null. */
void buf_json_number(struct buf *b, double value);
/* Appends text as one CSV field (RFC 4180: quoted only where needed). */
void buf_csv_field(struct buf *b, const char *text);

/* malloc and friends that abort with a message instead of returning NULL. */
void *xmalloc(size_t n);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *p, size_t n);
char *xstrdup(const char *s);

#endif
