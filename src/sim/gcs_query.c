/* The queries of the simulated piezo controller: they change nothing but the counter of its readings and the
 * error that ERR? clears. */
#include <math.h>
#include <stdio.h>
#include <strings.h>

#include "base/quantity.h"
#include "sim/gcs_call.h"

/* --- what axes answer ---------------------------------------------------------------------------------- */

static double get_position(struct stage_gcs *s, const struct stage_axis *a)
{
    double noise = s->c.noise > 0 ? s->c.noise * rng_normal(s->noise, s->bench->place, s->readings++, 0) : 0;
    return motion_position(&a->m, gcs_now(s)) + noise;
}

static double get_target(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->commanded;
}

double gcs_on_target(struct stage_gcs *s, const struct stage_axis *a)
{
    if (s->off_target || !a->servo || a->autozero || a->commanded != motion_target(&a->m))
        return 0;
    return gcs_now(s) >= motion_settled_at(&a->m, a->tolerance) + ns_from_s(a->settling);
}

static double get_servo(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->servo;
}

static double get_velocity(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->velocity;
}

static double get_velocity_control(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->velocity_control;
}

static double get_low(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->c.low;
}

static double get_high(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->c.high;
}

static double get_volts(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->volts;
}

static double get_overflow(struct stage_gcs *s, const struct stage_axis *a)
{
    return stage_servo_refused(s, a); /* a controller that lost its servo has run into the voltage limit */
}

static double get_zeroed(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->zeroed;
}

/* --- queries ------------------------------------------------------------------------------------------- */

typedef double getter(struct stage_gcs *s, const struct stage_axis *a);

static void answer_axes(struct gcs_call *c, getter *get, bool integer)
{
    struct stage_axis *axes[GCS_MAX_ARGS];
    int n = gcs_read_axes(c, axes);
    for (int i = 0; i < n; i++) {
        double value = get(c->s, axes[i]);
        if (integer)
            buf_printf(c->out, "%s=%d", axes[i]->c.id, (int)value);
        else
            buf_printf(c->out, "%s=%.9e", axes[i]->c.id, value);
        gcs_end_of_line(c->out, i == n - 1);
    }
}

void gcs_ask_identity(struct gcs_call *c)
{
    buf_printf(c->out, "%s\n", c->s->c.identity);
}

void gcs_ask_axes(struct gcs_call *c)
{
    if (c->argc && strcasecmp(c->argv[0], "ALL") != 0) {
        gcs_fail(c, GCS_SYNTAX);
        return;
    }
    for (int i = 0; i < c->s->c.axes; i++) {
        buf_str(c->out, c->s->axis[i].c.id);
        gcs_end_of_line(c->out, i == c->s->c.axes - 1);
    }
}

void gcs_ask_syntax(struct gcs_call *c)
{
    buf_str(c->out, "2.0\n");
}

void gcs_ask_version(struct gcs_call *c)
{
    buf_str(c->out, "FW_ARM: V1.0.0 \nFW_DSP: V1.0.0\n");
}

void gcs_ask_serial(struct gcs_call *c)
{
    buf_str(c->out, "120040681\n");
}

void gcs_ask_error(struct gcs_call *c)
{
    buf_printf(c->out, "%d\n", c->s->error);
    c->s->error = GCS_OK;
}

void gcs_ask_position(struct gcs_call *c)
{
    answer_axes(c, get_position, false);
}

void gcs_ask_target(struct gcs_call *c)
{
    answer_axes(c, get_target, false);
}

void gcs_ask_on_target(struct gcs_call *c)
{
    answer_axes(c, gcs_on_target, true);
}

void gcs_ask_servo(struct gcs_call *c)
{
    answer_axes(c, get_servo, true);
}

void gcs_ask_velocity(struct gcs_call *c)
{
    answer_axes(c, get_velocity, false);
}

void gcs_ask_velocity_control(struct gcs_call *c)
{
    answer_axes(c, get_velocity_control, true);
}

void gcs_ask_low(struct gcs_call *c)
{
    answer_axes(c, get_low, false);
}

void gcs_ask_high(struct gcs_call *c)
{
    answer_axes(c, get_high, false);
}

void gcs_ask_open_loop(struct gcs_call *c)
{
    answer_axes(c, get_volts, false);
}

void gcs_ask_overflow(struct gcs_call *c)
{
    answer_axes(c, get_overflow, true);
}

void gcs_ask_autozero(struct gcs_call *c)
{
    answer_axes(c, get_zeroed, true);
}

void gcs_ask_unit(struct gcs_call *c)
{
    struct stage_axis *axes[GCS_MAX_ARGS];
    int n = gcs_read_axes(c, axes);
    for (int i = 0; i < n; i++) {
        buf_printf(c->out, "%s=um", axes[i]->c.id);
        gcs_end_of_line(c->out, i == n - 1);
    }
}

/* Per output channel, which are numbered and drive one axis each. */
void gcs_ask_volts(struct gcs_call *c)
{
    int channel[GCS_MAX_ARGS], n = 0;
    for (int i = 0; i < c->argc; i++) {
        double value;
        if (!number_parse(c->argv[i], &value) || value < 1 || value > c->s->c.axes || value != floor(value)) {
            gcs_fail(c, GCS_AXIS);
            return;
        }
        channel[n++] = (int)value;
    }
    for (; c->argc == 0 && n < c->s->c.axes; n++)
        channel[n] = n + 1;
    for (int i = 0; i < n; i++) {
        const struct stage_axis *a = &c->s->axis[channel[i] - 1];
        double x = motion_position(&a->m, gcs_now(c->s));
        buf_printf(c->out, "%d=%.9e", channel[i], FULL_VOLTS * (x - a->c.low) / (a->c.high - a->c.low));
        gcs_end_of_line(c->out, i == n - 1);
    }
}
