/* A simulated piezo controller that speaks PI's General Command Set 2.0 (E-727 kind), written from its
 * documentation: silent set commands, one error slot, answers of several lines, raw control bytes.
 *
 * Stage coordinates are um, as on the wire. The probe's position in the world is
 * offset + direction x stage position for the axis that is mounted along each world axis; a coarse axis along
 * z, if there is one, lifts all of it. */
#ifndef SECCM_SIM_STAGE_GCS_H
#define SECCM_SIM_STAGE_GCS_H

#include "sim/bench.h"
#include "sim/fault.h"
#include "wire/link.h"

#define STAGE_MAX_AXES 4

/* Plain data. */
struct sim_axis_config {
    char id[17];
    int world;                     /* 0 x, 1 y, 2 z */
    int direction;                 /* +1, -1 */
    double offset;                 /* m in the world at stage position 0 */
    double low, high;              /* travel limits, um */
    double safe_low, safe_high;    /* accepted targets outside are counted by the world, um */
    double start;                  /* position at power up, um */
    double velocity, velocity_max; /* um/s */
    bool servo;                    /* at power up */
    bool velocity_control;         /* at power up; off: moves are limited by the slew rate alone */
    bool coarse; /* lifts the whole head: adds its way from `start` to that of the axis before */
};

struct sim_stage_config {
    struct sim_axis_config axis[STAGE_MAX_AXES];
    int axes;
    char *identity; /* heap: answer to *IDN? */
    int64_t baud;
    double latency, jitter;     /* s: from the end of a line to its execution */
    double tau;                 /* s: settling of the stage */
    double slew;                /* um/s */
    double deceleration;        /* um/s2, HLT */
    double noise;               /* um RMS of POS? */
    double tolerance, settling; /* um, s: on target */
    double creep;               /* um per decade with the servo off; z: toward the sample */
    bool stop_discards;         /* a stop byte throws away lines that were received but not executed yet */
    bool halt;                  /* firmware has HLT */
    bool error_blocks; /* stick-slip units: with an error in the slot they obey questions for it alone */
};

struct stage_gcs;

/* Copies *c but for `identity`, which must outlive it. Tells the world where the probe is from now on. */
struct stage_gcs *stage_gcs_new(struct sim_bench *b, const struct sim_stage_config *c);
void stage_gcs_free(struct stage_gcs *s);
/* The device's end of the line; owned from now on. A former one is closed. */
void stage_gcs_attach(struct stage_gcs *s, struct link *far);

/* Faults of the stage (SIM_STAGE_...; others are ignored), from now on until switched off again. */
void stage_gcs_fault(struct stage_gcs *s, enum sim_fault f, bool on);

#endif
