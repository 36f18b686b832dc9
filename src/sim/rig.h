/* A simulated rig: one world with stage and potentiostat firmware acting on it, each at the far end of a
 * link.
 *
 * Written from the instruments' documentation and never from our drivers; shares no codec with
 * src/instrument. */
#ifndef SECCM_SIM_RIG_H
#define SECCM_SIM_RIG_H

#include "base/yaml.h"
#include "sim/world.h"
#include "wire/link.h"

struct sim_rig;

/* `simulate`: the map of that name in a rig file: {seed, stage: {...}, potentiostat: {...}, sample: {...} or
 * a file name relative to the rig file, probe: {...}}. Errors go to `d`; NULL then. `seed_override` 0 = the
 * file's. */
struct sim_rig *sim_rig_new(struct loop *l, const struct ynode *simulate, uint64_t seed_override,
                            struct diags *d);
void sim_rig_free(struct sim_rig *r);
/* Gives a simulated device ("stage" or "potentiostat") the far end of its link; the rig owns it from now on.
 */
void sim_rig_attach(struct sim_rig *r, const char *device, struct link *far);
struct world *sim_rig_world(struct sim_rig *r);
/* Modelled line rate of a device (baud), for memory links. */
int sim_rig_baud(const struct sim_rig *r, const char *device);

/* How an axis of the simulated stage lies in the sample's frame: world coordinate (0 x, 1 y, 2 z) = offset +
 * direction x stage position (m). false if the stage has no axis of that name. */
struct sim_axis_map {
    int world, direction;
    double offset;
};
bool sim_rig_axis(const struct sim_rig *r, const char *id, struct sim_axis_map *out);

/* Faults of the devices for tests, from `at` on until `until`: */
enum sim_fault {
    SIM_STAGE_SILENT, /* stage goes on moving but answers nothing */
    SIM_STAGE_FROZEN, /* stage does not act on moves any more */
    SIM_STAGE_SERVO_LOST,
    SIM_PSTAT_SILENT,   /* goes on but sends nothing */
    SIM_PSTAT_RESET,    /* reboots: script gone, cell off */
    SIM_PSTAT_OVERLOAD, /* every sample flagged overload */
    SIM_PSTAT_GARBLED,  /* damaged lines */
    SIM_PSTAT_SPIKE,    /* one sample is 20 pA too large: electrical interference */
    SIM_DROP_LOST,      /* the drop is gone: a contact breaks, none forms */
};
void sim_rig_fault(struct sim_rig *r, enum sim_fault f, ns_t at, ns_t until);
/* Where the glass truly is now, in the sample's frame (m), and what is connected to the cell, for tests. */
void sim_rig_probe(struct sim_rig *r, double xyz[3], enum cell_mode *cell);

#endif
