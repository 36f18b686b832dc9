/* Checks of a plan against rig and instrument: every level of every factor, full sentences, with positions.
 */
#ifndef SECCM_PROTOCOL_CHECK_H
#define SECCM_PROTOCOL_CHECK_H

#include "protocol/plan.h"

/* What the checks share. */
struct check {
    const struct protocol *p;
    const struct plan *plan; /* sites and levels are assigned */
    struct diags *d;
    struct mark plating[8]; /* values whose plating risk was told already */
    int n_plating;
    bool too_many; /* legs of a site: told */
    /* Steps of the controls' own (index - p->control.first) that take a value from a factor: that is told,
     * and what its levels would mean there is nobody's concern. NULL: none. */
    bool *varied;
};

/* Whether it is a step of the controls' own with a value from a factor. NULL: no step. */
bool check_varied(const struct check *c, const struct step *s);

/* All of them. */
void check_plan(struct check *c);

void check_potentials(struct check *c); /* protocol limits, applied volts after sign and offset, plating */
void check_approach(struct check *c);   /* speeds, threshold, currents, travel */
void check_steps(struct check *c);      /* what a step's numbers mean together, for each combination */
void check_landing(struct check *c);    /* the test of a contact by its open circuit */
void check_geometry(struct check *c);   /* envelope, pitch against wetted area and residue */
void check_analysis(struct check *c);   /* windows that levels do not cover */
void check_control(struct check *c);    /* control sites without levels, spots, accepted intervals */
void check_stop(struct check *c);       /* rules that can not be met */
void check_design(struct check *c);     /* levels that go with position, time or each other */

/* Difference of height between the highest and the lowest site of the declared plane, m. */
double check_rise(const struct plan *plan);
/* Behind the estimate of the duration: does the drift of a whole night fit into the range of z? */
void check_drift(const struct plan *plan, struct diags *d);

/* " (with cutoff = 0.5 V)" for the factors among up to three values (NULL: none) at these levels; "" without
 * any. */
const char *check_with(const struct protocol *p, const int level[FACTOR_MAX], const struct value *a,
                       const struct value *b, const struct value *c, char text[160]);

/* Levels that a value can take: 1 unless it is a factor. */
int value_levels(const struct protocol *p, const struct value *v);
/* Number `i` of them; *m: where it is written; text: "50 mV" or "50 mV (a level of `cutoff`)". */
double value_level(const struct protocol *p, const struct value *v, int i, struct mark *m, char text[96]);

/* Formats into one of a few static buffers, for messages; not for keeping. */
const char *show(double si, enum dim dim);

#endif
