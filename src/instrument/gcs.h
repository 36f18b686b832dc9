/* What the files of the GCS driver share: pi_gcs.c (questions, moves, stop), gcs_safe.c (what went wrong, and
 * ways up besides the closed loop), gcs_errands.c (for a guardian). Private to them.
 *
 * The controller counts in um with its own sign of z (see pi_gcs.c). */
#ifndef SECCM_INSTRUMENT_GCS_H
#define SECCM_INSTRUMENT_GCS_H

#include "base/bounds.h"
#include "instrument/stage_ops.h"

/* A reply of three axes takes about 6 ms at 115200 baud; FTDI adapters may add 16 ms. */
#define GCS_REPLY_TIMEOUT BOUND_REPLY
/* After a stop: this long without input, and what was on its way has arrived. */
#define GCS_QUIET       (10 * NS_MS)
#define GCS_QUIET_LIMIT (300 * NS_MS)
#define GCS_STOP_BYTE   "\x18"
/* A height is reached by less than the controller's noise and creep. */
#define GCS_ARRIVED 10 /* tolerances */
/* Part of what the coarse axis shall go that counts as all of it: motors stop a little short. */
#define GCS_LIFTED 0.99

/* Velocities that an axis is remembered to have been told. */
#define GCS_SPEEDS 3

struct gcs {
    struct stage base;
    ns_t asked_at;
    double limit[AXIS_COUNT][2]; /* um, the controller's own, as last read back; NAN = not yet */
    double speed[AXIS_COUNT];    /* um/s, as last sent; NAN = not yet, or not since it started anew */
    double speeds[AXIS_COUNT]
                 [GCS_SPEEDS]; /* those before, newest first, each different from its neighbours */
    double target[AXIS_COUNT]; /* um, newest that was sent; NAN = none yet */
    double at[AXIS_COUNT];     /* um, as last read; NAN = not yet */
    double from[AXIS_COUNT];   /* um, `at` when that target was sent */
    int pushed;                /* up by gcs_push_up() since */
    long error;                /* newest error that was read since the last move; not that of a stop */
};

struct gcs *gcs_of(struct stage *s);
/* Of an axis: it was told none that still holds. */
void gcs_forget_speeds(struct gcs *g, int a);
double gcs_to_rig(const struct stage *s, int a, double um);
double gcs_to_controller(const struct stage *s, int a, double m);
/* Appends " AXIS VALUE" with six decimals (um: 1 pm), with a point whatever the locale. */
void gcs_add_value(struct buf *b, const char *axis, double value);
/* Sends the line with LF behind it, and frees it. */
bool gcs_send(struct stage *s, struct buf *line, struct err *e);
/* "MNEMONIC 1 2 3" for the axes of mask; one number of each. */
bool gcs_ask_values(struct stage *s, const char *mnemonic, unsigned mask, double value[AXIS_COUNT],
                    struct err *e);
/* "MNEMONIC AXIS" for any one axis of the controller. */
bool gcs_ask_value(struct stage *s, const char *mnemonic, const char *axis, double *value, struct err *e);
bool gcs_read_error(struct stage *s, long *code, struct err *e);
bool gcs_check(struct stage *s, struct err *e);
bool gcs_servo(struct stage *s, bool on[AXIS_COUNT], struct err *e);
bool gcs_position(struct stage *s, double position[AXIS_COUNT], struct err *e);

/* gcs_safe.c; see stage_ops.h */
bool gcs_restarted(struct stage *s, struct err *found);
bool gcs_explain(struct stage *s, struct err *found);
bool gcs_retract_open_loop(struct stage *s, double z, double speed, struct err *e);
bool gcs_push_up(struct stage *s, struct err *e);
bool gcs_lift(struct stage *s, double *by, struct err *e);
/* Whether the coarse axis, if the rig has one, is among the controller's axes (the reply to SAI?), and has
 * room to lift. */
bool gcs_has_coarse(struct stage *s, const char *axes, struct err *e);
bool gcs_coarse_has_room(struct stage *s, struct err *e);

/* gcs_errands.c */
void gcs_halt_bytes(struct stage *s, struct buf *out);
void gcs_retract_bytes(struct stage *s, double z, struct buf *out);
int gcs_errands(struct stage *s, double z, double speed, struct errand *out, int max);

#endif
