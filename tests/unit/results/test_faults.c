/* Disks that fail: whatever write or fsync goes wrong, the writer says so and no committed site is lost. */
#include "unit/results/fixture.h"

#include "unit/results/faulty_vfs.h"

enum { SITES = 6, ROWS = 400 };

static struct wave_row rows[ROWS];

static void assert_sound(const char *path)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(s, 0), "ok");
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* Writes sites until something fails; returns how many barriers said that all is durable. */
static int write_sites(struct writer *w, int from, struct err *e)
{
    for (int site = from; site <= SITES; site++)
        if (!hand_over_site(w, site, rows, ROWS) || !writer_barrier(w, e)) {
            assert_false(writer_ok(w, e));
            return site - 1;
        }
    return SITES;
}

/* One run with the nth operation of a kind failing. false if the fault was never reached. */
static bool run_with_fault(enum fault_kind kind, long nth, bool lasting)
{
    char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, NULL);
    faulty_set(VFS_WELL, 0, false);
    struct writer *w = writer_start(results_create(path, test_plan(SITES), 0, &e), l, &e);
    assert_non_null(w);
    faulty_set(kind, nth, lasting);
    int durable = write_sites(w, 1, &e);
    if (durable < SITES) {
        assert_int_equal(e.code, kind == VFS_FULL ? ERR_FULL : ERR_IO);
        assert_non_null(strstr(e.text, "r.seccm"));
    }
    struct err end = ERR_INIT;
    bool clean = writer_stop(w, &end), hit = faulty.hits > 0;
    assert_true(clean ? durable == SITES : end.code != ERR_NONE);
    faulty_set(VFS_WELL, 0, false);

    /* A reader finds them, a writer can go on. */
    struct results *r = results_open(path, &e);
    if (!r)
        fail_msg("%s", e.text);
    int found = check_prefix(r, rows, ROWS);
    assert_in_range(found, durable, SITES);
    assert_true(results_close(r, &e));
    assert_sound(path);
    w = writer_start(results_open_write(path, &e), l, &e);
    assert_non_null(w);
    assert_int_equal(write_sites(w, found + 1, &e), SITES);
    assert_true(writer_stop(w, &e));
    r = results_open(path, &e);
    assert_int_equal(check_prefix(r, rows, ROWS), SITES);
    assert_true(results_close(r, &e));
    assert_int_equal(folder_count(folder, NULL), 1);
    loop_free(l);
    free(path);
    remove_folder(folder);
    return hit;
}

static void sweep(enum fault_kind kind)
{
    int runs = 0;
    for (int lasting = 0; lasting <= 1; lasting++)
        for (long nth = 1; run_with_fault(kind, nth, lasting); nth++)
            runs++;
    print_message("%d places for a fault\n", runs);
    assert_true(runs > 10);
}

static void every_write_may_fail(void **state)
{
    (void)state;
    sweep(VFS_WRITE);
}

static void every_write_may_be_torn(void **state)
{
    (void)state;
    sweep(VFS_TORN);
}

static void disk_may_be_full_at_every_write(void **state)
{
    (void)state;
    sweep(VFS_FULL);
}

static void every_fsync_may_fail(void **state)
{
    (void)state;
    sweep(VFS_SYNC);
}

/* A new file is whole or is not there. */
static void failed_create_leaves_nothing(void **state)
{
    (void)state;
    static const enum fault_kind kinds[] = {VFS_WRITE, VFS_TORN, VFS_FULL, VFS_SYNC};
    int refused = 0;
    for (int k = 0; k < 4; k++)
        for (long nth = 1, hits = 1; hits; nth++) {
            char *folder = temp_folder(), *path = path_in(folder, "r.seccm");
            struct err e = ERR_INIT;
            faulty_set(kinds[k], nth, nth % 2);
            struct results *r = results_create(path, test_plan(50), 0, &e);
            hits = faulty.hits;
            faulty_set(VFS_WELL, 0, false);
            if (!r != (hits > 0))
                fail_msg("kind %d, operation %ld: %s", kinds[k], nth,
                         r ? "the fault was not noticed" : e.text);
            if (!r) {
                refused++;
                assert_int_equal(e.code, kinds[k] == VFS_FULL ? ERR_FULL : ERR_IO);
                assert_int_equal(folder_count(folder, NULL), 0);
            }
            assert_true(results_close(r, &e));
            free(path);
            remove_folder(folder);
        }
    print_message("%d places for a fault\n", refused);
    assert_true(refused > 8);
}

int main(void)
{
    faulty_install();
    test_rows(rows, ROWS, rng_stream(test_seed(), "rows"), 0, 20, 30);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_write_may_fail),
        cmocka_unit_test(every_write_may_be_torn),
        cmocka_unit_test(disk_may_be_full_at_every_write),
        cmocka_unit_test(every_fsync_may_fail),
        cmocka_unit_test(failed_create_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
