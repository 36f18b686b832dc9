/* How one piezo axis moves: a set point that travels with limited velocity, and the stage that follows it
 * with a first-order lag.
 *
 *   set point   r(t) = r0 + v s + c s^2 / 2      for s = t - t0 <= T, then constant (c < 0 only while
 * halting) stage       dx/dt = (r - x) / tau            solved in closed form
 *
 * A position is a function of time and of the last command alone, never of when it was asked for before, so
 * that more readers change nothing. Units: um, s; times of the loop in ns. Plain data. */
#ifndef SECCM_SIM_MOTION_H
#define SECCM_SIM_MOTION_H

#include <stdbool.h>

#include "base/loop.h"

struct motion {
    double tau; /* s */
    ns_t t0;
    double r0, x0; /* set point and stage at t0 */
    double v, c;   /* um/s, um/s2 */
    double T;      /* s, duration of the set point's travel */
    double rT, xT; /* set point and stage at t0 + T */
    double creep;  /* um per decade of time: an open-loop piezo that was left alone at let_go */
    ns_t let_go;
};

/* At rest at `position`. */
void motion_init(struct motion *m, ns_t t, double position, double tau);
/* From wherever it is to `target`, replacing what it did. speed > 0. */
void motion_go(struct motion *m, ns_t t, double target, double speed);
/* Stops dead: the set point becomes the position of this instant. Neither this nor a new target ends a creep:
 * it goes on from where it has led to. */
void motion_stop(struct motion *m, ns_t t);
/* Stops dead and is held there from now on, as by a servo: no creep any more. */
void motion_hold(struct motion *m, ns_t t);
/* Slows the set point down to rest with `deceleration` (> 0). */
void motion_halt(struct motion *m, ns_t t, double deceleration);
/* Stops dead and from then on creeps by `creep` (signed) per decade of time. */
void motion_let_go(struct motion *m, ns_t t, double creep);

/* Position of the stage and of the set point at t >= t0. */
double motion_position(const struct motion *m, ns_t t);
double motion_setpoint(const struct motion *m, ns_t t);
/* Part of both that is creep. */
double motion_crept(const struct motion *m, ns_t t);
/* Where the set point comes to rest, but for the creep. */
static inline double motion_target(const struct motion *m)
{
    return m->rT;
}
/* Whether the set point travels. */
bool motion_running(const struct motion *m, ns_t t);
/* From when on the stage is within `tolerance` of the target for good. */
ns_t motion_settled_at(const struct motion *m, double tolerance);

#endif
