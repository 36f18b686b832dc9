/* A summary as text and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/summary.h"
#include "output/table.h"
#include "output/units.h"

#define DRIFT_ALPHA 0.01
#define HOUR        3600.0 /* s */
/* Correlation of time with a coordinate above which a trend in time may as well be one over the surface. */
#define ALONG 0.3

static struct table *levels_table(const struct data *d, const struct summary *s)
{
    static const char *const number[] = {"mean", "sd", "median", "mad", "q05", "q25", "q75", "q95"};
    static const char *const interval[] = {"mean_low", "mean_high", "median_low", "median_high"};
    struct table *t = table_new();
    table_digits(t, 4);
    enum dim dim = s->ref.def->dim;
    table_column(t, s->factor < 0 ? "level" : d->factor[s->factor].name, CELL_TEXT, DIM_NONE);
    table_column(t, "n", CELL_INT, DIM_NONE);
    table_column(t, "missing", CELL_INT, DIM_NONE);
    for (size_t k = 0; k < sizeof number / sizeof number[0]; k++)
        table_column(t, number[k], CELL_NUMBER, dim);
    for (size_t k = 0; k < sizeof interval / sizeof interval[0]; k++)
        table_column(t, interval[k], CELL_NUMBER, dim);
    table_column(t, "robust_cv", CELL_NUMBER, DIM_NONE);
    for (int k = 0; k < s->n_levels; k++) {
        const struct summary_level *l = &s->level[k];
        const struct stats *v = &l->stats;
        const double cell[] = {v->mean, v->sd, v->median, v->mad, l->q05, v->q1, v->q3, l->q95};
        table_text(t, l->name);
        table_int(t, l->sites.n);
        table_int(t, l->sites.n_sites - l->sites.n);
        for (size_t j = 0; j < sizeof cell / sizeof cell[0]; j++)
            table_number(t, cell[j]);
        table_number(t, l->has_mean ? l->mean.bca[0] : NAN);
        table_number(t, l->has_mean ? l->mean.bca[1] : NAN);
        table_number(t, l->has_intervals ? l->median.bca[0] : NAN);
        table_number(t, l->has_intervals ? l->median.bca[1] : NAN);
        table_number(t, v->robust_cv);
    }
    return t;
}

static void missing_text(const struct summary_level *l, struct buf *out)
{
    for (int k = 0; k < l->sites.n_missing; k++) {
        buf_printf(out, "%s%d ", k ? ", " : "", l->sites.missing[k].n);
        frame_one_line(l->sites.missing[k].reason, out);
    }
}

void summary_drift_text(const struct summary *s, struct buf *out)
{
    const struct trend *t = &s->trend;
    enum dim dim = s->ref.def->dim;
    const struct unit *u = unit_of(dim);
    if (!s->has_trend)
        return;
    bool drifts = t->p < DRIFT_ALPHA;
    buf_printf(out,
               "Against time, with the median of its level taken off, the feature %s (Mann-Kendall p = %.2g, "
               "Theil-Sen %+.3g%s%s per hour, 95 %% interval %+.3g to %+.3g, n = %d).",
               drifts ? "changes" : "shows no drift", t->p, unit_show(t->slope * HOUR, dim),
               *u->name ? " " : "", u->name, unit_show(t->slope_low * HOUR, dim),
               unit_show(t->slope_high * HOUR, dim), t->n);
    bool along_y = fabs(s->along_y) > fabs(s->along_x);
    double r = along_y ? s->along_y : s->along_x;
    if (drifts && fabs(r) > ALONG)
        buf_printf(out,
                   " The sites were visited along %s (r = %.2f), so this can be a drift in time or a change "
                   "over the "
                   "surface: these data can not tell.",
                   along_y ? "y" : "x", r);
}

void summary_print(const struct data *d, const struct summary *s, struct buf *out)
{
    char name[160];
    const struct unit *u = unit_of(s->ref.def->dim);
    buf_printf(out, "%s%s%s%s: %s\nmethod: %s\n", feature_ref_text(&s->ref, name, sizeof name),
               *u->name ? " (" : "", u->name, *u->name ? ")" : "", s->ref.def->description,
               s->ref.def->method);
    if (s->n_unverified)
        buf_printf(out, "%s %d site%s whose meniscus or probe is not verified\n",
                   s->unverified == UNVERIFIED_WITH ? "with" : "without", s->n_unverified,
                   s->n_unverified == 1 ? "" : "s");
    buf_char(out, '\n');
    struct table *t = levels_table(d, s);
    table_print(t, TABLE_TEXT, out);
    table_free(t);
    for (int k = 0; k < s->n_levels; k++)
        if (s->level[k].sites.n_missing) {
            buf_printf(out, "missing at %s: ", s->level[k].name);
            missing_text(&s->level[k], out);
            buf_char(out, '\n');
        }
    buf_printf(out,
               "intervals: 95 %% BCa bootstrap, %d resamples, seed %llu; quantiles of type 7; mad x 1.4826\n",
               s->resamples, (unsigned long long)s->seed);
    if (s->has_comparison)
        buf_printf(out, "\n%s\n", s->comparison.text);
    if (s->has_trend) {
        buf_char(out, '\n');
        summary_drift_text(s, out);
        buf_char(out, '\n');
    }
}

/* --- JSON ---------------------------------------------------------------------------------------------- */

static void put(struct buf *out, const char *key, double si, enum dim dim)
{
    const struct unit *u = unit_of(dim);
    buf_printf(out, ", \"%s\": ", key);
    if (*u->name)
        buf_str(out, "{\"value\": ");
    if (isfinite(si))
        table_print_number(si, dim, out);
    else
        buf_str(out, "null");
    if (*u->name)
        buf_printf(out, ", \"unit\": \"%s\"}", u->name);
}

static void put_interval(struct buf *out, const char *key, const struct interval *v, enum dim dim)
{
    buf_printf(out, ", \"%s\": {\"confidence\": %.2f, \"method\": \"BCa bootstrap\"", key,
               SUMMARY_CONFIDENCE);
    put(out, "low", v->bca[0], dim);
    put(out, "high", v->bca[1], dim);
    buf_char(out, '}');
}

static void level_json(const struct summary *s, const struct summary_level *l, struct buf *out)
{
    enum dim dim = s->ref.def->dim;
    const struct stats *v = &l->stats;
    buf_str(out, "{\"level\": ");
    buf_json_string(out, l->name);
    buf_printf(out, ", \"n\": %d, \"sites\": %d, \"missing\": {", l->sites.n, l->sites.n_sites);
    for (int k = 0; k < l->sites.n_missing; k++) {
        buf_str(out, k ? ", " : "");
        buf_json_string(out, l->sites.missing[k].reason);
        buf_printf(out, ": %d", l->sites.missing[k].n);
    }
    buf_char(out, '}');
    put(out, "mean", v->mean, dim);
    put(out, "sd", v->sd, dim);
    put(out, "median", v->median, dim);
    put(out, "mad", v->mad, dim);
    put(out, "min", v->min, dim);
    put(out, "q05", l->q05, dim);
    put(out, "q25", v->q1, dim);
    put(out, "q75", v->q3, dim);
    put(out, "q95", l->q95, dim);
    put(out, "max", v->max, dim);
    put(out, "cv", v->cv, DIM_NONE);
    put(out, "robust_cv", v->robust_cv, DIM_NONE);
    put(out, "skewness", v->skewness, DIM_NONE);
    put(out, "excess_kurtosis", v->kurtosis, DIM_NONE);
    put(out, "geometric_mean", v->geo_mean, dim);
    put(out, "geometric_sd", v->geo_sd, DIM_NONE);
    if (l->has_mean)
        put_interval(out, "mean_interval", &l->mean, dim);
    if (l->has_intervals)
        put_interval(out, "median_interval", &l->median, dim);
    buf_char(out, '}');
}

static void test_json(const struct compare_test *t, struct buf *out)
{
    buf_str(out, "{\"name\": ");
    buf_json_string(out, t->name);
    if (t->done) {
        put(out, "kruskal_wallis_h", t->kw.h, DIM_NONE);
        put(out, "p", t->kw.p, DIM_NONE);
        put(out, "p_holm", t->p_holm, DIM_NONE);
        put(out, "cliffs_delta", t->delta, DIM_NONE);
    } else {
        buf_str(out, ", \"p\": null");
    }
    buf_char(out, '}');
}

static void comparison_json(const struct comparison *c, struct buf *out)
{
    buf_str(out, ", \"comparison\": {\"verdict\": ");
    buf_json_string(out, compare_verdict_name(c->verdict));
    buf_str(out, ", \"text\": ");
    buf_json_string(out, c->text);
    buf_str(out, ", \"tests\": [");
    test_json(&c->feature, out);
    for (int k = 0; k < c->n_partners; k++) {
        buf_str(out, ", ");
        test_json(&c->partner[k], out);
    }
    if (c->has_area) {
        buf_str(out, ", ");
        test_json(&c->area, out);
    }
    buf_str(out, "]}");
}

static void trend_json(const struct summary *s, struct buf *out)
{
    struct buf text = {0};
    buf_printf(out, ", \"drift\": {\"n\": %d", s->trend.n);
    put(out, "mann_kendall_p", s->trend.p, DIM_NONE);
    put(out, "tau", s->trend.tau, DIM_NONE);
    put(out, "slope_per_s", s->trend.slope, s->ref.def->dim);
    put(out, "slope_per_s_low", s->trend.slope_low, s->ref.def->dim);
    put(out, "time_against_x", s->along_x, DIM_NONE);
    put(out, "time_against_y", s->along_y, DIM_NONE);
    put(out, "slope_per_s_high", s->trend.slope_high, s->ref.def->dim);
    buf_str(out, ", \"text\": ");
    summary_drift_text(s, &text);
    buf_json_string(out, text.p);
    buf_char(out, '}');
    buf_free(&text);
}

void summary_json(const struct data *d, const struct summary *s, struct buf *out)
{
    char name[160];
    buf_str(out, "{\"feature\": ");
    buf_json_string(out, feature_ref_text(&s->ref, name, sizeof name));
    buf_str(out, ", \"unit\": ");
    buf_json_string(out, unit_of(s->ref.def->dim)->name);
    buf_str(out, ", \"description\": ");
    buf_json_string(out, s->ref.def->description);
    buf_str(out, ", \"method\": ");
    buf_json_string(out, s->ref.def->method);
    buf_str(out, ", \"reference\": ");
    buf_json_string(out, d->frame.reference);
    buf_str(out, ", \"by\": ");
    if (s->factor < 0)
        buf_str(out, "null");
    else
        buf_json_string(out, d->factor[s->factor].name);
    buf_printf(out,
               ", \"unverified\": \"%s\", \"unverified_sites\": %d, \"seed\": %llu, \"resamples\": %d, "
               "\"levels\": [",
               s->unverified == UNVERIFIED_WITH ? "with" : "without", s->n_unverified,
               (unsigned long long)s->seed, s->resamples);
    for (int k = 0; k < s->n_levels; k++) {
        buf_str(out, k ? ",\n " : "\n ");
        level_json(s, &s->level[k], out);
    }
    buf_char(out, ']');
    if (s->has_comparison)
        comparison_json(&s->comparison, out);
    if (s->has_trend)
        trend_json(s, out);
    buf_str(out, "}");
}
