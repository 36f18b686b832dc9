/* Replies of a GCS controller. */
#include "instrument/gcs_reply.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "instrument/gcs_errors.h"

static double v;
static long n;

static void a_real_position_reply(void **state)
{
    (void)state;
    const char *reply = "1=1.883246040e+01 \n2=1.747353172e+01 \n3=0.000000000e+00";
    assert_true(gcs_reply_value(reply, "1", &v) && v == 18.83246040);
    assert_true(gcs_reply_value(reply, "2", &v) && v == 17.47353172);
    assert_true(gcs_reply_value(reply, "3", &v) && v == 0);
    assert_false(gcs_reply_value(reply, "4", &v));
}

static void an_axis_name_that_begins_like_another(void **state)
{
    (void)state;
    const char *reply = "X1=2 \nX=1";
    assert_true(gcs_reply_value(reply, "X", &v) && v == 1);
    assert_true(gcs_reply_value(reply, "X1", &v) && v == 2);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    v = 42;
    assert_false(gcs_reply_value("1=", "1", &v));
    assert_false(gcs_reply_value("1=abc", "1", &v));
    assert_false(gcs_reply_value("1=1.5x", "1", &v));
    assert_false(gcs_reply_value("1=nan", "1", &v));
    assert_false(gcs_reply_value("1=inf", "1", &v));
    assert_false(gcs_reply_value("1= \n2=3", "1", &v));
    assert_false(gcs_reply_value("", "1", &v));
    assert_true(v == 42);
}

static void an_error_number_stands_alone(void **state)
{
    (void)state;
    assert_true(gcs_reply_integer("10", &n) && n == 10);
    assert_true(gcs_reply_integer("0 ", &n) && n == 0);
    assert_false(gcs_reply_integer("1=10", &n));
    assert_false(gcs_reply_integer("", &n));
    assert_false(gcs_reply_integer("10\n0", &n));
}

static void axes_are_listed_one_per_line(void **state)
{
    (void)state;
    assert_true(gcs_reply_has_line("1 \n2 \n3", "1"));
    assert_true(gcs_reply_has_line("1 \n2 \n3", "3"));
    assert_false(gcs_reply_has_line("1 \n2 \n30", "3"));
}

static void errors_have_texts(void **state)
{
    (void)state;
    assert_string_equal(gcs_error_text(7), "position out of limits");
    assert_string_equal(gcs_error_text(10), "stopped by command");
    assert_string_equal(gcs_error_text(9999), "error not in our table");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_position_reply),
        cmocka_unit_test(an_axis_name_that_begins_like_another),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(an_error_number_stands_alone),
        cmocka_unit_test(axes_are_listed_one_per_line),
        cmocka_unit_test(errors_have_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
