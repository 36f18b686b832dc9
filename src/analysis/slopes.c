/* Order statistics of the slopes of all pairs.
 *
 * Points in order of t, pair (i, j) with t_i < t_j: its slope is at most s exactly if x_j - s t_j is at most
 * x_i - s t_i. So the pairs with a slope of at most s are the inversions of the points sorted by x - s t, to
 * be counted by a merge sort; and the pairs with a slope between s and s' are those that change places from
 * one order to the other, each of which is one move of an insertion sort.
 *
 * A random sample of pairs gives two slopes between which the ranks asked for lie almost surely; counting
 * tells whether they do, and which ranks they are among the pairs in between, which are few enough to be
 * looked at (J. Matousek, Inf. Process. Lett. 1991, 39, 183; M. B. Dillencourt et al., Int. J. Comput. Geom.
 * Appl. 1992, 2, 1). The outcome does not depend on the sample. */
#include "analysis/slopes.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"

#define PAIRS_MOST ((int64_t)1 << 22) /* so many are looked at one by one: 32 MiB */
#define SAMPLE     20000
#define TRIES      2000000 /* of pairs that may lie outside of the bracket */
#define MARGIN     4       /* standard deviations of a rank in the sample */

static int by_time(const void *a, const void *b)
{
    const struct slope_point *p = a, *q = b;
    return p->t != q->t ? (p->t > q->t) - (p->t < q->t) : (p->x > q->x) - (p->x < q->x);
}

void slopes_sort(struct slope_point *p, int n)
{
    qsort(p, (size_t)n, sizeof *p, by_time);
}

/* First point behind the ones with the same t as `first`. */
static int group_end(const struct slope_point *p, int n, int first)
{
    int end = first + 1;
    while (end < n && p[end].t == p[first].t)
        end++;
    return end;
}

static int64_t pairs_of(int64_t n)
{
    return n * (n - 1) / 2;
}

int64_t slopes_pairs(const struct slope_point *p, int n)
{
    int64_t count = pairs_of(n);
    for (int first = 0, end; first < n; first = end) {
        end = group_end(p, n, first);
        count -= pairs_of(end - first);
    }
    return count;
}

static double slope_of(const struct slope_point *a, const struct slope_point *b)
{
    return (b->x - a->x) / (b->t - a->t);
}

/* --- orders and inversions ----------------------------------------------------------------------------- */

/* A point on its way into an order. */
struct place {
    double y; /* x - s t */
    int index;
};

/* A number of which the order as an unsigned integer is that of y; both zeros are the same. */
static uint64_t key_of(double y)
{
    uint64_t bits;
    y += 0.0;
    memcpy(&bits, &y, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

#define DIGIT  11
#define DIGITS 6

/* Sorts by y; equal ones keep their order. Least significant digit first: several times as fast as comparing,
 * and this is what the time goes into. */
static void sort_places(struct place *v, int n)
{
    static const size_t values = (size_t)1 << DIGIT;
    struct place *other = xcalloc((size_t)n + 1, sizeof *other), *from = v, *to = other;
    int *count = xcalloc(DIGITS * values, sizeof *count);
    for (int k = 0; k < n; k++)
        for (int d = 0; d < DIGITS; d++)
            count[(size_t)d * values + (key_of(v[k].y) >> d * DIGIT & (values - 1))]++;
    for (int d = 0; d < DIGITS; d++) {
        int *at = count + (size_t)d * values;
        for (int sum = 0, k = 0; k < (int)values; k++) {
            int here = at[k];
            at[k] = sum;
            sum += here;
        }
        for (int k = 0; k < n; k++)
            to[at[key_of(from[k].y) >> d * DIGIT & (values - 1)]++] = from[k];
        struct place *kept = from;
        from = to;
        to = kept;
    }
    free(count);
    free(other); /* an even number of passes: the result is in v */
}

/* Points sorted by x - s t. `ties`: equal ones in falling order of index, so that a slope of exactly s is an
 * inversion. An infinite s orders by t alone. */
static void order_by(const struct slope_point *p, int n, double s, bool ties, struct place *out)
{
    bool down = ties && isfinite(s);
    for (int k = 0; k < n; k++) {
        int i = down ? n - 1 - k : k;
        out[k] = (struct place){isinf(s) ? (s > 0 ? -p[i].t : p[i].t) : p[i].x - s * p[i].t, i};
    }
    sort_places(out, n);
}

/* Sorts indices and returns how many pairs were out of order. */
static int64_t merge_count(int *v, int *scratch, int n)
{
    if (n < 2)
        return 0;
    int half = n / 2, a = 0, b = half;
    int64_t count = merge_count(v, scratch, half) + merge_count(v + half, scratch, n - half);
    for (int k = 0; k < n; k++) {
        bool left = b == n || (a < half && v[a] < v[b]);
        count += left ? 0 : half - a;
        scratch[k] = left ? v[a++] : v[b++];
    }
    memcpy(v, scratch, (size_t)n * sizeof *v);
    return count;
}

/* Inversions among points of equal t, which are no slopes: they rise in x, so only where y is the same. */
static int64_t within_groups(const struct slope_point *p, int n, double s)
{
    int64_t count = 0;
    for (int first = 0, end; first < n; first = end) {
        end = group_end(p, n, first);
        for (int k = first, same; k < end; k = same) {
            same = k + 1;
            while (same < end && p[same].x - s * p[same].t == p[k].x - s * p[k].t)
                same++;
            count += pairs_of(same - k);
        }
    }
    return count;
}

/* Number of slopes at most s (with ties) or below it, as the order has them. */
static int64_t count_in(const struct slope_point *p, int n, double s, bool ties, const struct place *order)
{
    int *room = xcalloc(2 * (size_t)n + 1, sizeof *room);
    for (int k = 0; k < n; k++)
        room[k] = order[k].index;
    int64_t count = merge_count(room, room + n, n);
    free(room);
    return ties && isfinite(s) ? count - within_groups(p, n, s) : count;
}

static int64_t count_slopes(const struct slope_point *p, int n, double s, bool ties, struct place *room)
{
    order_by(p, n, s, ties, room);
    return count_in(p, n, s, ties, room);
}

int64_t slopes_kendall(const struct slope_point *p, int n)
{
    struct place *room = xcalloc((size_t)n + 1, sizeof *room);
    int64_t falls = count_slopes(p, n, 0, false, room), not_rises = count_slopes(p, n, 0, true, room);
    free(room);
    return slopes_pairs(p, n) - not_rises - falls;
}

/* --- pairs between two slopes -------------------------------------------------------------------------- */

/* Slopes above `low` and at most `high`, in no order; `count` of them. Caller frees. */
struct between {
    double low, high;
    int64_t below, count; /* pairs at most `low`; pairs in between */
};

static struct between bracket(const struct slope_point *p, int n, double low, double high, struct place *room)
{
    struct between b = {.low = low, .high = high};
    b.below = isinf(low) ? 0 : count_slopes(p, n, low, true, room);
    b.count = (isinf(high) ? slopes_pairs(p, n) : count_slopes(p, n, high, true, room)) - b.below;
    return b;
}

/* Insertion sort from the order at `high` to that at `low`: every pair that changes places is one of them. */
static double *list_between(const struct slope_point *p, int n, const struct between *b, struct place *room)
{
    int *rank = xcalloc(2 * (size_t)n + 1, sizeof *rank), *sorted = rank + n;
    double *list = xcalloc((size_t)b->count + 1, sizeof *list);
    int64_t found = 0;
    order_by(p, n, b->low, true, room);
    for (int k = 0; k < n; k++)
        rank[room[k].index] = k;
    order_by(p, n, b->high, true, room);
    for (int k = 0; k < n; k++) {
        int me = room[k].index, j = k;
        for (; j > 0 && rank[sorted[j - 1]] > rank[me]; j--) {
            int other = sorted[j] = sorted[j - 1];
            if (p[me].t != p[other].t && found < b->count)
                list[found++] = me < other ? slope_of(&p[me], &p[other]) : slope_of(&p[other], &p[me]);
        }
        sorted[j] = me;
    }
    free(rank);
    return list;
}

/* --- selection ----------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The k-th smallest (from 0); reorders the list. */
static double select_in(double *v, int64_t n, int64_t k)
{
    int64_t low = 0, high = n - 1;
    while (low < high) {
        double pivot = v[low + (high - low) / 2];
        int64_t a = low, b = high;
        while (a <= b) {
            while (v[a] < pivot)
                a++;
            while (v[b] > pivot)
                b--;
            if (a <= b) {
                double kept = v[a];
                v[a++] = v[b];
                v[b--] = kept;
            }
        }
        if (k <= b)
            high = b;
        else if (k >= a)
            low = a;
        else
            break;
    }
    return v[k];
}

/* Slopes of random pairs inside the bracket, sorted; returns their number. */
static int sample(const struct slope_point *p, int n, const struct between *b, uint64_t round, double *out)
{
    struct rng r = rng_stream(1, "slopes");
    int got = 0;
    for (uint64_t k = 0; k < TRIES && got < SAMPLE; k++) {
        uint64_t pair = rng_below(r, (uint64_t)n * (uint64_t)n, round, k);
        int i = (int)(pair / (uint64_t)n), j = (int)(pair % (uint64_t)n);
        if (p[i].t == p[j].t)
            continue;
        double s = i < j ? slope_of(&p[i], &p[j]) : slope_of(&p[j], &p[i]);
        if (s > b->low && s <= b->high)
            out[got++] = s;
    }
    qsort(out, (size_t)got, sizeof *out, by_value);
    return got;
}

/* A bracket of the ranks first..last inside of b; the same again if the sample does not help. */
static struct between narrower(const struct slope_point *p, int n, const struct between *b, int64_t first,
                               int64_t last, uint64_t round, struct place *room)
{
    double *s = xcalloc(SAMPLE, sizeof *s);
    int got = sample(p, n, b, round, s);
    struct between out = *b;
    if (got > 100) {
        double margin = MARGIN * 0.5 * sqrt(got), scale = got / (double)b->count;
        double from = (double)(first - b->below) * scale - margin,
               to = (double)(last - b->below) * scale + margin;
        double low = from < 0 ? b->low : s[(int)from], high = to >= got ? b->high : s[(int)to];
        struct between c = bracket(p, n, low, high, room);
        if (c.below <= first && last < c.below + c.count)
            out = c;
    }
    free(s);
    return out;
}

#define ROUNDS 12

/* One bracket for all ranks, or one for each where that would hold too many pairs. */
static void at_ranks(const struct slope_point *p, int n, struct between b, const int64_t *k, int n_k,
                     double *out, struct place *room)
{
    for (uint64_t round = 1; b.count > PAIRS_MOST && round <= ROUNDS; round++) {
        int64_t before = b.count;
        b = narrower(p, n, &b, k[0], k[n_k - 1], round, room);
        if (n_k > 1 && b.count > before / 2 && b.count > PAIRS_MOST) {
            for (int i = 0; i < n_k; i++)
                at_ranks(p, n, b, &k[i], 1, &out[i], room);
            return;
        }
    }
    double *list = list_between(p, n, &b, room);
    int64_t done = 0; /* the list is in order up to here */
    for (int i = 0; i < n_k; i++) {
        int64_t at = k[i] - b.below;
        out[i] = select_in(list + done, b.count - done, at - done);
        done = at;
    }
    free(list);
}

/* Ranks of slopes above 0, among all. */
static void above_zero(const struct slope_point *p, int n, const int64_t *k, int n_k, double *out,
                       struct place *room)
{
    if (n_k > 0)
        at_ranks(p, n, bracket(p, n, 0, INFINITY, room), k, n_k, out, room);
}

/* The same for slopes below 0: with x turned over they are above it, in falling order. */
static void below_zero(const struct slope_point *p, int n, const int64_t *k, int n_k, double *out,
                       struct place *room)
{
    if (n_k == 0)
        return;
    struct slope_point *turned = xcalloc((size_t)n, sizeof *turned);
    int64_t pairs = slopes_pairs(p, n), *rank = xcalloc((size_t)n_k, sizeof *rank);
    double *value = xcalloc((size_t)n_k, sizeof *value);
    for (int i = 0; i < n; i++)
        turned[i] = (struct slope_point){p[i].t, -p[i].x};
    slopes_sort(turned, n);
    for (int i = 0; i < n_k; i++)
        rank[i] = pairs - 1 - k[n_k - 1 - i];
    above_zero(turned, n, rank, n_k, value, room);
    for (int i = 0; i < n_k; i++)
        out[i] = -value[n_k - 1 - i];
    free(value);
    free(rank);
    free(turned);
}

/* Where many values are equal, many slopes are 0, and no bracket gets narrower than that: they are counted.
 */
static void by_sign(const struct slope_point *p, int n, const int64_t *k, int n_k, double *out,
                    struct place *room)
{
    int64_t falls = count_slopes(p, n, 0, false, room), not_rises = count_slopes(p, n, 0, true, room);
    int first = 0, behind;
    while (first < n_k && k[first] < falls)
        first++;
    for (behind = first; behind < n_k && k[behind] < not_rises; behind++)
        out[behind] = 0;
    below_zero(p, n, k, first, out, room);
    above_zero(p, n, k + behind, n_k - behind, out + behind, room);
}

void slopes_at_ranks(const struct slope_point *p, int n, const int64_t *k, int n_k, double *out)
{
    struct place *room = xcalloc((size_t)n + 1, sizeof *room);
    struct between all = {-INFINITY, INFINITY, 0, slopes_pairs(p, n)};
    if (all.count <= PAIRS_MOST)
        at_ranks(p, n, all, k, n_k, out, room);
    else
        by_sign(p, n, k, n_k, out, room);
    free(room);
}
