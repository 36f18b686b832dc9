/* The ladder of the safe state, rung by rung. Each rung has its own deadline, and all are tried. */
#include "run/ladder.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bounds.h"

/* Answers to older questions have arrived after this. */
#define LATE  (300 * NS_MS)
#define TRIES 3
/* A controller that has just started anew answers within this. */
#define STARTING BOUND_RELINK

const char *rung_name(enum rung r)
{
    static const char *const name[] = {
#define X(id, text) text,
        RUNG_TABLE(X)
#undef X
    };
    return name[r];
}

static void say(const struct ladder *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct ladder *l, const char *fmt, ...)
{
    char text[400];
    va_list args;
    if (!l->say)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    l->say(l->ctx, text);
}

static void let_pass(const struct ladder *l)
{
    loop_sleep_until(l->rig->loop, loop_now(l->rig->loop) + LATE);
}

/* An answer that was damaged, or to another question: the next may be right. */
static bool may_be_asked_again(const struct err *e)
{
    return e->code == ERR_MISMATCH || e->code == ERR_FRAGMENT || e->code == ERR_LATE;
}

/* A silent controller may obey all the same. No speed is set: by that of its power-up one is known that has
 * started anew, and one that is starting now hears nothing of this. One that has comes up without servo. */
static void send_up_blindly(const struct ladder *l)
{
    const double to[AXIS_COUNT] = {[AXIS_Z] = l->rig->config->z_retracted};
    stage_move(l->rig->stage, 1u << AXIS_Z, to, NULL);
    stage_push_up(l->rig->stage, NULL);
}

/* Where it stopped. One that is silent is asked for as long as a controller takes to start. */
static bool find_out(struct ladder *l, struct err *e)
{
    ns_t patience = loop_patience(l->rig->loop, STARTING), until = loop_now(l->rig->loop) + patience;
    for (int k = 0;; k++) {
        err_clear(e);
        if (stage_halt_confirm(l->rig->stage, l->at, e))
            return true;
        bool silent = e->code == ERR_SILENT && loop_now(l->rig->loop) < until;
        if (!silent && (k + 1 >= TRIES || !may_be_asked_again(e)))
            return false;
        if (silent)
            send_up_blindly(l);
        let_pass(l);
    }
}

/* A link that is down may have hung up for a moment only, and meanwhile the probe stands where it was
 * stopped, or at its last target, with a drop below it: there is no waiting for the next try of bringing the
 * rig back. Whoever was told of the link before has to be told anew. False: nobody is there, or not who was.
 */
static bool reach(struct ladder *l, struct err *e)
{
    struct rig *rig = l->rig;
    ns_t until = loop_now(rig->loop) + loop_patience(rig->loop, STARTING);
    while (!link_up(rig->stage_link, NULL) || rig->stage_unknown) {
        err_clear(e);
        if (rig_reach_stage(rig, e)) {
            say(l, "the stage's link was opened again: the same unit is there");
        } else if (e->code == ERR_MISMATCH || loop_now(rig->loop) >= until) {
            say(l, "%s", e->text);
            return false;
        } else {
            let_pass(l);
        }
    }
    return true;
}

/* Of the fault that led here, as far as it may be the stage's; before anything of the stage is set anew,
 * which would do away with what tells. */
static void explain(struct ladder *l)
{
    struct err *why = l->why;
    l->reset = stage_restarted(l->rig->stage) || l->reset;
    bool ours = why && (strcmp(why->device, "stage") == 0 ||
                        (!why->device[0] && (why->code == ERR_MISMATCH || why->code == ERR_SILENT)));
    if (ours && stage_explain(l->rig->stage, why))
        say(l, "%s", why->text);
    l->rig->reset_told = ours && why->code == ERR_RESET;
    l->reset = l->reset || l->rig->reset_told;
}

/* The command goes out even if the stage does not answer. */
static bool move_up(struct ladder *l, struct err *e)
{
    const struct rig_config *c = l->rig->config;
    const double to[AXIS_COUNT] = {l->at[AXIS_X], l->at[AXIS_Y], c->z_retracted};
    double z = l->at[AXIS_Z], whole = c->limit[AXIS_Z][1] - c->limit[AXIS_Z][0];
    double way = isnan(z) ? whole : fabs(c->z_retracted - z);
    stage_set_speed(l->rig->stage, AXIS_Z, c->speed_z, NULL);
    if (!stage_move_wait(l->rig->stage, 1u << AXIS_Z, to,
                         ns_from_s(BOUND_UP_WAYS * way / c->speed_z) + BOUND_UP, e))
        return false;
    l->at[AXIS_Z] = c->z_retracted;
    return true;
}

/* On again where it stands. False: it is on all the time, or stays off. */
static bool servo_back(struct ladder *l)
{
    bool on[AXIS_COUNT];
    struct err e = ERR_INIT;
    if (!stage_servo(l->rig->stage, on, NULL) || on[AXIS_Z])
        return false;
    say(l, "servo of z lost: switching it on where it stands");
    if (stage_servo_on_axes(l->rig->stage, 1u << AXIS_Z, &e))
        return true;
    say(l, "the servo of z stays off: %s", e.text);
    return false;
}

/* Once in a run: a head that was lifted before is up still, and has no more room. */
static void coarse(struct ladder *l, struct err *e)
{
    struct rig *rig = l->rig;
    struct err why = ERR_INIT;
    double by;
    if (!rig->config->coarse_axis)
        return;
    stage_freeze(rig->stage, true);
    l->lifted = rig->lift_seen;
    if (rig->lifted)
        return;
    say(l, "coarse axis: lifting the head by %.1f um", rig->config->coarse_by * 1e6);
    rig->lifted = true; /* by as much as it may be */
    rig->lift_seen = l->lifted = stage_lift(rig->stage, &by, &why);
    say(l, "coarse axis: %.1f um up%s%s", by * 1e6, l->lifted ? "" : ": ", l->lifted ? "" : why.text);
    if (!l->lifted && !e->code)
        *e = why;
}

/* RUNG_NONE: neither in closed loop nor with the servo back on. */
static enum rung closed_loop(struct ladder *l, struct err *e)
{
    enum rung r = RUNG_CLOSED_LOOP;
    for (int k = 0; k < TRIES; k++) {
        err_clear(e);
        if (move_up(l, e))
            return r;
        if (e->code == ERR_LINK || (e->code == ERR_SILENT && k > 0))
            break;
        if (e->code == ERR_RESET && !l->reset) { /* noticed only now */
            explain(l);
            coarse(l, e);
        }
        if (servo_back(l))
            r = RUNG_SERVO_BACK;
        else if (e->code == ERR_OFF_TARGET || e->code == ERR_SERVO || e->code == ERR_END_STOP)
            break; /* it does not act, and would not a second time */
        else
            let_pass(l);
    }
    return RUNG_NONE;
}

static bool answers(struct ladder *l)
{
    return stage_position(l->rig->stage, l->at, NULL);
}

/* As near to the retracted height as a guardian takes for arrived. */
#define ARRIVED 10 /* tolerances */

static bool stands_up(const struct ladder *l)
{
    const struct rig_config *c = l->rig->config;
    return l->at[AXIS_Z] > c->z_retracted - ARRIVED * c->tolerance;
}

static bool open_loop(struct ladder *l, struct err *e)
{
    const struct rig_config *c = l->rig->config;
    struct err why = ERR_INIT;
    say(l, "z does not go up in closed loop: open loop toward its retracted side");
    stage_freeze(l->rig->stage, true);
    if (stage_retract_open_loop(l->rig->stage, c->z_retracted, c->speed_z, &why) && answers(l))
        return true;
    if (why.code)
        *e = why;
    say(l, "%s", e->text);
    return false;
}

enum rung ladder_climb(struct ladder *l, struct err *e)
{
    struct err first = ERR_INIT;
    l->lifted = false;
    if (!reach(l, e)) {
        stage_freeze(l->rig->stage, true);
        return RUNG_NONE;
    }
    bool found = find_out(l, &first);
    if (found)
        explain(l);
    if (l->reset)
        coarse(l, &first);
    enum rung r = closed_loop(l, e);
    if (r == RUNG_NONE && !l->lifted && answers(l)) {
        if (stands_up(l))
            r = RUNG_STANDS;
        else if (open_loop(l, e))
            r = RUNG_OPEN_LOOP;
        else
            coarse(l, e);
    }
    if (r == RUNG_NONE && l->lifted)
        r = RUNG_COARSE;
    if (r == RUNG_CLOSED_LOOP || r == RUNG_SERVO_BACK)
        return r;
    stage_freeze(l->rig->stage, true);
    if (r == RUNG_NONE)
        say(l, "z is not known to be up: x and y are frozen");
    return r;
}
