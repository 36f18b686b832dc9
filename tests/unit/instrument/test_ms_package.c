/* Data packages, against the worked examples of the protocol's description. */
#include "instrument/ms_package.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

static struct ms_package k;

static void near(double a, double b)
{
    if (fabs(a - b) > 1e-12 * fabs(b))
        fail_msg("%.15g is not %.15g", a, b);
}

static void the_worked_example_of_a_high_speed_range(void **state)
{
    (void)state;
    assert_true(ms_package_parse("Pda7F85F3Fu;ba48D503Dp,10,288", &k));
    assert_int_equal(k.n, 2);
    assert_int_equal(k.var[0].type, MS_TYPE('d', 'a'));
    assert_int_equal(k.var[1].type, MS_TYPE('b', 'a'));
    near(dec_value(k.var[0].value), -0.499905);
    near(dec_value(k.var[1].value), -57.847747e-6);
    assert_int_equal(k.var[1].status, 0);
    assert_int_equal(k.var[1].range, 136);
}

static void the_worked_example_of_a_low_speed_range(void **state)
{
    (void)state;
    assert_true(ms_package_parse("Pda8000800u;ba8000800u,10,20B", &k));
    near(dec_value(k.var[0].value), 2.048e-3);
    near(dec_value(k.var[1].value), 2.048e-3);
    assert_int_equal(k.var[1].range, 11);
}

static void a_blank_prefix_is_a_factor_of_one(void **state)
{
    (void)state;
    assert_true(ms_package_parse("Pda8000000 ;ba8000002 ,10,203;eb800000Ai", &k));
    assert_int_equal(k.n, 3);
    near(dec_value(k.var[1].value), 2);
    near(dec_value(k.var[2].value), 10);
    assert_true(ms_package_parse("Peb8000005 ", &k));
    near(dec_value(k.var[0].value), 5);
}

static void a_trimmed_blank_prefix_is_a_damaged_line(void **state)
{
    (void)state;
    assert_false(ms_package_parse("Peb8000005", &k));
    assert_false(ms_package_parse("Pda8000000;ba8000002 ", &k));
}

static void not_a_number_is_eight_characters(void **state)
{
    (void)state;
    assert_true(ms_package_parse("Pda8000000u;ba     nan,12,210", &k));
    assert_true(dec_is_nan(k.var[1].value));
    assert_int_equal(k.var[1].status, 2);
    assert_int_equal(k.var[1].range, 16);
    assert_false(ms_package_parse("Pba    nan", &k));
    assert_false(ms_package_parse("Pba     na", &k));
}

static void every_status_bit_comes_through(void **state)
{
    (void)state;
    assert_true(ms_package_parse("Pba8000001p,1F,203,40", &k));
    assert_int_equal(k.var[0].status, 15);
    assert_int_equal(k.var[0].range, 3);
}

static void without_metadata_there_are_no_commas(void **state)
{
    (void)state;
    assert_true(ms_package_parse("Pda8000800u;ba8000800u", &k));
    assert_int_equal(k.var[1].status, 0);
    assert_int_equal(k.var[1].range, 0);
}

static void a_line_cut_anywhere_is_rejected_or_shorter(void **state)
{
    (void)state;
    const char *whole = "Pda7F85F3Fu;ba48D503Dp,10,288;eb8000010m";
    char cut[64];
    for (size_t n = 0; n < strlen(whole); n++) {
        memcpy(cut, whole, n);
        cut[n] = '\0';
        if (ms_package_parse(cut, &k))
            assert_true(k.n < 3); /* never three variables out of part of them */
    }
}

static void damaged_bytes_never_read_beyond_the_line(void **state)
{
    (void)state;
    uint64_t seed = 7;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.ms_package");
    const char *whole = "Pda7F85F3Fu;ba     nan,10,288;eb8000010m";
    size_t n = strlen(whole);
    for (uint64_t i = 0; i < 100000; i++) {
        char *line = strdup(whole); /* heap, so that the address sanitiser sees every byte too many */
        line[rng_below(r, n, i, 0)] = (char)rng_below(r, 256, i, 1);
        ms_package_parse(line, &k);
        assert_true(k.n >= 0 && k.n <= MS_VARS_MAX);
        free(line);
    }
    assert_false(ms_package_parse("", &k));
    assert_false(ms_package_parse("Pda8000000u;;ba8000000u", &k));
    assert_false(ms_package_parse("Pda8000000u,", &k));
    assert_false(ms_package_parse("PDA8000000u", &k));
    assert_false(ms_package_parse("Pda8000000x", &k));
    assert_false(ms_package_parse(
        "Paa8000000u;ab8000000u;ac8000000u;ad8000000u;ae8000000u;af8000000u;ag8000000u", &k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worked_example_of_a_high_speed_range),
        cmocka_unit_test(the_worked_example_of_a_low_speed_range),
        cmocka_unit_test(a_blank_prefix_is_a_factor_of_one),
        cmocka_unit_test(a_trimmed_blank_prefix_is_a_damaged_line),
        cmocka_unit_test(not_a_number_is_eight_characters),
        cmocka_unit_test(every_status_bit_comes_through),
        cmocka_unit_test(without_metadata_there_are_no_commas),
        cmocka_unit_test(a_line_cut_anywhere_is_rejected_or_shorter),
        cmocka_unit_test(damaged_bytes_never_read_beyond_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
