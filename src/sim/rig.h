/* A simulated rig: one world with stage and potentiostat firmware acting on it, each at the far end of a
 * link.
 *
 * Written from the instruments' documentation and never from our drivers; shares no codec with
 * src/instrument. */
#ifndef SECCM_SIM_RIG_H
#define SECCM_SIM_RIG_H

#include "base/yaml.h"
#include "sim/fault.h"
#include "sim/world.h"
#include "wire/link.h"

struct sim_rig;

/* `simulate`: the map of that name in a rig file: {seed, stage: {...}, potentiostat: {...}, sample: {...} or
 * a file name relative to the rig file, probe: {...}, faults: [...]}. Errors go to `d`; NULL then.
 * `seed_override` 0 = the file's. */
struct sim_rig *sim_rig_new(struct loop *l, const struct ynode *simulate, uint64_t seed_override,
                            struct diags *d);
/* The file that such a map names for its sample, from the shelf in use if it is there, else from disk. NULL
 * if it names none (simulate NULL: neither), or with ERR_INPUT. Caller frees with source_free(). */
struct source *sim_sample_source(const struct ynode *simulate, struct err *e);
/* Reads such a map for its errors only; true if it has none. */
bool sim_rig_check(const struct ynode *simulate, struct diags *d);
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

/* A fault from `at` on until `until` (NS_NEVER: for good; of no meaning for what happens once). The ones that
 * the rig file plans begin by themselves; of those that lie before the loop's present time only what still
 * lasts does. */
void sim_rig_fault(struct sim_rig *r, enum sim_fault f, ns_t at, ns_t until);
/* Somebody repairs it: all faults that were planned so far end, or do not begin. */
void sim_rig_mend(struct sim_rig *r);
/* Where the glass truly is now, in the sample's frame (m), and what is connected to the cell, for tests. */
void sim_rig_probe(struct sim_rig *r, double xyz[3], enum cell_mode *cell);

#endif
