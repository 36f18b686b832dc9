/* The rig: which instruments, how they are linked, mounted and wired, what they may do, and what is safe.
 *
 * rig_load() reads and checks the file without touching any instrument (the planner needs only that);
 * rig_open() opens links and drivers; rig_identify() proves that they are what the file says. */
#ifndef SECCM_INSTRUMENT_RIG_H
#define SECCM_INSTRUMENT_RIG_H

#include "base/schema.h"
#include "instrument/potentiostat.h"
#include "instrument/stage.h"

struct rig_config {
    int64_t format;
    char *name;
    /* stage */
    char *stage_driver_name;
    char *stage_link; /* link text, or "simulated" */
    int64_t stage_baud;
    char *axis[AXIS_COUNT];
    int toward_sample;
    double x[2], y[2], z_stage[2]; /* m, controller's coordinates, as in the file */
    double retracted;              /* m, controller's coordinate of the fully retracted z */
    double speed_xy, speed_z;      /* m/s for travel and for coarse z */
    double tolerance;              /* m */
    char *coarse_axis;             /* NULL = the rig has none; see struct stage_coarse */
    int coarse_away;
    double coarse_by, coarse_speed; /* m, m/s */
    /* potentiostat */
    char *pstat_driver_name, *pstat_model_name, *pstat_link;
    int64_t pstat_baud;
    double bandwidth;           /* Hz, 0 = chosen from the sample interval */
    bool autorange;             /* closed potentiostatic segments may use lower current ranges too */
    int stage_flow, pstat_flow; /* enum link_flow, serial lines only */
    /* wiring and limits */
    int potential_sign, current_sign;
    double e_limit[2]; /* V applied by the instrument */
    double i_limit;    /* A */
    /* signal in air */
    double stray;                 /* F, expected */
    double stray_tolerance;       /* relative */
    double noise_max;             /* A RMS in air */
    const struct ynode *simulate; /* map for a simulated rig, NULL for a real one */
    /* derived */
    double limit[AXIS_COUNT][2]; /* m, rig frame */
    double z_retracted;          /* m, rig frame */
    const struct potentiostat_model *model;
    struct source *source;
    struct ytree *tree;
};

extern const struct fields rig_fields; /* for help and schema */

/* Reads and checks. Errors go to `d`; NULL then. Caller frees with rig_config_free(). */
struct rig_config *rig_load(const char *path, struct diags *d, struct err *e);
void rig_config_free(struct rig_config *c);
bool rig_is_simulated(const struct rig_config *c); /* any link "simulated" */

struct rig {
    const struct rig_config *config;
    struct loop *loop;
    struct link *stage_link, *pstat_link;
    struct dialogue *stage_dialogue, *pstat_dialogue;
    struct stage *stage;
    struct potentiostat *pstat;
    struct wiring wiring;
    char stage_id[160], pstat_id[160];
    /* The coarse axis was told to lift the head, and was seen to: nothing that is known of heights holds any
     * more. Once only. */
    bool lifted, lift_seen;
    bool stage_unknown; /* its link was opened again, and it has not proven to be the same unit */
    bool reset_told;    /* the caller knows that the stage has started anew, and has decided to go on */
    /* Opens anew the link of a simulated device ("stage", "potentiostat"), which goes nowhere else but into
     * this process; for rig_recover(). NULL: such links can not be opened again. */
    bool (*reopen)(void *ctx, const char *device, struct link **out, struct err *e);
    void *reopen_ctx;
    int reopened; /* links opened anew so far */
};

/* Opens links and drivers. stage_link / pstat_link: already open links for simulated devices (ownership
 * taken), or NULL to open what the file names. `offset`: V, the protocol's reference offset; e_limit
 * (instrument frame, inside the rig's) and i_limit: the protocol's and the rig's limits together. */
struct rig *rig_open(struct loop *l, const struct rig_config *c, struct link *stage_link,
                     struct link *pstat_link, double offset, const double e_limit[2], double i_limit,
                     struct err *e);
void rig_close(struct rig *r);
/* Opens the cell, identifies both instruments, reads limits back. Nothing moves and no servo is switched: the
 * tip may be down. Both are tried whatever becomes of the other, and *e names both that fail; stage_id and
 * pstat_id are set of who is known. */
bool rig_identify(struct rig *r, struct err *e);
bool rig_identify_stage(struct rig *r, struct err *e);
bool rig_identify_pstat(struct rig *r, struct err *e);
/* Brings back instruments that failed, behind the safe state. Nothing is believed that was true before: links
 * that are down are opened again (a USB port under whatever name it has now), both lines drained, both
 * instruments identified as the same units as before (else ERR_MISMATCH names both), the cell opened, limits
 * read back, z retracted with its servo on where it stands, and only then the servos of x and y switched on
 * where they stand and x and y free again. The potentiostat's failure does not keep the stage from its
 * retraction. Waits, bounded; all of it may be tried again. False if anything is not proven (the first
 * reason). ERR_RESET where the stage has started anew and r->reset_told is not set, which this sets: z is up
 * then, x and y stay as they are, frozen, and another call brings them back. ERR_LIMIT where the coarse axis
 * has lifted the head: only an operator can bring it back. r->stage_link and r->pstat_link may be others
 * afterwards, with other descriptors: a guardian needs new orders. */
bool rig_recover(struct rig *r, struct err *e);
/* Opens the stage's link again if it is down, writes the stop, and proves that the same unit is there as
 * before, so that it may be retracted (S5): r->stage_unknown is not set then. Nothing moves. Waits, bounded.
 * ERR_LINK where the link can not be opened (now). The same holds for r->stage_link as above. */
bool rig_reach_stage(struct rig *r, struct err *e);

/* Fingerprint of everything that mounting and wiring verification depends on (stage, axes, direction, wiring,
 * identification): 64-bit FNV-1a as 16 hex digits into text[17]. */
void rig_fingerprint(const struct rig *r, char text[17]);
/* Was this rig verified by moves (S5)? Stored in $XDG_STATE_HOME/seccm/verified (or ~/.local/state). */
bool rig_is_verified(const struct rig *r);
bool rig_mark_verified(const struct rig *r, const char *how, struct err *e);

#endif
