/* A FIFO of received chunks, each with the time at which it arrives.
 *
 * Millions of messages of a few bytes go through it, so all bytes lie in one array and all marks in another,
 * and neither is freed when it runs empty. Private to src/wire. */
#ifndef SECCM_WIRE_CHUNKS_H
#define SECCM_WIRE_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/loop.h"

struct chunk {
    ns_t at;      /* when its last byte arrives; once arrived: when the host saw it */
    size_t n;     /* bytes to deliver */
    size_t dead;  /* bytes behind them that a fault took away */
    bool altered; /* faults have had their turn */
};

/* Zero-initialised = empty. Invariant: the sum of n + dead over marks[first_mark..end_mark) is
 * end_byte - first_byte; the first `arrived` of them may be read. */
struct chunks {
    char *bytes;
    size_t first_byte, end_byte, cap_bytes;
    struct chunk *marks;
    size_t first_mark, end_mark, cap_marks;
    size_t arrived, arrived_bytes; /* arrived_bytes: n + dead over them */
};

void chunks_free(struct chunks *c);
/* Appends a chunk of n > 0 bytes that has not arrived yet. */
void chunks_push(struct chunks *c, ns_t at, const void *bytes, size_t n);
/* Oldest chunk that has not arrived yet, NULL if there is none; *bytes (optional): where its bytes are. */
struct chunk *chunks_next(struct chunks *c, char **bytes);
/* What chunks_next() gives may be read from now on, with `now` as its time. */
void chunks_arrive(struct chunks *c, ns_t now);
/* When the newest chunk arrives; 0 if there is none. */
ns_t chunks_last_at(const struct chunks *c);
/* Copies up to n bytes of the oldest arrived chunk, never of two, so that all of them have the time *at. */
size_t chunks_read(struct chunks *c, void *bytes, size_t n, ns_t *at);
/* Whether chunks_read() would give something. Forgets chunks of which nothing is left. */
bool chunks_readable(struct chunks *c);
/* Bytes held, arrived or not. */
static inline size_t chunks_bytes(const struct chunks *c)
{
    return c->end_byte - c->first_byte;
}

#endif
