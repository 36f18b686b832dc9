/* One transaction, so that a run which goes on under changed conditions has them on record, all or none. */
#include "results/amend.h"

#include <string.h>

#include "results/sha256.h"
#include "results/store.h"

static bool put_inputs(struct results *r, const struct results_amendment *a, struct err *e)
{
    sqlite3_stmt *s =
        store_prepare(r, "INSERT INTO input (role, path, sha256, bytes) VALUES (?1, ?2, ?3, ?4)", e);
    bool ok = s;
    for (int k = 0; ok && k < a->n_inputs; k++) {
        const struct results_input *in = &a->input[k];
        char digest[65];
        sha256_hex(in->bytes, in->n, digest);
        store_bind_text(s, 1, in->role);
        store_bind_text(s, 2, in->path);
        store_bind_text(s, 3, digest);
        sqlite3_bind_blob64(s, 4, in->n ? in->bytes : "", in->n, SQLITE_STATIC);
        ok = store_run(r, s, "input", e);
    }
    sqlite3_finalize(s);
    return ok;
}

static bool put_all(struct results *r, const struct results_amendment *a, struct err *e)
{
    bool ok = a->n_inputs == 0 || put_inputs(r, a, e);
    for (int k = 0; ok && k < a->n_keys; k++)
        ok = store_info(r, a->key[k].key, a->key[k].value, a->key[k].unit, e);
    for (int k = 0; ok && k < a->n_events; k++)
        ok = store_event(r, &a->event[k], e);
    return ok;
}

bool results_amend(struct results *r, const struct results_amendment *a, struct err *e)
{
    if (!r->writable)
        return err_set(e, ERR_INTERNAL, "results `%s`: opened for reading only", r->path);
    bool ok = store_begin(r, e) && put_all(r, a, e) && store_commit(r, e);
    if (!ok)
        store_rollback(r);
    return ok;
}

static bool is_whole(struct results *r, sqlite3_stmt *s, struct err *e)
{
    char digest[65];
    sha256_hex(sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2), digest);
    return strcmp(digest, (const char *)sqlite3_column_text(s, 3)) == 0 ||
           err_set(e, ERR_INPUT, "results `%s`: the input file `%s` is damaged (SHA-256)", r->path,
                   (const char *)sqlite3_column_text(s, 1));
}

bool results_inputs_each(struct results *r, results_input_fn *fn, void *ctx, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r, "SELECT role, path, bytes, sha256 FROM input ORDER BY rowid", e);
    if (!s)
        return false;
    int code;
    bool ok = true;
    while (ok && (code = sqlite3_step(s)) == SQLITE_ROW) {
        ok = is_whole(r, s, e);
        if (ok)
            fn(ctx, (const char *)sqlite3_column_text(s, 0), (const char *)sqlite3_column_text(s, 1),
               sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2));
    }
    if (ok && code != SQLITE_DONE)
        ok = store_fail(r, e, "input");
    sqlite3_finalize(s);
    return ok;
}
