/* The results file: what the plan says comes back exactly, and a file exists whole or not at all. */
#include "unit/results/fixture.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "results/store.h"

static struct results *create(const char *path, int sites)
{
    struct err e = ERR_INIT;
    struct results *r = results_create(path, test_plan(sites), 1000, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static void close_well(struct results *r)
{
    struct err e = ERR_INIT;
    if (!results_close(r, &e))
        fail_msg("%s", e.text);
}

static struct results *open_well(const char *path)
{
    struct err e = ERR_INIT;
    struct results *r = results_open(path, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static void assert_info(struct results *r, const char *key, const char *value)
{
    char *text = results_info(r, key);
    assert_string_equal(text, value);
    free(text);
}

static void run_and_inputs_come_back(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    close_well(create(path, 3));
    struct results *r = open_well(path);
    assert_string_equal(results_path(r), path);
    assert_info(r, "run_id", "run-1");
    assert_info(r, "seed", "18446744073709551610");
    assert_info(r, "potential_sign", "-1");
    assert_info(r, "state", "created");
    assert_info(r, "meta.sample", "HOPG ZYB");
    assert_info(r, "meta.electrolyte", "1 M LiPF6 in EC:EMC 3:7 \xc2\xb5");
    assert_info(r, "nothing", "");
    double x;
    assert_true(results_info_double(r, "offset", &x) && x == 3.2);
    assert_true(results_info_double(r, "aperture", &x) && x == 400e-9);
    assert_false(results_info_double(r, "wetted_uncertainty", &x)); /* NAN: missing, not 0 */
    assert_false(results_info_double(r, "reference", &x));
    const struct results_plan *p = test_plan(3);
    for (int i = 0; i < p->n_inputs; i++) {
        struct buf name = {0}, bytes = {0};
        assert_true(results_input(r, p->input[i].role, &name, &bytes, NULL));
        assert_string_equal(name.p, p->input[i].path);
        assert_int_equal(bytes.n, p->input[i].n);
        if (bytes.n)
            assert_memory_equal(bytes.p, p->input[i].bytes, bytes.n);
        buf_free(&name);
        buf_free(&bytes);
    }
    struct err e = ERR_INIT;
    assert_false(results_input(r, "poem", NULL, NULL, &e));
    assert_int_equal(e.code, ERR_INPUT);
    close_well(r);
    free(path);
    remove_folder(folder);
}

static void count_keys(void *ctx, const char *key, const char *value)
{
    assert_non_null(value);
    *(int *)ctx += strncmp(key, "meta.", 5) == 0;
}

static void sites_and_levels_come_back(void **state)
{
    (void)state;
    enum { N = 37 };
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    close_well(create(path, N));
    struct results *r = open_well(path);
    const struct results_plan *p = test_plan(N);
    struct results_sites s;
    struct results_factor f[4];
    assert_int_equal(results_factors(r, f, 4), 2);
    assert_string_equal(f[0].name, "cutoff");
    assert_int_equal(f[0].dim, DIM_POTENTIAL);
    assert_int_equal(f[1].dim, DIM_NONE);
    assert_true(results_sites(r, &s, NULL));
    assert_int_equal(s.n, N);
    assert_int_equal(s.n_factors, 2);
    for (int i = 0; i < N; i++) {
        const struct results_site *site = &s.site[i];
        const struct results_site_plan *plan = &p->site[N - 1 - i]; /* the plan visits backwards */
        assert_int_equal(site->order, i + 1);
        assert_int_equal(site->site, plan->site);
        assert_true(site->x == plan->x && site->y == plan->y);
        assert_string_equal(site->region, plan->region);
        assert_int_equal(site->block, plan->block);
        assert_int_equal(site->spare, plan->spare);
        assert_int_equal(site->outcome, OUTCOME_NONE);
        assert_int_equal(site->touched, TOUCHED_NO);
        assert_int_equal(site->attempts, 0);
        assert_int_equal(site->last_attempt, 0);
        assert_true(isnan(site->contact_z) && isnan(site->start_s));
        for (int k = 0; k < 2; k++) {
            assert_string_equal(s.level[i * 2 + k], plan->level[k]);
            assert_true(s.level_si[i * 2 + k] == plan->level_si[k]);
        }
    }
    results_sites_free(&s);
    int metas = 0;
    assert_true(results_info_each(r, count_keys, &metas, NULL));
    assert_int_equal(metas, 2);
    close_well(r);
    free(path);
    remove_folder(folder);
}

/* Any client must be able to read the file and find the units in it. */
static void any_sqlite_client_finds_the_documentation(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    close_well(create(path, 2));
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view')",
                                        -1, &s, NULL),
                     SQLITE_OK);
    int n = 0;
    while (sqlite3_step(s) == SQLITE_ROW) {
        assert_non_null(strstr((const char *)sqlite3_column_text(s, 1), "-- "));
        n++;
    }
    sqlite3_finalize(s);
    assert_int_equal(n, 12);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT id IS NULL, aperture, wetted FROM probe", -1, &s, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_true(sqlite3_column_double(s, 1) == 400e-9);
    sqlite3_finalize(s);
    sqlite3_close(db);
    free(path);
    remove_folder(folder);
}

static void nothing_is_replaced_and_nothing_left_behind(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    close_well(create(path, 2));
    assert_null(results_create(path, test_plan(5), 0, &e));
    assert_non_null(strstr(e.text, "exist"));
    struct buf names = {0};
    assert_int_equal(folder_count(folder, &names), 1);
    assert_string_equal(names.p, "r.seccm ");
    buf_free(&names);
    struct results *r = open_well(path);
    struct results_sites s;
    assert_true(results_sites(r, &s, NULL));
    assert_int_equal(s.n, 2);
    results_sites_free(&s);
    close_well(r);
    free(path);
    remove_folder(folder);
}

/* A plan that can not be stored (two sites with one number) is an error of the program, without remains. */
static void failed_create_leaves_no_file(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct results_site_plan twice[2];
    struct results_plan plan = *test_plan(2);
    struct err e = ERR_INIT;
    twice[0] = twice[1] = plan.site[0];
    plan.site = twice;
    assert_null(results_create(path, &plan, 0, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_int_equal(folder_count(folder, NULL), 0);
    free(path);
    remove_folder(folder);
}

static void leftover_wal_of_another_file_is_not_taken_over(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm"), *wal = path_in(folder, "r.seccm-wal");
    struct err e = ERR_INIT;
    close(open(wal, O_CREAT | O_WRONLY, 0600));
    assert_null(results_create(path, test_plan(1), 0, &e));
    assert_non_null(strstr(e.text, "-wal"));
    assert_int_equal(folder_count(folder, NULL), 1);
    free(wal);
    free(path);
    remove_folder(folder);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "x.seccm");
    struct err e = ERR_INIT;
    assert_null(results_open(path, &e));
    assert_int_equal(e.code, ERR_INPUT);
    write_file(path, "", 0);
    err_clear(&e);
    assert_null(results_open(path, &e));
    assert_int_equal(e.code, ERR_INPUT);
    char text[9000];
    memset(text, 'x', sizeof text);
    write_file(path, text, sizeof text);
    err_clear(&e);
    assert_null(results_open(path, &e));
    assert_int_equal(e.code, ERR_INPUT);
    err_clear(&e);
    assert_null(results_open_write(path, &e));
    assert_int_equal(e.code, ERR_INPUT);
    unlink(path);
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "CREATE TABLE t (x)", NULL, NULL, NULL);
    sqlite3_close(db);
    err_clear(&e);
    assert_null(results_open(path, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "not a results file"));
    err_clear(&e);
    assert_null(results_open(folder, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_null(results_open(path, NULL));
    free(path);
    remove_folder(folder);
}

static void file_of_a_later_version_is_refused(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    close_well(create(path, 1));
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "PRAGMA user_version = 4", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_null(results_open(path, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "schema 4"));
    free(path);
    remove_folder(folder);
}

/* A measured attempt at the site, as a run that is resumed adds it, and a verdict that flags it. */
static void measure_and_flag(struct results *r, int64_t attempt, int site)
{
    struct err e = ERR_INIT;
    struct results_attempt a = {.id = attempt, .outcome = OUTCOME_MEASURED}, back;
    if (!store_begin(r, &e) ||
        !store_attempt_begin(
            r, &(struct store_intent){.attempt = attempt, .site = site, .number = 1, .utc = "2000"}, &e) ||
        !store_attempt_end(r, &a, &e) || !store_flag(r, 0, attempt + 1, "tip-wet", &e) ||
        !store_commit(r, &e))
        fail_msg("%s", e.text);
    assert_int_equal(results_attempts(r, site, &back, 1, &e), 1);
    assert_string_equal(back.flags, "tip-wet");
}

/* Version 1 had no roles: spares were the only places that are no sites. A run that is resumed goes on in its
 * file. */
static void a_file_of_version_1_is_read_and_written(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    struct results_sites s;
    close_well(create(path, 3));
    sqlite3 *db;
    sqlite3_open(path, &db);
    int code = sqlite3_exec(
        db,
        "DROP VIEW sites; UPDATE site SET spare = 1 WHERE site = 2; ALTER TABLE site DROP COLUMN role; "
        "CREATE VIEW sites AS SELECT s.site, s.visit, s.x, s.y, s.region, s.block, s.spare, s.outcome, "
        "s.reason, "
        "s.touched, s.attempts, s.replaces, s.last_attempt, a.contact_z, a.start_s, a.start_utc, a.flags "
        "FROM site AS s LEFT JOIN attempt AS a ON a.attempt = s.last_attempt ORDER BY s.visit; "
        "PRAGMA user_version = 1",
        NULL, NULL, NULL);
    assert_int_equal(code, SQLITE_OK);
    sqlite3_close(db);
    struct results *r = open_well(path);
    assert_true(results_sites(r, &s, &e));
    for (int k = 0; k < s.n; k++)
        assert_int_equal(s.site[k].role, s.site[k].site <= 2 ? SITE_SPARE : SITE_MEASURED);
    results_sites_free(&s);
    close_well(r);
    r = results_open_write(path, &e);
    assert_non_null(r);
    measure_and_flag(r, 1, 3);
    close_well(r);
    free(path);
    remove_folder(folder);
}

/* Version 2 had no class of fault; a run that is resumed goes on in its file. */
static void a_file_of_version_2_is_read_and_written(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    close_well(create(path, 3));
    sqlite3 *db;
    sqlite3_open(path, &db);
    int code = sqlite3_exec(
        db,
        "DROP VIEW sites; ALTER TABLE attempt DROP COLUMN fault; "
        "CREATE VIEW sites AS SELECT s.site, s.visit, s.x, s.y, s.region, s.block, s.spare, s.role, "
        "s.outcome, s.reason, s.touched, s.attempts, s.replaces, s.last_attempt, a.contact_z, a.start_s, "
        "a.start_utc, a.flags "
        "FROM site AS s LEFT JOIN attempt AS a ON a.attempt = s.last_attempt ORDER BY s.visit; "
        "PRAGMA user_version = 2",
        NULL, NULL, NULL);
    assert_int_equal(code, SQLITE_OK);
    sqlite3_close(db);
    struct results *r = results_open_write(path, &e);
    assert_non_null(r);
    struct results_attempt a = {.id = 1, .outcome = OUTCOME_FAULT, .fault = "stage-silent"}, back;
    assert_true(store_begin(r, &e));
    assert_true(store_attempt_begin(
        r, &(struct store_intent){.attempt = 1, .site = 1, .number = 1, .utc = "2000"}, &e));
    assert_true(store_attempt_end(r, &a, &e));
    assert_true(store_commit(r, &e));
    struct results_sites s;
    assert_true(results_sites(r, &s, &e));
    for (int k = 0; k < s.n; k++)
        assert_string_equal(s.site[k].fault, "");
    results_sites_free(&s);
    assert_int_equal(results_attempts(r, 1, &back, 1, &e), 1);
    assert_int_equal(back.outcome, OUTCOME_FAULT);
    assert_string_equal(back.fault, "");
    measure_and_flag(r, 2, 2);
    close_well(r);
    free(path);
    remove_folder(folder);
}

static void damaged_input_file_is_noticed(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    close_well(create(path, 1));
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "UPDATE input SET bytes = x'00' WHERE role = 'protocol'", NULL, NULL, NULL);
    sqlite3_close(db);
    struct results *r = open_well(path);
    struct buf name = {0}, bytes = {0};
    assert_false(results_input(r, "protocol", &name, &bytes, &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_int_equal(name.n + bytes.n, 0);
    close_well(r);
    free(path);
    remove_folder(folder);
}

static void one_writer_at_a_time_and_readers_beside_it(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    struct results *writer = create(path, 4);
    assert_null(results_open_write(path, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "another run"));
    struct results *reader = open_well(path);
    struct results_sites s;
    assert_true(results_sites(reader, &s, NULL));
    results_sites_free(&s);
    assert_false(results_put_features(reader, NULL, 0, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    close_well(writer);
    assert_true(results_sites(reader, &s, NULL)); /* the reader outlives the writer */
    results_sites_free(&s);
    close_well(reader);
    assert_int_equal(folder_count(folder, NULL), 1); /* the last one has tidied up */
    writer = results_open_write(path, &e);
    assert_non_null(writer);
    close_well(writer);
    assert_int_equal(folder_count(folder, NULL), 1);
    free(path);
    remove_folder(folder);
}

static void features_are_replaced_as_a_whole(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct results *r = create(path, 4);
    struct results_feature f[3] = {
        {1, 1, 2, "formation", 1, "q_red", -1.25e-12, 1e-14, "C", "trapezoid", ""},
        {1, 1, 2, "formation", 2, "q_red", NAN, NAN, "C", "trapezoid", "window not covered"},
        {2, 2, 0, "", 0, "contact_z", 1.1e-5, NAN, "m", "", ""},
    };
    struct results_feature *got;
    int n;
    assert_true(results_put_features(r, f, 2, NULL));
    assert_true(results_put_features(r, f, 3, NULL));
    assert_true(results_features(r, &got, &n, NULL));
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(got[i].site, f[i].site);
        assert_int_equal(got[i].attempt, f[i].attempt);
        assert_int_equal(got[i].step, f[i].step);
        assert_int_equal(got[i].cycle, f[i].cycle);
        assert_string_equal(got[i].step_name, f[i].step_name);
        assert_string_equal(got[i].name, f[i].name);
        assert_true(isnan(f[i].value) ? isnan(got[i].value) : got[i].value == f[i].value);
        assert_true(isnan(f[i].uncertainty) ? isnan(got[i].uncertainty)
                                            : got[i].uncertainty == f[i].uncertainty);
        assert_string_equal(got[i].unit, f[i].unit);
        assert_string_equal(got[i].method, f[i].method);
        assert_string_equal(got[i].missing, f[i].missing);
    }
    free(got);
    close_well(r);
    free(path);
    remove_folder(folder);
}

/* In a process of another user, because root may write everywhere. */
static int read_as_nobody(const char *path)
{
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(2);
        struct results_sites s;
        struct err e = ERR_INIT;
        struct results *r = results_open(path, &e);
        bool ok = r && results_sites(r, &s, &e) && s.n == 3;
        if (!ok)
            fprintf(stderr, "%s\n", e.text);
        _exit(!ok);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void read_only_folder_can_be_read(void **state)
{
    (void)state;
    char *folder = temp_folder(), *path = path_in(folder, "r % ?#.seccm");
    close_well(create(path, 3));
    chmod(path, 0444);
    chmod(folder, 0555);
    assert_int_equal(read_as_nobody(path), 0);
    /* A file in WAL mode without a WAL, as other programs may leave it. */
    chmod(path, 0644);
    chmod(folder, 0755);
    sqlite3 *db;
    sqlite3_open(path, &db);
    sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
    sqlite3_close(db);
    assert_int_equal(folder_count(folder, NULL), 1);
    chmod(path, 0444);
    chmod(folder, 0555);
    assert_int_equal(read_as_nobody(path), 0);
    /* With a WAL that nobody may recover it must be refused, not read without its newest sites. */
    struct buf wal = {0};
    buf_printf(&wal, "%s-wal", path);
    chmod(folder, 0755);
    write_file(wal.p, "something", 9);
    chmod(wal.p, 0444);
    chmod(folder, 0555);
    assert_int_equal(read_as_nobody(path), 1);
    chmod(folder, 0755);
    buf_free(&wal);
    free(path);
    remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_and_inputs_come_back),
        cmocka_unit_test(sites_and_levels_come_back),
        cmocka_unit_test(any_sqlite_client_finds_the_documentation),
        cmocka_unit_test(nothing_is_replaced_and_nothing_left_behind),
        cmocka_unit_test(failed_create_leaves_no_file),
        cmocka_unit_test(leftover_wal_of_another_file_is_not_taken_over),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(file_of_a_later_version_is_refused),
        cmocka_unit_test(a_file_of_version_1_is_read_and_written),
        cmocka_unit_test(a_file_of_version_2_is_read_and_written),
        cmocka_unit_test(damaged_input_file_is_noticed),
        cmocka_unit_test(one_writer_at_a_time_and_readers_beside_it),
        cmocka_unit_test(features_are_replaced_as_a_whole),
        cmocka_unit_test(read_only_folder_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
