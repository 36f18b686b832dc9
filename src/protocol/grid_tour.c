/* A short way through points: nearest neighbour, then 2-opt and Or-opt until neither shortens it, then
 * disturb and repair.
 *
 * The way is open: it begins at the first place and ends anywhere. Every change is a reversal of a stretch
 * (moving a stretch elsewhere is three of them), so that a disturbance that did not help is undone by the
 * same reversals backward. Only moves that bring one of the ten nearest neighbours beside a place are looked
 * at, and only places near the last change are looked at again (queue). Sums and square roots of rounded
 * coordinates only: the same way on every machine. See Johnson and McGeoch, in: Local Search in Combinatorial
 * Optimization (Wiley 1997) 215. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/grid_parts.h"

#define NEAR     10    /* neighbours looked at */
#define SEGMENT  3     /* longest stretch that Or-opt moves */
#define EPSILON  1e-13 /* m: smaller gains are rounding */
#define LOCAL    50    /* reach of a disturbance along the way */
#define REVERSAL 50000 /* longest stretch turned round, so that no move takes long */

struct flip {
    int i, j;
};

struct tour {
    const double (*xy)[2];
    int n;
    int *city;            /* by position */
    int *pos;             /* by city */
    int (*near)[NEAR];    /* by city, nearest first, -1 = none */
    double (*away)[NEAR]; /* m */
    int *queue, head, waiting;
    bool *queued;
    struct flip *flip; /* since the last disturbance */
    int n_flips, cap_flips;
    double gained; /* m since the last disturbance */
};

static double between(const double (*xy)[2], int a, int b)
{
    double dx = xy[a][0] - xy[b][0], dy = xy[a][1] - xy[b][1];
    return sqrt(dx * dx + dy * dy);
}

/* Distance of two cities; nothing where there is none (behind the end). */
static double dist(const struct tour *t, int a, int b)
{
    return a < 0 || b < 0 ? 0 : between(t->xy, a, b);
}

static int at(const struct tour *t, int pos)
{
    return pos >= 0 && pos < t->n ? t->city[pos] : -1;
}

double grid_tour_length(const double (*xy)[2], const int *order, int n)
{
    double sum = 0;
    for (int i = 1; i < n; i++)
        sum += between(xy, order[i - 1], order[i]);
    return sum;
}

/* --- neighbours --------------------------------------------------------------------------------------- */

/* Places in squares that hold about two each. */
struct squares {
    double x0, y0, side;
    int columns, rows;
    int *first, *next;
};

static int clamp(double value, int n)
{
    return value < 0 ? 0 : value >= n ? n - 1 : (int)value;
}

static int column_of(const struct squares *s, double x)
{
    return clamp(floor((x - s->x0) / s->side), s->columns);
}

static int row_of(const struct squares *s, double y)
{
    return clamp(floor((y - s->y0) / s->side), s->rows);
}

static void squares_add(struct squares *s, const double (*xy)[2], int i)
{
    int *first = &s->first[row_of(s, xy[i][1]) * s->columns + column_of(s, xy[i][0])];
    s->next[i] = *first;
    *first = i;
}

static void squares_remove(struct squares *s, const double (*xy)[2], int i)
{
    int *link = &s->first[row_of(s, xy[i][1]) * s->columns + column_of(s, xy[i][0])];
    while (*link != i)
        link = &s->next[*link];
    *link = s->next[i];
}

static struct squares squares_make(const double (*xy)[2], int n)
{
    double x[2] = {INFINITY, -INFINITY}, y[2] = {INFINITY, -INFINITY};
    for (int i = 0; i < n; i++) {
        x[0] = fmin(x[0], xy[i][0]);
        x[1] = fmax(x[1], xy[i][0]);
        y[0] = fmin(y[0], xy[i][1]);
        y[1] = fmax(y[1], xy[i][1]);
    }
    double w = x[1] - x[0], h = y[1] - y[0], longer = fmax(w, h);
    struct squares s = {.x0 = x[0], .y0 = y[0]};
    s.side = fmax(sqrt(2 * w * h / n), 2 * longer / n);
    s.side = s.side > 0 ? s.side : 1;
    s.columns = (int)(w / s.side) + 1;
    s.rows = (int)(h / s.side) + 1;
    size_t cells = (size_t)s.columns * (size_t)s.rows;
    s.first = xmalloc(cells * sizeof *s.first);
    s.next = xcalloc((size_t)n, sizeof *s.next);
    for (size_t i = 0; i < cells; i++)
        s.first[i] = -1;
    for (int i = n - 1; i >= 0; i--)
        squares_add(&s, xy, i);
    return s;
}

static void squares_free(struct squares *s)
{
    free(s->first);
    free(s->next);
}

/* The k nearest of place i into id[] and away[], nearest first, ties by number. */
struct nearest {
    int id[NEAR];
    double away[NEAR];
    int n, k;
};

static void nearest_add(struct nearest *b, int id, double away)
{
    int i = b->n < b->k ? b->n++ : b->k;
    if (i == b->k) {
        if (away > b->away[i - 1] || (away == b->away[i - 1] && id > b->id[i - 1]))
            return;
        i--;
    }
    for (; i > 0 && (b->away[i - 1] > away || (b->away[i - 1] == away && b->id[i - 1] > id)); i--) {
        b->away[i] = b->away[i - 1];
        b->id[i] = b->id[i - 1];
    }
    b->away[i] = away;
    b->id[i] = id;
}

static void look_in(const struct squares *s, const double (*xy)[2], int i, int row, int column,
                    struct nearest *b)
{
    if (row < 0 || column < 0 || row >= s->rows || column >= s->columns)
        return;
    for (int j = s->first[row * s->columns + column]; j >= 0; j = s->next[j])
        if (j != i)
            nearest_add(b, j, between(xy, i, j));
}

/* Rings of squares outward until nothing nearer can follow. */
static void find_nearest(const struct squares *s, const double (*xy)[2], int i, struct nearest *b)
{
    int row = row_of(s, xy[i][1]), column = column_of(s, xy[i][0]);
    int most = s->rows > s->columns ? s->rows : s->columns;
    for (int ring = 0; ring <= most; ring++) {
        if (b->n == b->k && b->away[b->k - 1] <= (ring - 1) * s->side)
            return;
        for (int r = row - ring; r <= row + ring; r++) {
            int step = ring > 0 && r != row - ring && r != row + ring ? 2 * ring : 1;
            for (int c = column - ring; c <= column + ring; c += step)
                look_in(s, xy, i, r, c, b);
        }
    }
}

static void find_neighbours(struct tour *t)
{
    struct squares s = squares_make(t->xy, t->n);
    for (int i = 0; i < t->n; i++) {
        struct nearest b = {.k = NEAR};
        find_nearest(&s, t->xy, i, &b);
        for (int k = 0; k < NEAR; k++) {
            t->near[i][k] = k < b.n ? b.id[k] : -1;
            t->away[i][k] = k < b.n ? b.away[k] : INFINITY;
        }
    }
    squares_free(&s);
}

static void start_nearest(struct tour *t, int first)
{
    struct squares s = squares_make(t->xy, t->n);
    int here = first;
    for (int p = 0; p < t->n; p++) {
        t->city[p] = here;
        t->pos[here] = p;
        squares_remove(&s, t->xy, here);
        struct nearest b = {.k = 1};
        if (p + 1 < t->n)
            find_nearest(&s, t->xy, here, &b);
        here = b.n ? b.id[0] : -1;
    }
    squares_free(&s);
}

/* --- moves -------------------------------------------------------------------------------------------- */

static void push(struct tour *t, int city)
{
    if (city < 0 || t->queued[city])
        return;
    t->queued[city] = true;
    t->queue[(t->head + t->waiting++) % t->n] = city;
}

static int pop(struct tour *t)
{
    int city = t->queue[t->head];
    t->head = (t->head + 1) % t->n;
    t->waiting--;
    t->queued[city] = false;
    return city;
}

static void turn_round(struct tour *t, int i, int j)
{
    for (; i < j; i++, j--) {
        int a = t->city[i], b = t->city[j];
        t->city[i] = b;
        t->pos[b] = i;
        t->city[j] = a;
        t->pos[a] = j;
    }
}

/* Reverses positions i..j and remembers it. */
static void flip(struct tour *t, int i, int j)
{
    if (i >= j)
        return;
    push(t, at(t, i - 1));
    push(t, at(t, i));
    push(t, at(t, j));
    push(t, at(t, j + 1));
    turn_round(t, i, j);
    if (t->n_flips == t->cap_flips) {
        t->cap_flips = t->cap_flips ? 2 * t->cap_flips : 64;
        t->flip = xrealloc(t->flip, (size_t)t->cap_flips * sizeof *t->flip);
    }
    t->flip[t->n_flips++] = (struct flip){i, j};
}

static void undo(struct tour *t)
{
    while (t->n_flips > 0) {
        struct flip f = t->flip[--t->n_flips];
        turn_round(t, f.i, f.j);
    }
}

/* 2-opt: the edges before i and behind j are replaced by turning i..j round. True if that is shorter. */
static bool try_flip(struct tour *t, int i, int j)
{
    if (i < 1 || i >= j || j - i > REVERSAL)
        return false;
    int a = at(t, i - 1), b = at(t, i), c = at(t, j), d = at(t, j + 1);
    double gain = dist(t, a, b) + dist(t, c, d) - dist(t, a, c) - dist(t, b, d);
    if (!(gain > EPSILON))
        return false;
    flip(t, i, j);
    t->gained += gain;
    return true;
}

/* Or-opt: the stretch i..j goes between positions k and k + 1 outside of it, as it is or turned round. */
static bool try_move(struct tour *t, int i, int j, int k)
{
    if (i < 1 || j >= t->n || k < 0 || k >= t->n || (k >= i - 1 && k <= j) || abs(k - i) > REVERSAL)
        return false;
    int a = at(t, i - 1), b = at(t, i), c = at(t, j), d = at(t, j + 1), p = at(t, k), q = at(t, k + 1);
    double freed = dist(t, a, b) + dist(t, c, d) - dist(t, a, d) + dist(t, p, q);
    double same = freed - dist(t, p, b) - dist(t, c, q), turned = freed - dist(t, p, c) - dist(t, b, q);
    double gain = same > turned ? same : turned;
    if (!(gain > EPSILON))
        return false;
    int length = j - i + 1;
    if (k > j) { /* i..j, j+1..k -> j+1..k, i..j */
        flip(t, i, k);
        flip(t, i, k - length);
        if (same >= turned)
            flip(t, k - length + 1, k);
    } else { /* k+1..i-1, i..j -> i..j, k+1..i-1 */
        flip(t, k + 1, j);
        flip(t, k + 1 + length, j);
        if (same >= turned)
            flip(t, k + 1, k + length);
    }
    t->gained += gain;
    return true;
}

/* Stretches with `a` at one end, brought beside its neighbour c. */
static bool try_stretches(struct tour *t, int a, int c)
{
    int i = t->pos[a], k = t->pos[c];
    for (int length = 0; length < SEGMENT; length++)
        if (try_move(t, i, i + length, k) || try_move(t, i, i + length, k - 1) ||
            try_move(t, i - length, i, k) || try_move(t, i - length, i, k - 1))
            return true;
    return false;
}

static bool improve(struct tour *t, int a)
{
    for (int m = 0; m < NEAR && t->near[a][m] >= 0; m++) {
        int c = t->near[a][m], i = t->pos[a], k = t->pos[c];
        int before = at(t, i - 1), behind = at(t, i + 1);
        double longest = fmax(dist(t, before, a), dist(t, a, behind));
        if (t->away[a][m] >= longest && before >= 0 && behind >= 0)
            return false;
        int low = i < k ? i : k, high = i < k ? k : i;
        /* a's edge forward, or backward, becomes the one to c. */
        if (try_flip(t, low + 1, high) || try_flip(t, low, high - 1) || try_stretches(t, a, c))
            return true;
    }
    /* The way may end elsewhere: the rest behind `a` turned round. */
    return try_flip(t, t->pos[a] + 1, t->n - 1);
}

static void improve_all(struct tour *t)
{
    while (t->waiting > 0) {
        int a = pop(t);
        while (improve(t, a))
            ;
    }
}

/* --- disturbances ----------------------------------------------------------------------------------------
 */

/* Two neighbouring stretches change places (a double bridge), all within LOCAL positions; returns the length
 * that this adds. */
static double disturb(struct tour *t, struct rng r, uint64_t round)
{
    int reach = t->n - 1 < LOCAL ? t->n - 1 : LOCAL;
    int from = 1 + (int)rng_below(r, (uint64_t)(t->n - reach), round, 0);
    int first = 1 + (int)rng_below(r, (uint64_t)(reach / 2), round, 1);
    int second = 1 + (int)rng_below(r, (uint64_t)(reach / 2), round, 2);
    int i = from, j = from + first, k = j + second; /* i..j-1, j..k-1 */
    if (k > t->n)
        k = t->n;
    int a = at(t, i - 1), b = at(t, i), c = at(t, j - 1), d = at(t, j), e = at(t, k - 1), f = at(t, k);
    double added =
        dist(t, a, d) + dist(t, e, b) + dist(t, c, f) - dist(t, a, b) - dist(t, c, d) - dist(t, e, f);
    flip(t, i, k - 1);
    flip(t, i, i + (k - j) - 1);
    flip(t, i + (k - j), k - 1);
    return added;
}

static void disturb_and_repair(struct tour *t, int rounds)
{
    struct rng r = rng_stream(0, "grid.tour");
    for (int round = 0; round < rounds && t->n >= 8; round++) {
        t->n_flips = 0;
        t->gained = 0;
        double added = disturb(t, r, (uint64_t)round);
        improve_all(t);
        if (t->gained < added)
            undo(t);
    }
}

void grid_tour(const double (*xy)[2], int n, int first, int rounds, int *order)
{
    struct tour t = {.xy = xy, .n = n};
    if (n < 1)
        return;
    t.city = xcalloc((size_t)n, sizeof *t.city);
    t.pos = xcalloc((size_t)n, sizeof *t.pos);
    t.near = xcalloc((size_t)n, sizeof *t.near);
    t.away = xcalloc((size_t)n, sizeof *t.away);
    t.queue = xcalloc((size_t)n, sizeof *t.queue);
    t.queued = xcalloc((size_t)n, sizeof *t.queued);
    find_neighbours(&t);
    start_nearest(&t, first);
    for (int i = 0; i < n; i++)
        push(&t, t.city[i]);
    improve_all(&t);
    disturb_and_repair(&t, rounds);
    memcpy(order, t.city, (size_t)n * sizeof *order);
    free(t.city);
    free(t.pos);
    free(t.near);
    free(t.away);
    free(t.queue);
    free(t.queued);
    free(t.flip);
}
