/* What an earlier part of a run left, where somebody or something has changed the file since: numbers that
 * would be taken for places of the plan are refused, not followed. */
#include "fixture.h"

#include <sqlite3.h>

#define SITES  3
#define SPARES 4 /* sites 4 to 7 of the file */

static struct night n;

static int setup(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    night_open(&n,
               &(struct night_spec){.columns = SITES,
                                    .spares = "4",
                                    .more = "stop: {when: {feature: contact_charge, half-width: 5 %}}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    results_close(n.file, &e);
    n.file = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    night_close(&n);
    return 0;
}

static void change(const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(n.path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    sqlite3_close(db);
}

/* NULL: taken; otherwise what is said of it. */
static void reads(const char *wanted, int replaces[SPARES])
{
    struct err e = ERR_INIT;
    struct run_before *b = xcalloc((size_t)plan_places(n.plan), sizeof *b);
    struct results *file = results_open(n.path, &e);
    assert_non_null(file);
    bool ok = run_before_read(file, n.plan, false, b, &e);
    if (ok != !wanted || (wanted && (e.code != ERR_INPUT || !strstr(e.text, wanted))))
        fail_msg("%s: %s, not `%s`", ok ? "taken" : err_name(e.code), e.text, wanted ? wanted : "");
    for (int k = 0; replaces && k < SPARES; k++)
        replaces[k] = b[SITES + k].replaces;
    results_close(file, &e);
    free(b);
}

static void a_chain_of_spares_is_taken(void **state)
{
    (void)state;
    int replaces[SPARES];
    change("UPDATE site SET replaces = 2 WHERE site = 6; UPDATE site SET replaces = 6 WHERE site = 4;"
           "UPDATE site SET replaces = 1 WHERE site = 5; UPDATE site SET replaces = 4 WHERE site = 7");
    reads(NULL, replaces);
    assert_memory_equal(replaces, ((int[]){6, 1, 2, 4}), sizeof replaces);
}

static void what_no_spare_can_stand_for(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *said;
    } bad[] = {
        {"UPDATE site SET replaces = 100000000 WHERE site = 5", "site 5 stands for site 100000000"},
        {"UPDATE site SET replaces = 8 WHERE site = 7", "site 7 stands for site 8"},
        {"UPDATE site SET replaces = -1 WHERE site = 4", "site 4 stands for site -1"},
        {"UPDATE site SET replaces = 2 WHERE site = 1", "site 1 stands for site 2"}, /* is no spare */
        {"UPDATE site SET replaces = 2 WHERE site IN (4, 6)", "the sites 4 and 6 both stand for site 2"},
        {"UPDATE site SET replaces = 4 WHERE site = 4", "spare 4 stands for site 4, and so for no planned"},
        {"UPDATE site SET replaces = 11 - site WHERE site IN (5, 6)", "and so for no planned"},
        {"UPDATE site SET replaces = iif(site = 6, 4, site + 1) WHERE site IN (4, 5, 6)",
         "and so for no planned"},
        {"UPDATE site SET replaces = 7 WHERE site = 5", "spare 5 stands for site 7"}, /* that is free */
        {"UPDATE site SET replaces = iif(site = 4, 7, 100000000) WHERE site IN (4, 7)", "stands for site"},
    };
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        change(bad[k].sql);
        reads(bad[k].said, NULL);
        change("UPDATE site SET replaces = 0");
        reads(NULL, NULL);
    }
}

static void rows_of_sites_that_the_plan_has_not(void **state)
{
    (void)state;
    static const int number[] = {0, -7, 8, 100000000};
    for (size_t k = 0; k < sizeof number / sizeof number[0]; k++) {
        char sql[120];
        snprintf(sql, sizeof sql, "UPDATE feature SET site = %d WHERE rowid = 1", number[k]);
        change(sql);
        snprintf(sql, sizeof sql, "the file's table `feature` names site %d", number[k]);
        reads(sql, NULL);
        change("UPDATE feature SET site = 1 WHERE rowid = 1");
        snprintf(sql, sizeof sql, "UPDATE site SET site = %d WHERE site = 7", number[k]);
        change(sql);
        snprintf(sql, sizeof sql, "the file's table `site` names site %d", number[k]);
        reads(sql, NULL);
        snprintf(sql, sizeof sql, "UPDATE site SET site = 7 WHERE site = %d", number[k]);
        change(sql);
        reads(NULL, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_chain_of_spares_is_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(what_no_spare_can_stand_for, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_of_sites_that_the_plan_has_not, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
