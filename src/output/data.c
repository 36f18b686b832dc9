/* Reading a results file into memory, and look-ups in it. */
#include "output/data.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "base/yaml.h"

static bool has_flag(const char *flags, const char *name)
{
    const char *p = strstr(flags, name);
    size_t n = strlen(name);
    return p && (p == flags || p[-1] == ',') && (p[n] == '\0' || p[n] == ',');
}

static void count_controls(struct data *d)
{
    for (int k = 0; k < d->sites.n; k++) {
        const struct results_site *s = &d->sites.site[k];
        if (s->role != SITE_CONTROL)
            continue;
        d->controls++;
        d->controls_used += s->attempts > 0;
        d->controls_failed += has_flag(s->flags, "control-failed");
    }
}

/* Rows come site by site in the same order of names, so the next one is most often behind the last. */
static struct data_group *group_of(struct data *d, int *hint, const char *name)
{
    for (int j = 0; j < d->n_groups; j++) {
        int k = (*hint + j) % d->n_groups;
        if (strcmp(d->group[k].name, name) == 0) {
            *hint = k + 1 < d->n_groups ? k + 1 : 0;
            return &d->group[k];
        }
    }
    d->group = xrealloc(d->group, (size_t)(d->n_groups + 1) * sizeof *d->group);
    d->group[d->n_groups] = (struct data_group){.name = name};
    return &d->group[d->n_groups++];
}

static void ungroup_features(struct data *d)
{
    for (int k = 0; k < d->n_groups; k++)
        free(d->group[k].row);
    free(d->group);
    d->group = NULL;
    d->n_groups = 0;
}

static void group_features(struct data *d)
{
    int hint = 0;
    for (int k = 0; k < d->n_features; k++) {
        struct data_group *g = group_of(d, &hint, d->feature[k].name);
        if (g->n == g->cap) {
            g->cap = g->cap ? 2 * g->cap : 64;
            g->row = xrealloc(g->row, (size_t)g->cap * sizeof *g->row);
        }
        g->row[g->n++] = k;
    }
}

static bool read_all(struct data *d, struct err *e)
{
    if (!results_sites(d->r, &d->sites, e))
        return false;
    count_controls(d);
    d->n_factors = results_factors(d->r, d->factor, DATA_FACTORS);
    if (d->n_factors > DATA_FACTORS)
        return err_set(e, ERR_INPUT, "results `%s`: %d factors, at most %d are read", results_path(d->r),
                       d->n_factors, DATA_FACTORS);
    if (!results_features(d->r, &d->feature, &d->n_features, e))
        return false;
    group_features(d);
    d->probe = xcalloc(PROBES_MAX, sizeof *d->probe);
    d->n_probes = probes_read(d->r, d->probe, e);
    return d->n_probes > 0 && frame_read(d->r, &d->frame, e);
}

struct data *data_open(const char *path, struct err *e)
{
    struct results *r = results_open(path, e);
    if (!r)
        return NULL;
    struct data *d = xcalloc(1, sizeof *d);
    d->r = r;
    if (read_all(d, e))
        return d;
    data_close(d);
    return NULL;
}

void data_close(struct data *d)
{
    if (!d)
        return;
    results_sites_free(&d->sites);
    free(d->feature);
    ungroup_features(d);
    free(d->probe);
    results_close(d->r, NULL);
    free(d);
}

/* --- sites and levels ---------------------------------------------------------------------------------- */

int data_site(const struct data *d, int number)
{
    /* Names of sites equal the visiting order unless a plan says otherwise. */
    if (number >= 1 && number <= d->sites.n && d->sites.site[number - 1].site == number)
        return number - 1;
    for (int k = 0; k < d->sites.n; k++)
        if (d->sites.site[k].site == number)
            return k;
    return -1;
}

bool data_factor(const struct data *d, const char *name, int *out, struct err *e)
{
    const char *names[DATA_FACTORS + 1] = {0};
    for (int f = 0; f < d->n_factors; f++) {
        names[f] = d->factor[f].name;
        if (strcmp(name, names[f]) == 0) {
            *out = f;
            return true;
        }
    }
    const char *near = text_nearest(name, names);
    if (strcmp(name, "probe") == 0)
        return err_set(e, ERR_USAGE, "all of this run was measured with one probe");
    if (d->n_factors == 0)
        return err_set(e, ERR_USAGE, "there is no factor `%s`: nothing was varied in this run", name);
    return err_set(e, ERR_USAGE, "there is no factor `%s`; %s `%s`?", name,
                   near ? "did you mean" : "for example", near ? near : names[0]);
}

const char *data_level(const struct data *d, int site, int factor)
{
    return d->sites.level[site * d->sites.n_factors + factor];
}

double data_level_si(const struct data *d, int site, int factor)
{
    return d->sites.level_si[site * d->sites.n_factors + factor];
}

bool data_is_numeric(const struct data *d, int factor)
{
    int numbers = 0;
    for (int k = 0; k < d->sites.n; k++) {
        if (!*data_level(d, k, factor))
            continue;
        if (!isfinite(data_level_si(d, k, factor)))
            return false;
        numbers++;
    }
    return numbers > 0;
}

bool data_same_level(const struct data *d, int a, int b, int factor)
{
    double x = data_level_si(d, a, factor), y = data_level_si(d, b, factor);
    if (isfinite(x) && isfinite(y))
        return x == y;
    return strcmp(data_level(d, a, factor), data_level(d, b, factor)) == 0;
}

int data_levels(const struct data *d, int factor, int *site, int max)
{
    int n = 0;
    for (int k = 0; k < d->sites.n; k++) {
        bool known = !*data_level(d, k, factor);
        for (int j = 0; !known && j < n && j < max; j++)
            known = data_same_level(d, k, site[j], factor);
        if (known)
            continue;
        int at = n < max ? n : max - 1;
        /* Insert in rising order; NAN compares as not less, so that texts stay in order of appearance. */
        while (n < max && at > 0 && data_level_si(d, k, factor) < data_level_si(d, site[at - 1], factor)) {
            site[at] = site[at - 1];
            at--;
        }
        if (n < max)
            site[at] = k;
        n++;
    }
    return n;
}

const char *data_outcome(const struct data *d, int site)
{
    const struct results_site *s = &d->sites.site[site];
    if (s->outcome != OUTCOME_NONE)
        return outcome_name(s->outcome);
    return s->attempts > 0 ? "in-progress" : outcome_name(OUTCOME_NOT_VISITED);
}

/* --- roles --------------------------------------------------------------------------------------------- */

bool data_roles_parse(const char *word, enum data_roles *out, struct err *e)
{
    static const char *const words[] = {"measured", "control", "all"};
    for (int k = 0; k < 3; k++)
        if (strcmp(word, words[k]) == 0) {
            *out = (enum data_roles)k;
            return true;
        }
    return err_set(e, ERR_USAGE, "--role is measured (sites and their spares), control or all, not `%s`",
                   word);
}

static bool wanted(const struct results_site *s, enum data_roles roles)
{
    return roles == DATA_ALL || (s->role == SITE_CONTROL) == (roles == DATA_CONTROLS);
}

void data_keep(struct data *d, enum data_roles roles)
{
    struct results_sites *s = &d->sites;
    size_t f = (size_t)s->n_factors;
    int n = 0, features = 0;
    for (int k = 0; k < d->n_features; k++) {
        int at = data_site(d, d->feature[k].site);
        if (at >= 0 && wanted(&s->site[at], roles))
            d->feature[features++] = d->feature[k];
    }
    for (int k = 0; k < s->n; k++) {
        size_t from = (size_t)k * f, to = (size_t)n * f;
        bool keep = wanted(&s->site[k], roles);
        for (size_t j = 0; j < f && keep; j++) {
            s->level[to + j] = s->level[from + j];
            s->level_si[to + j] = s->level_si[from + j];
        }
        for (size_t j = 0; j < f && !keep; j++)
            free(s->level[from + j]);
        if (keep)
            s->site[n++] = s->site[k];
    }
    s->n = n;
    d->n_features = features;
    ungroup_features(d); /* its rows are others now */
    group_features(d);
}

/* One more column of texts; "" = none. */
static int add_factor(struct data *d, const char *name, const char *(*text)(const struct data *, int site))
{
    struct results_sites *s = &d->sites;
    size_t f = (size_t)s->n_factors, n = (size_t)s->n;
    char **level = xcalloc(n * (f + 1) + 1, sizeof *level);
    double *si = xcalloc(n * (f + 1) + 1, sizeof *si);
    for (size_t k = 0; k < n; k++) {
        for (size_t j = 0; j < f; j++) {
            level[k * (f + 1) + j] = s->level[k * f + j];
            si[k * (f + 1) + j] = s->level_si[k * f + j];
        }
        level[k * (f + 1) + f] = xstrdup(text(d, (int)k));
        si[k * (f + 1) + f] = NAN;
    }
    free(s->level);
    free(s->level_si);
    s->level = level;
    s->level_si = si;
    s->n_factors++;
    d->factor[d->n_factors] = (struct results_factor){.dim = DIM_NONE};
    snprintf(d->factor[d->n_factors].name, sizeof d->factor[0].name, "%s", name);
    return d->n_factors++;
}

static const char *role_of(const struct data *d, int site)
{
    return site_role_name(d->sites.site[site].role);
}

int data_role_factor(struct data *d)
{
    return add_factor(d, "role", role_of);
}

/* A spare that was not used lies nowhere. */
static const char *region_of(const struct data *d, int site)
{
    const struct results_site *s = &d->sites.site[site];
    return s->spare && s->attempts == 0 ? "" : s->region;
}

int data_region_factor(struct data *d)
{
    const struct results_sites *s = &d->sites;
    bool several = false;
    for (int f = 0; f < d->n_factors; f++)
        if (strcmp(d->factor[f].name, "region") == 0)
            return f;
    for (int k = 1; k < s->n; k++)
        several = several || strcmp(s->site[k].region, s->site[0].region) != 0;
    return several && d->n_factors <= DATA_FACTORS ? add_factor(d, "region", region_of) : -1;
}

const char *data_probe_of(const struct data *d, int64_t attempt)
{
    const struct probe *p = probe_of(d->probe, d->n_probes, attempt);
    char name[24];
    snprintf(name, sizeof name, "probe %d", p->number);
    return *p->id ? p->id : intern(name);
}

const char *data_probe(const struct data *d, int site)
{
    int64_t attempt = d->sites.site[site].last_attempt;
    return attempt ? data_probe_of(d, attempt) : "";
}

int data_probe_factor(struct data *d)
{
    for (int f = 0; f < d->n_factors; f++)
        if (strcmp(d->factor[f].name, "probe") == 0)
            return f;
    return d->n_probes > 1 && d->n_factors <= DATA_FACTORS ? add_factor(d, "probe", data_probe) : -1;
}

/* --- features ------------------------------------------------------------------------------------------ */

bool data_is_current(const struct data *d, const struct results_feature *f)
{
    int k = data_site(d, f->site);
    return k >= 0 && (f->attempt == 0 || f->attempt == d->sites.site[k].last_attempt);
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

struct results_feature *data_features(const struct data *d, const char *const *names, int *n)
{
    int count = 0;
    for (int g = 0; g < d->n_groups; g++)
        count += is_among(d->group[g].name, names) ? d->group[g].n : 0;
    struct results_feature *out = xcalloc((size_t)count + 1, sizeof *out);
    *n = 0;
    for (int g = 0; g < d->n_groups; g++)
        if (is_among(d->group[g].name, names))
            for (int k = 0; k < d->group[g].n; k++)
                out[(*n)++] = d->feature[d->group[g].row[k]];
    return out;
}

static bool is_of(const struct series *s, const struct results_feature *f)
{
    return s->ref.cycle == f->cycle && strcmp(s->ref.def->name, f->name) == 0 &&
           strcmp(s->ref.step, f->step_name) == 0;
}

/* Rows come site by site in the same order, so the next series is most often the one behind the last. */
static struct series *find_series(struct series *s, int n, int *hint, const struct results_feature *f)
{
    for (int j = 0; j < n; j++) {
        int k = (*hint + j) % n;
        if (is_of(&s[k], f)) {
            *hint = k + 1 < n ? k + 1 : 0;
            return &s[k];
        }
    }
    return NULL;
}

struct series *data_series(const struct data *d, int *n)
{
    struct series *s = NULL;
    int hint = 0;
    *n = 0;
    for (int k = 0; k < d->n_features; k++) {
        const struct results_feature *f = &d->feature[k];
        const struct feature_def *def = feature_find(f->name);
        if (!def || !data_is_current(d, f))
            continue;
        struct series *at = find_series(s, *n, &hint, f);
        if (!at) {
            s = xrealloc(s, (size_t)(*n + 1) * sizeof *s);
            at = &s[(*n)++];
            *at = (struct series){.ref = {.def = def, .cycle = f->cycle}};
            snprintf(at->ref.step, sizeof at->ref.step, "%s", f->step_name);
            at->row = xcalloc((size_t)d->sites.n + 1, sizeof *at->row);
        }
        at->row[data_site(d, f->site)] = f;
    }
    return s;
}

void series_free_all(struct series *s, int n)
{
    for (int k = 0; k < n; k++)
        free(s[k].row);
    free(s);
}
