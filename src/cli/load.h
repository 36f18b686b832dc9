/* Protocol to plan for a command: loads, checks, prints everything found to stderr. */
#ifndef SECCM_CLI_LOAD_H
#define SECCM_CLI_LOAD_H

#include "protocol/plan.h"

struct loaded {
    struct protocol *protocol;
    struct plan *plan;
    int errors, warnings;
};

/* Makes the potentiostat's program for every combination of levels, as a run would, without sending it: what
 * the instrument would refuse is an error of the protocol (added to `d`). */
bool check_programs(const struct plan *p, struct diags *d);

/* false if there was an error (printed already; *status is the exit status). */
bool load_plan(const char *path, const struct protocol_options *o, struct loaded *out, int *status);
void load_free(struct loaded *l);

#endif
