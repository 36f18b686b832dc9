/* The data behind the report's figures. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tip_health.h"
#include "output/report_parts.h"
#include "output/summary.h"
#include "output/units.h"

#define DIGITS 5
/* Fewer than for one feature on the command line, where nobody waits for all features at once. */
#define RESAMPLES   2000
#define LEVELS_MOST 64
/* Attempts shown in the charts of the probe: the newest. */
#define HEALTH_MOST 2000

static void text_member(struct buf *out, const char *key, const char *text)
{
    buf_printf(out, "\"%s\":", key);
    buf_json_string(out, text);
    buf_char(out, ',');
}

/* --- factors and sites --------------------------------------------------------------------------------- */

/* Index of a site's level among levels[n]; -1 = none. */
static int level_of(const struct data *d, int site, int factor, const int *levels, int n)
{
    for (int k = 0; k < n && *data_level(d, site, factor); k++)
        if (data_same_level(d, site, levels[k], factor))
            return k;
    return -1;
}

static int factor_levels(const struct data *d, int factor, int levels[LEVELS_MOST])
{
    int n = data_levels(d, factor, levels, LEVELS_MOST);
    return n < LEVELS_MOST ? n : LEVELS_MOST;
}

static void put_factors(const struct data *d, struct buf *out)
{
    buf_str(out, "\"factors\":[");
    for (int f = 0; f < d->n_factors; f++) {
        int levels[LEVELS_MOST], n = factor_levels(d, f, levels);
        buf_str(out, f ? ",{" : "{");
        text_member(out, "name", d->factor[f].name);
        buf_str(out, "\"levels\":[");
        for (int k = 0; k < n; k++) {
            buf_str(out, k ? "," : "");
            buf_json_string(out, data_level(d, levels[k], f));
        }
        buf_str(out, "],\"of\":[");
        for (int k = 0; k < d->sites.n; k++)
            buf_printf(out, "%s%d", k ? "," : "", level_of(d, k, f, levels, n));
        buf_str(out, "]}");
    }
    buf_str(out, "],\n");
}

static void put_sites(const struct data *d, struct buf *out)
{
    buf_str(out, "\"sites\":[");
    for (int k = 0; k < d->sites.n; k++) {
        const struct results_site *s = &d->sites.site[k];
        bool unused = s->spare && s->attempts == 0;
        buf_printf(out, "%s{\"site\":%d,\"unused\":%d,\"stands\":%d,\"block\":%d,", k ? ",\n" : "\n", s->site,
                   unused, s->replaces, s->block);
        text_member(out, "outcome", data_outcome(d, k));
        text_member(out, "reason", s->reason);
        text_member(out, "flags", s->flags);
        buf_str(out, "\"x\":");
        report_number(unit_show(s->x, DIM_LENGTH), 9, out);
        buf_str(out, ",\"y\":");
        report_number(unit_show(s->y, DIM_LENGTH), 9, out);
        buf_str(out, ",\"z\":");
        report_number(unit_show(s->contact_z, DIM_LENGTH), 8, out);
        buf_str(out, ",\"t\":");
        report_number(s->start_s, 9, out);
        buf_char(out, '}');
    }
    buf_str(out, "],\n");
}

/* --- features ------------------------------------------------------------------------------------------ */

static void put_values(const struct data *d, const struct series *s, struct buf *out)
{
    buf_str(out, "\"v\":[");
    for (int k = 0; k < d->sites.n; k++) {
        buf_str(out, k ? "," : "");
        report_number(s->row[k] ? unit_show(s->row[k]->value, s->ref.def->dim) : NAN, DIGITS, out);
    }
    buf_str(out, "],\"u\":[");
    for (int k = 0; k < d->sites.n; k++) {
        buf_str(out, k ? "," : "");
        report_number(s->row[k] ? unit_show(s->row[k]->uncertainty, s->ref.def->dim) : NAN, 2, out);
    }
    buf_str(out, "],\"missing\":{");
    const char *comma = "";
    for (int k = 0; k < d->sites.n; k++)
        if (s->row[k] && *s->row[k]->missing) {
            buf_printf(out, "%s\"%d\":", comma, k);
            buf_json_string(out, s->row[k]->missing);
            comma = ",";
        }
    buf_char(out, '}');
}

static void put_series(const struct data *d, const struct series *s, int n, struct buf *out)
{
    buf_str(out, "\"features\":[");
    for (int k = 0; k < n; k++) {
        const struct feature_def *def = s[k].ref.def;
        const struct unit *u = unit_of(def->dim);
        buf_str(out, k ? ",\n{" : "\n{");
        text_member(out, "step", s[k].ref.step);
        text_member(out, "name", def->name);
        text_member(out, "unit", u->label);
        text_member(out, "description", def->description);
        text_member(out, "method", def->method);
        buf_printf(out, "\"cycle\":%d,", s[k].ref.cycle);
        put_values(d, &s[k], out);
        buf_char(out, '}');
    }
    buf_str(out, "],\n");
}

/* --- statistics ---------------------------------------------------------------------------------------- */

static void put_level(const struct summary *s, const struct summary_level *l, struct buf *out)
{
    const struct stats *v = &l->stats;
    enum dim dim = s->ref.def->dim;
    const double number[] = {v->median,
                             l->has_intervals ? l->median.bca[0] : NAN,
                             l->has_intervals ? l->median.bca[1] : NAN,
                             v->mad,
                             v->mean,
                             v->sd,
                             v->q1,
                             v->q3};
    buf_str(out, "{\"level\":");
    buf_json_string(out, l->name);
    buf_printf(out, ",\"n\":%d,\"sites\":%d,\"number\":[", l->sites.n, l->sites.n_sites);
    for (size_t k = 0; k < sizeof number / sizeof number[0]; k++) {
        buf_str(out, k ? "," : "");
        report_number(unit_show(number[k], dim), DIGITS, out);
    }
    buf_str(out, "],\"missing\":[");
    for (int k = 0; k < l->sites.n_missing; k++) {
        buf_printf(out, "%s[%d,", k ? "," : "", l->sites.missing[k].n);
        buf_json_string(out, l->sites.missing[k].reason);
        buf_char(out, ']');
    }
    buf_str(out, "]}");
}

static void put_summary(const struct summary *s, int series, struct buf *out)
{
    struct buf drift = {0};
    buf_printf(out, "{\"feature\":%d,\"factor\":%d,\"without\":%d,", series, s->factor,
               s->unverified == UNVERIFIED_WITHOUT);
    if (s->has_comparison) {
        text_member(out, "verdict", compare_verdict_name(s->comparison.verdict));
        text_member(out, "text", s->comparison.text);
    }
    summary_drift_text(s, &drift);
    if (s->has_trend) {
        text_member(out, "drift", drift.p);
        buf_str(out, "\"slope\":");
        report_number(unit_show(s->trend.slope, s->ref.def->dim), DIGITS, out);
        buf_char(out, ',');
    }
    buf_str(out, "\"levels\":[");
    for (int k = 0; k < s->n_levels; k++) {
        buf_str(out, k ? "," : "");
        put_level(s, &s->level[k], out);
    }
    buf_str(out, "]}");
    buf_free(&drift);
}

static bool has_values(const struct data *d, const struct series *s)
{
    for (int k = 0; k < d->sites.n; k++)
        if (s->row[k] && isfinite(s->row[k]->value))
            return true;
    return false;
}

/* With all sites, and, where some are unverified, without those. */
static bool put_feature_stats(const struct data *d, const struct series *s, int index, int factor,
                              bool *first, struct buf *out, struct err *e)
{
    struct summary_options o = {.factor = factor, .seed = 1, .resamples = RESAMPLES, .no_mean = true};
    for (int without = 0; without < 2; without++) {
        struct summary summary;
        /* One trend per feature is enough, with the levels taken off where there are any. */
        o.no_trend = without || factor != (d->n_factors ? 0 : -1);
        o.unverified = without ? UNVERIFIED_WITHOUT : UNVERIFIED_WITH;
        if (!summary_make(d, &s->ref, &o, &summary, e))
            return false;
        buf_str(out, *first ? "\n" : ",\n");
        *first = false;
        put_summary(&summary, index, out);
        bool more = summary.n_unverified > 0;
        summary_free(&summary);
        if (!more)
            break;
    }
    return true;
}

bool report_stats(const struct data *d, const struct series *series, int n, struct buf *out, struct err *e)
{
    bool first = true;
    buf_str(out, "\"stats\":[");
    for (int k = 0; k < n; k++)
        for (int f = -1; f < d->n_factors; f++)
            if (has_values(d, &series[k]) && !put_feature_stats(d, &series[k], k, f, &first, out, e))
                return false;
    buf_str(out, "],\n");
    return true;
}

/* The charts of the probe as they follow from the file, and what the run itself said of them when it was made
 * (an older program: nothing). */
static bool put_health(const struct data *d, struct buf *out, struct err *e)
{
    struct tip_health *h;
    struct results_event *ev;
    int n;
    const char *comma = "";
    if (!tip_health_read(d->r, &h, e))
        return false;
    buf_str(out, "\"health\":");
    tip_health_json(h, HEALTH_MOST, out);
    tip_health_free(h);
    if (!results_events(d->r, &ev, &n, e))
        return false;
    buf_str(out, ",\n\"told\":[");
    for (int k = 0; k < n; k++) {
        if (strcmp(ev[k].kind, "health") != 0)
            continue;
        buf_printf(out, "%s{\"site\":%d,\"text\":", comma, ev[k].site);
        buf_json_string(out, ev[k].text);
        buf_char(out, '}');
        comma = ",";
    }
    buf_str(out, "],\n");
    free(ev);
    return true;
}

bool report_json(const struct data *d, struct buf *out, struct err *e)
{
    int n;
    struct series *series = data_series(d, &n);
    buf_str(out, "{");
    text_member(out, "reference", d->frame.reference);
    put_factors(d, out);
    put_sites(d, out);
    put_series(d, series, n, out);
    bool ok = report_stats(d, series, n, out, e) && put_health(d, out, e) && report_curves(d, out, e);
    buf_str(out, "}");
    series_free_all(series, n);
    return ok;
}
