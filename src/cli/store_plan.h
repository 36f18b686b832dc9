/* From a plan and an identified rig to everything that a results file holds before the first site. */
#ifndef SECCM_CLI_STORE_PLAN_H
#define SECCM_CLI_STORE_PLAN_H

#include "cli/bench.h"
#include "protocol/plan.h"
#include "results/results.h"

struct results *store_plan_create(const char *path, const struct plan *plan, const struct bench *b,
                                  struct err *e);

#endif
