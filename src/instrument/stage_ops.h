/* What a stage driver implements; its own struct begins with `struct stage`. */
#ifndef SECCM_INSTRUMENT_STAGE_OPS_H
#define SECCM_INSTRUMENT_STAGE_OPS_H

#include "instrument/stage.h"

struct stage_ops {
    void (*close)(struct stage *s);
    bool (*identify)(struct stage *s, char *id, size_t n, struct err *e);
    bool (*read_limits)(struct stage *s, double limit[AXIS_COUNT][2], struct err *e);
    bool (*servo)(struct stage *s, bool on[AXIS_COUNT], struct err *e);
    bool (*servo_on)(struct stage *s, unsigned mask, struct err *e);
    bool (*set_speed)(struct stage *s, enum axis a, double speed, struct err *e);
    bool (*move)(struct stage *s, unsigned mask, const double target[AXIS_COUNT], struct err *e);
    bool (*check)(struct stage *s, struct err *e);
    bool (*ask_position)(struct stage *s, struct err *e);
    enum reply_state (*poll_position)(struct stage *s, double position[AXIS_COUNT], ns_t *asked, ns_t *at,
                                      struct err *e);
    bool (*position)(struct stage *s, double position[AXIS_COUNT], struct err *e);
    bool (*on_target)(struct stage *s, unsigned mask, bool *yes, struct err *e);
    bool (*halt)(struct stage *s, struct err *e);
    bool (*halt_confirm)(struct stage *s, double position[AXIS_COUNT], struct err *e);
    void (*halt_bytes)(struct stage *s, struct buf *out);
    void (*retract_bytes)(struct stage *s, double z, struct buf *out);
    /* Optional: see stage.h. restarted, explain: *found is set if something was found; a restart is told
     * once. retract_open_loop, push_up, lift: NULL = the stage can not. */
    bool (*restarted)(struct stage *s, struct err *found);
    bool (*explain)(struct stage *s, struct err *found);
    bool (*retract_open_loop)(struct stage *s, double z, double speed, struct err *e);
    bool (*push_up)(struct stage *s, struct err *e);
    bool (*lift)(struct stage *s, double *by, struct err *e);
    int (*errands)(struct stage *s, double z, double speed, struct errand *out, int max);
};

struct stage {
    const struct stage_ops *ops;
    struct dialogue *dialogue; /* not owned */
    struct stage_config config;
    bool frozen;     /* x and y */
    struct err anew; /* ERR_RESET: it has started anew, and was not brought back since */
    uint64_t late;   /* dialogue_late() when a position was last had */
};

extern const struct stage_driver pi_gcs_driver;

/* "x", "y", "z" for messages. */
const char *axis_name(enum axis a);

#endif
