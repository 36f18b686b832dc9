/* Bringing back instruments that failed, behind the safe state: nothing is believed that was true before.
 *
 * What was silent may have gone on with what it was told last, so stop and cut are written first of all. Then
 * each device has to prove that it is the unit it was; only z moves, and only up (S5). x and y get their
 * servos back behind that, since a controller that started anew may hold them anywhere. */
#include "instrument/rig.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Without input for so long, and what was on its way has arrived. */
#define QUIET       (50 * NS_MS)
#define QUIET_LIMIT NS_S
/* Stopping a program and opening the cell. */
#define SETTLE_TIME (6 * NS_S)

struct side {
    const char *device;
    struct link **link;
    struct dialogue *dialogue;
    bool (*prove)(struct rig *r, struct err *e);
};

/* ---- links ---- */

static struct link *open_again(struct rig *r, const struct side *s, struct err *e)
{
    struct link *k = NULL;
    if (link_can_reopen(*s->link))
        return link_reopen(*s->link, e);
    if (!r->reopen)
        err_set(e, ERR_LINK, "%s: its link is down, and can not be opened again", s->device);
    else if (!r->reopen(r->reopen_ctx, s->device, &k, e))
        k = NULL;
    return k;
}

static bool reopen(struct rig *r, const struct side *s, struct err *e)
{
    struct link *k = open_again(r, s, e);
    if (!k)
        return err_device(e, s->device);
    dialogue_attach(s->dialogue, k);
    link_close(*s->link);
    *s->link = k;
    if (s->link == &r->stage_link)
        r->stage_unknown = true;
    r->reopened++;
    return true;
}

/* ---- devices ---- */

/* Who was there before is kept in `known`; nobody yet is anybody. */
static bool is_same_unit(char *known, size_t n, const char *now, struct err *e)
{
    if (known[0] && strcmp(known, now) != 0)
        return err_set(e, ERR_MISMATCH, "another unit answers: \"%s\" instead of \"%s\"", now, known);
    snprintf(known, n, "%s", now);
    return true;
}

/* Who does not answer as the stage that was there before is not moved, neither now nor later. */
static bool know_stage(struct rig *r, struct err *e)
{
    char id[sizeof r->stage_id];
    if (!stage_identify(r->stage, id, sizeof id, e) || !is_same_unit(r->stage_id, sizeof r->stage_id, id, e))
        return false;
    r->stage_unknown = false;
    return true;
}

/* z alone, wherever it stands. */
static bool retract(struct rig *r, const double at[AXIS_COUNT], struct err *e)
{
    const struct rig_config *c = r->config;
    const double to[AXIS_COUNT] = {at[AXIS_X], at[AXIS_Y], c->z_retracted};
    ns_t patience = ns_from_s(2 * fabs(c->z_retracted - at[AXIS_Z]) / c->speed_z + 2);
    return (stage_servo_on_axes(r->stage, 1u << AXIS_Z, e) &&
            stage_set_speed(r->stage, AXIS_Z, c->speed_z, e) &&
            stage_move_wait(r->stage, 1u << AXIS_Z, to, patience, e)) ||
           err_context(e, "full retraction");
}

/* Going on behind a reset is the caller's to decide, who has to know of it. */
static bool may_go_on(struct rig *r, bool anew, struct err *e)
{
    struct err why = {.code = ERR_OFF_TARGET};
    if (!anew || r->reset_told)
        return true;
    stage_freeze(r->stage, true);
    r->reset_told = stage_explain(r->stage, &why);
    return err_set(e, ERR_RESET, "%s", why.text);
}

static bool prove_stage(struct rig *r, struct err *e)
{
    double at[AXIS_COUNT], limit[AXIS_COUNT][2];
    dialogue_drain(r->stage_dialogue, QUIET, QUIET_LIMIT);
    if (!know_stage(r, e) || !stage_halt_confirm(r->stage, at, e))
        return err_device(e, "stage");
    bool anew = stage_restarted(r->stage); /* asked before anything is set */
    if (!stage_read_limits(r->stage, limit, e) || !retract(r, at, e) || !may_go_on(r, anew, e) ||
        !stage_servo_on(r->stage, e))
        return err_device(e, "stage");
    stage_restart_is_over(r->stage);
    r->reset_told = false;
    stage_freeze(r->stage, false);
    return true;
}

static bool prove_pstat(struct rig *r, struct err *e)
{
    char id[sizeof r->pstat_id];
    dialogue_drain(r->pstat_dialogue, QUIET, QUIET_LIMIT);
    return (potentiostat_settle(r->pstat, SETTLE_TIME, e) &&
            potentiostat_identify(r->pstat, id, sizeof id, e) &&
            is_same_unit(r->pstat_id, sizeof r->pstat_id, id, e)) ||
           err_device(e, "potentiostat");
}

/* A link that is up and silent may be one whose far side is gone without a word: then it is opened anew once.
 */
static bool bring_back(struct rig *r, const struct side *s, struct err *e)
{
    if (!link_up(*s->link, e))
        return err_device(e, s->device);
    if (s->prove(r, e))
        return true;
    if (e->code != ERR_SILENT || !link_can_reopen(*s->link))
        return false;
    err_clear(e);
    return reopen(r, s, e) && s->prove(r, e);
}

bool rig_reach_stage(struct rig *r, struct err *e)
{
    const struct side stage = {"stage", &r->stage_link, r->stage_dialogue, prove_stage};
    if (!link_up(r->stage_link, NULL) && !reopen(r, &stage, e))
        return false;
    stage_halt(r->stage, NULL);
    dialogue_drain(r->stage_dialogue, QUIET, QUIET_LIMIT);
    return know_stage(r, e) || err_device(e, stage.device);
}

bool rig_recover(struct rig *r, struct err *e)
{
    const struct side stage = {"stage", &r->stage_link, r->stage_dialogue, prove_stage};
    const struct side pstat = {"potentiostat", &r->pstat_link, r->pstat_dialogue, prove_pstat};
    struct err of_stage = ERR_INIT, of_pstat = ERR_INIT;
    if (r->lifted)
        return err_set(
            e, ERR_LIMIT,
            "the coarse axis has lifted the head: lower it by hand, and begin a new run, since no height "
            "that this one knows holds any more");
    bool up = link_up(r->stage_link, NULL) || reopen(r, &stage, &of_stage);
    bool open = link_up(r->pstat_link, NULL) || reopen(r, &pstat, &of_pstat);
    if (up)
        stage_halt(r->stage, NULL);
    if (open)
        potentiostat_cut(r->pstat, NULL);
    up = up && bring_back(r, &stage, &of_stage);
    open = open && bring_back(r, &pstat, &of_pstat);
    if (up && open)
        return true;
    const struct err *first = up ? &of_pstat : &of_stage;
    err_set(e, first->code, "%s", first->text);
    return err_device(e, first->device);
}
