/* Suggestions are near words only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/yaml.h"

static const char *const names[] = {"potential",  "current", "cycles", "rate", "for",
                                    "half-width", "x",       "y",      NULL};

static void test_near_words(void **state)
{
    (void)state;
    assert_string_equal(text_nearest("cycle", names), "cycles");
    assert_string_equal(text_nearest("potental", names), "potential");
    static const char *const swapped[] = {"xy", NULL};
    assert_string_equal(text_nearest("yx", swapped), "xy"); /* a swap is one step, two would be too far */
    assert_string_equal(text_nearest("Rate", names), "rate");
    assert_string_equal(text_nearest("half_width", names), "half-width");
    assert_string_equal(text_nearest("halfwidth", names), "half-width");
    assert_string_equal(text_nearest("fro", names), "for");
    assert_string_equal(text_nearest("rate", names), "rate");
}

static void test_far_words(void **state)
{
    (void)state;
    static const char *const near_nothing[] = {NULL};
    assert_null(text_nearest("electrolyte", names));
    assert_null(text_nearest("z", names)); /* nothing of "x" would remain */
    assert_null(text_nearest("", names));
    assert_null(text_nearest("rate", near_nothing));
    char endless[5000];
    memset(endless, 'r', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(text_nearest(endless, names));
}

static void test_first_of_equals_wins(void **state)
{
    (void)state;
    static const char *const twins[] = {"cold", "bold", NULL};
    assert_string_equal(text_nearest("gold", twins), "cold");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_near_words),
        cmocka_unit_test(test_far_words),
        cmocka_unit_test(test_first_of_equals_wins),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
