/* Tables, one site, progress and the exported folder of a made-up run. */
#include "unit/output/fixture.h"

#include "output/export_csv.h"
#include "output/show.h"
#include "output/status.h"
#include "output/tables.h"

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture_write(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(&fixture);
    return 0;
}

static struct data *open_data(const char *path)
{
    struct err e = ERR_INIT;
    struct data *d = data_open(path, &e);
    if (!d)
        fail_msg("%s", e.text);
    return d;
}

static int column_of(const struct table *t, const char *name)
{
    for (int c = 0; c < table_columns(t); c++)
        if (strcmp(table_name(t, c), name) == 0)
            return c;
    fail_msg("no column %s", name);
    return -1;
}

static void test_sites_has_one_row_per_site(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    struct table *t = tables_sites(d);
    int outcome = column_of(t, "outcome"), cutoff = column_of(t, "cutoff"), z = column_of(t, "contact_z");
    assert_int_equal(table_rows(t), fixture.n_sites + FIXTURE_SPARES);
    assert_string_equal(table_get_text(t, 0, outcome), "measured");
    assert_string_equal(table_get_text(t, 4, outcome), "no-contact");
    assert_true(isnan(table_get_number(t, 4, z)));
    assert_string_equal(table_get_text(t, fixture.n_sites, outcome), "measured"); /* the spare of site 5 */
    assert_true(table_get_number(t, fixture.n_sites, cutoff) == table_get_number(t, 4, cutoff));
    assert_string_equal(table_get_text(t, fixture.n_sites + 1, outcome), "not-visited");
    assert_true(isnan(table_get_number(t, fixture.n_sites + 1, cutoff)));
    for (int k = 0; k < fixture.n_sites; k++)
        assert_true(table_get_number(t, k, cutoff) == fixture_si[fixture_level(&fixture, k + 1)]);
    table_free(t);
    data_close(d);
}

static void test_levels_rise(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    int site[8], n = data_levels(d, 0, site, 8);
    assert_int_equal(n, 3);
    assert_string_equal(data_level(d, site[0], 0), "0.05 V");
    assert_string_equal(data_level(d, site[1], 0), "0.5 V");
    assert_string_equal(data_level(d, site[2], 0), "1.0 V");
    int factor = -1;
    struct err e = ERR_INIT;
    assert_true(data_factor(d, "cutoff", &factor, &e));
    assert_int_equal(factor, 0);
    assert_false(data_factor(d, "cutof", &factor, &e));
    assert_non_null(strstr(e.text, "did you mean `cutoff`"));
    data_close(d);
}

static void test_regions_are_compared_like_levels(void **state)
{
    (void)state;
    struct fixture two = fixture;
    two.regions = true;
    snprintf(two.path, sizeof two.path, "%s/regions.seccm", fixture.folder);
    fixture_write(&two);
    struct data *d = open_data(two.path);
    int columns = 0, site[8], in[2] = {0, 0};
    struct table *t = tables_sites(d);
    for (int c = 0; c < table_columns(t); c++)
        columns += strcmp(table_name(t, c), "region") == 0;
    assert_int_equal(columns, 1);
    table_free(t);
    int factor = data_region_factor(d);
    assert_int_equal(factor, 1);
    assert_int_equal(d->n_factors, 2);
    assert_int_equal(data_region_factor(d), 1); /* once is enough */
    assert_false(data_is_numeric(d, factor));
    assert_int_equal(data_levels(d, factor, site, 8), 2);
    for (int k = 0; k < d->sites.n; k++) {
        const char *of = data_level(d, k, factor);
        bool unused = d->sites.site[k].spare && d->sites.site[k].attempts == 0;
        assert_string_equal(of, unused ? "" : d->sites.site[k].region);
        in[0] += strcmp(of, "west") == 0;
        in[1] += strcmp(of, "east") == 0;
        assert_true(*data_level(d, k, 0) || d->sites.site[k].spare); /* the levels stay where they were */
    }
    assert_int_equal(in[0], two.n_sites / 2);
    assert_true(in[1] >= two.n_sites / 2);
    data_close(d);
    /* One region for all is nothing to compare by. */
    d = open_data(fixture.path);
    assert_int_equal(data_region_factor(d), -1);
    assert_int_equal(d->n_factors, 1);
    data_close(d);
}

static void test_wide_features_agree_with_long_ones(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    struct table *wide = tables_features_wide(d), *tidy = tables_features_long(d);
    int checked = 0;
    for (int r = 0; r < table_rows(tidy); r++) {
        const char *name = table_get_text(tidy, r, column_of(tidy, "feature"));
        double value = table_get_number(tidy, r, column_of(tidy, "value_si"));
        for (int w = 0; w < table_rows(wide); w++) {
            double cycle = table_get_number(wide, w, column_of(wide, "cycle"));
            double cycle_r = table_get_number(tidy, r, column_of(tidy, "cycle"));
            if (table_get_number(wide, w, 0) != table_get_number(tidy, r, 0) ||
                !(cycle == cycle_r || (isnan(cycle) && isnan(cycle_r))) ||
                strcmp(table_get_text(wide, w, column_of(wide, "step")),
                       table_get_text(tidy, r, column_of(tidy, "step"))) != 0)
                continue;
            double there = table_get_number(wide, w, column_of(wide, name));
            assert_true(there == value || (isnan(there) && isnan(value)));
            checked++;
        }
    }
    assert_int_equal(checked, table_rows(tidy));
    assert_true(checked > 100);
    table_free(wide);
    table_free(tidy);
    data_close(d);
}

static void collect(void *ctx, const struct buf *text)
{
    buf_add(ctx, text->p, text->n);
}

static void test_samples_are_in_the_frame_of_the_sample(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    struct buf csv = {0};
    struct err e = ERR_INIT;
    assert_true(show_samples(d, 1, 0, "formation", collect, &csv, &e));
    const char *head =
        "# potential: sample vs Li/Li+ by Ag QRCE; current: oxidation positive\n"
        "attempt,index,phase,step,cycle,sweep,t_s,host_s,potential_V,current_pA,z_um,range,status\n";
    assert_memory_equal(csv.p, head, strlen(head));
    double t, potential, current, z;
    const char *first = csv.p + strlen(head);
    assert_int_equal(
        sscanf(first, "1,1,step,formation,1,0,%lf,%*f,%lf,%lf,%lf", &t, &potential, &current, &z), 4);
    struct fixture_spot s = fixture_spot(&fixture, 1);
    double truth = fixture_current(&s, 3.0, -1, 1, fixture_si[fixture_level(&fixture, 1)], 0);
    assert_true(fabs(potential - 3.0) < 1e-9); /* sent as 0.2 V with the opposite sign */
    assert_true(fabs(current * 1e-12 - truth) < 1e-16);
    assert_true(fabs(z - 4.200017) < 1e-9);
    assert_non_null(strstr(csv.p, ",timing\n"));
    assert_null(strstr(csv.p, "plating"));
    assert_false(show_samples(d, 1, 0, "nonsense", collect, &csv, &e));
    assert_false(show_samples(d, 1, 7, NULL, collect, &csv, &e));
    assert_false(show_samples(d, 99, 0, NULL, collect, &csv, &e));
    assert_int_equal(e.code, ERR_USAGE);
    buf_free(&csv);
    data_close(d);
}

static void test_show_names_steps_and_features(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    struct buf out = {0};
    struct err e = ERR_INIT;
    assert_true(show_site(d, 1, TABLE_TEXT, &out, &e));
    assert_non_null(strstr(out.p, "formation.q_red@1"));
    assert_non_null(strstr(out.p, "galvanostatic"));
    buf_clear(&out);
    assert_true(show_site(d, 5, TABLE_TEXT, &out, &e));
    assert_non_null(strstr(out.p, "outcome: no-contact: travel used up; touched: no"));
    assert_false(show_site(d, 0, TABLE_TEXT, &out, &e));
    buf_free(&out);
    data_close(d);
}

static void test_status_counts(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    struct status s;
    struct err e = ERR_INIT;
    assert_true(status_read(d, &s, &e));
    assert_string_equal(s.state, "finished");
    assert_false(s.alive);
    assert_int_equal(s.planned, fixture.n_sites);
    assert_int_equal(s.done, fixture.n_sites);
    assert_int_equal(s.spares, 1);
    assert_int_equal(s.by_outcome[OUTCOME_MEASURED], fixture.n_sites);
    assert_int_equal(s.by_outcome[OUTCOME_NO_CONTACT], 1);
    assert_int_equal(s.last_site, fixture.n_sites + 1);
    assert_int_equal(s.warnings, 1);
    data_close(d);
}

/* A pause between two sites is no part of what a site takes. */
static void test_time_to_go_counts_no_pauses(void **state)
{
    (void)state;
    struct fixture f;
    struct status s;
    struct err e = ERR_INIT;
    struct buf text = {0};
    fixture_init(&f);
    f.visited = 6;
    f.pause_before = 4;
    fixture_write(&f);
    struct data *d = open_data(f.path);
    assert_true(status_read(d, &s, &e));
    assert_true(fabs(s.per_site_s - 14) < 1e-6);
    status_print(d, &s, &text);
    assert_non_null(strstr(text.p, "14.0 s per site, about 1 min 24 s to go"));
    buf_free(&text);
    data_close(d);
    fixture_remove(&f);
}

static void test_status_works_beside_a_writer_and_tells_it(void **state)
{
    (void)state;
    struct fixture f;
    struct err e = ERR_INIT;
    fixture_init(&f);
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct results *r = fixture_create(&f, &e);
    assert_non_null(r);
    struct writer *w = writer_start(r, l, &e);
    assert_true(writer_info(w, "state", "running"));
    fixture_visit(w, &f, 1, 1, 1);
    int64_t attempt;
    assert_true(writer_attempt_begin(w, 2, 1, 0, 0, 17, "2000-01-01T00:00:17.000Z", &attempt));
    assert_true(writer_barrier(w, &e));
    struct data *d = open_data(f.path);
    struct status s;
    assert_true(status_read(d, &s, &e));
    assert_true(s.alive);
    assert_int_equal(s.pid, getpid());
    assert_string_equal(status_words(&s), "running");
    assert_int_equal(s.done, 1);
    assert_int_equal(s.by_outcome[OUTCOME_NONE], 1);
    assert_int_equal(s.by_outcome[OUTCOME_NOT_VISITED], f.n_sites - 2);
    assert_string_equal(data_outcome(d, 1), "in-progress");
    data_close(d);
    assert_true(writer_stop(w, &e));
    d = open_data(f.path);
    assert_true(status_read(d, &s, &e));
    assert_false(s.alive);
    assert_non_null(strstr(status_words(&s), "without notice"));
    data_close(d);
    loop_free(l);
    fixture_remove(&f);
}

static long lines_of(const char *folder, const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    if (!file)
        fail_msg("no %s", path);
    long n = 0;
    for (int c; (c = getc(file)) != EOF;)
        n += c == '\n';
    fclose(file);
    return n;
}

static void test_export_writes_tidy_tables(void **state)
{
    (void)state;
    struct data *d = open_data(fixture.path);
    struct err e = ERR_INIT;
    char folder[128], path[200];
    snprintf(folder, sizeof folder, "%s/tables", fixture.folder);
    assert_true(export_csv(d, folder, false, &e));
    assert_int_equal(lines_of(folder, "sites.csv"), 1 + fixture.n_sites + FIXTURE_SPARES);
    assert_int_equal(lines_of(folder, "attempts.csv"), 1 + fixture.n_sites + 1);
    long samples = 0;
    for (int k = 1; k <= fixture.n_sites; k++) /* site 5 has none, its spare has its level */
        samples +=
            fixture.cycles * 2 * lround((3.0 - fixture_si[fixture_level(&fixture, k)]) / fixture.e_step);
    assert_int_equal(lines_of(folder, "samples-formation.csv"), 2 + samples);
    assert_true(lines_of(folder, "README.txt") > 40);
    assert_true(lines_of(folder, "run.csv") > 15);
    snprintf(path, sizeof path, "%s/samples-approach.csv", folder);
    assert_int_equal(access(path, F_OK), -1);
    assert_true(export_csv(d, folder, true, &e)); /* again, over what is there */
    assert_int_equal(lines_of(folder, "samples-approach.csv"), 2 + 20 * fixture.n_sites);
    snprintf(path, sizeof path, "%s/samples-approach.csv.partial", folder);
    assert_int_equal(access(path, F_OK), -1);
    assert_false(export_csv(d, "/proc/nowhere/tables", false, &e));
    assert_int_equal(e.code, ERR_IO);
    data_close(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sites_has_one_row_per_site),
        cmocka_unit_test(test_levels_rise),
        cmocka_unit_test(test_regions_are_compared_like_levels),
        cmocka_unit_test(test_wide_features_agree_with_long_ones),
        cmocka_unit_test(test_samples_are_in_the_frame_of_the_sample),
        cmocka_unit_test(test_show_names_steps_and_features),
        cmocka_unit_test(test_status_counts),
        cmocka_unit_test(test_time_to_go_counts_no_pauses),
        cmocka_unit_test(test_status_works_beside_a_writer_and_tells_it),
        cmocka_unit_test(test_export_writes_tidy_tables),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
