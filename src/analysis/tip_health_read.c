/* Charts of a results file, and charts as JSON. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/tip_health_parts.h"

/* Beyond these, which are more than the protocol allows, a stored number is damaged: the default then. */
#define BASELINE_MAX 1000 /* landings */
#define SIGMAS_MAX   100
#define SIGMA_MAX    1e-3 /* m */

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
    struct results_attempt *a;
    int n = results_attempts_all(file, site->site, &a, e);
    for (int k = 0; k < n; k++) {
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

/* --- features of the controls --------------------------------------------------------------------------- */

struct accepted {
    char *names; /* as stored: of the features that controls are accepted by */
    struct results_feature *row;
    int n;
};

static void name_of(const struct results_feature *f, char name[128])
{
    char cycle[16] = "";
    if (f->cycle > 0)
        snprintf(cycle, sizeof cycle, "@%d", f->cycle);
    snprintf(name, 128, "%.48s%s%.56s%s", f->step_name, *f->step_name ? "." : "", f->name, cycle);
}

static bool is_listed(const char *names, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = names; (p = strstr(p, name)); p += n)
        if ((p == names || p[-1] == TIP_SEPARATOR) && (p[n] == '\0' || p[n] == TIP_SEPARATOR))
            return true;
    return false;
}

/* Keeps the rows of the features that are wanted; they are few. */
static bool read_accepted(struct results *file, struct accepted *out, struct err *e)
{
    char name[128];
    int kept = 0;
    out->names = results_info(file, "control.accept");
    if (!*out->names)
        return true;
    if (!results_features(file, &out->row, &out->n, e))
        return false;
    for (int k = 0; k < out->n; k++) {
        name_of(&out->row[k], name);
        if (is_listed(out->names, name))
            out->row[kept++] = out->row[k];
    }
    out->n = kept;
    return true;
}

static void add_accepted(struct tip_health *h, const struct accepted *a, int64_t attempt)
{
    char name[128];
    for (int k = 0; k < a->n; k++) {
        if (a->row[k].attempt != attempt)
            continue;
        name_of(&a->row[k], name);
        tip_health_feature(h, name, a->row[k].unit, a->row[k].missing[0] ? NAN : a->row[k].value);
    }
}

static void replay(struct tip_health *h, const struct all *all, const struct accepted *accepted,
                   const struct results_event *ev, int n_ev)
{
    int next = 0;
    for (int k = 0; k < all->n; k++) {
        const struct results_attempt *a = &all->v[k].attempt;
        /* An attempt whose time is not known says nothing of the probes before it. */
        for (; next < n_ev && isfinite(a->start_s) && !(ev[next].t_s > a->start_s); next++)
            if (is_probe(&ev[next]))
                tip_health_renew(h);
        if (all->v[k].control)
            add_accepted(h, accepted, a->id);
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
    if (results_info_double(file, "health.baseline", &v) && v >= 3 && v <= BASELINE_MAX)
        s->baseline = (int)v;
    if (results_info_double(file, "health.sigmas", &v) && v > 0 && v <= SIGMAS_MAX)
        s->sigmas = v;
    if (results_info_double(file, "surface.sigma", &v) && v > 0 && v <= SIGMA_MAX)
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
    struct accepted accepted = {0};
    int n_ev = 0;
    if (!results_sites(file, &sites, e))
        return false;
    bool ok = results_events(file, &ev, &n_ev, e) && read_accepted(file, &accepted, e);
    for (int k = 0; ok && k < sites.n; k++)
        ok = add_site(file, &sites.site[k], &all, e);
    if (ok) {
        read_settings(file, &settings);
        if (all.n > 1)
            qsort(all.v, (size_t)all.n, sizeof *all.v, by_id);
        *out = tip_health_new(&settings);
        replay(*out, &all, &accepted, ev, n_ev);
    }
    free(accepted.names);
    free(accepted.row);
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

/* Values and, but for the misses, which are their own EWMA against a fixed limit of 1, the lines. */
static void put_chart(const struct chart *c, int first, bool lines, struct buf *out)
{
    put_column(c, first, "v", offsetof(struct chart_point, value), out);
    if (lines) {
        put_column(c, first, "ewma", offsetof(struct chart_point, level), out);
        put_column(c, first, "centre", offsetof(struct chart_point, centre), out);
        put_column(c, first, "low", offsetof(struct chart_point, low), out);
        put_column(c, first, "high", offsetof(struct chart_point, high), out);
    }
    buf_char(out, '}');
}

static void put_head(const char *name, const char *title, const char *unit, bool is_log, double reach,
                     int baseline, struct buf *out)
{
    buf_str(out, "{\"name\":");
    buf_json_string(out, name);
    buf_str(out, ",\"title\":");
    buf_json_string(out, title);
    buf_printf(out, ",\"unit\":\"%s\",\"log\":%s,\"baseline\":%d,\"reach\":", unit, is_log ? "true" : "false",
               baseline);
    number(out, reach);
}

static void put_series(const struct tip_health *h, int s, int first, struct buf *out)
{
    const struct tip_series_def *def = &tip_series_def[s];
    put_head(def->name, def->words, def->unit, def->log, tip_reach(h, (enum tip_series)s),
             h->settings.baseline, out);
    put_chart(h->chart[s], first, s != TIP_MISSES, out);
}

static void put_feature(const struct tip_feature *f, int first, struct buf *out)
{
    char title[160];
    snprintf(title, sizeof title, "controls: %s", f->name);
    put_head(f->name, title, f->unit, false, chart_reach(f->chart), TIP_CONTROL_BASELINE, out);
    put_chart(f->chart, first, true, out);
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
    for (int k = 0; k < h->features; k++) {
        buf_str(out, ",\n");
        put_feature(&h->feature[k], first, out);
    }
    buf_str(out, "]}");
}
