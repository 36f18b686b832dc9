/* Approach, contact and retraction against noise, aperture, travel and the instrument's pace.
 *
 * What makes a night fail is an error (a contact that can not be told from a ceiling, a sample rate that the
 * link can not carry); what makes it poor is a warning. */
#include "protocol/check.h"

#include <math.h>

/* Between the sample that shows the contact and the stage at rest: command, reply and braking of a piezo
 * stage, s. */
#define HALT_TIME 20e-3

static void check_currents(const struct check *c)
{
    const struct protocol *p = c->p;
    double most = fmin(p->rig->i_limit, p->rig->model->i_max);
    if (p->i_limit > most)
        diags_error(c->d, protocol_mark(p, "limits.current"),
                    "the limit of %s is more than this rig allows, %s", show(p->i_limit, DIM_CURRENT),
                    show(most, DIM_CURRENT));
    if (p->approach.ceiling > p->i_limit)
        diags_error(c->d, protocol_mark(p, "approach.ceiling"),
                    "the ceiling of %s is above `limits.current`, %s", show(p->approach.ceiling, DIM_CURRENT),
                    show(p->i_limit, DIM_CURRENT));
    if (p->approach.threshold >= p->approach.ceiling)
        diags_error(c->d, protocol_mark(p, "approach.contact.threshold"),
                    "a contact of %s can not be seen: the cell is opened at %s already",
                    show(p->approach.threshold, DIM_CURRENT), show(p->approach.ceiling, DIM_CURRENT));
}

static void check_noise(const struct check *c)
{
    const struct protocol *p = c->p;
    const struct rig_config *r = p->rig;
    if (p->approach.threshold < p->approach.sigmas * r->noise_max)
        diags_warning(
            c->d, protocol_mark(p, "approach.contact.threshold"),
            "the noise in air may reach %s RMS on this rig, so that contacts below %s (%g sigmas) are "
            "missed whatever the threshold",
            show(r->noise_max, DIM_CURRENT), show(p->approach.sigmas * r->noise_max, DIM_CURRENT),
            p->approach.sigmas);
    double displacement = r->stray * p->alive.rate;
    if (displacement < 3 * r->noise_max)
        diags_warning(
            c->d, protocol_mark(p, "alive.rate"),
            "the test of the signal at %s gives %s through %s, hardly more than the noise of %s; use a "
            "faster ramp",
            show(p->alive.rate, DIM_SCAN_RATE), show(displacement, DIM_CURRENT),
            show(r->stray, DIM_CAPACITANCE), show(r->noise_max, DIM_CURRENT));
}

static void check_pace(const struct check *c)
{
    const struct protocol *p = c->p;
    const struct approach *a = &p->approach;
    double least = p->rig->model->interval_min;
    if (a->interval < least)
        diags_error(c->d, protocol_mark(p, "approach.sample"),
                    "a sample every %s is faster than instrument and link manage, %s",
                    show(a->interval, DIM_TIME), show(least, DIM_TIME));
    if (a->confirm < 3 * a->interval)
        diags_error(c->d, protocol_mark(p, "approach.confirm"),
                    "%s hold fewer than three samples of %s: nothing can be confirmed in it",
                    show(a->confirm, DIM_TIME), show(a->interval, DIM_TIME));
    double swing = 4 * p->alive.amplitude / p->alive.rate;
    if (swing < 20 * a->interval)
        diags_warning(c->d, protocol_mark(p, "alive.rate"),
                      "the test of the signal lasts %s, fewer than 20 samples of %s", show(swing, DIM_TIME),
                      show(a->interval, DIM_TIME));
    double overshoot = a->speed * (2 * a->interval + HALT_TIME);
    if (overshoot > p->aperture / 4)
        diags_warning(
            c->d, protocol_mark(p, "approach.speed"),
            "at %s the tip goes on for about %s after contact, more than a quarter of the aperture, %s",
            show(a->speed, DIM_SPEED), show(overshoot, DIM_LENGTH), show(p->aperture, DIM_LENGTH));
}

static void check_leash(const struct check *c)
{
    const struct protocol *p = c->p;
    const struct approach *a = &p->approach;
    if (a->leash > p->drop * 1.0001)
        diags_error(c->d, protocol_mark(p, "approach.leash"),
                    "a leash of %s is longer than the drop is high (surface.drop, %s): if host or link died, "
                    "the glass "
                    "would be driven into the sample",
                    show(a->leash, DIM_LENGTH), show(p->drop, DIM_LENGTH));
    double needed = a->speed * (3 * a->interval + HALT_TIME);
    if (a->leash < needed)
        diags_warning(
            c->d, protocol_mark(p, "approach.leash"),
            "a leash of %s is shorter than what %s covers while samples and positions travel (%s): the "
            "approach will be slower than asked for",
            show(a->leash, DIM_LENGTH), show(a->speed, DIM_SPEED), show(needed, DIM_LENGTH));
}

static void check_travel(const struct check *c)
{
    const struct protocol *p = c->p;
    const double *z = p->rig->limit[AXIS_Z];
    double range = z[1] - z[0], descent = p->clearance + p->peak + 3 * p->sigma;
    if (p->approach.travel > range)
        diags_error(c->d, protocol_mark(p, "approach.travel"),
                    "a travel of %s is more than the z range of the rig, %s",
                    show(p->approach.travel, DIM_LENGTH), show(range, DIM_LENGTH));
    if (p->approach.travel < descent)
        diags_error(c->d, protocol_mark(p, "approach.travel"),
                    "a travel of %s ends above the surface: clearance, peak and three sigmas make %s",
                    show(p->approach.travel, DIM_LENGTH), show(descent, DIM_LENGTH));
    if (descent > range)
        diags_error(c->d, protocol_mark(p, "surface.clearance"),
                    "clearance, peak and three sigmas make %s, more than the z range of the rig, %s",
                    show(descent, DIM_LENGTH), show(range, DIM_LENGTH));
    double wetted = p->wetted * p->aperture;
    if (p->retract.travel > range)
        diags_error(c->d, protocol_mark(p, "retract.travel"),
                    "a travel of %s is more than the z range of the rig, %s",
                    show(p->retract.travel, DIM_LENGTH), show(range, DIM_LENGTH));
    else if (p->retract.travel < 2 * wetted)
        diags_warning(c->d, protocol_mark(p, "retract.travel"),
                      "a drop of %s wetted diameter may stretch further than %s before it breaks",
                      show(wetted, DIM_LENGTH), show(p->retract.travel, DIM_LENGTH));
}

static void check_speeds(const struct check *c)
{
    const struct protocol *p = c->p;
    const struct {
        const char *path;
        double speed;
    } speeds[] = {{"approach.speed", p->approach.speed},
                  {"retract.detach", p->retract.detach},
                  {"retract.then", p->retract.then}};
    for (int i = 0; i < 3; i++)
        if (speeds[i].speed > p->rig->speed_z)
            diags_error(c->d, protocol_mark(p, speeds[i].path), "%s is faster than z moves on this rig, %s",
                        show(speeds[i].speed, DIM_SPEED), show(p->rig->speed_z, DIM_SPEED));
}

void check_approach(struct check *c)
{
    check_currents(c);
    check_noise(c);
    check_pace(c);
    check_leash(c);
    check_travel(c);
    check_speeds(c);
}
