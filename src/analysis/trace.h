/* The rows of one step as arrays in the sample's frame.
 *
 * E(sample) = potential_sign x E_raw + offset, i(sample) = current_sign x i_raw (oxidation positive), in V
 * and A.
 *
 * Flagged samples never enter a feature. Overload and invalid samples are left out: their current is replaced
 * by the line between its neighbours, so that the samples stay equidistant, and they are counted. A sample
 * whose timing was not met is left out only if the instrument gave no time of its own; with its own time it
 * is as good as any. Underload and the warning before overload are about resolution and range, their values
 * are valid and stay. */
#ifndef SECCM_ANALYSIS_TRACE_H
#define SECCM_ANALYSIS_TRACE_H

#include <stdint.h>

#include "results/waveform.h"

/* Bits of wave_row.status, as the instruments' samples define them. */
enum trace_status {
    TRACE_TIMING = 1,
    TRACE_OVERLOAD = 2,
    TRACE_UNDERLOAD = 4,
    TRACE_WARNING = 8,
    TRACE_INVALID = 16,
};

struct trace_wiring {
    int potential_sign, current_sign; /* +1 or -1 */
    double offset;                    /* V */
};

/* Samples that settle behind a turn or a step of potential, and behind a change of range. */
#define TRACE_SETTLES       4
#define TRACE_RANGE_SETTLES 8

/* The range of the current, carried from step to step of one attempt; start with {-1, 0}. */
struct trace_range {
    int range; /* -1: not known yet */
    int left;  /* samples that still settle */
};

/* Arrays of n samples; owned, freed by trace_free(). */
struct trace {
    int n;
    double *t; /* s since the first row: instrument's time; without one `interval` x index, without that host
                  time */
    double *e, *i;
    int32_t *cycle;
    int16_t *sweep;
    unsigned char *left_out; /* 1: the current is interpolated */
    unsigned char *overload; /* 1: left out since it was too large to measure */
    unsigned char *ranging;  /* 1: among the TRACE_RANGE_SETTLES samples from a change of range on */
    int n_left_out;
};

/* `ranging` is all 0 until trace_ranges().
 * `interval`: s between samples as programmed, 0 = unknown. rows may be NULL if n is 0. */
void trace_decode(const struct wave_row *rows, int n, const struct trace_wiring *w, double interval,
                  struct trace *out);
/* Fills t->ranging (t may be NULL) from the rows of the step and from what `r` knows of the step before, and
 * carries r on. Rows without a current, as those of open circuit, tell no range. */
void trace_ranges(const struct wave_row *rows, int n, struct trace_range *r, struct trace *t);
void trace_free(struct trace *t);
/* Samples left out within [first, first + n). */
int trace_left_out(const struct trace *t, int first, int n);

#endif
