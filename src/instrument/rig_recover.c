/* Bringing back instruments that failed, behind the safe state: nothing is believed of them that was true
 * before.
 *
 * Both are written the stop and the cut first, whatever they answer, since one that was silent may have gone
 * on with what it was told last. Then each has to prove that it is the unit it was, where it stands, and that
 * the cell is open; only z moves, and only up (S5). */
#include <math.h>
#include <string.h>

#include "instrument/rig.h"

/* Opening the cell once more, behind the retraction. */
#define OPEN_TIME (3 * NS_S)

static bool same_unit(const char *device, const char *before, const char *now, struct err *e)
{
    if (strcmp(before, now) == 0)
        return true;
    err_set(e, ERR_MISMATCH, "another unit answers: \"%s\" instead of \"%s\"", now, before);
    return err_device(e, device);
}

/* Both identified anew; what they said before is kept unless they say the same. */
static bool identify_again(struct rig *r, struct err *e)
{
    char stage[sizeof r->stage_id], pstat[sizeof r->pstat_id];
    memcpy(stage, r->stage_id, sizeof stage);
    memcpy(pstat, r->pstat_id, sizeof pstat);
    bool ok = rig_identify(r, e) && same_unit("potentiostat", pstat, r->pstat_id, e) &&
              same_unit("stage", stage, r->stage_id, e);
    memcpy(r->stage_id, stage, sizeof stage);
    memcpy(r->pstat_id, pstat, sizeof pstat);
    return ok;
}

static bool retract(struct rig *r, const double at[AXIS_COUNT], struct err *e)
{
    const struct rig_config *c = r->config;
    const double to[AXIS_COUNT] = {at[AXIS_X], at[AXIS_Y], c->z_retracted};
    ns_t patience = ns_from_s(2 * fabs(c->z_retracted - at[AXIS_Z]) / c->speed_z + 2);
    return (stage_set_speed(r->stage, AXIS_Z, c->speed_z, e) &&
            stage_move_wait(r->stage, 1u << AXIS_Z, to, patience, e)) ||
           err_context(e, "full retraction");
}

bool rig_recover(struct rig *r, struct err *e)
{
    double at[AXIS_COUNT];
    stage_halt(r->stage, NULL);
    potentiostat_cut(r->pstat, NULL);
    return stage_halt_confirm(r->stage, at, e) && identify_again(r, e) && retract(r, at, e) &&
           potentiostat_settle(r->pstat, OPEN_TIME, e);
}
