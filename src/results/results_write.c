/* Statements that write: each is prepared once and run by the writer thread inside its transaction. */
#include <math.h>
#include <string.h>

#include "results/store.h"

/* The end of an attempt; `more` sets what a later schema has besides. */
#define ATTEMPT_END(more)                                                                                    \
    "UPDATE attempt SET outcome = ?2, reason = ?3, touched = ?4, last_step = ?5, last_cycle = ?6, "          \
    "x = coalesce(?7, x), y = coalesce(?8, y), contact_z = ?9, contact_current = ?10, contact_charge = "     \
    "?11, "                                                                                                  \
    "break_distance = ?12, blank_capacitance = ?13, blank_capacitance_sd = ?14, blank_conductance = ?15, "   \
    "blank_conductance_sd = ?16, blank_offset = ?17, blank_offset_sd = ?18, noise_rms = ?19, blank_bias "    \
    "= ?20, "                                                                                                \
    "end_s = ?21, contact_capacitance = ?22, contact_capacitance_sd = ?23, rest_capacitance = ?24, "         \
    "rest_capacitance_sd = ?25, flags = ?26" more " WHERE attempt = ?1"

/* A flag for measured attempts that are no controls; `of` picks their sites. */
#define FLAG(of)                                                                                             \
    "UPDATE attempt SET flags = iif(flags = '', ?3, flags || ',' || ?3) WHERE attempt > ?1 AND "             \
    "attempt < ?2 AND outcome = 'measured' AND instr(',' || flags || ',', ',' || ?3 || ',') = 0" of

static const char *const statement_sql[ST_COUNT] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ATTEMPT_BEGIN] = "INSERT INTO attempt (attempt, site, number, x, y, start_s, start_utc) "
                         "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [ST_SITE_BEGIN] = "UPDATE site SET outcome = '', reason = '', touched = max(touched, 'possibly'), "
                      "attempts = attempts + 1, last_attempt = ?2 WHERE site = ?1",
    [ST_STEP_BEGIN] = "INSERT INTO step (step, attempt, site, idx, phase, name, kind, gap_before, gap_state, "
                      "settings) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [ST_STEP_END] = "UPDATE step SET ended_by = ?2, gap_before = ?3, gap_state = ?4 WHERE step = ?1",
    [ST_WAVEFORM] = "INSERT INTO waveform (step, seq, n, blob) VALUES (?1, ?2, ?3, ?4)",
    [ST_ATTEMPT_END] = ATTEMPT_END(", fault = ?27"),
    [ST_ATTEMPT_END_2] = ATTEMPT_END(""),
    /* The worst of the attempts so far: an earlier one may have wetted the spot. Unfinished ones count as
       possibly. */
    [ST_SITE_END] = "UPDATE site SET outcome = iif(last_attempt = ?1, ?2, outcome), "
                    "reason = iif(last_attempt = ?1, ?3, reason), "
                    "touched = (SELECT max(touched) FROM attempt WHERE attempt.site = site.site) "
                    "WHERE site = (SELECT site FROM attempt WHERE attempt = ?1)",
    [ST_SITE_OUTCOME] = "UPDATE site SET outcome = ?2, reason = ?3 WHERE site = ?1",
    [ST_FLAG] = FLAG(" AND site IN (SELECT site FROM site WHERE role <> 'control')"),
    [ST_FLAG_1] = FLAG(""), /* the first schema had no controls */
    [ST_SPARE] =
        "UPDATE site SET replaces = ?2, block = (SELECT block FROM site WHERE site = ?3) WHERE site = ?1",
    [ST_SPARE_LEVELS] = "INSERT OR REPLACE INTO level (site, factor, text, si) "
                        "SELECT ?1, factor, text, si FROM level WHERE site = ?2",
    [ST_FEATURE] =
        "INSERT INTO feature (site, attempt, step, step_name, cycle, name, value, uncertainty, unit, "
        "method, missing) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [ST_EVENT] = "INSERT INTO event (t_s, utc, site, attempt, kind, text) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [ST_INFO] = "INSERT INTO run (key, value, unit) VALUES (?1, ?2, ?3) "
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
};

static sqlite3_stmt *statement(struct results *r, enum store_statement id, struct err *e)
{
    if (!r->statement[id])
        r->statement[id] = store_prepare(r, statement_sql[id], e);
    return r->statement[id];
}

static bool run(struct results *r, enum store_statement id, const char *what, struct err *e)
{
    return store_run(r, r->statement[id], what, e);
}

/* Runs an UPDATE that must meet exactly one row. */
static bool run_on_one(struct results *r, enum store_statement id, const char *what, struct err *e)
{
    if (!run(r, id, what, e))
        return false;
    if (sqlite3_changes(r->db) != 1)
        return err_set(e, ERR_INTERNAL, "results `%s`: %s: no such row", r->path, what);
    return true;
}

/* --- transactions -------------------------------------------------------------------------------------- */

bool store_begin(struct results *r, struct err *e)
{
    return statement(r, ST_BEGIN, e) && run(r, ST_BEGIN, "begin", e);
}

bool store_commit(struct results *r, struct err *e)
{
    return statement(r, ST_COMMIT, e) && run(r, ST_COMMIT, "commit", e);
}

void store_rollback(struct results *r)
{
    if (!sqlite3_get_autocommit(r->db))
        store_exec(r, "ROLLBACK", NULL);
}

bool store_checkpoint(struct results *r, struct err *e)
{
    int code = sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    return code == SQLITE_OK || code == SQLITE_BUSY || store_fail(r, e, "checkpoint");
}

/* --- rows ---------------------------------------------------------------------------------------------- */

bool store_attempt_begin(struct results *r, const struct store_intent *a, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_ATTEMPT_BEGIN, e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, a->attempt);
    sqlite3_bind_int(s, 2, a->site);
    sqlite3_bind_int(s, 3, a->number);
    sqlite3_bind_double(s, 4, a->x); /* not-a-number becomes NULL */
    sqlite3_bind_double(s, 5, a->y);
    sqlite3_bind_double(s, 6, a->t_s);
    store_bind_text(s, 7, a->utc);
    if (!run(r, ST_ATTEMPT_BEGIN, "new attempt", e) || !(s = statement(r, ST_SITE_BEGIN, e)))
        return false;
    sqlite3_bind_int(s, 1, a->site);
    sqlite3_bind_int64(s, 2, a->attempt);
    return run_on_one(r, ST_SITE_BEGIN, "site of a new attempt", e);
}

bool store_step_begin(struct results *r, const struct results_step *step, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_STEP_BEGIN, e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, step->id);
    sqlite3_bind_int64(s, 2, step->attempt);
    sqlite3_bind_int(s, 3, step->site);
    sqlite3_bind_int(s, 4, step->index);
    store_bind_text(s, 5, step->phase);
    store_bind_text(s, 6, step->name);
    store_bind_text(s, 7, step->kind);
    sqlite3_bind_double(s, 8, step->gap_before);
    store_bind_text(s, 9, step->gap_state);
    store_bind_text(s, 10, step->settings);
    return run(r, ST_STEP_BEGIN, "new step", e);
}

bool store_step_end(struct results *r, int64_t step, const char *ended_by, double gap_before,
                    const char *gap_state, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_STEP_END, e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, step);
    store_bind_text(s, 2, ended_by);
    sqlite3_bind_double(s, 3, gap_before);
    store_bind_text(s, 4, gap_state);
    return run_on_one(r, ST_STEP_END, "end of a step", e);
}

bool store_waveform(struct results *r, int64_t step, int seq, const struct wave_row *rows, int n,
                    struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_WAVEFORM, e);
    struct buf blob = {0};
    if (!s || !waveform_pack(rows, n, &blob, e)) {
        buf_free(&blob);
        return false;
    }
    sqlite3_bind_int64(s, 1, step);
    sqlite3_bind_int(s, 2, seq);
    sqlite3_bind_int(s, 3, n);
    sqlite3_bind_blob64(s, 4, blob.p, blob.n, SQLITE_STATIC);
    bool ok = run(r, ST_WAVEFORM, "waveform", e);
    buf_free(&blob);
    return ok;
}

static bool site_end(struct results *r, const struct results_attempt *a, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_SITE_END, e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, a->id);
    store_bind_text(s, 2, outcome_name(a->outcome));
    store_bind_text(s, 3, a->reason);
    return run_on_one(r, ST_SITE_END, "outcome of a site", e);
}

bool store_attempt_end(struct results *r, const struct results_attempt *a, struct err *e)
{
    enum store_statement id = r->version >= 3 ? ST_ATTEMPT_END : ST_ATTEMPT_END_2;
    sqlite3_stmt *s = statement(r, id, e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, a->id);
    store_bind_text(s, 2, outcome_name(a->outcome));
    store_bind_text(s, 3, a->reason);
    store_bind_text(s, 4, touched_name(a->touched));
    store_bind_text(s, 5, a->last_step);
    sqlite3_bind_int(s, 6, a->last_cycle);
    const double number[] = {a->x,
                             a->y,
                             a->contact_z,
                             a->contact_current,
                             a->contact_charge,
                             a->break_distance,
                             a->blank_capacitance,
                             a->blank_capacitance_sd,
                             a->blank_conductance,
                             a->blank_conductance_sd,
                             a->blank_offset,
                             a->blank_offset_sd,
                             a->noise_rms,
                             a->blank_bias,
                             a->end_s,
                             a->contact_capacitance,
                             a->contact_capacitance_sd,
                             a->rest_capacitance,
                             a->rest_capacitance_sd};
    for (int i = 0; i < (int)(sizeof number / sizeof number[0]); i++)
        sqlite3_bind_double(s, 7 + i, number[i]);
    store_bind_text(s, 26, a->flags);
    if (id == ST_ATTEMPT_END)
        store_bind_text(s, 27, a->fault);
    return run_on_one(r, id, "end of an attempt", e) && site_end(r, a, e);
}

bool store_site_outcome(struct results *r, int site, enum outcome o, const char *reason, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_SITE_OUTCOME, e);
    if (!s)
        return false;
    sqlite3_bind_int(s, 1, site);
    store_bind_text(s, 2, outcome_name(o));
    store_bind_text(s, 3, reason);
    return run_on_one(r, ST_SITE_OUTCOME, "outcome of a site", e);
}

bool store_flag(struct results *r, int64_t after, int64_t before, const char *flag, struct err *e)
{
    enum store_statement id = r->version >= 2 ? ST_FLAG : ST_FLAG_1;
    sqlite3_stmt *s = statement(r, id, e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, after);
    sqlite3_bind_int64(s, 2, before);
    store_bind_text(s, 3, flag);
    return run(r, id, "flag", e);
}

bool store_spare(struct results *r, int spare, int replaces, int root, struct err *e)
{
    sqlite3_stmt *site = statement(r, ST_SPARE, e), *levels = statement(r, ST_SPARE_LEVELS, e);
    if (!site || !levels)
        return false;
    sqlite3_bind_int(site, 1, spare);
    sqlite3_bind_int(site, 2, replaces);
    sqlite3_bind_int(site, 3, root);
    sqlite3_bind_int(levels, 1, spare);
    sqlite3_bind_int(levels, 2, root);
    return run_on_one(r, ST_SPARE, "spare", e) && run(r, ST_SPARE_LEVELS, "levels of a spare", e);
}

bool store_feature(struct results *r, const struct results_feature *f, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_FEATURE, e);
    if (!s)
        return false;
    sqlite3_bind_int(s, 1, f->site);
    sqlite3_bind_int64(s, 2, f->attempt);
    sqlite3_bind_int64(s, 3, f->step);
    store_bind_text(s, 4, f->step_name);
    sqlite3_bind_int(s, 5, f->cycle);
    store_bind_text(s, 6, f->name);
    sqlite3_bind_double(s, 7, f->value);
    sqlite3_bind_double(s, 8, f->uncertainty);
    store_bind_text(s, 9, f->unit);
    store_bind_text(s, 10, f->method);
    store_bind_text(s, 11, f->missing);
    return run(r, ST_FEATURE, "feature", e);
}

bool store_event(struct results *r, const struct results_event *ev, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_EVENT, e);
    if (!s)
        return false;
    sqlite3_bind_double(s, 1, ev->t_s);
    store_bind_text(s, 2, ev->utc);
    sqlite3_bind_int(s, 3, ev->site);
    sqlite3_bind_int64(s, 4, ev->attempt);
    store_bind_text(s, 5, ev->kind);
    store_bind_text(s, 6, ev->text);
    return run(r, ST_EVENT, "event", e);
}

bool store_info(struct results *r, const char *key, const char *value, const char *unit, struct err *e)
{
    sqlite3_stmt *s = statement(r, ST_INFO, e);
    if (!s)
        return false;
    store_bind_text(s, 1, key);
    if (value)
        sqlite3_bind_text(s, 2, value, -1, SQLITE_STATIC);
    else
        sqlite3_bind_null(s, 2);
    store_bind_text(s, 3, unit);
    return run(r, ST_INFO, "run", e);
}

bool store_last_ids(struct results *r, int64_t *attempt, int64_t *step, struct err *e)
{
    sqlite3_stmt *s =
        store_prepare(r, "SELECT (SELECT max(attempt) FROM attempt), (SELECT max(step) FROM step)", e);
    if (!s)
        return false;
    bool ok = sqlite3_step(s) == SQLITE_ROW;
    if (ok) {
        *attempt = sqlite3_column_int64(s, 0); /* NULL reads as 0 */
        *step = sqlite3_column_int64(s, 1);
    } else {
        store_fail(r, e, "largest ids");
    }
    sqlite3_finalize(s);
    return ok;
}

bool results_close_open_attempts(struct results *r, struct err *e)
{
    if (!r->writable)
        return err_set(e, ERR_INTERNAL, "results `%s`: opened for reading only", r->path);
    bool ok =
        store_begin(r, e) &&
        store_exec(
            r,
            "UPDATE site SET outcome = 'interrupted', reason = 'the run ended in the middle of the attempt', "
            "touched = max(touched, 'possibly') "
            "WHERE last_attempt IN (SELECT attempt FROM attempt WHERE outcome IS NULL);"
            "UPDATE attempt SET outcome = 'interrupted', touched = 'possibly', "
            "reason = 'the run ended in the middle of the attempt' WHERE outcome IS NULL",
            e) &&
        store_commit(r, e);
    if (!ok)
        store_rollback(r);
    return ok;
}

bool results_features_begin(struct results *r, struct err *e)
{
    if (!r->writable)
        return err_set(e, ERR_INTERNAL, "results `%s`: opened for reading only", r->path);
    if (!store_begin(r, e))
        return false;
    return store_exec(r, "DELETE FROM feature", e) || results_features_end(r, false, e);
}

bool results_features_add(struct results *r, const struct results_feature *f, int n, struct err *e)
{
    for (int i = 0; i < n; i++)
        if (!store_feature(r, &f[i], e))
            return false;
    return true;
}

bool results_features_end(struct results *r, bool keep, struct err *e)
{
    bool ok = keep && store_commit(r, e);
    if (!ok)
        store_rollback(r);
    return ok;
}

bool results_put_features(struct results *r, const struct results_feature *f, int n, struct err *e)
{
    return results_features_begin(r, e) && results_features_end(r, results_features_add(r, f, n, e), e);
}
