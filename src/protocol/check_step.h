/* What the checks of steps share: one step with its numbers at one combination of levels. */
#ifndef SECCM_PROTOCOL_CHECK_STEP_H
#define SECCM_PROTOCOL_CHECK_STEP_H

#include "protocol/check.h"
#include "protocol/play.h"

/* A problem is told once for each step: the first combination of levels that has it speaks for all. */
enum step_problem {
    PROBLEM_PACE,
    PROBLEM_STEP_SIZE,
    PROBLEM_EMPTY_LEG,
    PROBLEM_UNEVEN,
    PROBLEM_RATES,
    PROBLEM_NO_SAMPLE,
    PROBLEM_NO_GALVANOSTAT,
    PROBLEM_TOO_MUCH,
    PROBLEM_NO_CURRENT,
    PROBLEM_IN_NOISE,
    PROBLEM_SAME_WAY,
    PROBLEM_WRONG_WAY,
    PROBLEM_NO_CHARGE,
    PROBLEM_COMPLIANCE,
    PROBLEM_DRIFT_WINDOW,
    PROBLEM_DRIFT_LATE,
    PROBLEM_UNREACHED,
    PROBLEM_BELOW_NOISE,
    PROBLEM_NEVER_EARLIER,
    PROBLEM_NO_HALF_BEFORE,
    PROBLEM_HALF_LEFT_OUT,
    PROBLEM_POTENTIAL_UNKNOWN,
    PROBLEM_GATE_OPEN,
    PROBLEM_GAP,
    PROBLEM_WHOLE,
    PROBLEM_CYCLE,
    PROBLEM_BOUNDS,
    PROBLEM_LEVELS_FLAT,
};

struct step_view {
    struct check *c;
    struct step_now s;
    uint64_t *reported; /* bits of enum step_problem, of this step */
    int level[FACTOR_MAX];
    char with[160]; /* latest text of step_with() */
};

/* true the first time a problem of this step is met. */
bool step_first(struct step_view *v, enum step_problem p);
/* " (with cutoff = 0.5 V)" for the factors among up to three values. */
const char *step_with(struct step_view *v, const struct value *a, const struct value *b,
                      const struct value *c);
/* Position of a value: the place of its use, since more than one factor may be to blame; of the step if it is
 * a default. */
struct mark step_at(const struct step_view *v, const struct value *value);

/* What ends hold, galvanostatic and ocp steps early: can it be reached, and can it be told? */
void check_until(struct step_view *v);
/* The legs as they are played at one combination: `view` has one entry per step. */
void check_legs(struct check *c, struct step_view *view, const int level[FACTOR_MAX], bool control);

#endif
