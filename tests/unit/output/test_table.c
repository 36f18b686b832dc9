/* Tables as text, CSV and JSON, units, and the conditions of --where. */
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "output/table.h"
#include "output/units.h"
#include "output/where.h"

static struct table *sample(void)
{
    struct table *t = table_new();
    table_column(t, "site", CELL_INT, DIM_NONE);
    table_column(t, "contact_z", CELL_NUMBER, DIM_LENGTH);
    table_column(t, "cutoff", CELL_NUMBER, DIM_POTENTIAL);
    table_column(t, "outcome", CELL_TEXT, DIM_NONE);
    table_column(t, "spare", CELL_BOOL, DIM_NONE);
    const double z[] = {1.1e-6, NAN, 2.5e-6};
    const double cutoff[] = {0.5, 0.05, 1.0};
    const char *const outcome[] = {"measured", "no-contact", "measured, \"odd\""};
    for (int k = 0; k < 3; k++) {
        table_int(t, k == 1 ? TABLE_MISSING : k + 1);
        table_number(t, z[k]);
        table_number(t, cutoff[k]);
        table_text(t, outcome[k]);
        table_bool(t, k == 2);
    }
    return t;
}

static void expect(enum table_format format, const char *text)
{
    struct table *t = sample();
    struct buf out = {0};
    table_print(t, format, &out);
    assert_string_equal(out.p, text);
    buf_free(&out);
    table_free(t);
}

static void test_csv_has_units_in_the_header_and_empty_fields_for_missing_values(void **state)
{
    (void)state;
    expect(TABLE_CSV, "site,contact_z_um,cutoff_V,outcome,spare\n"
                      "1,1.1,0.5,measured,no\n"
                      ",,0.05,no-contact,no\n"
                      "3,2.5,1,\"measured, \"\"odd\"\"\",yes\n");
}

static void test_json_has_the_unit_beside_the_value_and_null_for_missing_values(void **state)
{
    (void)state;
    expect(
        TABLE_JSON,
        "[\n {\"site\": 1, \"contact_z\": {\"value\": 1.1, \"unit\": \"um\"}, \"cutoff\": {\"value\": 0.5, "
        "\"unit\": \"V\"}, \"outcome\": \"measured\", \"spare\": false},\n"
        " {\"site\": null, \"contact_z\": {\"value\": null, \"unit\": \"um\"}, \"cutoff\": {\"value\": 0.05, "
        "\"unit\": \"V\"}, \"outcome\": \"no-contact\", \"spare\": false},\n"
        " {\"site\": 3, \"contact_z\": {\"value\": 2.5, \"unit\": \"um\"}, \"cutoff\": {\"value\": 1, "
        "\"unit\": \"V\"}, \"outcome\": \"measured, \\\"odd\\\"\", \"spare\": true}\n]\n");
}

static void test_text_is_aligned(void **state)
{
    (void)state;
    expect(TABLE_TEXT, "site  contact_z_um  cutoff_V  outcome          spare\n"
                       "   1           1.1       0.5  measured         no\n"
                       "   -             -      0.05  no-contact       no\n"
                       "   3           2.5         1  measured, \"odd\"  yes\n");
}

static void test_text_counts_characters_and_hides_control_characters(void **state)
{
    (void)state;
    struct table *t = table_new();
    struct buf out = {0};
    table_column(t, "a", CELL_TEXT, DIM_NONE);
    table_column(t, "b", CELL_INT, DIM_NONE);
    table_text(t, "µm\n\x1b[31m");
    table_int(t, 1);
    table_text(t, "12345678");
    table_int(t, 2);
    table_print(t, TABLE_TEXT, &out);
    assert_string_equal(out.p, "a         b\nµm  [31m  1\n12345678  2\n");
    buf_free(&out);
    table_free(t);
}

static void test_units_go_there_and_back(void **state)
{
    (void)state;
    for (int d = 0; d < DIM_COUNT; d++) {
        assert_non_null(unit_of((enum dim)d)->name);
        assert_non_null(unit_of((enum dim)d)->suffix);
        double back = unit_si(unit_show(1.234e-7, (enum dim)d), (enum dim)d);
        assert_true(fabs(back - 1.234e-7) < 1e-21);
    }
    assert_true(fabs(unit_show(1e-12, DIM_CHARGE) - 1) < 1e-15);
    assert_true(fabs(unit_show(10, DIM_CURRENT_DENSITY) - 1) < 1e-15);       /* 10 A/m2 = 1 mA/cm2 */
    assert_true(fabs(unit_show(1e-2, DIM_CAPACITANCE_DENSITY) - 1) < 1e-15); /* 1e-2 F/m2 = 1 uF/cm2 */
    assert_true(fabs(unit_show(10, DIM_CHARGE_DENSITY) - 1) < 1e-15);
    assert_int_equal(unit_dim("C"), DIM_CHARGE);
    assert_int_equal(unit_dim("furlong"), DIM_NONE);
}

/* Number of rows left, -1 for an error. */
static int kept(const char *expression, struct err *e)
{
    struct table *t = sample();
    int n = where_apply(t, expression, e) ? table_rows(t) : -1;
    table_free(t);
    return n;
}

static void test_where_compares_quantities_texts_and_absence(void **state)
{
    (void)state;
    static const struct {
        const char *expression;
        int n;
    } cases[] = {{"outcome = measured", 1},
                 {"outcome != measured", 2},
                 {"outcome = 'measured, \"odd\"'", 1},
                 {"cutoff < 0.6 V", 2},
                 {"cutoff < 600 mV", 2},
                 {"cutoff_V<0.6", 2},
                 {"cutoff >= 0.5 V and outcome = measured", 1},
                 {"cutoff = 50 mV", 1},
                 {"cutoff == 0.05 V", 1},
                 {"contact_z = missing", 1},
                 {"contact_z != missing", 2},
                 {"contact_z > 1 um", 2},
                 {"contact_z_um <= 1.1", 1},
                 {"contact_z < 1 m", 2}, /* the missing one is not smaller */
                 {"site != 3", 1},
                 {"spare = yes", 1},
                 {"spare = no and site = 1", 1}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct err e = ERR_INIT;
        int n = kept(cases[k].expression, &e);
        if (n != cases[k].n)
            fail_msg("%s: %d rows, not %d (%s)", cases[k].expression, n, cases[k].n, e.text);
    }
}

static void test_where_says_what_is_wrong(void **state)
{
    (void)state;
    static const struct {
        const char *expression, *text;
    } cases[] = {{"", "column's name"},
                 {"cutof < 1 V", "did you mean `cutoff`"},
                 {"cutoff ~ 1 V", "= != < <= > >="},
                 {"cutoff <", "value"},
                 {"cutoff < 1", "unit"},
                 {"cutoff < 1 um", "cutoff"},
                 {"outcome < measured", "= and !="},
                 {"outcome = 'measured", "quote"},
                 {"outcome = 'measured' or site = 1", "`and`"},
                 {"spare = maybe", "yes or no"},
                 {"site = 1 and", ""},
                 {"contact_z > missing", "= and !="}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct err e = ERR_INIT;
        if (kept(cases[k].expression, &e) != -1)
            fail_msg("accepted: %s", cases[k].expression);
        assert_int_equal(e.code, ERR_USAGE);
        if (!strstr(e.text, cases[k].text))
            fail_msg("%s: %s", cases[k].expression, e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_has_units_in_the_header_and_empty_fields_for_missing_values),
        cmocka_unit_test(test_json_has_the_unit_beside_the_value_and_null_for_missing_values),
        cmocka_unit_test(test_text_is_aligned),
        cmocka_unit_test(test_text_counts_characters_and_hides_control_characters),
        cmocka_unit_test(test_units_go_there_and_back),
        cmocka_unit_test(test_where_compares_quantities_texts_and_absence),
        cmocka_unit_test(test_where_says_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
