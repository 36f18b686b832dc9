/* Comparing two made-up runs that differ in one known thing. */
#include "unit/output/fixture.h"

#include "output/diff.h"

/* Writes a second file beside the first one with what `change` did to the fixture, and compares. */
static void compare(void (*change)(struct fixture *f), const struct diff_options *o,
                    struct diff_counts *counts, struct buf *out)
{
    struct fixture f;
    struct err e = ERR_INIT;
    char first[128];
    fixture_init(&f);
    fixture_write(&f);
    memcpy(first, f.path, sizeof first);
    snprintf(f.path, sizeof f.path, "%s/b.seccm", f.folder);
    if (change)
        change(&f);
    fixture_write(&f);
    struct data *a = data_open(first, &e), *b = data_open(f.path, &e);
    assert_non_null(a);
    assert_non_null(b);
    if (!diff_files(a, b, o, out, counts, &e))
        fail_msg("%s", e.text);
    data_close(a);
    data_close(b);
    fixture_remove(&f);
}

static const struct diff_options plain = {.most = 10};

static void test_same_runs_are_the_same(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    const struct diff_options o = {.most = 10, .features = true};
    compare(NULL, &o, &c, &out);
    assert_int_equal(c.differences, 0);
    assert_int_equal(c.interrupted, 0);
    assert_int_equal(c.sites, 12 + FIXTURE_SPARES);
    assert_int_equal(c.waveforms, 2 * 12);
    assert_int_equal(out.n, 0);
    buf_free(&out);
}

static void change_sample(struct fixture *f)
{
    f->corrupt = 1e-16; /* one digit of the last place */
}

static void test_one_digit_of_one_sample_is_a_difference(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    compare(change_sample, &plain, &c, &out);
    assert_int_equal(c.differences, 1);
    assert_non_null(strstr(out.p, "site 2: step `formation`, first differing sample 11 (current)"));
    buf_free(&out);
}

static void test_excepted_sites_are_set_aside(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    const struct diff_options o = {.most = 10, .except = "1-2,7"};
    compare(change_sample, &o, &c, &out);
    assert_int_equal(c.differences, 0);
    assert_int_equal(c.interrupted, 3);
    buf_free(&out);
}

static void change_interruption(struct fixture *f)
{
    f->interrupted = 9;
}

static void test_interrupted_sites_and_their_spares_are_no_difference(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    compare(change_interruption, &plain, &c, &out);
    if (c.differences)
        print_message("%s", out.p);
    assert_int_equal(c.differences, 0);
    assert_int_equal(c.interrupted, 2); /* site 9 and its spare */
    buf_free(&out);
}

static void change_outcome(struct fixture *f)
{
    f->no_contact = 6;
}

static void test_outcomes_are_compared(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    compare(change_outcome, &plain, &c, &out);
    assert_true(c.differences > 0);
    assert_non_null(strstr(out.p, "site 5: outcome: no-contact | measured"));
    assert_non_null(strstr(out.p, "site 6: outcome: measured | no-contact"));
    buf_free(&out);
}

static void change_levels(struct fixture *f)
{
    f->seed = 8;
}

static void test_levels_are_compared_and_long_lists_are_counted(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    compare(change_levels, &plain, &c, &out);
    assert_true(c.differences > plain.most);
    assert_non_null(strstr(out.p, "cutoff: "));
    assert_non_null(strstr(out.p, "more\n"));
    buf_free(&out);
}

static void change_size(struct fixture *f)
{
    f->n_sites = 9;
}

static void test_different_plans_are_told_without_comparing_sites(void **state)
{
    (void)state;
    struct diff_counts c;
    struct buf out = {0};
    compare(change_size, &plain, &c, &out);
    assert_int_equal(c.differences, 1);
    assert_string_equal(out.p, "number of sites: 16 | 13\n");
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_runs_are_the_same),
        cmocka_unit_test(test_one_digit_of_one_sample_is_a_difference),
        cmocka_unit_test(test_excepted_sites_are_set_aside),
        cmocka_unit_test(test_interrupted_sites_and_their_spares_are_no_difference),
        cmocka_unit_test(test_outcomes_are_compared),
        cmocka_unit_test(test_levels_are_compared_and_long_lists_are_counted),
        cmocka_unit_test(test_different_plans_are_told_without_comparing_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
