/* The queue's file. */
#include "cli/agenda.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/state_folder.h"
#include "results/place.h"

#define APPLICATION_ID 0x53435155 /* "SCQU" */
#define VERSION        1
#define BUSY_MS        10000
#define BYTES_NEEDED   1000000 /* more than a queue ever has */

struct agenda {
    sqlite3 *db;
    char *path;
};

static const char schema[] =
    "CREATE TABLE entry (\n"
    "  -- One row per protocol to run; times are seconds since 1970-01-01T00:00Z, NULL = not yet or none.\n"
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
    "  position INTEGER NOT NULL, -- order of work\n"
    "  protocol TEXT NOT NULL,    -- absolute path\n"
    "  output TEXT NOT NULL,      -- absolute path of the results file\n"
    "  rig TEXT, stage TEXT, potentiostat TEXT, -- in place of the protocol's rig and the rig's links\n"
    "  seed INTEGER,\n"
    "  sim_seed INTEGER NOT NULL,\n"
    "  include_outside INTEGER NOT NULL,\n"
    "  not_before TEXT, not_after TEXT, -- as written; two times of day are a window of every day\n"
    "  after_failure TEXT NOT NULL, -- stop, continue, retry\n"
    "  seconds REAL NOT NULL, uncertainty REAL NOT NULL, sites INTEGER NOT NULL, -- planned\n"
    "  added REAL NOT NULL,\n"
    "  started REAL, ended REAL,\n"
    "  rest_until REAL,           -- not begun before\n"
    "  state TEXT NOT NULL DEFAULT 'queued', -- queued, running, done, failed, skipped, removed\n"
    "  reason TEXT NOT NULL DEFAULT '',\n"
    "  made INTEGER NOT NULL DEFAULT 0, -- 1: the results file was there; it is resumed, never begun again\n"
    "  tries INTEGER NOT NULL DEFAULT 0, -- processes started\n"
    "  retries INTEGER NOT NULL DEFAULT 0, -- of these, by the policy\n"
    "  status INTEGER NOT NULL DEFAULT -1, -- exit status of the newest, -1 = none\n"
    "  process INTEGER NOT NULL DEFAULT 0\n"
    ");\n"
    "CREATE TABLE input (\n"
    "  -- The files that the plan was made from, as they were when the entry was added.\n"
    "  entry INTEGER NOT NULL REFERENCES entry,\n"
    "  role TEXT NOT NULL,\n"
    "  path TEXT NOT NULL,\n"
    "  sha256 TEXT NOT NULL,\n"
    "  PRIMARY KEY (entry, role, path)\n"
    ") WITHOUT ROWID;\n";

const char *agenda_state_name(enum agenda_state s)
{
    static const char *const names[] = {
#define X(id, name) name,
        AGENDA_STATES(X)
#undef X
    };
    return names[s];
}

const char *agenda_after_name(enum agenda_after a)
{
    static const char *const names[] = {"stop", "continue", "retry"};
    return names[a];
}

/* --- SQLite in our words ------------------------------------------------------------------------------- */

static bool fail(const struct agenda *a, struct err *e)
{
    int code = sqlite3_errcode(a->db) & 0xff;
    enum err_code c = code == SQLITE_FULL      ? ERR_FULL
                      : code == SQLITE_NOTADB  ? ERR_INPUT
                      : code == SQLITE_CORRUPT ? ERR_INPUT
                                               : ERR_IO;
    return err_set(e, c, "queue `%s`: %s", a->path, sqlite3_errmsg(a->db));
}

static bool exec(struct agenda *a, const char *sql, struct err *e)
{
    return sqlite3_exec(a->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(a, e);
}

static sqlite3_stmt *prepare(struct agenda *a, const char *sql, struct err *e)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(a->db, sql, -1, &s, NULL) != SQLITE_OK)
        fail(a, e);
    return s;
}

/* Runs and finalizes a statement without rows; *changes (may be NULL): rows that it changed. */
static bool finish(struct agenda *a, sqlite3_stmt *s, int *changes, struct err *e)
{
    bool ok = s && (sqlite3_step(s) == SQLITE_DONE || fail(a, e));
    if (ok && changes)
        *changes = sqlite3_changes(a->db);
    sqlite3_finalize(s);
    return ok;
}

static bool ask_int(struct agenda *a, const char *sql, int *out, struct err *e)
{
    sqlite3_stmt *s = prepare(a, sql, e);
    bool ok = s && (sqlite3_step(s) == SQLITE_ROW || fail(a, e));
    if (ok)
        *out = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return ok;
}

static void bind_text(sqlite3_stmt *s, int i, const char *text)
{
    if (text)
        sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
}

/* NAN stays NULL. */
static void bind_time(sqlite3_stmt *s, int i, double t)
{
    if (!isnan(t))
        sqlite3_bind_double(s, i, t);
}

/* --- opening ------------------------------------------------------------------------------------------- */

bool agenda_path(const char *named, struct buf *path, struct err *e)
{
    if (named)
        buf_str(path, named);
    else if (!state_folder(path, "the queue", e))
        return false;
    else
        buf_str(path, "/queue.sqlite");
    return true;
}

/* Folder of the queue's file, made if it is the user's state folder or below an existing one. */
static bool make_folder(const char *path, struct err *e)
{
    const char *slash = strrchr(path, '/');
    struct buf folder = {0};
    if (!slash || slash == path)
        return true;
    buf_add(&folder, path, (size_t)(slash - path));
    bool ok = state_folder_make(folder.p, e);
    buf_free(&folder);
    return ok;
}

/* An empty database becomes a queue; anything else must be one. */
static bool be_ours(struct agenda *a, struct err *e)
{
    int id, version, tables;
    struct buf sql = {0};
    if (!exec(a, "BEGIN IMMEDIATE", e))
        return false;
    bool ok = ask_int(a, "PRAGMA application_id", &id, e) && ask_int(a, "PRAGMA user_version", &version, e) &&
              ask_int(a, "SELECT count(*) FROM sqlite_master", &tables, e);
    if (ok && tables == 0 && id == 0) {
        buf_printf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d;", APPLICATION_ID, VERSION);
        ok = exec(a, sql.p, e) && exec(a, schema, e);
    } else if (ok && id != APPLICATION_ID) {
        ok = err_set(e, ERR_INPUT, "`%s` is not a queue of seccm", a->path);
    } else if (ok && version != VERSION) {
        ok = err_set(e, ERR_INPUT, "the queue `%s` was written by another version of seccm", a->path);
    }
    ok = ok && exec(a, "COMMIT", e);
    if (!ok)
        sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
    buf_free(&sql);
    return ok;
}

static bool open_file(struct agenda *a, bool make, struct err *e)
{
    if (!make && access(a->path, F_OK) != 0)
        return err_set(e, ERR_INPUT, "there is no queue `%s` yet: `seccm queue add` makes it", a->path);
    if (make && (!make_folder(a->path, e) || !place_check(a->path, BYTES_NEEDED, e)))
        return false;
    int flags = SQLITE_OPEN_READWRITE | (make ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(a->path, &a->db, flags, NULL) != SQLITE_OK)
        return a->db ? fail(a, e) : err_set(e, ERR_NOMEM, "queue");
    sqlite3_busy_timeout(a->db, BUSY_MS);
    /* EXTRA: the journal's removal, which is the commit, is durable too. */
    return exec(a, "PRAGMA synchronous = EXTRA; PRAGMA foreign_keys = ON", e) && be_ours(a, e);
}

struct agenda *agenda_open(const char *path, bool make, struct err *e)
{
    struct agenda *a = xcalloc(1, sizeof *a);
    a->path = xstrdup(path);
    if (open_file(a, make, e))
        return a;
    agenda_close(a);
    return NULL;
}

void agenda_close(struct agenda *a)
{
    if (!a)
        return;
    sqlite3_close(a->db);
    free(a->path);
    free(a);
}

const char *agenda_file(const struct agenda *a)
{
    return a->path;
}

/* --- adding -------------------------------------------------------------------------------------------- */

static bool output_is_free(struct agenda *a, const char *output, struct err *e)
{
    sqlite3_stmt *s =
        prepare(a, "SELECT id, state FROM entry WHERE output = ?1 AND state IN ('queued', 'running')", e);
    if (!s)
        return false;
    bind_text(s, 1, output);
    int code = sqlite3_step(s);
    bool ok = code == SQLITE_DONE;
    if (code == SQLITE_ROW)
        err_set(e, ERR_USAGE,
                "entry %lld of the queue (%s) has the results file %s already: name another with -o",
                (long long)sqlite3_column_int64(s, 0), (const char *)sqlite3_column_text(s, 1), output);
    else if (!ok)
        fail(a, e);
    sqlite3_finalize(s);
    return ok;
}

static bool insert_entry(struct agenda *a, struct agenda_entry *en, struct err *e)
{
    sqlite3_stmt *s = prepare(
        a,
        "INSERT INTO entry (position, protocol, output, rig, stage, potentiostat, seed, sim_seed, "
        "include_outside, not_before, not_after, after_failure, seconds, uncertainty, sites, added) "
        "VALUES ((SELECT coalesce(max(position), 0) + 1 FROM entry), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
        "?10, ?11, ?12, ?13, ?14, ?15)",
        e);
    if (!s)
        return false;
    const char *const text[] = {en->protocol, en->output, en->rig, en->stage, en->potentiostat};
    for (int k = 0; k < 5; k++)
        bind_text(s, k + 1, text[k]);
    if (en->has_seed)
        sqlite3_bind_int64(s, 6, en->seed);
    sqlite3_bind_int64(s, 7, en->sim_seed);
    sqlite3_bind_int(s, 8, en->include_outside);
    bind_text(s, 9, en->not_before);
    bind_text(s, 10, en->not_after);
    bind_text(s, 11, agenda_after_name(en->after));
    sqlite3_bind_double(s, 12, en->seconds);
    sqlite3_bind_double(s, 13, en->uncertainty);
    sqlite3_bind_int(s, 14, en->sites);
    sqlite3_bind_double(s, 15, en->added);
    if (!finish(a, s, NULL, e))
        return false;
    en->id = sqlite3_last_insert_rowid(a->db);
    return true;
}

static bool insert_inputs(struct agenda *a, int64_t id, const struct agenda_input *in, int n, struct err *e)
{
    for (int k = 0; k < n; k++) {
        sqlite3_stmt *s =
            prepare(a, "INSERT INTO input (entry, role, path, sha256) VALUES (?1, ?2, ?3, ?4)", e);
        if (!s)
            return false;
        sqlite3_bind_int64(s, 1, id);
        bind_text(s, 2, in[k].role);
        bind_text(s, 3, in[k].path);
        bind_text(s, 4, in[k].sha256);
        if (!finish(a, s, NULL, e))
            return false;
    }
    return true;
}

static bool commit(struct agenda *a, bool ok, struct err *e)
{
    ok = ok && exec(a, "COMMIT", e);
    if (!ok)
        sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
    return ok;
}

bool agenda_add(struct agenda *a, struct agenda_entry *en, struct err *e)
{
    if (!exec(a, "BEGIN IMMEDIATE", e))
        return false;
    return commit(a,
                  output_is_free(a, en->output, e) && insert_entry(a, en, e) &&
                      insert_inputs(a, en->id, en->input, en->n_inputs, e),
                  e);
}

/* --- reading ------------------------------------------------------------------------------------------- */

static char *text_at(sqlite3_stmt *s, int i)
{
    const unsigned char *text = sqlite3_column_text(s, i);
    return text ? xstrdup((const char *)text) : NULL;
}

static double time_at(sqlite3_stmt *s, int i)
{
    return sqlite3_column_type(s, i) == SQLITE_NULL ? NAN : sqlite3_column_double(s, i);
}

/* Index of a stored word; the first one for a word that this version does not know. */
static int word_at(sqlite3_stmt *s, int i, const char *name(int), int n)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    for (int k = 0; text && k < n; k++)
        if (!strcmp(text, name(k)))
            return k;
    return 0;
}

static const char *state_word(int k)
{
    return agenda_state_name((enum agenda_state)k);
}

static const char *after_word(int k)
{
    return agenda_after_name((enum agenda_after)k);
}

static void read_row(sqlite3_stmt *s, struct agenda_entry *en)
{
    *en = (struct agenda_entry){
        .id = sqlite3_column_int64(s, 0),
        .protocol = text_at(s, 1),
        .output = text_at(s, 2),
        .rig = text_at(s, 3),
        .stage = text_at(s, 4),
        .potentiostat = text_at(s, 5),
        .has_seed = sqlite3_column_type(s, 6) != SQLITE_NULL,
        .seed = sqlite3_column_int64(s, 6),
        .sim_seed = sqlite3_column_int64(s, 7),
        .include_outside = sqlite3_column_int(s, 8) != 0,
        .not_before = text_at(s, 9),
        .not_after = text_at(s, 10),
        .after = (enum agenda_after)word_at(s, 11, after_word, AGENDA_AFTER_COUNT),
        .seconds = sqlite3_column_double(s, 12),
        .uncertainty = sqlite3_column_double(s, 13),
        .sites = sqlite3_column_int(s, 14),
        .added = sqlite3_column_double(s, 15),
        .started = time_at(s, 16),
        .ended = time_at(s, 17),
        .rest_until = time_at(s, 18),
        .state = (enum agenda_state)word_at(s, 19, state_word, AGENDA_STATE_COUNT),
        .reason = text_at(s, 20),
        .made = sqlite3_column_int(s, 21) != 0,
        .tries = sqlite3_column_int(s, 22),
        .retries = sqlite3_column_int(s, 23),
        .status = sqlite3_column_int(s, 24),
        .process = sqlite3_column_int64(s, 25),
    };
}

static bool read_inputs(struct agenda *a, struct agenda_entry *en, struct err *e)
{
    int code;
    sqlite3_stmt *s = prepare(a, "SELECT role, path, sha256 FROM input WHERE entry = ?1 ORDER BY role", e);
    if (!s)
        return false;
    sqlite3_bind_int64(s, 1, en->id);
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        en->input = xrealloc(en->input, (size_t)(en->n_inputs + 1) * sizeof *en->input);
        struct agenda_input *in = &en->input[en->n_inputs++];
        *in = (struct agenda_input){.role = text_at(s, 0), .path = text_at(s, 1)};
        const char *digest = (const char *)sqlite3_column_text(s, 2);
        memcpy(in->sha256, digest, strnlen(digest, sizeof in->sha256 - 1));
    }
    bool ok = code == SQLITE_DONE || fail(a, e);
    sqlite3_finalize(s);
    return ok;
}

bool agenda_read(struct agenda *a, struct agenda_list *out, struct err *e)
{
    struct agenda_list l = {0};
    int code;
    sqlite3_stmt *s =
        prepare(a,
                "SELECT id, protocol, output, rig, stage, potentiostat, seed, sim_seed, "
                "include_outside, not_before, not_after, after_failure, seconds, uncertainty, "
                "sites, added, started, ended, rest_until, state, reason, made, tries, retries, "
                "status, process FROM entry ORDER BY position, id",
                e);
    if (!s)
        return false;
    while ((code = sqlite3_step(s)) == SQLITE_ROW) {
        l.entry = xrealloc(l.entry, (size_t)(l.n + 1) * sizeof *l.entry);
        read_row(s, &l.entry[l.n++]);
    }
    bool ok = code == SQLITE_DONE || fail(a, e);
    sqlite3_finalize(s);
    for (int k = 0; k < l.n && ok; k++)
        ok = read_inputs(a, &l.entry[k], e);
    if (ok)
        *out = l;
    else
        agenda_list_free(&l);
    return ok;
}

void agenda_list_free(struct agenda_list *l)
{
    for (int k = 0; k < l->n; k++) {
        struct agenda_entry *en = &l->entry[k];
        char *text[] = {en->protocol, en->output,     en->rig,       en->stage,
                        en->reason,   en->not_before, en->not_after, en->potentiostat};
        for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
            free(text[i]);
        for (int i = 0; i < en->n_inputs; i++) {
            free(en->input[i].role);
            free(en->input[i].path);
        }
        free(en->input);
    }
    free(l->entry);
    *l = (struct agenda_list){0};
}

/* --- changes of state ---------------------------------------------------------------------------------- */

/* A statement whose first parameter is the entry; the others are bound by the caller. */
static sqlite3_stmt *change(struct agenda *a, const char *sql, int64_t id, struct err *e)
{
    sqlite3_stmt *s = prepare(a, sql, e);
    if (s)
        sqlite3_bind_int64(s, 1, id);
    return s;
}

static bool changed_one(struct agenda *a, sqlite3_stmt *s, bool *changed, struct err *e)
{
    int n = 0;
    if (!finish(a, s, &n, e))
        return false;
    *changed = n == 1;
    return true;
}

bool agenda_begin(struct agenda *a, int64_t id, double now, bool *taken, struct err *e)
{
    sqlite3_stmt *s =
        change(a,
               "UPDATE entry SET state = 'running', reason = '', tries = tries + 1, status = -1, "
               "process = 0, started = coalesce(started, ?2), ended = NULL, rest_until = NULL "
               "WHERE id = ?1 AND state IN ('queued', 'running')",
               id, e);
    if (s)
        bind_time(s, 2, now);
    return changed_one(a, s, taken, e);
}

bool agenda_note_process(struct agenda *a, int64_t id, int64_t process, struct err *e)
{
    sqlite3_stmt *s = change(a, "UPDATE entry SET process = ?2 WHERE id = ?1", id, e);
    if (s)
        sqlite3_bind_int64(s, 2, process);
    return finish(a, s, NULL, e);
}

bool agenda_note_made(struct agenda *a, int64_t id, struct err *e)
{
    return finish(a, change(a, "UPDATE entry SET made = 1 WHERE id = ?1", id, e), NULL, e);
}

bool agenda_end(struct agenda *a, int64_t id, enum agenda_state to, const char *reason, int status,
                double now, struct err *e)
{
    sqlite3_stmt *s = change(a,
                             "UPDATE entry SET state = ?2, reason = ?3, status = ?4, ended = ?5, process = 0 "
                             "WHERE id = ?1 AND state IN ('queued', 'running')",
                             id, e);
    if (!s)
        return false;
    bind_text(s, 2, agenda_state_name(to));
    bind_text(s, 3, reason);
    sqlite3_bind_int(s, 4, status);
    bind_time(s, 5, now);
    return finish(a, s, NULL, e);
}

bool agenda_put_back(struct agenda *a, int64_t id, const struct agenda_return *r, struct err *e)
{
    sqlite3_stmt *s = change(
        a,
        "UPDATE entry SET state = 'queued', reason = ?2, status = ?3, rest_until = ?4, retries = retries + "
        "?5, "
        "process = 0, position = CASE WHEN ?6 THEN (SELECT max(position) + 1 FROM entry) ELSE position END "
        "WHERE id = ?1 AND state = 'running'",
        id, e);
    if (!s)
        return false;
    bind_text(s, 2, r->reason);
    sqlite3_bind_int(s, 3, r->status);
    bind_time(s, 4, r->rest_until);
    sqlite3_bind_int(s, 5, r->retry);
    sqlite3_bind_int(s, 6, r->last);
    return finish(a, s, NULL, e);
}

bool agenda_remove(struct agenda *a, int64_t id, bool stale, bool *changed, struct err *e)
{
    sqlite3_stmt *s =
        change(a,
               "UPDATE entry SET state = 'removed', process = 0 WHERE id = ?1 AND state <> 'removed' "
               "AND (?2 OR state <> 'running')",
               id, e);
    if (s)
        sqlite3_bind_int(s, 2, stale);
    return changed_one(a, s, changed, e);
}

bool agenda_again(struct agenda *a, int64_t id, bool *changed, struct err *e)
{
    return changed_one(
        a,
        change(a,
               "UPDATE entry SET state = 'queued', reason = 'put back by the operator', retries = 0, "
               "rest_until = NULL, ended = NULL WHERE id = ?1 AND state IN ('failed', 'skipped') AND "
               "NOT EXISTS (SELECT 1 FROM entry AS o WHERE o.output = entry.output AND "
               "o.state IN ('queued', 'running'))",
               id, e),
        changed, e);
}

/* --- locks --------------------------------------------------------------------------------------------- */

int agenda_lock(const struct agenda *a, enum agenda_lock which, bool *busy, struct err *e)
{
    struct buf path = {0};
    *busy = false;
    buf_printf(&path, "%s-%s", a->path, which == AGENDA_RUNNER ? "runner" : "work");
    int fd = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        err_errno(e, ERR_IO, errno, "lock file `%s`", path.p);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        *busy = errno == EWOULDBLOCK;
        err_errno(e, ERR_IO, errno, "lock file `%s`", path.p);
        close(fd);
        fd = -1;
    }
    buf_free(&path);
    return fd;
}
