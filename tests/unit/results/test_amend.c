/* What a run that goes on adds to its file is there as a whole or not at all; probes come back as told. */
#include "unit/results/fixture.h"

#include <sqlite3.h>

#include "results/probe.h"

static char *folder, *path;

static int make(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    folder = temp_folder();
    path = path_in(folder, "r.seccm");
    struct results *r = results_create(path, test_plan(3), 1000, &e);
    return r && results_close(r, &e) ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    free(path);
    remove_folder(folder);
    return 0;
}

static struct results *writable(void)
{
    struct err e = ERR_INIT;
    struct results *r = results_open_write(path, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static void close_it(struct results *r)
{
    struct err e = ERR_INIT;
    if (!results_close(r, &e))
        fail_msg("%s", e.text);
}

static void collect(void *ctx, const char *role, const char *name, const void *bytes, size_t n)
{
    buf_printf(ctx, "%s %s ", role, name);
    buf_add(ctx, bytes, n);
    buf_char(ctx, ';');
}

static void inputs_are(struct results *r, const char *behind)
{
    struct err e = ERR_INIT;
    struct buf list = {0};
    assert_true(results_inputs_each(r, collect, &list, &e));
    assert_non_null(strstr(list.p, "protocol p.yaml seccm: 1\n;"));
    assert_true(list.n >= strlen(behind));
    assert_memory_equal(list.p + list.n - strlen(behind), behind, strlen(behind));
    buf_free(&list);
}

static void all_of_it_is_stored(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct results *r = writable();
    const struct results_input input[] = {{"rig#resume1", "r.yaml", "rig: 1\n", 7},
                                          {"protocol#resume1", "p.yaml", "", 0}};
    const struct results_key key[] = {{"resumes", "1", ""}, {"probe.2.offset_x", "1e-06", "m"}};
    const struct results_event event[] = {
        {.t_s = 3, .utc = "2000-01-01T00:00:03.000Z", .kind = "resume", .text = "number 1"}};
    const struct results_amendment a = {input, 2, key, 2, event, 1};
    inputs_are(r, "rig r.yaml ;");
    if (!results_amend(r, &a, &e))
        fail_msg("%s", e.text);
    inputs_are(r, "rig#resume1 r.yaml rig: 1\n;protocol#resume1 p.yaml ;");
    double v = 0;
    assert_true(results_info_double(r, "probe.2.offset_x", &v) && v == 1e-6);
    struct results_event *ev;
    int n;
    assert_true(results_events(r, &ev, &n, &e));
    assert_int_equal(n, 1);
    assert_string_equal(ev[0].text, "number 1");
    free(ev);
    close_it(r);
}

static void nothing_of_it_is_stored_if_a_part_can_not_be(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct results *r = writable();
    const struct results_input input[] = {{"rig#resume1", "r.yaml", "x", 1},
                                          {"rig#resume1", "r.yaml", "y", 1}};
    const struct results_key key[] = {{"resumes", "1", ""}};
    const struct results_amendment twice = {input, 2, key, 1, NULL, 0}, one = {input, 1, key, 1, NULL, 0};
    assert_false(results_amend(r, &twice, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    inputs_are(r, "rig r.yaml ;");
    char *text = results_info(r, "resumes");
    assert_string_equal(text, "");
    free(text);
    assert_true(results_amend(r, &one, &e)); /* the handle is still good */
    close_it(r);
    r = results_open(path, &e);
    assert_non_null(r);
    assert_false(results_amend(r, &one, &e)); /* for reading only */
    close_it(r);
}

static void a_damaged_input_is_told(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db, "UPDATE input SET bytes = 'seccm: 2' WHERE role = 'protocol'", NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    struct results *r = results_open(path, &e);
    struct buf list = {0};
    assert_non_null(r);
    assert_false(results_inputs_each(r, collect, &list, &e));
    assert_non_null(strstr(e.text, "damaged"));
    buf_free(&list);
    close_it(r);
}

/* --- probes -------------------------------------------------------------------------------------------- */

static void put_probe(struct results *r, const struct probe *p)
{
    struct err e = ERR_INIT;
    struct probe_text text;
    struct results_key key[PROBE_KEYS];
    int n = probe_keys(p, &text, key);
    assert_in_range(n, 1, PROBE_KEYS);
    const struct results_amendment a = {.key = key, .n_keys = n};
    if (!results_amend(r, &a, &e))
        fail_msg("%s", e.text);
}

static void probes_come_back_in_order(void **state)
{
    (void)state;
    static struct probe list[PROBES_MAX];
    struct err e = ERR_INIT;
    struct results *r = writable();
    assert_int_equal(probes_read(r, list, &e), 1);
    assert_int_equal(list[0].number, 1);
    assert_true(list[0].aperture == 400e-9 && list[0].offset[0] == 0 && list[0].offset[1] == 0);
    const struct probe
        second = {.number = 2,
                  .id = "P\xc3\xa4 2",
                  .aperture = 4.5e-7,
                  .wetted = 1.5,
                  .wetted_uncertainty = NAN,
                  .offset = {1.0 / 3e6, -2e-6},
                  .fiducial = {NAN, NAN},
                  .from_attempt = 5,
                  .utc = "2000-01-01T00:00:03.000Z"},
        wrong = {.number = 3, .id = "P3", .aperture = 4e-7, .offset = {1, 1}, .from_attempt = 9},
        third = {.number = 3, .id = "P4", .aperture = NAN, .offset = {0, 0}, .from_attempt = 9};
    put_probe(r, &second);
    put_probe(r, &wrong);
    put_probe(r, &third); /* told again before it was used */
    assert_int_equal(probes_read(r, list, &e), 3);
    assert_string_equal(list[1].id, second.id);
    assert_string_equal(list[1].utc, second.utc);
    assert_true(list[1].offset[0] == second.offset[0] && list[1].offset[1] == second.offset[1]);
    assert_true(list[1].aperture == second.aperture && isnan(list[1].wetted_uncertainty));
    assert_true(isnan(list[1].fiducial[0]));
    assert_string_equal(list[2].id, "P4");
    assert_true(isnan(list[2].aperture) && list[2].offset[0] == 0);
    assert_int_equal(probe_of(list, 3, 1)->number, 1);
    assert_int_equal(probe_of(list, 3, 4)->number, 1);
    assert_int_equal(probe_of(list, 3, 5)->number, 2);
    assert_int_equal(probe_of(list, 3, 8)->number, 2);
    assert_int_equal(probe_of(list, 3, 9)->number, 3);
    assert_int_equal(probe_of(list, 3, 1000000)->number, 3);
    close_it(r);
}

static void any_client_finds_the_probes(void **state)
{
    (void)state;
    struct results *r = writable();
    put_probe(r, &(struct probe){
                     .number = 2, .id = "P2", .aperture = 3e-7, .offset = {1e-6, 2e-6}, .from_attempt = 7});
    for (int k = 3; k < 12; k++)
        put_probe(r, &(struct probe){.number = k, .id = "later", .aperture = 3e-7, .from_attempt = 7 + k});
    close_it(r);
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT number, id, aperture, from_attempt, offset_y FROM probe",
                                        -1, &s, NULL),
                     SQLITE_OK);
    for (int k = 1; k < 12; k++) {
        assert_int_equal(sqlite3_step(s), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(s, 0), k);
        if (k != 2)
            continue;
        assert_string_equal((const char *)sqlite3_column_text(s, 1), "P2");
        assert_true(sqlite3_column_double(s, 2) == 3e-7 && sqlite3_column_double(s, 4) == 2e-6);
        assert_int_equal(sqlite3_column_int(s, 3), 7);
    }
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* A probe whose place is not known must not be taken for one at the first one's. */
static void a_damaged_probe_is_refused(void **state)
{
    (void)state;
    static struct probe list[PROBES_MAX];
    struct err e = ERR_INIT;
    struct results *r = writable();
    put_probe(r, &(struct probe){.number = 2, .id = "P2", .offset = {NAN, 0}, .from_attempt = 5});
    assert_int_equal(probes_read(r, list, &e), 0);
    assert_non_null(strstr(e.text, "probe 2 is damaged"));
    put_probe(r, &(struct probe){.number = 2, .id = "P2", .from_attempt = 5});
    put_probe(r, &(struct probe){.number = 3, .id = "P3", .from_attempt = 4});
    assert_int_equal(probes_read(r, list, &e), 0);
    close_it(r);
}

int main(void)
{
#define EACH(test) cmocka_unit_test_setup_teardown(test, make, drop)
    const struct CMUnitTest tests[] = {
        EACH(all_of_it_is_stored),         EACH(nothing_of_it_is_stored_if_a_part_can_not_be),
        EACH(a_damaged_input_is_told),     EACH(probes_come_back_in_order),
        EACH(any_client_finds_the_probes), EACH(a_damaged_probe_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
