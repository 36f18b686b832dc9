/* From a plan and an identified rig to everything that a results file holds before the first site. */
#ifndef SECCM_CLI_STORE_PLAN_H
#define SECCM_CLI_STORE_PLAN_H

#include <limits.h>

#include "cli/bench.h"
#include "protocol/plan.h"
#include "results/results.h"

struct results *store_plan_create(const char *path, const struct plan *plan, const struct bench *b,
                                  struct err *e);

/* Most files that a plan is made from: protocol, grid, rig, tables of levels and of points, files of steps.
 */
#define STORE_PLAN_POINTS 16
#define STORE_PLAN_FIXED  (3 + FACTOR_MAX)
#define STORE_PLAN_INPUTS (STORE_PLAN_FIXED + STORE_PLAN_POINTS + INCLUDE_MAX)
/* All files that the protocol was read from, by their real paths; returns how many. `in` and `paths` have
 * room for STORE_PLAN_INPUTS; the bytes are the protocol's. */
int store_plan_inputs(const struct protocol *p, struct results_input *in, char (*paths)[PATH_MAX]);

#endif
