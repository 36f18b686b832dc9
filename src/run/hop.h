/* Everything the run thread knows while it works through a plan. Private to src/run.
 *
 * One hop reads from top to bottom in hop.c; each phase is a function of its own file that waits on the loop.
 * A phase returns false with *e for a fault (instrument, link, storage, operator); it returns true with
 * `outcome` set in the attempt when the experiment itself said no. */
#ifndef SECCM_RUN_HOP_H
#define SECCM_RUN_HOP_H

#include "analysis/feature_rows.h"
#include "run/contact.h"
#include "run/machine.h"
#include "run/health.h"
#include "run/run.h"
#include "run/segments.h"
#include "run/state.h"
#include "analysis/surface.h"
#include "run/tour.h"

/* Newest news of the stream of samples. */
struct stream {
    struct site_program *sp;
    int segment;          /* running now, -1 before the first */
    bool done;            /* program finished, cell open, told by the device */
    int ended_by;         /* of the segment that ended last */
    bool between;         /* it has ended, and the next one has not begun */
    ns_t advanced_at;     /* its end was asked for then; 0 = not */
    ns_t advance_took;    /* longest time so far from such a word to the end it asked for */
    ns_t last_sample;     /* host time of the newest sample */
    double quiet_longest; /* s: longest gap between samples of one segment so far: the measured latency */
    int64_t samples;      /* of the segment running */
    int overloads;        /* consecutive overloaded samples */
    uint64_t flagged;
    ns_t last_came;  /* when the newest sample was received; last_sample is when it was taken, as far as known
                      */
    ns_t behind;     /* the difference */
    double offset;   /* s: least difference of host and device clock in this program; NAN = none yet */
    double offset_t; /* s: when that was, by the device's clock */
};

/* One recorded step of the present attempt, of one or several segments, kept for the features. */
struct recorded {
    struct results_step step;
    int segment;  /* the first one */
    int first, n; /* rows */
    /* between its segments: gaps beyond a sample period (s) */
    int gaps;
    double gap_longest, gap_sum;
    bool gap_open; /* the cell was open in one of them */
    bool opened;   /* ... and in the gap before the first */
};

struct attempt {
    const struct plan_site *site; /* where */
    int level[FACTOR_MAX];
    int number;
    int64_t id;
    enum outcome outcome;   /* NONE while undecided */
    enum fault_class fault; /* why, NONE = none of the matrix; of a measured site what was found besides */
    bool told;              /* its event is written */
    char reason[256];
    char found[256]; /* of a measured site: what `fault` was seen by, if by anything of the drop's */
    enum touched touched;
    char flags[128];
    char last_step[64];
    int last_cycle;
    double contact_z, contact_current, contact_charge, break_distance;
    struct ramp air;                /* in air, before the descent */
    double c_contact, c_contact_sd; /* F: capacitance gained by the contact */
    double c_rest, c_rest_sd;       /* F: what of it is there behind the last step */
    double noise_rms;
    bool underload;  /* the flag was given and told */
    bool lowered;    /* z has gone toward the sample */
    bool hangs;      /* a drop hangs on: nothing was moved */
    bool ceiling;    /* the device cut the cell at the hard ceiling */
    bool compliance; /* a galvanostatic step was driven to the limit of potential */
    bool electrical; /* crossing that vanished clearly above the surface: may approach again */
    bool too_high;   /* a contact here would lie beyond any obstacle to be expected */
    double above;    /* m: contact above the predicted surface, NAN = not predicted */
    bool detached;   /* break verified on the current */
    double start_s;
    struct recorded recorded[PROGRAM_MAX];
    int n_recorded;
    struct wave_row *row;
    int n_rows, cap_rows;
    double gap_before;  /* s, of the segment that runs, to the first sample of it; NAN = none has come */
    double t_last;      /* s on the instrument's clock, last sample; NAN = none */
    int64_t step_id;    /* of the step being recorded, 0 = none */
    int segment;        /* of it, that runs */
    int before;         /* segment that was played before that one, -1 = none */
    bool gate_open;     /* the gate that runs was told to go on */
    char gate_says[64]; /* what was decided at it */
    int handed_over;    /* rows of the present step already given to the writer */
};

/* Positions of an axis as they come, noise and single shocks and all (stand.c). */
struct trail {
    double last[3]; /* m, the newest ones */
    int n;          /* of these */
    int off;        /* newest readings in a row that lie off where the axis should be */
};

/* The stage in contact: where it stands, as far as it is watched (stand.c). */
struct stand {
    bool on;
    bool rises;            /* z is on its way up: `at` is the highest it has been */
    double at[AXIS_COUNT]; /* m, as the stage has them */
    struct trail trail[AXIS_COUNT];
    struct trail away[AXIS_COUNT]; /* only its count, of readings far from `at` */
    ns_t next;                     /* question; NS_NEVER while one is outstanding */
    ns_t seen_at;                  /* when the newest position came */
};

/* How often the rig was brought back. */
struct recoveries {
    int in_a_row; /* tries since the last site that was measured */
    int total;    /* tries of this part of the run */
};

/* What watchers were shown of the run. */
struct shown {
    ns_t next;      /* the next publication is due */
    ns_t began;     /* with the site under way */
    ns_t worked;    /* at the sites of this part of the run, those left out that the operator skipped */
    int worked_at;  /* their number */
    int site;       /* under way, 0 = between sites */
    int stands_for; /* the spare under way: number of the site whose levels it takes */
    int done;       /* planned sites with an outcome */
    bool ended;
    char state[32], reason[256];
};

struct run {
    struct rig *rig;
    struct loop *loop;
    const struct plan *plan;
    const struct protocol *p;
    struct writer *w;
    const struct run_options *options;
    struct surface *surface;
    enum hop_state state;
    enum hop_state attempt_state; /* in which the newest fault came up */
    double z;                     /* m, last reported height */
    double xy[2];                 /* m, sample coordinates, likewise: see motion_to_stage() */
    bool aborted;                 /* a policy or budget ended the run with `abort` */
    bool stopped;                 /* ... or with `pause`, in order */
    struct recoveries recoveries;
    bool in_order;  /* the newest safe state came up in closed loop: what is known of the rig still holds */
    int links_told; /* as many reopened links (rig.reopened) the guardian knows of */
    bool secured;   /* safe_state() ran since the newest attempt began or run_retract() was asked for;
                       counts.safe is its verdict */
    bool cell_is_open;  /* the potentiostat said so, and was told to begin nothing since */
    bool cell_was_open; /* while retracting: the break is unverified, no xy before full retraction */
    bool have_air;      /* `air` is known from an earlier site of this run */
    struct ramp air;
    bool air_proven;                 /* nothing hangs on the probe, seen behind the newest doubt (air.c) */
    char air_says[160];              /* of the newest look that found a drop */
    double c_contact_typical;        /* F: median-like running value of the capacitance of good contacts */
    int rejected_in_a_row;           /* landings far above the prediction since the last one that was not */
    int missed_in_a_row;             /* approaches without contact since the last one with */
    int bad_in_a_row;                /* sites */
    int bad;                         /* sites of this part of the run */
    int blind_sites;                 /* approaches in vain since the last site or control that was measured */
    int flooded_in_a_row;            /* sites that overloaded at their contact, since the last contact */
    int in_air_in_a_row;             /* sites given up for what the probe shows in air, nothing touched */
    double contact_mean, contact_sd; /* A: in-air baseline before the newest crossing */
    struct stream stream;
    struct stand stand;
    struct site_program program;
    struct attempt attempt;
    struct features features; /* of the newest attempt */
    struct watch_over watch;
    struct rules rules;
    struct machine machine;
    struct health health;
    struct run_counts counts;
    ns_t started;
    struct plan_site spare_now; /* a spare with the levels of the site it stands for */
    struct shown shown;
};

/* run.c: how a run ends that *e ended. "Paused" is said of a rig that is verified safe. */
enum run_end run_end_of(const struct run *r, const struct err *e);
/* Fully retracted, wherever it stands (an identified stage may always be retracted, S5). With the cell open
 * the rig is verified safe by that. */
bool run_retract(struct run *r, struct err *e);

/* policy.c */
/* The class of an outcome that is one by itself, FAULT_NONE of the others. */
enum fault_class fault_of_outcome(enum outcome o);
/* It is seen in air, at whatever site: the probe's or the wire's, not the spot's. */
bool fault_is_in_air(enum fault_class c);
/* What the protocol says of a class. */
enum fault_policy fault_policy(const struct protocol *p, enum fault_class c);
/* What is done with a site that ended so, and with the run. */
enum fault_policy run_policy(const struct protocol *p, enum outcome o, enum fault_class c);
/* A site that ended so is to be measured at a spare instead (or as well, if the drop spread). */
bool run_wants_spare(const struct protocol *p, enum outcome o, enum fault_class c);
/* What is said of an attempt that went wrong, or of what was found at one that was measured. */
const char *attempt_why(const struct attempt *a);
/* Of a measured attempt: the class becomes `c` if the protocol is stricter with it (spare, pause, abort) than
 * with the one it has, so that a site at which two things were found gets what the sterner one asks for; true
 * if it did. `found`: what was seen, in words. */
bool attempt_found(struct run *r, enum fault_class c, const char *found);
/* The class of what is in hand: of an error, or of the outcome that it only carries up. */
enum fault_class run_fault_class(const struct run *r, const struct err *e);
/* The event of a fault, counted by its class. */
void run_tell_fault(struct run *r, enum fault_class c, const char *text);
/* The event of an attempt that ended with a class which nothing has told yet. */
void run_tell_site(struct run *r);
/* A policy or a budget ends the run, in order. Always false. */
bool run_stop(struct run *r, enum fault_policy then, const char *rule);

/* recover.c */
/* The rig is what it was, everything of it proven anew (rig_recover()), its guardian has its new links and
 * the probe is fully retracted; counts.safe says the same. */
bool run_prove(struct run *r, struct err *e);
/* Behind the safe state of a fault of an instrument: waits and brings the rig back until it is proven in
 * order (true) or the budget is used up (false: `fault` says so, and the run is to end as `recover.then`
 * says) or the operator stops (ERR_CANCELLED). */
bool run_recover(struct run *r, enum fault_class c, struct err *fault);
/* A fault outside of any attempt (at the beginning, before and behind a pause): the safe state, then what the
 * protocol says of such a fault: the rig is brought back (true), or the run ends as its policy or budget
 * says. */
bool run_get_over(struct run *r, struct err *fault);
/* Waits the back-off before try number `after` + 1 (from 1) in place, fully retracted. false: the operator
 * stops, or the stage does not come up; neither makes the rig safe, which is the caller's to do. */
bool run_back_off(struct run *r, int after, const char *why, struct err *e);

/* pause.c: waits between sites as long as the operator wants. false: the run is to end. */
bool run_pause(struct run *r, struct err *e);

/* show.c: for watchers; nothing here waits. */
void show_begin(struct run *r);
/* s that so many sites will take. */
double show_time_left(const struct run *r, int left);
void show_state(struct run *r, const char *state, const char *reason);
void show_visit(struct run *r, const struct plan_site *site);
void show_visited(struct run *r, const struct plan_site *site);
void show_step(struct run *r, const struct results_step *step, enum segment_kind kind);
void show_sample(struct run *r, const struct sample *s);
void show_features(struct run *r, const struct results_feature *f, int n);
void show_event(struct run *r, const struct results_event *ev);
void show_now(struct run *r);

/* hop.c */
void hop_enter(struct run *r, enum hop_state s);
void hop_note(struct run *r, const char *kind, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Decides the attempt's outcome once; later calls keep the first. Returns true. */
bool attempt_outcome(struct run *r, enum outcome o, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same where the class is not the outcome's own. */
bool attempt_fault(struct run *r, enum fault_class c, enum outcome o, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void attempt_flag(struct run *r, const char *flag);
/* Flag of a contact beyond any obstacle to be expected, from which the surface is not learnt. */
#define FAR_ABOVE "far-above"
/* Flag of what was measured since the control charts suspect the probe. */
#define PROBE_SUSPECT "probe-suspect"
/* Flag of contacts that stood against all approaches behind them; and the key of the results file with the
 * last attempt whose height says nothing. */
#define HEIGHT_DOUBTED "height-doubted"
/* Rule that ends a run in which the probe is at fault in air, before anything is touched. */
#define IN_AIR_RULE "faults.in-air"
/* One site, all its attempts. false: the run can not go on (safe state reached or tried). */
bool hop_site(struct run *r, const struct plan_site *site, const int level[FACTOR_MAX], int earlier_attempts,
              struct err *e);

/* stream.c */
bool stream_start(struct run *r, struct err *e);
/* Next item if there is one (recorded already); *kind PSTAT_NONE otherwise. Looks at the operator's wish and
 * at the writer as well. Never waits. */
bool stream_take(struct run *r, struct potentiostat_item *item, struct err *e);
/* The same, waiting until something comes; ERR_SILENT if nothing came for `patience` seconds. */
bool stream_wait(struct run *r, struct potentiostat_item *item, double patience, struct err *e);
/* Lets the program run until a segment with `role` has begun (closed segments in between pass). */
bool stream_until(struct run *r, enum segment_role role, struct err *e);
/* Ends the present open-ended segment. */
bool stream_advance(struct run *r, struct err *e);
/* Ends the program in order (cell off) and waits until the device confirms. */
bool stream_finish(struct run *r, struct err *e);
/* Opens the cell: true if the device says so. */
bool stream_settle(struct run *r, ns_t timeout, struct err *e);
/* Operator's wish to stop or to skip this site, or a writer that failed. */
bool run_wanted(struct run *r, struct err *e);
/* The same where nothing is at stake, so that an absence ends nothing: who waits sees to it behind. */
bool run_asked(struct run *r, struct err *e);
/* Longest time without a sample that still counts as fresh, s. */
double stream_stale_after(const struct run *r);

/* record.c: everything that is stored of an attempt */
bool record_begin(struct run *r, const struct plan_site *site, int number, struct err *e);
void record_segment_begin(struct run *r, int segment);
void record_sample(struct run *r, const struct sample *s);
void record_segment_end(struct run *r, int ended_by);
/* Closes the step that was going on when the attempt ended. */
void record_stop(struct run *r);
/* The attempt as far as it is known, without blank. */
void record_attempt(const struct run *r, struct results_attempt *out);
bool record_end(struct run *r, struct err *e);

/* reach.c: capacitance in air against that of earlier sites. Sure that a drop touches; sure that none does
 * (neither, as long as none is known). */
/* Below the retracted height, as far as known. */
bool reach_is_low(const struct run *r);
bool reach_is_wet(const struct run *r, const struct ramp *now);
bool reach_is_dry(const struct run *r, const struct ramp *now);
/* Something was wrong with the signal in air: the attempt's spot counts as possibly touched where a drop that
 * hangs down may have reached it. */
void reach_doubt(struct run *r);

/* gate.c: a gate is decided when it begins; at its end the device's way is compared with ours. Items of other
 * segments are none of its business. */
bool gate_take(struct run *r, const struct potentiostat_item *item, struct err *e);

/* Errors of the devices that the run itself notices. Always false. */
bool stage_fault(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool potentiostat_fault(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Mean and noise of the current at rest in the hold that runs now, the step of potential before it left out.
 * Noise beyond the rig's band is ERR_LIMIT with the attempt's outcome set. */
bool hop_learn_idle(struct run *r, struct idle *b, struct err *e);

/* Value of a feature of the newest attempt, SI; NAN if it is missing. */
double run_feature(const struct run *r, const struct feature_ref *f);

/* air.c: what air is known to have, from an attempt on; kept for who resumes. */
void air_start(struct run *r);
/* false: that is not air's, by the rig's band, and nothing is learnt. */
bool air_learn(struct run *r, const struct ramp *now);

/* travel.c: S1 of a->air, `last` its newest period: an outcome if the signal is not alive. Always true. */
bool hop_judge_signal(struct run *r, const struct ramp *last);

/* Phases. */
/* Before anything moves sideways, where that is in doubt: fully retracted, and the signal that of air. With
 * an outcome, of which nothing was touched, where it is not. */
bool hop_prove_air(struct run *r, struct err *e);
bool hop_travel(struct run *r, struct err *e);
bool hop_prove(struct run *r, struct err *e);
bool hop_approach(struct run *r, struct err *e);
bool hop_confirm(struct run *r, struct err *e);
bool hop_landing(struct run *r, struct err *e);
bool hop_measure(struct run *r, struct err *e);
bool hop_detach(struct run *r, struct err *e);

/* Moves z (m, and only z) at `speed` (m/s) and waits, recording samples meanwhile if a program runs. For
 * moves away from the sample only. */
bool motion_z(struct run *r, double z, double speed, struct err *e);
/* Moves x and y; samples are judged against `watch`: *trigger is set, the stage still moving, when one lies
 * beyond. */
bool motion_xy(struct run *r, double x, double y, struct idle *watch, bool *trigger, struct err *e);
/* stand.c: from the contact on until z moves up by itself (motion_z()). stream_wait() looks; a stage that
 * sinks or wanders is ERR_OFF_TARGET. Behind stand_begin() nobody else asks for positions until stand_end(),
 * which waits for the answer that is still to come; r->z, r->xy follow. */
void stand_begin(struct run *r, const double at[AXIS_COUNT]);
bool stand_look(struct run *r, struct err *e);
bool stand_end(struct run *r, struct err *e);
/* For z on its way up, *highest (m) being how high it has been: takes the newest reading, which raises it.
 * True: several in a row were so far below that nothing but the stage itself leads there. */
bool trail_sinks(const struct run *r, struct trail *t, double *highest, double z);
/* Behind that, nothing asked being outstanding: whether it is so, and no shock to a stage that is held. False
 * with ERR_OFF_TARGET if it is, or if the stage does not answer. */
bool stand_is_held(struct run *r, double from, const char *told, struct err *e);
/* A move that makes no headway: nearer than before by `step` (m) within a second, or it has stalled. */
struct headway {
    double best; /* m still to go */
    ns_t since;  /* 0: not begun */
    ns_t seen;   /* newest position */
};
/* seen_at: when the position came that says so. */
bool motion_stalled(struct headway *h, double to_go, double step, ns_t seen_at, const struct loop *l);
/* Between the sample's coordinates (of sites, attempts, the surface and r->xy) and the stage's, which differ
 * by the offset of the mounted probe's end from the first one's. x, y: m. */
void motion_to_stage(const struct run *r, double x, double y, double stage[2]);
void motion_remember(struct run *r, const double at[AXIS_COUNT]);
/* z does not `verb` to `target` (m): why, if the controller's error slot tells. Waits. Always false. */
bool motion_not_obeyed(struct run *r, const char *verb, double target, struct err *e);
/* Waits for the answer to a position question that is still outstanding, if there is one. */
bool motion_last_position(struct run *r, struct err *e);
/* Lowest height at which xy may move between here and there (S3); the fully retracted height without
 * knowledge. */
double motion_clear_height(const struct run *r, double x, double y);

/* S4. Every action is attempted; counts.safe says whether the end was verified: z retracted (by whatever rung
 * of the ladder), cell open. True if it was and the run may go on (r->in_order). *why, the fault, is
 * explained on the way: what was taken for silence or a stall may be a reset or a lost servo. Can not be
 * cancelled. */
bool safe_state(struct run *r, struct err *why);
/* The same as the last word of a run whose rig was not verified safe: an instrument that was silent then may
 * obey by now. True if it is safe. */
bool safe_once_more(struct run *r);

#endif
