/* A run that can not begin, since one of its instruments does not answer as it should: what becomes of the
 * other, and of a probe that an earlier run may have left in a drop.
 *
 * Who mistypes a port must not move a stage that is somebody else's. So a new run moves nothing: it says what
 * to do. A run that is resumed knows its instruments: if it was not left verified safe, and the stage that
 * answers is the very unit on record, the safe state is tried (S4), whatever became of the potentiostat.
 * `seccm rig check RIG --safe-state` moves whatever stage answers as the rig file says: its operator has
 * asked for it. */
#ifndef SECCM_CLI_STRANDED_H
#define SECCM_CLI_STRANDED_H

#include "cli/bench.h"
#include "cli/left.h"

/* Was the rig verified safe when this file's last run ended, by the run or by its guardian, or did nothing
 * move yet? */
bool stranded_was_safe(struct results *file, const struct left *left);

/* Says that nothing was moved, and which command brings up what can be. */
void stranded_tell(const struct rig_config *c, const struct bench_options *o);

/* Behind a bench that could not be opened: tries the safe state of a rig whose stage is `stage_id`, tells
 * what came of it and what to do where it is not verified. A simulated rig in this process has nothing to be
 * brought up. True if the rig is verified safe. */
bool stranded_bring_up(const struct rig_config *c, const struct bench_options *o, const char *stage_id);

#endif
