/* The commands of the simulated piezo controller that move an axis, stop it, or decide how it moves. */
#include <math.h>

#include "sim/gcs_call.h"

#define VOLTS_LOW    -20.0
#define VOLTS_HIGH   120.0
#define ATZ_FRACTION 0.9 /* autozero sweeps to this part of the travel */

static double speed_of(const struct stage_axis *a)
{
    return a->velocity_control && a->velocity < a->slew ? a->velocity : a->slew;
}

/* All or nothing. Relative moves count from the target, not from the position. */
static void move(struct gcs_call *c, bool relative)
{
    struct gcs_pair p[GCS_MAX_ARGS];
    int n = gcs_read_numbers(c, p);
    for (int i = 0; i < n; i++) {
        const struct stage_axis *a = p[i].axis;
        if (c->s->refusing) {
            gcs_fail(c, GCS_MOTION_MODE);
            return;
        }
        if (gcs_autozero_running(c->s)) {
            gcs_fail(c, GCS_AUTOZERO);
            return;
        }
        if (!a->servo) {
            gcs_fail(c, GCS_SERVO_OFF);
            return;
        }
        if (relative)
            p[i].value += a->commanded;
        if (p[i].value < a->c.low || p[i].value > a->c.high) {
            gcs_fail(c, GCS_POSITION_LIMIT);
            return;
        }
    }
    bool sideways = false;
    for (int i = 0; i < n; i++) {
        stage_axis_go(c->s, p[i].axis, p[i].value, speed_of(p[i].axis));
        sideways |= p[i].axis->c.world < 2;
    }
    if (sideways)
        stage_new_place(c->s);
}

void gcs_do_move(struct gcs_call *c)
{
    move(c, false);
}

void gcs_do_move_relative(struct gcs_call *c)
{
    move(c, true);
}

void gcs_do_velocity(struct gcs_call *c)
{
    struct gcs_pair p[GCS_MAX_ARGS];
    int n = gcs_read_numbers(c, p);
    for (int i = 0; i < n; i++)
        if (p[i].value <= 0 || p[i].value > p[i].axis->c.velocity_max) {
            gcs_fail(c, GCS_VELOCITY_LIMIT);
            return;
        }
    ns_t now = n ? stage_now(c->s) : 0;
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = p[i].axis;
        a->velocity = p[i].value;
        if (motion_running(&a->m, now) && a->servo && a->velocity_control && !a->autozero &&
            !stage_axis_stuck(c->s, a))
            motion_go(&a->m, now, motion_target(&a->m), speed_of(a));
    }
}

static bool read_switches(struct gcs_call *c, struct gcs_pair *p, int *n)
{
    *n = gcs_read_numbers(c, p);
    for (int i = 0; i < *n; i++)
        if (p[i].value != 0 && p[i].value != 1)
            return gcs_fail(c, GCS_PARAMETER_RANGE);
    return *n > 0;
}

void gcs_do_servo(struct gcs_call *c)
{
    struct gcs_pair p[GCS_MAX_ARGS];
    int n;
    if (!read_switches(c, p, &n))
        return;
    if (gcs_autozero_running(c->s)) {
        gcs_fail(c, GCS_AUTOZERO);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (p[i].value == 1 && stage_servo_refused(c->s, p[i].axis))
            gcs_fail(c, GCS_MOTION_ERROR);
        else
            stage_set_servo(c->s, p[i].axis, p[i].value == 1);
    }
}

void gcs_do_velocity_control(struct gcs_call *c)
{
    struct gcs_pair p[GCS_MAX_ARGS];
    int n;
    if (read_switches(c, p, &n))
        for (int i = 0; i < n; i++)
            p[i].axis->velocity_control = p[i].value == 1;
}

static void open_loop(struct gcs_call *c, bool relative)
{
    struct gcs_pair p[GCS_MAX_ARGS];
    int n = gcs_read_numbers(c, p);
    for (int i = 0; i < n; i++) {
        if (p[i].axis->servo) {
            gcs_fail(c, GCS_SERVO_ON);
            return;
        }
        if (relative)
            p[i].value += p[i].axis->volts;
        if (p[i].value < VOLTS_LOW || p[i].value > VOLTS_HIGH) {
            gcs_fail(c, GCS_VOLTAGE_LIMIT);
            return;
        }
    }
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = p[i].axis;
        a->volts = p[i].value;
        double crept = motion_crept(&a->m, stage_now(c->s)); /* which no volt takes back */
        stage_axis_go(c->s, a, a->c.low + (a->c.high - a->c.low) * a->volts / FULL_VOLTS + crept, a->slew);
    }
}

void gcs_do_open_loop(struct gcs_call *c)
{
    open_loop(c, false);
}

void gcs_do_open_loop_relative(struct gcs_call *c)
{
    open_loop(c, true);
}

/* Sweeps each axis to the low end, far up, and back to where it was. */
void gcs_do_autozero(struct gcs_call *c)
{
    struct gcs_pair p[GCS_MAX_ARGS];
    int n = gcs_read_pairs(c, p);
    if (!n)
        return;
    if (gcs_autozero_running(c->s)) {
        gcs_fail(c, GCS_AUTOZERO);
        return;
    }
    ns_t now = stage_now(c->s);
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = p[i].axis;
        a->way[0] = motion_position(&a->m, now);
        a->way[1] = a->c.low + ATZ_FRACTION * (a->c.high - a->c.low);
        a->ways = 2;
        a->autozero = true;
        a->zeroed = false;
        stage_axis_go(c->s, a, a->c.low, a->slew);
    }
}

void gcs_do_stop(struct gcs_call *c)
{
    stage_stop(c->s);
}

void gcs_do_halt(struct gcs_call *c)
{
    struct stage_axis *axes[GCS_MAX_ARGS];
    if (!c->s->c.halt) {
        gcs_fail(c, GCS_UNKNOWN);
        return;
    }
    int n = gcs_read_axes(c, axes);
    if (!n)
        return;
    ns_t now = stage_now(c->s);
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = axes[i];
        a->autozero = a->barred = false;
        a->ways = 0;
        if (!stage_axis_stuck(c->s, a))
            motion_halt(&a->m, now, c->s->c.deceleration);
        a->commanded = motion_target(&a->m);
    }
    c->s->error = GCS_STOPPED;
    stage_moving(c->s);
}
