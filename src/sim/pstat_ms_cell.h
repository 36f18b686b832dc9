/* Electronics of the simulated potentiostat: converters, ranges, filter, noise, and the wires to the cell.
 *
 * Works in instrument signs; the bench's wiring turns them into the sample's:
 *     E(sample versus QRCE) = wire_e x E(instrument),   i(instrument) = wire_i x i(sample).
 * Currents are the mean over the time since the previous sample (what an integrating converter sees), then a
 * first-order low-pass at the bandwidth, then offset and noise, then the range's clipping and resolution. */
#ifndef SECCM_SIM_PSTAT_MS_CELL_H
#define SECCM_SIM_PSTAT_MS_CELL_H

#include "sim/bench.h"
#include "sim/pstat_ms_value.h"

/* Plain data, SI. */
struct ms_cell_config {
    int wire_e, wire_i;   /* +1, -1 */
    double e_low, e_high; /* V, hardware limits */
    double e_step;        /* V, LSB of the DAC */
    double e_error;       /* V, true minus set potential */
    double noise;         /* A/sqrt(Hz), white, on the 100 pA range; grows as the square root of the range */
    double mains, mains_freq; /* A, Hz */
    double offset, drift;     /* A; drift: amplitude of a slow wave of drift_period */
    double drift_period;      /* s */
    double e_noise;           /* V RMS of a measured potential */
    double transient;         /* of the new range's full scale, first sample after a change of range */
    double lowest_range;      /* A; smaller ranges are not built in */
};

struct cell_sample {
    double i, e;                /* A, V in instrument signs */
    uint8_t i_status, e_status; /* enum ms_status */
    uint8_t i_range, e_range;   /* index as in the metadata */
    int8_t i_exponent, e_exponent;
};

enum cell_kind { CELL_BA, CELL_AB, CELL_DB, CELL_KINDS };

struct ms_cell {
    struct sim_bench *bench;
    struct ms_cell_config c;
    bool on;
    int mode;                       /* set_pgstat_mode */
    double e, i;                    /* set points, quantised */
    double i_wanted;                /* set point before it was quantised in the applied range */
    double window_low, window_high; /* set_range_minmax da */
    bool window;                    /* was set */
    int range[CELL_KINDS], low[CELL_KINDS], high[CELL_KINDS]; /* indices into the tables of ranges */
    double bandwidth;                                         /* Hz */
    double filtered, correlated;                              /* states of filter and of its noise, A */
    int over, under;  /* consecutive samples that want another range */
    int since_switch; /* samples since the range changed */
    ns_t at;          /* of the last reading */
    uint64_t place, loops,
        samples; /* counters of the noise: loops since the place changed, samples in the loop */
    ns_t began;  /* the loop */
    struct rng i_rng, e_rng, phase_rng;
    double phase;                                 /* of the mains when the loop began, rad */
    bool overload, underload;                     /* fault: every sample */
    double noise_factor;                          /* 1; fault: more */
    double spike;                                 /* A, fault: added to the next sample */
    double dt, decay, mains_gain, gain_bandwidth; /* of the last interval, kept because they rarely change */
};

void ms_cell_init(struct ms_cell *c, struct sim_bench *b, const struct ms_cell_config *config);
/* As after power up: off, mode 0, widest ranges. */
void ms_cell_reset(struct ms_cell *c);

void ms_cell_switch(struct ms_cell *c, bool on);
/* Quantised and, if on, applied at once. */
void ms_cell_set_e(struct ms_cell *c, double volts);
void ms_cell_set_i(struct ms_cell *c, double amperes);
/* Smallest range that holds `value`, or the largest. */
void ms_cell_set_range(struct ms_cell *c, enum cell_kind k, double value);
void ms_cell_set_autoranging(struct ms_cell *c, enum cell_kind k, double low, double high);
void ms_cell_set_window(struct ms_cell *c, double low, double high);
static inline bool ms_cell_galvanostat(const struct ms_cell *c)
{
    return c->mode == 6;
}

/* What flowed until t (>= the last) passes through the filter and is forgotten: a measurement loop begins, or
 * goes on after a pause. */
void ms_cell_begin(struct ms_cell *c, ns_t t);
void ms_cell_sample(struct ms_cell *c, ns_t t, struct cell_sample *out);

#endif
