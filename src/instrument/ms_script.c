/* How the text comes about, top down:
 *
 *   opening      variables, channel
 *   per segment  what has to change (mode, cell, range), then one loop:
 *                    meas_loop_...
 *                    timer_get t / pck_start / pck_add ... / pck_end     the sample goes out first,
 *                    if ... send_string ... breakloop or abort           then the conditions look at it
 *                    endloop
 *                all of it within `if s == 0i` where a gate may leave it out (ms_flow.h)
 *   end          on_finished: cell_off
 *
 * A scan of the device's CV loop runs begin -> vertex 1 -> vertex 2 -> begin, which is what a segment's cycle
 * is. Its LSV loop samples the begin potential, too, so that a ramp of N steps has N + 1 samples.
 *
 * The text of each segment is one piece, and equal pieces in a row are folded into loops (ms_fold.h). */
#include "instrument/ms_script.h"

#include <stdlib.h>
#include <string.h>

#include "instrument/ms_check.h"
#include "instrument/ms_fold.h"
#include "instrument/ms_mode.h"
#include "instrument/ms_number.h"
#include "instrument/ms_until.h"

static void write_package(struct ms_writer *w, bool current)
{
    buf_str(w->b, "timer_get t\npck_start\npck_add p\n");
    if (current)
        buf_str(w->b, "pck_add c\n");
    buf_str(w->b, "pck_add t\npck_end\n");
}

static void write_ceiling(struct ms_writer *w, const struct segment *s)
{
    if (!(s->i_ceiling > 0))
        return;
    double ceiling = fmin(s->i_ceiling, fmin(w->c->i_limit, w->c->model->i_max));
    ms_write_guard(w, 'c', ">", ceiling, MS_QUANTUM_AMPERE, MS_SAY_CEILING, "abort");
    ms_write_guard(w, 'c', "<", -ceiling, MS_QUANTUM_AMPERE, MS_SAY_CEILING, "abort");
}

static void write_compliance(struct ms_writer *w, const struct segment *s)
{
    struct ms_span span = ms_compliance(w->c, s);
    ms_write_guard(w, 'p', ">", span.high, MS_QUANTUM_VOLT, MS_SAY_COMPLIANCE, "breakloop");
    ms_write_guard(w, 'p', "<", span.low, MS_QUANTUM_VOLT, MS_SAY_COMPLIANCE, "breakloop");
}

/* The gate's last sample decides; it says so, and the reader goes by that word. */
static void write_gate(struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    if (!ms_is_gate(s))
        return;
    buf_printf(w->b, "if n >= %lld\nstore_var s %di ja\nsend_string \"" MS_SAY_OVER "\"\nendif\n",
               ms_samples(s), w->flow->segment[segment].over);
}

/* Interval and running time. A gate's is a whole number of intervals, so that nobody has to guess how a
 * device rounds it. */
static void write_interval(struct ms_writer *w, const struct segment *s)
{
    buf_char(w->b, ' ');
    ms_second(w, s->interval);
    buf_char(w->b, ' ');
    ms_second(w, ms_is_gate(s) ? (double)ms_samples(s) * s->interval : segment_seconds(s));
    buf_char(w->b, '\n');
}

static void write_hold(struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    double potential = ms_instrument_volts(w, s->potential);
    ms_enter_potentiostat(w, s, potential);
    ms_write_reset(w, segment);
    buf_str(w->b, "meas_loop_ca p c ");
    ms_volt(w, potential);
    write_interval(w, s);
    write_package(w, true);
    write_ceiling(w, s);
    ms_write_until(w, segment);
    write_gate(w, segment);
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

/* `loop` and the potentials of a staircase, then its step and rate. */
static void write_staircase(struct ms_writer *w, const struct segment *s, const char *loop, int vertices)
{
    double start = ms_instrument_volts(w, s->start);
    ms_enter_potentiostat(w, s, start);
    buf_printf(w->b, "%s p c ", loop);
    ms_volt(w, start);
    for (int k = 0; k < vertices; k++) {
        buf_char(w->b, ' ');
        ms_volt(w, ms_instrument_volts(w, s->vertex[k]));
    }
    buf_char(w->b, ' ');
    ms_volt(w, s->step);
    buf_char(w->b, ' ');
    ms_volt(w, s->rate);
}

static void write_sweep(struct ms_writer *w, const struct segment *s)
{
    write_staircase(w, s, "meas_loop_cv", 2);
    if (scans(s) > 1)
        buf_printf(w->b, " nscans(%d)", scans(s));
    buf_char(w->b, '\n');
    write_package(w, true);
    write_ceiling(w, s);
}

static void write_ramp(struct ms_writer *w, const struct segment *s)
{
    write_staircase(w, s, "meas_loop_lsv", 1);
    buf_char(w->b, '\n');
    write_package(w, true);
    write_ceiling(w, s);
}

static void write_galvanostatic(struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    ms_enter_galvanostat(w, s);
    ms_write_reset(w, segment);
    buf_str(w->b, "meas_loop_cp p c ");
    ms_ampere(w, wiring_instrument_current(&w->c->wiring, s->current));
    write_interval(w, s);
    write_package(w, true);
    write_ceiling(w, s);
    ms_write_until(w, segment);
    write_compliance(w, s);
}

static void write_open(struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    ms_enter_open(w);
    ms_write_reset(w, segment);
    buf_str(w->b, "meas_loop_ocp p");
    write_interval(w, s);
    write_package(w, false);
    ms_write_until(w, segment);
    write_gate(w, segment);
}

static void write_loop(struct ms_writer *w, int segment)
{
    const struct segment *s = &w->g->segment[segment];
    int kept = w->flow->segment[segment].kept;
    switch (s->kind) {
    case SEGMENT_HOLD:
        write_hold(w, segment);
        break;
    case SEGMENT_SWEEP:
        write_sweep(w, s);
        break;
    case SEGMENT_RAMP:
        write_ramp(w, s);
        break;
    case SEGMENT_GALVANOSTATIC:
        write_galvanostatic(w, segment);
        break;
    case SEGMENT_OPEN:
        write_open(w, segment);
        break;
    }
    buf_str(w->b, "endloop\n");
    if (s->kind == SEGMENT_GALVANOSTATIC)
        ms_leave_galvanostat(w); /* within one sample of whatever ended it */
    if (kept >= 0)
        buf_printf(w->b, "copy_var n f%d\n", kept);
}

/* The segment with what stands around it. A number that is kept of a segment left out is 0. */
static void write_segment(struct ms_writer *w, int segment)
{
    bool guarded = w->flow->segment[segment].guarded;
    int kept = w->flow->segment[segment].kept, place = w->flow->segment[segment].place;
    if (guarded)
        buf_str(w->b, "if s == 0i\n");
    write_loop(w, segment);
    if (guarded && kept >= 0)
        buf_printf(w->b, "else\nstore_var f%d 0 ja\n", kept);
    if (guarded)
        buf_str(w->b, "endif\n");
    if (place)
        buf_printf(w->b, "if s == %di\nstore_var s 0i ja\nendif\n", place);
}

/* Legs of no length (start = vertex 1 of a plain voltammogram) are no sweeps. */
static void plan_legs(const struct ms_writer *w, const struct segment *s, struct ms_segment *out)
{
    double at = ms_instrument_volts(w, s->start);
    const double sample_end[3] = {s->vertex[0], s->vertex[1], s->start};
    for (int k = 0; k < 3; k++) {
        double end = ms_instrument_volts(w, sample_end[k]);
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
        alone.duration = INFINITY;
        double bound = segment_seconds(&alone);
        if (isfinite(bound) && bound <= segment_seconds(s))
            return k;
    }
    return ENDED_NATURALLY;
}

static void plan_segment(const struct ms_writer *w, const struct segment *s, struct ms_segment *out)
{
    static const enum ms_technique technique[] = {MS_CA, MS_CV, MS_LSV, MS_CP, MS_OCP};
    memset(out, 0, sizeof(*out));
    out->technique = technique[s->kind];
    out->interval = segment_interval(s);
    out->natural = natural_end(s);
    out->open_ended = s->open_ended;
    out->skips = ms_is_gate(s) ? s->skips : 0;
    if (s->kind == SEGMENT_SWEEP)
        plan_legs(w, s, out);
}

static bool check_window(const struct ms_writer *w, struct err *e)
{
    struct ms_span span = ms_applied_span(w);
    if (span.high - span.low <= w->c->model->window + 1e-7)
        return true;
    return err_set(e, ERR_LIMIT,
                   "the program spans %g V to %g V applied; one program of the %s spans at most %g V",
                   span.low, span.high, w->c->model->name, w->c->model->window);
}

static bool has_open_cell(const struct program *g)
{
    for (int k = 0; k < g->n; k++)
        if (g->segment[k].kind == SEGMENT_OPEN || g->segment[k].kind == SEGMENT_GALVANOSTATIC)
            return true;
    return false;
}

/* One piece of text per segment. Where ways meet behind a gate only that is known which holds for both. */
static void write_pieces(struct ms_writer *w, struct buf *piece)
{
    struct {
        bool any;
        struct ms_state state;
    } *joins = xcalloc((size_t)w->g->n + 1, sizeof(*joins));
    for (int k = 0; k < w->g->n; k++) {
        const struct segment *s = &w->g->segment[k];
        if (joins[k].any)
            w->now = ms_state_join(w->now, joins[k].state);
        w->b = &piece[k];
        write_segment(w, k);
        if (!ms_is_gate(s))
            continue;
        int to = k + 1 + s->skips;
        joins[to].state = joins[to].any ? ms_state_join(joins[to].state, w->now) : w->now;
        joins[to].any = true;
    }
    free(joins);
}

static void write_opening(struct ms_writer *w, int counters)
{
    buf_str(w->b, "e\nvar p\nvar c\nvar t\n");
    ms_write_variables(w);
    if (w->flow->gates)
        buf_str(w->b, "var s\nstore_var s 0i ja\n");
    if (w->tracked)
        buf_str(w->b, "var m\nstore_var m 0i ja\n");
    for (int k = 0; k < counters; k++)
        buf_printf(w->b, "var k%d\n", k);
    buf_str(w->b, "set_pgstat_chan 0\n");
}

static void write_program(struct ms_writer *w, struct buf *out)
{
    struct buf *piece = xcalloc((size_t)w->g->n, sizeof(*piece)), body = {0};
    write_pieces(w, piece);
    int counters = ms_fold(piece, w->g->n, &body);
    w->b = out;
    write_opening(w, counters);
    buf_add(out, body.p, body.n);
    buf_str(out, "on_finished:\ncell_off\n\n");
    for (int k = 0; k < w->g->n; k++)
        buf_free(&piece[k]);
    buf_free(&body);
    free(piece);
}

bool ms_script_build(const struct potentiostat_config *c, const struct program *g, struct ms_script *out,
                     struct err *e)
{
    struct buf text = {0};
    struct ms_flow flow;
    struct ms_writer w = {.c = c, .g = g, .flow = &flow};
    if (!ms_check(c, g, e) || !check_window(&w, e))
        return false;
    if (!ms_flow_make(g, &flow))
        return err_set(e, ERR_LIMIT, "more than %d segments' charges must be remembered at a time",
                       MS_KEPT_MAX);
    w.tracked = flow.gates && has_open_cell(g);
    write_program(&w, &text);
    if (text.n > c->model->script_max) {
        err_set(e, ERR_LIMIT, "the program needs %zu bytes, the %s holds %zu", text.n, c->model->name,
                c->model->script_max);
        buf_free(&text);
        return false;
    }
    for (int k = 0; k < g->n; k++)
        plan_segment(&w, &g->segment[k], &out->segment[k]);
    out->text = text;
    out->n = g->n;
    return true;
}
