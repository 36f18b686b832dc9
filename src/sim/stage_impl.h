/* Inside of the simulated piezo controller, shared by its line handling (stage_gcs.c) and its commands
 * (gcs_commands.c). Private to them. */
#ifndef SECCM_SIM_STAGE_IMPL_H
#define SECCM_SIM_STAGE_IMPL_H

#include "base/buf.h"
#include "sim/motion.h"
#include "sim/outbox.h"
#include "sim/stage_gcs.h"

/* Error codes of the controller that this model uses. */
enum gcs_error {
    GCS_OK = 0,
    GCS_SYNTAX = 1,
    GCS_UNKNOWN = 2,
    GCS_LINE_TOO_LONG = 3,
    GCS_SERVO_OFF = 5,
    GCS_POSITION_LIMIT = 7,
    GCS_VELOCITY_LIMIT = 8,
    GCS_STOPPED = 10,
    GCS_AXIS = 15,
    GCS_PARAMETER_RANGE = 17,
    GCS_ARGUMENT_COUNT = 24,
    GCS_UNKNOWN_PARAMETER = 54,
    GCS_COMMAND_LEVEL = 60,
    GCS_AUTOZERO = 61,
    GCS_INPUT_OVERRUN = 76,
    GCS_SERVO_ON = 79,
    GCS_MOTION_MODE = 89,
    GCS_LIMIT_SWITCH = 216,
    GCS_VOLTAGE_LIMIT = 302,
    GCS_TEMPERATURE = 603,
    GCS_MOTION_ERROR = 1024,
};

#define GCS_MAX_LINE  512
#define GCS_MAX_ARGS  32
#define GCS_MAX_QUEUE 8192
#define GCS_WAYPOINTS 3

struct stage_axis {
    struct sim_axis_config c;
    struct motion m;
    bool servo, velocity_control;
    double velocity, tolerance, settling, slew;
    double commanded; /* um: what MOV? answers while the stage is frozen */
    double volts;     /* last SVA */
    double crept;     /* um: by which it stands off from where its volts had brought it; goes with the
                         servo */
    double way[GCS_WAYPOINTS]; /* the rest of an autozero, last first */
    int ways;
    bool autozero, zeroed;
    double end_low, end_high; /* um: limit switches; infinite without */
    bool barred;              /* on its way to one */
};

struct stage_gcs {
    struct sim_bench *bench;
    struct sim_stage_config c;
    struct stage_axis axis[STAGE_MAX_AXES];
    struct link *link;
    struct buf line;  /* not yet ended by LF */
    struct buf queue; /* complete lines that wait for their turn */
    struct timer turn, motion;
    uint64_t commands, readings; /* counters of latency and noise, since the place changed */
    struct rng noise, delay, damage;
    int error;
    int command_level;
    struct outbox out;
    /* faults */
    bool silent, frozen, garbled, refusing, off_target;
    bool servo_lost, servo_stuck, servo_dead;
    ns_t boots_until; /* deaf and dumb until then */
    uint64_t answers;
};

/* Executes one line (without its LF, modified) and appends the answer, if any. */
void gcs_execute(struct stage_gcs *s, char *line, struct buf *answer);
/* A control byte's answer and effect. */
void gcs_control(struct stage_gcs *s, unsigned char byte, struct buf *answer);

/* Advances the world to now; call before anything changes how the stage moves. Returns now. */
ns_t stage_now(struct stage_gcs *s);
/* Looks after the motion that was started: the world follows it every millisecond. */
void stage_moving(struct stage_gcs *s);
/* Starts the axis toward a target (um), counting targets outside of the safe envelope. */
void stage_axis_go(struct stage_gcs *s, struct stage_axis *a, double target, double speed);
/* What an axis has crept stays when its motion is set anew: to be called before that. */
void stage_keep_creep(struct stage_axis *a, ns_t now);
/* x or y were commanded: the devices' randomness starts anew for this place. */
void stage_new_place(struct stage_gcs *s);
/* All axes stop dead and keep their position; error 10. */
void stage_stop(struct stage_gcs *s);
void stage_set_servo(struct stage_gcs *s, struct stage_axis *a, bool on);
/* As after power up, but where it stands: nobody moved it. */
void stage_power_up(struct stage_gcs *s, struct stage_axis *a);

/* Faults (stage_fault.c). Where the axis really ends up that is sent to `target`. */
double stage_reach(const struct stage_gcs *s, struct stage_axis *a, double target);
/* An axis that came to its limit switch says so. */
void stage_watch_limits(struct stage_gcs *s);
bool stage_servo_refused(const struct stage_gcs *s, const struct stage_axis *a);
bool stage_axis_stuck(const struct stage_gcs *s, const struct stage_axis *a);
bool stage_booting(const struct stage_gcs *s);
void stage_say(struct stage_gcs *s, const char *bytes, size_t n);

#endif
