/* Faults injected into a link, one test per fault. */
#include "wire/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct loop *loop;
static struct link *host, *far;

static int setup(void **state)
{
    (void)state;
    loop = loop_new(LOOP_VIRTUAL, 0, NULL);
    link_memory_pair(loop, 0, "stage", &host, &far);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    link_close(host);
    link_close(far);
    loop_free(loop);
    return 0;
}

static void device_says(ns_t at, const char *text)
{
    loop_sleep_until(loop, at);
    assert_true(link_write(far, text, strlen(text), NULL));
}

static void assert_read(struct link *k, const char *wanted)
{
    char text[64];
    size_t n = link_read(k, text, sizeof text, NULL);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(text, wanted, n);
}

static void silence_loses_what_comes_in_its_window(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_SILENCE, .at = 10, .until = 20});
    device_says(9, "before");
    assert_read(host, "before");
    device_says(10, "lost");
    assert_false(link_readable(host)->set);
    assert_read(host, "");
    device_says(20, "after");
    assert_read(host, "after");
}

static void deafness_loses_what_the_host_writes(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_DEAF, .at = 10});
    assert_true(link_write(host, "a", 1, NULL));
    assert_read(far, "a");
    loop_sleep_until(loop, 10);
    assert_true(link_write(host, "b", 1, NULL));
    assert_read(far, "");
    device_says(11, "still talks");
    assert_read(host, "still talks");
}

static void cut_keeps_the_start_of_each_chunk(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_CUT, .n = 3});
    device_says(1, "abcdef");
    device_says(1, "gh");
    assert_read(host, "abc");
    assert_read(host, "gh");
    link_fault_clear(host);
    device_says(2, "whole");
    assert_read(host, "whole");
}

static void garble_changes_one_byte_once(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_GARBLE, .n = 2});
    device_says(1, "1"); /* has no byte 2 */
    assert_read(host, "1");
    device_says(1, "1=3.5\n");
    assert_read(host, "1=s.5\n");
    device_says(1, "1=3.5\n");
    assert_read(host, "1=3.5\n");
}

static void delay_postpones_and_keeps_the_order(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_DELAY, .until = 5, .delay = 100});
    device_says(4, "late");
    device_says(6, "behind");
    assert_false(link_readable(host)->set);
    loop_sleep_until(loop, 103);
    assert_read(host, "");
    loop_sleep_until(loop, 104);
    char text[64];
    ns_t at = 0;
    assert_int_equal(link_read(host, text, sizeof text, &at), 4);
    assert_int_equal(at, 104);
    assert_int_equal(link_read(host, text, sizeof text, &at), 6);
    assert_int_equal(at, 104);
}

static void hangup_takes_the_link_down_at_its_time(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = 50});
    loop_sleep_until(loop, 49);
    assert_true(link_up(host, NULL));
    assert_true(loop_wait(loop, link_readable(host), 1000));
    assert_int_equal(loop_now(loop), 50);
    assert_false(link_up(host, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_false(link_write(host, "x", 1, NULL));
    link_fault_clear(host);
    assert_false(link_up(host, NULL));
}

static void the_earlier_of_two_hangups_counts(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = 50});
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = 30});
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = 70});
    assert_true(loop_wait(loop, link_readable(host), 1000));
    assert_int_equal(loop_now(loop), 30);
}

static void faults_add_up_in_order(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_CUT, .n = 2});
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_DELAY, .delay = 10});
    device_says(1, "abc");
    loop_sleep_until(loop, 11);
    assert_read(host, "ab");
    assert_string_equal(link_fault_name(LINK_FAULT_HANGUP), "hangup");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(silence_loses_what_comes_in_its_window), TEST(deafness_loses_what_the_host_writes),
        TEST(cut_keeps_the_start_of_each_chunk),      TEST(garble_changes_one_byte_once),
        TEST(delay_postpones_and_keeps_the_order),    TEST(hangup_takes_the_link_down_at_its_time),
        TEST(the_earlier_of_two_hangups_counts),      TEST(faults_add_up_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
