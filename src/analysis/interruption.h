/* A contact that was lost in the middle of a step and came back: for some samples the current is what the
 * probe has in air, and the step before and behind them is as smooth as ever.
 *
 * The loss alone proves nothing, since a film that passivates, or a deposit that is used up, ends with no
 * current as well. Together with a sudden return it does: within one or two samples the current falls to that
 * of the blank, and later, again within one or two samples, it is back far over the noise, while the program
 * did nothing that could have caused either. What the program may cause is left out: reversals, steps of
 * potential, changes of cycle or sweep, gaps, the first samples of a step, ranges that settle.
 *
 * All is judged on the current into the contact, i - i0 - G (E - Eb) - C dE/dt with the values of the site's
 * blank. Under constant current dE/dt is that of the potential as it was measured: a contact that is gone
 * leaves the current to the stray capacitance, so that the potential runs off at i/C, and jumps back against
 * the current once the contact is there again, which no process at an electrode does.
 *
 * Not seen are a loss at which less than 8 standard deviations of the noise flowed, or behind which less
 * flows for three samples; a loss or a return in the first samples of a sweep or a level; a gap between two
 * samples of which the contact missed less than two; one that begins or ends in another step; and open
 * circuit. */
#ifndef SECCM_ANALYSIS_INTERRUPTION_H
#define SECCM_ANALYSIS_INTERRUPTION_H

#include "analysis/blank.h"
#include "analysis/site_features.h"
#include "analysis/trace.h"

struct interruption_step {
    const struct wave_row *rows; /* those of the trace */
    const struct trace *trace;
    const struct blank *blank;
    bool galvanostatic; /* the potential is measured, not set */
};

struct interruption {
    int first, n;         /* samples in air, at least 2 */
    double from, to;      /* s since the step's first sample: the last one before, the first one behind */
    double before, after; /* A into the contact, just before and just behind */
};

/* The first one of a step. False if there is none, or the blank is not known. */
bool interruption_find(const struct interruption_step *s, struct interruption *out);

/* The first one of an attempt, with its blank: *step is the index of the step. Steps of the technique only.
 */
bool interruption_of_attempt(const struct feature_attempt *a, int *step, struct interruption *out);

#endif
