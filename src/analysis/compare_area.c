/* Values to set a feature against when levels of a factor are compared. */
#include "analysis/compare_area.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/area.h"
#include "base/buf.h"

int companions_names(const char **names)
{
    static const char *const all[] = {"wetted_growth", "contact_capacitance", "rest_capacitance",
                                      "c_dl_pass"};
    int n = (int)(sizeof all / sizeof all[0]);
    for (int k = 0; k < n; k++)
        names[k] = all[k];
    return n;
}

/* Values of `other` at the sites of `s` (NAN where it has none). */
static void align(const struct selection *s, const struct selection *other, double *out)
{
    int j = 0;
    for (int k = 0; k < s->n; k++) {
        /* Both are in visiting order: one pass, but start over where the order of numbers is not monotone. */
        out[k] = NAN;
        for (int tried = 0; tried < other->n; tried++) {
            int at = (j + tried) % other->n;
            if (other->site[at] == s->site[k]) {
                out[k] = other->value[at];
                j = (at + 1) % other->n;
                break;
            }
        }
    }
}

static bool fetch(const struct compare_query *q, const struct selection *s, const char *name,
                  const char *step, int cycle, double *out, struct err *e)
{
    struct feature_ref ref = {.def = feature_find(name), .cycle = cycle};
    snprintf(ref.step, sizeof ref.step, "%s", step);
    struct selection other;
    if (!select_feature(q->sites, q->rows, q->n_rows, &ref, q->factor, q->unverified, &other, e))
        return false;
    align(s, &other, out);
    select_free(&other);
    return true;
}

/* The capacitances at both ends of the contact's use, for each site of the selection. */
struct ends {
    double *contact, *rest, *growth;
    bool enough;
};

/* A site without a growth has a capacitance that is missing or lost in its noise: it has none of the three.
 */
static bool fetch_ends(const struct compare_query *q, const struct selection *s, struct ends *out,
                       struct err *e)
{
    if (!fetch(q, s, "wetted_growth", "", 0, out->growth, e) ||
        !fetch(q, s, "contact_capacitance", "", 0, out->contact, e) ||
        !fetch(q, s, "rest_capacitance", "", 0, out->rest, e))
        return false;
    int *all = xcalloc(2 * (size_t)s->n_levels + 1, sizeof *all), *with = all + s->n_levels;
    for (int k = 0; k < s->n; k++) {
        bool there = isfinite(out->growth[k]);
        all[s->level[k]]++;
        with[s->level[k]] += there;
        if (!there)
            out->contact[k] = out->rest[k] = NAN;
    }
    out->enough = s->n > 0;
    for (int k = 0; k < s->n_levels; k++)
        out->enough = out->enough && 2 * with[k] >= all[k];
    free(all);
    return true;
}

/* Highest cycle in which any row of the file has c_dl_pass, and the step it belongs to. */
static int last_pass(const struct compare_query *q, char step[64])
{
    int cycle = 0;
    for (int k = 0; k < q->n_rows; k++)
        if (q->rows[k].cycle > cycle && strcmp(q->rows[k].name, "c_dl_pass") == 0) {
            cycle = q->rows[k].cycle;
            snprintf(step, 64, "%s", q->rows[k].step_name);
        }
    return cycle;
}

static void add_partner(struct companions *c, const char *name, const char *how)
{
    snprintf(c->partner_name[c->n_partners++], sizeof c->partner_name[0], "%s%s", name, how);
}

static void add_area(struct companions *c, const char *name, int cycle)
{
    char *text = c->area_name[c->n_areas++];
    if (cycle > 0)
        snprintf(text, sizeof c->area_name[0], "%s@%d", name, cycle);
    else
        snprintf(text, sizeof c->area_name[0], "%s", name);
}

/* Charge per area at both ends of the bracket of analysis/area.h. The first cycle, and a step that is no
 * voltammogram, meet an area between that at contact and that at the end. */
static bool partners_by_ends(const struct compare_query *q, const struct selection *s,
                             const struct feature_ref *ref, const struct ends *w, struct companions *c,
                             double *first, struct err *e)
{
    const char *name = ref->def->name;
    if (ref->cycle <= 1) {
        for (int k = 0; k < s->n; k++) {
            c->partner[0][k] = s->value[k] / w->contact[k];
            c->partner[1][k] = s->value[k] / w->rest[k];
            c->inner[k] = c->partner[0][k];
        }
        add_partner(c, name, " per contact_capacitance");
        add_partner(c, name, " per rest_capacitance");
        return true;
    }
    if (!fetch(q, s, name, s->step, 1, first, e))
        return false;
    for (int k = 0; k < s->n; k++) {
        const double charge[2] = {first[k], s->value[k]};
        double fresh[2], passivated[2];
        area_bound(charge, 2, w->growth[k], fresh, passivated);
        c->partner[0][k] = fresh[1] * first[k] / w->contact[k];
        c->partner[1][k] = passivated[1] * first[k] / w->contact[k];
        c->inner[k] = s->value[k] / w->contact[k];
    }
    add_partner(c, name, " per area, new area fresh");
    add_partner(c, name, " per area, new area passivated");
    return true;
}

/* The same from the series of the charge and of c_dl_pass over the cycles 1..k. */
static bool partners_by_pass(const struct compare_query *q, const struct selection *s,
                             const struct feature_ref *ref, struct companions *c, struct err *e)
{
    int n = ref->cycle;
    size_t room = (size_t)(s->n > 0 ? s->n : 1) * (size_t)n;
    double *charge = xcalloc(2 * room, sizeof *charge), *area = charge + room;
    double *one = xcalloc(4 * (size_t)n, sizeof *one), *series = one + n, *fresh = one + 2 * n,
           *passivated = one + 3 * n;
    bool ok = true;
    for (int j = 1; j <= n && ok; j++)
        ok = fetch(q, s, ref->def->name, s->step, j, charge + (j - 1) * s->n, e) &&
             fetch(q, s, "c_dl_pass", s->step, j, area + (j - 1) * s->n, e);
    for (int k = 0; k < s->n && ok; k++) {
        for (int j = 0; j < n; j++) {
            one[j] = charge[j * s->n + k];
            series[j] = area[j * s->n + k];
        }
        area_monotone(series, n);
        area_deconvolve(one, series, n, fresh);
        area_ratio(one, series, n, passivated);
        c->partner[0][k] = fresh[n - 1] * one[0] / series[0];
        c->partner[1][k] = passivated[n - 1] * one[0] / series[0];
        c->inner[k] = one[n - 1] / series[0];
    }
    free(charge);
    free(one);
    add_partner(c, ref->def->name, n > 1 ? " per c_dl_pass, new area fresh" : " per c_dl_pass");
    if (n > 1)
        add_partner(c, ref->def->name, " per c_dl_pass, new area passivated");
    return ok;
}

static bool areas_by_pass(const struct compare_query *q, const struct selection *s,
                          const struct feature_ref *ref, struct companions *c, struct err *e)
{
    bool cycle = ref->def->scope == FEATURE_CYCLE;
    char step[64] = "";
    int pass = cycle ? ref->cycle : last_pass(q, step);
    if (pass == 0)
        return true;
    if (!fetch(q, s, "c_dl_pass", cycle ? s->step : step, pass, c->area[0], e))
        return false;
    add_area(c, "c_dl_pass", pass);
    if (!ref->def->extensive)
        return true;
    if (cycle)
        return partners_by_pass(q, s, ref, c, e);
    for (int k = 0; k < s->n; k++)
        c->inner[k] = c->partner[0][k] = s->value[k] / c->area[0][k];
    add_partner(c, ref->def->name, " per c_dl_pass");
    return true;
}

static bool fill(const struct compare_query *q, const struct selection *s, const struct feature_ref *ref,
                 struct companions *c, double *scratch, struct err *e)
{
    const struct feature_def *d = ref->def;
    struct ends w = {scratch, c->area[1], c->area[0], false};
    if (!fetch_ends(q, s, &w, e))
        return false;
    for (int k = 0; k < s->n; k++)
        c->inner[k] = s->value[k];
    for (int k = 0; k < FEATURE_PARTNERS && d->partner[k]; k++) {
        if (!fetch(q, s, d->partner[k], s->step, ref->cycle, c->partner[k], e))
            return false;
        add_partner(c, d->partner[k], "");
    }
    if (!w.enough)
        return areas_by_pass(q, s, ref, c, e);
    add_area(c, "wetted_growth", 0);
    add_area(c, "rest_capacitance", 0);
    return !d->extensive || partners_by_ends(q, s, ref, &w, c, scratch + s->n, e);
}

bool companions_make(const struct compare_query *q, const struct selection *s, const struct feature_ref *ref,
                     struct companions *out, struct err *e)
{
    const struct feature_def *d = ref->def;
    struct companions c = {0};
    size_t n = (size_t)s->n;
    if (d->is_area || !(d->extensive || d->uses_area || d->partner[0])) {
        *out = c;
        return true;
    }
    c.memory = xcalloc((FEATURE_PARTNERS + COMPARE_AREAS + 3) * n + 1, sizeof *c.memory);
    for (int k = 0; k < FEATURE_PARTNERS; k++)
        c.partner[k] = c.memory + (size_t)k * n;
    for (int k = 0; k < COMPARE_AREAS; k++)
        c.area[k] = c.memory + (size_t)(FEATURE_PARTNERS + k) * n;
    c.inner = c.memory + (FEATURE_PARTNERS + COMPARE_AREAS) * n;
    if (!fill(q, s, ref, &c, c.inner + n, e)) {
        companions_free(&c);
        return false;
    }
    *out = c;
    return true;
}

void companions_free(struct companions *c)
{
    free(c->memory);
    *c = (struct companions){0};
}
