/* A FIFO of received chunks: two arrays that slide to their start when half of them is used up. */
#include "wire/chunks.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void chunks_free(struct chunks *c)
{
    free(c->bytes);
    free(c->marks);
    *c = (struct chunks){0};
}

/* Makes room for `extra` items behind *end. Sliding only when the front half is empty keeps the cost of a
 * push constant on average. */
static void *make_room(void *items, size_t size, size_t *first, size_t *end, size_t *cap, size_t extra)
{
    if (*end + extra <= *cap)
        return items;
    size_t used = *end - *first;
    if (*first < *cap / 2 || used + extra > *cap) {
        *cap = *cap ? *cap * 2 : 256;
        while (*cap < used + extra)
            *cap *= 2;
        items = xrealloc(items, *cap * size);
    }
    memmove(items, (char *)items + *first * size, used * size);
    *first = 0;
    *end = used;
    return items;
}

void chunks_push(struct chunks *c, ns_t at, const void *bytes, size_t n)
{
    c->bytes = make_room(c->bytes, 1, &c->first_byte, &c->end_byte, &c->cap_bytes, n);
    memcpy(c->bytes + c->end_byte, bytes, n);
    c->end_byte += n;
    c->marks = make_room(c->marks, sizeof *c->marks, &c->first_mark, &c->end_mark, &c->cap_marks, 1);
    c->marks[c->end_mark++] = (struct chunk){.at = at, .n = n};
}

struct chunk *chunks_next(struct chunks *c, char **bytes)
{
    size_t next = c->first_mark + c->arrived;
    if (next == c->end_mark)
        return NULL;
    if (bytes)
        *bytes = c->bytes + c->first_byte + c->arrived_bytes;
    return &c->marks[next];
}

void chunks_arrive(struct chunks *c, ns_t now)
{
    struct chunk *next = &c->marks[c->first_mark + c->arrived++];
    next->at = now;
    c->arrived_bytes += next->n + next->dead;
}

ns_t chunks_last_at(const struct chunks *c)
{
    return c->end_mark == c->first_mark ? 0 : c->marks[c->end_mark - 1].at;
}

static void take(struct chunks *c, size_t n)
{
    c->first_byte += n;
    c->arrived_bytes -= n;
    if (c->first_byte == c->end_byte)
        c->first_byte = c->end_byte = 0;
}

static void pop(struct chunks *c)
{
    take(c, c->marks[c->first_mark].dead);
    c->arrived--;
    c->first_mark++;
    if (c->first_mark == c->end_mark)
        c->first_mark = c->end_mark = 0;
}

bool chunks_readable(struct chunks *c)
{
    while (c->arrived && !c->marks[c->first_mark].n)
        pop(c);
    return c->arrived;
}

size_t chunks_read(struct chunks *c, void *bytes, size_t n, ns_t *at)
{
    if (!n || !chunks_readable(c))
        return 0;
    struct chunk *head = &c->marks[c->first_mark];
    if (n > head->n)
        n = head->n;
    memcpy(bytes, c->bytes + c->first_byte, n);
    if (at)
        *at = head->at;
    head->n -= n;
    take(c, n);
    if (!head->n)
        pop(c);
    return n;
}
