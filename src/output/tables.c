/* Tables of sites, attempts, features, run and events. */
#include "output/tables.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/units.h"

/* --- columns shared ------------------------------------------------------------------------------------ */

static void factor_columns(const struct data *d, struct table *t)
{
    for (int f = 0; f < d->n_factors; f++)
        table_column(t, d->factor[f].name, data_is_numeric(d, f) ? CELL_NUMBER : CELL_TEXT,
                     (enum dim)d->factor[f].dim);
}

static void factor_cells(const struct data *d, int site, struct table *t)
{
    for (int f = 0; f < d->n_factors; f++) {
        if (data_is_numeric(d, f))
            table_number(t, data_level_si(d, site, f));
        else
            table_text(t, data_level(d, site, f));
    }
}

/* Where controls are among the sites, it is said which row is of one. */
static bool has_controls(const struct data *d)
{
    for (int k = 0; k < d->sites.n; k++)
        if (d->sites.site[k].role == SITE_CONTROL)
            return true;
    return false;
}

static void role_column(const struct data *d, struct table *t)
{
    if (has_controls(d))
        table_column(t, "role", CELL_TEXT, DIM_NONE);
}

static void role_cell(const struct data *d, bool shown, int site, struct table *t)
{
    if (shown)
        table_text(t, site_role_name(d->sites.site[site].role));
}

/* --- sites --------------------------------------------------------------------------------------------- */

struct table *tables_sites(const struct data *d)
{
    struct table *t = table_new();
    table_column(t, "site", CELL_INT, DIM_NONE);
    table_column(t, "order", CELL_INT, DIM_NONE);
    table_column(t, "x", CELL_NUMBER, DIM_LENGTH);
    table_column(t, "y", CELL_NUMBER, DIM_LENGTH);
    table_column(t, "region", CELL_TEXT, DIM_NONE);
    table_column(t, "block", CELL_INT, DIM_NONE);
    factor_columns(d, t);
    table_column(t, "outcome", CELL_TEXT, DIM_NONE);
    table_column(t, "reason", CELL_TEXT, DIM_NONE);
    table_column(t, "contact_z", CELL_NUMBER, DIM_LENGTH);
    table_column(t, "attempts", CELL_INT, DIM_NONE);
    table_column(t, "touched", CELL_TEXT, DIM_NONE);
    table_column(t, "spare", CELL_BOOL, DIM_NONE);
    table_column(t, "role", CELL_TEXT, DIM_NONE);
    table_column(t, "flags", CELL_TEXT, DIM_NONE);
    table_column(t, "start", CELL_NUMBER, DIM_TIME);
    table_column(t, "start_utc", CELL_TEXT, DIM_NONE);
    table_column(t, "probe", CELL_TEXT, DIM_NONE);
    table_column(t, "fault", CELL_TEXT, DIM_NONE);
    for (int k = 0; k < d->sites.n; k++) {
        const struct results_site *s = &d->sites.site[k];
        table_int(t, s->site);
        table_int(t, s->order);
        table_number(t, s->x);
        table_number(t, s->y);
        table_text(t, s->region);
        table_int(t, s->block > 0 ? s->block : TABLE_MISSING);
        factor_cells(d, k, t);
        table_text(t, data_outcome(d, k));
        table_text(t, s->reason);
        table_number(t, s->contact_z);
        table_int(t, s->attempts);
        table_text(t, touched_name(s->touched));
        table_bool(t, s->spare);
        table_text(t, site_role_name(s->role));
        table_text(t, s->flags);
        table_number(t, s->start_s);
        table_text(t, s->start_utc);
        table_text(t, data_probe(d, k));
        table_text(t, s->fault);
    }
    return t;
}

/* --- features ------------------------------------------------------------------------------------------ */

struct table *tables_features_long(const struct data *d)
{
    struct table *t = table_new();
    bool roles = has_controls(d);
    table_column(t, "site", CELL_INT, DIM_NONE);
    role_column(d, t);
    factor_columns(d, t);
    table_column(t, "outcome", CELL_TEXT, DIM_NONE);
    table_column(t, "flags", CELL_TEXT, DIM_NONE);
    table_column(t, "step", CELL_TEXT, DIM_NONE);
    table_column(t, "cycle", CELL_INT, DIM_NONE);
    table_column(t, "feature", CELL_TEXT, DIM_NONE);
    table_column(t, "value_si", CELL_NUMBER, DIM_NONE);
    table_column(t, "uncertainty_si", CELL_NUMBER, DIM_NONE);
    table_column(t, "unit_si", CELL_TEXT, DIM_NONE);
    table_column(t, "method", CELL_TEXT, DIM_NONE);
    table_column(t, "missing", CELL_TEXT, DIM_NONE);
    for (int k = 0; k < d->n_features; k++) {
        const struct results_feature *f = &d->feature[k];
        if (!data_is_current(d, f))
            continue;
        int site = data_site(d, f->site);
        table_int(t, f->site);
        role_cell(d, roles, site, t);
        factor_cells(d, site, t);
        table_text(t, data_outcome(d, site));
        table_text(t, d->sites.site[site].flags);
        table_text(t, f->step_name);
        table_int(t, f->cycle > 0 ? f->cycle : TABLE_MISSING);
        table_text(t, f->name);
        table_number(t, f->value);
        table_number(t, f->uncertainty);
        table_text(t, f->unit);
        table_text(t, f->method);
        table_text(t, f->missing);
    }
    return t;
}

static bool same_place(const struct results_feature *a, const struct results_feature *b)
{
    return a->site == b->site && a->cycle == b->cycle && strcmp(a->step_name, b->step_name) == 0;
}

/* Which features of the registry the file has; returns their number. */
static int used_features(const struct data *d, const struct feature_def **used)
{
    int n = 0;
    for (int k = 0; k < feature_count(); k++) {
        const struct feature_def *def = feature_at(k);
        for (int j = 0; j < d->n_features; j++)
            if (strcmp(d->feature[j].name, def->name) == 0) {
                used[n++] = def;
                break;
            }
    }
    return n;
}

struct wide_key {
    const struct results_feature *f;
    int site, index; /* visiting order, order of appearance */
};

static int by_place(const void *a, const void *b)
{
    const struct wide_key *x = a, *y = b;
    if (x->site != y->site)
        return x->site < y->site ? -1 : 1;
    int name = strcmp(x->f->step_name, y->f->step_name);
    if (name)
        return name;
    if (x->f->cycle != y->f->cycle)
        return x->f->cycle < y->f->cycle ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static void wide_row(const struct data *d, bool roles, const struct wide_key *key, int n,
                     const struct feature_def *const *used, int n_used, struct table *t)
{
    const struct results_feature *first = key[0].f;
    table_int(t, first->site);
    role_cell(d, roles, key[0].site, t);
    factor_cells(d, key[0].site, t);
    table_text(t, data_outcome(d, key[0].site));
    table_text(t, d->sites.site[key[0].site].flags);
    table_text(t, first->step_name);
    table_int(t, first->cycle > 0 ? first->cycle : TABLE_MISSING);
    for (int u = 0; u < n_used; u++) {
        double value = NAN;
        for (int k = 0; k < n; k++)
            if (strcmp(key[k].f->name, used[u]->name) == 0)
                value = key[k].f->value;
        table_number(t, value);
    }
}

struct table *tables_features_wide(const struct data *d)
{
    const struct feature_def **used = xcalloc((size_t)feature_count() + 1, sizeof *used);
    int n_used = used_features(d, used), n = 0;
    struct table *t = table_new();
    bool roles = has_controls(d);
    table_column(t, "site", CELL_INT, DIM_NONE);
    role_column(d, t);
    factor_columns(d, t);
    table_column(t, "outcome", CELL_TEXT, DIM_NONE);
    table_column(t, "flags", CELL_TEXT, DIM_NONE);
    table_column(t, "step", CELL_TEXT, DIM_NONE);
    table_column(t, "cycle", CELL_INT, DIM_NONE);
    for (int u = 0; u < n_used; u++)
        table_column(t, used[u]->name, CELL_NUMBER, used[u]->dim);
    struct wide_key *key = xcalloc((size_t)d->n_features + 1, sizeof *key);
    for (int k = 0; k < d->n_features; k++)
        if (data_is_current(d, &d->feature[k])) {
            key[n] = (struct wide_key){&d->feature[k], data_site(d, d->feature[k].site), n};
            n++;
        }
    qsort(key, (size_t)n, sizeof *key, by_place);
    for (int from = 0, to; from < n; from = to) {
        for (to = from + 1; to < n && same_place(key[from].f, key[to].f); to++)
            ;
        wide_row(d, roles, key + from, to - from, used, n_used, t);
    }
    free(key);
    free(used);
    return t;
}

/* --- attempts, run, events ----------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum dim dim;
} attempt_number[] = {{"x", DIM_LENGTH},
                      {"y", DIM_LENGTH},
                      {"contact_z", DIM_LENGTH},
                      {"contact_current", DIM_CURRENT},
                      {"contact_charge", DIM_CHARGE},
                      {"break_distance", DIM_LENGTH},
                      {"blank_capacitance", DIM_CAPACITANCE},
                      {"blank_conductance", DIM_CONDUCTANCE},
                      {"blank_offset", DIM_CURRENT},
                      {"noise_rms", DIM_CURRENT},
                      {"start", DIM_TIME},
                      {"end", DIM_TIME}};

static void attempt_row(const struct data *d, const struct results_attempt *a, struct table *t)
{
    const double number[] = {a->x,
                             a->y,
                             a->contact_z,
                             a->contact_current,
                             a->contact_charge,
                             a->break_distance,
                             a->blank_capacitance,
                             a->blank_conductance,
                             a->blank_offset,
                             a->noise_rms,
                             a->start_s,
                             a->end_s};
    _Static_assert(sizeof number / sizeof number[0] == sizeof attempt_number / sizeof attempt_number[0],
                   "one number per column");
    table_int(t, a->site);
    table_int(t, a->number);
    table_text(t, a->outcome == OUTCOME_NONE ? "in-progress" : outcome_name(a->outcome));
    table_text(t, a->reason);
    table_text(t, touched_name(a->touched));
    table_text(t, a->last_step);
    table_int(t, a->last_cycle > 0 ? a->last_cycle : TABLE_MISSING);
    for (size_t k = 0; k < sizeof number / sizeof number[0]; k++)
        table_number(t, number[k]);
    table_text(t, a->flags);
    table_text(t, data_probe_of(d, a->id));
    table_text(t, a->fault);
}

/* Appends the attempts of one site; false on error. */
static bool attempt_rows(const struct data *d, const struct results_site *s, struct table *t, struct err *e)
{
    struct results_attempt *a;
    int n = results_attempts_all(d->r, s->site, &a, e);
    for (int k = 0; k < n; k++)
        attempt_row(d, &a[k], t);
    free(a);
    return n >= 0;
}

struct table *tables_attempts(const struct data *d, int site, struct err *e)
{
    struct table *t = table_new();
    table_column(t, "site", CELL_INT, DIM_NONE);
    table_column(t, "attempt", CELL_INT, DIM_NONE);
    table_column(t, "outcome", CELL_TEXT, DIM_NONE);
    table_column(t, "reason", CELL_TEXT, DIM_NONE);
    table_column(t, "touched", CELL_TEXT, DIM_NONE);
    table_column(t, "last_step", CELL_TEXT, DIM_NONE);
    table_column(t, "last_cycle", CELL_INT, DIM_NONE);
    for (size_t k = 0; k < sizeof attempt_number / sizeof attempt_number[0]; k++)
        table_column(t, attempt_number[k].name, CELL_NUMBER, attempt_number[k].dim);
    table_column(t, "flags", CELL_TEXT, DIM_NONE);
    table_column(t, "probe", CELL_TEXT, DIM_NONE);
    table_column(t, "fault", CELL_TEXT, DIM_NONE);
    for (int k = 0; k < d->sites.n; k++) {
        const struct results_site *s = &d->sites.site[k];
        if ((site == 0 ? s->attempts > 0 : s->site == site) && !attempt_rows(d, s, t, e)) {
            table_free(t);
            return NULL;
        }
    }
    return t;
}

static void run_row(void *ctx, const char *key, const char *value)
{
    table_text(ctx, key);
    table_text(ctx, value);
}

struct table *tables_run(struct results *r, struct err *e)
{
    struct table *t = table_new();
    table_column(t, "key", CELL_TEXT, DIM_NONE);
    table_column(t, "value", CELL_TEXT, DIM_NONE);
    if (results_info_each(r, run_row, t, e))
        return t;
    table_free(t);
    return NULL;
}

struct table *tables_events(struct results *r, struct err *e)
{
    struct results_event *event;
    int n;
    if (!results_events(r, &event, &n, e))
        return NULL;
    struct table *t = table_new();
    table_column(t, "time", CELL_NUMBER, DIM_TIME);
    table_column(t, "utc", CELL_TEXT, DIM_NONE);
    table_column(t, "site", CELL_INT, DIM_NONE);
    table_column(t, "kind", CELL_TEXT, DIM_NONE);
    table_column(t, "text", CELL_TEXT, DIM_NONE);
    for (int k = 0; k < n; k++) {
        table_number(t, event[k].t_s);
        table_text(t, event[k].utc);
        table_int(t, event[k].site > 0 ? event[k].site : TABLE_MISSING);
        table_text(t, event[k].kind);
        table_text(t, event[k].text);
    }
    free(event);
    return t;
}
