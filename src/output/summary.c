/* Numbers of one feature by the levels of a factor. */
#include "output/summary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A part of the sites of a file; borrows the texts of the whole. */
struct part {
    struct results_sites sites;
};

static void part_make(const struct data *d, int factor, int like, struct part *out)
{
    const struct results_sites *all = &d->sites;
    size_t n = (size_t)all->n + 1, f = (size_t)all->n_factors;
    out->sites = (struct results_sites){.site = xcalloc(n, sizeof *all->site),
                                        .level = xcalloc(n * f + 1, sizeof *all->level),
                                        .level_si = xcalloc(n * f + 1, sizeof *all->level_si),
                                        .n_factors = all->n_factors};
    for (int k = 0; k < all->n; k++) {
        if (factor >= 0 && (!*data_level(d, k, factor) || !data_same_level(d, k, like, factor)))
            continue;
        size_t to = (size_t)out->sites.n++;
        out->sites.site[to] = all->site[k];
        for (size_t j = 0; j < f; j++) {
            out->sites.level[to * f + j] = all->level[(size_t)k * f + j];
            out->sites.level_si[to * f + j] = all->level_si[(size_t)k * f + j];
        }
    }
}

static void part_free(struct part *p)
{
    free(p->sites.site);
    free(p->sites.level);
    free(p->sites.level_si);
}

static void describe(struct summary_level *l, const struct summary_options *o)
{
    const struct selection *s = &l->sites;
    double *sorted = xcalloc((size_t)s->n + 1, sizeof *sorted);
    int n = stats_sort_finite(s->value, s->n, sorted);
    stats_describe(s->value, s->n, &l->stats);
    l->q05 = stats_quantile(sorted, n, 0.05, 7);
    l->q95 = stats_quantile(sorted, n, 0.95, 7);
    l->has_mean =
        !o->no_mean && bootstrap_mean(s->value, s->n, SUMMARY_CONFIDENCE, o->resamples, o->seed, &l->mean);
    l->has_intervals =
        bootstrap_median(s->value, s->n, SUMMARY_CONFIDENCE, o->resamples, o->seed, &l->median);
    free(sorted);
}

/* The rows of one feature, and of those that it is compared with, so that not every level searches the whole
 * file. */
struct own_rows {
    struct results_feature *row;
    int n;
};

static void own_rows_make(const struct data *d, const struct feature_ref *ref, struct own_rows *out)
{
    const char *names[COMPARE_NAMES];
    compare_names(ref->def, names);
    out->row = data_features(d, names, &out->n);
}

static bool add_level(const struct data *d, const struct own_rows *own, const struct summary_options *o,
                      int like, struct summary *out, struct err *e)
{
    struct summary_level *l = &out->level[out->n_levels];
    struct part part;
    memset(l, 0, sizeof *l);
    snprintf(l->name, sizeof l->name, "%s", o->factor < 0 ? "all" : data_level(d, like, o->factor));
    part_make(d, o->factor, like, &part);
    bool ok = select_feature(&part.sites, own->row, own->n, &out->ref, -1, o->unverified, &l->sites, e);
    part_free(&part);
    if (!ok)
        return false;
    out->n_levels++;
    out->n_unverified += l->sites.n_unverified;
    describe(l, o);
    return true;
}

static double correlation(const double *x, const double *y, int n)
{
    double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
    for (int k = 0; k < n; k++) {
        mx += x[k] / n;
        my += y[k] / n;
    }
    for (int k = 0; k < n; k++) {
        xx += (x[k] - mx) * (x[k] - mx);
        yy += (y[k] - my) * (y[k] - my);
        xy += (x[k] - mx) * (y[k] - my);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : 0;
}

static void find_trend(const struct data *d, struct summary *s)
{
    int n = 0;
    for (int k = 0; k < s->n_levels; k++)
        n += s->level[k].sites.n;
    double *room = xcalloc(4 * (size_t)n + 1, sizeof *room);
    double *t = room, *value = t + n, *x = value + n, *y = x + n;
    n = 0;
    for (int k = 0; k < s->n_levels; k++)
        for (int j = 0; j < s->level[k].sites.n; j++, n++) {
            const struct results_site *site = &d->sites.site[data_site(d, s->level[k].sites.site[j])];
            t[n] = s->level[k].sites.t[j];
            value[n] = s->level[k].sites.value[j] - s->level[k].stats.median;
            x[n] = site->x;
            y[n] = site->y;
        }
    s->has_trend = trend_test(t, value, n, &s->trend);
    s->along_x = correlation(t, x, n);
    s->along_y = correlation(t, y, n);
    free(room);
}

/* The step that the values come from, found over all sites, so that levels without values do not matter. */
static bool find_step(const struct data *d, const struct own_rows *own, const struct summary_options *o,
                      struct summary *out, struct err *e)
{
    struct selection all;
    if (!select_feature(&d->sites, own->row, own->n, &out->ref, -1, o->unverified, &all, e))
        return false;
    if (*all.step)
        snprintf(out->ref.step, sizeof out->ref.step, "%s", all.step);
    select_free(&all);
    return true;
}

bool summary_make(const struct data *d, const struct feature_ref *ref, const struct summary_options *o,
                  struct summary *out, struct err *e)
{
    struct summary s = {.ref = *ref,
                        .factor = o->factor,
                        .unverified = o->unverified,
                        .seed = o->seed,
                        .resamples = o->resamples};
    struct own_rows own;
    own_rows_make(d, ref, &own);
    int *like = xcalloc((size_t)d->sites.n + 1, sizeof *like);
    int n = o->factor < 0 ? 1 : data_levels(d, o->factor, like, d->sites.n);
    s.level = xcalloc((size_t)n + 1, sizeof *s.level);
    bool ok = find_step(d, &own, o, &s, e);
    for (int k = 0; ok && k < n; k++)
        ok = add_level(d, &own, o, like[k], &s, e);
    if (ok && o->factor >= 0) {
        ok = compare_feature(&d->sites, own.row, own.n, &s.ref, o->factor, d->factor[o->factor].name,
                             o->unverified, &s.comparison, e);
        s.has_comparison = ok;
    }
    free(like);
    free(own.row);
    if (!ok) {
        summary_free(&s);
        return false;
    }
    if (!o->no_trend)
        find_trend(d, &s);
    *out = s;
    return true;
}

void summary_free(struct summary *s)
{
    for (int k = 0; k < s->n_levels; k++)
        select_free(&s->level[k].sites);
    free(s->level);
    s->level = NULL;
    s->n_levels = 0;
}
