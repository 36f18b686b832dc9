/* Do two results files say the same? (design, R4)
 *
 * Compared: the sites with order, place, levels, outcome, flags and touched, and bit for bit the waveforms of
 * the technique steps (phase `step`) of their last attempts: instrument time, potential, current, cycle,
 * sweep, range, status. Not compared: clocks, heights, approach curves, all other phases, events, how often a
 * landing was tried. Sites touched by an interruption (an attempt that ended interrupted or aborted, a spare
 * that stands for such a site, or a spare used in one file only because of it) are listed on their own and
 * are no difference. */
#ifndef SECCM_OUTPUT_DIFF_H
#define SECCM_OUTPUT_DIFF_H

#include "output/data.h"

struct diff_options {
    bool features;      /* compare the stored features too, bit for bit */
    int most;           /* differences that are told in full; the others are counted */
    const char *except; /* "3,17-20": further sites to set aside; NULL = none */
};

struct diff_counts {
    int sites, waveforms, samples; /* compared */
    int differences;
    int interrupted; /* sites set aside */
};

/* Appends what differs to `out` in words and fills `counts`; false only if a file can not be read or options
 * are wrong. */
bool diff_files(const struct data *a, const struct data *b, const struct diff_options *o, struct buf *out,
                struct diff_counts *counts, struct err *e);

#endif
