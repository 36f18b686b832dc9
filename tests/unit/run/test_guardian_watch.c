/* The guardian's life in virtual time: the test stands for the run (socket, pidfd, SIGKILL) and for the
 * devices at the far ends of socket pairs. */
#include "run/guardian_watch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SILENCE (5 * NS_S)
#define BEATS   64

static struct loop *loop;
static int run_socket, guardian_socket, dead[2], stage[2], pstat[2], log_pipe[2];
static bool dies;      /* on SIGKILL */
static ns_t killed_at; /* -1 = not */
static char heard_when_killed[1024];
static struct timer timers[BEATS];
static int n_timers;

/* A device: what it heard, and what it says to a line. */
struct device {
    int fd;
    struct watch watch;
    char heard[1024];
    const char *answer; /* NULL = silent */
};
static struct device at_stage, at_pstat;

static void hear(void *ctx, short revents)
{
    struct device *d = ctx;
    size_t n = strlen(d->heard);
    (void)revents;
    ssize_t got = read(d->fd, d->heard + n, sizeof d->heard - 1 - n);
    if (got == 0 || (got < 0 && errno != EAGAIN))
        watch_cancel(loop, &d->watch);
    if (got <= 0)
        return;
    d->heard[n + (size_t)got] = 0;
    if (d->answer && strchr(d->heard + n, '\n'))
        assert_int_equal(write(d->fd, d->answer, strlen(d->answer)), strlen(d->answer));
}

static void device_opens(struct device *d, int fd)
{
    *d = (struct device){.fd = fd};
    watch_set(loop, &d->watch, fd, POLLIN, hear, d);
}

static bool kill_it(void *ctx)
{
    (void)ctx;
    killed_at = loop_now(loop);
    hear(&at_stage, 0);
    snprintf(heard_when_killed, sizeof heard_when_killed, "%s", at_stage.heard);
    if (dies)
        assert_int_equal(write(dead[1], "x", 1), 1);
    return true;
}

static int setup(void **state)
{
    (void)state;
    int pair[2];
    loop = loop_new(LOOP_VIRTUAL, 1, NULL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    run_socket = pair[0];
    guardian_socket = pair[1];
    assert_int_equal(pipe2(dead, O_CLOEXEC), 0);
    assert_int_equal(pipe2(log_pipe, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, stage), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pstat), 0);
    device_opens(&at_stage, stage[1]);
    device_opens(&at_pstat, pstat[1]);
    dies = true;
    killed_at = -1;
    memset(timers, 0, sizeof timers);
    n_timers = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    const int all[] = {run_socket, guardian_socket, dead[0],  dead[1],     stage[0],
                       stage[1],   pstat[0],        pstat[1], log_pipe[0], log_pipe[1]};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        if (all[k] >= 0)
            close(all[k]);
    loop_free(loop);
    return 0;
}

static void at(ns_t t, void (*fn)(void *))
{
    assert_true(n_timers < BEATS);
    timer_set(loop, &timers[n_timers++], t, fn, NULL);
}

static void say_beat(void *ctx)
{
    (void)ctx;
    assert_true(guardian_say(run_socket, GUARDIAN_BEAT, 7));
}

static void say_goodbye(void *ctx)
{
    (void)ctx;
    assert_true(guardian_say(run_socket, GUARDIAN_GOODBYE, 8));
}

static void die(void *ctx)
{
    (void)ctx;
    assert_int_equal(write(dead[1], "x", 1), 1);
    close(run_socket);
    run_socket = -1;
}

static void close_socket(void *ctx)
{
    (void)ctx;
    close(run_socket);
    run_socket = -1;
}

/* Stop and a question with a proof for the stage; the same for the potentiostat. */
static struct guardian_order order(void)
{
    struct guardian_order o = {.n_links = 2, .device = {"stage", "potentiostat"}, .n_tasks = 4};
    struct errand ask = errand_make("arrival", 2, "POS?\n", 5),
                  open = errand_make("open cell", 1, "off\n", 4);
    ask.kind = ERRAND_NUMBER;
    ask.low = 59;
    ask.high = 61;
    ask.answer = 100 * NS_MS;
    ask.timeout = NS_S;
    snprintf(ask.proves, sizeof ask.proves, "retracted");
    open.kind = ERRAND_TEXT;
    snprintf(open.wanted, sizeof open.wanted, "ok\n");
    open.answer = 100 * NS_MS;
    open.timeout = NS_S;
    snprintf(open.proves, sizeof open.proves, "cell open");
    o.task[0] = (struct guardian_task){0, errand_make("stop", 0, "S", 1)};
    o.task[1] = (struct guardian_task){1, errand_make("cell off", 0, "Z", 1)};
    o.task[2] = (struct guardian_task){1, open};
    o.task[3] = (struct guardian_task){0, ask};
    return o;
}

static void give(const struct guardian_order *o)
{
    const struct guardian_descriptors d = {log_pipe[1], {stage[0], pstat[0]}};
    assert_true(guardian_give_order(run_socket, 1, o, &d));
}

static void give_order(void)
{
    struct guardian_order o = order();
    give(&o);
}

static void devices_answer(void)
{
    at_stage.answer = "60.0\n";
    at_pstat.answer = "ok\n";
}

static int watch(void)
{
    const struct guardian_post post = {.loop = loop,
                                       .socket = guardian_socket,
                                       .run = dead[0],
                                       .end_run = kill_it,
                                       .pid = 4711,
                                       .tell = -1,
                                       .silence = SILENCE};
    int status = guardian_watch(&post);
    for (int k = 0; k < n_timers; k++)
        timer_cancel(loop, &timers[k]);
    return status;
}

static const char *log_text(void)
{
    static char text[8192];
    ssize_t n = read(log_pipe[0], text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void assert_heard(struct device *d, const char *wanted)
{
    hear(d, 0);
    assert_string_equal(d->heard, wanted);
}

static void assert_not_killed(void)
{
    if (killed_at >= 0)
        fail_msg("killed at %g s", ns_to_s(killed_at));
}

/* ---- a run that ends in order, or never began ---- */

static void a_goodbye_ends_it_and_no_byte_was_written(void **state)
{
    (void)state;
    give_order();
    at(NS_S, say_beat);
    at(2 * NS_S, say_goodbye);
    assert_int_equal(watch(), 0);
    assert_not_killed();
    assert_heard(&at_stage, "");
    assert_heard(&at_pstat, "");
    assert_int_equal(loop_now(loop), 2 * NS_S);
    assert_string_equal(log_text(), "");
}

static void a_goodbye_counts_though_the_run_is_dead_when_it_is_read(void **state)
{
    (void)state;
    give_order();
    say_beat(NULL);
    say_goodbye(NULL);
    die(NULL);
    assert_int_equal(watch(), 0);
    assert_not_killed();
    assert_heard(&at_stage, "");
}

static void a_run_that_dies_before_it_has_a_rig_leaves_nothing_to_do(void **state)
{
    (void)state;
    at(20 * NS_S, die); /* silent until then: nothing is at stake */
    assert_int_equal(watch(), 0);
    assert_not_killed();
    assert_int_equal(loop_now(loop), 20 * NS_S);
}

static void beats_keep_it_quiet_for_ever(void **state)
{
    (void)state;
    give_order();
    for (int k = 1; k <= 30; k++)
        at(k * (SILENCE - NS_S), say_beat);
    at(30 * (SILENCE - NS_S) + NS_S, say_goodbye);
    assert_int_equal(watch(), 0);
    assert_not_killed();
}

static void every_beat_and_order_is_answered(void **state)
{
    (void)state;
    struct guardian_message m;
    struct guardian_descriptors d;
    give_order();
    at(NS_S, say_beat);
    at(2 * NS_S, say_goodbye);
    assert_int_equal(watch(), 0);
    const uint32_t number[] = {1, 7, 8};
    for (int k = 0; k < 3; k++) {
        assert_int_equal(guardian_hear(run_socket, &m, &d), HEARD_MESSAGE);
        assert_int_equal(m.word, GUARDIAN_ANSWER);
        assert_int_equal(m.number, number[k]);
    }
}

/* ---- taking over ---- */

static void silence_ends_the_run_and_only_then_is_a_byte_written(void **state)
{
    (void)state;
    give_order();
    devices_answer();
    at(3 * NS_S, say_beat);
    assert_int_equal(watch(), 0);
    assert_true(killed_at >= 3 * NS_S + SILENCE && killed_at <= 3 * NS_S + SILENCE + SILENCE / 5);
    assert_string_equal(heard_when_killed, "");
    assert_heard(&at_stage, "SPOS?\n");
    assert_heard(&at_pstat, "Zoff\n");
    const char *text = log_text();
    assert_non_null(strstr(text, "no sign of life for 5."));
    assert_non_null(strstr(text, "stage: stop: sent"));
    assert_non_null(strstr(text, "stage: arrival: retracted"));
    assert_non_null(strstr(text, "verified safe (retracted, cell open)"));
}

static void a_dead_run_is_taken_over_from_at_once(void **state)
{
    (void)state;
    give_order();
    devices_answer();
    at(NS_S, die);
    assert_int_equal(watch(), 0);
    assert_true(killed_at < 0 || killed_at == NS_S);
    assert_int_equal(loop_now(loop), NS_S);
    assert_heard(&at_stage, "SPOS?\n");
}

static void a_closed_socket_without_a_goodbye_ends_the_run(void **state)
{
    (void)state;
    give_order();
    devices_answer();
    at(NS_S, close_socket);
    assert_int_equal(watch(), 0);
    assert_int_equal(killed_at, NS_S);
    assert_string_equal(heard_when_killed, "");
}

static void a_run_that_hangs_in_the_system_does_not_hold_it_up(void **state)
{
    (void)state;
    give_order();
    devices_answer();
    dies = false;
    assert_int_equal(watch(), 0);
    assert_true(killed_at >= SILENCE);
    assert_heard(&at_stage, "SPOS?\n");
    assert_true(loop_now(loop) <= SILENCE + SILENCE / 5 + 3 * NS_S);
    assert_non_null(strstr(log_text(), "will not run again"));
}

static void silent_devices_are_tried_to_the_end_and_never_called_safe(void **state)
{
    (void)state;
    give_order();
    assert_int_equal(watch(), 3);
    const char *text = log_text();
    assert_non_null(strstr(text, "stage: arrival: no answer"));
    assert_non_null(strstr(text, "potentiostat: open cell: no answer"));
    assert_non_null(strstr(text, "NOT VERIFIED SAFE"));
    assert_true(loop_now(loop) <= SILENCE + SILENCE / 5 + 4 * NS_S);
}

static void one_proof_is_not_two(void **state)
{
    (void)state;
    give_order();
    at_stage.answer = "60.0\n";
    assert_int_equal(watch(), 3);
    assert_non_null(strstr(log_text(), "NOT VERIFIED SAFE"));
}

static void a_proof_makes_the_repetition_needless(void **state)
{
    (void)state;
    struct guardian_order o = order();
    o.task[4] = (struct guardian_task){0, errand_make("retraction, again", 2, "M", 1)};
    o.task[4].errand.only_unproven = true;
    o.n_tasks = 5;
    give(&o);
    devices_answer();
    assert_int_equal(watch(), 0);
    assert_heard(&at_stage, "SPOS?\n");
}

static void without_a_proof_it_is_repeated(void **state)
{
    (void)state;
    struct guardian_order o = order();
    o.task[4] = (struct guardian_task){0, errand_make("retraction, again", 2, "M", 1)};
    o.task[4].errand.only_unproven = true;
    o.n_tasks = 5;
    give(&o);
    assert_int_equal(watch(), 3);
    hear(&at_stage, 0);
    assert_int_equal(at_stage.heard[strlen(at_stage.heard) - 1], 'M');
}

/* Where it is, up, how far it went; `by` is what the device would have to say more than before. */
static void add_lift(struct guardian_order *o, double by)
{
    static const enum errand_kind kinds[3] = {ERRAND_NOTE, ERRAND_WRITE, ERRAND_CHANGE};
    static const char *const bytes[3] = {"POS? 4\n", "UP 4\n", "POS? 4\n"};
    o->task[3].errand.low = 100; /* the retraction is not proven by 60 */
    o->task[3].errand.high = 200;
    for (int k = 0; k < 3; k++) {
        struct errand q = errand_make("coarse axis", 3, bytes[k], strlen(bytes[k]));
        q.kind = kinds[k];
        q.low = by;
        q.high = INFINITY;
        q.answer = 100 * NS_MS;
        q.timeout = NS_S;
        q.only_unproven = true;
        o->task[o->n_tasks++] = (struct guardian_task){0, q};
    }
    snprintf(o->task[o->n_tasks - 1].errand.proves, 24, "lifted by coarse axis");
}

static void the_head_is_lifted_where_the_retraction_is_not_proven(void **state)
{
    (void)state;
    struct guardian_order o = order();
    add_lift(&o, 0);
    give(&o);
    devices_answer();
    assert_int_equal(watch(), 0);
    hear(&at_stage, 0);
    const char *where = strstr(at_stage.heard, "POS? 4\n"), *up = strstr(at_stage.heard, "UP 4\nPOS? 4\n");
    assert_true(where && up && where < up);
    const char *log = log_text();
    assert_non_null(strstr(log, "verified safe (lifted by coarse axis, cell open)"));
    assert_non_null(strstr(log, "x and y were left where they were"));
}

static void a_lift_that_is_not_seen_is_not_believed(void **state)
{
    (void)state;
    struct guardian_order o = order();
    add_lift(&o, 50); /* it answers 60 before and after */
    give(&o);
    devices_answer();
    assert_int_equal(watch(), 3);
    assert_non_null(strstr(log_text(), "NOT VERIFIED SAFE: look at it (known: cell open)"));
}

static void a_link_that_takes_no_bytes_does_not_hold_up_the_other(void **state)
{
    (void)state;
    char junk[4096] = {0};
    while (write(stage[0], junk, sizeof junk) > 0)
        ;
    watch_cancel(loop, &at_stage.watch);
    give_order();
    at_pstat.answer = "ok\n";
    assert_int_equal(watch(), 3);
    assert_heard(&at_pstat, "Zoff\n");
}

static void no_link_outside_of_the_run_and_nothing_to_do(void **state)
{
    (void)state;
    struct guardian_order o = {0};
    const struct guardian_descriptors d = {log_pipe[1], {-1, -1}};
    assert_true(guardian_give_order(run_socket, 1, &o, &d));
    assert_int_equal(watch(), 0);
    assert_true(killed_at >= SILENCE); /* a silent run is ended all the same */
    assert_non_null(strstr(log_text(), "ended with it"));
}

/* ---- messages ---- */

static int open_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static void a_new_order_takes_the_place_of_the_old(void **state)
{
    (void)state;
    struct guardian_order o = order();
    int before = open_descriptors();
    give(&o);
    o.task[0].errand.bytes[0] = 'T';
    give(&o);
    give(&o);
    devices_answer();
    assert_int_equal(watch(), 0);
    assert_heard(&at_stage, "TPOS?\n");
    assert_int_equal(open_descriptors(), before);
}

static void an_order_that_can_not_be_carried_out_is_none(void **state)
{
    (void)state;
    struct guardian_message m;
    struct guardian_descriptors d;
    struct guardian_order o = order();
    int before = open_descriptors();
    o.task[3].link = 2;
    give(&o);
    o = order();
    o.n_tasks = GUARDIAN_ERRANDS + 1;
    give(&o);
    assert_int_equal(send(run_socket, "nonsense", 8, 0), 8);
    m = (struct guardian_message){.word = GUARDIAN_ORDER, .order = order()};
    assert_int_equal(send(run_socket, &m, sizeof m, 0), sizeof m); /* without descriptors */
    say_beat(NULL);
    assert_int_equal(guardian_hear(guardian_socket, &m, &d), HEARD_MESSAGE);
    assert_int_equal(m.word, GUARDIAN_BEAT);
    assert_int_equal(guardian_hear(guardian_socket, &m, &d), HEARD_NOTHING);
    assert_int_equal(open_descriptors(), before);
    close_socket(NULL);
    assert_int_equal(guardian_hear(guardian_socket, &m, &d), HEARD_END);
}

static void a_guardian_that_does_not_read_is_told_from_one_that_is_gone(void **state)
{
    (void)state;
    int said = 0;
    while (said < 100000 && guardian_say(run_socket, GUARDIAN_BEAT, 1))
        said++;
    assert_int_equal(errno, EAGAIN);
    assert_true(said > 10);
    close(guardian_socket);
    guardian_socket = -1;
    assert_false(guardian_say(run_socket, GUARDIAN_BEAT, 1));
    assert_true(errno == EPIPE || errno == ECONNRESET);
}

/* ---- silence ---- */

static void silence_is_not_counted_while_the_guardian_itself_was_held_up(void **state)
{
    (void)state;
    struct silence s = {.bound = 5 * NS_S};
    for (ns_t t = 0; t < 5 * NS_S; t += 500 * NS_MS)
        assert_false(silence_too_long(&s, t));
    assert_true(silence_too_long(&s, 5 * NS_S));
    s = (struct silence){.bound = 5 * NS_S};
    assert_false(
        silence_too_long(&s, 60 * NS_S)); /* suspended, together with the run: half a second counts */
    for (ns_t t = 61; t <= 64; t++)
        assert_false(silence_too_long(&s, t * NS_S));
    assert_true(silence_too_long(&s, 65 * NS_S)); /* and still nothing */
    /* So busy a machine that each look is late: ten looks are enough all the same. */
    s = (struct silence){.bound = 5 * NS_S};
    for (ns_t t = 1; t <= 9; t++)
        assert_false(silence_too_long(&s, 4 * t * NS_S));
    assert_true(silence_too_long(&s, 40 * NS_S));
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_goodbye_ends_it_and_no_byte_was_written),
        T(a_goodbye_counts_though_the_run_is_dead_when_it_is_read),
        T(a_run_that_dies_before_it_has_a_rig_leaves_nothing_to_do),
        T(beats_keep_it_quiet_for_ever),
        T(every_beat_and_order_is_answered),
        T(silence_ends_the_run_and_only_then_is_a_byte_written),
        T(a_dead_run_is_taken_over_from_at_once),
        T(a_closed_socket_without_a_goodbye_ends_the_run),
        T(a_run_that_hangs_in_the_system_does_not_hold_it_up),
        T(silent_devices_are_tried_to_the_end_and_never_called_safe),
        T(one_proof_is_not_two),
        T(a_proof_makes_the_repetition_needless),
        T(without_a_proof_it_is_repeated),
        T(the_head_is_lifted_where_the_retraction_is_not_proven),
        T(a_lift_that_is_not_seen_is_not_believed),
        T(a_link_that_takes_no_bytes_does_not_hold_up_the_other),
        T(no_link_outside_of_the_run_and_nothing_to_do),
        T(a_new_order_takes_the_place_of_the_old),
        T(an_order_that_can_not_be_carried_out_is_none),
        T(a_guardian_that_does_not_read_is_told_from_one_that_is_gone),
        T(silence_is_not_counted_while_the_guardian_itself_was_held_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
