/* What is told of a table (points, levels) that is not on disk what it was. */
#include "cli/changes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64], role[] = "points", program[] = "seccm " SECCM_VERSION;

/* The differences between the stored bytes and those on disk; the caller frees. */
static struct changes differences(const char *was, const char *now)
{
    struct stored_file file = {.role = role, .path = path};
    struct stored s = {.file = &file, .n_files = 1, .program = program};
    struct changes found;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(now, f) < 0, 0);
    assert_int_equal(fclose(f), 0);
    buf_str(&file.bytes, was);
    changes_find(&s, &found);
    source_free(file.now);
    buf_free(&file.bytes);
    return found;
}

static void told(const char *was, const char *now, const char *wanted)
{
    struct changes c = differences(was, now);
    char text[200];
    snprintf(text, sizeof text, "%s:%s", path, wanted);
    assert_int_equal(c.n, 1);
    assert_int_equal(c.held, 1);
    assert_string_equal(c.list[0].text, text);
    changes_free(&c);
}

static void nothing_told(const char *was, const char *now)
{
    struct changes c = differences(was, now);
    if (c.n)
        fail_msg("told: %s", c.list[0].text);
    changes_free(&c);
}

static void the_first_line_that_differs_is_shown(void **state)
{
    (void)state;
    told("x,y\n1,2\n3,4\n", "x,y\n1,2\n3,5\n", "3: 3,4 -> 3,5");
    told("x,y\n1,2\n", "x,y\n1,2\n3,4\n", "3:  -> 3,4");
    told("x,y\n1,2\n3,4", "x,y\n1,2", "3: 3,4 -> ");
    told("x,y\n\n1,2\n", "x,y\n1,2\n", "2:  -> 1,2");
}

/* Behind an editor of another system. */
static void ends_of_lines_say_nothing(void **state)
{
    (void)state;
    told("x,y\n1,2\n3,4\n", "x,y\r\n1,2\r\n3,5\r\n", "3: 3,4 -> 3,5");
    told("x,y\r\n1,2\r\n3,4\r\n", "x,y\n1,9\n3,4\n", "2: 1,2 -> 1,9");
    nothing_told("x,y\n1,2\n", "x,y\r\n1,2\r\n");
    nothing_told("x,y\n1,2\n", "x,y\n1,2");
    nothing_told("x,y\n1,2", "x,y\n1,2\n\n");
    nothing_told("x,y\n1,2\n", "x,y\n1,2\n");
}

static int set_up(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/seccm-changes-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int tear_down(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_line_that_differs_is_shown),
        cmocka_unit_test(ends_of_lines_say_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
