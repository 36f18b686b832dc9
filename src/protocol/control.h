/* Control sites: fresh spots of a reference patch that are visited between the sites, so that a change of
 * the probe shows before the night is lost.
 *
 *   control: {every: 25, patch: reference, accept: {"formation.q_sei@1": [-600 fC, -500 fC]}, then: pause}
 *
 *   C1 | 25 sites | C2 | 25 sites | C3 ... last sites | Cn
 *
 * The patch is a region of the grid. All of its places serve as spots, its sites in their order and then its
 * spares; none is measured as a site. */
#ifndef SECCM_PROTOCOL_CONTROL_H
#define SECCM_PROTOCOL_CONTROL_H

#include "analysis/registry.h"
#include "base/schema.h"
#include "protocol/grid.h"

struct protocol;
struct plan;
struct check;

/* What a control must show. */
struct accept {
    struct feature_ref feature;
    double low, high; /* SI of the feature */
    struct mark mark;
};
#define ACCEPT_MAX 16

enum control_then { CONTROL_PAUSE, CONTROL_FLAG };

struct control {
    int64_t every; /* visited sites from one control to the next, 0 = their number does not count */
    double after;  /* s from one control to the next, NAN = time does not count */
    char *patch;   /* region of the grid, NULL = no control sites */
    const struct ynode *steps_node, *accept_node;
    int then; /* enum control_then */
    /* derived */
    struct accept accept[ACCEPT_MAX];
    int n_accept;
    int region; /* index of the patch in grid->region, -1 = none */
};

extern const struct fields control_fields;

/* Spots that are not measured may fail themselves: the next one is taken, so many times. */
#define CONTROL_TRIES 3

/* Finds the patch and reads `accept`; steps and grid are read. */
void control_read(struct protocol *p, struct diags *d);
/* Brings the points of the patch to the end of the layout, spares of the patch last; the others keep their
 * order, and l->n_sites counts the sites that are left. Returns the number of spots. */
int control_set_aside(const struct protocol *p, struct grid_layout *l);
/* Which spot is planned before which site, and the time and data that this takes: fills plan->visit and adds
 * to seconds and bytes. */
void control_schedule(struct plan *plan);
/* Spots that are needed against those that are there; after control_schedule(). */
void control_check_spots(const struct plan *plan, struct diags *d);

#endif
