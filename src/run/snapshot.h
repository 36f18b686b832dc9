/* What a running run shows of itself: a small copy that other threads may read at any time.
 *
 * The run thread puts its news into a list of its own and publishes them by one atomic exchange; whoever
 * holds the readers' lock works them off. If nobody reads, the run thread finds the lock free and does it
 * itself. So a reader can never delay the run, however many there are and however slowly they work, and a run
 * that nobody looks at gathers no news.
 *
 * Five parts have a version each, which changes when the part does: status, sites, curve, events, health.
 * What never changes (places, levels, names) is taken from the plan and read without a lock; the plan must
 * outlive the snapshot. */
#ifndef SECCM_RUN_SNAPSHOT_H
#define SECCM_RUN_SNAPSHOT_H

#include <stdint.h>

#include "protocol/plan.h"
#include "results/results.h"

struct snapshot;

struct snapshot_status {
    char state[32];    /* running, paused by the operator, and how it ended: finished, paused ... */
    char phase[24];    /* of the hop */
    char reason[256];  /* why it ended or waits */
    int site, attempt; /* under way; 0 = between sites */
    char step[64];     /* of the program: the protocol's name, or the phase's */
    int cycle;         /* of a step of the protocol that has cycles, 0 = none */
    int planned;       /* sites that this run is to visit */
    int visited;       /* attempts that have their outcome */
    int by_outcome[OUTCOME_COUNT];
    int left;      /* planned sites without outcome */
    double time_s; /* experiment time */
    double left_s; /* estimated experiment time to go */
    char utc[32];
    double x, y, z; /* m, last reported */
    bool ended;     /* nothing more will come */
    bool safe;      /* z is up and the cell open, both verified, and nothing was begun since */
};

struct snapshot_site {
    enum outcome outcome; /* NONE: not visited yet, or under way */
    enum touched touched;
    int attempts;
    int stands_for;   /* spare in use: number of the site whose levels it takes; 0 = none */
    double contact_z; /* m, NAN = none */
    double end_s;     /* experiment time of the outcome */
    char utc[32];     /* ... "" if it came in an earlier part of the run */
    char reason[128];
    char flags[64];
    uint64_t version; /* of the sites, when this one last changed */
};

/* Values are thinned while they come: of each stretch of samples its lowest and its highest are kept, in
 * order, so that a peak or a contact's pulse stays visible. */
#define SNAPSHOT_POINTS 1600

struct snapshot_point {
    float t;    /* s since the step's first sample */
    float e, i; /* V versus the reference; A, oxidation positive */
    float z;    /* m */
    int cycle;
};

struct snapshot_curve {
    int site, attempt;
    char name[64], kind[24], phase[24]; /* as in the results file: "formation", "cv", "step" */
    int64_t samples;                    /* taken so far */
    int n;
    struct snapshot_point point[SNAPSHOT_POINTS];
};

/* The newest ones; phases are left out. */
#define SNAPSHOT_EVENTS 200

struct snapshot_event {
    uint64_t number; /* counts from 1 */
    char utc[32], kind[16], text[256];
    double t_s;
    int site;
    char state[32]; /* kind SNAPSHOT_STATE: what the run is in from here on */
    int measured;   /* ... sites by then */
};
/* A change of the run's state, which the results file keeps elsewhere. text: its reason. */
#define SNAPSHOT_STATE "run"

/* Features: columns in the order in which they first occurred. */
#define SNAPSHOT_COLUMNS 384

struct snapshot_column {
    char name[112]; /* "formation.q_red@1" */
    char unit[16];  /* SI */
};

struct snapshot_versions {
    uint64_t status, sites, curve, events, health;
};

struct snapshot *snapshot_new(const struct plan *plan);
void snapshot_free(struct snapshot *s);

/* --- the run thread, and the main thread before the run ----------------------------------------------------
 */

/* Takes over for the next publication; nothing of this waits. `site` counts from 1 as in the plan. */
void snapshot_put_status(struct snapshot *s, const struct snapshot_status *now);
void snapshot_put_site(struct snapshot *s, int site, const struct snapshot_site *now);
void snapshot_put_feature(struct snapshot *s, const struct results_feature *f);
void snapshot_put_event(struct snapshot *s, const struct results_event *ev);
/* An event of kind SNAPSHOT_STATE, made of the status. */
void snapshot_put_state(struct snapshot *s, const struct snapshot_status *now);
/* Charts of the probe's health, as JSON; the text is taken over. */
void snapshot_put_health(struct snapshot *s, struct buf *json);
/* A new curve. `by_potential`: it is the potential's extremes that are kept, not the current's. */
void snapshot_begin_curve(struct snapshot *s, int site, int attempt, const struct results_step *step,
                          bool by_potential);
void snapshot_put_point(struct snapshot *s, const struct snapshot_point *p);

/* Makes the news readable for whoever reads next. Never waits. */
void snapshot_publish(struct snapshot *s);

/* --- any thread ------------------------------------------------------------------------------------------
 */

const struct plan *snapshot_plan(const struct snapshot *s);
/* All places of the plan: planned sites, then spares. */
int snapshot_places(const struct snapshot *s);
struct snapshot_versions snapshot_versions(struct snapshot *s);
/* Copies; the version belongs to the copy. */
uint64_t snapshot_status(struct snapshot *s, struct snapshot_status *out);
uint64_t snapshot_curve(struct snapshot *s, struct snapshot_curve *out);
/* Oldest first; at most SNAPSHOT_EVENTS. */
uint64_t snapshot_events(struct snapshot *s, struct snapshot_event *out, int *n);
/* Appends the charts of the probe's health, "{}" while there are none. */
uint64_t snapshot_health(struct snapshot *s, struct buf *json);
/* One for each place. */
uint64_t snapshot_sites(struct snapshot *s, struct snapshot_site *out);
/* Columns; at most SNAPSHOT_COLUMNS. */
int snapshot_columns(struct snapshot *s, struct snapshot_column *out);
/* One value for each place (SI, NAN = missing); false if there is no such column. */
bool snapshot_values(struct snapshot *s, const char *column, float *out);

#endif
