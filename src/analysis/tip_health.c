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

/* --- what means what ------------------------------------------------------------------------------------ */

enum direction { UP = 1, DOWN = -1 };

struct sign {
    enum tip_series series;
    enum direction way;
    double reach; /* of the chart's limit that must be passed */
};

/* All of `must`, at least one of `also` (if there are any), none of `not`. The first row that fits is the
 * verdict. Nothing of the technique is asked: what the levels of a factor do shows in none of these.
 *
 * A contact says three things of the opening: the charge that flows when the drop touches, the current in the
 * sample that latched, and the capacitance at rest; all follow the wetted area, so that one alone may be the
 * threshold, two agree. But all three follow the sample as well: such a row (`asks`) is asked of a control,
 * if there are controls, and without them the change has to be large. What is measured in air, and how long a
 * contact's charge takes, is of the probe and the rig only.
 */
static const struct diagnosis {
    enum tip_verdict verdict;
    bool asks; /* the sample might feign it */
    struct sign must[2];
    struct sign also[5];
    struct sign not [1];
} table[] = {
    /* Liquid on the outside of the glass is one more plate against the sample and a path for a leak: both
     * rise in air, whatever the sample. It feeds the drop, which wets more and breaks later. */
    {TIP_WETTING,
     false,
     {{TIP_AIR_CAPACITANCE, UP, 1}},
     {{TIP_CONTACT_CAPACITANCE, UP, 0.4},
      {TIP_CONTACT_CHARGE, UP, 0.4},
      {TIP_BREAK, UP, 0.4},
      {TIP_AIR_CONDUCTANCE, UP, 0.5}},
     {{0}}},
    {TIP_WETTING,
     false,
     {{TIP_AIR_CONDUCTANCE, UP, 1}},
     {{TIP_AIR_CAPACITANCE, UP, 0.4}, {TIP_CONTACT_CAPACITANCE, UP, 0.4}, {TIP_BREAK, UP, 0.4}},
     {{0}}},
    /* Far more than temperature, cables or height can do: liquid even if the drop does not show it yet. */
    {TIP_WETTING, false, {{TIP_AIR_CAPACITANCE, UP, 1.5}}, {{0}}, {{0}}},
    {TIP_WETTING, false, {{TIP_AIR_CONDUCTANCE, UP, 1.5}}, {{0}}, {{0}}},
    /* A probe that has lost its end is shorter, so that contacts lie lower than the surface that was fitted,
     * and wider, so that the drop is larger in every respect: at once, not slowly. */
    {TIP_BROKEN,
     false,
     {{TIP_HEIGHT, DOWN, 1.2}},
     {{TIP_CONTACT_CAPACITANCE, UP, 0.5},
      {TIP_CONTACT_CHARGE, UP, 0.5},
      {TIP_CONTACT_CURRENT, UP, 0.5},
      {TIP_BREAK, UP, 0.5}},
     {{0}}},
    /* Without a change of length (a chip, or the fit has followed): a much larger drop, dry outside. */
    {TIP_BROKEN,
     true,
     {{TIP_CONTACT_CAPACITANCE, UP, 1.35}, {TIP_CONTACT_CHARGE, UP, 1.2}},
     {{0}},
     {{TIP_AIR_CAPACITANCE, UP, 0.5}}},
    /* A resistance before the double layer: the charge of the touch is all there, but it comes late. */
    {TIP_BLOCKED,
     false,
     {{TIP_CONTACT_TIME, UP, 1}},
     {{TIP_CONTACT_CURRENT, DOWN, 0.5}},
     {{TIP_CONTACT_CHARGE, UP, 0.5}}},
    /* What clogs the opening leaves a smaller wetted area, and in the end no contact is felt at all. The
     * displacement current in air does not pass the opening and stays, but less of the solution's noise
     * comes through. */
    {TIP_BLOCKED,
     true,
     {{TIP_CONTACT_CAPACITANCE, DOWN, 1.35}},
     {{TIP_CONTACT_CURRENT, DOWN, 0.9},
      {TIP_CONTACT_CHARGE, DOWN, 0.9},
      {TIP_MISSES, UP, 0.4},
      {TIP_AIR_NOISE, DOWN, 1}},
     {{0}}},
    {TIP_BLOCKED,
     true,
     {{TIP_MISSES, UP, 0.7}},
     {{TIP_CONTACT_CAPACITANCE, DOWN, 0.7}, {TIP_CONTACT_CURRENT, DOWN, 0.7}},
     {{0}}},
    /* Nothing at all any more: blocked or dried up, or so much shorter that the approach ends above. */
    {TIP_BLOCKED, true, {{TIP_MISSES, UP, 1}}, {{0}}, {{0}}},
};

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

static void remember(struct tip_health *h, const struct results_attempt *a)
{
    if (h->n_at == h->cap_at) {
        h->cap_at = h->cap_at ? 2 * h->cap_at : 64;
        h->at = xrealloc(h->at, (size_t)h->cap_at * sizeof *h->at);
    }
    h->at[h->n_at++] = (struct tip_at){a->site, a->id, a->start_s};
}

/* --- verdict -------------------------------------------------------------------------------------------- */

double tip_reach(const struct tip_health *h, enum tip_series s)
{
    return s == TIP_MISSES ? misses_reach(&h->misses) : chart_reach(h->chart[s]);
}

static bool shows(const struct tip_health *h, const struct sign *s, double part)
{
    return s->way != 0 && s->way * tip_reach(h, s->series) >= part * s->reach;
}

/* part: of the reaches asked for; the verdict that stands holds on until the charts are well inside. */
static bool fits(const struct tip_health *h, const struct diagnosis *d, double part)
{
    bool any = d->also[0].way == 0;
    for (int k = 0; k < 2; k++)
        if (d->must[k].way && !shows(h, &d->must[k], part))
            return false;
    for (int k = 0; k < 5 && !any; k++)
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

/* The sites' change of a charted logarithm, from the centre of their region to the newest values. */
static double change_of(const struct chart *c)
{
    for (int k = chart_count(c) - 1; k >= 0; k--)
        if (chart_point(c, k)->judged)
            return log(chart_now(c) / chart_point(c, k)->centre);
    return NAN;
}

/* What controls say of a row that the sample might feign: those before the change against those behind the
 * first landing that made the row fit. In between nobody knows which side of the change they are on. */
static enum answer ask_controls(const struct tip_health *h, const struct diagnosis *d)
{
    bool missing = d->must[0].series == TIP_MISSES;
    const struct chart *c = h->chart[TIP_CONTACT_CAPACITANCE];
    int since = missing ? h->misses.in_a_row : chart_since(c), before = 0, after = 0, missed = 0;
    double old[TIP_CONTROLS], now[TIP_CONTROLS];
    for (int k = 0; k < h->n_controls; k++) {
        const struct tip_control *t = &h->control[k];
        if (t->at >= h->asked_at) {
            missed += !isfinite(t->log_c);
            now[after++] = t->log_c;
        } else if (t->at < h->n_at - since && isfinite(t->log_c)) {
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
    double change = change_of(c), there = (is.median - was.median) * copysign(1, change);
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

static const struct diagnosis *diagnose(struct tip_health *h)
{
    bool asks = false;
    h->wants_control = false;
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++) {
        if (!fits(h, &table[k], 1))
            continue;
        if (!table[k].asks)
            return &table[k];
        if (!asks && h->asked_at < 0)
            h->asked_at = h->n_at;
        asks = true;
        enum answer said = ask_controls(h, &table[k]);
        if (said == IT_IS_THE_PROBE)
            return &table[k];
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
    for (size_t k = 0; k < sizeof table / sizeof table[0]; k++)
        if (table[k].verdict == h->verdict && fits(h, &table[k], CLEARED))
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
static void tell_sign(const struct tip_health *h, const struct sign *s, char *text, size_t n)
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
    int last = chart_count(c) - 1;
    while (last > 0 && !chart_point(c, last)->judged)
        last--;
    const struct chart_point *p = chart_point(c, last);
    char from[32], to[32], limit[32];
    /* The EWMA is of cut scores: of a large change the values themselves tell more. */
    double newest = chart_now(c), now = s->way * (newest - p->level) > 0 ? newest : p->level,
           largest = fmax(fabs(p->centre), fabs(now));
    in_prefix(p->centre, def->unit, largest, from, sizeof from, false);
    in_prefix(now, def->unit, largest, to, sizeof to, true);
    in_prefix(s->way == UP ? p->high : p->low, def->unit, largest, limit, sizeof limit, false);
    snprintf(text, n, "%s %s from %s to %s over %d sites (limit %s)", def->words,
             s->way == UP ? "rose" : "fell", from, to, chart_since(c), limit);
}

static void tell(const struct tip_health *h, const struct diagnosis *d, char *text, size_t n)
{
    char part[200];
    snprintf(text, n, "%s: ", tip_verdict_name(d->verdict));
    for (int k = 0; k < 7; k++) {
        const struct sign *s = k < 2 ? &d->must[k] : &d->also[k - 2];
        if (!shows(h, s, 1))
            continue;
        tell_sign(h, s, part, sizeof part);
        size_t used = strlen(text);
        snprintf(text + used, n - used, "%s%s", k ? "; " : "", part);
    }
}

static bool announce(struct tip_health *h, enum tip_verdict v, const struct results_attempt *a,
                     const char *text, struct tip_news *news)
{
    struct tip_news now = {.verdict = v, .site = a->site, .attempt = a->id, .t_s = a->start_s};
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
    if (!tells_something(a))
        return false;
    int group = group_of(h, region);
    fill(h, a, v);
    remember(h, a);
    for (int k = 0; k < TIP_SERIES; k++)
        chart_add(h->chart[k], k < TIP_CONTACT_CURRENT ? 0 : group, v[k]);
    for (int k = 0; k < h->features; k++) {
        chart_add(h->feature[k].chart, 0, h->feature[k].next);
        h->feature[k].next = NAN;
    }
    if (control)
        note_control(h, a);
    const struct diagnosis *d = diagnose(h);
    if (d && d->verdict != h->verdict) {
        tell(h, d, text, sizeof text);
        return announce(h, d->verdict, a, text, news);
    }
    if (d || h->verdict == TIP_FINE || still_holds(h))
        return false;
    snprintf(text, sizeof text, "%s no more: the charts are back inside their limits",
             tip_verdict_name(h->verdict));
    return announce(h, TIP_FINE, a, text, news);
}
