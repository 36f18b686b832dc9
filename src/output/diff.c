/* Comparing two results files site by site. */
#include "output/diff.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct differ {
    const struct data *a, *b;
    const struct diff_options *o;
    struct buf *out;
    struct diff_counts *counts;
    bool *aside; /* per site of a */
    bool any_interruption;
};

static void tell(struct differ *d, int site, const char *what, const char *a, const char *b)
{
    if (d->counts->differences++ >= d->o->most)
        return;
    if (site > 0)
        buf_printf(d->out, "site %d: ", site);
    buf_printf(d->out, "%s: ", what);
    frame_one_line(*a ? a : "nothing", d->out);
    buf_str(d->out, " | ");
    frame_one_line(*b ? b : "nothing", d->out);
    buf_char(d->out, '\n');
}

static void tell_if(struct differ *d, int site, const char *what, const char *a, const char *b)
{
    if (strcmp(a, b) != 0)
        tell(d, site, what, a, b);
}

static void tell_number(struct differ *d, int site, const char *what, double a, double b)
{
    struct buf x = {0}, y = {0};
    if (a == b || (isnan(a) && isnan(b)))
        return;
    buf_json_number(&x, a);
    buf_json_number(&y, b);
    tell(d, site, what, x.p, y.p);
    buf_free(&x);
    buf_free(&y);
}

/* --- sites set aside ----------------------------------------------------------------------------------- */

static bool is_interruption(enum outcome o)
{
    return o == OUTCOME_INTERRUPTED || o == OUTCOME_ABORTED;
}

/* *found: an attempt of the site ended with an interruption, or has not ended. */
static bool was_interrupted(const struct data *d, const struct results_site *s, bool *found, struct err *e)
{
    *found = is_interruption(s->outcome);
    if (*found || s->attempts == 0)
        return true;
    struct results_attempt *a;
    int n = results_attempts_all(d->r, s->site, &a, e);
    for (int k = 0; k < n; k++)
        *found = *found || is_interruption(a[k].outcome) || a[k].outcome == OUTCOME_NONE;
    free(a);
    return n >= 0;
}

static bool mark_list(struct differ *d, struct err *e)
{
    const char *p = d->o->except ? d->o->except : "";
    while (*p) {
        char *end;
        long from = strtol(p, &end, 10), to = from;
        if (end != p && *end == '-') {
            p = end + 1;
            to = strtol(p, &end, 10);
        }
        if (end == p || (*end && *end != ',') || from < 1 || to < from || to > INT_MAX)
            return err_set(e, ERR_USAGE, "`%s`: sites are written as 3,17-20", d->o->except);
        for (int k = 0; k < d->a->sites.n; k++)
            if (d->a->sites.site[k].site >= from && d->a->sites.site[k].site <= to)
                d->aside[k] = true;
        p = *end ? end + 1 : end;
    }
    return true;
}

/* A spare follows the site it stands for, along the chain of spares; with an interruption in either file,
 * spares behind it shift. */
static void mark_spares(struct differ *d)
{
    bool more = true;
    while (more) {
        more = false;
        for (int k = 0; k < d->a->sites.n; k++) {
            int a = d->a->sites.site[k].replaces, b = d->b->sites.site[k].replaces;
            int at_a = a ? data_site(d->a, a) : -1, at_b = b ? data_site(d->b, b) : -1;
            bool shifted = a != b && d->any_interruption;
            bool follows = (at_a >= 0 && d->aside[at_a]) || (at_b >= 0 && d->aside[at_b]);
            if (!d->aside[k] && (shifted || follows))
                more = d->aside[k] = true;
        }
    }
}

/* When the first of the spares that are set aside was visited; they move what follows. */
static double first_shift(const struct differ *d, const struct data *of)
{
    double first = INFINITY;
    for (int k = 0; k < of->sites.n; k++)
        if (d->aside[k] && of->sites.site[k].role == SITE_SPARE)
            first = fmin(first, of->sites.site[k].start_s);
    return first;
}

/* A control that was interrupted is repeated at the next spot, and all behind it with it; one that is counted
 * behind a further spare comes earlier, or there is one more. */
static void mark_controls(struct differ *d)
{
    double at_a = first_shift(d, d->a), at_b = first_shift(d, d->b);
    bool shifted = false;
    for (int k = 0; k < d->a->sites.n; k++) {
        const struct results_site *a = &d->a->sites.site[k], *b = &d->b->sites.site[k];
        if (a->role != SITE_CONTROL)
            continue;
        shifted = shifted || d->aside[k] || a->start_s > at_a || b->start_s > at_b;
        d->aside[k] = shifted;
    }
}

static bool mark_aside(struct differ *d, struct err *e)
{
    for (int k = 0; k < d->a->sites.n; k++) {
        bool a, b;
        if (!was_interrupted(d->a, &d->a->sites.site[k], &a, e) ||
            !was_interrupted(d->b, &d->b->sites.site[k], &b, e))
            return false;
        d->aside[k] = a || b;
        d->any_interruption = d->any_interruption || a || b;
    }
    if (!mark_list(d, e))
        return false;
    mark_spares(d);
    mark_controls(d);
    for (int k = 0; k < d->a->sites.n; k++)
        d->counts->interrupted += d->aside[k];
    return true;
}

/* --- waveforms ----------------------------------------------------------------------------------------- */

static bool same_dec(struct dec x, struct dec y)
{
    return x.e == y.e && (x.m == y.m || dec_is_nan(x));
}

/* Time since the first sample of the step, to the resolution in which the instrument sent it: the timer
 * itself started before the approach. */
static bool same_time(const struct wave_row *a, const struct wave_row *a0, const struct wave_row *b,
                      const struct wave_row *b0)
{
    if (dec_is_nan(a->t) || dec_is_nan(b->t) || dec_is_nan(a0->t) || dec_is_nan(b0->t))
        return dec_is_nan(a->t) == dec_is_nan(b->t);
    double quantum = fmax(pow(10, fmax(a->t.e, a0->t.e)), pow(10, fmax(b->t.e, b0->t.e)));
    double difference = (dec_value(a->t) - dec_value(a0->t)) - (dec_value(b->t) - dec_value(b0->t));
    return fabs(difference) <= 2 * quantum * (1 + 1e-6);
}

static const char *row_difference(const struct wave_row *a, const struct wave_row *b)
{
    return !same_dec(a->e_raw, b->e_raw)   ? "potential"
           : !same_dec(a->i_raw, b->i_raw) ? "current"
           : a->cycle != b->cycle          ? "cycle"
           : a->sweep != b->sweep          ? "sweep"
           : a->range != b->range          ? "range"
           : a->status != b->status        ? "status"
                                           : NULL;
}

static void compare_rows(struct differ *d, const struct results_step *s, const struct wave_row *a, int na,
                         const struct wave_row *b, int nb)
{
    char name[128], x[64], y[64];
    snprintf(name, sizeof name, "samples of step `%s`", s->name);
    d->counts->waveforms++;
    for (int k = 0; k < na && k < nb; k++) {
        const char *what = row_difference(&a[k], &b[k]);
        if (!what && !same_time(&a[k], &a[0], &b[k], &b[0]))
            what = "time";
        if (what) {
            double va = what[0] == 'p' ? dec_value(a[k].e_raw) : dec_value(a[k].i_raw);
            double vb = what[0] == 'p' ? dec_value(b[k].e_raw) : dec_value(b[k].i_raw);
            snprintf(name, sizeof name, "step `%s`, first differing sample %d (%s)", s->name, k + 1, what);
            snprintf(x, sizeof x, "%.17g", what[0] == 't' ? dec_value(a[k].t) : va);
            snprintf(y, sizeof y, "%.17g", what[0] == 't' ? dec_value(b[k].t) : vb);
            tell(d, s->site, name, x, y);
            return;
        }
        d->counts->samples++;
    }
    snprintf(x, sizeof x, "%d", na);
    snprintf(y, sizeof y, "%d", nb);
    tell_if(d, s->site, name, x, y);
}

/* Technique steps of an attempt, in place; the others are dropped. */
static int technique_only(struct results_step *s, int n)
{
    int m = 0;
    for (int k = 0; k < n; k++)
        if (strcmp(s[k].phase, "step") == 0)
            s[m++] = s[k];
    return m;
}

static bool compare_step(struct differ *d, const struct results_step *a, const struct results_step *b,
                         struct err *e)
{
    struct wave_row *ra = NULL, *rb = NULL;
    int na = 0, nb = 0;
    tell_if(d, a->site, "step", a->name, b->name);
    tell_if(d, a->site, "kind of step", a->kind, b->kind);
    tell_if(d, a->site, "settings of step", a->settings, b->settings);
    tell_if(d, a->site, "end of step", a->ended_by, b->ended_by);
    bool ok = results_rows(d->a->r, a->id, &ra, &na, e) && results_rows(d->b->r, b->id, &rb, &nb, e);
    if (ok)
        compare_rows(d, a, ra, na, rb, nb);
    free(ra);
    free(rb);
    return ok;
}

static bool compare_steps(struct differ *d, const struct results_site *a, const struct results_site *b,
                          struct err *e)
{
    struct results_step *sa = NULL, *sb = NULL;
    int na = 0, nb = 0;
    bool ok = (a->last_attempt == 0 || results_steps(d->a->r, a->last_attempt, &sa, &na, e)) &&
              (b->last_attempt == 0 || results_steps(d->b->r, b->last_attempt, &sb, &nb, e));
    if (ok) {
        na = technique_only(sa, na);
        nb = technique_only(sb, nb);
        tell_number(d, a->site, "technique steps", na, nb);
        for (int k = 0; ok && k < na && k < nb; k++)
            ok = compare_step(d, &sa[k], &sb[k], e);
    }
    free(sa);
    free(sb);
    return ok;
}

/* --- sites --------------------------------------------------------------------------------------------- */

static bool compare_site(struct differ *d, int k, struct err *e)
{
    const struct results_site *a = &d->a->sites.site[k], *b = &d->b->sites.site[k];
    d->counts->sites++;
    tell_number(d, a->site, "x (m)", a->x, b->x);
    tell_number(d, a->site, "y (m)", a->y, b->y);
    tell_number(d, a->site, "planned order", a->order, b->order);
    tell_number(d, a->site, "block", a->block, b->block);
    tell_number(d, a->site, "stands for site", a->replaces, b->replaces);
    tell_if(d, a->site, "region", a->region, b->region);
    for (int f = 0; f < d->a->n_factors; f++)
        tell_if(d, a->site, d->a->factor[f].name, data_level(d->a, k, f), data_level(d->b, k, f));
    tell_if(d, a->site, "outcome", data_outcome(d->a, k), data_outcome(d->b, k));
    tell_if(d, a->site, "touched", touched_name(a->touched), touched_name(b->touched));
    tell_if(d, a->site, "flags", a->flags, b->flags);
    return compare_steps(d, a, b, e);
}

struct visit {
    int site;
    double start;
};

static int by_start(const void *a, const void *b)
{
    const struct visit *x = a, *y = b;
    return x->start != y->start ? (x->start < y->start ? -1 : 1) : (x->site > y->site) - (x->site < y->site);
}

static int visits_of(const struct differ *d, const struct data *of, struct visit *v)
{
    int n = 0;
    for (int k = 0; k < of->sites.n; k++)
        if (!d->aside[k] && isfinite(of->sites.site[k].start_s))
            v[n++] = (struct visit){of->sites.site[k].site, of->sites.site[k].start_s};
    qsort(v, (size_t)n, sizeof *v, by_start);
    return n;
}

static void compare_order(struct differ *d)
{
    size_t room = (size_t)d->a->sites.n + 1;
    struct visit *a = xcalloc(room, sizeof *a), *b = xcalloc(room, sizeof *b);
    int na = visits_of(d, d->a, a), nb = visits_of(d, d->b, b);
    for (int k = 0; k < na && k < nb; k++)
        if (a[k].site != b[k].site) {
            tell_number(d, 0, "order of visits, first differing site", a[k].site, b[k].site);
            break;
        }
    free(a);
    free(b);
}

/* --- features ------------------------------------------------------------------------------------------ */

static void compare_features(struct differ *d)
{
    int n, m;
    struct series *a = data_series(d->a, &n), *b = data_series(d->b, &m);
    tell_number(d, 0, "number of features", n, m);
    for (int s = 0; s < n; s++)
        for (int t = 0; t < m; t++) {
            char name[160];
            if (a[s].ref.def != b[t].ref.def || a[s].ref.cycle != b[t].ref.cycle ||
                strcmp(a[s].ref.step, b[t].ref.step) != 0)
                continue;
            feature_ref_text(&a[s].ref, name, sizeof name);
            for (int k = 0; k < d->a->sites.n; k++)
                if (!d->aside[k])
                    tell_number(d, d->a->sites.site[k].site, name, a[s].row[k] ? a[s].row[k]->value : NAN,
                                b[t].row[k] ? b[t].row[k]->value : NAN);
            break;
        }
    series_free_all(a, n);
    series_free_all(b, m);
}

static bool comparable(const struct data *a, const struct data *b, struct differ *d)
{
    tell_number(d, 0, "number of sites", a->sites.n, b->sites.n);
    tell_number(d, 0, "number of factors", a->n_factors, b->n_factors);
    for (int f = 0; f < a->n_factors && f < b->n_factors; f++)
        tell_if(d, 0, "factor", a->factor[f].name, b->factor[f].name);
    for (int k = 0; k < a->sites.n && k < b->sites.n; k++)
        if (a->sites.site[k].site != b->sites.site[k].site) {
            tell_number(d, 0, "names of sites, first differing", a->sites.site[k].site,
                        b->sites.site[k].site);
            break;
        }
    return d->counts->differences == 0;
}

bool diff_files(const struct data *a, const struct data *b, const struct diff_options *o, struct buf *out,
                struct diff_counts *counts, struct err *e)
{
    *counts = (struct diff_counts){0};
    struct differ d = {.a = a, .b = b, .o = o, .out = out, .counts = counts};
    if (!comparable(a, b, &d))
        return true;
    d.aside = xcalloc((size_t)a->sites.n + 1, sizeof *d.aside);
    bool ok = mark_aside(&d, e);
    for (int k = 0; ok && k < a->sites.n; k++)
        if (!d.aside[k])
            ok = compare_site(&d, k, e);
    if (ok) {
        compare_order(&d);
        if (o->features)
            compare_features(&d);
    }
    if (ok && counts->differences > o->most)
        buf_printf(out, "... and %d more\n", counts->differences - o->most);
    free(d.aside);
    return ok;
}
