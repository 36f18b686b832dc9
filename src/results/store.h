/* Inside of the results file, for the files of this folder only: the handle, SQLite's errors in our words,
 * and the statements that the writer thread runs. */
#ifndef SECCM_RESULTS_STORE_H
#define SECCM_RESULTS_STORE_H

#include <sqlite3.h>

#include "results/place.h"
#include "results/results.h"

enum store_statement {
    ST_BEGIN,
    ST_COMMIT,
    ST_ATTEMPT_BEGIN,
    ST_SITE_BEGIN,
    ST_STEP_BEGIN,
    ST_STEP_END,
    ST_WAVEFORM,
    ST_ATTEMPT_END,
    ST_ATTEMPT_END_2, /* of a file without attempt.fault */
    ST_SITE_END,
    ST_SITE_OUTCOME,
    ST_FLAG,
    ST_FLAG_1, /* before version 2 */
    ST_SPARE,
    ST_SPARE_LEVELS,
    ST_FEATURE,
    ST_EVENT,
    ST_INFO,
    ST_COUNT
};

struct results {
    sqlite3 *db;
    char *path;
    bool writable;
    bool damaged; /* a write has failed: close without touching the file more than needed */
    struct place_lock lock;
    int node;    /* O_PATH descriptor of the file as it was opened for writing; -1 = none */
    bool astray; /* its name has gone to another file, or to none */
    sqlite3_stmt *statement[ST_COUNT]; /* prepared on first use */
    int version;                       /* of the schema that the file has */
    int wal_pages;                     /* in the WAL after the last commit */
};

/* Our error for what the last call on the database said. Always false. */
bool store_fail(struct results *r, struct err *e, const char *what);
bool store_exec(struct results *r, const char *sql, struct err *e);
/* NULL on error. Caller finalizes. */
sqlite3_stmt *store_prepare(struct results *r, const char *sql, struct err *e);
/* SQLITE_STATIC text, "" for NULL. */
void store_bind_text(sqlite3_stmt *s, int i, const char *text);
/* Runs a statement without rows to its end and resets it. */
bool store_run(struct results *r, sqlite3_stmt *s, const char *what, struct err *e);
/* Forgets the prepared statements. */
void store_finalize(struct results *r);

/* One transaction at a time. */
bool store_begin(struct results *r, struct err *e);
bool store_commit(struct results *r, struct err *e);
void store_rollback(struct results *r);
/* false once when the file no longer has its name: ERR_IO. */
bool store_in_place(struct results *r, struct err *e);
/* Copies the WAL into the database as far as readers allow, without waiting for them. */
bool store_checkpoint(struct results *r, struct err *e);

struct store_intent {
    int64_t attempt;
    int site, number;
    double x, y, t_s;
    char utc[32];
};
/* All inside a transaction. */
bool store_attempt_begin(struct results *r, const struct store_intent *a, struct err *e);
bool store_step_begin(struct results *r, const struct results_step *s, struct err *e);
bool store_step_end(struct results *r, int64_t step, const char *ended_by, double gap_before,
                    const char *gap_state, struct err *e);
bool store_waveform(struct results *r, int64_t step, int seq, const struct wave_row *rows, int n,
                    struct err *e);
bool store_attempt_end(struct results *r, const struct results_attempt *a, struct err *e);
bool store_site_outcome(struct results *r, int site, enum outcome o, const char *reason, struct err *e);
/* Adds a flag to the measured attempts with ids between `after` and `before`, both left out, that are no
 * controls. */
bool store_flag(struct results *r, int64_t after, int64_t before, const char *flag, struct err *e);
/* A spare takes over block and levels of site `root`, standing for site `replaces`. */
bool store_spare(struct results *r, int spare, int replaces, int root, struct err *e);
bool store_feature(struct results *r, const struct results_feature *f, struct err *e);
bool store_event(struct results *r, const struct results_event *ev, struct err *e);
bool store_info(struct results *r, const char *key, const char *value, const char *unit, struct err *e);
/* Largest ids in use, 0 if none. */
bool store_last_ids(struct results *r, int64_t *attempt, int64_t *step, struct err *e);

/* The plan into an empty database; opens no transaction of its own (results_plan.c). */
bool store_plan(struct results *r, const struct results_plan *plan, struct err *e);
/* enum dim of a name in the `factor` table, DIM_NONE if unknown. */
int store_dim_from_name(const char *name);

#endif
