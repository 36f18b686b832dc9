/* The inside of a world, shared by its files (world.c, world_state.c, world_truth.c) and by nobody else. */
#ifndef SECCM_SIM_WORLD_PARTS_H
#define SECCM_SIM_WORLD_PARTS_H

#include "sim/world.h"
#include "sim/world_drift.h"
#include "sim/world_ledger.h"
#include "sim/world_spot.h"

/* Earlier contact whose residue a drop above the present place would meet. */
struct residue_near {
    int contact;     /* index, -1 = none */
    double distance; /* m between the centres */
};

/* What was asked of the cell, in force or not. */
struct cell_order {
    enum cell_mode mode;
    double setpoint, low, high;
};

/* What is wrong with drop and probe (world_fault.c). */
struct troubles {
    bool dry;                    /* no drop at the end of the probe */
    bool pendant;                /* a drop hangs down at the next place, */
    double pendant_x, pendant_y; /* which is not this */
    bool hanging;                /* it has touched */
    bool sticks, spreads;
    bool flickers, flickering, recoiled; /* contacts do; the present one will; the drop is out of reach */
    bool flood, open, shorted, wetting;
    double blocked, broken; /* 1; factors of the resistance and of the aperture */
    int soaked;             /* contacts since the outside is wet */
};

struct world {
    struct sample_config sample;
    struct probe_config probe;
    uint64_t seed;
    struct surface surface;
    struct spot_streams spots;
    struct drift_streams drifts;
    struct rng clogging;

    /* time */
    ns_t t;       /* of the last advance */
    double epoch; /* s on the sample's clock when this loop began */
    int64_t tick; /* slow changes were last looked at in this interval */
    double drift, reference, resistance_factor;
    double clog; /* factor of the resistance by clogging so far */

    /* position */
    void (*position)(void *ctx, ns_t t, double xyz[3]);
    void *position_ctx;
    double at[3];
    bool moving;
    int probe_number; /* of the one mounted; 0 counts as 1 */
    double shift[3];  /* m: of its end from where the first one's would be */

    /* what is below the probe; valid for (under_x, under_y) */
    bool known;
    double under_x, under_y;
    struct footing footing;
    struct spot spot;
    struct residue_near near;

    /* the contact going on */
    struct meniscus meniscus;
    struct spot wet_spot;       /* the spot where the drop touched */
    double wet_x, wet_y, wet_z; /* m; surface below the drop without drift */
    bool wet_moved;
    bool touching; /* glass */
    double touch_x, touch_y;
    bool dragged;

    struct troubles trouble;
    struct cell_order order;
    struct cell cell;
    struct cell_charge taken;   /* since the last world_take() */
    struct cell_charge control; /* of world_control() since the last step, for the ledger */

    bool recording;
    ns_t unrecorded_open; /* how long the gap going on has lasted */
    ns_t left_on, unrecorded_on;
    struct world_counters counters;
    struct ledger ledger;
    int journal; /* descriptor of the state file + 1; 0 = none */
};

/* Seconds on the sample's own clock, which goes on over restarts. */
double world_clock(const struct world *w);
/* Puts the state of the contact going on (film, host, diameters) into its ledger entry. */
void world_contact_update(const struct world *w, struct contact *c);
double world_stray(const struct world *w, double height);

/* The rules of a contact that forms now, as troubles change them. */
void trouble_attach(struct world *w, struct meniscus_law *law);
/* Whether the bridge breaks now for a reason of its own. */
bool trouble_breaks(struct world *w);
/* Height of the glass above the surface at which the drop touches, if it usually is `touch`; how much higher
 * than usual that may be at most. */
double trouble_touch(const struct world *w, double touch);
double trouble_reach(const struct world *w);
/* The probe is `height` above the surface, in air. */
void trouble_in_air(struct world *w, double height);
/* What of the probe stays as it is: glass that broke off (factor of the aperture, 1 = whole), and contacts
 * since its outside is wet. A new one has nothing of it. */
void trouble_take_damage(struct world *w, double broken, int soaked);
void trouble_new_probe(struct world *w);
double trouble_resistance(const struct world *w);
double trouble_leak(const struct world *w); /* S */
double trouble_stray(const struct world *w);
/* The wire to the probe was broken or mended. */
void world_reconnect(struct world *w);
/* Appends the newest contact, open or finished, to the state file, if there is one. */
void world_journal_contact(struct world *w);
void world_journal_end(struct world *w);

#endif
