/* A voltammogram cut into legs: stretches in which the potential moves one way, with their rate. */
#ifndef SECCM_ANALYSIS_SWEEP_H
#define SECCM_ANALYSIS_SWEEP_H

#include <stdint.h>

struct leg {
    int first, n;  /* samples */
    int cycle;     /* 1-based */
    int direction; /* +1 rising, -1 falling potential, 0 standing */
    double rate;   /* V/s, signed: slope of potential against time */
    double step;   /* V: mean distance of two samples, signed */
};

/* Cuts by the labels that the driver gave when it passed each programmed vertex: a leg is a run of samples
 * with the same cycle and sweep. If the labels never change although the potential turns, falls back to
 * sweep_turns(), and every falling leg after a rising one begins a cycle like the first leg's. Writes at most
 * `max` legs (out may be NULL if that is 0); returns the count found. */
int sweep_legs(const double *t, const double *e, const int32_t *cycle, const int16_t *sweep, int n,
               struct leg *out, int max);

/* Indices at which the direction of the potential changes, judged by the extremum over `window` samples on
 * both sides and never by the sign between two samples: noise on the potential makes no turns. Writes at
 * most max (turn may be NULL if that is 0); returns the count found. */
int sweep_turns(const double *e, int n, int window, int *turn, int max);

/* dE/dt of each sample (V/s): the rate of its leg, but 0 where a leg begins with the potential that is there
 * already (at the vertex at which two ramps meet, or at `start`, where the sweep begins; NAN = not known):
 * nothing was charged in that interval. */
void sweep_rates(const struct leg *legs, int n_legs, const double *e, int n, double start, double *dedt);

#endif
