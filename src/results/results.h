/* The results file: one SQLite database per run (.seccm).
 *
 * Writing goes through one writer thread (results/writer.h); this header is for opening, creating and
 * reading, which any process may do while a run writes. The schema is documented by comments in its own
 * CREATE TABLE texts. */
#ifndef SECCM_RESULTS_RESULTS_H
#define SECCM_RESULTS_RESULTS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "results/outcome.h"
#include "results/waveform.h"

#define RESULTS_APPLICATION_ID 0x5343434d /* "SCCM" */

struct results;

/* Everything known before the first site; all texts are copied into the file. */
struct results_site_plan {
    int site;    /* 1-based number in the plan's order of sites (stable name of the site) */
    int order;   /* 1-based visiting order; spares behind all others */
    double x, y; /* m */
    const char *region;
    int block; /* 1-based, 0 = none */
    bool spare;
    bool control;             /* spot for a control */
    const char *const *level; /* n_factors texts, as written in the protocol */
    const double *level_si;   /* n_factors */
};
struct results_input {
    const char *role; /* protocol, grid, rig */
    const char *path;
    const void *bytes;
    size_t n;
};
struct results_plan {
    const char *run_id;  /* unique, printable */
    const char *program; /* "seccm 0.1.0" */
    const char *utc;     /* start, ISO 8601 */
    uint64_t seed;
    const char *mode; /* real, scaled, virtual */
    double offset;    /* V, reference */
    double offset_uncertainty;
    const char *reference; /* declared reference electrode */
    int potential_sign, current_sign;
    double aperture, wetted, wetted_uncertainty; /* m; ratio; ratio */
    const char *stage_id, *pstat_id;             /* rig identification */
    const char *const *meta_key;                 /* operator metadata: sample, electrolyte, ... */
    const char *const *meta_value;
    int n_meta;
    const char *const *factor; /* names */
    const int *factor_dim;     /* enum dim */
    int n_factors;
    const struct results_site_plan *site;
    int n_sites;
    const struct results_input *input;
    int n_inputs;
};

/* Creates the file (it must not exist; refuses network file systems; needs `need_bytes` free). On failure no
 * file is left behind. The handle belongs to the calling thread until a writer takes it. */
struct results *results_create(const char *path, const struct results_plan *plan, uint64_t need_bytes,
                               struct err *e);
/* For reading beside a running writer. ERR_INPUT if it is not one of ours. */
struct results *results_open(const char *path, struct err *e);
/* For resume: read-write, exclusive among writers (ERR_IO naming that another run holds it). */
struct results *results_open_write(const char *path, struct err *e);
/* A clean close of a writer checkpoints and leaves a single file. */
bool results_close(struct results *r, struct err *e);
/* As it was opened; the file's own name if that was a link. */
const char *results_path(const struct results *r);

/* Text of a key of the `run` table (for example "offset", "run_id"); "" if absent. Caller frees. */
char *results_info(struct results *r, const char *key);
bool results_info_double(struct results *r, const char *key, double *out);
/* Calls fn for every key in alphabetical order; operator metadata have keys `meta.KEY`. The texts live for
 * the call. */
bool results_info_each(struct results *r, void (*fn)(void *ctx, const char *key, const char *value),
                       void *ctx, struct err *e);
/* Exact bytes of an input file. */
bool results_input(struct results *r, const char *role, struct buf *path, struct buf *bytes, struct err *e);

struct results_factor {
    char name[32];
    int dim;
};
/* Number of factors; the first `max` are written. */
int results_factors(struct results *r, struct results_factor *out, int max);

/* One row per site. NAN = absent. */
struct results_site {
    int site, order, block;
    bool spare;
    enum site_role role;
    double x, y;
    char region[64];
    enum outcome outcome;
    char reason[256];
    enum touched touched;
    int attempts;
    int replaces;         /* spare in use: number of the site that it stands for; 0 = none */
    int64_t last_attempt; /* id, 0 = none */
    double contact_z;     /* m, rig frame */
    double start_s;       /* experiment time of the last attempt's start */
    char start_utc[32];
    char flags[128]; /* comma-separated, e.g. "meniscus-unverified" */
    char fault[32];  /* class of fault of the last attempt, "" = none */
};
struct results_sites {
    struct results_site *site; /* in visiting order */
    int n;
    char **level; /* n x n_factors, row-major, texts as written */
    double *level_si;
    int n_factors;
};
bool results_sites(struct results *r, struct results_sites *out, struct err *e);
void results_sites_free(struct results_sites *s);

struct results_attempt {
    int64_t id;
    int site, number; /* number: 1-based within the site */
    enum outcome outcome;
    char fault[32]; /* class of fault, "" = none */
    char reason[256];
    enum touched touched;
    char last_step[64];
    int last_cycle;
    double x, y;                                                       /* m, where it really was */
    double contact_z, contact_current, contact_charge, break_distance; /* SI, NAN = absent */
    /* F beyond air, by a small triangle at rest: just after contact, and behind the last step; measures of
     * the wetted area */
    double contact_capacitance, contact_capacitance_sd, rest_capacitance, rest_capacitance_sd;
    double blank_capacitance, blank_capacitance_sd, blank_conductance, blank_conductance_sd, blank_offset,
        blank_offset_sd, noise_rms; /* in-air blank: F, S, A at the approach bias; A */
    double blank_bias;              /* V, potential to which blank_offset belongs */
    double start_s, end_s;
    char flags[128];
};
/* Number of attempts of a site, -1 on error; the first `max` are written. */
int results_attempts(struct results *r, int site, struct results_attempt *out, int max, struct err *e);
/* All of them, whatever the site's own count says: *out is the caller's to free, NULL if there are none or on
 * error. */
int results_attempts_all(struct results *r, int site, struct results_attempt **out, struct err *e);

/* What was recorded: each phase or technique step of an attempt. */
struct results_step {
    int64_t id, attempt;
    int site;
    int index;      /* order within the attempt */
    char phase[24]; /* alive, blank, approach, probe, step, gate, detach ... */
    char name[64];  /* step's name in the protocol ("formation"), or the phase */
    char kind[24];  /* hold, cv, lsv, galvanostatic, ocp, pulse, rest */
    char ended_by[64];
    double gap_before;   /* s of open or held time between the previous technique step and this one */
    char gap_state[8];   /* "", held, open */
    char settings[1024]; /* JSON object of the programmed values, SI */
    int64_t samples;
};
/* All steps of an attempt in order; caller frees *out. */
bool results_steps(struct results *r, int64_t attempt, struct results_step **out, int *n, struct err *e);
/* All stored rows of a step in order; caller frees *rows. */
bool results_rows(struct results *r, int64_t step, struct wave_row **rows, int *n, struct err *e);

/* Features: long form. The texts live as long as the process: constants, or from intern(). There are millions
 * of rows, but few different texts. */
struct results_feature {
    int site;
    int64_t attempt, step; /* step 0 = site-level */
    const char *step_name;
    int cycle; /* 0 = none */
    const char *name;
    double value;       /* SI; NAN = missing */
    double uncertainty; /* SD, SI; NAN = none known */
    const char *unit;   /* SI unit */
    const char *method;
    const char *missing; /* reason, "" if there is a value */
};
bool results_features(struct results *r, struct results_feature **out, int *n, struct err *e);
/* Replaces all features of the file in one transaction (only a writer handle): begin, any number of adds,
 * end. `keep` false, or an error in between that was passed on to it, leaves the old ones. */
bool results_features_begin(struct results *r, struct err *e);
bool results_features_add(struct results *r, const struct results_feature *f, int n, struct err *e);
bool results_features_end(struct results *r, bool keep, struct err *e);
/* All three at once. */
bool results_put_features(struct results *r, const struct results_feature *f, int n, struct err *e);

/* Marks every attempt without outcome, and its site, as interrupted and possibly touched (R2), in one
 * transaction (only a writer handle, before a writer takes it). */
bool results_close_open_attempts(struct results *r, struct err *e);

struct results_event {
    double t_s;
    char utc[32];
    int site;
    int64_t attempt;
    char kind[32]; /* state, warning, fault, operator ... */
    char text[512];
};
bool results_events(struct results *r, struct results_event **out, int *n, struct err *e);

#endif
