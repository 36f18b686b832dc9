/* Questions to the results file: each one statement, read into plain structs. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "results/sha256.h"
#include "results/store.h"

/* --- columns ------------------------------------------------------------------------------------------- */

/* Copies as much as fits, never half a UTF-8 character. */
static void copy_text(char *to, size_t size, const char *from)
{
    size_t n = from ? strlen(from) : 0;
    if (n >= size)
        for (n = size - 1; n > 0 && ((unsigned char)from[n] & 0xC0) == 0x80;)
            n--;
    if (n)
        memcpy(to, from, n);
    to[n] = '\0';
}

static void text_at(sqlite3_stmt *s, int i, char *to, size_t size)
{
    copy_text(to, size, (const char *)sqlite3_column_text(s, i));
}

static const char *word_at(sqlite3_stmt *s, int i)
{
    const unsigned char *text = sqlite3_column_text(s, i);
    return text ? (const char *)text : "";
}

static double number_at(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_NULL ? NAN : sqlite3_column_double(s, i);
}

/* --- rows into arrays ---------------------------------------------------------------------------------- */

/* A heap array that grows row by row. */
struct list {
    char *p;
    int n, cap;
    size_t size; /* of one item */
};

/* A zeroed item at the end. */
static void *list_add(struct list *l)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->p = xrealloc(l->p, (size_t)l->cap * l->size);
    }
    void *item = l->p + (size_t)l->n++ * l->size;
    memset(item, 0, l->size);
    return item;
}

/* Runs `s` (finalized here, may be NULL after a failed prepare) and has each row read into a new item of the
 * list. On error the list is freed. */
static bool read_all(struct results *r, sqlite3_stmt *s, struct list *l, void (*fn)(sqlite3_stmt *, void *),
                     const char *what, struct err *e)
{
    int code = SQLITE_ERROR;
    if (s) {
        while ((code = sqlite3_step(s)) == SQLITE_ROW)
            fn(s, list_add(l));
        if (code != SQLITE_DONE)
            store_fail(r, e, what);
    }
    sqlite3_finalize(s);
    if (code == SQLITE_DONE)
        return true;
    free(l->p);
    *l = (struct list){.size = l->size};
    return false;
}

/* --- inputs, factors ----------------------------------------------------------------------------------- */

bool results_input(struct results *r, const char *role, struct buf *path, struct buf *bytes, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r, "SELECT path, bytes, sha256 FROM input WHERE role = ?1", e);
    if (!s)
        return false;
    store_bind_text(s, 1, role);
    int code = sqlite3_step(s);
    bool ok = false;
    if (code == SQLITE_DONE) {
        err_set(e, ERR_INPUT, "results `%s`: no input file with the role `%s`", r->path, role);
    } else if (code != SQLITE_ROW) {
        store_fail(r, e, "input");
    } else {
        const void *blob = sqlite3_column_blob(s, 1);
        size_t n = (size_t)sqlite3_column_bytes(s, 1);
        char digest[65];
        sha256_hex(blob, n, digest);
        ok = strcmp(digest, word_at(s, 2)) == 0;
        if (ok) {
            buf_str(path, word_at(s, 0));
            if (n)
                buf_add(bytes, blob, n);
        } else {
            err_set(e, ERR_INPUT, "results `%s`: the input file `%s` is damaged (SHA-256)", r->path,
                    word_at(s, 0));
        }
    }
    sqlite3_finalize(s);
    return ok;
}

static void factor_row(sqlite3_stmt *s, void *item)
{
    struct results_factor *f = item;
    text_at(s, 0, f->name, sizeof f->name);
    f->dim = store_dim_from_name(word_at(s, 1));
}

int results_factors(struct results *r, struct results_factor *out, int max)
{
    struct list l = {.size = sizeof *out};
    read_all(r, store_prepare(r, "SELECT name, dim FROM factor ORDER BY factor", NULL), &l, factor_row,
             "factors", NULL);
    int n = l.n < max ? l.n : max;
    if (out && n > 0)
        memcpy(out, l.p, (size_t)n * sizeof *out);
    free(l.p);
    return l.n;
}

/* --- sites --------------------------------------------------------------------------------------------- */

static void site_row(sqlite3_stmt *s, void *item)
{
    struct results_site *site = item;
    site->site = sqlite3_column_int(s, 0);
    site->order = sqlite3_column_int(s, 1);
    site->x = number_at(s, 2);
    site->y = number_at(s, 3);
    text_at(s, 4, site->region, sizeof site->region);
    site->block = sqlite3_column_int(s, 5);
    site->spare = sqlite3_column_int(s, 6);
    site->outcome = outcome_from_name(word_at(s, 7));
    text_at(s, 8, site->reason, sizeof site->reason);
    site->touched = touched_from_name(word_at(s, 9));
    site->attempts = sqlite3_column_int(s, 10);
    site->last_attempt = sqlite3_column_int64(s, 11);
    site->contact_z = number_at(s, 12);
    site->start_s = number_at(s, 13);
    text_at(s, 14, site->start_utc, sizeof site->start_utc);
    text_at(s, 15, site->flags, sizeof site->flags);
    site->replaces = sqlite3_column_int(s, 16);
    site->role = site_role_from_name(word_at(s, 17));
    text_at(s, 18, site->fault, sizeof site->fault);
}

struct level {
    char *text;
    double si;
};

static void level_row(sqlite3_stmt *s, void *item)
{
    struct level *l = item;
    l->text = xstrdup(word_at(s, 0));
    l->si = number_at(s, 1);
}

static void free_levels(struct list *l)
{
    for (int i = 0; i < l->n; i++)
        free(((struct level *)(void *)l->p)[i].text);
    free(l->p);
}

/* Levels in the order of the sites, a full matrix: a missing one reads as "" and NAN. */
static bool read_levels(struct results *r, struct results_sites *out, struct err *e)
{
    struct list l = {.size = sizeof(struct level)};
    if (!read_all(r,
                  store_prepare(r,
                                "SELECT l.text, l.si FROM site AS s JOIN factor AS f LEFT JOIN level AS l "
                                "ON l.site = s.site AND l.factor = f.factor ORDER BY s.visit, f.factor",
                                e),
                  &l, level_row, "levels", e))
        return false;
    if (l.n != out->n * out->n_factors) {
        free_levels(&l);
        return err_set(e, ERR_INTERNAL, "results `%s`: %d levels for %d sites", r->path, l.n, out->n);
    }
    struct level *level = (struct level *)(void *)l.p;
    out->level = xcalloc((size_t)l.n + 1, sizeof *out->level);
    out->level_si = xcalloc((size_t)l.n + 1, sizeof *out->level_si);
    for (int i = 0; i < l.n; i++) {
        out->level[i] = level[i].text;
        out->level_si[i] = level[i].si;
    }
    free(l.p);
    return true;
}

#define SITES_SQL(role, fault)                                                                               \
    "SELECT site, visit, x, y, region, block, spare, outcome, reason, touched, attempts, last_attempt, "     \
    "contact_z, start_s, start_utc, flags, replaces, " role ", " fault " FROM sites ORDER BY visit"

static bool read_sites(struct results *r, struct results_sites *out, struct err *e)
{
    struct list l = {.size = sizeof(struct results_site)};
    static const char *const sql[] = {SITES_SQL("iif(spare, 'spare', 'measured')", "''"),
                                      SITES_SQL("role", "''"), SITES_SQL("role", "fault")};
    if (!read_all(r, store_prepare(r, sql[r->version - 1], e), &l, site_row, "sites", e))
        return false;
    out->site = (struct results_site *)(void *)l.p;
    out->n = l.n;
    out->n_factors = results_factors(r, NULL, 0);
    return read_levels(r, out, e);
}

/* One read transaction, so that both tables are of one instant. Inside a writer's own transaction there is
 * one. */
bool results_sites(struct results *r, struct results_sites *out, struct err *e)
{
    bool own = sqlite3_get_autocommit(r->db);
    struct results_sites found = {0};
    if (own && !store_exec(r, "BEGIN", e))
        return false;
    bool ok = read_sites(r, &found, e);
    if (own)
        store_exec(r, "ROLLBACK", NULL);
    if (ok)
        *out = found;
    else
        results_sites_free(&found);
    return ok;
}

void results_sites_free(struct results_sites *s)
{
    for (int i = 0; s->level && i < s->n * s->n_factors; i++)
        free(s->level[i]);
    free(s->level);
    free(s->level_si);
    free(s->site);
    *s = (struct results_sites){0};
}

/* --- attempts, steps, rows ----------------------------------------------------------------------------- */

static void attempt_row(sqlite3_stmt *s, void *item)
{
    struct results_attempt *a = item;
    a->id = sqlite3_column_int64(s, 0);
    a->site = sqlite3_column_int(s, 1);
    a->number = sqlite3_column_int(s, 2);
    a->outcome = outcome_from_name(word_at(s, 3));
    text_at(s, 4, a->reason, sizeof a->reason);
    a->touched = touched_from_name(word_at(s, 5));
    text_at(s, 6, a->last_step, sizeof a->last_step);
    a->last_cycle = sqlite3_column_int(s, 7);
    double *const number[] = {&a->x,
                              &a->y,
                              &a->contact_z,
                              &a->contact_current,
                              &a->contact_charge,
                              &a->break_distance,
                              &a->blank_capacitance,
                              &a->blank_capacitance_sd,
                              &a->blank_conductance,
                              &a->blank_conductance_sd,
                              &a->blank_offset,
                              &a->blank_offset_sd,
                              &a->noise_rms,
                              &a->blank_bias,
                              &a->start_s,
                              &a->end_s,
                              &a->contact_capacitance,
                              &a->contact_capacitance_sd,
                              &a->rest_capacitance,
                              &a->rest_capacitance_sd};
    int n = (int)(sizeof number / sizeof number[0]);
    for (int i = 0; i < n; i++)
        *number[i] = number_at(s, 8 + i);
    text_at(s, 8 + n, a->flags, sizeof a->flags);
    text_at(s, 9 + n, a->fault, sizeof a->fault);
}

#define ATTEMPTS_SQL(fault)                                                                                  \
    "SELECT attempt, site, number, outcome, reason, touched, last_step, last_cycle, x, y, contact_z, "       \
    "contact_current, contact_charge, break_distance, blank_capacitance, blank_capacitance_sd, "             \
    "blank_conductance, blank_conductance_sd, blank_offset, blank_offset_sd, noise_rms, blank_bias, "        \
    "start_s, "                                                                                              \
    "end_s, contact_capacitance, contact_capacitance_sd, rest_capacitance, rest_capacitance_sd, "            \
    "flags, " fault " "                                                                                      \
    "FROM attempt WHERE site = ?1 ORDER BY number, attempt"

int results_attempts_all(struct results *r, int site, struct results_attempt **out, struct err *e)
{
    struct list l = {.size = sizeof **out};
    sqlite3_stmt *s = store_prepare(r, r->version < 3 ? ATTEMPTS_SQL("''") : ATTEMPTS_SQL("fault"), e);
    *out = NULL;
    if (s)
        sqlite3_bind_int(s, 1, site);
    if (!read_all(r, s, &l, attempt_row, "attempts", e))
        return -1;
    *out = (void *)l.p;
    return l.n;
}

int results_attempts(struct results *r, int site, struct results_attempt *out, int max, struct err *e)
{
    struct results_attempt *all;
    int count = results_attempts_all(r, site, &all, e), n = count < max ? count : max;
    if (out && n > 0)
        memcpy(out, all, (size_t)n * sizeof *out);
    free(all);
    return count;
}

static void step_row(sqlite3_stmt *s, void *item)
{
    struct results_step *step = item;
    step->id = sqlite3_column_int64(s, 0);
    step->attempt = sqlite3_column_int64(s, 1);
    step->site = sqlite3_column_int(s, 2);
    step->index = sqlite3_column_int(s, 3);
    text_at(s, 4, step->phase, sizeof step->phase);
    text_at(s, 5, step->name, sizeof step->name);
    text_at(s, 6, step->kind, sizeof step->kind);
    text_at(s, 7, step->ended_by, sizeof step->ended_by);
    step->gap_before = number_at(s, 8);
    text_at(s, 9, step->gap_state, sizeof step->gap_state);
    text_at(s, 10, step->settings, sizeof step->settings);
    step->samples = sqlite3_column_int64(s, 11);
}

bool results_steps(struct results *r, int64_t attempt, struct results_step **out, int *n, struct err *e)
{
    struct list l = {.size = sizeof **out};
    sqlite3_stmt *s =
        store_prepare(r,
                      "SELECT step, attempt, site, idx, phase, name, kind, ended_by, gap_before, gap_state, "
                      "settings, (SELECT coalesce(sum(w.n), 0) FROM waveform AS w WHERE w.step = step.step) "
                      "FROM step WHERE attempt = ?1 ORDER BY idx, step",
                      e);
    if (s)
        sqlite3_bind_int64(s, 1, attempt);
    if (!read_all(r, s, &l, step_row, "steps", e))
        return false;
    *out = (struct results_step *)(void *)l.p;
    *n = l.n;
    return true;
}

/* Adds the chunk of the current row of `s` behind the n rows that are there. */
static bool add_chunk(sqlite3_stmt *s, int expected, struct wave_row **rows, int *n, struct err *e)
{
    int seq = sqlite3_column_int(s, 0), count = sqlite3_column_int(s, 1);
    if (seq != expected)
        return err_set(e, ERR_INPUT, "waveform: chunk %d is missing", expected);
    if (count < 0 || count > WAVEFORM_CHUNK || count > INT_MAX - *n)
        return err_set(e, ERR_INPUT, "waveform: chunk %d has %d rows", seq, count);
    const void *blob = sqlite3_column_blob(s, 2);
    size_t size = (size_t)sqlite3_column_bytes(s, 2);
    *rows = xrealloc(*rows, ((size_t)*n + (size_t)count + 1) * sizeof **rows);
    if (!waveform_unpack(blob, size, *rows + *n, count, e))
        return err_context(e, "chunk %d", seq);
    *n += count;
    return true;
}

bool results_rows(struct results *r, int64_t step, struct wave_row **rows, int *n, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r, "SELECT seq, n, blob FROM waveform WHERE step = ?1 ORDER BY seq", e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, step);
    struct wave_row *found = NULL;
    int count = 0, code;
    bool ok = true;
    for (int chunk = 0; ok && (code = sqlite3_step(s)) != SQLITE_DONE; chunk++) {
        if (code == SQLITE_ROW)
            ok = add_chunk(s, chunk, &found, &count, e) ||
                 err_context(e, "results `%s`: step %" PRId64, r->path, step);
        else
            ok = store_fail(r, e, "waveform");
    }
    sqlite3_finalize(s);
    if (!ok) {
        free(found);
        return false;
    }
    *rows = found;
    *n = count;
    return true;
}

/* --- features, events ---------------------------------------------------------------------------------- */

static void feature_row(sqlite3_stmt *s, void *item)
{
    struct results_feature *f = item;
    f->site = sqlite3_column_int(s, 0);
    f->attempt = sqlite3_column_int64(s, 1);
    f->step = sqlite3_column_int64(s, 2);
    f->step_name = intern(word_at(s, 3));
    f->cycle = sqlite3_column_int(s, 4);
    f->name = intern(word_at(s, 5));
    f->value = number_at(s, 6);
    f->uncertainty = number_at(s, 7);
    f->unit = intern(word_at(s, 8));
    f->method = intern(word_at(s, 9));
    f->missing = intern(word_at(s, 10));
}

bool results_features(struct results *r, struct results_feature **out, int *n, struct err *e)
{
    struct list l = {.size = sizeof **out};
    if (!read_all(r,
                  store_prepare(
                      r,
                      "SELECT site, attempt, step, step_name, cycle, name, value, uncertainty, unit, method, "
                      "missing FROM feature ORDER BY rowid",
                      e),
                  &l, feature_row, "features", e))
        return false;
    *out = (struct results_feature *)(void *)l.p;
    *n = l.n;
    return true;
}

static void event_row(sqlite3_stmt *s, void *item)
{
    struct results_event *ev = item;
    ev->t_s = number_at(s, 0);
    text_at(s, 1, ev->utc, sizeof ev->utc);
    ev->site = sqlite3_column_int(s, 2);
    ev->attempt = sqlite3_column_int64(s, 3);
    text_at(s, 4, ev->kind, sizeof ev->kind);
    text_at(s, 5, ev->text, sizeof ev->text);
}

bool results_events(struct results *r, struct results_event **out, int *n, struct err *e)
{
    struct list l = {.size = sizeof **out};
    if (!read_all(r,
                  store_prepare(r, "SELECT t_s, utc, site, attempt, kind, text FROM event ORDER BY event", e),
                  &l, event_row, "events", e))
        return false;
    *out = (struct results_event *)(void *)l.p;
    *n = l.n;
    return true;
}
