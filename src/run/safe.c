/* S4: the safe state. Stop z, open the cell, retract, verify: every action attempted even if one before it
 * failed, each with its own deadline, and nobody can cancel it. "Safe" is said only of what was verified. */
#include <string.h>

#include "base/bounds.h"
#include "base/log.h"
#include "run/hop.h"
#include "run/ladder.h"

/* A stage whose servo is off neither stops nor holds: it sinks on. One push up by its voltage comes before
 * anything is asked; with the servo on it is refused and does nothing. */
static void push_up(struct run *r, const struct err *why)
{
    struct err e = ERR_INIT;
    bool may_sink = r->attempt.lowered && strcmp(why->device, "stage") == 0 && why->code != ERR_LINK;
    if (may_sink && !stage_push_up(r->rig->stage, &e))
        hop_note(r, "fault", "writing the push up: %s", e.text);
}

/* The bytes first, without waiting for anything. */
static void write_stops(struct run *r, const struct err *why)
{
    struct err e = ERR_INIT;
    r->stand.on = false; /* the stop forgets what was asked */
    if (!stage_halt(r->rig->stage, &e))
        hop_note(r, "fault", "writing the stop: %s", e.text);
    err_clear(&e);
    if (!potentiostat_cut(r->rig->pstat, &e))
        hop_note(r, "fault", "writing the cell off: %s", e.text);
    push_up(r, why);
}

static void note_rung(void *ctx, const char *text)
{
    hop_note(ctx, "fault", "%s", text);
}

static enum rung come_up(struct run *r, struct err *why, struct err *e)
{
    struct ladder l = {.rig = r->rig, .why = why, .say = note_rung, .ctx = r};
    motion_to_stage(r, r->xy[0], r->xy[1], l.at);
    l.at[AXIS_Z] = r->z;
    enum rung rung = ladder_climb(&l, e);
    r->z = l.at[AXIS_Z];
    r->in_order = ladder_is_in_order(&l, rung);
    return rung;
}

/* For the operator, whoever else was told. */
static void alert(const struct run *r, enum rung rung, bool open)
{
    bool up = rung != RUNG_NONE;
    if (!r->counts.safe)
        log_line(LOG_ERROR, "NOT VERIFIED SAFE: %s%s%s. Look at the rig.",
                 up ? "" : "z may not be retracted; x and y stay where they are", !up && !open ? "; " : "",
                 open ? "" : "the cell may still be on");
    else if (r->rig->lifted)
        log_line(LOG_ERROR,
                 "safe: lifted by the coarse axis; x and y stay where they are. Lower the head by hand, and "
                 "begin a new run: no height that this one knows holds any more.");
    else if (!r->in_order)
        log_line(LOG_ERROR, "safe, but only %s; x and y stay where they are. Look at the stage.",
                 rung_name(rung));
}

/* What it turned out to be is what counts. */
static void count_as(struct run *r, enum fault_class told, enum fault_class found)
{
    if (told == found)
        return;
    r->counts.by_fault[told]--;
    r->counts.by_fault[found]++;
    hop_note(r, "found", "[%s] instead of [%s]", fault_name(found), fault_name(told));
}

static void make_safe(struct run *r, struct err *why)
{
    r->counts.safe = false; /* until it is seen to be */
    write_stops(r, why);
    struct err e = ERR_INIT;
    enum rung rung = come_up(r, why, &e);
    if (rung == RUNG_NONE)
        hop_note(r, "fault", "retraction not verified: %s", e.text);
    else if (!r->in_order)
        hop_note(r, "fault", "%s, verified", rung_name(rung));
    err_clear(&e);
    bool open = potentiostat_settle(r->rig->pstat, BOUND_VERIFIED, &e);
    if (!open)
        hop_note(r, "fault", "open cell not verified: %s", e.text);
    if (strcmp(why->device, "stage") != 0 && potentiostat_explain(r->rig->pstat, why))
        hop_note(r, "fault", "%s", why->text);
    r->air_proven = false;
    r->cell_was_open = true; /* the break was not watched */
    r->stream.done = true;
    r->secured = true;
    r->cell_is_open = open;
    r->counts.safe = rung != RUNG_NONE && open;
    r->counts.up = rung_name(r->rig->lifted && rung != RUNG_NONE ? RUNG_COARSE : rung);
    alert(r, rung, open);
}

bool safe_once_more(struct run *r)
{
    struct err none = ERR_INIT;
    hop_enter(r, HOP_SAFE);
    r->counts.safe_states++;
    hop_note(r, "recovery", "the rig is not verified safe: stop, cell off and retraction once more");
    make_safe(r, &none);
    return r->counts.safe;
}

bool safe_state(struct run *r, struct err *why)
{
    hop_enter(r, HOP_SAFE);
    r->counts.safe_states++;
    bool skipped = r->shown.site && r->attempt.outcome == OUTCOME_SKIPPED; /* not one before */
    bool asked = why->code == ERR_CANCELLED || skipped;
    enum fault_class told = run_fault_class(r, why);
    if (asked)
        hop_note(r, "operator", "%s", why->text);
    else
        run_tell_fault(r, told, why->text);
    make_safe(r, why);
    if (!asked)
        count_as(r, told, run_fault_class(r, why));
    return r->counts.safe && r->in_order &&
           r->rig->reopened == r->links_told; /* the guardian has to have it */
}
