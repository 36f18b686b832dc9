/* Features of a site. */
#include "analysis/site_features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/area.h"
#include "analysis/flatjson.h"
#include "analysis/sei_features.h"
#include "analysis/step_features.h"
#include "results/probe.h"

void analysis_settings_default(struct analysis_settings *s)
{
    *s = (struct analysis_settings){
        .sei_window = {NAN, NAN},
        .wet_potential = 2.8,
        .wet_half_width = 0.2,
        .smoothing = 0.05,
        .onset_density = 10,
        .baseline_red = {NAN, NAN},
        .baseline_ox = {NAN, NAN},
        .aperture = NAN,
        .wetted = NAN,
        .wetted_uncertainty = NAN,
        .flagged_most = 0.01,
    };
}

void analysis_settings_probe(struct analysis_settings *s, struct results *r)
{
    results_info_double(r, "aperture", &s->aperture);
    results_info_double(r, "wetted", &s->wetted);
    results_info_double(r, "wetted_uncertainty", &s->wetted_uncertainty);
}

struct blank site_blank(const struct results_attempt *a)
{
    struct blank b = {.given = isfinite(a->blank_capacitance) && isfinite(a->blank_offset) &&
                               isfinite(a->blank_conductance) && isfinite(a->blank_bias)};
    if (!b.given)
        return b;
    b.bias = a->blank_bias;
    b.offset = a->blank_offset;
    b.leak = a->blank_conductance;
    b.capacitance = a->blank_capacitance;
    b.noise = a->noise_rms;
    const double sd[3] = {a->blank_offset_sd, a->blank_conductance_sd, a->blank_capacitance_sd};
    for (int k = 0; k < 3; k++)
        b.cov[k][k] = isfinite(sd[k]) ? sd[k] * sd[k] : 0;
    return b;
}

static struct area_ends ends_of(const struct results_attempt *a)
{
    return (struct area_ends){a->contact_capacitance, a->contact_capacitance_sd, a->rest_capacitance,
                              a->rest_capacitance_sd};
}

static void site_value(struct features *out, const struct results_attempt *a, const char *name, double value,
                       double sd)
{
    struct feature_place p = {.site = a->site, .attempt = a->id};
    if (isfinite(value)) {
        features_value(out, &p, name, value, sd, NULL);
        return;
    }
    char reason[96];
    snprintf(reason, sizeof reason, "not recorded (outcome %s)",
             a->outcome == OUTCOME_NONE ? "unknown" : outcome_name(a->outcome));
    features_missing(out, &p, name, reason);
}

static void growth_row(const struct results_attempt *a, struct features *out)
{
    struct area_ends ends = ends_of(a);
    if (isfinite(ends.contact) && isfinite(ends.rest) && !area_ends_known(&ends)) {
        struct feature_place p = {.site = a->site, .attempt = a->id};
        features_missing(out, &p, "wetted_growth",
                         ends.rest < ends.contact
                             ? "the capacitance falls, or is not above 5 x its uncertainty"
                             : "a capacitance is not above 5 x its uncertainty");
        return;
    }
    double growth = ends.rest / ends.contact;
    site_value(out, a, "wetted_growth", growth,
               fabs(growth) * hypot(ends.contact_sd / ends.contact, ends.rest_sd / ends.rest));
}

static void site_rows(const struct results_attempt *a, const struct analysis_settings *s,
                      struct features *out)
{
    site_value(out, a, "contact_z", a->contact_z, NAN);
    site_value(out, a, "contact_current", a->contact_current, a->noise_rms);
    site_value(out, a, "contact_charge", a->contact_charge, NAN);
    site_value(out, a, "contact_capacitance", a->contact_capacitance, a->contact_capacitance_sd);
    site_value(out, a, "rest_capacitance", a->rest_capacitance, a->rest_capacitance_sd);
    growth_row(a, out);
    site_value(out, a, "break_distance", a->break_distance, NAN);
    site_value(out, a, "noise_rms", a->noise_rms, NAN);
    site_value(out, a, "blank_capacitance", a->blank_capacitance, a->blank_capacitance_sd);
    site_value(out, a, "blank_conductance", a->blank_conductance, a->blank_conductance_sd);
    site_value(out, a, "blank_offset", a->blank_offset, a->blank_offset_sd);
    double sd = NAN, area = isfinite(a->contact_z) ? declared_area(s, &sd) : NAN;
    if (isfinite(a->contact_z) && !isfinite(area)) {
        struct feature_place p = {.site = a->site, .attempt = a->id};
        features_missing(out, &p, "wetted_area", "aperture or wetted ratio not declared");
    } else {
        site_value(out, a, "wetted_area", area, sd);
    }
}

static bool in_contact(const char *phase)
{
    static const char *const names[] = {"step",   "gate",    "settle",  "probe",
                                        "decide", "confirm", "landing", "judge"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(phase, names[k]) == 0)
            return true;
    return false;
}

/* Times within a step of which there is one value belong to the pass, if the step is played several times. */
static int first_cycle(const struct results_step *step)
{
    double cycle = flatjson_or(step->settings, "first_cycle", 0);
    return cycle >= 1 && cycle <= 1e6 ? (int)cycle : 0;
}

static void step_rows(const struct step_input *in, struct sei_series *series, struct features *out)
{
    static const struct {
        const char *kind;
        void (*fn)(const struct step_input *in, struct features *out);
    } kinds[] = {
        {"lsv", lsv_features},   {"galvanostatic", galvano_features}, {"ocp", ocp_features},
        {"hold", hold_features}, {"pulse", pulse_features},           {"rest", rest_features},
    };
    const char *kind = in->step->kind;
    if (strcmp(kind, "cv") == 0)
        cv_features(in, series, out);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (strcmp(kind, kinds[k].kind) == 0)
            kinds[k].fn(in, out);
}

/* What goes over the cycles of the steps of one name. */
struct named_series {
    const char *name;
    struct sei_series *series;
};

/* An attempt while its steps go by. */
struct walk {
    const struct results_attempt *attempt;
    const struct analysis_settings *settings;
    const struct trace_wiring *wiring;
    struct blank blank;
    struct area_ends ends;
    double e_before;          /* V: last potential of the step before, NAN = none */
    const char *before;       /* its name */
    struct trace_range range; /* at the end of the step before */
    const char *only;         /* see struct feature_attempt */
    struct named_series *named;
    int n_named;
    struct features *out;
};

static struct walk walk_start(const struct results_attempt *a, const struct analysis_settings *s,
                              const struct trace_wiring *w, struct features *out)
{
    return (struct walk){.attempt = a,
                         .settings = s,
                         .wiring = w,
                         .blank = site_blank(a),
                         .ends = ends_of(a),
                         .e_before = NAN,
                         .before = "",
                         .range = {-1, 0},
                         .out = out};
}

static void walk_end(struct walk *w)
{
    for (int k = 0; k < w->n_named; k++)
        sei_series_free(w->named[k].series);
    free(w->named);
}

static struct sei_series *series_of(struct walk *w, const char *name)
{
    for (int k = 0; k < w->n_named; k++)
        if (strcmp(w->named[k].name, name) == 0)
            return w->named[k].series;
    w->named = xrealloc(w->named, (size_t)(w->n_named + 1) * sizeof *w->named);
    w->named[w->n_named] = (struct named_series){name, sei_series_new()};
    return w->named[w->n_named++].series;
}

static void technique(struct walk *w, const struct step_input *in, bool last)
{
    bool cv = strcmp(in->step->kind, "cv") == 0;
    struct sei_series *series = cv ? series_of(w, in->step->name) : NULL;
    step_rows(in, series, w->out);
    if (last)
        sei_series_write(series, &w->blank, &w->ends, w->out);
}

/* The rows may be freed after it; the step stays until walk_end(). `last`: no other step of this name
 * follows. */
static void walk_step(struct walk *w, const struct results_step *step, const struct wave_row *rows, int n,
                      bool last)
{
    struct trace trace;
    trace_decode(rows, n, w->wiring, flatjson_or(step->settings, "interval", 0), &trace);
    trace_ranges(rows, n, &w->range, &trace);
    struct step_input in = {
        .step = step,
        .trace = &trace,
        .blank = &w->blank,
        .ends = &w->ends,
        .settings = w->settings,
        .place = {w->attempt->site, w->attempt->id, step->id, step->name, first_cycle(step)},
        .e_before = w->e_before,
        .before = w->before,
    };
    bool technique_step = strcmp(step->phase, "step") == 0 || strcmp(step->phase, "landing") == 0;
    if (technique_step && (!w->only || strcmp(w->only, step->name) == 0))
        technique(w, &in, last);
    if (trace.n > 0) {
        w->e_before = trace.e[trace.n - 1];
        w->before = step->name;
    }
    trace_free(&trace);
}

static bool same_step(const struct results_step *a, const struct results_step *b)
{
    return strcmp(a->name, b->name) == 0 && strcmp(a->phase, b->phase) == 0;
}

static bool is_last(const struct feature_attempt *a, int k)
{
    for (int j = k + 1; j < a->n_steps; j++)
        if (same_step(a->step[j].step, a->step[k].step))
            return false;
    return true;
}

void features_of_attempt(const struct feature_attempt *a, const struct analysis_settings *s,
                         struct features *out)
{
    struct walk w = walk_start(a->attempt, s, &a->wiring, out);
    w.only = a->only;
    if (!a->only || !*a->only)
        site_rows(a->attempt, s, out);
    for (int k = 0; k < a->n_steps; k++)
        if (in_contact(a->step[k].step->phase))
            walk_step(&w, a->step[k].step, a->step[k].rows, a->step[k].n, is_last(a, k));
        else
            trace_ranges(a->step[k].rows, a->step[k].n, &w.range, NULL);
    walk_end(&w);
}

/* --- a whole file --- */

/* One step in memory at a time. */
static bool load_attempt(struct results *r, const struct results_attempt *attempt,
                         const struct analysis_settings *s, const struct trace_wiring *wiring,
                         struct features *out, struct err *e)
{
    struct results_step *step = NULL;
    int n_steps = 0;
    if (!results_steps(r, attempt->id, &step, &n_steps, e))
        return false;
    struct walk w = walk_start(attempt, s, wiring, out);
    site_rows(attempt, s, out);
    bool ok = true;
    for (int k = 0; k < n_steps && ok; k++) {
        struct wave_row *rows = NULL;
        int n = 0;
        if (!in_contact(step[k].phase))
            continue;
        ok = results_rows(r, step[k].id, &rows, &n, e);
        bool last = true;
        for (int j = k + 1; j < n_steps && last; j++)
            last = !same_step(&step[j], &step[k]);
        if (ok)
            walk_step(&w, &step[k], rows, n, last);
        free(rows);
    }
    walk_end(&w);
    free(step);
    return ok;
}

static bool wiring_of(struct results *r, struct trace_wiring *w, struct err *e)
{
    double potential = 0, current = 0;
    if (!results_info_double(r, "potential_sign", &potential) ||
        !results_info_double(r, "current_sign", &current) || !results_info_double(r, "offset", &w->offset))
        return err_set(e, ERR_INPUT,
                       "%s: the wiring (potential_sign, current_sign, offset) is not in the file",
                       results_path(r));
    w->potential_sign = potential < 0 ? -1 : 1;
    w->current_sign = current < 0 ? -1 : 1;
    return true;
}

struct probes {
    struct probe list[PROBES_MAX];
    int n;
};

/* Another probe may be wider. */
static struct analysis_settings settings_at(const struct analysis_settings *s, const struct probe *p)
{
    struct analysis_settings of = *s;
    if (p->number > 1 && isfinite(p->aperture))
        of.aperture = p->aperture;
    return of;
}

/* The features of a site's last attempt, if it has one. */
static bool load_site(struct results *r, const struct results_site *site, const struct analysis_settings *all,
                      const struct probes *probes, const struct trace_wiring *w, struct features *out,
                      struct err *e)
{
    if (site->last_attempt == 0)
        return true;
    const struct analysis_settings of =
        settings_at(all, probe_of(probes->list, probes->n, site->last_attempt));
    struct results_attempt *a;
    int count = results_attempts_all(r, site->site, &a, e);
    bool ok = count >= 0;
    for (int j = 0; j < count && ok; j++)
        if (a[j].id == site->last_attempt)
            ok = load_attempt(r, &a[j], &of, w, out, e) || err_context(e, "site %d", site->site);
    free(a);
    return ok;
}

bool features_compute(struct results *r, const struct analysis_settings *s, features_take *take, void *ctx,
                      struct err *e)
{
    struct trace_wiring w = {0};
    struct results_sites sites = {0};
    if (!wiring_of(r, &w, e) || !results_sites(r, &sites, e))
        return false;
    struct features list = {0};
    struct probes *probes = xcalloc(1, sizeof *probes);
    bool ok = (probes->n = probes_read(r, probes->list, e)) > 0;
    for (int k = 0; k < sites.n && ok; k++) {
        list.n = 0;
        ok = load_site(r, &sites.site[k], s, probes, &w, &list, e) &&
             (list.n == 0 || take(ctx, list.row, list.n, e));
    }
    free(probes);
    features_free(&list);
    results_sites_free(&sites);
    return ok;
}

static bool add_to(void *ctx, const struct results_feature *f, int n, struct err *e)
{
    return results_features_add(ctx, f, n, e);
}

bool features_recompute(struct results *r, const struct analysis_settings *s, struct err *e)
{
    return results_features_begin(r, e) && results_features_end(r, features_compute(r, s, add_to, r, e), e);
}
