/* Who holds a file is found without touching it. */
#include "base/holder.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char path[64];

static int make_file(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/seccm-holder-XXXXXX");
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int drop_file(void **state)
{
    (void)state;
    return unlink(path);
}

static struct stat of_file(void)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st;
}

static void nobody_holds_it(void **state)
{
    (void)state;
    char text[80];
    struct stat st = of_file();
    assert_int_equal(holder_of(&st), 0);
    assert_string_equal(holder_text(&st, text, sizeof text), "another program");
}

static void another_process_is_named_while_it_holds_it(void **state)
{
    (void)state;
    int ready[2];
    char c, text[200], wanted[40];
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_RDWR);
        if (flock(fd, LOCK_EX) == 0 && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &c, 1), 1);
    struct stat st = of_file(), other = st;
    assert_int_equal(holder_of(&st), pid);
    snprintf(wanted, sizeof wanted, "process %d (", (int)pid);
    assert_int_equal(strncmp(holder_text(&st, text, sizeof text), wanted, strlen(wanted)), 0);
    assert_non_null(strstr(text, "test_holder"));
    other.st_ino++;
    assert_int_equal(holder_of(&other), 0);
    /* A terminal of the same number on another file system is something else. */
    other = st;
    other.st_mode = S_IFCHR | 0600;
    other.st_dev++;
    assert_int_equal(holder_of(&other), 0);
    /* Nor is a file of the same number, with a disk or without one (two tmpfs). */
    other.st_mode = st.st_mode;
    assert_int_equal(holder_of(&other), 0);
    other.st_dev = makedev(0, 4093);
    assert_int_equal(holder_of(&other), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(holder_of(&st), 0);
    close(ready[0]);
    close(ready[1]);
}

static void text_is_cut_to_what_fits(void **state)
{
    (void)state;
    int fd = open(path, O_RDWR);
    char text[12];
    assert_int_equal(flock(fd, LOCK_EX), 0);
    struct stat st = of_file();
    assert_int_equal(holder_of(&st), getpid());
    assert_int_equal(strlen(holder_text(&st, text, sizeof text)), 11);
    close(fd);
}

#define T(test) cmocka_unit_test_setup_teardown(test, make_file, drop_file)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nobody_holds_it),
        T(another_process_is_named_while_it_holds_it),
        T(text_is_cut_to_what_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
