/* A GCS stage in trouble: what happened to it, and the ways up that are left when the closed loop is not.
 *
 * Nothing here believes that a command was obeyed: each step is seen in the positions read back. */
#include "instrument/gcs.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "instrument/gcs_errors.h"
#include "instrument/gcs_reply.h"

static const unsigned all_axes = 1u << AXIS_X | 1u << AXIS_Y | 1u << AXIS_Z;

static struct loop *loop_of(const struct stage *s)
{
    return link_loop(dialogue_link(s->dialogue));
}

/* ---- what happened ---- */

/* A controller that rounds what it is told is within this; its value at power-up hardly ever. */
#define SAME_SPEED 0.01

/* Longer than an answer may take, and nothing is on its way any more. */
#define NOTHING_LATE       (500 * NS_MS)
#define NOTHING_LATE_LIMIT (2 * NS_S)

void gcs_forget_speeds(struct gcs *g, int a)
{
    g->speed[a] = NAN;
    for (int k = 0; k < GCS_SPEEDS; k++)
        g->speeds[a][k] = NAN;
}

/* What was told last may have been lost on its way, as a line that went down loses it. */
static bool was_told(const struct gcs *g, int a, double speed)
{
    bool same = fabs(speed - g->speed[a]) <= SAME_SPEED * g->speed[a];
    for (int k = 0; k < GCS_SPEEDS; k++)
        same = same || fabs(speed - g->speeds[a][k]) <= SAME_SPEED * g->speeds[a][k];
    return same;
}

/* First axis of mask whose velocity is none that was set; AXIS_COUNT if there is none or nobody answers. */
static enum axis other_speed(struct stage *s, unsigned mask, double now[AXIS_COUNT])
{
    if (!gcs_ask_values(s, "VEL?", mask, now, NULL))
        return AXIS_COUNT;
    for (int a = 0; a < AXIS_COUNT; a++)
        if ((mask & 1u << a) && !was_told(gcs_of(s), a, now[a]))
            return (enum axis)a;
    return AXIS_COUNT;
}

/* At power-up a controller is back at its own velocities. Nothing else changes them unasked. Asked twice: a
 * late answer to an older question looks the same, and a head must not be lifted for that. */
bool gcs_restarted(struct stage *s, struct err *found)
{
    double now[AXIS_COUNT];
    const double *set = gcs_of(s)->speed;
    unsigned mask = 0;
    for (int a = 0; a < AXIS_COUNT; a++)
        mask |= isnan(set[a]) ? 0 : 1u << a;
    if (!mask || other_speed(s, mask, now) == AXIS_COUNT ||
        !dialogue_drain(s->dialogue, NOTHING_LATE, NOTHING_LATE_LIMIT))
        return false;
    enum axis a = other_speed(s, mask, now);
    if (a == AXIS_COUNT)
        return false;
    err_set(found, ERR_RESET,
            "the controller has started anew: the velocity of %s is %.6g um/s, and was set to %.6g um/s",
            axis_name(a), now[a], set[a]);
    for (int k = 0; k < AXIS_COUNT; k++) /* so that a second time can be told */
        gcs_forget_speeds(gcs_of(s), k);
    return true;
}

/* The slot may hold no more than the acknowledgement of a stop: what was read before it counts as well. */
static bool has_error(struct stage *s, struct err *found)
{
    long code;
    if (!gcs_read_error(s, &code, NULL))
        return false;
    code = gcs_of(s)->error;
    if (code == GCS_OK || gcs_error_kind(code) == ERR_REFUSED)
        return false;
    err_set(found, gcs_error_kind(code), "the controller reports error %ld, %s", code, gcs_error_text(code));
    return true;
}

/* At an end of its travel where it was not sent (a target there is none of its business), and where it did
 * not stand before: one that does not leave the retracted height is stuck there. */
static bool is_at_an_end(struct stage *s, struct err *found)
{
    double at[AXIS_COUNT];
    const struct gcs *g = gcs_of(s);
    double near = s->config.tolerance * 1e6;
    if (!gcs_ask_values(s, "POS?", all_axes, at, NULL))
        return false;
    for (int a = 0; a < AXIS_COUNT; a++) {
        const double *limit = g->limit[a];
        bool high = at[a] > limit[1] - near,
             low = at[a] < limit[0] + near; /* false if they were never read */
        bool astray = fabs(at[a] - g->target[a]) > GCS_ARRIVED * near,
             stuck = fabs(at[a] - g->from[a]) <= GCS_ARRIVED * near;
        if (!(high || low) || !astray || stuck)
            continue;
        err_set(found, ERR_END_STOP,
                "axis %s stands at %.4f um, the %s end of its travel, and was sent to %.4f um",
                axis_name((enum axis)a), at[a], high ? "upper" : "lower", g->target[a]);
        return true;
    }
    return false;
}

/* "the servo of x, y is off: motion error"; the reason if the controller gives one. */
static bool lost_servo(struct stage *s, const bool on[AXIS_COUNT], struct err *found)
{
    char which[16] = "";
    long code;
    for (int a = 0; a < AXIS_COUNT; a++)
        if (!on[a])
            snprintf(which + strlen(which), sizeof which - strlen(which), "%s%s", which[0] ? ", " : "",
                     axis_name((enum axis)a));
    if (!which[0])
        return false;
    gcs_read_error(s, &code, NULL);
    code = gcs_of(s)->error;
    err_set(found, ERR_SERVO, "the servo of %s is off%s%s", which, code ? ": " : "",
            code ? gcs_error_text(code) : "");
    return true;
}

bool gcs_explain(struct stage *s, struct err *found)
{
    bool on[AXIS_COUNT];
    if (!gcs_servo(s, on, NULL))
        return false;
    return lost_servo(s, on, found) || has_error(s, found) || is_at_an_end(s, found);
}

/* ---- open loop ---- */

/* Volts of the first step, from which the stage's um per volt follow; of any step; and how much more than the
 * one before: a stage that sticks must not be let loose by a step that looked small. */
#define FIRST_VOLTS 0.2
#define MOST_VOLTS  1.0
#define GROWTH      2.0
/* Less than this many um per volt is no headway: piezo stages have 0.1 and more. */
#define HEADWAY 0.05
/* Nor is less than this part of what the steps before led to expect. */
#define HEADWAY_PART 0.3
/* So near to the target is enough, um: hysteresis and creep would carry further, beyond the end of the
 * travel. No step is aimed nearer than half of it. */
#define NEAR 0.5
/* Nor further than this part of the way that is left: a volt may be worth more than it was, where the stage
 * was held back or near its end. */
#define PART_OF_REST 0.5
/* Between two steps: a piezo has followed within some ms. */
#define STEP_TIME   (50 * NS_MS)
#define STEPS_MAX   2000
#define BLIND_STEPS 3 /* so many in a row without headway */
/* A step that leads this much the wrong way is none of creep and noise. um */
#define WRONG_WAY 0.05
/* A piezo whose servo was just switched off creeps, most at first: a rise by less than what it did in a time
 * as long right before a step is not what the step did; where it sank, the step did at least so much more. */
#define MOST_CREEP  1.5
#define LEAST_CREEP 0.5

struct climb {
    double target, way; /* um, controller's; +1 or -1: which way it rises to the target */
    double at;
    double creep;       /* um, up: in the newest STEP_TIME in which nothing was commanded */
    double um_per_volt; /* most that was seen; NAN before the first step that led anywhere */
    double volts;       /* size of the newest step */
    int blind;
};

static double next_volts(struct climb *c, double most)
{
    double left = fabs(c->target - c->at) - NEAR / 2;
    c->volts = isnan(c->um_per_volt) ? FIRST_VOLTS
                                     : fmin(fmin(PART_OF_REST * left, most) / c->um_per_volt,
                                            fmin(GROWTH * c->volts, MOST_VOLTS));
    return c->way * c->volts;
}

/* On these controllers the open-loop value follows the output while the servo is on, so that a relative step
 * begins where the piezo stands. */
static bool step(struct stage *s, double volts, struct err *e)
{
    struct buf line = {0};
    buf_str(&line, "SVR");
    gcs_add_value(&line, s->config.id[AXIS_Z], volts);
    return gcs_send(s, &line, e) && gcs_check(s, e);
}

/* How far it has come up meanwhile. */
static bool let_pass(struct stage *s, struct climb *c, ns_t time, double *gained, struct err *e)
{
    double at;
    loop_sleep_until(loop_of(s), loop_now(loop_of(s)) + time);
    if (!gcs_ask_value(s, "POS?", s->config.id[AXIS_Z], &at, e))
        return false;
    *gained = c->way * (at - c->at);
    c->at = at;
    return true;
}

/* A step that led nowhere is taken back: volts that add up unseen would lead beyond the travel as soon as the
 * stage comes loose. */
static bool take_back(struct stage *s, struct climb *c, double volts, struct err *e)
{
    double creep; /* with the voltage back where it was */
    if (!step(s, -volts, e))
        return false;
    if (++c->blind >= BLIND_STEPS)
        return err_set(e, ERR_OFF_TARGET,
                       "open loop: z does not follow its voltage, at %.3f um of the controller", c->at);
    if (!let_pass(s, c, STEP_TIME, &creep, e))
        return false;
    c->creep = creep;
    return true;
}

/* One step, judged by where it has led. */
static bool rise(struct stage *s, struct climb *c, double volts, struct err *e)
{
    double gained;
    if (!step(s, volts, e) || !let_pass(s, c, STEP_TIME, &gained, e))
        return false;
    double sinks = fmin(c->creep, 0);
    if (gained < sinks - WRONG_WAY) {
        step(s, -volts, NULL);
        return err_set(e, ERR_OFF_TARGET, "open loop: a step of %+.3f V led %.3f um toward the sample", volts,
                       -gained);
    }
    bool first = isnan(c->um_per_volt);
    double own = gained - (first ? (c->creep > 0 ? MOST_CREEP : LEAST_CREEP) * c->creep : 0);
    if (own <= fabs(volts) * (first ? HEADWAY : fmax(HEADWAY, HEADWAY_PART * c->um_per_volt)))
        return take_back(s, c, volts, e);
    c->um_per_volt = fmax(c->um_per_volt, own / fabs(volts)); /* the number, if one is NAN */
    c->blind = 0;
    return true;
}

static bool climb(struct stage *s, struct climb *c, double speed, struct err *e)
{
    double most = speed * 1e6 * ns_to_s(STEP_TIME),
           near = fmax(NEAR, GCS_ARRIVED * s->config.tolerance * 1e6);
    if (!let_pass(s, c, STEP_TIME, &c->creep, e))
        return err_context(e, "open loop");
    for (int k = 0; k < STEPS_MAX; k++) {
        if (c->way * (c->target - c->at) <= near)
            return true;
        if (!rise(s, c, next_volts(c, most), e))
            return err_context(e, "open loop");
    }
    return err_set(e, ERR_OFF_TARGET, "open loop: z is still at %.3f um of the controller", c->at);
}

/* More than the piezo creeps until it is held again. */
#define PUSH 2.0 /* um */
/* V that lead over all of the travel on these stages, about; they expand with the voltage. */
#define TRAVEL_VOLTS 100.0

/* Of what is known: the envelope, the height last read, and pushes since. */
static bool has_room(const struct stage *s, const struct gcs *g)
{
    double top = gcs_to_controller(s, AXIS_Z, s->config.limit[AXIS_Z][1]);
    double left = fabs(top - g->at[AXIS_Z]) - g->pushed * PUSH;
    return !(left < 2 * PUSH); /* NAN: where it stands is not known, and a little up is not wrong */
}

bool gcs_push_up(struct stage *s, struct err *e)
{
    struct gcs *g = gcs_of(s);
    double travel = g->limit[AXIS_Z][1] - g->limit[AXIS_Z][0]; /* NAN: never read */
    double volts = travel > 0 ? PUSH / travel * TRAVEL_VOLTS : FIRST_VOLTS;
    struct buf line = {0};
    if (!has_room(s, g))
        return true;
    g->pushed++;
    buf_str(&line, "SVR");
    gcs_add_value(&line, s->config.id[AXIS_Z], -s->config.toward_sample * volts);
    return gcs_send(s, &line, e);
}

/* A servo that still holds is let go together with a first step, and looked at within some ms: where the
 * voltage acts z is up already, and where it does not the servo holds it again before it has sunk far. */
#define LET_GO_TIME (5 * NS_MS)

static void hold(struct stage *s)
{
    struct buf on = {0};
    buf_printf(&on, "SVO %s 1", s->config.id[AXIS_Z]);
    gcs_send(s, &on, NULL);
    gcs_read_error(s, &(long){0}, NULL); /* nobody else's */
}

static bool let_go(struct stage *s, struct climb *c, struct err *e)
{
    double gained, volts = c->way * FIRST_VOLTS;
    struct buf off = {0};
    buf_printf(&off, "SVO %s 0\nSVR", s->config.id[AXIS_Z]);
    gcs_add_value(&off, s->config.id[AXIS_Z], volts);
    if (!gcs_send(s, &off, e) || !let_pass(s, c, LET_GO_TIME, &gained, e))
        return false;
    if (gained <= FIRST_VOLTS * HEADWAY) {
        step(s, -volts, NULL);
        return err_set(
            e, ERR_OFF_TARGET,
            "open loop: let go with a step of %+.3f V z went %+.3f um up: it does not follow its voltage",
            volts, gained);
    }
    gcs_of(s)->at[AXIS_Z] = c->at;
    return gcs_push_up(s, e) && gcs_check(s, e);
}

/* A stage that can not be moved is held by its servo if it can: without, it creeps. */
bool gcs_retract_open_loop(struct stage *s, double z, double speed, struct err *e)
{
    struct climb c = {.target = gcs_to_controller(s, AXIS_Z, z), .um_per_volt = NAN};
    const char *axis = s->config.id[AXIS_Z];
    double servo;
    if (!gcs_ask_value(s, "POS?", axis, &c.at, e) || !gcs_ask_value(s, "SVO?", axis, &servo, e))
        return false;
    c.way = -s->config.toward_sample;
    if ((servo == 0 || let_go(s, &c, e)) && climb(s, &c, speed, e))
        return true;
    hold(s);
    return false;
}

/* ---- coarse axis ---- */

#define POLL_INTERVAL (50 * NS_MS)

bool gcs_has_coarse(struct stage *s, const char *axes, struct err *e)
{
    const struct stage_coarse *c = &s->config.coarse;
    if (!c->id[0] || gcs_reply_has_line(axes, c->id))
        return true;
    dialogue_mismatch(s->dialogue, e, axes, "the axes of the rig file");
    return err_context(e, "coarse axis: the controller has no axis named \"%s\"", c->id);
}

bool gcs_coarse_has_room(struct stage *s, struct err *e)
{
    const struct stage_coarse *c = &s->config.coarse;
    double at, end;
    if (!c->id[0])
        return true;
    if (!gcs_ask_value(s, "POS?", c->id, &at, e) ||
        !gcs_ask_value(s, c->away > 0 ? "TMX?" : "TMN?", c->id, &end, e))
        return false;
    double room = c->away * (end - at);
    return room >= c->by * 1e6 ||
           err_set(e, ERR_LIMIT, "coarse axis \"%s\": %.3f um are left to its end, `by` wants %.3f um", c->id,
                   room, c->by * 1e6);
}

/* To a target behind the position that was just read, so that it can only go away from the sample. */
static bool send_up(struct stage *s, double from, struct err *e)
{
    const struct stage_coarse *c = &s->config.coarse;
    struct buf on = {0}, speed = {0}, move = {0};
    double servo;
    if (!gcs_ask_value(s, "SVO?", c->id, &servo, e))
        return false;
    if (servo == 0) {
        buf_printf(&on, "SVO %s 1", c->id);
        if (!gcs_send(s, &on, e) || !gcs_check(s, e))
            return false;
    }
    buf_str(&speed, "VEL");
    gcs_add_value(&speed, c->id, c->speed * 1e6);
    buf_str(&move, "MOV");
    gcs_add_value(&move, c->id, from + c->away * c->by * 1e6);
    bool sent = gcs_send(s, &speed, e);
    return gcs_send(s, &move, sent ? e : NULL) && sent && gcs_check(s, e);
}

bool gcs_lift(struct stage *s, double *by, struct err *e)
{
    const struct stage_coarse *c = &s->config.coarse;
    struct loop *l = loop_of(s);
    double from, at;
    if (!gcs_ask_value(s, "POS?", c->id, &from, e) || !send_up(s, from, e))
        return err_context(e, "coarse axis");
    ns_t deadline = loop_now(l) + loop_patience(l, ns_from_s(2 * c->by / c->speed + 2));
    for (;;) {
        if (!gcs_ask_value(s, "POS?", c->id, &at, e))
            return err_context(e, "coarse axis");
        *by = c->away * (at - from) * 1e-6;
        if (*by >= GCS_LIFTED * c->by)
            return true;
        if (loop_now(l) >= deadline)
            return err_set(e, ERR_OFF_TARGET, "coarse axis: it went %.3f um of %.3f um", *by * 1e6,
                           c->by * 1e6);
        loop_sleep_until(l, loop_now(l) + POLL_INTERVAL);
    }
}
