/* Messages are single harmless lines on stderr, filtered by level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static FILE *caught;
static int real_stderr;

static int catch_stderr(void **state)
{
    (void)state;
    caught = tmpfile();
    real_stderr = dup(STDERR_FILENO);
    return caught && real_stderr >= 0 && dup2(fileno(caught), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int release_stderr(void **state)
{
    (void)state;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(caught);
    log_set_level(LOG_INFO);
    return 0;
}

/* What has been written so far. */
static const char *written(void)
{
    static char text[8192];
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    return text;
}

static void test_levels(void **state)
{
    (void)state;
    log_line(LOG_ERROR, "e%d", 1);
    log_line(LOG_WARNING, "w");
    log_line(LOG_INFO, "i");
    log_line(LOG_DEBUG, "d");
    log_set_level(LOG_ERROR);
    log_line(LOG_WARNING, "dropped");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "shown");
    assert_string_equal(written(), "seccm: error: e1\nseccm: warning: w\nseccm: i\nseccm: debug: shown\n");
}

static void test_control_bytes_do_no_harm(void **state)
{
    (void)state;
    log_line(LOG_INFO, "a\x1b[2Jb\nc\td\x7f");
    assert_string_equal(written(), "seccm: a?[2Jb?c d?\n");
}

static void test_long_line_is_cut(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    log_line(LOG_INFO, "%s", text);
    const char *line = written();
    assert_int_equal(strlen(line), 2047);
    assert_int_equal(line[2046], '\n');
    assert_int_equal(line[2045], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_levels, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(test_control_bytes_do_no_harm, catch_stderr, release_stderr),
        cmocka_unit_test_setup_teardown(test_long_line_is_cut, catch_stderr, release_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
