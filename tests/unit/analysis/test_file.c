/* Features of a whole file are those of its attempts in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "unit/analysis/synth.h"

#include "analysis/tip_health.h"
#include "results/writer.h"

static char path[128];

static bool create(struct err *e)
{
    static const struct results_site_plan sites[2] = {{.site = 3, .order = 1, .region = "bulk"},
                                                      {.site = 4, .order = 2, .region = "bulk"}};
    const struct results_plan plan = {
        .run_id = "test",
        .program = "test",
        .utc = "2000-01-01T00:00:00Z",
        .mode = "virtual",
        .offset = synth_wiring.offset,
        .reference = "Li/Li+",
        .potential_sign = synth_wiring.potential_sign,
        .current_sign = synth_wiring.current_sign,
        .aperture = 400e-9,
        .wetted = 1.5,
        .wetted_uncertainty = 0.2,
        .stage_id = "none",
        .pstat_id = "none",
        .site = sites,
        .n_sites = 2,
    };
    struct results *r = results_create(path, &plan, 0, e);
    return r && results_close(r, e);
}

/* Two attempts at site 3, of which the last counts; site 4 is never visited. */
static bool write_run(const struct synth_cv *s, struct err *e)
{
    struct loop *loop = loop_new(LOOP_VIRTUAL, 1, e);
    struct results *r = results_open_write(path, e);
    struct writer *w = r && loop ? writer_start(r, loop, e) : NULL;
    bool ok = w;
    for (int number = 1; number <= 2 && ok; number++) {
        int64_t attempt = 0, id = 0;
        struct results_attempt a = synth_attempt(s, 1e-15);
        ok = writer_attempt_begin(w, 3, number, 0, 0, number, "2000-01-01T00:00:01Z", &attempt);
        if (number == 2 && ok) {
            int n = 0;
            struct wave_row *rows = synth_cv_rows(s, &n);
            struct results_step step = synth_cv_step(s, "formation");
            step.attempt = attempt;
            ok = writer_step_begin(w, &step, &id) && writer_rows(w, id, rows, n) &&
                 writer_step_end(w, id, "completed", 0, "held");
            free(rows);
        }
        a.id = attempt;
        a.number = number;
        a.outcome = number == 1 ? OUTCOME_NO_CONTACT : OUTCOME_MEASURED;
        a.touched = number == 1 ? TOUCHED_NO : TOUCHED_YES;
        ok = ok && writer_attempt_end(w, &a) && writer_commit(w) && writer_barrier(w, e);
    }
    if (w)
        ok = writer_stop(w, e) && ok;
    loop_free(loop);
    return ok;
}

static bool collect(void *ctx, const struct results_feature *f, int n, struct err *e)
{
    struct features *all = ctx;
    (void)e;
    all->row = xrealloc(all->row, (size_t)(all->n + n) * sizeof *f);
    memcpy(all->row + all->n, f, (size_t)n * sizeof *f);
    all->n += n;
    return true;
}

static void a_file_gives_the_features_of_its_last_attempts(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct err e = ERR_INIT;
    snprintf(path, sizeof path, "/tmp/seccm-test-features-%ld.seccm", (long)getpid());
    unlink(path);
    s.noise = 0.05e-12;
    s.seed = 4;
    if (!create(&e) || !write_run(&s, &e))
        fail_msg("%s", e.text);
    struct results *r = results_open(path, &e);
    assert_non_null(r);
    struct analysis_settings settings = synth_settings();
    settings.aperture = settings.wetted = settings.wetted_uncertainty = NAN;
    analysis_settings_probe(&settings, r);
    assert_true(settings.aperture == 400e-9 && settings.wetted == 1.5);
    struct features got = {0};
    if (!features_compute(r, &settings, collect, &got, &e))
        fail_msg("%s", e.text);
    const struct results_feature *rows = got.row;
    int n = got.n;
    assert_true(results_close(r, &e));
    struct results_attempt attempt = synth_attempt(&s, 1e-15);
    struct features wanted = {0};
    synth_features(&s, &settings, &attempt, &wanted);
    assert_int_equal(n, wanted.n);
    for (int k = 0; k < n; k++) {
        assert_string_equal(rows[k].name, wanted.row[k].name);
        assert_int_equal(rows[k].site, 3);
        assert_string_equal(rows[k].missing, wanted.row[k].missing);
        if (!rows[k].missing[0]) {
            assert_true(rows[k].value == wanted.row[k].value);
            assert_true(rows[k].uncertainty == wanted.row[k].uncertainty ||
                        (isnan(rows[k].uncertainty) && isnan(wanted.row[k].uncertainty)));
        }
    }
    features_free(&wanted);
    features_free(&got);
    unlink(path);
}

static void change(const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* Numbers that no run writes, as a damaged file or another program's may hold them: neither is so much memory
 * asked for, nor is a probe taken for changed before it was. Attempts begin at 1 and 2 s. */
static void damaged_numbers_are_not_believed(void **state)
{
    (void)state;
    struct synth_cv s = synth_default();
    struct err e = ERR_INIT;
    snprintf(path, sizeof path, "/tmp/seccm-test-damaged-%ld.seccm", (long)getpid());
    unlink(path);
    if (!create(&e) || !write_run(&s, &e))
        fail_msg("%s", e.text);
    change("UPDATE site SET attempts = 2000000000 WHERE site = 3;"
           "INSERT INTO run (key, value) VALUES ('health.baseline', '1e300'), ('health.sigmas', '1e300'), "
           "('surface.sigma', '1e300');"
           "INSERT INTO event (t_s, utc, site, attempt, kind, text) VALUES (1.5, '', 0, 0, 'probe', '');"
           "UPDATE attempt SET start_s = NULL WHERE number = 1;");
    struct results *r = results_open(path, &e);
    struct tip_health *h = NULL;
    struct buf json = {0};
    assert_non_null(r);
    if (!tip_health_read(r, &h, &e))
        fail_msg("%s", e.text);
    assert_int_equal(tip_health_attempts(h), 1); /* the second one is the new probe's */
    tip_health_json(h, 10, &json);
    assert_non_null(strstr(json.p, "\"baseline\":12,\"sigmas\":5,\"attempts\":1,"));
    buf_free(&json);
    tip_health_free(h);
    struct results_attempt *a = NULL;
    assert_int_equal(results_attempts_all(r, 3, &a, &e), 2);
    assert_int_equal(a[1].outcome, OUTCOME_MEASURED);
    free(a);
    assert_int_equal(results_attempts_all(r, 4, &a, &e), 0);
    assert_null(a);
    assert_true(results_close(r, &e));
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_gives_the_features_of_its_last_attempts),
        cmocka_unit_test(damaged_numbers_are_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
