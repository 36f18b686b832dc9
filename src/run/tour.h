/* What the run keeps between two sites: which are done, which spares are taken, when a control is due, which
 * rules end it. Private to src/run. */
#ifndef SECCM_RUN_TOUR_H
#define SECCM_RUN_TOUR_H

#include "run/run.h"

struct run;

struct tour {
    enum outcome *outcome;   /* per place of the plan: sites, spares, controls */
    enum fault_class *fault; /* why, likewise */
    bool *replaced;          /* per site and spare: a spare stands for it, or none is left that could */
    int *replaces;           /* per spare: number of the site that it stands for, 0 = free */
    int lost;                /* sites and spares below this index need no spare (any more) */
};

/* The controls so far. */
struct watch_over {
    int spot;             /* next fresh one, index among the plan's controls */
    int since;            /* sites visited since the last control */
    double last_s;        /* experiment time at which that began, NAN = none yet */
    int64_t last_attempt; /* of it, 0 = none yet */
    bool bad;             /* it was measured and not accepted */
    bool owed;            /* one is due whatever the count: the run goes on after a failed one */
    bool told;            /* that no spot is left */
    char verdict[400];    /* of the newest */
};

/* Values of the feature of stop.when at one level, rising. */
struct level_values {
    double *v;
    int64_t *attempt; /* that each value is of */
    int n, cap;
    double half_width; /* in the unit of the rule, NAN = too few */
};

struct rules {
    int *measured;              /* per combination of the plan */
    struct level_values *level; /* of stop.when.by, one without */
    int n_levels, left_out;
    double by;              /* s since 1970, NAN = no stop.by */
    double planned, really; /* s: of the sites visited, to correct what is expected of the next */
    bool enough;            /* stop.when is met */
    const char *rule;       /* that ended the run: "stop.when", NULL = none */
    char reason[256];
};

/* Index into plan->site of the planned site whose levels a place has: its own, or of the site that the spare
 * stands for. */
int tour_root(const struct run *r, const struct tour *t, int place);

/* --- run.c ---------------------------------------------------------------------------------------------- */

/* One site or control with all its attempts; *end and *e are set if the run can not go on. */
bool run_visit(struct run *r, struct tour *t, const struct plan_site *site, int place, enum run_end *end,
               struct err *e);

/* --- spares.c ------------------------------------------------------------------------------------------- */

void tour_start(const struct run *r, struct tour *t);
void tour_free(struct tour *t);
/* A spare of the same region, the nearest first, for each lost site; a spare that fails is lost like a site.
 * Those that an earlier part of the run had taken and not reached come first. */
bool tour_spares(struct run *r, struct tour *t, enum run_end *end, struct err *e);

/* --- watch.c -------------------------------------------------------------------------------------------- */

void watch_start(struct run *r);
/* Visits a control if one is due before the next site. */
bool watch_before_site(struct run *r, struct tour *t, enum run_end *end, struct err *e);
/* One more behind the last site, if a spot is left. */
bool watch_behind(struct run *r, struct tour *t, enum run_end *end, struct err *e);
/* Between features and outcome of an attempt: a control is judged, a site behind a failed one flagged. */
void watch_judge(struct run *r);

/* --- rules.c -------------------------------------------------------------------------------------------- */

void rules_start(struct run *r);
void rules_free(struct rules *s);
/* The machine's clock was set: `stop.by` is meant by the new one, as if it had been right from the beginning.
 * What that means goes to text ("; stop.by ..."), "" if nothing. */
void rules_clock_set(struct run *r, char *text, size_t n);
/* Rules that forbid to begin with this place. false: the run ends, *end and *e say how and why. */
bool rules_allow(struct run *r, const struct plan_site *site, enum run_end *end, struct err *e);
/* stop.count: true if the site's combination has its measured sites; it is left out then, with the reason
 * stored. */
bool rules_leave_out(struct run *r, const struct plan_site *site, int combination);
/* A site was visited; the attempt and its features are still in memory. */
void rules_note(struct run *r, int combination, double seconds);
/* From this attempt on the probe was not what it is taken for: stop.when does not count what it measured. */
void rules_forget(struct run *r, int64_t since);
/* m: width of a probe, NULL = the first one. */
double run_aperture(const struct protocol *p, const struct probe *probe);

#endif
