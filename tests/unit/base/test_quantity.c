/* Quantities: what is accepted, what it means in SI, and what the refusals say. */
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/quantity.h"
#include "base/rng.h"

static void accept(const char *text, enum dim dim, double wanted)
{
    struct err e = ERR_INIT;
    double si = -1234;
    if (!quantity_parse(text, dim, &si, &e))
        fail_msg("`%s`: %s", text, e.text);
    if (si != wanted)
        fail_msg("`%s`: %.17g, wanted %.17g", text, si, wanted);
}

/* `says` is the whole message. */
static void refuse(const char *text, enum dim dim, const char *says)
{
    struct err e = ERR_INIT;
    double si = -1234;
    if (quantity_parse(text, dim, &si, &e))
        fail_msg("`%s` was accepted as %g", text, si);
    assert_string_equal(e.text, says);
    assert_int_equal(e.code, ERR_INPUT);
    assert_true(si == -1234);
}

static void test_every_dimension(void **state)
{
    (void)state;
    /* Decimal prefixes give the very double that the SI value has. */
    accept("0.5", DIM_NONE, 0.5);
    accept("5 %", DIM_NONE, 0.05);
    accept("400 nm", DIM_LENGTH, 400e-9);
    accept("2 um", DIM_LENGTH, 2e-6);
    accept("50 ms", DIM_TIME, 0.05);
    accept("10 min", DIM_TIME, 600);
    accept("2 h", DIM_TIME, 7200);
    accept("1 d", DIM_TIME, 86400);
    accept("-50 mV", DIM_POTENTIAL, -0.05);
    accept("2 pA", DIM_CURRENT, 2e-12);
    accept("20 pC", DIM_CHARGE, 20e-12);
    accept("1C", DIM_CHARGE, 1);
    accept("1 mA h", DIM_CHARGE, 3.6);
    accept("1 um/s", DIM_SPEED, 1e-6);
    accept("50 mV/s", DIM_SCAN_RATE, 0.05);
    accept("1 V/min", DIM_SCAN_RATE, 1.0 / 60);
    accept("-1 mA/cm2", DIM_CURRENT_DENSITY, -10);
    accept("1 pF", DIM_CAPACITANCE, 1e-12);
    accept("10 uF/cm2", DIM_CAPACITANCE_DENSITY, 0.1);
    accept("1 mC/cm2", DIM_CHARGE_DENSITY, 10);
    accept("10 Mohm", DIM_RESISTANCE, 1e7);
    accept("0.1 pS", DIM_CONDUCTANCE, 1e-13);
    accept("50 Hz", DIM_FREQUENCY, 50);
    accept("50 1/s", DIM_FREQUENCY, 50);
    accept("1.3e-9 cm2", DIM_AREA, 1.3e-13);
    accept("180 deg", DIM_ANGLE, 3.14159265358979323846);
    accept("1 rad", DIM_ANGLE, 1);
    accept("25 degC", DIM_TEMPERATURE, 25 + 273.15);
    accept("298.15 K", DIM_TEMPERATURE, 298.15);
    accept("1 mV/s", DIM_DRIFT_POTENTIAL, 0.001);
}

static void test_examples_of_the_table_are_true(void **state)
{
    (void)state;
    for (int dim = 0; dim < DIM_COUNT; dim++) {
        char examples[64];
        snprintf(examples, sizeof examples, "%s", dim_example((enum dim)dim));
        char *p = examples;
        while (p && *p) {
            char *end = strstr(p, ", "), * or = strstr(p, " or ");
            char *next = NULL;
            if (end && (! or || end < or)) {
                *end = '\0';
                next = end + 2;
            } else if (or) {
                * or = '\0';
                next = or +4;
            }
            struct err e = ERR_INIT;
            double si;
            if (!quantity_parse(p, (enum dim)dim, &si, &e))
                fail_msg("example `%s` of %s: %s", p, dim_name((enum dim)dim), e.text);
            p = next;
        }
    }
}

static void test_spellings(void **state)
{
    (void)state;
    accept("2um", DIM_LENGTH, 2e-6);
    accept("  2   um  ", DIM_LENGTH, 2e-6);
    accept("2 \xC2\xB5m", DIM_LENGTH, 2e-6);
    accept("2 \xCE\xBCm", DIM_LENGTH, 2e-6);
    accept("1e1nm", DIM_LENGTH, 1e-8);
    accept("+.5 V", DIM_POTENTIAL, 0.5);
    accept("5 mA cm-2", DIM_CURRENT_DENSITY, 50);
    accept("5 mA cm^-2", DIM_CURRENT_DENSITY, 50);
    accept("5 mA*cm^-2", DIM_CURRENT_DENSITY, 50);
    accept("5 mA / cm^2", DIM_CURRENT_DENSITY, 50);
    accept("5 mA/cm\xC2\xB2", DIM_CURRENT_DENSITY, 50);
    accept("5 mA cm\xE2\x81\xBB\xC2\xB2", DIM_CURRENT_DENSITY, 50);
    accept("5 mA\xC2\xB7"
           "cm-2",
           DIM_CURRENT_DENSITY, 50);
    accept("5 mV s-1", DIM_SCAN_RATE, 0.005);
    accept("5 V.s-1", DIM_SCAN_RATE, 5);
    accept("25 \xC2\xB0"
           "C",
           DIM_TEMPERATURE, 25 + 273.15);
    accept("180 \xC2\xB0", DIM_ANGLE, 3.14159265358979323846);
    accept("10 M\xCE\xA9", DIM_RESISTANCE, 1e7);
    accept("3 hours", DIM_TIME, 10800);
}

static void test_wrong_dimension_is_named(void **state)
{
    (void)state;
    refuse("5 mV", DIM_SCAN_RATE,
           "`5 mV` is a potential; a scan rate is wanted, for example 50 mV/s or 1 V/s");
    refuse("5 mV/s", DIM_POTENTIAL,
           "`5 mV/s` is a scan rate; a potential is wanted, for example 0.05 V or 50 mV");
    refuse("1 S", DIM_TIME, "`1 S` is a conductance; a time is wanted, for example 50 ms, 10 s or 2 h");
    refuse("5 kg", DIM_LENGTH, "`5 kg` is a mass; a length is wanted, for example 2 um or 400 nm");
    refuse("5 %", DIM_ANGLE, "`5 %` is a number; an angle is wanted, for example 0.5 deg");
    refuse("1 rad", DIM_NONE, "`1 rad` is an angle; a number is wanted, for example 0.5 or 5 %");
    refuse("1 rad/s", DIM_FREQUENCY,
           "`1 rad/s` is an angular speed; a frequency is wanted, for example 50 Hz");
    refuse("1 degC", DIM_LENGTH, "`1 degC` is a temperature; a length is wanted, for example 2 um or 400 nm");
    refuse("1 C", DIM_POTENTIAL, "`1 C` is a charge; a potential is wanted, for example 0.05 V or 50 mV");
    refuse("1 kg.m", DIM_LENGTH,
           "`1 kg.m` has the unit `kg.m`; a length is wanted, for example 2 um or 400 nm");
    refuse("1 dBm", DIM_POTENTIAL,
           "`1 dBm` has the unit `dBm`; a potential is wanted, for example 0.05 V or 50 mV");
}

static void test_inverse_unit(void **state)
{
    (void)state;
    refuse("10 s/V", DIM_SCAN_RATE,
           "`10 s/V` is not a scan rate (found s/V; the inverse, V/s, was probably meant)");
    refuse("1 cm2/mA", DIM_CURRENT_DENSITY,
           "`1 cm2/mA` is not a current density (found cm2/mA; the inverse, A/m2, was probably meant)");
    refuse("5 s", DIM_FREQUENCY, "`5 s` is a time; a frequency is wanted, for example 50 Hz");
    refuse("5 ohm", DIM_CONDUCTANCE, "`5 ohm` is a resistance; a conductance is wanted, for example 0.1 pS");
}

#define C_RATE " reads as a C-rate, which needs the capacity of a cell (and C alone is the coulomb): "

static void test_c_rate_and_molar(void **state)
{
    (void)state;
    refuse("1C", DIM_CURRENT, "`1C`" C_RATE "a current is wanted, for example 2 pA or 5 nA");
    refuse("0.5 C", DIM_CURRENT_DENSITY,
           "`0.5 C`" C_RATE "a current density is wanted, for example -1 mA/cm2");
    refuse("C/2", DIM_CURRENT, "`C/2`" C_RATE "a current is wanted, for example 2 pA or 5 nA");
    refuse("C/10", DIM_CHARGE, "`C/10`" C_RATE "a charge is wanted, for example 20 pC");
    refuse("1 M", DIM_NONE,
           "`1 M` is a concentration (M = mol/L): a number is wanted, for example 0.5 or 5 %");
    refuse("10 mM", DIM_LENGTH,
           "`10 mM` is a concentration (M = mol/L): a length is wanted, for example 2 um or 400 nm");
    refuse("1 mol/L", DIM_CURRENT,
           "`1 mol/L` is a concentration; a current is wanted, for example 2 pA or 5 nA");
}

static void test_missing_parts(void **state)
{
    (void)state;
    refuse("2", DIM_LENGTH, "`2` has no unit: a length is wanted, for example 2 um or 400 nm");
    refuse("0", DIM_POTENTIAL, "`0` has no unit: a potential is wanted, for example 0.05 V or 50 mV");
    refuse("mV", DIM_POTENTIAL,
           "`mV` does not start with a number: a potential is wanted, for example 0.05 V or 50 mV");
    refuse("", DIM_NONE, "nothing is written: a number is wanted, for example 0.5 or 5 %");
    refuse("   ", DIM_AREA, "nothing is written: an area is wanted, for example 1.3e-9 cm2");
}

static void test_numbers_that_are_none(void **state)
{
    (void)state;
    refuse("nan", DIM_NONE, "`nan` does not start with a number: a number is wanted, for example 0.5 or 5 %");
    refuse("inf m", DIM_LENGTH,
           "`inf m` does not start with a number: a length is wanted, for example 2 um or 400 nm");
    refuse("1e999 m", DIM_LENGTH, "`1e999 m`: the number is too large or too small to hold");
    refuse("1e999", DIM_NONE, "`1e999`: the number is too large or too small to hold");
    refuse("1e-999 m", DIM_LENGTH, "`1e-999 m`: the number is too large or too small to hold");
    refuse("1e308 Tm", DIM_LENGTH, "`1e308 Tm`: too large or too small to hold in m");
    refuse("1e-320 am", DIM_LENGTH, "`1e-320 am`: too large or too small to hold in m");
    refuse(
        "0x10 m", DIM_LENGTH,
        "`0x10 m`: `x10 m` is not a unit that is known here; a length is wanted, for example 2 um or 400 nm");
    refuse(
        "1,5 m", DIM_LENGTH,
        "`1,5 m`: `,5 m` is not a unit that is known here; a length is wanted, for example 2 um or 400 nm");
}

/* What UDUNITS would take for a unit, and we must not. */
static void test_traps_of_the_unit_grammar(void **state)
{
    (void)state;
    static const char *const traps[] = {"1 s 2",
                                        "1 m 3",
                                        "5 5 mV",
                                        "1 s since 2000-01-01",
                                        "1 s @ 2000",
                                        "1 lg(re 1 mW)",
                                        "1 s from 2000",
                                        "1 K after 5",
                                        "1 V ref 3",
                                        "1 V re 3",
                                        "1 (V)",
                                        "1 V;A",
                                        "1 V--1",
                                        "1 m^2^2",
                                        "1 -V",
                                        "1 V-",
                                        "1 V/2",
                                        "1 2/s",
                                        "1 10V",
                                        "1 V\x01",
                                        "1 V\tA",
                                        "1 V\n",
                                        "1 \"V\"",
                                        "1 'V'",
                                        "1 V|A",
                                        "1 V/",
                                        "1 foo",
                                        "1 \xFFV",
                                        "1 m\xC2\xB2\xC2\xB2 2"};
    for (size_t i = 0; i < sizeof traps / sizeof traps[0]; i++)
        for (int dim = 0; dim < DIM_COUNT; dim++) {
            struct err e = ERR_INIT;
            double si;
            if (quantity_parse(traps[i], (enum dim)dim, &si, &e))
                fail_msg("`%s` was accepted as %s %g", traps[i], dim_name((enum dim)dim), si);
            for (const char *p = e.text; *p; p++)
                assert_true((unsigned char)*p >= 0x20);
        }
}

static void test_bounds_on_length(void **state)
{
    (void)state;
    struct buf b = {0};
    struct err e = ERR_INIT;
    double si;
    buf_str(&b, "1 ");
    for (int i = 0; i < 65; i++)
        buf_char(&b, 'm');
    assert_false(quantity_parse(b.p, DIM_LENGTH, &si, &e));
    assert_non_null(strstr(e.text, "a unit of 65 characters, at most 64 are read"));
    assert_true(strlen(e.text) < 200); /* what was written is clipped in the message */
    buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        buf_char(&b, '1');
    assert_false(quantity_parse(b.p, DIM_NONE, &si, &e));
    assert_non_null(strstr(e.text, "a number of 100000 characters, at most 64 are read"));
    buf_free(&b);
}

static void test_number_parse(void **state)
{
    (void)state;
    double x = 0;
    assert_true(number_parse("-12.5e-3", &x) && x == -12.5e-3);
    assert_true(number_parse("0e999", &x) && x == 0);
    assert_true(number_parse("0.1", &x) && x == 0.1);
    static const char *const bad[] = {"",     " 1",    "1 ",    "1 m",    "nan", "inf",
                                      "-inf", "0x1p3", "1e999", "1e-999", "1,5", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(number_parse(bad[i], &x));
}

/* Switches to a locale with a decimal comma, making one if none is installed; false if that is impossible. */
static bool comma_locale(char directory[64])
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8", "ru_RU.UTF-8"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (setlocale(LC_ALL, names[i]))
            return true;
    strcpy(directory, "/tmp/test-locale-XXXXXX");
    if (!mkdtemp(directory))
        return false;
    char command[256];
    snprintf(command, sizeof command, "localedef -c -i de_DE -f UTF-8 %s/de_DE.UTF-8 >/dev/null 2>&1",
             directory);
    bool made = system(command) == 0;
    setenv("LOCPATH", directory, 1);
    return made && setlocale(LC_ALL, "de_DE.UTF-8");
}

static void test_locale_changes_nothing(void **state)
{
    (void)state;
    char directory[64] = "", text[64];
    bool comma = comma_locale(directory);
    if (comma) {
        snprintf(text, sizeof text, "%.1f", 1.5);
        assert_string_equal(text, "1,5"); /* it is in force */
        double x;
        accept("1.5 mV", DIM_POTENTIAL, 1.5e-3);
        accept("1.5 min", DIM_TIME, 90);
        assert_true(number_parse("2.25", &x) && x == 2.25);
        assert_string_equal(quantity_format(1.5e-3, DIM_POTENTIAL, text, sizeof text), "1.5 mV");
        struct buf b = {0};
        buf_json_number(&b, 0.1);
        assert_string_equal(b.p, "0.1");
        buf_free(&b);
    }
    setlocale(LC_ALL, "C");
    unsetenv("LOCPATH");
    if (directory[0]) {
        char command[128];
        snprintf(command, sizeof command, "rm -rf '%s'", directory);
        assert_int_equal(system(command), 0);
    }
    if (!comma) {
        print_message("no locale with a decimal comma can be had here\n");
        skip();
    }
}

static void check_format(double si, enum dim dim, const char *wanted)
{
    char text[64];
    assert_string_equal(quantity_format(si, dim, text, sizeof text), wanted);
}

static void test_format(void **state)
{
    (void)state;
    check_format(4e-7, DIM_LENGTH, "400 nm");
    check_format(999.9999999e-9, DIM_LENGTH, "1 um");
    check_format(999.9999999, DIM_LENGTH, "1 km");
    check_format(0, DIM_LENGTH, "0 m");
    check_format(-0.0, DIM_LENGTH, "0 m");
    check_format(-0.05, DIM_POTENTIAL, "-50 mV");
    check_format(0.05, DIM_SCAN_RATE, "50 mV/s");
    check_format(-10, DIM_CURRENT_DENSITY, "-1 mA/cm2");
    check_format(0.1, DIM_CAPACITANCE_DENSITY, "10 uF/cm2");
    check_format(1.3e-13, DIM_AREA, "0.13 um2");
    check_format(1e7, DIM_RESISTANCE, "10 Mohm");
    check_format(90, DIM_TIME, "90 s");
    check_format(600, DIM_TIME, "10 min");
    check_format(7200, DIM_TIME, "2 h");
    check_format(1e-3, DIM_TIME, "1 ms");
    check_format(298.15, DIM_TEMPERATURE, "25 degC");
    check_format(0.05, DIM_NONE, "0.05");
    check_format(3.14159265358979323846 / 2, DIM_ANGLE, "90 deg");
    check_format(NAN, DIM_LENGTH, "missing");
    check_format(INFINITY, DIM_LENGTH, "unlimited");
    char small[5];
    assert_string_equal(quantity_format(4e-7, DIM_LENGTH, small, sizeof small), "400 ");
}

static void test_format_reads_back(void **state)
{
    (void)state;
    const uint64_t seed = 77;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.quantity");
    for (int dim = 0; dim < DIM_COUNT; dim++)
        for (uint64_t i = 0; i < 2000; i++) {
            double si = (rng_uniform(r, i, (uint64_t)dim, 0) + 0.1) *
                        pow(10, (double)rng_below(r, 25, i, (uint64_t)dim) - 15),
                   back;
            char text[64];
            struct err e = ERR_INIT;
            quantity_format(si, (enum dim)dim, text, sizeof text);
            if (!quantity_parse(text, (enum dim)dim, &back, &e))
                fail_msg("%g -> `%s`: %s", si, text, e.text);
            double scale = dim == DIM_TEMPERATURE ? fabs(si) + 273.15 : fabs(si);
            if (fabs(back - si) > 5.1e-6 * scale)
                fail_msg("%g -> `%s` -> %g", si, text, back);
        }
}

static void test_more_units_than_the_cache_holds(void **state)
{
    (void)state;
    char text[64];
    for (int round = 0; round < 2; round++)
        for (int i = 1; i <= 40; i++)
            for (int k = 1; k <= 15; k++) {
                snprintf(text, sizeof text, "3 mm%*sm%*sm-1", i, "", k, "");
                accept(text, DIM_LENGTH, 3e-3);
            }
}

static void *parse_elsewhere(void *ctx)
{
    struct err *e = ctx;
    double si;
    return quantity_parse("1 m", DIM_LENGTH, &si, e) ? ctx : NULL;
}

static void test_another_thread_is_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_true(quantity_init(&e));
    pthread_t thread;
    void *parsed = NULL;
    assert_int_equal(pthread_create(&thread, NULL, parse_elsewhere, &e), 0);
    pthread_join(thread, &parsed);
    assert_null(parsed);
    assert_int_equal(e.code, ERR_INTERNAL);
}

static void test_done_and_init_again(void **state)
{
    (void)state;
    quantity_done();
    quantity_done();
    accept("1 m", DIM_LENGTH, 1);
    assert_string_equal(dim_unit(DIM_SCAN_RATE), "V/s");
}

static int release_units(void **state)
{
    (void)state;
    quantity_done();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_dimension),
        cmocka_unit_test(test_examples_of_the_table_are_true),
        cmocka_unit_test(test_spellings),
        cmocka_unit_test(test_wrong_dimension_is_named),
        cmocka_unit_test(test_inverse_unit),
        cmocka_unit_test(test_c_rate_and_molar),
        cmocka_unit_test(test_missing_parts),
        cmocka_unit_test(test_numbers_that_are_none),
        cmocka_unit_test(test_traps_of_the_unit_grammar),
        cmocka_unit_test(test_bounds_on_length),
        cmocka_unit_test(test_number_parse),
        cmocka_unit_test(test_locale_changes_nothing),
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_format_reads_back),
        cmocka_unit_test(test_more_units_than_the_cache_holds),
        cmocka_unit_test(test_another_thread_is_refused),
        cmocka_unit_test(test_done_and_init_again),
    };
    return cmocka_run_group_tests(tests, NULL, release_units);
}
