/* Links in memory: modelled line rate, order, going down. All in virtual time. */
#include "wire/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct pair {
    struct loop *loop;
    struct link *host, *far;
};

static struct pair pair_new(int baud)
{
    struct pair p;
    p.loop = loop_new(LOOP_VIRTUAL, 0, NULL);
    link_memory_pair(p.loop, baud, "stage", &p.host, &p.far);
    return p;
}

static void pair_free(struct pair *p)
{
    link_close(p->host);
    link_close(p->far);
    loop_free(p->loop);
}

static void assert_reads(struct link *k, const char *wanted, ns_t wanted_at)
{
    char text[256];
    ns_t at = -1;
    size_t n = link_read(k, text, sizeof text, &at);
    assert_int_equal(n, strlen(wanted));
    assert_memory_equal(text, wanted, n);
    assert_int_equal(at, wanted_at);
}

static void without_line_rate_bytes_are_there_at_once(void **state)
{
    (void)state;
    struct pair p = pair_new(0);
    assert_true(link_write(p.host, "abc", 3, NULL));
    assert_true(link_readable(p.far)->set);
    assert_reads(p.far, "abc", 0);
    assert_false(link_readable(p.far)->set);
    assert_int_equal(link_fd(p.host), -1);
    assert_string_equal(link_device(p.far), "stage");
    pair_free(&p);
}

static void a_write_takes_ten_bits_per_byte(void **state)
{
    (void)state;
    struct pair p = pair_new(115200);
    assert_true(link_write(p.host, "POS? 3\n", 7, NULL));
    ns_t at = 7 * 10 * NS_S / 115200;
    assert_false(loop_wait(p.loop, link_readable(p.far), at - 1));
    assert_true(loop_wait(p.loop, link_readable(p.far), at));
    assert_int_equal(loop_now(p.loop), at);
    assert_reads(p.far, "POS? 3\n", at);
    pair_free(&p);
}

static void a_second_write_queues_behind_the_first(void **state)
{
    (void)state;
    struct pair p = pair_new(9600);
    assert_true(link_write(p.host, "aaaaaaaa", 8, NULL));
    assert_true(link_write(p.host, "b", 1, NULL));
    ns_t first = 80 * NS_S / 9600, second = first + 10 * NS_S / 9600;
    loop_sleep_until(p.loop, second - 1);
    assert_reads(p.far, "aaaaaaaa", first);
    assert_int_equal(link_read(p.far, &(char){0}, 1, NULL), 0);
    loop_sleep_until(p.loop, NS_S);
    assert_reads(p.far, "b", second);
    /* The line has been free for long: no debt, no credit. */
    assert_true(link_write(p.host, "c", 1, NULL));
    loop_sleep_until(p.loop, 2 * NS_S);
    assert_reads(p.far, "c", NS_S + 10 * NS_S / 9600);
    pair_free(&p);
}

static void directions_do_not_share_the_line(void **state)
{
    (void)state;
    struct pair p = pair_new(9600);
    assert_true(link_write(p.host, "aaaaaaaaaaaaaaaa", 16, NULL));
    assert_true(link_write(p.far, "b", 1, NULL));
    assert_true(loop_wait(p.loop, link_readable(p.host), NS_S));
    assert_int_equal(loop_now(p.loop), 10 * NS_S / 9600);
    pair_free(&p);
}

static void closing_one_end_takes_the_other_down(void **state)
{
    (void)state;
    struct pair p = pair_new(9600);
    struct err e = ERR_INIT;
    assert_true(link_write(p.far, "last", 4, NULL));
    link_close(p.far);
    p.far = NULL;
    assert_true(link_readable(p.host)->set);
    assert_false(link_up(p.host, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "stage"));
    struct err again = ERR_INIT;
    assert_false(link_write(p.host, "x", 1, &again));
    assert_int_equal(again.code, ERR_LINK);
    /* What was on its way still arrives. */
    loop_sleep_until(p.loop, NS_S);
    assert_reads(p.host, "last", 40 * NS_S / 9600);
    pair_free(&p);
}

static void unread_bytes_are_bounded(void **state)
{
    (void)state;
    struct pair p = pair_new(0);
    static char bytes[65536];
    struct err e = ERR_INIT;
    int n = 0;
    while (n < 100 && link_write(p.host, bytes, sizeof bytes, &e))
        n++;
    assert_int_equal(n, 16);
    assert_int_equal(e.code, ERR_LINK);
    assert_true(link_up(p.host, NULL)); /* full, not gone */
    while (link_read(p.far, bytes, sizeof bytes, NULL))
        ;
    assert_true(link_write(p.host, bytes, sizeof bytes, NULL));
    pair_free(&p);
}

struct echo {
    struct link *link;
    int calls;
    bool inside_write;
    bool closes;
};

static void echo_back(void *ctx)
{
    struct echo *x = ctx;
    char text[64];
    assert_false(x->inside_write);
    x->calls++;
    size_t n = link_read(x->link, text, sizeof text, NULL);
    if (n)
        assert_true(link_write(x->link, text, n, NULL));
    if (x->closes)
        link_close(x->link);
}

static void a_listener_is_called_by_the_loop_only(void **state)
{
    (void)state;
    for (int baud = 0; baud <= 9600; baud += 9600) {
        struct pair p = pair_new(baud);
        struct echo x = {.link = p.far, .inside_write = true};
        link_on_readable(p.far, echo_back, &x);
        assert_true(link_write(p.host, "ping", 4, NULL));
        assert_int_equal(x.calls, 0);
        x.inside_write = false;
        assert_true(loop_wait(p.loop, link_readable(p.host), NS_S));
        assert_int_equal(x.calls, 1);
        ns_t way = baud ? 40 * NS_S / baud : 0;
        assert_reads(p.host, "ping", 2 * way);
        pair_free(&p);
    }
}

static void a_listener_set_late_hears_of_what_is_there(void **state)
{
    (void)state;
    struct pair p = pair_new(0);
    struct echo x = {.link = p.far};
    assert_true(link_write(p.host, "ping", 4, NULL));
    link_on_readable(p.far, echo_back, &x);
    assert_true(loop_wait(p.loop, link_readable(p.host), NS_S));
    assert_int_equal(x.calls, 1);
    pair_free(&p);
}

static void a_listener_hears_once_of_the_end_and_may_close(void **state)
{
    (void)state;
    struct pair p = pair_new(0);
    struct echo x = {.link = p.far, .closes = true};
    link_on_readable(p.far, echo_back, &x);
    link_close(p.host);
    p.host = NULL;
    assert_int_equal(x.calls, 0);
    loop_sleep_until(p.loop, NS_S);
    assert_int_equal(x.calls, 1);
    p.far = NULL;
    pair_free(&p);
}

/* Two devices that answer at the same instant always do so in the same order. */
static void ties_break_by_order_of_writing(void **state)
{
    (void)state;
    struct loop *l = loop_new(LOOP_VIRTUAL, 0, NULL);
    struct link *host[2], *far[2];
    for (int i = 0; i < 2; i++)
        link_memory_pair(l, 9600, "x", &host[i], &far[i]);
    for (int round = 0; round < 10; round++) {
        int first = round % 2;
        assert_true(link_write(far[first], "1", 1, NULL));
        assert_true(link_write(far[!first], "2", 1, NULL));
        struct event *events[2] = {link_readable(host[0]), link_readable(host[1])};
        assert_int_equal(loop_wait_any(l, events, 2, NS_NEVER), first);
        loop_sleep_until(l, loop_now(l) + NS_S);
        for (int i = 0; i < 2; i++)
            assert_int_equal(link_read(host[i], &(char){0}, 1, NULL), 1);
    }
    for (int i = 0; i < 2; i++) {
        link_close(host[i]);
        link_close(far[i]);
    }
    loop_free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_line_rate_bytes_are_there_at_once),
        cmocka_unit_test(a_write_takes_ten_bits_per_byte),
        cmocka_unit_test(a_second_write_queues_behind_the_first),
        cmocka_unit_test(directions_do_not_share_the_line),
        cmocka_unit_test(closing_one_end_takes_the_other_down),
        cmocka_unit_test(unread_bytes_are_bounded),
        cmocka_unit_test(a_listener_is_called_by_the_loop_only),
        cmocka_unit_test(a_listener_set_late_hears_of_what_is_there),
        cmocka_unit_test(a_listener_hears_once_of_the_end_and_may_close),
        cmocka_unit_test(ties_break_by_order_of_writing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
