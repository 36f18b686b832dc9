/* What goes wrong with the simulated piezo controller.
 *
 * Codes are those of its documentation: 89 for a move that the present mode of motion does not allow, 216 for
 * a limit switch, 603 for a temperature out of range, 1024 for a motion error, which switches the servo off.
 * A controller that has started anew keeps its voltages for as long as it boots, so that the axes creep from
 * where they are as they do without servo; it has forgotten what was commanded. */
#include <math.h>
#include <string.h>

#include "sim/stage_impl.h"

static const ns_t SLOW = 400 * NS_MS;
static const ns_t BOOT = 1500 * NS_MS;
static const double SHORT_BY = 0.3; /* um */
static const double FREE_WAY = 1;   /* um to the limit switches */

/* --- the line ------------------------------------------------------------------------------------------ */

bool stage_booting(const struct stage_gcs *s)
{
    return loop_now(s->bench->loop) < s->boots_until;
}

/* One character changed, never a line end. */
static void damage(struct stage_gcs *s, char *bytes, size_t n)
{
    size_t i = (size_t)rng_below(s->damage, n, s->answers++, 0);
    if (bytes[i] != '\n')
        bytes[i] ^= 0x15;
}

void stage_say(struct stage_gcs *s, const char *bytes, size_t n)
{
    if (!n || s->silent || stage_booting(s))
        return;
    struct buf copy = {0};
    if (s->garbled) {
        buf_add(&copy, bytes, n);
        damage(s, copy.p, n);
        bytes = copy.p;
    }
    outbox_say(&s->out, bytes, n, true);
    buf_free(&copy);
}

/* --- motion -------------------------------------------------------------------------------------------- */

bool stage_servo_refused(const struct stage_gcs *s, const struct stage_axis *a)
{
    return s->servo_lost || ((s->servo_stuck || s->servo_dead) && !a->c.coarse);
}

bool stage_axis_stuck(const struct stage_gcs *s, const struct stage_axis *a)
{
    return s->frozen || (s->servo_dead && !a->c.coarse);
}

double stage_reach(const struct stage_gcs *s, struct stage_axis *a, double target)
{
    double inside = fmin(fmax(target, a->end_low), a->end_high);
    a->barred = inside != target;
    if (!s->off_target)
        return inside;
    double from = motion_position(&a->m, loop_now(s->bench->loop)), way = inside - from;
    return fabs(way) > SHORT_BY ? inside - copysign(SHORT_BY, way) : from;
}

/* The stage stays where the switch stopped it, as it does after a stop. */
void stage_watch_limits(struct stage_gcs *s)
{
    ns_t now = loop_now(s->bench->loop);
    for (int i = 0; i < s->c.axes; i++) {
        struct stage_axis *a = &s->axis[i];
        if (!a->barred || motion_running(&a->m, now))
            continue;
        a->barred = false;
        a->commanded = motion_target(&a->m);
        s->error = GCS_LIMIT_SWITCH;
    }
}

/* What is under way is stopped as well. */
static void set_limits(struct stage_gcs *s, struct stage_axis *a, bool low, bool high)
{
    ns_t now = stage_now(s);
    double at = motion_position(&a->m, now), target = motion_target(&a->m);
    a->end_low = low ? at - FREE_WAY : -INFINITY;
    a->end_high = high ? at + FREE_WAY : INFINITY;
    if (motion_running(&a->m, now) && (target < a->end_low || target > a->end_high))
        motion_go(&a->m, now, stage_reach(s, a, target), fabs(a->m.v));
}

static void limits(struct stage_gcs *s, bool on)
{
    for (int i = 0; i < s->c.axes; i++) {
        struct stage_axis *a = &s->axis[i];
        bool x = a->c.world == 0, z = a->c.world == 2 && !a->c.coarse;
        if (x || z)
            set_limits(s, a, on && (x || a->c.direction > 0), on && (x || a->c.direction < 0));
    }
}

static void servos_off(struct stage_gcs *s, bool coarse_too)
{
    for (int i = 0; i < s->c.axes; i++)
        if (coarse_too || !s->axis[i].c.coarse)
            stage_set_servo(s, &s->axis[i], false);
    s->error = GCS_MOTION_ERROR;
}

/* --- life ---------------------------------------------------------------------------------------------- */

static void reset(struct stage_gcs *s)
{
    for (int i = 0; i < s->c.axes; i++)
        stage_power_up(s, &s->axis[i]);
    buf_clear(&s->line);
    buf_clear(&s->queue);
    timer_cancel(s->bench->loop, &s->turn);
    outbox_clear(&s->out);
    s->error = GCS_OK;
    s->command_level = 0;
    s->boots_until = loop_now(s->bench->loop) + BOOT;
}

/* Stuck where it is; what is commanded is only remembered. */
static void freeze(struct stage_gcs *s, bool on)
{
    ns_t now = stage_now(s);
    for (int i = 0; on && !s->frozen && i < s->c.axes; i++)
        motion_stop(&s->axis[i].m, now);
    s->frozen = on;
}

static void servo_fault(struct stage_gcs *s, enum sim_fault f, bool on)
{
    bool *which = f == SIM_STAGE_SERVO_LOST    ? &s->servo_lost
                  : f == SIM_STAGE_SERVO_STUCK ? &s->servo_stuck
                                               : &s->servo_dead;
    if (on)
        servos_off(s, f == SIM_STAGE_SERVO_LOST);
    *which = on;
}

static void line_fault(struct stage_gcs *s, enum sim_fault f, bool on)
{
    if (f == SIM_STAGE_SILENT)
        s->silent = on;
    else if (f == SIM_STAGE_SLOW)
        s->out.delay = on ? SLOW : 0;
    else if (f == SIM_STAGE_LATE && on)
        s->out.withhold = true;
    else if (f == SIM_STAGE_GARBLED)
        s->garbled = on;
}

void stage_gcs_fault(struct stage_gcs *s, enum sim_fault f, bool on)
{
    stage_now(s);
    switch (f) {
    case SIM_STAGE_RESET:
        if (on)
            reset(s);
        return;
    case SIM_STAGE_ERROR:
        if (on)
            s->error = GCS_TEMPERATURE;
        return;
    case SIM_STAGE_REFUSING:
        s->refusing = on;
        return;
    case SIM_STAGE_OFF_TARGET:
        s->off_target = on;
        return;
    case SIM_STAGE_LIMIT:
        limits(s, on);
        return;
    case SIM_STAGE_FROZEN:
        freeze(s, on);
        return;
    case SIM_STAGE_SERVO_LOST:
    case SIM_STAGE_SERVO_STUCK:
    case SIM_STAGE_SERVO_DEAD:
        servo_fault(s, f, on);
        return;
    default:
        line_fault(s, f, on);
        return;
    }
}
