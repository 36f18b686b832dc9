/* Numbers of a script: integer and prefix, nothing lost, no decimal point. */
#include "instrument/ms_number.h"

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

static void is(double value, int quantum, const char *text)
{
    struct buf b = {0};
    ms_number(&b, value, quantum);
    assert_string_equal(b.p, text);
    buf_free(&b);
}

static void the_largest_exact_prefix_is_used(void **state)
{
    (void)state;
    is(0, MS_QUANTUM_VOLT, "0");
    is(0.5, MS_QUANTUM_VOLT, "500m");
    is(-1.5, MS_QUANTUM_VOLT, "-1500m");
    is(2, MS_QUANTUM_VOLT, "2");
    is(-3.15, MS_QUANTUM_VOLT, "-3150m");
    is(0.002001, MS_QUANTUM_VOLT, "2001u");
    is(1e-9, MS_QUANTUM_AMPERE, "1n");
    is(-2e-12, MS_QUANTUM_AMPERE, "-2p");
    is(1.5e-12, MS_QUANTUM_AMPERE, "1500f");
    is(3600, MS_QUANTUM_SECOND, "3600");
    is(36000, MS_QUANTUM_SECOND, "36k");
    is(0.0005, MS_QUANTUM_SECOND, "500u");
}

static void less_than_the_quantum_is_rounded_not_cut(void **state)
{
    (void)state;
    is(0.1 + 0.2, MS_QUANTUM_VOLT, "300m");
    is(-0.0000004, MS_QUANTUM_VOLT, "0");
    is(0.0000006, MS_QUANTUM_VOLT, "1u");
    is(0.9999999, MS_QUANTUM_VOLT, "1");
}

static void what_exceeds_the_integer_gets_coarser(void **state)
{
    (void)state;
    is(0.123456789, MS_QUANTUM_AMPERE, "123457u");
    is(3600.1234567, MS_QUANTUM_SECOND, "3600123m");
}

/* Reads the text back the way the device must: integer, then at most one prefix character. */
static double read_back(const char *text)
{
    static const char prefix[] = "afpnum kMGTPE";
    char *end;
    long long m = strtoll(text, &end, 10);
    assert_true(llabs(m) < 134217728);
    if (!*end)
        return (double)m;
    assert_true(end[1] == '\0' && *end != ' ');
    return (double)m * pow(10, 3 * (double)(strchr(prefix, *end) - prefix) - 18);
}

static void random_values_come_back_within_half_a_quantum(void **state)
{
    (void)state;
    uint64_t seed = 20260101;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.ms_number");
    for (uint64_t k = 0; k < 20000; k++) {
        struct buf b = {0};
        double v = (rng_uniform(r, k, 0, 0) - 0.5) * 20;
        ms_number(&b, v, MS_QUANTUM_VOLT);
        if (fabs(read_back(b.p) - v) > 0.51e-6)
            fail_msg("%.12g was written as %s", v, b.p);
        buf_clear(&b);
        double i = (rng_uniform(r, k, 1, 0) - 0.5) * 1e-7; /* up to 50 nA: 1 fA survives */
        ms_number(&b, i, MS_QUANTUM_AMPERE);
        if (fabs(read_back(b.p) - i) > 0.51e-15)
            fail_msg("%.12g was written as %s", i, b.p);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_exact_prefix_is_used),
        cmocka_unit_test(less_than_the_quantum_is_rounded_not_cut),
        cmocka_unit_test(what_exceeds_the_integer_gets_coarser),
        cmocka_unit_test(random_values_come_back_within_half_a_quantum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
