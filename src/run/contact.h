/* Deciding from the current alone whether the drop touches: a baseline that follows slowly, a threshold, and
 * the capacitance seen by a small triangular ramp. Pure functions of samples; nothing here knows of
 * instruments. */
#ifndef SECCM_RUN_CONTACT_H
#define SECCM_RUN_CONTACT_H

#include <stdbool.h>

#include "instrument/sample.h"

/* Baseline of the in-air current at constant potential. */
struct idle {
    double mean, variance; /* A, A^2 */
    int n;
};

/* The first `IDLE_LEARN` samples are averaged plainly; afterwards mean and variance follow exponentially with
 * a time constant of IDLE_MEMORY samples, so that offset drift is followed and a contact is not. */
#define IDLE_LEARN  100
#define IDLE_MEMORY 500
void idle_add(struct idle *b, double i);
bool idle_ready(const struct idle *b);
double idle_sd(const struct idle *b);
/* max(threshold, sigmas x SD): how far from the mean a sample must lie to be a contact, A. */
double idle_reach(const struct idle *b, double threshold, double sigmas);

/* Capacitance and mean current of a triangular ramp, one estimate per period. */
struct ramp {
    double c, c_sd; /* F, standard deviation of one estimate */
    double mean;    /* A */
    double noise;   /* A RMS about the fit */
    int periods;    /* periods in c (their mean) */
};

/* Collects samples of one triangle segment; the sample's cycle number tells the periods apart. */
struct ramp_meter {
    int cycle, n;
    double e_last, slope_last;
    double s, e, i;                /* sums over the present period; s = dE/dt, V/s; e from e_first, V */
    double ss, se, ee, si, ei, ii; /* of products */
    double e_first;
    struct ramp last; /* newest complete period */
    struct ramp mean; /* mean over all complete periods since ramp_start() */
    bool bad;         /* a flagged sample fell into the present period */
    int settle;       /* samples still to be left out */
};
void ramp_start(struct ramp_meter *m);
/* The segment is over: its last period is complete too. */
void ramp_finish(struct ramp_meter *m);
/* interval: s between samples. Returns true when a period has been completed (m->last is new). */
bool ramp_add(struct ramp_meter *m, const struct sample *s, double interval);

#endif
