/* A three-axis stage in the rig frame: metres; x and y as the stage has them, z = height, rising away from
 * the sample whatever way round the axis is mounted. Moves are commanded and go on by themselves; a new
 * target pre-empts the old. Positions are asked for split-phase, so that waiting for one never delays
 * anything else. */
#ifndef SECCM_INSTRUMENT_STAGE_H
#define SECCM_INSTRUMENT_STAGE_H

#include "wire/dialogue.h"
#include "wire/errand.h"

enum axis { AXIS_X, AXIS_Y, AXIS_Z, AXIS_COUNT };

struct stage;

/* Another axis of the same controller that lifts the whole head: for the safe state only, where z itself
 * fails. Plain data. */
struct stage_coarse {
    char id[17];  /* name of the axis on the controller; "" = the rig has none */
    int away;     /* +1: a rising position of it lifts the probe from the sample; -1: a falling one */
    double by;    /* m */
    double speed; /* m/s */
};

struct stage_config {
    char id[AXIS_COUNT][17]; /* names of the axes on the controller */
    int toward_sample; /* +1: a rising z position of the controller brings the probe to the sample; -1: away
                        */
    double limit[AXIS_COUNT][2]; /* m, rig frame: where this rig may go; inside the controller's own limits */
    double tolerance;            /* m: on target within this */
    struct stage_coarse coarse;
};

struct stage_driver {
    const char *name;
    struct stage *(*open)(struct dialogue *d, const struct stage_config *c, struct err *e);
};

const struct stage_driver *stage_driver(const char *name);
const char *const *stage_driver_names(void);
void stage_close(struct stage *s);

/* Who it is, and that the configured axes exist. */
bool stage_identify(struct stage *s, char *id, size_t n, struct err *e);
/* Reads back travel limits (rig frame) and compares: ERR_LIMIT if the configured envelope exceeds them, or
 * if the coarse axis has no room to lift. */
bool stage_read_limits(struct stage *s, double limit[AXIS_COUNT][2], struct err *e);
/* Servo state of each axis; switching on holds the present position. */
bool stage_servo(struct stage *s, bool on[AXIS_COUNT], struct err *e);
bool stage_servo_on(struct stage *s, struct err *e);
/* The same for the axes of mask only. ERR_SERVO names the one that stays off. */
bool stage_servo_on_axes(struct stage *s, unsigned mask, struct err *e);

/* m/s for x and y together, and for z. */
bool stage_set_speed(struct stage *s, enum axis a, double speed, struct err *e);
/* Freezes x and y: until it is taken back no move that has one of them is sent any more (ERR_LIMIT). For a
 * probe that is not known to be clear of the sample. */
void stage_freeze(struct stage *s, bool frozen);
/* Commands new targets for the axes of `mask` (bit AXIS_X ...), without waiting for arrival and without
 * asking whether it was accepted (stage_check() does). Clamped to the envelope: a target outside is ERR_LIMIT
 * and nothing is sent. */
bool stage_move(struct stage *s, unsigned mask, const double target[AXIS_COUNT], struct err *e);
/* Asks the controller for its error slot: ERR_REFUSED with its text if something was refused. Waits. */
bool stage_check(struct stage *s, struct err *e);

/* Split-phase position of all axes. asked/at (optional): when it was asked and when the answer came; the
 * position was true in between. One question outstanding at a time (asserted). */
bool stage_ask_position(struct stage *s, struct err *e);
enum reply_state stage_poll_position(struct stage *s, double position[AXIS_COUNT], ns_t *asked, ns_t *at,
                                     struct err *e);
struct event *stage_event(struct stage *s);
/* Waiting form. */
bool stage_position(struct stage *s, double position[AXIS_COUNT], struct err *e);
/* Moves and waits until every axis of mask is on target; ERR_LIMIT, ERR_REFUSED, ERR_SILENT, or
 * ERR_OFF_TARGET when it did not arrive by `timeout` (names axis, target, position), explained as
 * stage_explain() does. */
bool stage_move_wait(struct stage *s, unsigned mask, const double target[AXIS_COUNT], ns_t timeout,
                     struct err *e);
/* After something that went wrong with a move: asks for servo states, speeds, error slot and position, and
 * turns the error into ERR_RESET, ERR_SERVO, ERR_END_STOP, ERR_REPORTED or (ERR_SILENT, once the answer has
 * come after all) ERR_LATE, with device and text, if that is what happened. True if it did; else *e is as it
 * was. Waits, for some replies at most. */
bool stage_explain(struct stage *s, struct err *e);
/* Whether the controller has started anew since it was told its speeds, asked before any of them is set
 * again or a servo switched; it waits for some replies. Remembered, and what stage_explain() says, until
 * stage_restart_is_over(): all that a reset does away with was set anew. */
bool stage_restarted(struct stage *s);
void stage_restart_is_over(struct stage *s);
/* Asks whether the axes of mask are on target. Waits for the answer. */
bool stage_on_target(struct stage *s, unsigned mask, bool *yes, struct err *e);

/* z by some um toward its retracted side in open loop, if its servo is off; with the servo on the controller
 * refuses it. Only writes: how far it has led is to be seen. Nothing where the stage can not. */
bool stage_push_up(struct stage *s, struct err *e);

/* S4/S7: stops all axes. Only writes, at once, whatever is outstanding; a split-phase question is forgotten.
 */
bool stage_halt(struct stage *s, struct err *e);
/* After stage_halt(): drains, reads the acknowledgement (repeats the stop if there was none), then the
 * position. */
bool stage_halt_confirm(struct stage *s, double position[AXIS_COUNT], struct err *e);
/* S4, where closed loop is out of reach: z toward height z (m, rig frame) with its servo off, about at
 * `speed` (m/s), each step seen in the position read back; goes back and fails (ERR_OFF_TARGET) if a step
 * leads toward the sample or none leads anywhere. True: read back within 0.5 um
 * (or ten tolerances) of it, its servo off. False: its servo is on again where that can be. */
bool stage_retract_open_loop(struct stage *s, double z, double speed, struct err *e);
/* S4, last: the coarse axis lifts the head by what the rig file says. *by (m): how far it was seen to go,
 * also on failure; true if that is all of it (to 1 %). ERR_LIMIT without a coarse axis. */
bool stage_lift(struct stage *s, double *by, struct err *e);
/* Bytes of the stop and of a retraction to height z (rig frame), for a guardian that has only a descriptor.
 */
void stage_halt_bytes(struct stage *s, struct buf *out);
void stage_retract_bytes(struct stage *s, double z, struct buf *out);
/* The stage's part of the safe state (S4) for somebody who has only the link, whatever was being said on it
 * when its program died: stop, stop again once everything sent before is known to be executed, retraction of
 * z to height z (m, rig frame) at `speed` (m/s), arrival; where that is not proven, the coarse axis if there
 * is one. x and y stay where they are. Turns: 0 at once, 1 retraction, 2 its proof, 3 coarse axis. Writes at
 * most `max` (STAGE_ERRANDS is enough) and returns how many. A driver without questions of its own for it
 * proves nothing. */
#define STAGE_ERRANDS 10
int stage_errands(struct stage *s, double z, double speed, struct errand *out, int max);

#endif
