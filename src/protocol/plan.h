/* The plan: all sites in order, every factor level assigned, limits checked. No input error is left after it.
 */
#ifndef SECCM_PROTOCOL_PLAN_H
#define SECCM_PROTOCOL_PLAN_H

#include "protocol/grid.h"
#include "protocol/protocol.h"

struct plan_site {
    int site; /* 1-based, stable name; equals the visiting order of the undisturbed plan */
    int order;
    double x, y;        /* m */
    int block;          /* 1-based, 0 = none */
    const char *region; /* name, "" = none; lives as long as the protocol */
    int pattern;        /* index into grid->region */
    int entry;          /* listed point: row of the grid's columns of values; -1 = none */
    int combination;    /* in plan->combination, -1 for a spare */
    bool control;       /* spot of the reference patch; has no levels: all -1 */
    double seconds;     /* that a visit is expected to take, the way to it included; 0 for a spare */
    bool spare; /* level[] of a spare is that of the site it replaces, assigned by the run; -1 until then */
    int level[FACTOR_MAX];
};

struct plan_seconds {
    double motion, approach, technique, overhead; /* per night, s */
    double total, uncertainty;
    double worst;   /* every contact at the far end of the travel */
    double control; /* of total: for control sites */
    bool at_most;   /* conditions may end steps earlier: technique, and with it total, is the longest case */
};

/* Levels that occur together at some site, and at how many. */
struct plan_combination {
    int level[FACTOR_MAX];
    int sites;
};

struct plan {
    const struct protocol *protocol;
    struct plan_site *site; /* planned sites, then spares, then spots for controls */
    int n_sites, n_spares, n_controls;
    int *visit; /* n_visits: the night's sequence, indices of sites and controls, if none is lost */
    int n_visits;
    int controls_needed; /* what `every` and `after` ask for, with the one behind the last site; more than
                            n_controls: some will be missing */
    struct plan_combination
        *combination; /* in the order of the levels, first factor slowest; one without factors */
    int n_combinations;
    struct grid_layout layout; /* the same points as the grid placed them, and what it left out */
    uint64_t seed;
    struct plan_seconds seconds;
    uint64_t bytes; /* estimate of the results file */
    uint64_t samples_per_site;
};

/* Checks limits against rig and instrument (S5, S6), every level of every factor included; errors and
 * warnings go to `d`; NULL if there was an error. The protocol must outlive the plan. */
struct plan *plan_make(const struct protocol *p, struct diags *d);
void plan_free(struct plan *p);
/* All places: sites, spares and spots for controls. */
int plan_places(const struct plan *p);
const char *plan_role(const struct plan_site *s); /* measured, spare, control */

/* Numbers of step `step` for a site with these levels; NAN where a level is not assigned. */
void plan_step(const struct plan *p, const int level[FACTOR_MAX], int step, struct step_now *out);
void plan_approach(const struct plan *p, const int level[FACTOR_MAX], struct approach_now *out);
void plan_retract(const struct plan *p, const int level[FACTOR_MAX], struct retract_now *out);
/* m2 that the probe is declared to wet: what a current density is taken over. */
double plan_wetted_area(const struct plan *p);
double plan_value(const struct plan *p, const int level[FACTOR_MAX], const struct value *v);

/* The two sites (indices, spares included) that are nearest to each other; false if there is only one. m. */
bool plan_closest(const struct plan *p, int *a, int *b, double *distance);
/* Where sites are counted: one row per region, in the order in which regions first occur. Regions beyond
 * `max` are left out; returns the rows written. */
struct plan_region {
    const char *name; /* "" = none */
    int sites, spares, controls, excluded, used;
};
int plan_regions(const struct plan *p, struct plan_region *out, int max);

/* Text outputs of `seccm plan`. */
void plan_print(const struct plan *p, struct buf *out);
void plan_json(const struct plan *p, struct buf *out);
void plan_csv(const struct plan *p, struct buf *out);
void plan_svg(const struct plan *p, struct buf *out);

#endif
