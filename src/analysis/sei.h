/* Charges in the SEI window over the cycles of a voltammogram, and the growth of the wetted area beside them.
 */
#ifndef SECCM_ANALYSIS_SEI_H
#define SECCM_ANALYSIS_SEI_H

#include <stdbool.h>

#include "analysis/area.h"
#include "analysis/blank.h"
#include "analysis/capacitance.h"

#define SEI_CYCLES 100

/* What was measured in one cycle. NAN in `q` or a branch's current = not there. */
struct sei_cycle {
    double q, q_sd;             /* C: window charge of the reducing sweep as recorded, SD of its noise */
    double time, moment, swing; /* sums of the weights of q: s, V s (of E - Eb), V (of dE/dt) for the blank */
    double width;               /* V: of the window */
    struct branch falling;      /* just before the window is passed; A, as recorded */
    struct branch rising;       /* at the end of the cycle */
};

enum sei_quantity {
    SEI_Q,          /* C, blank-corrected */
    SEI_FILM,       /* C, over the current just before the window */
    SEI_C_PASS,     /* F */
    SEI_PER_CDL,    /* V */
    SEI_RATIO,      /* of SEI_Q */
    SEI_FILM_RATIO, /* of SEI_FILM; growth of the area is in it, as in SEI_RATIO */
    SEI_RATIO_AREA, /* of the film, growth taken out as if new area were fresh */
    SEI_RATIO_CDL,  /* of the film, growth taken out as if new area were passivated */
    SEI_QUANTITIES
};

struct sei_result {
    double value[SEI_QUANTITIES], sd[SEI_QUANTITIES]; /* NAN = can not be had */
};

/* The capacitance at the reducing pass of cycle k comes from the two branches around the turn before it: the
 * rising one at the end of cycle k - 1 and the falling one at the start of cycle k. Offset, leak and a trace
 * of oxygen flow in both and cancel; the time to the pass is as short as it can be. Cycle 1 has no rising
 * branch before it: there the part that is common to both branches at the turn to cycle 2 is subtracted from
 * the falling branch, so that the same currents cancel; with one cycle only, the blank's offset and leak are.
 *
 * The film's charge is that over the current of the falling branch just before the window, carried on through
 * it: double layer, offset, what leaks (its change with potential by the blank) and most of the current of
 * trace oxygen go with it, whatever the rising branch does. What is left of the trace is what it rises by
 * toward the window, and it counts as film.
 *
 * The growth of the area is taken out with the capacitances at both ends of the contact's use if
 * area_ends_known(): they are measured at rest and differential, so that no other current counts as
 * capacitance. Then the two last ratios are the outer end of the bracket of analysis/area.h, whose inner end
 * is SEI_FILM_RATIO. Otherwise the growth is that of the capacitance before each pass, made monotone.
 *
 * `wet_potential`: V at which the branches were read. n <= SEI_CYCLES cycles from the first. Uncertainties
 * follow from the noise of each charge and branch (independent) and of the blank (common to all), by
 * analysis/propagate.h. */
void sei_compute(const struct sei_cycle *cycle, int n, const struct blank *blank, double wet_potential,
                 const struct area_ends *ends, struct sei_result *out);

#endif
