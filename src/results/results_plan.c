/* Everything that is known before the first site, written into a new results file. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/quantity.h"
#include "results/schema_sql.h"
#include "results/sha256.h"
#include "results/store.h"

static const struct {
    const char *name, *unit;
} dims[DIM_COUNT] = {
#define X(id, unit, name, example) [DIM_##id] = {#id, unit},
    DIM_TABLE(X)
#undef X
};

int store_dim_from_name(const char *name)
{
    for (int i = 0; i < DIM_COUNT; i++)
        if (strcmp(dims[i].name, name) == 0)
            return i;
    return DIM_NONE;
}

static bool put_number(struct results *r, const char *key, double value, const char *unit, struct err *e)
{
    struct buf text = {0};
    buf_json_number(&text, value);
    bool ok = store_info(r, key, isfinite(value) ? text.p : NULL, unit, e);
    buf_free(&text);
    return ok;
}

static bool put_run(struct results *r, const struct results_plan *p, struct err *e)
{
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, p->seed);
    const struct {
        const char *key, *value;
    } texts[] = {
        {"run_id", p->run_id},
        {"program", p->program},
        {"utc", p->utc},
        {"seed", seed},
        {"mode", p->mode},
        {"state", "created"},
        {"reference", p->reference},
        {"potential_sign", p->potential_sign < 0 ? "-1" : "1"},
        {"stage_id", p->stage_id},
        {"current_sign", p->current_sign < 0 ? "-1" : "1"},
        {"pstat_id", p->pstat_id},
    };
    const struct {
        const char *key;
        double value;
        const char *unit;
    } numbers[] = {
        {"offset", p->offset, "V"},
        {"offset_uncertainty", p->offset_uncertainty, "V"},
        {"aperture", p->aperture, "m"},
        {"wetted", p->wetted, "1"},
        {"wetted_uncertainty", p->wetted_uncertainty, "1"},
    };
    bool ok = true;
    for (size_t i = 0; ok && i < sizeof texts / sizeof texts[0]; i++)
        ok = store_info(r, texts[i].key, texts[i].value, "", e);
    for (size_t i = 0; ok && i < sizeof numbers / sizeof numbers[0]; i++)
        ok = put_number(r, numbers[i].key, numbers[i].value, numbers[i].unit, e);
    for (int i = 0; ok && i < p->n_meta; i++) {
        struct buf key = {0};
        buf_printf(&key, "meta.%s", p->meta_key[i]);
        ok = store_info(r, key.p, p->meta_value[i], "", e);
        buf_free(&key);
    }
    return ok;
}

/* How many inputs before this one have its role. */
static int earlier_inputs(const struct results_plan *p, int i)
{
    int count = 0;
    for (int k = 0; k < i; k++)
        count += strcmp(p->input[k].role, p->input[i].role) == 0;
    return count;
}

static bool put_inputs(struct results *r, const struct results_plan *p, struct err *e)
{
    sqlite3_stmt *s =
        store_prepare(r, "INSERT INTO input (role, path, sha256, bytes) VALUES (?1, ?2, ?3, ?4)", e);
    bool ok = s;
    for (int i = 0; ok && i < p->n_inputs; i++) {
        const struct results_input *in = &p->input[i];
        struct buf role = {0};
        char digest[65];
        buf_str(&role, in->role);
        if (earlier_inputs(p, i))
            buf_printf(&role, "#%d", earlier_inputs(p, i) + 1);
        sha256_hex(in->bytes, in->n, digest);
        store_bind_text(s, 1, role.p);
        store_bind_text(s, 2, in->path);
        store_bind_text(s, 3, digest);
        /* A NULL pointer would store NULL, not an empty file. */
        sqlite3_bind_blob64(s, 4, in->n ? in->bytes : "", in->n, SQLITE_STATIC);
        ok = store_run(r, s, "input", e);
        buf_free(&role);
    }
    sqlite3_finalize(s);
    return ok;
}

static bool put_factors(struct results *r, const struct results_plan *p, struct err *e)
{
    sqlite3_stmt *s =
        store_prepare(r, "INSERT INTO factor (factor, name, dim, unit) VALUES (?1, ?2, ?3, ?4)", e);
    bool ok = s;
    for (int i = 0; ok && i < p->n_factors; i++) {
        int dim = p->factor_dim[i] >= 0 && p->factor_dim[i] < DIM_COUNT ? p->factor_dim[i] : DIM_NONE;
        sqlite3_bind_int(s, 1, i);
        store_bind_text(s, 2, p->factor[i]);
        store_bind_text(s, 3, dims[dim].name);
        store_bind_text(s, 4, dims[dim].unit);
        ok = store_run(r, s, "factor", e);
    }
    sqlite3_finalize(s);
    return ok;
}

static bool put_levels(struct results *r, const struct results_site_plan *site, int n_factors,
                       sqlite3_stmt *s, struct err *e)
{
    for (int i = 0; i < n_factors; i++) {
        sqlite3_bind_int(s, 1, site->site);
        sqlite3_bind_int(s, 2, i);
        store_bind_text(s, 3, site->level[i]);
        sqlite3_bind_double(s, 4, site->level_si[i]);
        if (!store_run(r, s, "level", e))
            return false;
    }
    return true;
}

static bool put_sites(struct results *r, const struct results_plan *p, struct err *e)
{
    sqlite3_stmt *s = store_prepare(r,
                                    "INSERT INTO site (site, visit, x, y, region, block, spare, role) "
                                    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                                    e);
    sqlite3_stmt *level =
        s ? store_prepare(r, "INSERT INTO level (site, factor, text, si) VALUES (?1, ?2, ?3, ?4)", e) : NULL;
    bool ok = level;
    for (int i = 0; ok && i < p->n_sites; i++) {
        const struct results_site_plan *site = &p->site[i];
        sqlite3_bind_int(s, 1, site->site);
        sqlite3_bind_int(s, 2, site->order);
        sqlite3_bind_double(s, 3, site->x);
        sqlite3_bind_double(s, 4, site->y);
        store_bind_text(s, 5, site->region);
        sqlite3_bind_int(s, 6, site->block);
        sqlite3_bind_int(s, 7, site->spare);
        store_bind_text(s, 8,
                        site_role_name(site->control ? SITE_CONTROL
                                       : site->spare ? SITE_SPARE
                                                     : SITE_MEASURED));
        ok = store_run(r, s, "site", e) && put_levels(r, site, p->n_factors, level, e);
    }
    sqlite3_finalize(level);
    sqlite3_finalize(s);
    return ok;
}

bool store_plan(struct results *r, const struct results_plan *plan, struct err *e)
{
    return store_exec(r, schema_sql, e) && put_run(r, plan, e) && put_inputs(r, plan, e) &&
           put_factors(r, plan, e) && put_sites(r, plan, e);
}
