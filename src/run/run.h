/* Running a plan on a rig, unattended: one hop after another, every attempt recorded before it begins and
 * closed with one outcome, faults returning to one place in the hop, the safe state not to be cancelled. */
#ifndef SECCM_RUN_RUN_H
#define SECCM_RUN_RUN_H

#include <signal.h>

#include "analysis/tip_health.h"
#include "instrument/rig.h"
#include "protocol/plan.h"
#include "results/probe.h"
#include "results/writer.h"
#include "run/guardian.h"
#include "run/snapshot.h"
#include "run/wish.h"

/* State of a run that waits for its operator, in the results file and for watchers. */
#define PAUSED_BY_OPERATOR "paused by the operator"
/* ... that waits before it brings an instrument back, or tries a site again in place. */
#define RECOVERING "recovering"
/* What an event "recovery" says in the end, if all went well. */
#define RECOVERED "the rig is in order again"

/* In place again at most this often, and only where the spot was not touched (S7). */
#define ATTEMPTS_MAX 3

/* How a run ended. */
enum run_end {
    RUN_FINISHED,    /* every site has its outcome */
    RUN_PAUSED,      /* stopped safely by a policy or limit; `resume` goes on */
    RUN_ABORTED,     /* likewise, by the policy `abort`: `resume` asks for --accept */
    RUN_INTERRUPTED, /* stopped safely by the operator */
    RUN_FAULT,       /* stopped by an instrument or I/O fault; see `safe` */
};

struct run_counts {
    int by_outcome[OUTCOME_COUNT];
    int by_fault[FAULT_COUNT]; /* faults told, by class; FAULT_NONE: of none */
    int visited, planned;
    int controls, controls_failed; /* visited ones, counted nowhere else; failed: measured and not accepted */
    int safe_states; /* times the cell was opened over a contact on purpose: safe states (S4), sites of which
                        the drop did not detach, and looks that found one hanging on */
    bool safe; /* z is up and the cell open, both verified, and nothing was begun since; so at the end of a
                  run, or it is not known to be */
    const char *up; /* how z came up in it: "retracted", "lifted by the coarse axis"; NULL = there was none */
    char why[256];  /* rule that finished the run before all sites were visited, "" = none */
};

/* What an earlier part of the same run left of a site. */
struct run_before {
    enum outcome outcome;   /* NONE = still to do */
    enum fault_class fault; /* of the last attempt */
    int attempts;
    int replaces;              /* spare in use: number of the site it stands for; 0 = free */
    double x, y, t, contact_z; /* m, s: contact_z NAN if there was none */
    int64_t last_attempt;
    bool control_failed; /* of a control: measured and not accepted */
    double value;        /* of the feature of stop.when, NAN = none, or measured with a suspect probe */
    double aperture;     /* m, of the probe that made the last attempt; NAN = not known */
    bool suspect;        /* measured with a probe that the control charts suspect */
    bool again;          /* not touched, and cut short: visited again in place */
};

/* What air had at the end of an earlier part, F: capacitance, standard deviation, and what a contact adds
 * (NAN = not known). */
struct run_air {
    bool known;
    double c, c_sd, contact;
    int64_t attempt; /* that saw it */
};

struct run_options {
    int only_first; /* visit only the first n sites of the order; 0 = all */
    bool quiet;     /* no progress lines */
    double until;   /* s since 1970 by the clock: no site is begun that would end later; 0 = no such bound */
    const struct run_before *before; /* one per place of the plan, when resumed; NULL = a new run */
    struct run_air air;              /* as read from the file that is resumed */
    /* that is mounted; NULL = the first. What was learnt with another is left out. */
    const struct probe *probe;
    double clock_set_s;          /* by which the machine's clock was set in earlier parts of the run */
    volatile sig_atomic_t *stop; /* set by the signal handler: stop safely; looked at in defined places */
    struct guardian *guardian;   /* on watch; NULL = none (virtual time). Without it nothing goes down. */
    const char *path;            /* of the results file, for the guardian's orders; NULL without one */
    struct wishes *wishes;       /* of the operator, looked at in the same places; NULL = nobody can ask */
    struct snapshot *snapshot;   /* for watchers; NULL = nobody looks */
    struct tip_health *health;   /* charts of the probe when resumed, the caller's; NULL = none yet */
};

/* Visits the sites of the plan. The rig is open and identified (the tip may be down, a servo may be off), the
 * writer started on a file created from this plan. First of all the probe is retracted; a fault of that goes
 * the way of all faults. Everything is told by *end and *counts, and *e holds the reason of RUN_PAUSED and
 * RUN_FAULT. false if the rig did not even come up at the beginning: no site was visited. */
bool run_grid(struct rig *rig, const struct plan *plan, struct writer *w, const struct run_options *o,
              enum run_end *end, struct run_counts *counts, struct err *e);

/* Info keys: up to which attempt heights were doubted, and up to which they are not used any more. */
#define RUN_HEIGHTS_DOUBTED   "surface.doubted_to"
#define RUN_HEIGHTS_FORGOTTEN "surface.forgotten_to"

/* What the results file says of each place of the plan (plan_places() of them), by number. forget: heights
 * that the run doubted are not used, nor were they if an earlier resumption forgot them. */
bool run_before_read(struct results *file, const struct plan *plan, bool forget, struct run_before *out,
                     struct err *e);

/* Not known where the file says nothing of it. */
void run_air_read(struct results *file, struct run_air *out);

const char *run_end_name(enum run_end end);

#endif
