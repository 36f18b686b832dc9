/* S4: the safe state. Stop z, open the cell, retract, verify: every action attempted even if one before it
 * failed, each with its own deadline, and nobody can cancel it. "Safe" is said only of what was verified. */
#include <math.h>

#include "base/log.h"
#include "run/hop.h"

#define CELL_DEADLINE (2 * NS_S)
/* Answers to older questions have arrived after this. */
#define LATE  (300 * NS_MS)
#define TRIES 3

/* The bytes first, without waiting for anything. */
static void write_stops(struct run *r)
{
    struct err e = ERR_INIT;
    if (!stage_halt(r->rig->stage, &e))
        hop_note(r, "fault", "writing the stop: %s", e.text);
    err_clear(&e);
    if (!potentiostat_cut(r->rig->pstat, &e))
        hop_note(r, "fault", "writing the cell off: %s", e.text);
}

static bool servo_back_on(struct run *r, struct err *e)
{
    bool on[AXIS_COUNT];
    if (!stage_servo(r->rig->stage, on, e))
        return false;
    if (on[AXIS_X] && on[AXIS_Y] && on[AXIS_Z])
        return true;
    hop_note(r, "fault", "servo lost: switching it on where the stage stands");
    return stage_servo_on(r->rig->stage, e);
}

/* Where it stopped; a mismatch may be the late answer to an older question. */
static bool find_out(struct run *r, double at[AXIS_COUNT], struct err *e)
{
    for (int attempt = 0; attempt < TRIES; attempt++) {
        err_clear(e);
        if (stage_halt_confirm(r->rig->stage, at, e))
            return true;
        if (e->code != ERR_MISMATCH && e->code != ERR_FRAGMENT)
            return false;
        loop_sleep_until(r->loop, loop_now(r->loop) + LATE);
    }
    return false;
}

/* Retraction of z; the command goes out even if the stage does not answer. */
static bool retract(struct run *r, struct err *e)
{
    struct stage *stage = r->rig->stage;
    const struct rig_config *c = r->rig->config;
    struct err why = ERR_INIT;
    double at[AXIS_COUNT] = {r->xy[0], r->xy[1], r->z};
    if (find_out(r, at, e))
        r->z = at[AXIS_Z];
    const double to[AXIS_COUNT] = {at[AXIS_X], at[AXIS_Y], c->z_retracted};
    double way = isnan(r->z) ? c->limit[AXIS_Z][1] - c->limit[AXIS_Z][0] : fabs(c->z_retracted - r->z);
    ns_t patience = ns_from_s(2 * way / c->speed_z + 2);
    for (int attempt = 0; attempt < TRIES; attempt++) {
        err_clear(&why);
        stage_set_speed(stage, AXIS_Z, c->speed_z, &why);
        err_clear(&why);
        if (stage_move_wait(stage, 1u << AXIS_Z, to, patience, &why)) {
            r->z = c->z_retracted;
            return true;
        }
        struct err ignored = ERR_INIT;
        if (why.code == ERR_LINK || (why.code == ERR_SILENT && attempt > 0))
            break;
        if (why.code == ERR_MISMATCH)
            loop_sleep_until(r->loop, loop_now(r->loop) + LATE);
        servo_back_on(r, &ignored);
    }
    return e->code != ERR_NONE ? false : err_set(e, why.code, "%s", why.text);
}

bool safe_state(struct run *r, struct err *why)
{
    hop_enter(r, HOP_SAFE);
    r->counts.safe_states++;
    bool asked = why->code == ERR_CANCELLED || r->attempt.outcome == OUTCOME_SKIPPED;
    enum fault_class class = fault_of_err(why);
    if (class != FAULT_NONE)
        hop_note(r, "fault", "[%s] %s", fault_name(class), why->text);
    else
        hop_note(r, asked ? "operator" : "fault", "%s", why->text);
    write_stops(r);
    struct err e = ERR_INIT;
    bool up = retract(r, &e);
    if (!up)
        hop_note(r, "fault", "retraction not verified: %s", e.text);
    err_clear(&e);
    bool open = potentiostat_settle(r->rig->pstat, CELL_DEADLINE, &e);
    if (!open)
        hop_note(r, "fault", "open cell not verified: %s", e.text);
    r->cell_was_open = true; /* the break was not watched */
    r->stream.done = true;
    r->secured = true;
    r->counts.safe = up && open;
    if (!r->counts.safe)
        log_line(LOG_ERROR, "NOT VERIFIED SAFE: %s%s%s. Look at the rig.", up ? "" : "z may not be retracted",
                 !up && !open ? "; " : "", open ? "" : "the cell may still be on");
    return r->counts.safe;
}
