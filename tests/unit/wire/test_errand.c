/* Errands against a far end that plays a script, in virtual time; each test is named for what the device
 * does. */
#include "wire/errand.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SCRIPT_MAX 8

static struct loop *loop;
static struct link *host, *far;
static struct err e;
static struct buf heard;
static const char *answer[SCRIPT_MAX]; /* to each time the bytes were heard; behind the end: the last one */
static ns_t delay;
static int answers, times;
static struct timer says;
static const char *said;

static void say(void *ctx)
{
    (void)ctx;
    assert_true(link_write(far, said, strlen(said), NULL));
}

static void hear(void *ctx)
{
    char bytes[256];
    size_t n;
    (void)ctx;
    while (far && (n = link_read(far, bytes, sizeof bytes, NULL)) > 0) {
        buf_add(&heard, bytes, n);
        if (answers) {
            said = answer[times < answers ? times : answers - 1];
            timer_set(loop, &says, loop_now(loop) + delay, say, NULL);
        }
        times++;
    }
}

static int setup(void **state)
{
    (void)state;
    loop = loop_new(LOOP_VIRTUAL, 1, NULL);
    link_memory_pair(loop, 0, "device", &host, &far);
    link_on_readable(far, hear, NULL);
    err_clear(&e);
    buf_clear(&heard);
    answers = times = 0;
    delay = NS_MS;
    says = (struct timer){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    timer_cancel(loop, &says);
    link_close(host);
    link_close(far);
    loop_free(loop);
    buf_free(&heard);
    return 0;
}

static struct errand question(enum errand_kind kind, const char *wanted)
{
    struct errand q = errand_make("question", 1, "ASK\n", 4);
    q.kind = kind;
    snprintf(q.wanted, sizeof q.wanted, "%s", wanted);
    q.low = 9.5;
    q.high = 10.5;
    q.answer = 100 * NS_MS;
    q.timeout = NS_S;
    return q;
}

static void a_write_waits_for_nothing(void **state)
{
    (void)state;
    struct errand q = errand_make("stop", 0, "\x18", 1);
    assert_true(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(loop_now(loop), 0);
    loop_sleep_until(loop, NS_MS);
    assert_string_equal(heard.p, "\x18");
}

static void any_of_the_wanted_texts_will_do(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_TEXT, "10\n|0\n");
    struct buf got = {0};
    answer[0] = "0\r\n";
    answers = 1;
    assert_true(errand_do(host, &q, NULL, &got, &e));
    assert_string_equal(got.p, "0\n");
    assert_int_equal(times, 1);
    assert_int_equal(loop_now(loop), NS_MS);
    buf_free(&got);
}

static void a_text_that_only_begins_as_wanted_is_not_it(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_TEXT, "1\n|0\n");
    answer[0] = "10\n";
    answers = 1;
    assert_false(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_non_null(strstr(e.text, "10\\n"));
}

static void asks_again_until_the_answer_is_right(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_NUMBER, "3=");
    const char *const all[] = {"3=5.0e+01\n", "4=1.0e+01\n", "3=ten\n", "3=1.00000e+01\n"};
    memcpy(answer, all, sizeof all);
    answers = 4;
    assert_true(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_NONE);
    assert_int_equal(times, 4);
    assert_int_equal(loop_now(loop), 3 * 100 * NS_MS + NS_MS);
}

static void a_number_at_the_bound_is_inside(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_NUMBER, "");
    answer[0] = "10.5\n";
    answers = 1;
    assert_true(errand_do(host, &q, NULL, NULL, &e));
    q.low = -INFINITY;
    q.high = INFINITY;
    answer[0] = "-1024\n";
    assert_true(errand_do(host, &q, NULL, NULL, &e));
    answer[0] = "nan\n";
    q.timeout = 0;
    assert_false(errand_do(host, &q, NULL, NULL, &e));
}

static void silent(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_TEXT, "0\n");
    assert_false(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_SILENT);
    assert_int_equal(times, 10);
    assert_int_equal(loop_now(loop), NS_S);
    q.timeout = 0;
    assert_false(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(times, 11);
}

static void half_an_answer(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_NUMBER, "3=");
    answer[0] = "3=10";
    answers = 1;
    assert_false(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_FRAGMENT);
}

static void what_lies_there_already_is_no_answer(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_TEXT, "0\n");
    link_write(far, "0\n", 2, NULL);
    q.quiet = 10 * NS_MS;
    assert_false(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_SILENT);
}

static struct timer stream;
static void go_on(void *ctx)
{
    (void)ctx;
    link_write(far, "Pda8000000u\n", 12, NULL);
    timer_set(loop, &stream, loop_now(loop) + NS_MS, go_on, NULL);
}

static void a_device_that_streams_for_ever_does_not_hold_it_up(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_TEXT, "e\n\n");
    struct buf got = {0};
    q.quiet = 150 * NS_MS;
    go_on(NULL);
    assert_false(errand_do(host, &q, NULL, &got, &e));
    timer_cancel(loop, &stream);
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_true(times > 0); /* the bytes were sent all the same */
    assert_true(loop_now(loop) <= q.timeout + q.answer + q.quiet);
    assert_true(got.n <= 4096);
    buf_free(&got);
}

static void gone(void **state)
{
    (void)state;
    struct errand q = question(ERRAND_TEXT, "0\n"), w = errand_make("stop", 0, "\x18", 1);
    link_close(far);
    far = NULL;
    assert_false(errand_do(host, &q, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_false(errand_do(host, &w, NULL, NULL, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_true(loop_now(loop) <= NS_S);
    struct link *near;
    link_memory_pair(loop, 0, "device", &near, &far); /* for the teardown */
    link_close(near);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_write_waits_for_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(any_of_the_wanted_texts_will_do, setup, teardown),
        cmocka_unit_test_setup_teardown(a_text_that_only_begins_as_wanted_is_not_it, setup, teardown),
        cmocka_unit_test_setup_teardown(asks_again_until_the_answer_is_right, setup, teardown),
        cmocka_unit_test_setup_teardown(a_number_at_the_bound_is_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(silent, setup, teardown),
        cmocka_unit_test_setup_teardown(half_an_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(what_lies_there_already_is_no_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(a_device_that_streams_for_ever_does_not_hold_it_up, setup, teardown),
        cmocka_unit_test_setup_teardown(gone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
