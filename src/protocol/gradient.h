/* Gradients: levels that change in equal steps over the sample or over the night. */
#ifndef SECCM_PROTOCOL_GRADIENT_H
#define SECCM_PROTOCOL_GRADIENT_H

#include "protocol/grid.h"
#include "protocol/protocol.h"

/* Gives every factor that is not read from a file one level per place: between the levels that are written,
 * evenly spread from the least to the greatest x, y or number of the planned sites, it is linear. Counts are
 * rounded. The factors' numbers are there; `layout`: all sites as the plan places them. Errors go to `d`. */
void gradient_apply(struct protocol *p, const struct grid_layout *layout, struct diags *d);

#endif
