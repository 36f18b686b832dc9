/* Messages about files: exact text, order, clipping, and nothing that harms a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/yaml.h"

static void check_print(const struct diags *d, const char *wanted)
{
    struct buf out = {0};
    diags_print(d, &out);
    assert_string_equal(out.p ? out.p : "", wanted);
    buf_free(&out);
}

/* Prints one error at a place of a text. */
static void check_one(const char *text, int line, int column, int length, const char *wanted)
{
    struct source *s = source_from_text("a.yaml", text);
    struct diags *d = diags_new();
    diags_error(d, (struct mark){s, line, column, length}, "wrong");
    check_print(d, wanted);
    diags_free(d);
    source_free(s);
}

static void test_error_with_caret_and_hint(void **state)
{
    (void)state;
    struct source *s = source_from_text("sei.yaml", "cv:\n  rate: 1 s/V\n");
    struct diags *d = diags_new();
    diags_hint(d, "no entry yet: nothing happens");
    diags_error(d, (struct mark){s, 2, 9, 5}, "`%s` is not a scan rate", "1 s/V");
    diags_hint(d, NULL);
    diags_hint(d, "did you mean `%s`?", "V/s");
    check_print(d, "sei.yaml:2:9: error: `1 s/V` is not a scan rate\n"
                   "      rate: 1 s/V\n"
                   "            ^~~~~\n"
                   "  = did you mean `V/s`?\n");
    assert_int_equal(diags_errors(d), 1);
    diags_free(d);
    source_free(s);
}

/* The rejected file is gone, and its memory holds something else, before anybody reads what was wrong. */
static void test_survives_its_source(void **state)
{
    (void)state;
    struct source *s = source_from_text("sei.yaml", "cv:\n  rate: 1 s/V\n");
    struct diags *d = diags_new();
    diags_error(d, (struct mark){s, 2, 9, 5}, "wrong");
    memset(s->bytes.p, 'x', s->bytes.n);
    memset(s->path, 'x', strlen(s->path));
    source_free(s);
    check_print(d, "sei.yaml:2:9: error: wrong\n      rate: 1 s/V\n            ^~~~~\n");
    diags_free(d);
}

static void test_sorted_by_place(void **state)
{
    (void)state;
    struct source *a = source_from_text("a", "x y\nz\n"), *b = source_from_text("b", "q\n");
    struct diags *d = diags_new();
    diags_error(d, (struct mark){b, 1, 1, 1}, "fifth");
    diags_warning(d, (struct mark){a, 2, 1, 1}, "fourth");
    diags_error(d, (struct mark){a, 1, 3, 1}, "second");
    diags_error(d, (struct mark){a, 1, 3, 1}, "third");
    diags_error(d, (struct mark){0}, "first");
    check_print(d, "error: first\n"
                   "a:1:3: error: second\n    x y\n      ^\n"
                   "a:1:3: error: third\n    x y\n      ^\n"
                   "a:2:1: warning: fourth\n    z\n    ^\n"
                   "b:1:1: error: fifth\n    q\n    ^\n");
    assert_int_equal(diags_errors(d), 4);
    assert_int_equal(diags_warnings(d), 1);
    diags_free(d);
    source_free(a);
    source_free(b);
}

static void test_tabs_wide_characters_and_harm(void **state)
{
    (void)state;
    check_one("\ta: b", 1, 5, 1, "a.yaml:1:5: error: wrong\n     a: b\n        ^\n");
    check_one("\xC2\xB5: b", 1, 5, 1, "a.yaml:1:5: error: wrong\n    \xC2\xB5: b\n       ^\n");
    check_one("a\x1b[2J\xFF\xC2\x9B", 1, 1, 1, "a.yaml:1:1: error: wrong\n    a?[2J??\n    ^\n");
}

static void test_places_that_are_not_in_the_text(void **state)
{
    (void)state;
    check_one("a", 1, 99, 5, "a.yaml:1:99: error: wrong\n    a\n     ^\n");
    check_one("a\n", 2, 1, 0, "a.yaml:2:1: error: wrong\n    \n    ^\n");
    check_one("a\n", 7, 1, 0, "a.yaml:7:1: error: wrong\n");
    check_one("a\n", 0, 0, 0, "a.yaml: error: wrong\n");
    check_one("", 1, 1, 0, "a.yaml:1:1: error: wrong\n    \n    ^\n");
}

static void test_line_ends(void **state)
{
    (void)state;
    check_one("a\r\nb\r\nc", 2, 1, 1, "a.yaml:2:1: error: wrong\n    b\n    ^\n");
    check_one("a\rb\rc", 3, 1, 1, "a.yaml:3:1: error: wrong\n    c\n    ^\n");
}

static void test_long_lines_are_clipped(void **state)
{
    (void)state;
    char text[1001];
    for (int i = 0; i < 1000; i++)
        text[i] = (char)('0' + i % 10);
    text[1000] = '\0';
    char wanted[400];
    /* In the middle: 60 columns before, 40 from the caret on; the underline ends with what is shown. */
    snprintf(wanted, sizeof wanted, "a.yaml:1:501: error: wrong\n ...%.100s...\n    %60s^%s\n", text + 440,
             "", "~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~");
    check_one(text, 1, 501, 300, wanted);
    snprintf(wanted, sizeof wanted, "a.yaml:1:1: error: wrong\n    %.100s...\n    ^~\n", text);
    check_one(text, 1, 1, 2, wanted);
    snprintf(wanted, sizeof wanted, "a.yaml:1:1000: error: wrong\n ...%s\n    %60s^\n", text + 939, "");
    check_one(text, 1, 1000, 1, wanted);
}

static void test_message_text_does_no_harm(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    diags_error(d, (struct mark){0}, "key `a\x1b]0;b\nc`");
    diags_hint(d, "x\ry");
    check_print(d, "error: key `a?]0;b c`\n  = x y\n");
    diags_free(d);
}

static void test_many_are_counted(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    for (int i = 0; i < 3000; i++) {
        diags_error(d, (struct mark){0}, "e%d", i);
        diags_hint(d, "h%d", i);
    }
    struct buf out = {0};
    diags_print(d, &out);
    assert_non_null(strstr(out.p, "error: e49\n  = h49\n... and 2950 more\n"));
    assert_null(strstr(out.p, "e50"));
    assert_int_equal(diags_errors(d), 3000);
    buf_free(&out);
    diags_free(d);
    diags_free(NULL);
}

static void test_nothing_to_print(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    check_print(d, "");
    diags_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_with_caret_and_hint),
        cmocka_unit_test(test_survives_its_source),
        cmocka_unit_test(test_sorted_by_place),
        cmocka_unit_test(test_tabs_wide_characters_and_harm),
        cmocka_unit_test(test_places_that_are_not_in_the_text),
        cmocka_unit_test(test_line_ends),
        cmocka_unit_test(test_long_lines_are_clipped),
        cmocka_unit_test(test_message_text_does_no_harm),
        cmocka_unit_test(test_many_are_counted),
        cmocka_unit_test(test_nothing_to_print),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
