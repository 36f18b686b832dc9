/* A protocol file: everything that is to happen at each site, every value with unit and source line.
 *
 * protocol_load() reads protocol, grid and rig files and reports every error of all of them; nothing here
 * touches an instrument. Values that may differ from site to site are `struct value` and become numbers in a
 * plan. */
#ifndef SECCM_PROTOCOL_PROTOCOL_H
#define SECCM_PROTOCOL_PROTOCOL_H

#include "base/schema.h"
#include "instrument/program.h"
#include "instrument/rig.h"
#include "protocol/control.h"
#include "protocol/fault.h"
#include "protocol/step.h"
#include "protocol/stop.h"
#include "protocol/used.h"

/* What differs from site to site. Its levels are given to sites by the design or, with `of_site`, are fixed:
 * read from a file with one value per site, or interpolated along a gradient. */
struct factor {
    char name[32];
    enum dim dim; /* of the values it feeds */
    bool whole;   /* feeds a count: levels are whole numbers */
    int n;        /* levels, in the order written; ascending from a file */
    char **text;  /* as written */
    double *si;
    struct mark mark;
    struct mark *level_mark; /* n */
    bool used;
    int group;             /* linked factors have the same one, and vary together; -1 with `of_site` */
    int *of_site;          /* level of site k + 1, -1 = none; NULL: the design's to give */
    int n_of_site;         /* sites */
    bool of_points;        /* of_site comes from the grid's listed points: factor_place() */
    struct source *source; /* its file, NULL = none */
};
#define FACTOR_MAX 8

enum contact_kind { CONTACT_TRANSIENT, CONTACT_STEADY };

struct approach {
    struct value bias;      /* V vs reference */
    struct value speed;     /* m/s */
    struct value leash;     /* m */
    struct value travel;    /* m: longest slow approach without knowledge of the surface */
    struct value interval;  /* s between samples */
    struct value threshold; /* A */
    struct value sigmas;
    int contact_kind;
    struct value confirm; /* s at rest after the crossing */
    struct value ceiling; /* A: hard ceiling of abs(i) at contact */
    int signal;           /* index into the choices of contact.signal: only the surface current here */
};

struct retract {
    struct value bias;   /* V vs reference */
    struct value detach; /* m/s while watching for the break */
    struct value then;   /* m/s afterwards */
    struct value travel; /* m: largest distance within which the drop must break */
};

/* The same with numbers for one site. */
struct approach_now {
    double bias, speed, leash, travel, interval, threshold, sigmas, confirm, ceiling;
    int contact_kind;
};

struct retract_now {
    double bias, detach, then, travel;
};

/* Small in-air triangle that proves the signal alive (S1), and the in-air sweep that is the blank. */
struct alive {
    double amplitude;  /* V: bias +- this */
    double rate;       /* V/s */
    double blank_rate; /* V/s of the in-air blank sweep over the range of the voltammograms */
};

struct faults {
    int policy[FAULT_COUNT];                    /* enum fault_policy of each class; FAULT_NONE unused */
    int64_t consecutive_count;                  /* bad sites in a row ... */
    int consecutive_then;                       /* ... POLICY_PAUSE or POLICY_ABORT */
    int64_t total_count;                        /* bad sites altogether, 0 = not given ... */
    int total_then;                             /* ... likewise */
    int64_t recover_consecutive, recover_total; /* so often the rig is brought back without a site measured */
    int recover_then;                           /* in between, and altogether; then ... */
    double spreading;   /* meniscus-spreading: capacitance at rest behind the steps / at contact */
    double back_off[2]; /* s: before the first recovery, and at most; doubled each time */
};

/* Control charts of the probe's health (analysis/tip_health.h). */
struct health_watch {
    bool watch;
    int64_t baseline; /* landings before a chart is judged */
    double sigmas;    /* of the limits */
};

/* Test of a confirmed contact before its steps: what the open circuit shows says what the drop landed on. */
struct landing {
    double ocp[2];   /* V vs reference: accepted; NAN = no test */
    double duration; /* s: `for`; the mean of the second half counts */
    double interval; /* s between samples */
};

static inline bool landing_wanted(const struct landing *l)
{
    return l->ocp[0] <= l->ocp[1]; /* NAN: no */
}

struct sei_analysis {
    char *step;       /* name of the cv step, NULL = no SEI analysis */
    double window[2]; /* V */
};

/* A file of steps that the protocol, or another such file, includes. */
struct include {
    char *path; /* where it really lies */
    struct source *source;
    struct ytree *tree;
    bool used, open; /* while it is read */
};
#define INCLUDE_MAX 16

struct named_step;

struct protocol {
    char *name, *sample_name, *sample_note, *electrolyte, *operator_name;
    int64_t format;
    int64_t seed;
    char *probe_id;
    int64_t barrels;
    double aperture;                   /* m */
    double wetted, wetted_uncertainty; /* wetted diameter / aperture */
    double fiducial[2];                /* m, stage: with the probe's end over a mark; NAN = none was given */
    char *reference;                   /* declared reference electrode */
    double offset, offset_uncertainty; /* V */
    double plating;                    /* V vs reference: warn below this + uncertainty */
    double e_limit[2];                 /* V vs reference */
    double i_limit;                    /* A */
    double clearance, peak;            /* m */
    double sigma; /* m: standard deviation of heights expected about the fitted surface before it is known */
    double residue; /* diameter of what a drop leaves behind / wetted diameter; NAN = not measured */
    double drift;   /* m/s: largest drift of the surface's height that is expected */
    double drop;    /* m: surface.drop, height by which the drop protrudes below the glass (0.5 x aperture) */
    struct approach approach;
    struct retract retract;
    struct alive alive;
    struct landing landing;
    struct factor factor[FACTOR_MAX];
    int n_factors;
    int n_groups; /* of factors that the design gives levels to */
    int design;   /* enum design of design.h */
    int along;    /* enum along of design.h */
    bool shuffle;
    struct step *step; /* of all lists */
    int n_steps;
    struct step_list site, control; /* control: empty = those of the site */
    struct named_step *named;       /* `steps` */
    int n_named;
    struct include include[INCLUDE_MAX];
    int n_includes;
    bool include_outside; /* files beside the protocol's folder may be included */
    struct faults faults;
    struct health_watch health;
    struct strings avoid; /* results files as named: their spots are not used again */
    struct used used;
    struct control controls; /* when, where and what must hold there */
    struct stop stop;
    double now; /* s since 1970 when the file was read, 0 = whatever depends on the clock is left unsaid */
    struct sei_analysis sei;
    double wet_check_potential; /* V: where the capacitance is read as a measure of the wetted area */
    /* files */
    char *rig_path, *grid_path;    /* as resolved; grid_path NULL = inline */
    const struct ynode *grid_node; /* the grid's map, wherever it stands */
    const struct ynode *site_node, *steps_node, *factors_node, *linked_node;
    struct rig_config *rig;
    struct grid *grid;
    struct source *source, *grid_source;
    struct ytree *tree, *grid_tree;
};

extern const struct fields protocol_fields;

struct protocol_options {
    const char *rig_path; /* overrides the file's, NULL = no */
    bool has_seed;
    int64_t seed;
    bool include_outside;
    double aperture; /* m, of the probe that has taken the place of the file's; 0 = the file's */
    double now; /* s since 1970: what the clock says, for `stop.by` and the time of the end; 0 = not told */
};

/* Every error goes to `d`; NULL if there was one (or the file can not be read: *e). Caller frees. */
struct protocol *protocol_load(const char *path, const struct protocol_options *o, struct diags *d,
                               struct err *e);
/* The same from a text in memory, which is taken over; the files it names are looked for beside its path. */
struct protocol *protocol_read(struct source *source, const struct protocol_options *o, struct diags *d,
                               struct err *e);
void protocol_free(struct protocol *p);

/* Position of the value at a path of keys ("approach.speed"), or of the nearest map that holds it. */
struct mark protocol_mark(const struct protocol *p, const char *path);

/* Places in the stage's coordinates (m) that were found with the probe of the plan and can be found again
 * with another: that of `probe`, then those of the grid's images. Returns their number; the first `max` are
 * written. */
int protocol_fiducials(const struct protocol *p, double (*out)[2], int max);

/* Visits every scalar that may come from a factor, in the order of the tables: what the field is, and of
 * which step (NULL: approach and retract). */
typedef void protocol_visit(void *context, const struct value *v, const struct field *f,
                            const struct step *owner);
void protocol_each_value(const struct protocol *p, protocol_visit *visit, void *context);

#endif
