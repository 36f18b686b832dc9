/* Where the user's state is kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/state_folder.h"

static void check(const char *state, const char *home, const char *wanted)
{
    struct buf b = {0};
    struct err e = ERR_INIT;
    if (state)
        setenv("XDG_STATE_HOME", state, 1);
    else
        unsetenv("XDG_STATE_HOME");
    if (home)
        setenv("HOME", home, 1);
    else
        unsetenv("HOME");
    assert_int_equal(state_folder(&b, "the queue", &e), wanted != NULL);
    if (wanted)
        assert_string_equal(b.p, wanted);
    else
        assert_string_equal(e.text, "neither XDG_STATE_HOME nor HOME says where to keep the queue");
    buf_free(&b);
}

static void the_environment_says_where(void **state)
{
    (void)state;
    check("/var/state", "/home/ada", "/var/state/seccm");
    check(NULL, "/home/ada", "/home/ada/.local/state/seccm");
    check("relative", "/home/ada", "/home/ada/.local/state/seccm"); /* the specification: to be ignored */
    check("", "", NULL);
    check(NULL, NULL, NULL);
}

static void folders_are_made_to_the_last(void **state)
{
    (void)state;
    char top[] = "/tmp/seccm-state-XXXXXX", path[64], file[80];
    struct stat st;
    struct err e = ERR_INIT;
    assert_non_null(mkdtemp(top));
    snprintf(path, sizeof path, "%s/a/b", top);
    for (int again = 0; again < 2; again++)
        assert_true(state_folder_make(path, &e));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    snprintf(file, sizeof file, "%s/file", path);
    fclose(fopen(file, "w"));
    snprintf(file, sizeof file, "%s/file/c", path);
    assert_false(state_folder_make(file, &e));
    assert_int_equal(e.code, ERR_IO);
    snprintf(file, sizeof file, "%s/file", path);
    unlink(file);
    rmdir(path);
    snprintf(path, sizeof path, "%s/a", top);
    rmdir(path);
    rmdir(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_says_where),
        cmocka_unit_test(folders_are_made_to_the_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
