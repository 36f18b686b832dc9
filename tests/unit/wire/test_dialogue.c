/* Dialogues with devices that misbehave; each test is named for the misbehaviour that it shows.
 *
 * The device is a list of things to say, each some time after it heard a question. All in virtual time. */
#include "wire/dialogue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/fault.h"

#define TIMEOUT  (200 * NS_MS)
#define MAX_SAYS 64

struct say {
    ns_t after; /* hearing the question */
    const char *text;
    size_t n;
    struct timer timer;
};

static struct loop *loop;
static struct link *host, *far;
static struct dialogue *d;
static struct say says[MAX_SAYS];
static int say_n;
static struct buf heard;

static void speak(void *ctx)
{
    struct say *s = ctx;
    assert_true(link_write(far, s->text, s->n, NULL));
}

static void hear(void *ctx)
{
    (void)ctx;
    char text[256];
    size_t n;
    while ((n = link_read(far, text, sizeof text, NULL)))
        buf_add(&heard, text, n);
    for (int i = 0; i < say_n; i++)
        timer_set(loop, &says[i].timer, loop_now(loop) + says[i].after, speak, &says[i]);
    say_n = 0;
}

static void will_say_bytes(ns_t after, const char *text, size_t n)
{
    assert_true(say_n < MAX_SAYS);
    says[say_n++] = (struct say){.after = after, .text = text, .n = n};
}

/* The device says this some time after the next thing that it hears. */
static void will_say(ns_t after, const char *text)
{
    will_say_bytes(after, text, strlen(text));
}

static int setup(void **state)
{
    (void)state;
    loop = loop_new(LOOP_VIRTUAL, 0, NULL);
    link_memory_pair(loop, 0, "stage", &host, &far);
    link_on_readable(far, hear, NULL);
    d = dialogue_new(host);
    say_n = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dialogue_free(d);
    link_close(host);
    link_close(far);
    loop_free(loop);
    buf_free(&heard);
    return 0;
}

static void assert_answer(const char *question, enum reply_rule rule, const char *wanted)
{
    const char *reply = NULL;
    struct err e = ERR_INIT;
    if (!dialogue_query(d, question, rule, TIMEOUT, &reply, &e))
        fail_msg("%s", e.text);
    assert_string_equal(reply, wanted);
}

static void assert_no_answer(const char *question, enum reply_rule rule, enum err_code code, const char *part)
{
    const char *reply = "untouched";
    struct err e = ERR_INIT;
    assert_false(dialogue_query(d, question, rule, TIMEOUT, &reply, &e));
    assert_int_equal(e.code, code);
    if (!strstr(e.text, part))
        fail_msg("`%s` does not say `%s`", e.text, part);
    assert_non_null(strstr(e.text, "stage"));
}

static void well_behaved_reply(void **state)
{
    (void)state;
    will_say(5 * NS_MS, "3=1.0\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
    assert_string_equal(heard.p, "POS? 3\n");
    assert_int_equal(loop_now(loop), 5 * NS_MS);
    assert_int_equal(dialogue_stale(d), 0);
}

static void reply_in_two_pieces(void **state)
{
    (void)state;
    will_say(5 * NS_MS, "3=1.");
    will_say(50 * NS_MS, "0\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
    assert_int_equal(loop_now(loop), 50 * NS_MS);
}

static void two_replies_in_one_chunk(void **state)
{
    (void)state;
    will_say(1, "3=1.0\nextra\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
    assert_true(dialogue_event(d)->set);
    const char *line;
    assert_true(dialogue_next_line(d, &line, NULL));
    assert_string_equal(line, "extra");
    assert_false(dialogue_next_line(d, &line, NULL));
    assert_false(dialogue_event(d)->set);
}

static void second_reply_of_a_chunk_does_not_answer_the_next_question(void **state)
{
    (void)state;
    will_say(1, "3=1.0\nextra\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
    will_say(1, "0\n");
    assert_answer("ERR?\n", REPLY_LINE, "0");
    assert_int_equal(dialogue_stale(d), strlen("extra\n"));
}

static void silence(void **state)
{
    (void)state;
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_SILENT, "asked `POS? 3\\n`, no answer within 200 ms");
    assert_int_equal(loop_now(loop), TIMEOUT);
}

static void fragment(void **state)
{
    (void)state;
    will_say(1, "3=1.00");
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_FRAGMENT, "asked `POS? 3\\n`, only `3=1.00` within 200 ms");
    assert_int_equal(loop_now(loop), TIMEOUT);
}

static void fragment_of_several_lines(void **state)
{
    (void)state;
    will_say(1, "1=1.0 \n2=2.0 \n");
    assert_no_answer("POS?\n", REPLY_GCS, ERR_FRAGMENT, "only `1=1.0 \\n2=2.0 \\n` within");
    will_say(1, "e\nL\n");
    assert_no_answer("e\n", REPLY_EMPTY_LINE, ERR_FRAGMENT, "only `e\\nL\\n` within");
}

static void reply_just_in_time_and_just_too_late(void **state)
{
    (void)state;
    will_say(TIMEOUT - 1, "in time\n");
    assert_answer("?\n", REPLY_LINE, "in time");
    will_say(TIMEOUT + 1, "too late\n");
    assert_no_answer("?\n", REPLY_LINE, ERR_SILENT, "no answer");
}

static void stale_late_reply(void **state)
{
    (void)state;
    will_say(TIMEOUT + 50 * NS_MS, "3=1.0\n");
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_SILENT, "no answer");
    loop_sleep_until(loop, NS_S);
    assert_int_equal(dialogue_stale(d), 0);
    will_say(1, "0\n");
    assert_answer("ERR?\n", REPLY_LINE, "0");
    assert_int_equal(dialogue_stale(d), strlen("3=1.0\n"));
    assert_int_equal(dialogue_late(d), 1);
}

static bool looks_alike(const char *question, const char *reply)
{
    return (strncmp(question, "POS?", 4) == 0) == (strchr(reply, '=') != NULL);
}

/* Mismatches of the answer to a question, as its driver finds them. */
static enum err_code mismatch_of(const char *question, const char *reply)
{
    struct err e = ERR_INIT;
    assert_answer(question, REPLY_LINE, reply);
    assert_false(dialogue_mismatch(d, &e, reply, "a number"));
    return e.code;
}

static void answer_to_an_earlier_question(void **state)
{
    (void)state;
    dialogue_tell_late(d, looks_alike);
    will_say(TIMEOUT + 50 * NS_MS, "3=1.0\n");
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_SILENT, "no answer");
    assert_int_equal(mismatch_of("ERR?\n", "3=1.0"), ERR_LATE);
    assert_int_equal(dialogue_late(d), 0); /* it was taken, not thrown away */
    /* From then on each answer is one question late. */
    will_say(1, "0\n");
    assert_int_equal(mismatch_of("POS? 3\n", "0"), ERR_LATE);
    /* In step again: what does not fit now is damaged. */
    will_say(1, "3=1.0\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
    will_say(1, "3=2.0\n");
    assert_int_equal(mismatch_of("ERR?\n", "3=2.0"), ERR_MISMATCH);
}

static void damage_behind_a_question_without_answer_is_not_called_late(void **state)
{
    (void)state;
    dialogue_tell_late(d, looks_alike);
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_SILENT, "no answer");
    will_say(1, "x7\n");
    assert_int_equal(mismatch_of("ERR?\n", "x7"), ERR_MISMATCH);
}

static void a_link_opened_anew_begins_with_nothing(void **state)
{
    (void)state;
    struct link *old = host, *other;
    will_say(1, "3=1.");
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_FRAGMENT, "`3=1.`");
    assert_true(dialogue_ask(d, "POS? 3\n", REPLY_LINE, TIMEOUT, NULL));
    link_close(far);
    link_memory_pair(loop, 0, "stage", &host, &other);
    far = other;
    link_on_readable(far, hear, NULL);
    dialogue_attach(d, host);
    link_close(old);
    assert_ptr_equal(dialogue_link(d), host);
    assert_int_equal(dialogue_poll(d, NULL, NULL, NULL), REPLY_NONE);
    will_say(1, "3=2.0\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=2.0");
    assert_int_equal(dialogue_late(d), 0);
}

static void rest_of_a_fragment_comes_late(void **state)
{
    (void)state;
    will_say(1, "3=1.");
    will_say(TIMEOUT + 1, "0\n");
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_FRAGMENT, "`3=1.`");
    loop_sleep_until(loop, NS_S);
    will_say(1, "0\n");
    assert_answer("ERR?\n", REPLY_LINE, "0");
    assert_int_equal(dialogue_stale(d), strlen("3=1.0\n"));
}

static void answer_of_a_cancelled_question(void **state)
{
    (void)state;
    will_say(5 * NS_MS, "3=1.0\n");
    assert_true(dialogue_ask(d, "POS? 3\n", REPLY_LINE, TIMEOUT, NULL));
    dialogue_cancel(d);
    assert_int_equal(dialogue_poll(d, NULL, NULL, NULL), REPLY_NONE);
    loop_sleep_until(loop, NS_S);
    will_say(1, "0\n");
    assert_answer("ERR?\n", REPLY_LINE, "0");
    assert_int_equal(dialogue_stale(d), strlen("3=1.0\n"));
}

static void xon_xoff_noise(void **state)
{
    (void)state;
    will_say(1, "\x13\x11"
                "3=\x13"
                "1.0\x11\n\x11");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
}

static void cr_lf(void **state)
{
    (void)state;
    will_say(1, "3=1.0\r");
    will_say(2, "\n");
    assert_answer("POS? 3\n", REPLY_LINE, "3=1.0");
    /* Only the one right before LF is part of the line end. */
    will_say(1, "a\rb\r\r\n");
    assert_answer("?\n", REPLY_LINE, "a\rb\r");
}

static void nul_prefix(void **state)
{
    (void)state;
    will_say_bytes(1, "\0\0HELP \n\0text\n", 14);
    assert_answer("HLP?\n", REPLY_GCS, "HELP \ntext");
}

/* A garbled byte must not turn a number into another, shorter one. */
static void nul_inside_a_number(void **state)
{
    (void)state;
    will_say_bytes(1, "12\0004.5\n", 7);
    assert_answer("?\n", REPLY_LINE,
                  "12\x1a"
                  "4.5");
}

static void garbled_byte(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_GARBLE, .n = 2});
    will_say(1, "3=1.0\n");
    const char *reply;
    struct err e = ERR_INIT;
    assert_true(dialogue_query(d, "POS? 3\n", REPLY_LINE, TIMEOUT, &reply, &e));
    assert_false(dialogue_mismatch(d, &e, reply, "3=<number>"));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_string_equal(e.text, "stage: asked `POS? 3\\n`, got `3=q.0`, wanted 3=<number>");
}

static void empty_line_as_a_reply(void **state)
{
    (void)state;
    will_say(1, "\n");
    assert_answer("?\n", REPLY_LINE, "");
    will_say(1, "\r\n");
    assert_answer("?\n", REPLY_EMPTY_LINE, "");
}

/* A reply of several lines, cut into two pieces at every byte and then into single bytes. */
static void cut_at_every_byte(const char *text, enum reply_rule rule, const char *wanted)
{
    size_t n = strlen(text);
    for (size_t cut = 1; cut < n; cut++) {
        ns_t asked = loop_now(loop), at = 0;
        will_say_bytes(1 * NS_MS, text, cut);
        will_say_bytes(7 * NS_MS, text + cut, n - cut);
        assert_true(dialogue_ask(d, "POS?\n", rule, TIMEOUT, NULL));
        const char *reply = NULL;
        assert_true(loop_wait(loop, dialogue_event(d), asked + TIMEOUT));
        assert_int_equal(dialogue_poll(d, &reply, &at, NULL), REPLY_PENDING);
        assert_true(loop_wait(loop, dialogue_event(d), asked + TIMEOUT));
        assert_int_equal(dialogue_poll(d, &reply, &at, NULL), REPLY_READY);
        assert_string_equal(reply, wanted);
        assert_int_equal(at, asked + 7 * NS_MS);
    }
    for (size_t i = 0; i < n; i++)
        will_say_bytes((ns_t)(i + 1) * NS_MS, text + i, 1);
    assert_answer("POS?\n", rule, wanted);
    assert_int_equal(dialogue_stale(d), 0);
}

static void gcs_reply_cut_at_every_byte(void **state)
{
    (void)state;
    cut_at_every_byte("1=1.883e+01 \n2=1.747e+01 \n3=0.0\n", REPLY_GCS, "1=1.883e+01 \n2=1.747e+01 \n3=0.0");
}

static void methodscript_reply_cut_at_every_byte(void **state)
{
    (void)state;
    cut_at_every_byte("e\r\nM0000\r\nPda7F;ba8F\r\n*\r\n\r\n", REPLY_EMPTY_LINE, "e\nM0000\nPda7F;ba8F\n*");
}

static void line_reply_cut_at_every_byte(void **state)
{
    (void)state;
    cut_at_every_byte("3=1.000000000e+01\r\n", REPLY_LINE, "3=1.000000000e+01");
}

static char *many(char c, size_t n)
{
    char *p = malloc(n);
    assert_non_null(p);
    memset(p, c, n);
    return p;
}

static void line_without_an_end(void **state)
{
    (void)state;
    char *babble = many('x', 70000);
    will_say_bytes(1, babble, 70000);
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_MISMATCH, "more than 64 KiB came without an end");
    assert_int_equal(loop_now(loop), 1);
    /* The rest of it is thrown away, and the device is usable again. */
    assert_true(link_write(far, "yyy\n", 4, NULL));
    will_say(1, "0\n");
    assert_answer("ERR?\n", REPLY_LINE, "0");
    assert_int_equal(dialogue_stale(d), 70004);
    free(babble);
}

static void longest_line_that_is_allowed(void **state)
{
    (void)state;
    char *text = many('x', 65537);
    text[65536] = '\n';
    will_say_bytes(1, text, 65537);
    const char *reply;
    assert_true(dialogue_query(d, "?\n", REPLY_LINE, TIMEOUT, &reply, NULL));
    assert_int_equal(strlen(reply), 65536);
    char *longer = many('x', 65538);
    longer[65537] = '\n';
    will_say_bytes(1, longer, 65538);
    assert_no_answer("?\n", REPLY_LINE, ERR_MISMATCH, "64 KiB");
    assert_int_equal(dialogue_stale(d), 65538);
    free(text);
    free(longer);
}

/* Sends its lines piece by piece without end. */
static void babble_on(void *ctx)
{
    struct say *s = ctx;
    if (link_write(far, s->text, s->n, NULL))
        timer_set(loop, &s->timer, loop_now(loop) + NS_US, babble_on, s);
}

static void reply_without_an_end(void **state)
{
    (void)state;
    char *babble = many('x', 4000);
    memcpy(babble + 3998, " \n", 2);
    struct say s = {.text = babble, .n = 4000};
    timer_set(loop, &s.timer, 1, babble_on, &s);
    assert_no_answer("HLP?\n", REPLY_GCS, ERR_MISMATCH, "more than 1024 KiB");
    timer_cancel(loop, &s.timer);
    free(babble);
}

static void overlong_line_in_a_stream(void **state)
{
    (void)state;
    char *babble = many('x', 200000);
    const char *line;
    assert_true(link_write(far, "first\n", 6, NULL));
    assert_true(link_write(far, babble, 200000, NULL));
    assert_true(link_write(far, "\nlast\n", 6, NULL));
    assert_true(dialogue_next_line(d, &line, NULL));
    assert_string_equal(line, "first");
    assert_true(dialogue_next_line(d, &line, NULL));
    assert_string_equal(line, "last");
    assert_int_equal(dialogue_stale(d), 200001);
    assert_true(link_write(far, babble, 200000, NULL));
    assert_true(link_write(far, "\n", 1, NULL));
    struct err e = ERR_INIT;
    assert_false(dialogue_line(d, TIMEOUT, &line, &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    free(babble);
}

static void hang_up_while_waiting(void **state)
{
    (void)state;
    link_fault(host, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = 20 * NS_MS});
    will_say(50 * NS_MS, "too late\n");
    assert_no_answer("POS? 3\n", REPLY_LINE, ERR_LINK, "asked `POS? 3\\n`: ");
    assert_int_equal(loop_now(loop), 20 * NS_MS);
    const char *reply;
    struct err e = ERR_INIT;
    assert_false(dialogue_query(d, "POS? 3\n", REPLY_LINE, TIMEOUT, &reply, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_false(dialogue_line(d, TIMEOUT, &reply, &e));
    assert_int_equal(loop_now(loop), 20 * NS_MS); /* a link that is gone is not waited for */
    assert_true(dialogue_drain(d, NS_MS, NS_S));
}

static void answer_and_hang_up_at_once(void **state)
{
    (void)state;
    assert_true(dialogue_ask(d, "?\n", REPLY_LINE, TIMEOUT, NULL));
    assert_true(link_write(far, "bye\n", 4, NULL));
    link_close(far);
    far = NULL;
    const char *reply;
    struct err e = ERR_INIT;
    assert_int_equal(dialogue_poll(d, &reply, NULL, &e), REPLY_READY);
    assert_string_equal(reply, "bye");
}

static void stop_byte_while_a_question_is_outstanding(void **state)
{
    (void)state;
    const char *reply;
    ns_t at;
    assert_true(dialogue_ask(d, "POS? 3\n", REPLY_LINE, TIMEOUT, NULL));
    assert_int_equal(dialogue_poll(d, &reply, &at, NULL), REPLY_PENDING);
    will_say(5 * NS_MS, "3=1.0\n");
    assert_true(dialogue_send_bytes(d, "\x18", 1, NULL));
    assert_true(loop_wait(loop, dialogue_event(d), NS_S));
    assert_int_equal(dialogue_poll(d, &reply, &at, NULL), REPLY_READY);
    assert_string_equal(reply, "3=1.0");
    assert_int_equal(at, 5 * NS_MS);
    assert_string_equal(heard.p, "POS? 3\n\x18");
}

static void split_phase_deadline_wakes_the_waiter(void **state)
{
    (void)state;
    const char *reply;
    struct err e = ERR_INIT;
    assert_true(dialogue_ask(d, "POS? 3\n", REPLY_LINE, TIMEOUT, NULL));
    assert_true(loop_wait(loop, dialogue_event(d), NS_S));
    assert_int_equal(loop_now(loop), TIMEOUT);
    assert_int_equal(dialogue_poll(d, &reply, NULL, &e), REPLY_FAILED);
    assert_int_equal(e.code, ERR_SILENT);
    assert_int_equal(dialogue_poll(d, &reply, NULL, &e), REPLY_NONE);
}

/* A running script streams packages while the host sends commands that are echoed in between. */
static void stream_lines_interleaved_with_commands(void **state)
{
    (void)state;
    const char *line;
    ns_t at;
    will_say(10, "e\nM0000\nPda1");
    will_say(20, "\nPda2\nP");
    will_say(30, "da3\n");
    assert_true(dialogue_send(d, "e\nscript\n\n", NULL));
    static const char *const first[] = {"e", "M0000", "Pda1", "Pda2"};
    static const ns_t times[] = {10, 10, 20, 20};
    for (int i = 0; i < 4; i++) {
        while (!dialogue_next_line(d, &line, &at))
            assert_true(loop_wait(loop, dialogue_event(d), NS_S));
        assert_string_equal(line, first[i]);
        assert_int_equal(at, times[i]);
    }
    will_say(5, "Y\n");
    assert_true(dialogue_send(d, "Y\n", NULL)); /* while half a package is here */
    assert_true(dialogue_line(d, NS_S, &line, NULL));
    assert_string_equal(line, "PY"); /* bytes are never reordered: mixing them is the device's fault */
    assert_true(dialogue_line(d, NS_S, &line, NULL));
    assert_string_equal(line, "da3");
    assert_int_equal(dialogue_stale(d), 0);
}

static void stream_goes_on_while_asking(void **state)
{
    (void)state;
    const char *line;
    assert_true(link_write(far, "old sample\nold ", 15, NULL));
    will_say(1, "0\nnew sample\n");
    assert_true(dialogue_ask(d, "ERR?\n", REPLY_LINE, TIMEOUT, NULL));
    assert_false(dialogue_next_line(d, &line, NULL)); /* lines belong to the question now */
    assert_true(loop_wait(loop, dialogue_event(d), NS_S));
    assert_int_equal(dialogue_poll(d, &line, NULL, NULL), REPLY_READY);
    assert_string_equal(line, "0");
    assert_true(dialogue_next_line(d, &line, NULL));
    assert_string_equal(line, "new sample");
    assert_int_equal(dialogue_stale(d), 15);
}

static void stream_falls_silent(void **state)
{
    (void)state;
    const char *line;
    struct err e = ERR_INIT;
    assert_false(dialogue_line(d, TIMEOUT, &line, &e));
    assert_int_equal(e.code, ERR_SILENT);
    assert_true(link_write(far, "Pda", 3, NULL));
    assert_false(dialogue_line(d, TIMEOUT, &line, &e));
    assert_int_equal(e.code, ERR_FRAGMENT);
    assert_non_null(strstr(e.text, "stage: waited for a line, only `Pda` within 200 ms"));
    /* What has come of the line is not lost. */
    assert_true(link_write(far, "1\n", 2, NULL));
    assert_true(dialogue_line(d, TIMEOUT, &line, &e));
    assert_string_equal(line, "Pda1");
}

static void drain_until_quiet(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        will_say((1 + i) * 10 * NS_MS, "garbage\n");
    assert_true(dialogue_send(d, "Z\n", NULL));
    assert_true(dialogue_drain(d, 15 * NS_MS, NS_S));
    assert_int_equal(loop_now(loop), 65 * NS_MS);
    assert_int_equal(dialogue_stale(d), 5 * 8);
}

static void drain_of_a_device_that_never_stops(void **state)
{
    (void)state;
    struct say s = {.text = "x", .n = 1};
    timer_set(loop, &s.timer, 1, babble_on, &s);
    assert_false(dialogue_drain(d, 15 * NS_MS, 100 * NS_MS));
    assert_int_equal(loop_now(loop), 100 * NS_MS);
    timer_cancel(loop, &s.timer);
}

/* An event that stays set without news would keep virtual time from moving. */
static void noise_without_a_question_does_not_spin(void **state)
{
    (void)state;
    assert_true(link_write(far, "half a li", 9, NULL));
    assert_int_equal(dialogue_poll(d, NULL, NULL, NULL), REPLY_NONE);
    assert_false(loop_wait(loop, dialogue_event(d), NS_S));
    const char *line;
    assert_false(dialogue_next_line(d, &line, NULL));
    assert_false(loop_wait(loop, dialogue_event(d), 2 * NS_S));
}

/* The program was held up (stopped, starved): what the system received meanwhile counts. */
static void an_answer_that_lies_in_the_system_is_not_late(void **state)
{
    (void)state;
    int pair[2];
    struct err e = ERR_INIT;
    const char *reply;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    struct link *k = link_adopt(loop, pair[0], "piezo", &e);
    struct dialogue *own = dialogue_new(k);
    for (int round = 0; round < 2; round++) {
        assert_true(dialogue_ask(own, "POS?\n", REPLY_LINE, 0, &e)); /* late at once */
        if (round == 0)
            assert_int_equal(write(pair[1], "3=1\n", 4), 4);
        enum reply_state s = dialogue_poll(own, &reply, NULL, &e);
        assert_int_equal(s, round == 0 ? REPLY_READY : REPLY_FAILED);
        if (round == 0)
            assert_string_equal(reply, "3=1");
    }
    assert_int_equal(e.code, ERR_SILENT);
    assert_int_equal(write(pair[1], "line\n", 5), 5);
    assert_true(dialogue_line(own, 0, &reply, &e));
    assert_string_equal(reply, "line");
    dialogue_free(own);
    link_close(k);
    close(pair[1]);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(well_behaved_reply),
        TEST(reply_in_two_pieces),
        TEST(two_replies_in_one_chunk),
        TEST(second_reply_of_a_chunk_does_not_answer_the_next_question),
        TEST(silence),
        TEST(fragment),
        TEST(fragment_of_several_lines),
        TEST(reply_just_in_time_and_just_too_late),
        TEST(stale_late_reply),
        TEST(answer_to_an_earlier_question),
        TEST(damage_behind_a_question_without_answer_is_not_called_late),
        TEST(a_link_opened_anew_begins_with_nothing),
        TEST(rest_of_a_fragment_comes_late),
        TEST(answer_of_a_cancelled_question),
        TEST(xon_xoff_noise),
        TEST(cr_lf),
        TEST(nul_prefix),
        TEST(nul_inside_a_number),
        TEST(garbled_byte),
        TEST(empty_line_as_a_reply),
        TEST(gcs_reply_cut_at_every_byte),
        TEST(methodscript_reply_cut_at_every_byte),
        TEST(line_reply_cut_at_every_byte),
        TEST(line_without_an_end),
        TEST(longest_line_that_is_allowed),
        TEST(reply_without_an_end),
        TEST(overlong_line_in_a_stream),
        TEST(hang_up_while_waiting),
        TEST(answer_and_hang_up_at_once),
        TEST(stop_byte_while_a_question_is_outstanding),
        TEST(split_phase_deadline_wakes_the_waiter),
        TEST(stream_lines_interleaved_with_commands),
        TEST(stream_goes_on_while_asking),
        TEST(stream_falls_silent),
        TEST(drain_until_quiet),
        TEST(drain_of_a_device_that_never_stops),
        TEST(noise_without_a_question_does_not_spin),
        TEST(an_answer_that_lies_in_the_system_is_not_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
