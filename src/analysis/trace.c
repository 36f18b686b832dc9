/* The rows of one step as arrays in the sample's frame. */
#include "analysis/trace.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

static double time_of(const struct wave_row *rows, int k, double interval)
{
    if (!dec_is_nan(rows[0].t) && !dec_is_nan(rows[k].t))
        return dec_value(rows[k].t) - dec_value(rows[0].t);
    if (interval > 0)
        return k * interval;
    return (double)(rows[k].host_us - rows[0].host_us) * 1e-6;
}

/* At open circuit the instrument sends no current at all: then its absence rejects nothing. */
static bool has_current(const struct wave_row *rows, int n)
{
    for (int k = 0; k < n; k++)
        if (!dec_is_nan(rows[k].i_raw))
            return true;
    return false;
}

static bool rejected(const struct wave_row *row, bool current)
{
    if (row->status & (TRACE_OVERLOAD | TRACE_INVALID) || dec_is_nan(row->e_raw))
        return true;
    if (current && dec_is_nan(row->i_raw))
        return true;
    return row->status & TRACE_TIMING && dec_is_nan(row->t);
}

/* Bridges samples left out by the line (in time) between the nearest good ones; constant at the ends. */
static void bridge(const struct trace *tr, double *x, const unsigned char *bad)
{
    int before = -1;
    for (int k = 0; k < tr->n; k++) {
        if (!bad[k]) {
            before = k;
            continue;
        }
        int after = k;
        while (after < tr->n && bad[after])
            after++;
        if (after == tr->n && before < 0)
            return;
        if (after == tr->n)
            x[k] = x[before];
        else if (before < 0)
            x[k] = x[after];
        else
            x[k] = x[before] +
                   (x[after] - x[before]) * (tr->t[k] - tr->t[before]) / (tr->t[after] - tr->t[before]);
    }
}

void trace_decode(const struct wave_row *rows, int n, const struct trace_wiring *w, double interval,
                  struct trace *out)
{
    size_t count = n > 0 ? (size_t)n : 1;
    struct trace tr = {.n = n};
    tr.t = xcalloc(3 * count, sizeof *tr.t);
    tr.e = tr.t + count;
    tr.i = tr.e + count;
    tr.cycle = xcalloc(count, sizeof *tr.cycle);
    tr.sweep = xcalloc(count, sizeof *tr.sweep);
    tr.left_out = xcalloc(4, count);
    tr.overload = tr.left_out + count;
    tr.ranging = tr.overload + count;
    unsigned char *no_potential = tr.ranging + count;
    bool current = has_current(rows, n);
    for (int k = 0; k < n; k++) {
        tr.t[k] = time_of(rows, k, interval);
        tr.e[k] = w->potential_sign * dec_value(rows[k].e_raw) + w->offset;
        tr.i[k] = w->current_sign * dec_value(rows[k].i_raw);
        tr.cycle[k] = rows[k].cycle;
        tr.sweep[k] = rows[k].sweep;
        tr.left_out[k] = rejected(&rows[k], current);
        tr.overload[k] = (rows[k].status & TRACE_OVERLOAD) != 0;
        no_potential[k] = dec_is_nan(rows[k].e_raw);
        tr.n_left_out += tr.left_out[k];
    }
    bridge(&tr, tr.i, tr.left_out);
    bridge(&tr, tr.e, no_potential);
    *out = tr;
}

void trace_ranges(const struct wave_row *rows, int n, struct trace_range *r, struct trace *t)
{
    for (int k = 0; k < n; k++) {
        if (!dec_is_nan(rows[k].i_raw)) {
            if (r->range >= 0 && r->range != rows[k].range)
                r->left = TRACE_RANGE_SETTLES;
            r->range = rows[k].range;
        }
        if (t)
            t->ranging[k] = r->left > 0;
        r->left -= r->left > 0;
    }
}

void trace_free(struct trace *t)
{
    free(t->t);
    free(t->cycle);
    free(t->sweep);
    free(t->left_out);
    *t = (struct trace){0};
}

int trace_left_out(const struct trace *t, int first, int n)
{
    int count = 0;
    for (int k = first; k < first + n && k < t->n; k++)
        count += t->left_out[k];
    return count;
}
