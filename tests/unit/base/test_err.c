/* Errors keep their context, in order, and never overrun. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

static void test_text_goes_from_general_to_particular(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_false(err_set(&e, ERR_SILENT, "asked `%s`, no answer within %d ms", "POS? 3", 200));
    assert_false(err_context(&e, "stage \"%s\"", "z"));
    assert_false(err_context(&e, "site %d", 17));
    assert_string_equal(e.text, "site 17: stage \"z\": asked `POS? 3`, no answer within 200 ms");
    assert_int_equal(e.code, ERR_SILENT);
}

static void test_null_error_is_allowed(void **state)
{
    (void)state;
    assert_false(err_set(NULL, ERR_IO, "x"));
    assert_false(err_context(NULL, "x"));
    assert_false(err_errno(NULL, ERR_IO, ENOENT, "x"));
    err_clear(NULL);
}

static void test_errno_text_follows(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    err_errno(&e, ERR_IO, ENOENT, "%s", "a.yaml");
    assert_string_equal(e.text, "a.yaml: No such file or directory");
    assert_int_equal(e.code, ERR_IO);
}

static void test_own_text_may_be_an_argument(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    err_set(&e, ERR_LINK, "first");
    err_set(&e, ERR_REFUSED, "second after %s", e.text);
    assert_string_equal(e.text, "second after first");
}

static void test_long_text_is_cut_at_a_character(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char omega[2001] = "";
    for (int i = 0; i < 1000; i++)
        memcpy(omega + 2 * i, "\xCE\xA9", 3);
    err_set(&e, ERR_INPUT, "%s", omega);
    assert_int_equal(strlen(e.text), 1022); /* 511 whole characters, not 511 and a half */
    err_set(&e, ERR_INPUT, "x%s", omega);
    assert_int_equal(strlen(e.text), 1023);
    assert_memory_equal(e.text + 1021, "\xCE\xA9", 3);
    for (int i = 0; i < 600; i++)
        err_context(&e, "site %d", i);
    assert_true(strlen(e.text) < sizeof e.text);
    assert_memory_equal(e.text, "site 599: site 598: ", 20);
}

static void test_clear(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    err_set(&e, ERR_IO, "x");
    err_clear(&e);
    assert_int_equal(e.code, ERR_NONE);
    assert_string_equal(e.text, "");
}

static void test_table_gives_names_and_statuses(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_NONE), "none");
    assert_string_equal(err_name(ERR_MISMATCH), "mismatch");
    assert_string_equal(err_name((enum err_code)999), "unknown");
    assert_int_equal(err_exit_status(ERR_NONE), 0);
    assert_int_equal(err_exit_status(ERR_INPUT), 1);
    assert_int_equal(err_exit_status(ERR_USAGE), 2);
    assert_int_equal(err_exit_status(ERR_SILENT), 3);
    assert_int_equal(err_exit_status(ERR_CANCELLED), 130);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_goes_from_general_to_particular),
        cmocka_unit_test(test_null_error_is_allowed),
        cmocka_unit_test(test_errno_text_follows),
        cmocka_unit_test(test_own_text_may_be_an_argument),
        cmocka_unit_test(test_long_text_is_cut_at_a_character),
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_table_gives_names_and_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
