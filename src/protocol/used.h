/* Spots of earlier runs on the same sample that were or may have been touched, from their results files, and
 * how near to one another spots may be. */
#ifndef SECCM_PROTOCOL_USED_H
#define SECCM_PROTOCOL_USED_H

#include "protocol/grid.h"

struct protocol;

struct used {
    struct grid_spot *spot;
    int n;
};

/* Reads the files of `avoid` into p->used; errors go to `d`. The earlier run's coordinates must be those of
 * the same stage with the sample unmoved: nothing in a file could tell otherwise. */
void used_read(struct protocol *p, struct diags *d);
void used_free(struct used *u);

/* Diameter (m) of what one drop of this protocol is expected to leave behind: `probe.residue`, or 1.3 wetted
 * diameters until it was measured (Saxena et al., ACS Meas. Sci. Au 2025, 5, 178, found residues larger than
 * the wetted spots). */
double used_residue(const struct protocol *p);
/* Distance between spots in residues: 1.5 if the residue was measured, 3 otherwise. */
double used_factor(const struct protocol *p);

#endif
