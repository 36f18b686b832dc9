/* The loop: order of timers, what a wait returns and when, holds, posts, descriptors.
 *
 * Nothing here waits for real time to pass: virtual loops jump, real loops are given deadlines that are
 * reached already or are woken by a descriptor or a thread, scaled loops run so fast that a second is
 * nothing. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/loop.h"
#include "base/rng.h"

static struct loop *virtual_loop(void)
{
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    assert_non_null(l);
    return l;
}

/* Timers that note their names and the time, and may set an event. */
static struct {
    char names[64];
    ns_t at[64];
    int n;
} noted;

struct note {
    struct loop *l;
    struct timer t;
    char name;
    struct event *sets;
};

static void take_note(void *ctx)
{
    struct note *note = ctx;
    assert_int_equal(note->t.slot, 0);
    noted.names[noted.n] = note->name;
    noted.at[noted.n++] = loop_now(note->l);
    noted.names[noted.n] = '\0';
    if (note->sets)
        note->sets->set = true;
}

static void note_at(struct loop *l, struct note *note, char name, ns_t at, struct event *sets)
{
    note->l = l;
    note->name = name;
    note->sets = sets;
    timer_set(l, &note->t, at, take_note, note);
}

static int forget_notes(void **state)
{
    (void)state;
    memset(&noted, 0, sizeof noted);
    return 0;
}

/* --- virtual time -------------------------------------------------------------------------------------- */

static void test_timers_run_in_order_at_their_times(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n[4] = {0};
    note_at(l, &n[0], 'c', 30, NULL);
    note_at(l, &n[1], 'a', 10, NULL);
    note_at(l, &n[2], 'b', 20, NULL);
    note_at(l, &n[3], 'z', 99, NULL);
    loop_sleep_until(l, 50);
    assert_string_equal(noted.names, "abc");
    assert_int_equal(noted.at[0], 10);
    assert_int_equal(noted.at[1], 20);
    assert_int_equal(noted.at[2], 30);
    assert_int_equal(loop_now(l), 50);
    loop_free(l);
}

static void test_ties_run_in_the_order_they_were_set(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n[26] = {0};
    for (int i = 0; i < 26; i++)
        note_at(l, &n[i], (char)('a' + i), 7, NULL);
    note_at(l, &n[0], 'a', 7, NULL); /* setting again goes to the end */
    timer_cancel(l, &n[3].t);
    timer_cancel(l, &n[3].t);
    loop_sleep_until(l, 7);
    assert_string_equal(noted.names, "bcefghijklmnopqrstuvwxyza");
    loop_free(l);
}

static void test_moving_a_timer(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n[3] = {0};
    note_at(l, &n[0], 'a', 10, NULL);
    note_at(l, &n[1], 'b', 20, NULL);
    note_at(l, &n[2], 'c', 30, NULL);
    note_at(l, &n[0], 'a', 25, NULL);
    note_at(l, &n[2], 'c', 5, NULL);
    loop_sleep_until(l, 100);
    assert_string_equal(noted.names, "cba");
    loop_free(l);
}

static int by_time(const void *a, const void *b)
{
    const struct timer *x = *(struct timer *const *)a, *y = *(struct timer *const *)b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static struct timer **expected;
static int reached;

static void check_next(void *ctx)
{
    assert_ptr_equal(ctx, expected[reached]);
    reached++;
}

static void test_heap_against_sorting(void **state)
{
    (void)state;
    const uint64_t seed = 5;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.heap");
    struct loop *l = virtual_loop();
    enum { COUNT = 2000 };
    struct timer *t = calloc(COUNT, sizeof *t);
    expected = calloc(COUNT, sizeof *expected);
    assert_non_null(t);
    assert_non_null(expected);
    for (uint64_t i = 0; i < 10 * COUNT; i++) {
        struct timer *one = &t[rng_below(r, COUNT, i, 0)];
        if (rng_below(r, 4, i, 1) == 0)
            timer_cancel(l, one);
        else
            timer_set(l, one, (ns_t)rng_below(r, 500, i, 2) + 1, check_next, one);
    }
    int n = 0;
    for (int i = 0; i < COUNT; i++)
        if (t[i].slot)
            expected[n++] = &t[i];
    qsort(expected, (size_t)n, sizeof(struct timer *), by_time);
    reached = 0;
    loop_sleep_until(l, 1000);
    assert_int_equal(reached, n);
    assert_true(n > COUNT / 2);
    free(t);
    free(expected);
    loop_free(l);
}

static void test_waiter_continues_at_the_time_of_its_event(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n[3] = {0};
    struct event done = {0};
    note_at(l, &n[0], 'a', 10, &done);
    note_at(l, &n[1], 'b', 10, NULL);
    note_at(l, &n[2], 'c', 11, NULL);
    assert_true(loop_wait(l, &done, 1000));
    assert_int_equal(loop_now(l), 10);
    assert_string_equal(noted.names, "a"); /* not even the tie before the waiter has looked */
    done.set = false;
    assert_false(loop_wait(l, &done, 10));
    assert_string_equal(noted.names, "ab");
    assert_int_equal(loop_now(l), 10);
    loop_free(l);
}

static void test_deadline_is_never_passed(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n = {0};
    struct event done = {0};
    note_at(l, &n, 'a', 100, &done);
    assert_false(loop_wait(l, &done, 99));
    assert_int_equal(loop_now(l), 99);
    assert_int_equal(noted.n, 0);
    assert_true(loop_wait(l, &done, 100)); /* a timer at the deadline still counts */
    done.set = false;
    assert_false(loop_wait(l, &done, 50)); /* in the past: at once, and time does not go back */
    assert_int_equal(loop_now(l), 100);
    loop_free(l);
}

static void test_lowest_event_wins_and_stays_set(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct event a = {0}, b = {true}, c = {true};
    struct event *const events[] = {&a, NULL, &b, &c};
    assert_int_equal(loop_wait_any(l, events, 4, NS_NEVER), 2);
    assert_true(b.set && c.set);
    b.set = c.set = false;
    assert_int_equal(loop_wait_any(l, events, 4, 5), -1);
    assert_int_equal(loop_wait_any(l, NULL, 0, 6), -1);
    assert_int_equal(loop_now(l), 6);
    loop_free(l);
}

static void test_set_event_still_looks_at_what_is_due(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n[3] = {0};
    struct event set = {true}, other = {0};
    struct event *const events[] = {&other, &set};
    note_at(l, &n[0], 'a', 0, NULL);
    note_at(l, &n[1], 'b', 0, &other);
    note_at(l, &n[2], 'c', 1, NULL);
    assert_int_equal(loop_wait_any(l, events, 2, NS_NEVER), 0); /* the lower one was set by the look */
    assert_string_equal(noted.names, "ab");
    assert_int_equal(loop_now(l), 0);
    loop_free(l);
}

struct again {
    struct loop *l;
    struct timer t;
    ns_t period;
    int runs;
};

static void run_again(void *ctx)
{
    struct again *a = ctx;
    a->runs++;
    timer_set(a->l, &a->t, a->t.at + a->period, run_again, a);
}

static void test_set_event_returns_beside_a_busy_timer(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct again busy = {.l = l, .period = 0};
    struct event set = {true};
    timer_set(l, &busy.t, 0, run_again, &busy);
    assert_true(loop_wait(l, &set, NS_NEVER));
    assert_int_equal(busy.runs, 1);
    loop_free(l);
}

static void test_periodic_timer_keeps_its_grid(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct again tick = {.l = l, .period = 10 * NS_MS};
    timer_set(l, &tick.t, 0, run_again, &tick);
    loop_sleep_until(l, 100 * NS_S);
    assert_int_equal(tick.runs, 10001);
    loop_free(l);
}

static void test_never_is_no_timer(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n[2] = {0};
    struct event done = {0};
    note_at(l, &n[0], 'x', NS_NEVER, NULL);
    note_at(l, &n[1], 'a', 5, &done);
    assert_true(loop_wait(l, &done, NS_NEVER));
    assert_string_equal(noted.names, "a");
    assert_int_equal(loop_now(l), 5);
    loop_free(l);
}

static void test_virtual_utc_is_reproducible(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    char text[32];
    loop_utc(l, text);
    assert_string_equal(text, "2000-01-01T00:00:00.000Z");
    loop_sleep_until(l, 86400 * NS_S + 1234 * NS_MS);
    loop_utc(l, text);
    assert_string_equal(text, "2000-01-02T00:00:01.234Z");
    assert_int_equal(loop_mode(l), LOOP_VIRTUAL);
    loop_free(l);
}

/* --- holds and posts ----------------------------------------------------------------------------------- */

struct completion {
    struct loop *l;
    atomic_bool done;
    struct event event;
    ns_t seen_at;
};

static void *complete(void *ctx)
{
    struct completion *c = ctx;
    for (volatile int i = 0; i < 100000; i++)
        ; /* let the owner get to its wait, or not: both must give the same */
    atomic_store(&c->done, true);
    loop_release(c->l);
    return NULL;
}

static void look_for_completion(void *ctx)
{
    struct completion *c = ctx;
    if (atomic_exchange(&c->done, false)) {
        c->event.set = true;
        c->seen_at = loop_now(c->l);
    }
}

static void test_time_stands_still_while_held(void **state)
{
    (void)state;
    struct completion c = {.l = virtual_loop()};
    loop_on_pump(c.l, look_for_completion, &c);
    struct note n = {0};
    for (int round = 0; round < 200; round++) {
        ns_t before = loop_now(c.l);
        noted.n = 0;
        note_at(c.l, &n, 'a', before + 1, NULL);
        loop_hold(c.l);
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, complete, &c), 0);
        assert_true(loop_wait(c.l, &c.event, before + NS_S));
        pthread_join(thread, NULL);
        assert_int_equal(c.seen_at, before);
        assert_int_equal(loop_now(c.l), before);
        assert_int_equal(noted.n, 0);
        c.event.set = false;
        loop_sleep_until(c.l, before + 10);
        assert_int_equal(noted.n, 1);
        assert_int_equal(noted.at[0], before + 1);
    }
    loop_free(c.l);
}

static void test_two_holds_need_two_releases(void **state)
{
    (void)state;
    struct completion c = {.l = virtual_loop()};
    struct event never = {0};
    loop_on_pump(c.l, look_for_completion, &c);
    loop_hold(c.l);
    loop_hold(c.l);
    loop_release(c.l);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, complete, &c), 0);
    struct event *const events[] = {&never, &c.event};
    assert_int_equal(loop_wait_any(c.l, events, 2, 100), 1);
    assert_int_equal(loop_now(c.l), 0);
    pthread_join(thread, NULL);
    loop_free(c.l);
}

static void count_pump(void *ctx)
{
    ++*(int *)ctx;
}

static void test_a_hook_that_was_taken_off_runs_no_more(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    int one = 0, other = 0;
    loop_on_pump(l, count_pump, &one);
    loop_on_pump(l, count_pump, &other);
    loop_sleep_until(l, 1);
    assert_true(one > 0 && other == one);
    int before = one;
    loop_off_pump(l, count_pump, &one);
    loop_sleep_until(l, 2);
    assert_int_equal(one, before);
    assert_true(other > before);
    for (int k = 0; k < 10; k++) { /* its place is free again */
        loop_on_pump(l, count_pump, &one);
        loop_off_pump(l, count_pump, &one);
    }
    loop_free(l);
}

static void test_due_timers_run_while_held(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct note n = {0};
    struct event done = {0};
    loop_hold(l);
    note_at(l, &n, 'a', 0, &done);
    assert_true(loop_wait(l, &done, NS_NEVER));
    assert_false(loop_wait(l, NULL, 0)); /* a deadline that is reached ends a wait although time is held */
    loop_release(l);
    loop_free(l);
}

static void *post_only(void *ctx)
{
    struct completion *c = ctx;
    atomic_store(&c->done, true);
    loop_post(c->l);
    return NULL;
}

static void test_post_wakes_a_blocked_loop(void **state)
{
    (void)state;
    static const enum loop_mode modes[] = {LOOP_REAL, LOOP_VIRTUAL};
    for (int i = 0; i < 2; i++) {
        struct err e = ERR_INIT;
        struct completion c = {.l = loop_new(modes[i], 1, &e)};
        assert_non_null(c.l);
        loop_on_pump(c.l, look_for_completion, &c);
        for (int round = 0; round < 200; round++) {
            pthread_t thread;
            assert_int_equal(pthread_create(&thread, NULL, post_only, &c), 0);
            assert_true(loop_wait(c.l, &c.event, NS_NEVER));
            c.event.set = false;
            pthread_join(thread, NULL);
        }
        loop_free(c.l);
    }
}

static struct completion signalled;

static void on_signal(int number)
{
    (void)number;
    post_only(&signalled);
}

static void test_post_from_a_signal_handler(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    signalled = (struct completion){.l = loop_new(LOOP_REAL, 1, &e)};
    assert_non_null(signalled.l);
    loop_on_pump(signalled.l, look_for_completion, &signalled);
    struct sigaction action = {.sa_handler = on_signal}, before;
    sigaction(SIGUSR1, &action, &before);
    raise(SIGUSR1);
    assert_true(loop_wait(signalled.l, &signalled.event, NS_NEVER));
    sigaction(SIGUSR1, &before, NULL);
    loop_free(signalled.l);
}

/* --- descriptors --------------------------------------------------------------------------------------- */

struct reader {
    struct loop *l;
    struct watch w;
    int fds[2];
    int bytes, runs;
    ns_t at;
    struct event got;
    struct reader *cancels;
};

static void read_some(void *ctx, short revents)
{
    struct reader *r = ctx;
    char bytes[16];
    assert_true(revents & (POLLIN | POLLHUP));
    ssize_t n = read(r->fds[0], bytes, sizeof bytes);
    r->runs++;
    r->at = loop_now(r->l);
    if (n > 0)
        r->bytes += (int)n;
    r->got.set = true;
    if (r->cancels)
        watch_cancel(r->l, &r->cancels->w);
}

static void open_reader(struct reader *r, struct loop *l)
{
    *r = (struct reader){.l = l};
    assert_int_equal(pipe(r->fds), 0);
    watch_set(l, &r->w, r->fds[0], POLLIN, read_some, r);
}

static void close_reader(struct reader *r)
{
    watch_cancel(r->l, &r->w);
    close(r->fds[0]);
    close(r->fds[1]);
}

static void test_ready_descriptors_come_before_time(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct reader r;
    struct note n = {0};
    open_reader(&r, l);
    note_at(l, &n, 'a', 1, NULL);
    assert_int_equal(write(r.fds[1], "xyz", 3), 3);
    assert_true(loop_wait(l, &r.got, 100));
    assert_int_equal(r.bytes, 3);
    assert_int_equal(loop_now(l), 0);
    assert_int_equal(noted.n, 0);
    r.got.set = false;
    assert_false(loop_wait(l, &r.got, 100)); /* quiet now: time jumps */
    assert_int_equal(loop_now(l), 100);
    close_reader(&r);
    loop_free(l);
}

static void pass_on(void *ctx, short revents)
{
    struct reader *to = ctx;
    (void)revents;
    assert_int_equal(write(to->fds[1], "x", 1), 1);
}

static void test_what_a_descriptor_sets_off_comes_before_time(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct reader last, first;
    open_reader(&last, l); /* looked at before the one that makes it ready */
    open_reader(&first, l);
    watch_set(l, &first.w, first.fds[1], POLLOUT, pass_on, &last);
    struct note n = {0};
    note_at(l, &n, 'a', 1, NULL);
    assert_true(loop_wait(l, &last.got, 100));
    assert_int_equal(loop_now(l), 0);
    assert_int_equal(noted.n, 0);
    close_reader(&first);
    close_reader(&last);
    loop_free(l);
}

static void test_real_wait_ends_with_the_descriptor(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_REAL, 1, &e);
    struct reader r;
    open_reader(&r, l);
    assert_int_equal(write(r.fds[1], "x", 1), 1);
    assert_true(loop_wait(l, &r.got, NS_NEVER));
    r.got.set = false;
    assert_false(loop_wait(l, &r.got, 0));
    assert_int_equal(r.bytes, 1);
    close_reader(&r);
    loop_free(l);
}

static void test_cancelled_watch_is_not_served(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct reader a, b, c;
    open_reader(&a, l);
    open_reader(&b, l);
    open_reader(&c, l);
    a.cancels = &b; /* while all three are ready in one poll */
    assert_int_equal(write(a.fds[1], "x", 1) + write(b.fds[1], "x", 1) + write(c.fds[1], "x", 1), 3);
    assert_true(loop_wait(l, &c.got, 100));
    assert_int_equal(a.runs, 1);
    assert_int_equal(b.runs, 0);
    assert_int_equal(c.runs, 1);
    /* Places are closed up afterwards, and each watch still finds its own descriptor. */
    c.got.set = false;
    assert_int_equal(write(c.fds[1], "yy", 2), 2);
    assert_true(loop_wait(l, &c.got, 100));
    assert_int_equal(c.bytes, 3);
    watch_set(l, &b.w, b.fds[0], POLLIN, read_some, &b);
    assert_true(loop_wait(l, &b.got, 100));
    assert_int_equal(b.bytes, 1);
    close_reader(&a);
    close_reader(&b);
    close_reader(&c);
    loop_free(l);
}

static void test_set_event_still_looks_at_descriptors(void **state)
{
    (void)state;
    struct loop *l = virtual_loop();
    struct reader r;
    struct event set = {true};
    open_reader(&r, l);
    assert_int_equal(write(r.fds[1], "x", 1), 1);
    assert_true(loop_wait(l, &set, NS_NEVER));
    assert_int_equal(r.bytes, 1);
    close_reader(&r);
    loop_free(l);
}

/* --- real and scaled time ------------------------------------------------------------------------------ */

static void test_real_time_runs_due_timers_in_order(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_REAL, 1, &e);
    struct note n[3] = {0};
    struct event done = {0};
    note_at(l, &n[0], 'b', -1, NULL);
    note_at(l, &n[1], 'a', -2, NULL);
    note_at(l, &n[2], 'c', 0, &done);
    assert_true(loop_wait(l, &done, NS_NEVER));
    assert_string_equal(noted.names, "abc");
    loop_free(l);
}

static void test_schedule_that_fell_behind_starves_nobody(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_REAL, 1, &e);
    struct again late = {.l = l, .period = 1};
    struct reader r;
    open_reader(&r, l);
    timer_set(l, &late.t, -1000000 * NS_S, run_again, &late);
    assert_int_equal(write(r.fds[1], "x", 1), 1);
    assert_true(loop_wait(l, &r.got, NS_NEVER));
    assert_false(loop_wait(l, NULL, 0));
    close_reader(&r);
    loop_free(l);
}

static void test_scaled_time(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_null(loop_new(LOOP_SCALED, 0, &e));
    assert_int_equal(e.code, ERR_USAGE);
    assert_null(loop_new(LOOP_SCALED, -1, &e));
    struct loop *l = loop_new(LOOP_SCALED, 1e6, &e);
    struct note n[2] = {0};
    assert_true(loop_speed(l) == 1e6);
    note_at(l, &n[0], 'b', 1000 * NS_S, NULL);
    note_at(l, &n[1], 'a', 500 * NS_S, NULL);
    loop_sleep_until(l, 1001 * NS_S); /* a millisecond */
    assert_string_equal(noted.names, "ab");
    assert_true(noted.at[0] >= 500 * NS_S && noted.at[1] >= 1000 * NS_S);
    assert_true(loop_now(l) >= 1001 * NS_S);
    loop_free(l);
}

static void test_late_timers_see_their_own_time(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_REAL, 1, &e);
    struct note n[2] = {0};
    struct event done = {0};
    ns_t before = loop_now(l);
    note_at(l, &n[0], 'b', before - 3 * NS_S, &done);
    note_at(l, &n[1], 'a', before - 5 * NS_S, NULL);
    assert_true(loop_wait(l, &done, NS_NEVER));
    assert_string_equal(noted.names, "ab");
    assert_true(noted.at[0] == before - 5 * NS_S && noted.at[1] == before - 3 * NS_S);
    assert_true(loop_now(l) >= before);
    loop_free(l);
}

static void test_a_continued_clock(void **state)
{
    (void)state;
    static const enum loop_mode mode[] = {LOOP_REAL, LOOP_SCALED, LOOP_VIRTUAL};
    for (int k = 0; k < 3; k++) {
        struct err e = ERR_INIT;
        struct loop *l = loop_new(mode[k], 8, &e);
        struct note n = {0};
        struct event done = {0};
        loop_begin_at(l, 3600 * NS_S);
        assert_true(loop_now(l) >= 3600 * NS_S && loop_now(l) < 7200 * NS_S);
        note_at(l, &n, 'a', 3600 * NS_S, &done);
        assert_true(loop_wait(l, &done, NS_NEVER));
        assert_int_equal(noted.at[k], 3600 * NS_S);
        loop_free(l);
    }
}

static void test_the_wall_clock_is_set_and_time_goes_on(void **state)
{
    (void)state;
    char text[32];
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    loop_sleep_until(l, 10 * NS_S);
    loop_set_wall(l, -3600 * NS_S);
    loop_utc(l, text);
    assert_string_equal(text, "1999-12-31T23:00:10.000Z");
    assert_true(loop_epoch(l) == LOOP_VIRTUAL_EPOCH - 3590);
    assert_int_equal(loop_now(l), 10 * NS_S);
    struct clocks c = loop_clocks(l);
    assert_int_equal(c.awake, 10 * NS_S);
    assert_int_equal(c.boot, 10 * NS_S);
    loop_free(l);
}

static void test_suspension_is_seen_by_the_clock_that_goes_on(void **state)
{
    (void)state;
    static const enum loop_mode mode[] = {LOOP_REAL, LOOP_SCALED, LOOP_VIRTUAL};
    for (int k = 0; k < 3; k++) {
        struct err e = ERR_INIT;
        struct loop *l = loop_new(mode[k], 8, &e);
        struct clocks a = loop_clocks(l);
        loop_suspend(l, 7200 * NS_S);
        struct clocks b = loop_clocks(l);
        assert_true(b.boot - a.boot >= 7200 * NS_S && b.boot - a.boot < 10800 * NS_S);
        assert_true(b.awake >= a.awake && b.awake - a.awake < 3600 * NS_S);
        loop_free(l);
    }
}

/* What was due meanwhile runs in order, each at the time that it was set for. */
static void test_time_that_is_skipped_is_worked_off(void **state)
{
    (void)state;
    static const enum loop_mode mode[] = {LOOP_REAL, LOOP_SCALED, LOOP_VIRTUAL};
    for (int k = 0; k < 3; k++) {
        struct err e = ERR_INIT;
        struct loop *l = loop_new(mode[k], 8, &e);
        struct note n[3] = {0};
        struct event done = {0};
        int before = noted.n;
        note_at(l, &n[0], 'b', 7000 * NS_S, NULL);
        note_at(l, &n[1], 'a', 3600 * NS_S, NULL);
        note_at(l, &n[2], 'c', 7200 * NS_S, &done);
        loop_skip(l, 7200 * NS_S);
        assert_true(loop_now(l) >= 7200 * NS_S && loop_now(l) < 10800 * NS_S);
        assert_true(loop_wait(l, &done, NS_NEVER));
        static const ns_t at[] = {3600 * NS_S, 7000 * NS_S, 7200 * NS_S};
        for (int i = 0; i < 3; i++)
            assert_int_equal(noted.at[before + i], at[i]);
        loop_free(l);
    }
}

static void test_patience_is_real_time(void **state)
{
    (void)state;
    static const struct {
        enum loop_mode mode;
        double speed;
        ns_t patience; /* for 300 ms */
    } all[] = {{LOOP_REAL, 1, 300 * NS_MS},
               {LOOP_VIRTUAL, 1, 300 * NS_MS},
               {LOOP_SCALED, 10, 3 * NS_S},
               {LOOP_SCALED, 0.5, 300 * NS_MS}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        struct err e = ERR_INIT;
        struct loop *l = loop_new(all[k].mode, all[k].speed, &e);
        assert_int_equal(loop_patience(l, 300 * NS_MS), all[k].patience);
        assert_int_equal(loop_patience(l, NS_NEVER), NS_NEVER);
        loop_free(l);
    }
}

static void test_seconds_and_nanoseconds(void **state)
{
    (void)state;
    assert_int_equal(ns_from_s(1.5), 1500 * NS_MS);
    assert_int_equal(ns_from_s(-1e-9), -1);
    assert_int_equal(ns_from_s(1e300), NS_NEVER);
    assert_true(ns_to_s(250 * NS_MS) == 0.25);
}

#define T(name) cmocka_unit_test_setup(name, forget_notes)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_timers_run_in_order_at_their_times),
        T(test_ties_run_in_the_order_they_were_set),
        T(test_moving_a_timer),
        T(test_heap_against_sorting),
        T(test_waiter_continues_at_the_time_of_its_event),
        T(test_deadline_is_never_passed),
        T(test_lowest_event_wins_and_stays_set),
        T(test_set_event_still_looks_at_what_is_due),
        T(test_set_event_returns_beside_a_busy_timer),
        T(test_periodic_timer_keeps_its_grid),
        T(test_never_is_no_timer),
        T(test_virtual_utc_is_reproducible),
        T(test_time_stands_still_while_held),
        T(test_two_holds_need_two_releases),
        T(test_a_hook_that_was_taken_off_runs_no_more),
        T(test_due_timers_run_while_held),
        T(test_post_wakes_a_blocked_loop),
        T(test_post_from_a_signal_handler),
        T(test_ready_descriptors_come_before_time),
        T(test_what_a_descriptor_sets_off_comes_before_time),
        T(test_real_wait_ends_with_the_descriptor),
        T(test_cancelled_watch_is_not_served),
        T(test_set_event_still_looks_at_descriptors),
        T(test_real_time_runs_due_timers_in_order),
        T(test_schedule_that_fell_behind_starves_nobody),
        T(test_scaled_time),
        T(test_late_timers_see_their_own_time),
        T(test_a_continued_clock),
        T(test_the_wall_clock_is_set_and_time_goes_on),
        T(test_suspension_is_seen_by_the_clock_that_goes_on),
        T(test_time_that_is_skipped_is_worked_off),
        T(test_patience_is_real_time),
        T(test_seconds_and_nanoseconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
