/* Features of a site. */
#include "analysis/site_features.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/flatjson.h"
#include "analysis/step_features.h"

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

static struct blank blank_of(const struct results_attempt *a)
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

static void site_rows(const struct results_attempt *a, const struct analysis_settings *s,
                      struct features *out)
{
    site_value(out, a, "contact_z", a->contact_z, NAN);
    site_value(out, a, "contact_current", a->contact_current, a->noise_rms);
    site_value(out, a, "contact_charge", a->contact_charge, NAN);
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
    static const char *const names[] = {"step", "settle", "probe", "decide", "confirm"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++)
        if (strcmp(phase, names[k]) == 0)
            return true;
    return false;
}

static void step_rows(const struct step_input *in, struct features *out)
{
    static const struct {
        const char *kind;
        void (*fn)(const struct step_input *in, struct features *out);
    } kinds[] = {
        {"cv", cv_features},
        {"galvanostatic", galvano_features},
        {"ocp", ocp_features},
        {"hold", hold_features},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
        if (strcmp(in->step->kind, kinds[k].kind) == 0)
            kinds[k].fn(in, out);
}

void features_of_attempt(const struct feature_attempt *a, const struct analysis_settings *s,
                         struct features *out)
{
    site_rows(a->attempt, s, out);
    struct blank blank = blank_of(a->attempt);
    double e_before = NAN;
    const char *before = "";
    for (int k = 0; k < a->n_steps; k++) {
        const struct feature_step *f = &a->step[k];
        if (!in_contact(f->step->phase))
            continue;
        struct trace trace;
        trace_decode(f->rows, f->n, &a->wiring, flatjson_or(f->step->settings, "interval", 0), &trace);
        struct step_input in = {
            .step = f->step,
            .trace = &trace,
            .blank = &blank,
            .settings = s,
            .place = {a->attempt->site, a->attempt->id, f->step->id, f->step->name, 0},
            .e_before = e_before,
            .before = before,
        };
        if (strcmp(f->step->phase, "step") == 0)
            step_rows(&in, out);
        if (trace.n > 0) {
            e_before = trace.e[trace.n - 1];
            before = f->step->name;
        }
        trace_free(&trace);
    }
}

/* --- a whole file --- */

static bool load_attempt(struct results *r, const struct results_attempt *attempt,
                         const struct analysis_settings *s, const struct trace_wiring *w,
                         struct features *out, struct err *e)
{
    struct results_step *step = NULL;
    int n = 0;
    if (!results_steps(r, attempt->id, &step, &n, e))
        return false;
    struct feature_step *f = xcalloc((size_t)(n > 0 ? n : 1), sizeof *f);
    bool ok = true;
    for (int k = 0; k < n && ok; k++) {
        f[k].step = &step[k];
        struct wave_row *rows = NULL;
        if (in_contact(step[k].phase))
            ok = results_rows(r, step[k].id, &rows, &f[k].n, e);
        f[k].rows = rows;
    }
    if (ok) {
        struct feature_attempt a = {.attempt = attempt, .step = f, .n_steps = n, .wiring = *w};
        features_of_attempt(&a, s, out);
    }
    for (int k = 0; k < n; k++)
        free((void *)f[k].rows);
    free(f);
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

#define ATTEMPTS_MAX 64

bool features_compute(struct results *r, const struct analysis_settings *s, struct results_feature **out,
                      int *n, struct err *e)
{
    struct trace_wiring w = {0};
    struct results_sites sites = {0};
    if (!wiring_of(r, &w, e) || !results_sites(r, &sites, e))
        return false;
    struct features list = {0};
    struct results_attempt *attempt = xcalloc(ATTEMPTS_MAX, sizeof *attempt);
    bool ok = true;
    for (int k = 0; k < sites.n && ok; k++) {
        if (sites.site[k].last_attempt == 0)
            continue;
        int count = results_attempts(r, sites.site[k].site, attempt, ATTEMPTS_MAX, e);
        ok = count >= 0;
        count = count > ATTEMPTS_MAX ? ATTEMPTS_MAX : count;
        for (int j = 0; j < count && ok; j++)
            if (attempt[j].id == sites.site[k].last_attempt)
                ok = load_attempt(r, &attempt[j], s, &w, &list, e) ||
                     err_context(e, "site %d", sites.site[k].site);
    }
    free(attempt);
    results_sites_free(&sites);
    if (!ok) {
        features_free(&list);
        return false;
    }
    *out = list.row;
    *n = list.n;
    return true;
}
