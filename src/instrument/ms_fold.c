/* Greedy: at each piece the repetition that saves most bytes; then its body is folded in turn. Pieces are
 * compared by number, equal texts having the same. */
#include "instrument/ms_fold.h"

#include <stdlib.h>
#include <string.h>

/* Text of a loop beside its body, which the repetitions that are saved must outweigh. */
#define LOOP_BYTES 64

struct fold {
    const struct buf *piece;
    const int *id;
    struct buf *out;
    int counters;
};

/* `count` times the `length` pieces from some place on. */
struct repetition {
    int length, count;
    size_t saved;
};

static int *number_pieces(const struct buf *piece, int n)
{
    int *id = xcalloc((size_t)n + 1, sizeof(*id));
    for (int k = 0; k < n; k++) {
        int j = 0;
        while (j < k && (piece[j].n != piece[k].n || memcmp(piece[j].p, piece[k].p, piece[k].n) != 0))
            j++;
        id[k] = id[j];
        if (j == k)
            id[k] = k;
    }
    return id;
}

static int times(const struct fold *f, int from, int to, int length)
{
    int count = 1;
    while (from + (count + 1) * length <= to &&
           memcmp(f->id + from, f->id + from + count * length, (size_t)length * sizeof(*f->id)) == 0)
        count++;
    return count;
}

static struct repetition best(const struct fold *f, int from, int to)
{
    struct repetition r = {1, 1, 0};
    size_t body = 0;
    for (int length = 1; from + 2 * length <= to; length++) {
        body += f->piece[from + length - 1].n;
        int count = times(f, from, to, length);
        size_t saved = (size_t)(count - 1) * body;
        if (saved > LOOP_BYTES && saved > r.saved)
            r = (struct repetition){length, count, saved};
    }
    return r;
}

static void write_range(struct fold *f, int from, int to, int depth)
{
    while (from < to) {
        struct repetition r = {1, 1, 0};
        if (depth < MS_FOLD_DEPTH)
            r = best(f, from, to);
        if (r.count > 1) {
            if (depth + 1 > f->counters)
                f->counters = depth + 1;
            buf_printf(f->out, "store_var k%d 0i ja\nloop k%d < %di\n", depth, depth, r.count);
            write_range(f, from, from + r.length, depth + 1);
            buf_printf(f->out, "add_var k%d 1i\nendloop\n", depth);
        } else {
            buf_add(f->out, f->piece[from].p, f->piece[from].n);
        }
        from += r.length * r.count;
    }
}

int ms_fold(const struct buf *piece, int n, struct buf *out)
{
    int *id = number_pieces(piece, n);
    struct fold f = {.piece = piece, .id = id, .out = out};
    write_range(&f, 0, n, 0);
    free(id);
    return f.counters;
}
