/* What the `simulate:` map of a rig file may say: plain data, and the tables that read it. */
#ifndef SECCM_SIM_RIG_CONFIG_H
#define SECCM_SIM_RIG_CONFIG_H

#include "base/schema.h"
#include "sim/fault.h"
#include "sim/pstat_ms.h"
#include "sim/stage_gcs.h"

/* s of experiment time; lasts NAN = for good. */
struct sim_planned_fault {
    int kind; /* enum sim_fault */
    double at, lasts;
};

struct sim_rig_config {
    int64_t seed;
    struct items faults;                                       /* of struct sim_planned_fault */
    const struct ynode *stage, *potentiostat, *sample, *probe; /* NULL: defaults */
};

extern const struct fields simulate_fields, sim_stage_fields, sim_pstat_fields;

/* Errors go to d; false if there were any. Free in either case. `n` NULL: all defaults. */
bool sim_rig_config_read(const struct ynode *n, struct sim_rig_config *out, struct diags *d);
bool sim_stage_config_read(const struct ynode *n, struct sim_stage_config *out, struct diags *d);
bool sim_pstat_config_read(const struct ynode *n, struct pstat_config *out, struct diags *d);
void sim_rig_config_free(struct sim_rig_config *c);
void sim_stage_config_free(struct sim_stage_config *c);
void sim_pstat_config_free(struct pstat_config *c);

#endif
