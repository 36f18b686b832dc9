/* The plan: sites, levels and checked limits.
 *
 * The plan holds numbers only; what a level means for a step is computed on demand by plan_step(), and
 * plan_value() is the one place where `$name` becomes a value. */
#include "protocol/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/control.h"
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

void plan_approach(const struct plan *p, const int level[FACTOR_MAX], struct approach_now *out)
{
    const struct approach *a = &p->protocol->approach;
    *out = (struct approach_now){
        .bias = plan_value(p, level, &a->bias),
        .speed = plan_value(p, level, &a->speed),
        .leash = plan_value(p, level, &a->leash),
        .travel = plan_value(p, level, &a->travel),
        .interval = plan_value(p, level, &a->interval),
        .threshold = plan_value(p, level, &a->threshold),
        .sigmas = plan_value(p, level, &a->sigmas),
        .confirm = plan_value(p, level, &a->confirm),
        .ceiling = plan_value(p, level, &a->ceiling),
        .contact_kind = a->contact_kind,
    };
}

void plan_retract(const struct plan *p, const int level[FACTOR_MAX], struct retract_now *out)
{
    const struct retract *t = &p->protocol->retract;
    *out = (struct retract_now){
        .bias = plan_value(p, level, &t->bias),
        .detach = plan_value(p, level, &t->detach),
        .then = plan_value(p, level, &t->then),
        .travel = plan_value(p, level, &t->travel),
    };
}

int plan_places(const struct plan *p)
{
    return p->n_sites + p->n_spares + p->n_controls;
}

const char *plan_role(const struct plan_site *s)
{
    return s->control ? "control" : s->spare ? "spare" : "measured";
}

/* Sites in visiting order; *place: where each planned one lies in the pattern, the caller's to free. */
static bool place_sites(struct plan *p, struct design_place **place, struct diags *d)
{
    const struct protocol *q = p->protocol;
    *place = NULL;
    if (!grid_place(q->grid, p->seed, q->used.spot, q->used.n, &p->layout, d))
        return false;
    p->n_controls = control_set_aside(q, &p->layout);
    int first_control = p->layout.n - p->n_controls;
    p->site = xcalloc((size_t)p->layout.n, sizeof *p->site);
    *place = xcalloc((size_t)p->layout.n, sizeof **place);
    for (int i = 0; i < p->layout.n; i++) {
        const struct grid_point *at = &p->layout.point[i];
        struct plan_site *s = &p->site[i];
        *s = (struct plan_site){.site = i + 1,
                                .order = i + 1,
                                .x = at->x,
                                .y = at->y,
                                .control = i >= first_control,
                                .spare = at->spare && i < first_control,
                                .region = at->region,
                                .pattern = at->pattern,
                                .entry = at->entry,
                                .combination = -1};
        int region = at->pattern - (p->n_controls && at->pattern > q->controls.region);
        (*place)[i] = (struct design_place){at->row, at->column, region};
        for (int f = 0; f < FACTOR_MAX; f++)
            s->level[f] = (s->spare || s->control) && f < p->protocol->n_factors ? -1 : 0;
        p->n_spares += s->spare;
        p->n_sites += !s->spare && !s->control;
    }
    if (p->n_sites == 0)
        diags_error(d, protocol_mark(q, "control.patch"),
                    "no site is left beside the patch `%s`: its places are spots for controls only",
                    q->controls.patch);
    return p->n_sites > 0;
}

/* Levels that do not depend on the design: from a file or a gradient. */
static bool assign_fixed(struct plan *p, struct diags *d)
{
    bool ok = true;
    for (int f = 0; f < p->protocol->n_factors; f++) {
        const struct factor *a = &p->protocol->factor[f];
        for (int i = 0; a->of_site && i < p->n_sites; i++) {
            int level = i < a->n_of_site ? a->of_site[i] : -1;
            p->site[i].level[f] = level;
            if (level >= 0)
                continue;
            diags_error(d, a->mark, "factor `%s`: %s%s%s no value for site %d of %d", a->name,
                        a->source ? "`" : "the points of the grid have", a->source ? a->source->path : "",
                        a->source ? "` has" : "", i + 1, p->n_sites);
            ok = false;
            break;
        }
        if (a->source && a->n_of_site > p->n_sites)
            diags_warning(
                d, a->mark,
                "factor `%s`: `%s` has values for %d sites, but the grid has %d: the rest is not used",
                a->name, a->source->path, a->n_of_site, p->n_sites);
    }
    return ok;
}

static bool assign_levels(struct plan *p, const struct design_place *place, struct diags *d)
{
    const struct protocol *q = p->protocol;
    struct err e = ERR_INIT;
    int *combination = xcalloc((size_t)p->n_sites, sizeof *combination);
    int *block = xcalloc((size_t)p->n_sites, sizeof *block);
    const struct design_request request = {.design = (enum design)q->design,
                                           .seed = p->seed,
                                           .shuffle = q->shuffle,
                                           .n_sites = p->n_sites,
                                           .n_combinations = (int)factor_combinations(q),
                                           .place = place};
    bool ok = design_assign(&request, combination, block, &e);
    if (!ok)
        diags_error(d, protocol_mark(q, "vary.factors"), "%s", e.text);
    for (int i = 0; ok && i < p->n_sites; i++) {
        factor_levels(q, combination[i], p->site[i].level);
        p->site[i].block = q->n_groups ? block[i] : 0;
    }
    free(combination);
    free(block);
    return ok && assign_fixed(p, d);
}

static int by_level(const void *a, const void *b)
{
    const struct plan_site *const *s = a, *const *t = b;
    for (int f = 0; f < FACTOR_MAX; f++)
        if ((*s)->level[f] != (*t)->level[f])
            return (*s)->level[f] < (*t)->level[f] ? -1 : 1;
    return (*s)->site - (*t)->site;
}

static void collect_combinations(struct plan *p)
{
    struct plan_site **site = xcalloc((size_t)p->n_sites, sizeof *site);
    p->combination = xcalloc((size_t)p->n_sites, sizeof *p->combination);
    for (int i = 0; i < p->n_sites; i++)
        site[i] = &p->site[i];
    qsort(site, (size_t)p->n_sites, sizeof *site, by_level);
    for (int i = 0; i < p->n_sites; i++) {
        struct plan_combination *last = &p->combination[p->n_combinations - (p->n_combinations > 0)];
        if (i == 0 || memcmp(last->level, site[i]->level, sizeof last->level) != 0) {
            last = &p->combination[p->n_combinations++];
            memcpy(last->level, site[i]->level, sizeof last->level);
        }
        last->sites++;
        site[i]->combination = p->n_combinations - 1;
    }
    free(site);
}

static bool enough_sites(const struct protocol *p, int n_sites, struct diags *d)
{
    int64_t n = factor_combinations(p);
    if (n <= n_sites)
        return true;
    diags_error(d, protocol_mark(p, "vary.factors"),
                "the factors have %s%lld combinations of levels, but the grid has only %d sites",
                n > GRID_SITES_MAX ? "more than " : "", (long long)(n > GRID_SITES_MAX ? GRID_SITES_MAX : n),
                n_sites);
    return false;
}

struct plan *plan_make(const struct protocol *p, struct diags *d)
{
    int before = diags_errors(d);
    struct plan *plan = xcalloc(1, sizeof *plan);
    struct design_place *place;
    plan->protocol = p;
    plan->seed = (uint64_t)p->seed;
    struct check c = {.p = p, .plan = plan, .d = d};
    if (place_sites(plan, &place, d) && enough_sites(p, plan->n_sites, d) && assign_levels(plan, place, d)) {
        collect_combinations(plan);
        check_plan(&c);
    }
    free(place);
    if (diags_errors(d) == before) {
        duration_estimate(plan);
        control_schedule(plan);
        control_check_spots(plan, d);
        check_stop_time(plan, d);
        check_drift(plan, d);
    }
    if (diags_errors(d) == before)
        return plan;
    plan_free(plan);
    return NULL;
}

void plan_free(struct plan *p)
{
    if (!p)
        return;
    free(p->site);
    free(p->visit);
    free(p->combination);
    grid_layout_free(&p->layout);
    free(p);
}
