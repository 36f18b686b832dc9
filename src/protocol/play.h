/* The steps of a site in the order in which they are played, as segments for the instrument: repeats written
 * out, conditions on features as gates.
 *
 *   - repeat: {count: 3, until: {feature: formation.sei_charge_ratio, below: 0.05}, steps: [cv, rest]}
 *
 *     cv rest | gate | cv rest | gate | cv rest | (what follows)
 *                |_________________|__________^
 *
 * One place makes them, so that duration, checks, limits, plan and run mean the same by a step. */
#ifndef SECCM_PROTOCOL_PLAY_H
#define SECCM_PROTOCOL_PLAY_H

#include "protocol/plan.h"

/* One segment. A step may need several (a voltammogram with many vertices, pulses); they are stored as one.
 */
struct play_leg {
    struct segment segment; /* numbers of the site; i_full, autorange and i_ceiling are the run's to set. An
                               until[].of and `skips` count legs as if the play were the whole program */
    int step;               /* in protocol->step; of a gate: the `when` or `repeat` whose condition decides */
    int instance;           /* legs of one stored step have the same number, from 0 on */
    int cycle;              /* of the leg's first sample, from 1 on: it goes on over the passes of a repeat */
    int sweep;              /* added to the instrument's own */
    bool gate;              /* the host decides: advanced if the condition says go, otherwise it runs out and
                               segment.skips legs are left out */
};

struct play {
    struct play_leg *leg;
    int n;
};

/* What is played at a site with these levels; `control`: at a control site. play_free() it. */
void play_make(const struct plan *p, const int level[FACTOR_MAX], bool control, struct play *out);
void play_free(struct play *p);

#endif
