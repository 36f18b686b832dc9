/* Pseudo-terminals in real time: nothing here sleeps, the deadlines only end a test that would hang. */
#include "wire/link.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "wire/fault.h"

#define PATIENCE (20 * NS_S)

static struct loop *loop;
static struct link *master;
static struct link_spec spec;

static int setup(void **state)
{
    (void)state;
    loop = loop_new(LOOP_REAL, 1, NULL);
    spec = (struct link_spec){.kind = LINK_PTY};
    master = link_open_pty_master(loop, "piezo", spec.path, sizeof spec.path, NULL);
    return master ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    link_close(master);
    loop_free(loop);
    return 0;
}

/* Reads until n bytes are there. */
static void read_all(struct link *k, struct buf *out, size_t n)
{
    char bytes[5000];
    ns_t deadline = loop_now(loop) + PATIENCE;
    while (out->n < n) {
        size_t got = link_read(k, bytes, sizeof bytes, NULL);
        buf_add(out, bytes, got);
        if (!got)
            assert_true(loop_wait(loop, link_readable(k), deadline));
    }
    assert_int_equal(out->n, n);
}

static void assert_comes_through(struct link *from, struct link *to, const void *bytes, size_t n)
{
    struct buf b = {0};
    assert_true(link_write(from, bytes, n, NULL));
    read_all(to, &b, n);
    assert_memory_equal(b.p, bytes, n);
    buf_free(&b);
}

static void all_256_bytes_pass_both_ways(void **state)
{
    (void)state;
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    assert_non_null(k);
    assert_true(link_fd(k) >= 0);
    assert_comes_through(k, master, all, sizeof all);
    assert_comes_through(master, k, all, sizeof all);
    link_close(k);
}

static void more_than_the_system_takes_at_once(void **state)
{
    (void)state;
    static char bytes[300000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7 + i / 256);
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    assert_comes_through(k, master, bytes, sizeof bytes);
    assert_comes_through(master, k, bytes, sizeof bytes);
    link_close(k);
}

static void a_device_that_does_not_take_bytes_is_an_error(void **state)
{
    (void)state;
    static char bytes[65536];
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    int n = 0;
    while (n < 1000 && link_write(k, bytes, sizeof bytes, &e))
        n++;
    assert_in_range(n, 16, 20); /* 1 MiB and what the system holds */
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "piezo"));
    link_close(k);
}

/* A reader that is behind stops the writer instead of filling the memory. */
static void a_slow_reader_loses_nothing(void **state)
{
    (void)state;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    static char bytes[65536];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 13 + i / 256);
    size_t written = 0;
    /* The loop turns a few times after each write; nobody reads. */
    for (int i = 0; i < 200 && link_write(master, bytes, sizeof bytes, NULL); i++) {
        written += sizeof bytes;
        for (int j = 0; j < 100; j++)
            loop_wait(loop, &(struct event){true}, NS_NEVER);
    }
    assert_in_range(written, 2 << 20, 4 << 20); /* 1 MiB unread here, 1 MiB not taken there */
    struct buf b = {0};
    read_all(k, &b, written);
    for (size_t i = 0; i < written; i += sizeof bytes)
        assert_memory_equal(b.p + i, bytes, sizeof bytes);
    buf_free(&b);
    link_close(k);
}

static void a_second_opener_is_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    assert_null(link_open(loop, &spec, "other", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "in use"));
    assert_non_null(strstr(e.text, "other: pty:/dev/pts/"));
    assert_comes_through(k, master, "still mine", 10);
    link_close(k);
}

/* A guardian has a copy of the descriptor, and with it of the lock. */
static void opened_anew_while_another_process_has_a_copy(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    int copy = dup(link_fd(k));
    struct link *again = link_reopen(k, &e);
    if (!again)
        fail_msg("%s", e.text);
    assert_false(link_up(k, NULL));
    assert_comes_through(again, master, "question", 8);
    assert_comes_through(master, again, "answer", 6);
    link_close(k);
    assert_null(link_open(loop, &spec, "other", &e)); /* and is locked as before */
    assert_non_null(strstr(e.text, "in use"));
    close(copy);
    link_close(again);
}

static void the_master_outlives_its_clients(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct link *k = link_open(loop, &spec, "piezo", NULL);
        assert_non_null(k);
        assert_comes_through(k, master, "question", 8);
        assert_comes_through(master, k, "answer", 6);
        link_close(k);
        assert_false(loop_wait(loop, link_readable(master), loop_now(loop)));
        assert_true(link_up(master, NULL));
    }
}

static void what_was_said_to_somebody_before_is_not_heard(void **state)
{
    (void)state;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    assert_comes_through(k, master, "x", 1);
    assert_true(link_write(master, "late answer\n", 12, NULL));
    link_close(k);
    k = link_open(loop, &spec, "piezo", NULL);
    assert_comes_through(master, k, "fresh", 5);
    link_close(k);
}

static void no_exclusive_flag_outlives_the_program(void **state)
{
    (void)state;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    int exclusive = -1;
    assert_int_equal(ioctl(link_fd(k), TIOCGEXCL, &exclusive), 0);
    assert_int_equal(exclusive, 0);
    link_close(k);
}

static void hang_up_of_the_master(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    assert_true(link_write(master, "bye", 3, NULL));
    link_close(master);
    master = NULL;
    ns_t deadline = loop_now(loop) + PATIENCE;
    while (link_up(k, NULL)) {
        char bytes[8];
        assert_true(loop_wait(loop, link_readable(k), deadline));
        while (link_read(k, bytes, sizeof bytes, NULL))
            ;
    }
    assert_false(link_up(k, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_string_equal(e.text, "piezo: the far side hung up");
    assert_false(link_write(k, "x", 1, &e));
    /* The descriptor is no longer watched: waiting does not spin. */
    assert_false(link_readable(k)->set);
    link_close(k);
}

static void a_link_that_a_fault_took_down_is_no_longer_served(void **state)
{
    (void)state;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    link_fault(k, &(struct link_fault){.kind = LINK_FAULT_HANGUP, .at = loop_now(loop)});
    assert_true(loop_wait(loop, link_readable(k), loop_now(loop) + PATIENCE));
    assert_false(link_up(k, NULL));
    assert_true(link_write(master, "x", 1, NULL));
    for (int i = 0; i < 100; i++)
        loop_wait(loop, &(struct event){true}, NS_NEVER);
    assert_int_equal(link_read(k, &(char){0}, 1, NULL), 0);
    link_close(k);
}

static void writing_to_a_dead_master(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "piezo", NULL);
    link_close(master);
    master = NULL;
    assert_false(link_write(k, "x", 1, &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_true(link_readable(k)->set);
    link_close(k);
}

static void what_can_not_be_opened(void **state)
{
    (void)state;
    static const char *const paths[] = {"/dev/pts/no-such", "/dev/null", "/tmp"};
    for (int i = 0; i < 3; i++) {
        struct err e = ERR_INIT;
        struct link_spec s = {.kind = LINK_PTY};
        strcpy(s.path, paths[i]);
        assert_null(link_open(loop, &s, "piezo", &e));
        assert_int_equal(e.code, ERR_LINK);
        assert_non_null(strstr(e.text, paths[i]));
    }
}

/* What a program that is gone has written and nobody has read does not keep the next from being heard. */
static void adopted_with_a_full_buffer(void **state)
{
    (void)state;
    struct link_spec other = {.kind = LINK_PTY};
    struct link *unread = link_open_pty_master(loop, "deaf", other.path, sizeof other.path, NULL);
    int fd = open(other.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    char junk[4096];
    size_t stuck = 0;
    memset(junk, 'x', sizeof junk);
    for (ssize_t n; (n = write(fd, junk, sizeof junk)) > 0;)
        stuck += (size_t)n;
    assert_true(stuck > 0);
    struct link *k = link_adopt(loop, fd, "deaf", NULL);
    assert_non_null(k);
    assert_true(link_write(k, "\x18stop\n", 6, NULL));
    struct buf b = {0};
    ns_t deadline = loop_now(loop) + PATIENCE;
    while (!b.n || b.p[b.n - 1] != '\n') {
        size_t got = link_read(unread, junk, sizeof junk, NULL);
        buf_add(&b, junk, got);
        if (!got)
            assert_true(loop_wait(loop, link_readable(unread), deadline));
    }
    /* How much is thrown away is the kernel's to say: what it has handed to the reader's side stays there. */
    print_message("%zu of %zu bytes thrown away\n", stuck + 6 - b.n, stuck);
    assert_true(b.n <= stuck + 6);
    assert_memory_equal(b.p + b.n - 6, "\x18stop\n", 6);
    assert_true(link_up(k, NULL));
    buf_free(&b);
    link_close(k);
    link_close(unread);
}

static void adopted_and_what_is_no_descriptor(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_null(link_adopt(loop, -1, "nothing", &e));
    assert_int_equal(e.code, ERR_LINK);
    int fd = open(spec.path, O_RDWR | O_NOCTTY | O_CLOEXEC); /* blocking: made non-blocking */
    struct link *k = link_adopt(loop, fd, "piezo", &e);
    assert_non_null(k);
    assert_comes_through(k, master, "POS? 3\n", 7);
    assert_comes_through(master, k, "3=1\r\n", 5);
    link_close(k);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(adopted_with_a_full_buffer, setup, teardown),
        cmocka_unit_test_setup_teardown(adopted_and_what_is_no_descriptor, setup, teardown),
        TEST(all_256_bytes_pass_both_ways),
        TEST(more_than_the_system_takes_at_once),
        TEST(a_device_that_does_not_take_bytes_is_an_error),
        TEST(a_slow_reader_loses_nothing),
        TEST(a_second_opener_is_refused),
        TEST(opened_anew_while_another_process_has_a_copy),
        TEST(the_master_outlives_its_clients),
        TEST(what_was_said_to_somebody_before_is_not_heard),
        TEST(no_exclusive_flag_outlives_the_program),
        TEST(hang_up_of_the_master),
        TEST(a_link_that_a_fault_took_down_is_no_longer_served),
        TEST(writing_to_a_dead_master),
        TEST(what_can_not_be_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
