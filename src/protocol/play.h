/* The steps of a site in the order in which they are played, as segments for the instrument: repeats written
 * out, conditions on features as gates.
 *
 *   - repeat: {count: 3, until: {feature: formation.sei_charge_ratio, below: 0.05}, steps: [cv, rest]}
 *
 *     cv rest | gate | cv rest | gate | cv rest | (what follows)
 *                |_________________|__________^
 *
 * One place makes them, so that duration, checks, limits, plan and run mean the same by a step.
 *
 * A gate is open-ended: a hold at the potential at which the step before ended, or open circuit where that is
 * not known or `between: open` is asked for. The host computes the feature when the gate begins; to go on it
 * advances the gate before GATE_ASK of it have passed. Not advanced, it runs out after GATE_SECONDS, and the
 * device leaves out the `skips` legs behind it. Those never end within a step. */
#ifndef SECCM_PROTOCOL_PLAY_H
#define SECCM_PROTOCOL_PLAY_H

#include "protocol/plan.h"

#define GATE_SECONDS  0.5
#define GATE_ASK      0.3   /* s: later the host lets it run out */
#define GATE_INTERVAL 10e-3 /* s */

/* Legs of one site: the rest of a program is approach and retraction. */
#define PLAY_MAX (PROGRAM_MAX - 16)

/* One segment. A step may need several (a voltammogram with many vertices, pulses); they are stored as one.
 */
struct play_leg {
    struct segment segment; /* numbers of the site; i_full, autorange and i_ceiling are the run's to set. An
                               until[].of and `skips` count legs as if the play were the whole program */
    int step;               /* in protocol->step; of a gate: the `when` or `repeat` whose condition decides */
    int instance;           /* legs of one stored step have the same number, from 0 on; a gate has its own */
    int cycle; /* of the leg's first sample, from 1 on: it goes on over the passes of a repeat. Of
                  a gate: how often its condition is asked up to now */
    int sweep; /* added to the instrument's own: number of the leg within its cycle, from 0 on */
    bool gate; /* the host decides: advanced if the condition says go, otherwise it runs out and
                  segment.skips legs are left out */
};

struct play {
    struct play_leg *leg;
    int n;
};

/* What is played at a site with these levels; `control`: at a control site. play_free() it. A plan that was
 * made without error has at most PLAY_MAX legs; beyond that they are cut off. */
void play_make(const struct plan *p, const int level[FACTOR_MAX], bool control, struct play *out);
void play_free(struct play *p);
/* Legs that it would have, counted without making them, at most PLAY_COUNT_MAX; and those of one step. */
#define PLAY_COUNT_MAX 1000000000000
int64_t play_count(const struct plan *p, const int level[FACTOR_MAX], bool control);
int64_t play_count_step(const struct plan *p, const int level[FACTOR_MAX], int step);
/* The steps that are played there. */
struct step_list play_list(const struct protocol *p, bool control);

/* Range of the potentials that are swept over, V: what the in-air blank covers. false: nothing is swept. */
bool play_sweep_range(const struct play *p, double *low, double *high);
/* s that a leg takes at most. */
double play_seconds(const struct play_leg *leg);
/* s that leg `k` takes at most, knowing the legs before it: a share of the charge of an earlier one is
 * reached at the latest when that one has lasted as long as it can. */
double play_at_most(const struct play *play, int k);
/* Samples that it gives at most. */
double play_samples(const struct play_leg *leg);

/* Is the cell open for a moment before leg `k`? It can not be avoided before and behind a constant current:
 * the instrument opens the cell to change what it controls, and within a sample of a limit that was met. */
bool play_gap_before(const struct play *play, int k);

/* What the host asks at a gate, with the numbers of the site; *leave: the answer yes leaves the repeat (the
 * gate is not advanced), otherwise the answer yes goes on (it is advanced). */
void play_condition(const struct plan *p, const int level[FACTOR_MAX], const struct play_leg *gate,
                    struct condition *out, bool *leave);

#endif
