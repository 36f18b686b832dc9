/* The replay of a transcript: right answers at the recorded times, and differences named with their line. */
#include "wire/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/dialogue.h"
#include "wire/transcript.h"

static char path[] = "/tmp/seccm-replay-XXXXXX";
static struct loop *loop;

static const char night[] = "# recorded\n"                   /* 1 */
                            "10.000 stage > *IDN?\\n\n"      /* 2 */
                            "10.001 cell > t\\n\n"           /* 3 */
                            "10.005 stage < Physik Instru\n" /* 4 */
                            "10.007 stage < mente\\n\n"      /* 5 */
                            "10.020 stage > MOV 3 10\\n\n"   /* 6 */
                            "10.021 stage > POS? 3\\n\n"     /* 7 */
                            "10.031 stage < 3=1.0\\n\n"      /* 8 */
                            "20.000 stage > \\x18\n";        /* 9 */

static int setup(void **state)
{
    (void)state;
    strcpy(strrchr(path, '-'), "-XXXXXX");
    int fd = mkstemp(path);
    if (fd < 0)
        return -1;
    close(fd);
    loop = loop_new(LOOP_VIRTUAL, 0, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    loop_free(loop);
    return 0;
}

static void put_file(const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
}

static struct link *open_replay(const char *device, struct err *e)
{
    struct link_spec s = {.kind = LINK_REPLAY};
    snprintf(s.path, sizeof s.path, "%s", path);
    return link_open(loop, &s, device, e);
}

static void the_recorded_conversation_is_played(void **state)
{
    (void)state;
    put_file(night);
    struct link *k = open_replay("stage", NULL);
    struct dialogue *d = dialogue_new(k);
    const char *reply;
    assert_true(dialogue_query(d, "*IDN?\n", REPLY_LINE, NS_S, &reply, NULL));
    assert_string_equal(reply, "Physik Instrumente");
    assert_int_equal(loop_now(loop), 7 * NS_MS);
    loop_sleep_until(loop, NS_S);
    /* The cuts between writes do not matter, only the bytes. */
    assert_true(dialogue_send(d, "MOV 3 10\nPO", NULL));
    loop_sleep_until(loop, 2 * NS_S);
    assert_true(dialogue_query(d, "S? 3\n", REPLY_LINE, NS_S, &reply, NULL));
    assert_string_equal(reply, "3=1.0");
    assert_int_equal(loop_now(loop), 2 * NS_S + 10 * NS_MS);
    assert_true(dialogue_send(d, "\x18", NULL));
    assert_true(link_up(k, NULL));
    dialogue_free(d);
    link_close(k);
}

static void a_difference_is_named_with_its_line(void **state)
{
    (void)state;
    put_file(night);
    struct link *k = open_replay("stage", NULL);
    struct err e = ERR_INIT, up = ERR_INIT;
    assert_true(link_write(k, "*IDN?\nMOV 3 ", 12, NULL));
    assert_false(link_write(k, "11\n", 3, &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_false(link_up(k, &up));
    assert_string_equal(up.text, e.text);
    char wanted[200];
    snprintf(wanted, sizeof wanted, "stage: %s:6: the transcript has `10\\n` sent, the program sent `11\\n`",
             path);
    assert_string_equal(e.text, wanted);
    assert_true(link_readable(k)->set);
    assert_false(link_write(k, "10\n", 3, &e)); /* down is down */
    link_close(k);
}

static void more_than_was_recorded_is_a_difference(void **state)
{
    (void)state;
    put_file(night);
    struct link *k = open_replay("cell", NULL);
    struct err e = ERR_INIT;
    assert_true(link_write(k, "t\n", 2, NULL));
    assert_false(link_write(k, "e\n", 2, &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_non_null(
        strstr(e.text, ":3: the transcript has nothing sent behind this line, the program sent `e\\n`"));
    link_close(k);
}

static void a_device_that_speaks_first(void **state)
{
    (void)state;
    put_file("5.0 board < hello\\n\n5.5 board < ready\\n\n6.0 board > x\n");
    struct link *k = open_replay("board", NULL);
    struct dialogue *d = dialogue_new(k);
    const char *line;
    assert_true(dialogue_line(d, NS_S, &line, NULL));
    assert_string_equal(line, "hello");
    assert_true(dialogue_line(d, NS_S, &line, NULL));
    assert_string_equal(line, "ready");
    assert_int_equal(loop_now(loop), NS_S / 2);
    dialogue_free(d);
    link_close(k);
}

static void a_host_that_is_faster_than_recorded_keeps_the_order(void **state)
{
    (void)state;
    put_file("1.0 s > a\n1.5 s < A\n2.0 s > b\n2.1 s < B\n");
    struct link *k = open_replay("s", NULL);
    char text[8];
    ns_t at;
    assert_true(link_write(k, "ab", 2, NULL));
    loop_sleep_until(loop, NS_S);
    assert_int_equal(link_read(k, text, 8, &at), 1);
    assert_int_equal(text[0], 'A');
    assert_int_equal(at, NS_S / 2);
    assert_int_equal(link_read(k, text, 8, &at), 1);
    assert_int_equal(text[0], 'B');
    assert_int_equal(at, NS_S / 2);
    link_close(k);
}

static void unusable_files_are_input_errors(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    put_file(night);
    assert_null(open_replay("sensor", &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "`sensor`"));
    put_file("1.0 s > a\nrubbish\n");
    assert_null(open_replay("s", &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, "line 2"));
    unlink(path);
    assert_null(open_replay("s", &e));
    assert_int_equal(e.code, ERR_INPUT);
    assert_non_null(strstr(e.text, path));
}

static void answer_twice(void *ctx)
{
    struct link *far = ctx;
    char text[64];
    while (link_read(far, text, sizeof text, NULL))
        ;
    assert_true(link_write(far, "1=5 \n", 5, NULL));
    assert_true(link_write(far, "2=6\n", 4, NULL));
}

/* One conversation, whoever plays the device: gives the replies with their times. */
static void converse(struct link *k, struct buf *out)
{
    struct dialogue *d = dialogue_new(k);
    for (int i = 0; i < 5; i++) {
        char question[24];
        const char *reply;
        snprintf(question, sizeof question, "POS? %d\n", i);
        assert_true(dialogue_query(d, question, REPLY_GCS, NS_S, &reply, NULL));
        buf_printf(out, "%lld %s\n", (long long)loop_now(loop), reply);
        loop_sleep_until(loop, loop_now(loop) + 3 * NS_MS);
    }
    dialogue_free(d);
}

static void a_recording_replays_itself(void **state)
{
    (void)state;
    struct link *host, *far;
    struct buf first = {0}, second = {0};
    unlink(path);
    struct transcript *t = transcript_create(path, NULL);
    link_memory_pair(loop, 115200, "piezo x", &host, &far);
    link_on_readable(far, answer_twice, far);
    link_record(host, t);
    converse(host, &first);
    link_close(host);
    link_close(far);
    assert_true(transcript_close(t, NULL));
    loop_free(loop);
    loop = loop_new(LOOP_VIRTUAL, 0, NULL);
    struct link *k = open_replay("piezo x", NULL);
    assert_non_null(k);
    converse(k, &second);
    link_close(k);
    assert_string_equal(second.p, first.p);
    buf_free(&first);
    buf_free(&second);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_recorded_conversation_is_played),
        TEST(a_difference_is_named_with_its_line),
        TEST(more_than_was_recorded_is_a_difference),
        TEST(a_device_that_speaks_first),
        TEST(a_host_that_is_faster_than_recorded_keeps_the_order),
        TEST(unusable_files_are_input_errors),
        TEST(a_recording_replays_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
