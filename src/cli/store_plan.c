/* Writes plan, provenance and the exact bytes of all input files into a new results file. */
#include "cli/store_plan.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng.h"

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

/* File with the levels of factor `f`, NULL if they stand in the protocol. */
static const struct source *level_of(const struct protocol *p, int f)
{
    return f < p->n_factors ? p->factor[f].source : NULL;
}

int store_plan_inputs(const struct protocol *p, struct results_input *in, char (*paths)[PATH_MAX])
{
    struct {
        const char *role;
        const struct source *source;
    } all[STORE_PLAN_INPUTS] = {
        {"protocol", p->source},     {"grid", p->grid_source},    {"rig", p->rig->source},
        {"levels1", level_of(p, 0)}, {"levels2", level_of(p, 1)}, {"levels3", level_of(p, 2)},
        {"levels4", level_of(p, 3)}, {"levels5", level_of(p, 4)}, {"levels6", level_of(p, 5)},
        {"levels7", level_of(p, 6)}, {"levels8", level_of(p, 7)}};
    const struct source *points[STORE_PLAN_POINTS];
    int n = 0, n_points = grid_sources(p->grid, points, STORE_PLAN_POINTS);
    for (int k = 0; k < n_points && k < STORE_PLAN_POINTS; k++) {
        all[STORE_PLAN_FIXED + k].role = "points";
        all[STORE_PLAN_FIXED + k].source = points[k];
    }
    for (int k = 0; k < p->n_includes; k++) {
        all[STORE_PLAN_FIXED + STORE_PLAN_POINTS + k].role = "include";
        all[STORE_PLAN_FIXED + STORE_PLAN_POINTS + k].source = p->include[k].source;
    }
    for (int k = 0; k < STORE_PLAN_INPUTS; k++) {
        if (!all[k].source)
            continue;
        if (!realpath(all[k].source->path, paths[n]))
            snprintf(paths[n], PATH_MAX, "%s", all[k].source->path);
        in[n] = (struct results_input){all[k].role, paths[n], all[k].source->bytes.p, all[k].source->bytes.n};
        n++;
    }
    return n;
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
    char(*paths)[PATH_MAX] = xcalloc(STORE_PLAN_INPUTS, PATH_MAX);
    const char *meta_key[META_MAX], *meta_value[META_MAX], *factor[FACTOR_MAX];
    int factor_dim[FACTOR_MAX];
    char number[4][64], utc[32], id[64];
    struct results_input input[STORE_PLAN_INPUTS];
    struct buf accept = {0};
    fill_sites(plan, site, text, si);
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
        .input = input,
        .n_inputs = store_plan_inputs(p, input, paths),
    };
    struct results *out = results_create(path, &r, plan->bytes, e);
    free(site);
    free(text);
    free(si);
    free(paths);
    buf_free(&accept);
    return out;
}
