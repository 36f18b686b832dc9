/* Series, charts and the table of diagnoses. */
#include "analysis/tip_health.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/misses.h"
#include "analysis/stats.h"
#include "analysis/surface.h"
#include "analysis/tip_health_parts.h"
#include "base/quantity.h"

const char *tip_verdict_name(enum tip_verdict v)
{
    static const char *const name[TIP_VERDICTS] = {"", "tip-blocked", "tip-broken", "tip-wetting"};
    return name[v];
}

const struct tip_series_def tip_series_def[TIP_SERIES] = {
#define X(id, name_, words_, unit_, log_, least_) {name_, words_, unit_, log_, least_},
    TIP_SERIES_TABLE(X)
#undef X
};

/* --- life ----------------------------------------------------------------------------------------------- */

void tip_health_defaults(struct tip_health_settings *s)
{
    *s = (struct tip_health_settings){.baseline = TIP_BASELINE, .sigmas = TIP_SIGMAS, .sigma = 0.1e-6};
}

static void begin(struct tip_health *h)
{
    for (int k = 0; k < TIP_SERIES; k++) {
        const struct chart_law law = {.log = tip_series_def[k].log,
                                      .least = tip_series_def[k].least,
                                      .baseline = h->settings.baseline,
                                      .sigmas = h->settings.sigmas,
                                      .lambda = CHART_LAMBDA,
                                      .clip = CHART_CLIP};
        h->chart[k] = chart_new(&law);
    }
    h->surface = surface_new(h->settings.tilt, h->settings.sigma);
    h->misses = (struct misses){0};
    h->verdict = TIP_FINE;
    h->n_controls = 0;
    h->wants_control = false;
    h->asked_at = -1;
}

static void end(struct tip_health *h)
{
    for (int k = 0; k < h->features; k++)
        chart_free(h->feature[k].chart);
    h->features = 0;
    for (int k = 0; k < TIP_SERIES; k++)
        chart_free(h->chart[k]);
    surface_free(h->surface);
}

struct tip_health *tip_health_new(const struct tip_health_settings *s)
{
    struct tip_health *h = xcalloc(1, sizeof *h);
    h->settings = *s;
    begin(h);
    return h;
}

void tip_health_free(struct tip_health *h)
{
    if (!h)
        return;
    end(h);
    for (int k = 0; k < h->regions; k++)
        free(h->region[k]);
    free(h->news);
    free(h->at);
    free(h);
}

void tip_health_renew(struct tip_health *h)
{
    end(h);
    begin(h);
    h->n_at = 0;
}

enum tip_verdict tip_health_verdict(const struct tip_health *h)
{
    return h->verdict;
}

const struct tip_news *tip_health_news(const struct tip_health *h, int *n)
{
    *n = h->n_news;
    return h->news;
}

int tip_health_attempts(const struct tip_health *h)
{
    return h->n_at;
}

const struct chart *tip_health_chart(const struct tip_health *h, enum tip_series s)
{
    return h->chart[s];
}

/* --- series --------------------------------------------------------------------------------------------- */

static int group_of(struct tip_health *h, const char *region)
{
    const char *name = region ? region : "";
    for (int k = 0; k < h->regions; k++)
        if (strcmp(h->region[k], name) == 0)
            return k;
    if (h->regions == CHART_GROUPS)
        return CHART_GROUPS - 1;
    h->region[h->regions] = xstrdup(name);
    return h->regions++;
}

static struct tip_feature *feature_of(struct tip_health *h, const char *name, const char *unit)
{
    for (int k = 0; k < h->features; k++)
        if (strcmp(h->feature[k].name, name) == 0)
            return &h->feature[k];
    if (h->features == TIP_FEATURES)
        return NULL;
    const struct chart_law law = {.baseline = TIP_CONTROL_BASELINE,
                                  .sigmas = h->settings.sigmas,
                                  .lambda = CHART_LAMBDA,
                                  .clip = CHART_CLIP};
    struct tip_feature *f = &h->feature[h->features++];
    *f = (struct tip_feature){.chart = chart_new(&law), .next = NAN};
    snprintf(f->name, sizeof f->name, "%s", name);
    snprintf(f->unit, sizeof f->unit, "%s", unit);
    for (int k = 0; k < h->n_at; k++)
        chart_add(f->chart, 0, NAN);
    return f;
}

void tip_health_feature(struct tip_health *h, const char *name, const char *unit, double value)
{
    struct tip_feature *f = feature_of(h, name, unit);
    if (f)
        f->next = value;
}

/* What was noted for an attempt is not the next one's. */
static void forget_next(struct tip_health *h)
{
    for (int k = 0; k < h->features; k++)
        h->feature[k].next = NAN;
}

static bool tells_something(const struct results_attempt *a)
{
    return a->outcome != OUTCOME_NONE && a->outcome != OUTCOME_INTERRUPTED &&
           a->outcome != OUTCOME_NOT_VISITED;
}

/* Contact height less what the contacts before it say, in standard deviations; then it is one of them. */
static double height(struct tip_health *h, const struct results_attempt *a)
{
    double z, sigma, off = NAN;
    if (surface_count(h->surface) >= 3 && surface_predict(h->surface, a->x, a->y, a->start_s, &z, &sigma))
        off = (a->contact_z - z) / sigma;
    surface_add(h->surface, a->x, a->y, a->start_s, a->contact_z);
    return off;
}

static void fill(struct tip_health *h, const struct results_attempt *a, double v[TIP_SERIES])
{
    bool contact = a->touched == TOUCHED_YES && isfinite(a->contact_z);
    for (int k = 0; k < TIP_SERIES; k++)
        v[k] = NAN;
    v[TIP_AIR_NOISE] = a->noise_rms;
    v[TIP_AIR_CAPACITANCE] = a->blank_capacitance;
    v[TIP_AIR_CONDUCTANCE] = a->blank_conductance;
    if (contact) {
        v[TIP_CONTACT_CURRENT] = fabs(a->contact_current);
        v[TIP_CONTACT_CHARGE] = fabs(a->contact_charge);
        v[TIP_CONTACT_CAPACITANCE] = a->contact_capacitance;
        v[TIP_CONTACT_TIME] = fabs(a->contact_charge / a->contact_current);
        v[TIP_BREAK] = a->break_distance;
        v[TIP_HEIGHT] = height(h, a);
    }
    if (contact || a->outcome == OUTCOME_NO_CONTACT) {
        misses_add(&h->misses, !contact);
        v[TIP_MISSES] = misses_reach(&h->misses);
    }
}

static void remember(struct tip_health *h, const struct results_attempt *a, bool control)
{
    if (h->n_at == h->cap_at) {
        h->cap_at = h->cap_at ? 2 * h->cap_at : 64;
        h->at = xrealloc(h->at, (size_t)h->cap_at * sizeof *h->at);
    }
    h->at[h->n_at++] = (struct tip_at){a->site, a->id, a->start_s, control};
}

/* --- verdict -------------------------------------------------------------------------------------------- */

double tip_reach(const struct tip_health *h, enum tip_series s)
{
    return s == TIP_MISSES ? misses_reach(&h->misses) : chart_reach(h->chart[s]);
}

/* A step that a sign tells of: the newest sites in a row whose own values, not cut, lie beyond. Controls are
 * left out of the row: they are asked afterwards. */
struct step {
    int n, first, last; /* sites; indices of the first and the last one */
    double change;      /* of the charted logarithm, from the centre to the median of the newest of them */
};
#define STEP_VALUES 5
/* Least factor of a step: less may be a spot beside another, however narrow the limits. */
#define STEP_LEAST 3.0

static struct step step_of(const struct tip_health *h, const struct tip_sign *s, double part)
{
    const struct chart *c = h->chart[s->series];
    double v[STEP_VALUES];
    struct step step = {.first = h->n_at, .last = h->n_at, .change = NAN};
    for (int k = chart_count(c) - 1; k >= 0; k--) {
        const struct chart_point *p = chart_point(c, k);
        if (!p->judged || h->at[k].control)
            continue;
        double change = log(p->value / p->centre);
        if (!(s->way * p->score >= part * s->reach * p->limit) || s->way * change < log(STEP_LEAST))
            break;
        if (step.n < STEP_VALUES)
            v[step.n] = change;
        step.last = step.n++ ? step.last : k;
        step.first = k;
    }
    struct stats of;
    stats_describe(v, step.n < STEP_VALUES ? step.n : STEP_VALUES, &of);
    step.change = step.n ? of.median : NAN;
    return step;
}

static bool shows(const struct tip_health *h, const struct tip_sign *s, double part)
{
    if (s->jump)
        return step_of(h, s, part).n >= TIP_JUMP;
    return s->way != 0 && s->way * tip_reach(h, s->series) >= part * s->reach;
}

/* part: of the reaches asked for; the verdict that stands holds on until the charts are well inside. */
static bool fits(const struct tip_health *h, const struct tip_diagnosis *d, double part)
{
    bool any = d->also[0].way == 0;
    for (int k = 0; k < TIP_MUST; k++)
        if (d->must[k].way && !shows(h, &d->must[k], part))
            return false;
    for (int k = 0; k < TIP_ALSO && !any; k++)
        any = shows(h, &d->also[k], part);
    return any && (part < 1 || !shows(h, d->not, 1));
}

/* --- controls ------------------------------------------------------------------------------------------- */

/* Controls before the change that make one comparable. */
#define CONTROLS_LEAST 2
/* Attempts that an answer is waited for. */
#define CONTROL_PATIENCE 30
/* Part of the sites' change that a control must show for it to be the probe's. */
#define CONTROL_PART 0.5

enum answer { IT_IS_THE_PROBE, IT_IS_THE_SAMPLE, NO_ANSWER_YET };

/* Index of the first landing that a sign is made of. */
static int first_of(const struct tip_health *h, const struct tip_sign *s)
{
    if (s->series == TIP_MISSES)
        return h->n_at - h->misses.in_a_row;
    const struct chart *c = h->chart[s->series];
    return s->jump ? step_of(h, s, 1).first : chart_index(c, chart_since(c));
}

/* The sites' change of a charted logarithm, from the centre of their region to the newest values. */
static double change_of(const struct tip_health *h, const struct tip_sign *s)
{
    const struct chart *c = h->chart[TIP_CONTACT_CAPACITANCE];
    if (s->jump)
        return step_of(h, s, 1).change;
    for (int k = chart_count(c) - 1; k >= 0; k--)
        if (chart_point(c, k)->judged)
            return log(chart_now(c) / chart_point(c, k)->centre);
    return NAN;
}

/* What controls say of a row that the sample might feign: those before the change against those behind the
 * first landing that made the row fit. In between nobody knows which side of the change they are on. */
static enum answer ask_controls(const struct tip_health *h, const struct tip_diagnosis *d)
{
    bool missing = d->must[0].series == TIP_MISSES;
    int first = first_of(h, &d->must[0]), before = 0, after = 0, missed = 0;
    double old[TIP_CONTROLS], now[TIP_CONTROLS];
    for (int k = 0; k < h->n_controls; k++) {
        const struct tip_control *t = &h->control[k];
        if (t->at >= h->asked_at) {
            missed += !isfinite(t->log_c);
            now[after++] = t->log_c;
        } else if (t->at < first && isfinite(t->log_c)) {
            old[before++] = t->log_c;
        }
    }
    if (before < CONTROLS_LEAST) /* nothing to ask */
        return IT_IS_THE_PROBE;
    if (after == 0)
        return h->n_at - h->asked_at > CONTROL_PATIENCE ? IT_IS_THE_PROBE : NO_ANSWER_YET;
    if (2 * missed > after) /* no contact there either */
        return IT_IS_THE_PROBE;
    struct stats was, is;
    stats_describe(old, before, &was);
    stats_describe(now, after, &is);
    double change = change_of(h, &d->must[0]), there = (is.median - was.median) * copysign(1, change);
    return !missing && there > CONTROL_PART * fabs(change) ? IT_IS_THE_PROBE : IT_IS_THE_SAMPLE;
}

static void note_control(struct tip_health *h, const struct results_attempt *a)
{
    bool contact = a->touched == TOUCHED_YES && a->contact_capacitance > 0;
    if (!contact && a->outcome != OUTCOME_NO_CONTACT)
        return;
    if (h->n_controls == TIP_CONTROLS) {
        memmove(h->control, h->control + 1, (TIP_CONTROLS - 1) * sizeof h->control[0]);
        h->n_controls--;
    }
    h->control[h->n_controls++] =
        (struct tip_control){h->n_at - 1, contact ? log(a->contact_capacitance) : NAN};
}

static const struct tip_diagnosis *diagnose(struct tip_health *h)
{
    bool asks = false;
    h->wants_control = false;
    for (int k = 0; k < tip_diagnoses; k++) {
        if (!fits(h, &tip_diagnosis[k], 1))
            continue;
        if (!tip_diagnosis[k].asks)
            return &tip_diagnosis[k];
        if (!asks && h->asked_at < 0)
            h->asked_at = h->n_at;
        asks = true;
        enum answer said = ask_controls(h, &tip_diagnosis[k]);
        if (said == IT_IS_THE_PROBE)
            return &tip_diagnosis[k];
        h->wants_control = h->wants_control || said == NO_ANSWER_YET;
    }
    if (!asks)
        h->asked_at = -1;
    return NULL;
}

bool tip_health_wants_control(const struct tip_health *h)
{
    return h->wants_control;
}

/* --- changes of the verdict ----------------------------------------------------------------------------- */

#define CLEARED 0.5

/* Glass does not grow again, even if the fit of the surface has followed its new length. */
static bool still_holds(const struct tip_health *h)
{
    if (h->verdict == TIP_BROKEN)
        return true;
    for (int k = 0; k < tip_diagnoses; k++)
        if (tip_diagnosis[k].verdict == h->verdict && fits(h, &tip_diagnosis[k], CLEARED))
            return true;
    return false;
}

/* Three numbers in the unit in which the first reads well: "12.1 to 5.0 fF", "8.3". */
static void in_prefix(double value, const char *unit, double reference, char *text, size_t n, bool with)
{
    static const char prefix[] = "afpnum kMG";
    double a = fabs(reference);
    int p = a > 0 ? (int)floor(log10(a) / 3 + 1e-9) : 0;
    p = p < -6 ? -6 : p > 3 ? 3 : p;
    if (strcmp(unit, "1") == 0) {
        snprintf(text, n, "%.2g", value);
        return;
    }
    const char *micro = p == -2 ? "u" : (char[]){prefix[p + 6], 0};
    snprintf(text, n, "%.3g%s%s%s", value / pow(1000, p), with ? " " : "", with && p ? micro : "",
             with ? unit : "");
}

/* "contact capacitance fell from 12.1 to 5.0 fF over 14 sites (limit 8.3)" */
static void tell_sign(const struct tip_health *h, const struct tip_sign *s, char *text, size_t n)
{
    const struct tip_series_def *def = &tip_series_def[s->series];
    if (s->series == TIP_MISSES) {
        if (h->misses.in_a_row > 1)
            snprintf(text, n, "%d approaches in a row without a contact", h->misses.in_a_row);
        else
            snprintf(text, n, "more approaches without a contact than before");
        return;
    }
    const struct chart *c = h->chart[s->series];
    struct step step = {0};
    if (s->jump)
        step = step_of(h, s, 1);
    int last = s->jump ? step.last : chart_count(c) - 1;
    while (last > 0 && !chart_point(c, last)->judged)
        last--;
    const struct chart_point *p = chart_point(c, last);
    char from[32], to[32], limit[32];
    /* The EWMA is of cut scores: of a large change the values themselves tell more. */
    double newest = s->jump ? p->centre * exp(step.change) : chart_now(c),
           now = s->way * (newest - p->level) > 0 ? newest : p->level,
           largest = fmax(fabs(p->centre), fabs(now));
    in_prefix(p->centre, def->unit, largest, from, sizeof from, false);
    in_prefix(now, def->unit, largest, to, sizeof to, true);
    in_prefix(s->way == TIP_UP ? p->high : p->low, def->unit, largest, limit, sizeof limit, false);
    snprintf(text, n, "%s %s from %s to %s over %d sites (limit %s)", def->words,
             s->way == TIP_UP ? "rose" : "fell", from, to, s->jump ? step.n : chart_since(c), limit);
}

/* Index of the first landing that the row's first signs are made of: where the change began, as far as can be
 * told. */
static int beginning(const struct tip_health *h, const struct tip_diagnosis *d)
{
    int first = h->n_at - 1;
    for (int k = 0; k < TIP_MUST; k++) {
        const struct tip_sign *s = &d->must[k];
        if (!s->way)
            continue;
        int at = first_of(h, s);
        first = at < first ? at : first;
    }
    return first < 0 ? 0 : first;
}

static void tell(const struct tip_health *h, const struct tip_diagnosis *d, char *text, size_t n)
{
    char part[200];
    snprintf(text, n, "%s: ", tip_verdict_name(d->verdict));
    for (int k = 0; k < TIP_MUST + TIP_ALSO; k++) {
        const struct tip_sign *s = k < TIP_MUST ? &d->must[k] : &d->also[k - TIP_MUST];
        if (!shows(h, s, 1))
            continue;
        tell_sign(h, s, part, sizeof part);
        size_t used = strlen(text);
        snprintf(text + used, n - used, "%s%s", k ? "; " : "", part);
    }
    size_t used = strlen(text), room = sizeof "; probably since site 1000000000";
    used = used + room > n ? n - room : used;
    snprintf(text + used, n - used, "; probably since site %d", h->at[beginning(h, d)].site);
}

static bool announce(struct tip_health *h, enum tip_verdict v, const struct results_attempt *a, int first,
                     const char *text, struct tip_news *news)
{
    struct tip_news now = {.verdict = v,
                           .site = a->site,
                           .attempt = a->id,
                           .since_site = h->at[first].site,
                           .since = h->at[first].attempt,
                           .t_s = a->start_s};
    snprintf(now.text, sizeof now.text, "%s", text);
    h->verdict = v;
    h->news = xrealloc(h->news, ((size_t)h->n_news + 1) * sizeof *h->news);
    h->news[h->n_news++] = now;
    if (news)
        *news = now;
    return true;
}

bool tip_health_add(struct tip_health *h, const struct results_attempt *a, const char *region, bool control,
                    struct tip_news *news)
{
    double v[TIP_SERIES];
    char text[sizeof h->news->text];
    if (!tells_something(a)) {
        forget_next(h);
        return false;
    }
    int group = group_of(h, region);
    fill(h, a, v);
    remember(h, a, control);
    for (int k = 0; k < TIP_SERIES; k++)
        chart_add(h->chart[k], k < TIP_CONTACT_CURRENT ? 0 : group, v[k]);
    for (int k = 0; k < h->features; k++)
        chart_add(h->feature[k].chart, 0, h->feature[k].next);
    forget_next(h);
    if (control)
        note_control(h, a);
    const struct tip_diagnosis *d = diagnose(h);
    if (d && d->verdict != h->verdict) {
        tell(h, d, text, sizeof text);
        return announce(h, d->verdict, a, beginning(h, d), text, news);
    }
    if (d || h->verdict == TIP_FINE || still_holds(h))
        return false;
    snprintf(text, sizeof text, "%s no more: the charts are back inside their limits",
             tip_verdict_name(h->verdict));
    return announce(h, TIP_FINE, a, h->n_at - 1, text, news);
}
