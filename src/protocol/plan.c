/* The plan: sites, levels and checked limits.
 *
 * The plan holds numbers only; what a level means for a step is computed on demand by plan_step(), the one
 * place where
 * `$name` becomes a value. */
#include "protocol/plan.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/design.h"
#include "protocol/duration.h"
#include "protocol/factor.h"

double plan_value(const struct plan *p, const int level[FACTOR_MAX], const struct value *v)
{
    if (!v->factor[0])
        return v->si;
    int i = factor_find(p->protocol, v->factor);
    return i < 0 || level[i] < 0 ? NAN : p->protocol->factor[i].si[level[i]];
}

static double interval_of(const struct step_now *s, double sample)
{
    return s->step->kind == STEP_CV ? s->e_step / s->rate : sample;
}

void plan_step(const struct plan *p, const int level[FACTOR_MAX], int step, struct step_now *out)
{
    const struct step *s = &p->protocol->step[step];
    *out = (struct step_now){.step = s, .vertex = {NAN, NAN}, .n_until = s->n_until};
    out->potential = plan_value(p, level, &s->potential);
    out->duration = plan_value(p, level, &s->duration);
    out->start = plan_value(p, level, &s->start);
    out->rate = plan_value(p, level, &s->rate);
    out->e_step = plan_value(p, level, &s->step);
    out->current = plan_value(p, level, &s->current);
    for (int i = 0; i < s->vertices.n && i < 2; i++)
        out->vertex[i] = plan_value(p, level, &s->vertices.v[i]);
    for (int i = 0; i < s->n_until; i++)
        out->until[i] = (struct until){s->until[i].what, plan_value(p, level, &s->until[i].value)};
    out->interval = interval_of(out, plan_value(p, level, &s->interval));
}

static bool place_sites(struct plan *p, struct diags *d)
{
    const struct protocol *q = p->protocol;
    if (!grid_place(q->grid, p->seed, q->used.spot, q->used.n, &p->layout, d))
        return false;
    p->site = xcalloc((size_t)p->layout.n, sizeof *p->site);
    for (int i = 0; i < p->layout.n; i++) {
        const struct grid_point *at = &p->layout.point[i];
        struct plan_site *s = &p->site[i];
        *s = (struct plan_site){.site = i + 1,
                                .order = i + 1,
                                .x = at->x,
                                .y = at->y,
                                .spare = at->spare,
                                .region = at->region,
                                .pattern = at->pattern,
                                .entry = at->entry};
        for (int f = 0; f < FACTOR_MAX; f++)
            s->level[f] = s->spare && f < p->protocol->n_factors ? -1 : 0;
        *(s->spare ? &p->n_spares : &p->n_sites) += 1;
    }
    return true;
}

static void assign_levels(struct plan *p, int n_combinations)
{
    int *combination = xcalloc((size_t)p->n_sites, sizeof *combination);
    int *block = xcalloc((size_t)p->n_sites, sizeof *block);
    design_assign((enum design)p->protocol->design, p->seed, p->n_sites, n_combinations, combination, block);
    for (int i = 0; i < p->n_sites; i++) {
        factor_levels(p->protocol, combination[i], p->site[i].level);
        p->site[i].block = block[i];
    }
    free(combination);
    free(block);
}

static bool check_design(const struct protocol *p, int n_sites, struct diags *d)
{
    int64_t n = factor_combinations(p);
    for (int i = 0; i < p->n_factors; i++)
        if (p->factor[i].n == 1)
            diags_warning(d, p->factor[i].mark, "factor `%s` has one level: nothing is varied by it",
                          p->factor[i].name);
    if (n <= n_sites)
        return true;
    diags_error(d, protocol_mark(p, "vary.factors"),
                "the factors have %s%lld combinations of levels, but the grid has only %d sites",
                n > GRID_SITES_MAX ? "more than " : "", (long long)(n > GRID_SITES_MAX ? GRID_SITES_MAX : n),
                n_sites);
    return false;
}

static void check_stop(const struct plan *p, struct diags *d)
{
    double after = p->protocol->stop_after, total = p->seconds.total;
    if (total > after)
        diags_warning(d, protocol_mark(p->protocol, "stop.after"),
                      "the grid takes about %s; after %s about %d of %d sites will be done",
                      show(60 * ceil(total / 60), DIM_TIME), show(after, DIM_TIME),
                      (int)(p->n_sites * after / total), p->n_sites);
}

struct plan *plan_make(const struct protocol *p, struct diags *d)
{
    int before = diags_errors(d);
    struct plan *plan = xcalloc(1, sizeof *plan);
    plan->protocol = p;
    plan->seed = (uint64_t)p->seed;
    bool placed = place_sites(plan, d);
    struct check c = {.p = p, .plan = plan, .d = d, .n_combinations = (int)factor_combinations(p)};
    if (placed && check_design(p, plan->n_sites, d)) {
        assign_levels(plan, c.n_combinations);
        check_plan(&c);
    }
    if (diags_errors(d) == before) {
        duration_estimate(plan);
        check_stop(plan, d);
        return plan;
    }
    plan_free(plan);
    return NULL;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    free(p->site);
    grid_layout_free(&p->layout);
    free(p);
}
