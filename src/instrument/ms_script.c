/* How the text comes about, top down:
 *
 *   opening      variables, mode, bandwidth, span of potentials, range, start potential, cell on, timer
 *   per segment  what has to change (mode, cell, range), then one loop:
 *                    meas_loop_...
 *                    timer_get t / pck_start / pck_add ... / pck_end     the sample goes out first,
 *                    if ... send_string ... breakloop or abort           then the conditions look at it
 *                    endloop
 *   end          on_finished: cell_off
 *
 * A scan of the device's CV loop runs begin -> vertex 1 -> vertex 2 -> begin, which is what a segment's cycle
 * is.
 *
 * Ranges are fixed by default: an autoranging instrument changes range in the very transient that a landing
 * gives. Only closed potentiostatic segments may use lower ranges too, if the rig says so. */
#include "instrument/ms_script.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "instrument/ms_check.h"
#include "instrument/ms_number.h"

enum { MODE_NONE, MODE_POTENTIOSTAT, MODE_GALVANOSTAT, GALVANOSTAT_NUMBER = 6 };
/* Bandwidth over the rate of points: enough to settle within a step, and no more noise than that. */
#define BANDWIDTH_FACTOR 5

struct writer {
    struct buf *b;
    const struct potentiostat_config *c;
    const struct program *g;
    int mode;
    bool cell_on;
    bool started;                 /* timer runs */
    double range_low, range_high; /* A, as set; 0 = not set in this mode */
};

static void volt(struct writer *w, double v)
{
    ms_number(w->b, v, MS_QUANTUM_VOLT);
}

static void ampere(struct writer *w, double v)
{
    ms_number(w->b, v, MS_QUANTUM_AMPERE);
}

static void second(struct writer *w, double v)
{
    ms_number(w->b, v, MS_QUANTUM_SECOND);
}

static double instrument_volts(const struct writer *w, double sample)
{
    return wiring_instrument_potential(&w->c->wiring, sample);
}

static double interval_of(const struct segment *s)
{
    return s->kind == SEGMENT_SWEEP ? s->step / s->rate : s->interval;
}

static void include(struct ms_span *span, double v)
{
    span->low = fmin(span->low, v);
    span->high = fmax(span->high, v);
}

/* All potentials that the potentiostatic segments apply; low > high if there is none. */
static struct ms_span applied_span(const struct writer *w)
{
    struct ms_span span = {INFINITY, -INFINITY};
    for (int k = 0; k < w->g->n; k++) {
        const struct segment *s = &w->g->segment[k];
        if (s->kind == SEGMENT_HOLD)
            include(&span, instrument_volts(w, s->potential));
        if (s->kind == SEGMENT_SWEEP) {
            include(&span, instrument_volts(w, s->start));
            include(&span, instrument_volts(w, s->vertex[0]));
            include(&span, instrument_volts(w, s->vertex[1]));
        }
    }
    return span;
}

static double bandwidth(const struct writer *w)
{
    double hz = w->c->bandwidth;
    if (!(hz > 0)) {
        double shortest = INFINITY;
        for (int k = 0; k < w->g->n; k++)
            shortest = fmin(shortest, interval_of(&w->g->segment[k]));
        hz = BANDWIDTH_FACTOR / shortest;
    }
    return fmin(hz, w->c->model->bandwidth_max);
}

static void set_cell(struct writer *w, bool on)
{
    if (w->cell_on != on)
        buf_str(w->b, on ? "cell_on\n" : "cell_off\n");
    w->cell_on = on;
}

static void write_bandwidth(struct writer *w)
{
    buf_str(w->b, "set_max_bandwidth ");
    ms_number(w->b, ceil(bandwidth(w)), 0);
    buf_char(w->b, '\n');
}

static void write_span(struct writer *w, struct ms_span span)
{
    buf_str(w->b, "set_range_minmax da ");
    volt(w, span.low);
    buf_char(w->b, ' ');
    volt(w, span.high);
    buf_char(w->b, '\n');
}

/* `type` is the variable type whose range it is; low = high fixes it, otherwise it begins at low. */
static void write_range(struct writer *w, const char *type, double low, double high,
                        void (*number)(struct writer *, double))
{
    buf_printf(w->b, "set_range %s ", type);
    number(w, low);
    buf_printf(w->b, "\nset_autoranging %s ", type);
    number(w, low);
    buf_char(w->b, ' ');
    number(w, high);
    buf_char(w->b, '\n');
}

static void enter_potentiostat(struct writer *w)
{
    if (w->mode == MODE_POTENTIOSTAT)
        return;
    set_cell(w, false);
    buf_printf(w->b, "set_pgstat_mode %d\n", w->c->model->mode);
    write_bandwidth(w);
    struct ms_span span = applied_span(w);
    if (span.low <= span.high)
        write_span(w, span);
    w->mode = MODE_POTENTIOSTAT;
    w->range_high = 0;
}

static void current_range(struct writer *w, const struct segment *s)
{
    const struct potentiostat_model *m = w->c->model;
    double high = ms_range(m, s->i_full)->full_scale;
    double low = (w->c->autorange || s->autorange) && !s->open_ended ? m->ranges[0].full_scale : high;
    if (low == w->range_low && high == w->range_high)
        return;
    write_range(w, "ba", low, high, ampere);
    w->range_low = low;
    w->range_high = high;
}

static void start_timer(struct writer *w)
{
    if (!w->started)
        buf_str(w->b, "timer_start\n");
    w->started = true;
}

static void hold_at(struct writer *w, const struct segment *s, double potential)
{
    enter_potentiostat(w);
    current_range(w, s);
    if (!w->cell_on) {
        buf_str(w->b, "set_e ");
        volt(w, potential);
        buf_char(w->b, '\n');
    }
    set_cell(w, true);
    start_timer(w);
}

/* Enters the galvanostatic mode with no current set: the cell carries none before the loop records it. */
static void enter_galvanostat(struct writer *w, const struct segment *s)
{
    const struct potentiostat_model *m = w->c->model;
    double full = ms_range(m, fmax(fabs(s->current), s->i_full))->full_scale;
    struct ms_span span = ms_compliance(w->c, s);
    double volts = fmax(fabs(span.low), fabs(span.high));
    set_cell(w, false);
    buf_printf(w->b, "set_pgstat_mode %d\n", GALVANOSTAT_NUMBER);
    write_bandwidth(w);
    write_span(w, span);
    write_range(w, "ab", volts, volts, volt);
    write_range(w, "db", full, full, ampere);
    buf_str(w->b, "set_i 0\n");
    w->mode = MODE_GALVANOSTAT;
    set_cell(w, true);
    start_timer(w);
}

static void write_package(struct writer *w, bool current)
{
    buf_str(w->b, "timer_get t\npck_start\npck_add p\n");
    if (current)
        buf_str(w->b, "pck_add c\n");
    buf_str(w->b, "pck_add t\npck_end\n");
}

/* `if VARIABLE OP VALUE`, says `text` and leaves the loop with `command`. */
static void write_guard(struct writer *w, char variable, char op, double value, int quantum, const char *text,
                        const char *command)
{
    buf_printf(w->b, "if %c %c ", variable, op);
    ms_number(w->b, value, quantum);
    buf_printf(w->b, "\nsend_string \"%s\"\n%s\nendif\n", text, command);
}

static void write_ceiling(struct writer *w, const struct segment *s)
{
    if (!(s->i_ceiling > 0))
        return;
    double ceiling = fmin(s->i_ceiling, fmin(w->c->i_limit, w->c->model->i_max));
    write_guard(w, 'c', '>', ceiling, MS_QUANTUM_AMPERE, MS_SAY_CEILING, "abort");
    write_guard(w, 'c', '<', -ceiling, MS_QUANTUM_AMPERE, MS_SAY_CEILING, "abort");
}

/* The sample's potential falls when an inverted instrument's rises, so the comparison turns round with the
 * sign. */
static void write_until(struct writer *w, const struct segment *s)
{
    for (int k = 0; k < s->n_until; k++) {
        const struct until *u = &s->until[k];
        if (u->what != UNTIL_POTENTIAL_ABOVE && u->what != UNTIL_POTENTIAL_BELOW)
            continue;
        bool above = (u->what == UNTIL_POTENTIAL_ABOVE) == (w->c->wiring.potential_sign > 0);
        char text[32];
        snprintf(text, sizeof(text), MS_SAY_UNTIL "%d", k);
        write_guard(w, 'p', above ? '>' : '<', instrument_volts(w, u->value), MS_QUANTUM_VOLT, text,
                    "breakloop");
    }
}

static void write_compliance(struct writer *w, const struct segment *s)
{
    struct ms_span span = ms_compliance(w->c, s);
    write_guard(w, 'p', '>', span.high, MS_QUANTUM_VOLT, MS_SAY_COMPLIANCE, "breakloop");
    write_guard(w, 'p', '<', span.low, MS_QUANTUM_VOLT, MS_SAY_COMPLIANCE, "breakloop");
}

static void write_interval(struct writer *w, const struct segment *s)
{
    buf_char(w->b, ' ');
    second(w, s->interval);
    buf_char(w->b, ' ');
    second(w, segment_seconds(s));
    buf_char(w->b, '\n');
}

static void write_hold(struct writer *w, const struct segment *s)
{
    double potential = instrument_volts(w, s->potential);
    hold_at(w, s, potential);
    buf_str(w->b, "meas_loop_ca p c ");
    volt(w, potential);
    write_interval(w, s);
    write_package(w, true);
    write_ceiling(w, s);
}

static int scans(const struct segment *s)
{
    if (!s->open_ended)
        return s->cycles;
    struct segment one = *s;
    one.open_ended = false;
    one.cycles = 1;
    double n = ceil(s->duration / segment_seconds(&one) - 1e-6);
    return n > MS_SCANS_MAX ? MS_SCANS_MAX : (int)fmax(n, 1);
}

static void write_sweep(struct writer *w, const struct segment *s)
{
    double start = instrument_volts(w, s->start);
    hold_at(w, s, start);
    buf_str(w->b, "meas_loop_cv p c ");
    volt(w, start);
    for (int k = 0; k < 2; k++) {
        buf_char(w->b, ' ');
        volt(w, instrument_volts(w, s->vertex[k]));
    }
    buf_char(w->b, ' ');
    volt(w, s->step);
    buf_char(w->b, ' ');
    volt(w, s->rate);
    if (scans(s) > 1)
        buf_printf(w->b, " nscans(%d)", scans(s));
    buf_char(w->b, '\n');
    write_package(w, true);
    write_ceiling(w, s);
}

static void write_galvanostatic(struct writer *w, const struct segment *s)
{
    enter_galvanostat(w, s);
    buf_str(w->b, "meas_loop_cp p c ");
    ampere(w, wiring_instrument_current(&w->c->wiring, s->current));
    write_interval(w, s);
    write_package(w, true);
    write_ceiling(w, s);
    write_until(w, s);
    write_compliance(w, s);
}

static void write_open(struct writer *w, const struct segment *s)
{
    enter_potentiostat(w);
    set_cell(w, false);
    start_timer(w);
    buf_str(w->b, "meas_loop_ocp p");
    write_interval(w, s);
    write_package(w, false);
    write_until(w, s);
}

static void write_segment(struct writer *w, const struct segment *s)
{
    switch (s->kind) {
    case SEGMENT_HOLD:
        write_hold(w, s);
        break;
    case SEGMENT_SWEEP:
        write_sweep(w, s);
        break;
    case SEGMENT_RAMP:
        break;
    case SEGMENT_GALVANOSTATIC:
        write_galvanostatic(w, s);
        break;
    case SEGMENT_OPEN:
        write_open(w, s);
        break;
    }
    buf_str(w->b, "endloop\n");
    if (s->kind == SEGMENT_GALVANOSTATIC)
        set_cell(w, false); /* within one sample of whatever ended it */
}

/* Legs of no length (start = vertex 1 of a plain voltammogram) are no sweeps. */
static void plan_legs(const struct writer *w, const struct segment *s, struct ms_segment *out)
{
    double at = instrument_volts(w, s->start);
    const double sample_end[3] = {s->vertex[0], s->vertex[1], s->start};
    for (int k = 0; k < 3; k++) {
        double end = instrument_volts(w, sample_end[k]);
        double steps = fabs(end - at) / s->step;
        if (steps < 0.5)
            continue;
        out->leg_end[out->n_legs] = end;
        out->leg_points[out->n_legs] = (int)fmin(ceil(steps - 1e-6), 1e9);
        out->n_legs++;
        at = end;
    }
    out->half_step = s->step / 2;
}

/* Which bound the loop's running time comes from; the device does not say. */
static int natural_end(const struct segment *s)
{
    for (int k = 0; k < s->n_until; k++) {
        struct segment alone = *s;
        alone.until[0] = s->until[k];
        alone.n_until = 1;
        bool timed = s->until[k].what == UNTIL_ELAPSED || s->until[k].what == UNTIL_CHARGE;
        if (timed && segment_seconds(&alone) <= segment_seconds(s))
            return k;
    }
    return ENDED_NATURALLY;
}

static void plan_segment(const struct writer *w, const struct segment *s, struct ms_segment *out)
{
    static const enum ms_technique technique[] = {MS_CA, MS_CV, MS_LSV, MS_CP, MS_OCP};
    memset(out, 0, sizeof(*out));
    out->technique = technique[s->kind];
    out->interval = interval_of(s);
    out->natural = natural_end(s);
    out->open_ended = s->open_ended;
    if (s->kind == SEGMENT_SWEEP)
        plan_legs(w, s, out);
}

static bool check_window(const struct writer *w, struct err *e)
{
    struct ms_span span = applied_span(w);
    if (span.high - span.low <= w->c->model->window + 1e-7)
        return true;
    return err_set(e, ERR_LIMIT,
                   "the program spans %g V to %g V applied; one program of the %s spans at most %g V",
                   span.low, span.high, w->c->model->name, w->c->model->window);
}

bool ms_script_build(const struct potentiostat_config *c, const struct program *g, struct ms_script *out,
                     struct err *e)
{
    struct buf text = {0};
    struct writer w = {.b = &text, .c = c, .g = g};
    if (!ms_check(c, g, e) || !check_window(&w, e))
        return false;
    buf_str(&text, "e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\n");
    for (int k = 0; k < g->n; k++) {
        write_segment(&w, &g->segment[k]);
        plan_segment(&w, &g->segment[k], &out->segment[k]);
    }
    buf_str(&text, "on_finished:\ncell_off\n\n");
    if (text.n > c->model->script_max) {
        err_set(e, ERR_LIMIT, "the program needs %zu bytes, the %s holds %zu", text.n, c->model->name,
                c->model->script_max);
        buf_free(&text);
        return false;
    }
    out->text = text;
    out->n = g->n;
    return true;
}
