/* Buffers grow, stay terminated, and quote for JSON and CSV. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/rng.h"
#include "base/utf8.h"

static void test_grows_and_stays_terminated(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 10000; i++)
        buf_char(&b, (char)('a' + i % 26));
    assert_int_equal(b.n, 10000);
    assert_int_equal(b.p[10000], 0);
    assert_int_equal(b.p[9999], 'a' + 9999 % 26);
    buf_clear(&b);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.p, "");
    buf_free(&b);
    assert_null(b.p);
}

static void test_holds_nul_bytes(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_add(&b, "a\0b", 3);
    assert_int_equal(b.n, 3);
    assert_memory_equal(b.p, "a\0b", 4);
    buf_free(&b);
}

static void test_printf_longer_than_the_first_guess(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_str(&b, "<");
    buf_printf(&b, "%05000d", 7);
    buf_printf(&b, ">");
    assert_int_equal(b.n, 5002);
    assert_int_equal(b.p[0], '<');
    assert_string_equal(b.p + 4999, "07>");
    buf_free(&b);
}

static void test_drop(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_drop(&b, 3); /* of nothing */
    buf_str(&b, "hello world");
    buf_drop(&b, 6);
    assert_string_equal(b.p, "world");
    buf_drop(&b, 99);
    assert_int_equal(b.n, 0);
    assert_string_equal(b.p, "");
    buf_free(&b);
}

static void check_json(const char *text, const char *wanted)
{
    struct buf b = {0};
    buf_json_string(&b, text);
    assert_string_equal(b.p, wanted);
    buf_free(&b);
}

static void test_json_strings(void **state)
{
    (void)state;
    check_json("", "\"\"");
    check_json("a\"b\\c", "\"a\\\"b\\\\c\"");
    check_json("\b\f\n\r\t\x01\x1f\x7f", "\"\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f\"");
    check_json("\xC2\xB5m \xE2\x84\xA6 \xF0\x9D\x84\x9E", "\"\xC2\xB5m \xE2\x84\xA6 \xF0\x9D\x84\x9E\"");
}

#define BAD "\xEF\xBF\xBD"

static void test_json_replaces_invalid_utf8(void **state)
{
    (void)state;
    check_json("a\xFFz", "\"a" BAD "z\"");
    check_json("\xC0\x80", "\"" BAD BAD "\"");         /* overlong NUL */
    check_json("\xE0\x80\xAF", "\"" BAD BAD BAD "\""); /* overlong slash */
    check_json("\xED\xA0\x80", "\"" BAD BAD BAD "\""); /* surrogate */
    check_json("\xF4\x90\x80\x80", "\"" BAD BAD BAD BAD "\"");
    check_json("\xE2\x84", "\"" BAD BAD "\""); /* cut */
}

static void check_number(double value, const char *wanted)
{
    struct buf b = {0};
    buf_json_number(&b, value);
    assert_string_equal(b.p, wanted);
    buf_free(&b);
}

static void test_json_numbers(void **state)
{
    (void)state;
    check_number(0.1, "0.1");
    check_number(-400e-9, "-4e-07");
    check_number(1.0 / 3, "0.3333333333333333");
    check_number(0.1 + 0.2, "0.30000000000000004");
    check_number(NAN, "null");
    check_number(INFINITY, "null");
    check_number(-INFINITY, "null");
}

static void test_json_numbers_read_back(void **state)
{
    (void)state;
    const uint64_t seed = 20240607;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.json");
    struct buf b = {0};
    for (uint64_t i = 0; i < 100000; i++) {
        uint64_t bits = rng_u64(r, i, 0, 0);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value))
            continue;
        buf_clear(&b);
        buf_json_number(&b, value);
        double back = strtod(b.p, NULL);
        assert_memory_equal(&back, &value, sizeof value);
    }
    buf_free(&b);
}

static void check_csv(const char *text, const char *wanted)
{
    struct buf b = {0};
    buf_csv_field(&b, text);
    assert_string_equal(b.p, wanted);
    buf_free(&b);
}

static void test_csv_fields(void **state)
{
    (void)state;
    check_csv("plain text", "plain text");
    check_csv("", "");
    check_csv("a,b", "\"a,b\"");
    check_csv("say \"no\"", "\"say \"\"no\"\"\"");
    check_csv("two\nlines", "\"two\nlines\"");
    check_csv("cr\r", "\"cr\r\"");
}

static void test_allocators_of_nothing(void **state)
{
    (void)state;
    void *a = xmalloc(0), *b = xcalloc(0, 8);
    assert_non_null(a);
    assert_non_null(b);
    free(xrealloc(a, 0));
    free(b);
    char *s = xstrdup("twin");
    assert_string_equal(s, "twin");
    free(s);
}

static void test_utf8_does_not_read_beyond(void **state)
{
    (void)state;
    assert_int_equal(utf8_length("\xE2\x84\xA6", 3), 3);
    assert_int_equal(utf8_length("\xE2\x84\xA6", 2), 0);
    assert_int_equal(utf8_length("a", 0), 0);
    assert_int_equal(utf8_length("\x80", 1), 0);
    assert_int_equal(utf8_length("\xF5\x80\x80\x80", 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_and_stays_terminated),
        cmocka_unit_test(test_holds_nul_bytes),
        cmocka_unit_test(test_printf_longer_than_the_first_guess),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_json_strings),
        cmocka_unit_test(test_json_replaces_invalid_utf8),
        cmocka_unit_test(test_json_numbers),
        cmocka_unit_test(test_json_numbers_read_back),
        cmocka_unit_test(test_csv_fields),
        cmocka_unit_test(test_allocators_of_nothing),
        cmocka_unit_test(test_utf8_does_not_read_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
