/* Tables and samples of one site. */
#include "output/show.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "output/tables.h"
#include "output/units.h"
#include "output/waves.h"

/* Attempts of a site, in order; caller frees. NULL on error or if there are none (*n = 0). */
static struct results_attempt *attempts_of(const struct data *d, int site, int *n, struct err *e)
{
    int at = data_site(d, site);
    if (at < 0) {
        err_set(e, ERR_USAGE, "there is no site %d: the sites are 1 to %d", site, d->sites.n);
        return NULL;
    }
    struct results_attempt *a;
    *n = results_attempts_all(d->r, site, &a, e);
    return a;
}

/* --- steps --------------------------------------------------------------------------------------------- */

struct span {
    double low, high;
};

static void widen(struct span *s, double value)
{
    s->low = fmin(s->low, value); /* fmin ignores NAN */
    s->high = fmax(s->high, value);
}

static bool step_row(const struct data *d, int attempt, const struct results_step *s, struct table *t,
                     struct err *e)
{
    struct wave_row *rows = NULL;
    int n = 0, flagged = 0;
    struct span potential = {NAN, NAN}, current = {NAN, NAN};
    if (!results_rows(d->r, s->id, &rows, &n, e))
        return false;
    for (int k = 0; k < n; k++) {
        flagged += rows[k].status != 0;
        widen(&potential, frame_potential(&d->frame, &rows[k]));
        widen(&current, frame_current(&d->frame, &rows[k]));
    }
    free(rows);
    table_int(t, attempt);
    table_int(t, s->index);
    table_text(t, s->phase);
    table_text(t, s->name);
    table_text(t, s->kind);
    table_int(t, n);
    table_int(t, flagged);
    table_number(t, potential.low);
    table_number(t, potential.high);
    table_number(t, current.low);
    table_number(t, current.high);
    table_number(t, s->gap_before);
    table_text(t, s->gap_state);
    table_text(t, s->ended_by);
    table_text(t, s->settings);
    return true;
}

static struct table *steps_table(void)
{
    static const struct {
        const char *name;
        enum cell_kind kind;
        enum dim dim;
    } column[] = {{"attempt", CELL_INT, DIM_NONE},
                  {"index", CELL_INT, DIM_NONE},
                  {"phase", CELL_TEXT, DIM_NONE},
                  {"step", CELL_TEXT, DIM_NONE},
                  {"kind", CELL_TEXT, DIM_NONE},
                  {"samples", CELL_INT, DIM_NONE},
                  {"flagged", CELL_INT, DIM_NONE},
                  {"potential_min", CELL_NUMBER, DIM_POTENTIAL},
                  {"potential_max", CELL_NUMBER, DIM_POTENTIAL},
                  {"current_min", CELL_NUMBER, DIM_CURRENT},
                  {"current_max", CELL_NUMBER, DIM_CURRENT},
                  {"gap_before", CELL_NUMBER, DIM_TIME},
                  {"gap_state", CELL_TEXT, DIM_NONE},
                  {"ended_by", CELL_TEXT, DIM_NONE},
                  {"settings", CELL_TEXT, DIM_NONE}};
    struct table *t = table_new();
    for (size_t k = 0; k < sizeof column / sizeof column[0]; k++)
        table_column(t, column[k].name, column[k].kind, column[k].dim);
    return t;
}

static bool steps_rows(const struct data *d, const struct results_attempt *a, struct table *t, struct err *e)
{
    struct results_step *step = NULL;
    int n = 0;
    if (!results_steps(d->r, a->id, &step, &n, e))
        return false;
    bool ok = true;
    for (int k = 0; ok && k < n; k++)
        ok = step_row(d, a->number, &step[k], t, e);
    free(step);
    return ok;
}

/* --- features ------------------------------------------------------------------------------------------ */

static struct table *features_table(const struct data *d, int site)
{
    struct table *t = table_new();
    table_column(t, "feature", CELL_TEXT, DIM_NONE);
    table_column(t, "value", CELL_NUMBER, DIM_NONE);
    table_column(t, "uncertainty", CELL_NUMBER, DIM_NONE);
    table_column(t, "unit", CELL_TEXT, DIM_NONE);
    table_column(t, "method", CELL_TEXT, DIM_NONE);
    table_column(t, "missing", CELL_TEXT, DIM_NONE);
    for (int k = 0; k < d->n_features; k++) {
        const struct results_feature *f = &d->feature[k];
        if (f->site != site || !data_is_current(d, f))
            continue;
        enum dim dim = unit_dim(f->unit);
        struct buf name = {0};
        buf_printf(&name, "%s%s%s", f->step_name, *f->step_name ? "." : "", f->name);
        if (f->cycle > 0)
            buf_printf(&name, "@%d", f->cycle);
        table_text(t, name.p);
        table_number(t, unit_show(f->value, dim));
        table_number(t, unit_show(f->uncertainty, dim));
        table_text(t, dim == DIM_NONE ? f->unit : unit_of(dim)->name);
        table_text(t, f->method);
        table_text(t, f->missing);
        buf_free(&name);
    }
    return t;
}

/* --- together ------------------------------------------------------------------------------------------ */

static void heading(const struct data *d, int at, struct buf *out)
{
    const struct results_site *s = &d->sites.site[at];
    char x[40], y[40];
    buf_printf(out, "site %d at x = %s, y = %s, number %d in order", s->site,
               quantity_format(s->x, DIM_LENGTH, x, sizeof x), quantity_format(s->y, DIM_LENGTH, y, sizeof y),
               s->order);
    if (s->role != SITE_MEASURED)
        buf_printf(out, ", %s", site_role_name(s->role));
    if (s->block)
        buf_printf(out, ", block %d", s->block);
    for (int f = 0; f < d->n_factors && s->role != SITE_CONTROL; f++)
        buf_printf(out, ", %s = %s", d->factor[f].name,
                   *data_level(d, at, f) ? data_level(d, at, f) : "not assigned");
    buf_printf(out, "\noutcome: %s", data_outcome(d, at));
    if (*s->reason) {
        buf_str(out, ": ");
        frame_one_line(s->reason, out);
    }
    buf_printf(out, "; touched: %s", touched_name(s->touched));
    if (*s->flags)
        buf_printf(out, "; flags: %s", s->flags);
    buf_str(out, "\n");
    frame_comment(&d->frame, out);
}

static void section(const char *name, const struct table *t, enum table_format format, bool last,
                    struct buf *out)
{
    if (format == TABLE_JSON) {
        buf_printf(out, "\"%s\": ", name);
        table_print(t, format, out);
        buf_str(out, last ? "}\n" : ",");
        return;
    }
    buf_printf(out, "\n%s\n", name);
    if (table_rows(t))
        table_print(t, format, out);
    else
        buf_str(out, "none\n");
}

/* The sites table with the one row. */
static struct table *site_table(const struct data *d, int at)
{
    struct table *t = tables_sites(d);
    bool *keep = xcalloc((size_t)d->sites.n, sizeof *keep);
    keep[at] = true;
    table_keep(t, keep);
    free(keep);
    return t;
}

bool show_site(const struct data *d, int site, enum table_format format, struct buf *out, struct err *e)
{
    int n, at = data_site(d, site);
    struct results_attempt *a = attempts_of(d, site, &n, e);
    if (!a)
        return false;
    struct table *steps = steps_table(), *attempts = tables_attempts(d, site, e);
    bool ok = attempts;
    for (int k = 0; ok && k < n; k++)
        ok = steps_rows(d, &a[k], steps, e);
    if (ok) {
        struct table *one = site_table(d, at), *features = features_table(d, site);
        if (format == TABLE_JSON) {
            buf_str(out, "{\"convention\": {\"potential\": ");
            struct buf text = {0};
            buf_printf(&text, "sample vs %s", d->frame.reference);
            buf_json_string(out, text.p);
            buf_free(&text);
            buf_str(out, ", \"current\": \"oxidation positive\"},\n");
            section("site", one, format, false, out);
        } else {
            heading(d, at, out);
        }
        section("attempts", attempts, format, false, out);
        section("steps", steps, format, false, out);
        section("features", features, format, true, out);
        table_free(one);
        table_free(features);
    }
    table_free(attempts);
    table_free(steps);
    free(a);
    return ok;
}

static bool wanted(const struct results_step *s, const char *step)
{
    return !step || strcmp(s->name, step) == 0 || strcmp(s->phase, step) == 0;
}

static bool samples_of(const struct data *d, const struct results_attempt *a, const char *name,
                       void (*put)(void *ctx, const struct buf *text), void *ctx, struct err *e)
{
    struct results_step *step = NULL;
    int n = 0, found = 0;
    struct buf text = {0};
    if (!results_steps(d->r, a->id, &step, &n, e))
        return false;
    bool ok = true;
    frame_comment(&d->frame, &text);
    waves_header(false, &text);
    for (int k = 0; ok && k < n; k++) {
        struct wave_row *rows = NULL;
        int n_rows = 0;
        if (!wanted(&step[k], name))
            continue;
        found++;
        ok = results_rows(d->r, step[k].id, &rows, &n_rows, e);
        if (ok)
            waves_rows(&d->frame, false, a->number, &step[k], rows, n_rows, &text);
        free(rows);
        put(ctx, &text);
        buf_clear(&text);
    }
    if (ok && name && !found)
        ok = err_set(e, ERR_USAGE, "site %d, attempt %d has no step `%s`", a->site, a->number, name);
    else if (ok && text.n)
        put(ctx, &text);
    free(step);
    buf_free(&text);
    return ok;
}

bool show_samples(const struct data *d, int site, int attempt, const char *step,
                  void (*put)(void *ctx, const struct buf *text), void *ctx, struct err *e)
{
    int n;
    struct results_attempt *a = attempts_of(d, site, &n, e);
    if (!a)
        return false;
    const struct results_attempt *chosen = NULL;
    for (int k = 0; k < n; k++)
        if (attempt == 0 || a[k].number == attempt)
            chosen = &a[k];
    bool ok;
    if (chosen)
        ok = samples_of(d, chosen, step, put, ctx, e);
    else if (n == 0)
        ok = err_set(e, ERR_INPUT, "site %d was not visited", site);
    else
        ok = err_set(e, ERR_USAGE, "site %d has no attempt %d: there are %d", site, attempt, n);
    free(a);
    return ok;
}
