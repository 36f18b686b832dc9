/* Writes plan, provenance and the exact bytes of all input files into a new results file. */
#include "cli/store_plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/shelf.h"
#include "sim/rig.h"

#define META_MAX 20

static void fill_sites(const struct plan *plan, struct results_site_plan *site, const char **text, double *si)
{
    const struct protocol *p = plan->protocol;
    int n = plan_places(plan);
    for (int k = 0; k < n; k++) {
        const struct plan_site *s = &plan->site[k];
        const char **t = text + (size_t)k * FACTOR_MAX;
        double *v = si + (size_t)k * FACTOR_MAX;
        for (int f = 0; f < p->n_factors; f++) {
            bool none = s->spare || s->control;
            t[f] = none ? "" : p->factor[f].text[s->level[f]];
            v[f] = none ? NAN : p->factor[f].si[s->level[f]];
        }
        site[k] = (struct results_site_plan){.site = s->site,
                                             .order = s->order,
                                             .x = s->x,
                                             .y = s->y,
                                             .region = s->region,
                                             .block = s->block,
                                             .spare = s->spare,
                                             .control = s->control,
                                             .level = t,
                                             .level_si = v};
    }
}

/* Most files of one kind that a plan is made from; lists of earlier runs' spots have no bound. */
#define POINTS_MAX 16

/* Absolute, and such that the names in a file lead from there to the others: where links are on the way it is
 * the name that was given, not where the file really lies. */
static char *lasting_name(const char *path)
{
    struct buf plain = {0};
    path_plain(path, &plain);
    char *real = realpath(path, NULL);
    bool straight = real && strcmp(real, plain.p) == 0;
    free(real);
    if (straight || path[0] == '/') {
        char *name = straight ? plain.p : xstrdup(path);
        if (!straight)
            buf_free(&plain);
        return name;
    }
    char here[PATH_MAX];
    buf_clear(&plain);
    buf_printf(&plain, "%s/%s", getcwd(here, sizeof here) ? here : ".", path);
    return plain.p;
}

static void add_input(struct store_inputs *l, const char *role, const struct source *s)
{
    if (!s)
        return;
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 32;
        l->in = xrealloc(l->in, (size_t)l->cap * sizeof *l->in);
        l->path = xrealloc(l->path, (size_t)l->cap * sizeof *l->path);
    }
    l->path[l->n] = lasting_name(s->path);
    l->in[l->n] = (struct results_input){role, l->path[l->n], s->bytes.p, s->bytes.n};
    l->n++;
}

void store_inputs_make(const struct protocol *p, struct store_inputs *l)
{
    static const char *const levels[FACTOR_MAX] = {"levels1", "levels2", "levels3", "levels4",
                                                   "levels5", "levels6", "levels7", "levels8"};
    const struct source *points[POINTS_MAX];
    int n_points = grid_sources(p->grid, points, POINTS_MAX);
    *l = (struct store_inputs){0};
    add_input(l, "protocol", p->source);
    add_input(l, "grid", p->grid_source);
    add_input(l, "rig", p->rig->source);
    for (int f = 0; f < p->n_factors; f++)
        add_input(l, levels[f], p->factor[f].source);
    for (int k = 0; k < n_points && k < POINTS_MAX; k++)
        add_input(l, "points", points[k]);
    for (int k = 0; k < p->n_includes; k++)
        add_input(l, "include", p->include[k].source);
    for (int k = 0; k < p->used.n_lists; k++)
        add_input(l, "avoid", p->used.list[k]);
    l->sample = sim_sample_source(p->rig->simulate, NULL);
    add_input(l, "sample", l->sample);
}

void store_inputs_free(struct store_inputs *l)
{
    for (int k = 0; k < l->n; k++)
        free(l->path[k]);
    free(l->path);
    free(l->in);
    source_free(l->sample);
}

/* {"formation.q_sei@1": [-6e-13, -5e-13], ...}, SI. */
static void accept_json(const struct control *c, struct buf *out)
{
    for (int k = 0; k < c->n_accept; k++) {
        char name[128];
        buf_str(out, k ? ", " : "{");
        buf_json_string(out, feature_ref_text(&c->accept[k].feature, name, sizeof name));
        buf_str(out, ": [");
        buf_json_number(out, c->accept[k].low);
        buf_str(out, ", ");
        buf_json_number(out, c->accept[k].high);
        buf_str(out, k + 1 < c->n_accept ? "]" : "]}");
    }
}

static int fill_meta(const struct protocol *p, const struct buf *accept, const char **key, const char **value,
                     char number[4][64])
{
    int n = 0;
    snprintf(number[0], 64, "%.9g", p->sei.step ? p->sei.window[0] : NAN);
    snprintf(number[1], 64, "%.9g", p->sei.step ? p->sei.window[1] : NAN);
    snprintf(number[2], 64, "%.9g", p->wet_check_potential);
    const struct {
        const char *key, *value;
    } all[] = {
        {"name", p->name},
        {"sample", p->sample_name},
        {"sample_note", p->sample_note},
        {"electrolyte", p->electrolyte},
        {"operator", p->operator_name},
        {"probe", p->probe_id},
        {"analysis_sei_step", p->sei.step},
        {"analysis_sei_low", p->sei.step ? number[0] : NULL},
        {"analysis_sei_high", p->sei.step ? number[1] : NULL},
        {"control_patch", p->controls.patch},
        {"control_accept", accept->n ? accept->p : NULL},
        {"analysis_wetting_potential", isnan(p->wet_check_potential) ? NULL : number[2]},
    };
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (!all[k].value)
            continue;
        key[n] = all[k].key;
        value[n++] = all[k].value;
    }
    return n;
}

/* Unique without asking for more than time, process and inputs; the same again in virtual time. */
static void make_run_id(const struct plan *plan, const struct bench *b, const char *utc, char *id, size_t n)
{
    bool reproducible = loop_mode(b->loop) == LOOP_VIRTUAL;
    struct rng r = rng_stream(plan->seed, utc);
    uint64_t tail = rng_u64(r, reproducible ? 0 : (uint64_t)getpid(), (uint64_t)plan->n_sites, 0);
    snprintf(id, n, "%.10s-%08x", utc, (unsigned)(tail & 0xffffffffu));
}

struct results *store_plan_create(const char *path, const struct plan *plan, const struct bench *b,
                                  struct err *e)
{
    static const char *const mode[] = {"real", "scaled", "virtual"};
    const struct protocol *p = plan->protocol;
    size_t n = (size_t)plan_places(plan);
    struct results_site_plan *site = xcalloc(n, sizeof *site);
    const char **text = xcalloc(n * FACTOR_MAX, sizeof *text);
    double *si = xcalloc(n * FACTOR_MAX, sizeof *si);
    const char *meta_key[META_MAX], *meta_value[META_MAX], *factor[FACTOR_MAX];
    int factor_dim[FACTOR_MAX];
    char number[4][64], utc[32], id[64];
    struct store_inputs inputs = {0};
    struct buf accept = {0};
    fill_sites(plan, site, text, si);
    store_inputs_make(p, &inputs);
    accept_json(&p->controls, &accept);
    for (int f = 0; f < p->n_factors; f++) {
        factor[f] = p->factor[f].name;
        factor_dim[f] = (int)p->factor[f].dim;
    }
    loop_utc(b->loop, utc);
    make_run_id(plan, b, utc, id, sizeof id);
    struct results_plan r = {
        .run_id = id,
        .program = "seccm " SECCM_VERSION,
        .utc = utc,
        .seed = plan->seed,
        .mode = mode[loop_mode(b->loop)],
        .offset = p->offset,
        .offset_uncertainty = p->offset_uncertainty,
        .reference = p->reference ? p->reference : "",
        .potential_sign = p->rig->potential_sign,
        .current_sign = p->rig->current_sign,
        .aperture = p->aperture,
        .wetted = p->wetted,
        .wetted_uncertainty = p->wetted_uncertainty,
        .stage_id = b->rig->stage_id,
        .pstat_id = b->rig->pstat_id,
        .meta_key = meta_key,
        .meta_value = meta_value,
        .n_meta = fill_meta(p, &accept, meta_key, meta_value, number),
        .factor = factor,
        .factor_dim = factor_dim,
        .n_factors = p->n_factors,
        .site = site,
        .n_sites = (int)n,
        .input = inputs.in,
        .n_inputs = inputs.n,
    };
    struct results *out = results_create(path, &r, plan->bytes, e);
    free(site);
    free(text);
    free(si);
    store_inputs_free(&inputs);
    buf_free(&accept);
    return out;
}
