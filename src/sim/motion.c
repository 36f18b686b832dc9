/* How one piezo axis moves: closed-form solution of a lag that follows a travelling set point.
 *
 * With r quadratic in s, x_p = r - tau r' + tau^2 r'' solves the equation, and the difference from it decays
 * as exp(-s / tau). */
#include "sim/motion.h"

#include <math.h>

#define CREEP_START_S 0.1 /* creep is logarithmic from here on; earlier it is part of the settling */

double motion_crept(const struct motion *m, ns_t t)
{
    return m->creep != 0 ? m->creep * log10(1 + ns_to_s(t - m->let_go) / CREEP_START_S) : 0;
}

static double set_point(const struct motion *m, double s)
{
    return m->r0 + (m->v + 0.5 * m->c * s) * s;
}

/* Stage at s <= T. */
static double following(const struct motion *m, double s)
{
    double lag0 = m->tau * (m->v - m->tau * m->c);
    double lag = m->tau * (m->v + m->c * s - m->tau * m->c);
    return set_point(m, s) - lag + (m->x0 - m->r0 + lag0) * exp(-s / m->tau);
}

/* Set point and stage at s >= 0, without what creeps. */
static double commanded(const struct motion *m, double s)
{
    return s < m->T ? set_point(m, s) : m->rT;
}

static double followed(const struct motion *m, double s)
{
    if (s < m->T)
        return following(m, s);
    return m->xT != m->rT ? m->rT + (m->xT - m->rT) * exp((m->T - s) / m->tau) : m->rT;
}

static void begin(struct motion *m, ns_t t, double v, double c, double T)
{
    double s = ns_to_s(t - m->t0), r = commanded(m, s), x = followed(m, s);
    m->t0 = t;
    m->r0 = r;
    m->x0 = x;
    m->v = v;
    m->c = c;
    m->T = T;
    m->rT = set_point(m, T);
    m->xT = following(m, T);
}

void motion_init(struct motion *m, ns_t t, double position, double tau)
{
    *m = (struct motion){.tau = tau, .t0 = t, .r0 = position, .x0 = position, .rT = position, .xT = position};
}

void motion_go(struct motion *m, ns_t t, double target, double speed)
{
    double to = target - motion_crept(m, t), way = to - commanded(m, ns_to_s(t - m->t0));
    begin(m, t, copysign(speed, way), 0, fabs(way) / speed);
    m->rT = to; /* not off by a rounding */
}

void motion_stop(struct motion *m, ns_t t)
{
    double creep = m->creep;
    ns_t let_go = m->let_go;
    motion_init(m, t, followed(m, ns_to_s(t - m->t0)), m->tau);
    m->creep = creep;
    m->let_go = let_go;
}

void motion_hold(struct motion *m, ns_t t)
{
    motion_init(m, t, motion_position(m, t), m->tau);
}

void motion_halt(struct motion *m, ns_t t, double deceleration)
{
    double s = ns_to_s(t - m->t0);
    double v = s < m->T ? m->v + m->c * s : 0;
    begin(m, t, v, v != 0 ? -copysign(deceleration, v) : 0, fabs(v) / deceleration);
}

void motion_let_go(struct motion *m, ns_t t, double creep)
{
    motion_hold(m, t);
    m->creep = creep;
    m->let_go = t;
}

double motion_position(const struct motion *m, ns_t t)
{
    return followed(m, ns_to_s(t - m->t0)) + motion_crept(m, t);
}

double motion_setpoint(const struct motion *m, ns_t t)
{
    return commanded(m, ns_to_s(t - m->t0)) + motion_crept(m, t);
}

bool motion_running(const struct motion *m, ns_t t)
{
    return ns_to_s(t - m->t0) < m->T;
}

ns_t motion_settled_at(const struct motion *m, double tolerance)
{
    double off = fabs(m->xT - m->rT);
    double s = m->T + (off > tolerance ? m->tau * log(off / tolerance) : 0);
    return m->t0 + ns_from_s(s);
}
