/* Levels that go with position, time or each other: an effect of one could be an effect of the other.
 *
 * What counts is the correlation of the level with x, y and the order of visits, and of the levels of two
 * factors that are not linked, against what a random assignment gives: t = r sqrt((n - 2) / (1 - r^2))
 * follows Student's t with n - 2 degrees of freedom (Fisher 1915), and a correlation that chance gives in one
 * assignment of a thousand or more is not spoken of. What the design is meant to do (a gradient along x) is
 * no warning either; the plan says it. */
#include "protocol/check.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/design.h"

#define CHANCE 0.001

struct column {
    double *v; /* n_sites */
    const char *name, *effect;
};

struct ranked {
    double si;
    int level;
};

static int by_number(const void *a, const void *b)
{
    const struct ranked *p = a, *q = b;
    return p->si < q->si ? -1 : p->si > q->si;
}

/* Place of each site's level when sorted by value: an outlying level must not hide the rest. Caller frees. */
static double *ranks_of(const struct plan *p, int f)
{
    const struct factor *a = &p->protocol->factor[f];
    struct ranked *sorted = xcalloc((size_t)a->n, sizeof *sorted);
    double *rank = xcalloc((size_t)a->n, sizeof *rank), *v = xcalloc((size_t)p->n_sites, sizeof *v);
    for (int k = 0; k < a->n; k++)
        sorted[k] = (struct ranked){a->si[k], k};
    qsort(sorted, (size_t)a->n, sizeof *sorted, by_number);
    for (int k = 0; k < a->n; k++)
        rank[sorted[k].level] = k;
    for (int i = 0; i < p->n_sites; i++)
        v[i] = rank[p->site[i].level[f]];
    free(sorted);
    free(rank);
    return v;
}

/* Pearson's; 0 if one of them does not vary. */
static double correlation(const double *x, const double *y, int n)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int i = 0; i < n; i++) {
        mx += x[i] / n;
        my += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

/* Largest correlation that chance gives in all but CHANCE of the assignments. */
static double by_chance(int n)
{
    double t = gsl_cdf_tdist_Qinv(CHANCE / 2, n - 2);
    return t / sqrt(n - 2 + t * t);
}

/* true if the pattern's rows run along x, as far as neighbours in the order of visits tell. */
static bool rows_along_x(const struct plan *p)
{
    double dx = 0, dy = 0;
    for (int i = 1; i < p->n_sites; i++) {
        dx += fabs(p->site[i].x - p->site[i - 1].x);
        dy += fabs(p->site[i].y - p->site[i - 1].y);
    }
    return dx >= dy;
}

/* Is factor `f` meant to go with x, y or order (`k` = 0, 1, 2)? */
static bool meant(const struct plan *plan, int f, int k)
{
    const struct protocol *p = plan->protocol;
    if (p->factor[f].source)
        return false;
    int across = rows_along_x(plan) ? 0 : 1;
    switch ((enum design)p->design) {
    case DESIGN_GRADIENT:
        return k == (p->along == ALONG_X ? 0 : p->along == ALONG_Y ? 1 : 2) || p->along == ALONG_SITE;
    case DESIGN_BY_COLUMN:
        return k == across;
    case DESIGN_BY_ROW:
        return k == 1 - across;
    case DESIGN_BY_REGION:
        return k < 2;
    default:
        return false;
    }
}

static void against_place(const struct check *c, int f, const double *level, const struct column place[3])
{
    const struct protocol *p = c->p;
    int n = c->plan->n_sites;
    double most = by_chance(n);
    for (int k = 0; k < 3; k++) {
        double r = meant(c->plan, f, k) ? 0 : correlation(level, place[k].v, n);
        if (fabs(r) <= most)
            continue;
        diags_warning(
            c->d, p->factor[f].mark,
            "the levels of `%s` %s with %s (correlation %.2f over %d sites; chance gives less than %.2f): "
            "an effect of `%s` can not be told from %s",
            p->factor[f].name, r > 0 ? "rise" : "fall", place[k].name, r, n, most, p->factor[f].name,
            place[k].effect);
        if (p->design == DESIGN_COMPLETELY_RANDOMISED)
            diags_hint(c->d, "another seed, or `design: randomised-blocks`, which spreads the levels evenly");
        else if (p->design >= DESIGN_BY_COLUMN && p->design <= DESIGN_BY_REGION && !p->shuffle)
            diags_hint(c->d, "`shuffle: yes` deals the levels in random order");
    }
}

static bool go_together(const struct protocol *p, int f, int g)
{
    const struct factor *a = &p->factor[f], *b = &p->factor[g];
    if (a->group >= 0 || b->group >= 0)
        return a->group == b->group;
    return !a->source && !b->source && !a->of_points && !b->of_points; /* of one gradient */
}

static void against_factor(const struct check *c, int f, int g, const double *a, const double *b)
{
    const struct protocol *p = c->p;
    int n = c->plan->n_sites;
    double r = correlation(a, b, n), most = by_chance(n);
    if (fabs(r) > most && !go_together(p, f, g))
        diags_warning(c->d, p->factor[g].mark,
                      "the levels of `%s` %s with those of `%s` (correlation %.2f over %d sites; chance "
                      "gives less than "
                      "%.2f): their effects can not be told apart",
                      p->factor[g].name, r > 0 ? "rise" : "fall", p->factor[f].name, r, n, most);
}

static void check_one_level(const struct check *c)
{
    const struct protocol *p = c->p;
    for (int i = 0; i < p->n_factors; i++)
        if (p->factor[i].n == 1)
            diags_warning(c->d, p->factor[i].mark, "factor `%s` has one level: nothing is varied by it",
                          p->factor[i].name);
}

static void check_unused(const struct check *c)
{
    const struct protocol *p = c->p;
    const struct ynode *vary = ynode_get(ytree_root(p->tree), "vary");
    if (ynode_get(vary, "along") && p->design != DESIGN_GRADIENT)
        diags_warning(c->d, protocol_mark(p, "vary.along"),
                      "`along` means nothing in the design %s: only a gradient has it",
                      design_name((enum design)p->design));
    if (p->shuffle && (p->design < DESIGN_BY_COLUMN || p->design > DESIGN_BY_REGION))
        diags_warning(
            c->d, protocol_mark(p, "vary.shuffle"),
            "`shuffle` means nothing in the design %s: only by-column, by-row and by-region have it",
            design_name((enum design)p->design));
}

void check_design(struct check *c)
{
    const struct plan *plan = c->plan;
    int n = plan->n_sites, factors = c->p->n_factors;
    check_one_level(c);
    check_unused(c);
    if (n < 4 || factors == 0)
        return;
    struct column place[3] = {{NULL, "x", "one of position"},
                              {NULL, "y", "one of position"},
                              {NULL, "the order of visits", "drift over the night"}};
    for (int k = 0; k < 3; k++) {
        place[k].v = xcalloc((size_t)n, sizeof *place[k].v);
        for (int i = 0; i < n; i++)
            place[k].v[i] = k == 0 ? plan->site[i].x : k == 1 ? plan->site[i].y : i;
    }
    double *level[FACTOR_MAX];
    for (int f = 0; f < factors; f++) {
        level[f] = ranks_of(plan, f);
        against_place(c, f, level[f], place);
        for (int g = 0; g < f; g++)
            against_factor(c, g, f, level[g], level[f]);
    }
    for (int f = 0; f < factors; f++)
        free(level[f]);
    for (int k = 0; k < 3; k++)
        free(place[k].v);
}
