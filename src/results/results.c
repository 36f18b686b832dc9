/* Creating, opening and closing a results file.
 *
 * A new file is built complete under a temporary name and then given its own, so that a results file either
 * holds its whole plan or does not exist. While it is written it is in WAL mode (FILE-wal and FILE-shm beside
 * it, and FILE-lock, see place.h); a clean close brings it back to one file in SQLite's rollback format,
 * which can be read from read-only media too. */
#include "results/results.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clocale.h"
#include "base/log.h"
#include "results/schema_sql.h"
#include "results/store.h"

#define BUSY_READ_MS  10000
#define BUSY_WRITE_MS 10000
#define BUSY_CLOSE_MS 1000

/* --- SQLite in our words ------------------------------------------------------------------------------- */

static enum err_code code_of(int sqlite)
{
    switch (sqlite & 0xff) {
    case SQLITE_FULL:
        return ERR_FULL;
    case SQLITE_NOMEM:
        return ERR_NOMEM;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_INPUT;
    case SQLITE_MISUSE:
    case SQLITE_CONSTRAINT:
    case SQLITE_ERROR:
        return ERR_INTERNAL;
    default:
        return ERR_IO;
    }
}

bool store_fail(struct results *r, struct err *e, const char *what)
{
    int code = sqlite3_extended_errcode(r->db);
    int number = sqlite3_system_errno(r->db);
    bool system = (code & 0xff) == SQLITE_IOERR || (code & 0xff) == SQLITE_CANTOPEN;
    if (system && number)
        return err_errno(e, code_of(code), number, "results `%s`: %s: %s (%d)", r->path, what,
                         sqlite3_errmsg(r->db), code);
    return err_set(e, code_of(code), "results `%s`: %s: %s", r->path, what, sqlite3_errmsg(r->db));
}

bool store_exec(struct results *r, const char *sql, struct err *e)
{
    return sqlite3_exec(r->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_fail(r, e, sql);
}

sqlite3_stmt *store_prepare(struct results *r, const char *sql, struct err *e)
{
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(r->db, sql, -1, &s, NULL) != SQLITE_OK)
        store_fail(r, e, sql);
    return s;
}

void store_bind_text(sqlite3_stmt *s, int i, const char *text)
{
    sqlite3_bind_text(s, i, text ? text : "", -1, SQLITE_STATIC);
}

bool store_run(struct results *r, sqlite3_stmt *s, const char *what, struct err *e)
{
    bool ok = sqlite3_step(s) == SQLITE_DONE || store_fail(r, e, what);
    sqlite3_reset(s);
    return ok;
}

void store_finalize(struct results *r)
{
    for (int i = 0; i < ST_COUNT; i++) {
        sqlite3_finalize(r->statement[i]);
        r->statement[i] = NULL;
    }
}

/* First column of the first row as an integer; -1 without one. */
static bool query_int(struct results *r, const char *sql, int *out, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r, sql, e);
    if (!s)
        return false;
    int code = sqlite3_step(s);
    bool ok = code == SQLITE_ROW || code == SQLITE_DONE || store_fail(r, e, sql);
    if (ok)
        *out = code == SQLITE_ROW ? sqlite3_column_int(s, 0) : -1;
    sqlite3_finalize(s);
    return ok;
}

/* --- the handle ---------------------------------------------------------------------------------------- */

static struct results *handle_new(const char *path)
{
    struct results *r = xcalloc(1, sizeof *r);
    r->path = place_resolve(path);
    r->node = -1;
    return r;
}

/* Frees without asking anything of the file. The lock is given up last. */
static void handle_free(struct results *r)
{
    store_finalize(r);
    sqlite3_close(r->db);
    if (r->node >= 0)
        close(r->node);
    place_unlock(&r->lock);
    free(r->path);
    free(r);
}

static bool handle_open(struct results *r, const char *name, int flags, struct err *e)
{
    int code = sqlite3_open_v2(name, &r->db, flags, NULL);
    if (!r->db)
        return err_set(e, ERR_NOMEM, "results `%s`: out of memory", r->path);
    sqlite3_extended_result_codes(r->db, 1);
    return code == SQLITE_OK || store_fail(r, e, "open");
}

/* Is it a results file that this program can read? */
static bool check_ours(struct results *r, struct err *e)
{
    int id, version;
    if (!query_int(r, "PRAGMA application_id", &id, e))
        return false;
    if (!query_int(r, "PRAGMA user_version", &version, e))
        return false;
    if (id != RESULTS_APPLICATION_ID)
        return err_set(e, ERR_INPUT, "`%s` is not a results file of seccm", r->path);
    if (version < 1 || version > RESULTS_SCHEMA_VERSION)
        return err_set(e, ERR_INPUT,
                       "`%s` was written by another version of seccm (schema %d, this program knows %d)",
                       r->path, version, RESULTS_SCHEMA_VERSION);
    r->version = version;
    return true;
}

static bool is_file(const char *path, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_errno(e, ERR_INPUT, errno, "results `%s`", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "results `%s`: not a file", path);
    if (st.st_size == 0)
        return err_set(e, ERR_INPUT, "`%s` is not a results file of seccm (it is empty)", path);
    return true;
}

static int count_wal_pages(void *ctx, sqlite3 *db, const char *name, int pages)
{
    struct results *r = ctx;
    (void)db;
    (void)name;
    r->wal_pages = pages;
    return SQLITE_OK;
}

/* The answer comes before the change is committed, so the end of the statement counts too. */
static bool set_wal_mode(struct results *r, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r, "PRAGMA journal_mode = WAL", e);
    if (!s)
        return false;
    bool ok = sqlite3_step(s) == SQLITE_ROW;
    bool wal = ok && strcmp((const char *)sqlite3_column_text(s, 0), "wal") == 0;
    if (sqlite3_finalize(s) != SQLITE_OK)
        return store_fail(r, e, "WAL mode");
    return wal || err_set(e, ERR_IO, "results `%s`: the file system has no shared memory for a WAL", r->path);
}

/* Turns the handle, whose lock is held, into the one writer of an existing file. */
static bool open_writer(struct results *r, struct err *e)
{
    if (!handle_open(r, r->path, SQLITE_OPEN_READWRITE, e))
        return false;
    sqlite3_busy_timeout(r->db, BUSY_WRITE_MS);
    if (!check_ours(r, e) || !set_wal_mode(r, e) ||
        !store_exec(r, "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0", e))
        return false;
    sqlite3_wal_hook(r->db, count_wal_pages, r);
    r->node = place_node(r->path, e);
    r->writable = r->node >= 0;
    return r->writable;
}

/* --- create -------------------------------------------------------------------------------------------- */

/* Nothing may lie where the file goes. A WAL left over from another file would be taken for the new one's. */
static bool check_free_name(const char *path, struct err *e)
{
    static const char *const suffix[] = {"", "-wal", "-journal"};
    for (int i = 0; i < 3; i++) {
        struct buf name = {0};
        struct stat st;
        buf_printf(&name, "%s%s", path, suffix[i]);
        bool taken = lstat(name.p, &st) == 0;
        if (taken && i == 0)
            err_set(e, ERR_USAGE, "results `%s` exist already: choose another name, or `seccm resume`", path);
        else if (taken)
            err_set(e, ERR_IO, "`%s` is left over from another results file: move it away", name.p);
        buf_free(&name);
        if (taken)
            return false;
    }
    return true;
}

/* Writes the complete file under a name of its own. The pages go to disk in one go; a journal would only
 * protect a file that is removed on any error. */
static bool build(const char *temporary, const struct results_plan *plan, struct err *e)
{
    struct results *r = handle_new(temporary);
    struct buf head = {0};
    buf_printf(&head,
               "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL; "
               "PRAGMA application_id = %d; PRAGMA user_version = %d; BEGIN",
               RESULTS_APPLICATION_ID, RESULTS_SCHEMA_VERSION);
    bool ok = handle_open(r, temporary, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, e) &&
              store_exec(r, head.p, e) && store_plan(r, plan, e) && store_exec(r, "COMMIT", e);
    buf_free(&head);
    handle_free(r);
    return ok;
}

/* *named: the file has its name, and is ours to remove. */
static bool give_name(const char *temporary, const char *path, bool *named, struct err *e)
{
    *named = renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0;
    if (!*named && (errno == EINVAL || errno == ENOSYS)) {
        /* Not every file system can refuse to replace; the name was free under our lock a moment ago. */
        if (!check_free_name(path, e))
            return false;
        *named = rename(temporary, path) == 0;
    }
    if (!*named)
        return err_errno(e, ERR_IO, errno, "results `%s`", path);
    return place_sync_folder(path, e);
}

static void remove_all(const char *path)
{
    static const char *const suffix[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < sizeof suffix / sizeof suffix[0]; i++) {
        struct buf name = {0};
        buf_printf(&name, "%s%s", path, suffix[i]);
        unlink(name.p);
        buf_free(&name);
    }
}

struct results *results_create(const char *path, const struct results_plan *plan, uint64_t need_bytes,
                               struct err *e)
{
    if (!place_check(path, need_bytes, e))
        return NULL;
    struct results *r = handle_new(path);
    struct buf temporary = {0};
    bool named = false;
    buf_printf(&temporary, "%s-new", path);
    bool ok = place_lock(path, &r->lock, e) && check_free_name(path, e);
    if (ok) {
        remove_all(temporary.p); /* of a process that was killed here: the name is ours under the lock */
        ok = build(temporary.p, plan, e) && give_name(temporary.p, path, &named, e) && open_writer(r, e);
        if (!ok) {
            sqlite3_close(r->db);
            r->db = NULL;
            remove_all(temporary.p);
            if (named)
                remove_all(path);
        }
    }
    buf_free(&temporary);
    if (ok)
        return r;
    handle_free(r);
    return NULL;
}

/* --- open ---------------------------------------------------------------------------------------------- */

struct results *results_open_write(const char *path, struct err *e)
{
    struct results *r = handle_new(path);
    if (is_file(path, e) && place_check(path, 0, e) && place_lock(path, &r->lock, e) && open_writer(r, e))
        return r;
    handle_free(r);
    return NULL;
}

/* A URI that tells SQLite that nobody can change the file. */
static void immutable_uri(const char *path, struct buf *uri)
{
    buf_str(uri, "file:");
    for (const char *p = path; *p; p++)
        if (strchr("/._-~", *p) || (*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') ||
            (*p >= 'A' && *p <= 'Z'))
            buf_char(uri, *p);
        else
            buf_printf(uri, "%%%02X", (unsigned char)*p);
    buf_str(uri, "?immutable=1");
}

static bool wal_is_empty(const char *path)
{
    struct buf name = {0};
    struct stat st;
    buf_printf(&name, "%s-wal", path);
    bool empty = stat(name.p, &st) != 0 ? errno == ENOENT : st.st_size == 0;
    buf_free(&name);
    return empty;
}

/* A file in WAL mode in a folder where no WAL can be made: what is in the file is all there is, or a WAL
 * that nobody may recover here. */
static bool open_immutable(struct results *r, struct err *e)
{
    struct err first = *e;
    if (!wal_is_empty(r->path))
        return err_context(
            e,
            "the run did not end cleanly and its folder can not be written: copy `%s` and `%s-wal`"
            " elsewhere and read them there",
            r->path, r->path);
    struct buf uri = {0};
    sqlite3_close(r->db);
    r->db = NULL;
    immutable_uri(r->path, &uri);
    bool ok = handle_open(r, uri.p, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, e) && check_ours(r, e);
    buf_free(&uri);
    if (!ok && e->code == ERR_IO)
        *e = first;
    return ok;
}

struct results *results_open(const char *path, struct err *e)
{
    struct err here = ERR_INIT;
    if (!e)
        e = &here;
    if (!is_file(path, e))
        return NULL;
    struct results *r = handle_new(path);
    /* Read-write, so that a reader can recover the WAL of a killed run and the last one to leave tidies up;
     * SQLite falls back to read-only by itself. query_only keeps the contents safe from us. */
    bool ok = handle_open(r, path, SQLITE_OPEN_READWRITE, e);
    if (ok) {
        sqlite3_busy_timeout(r->db, BUSY_READ_MS);
        ok = check_ours(r, e);
        int code = sqlite3_extended_errcode(r->db) & 0xff;
        if (!ok && e->code == ERR_IO && (code == SQLITE_CANTOPEN || code == SQLITE_READONLY))
            ok = open_immutable(r, e);
    }
    if (ok && store_exec(r, "PRAGMA query_only = 1", e))
        return r;
    handle_free(r);
    return NULL;
}

/* --- a file whose name is taken away ------------------------------------------------------------------- */

bool store_in_place(struct results *r, struct err *e)
{
    if (r->astray)
        return true;
    enum place_found found = place_find(r->node, r->path);
    r->astray = found != PLACE_HERE;
    return !r->astray || err_set(e, ERR_IO, "results `%s`: the file was %s while the run writes it", r->path,
                                 found == PLACE_DELETED ? "deleted" : "moved away");
}

/* What SQLite leaves beside the old name unless another file has that name now. */
static void remove_remains(const char *path)
{
    struct stat st;
    if (lstat(path, &st) != 0 && errno == ENOENT)
        remove_all(path);
}

/* All that the deleted file holds goes into a new one, under the old name if nobody has taken it. */
static bool copy_deleted(struct results *r, struct err *e)
{
    struct buf name = {0};
    struct stat st;
    remove_remains(r->path);
    buf_printf(&name, "%s%s", r->path, lstat(r->path, &st) == 0 ? "-rescued" : "");
    sqlite3_stmt *s = store_prepare(r, "VACUUM INTO ?1", e);
    bool ok = s;
    if (ok) {
        store_bind_text(s, 1, name.p);
        ok = store_run(r, s, "copy of the deleted file", e);
        sqlite3_finalize(s);
    }
    if (ok)
        log_line(LOG_WARNING, "results `%s` were deleted while they were written: everything is in `%s`",
                 r->path, name.p);
    buf_free(&name);
    return ok;
}

/* The open file still takes everything: the WAL's name is not sought beside its new one. */
static bool bring_home(struct results *r, struct err *e)
{
    struct buf name = {0};
    if (place_find(r->node, r->path) == PLACE_DELETED)
        return copy_deleted(r, e);
    int code = sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    bool ok = code == SQLITE_OK || store_fail(r, e, "checkpoint");
    place_name(r->node, &name);
    if (ok)
        log_line(LOG_WARNING, "results `%s` were moved while they were written: everything is in `%s`",
                 r->path, name.p);
    buf_free(&name);
    if (ok)
        remove_remains(r->path);
    return ok;
}

/* --- close --------------------------------------------------------------------------------------------- */

/* Everything into the one file. Readers that hold on keep the WAL beside it (the last one removes it): no
 * error. */
static bool tidy(struct results *r, struct err *e)
{
    sqlite3_busy_timeout(r->db, BUSY_CLOSE_MS);
    int code = sqlite3_wal_checkpoint_v2(r->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (code == SQLITE_BUSY)
        return true;
    if (code != SQLITE_OK)
        return store_fail(r, e, "checkpoint");
    sqlite3_exec(r->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    return true;
}

bool results_close(struct results *r, struct err *e)
{
    if (!r)
        return true;
    bool ok = true;
    store_finalize(r);
    if (r->writable && !r->damaged)
        ok = store_in_place(r, e);
    if (r->damaged)
        sqlite3_db_config(r->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    else if (r->astray)
        ok = bring_home(r, ok ? e : NULL) && ok;
    else if (r->writable)
        ok = tidy(r, e);
    handle_free(r);
    return ok;
}

/* --- small questions ----------------------------------------------------------------------------------- */

const char *results_path(const struct results *r)
{
    return r->path;
}

char *results_info(struct results *r, const char *key)
{
    char *text = NULL;
    sqlite3_stmt *s = store_prepare(r, "SELECT value FROM run WHERE key = ?1", NULL);
    if (s) {
        store_bind_text(s, 1, key);
        if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) != SQLITE_NULL)
            text = xstrdup((const char *)sqlite3_column_text(s, 0));
    }
    sqlite3_finalize(s);
    return text ? text : xstrdup("");
}

bool results_info_double(struct results *r, const char *key, double *out)
{
    char *text = results_info(r, key), *end;
    double value = c_strtod(text, &end);
    bool ok = end != text && *end == '\0' && isfinite(value);
    if (ok)
        *out = value;
    free(text);
    return ok;
}

bool results_info_each(struct results *r, void (*fn)(void *ctx, const char *key, const char *value),
                       void *ctx, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r, "SELECT key, coalesce(value, '') FROM run ORDER BY key", e);
    int code = SQLITE_ERROR;
    if (s)
        while ((code = sqlite3_step(s)) == SQLITE_ROW)
            fn(ctx, (const char *)sqlite3_column_text(s, 0), (const char *)sqlite3_column_text(s, 1));
    bool ok = code == SQLITE_DONE || (s && store_fail(r, e, "run"));
    sqlite3_finalize(s);
    return ok;
}
