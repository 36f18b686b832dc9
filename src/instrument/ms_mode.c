/* Ranges are fixed by default: an autoranging instrument changes range in the very transient that a landing
 * gives. Only closed potentiostatic segments may use lower ranges too, if the rig or the segment says so. */
#include "instrument/ms_mode.h"

#include <math.h>

#include "instrument/ms_number.h"

enum { GALVANOSTAT_NUMBER = 6 };
/* Bandwidth over the rate of points: enough to settle within a step, and no more noise than that. */
#define BANDWIDTH_FACTOR 5

struct ranges {
    double low, high; /* A */
};

static void include(struct ms_span *span, double v)
{
    span->low = fmin(span->low, v);
    span->high = fmax(span->high, v);
}

struct ms_span ms_applied_span(const struct ms_writer *w)
{
    struct ms_span span = {INFINITY, -INFINITY};
    for (int k = 0; k < w->g->n; k++) {
        const struct segment *s = &w->g->segment[k];
        if (s->kind == SEGMENT_HOLD)
            include(&span, ms_instrument_volts(w, s->potential));
        if (s->kind == SEGMENT_SWEEP || s->kind == SEGMENT_RAMP) {
            include(&span, ms_instrument_volts(w, s->start));
            include(&span, ms_instrument_volts(w, s->vertex[0]));
        }
        if (s->kind == SEGMENT_SWEEP)
            include(&span, ms_instrument_volts(w, s->vertex[1]));
    }
    return span;
}

static double bandwidth(const struct ms_writer *w)
{
    double hz = w->c->bandwidth;
    if (!(hz > 0)) {
        double shortest = INFINITY;
        for (int k = 0; k < w->g->n; k++)
            shortest = fmin(shortest, segment_interval(&w->g->segment[k]));
        hz = BANDWIDTH_FACTOR / shortest;
    }
    return fmin(hz, w->c->model->bandwidth_max);
}

static void set_cell(struct ms_writer *w, bool on)
{
    enum ms_switch wanted = on ? MS_CELL_ON : MS_CELL_OFF;
    if (w->now.cell == wanted)
        return;
    buf_str(w->b, on ? "cell_on\n" : "cell_off\n");
    w->now.cell = wanted;
    if (w->tracked && w->now.mode != MS_MODE_GALVANOSTAT)
        buf_str(w->b, on ? "store_var m 1i ja\n" : "store_var m 0i ja\n");
}

static void write_bandwidth(struct ms_writer *w)
{
    buf_str(w->b, "set_max_bandwidth ");
    ms_number(w->b, ceil(bandwidth(w)), 0);
    buf_char(w->b, '\n');
}

static void write_span(struct ms_writer *w, struct ms_span span)
{
    buf_str(w->b, "set_range_minmax da ");
    ms_volt(w, span.low);
    buf_char(w->b, ' ');
    ms_volt(w, span.high);
    buf_char(w->b, '\n');
}

/* `type` is the variable type whose range it is; low = high fixes it, otherwise it begins at low. */
static void write_range(struct ms_writer *w, const char *type, double low, double high,
                        void (*number)(struct ms_writer *, double))
{
    buf_printf(w->b, "set_range %s ", type);
    number(w, low);
    buf_printf(w->b, "\nset_autoranging %s ", type);
    number(w, low);
    buf_char(w->b, ' ');
    number(w, high);
    buf_char(w->b, '\n');
}

static void set_potentiostat(struct ms_writer *w)
{
    buf_printf(w->b, "set_pgstat_mode %d\n", w->c->model->mode);
    write_bandwidth(w);
    struct ms_span span = ms_applied_span(w);
    if (span.low <= span.high)
        write_span(w, span);
    w->now.mode = MS_MODE_POTENTIOSTAT;
    w->now.range_low = w->now.range_high = 0;
}

static struct ranges ranges_of(const struct ms_writer *w, const struct segment *s)
{
    const struct potentiostat_model *m = w->c->model;
    double high = ms_range(m, s->i_full)->full_scale;
    bool lower = (w->c->autorange || s->autorange) && !s->open_ended;
    return (struct ranges){lower ? fmin(ms_range(m, s->i_least)->full_scale, high) : high, high};
}

static void set_ranges(struct ms_writer *w, const struct segment *s)
{
    struct ranges r = ranges_of(w, s);
    if (r.low == w->now.range_low && r.high == w->now.range_high)
        return;
    write_range(w, "ba", r.low, r.high, ms_ampere);
    w->now.range_low = r.low;
    w->now.range_high = r.high;
}

static void start_timer(struct ms_writer *w)
{
    if (!w->started)
        buf_str(w->b, "timer_start\n");
    w->started = true;
}

static void switch_on(struct ms_writer *w, double potential)
{
    if (w->now.cell == MS_CELL_ON)
        return;
    buf_str(w->b, "set_e ");
    ms_volt(w, potential);
    buf_char(w->b, '\n');
    set_cell(w, true);
}

/* Only a script that came here with the cell off has something to switch. */
static void enter_from_either(struct ms_writer *w, const struct segment *s, double potential)
{
    struct ms_state on = {MS_MODE_POTENTIOSTAT, MS_CELL_ON, w->now.range_low, w->now.range_high};
    w->now.cell = MS_CELL_OFF;
    buf_str(w->b, "if m == 0i\n");
    set_potentiostat(w);
    set_ranges(w, s);
    switch_on(w, potential);
    struct ranges r = ranges_of(w, s);
    if (r.low != on.range_low || r.high != on.range_high) {
        buf_str(w->b, "else\n");
        write_range(w, "ba", r.low, r.high, ms_ampere);
    }
    buf_str(w->b, "endif\n");
}

void ms_enter_potentiostat(struct ms_writer *w, const struct segment *s, double potential)
{
    if (w->now.cell == MS_CELL_UNKNOWN) {
        enter_from_either(w, s, potential);
    } else {
        if (w->now.mode != MS_MODE_POTENTIOSTAT) {
            set_cell(w, false);
            set_potentiostat(w);
        }
        set_ranges(w, s);
        switch_on(w, potential);
    }
    start_timer(w);
}

void ms_enter_galvanostat(struct ms_writer *w, const struct segment *s)
{
    const struct potentiostat_model *m = w->c->model;
    double full = ms_range(m, fmax(fabs(s->current), s->i_full))->full_scale;
    struct ms_span span = ms_compliance(w->c, s);
    double volts = fmax(fabs(span.low), fabs(span.high));
    set_cell(w, false);
    buf_printf(w->b, "set_pgstat_mode %d\n", GALVANOSTAT_NUMBER);
    write_bandwidth(w);
    write_span(w, span);
    write_range(w, "ab", volts, volts, ms_volt);
    write_range(w, "db", full, full, ms_ampere);
    buf_str(w->b, "set_i 0\n");
    w->now.mode = MS_MODE_GALVANOSTAT;
    w->now.range_low = w->now.range_high = 0;
    set_cell(w, true);
    start_timer(w);
}

void ms_leave_galvanostat(struct ms_writer *w)
{
    set_cell(w, false);
}

void ms_enter_open(struct ms_writer *w)
{
    set_cell(w, false);
    if (w->now.mode != MS_MODE_POTENTIOSTAT)
        set_potentiostat(w);
    start_timer(w);
}

struct ms_state ms_state_join(struct ms_state a, struct ms_state b)
{
    struct ms_state s = a;
    if (a.mode != b.mode)
        s.mode = MS_MODE_UNKNOWN;
    if (a.cell != b.cell)
        s.cell = MS_CELL_UNKNOWN;
    if (a.mode != b.mode || a.range_low != b.range_low || a.range_high != b.range_high)
        s.range_low = s.range_high = 0;
    return s;
}
