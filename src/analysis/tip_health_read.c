/* Charts of a results file, and charts as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tip_health_parts.h"

/* --- from a file ---------------------------------------------------------------------------------------- */

struct charted {
    struct results_attempt attempt;
    const char *region; /* of the list of sites */
    bool control;
};

struct all {
    struct charted *v;
    int n, cap;
};

static bool add_site(struct results *file, const struct results_site *site, struct all *all, struct err *e)
{
    if (site->attempts < 1)
        return true;
    size_t room = (size_t)site->attempts + 1;
    struct results_attempt *a = xcalloc(room, sizeof *a);
    int n = results_attempts(file, site->site, a, (int)room, e);
    for (int k = 0; k < n && k < (int)room; k++) {
        if (all->n == all->cap) {
            all->cap = all->cap ? 2 * all->cap : 256;
            all->v = xrealloc(all->v, (size_t)all->cap * sizeof *all->v);
        }
        all->v[all->n++] = (struct charted){a[k], site->region, site->role == SITE_CONTROL};
    }
    free(a);
    return n >= 0;
}

static int by_id(const void *a, const void *b)
{
    const struct charted *x = a, *y = b;
    return (x->attempt.id > y->attempt.id) - (x->attempt.id < y->attempt.id);
}

static bool is_probe(const struct results_event *ev)
{
    return strcmp(ev->kind, "probe") == 0;
}

static void replay(struct tip_health *h, const struct all *all, const struct results_event *ev, int n_ev)
{
    int next = 0;
    for (int k = 0; k < all->n; k++) {
        const struct results_attempt *a = &all->v[k].attempt;
        for (; next < n_ev && ev[next].t_s <= a->start_s; next++)
            if (is_probe(&ev[next]))
                tip_health_renew(h);
        tip_health_add(h, a, all->v[k].region, all->v[k].control, NULL);
    }
    for (; next < n_ev; next++)
        if (is_probe(&ev[next]))
            tip_health_renew(h);
}

static void read_settings(struct results *file, struct tip_health_settings *s)
{
    double v;
    tip_health_defaults(s);
    if (results_info_double(file, "health.baseline", &v) && v >= 3)
        s->baseline = (int)v;
    if (results_info_double(file, "health.sigmas", &v) && v > 0)
        s->sigmas = v;
    if (results_info_double(file, "surface.sigma", &v) && v > 0)
        s->sigma = v;
    if (results_info_double(file, "surface.tilt_x", &v) && isfinite(v))
        s->tilt[0] = v;
    if (results_info_double(file, "surface.tilt_y", &v) && isfinite(v))
        s->tilt[1] = v;
}

bool tip_health_read(struct results *file, struct tip_health **out, struct err *e)
{
    struct tip_health_settings settings;
    struct results_sites sites;
    struct results_event *ev = NULL;
    struct all all = {0};
    int n_ev = 0;
    if (!results_sites(file, &sites, e))
        return false;
    bool ok = results_events(file, &ev, &n_ev, e);
    for (int k = 0; ok && k < sites.n; k++)
        ok = add_site(file, &sites.site[k], &all, e);
    if (ok) {
        read_settings(file, &settings);
        if (all.n > 1)
            qsort(all.v, (size_t)all.n, sizeof *all.v, by_id);
        *out = tip_health_new(&settings);
        replay(*out, &all, ev, n_ev);
    }
    free(all.v);
    free(ev);
    results_sites_free(&sites);
    return ok;
}

/* --- as JSON -------------------------------------------------------------------------------------------- */

static void number(struct buf *out, double v)
{
    if (isfinite(v))
        buf_printf(out, "%.5g", v);
    else
        buf_str(out, "null");
}

static void put_column(const struct chart *c, int first, const char *key, size_t offset, struct buf *out)
{
    buf_printf(out, ",\"%s\":[", key);
    for (int k = first; k < chart_count(c); k++) {
        buf_str(out, k > first ? "," : "");
        number(out, *(const double *)(const void *)((const char *)chart_point(c, k) + offset));
    }
    buf_char(out, ']');
}

static void put_series(const struct tip_health *h, int s, int first, struct buf *out)
{
    const struct tip_series_def *def = &tip_series_def[s];
    double reach = tip_reach(h, (enum tip_series)s);
    buf_printf(out, "{\"name\":\"%s\",\"title\":\"%s\",\"unit\":\"%s\",\"log\":%s,\"reach\":", def->name,
               def->words, def->unit, def->log ? "true" : "false");
    number(out, reach);
    put_column(h->chart[s], first, "v", offsetof(struct chart_point, value), out);
    /* The evidence of misses is its own EWMA, against a fixed limit of 1. */
    if (s != TIP_MISSES) {
        put_column(h->chart[s], first, "ewma", offsetof(struct chart_point, level), out);
        put_column(h->chart[s], first, "centre", offsetof(struct chart_point, centre), out);
        put_column(h->chart[s], first, "low", offsetof(struct chart_point, low), out);
        put_column(h->chart[s], first, "high", offsetof(struct chart_point, high), out);
    }
    buf_char(out, '}');
}

static void put_news(const struct tip_health *h, struct buf *out)
{
    buf_str(out, "\"news\":[");
    for (int k = 0; k < h->n_news; k++) {
        const struct tip_news *w = &h->news[k];
        buf_printf(out, "%s{\"verdict\":\"%s\",\"site\":%d,\"attempt\":%" PRId64 ",\"t\":", k ? "," : "",
                   tip_verdict_name(w->verdict), w->site, w->attempt);
        number(out, w->t_s);
        buf_str(out, ",\"text\":");
        buf_json_string(out, w->text);
        buf_char(out, '}');
    }
    buf_str(out, "],");
}

void tip_health_json(const struct tip_health *h, int most, struct buf *out)
{
    int first = h->n_at > most ? h->n_at - most : 0;
    buf_printf(out, "{\"verdict\":\"%s\",\"baseline\":%d,\"sigmas\":%.6g,\"attempts\":%d,",
               tip_verdict_name(h->verdict), h->settings.baseline, h->settings.sigmas, h->n_at);
    put_news(h, out);
    buf_str(out, "\"attempt\":[");
    for (int k = first; k < h->n_at; k++)
        buf_printf(out, "%s%" PRId64, k > first ? "," : "", h->at[k].attempt);
    buf_str(out, "],\"site\":[");
    for (int k = first; k < h->n_at; k++)
        buf_printf(out, "%s%d", k > first ? "," : "", h->at[k].site);
    buf_str(out, "],\"series\":[");
    for (int s = 0; s < TIP_SERIES; s++) {
        buf_str(out, s ? ",\n" : "\n");
        put_series(h, s, first, out);
    }
    buf_str(out, "]}");
}
