/* The ladder of the safe state (S4): how z comes away from the sample when its stage fails, rung by rung,
 * each tried only if the one before is not proven, none believed without a position read back.
 *
 *   closed loop    z to its retracted height
 *   servo back     the servo of z on where it stands, then the same
 *   (stands)       it does not go up, but is: nothing more is done to it
 *   open loop      z by its voltage, toward the retracted side
 *   coarse axis    lifts the whole head, if the rig has one
 *   (none)         z is not known to be up
 *
 * After a reset of the controller the coarse axis comes first: nobody knows where its axes have gone
 * meanwhile. x and y are never moved, nor are their servos switched. Where it took more than the servo of z
 * they stay frozen until the rig is proven in order again (rig_recover()), which behind a lift only an
 * operator can. */
#ifndef SECCM_RUN_LADDER_H
#define SECCM_RUN_LADDER_H

#include "instrument/rig.h"

#define RUNG_TABLE(X)                                                                                        \
    X(NONE, "not proven")                                                                                    \
    X(CLOSED_LOOP, "retracted")                                                                              \
    X(SERVO_BACK, "retracted behind a lost servo")                                                           \
    X(STANDS, "up where it stands")                                                                          \
    X(OPEN_LOOP, "retracted in open loop")                                                                   \
    X(COARSE, "lifted by the coarse axis")

enum rung {
#define X(id, text) RUNG_##id,
    RUNG_TABLE(X)
#undef X
};

struct ladder {
    struct rig *rig;
    double at[AXIS_COUNT]; /* m, rig frame: where it stood last, NAN = not known; in and out */
    bool reset;            /* the controller has started anew; in and out */
    bool lifted;           /* out: the coarse axis has lifted the head, proven */
    struct err *why;       /* the fault, explained as soon as the stage is at rest (optional) */
    void (*say)(void *ctx, const char *text); /* of each rung tried; NULL = nobody listens */
    void *ctx;
};

/* To be called when stop and cell off are written. Bounded. *e says why it is not up (RUNG_NONE), or what was
 * wrong on the way. */
enum rung ladder_climb(struct ladder *l, struct err *e);
/* For people: "retracted in open loop". */
const char *rung_name(enum rung r);
/* Proven up, and all that the run knows of the rig still holds. */
static inline bool ladder_is_in_order(const struct ladder *l, enum rung r)
{
    return (r == RUNG_CLOSED_LOOP || r == RUNG_SERVO_BACK) && !l->rig->lifted;
}

#endif
