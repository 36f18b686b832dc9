/* Which site gets which factor levels.
 *
 * A block is a run of consecutive sites that holds every combination once, in an order of its own: drift of
 * the reference, evaporation and a slope of the sample act on all levels alike, and whatever part of a night
 * is lost, the rest is balanced to within one site per combination.
 *
 * A Latin square does the same for both directions of the grid at once. The grid is cut into squares of as
 * many rows and columns as there are combinations; each is the cyclic square with rows, columns and
 * combinations permuted:
 *
 *      0 1 2        2 0 1
 *      1 2 0   ->   1 2 0    each combination once per row and per column
 *      2 0 1        0 1 2
 */
#include "protocol/design.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/rng.h"

const char *const design_names[] = {"full-factorial",
                                    "completely-randomised",
                                    "randomised-blocks",
                                    "latin-square",
                                    "by-column",
                                    "by-row",
                                    "by-region",
                                    "gradient",
                                    NULL};
const char *const along_names[] = {"x", "y", "site", NULL};

const char *design_name(enum design d)
{
    return d == DESIGN_NONE ? "none" : design_names[d - DESIGN_FULL_FACTORIAL];
}

static void in_order(int *item, int n)
{
    for (int i = 0; i < n; i++)
        item[i] = i;
}

static void full_factorial(const struct design_request *q, int *combination, int *block)
{
    for (int i = 0; i < q->n_sites; i++) {
        combination[i] = i % q->n_combinations;
        block[i] = i / q->n_combinations + 1;
    }
}

/* A random subset is as often as once more than the rest; then all sites are shuffled. */
static void completely_randomised(const struct design_request *q, int *combination)
{
    struct rng r = rng_stream(q->seed, "design.completely-randomised");
    int n = q->n_combinations, *order = xcalloc((size_t)n, sizeof *order);
    in_order(order, n);
    rng_shuffle(r, 0, order, n);
    for (int i = 0; i < q->n_sites; i++)
        combination[i] = order[i % n];
    rng_shuffle(r, 1, combination, q->n_sites);
    free(order);
}

static void randomised_blocks(const struct design_request *q, int *combination, int *block)
{
    struct rng r = rng_stream(q->seed, "design.randomised-blocks");
    int n = q->n_combinations, *order = xcalloc((size_t)n, sizeof *order);
    for (int first = 0, b = 0; first < q->n_sites; first += n, b++) {
        in_order(order, n);
        rng_shuffle(r, (uint64_t)b, order, n);
        for (int i = 0; i < n && first + i < q->n_sites; i++) {
            combination[first + i] = order[i];
            block[first + i] = b + 1;
        }
    }
    free(order);
}

/* --- by the pattern of the grid --------------------------------------------------------------------------
 */

static int most(const struct design_request *q, int (*of)(const struct design_place *))
{
    int n = 0;
    for (int i = 0; i < q->n_sites; i++)
        n = of(&q->place[i]) >= n ? of(&q->place[i]) + 1 : n;
    return n;
}

static int row_of(const struct design_place *p)
{
    return p->row;
}

static int column_of(const struct design_place *p)
{
    return p->column;
}

static int region_of(const struct design_place *p)
{
    return p->region;
}

static bool enough(const struct design_request *q, int n, const char *what, struct err *e)
{
    if (n >= q->n_combinations)
        return true;
    return err_set(e, ERR_INPUT, "the factors have %d combinations of levels, but the grid has only %d %s%s",
                   q->n_combinations, n, what, n == 1 ? "" : "s");
}

/* The same combination for all sites of a column, row or region; every run of as many as there are
 * combinations holds each once. */
static bool by(const struct design_request *q, int (*of)(const struct design_place *), const char *what,
               int *combination, struct err *e)
{
    struct rng r = rng_stream(q->seed, "design.by");
    int n = most(q, of), k = q->n_combinations;
    if (!enough(q, n, what, e))
        return false;
    int *order = xcalloc((size_t)k, sizeof *order), *dealt = xcalloc((size_t)n, sizeof *dealt);
    for (int first = 0; first < n; first += k) {
        in_order(order, k);
        if (q->shuffle)
            rng_shuffle(r, (uint64_t)first, order, k);
        for (int i = 0; i < k && first + i < n; i++)
            dealt[first + i] = order[i];
    }
    for (int i = 0; i < q->n_sites; i++)
        combination[i] = dealt[of(&q->place[i])];
    free(order);
    free(dealt);
    return true;
}

struct square {
    int n, number;
    int *row, *column, *symbol; /* permutations */
    struct rng r;
};

static void draw_square(struct square *s, int number)
{
    int *parts[] = {s->row, s->column, s->symbol};
    if (s->number == number)
        return;
    s->number = number;
    for (int k = 0; k < 3; k++) {
        in_order(parts[k], s->n);
        rng_shuffle(s->r, 3 * (uint64_t)number + (uint64_t)k, parts[k], s->n);
    }
}

static bool latin_square(const struct design_request *q, int *combination, int *block, struct err *e)
{
    int n = q->n_combinations, rows = most(q, row_of), columns = most(q, column_of);
    if (!enough(q, rows, "row", e) || !enough(q, columns, "column", e))
        return false;
    int down = (rows + n - 1) / n, across = (columns + n - 1) / n;
    int *parts = xcalloc(3 * (size_t)n, sizeof *parts);
    struct square s = {.n = n,
                       .number = -1,
                       .row = parts,
                       .column = parts + n,
                       .symbol = parts + 2 * n,
                       .r = rng_stream(q->seed, "design.latin-square")};
    for (int i = 0; i < q->n_sites; i++) {
        const struct design_place *p = &q->place[i];
        int number = (p->region * down + p->row / n) * across + p->column / n;
        draw_square(&s, number);
        combination[i] = s.symbol[(s.row[p->row % n] + s.column[p->column % n]) % n];
        block[i] = number + 1;
    }
    free(parts);
    return true;
}

bool design_assign(const struct design_request *q, int *combination, int *block, struct err *e)
{
    for (int i = 0; i < q->n_sites; i++)
        combination[i] = block[i] = 0;
    if (q->n_combinations < 1)
        return true;
    switch (q->design) {
    case DESIGN_NONE:
    case DESIGN_GRADIENT:
        return true;
    case DESIGN_FULL_FACTORIAL:
        full_factorial(q, combination, block);
        return true;
    case DESIGN_COMPLETELY_RANDOMISED:
        completely_randomised(q, combination);
        return true;
    case DESIGN_RANDOMISED_BLOCKS:
        randomised_blocks(q, combination, block);
        return true;
    case DESIGN_LATIN_SQUARE:
        return latin_square(q, combination, block, e);
    case DESIGN_BY_COLUMN:
        return by(q, column_of, "column", combination, e);
    case DESIGN_BY_ROW:
        return by(q, row_of, "row", combination, e);
    case DESIGN_BY_REGION:
        return by(q, region_of, "region", combination, e);
    }
    return true;
}
