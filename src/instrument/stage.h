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

struct stage_config {
    char id[AXIS_COUNT][17]; /* names of the axes on the controller */
    int toward_sample; /* +1: a rising z position of the controller brings the probe to the sample; -1: away
                        */
    double limit[AXIS_COUNT][2]; /* m, rig frame: where this rig may go; inside the controller's own limits */
    double tolerance;            /* m: on target within this */
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
/* Reads back travel limits (rig frame) and compares: ERR_LIMIT if the configured envelope exceeds them. */
bool stage_read_limits(struct stage *s, double limit[AXIS_COUNT][2], struct err *e);
/* Servo state of each axis; switching on holds the present position. */
bool stage_servo(struct stage *s, bool on[AXIS_COUNT], struct err *e);
bool stage_servo_on(struct stage *s, struct err *e);

/* m/s for x and y together, and for z. */
bool stage_set_speed(struct stage *s, enum axis a, double speed, struct err *e);
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
/* Moves and waits until every axis of mask is on target; ERR_LIMIT, ERR_REFUSED, ERR_SILENT, or ERR_MISMATCH
 * when it did not arrive by `timeout` (names axis, target, position). */
bool stage_move_wait(struct stage *s, unsigned mask, const double target[AXIS_COUNT], ns_t timeout,
                     struct err *e);
/* Asks whether the axes of mask are on target. Waits for the answer. */
bool stage_on_target(struct stage *s, unsigned mask, bool *yes, struct err *e);

/* S4/S7: stops all axes. Only writes, at once, whatever is outstanding; a split-phase question is forgotten.
 */
bool stage_halt(struct stage *s, struct err *e);
/* After stage_halt(): drains, reads the acknowledgement (repeats the stop if there was none), then the
 * position. */
bool stage_halt_confirm(struct stage *s, double position[AXIS_COUNT], struct err *e);
/* Bytes of the stop and of a retraction to height z (rig frame), for a guardian that has only a descriptor.
 */
void stage_halt_bytes(struct stage *s, struct buf *out);
void stage_retract_bytes(struct stage *s, double z, struct buf *out);
/* The stage's part of the safe state (S4) for somebody who has only the link, whatever was being said on it
 * when its program died: stop, stop again once everything sent before is known to be executed, retraction of
 * z to height z (m, rig frame) at `speed` (m/s), arrival. Turns: 0 at once, 1 retraction, 2 its proof. Writes
 * at most `max` (STAGE_ERRANDS is enough) and returns how many. A driver without questions of its own for it
 * proves nothing. */
#define STAGE_ERRANDS 8
int stage_errands(struct stage *s, double z, double speed, struct errand *out, int max);

#endif
