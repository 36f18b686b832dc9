/* Spots of earlier runs on the same sample that were or may have been touched, from their results files, and
 * how near to one another spots may be. */
#ifndef SECCM_PROTOCOL_USED_H
#define SECCM_PROTOCOL_USED_H

#include "protocol/grid.h"

struct protocol;
struct source;

struct used {
    struct grid_spot *spot;
    int n;
    struct source **list; /* per file of `avoid`: its spots as text, "x,y,distance" in m, and its path */
    int n_lists;
};

/* Reads the files of `avoid` into p->used; errors go to `d`. The earlier run's coordinates must be those of
 * the same stage with the sample unmoved: nothing in a file could tell otherwise. A run that had several
 * probes is read in the coordinates of the one whose id this protocol's probe has, or else of its first. From
 * a shelf (base/shelf.h) the lists are taken as an earlier reading made them. */
void used_read(struct protocol *p, struct diags *d);
void used_free(struct used *u);

/* Diameter (m) of what one drop of this protocol is expected to leave behind: `probe.residue`, or 1.3 wetted
 * diameters until it was measured (Saxena et al., ACS Meas. Sci. Au 2025, 5, 178, found residues larger than
 * the wetted spots). */
double used_residue(const struct protocol *p);
/* Distance between spots in residues: 1.5 if the residue was measured, 3 otherwise. */
double used_factor(const struct protocol *p);

#endif
