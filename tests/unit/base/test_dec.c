/* Decimal numbers decode to the same double as the text they came from. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/dec.h"
#include "base/rng.h"

static void check_parse(const char *text, int64_t m, int e)
{
    struct dec d;
    assert_true(dec_parse(text, &d));
    assert_int_equal(d.m, m);
    assert_int_equal(d.e, e);
    assert_true(dec_value(d) == strtod(text, NULL));
}

static void test_parse_keeps_every_place(void **state)
{
    (void)state;
    check_parse("-12.50e-3", -1250, -5);
    check_parse("+7", 7, 0);
    check_parse("0", 0, 0);
    check_parse("0.000", 0, -3);
    check_parse(".5", 5, -1);
    check_parse("5.", 5, 0);
    check_parse("1E6", 1, 6);
    check_parse("3.14159e+00", 314159, -5);
    check_parse("9223372036854775807", INT64_MAX, 0);
    check_parse("-9223372036854775808", INT64_MIN, 0);
}

static void test_zeros_that_do_not_fit_become_exponent(void **state)
{
    (void)state;
    check_parse("1000000000000000000000000", 1000000000000000000, 6);
    check_parse("0.00000000000000000000000000000001", 1, -32);
    check_parse("1.00000000000000000000000000000000", 1000000000000000000, -18);
    check_parse("1e130", 1000, 127);
    check_parse("1000e-130", 1, -127);
    check_parse("0e999", 0, 0);
    check_parse("0e-999", 0, 0);
}

static void test_what_is_no_number_or_does_not_fit(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "-",
                                      "+",
                                      ".",
                                      "e5",
                                      "1e",
                                      "1e+",
                                      " 1",
                                      "1 ",
                                      "1x",
                                      "nan",
                                      "inf",
                                      "0x10",
                                      "1,5",
                                      "--1",
                                      "1.2.3",
                                      "1e400",
                                      "1e-400",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "1.0000000000000000000000001"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct dec d = {42, 42};
        if (dec_parse(bad[i], &d))
            fail_msg("`%s` was read", bad[i]);
        assert_int_equal(d.m, 42); /* written on success only */
    }
}

static void test_value_equals_strtod_on_random_numbers(void **state)
{
    (void)state;
    const uint64_t seed = 11;
    print_message("seed %" PRIu64 "\n", seed);
    struct rng r = rng_stream(seed, "test.dec");
    for (uint64_t i = 0; i < 100000; i++) {
        int64_t m = (int64_t)rng_u64(r, i, 0, 0) >> rng_below(r, 64, i, 1);
        int e = (int)rng_below(r, i % 2 ? 60 : 255, i, 2) - (i % 2 ? 30 : 127);
        char text[64];
        snprintf(text, sizeof text, "%" PRId64 "e%d", m, e);
        struct dec d;
        assert_true(dec_parse(text, &d));
        assert_true(d.m == m && d.e == e);
        double value = dec_value(d), wanted = strtod(text, NULL);
        if (memcmp(&value, &wanted, sizeof value) != 0)
            fail_msg("%s: %.17g, strtod says %.17g", text, value, wanted);
    }
}

static void test_printed_doubles_parse_to_themselves(void **state)
{
    (void)state;
    const uint64_t seed = 12;
    print_message("seed %" PRIu64 "\n", seed);
    struct rng r = rng_stream(seed, "test.dec.text");
    for (uint64_t i = 0; i < 100000; i++) {
        double value = rng_normal(r, i, 0, 0) * pow(10, (double)rng_below(r, 80, i, 1) - 40);
        char text[64];
        snprintf(text, sizeof text, i % 2 ? "%.*e" : "%.*g", (int)rng_below(r, 17, i, 2) + 1, value);
        struct dec d;
        assert_true(dec_parse(text, &d));
        assert_true(dec_value(d) == strtod(text, NULL));
    }
}

static void test_from_is_the_inverse_of_value(void **state)
{
    (void)state;
    const uint64_t seed = 13;
    print_message("seed %" PRIu64 "\n", seed);
    struct rng r = rng_stream(seed, "test.dec.from");
    for (uint64_t i = 0; i < 100000; i++) {
        int64_t m = (int64_t)rng_u64(r, i, 0, 0) >> (10 + rng_below(r, 50, i, 1)); /* |m| <= 2^53 */
        int e = (int)rng_below(r, 45, i, 2) - 22;
        double value = dec_value((struct dec){m, (int8_t)e});
        struct dec d = dec_from(value, e);
        /* Beyond 15 digits two decimals may share a double; either of them is right. */
        bool exact = m > -1000000000000000 && m < 1000000000000000;
        if (d.e != e || dec_value(d) != value || (exact && d.m != m))
            fail_msg("%" PRId64 "e%d came back as %" PRId64 "e%d", m, e, d.m, d.e);
    }
}

static void test_from_rounds_to_nearest(void **state)
{
    (void)state;
    assert_int_equal(dec_from(1.26, -1).m, 13);
    assert_int_equal(dec_from(-1.24, -1).m, -12);
    assert_int_equal(dec_from(1999, 3).m, 2);
    assert_int_equal(dec_from(1e-40, -40).m, 1);
    assert_int_equal(dec_from(0.4e-12, -12).m, 0);
}

static void test_nan(void **state)
{
    (void)state;
    assert_true(dec_is_nan(DEC_NAN));
    assert_true(isnan(dec_value(DEC_NAN)));
    assert_true(dec_is_nan(dec_from(NAN, 0)));
    assert_true(dec_is_nan(dec_from(INFINITY, 0)));
    assert_true(dec_is_nan(dec_from(1, -19)));
    assert_true(dec_is_nan(dec_from(1e300, -100)));
    assert_true(dec_is_nan(dec_from(1, 200)));
    assert_true(dec_is_nan(dec_from(1, -128)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_keeps_every_place),
        cmocka_unit_test(test_zeros_that_do_not_fit_become_exponent),
        cmocka_unit_test(test_what_is_no_number_or_does_not_fit),
        cmocka_unit_test(test_value_equals_strtod_on_random_numbers),
        cmocka_unit_test(test_printed_doubles_parse_to_themselves),
        cmocka_unit_test(test_from_is_the_inverse_of_value),
        cmocka_unit_test(test_from_rounds_to_nearest),
        cmocka_unit_test(test_nan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
