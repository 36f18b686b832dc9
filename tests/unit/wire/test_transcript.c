/* Transcripts: what is written reads back, byte for byte, and malformed lines are refused. */
#include "wire/transcript.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "wire/link.h"

static char folder[] = "/tmp/seccm-transcript-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/t.txt", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static int remove_file(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static struct buf file_text(void)
{
    struct buf b = {0};
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    for (int c; (c = fgetc(f)) != EOF;)
        buf_char(&b, (char)c);
    fclose(f);
    return b;
}

static void a_line_looks_as_documented(void **state)
{
    (void)state;
    struct transcript *t = transcript_create(path, NULL);
    transcript_add(t, 12 * NS_S + 3456789, "stage", '>', "POS? 3\n", 7);
    transcript_add(t, 13 * NS_S, "a b", '<', "\t\\\r\x18\xb1 ", 6);
    assert_true(transcript_close(t, NULL));
    struct buf b = file_text();
    const char *body = strchr(b.p, '\n') + 1;
    assert_int_equal(b.p[0], '#');
    assert_string_equal(body,
                        "12.003456789 stage > POS? 3\\n\n13.000000000 a_b < \\t\\\\\\r\\x18\\xb1\\x20\n");
    buf_free(&b);
}

static void every_byte_reads_back(void **state)
{
    (void)state;
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    struct transcript *t = transcript_create(path, NULL);
    transcript_add(t, 999999999 * NS_S + 1, "x", '<', all, sizeof all);
    assert_true(transcript_close(t, NULL));
    struct buf b = file_text();
    char *line = strchr(b.p, '\n') + 1;
    line[strlen(line) - 1] = 0;
    struct transcript_line l;
    bool skip = true;
    assert_true(transcript_parse(line, &l, &skip, NULL));
    assert_false(skip);
    assert_int_equal(l.at, 999999999 * NS_S + 1);
    assert_int_equal(l.direction, '<');
    assert_string_equal(l.device, "x");
    assert_int_equal(l.bytes.n, sizeof all);
    assert_memory_equal(l.bytes.p, all, sizeof all);
    buf_free(&l.bytes);
    buf_free(&b);
}

static void hand_written_lines_are_read(void **state)
{
    (void)state;
    struct transcript_line l;
    bool skip;
    assert_true(transcript_parse("0.5 cell > e\\x0A", &l, &skip, NULL));
    assert_int_equal(l.at, NS_S / 2);
    assert_string_equal(l.bytes.p, "e\n");
    buf_free(&l.bytes);
    assert_true(transcript_parse("7 cell < a b ", &l, &skip, NULL));
    assert_int_equal(l.at, 7 * NS_S);
    assert_string_equal(l.bytes.p, "a b ");
    buf_free(&l.bytes);
}

static void comments_and_empty_lines_are_skipped(void **state)
{
    (void)state;
    static const char *const lines[] = {"", "   ", "# 1.0 stage > x", "\r"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct transcript_line l;
        bool skip = false;
        assert_true(transcript_parse(lines[i], &l, &skip, NULL));
        assert_true(skip);
    }
}

static void malformed_lines_are_refused(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "x stage > a",       "1. stage > a",   "1.0stage > a", "1.0000000001 s > a", "-1 stage > a",
        "1.0 stage",         "1.0 stage = a",  "1.0 stage >a", "1.0 stage > \\q",    "1.0 stage > \\x1",
        "1.0 stage > \\xg0", "1.0 stage > \\", "1.0  > a",     "9999999999 s > a",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct transcript_line l;
        bool skip = true;
        struct err e = ERR_INIT;
        if (transcript_parse(lines[i], &l, &skip, &e))
            fail_msg("accepted `%s`", lines[i]);
        assert_int_equal(e.code, ERR_INPUT);
    }
}

static void an_existing_file_is_not_overwritten(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct transcript *t = transcript_create(path, NULL);
    assert_true(transcript_close(t, NULL));
    assert_null(transcript_create(path, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, path));
}

static void a_full_disk_is_reported_at_the_end(void **state)
{
    (void)state;
    char byte[4000] = {0};
    int fd = open("/dev/null", O_RDONLY); /* tells which descriptor comes next */
    assert_true(fd >= 0);
    close(fd);
    struct transcript *t = transcript_create(path, NULL);
    assert_non_null(t);
    int full = open("/dev/full", O_WRONLY);
    assert_true(full >= 0);
    assert_int_equal(dup2(full, fd), fd); /* the disk runs full behind the transcript's back */
    close(full);
    for (int i = 0; i < 100; i++)
        transcript_add(t, i * NS_S, "x", '<', byte, sizeof byte);
    struct err e = ERR_INIT;
    assert_false(transcript_close(t, &e));
    assert_int_equal(e.code, ERR_IO);
}

/* All that goes over a link is recorded, with the times at which it was sent and seen. */
static void a_link_records_both_directions(void **state)
{
    (void)state;
    struct loop *l = loop_new(LOOP_VIRTUAL, 0, NULL);
    struct link *host, *far;
    link_memory_pair(l, 10000, "stage", &host, &far);
    struct transcript *t = transcript_create(path, NULL);
    link_record(host, t);
    assert_true(link_write(host, "A\n", 2, NULL));
    loop_sleep_until(l, NS_S);
    assert_true(link_write(far, "b\n", 2, NULL));
    loop_sleep_until(l, 2 * NS_S);
    link_record(host, NULL);
    assert_true(link_write(host, "C\n", 2, NULL));
    link_close(host);
    link_close(far);
    assert_true(transcript_close(t, NULL));
    struct buf b = file_text();
    assert_string_equal(strchr(b.p, '\n') + 1, "0.000000000 stage > A\\n\n1.002000000 stage < b\\n\n");
    buf_free(&b);
    loop_free(l);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, remove_file)
    const struct CMUnitTest tests[] = {
        TEST(a_line_looks_as_documented),         TEST(every_byte_reads_back),
        TEST(hand_written_lines_are_read),        TEST(comments_and_empty_lines_are_skipped),
        TEST(malformed_lines_are_refused),        TEST(an_existing_file_is_not_overwritten),
        TEST(a_full_disk_is_reported_at_the_end), TEST(a_link_records_both_directions),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
