/* Electronics of the simulated potentiostat.
 *
 * Ranges and their numbers are those of a Nexus (public tables in PalmSens' MethodSCRIPT_Examples,
 * mscript.py). What they do not tell is this model's own: converters span 2.5 times the nominal range; beyond
 * 2 times a warning is set, beyond the span the value is clipped and flagged overload; autoranging follows
 * after 3 samples and leaves a transient that dies within a few samples. */
#include "sim/pstat_ms_cell.h"

#include <math.h>

#define SPAN            2.5
#define WARNING         2.0
#define UNDERLOAD       0.02
#define DOWN            0.15 /* below this part of the range a smaller one is wanted, */
#define PATIENCE        3    /* for so many samples */
#define TRANSIENT_DECAY 0.4  /* per sample */
#define TRANSIENT_ENDS  8
#define ADC_STEPS       131072.0 /* 2^17 per span */
#define TWO_PI          6.28318530717958647692

struct range {
    double full; /* A or V */
    uint8_t index;
};

static const struct range current_ranges[] = {
    {1e-10, 16}, {1e-9, 0}, {1e-8, 1}, {1e-7, 2},  {1e-6, 3}, {1e-5, 4},
    {1e-4, 5},   {1e-3, 8}, {1e-2, 9}, {1e-1, 10}, {1, 11},
};
static const struct range potential_ranges[] = {{1e-3, 3}, {1e-2, 2}, {1e-1, 1}, {1, 0}};
static const struct range applied_ranges[] = {
    {1e-9, 32}, {1e-8, 33}, {1e-7, 34}, {1e-6, 35}, {1e-5, 36},
    {1e-4, 37}, {1e-3, 40}, {1e-2, 41}, {1e-1, 42}, {1, 43},
};

static const struct {
    const struct range *range;
    int n;
} tables[CELL_KINDS] = {
    [CELL_BA] = {current_ranges, sizeof current_ranges / sizeof current_ranges[0]},
    [CELL_AB] = {potential_ranges, sizeof potential_ranges / sizeof potential_ranges[0]},
    [CELL_DB] = {applied_ranges, sizeof applied_ranges / sizeof applied_ranges[0]},
};

static const struct range *range_of(const struct ms_cell *c, enum cell_kind k)
{
    return &tables[k].range[c->range[k]];
}

/* What flowed so far is of no interest, nor is what is left of it in the filter. */
static void forget(struct ms_cell *c)
{
    struct cell_reading r;
    world_take(c->bench->world, &r);
    c->at = c->bench->at;
    c->filtered = 0;
}

/* --- set points ---------------------------------------------------------------------------------------- */

/* The window of a galvanostat is its compliance: documentation names set_range_minmax for applied potentials
 * only, and this model takes it as the limits that the cell potential may reach in either mode. */
static void apply(struct ms_cell *c)
{
    sim_bench_advance(c->bench, loop_now(c->bench->loop));
    struct world *w = c->bench->world;
    double low = c->window ? c->window_low : c->c.e_low, high = c->window ? c->window_high : c->c.e_high;
    if (!c->on || !c->mode)
        world_control(w, CELL_OPEN, 0, 0, 0);
    else if (ms_cell_galvanostat(c))
        world_control(w, CELL_GALVANOSTAT, c->c.wire_i * c->i, c->c.wire_e > 0 ? low : -high,
                      c->c.wire_e > 0 ? high : -low);
    else
        world_control(w, CELL_POTENTIOSTAT, c->c.wire_e * (c->e + c->c.e_error), 0, 0);
}

void ms_cell_switch(struct ms_cell *c, bool on)
{
    if (on == c->on)
        return;
    c->on = on;
    apply(c);
    if (on)
        forget(c);
}

void ms_cell_set_e(struct ms_cell *c, double volts)
{
    c->e = c->c.e_step * rint(volts / c->c.e_step);
    if (c->on && !ms_cell_galvanostat(c))
        apply(c);
}

void ms_cell_set_i(struct ms_cell *c, double amperes)
{
    double step = range_of(c, CELL_DB)->full * SPAN / ADC_STEPS;
    c->i_wanted = amperes;
    c->i = step * rint(amperes / step);
    if (c->on && ms_cell_galvanostat(c))
        apply(c);
}

void ms_cell_set_window(struct ms_cell *c, double low, double high)
{
    c->window = true;
    c->window_low = low;
    c->window_high = high;
    if (c->on && ms_cell_galvanostat(c))
        apply(c);
}

/* --- ranges -------------------------------------------------------------------------------------------- */

static int find_range(const struct ms_cell *c, enum cell_kind k, double value)
{
    int i = 0;
    while (i < tables[k].n - 1 &&
           (tables[k].range[i].full < value * (1 - 1e-9) ||
            (k == CELL_BA && tables[k].range[i].full < c->c.lowest_range * (1 - 1e-9))))
        i++;
    return i;
}

static void switch_range(struct ms_cell *c, enum cell_kind k, int range)
{
    if (range == c->range[k])
        return;
    c->range[k] = range;
    c->over = c->under = 0;
    if (k == CELL_BA)
        c->since_switch = 0;
    if (k == CELL_DB)
        ms_cell_set_i(c, c->i_wanted);
}

void ms_cell_set_range(struct ms_cell *c, enum cell_kind k, double value)
{
    int range = find_range(c, k, value);
    switch_range(c, k, range);
    c->low[k] = c->high[k] = range;
}

void ms_cell_set_autoranging(struct ms_cell *c, enum cell_kind k, double low, double high)
{
    c->low[k] = find_range(c, k, low);
    c->high[k] = find_range(c, k, high);
    if (c->range[k] < c->low[k])
        switch_range(c, k, c->low[k]);
    if (c->range[k] > c->high[k])
        switch_range(c, k, c->high[k]);
}

static void autorange(struct ms_cell *c, double i, double full)
{
    c->over = fabs(i) > WARNING * full && c->range[CELL_BA] < c->high[CELL_BA] ? c->over + 1 : 0;
    c->under = fabs(i) < DOWN * full && c->range[CELL_BA] > c->low[CELL_BA] ? c->under + 1 : 0;
    if (c->over >= PATIENCE)
        switch_range(c, CELL_BA, c->range[CELL_BA] + 1);
    else if (c->under >= PATIENCE)
        switch_range(c, CELL_BA, c->range[CELL_BA] - 1);
}

/* --- readings ------------------------------------------------------------------------------------------ */

/* What depends on the interval and the bandwidth only. */
static void tune(struct ms_cell *c, double dt)
{
    if (dt == c->dt && c->gain_bandwidth == c->bandwidth)
        return;
    c->dt = dt;
    c->gain_bandwidth = c->bandwidth;
    c->decay = exp(-TWO_PI * c->bandwidth * dt);
    double x = 0.5 * TWO_PI * c->c.mains_freq * dt;
    c->mains_gain = c->c.mains * (x > 1e-9 ? sin(x) / x : 1);
}

/* Pickup of the mains, mean over the interval, and the slow wave of the input offset. */
static double disturbance(const struct ms_cell *c, ns_t t)
{
    double since = ns_to_s(t - c->began);
    return c->mains_gain * sin(TWO_PI * c->c.mains_freq * (since - c->dt / 2) + c->phase) + c->c.offset +
           c->c.drift * sin(TWO_PI * ns_to_s(t) / c->c.drift_period);
}

/* White noise of the input within the bandwidth (or what the interval leaves of it), as correlated from
 * sample to sample as the filter makes it. */
static double input_noise(struct ms_cell *c, double full)
{
    double nyquist = 0.5 / c->dt, band = TWO_PI / 4 * c->bandwidth;
    double rms = c->c.noise * sqrt(full / 1e-10) * sqrt(band < nyquist ? band : nyquist);
    double w = rng_normal(c->i_rng, c->place, c->loops, c->samples);
    c->correlated = c->decay * c->correlated + sqrt(1 - c->decay * c->decay) * w;
    return c->noise_factor * rms * c->correlated;
}

/* Mean current since the last reading through the filter, and the potential. */
static void read_cell(struct ms_cell *c, ns_t t, bool disturbed, struct cell_reading *r)
{
    sim_bench_advance(c->bench, t);
    world_take(c->bench->world, r);
    t = c->bench->at; /* later than asked for if, in real time, a late stage timer came first */
    if (t <= c->at)
        return;
    double dt = ns_to_s(t - c->at);
    c->at = t;
    tune(c, dt);
    double mean = c->c.wire_i * r->charge / dt + (disturbed ? disturbance(c, t) : 0);
    c->filtered = mean + (c->filtered - mean) * c->decay;
}

void ms_cell_begin(struct ms_cell *c, ns_t t)
{
    struct cell_reading r;
    read_cell(c, t, false, &r); /* its mains would have the phase of another loop */
    c->loops = c->place == c->bench->place ? c->loops + 1 : 0;
    c->place = c->bench->place;
    c->samples = 0;
    c->began = t;
    c->correlated = rng_normal(c->i_rng, c->place, c->loops, UINT64_MAX);
    c->phase = TWO_PI * rng_uniform(c->phase_rng, c->place, c->loops, 0);
}

static void convert_current(struct ms_cell *c, struct cell_sample *out)
{
    const struct range *range = range_of(c, CELL_BA);
    double i = c->filtered + input_noise(c, range->full) + c->spike;
    c->spike = 0;
    if (c->since_switch < TRANSIENT_ENDS)
        i += c->c.transient * range->full * pow(TRANSIENT_DECAY, c->since_switch++);
    double span = SPAN * range->full, step = span / ADC_STEPS;
    if (c->overload)
        i = copysign(2 * span, i);
    out->i_status = 0;
    if (fabs(i) >= span) {
        i = copysign(span, i);
        out->i_status = MS_OVERLOAD;
    } else if (fabs(i) > WARNING * range->full) {
        out->i_status = MS_OVERLOAD_WARNING;
    } else if (c->underload || (fabs(i) < UNDERLOAD * range->full && c->range[CELL_BA] > c->low[CELL_BA])) {
        out->i_status = MS_UNDERLOAD;
    }
    out->i = step * rint(i / step);
    out->i_range = range->index;
    out->i_exponent = (int8_t)ms_exponent(step);
    autorange(c, i, range->full);
}

static void convert_potential(struct ms_cell *c, const struct cell_reading *r, struct cell_sample *out)
{
    const struct range *range = range_of(c, CELL_AB);
    double span = range->full >= 1 ? fmax(-c->c.e_low, c->c.e_high) : SPAN * range->full;
    double step = span / ADC_STEPS;
    double e = c->c.wire_e * r->potential - c->c.e_error;
    if (c->c.e_noise > 0)
        e += c->c.e_noise * rng_normal(c->e_rng, c->place, c->loops, c->samples);
    out->e_status = r->at_compliance || c->overload || fabs(e) >= span ? MS_OVERLOAD : 0;
    e = fmin(fmax(e, -span), span);
    out->e = step * rint(e / step);
    out->e_range = range->index;
    out->e_exponent = (int8_t)ms_exponent(step);
}

void ms_cell_sample(struct ms_cell *c, ns_t t, struct cell_sample *out)
{
    struct cell_reading r;
    read_cell(c, t, true, &r);
    bool potential_measured = !c->on || ms_cell_galvanostat(c);
    if (potential_measured) {
        convert_potential(c, &r, out);
        out->i = c->on ? c->i : 0;
        out->i_status = 0;
        out->i_range = range_of(c, CELL_DB)->index;
        out->i_exponent = (int8_t)ms_exponent(range_of(c, CELL_DB)->full * SPAN / ADC_STEPS);
    } else {
        convert_current(c, out);
        out->e = c->e;
        out->e_status = 0;
        out->e_range = range_of(c, CELL_AB)->index;
        out->e_exponent = (int8_t)ms_exponent(c->c.e_step);
    }
    c->samples++;
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void power_up(struct ms_cell *c)
{
    c->on = false;
    c->mode = 0;
    c->window = false;
    c->bandwidth = 1000;
    c->since_switch = TRANSIENT_ENDS;
    c->over = c->under = 0;
    for (int k = 0; k < CELL_KINDS; k++)
        c->range[k] = c->low[k] = c->high[k] = tables[k].n - 1;
    c->e = c->i = c->i_wanted = 0;
}

void ms_cell_reset(struct ms_cell *c)
{
    power_up(c);
    apply(c);
}

void ms_cell_init(struct ms_cell *c, struct sim_bench *b, const struct ms_cell_config *config)
{
    *c = (struct ms_cell){.bench = b, .c = *config, .noise_factor = 1};
    c->i_rng = rng_stream(b->seed, "sim.pstat.current");
    c->e_rng = rng_stream(b->seed, "sim.pstat.potential");
    c->phase_rng = rng_stream(b->seed, "sim.pstat.mains");
    c->at = c->began = loop_now(b->loop);
    power_up(c); /* the world begins at open circuit and is not advanced: its state may yet be loaded */
}
