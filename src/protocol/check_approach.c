/* Approach, contact and retraction against noise, aperture, travel and the instrument's pace, for each
 * combination of levels; the first one that fails speaks for all.
 *
 * What makes a night fail is an error (a contact that can not be told from a ceiling, a sample rate that the
 * link can not carry); what makes it poor is a warning. */
#include "protocol/check.h"

#include <math.h>

/* Between the sample that shows the contact and the stage at rest: command, reply and braking of a piezo
 * stage, s. */
#define HALT_TIME 20e-3
/* Part of the stray capacitance that is lost or gained per metre of descent: 1 fF of 1 pF per micrometre is
 * what a pipette's wall over a conducting sample gives (estimate: a 1 um^2 wall area per um near the sample,
 * the rest far away). */
#define STRAY_PER_M 1e3

/* Samples that the triangle of the signal's test is to have; its four ramps share them. */
#define SWING_SAMPLES 20
#define SWING_RATIO   (SWING_SAMPLES / 4.0)

enum problem {
    CEILING,
    THRESHOLD,
    NOISE,
    STRAY,
    PACE,
    CONFIRM,
    SWING,
    RAMP,
    OVERSHOOT,
    LEASH_LONG,
    LEASH_SHORT,
    TRAVEL_LONG,
    TRAVEL_SHORT,
    RETRACT_LONG,
    RETRACT_SHORT,
    SPEED, /* and the two behind it: of the approach, of the break, afterwards */
};

struct view {
    const struct check *c;
    const struct protocol *p;
    const int *level;
    struct approach_now a;
    struct retract_now t;
    unsigned reported; /* bits of enum problem */
    char with[160];    /* latest text of with() */
};

/* true the first time that a problem is met. */
static bool first(struct view *v, enum problem p)
{
    bool seen = v->reported & (1u << p);
    v->reported |= 1u << p;
    return !seen;
}

static const char *with(struct view *v, const struct value *a, const struct value *b, const struct value *c)
{
    return check_with(v->p, v->level, a, b, c, v->with);
}

/* Currents that no level can change. */
static void check_limit(const struct check *c)
{
    const struct protocol *p = c->p;
    double most = fmin(p->rig->i_limit, p->rig->model->i_max);
    if (p->i_limit > most)
        diags_error(c->d, protocol_mark(p, "limits.current"),
                    "the limit of %s is more than this rig allows, %s", show(p->i_limit, DIM_CURRENT),
                    show(most, DIM_CURRENT));
}

static void check_alive_ramp(const struct check *c)
{
    const struct protocol *p = c->p;
    const struct rig_config *r = p->rig;
    double displacement = r->stray * p->alive.rate;
    if (displacement < 3 * r->noise_max)
        diags_warning(
            c->d, protocol_mark(p, "alive.rate"),
            "the test of the signal at %s gives %s through %s, hardly more than the noise of %s; use a "
            "faster ramp",
            show(p->alive.rate, DIM_SCAN_RATE), show(displacement, DIM_CURRENT),
            show(r->stray, DIM_CAPACITANCE), show(r->noise_max, DIM_CURRENT));
}

static void check_currents(struct view *v)
{
    const struct protocol *p = v->p;
    const struct approach *a = &p->approach;
    if (v->a.ceiling > p->i_limit && first(v, CEILING))
        diags_error(v->c->d, a->ceiling.mark, "the ceiling of %s%s is above `limits.current`, %s",
                    show(v->a.ceiling, DIM_CURRENT), with(v, &a->ceiling, NULL, NULL),
                    show(p->i_limit, DIM_CURRENT));
    if (v->a.threshold >= v->a.ceiling && first(v, THRESHOLD))
        diags_error(v->c->d, a->threshold.mark,
                    "a contact of %s can not be seen%s: the cell is opened at %s already",
                    show(v->a.threshold, DIM_CURRENT), with(v, &a->threshold, &a->ceiling, NULL),
                    show(v->a.ceiling, DIM_CURRENT));
    double noise = p->rig->noise_max;
    if (v->a.threshold < v->a.sigmas * noise && first(v, NOISE))
        diags_warning(
            v->c->d, a->threshold.mark,
            "the noise in air may reach %s RMS on this rig, so that contacts below %s (%g sigmas) are "
            "missed whatever the threshold%s",
            show(noise, DIM_CURRENT), show(v->a.sigmas * noise, DIM_CURRENT), v->a.sigmas,
            with(v, &a->threshold, &a->sigmas, NULL));
}

/* A tip that moves through its own stray capacitance at a constant voltage carries U dC/dz v. */
static void check_stray(struct view *v)
{
    const struct protocol *p = v->p;
    const struct rig_config *r = p->rig;
    struct wiring w = {r->potential_sign, r->current_sign, p->offset};
    double volts = fabs(wiring_instrument_potential(&w, v->a.bias));
    double current = volts * r->stray * STRAY_PER_M * v->a.speed;
    if (current > v->a.threshold / 3 && first(v, STRAY))
        diags_warning(v->c->d, p->approach.threshold.mark,
                      "moving at %s through the stray capacitance of %s may give %s, near the contact "
                      "threshold of %s%s: "
                      "expect false contacts; approach more slowly or raise the threshold",
                      show(v->a.speed, DIM_SPEED), show(r->stray, DIM_CAPACITANCE),
                      show(current, DIM_CURRENT), show(v->a.threshold, DIM_CURRENT),
                      with(v, &p->approach.speed, &p->approach.threshold, NULL));
}

static void check_pace(struct view *v)
{
    const struct protocol *p = v->p;
    const struct approach *a = &p->approach;
    double least = p->rig->model->interval_min;
    if (v->a.interval < least && first(v, PACE))
        diags_error(v->c->d, a->interval.mark,
                    "a sample every %s%s is faster than instrument and link manage, %s",
                    show(v->a.interval, DIM_TIME), with(v, &a->interval, NULL, NULL), show(least, DIM_TIME));
    if (v->a.confirm < 3 * v->a.interval && first(v, CONFIRM))
        diags_error(v->c->d, a->confirm.mark,
                    "%s hold fewer than three samples of %s%s: nothing can be confirmed in it",
                    show(v->a.confirm, DIM_TIME), show(v->a.interval, DIM_TIME),
                    with(v, &a->confirm, &a->interval, NULL));
    double swing = 4 * p->alive.amplitude / p->alive.rate, most = p->alive.amplitude / v->a.interval;
    bool possible = p->alive.rate <= most * (1 + 1e-9);
    if (!possible && first(v, RAMP))
        diags_error(v->c->d, protocol_mark(p, "alive.rate"),
                    "at %s the ramp of %s is over within one sample of %s%s: at most %s is possible, and %s "
                    "gives the test its 20 samples",
                    show(p->alive.rate, DIM_SCAN_RATE), show(p->alive.amplitude, DIM_POTENTIAL),
                    show(v->a.interval, DIM_TIME), with(v, &a->interval, NULL, NULL),
                    show(most, DIM_SCAN_RATE), show(most / SWING_RATIO, DIM_SCAN_RATE));
    if (possible && swing < SWING_SAMPLES * v->a.interval && first(v, SWING))
        diags_warning(v->c->d, protocol_mark(p, "alive.rate"),
                      "the test of the signal lasts %s, fewer than 20 samples of %s%s: at most %s gives them",
                      show(swing, DIM_TIME), show(v->a.interval, DIM_TIME), with(v, &a->interval, NULL, NULL),
                      show(most / SWING_RATIO, DIM_SCAN_RATE));
    double overshoot = v->a.speed * (2 * v->a.interval + HALT_TIME);
    if (overshoot > p->aperture / 4 && first(v, OVERSHOOT))
        diags_warning(
            v->c->d, a->speed.mark,
            "at %s%s the tip goes on for about %s after contact, more than a quarter of the aperture, %s",
            show(v->a.speed, DIM_SPEED), with(v, &a->speed, &a->interval, NULL), show(overshoot, DIM_LENGTH),
            show(p->aperture, DIM_LENGTH));
}

static void check_leash(struct view *v)
{
    const struct protocol *p = v->p;
    const struct approach *a = &p->approach;
    if (v->a.leash > p->drop * 1.0001 && first(v, LEASH_LONG))
        diags_error(
            v->c->d, a->leash.mark,
            "a leash of %s%s is longer than the drop is high (surface.drop, %s): if host or link died, the "
            "glass would be driven into the sample",
            show(v->a.leash, DIM_LENGTH), with(v, &a->leash, NULL, NULL), show(p->drop, DIM_LENGTH));
    double needed = v->a.speed * (3 * v->a.interval + HALT_TIME);
    if (v->a.leash < needed && first(v, LEASH_SHORT))
        diags_warning(
            v->c->d, a->leash.mark,
            "a leash of %s is shorter than what %s covers%s while samples and positions travel (%s): the "
            "approach will be slower than asked for",
            show(v->a.leash, DIM_LENGTH), show(v->a.speed, DIM_SPEED),
            with(v, &a->leash, &a->speed, &a->interval), show(needed, DIM_LENGTH));
}

static void check_travel(struct view *v)
{
    const struct protocol *p = v->p;
    const struct value *down = &p->approach.travel, *up = &p->retract.travel;
    const double *z = p->rig->limit[AXIS_Z];
    double range = z[1] - z[0], descent = p->clearance + p->peak + 3 * p->sigma,
           wetted = p->wetted * p->aperture;
    if (v->a.travel > range && first(v, TRAVEL_LONG))
        diags_error(v->c->d, down->mark, "a travel of %s%s is more than the z range of the rig, %s",
                    show(v->a.travel, DIM_LENGTH), with(v, down, NULL, NULL), show(range, DIM_LENGTH));
    if (v->a.travel < descent && first(v, TRAVEL_SHORT))
        diags_error(v->c->d, down->mark,
                    "a travel of %s%s ends above the surface: clearance, peak and three sigmas make %s",
                    show(v->a.travel, DIM_LENGTH), with(v, down, NULL, NULL), show(descent, DIM_LENGTH));
    if (v->t.travel > range && first(v, RETRACT_LONG))
        diags_error(v->c->d, up->mark, "a travel of %s%s is more than the z range of the rig, %s",
                    show(v->t.travel, DIM_LENGTH), with(v, up, NULL, NULL), show(range, DIM_LENGTH));
    else if (v->t.travel < 2 * wetted && first(v, RETRACT_SHORT))
        diags_warning(v->c->d, up->mark,
                      "a drop of %s wetted diameter may stretch further than %s%s before it breaks",
                      show(wetted, DIM_LENGTH), show(v->t.travel, DIM_LENGTH), with(v, up, NULL, NULL));
}

static void check_descent(const struct check *c)
{
    const struct protocol *p = c->p;
    const double *z = p->rig->limit[AXIS_Z];
    double range = z[1] - z[0], descent = p->clearance + p->peak + 3 * p->sigma;
    if (descent > range)
        diags_error(c->d, protocol_mark(p, p->peak > p->clearance ? "surface.peak" : "surface.clearance"),
                    "clearance, peak and three sigmas make %s, more than the z range of the rig, %s",
                    show(descent, DIM_LENGTH), show(range, DIM_LENGTH));
}

static void check_speeds(struct view *v)
{
    const struct protocol *p = v->p;
    const struct {
        const struct value *value;
        double speed;
    } speeds[] = {
        {&p->approach.speed, v->a.speed}, {&p->retract.detach, v->t.detach}, {&p->retract.then, v->t.then}};
    for (int i = 0; i < 3; i++)
        if (speeds[i].speed > p->rig->speed_z && first(v, (enum problem)(SPEED + i)))
            diags_error(v->c->d, speeds[i].value->mark, "%s%s is faster than z moves on this rig, %s",
                        show(speeds[i].speed, DIM_SPEED), with(v, speeds[i].value, NULL, NULL),
                        show(p->rig->speed_z, DIM_SPEED));
}

void check_approach(struct check *c)
{
    struct view v = {.c = c, .p = c->p};
    check_limit(c);
    check_alive_ramp(c);
    check_descent(c);
    for (int k = 0; k < c->plan->n_combinations; k++) {
        v.level = c->plan->combination[k].level;
        plan_approach(c->plan, v.level, &v.a);
        plan_retract(c->plan, v.level, &v.t);
        check_currents(&v);
        check_stray(&v);
        check_pace(&v);
        check_leash(&v);
        check_travel(&v);
        check_speeds(&v);
    }
}
