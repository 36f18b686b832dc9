/* From a plan and an identified rig to everything that a results file holds before the first site. */
#ifndef SECCM_CLI_STORE_PLAN_H
#define SECCM_CLI_STORE_PLAN_H

#include "cli/bench.h"
#include "protocol/plan.h"
#include "results/results.h"

struct results *store_plan_create(const char *path, const struct plan *plan, const struct bench *b,
                                  struct err *e);

/* All files that a protocol was read from, by lasting names, with their roles; the bytes are the protocol's,
 * but for the simulated sample's. */
struct store_inputs {
    struct results_input *in;
    char **path; /* of each, heap */
    int n, cap;
    struct source *sample; /* of a simulated rig, read here; NULL = none */
};
void store_inputs_make(const struct protocol *p, struct store_inputs *out);
void store_inputs_free(struct store_inputs *l);

#endif
