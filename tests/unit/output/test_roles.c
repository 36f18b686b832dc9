/* Controls among the sites: left out unless they are asked for, and comparable with the sites. */
#include "unit/output/fixture.h"

#include "output/diff.h"
#include "output/export_csv.h"
#include "output/status.h"
#include "output/summary.h"
#include "output/tables.h"

static struct fixture fixture; /* 12 sites, of which 4, 8 and 12 are spots; site 5 without contact */

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture.control_every = 4;
    fixture.unverified = 0;
    fixture_write(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(&fixture);
    return 0;
}

static struct data *open_data(void)
{
    struct err e = ERR_INIT;
    struct data *d = data_open(fixture.path, &e);
    if (!d)
        fail_msg("%s", e.text);
    return d;
}

static int column_of(const struct table *t, const char *name)
{
    for (int c = 0; c < table_columns(t); c++)
        if (strcmp(table_name(t, c), name) == 0)
            return c;
    return -1;
}

static void the_index_names_the_role(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct table *t = tables_sites(d);
    int role = column_of(t, "role");
    for (int k = 0; k < table_rows(t); k++) {
        const char *wanted = k >= 12 ? "spare" : (k + 1) % 4 == 0 ? "control" : "measured";
        assert_string_equal(table_get_text(t, k, role), wanted);
    }
    table_free(t);
    data_close(d);
}

/* Sites in a table, by whether they are controls. */
static void count_rows(const struct table *t, int *sites, int *controls)
{
    *sites = *controls = 0;
    for (int k = 0; k < table_rows(t); k++) {
        int site = (int)table_get_number(t, k, 0);
        *(site <= 12 && site % 4 == 0 ? controls : sites) += 1;
    }
}

static void tables_hold_what_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        enum data_roles roles;
        bool sites, controls;
    } all[] = {{DATA_SITES, true, false}, {DATA_CONTROLS, false, true}, {DATA_ALL, true, true}};
    for (int k = 0; k < 3; k++) {
        struct data *d = open_data();
        struct err e = ERR_INIT;
        data_keep(d, all[k].roles);
        struct table *t[] = {tables_sites(d), tables_features_wide(d), tables_features_long(d),
                             tables_attempts(d, 0, &e)};
        for (int i = 0; i < 4; i++) {
            int sites, controls;
            count_rows(t[i], &sites, &controls);
            assert_int_equal(sites > 0, all[k].sites);
            assert_int_equal(controls > 0, all[k].controls);
            if (i == 1 || i == 2)
                assert_int_equal(column_of(t[i], "role") >= 0, all[k].controls);
            table_free(t[i]);
        }
        for (int s = 0; s < d->sites.n; s++) { /* levels stay with their sites */
            const struct results_site *site = &d->sites.site[s];
            bool none = site->role == SITE_CONTROL || (site->spare && site->attempts == 0);
            int root = site->spare ? fixture.no_contact : site->site;
            assert_string_equal(data_level(d, s, 0), none ? "" : fixture_text[fixture_level(&fixture, root)]);
        }
        data_close(d);
    }
}

static void statistics_leave_controls_out(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct feature_ref ref;
    struct summary s;
    struct err e = ERR_INIT;
    const struct summary_options o = {.factor = -1, .seed = 1, .resamples = 200};
    assert_true(feature_ref_parse("formation.q_red@1", &ref, &e));
    data_keep(d, DATA_SITES);
    assert_true(summary_make(d, &ref, &o, &s, &e));
    assert_int_equal(s.level[0].sites.n, 9); /* of nine sites one is lost, and its spare stands for it */
    assert_int_equal(s.level[0].sites.n_sites, 10);
    summary_free(&s);
    data_close(d);
}

static void roles_can_be_compared(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct feature_ref ref;
    struct summary s;
    struct err e = ERR_INIT;
    struct summary_options o = {.seed = 1, .resamples = 200};
    int n[3] = {0};
    o.factor = data_role_factor(d);
    assert_int_equal(o.factor, 1);
    assert_true(feature_ref_parse("formation.q_red@1", &ref, &e));
    assert_true(summary_make(d, &ref, &o, &s, &e));
    assert_int_equal(s.n_levels, 3);
    for (int k = 0; k < 3; k++)
        n[site_role_from_name(s.level[k].name)] = s.level[k].sites.n;
    assert_int_equal(n[SITE_MEASURED], 8);
    assert_int_equal(n[SITE_CONTROL], 3);
    assert_int_equal(n[SITE_SPARE], 1);
    assert_string_equal(data_level(d, 0, 0), fixture_text[fixture_level(&fixture, 1)]); /* still there */
    summary_free(&s);
    data_close(d);
}

static void progress_counts_sites_only(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct status s;
    struct err e = ERR_INIT;
    assert_true(status_read(d, &s, &e));
    assert_int_equal(s.planned, 9);
    assert_int_equal(s.done, 9);
    assert_int_equal(s.by_outcome[OUTCOME_MEASURED], 9);
    assert_int_equal(s.controls, 3);
    assert_int_equal(s.controls_used, 3);
    assert_int_equal(s.controls_failed, 0);
    data_keep(d, DATA_SITES); /* as the report does */
    assert_true(status_read(d, &s, &e));
    assert_int_equal(s.controls_used, 3);
    struct buf text = {0};
    status_print(d, &s, &text);
    assert_non_null(strstr(text.p, "controls  3 of 3 spots visited, 0 failed"));
    buf_free(&text);
    data_close(d);
}

static void words_of_the_option(void **state)
{
    (void)state;
    enum data_roles r = DATA_ALL;
    struct err e = ERR_INIT;
    assert_true(data_roles_parse("measured", &r, &e) && r == DATA_SITES);
    assert_true(data_roles_parse("control", &r, &e) && r == DATA_CONTROLS);
    assert_true(data_roles_parse("all", &r, &e) && r == DATA_ALL);
    assert_false(data_roles_parse("controls", &r, &e));
    assert_int_equal(e.code, ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_names_the_role),      cmocka_unit_test(tables_hold_what_is_asked_for),
        cmocka_unit_test(statistics_leave_controls_out), cmocka_unit_test(roles_can_be_compared),
        cmocka_unit_test(progress_counts_sites_only),    cmocka_unit_test(words_of_the_option),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
