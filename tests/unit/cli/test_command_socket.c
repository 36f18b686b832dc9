/* The local socket: both ends in one process, in folders of the test's own; and what happens without a run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "cli/command_socket.h"

struct place {
    char folder[64], runtime[80], file[80];
    struct loop *loop;
    struct wishes *wishes;
};

static void open_place(struct place *p)
{
    struct err e = ERR_INIT;
    snprintf(p->folder, sizeof p->folder, "/tmp/seccm-socket-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    snprintf(p->runtime, sizeof p->runtime, "%s/run", p->folder);
    snprintf(p->file, sizeof p->file, "%s/a.seccm", p->folder);
    assert_int_equal(mkdir(p->runtime, 0755), 0);
    fclose(fopen(p->file, "w"));
    setenv("XDG_RUNTIME_DIR", p->runtime, 1);
    p->loop = loop_new(LOOP_VIRTUAL, 1, &e);
    p->wishes = wishes_new(p->loop, NULL);
}

static void close_place(struct place *p)
{
    struct buf command = {0};
    loop_free(p->loop);
    wishes_free(p->wishes);
    buf_printf(&command, "rm -r %s", p->folder);
    assert_int_equal(system(command.p), 0);
    buf_free(&command);
}

static void asks_and_answers(void **state)
{
    (void)state;
    struct place p;
    struct err e = ERR_INIT;
    char text[200];
    bool taken;
    open_place(&p);
    struct command_socket *s = command_socket_start("2026-01-01-abc", p.file, p.wishes, &e);
    assert_non_null(s);
    wishes_site(p.wishes, 4);
    assert_true(command_socket_ask("2026-01-01-abc", p.file, "pause", &taken, text, sizeof text, &e));
    assert_true(taken);
    assert_string_equal(text, "the run pauses after site 4");
    assert_true(wishes_wants_pause(p.wishes));
    assert_string_equal(wishes_from(p.wishes), "from the command line");
    assert_true(command_socket_ask("2026-01-01-abc", p.file, "skip 3", &taken, text, sizeof text, &e));
    assert_false(taken);
    static const char *const no_site[] = {"skip 0", "skip -7", "skip 4294967300", "skip 4x", "skip "};
    for (size_t k = 0; k < sizeof no_site / sizeof no_site[0]; k++) {
        assert_true(command_socket_ask("2026-01-01-abc", p.file, no_site[k], &taken, text, sizeof text, &e));
        assert_false(taken);
        assert_non_null(strstr(text, "not the number of a site"));
        assert_false(wishes_wants_skip(p.wishes, 4));
    }
    assert_true(command_socket_ask("2026-01-01-abc", p.file, "skip", &taken, text, sizeof text, &e));
    assert_true(taken && wishes_wants_skip(p.wishes, 4));
    assert_true(command_socket_ask("2026-01-01-abc", p.file, "dance", &taken, text, sizeof text, &e));
    assert_false(taken);
    assert_string_equal(text, "this run does not know that command");
    /* another run, another file */
    assert_false(command_socket_ask("2026-01-01-xyz", p.file, "stop", &taken, text, sizeof text, &e));
    assert_false(wishes_wants_stop(p.wishes));
    command_socket_stop(s);
    assert_false(command_socket_ask("2026-01-01-abc", p.file, "stop", &taken, text, sizeof text, &e));
    assert_int_equal(e.code, ERR_INPUT);
    close_place(&p);
}

/* Connects as a peer that does not keep to the rules. */
static int peer_of(const struct place *p)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct stat st;
    assert_int_equal(stat(p->file, &st), 0);
    snprintf(at.sun_path, sizeof at.sun_path, "%s/seccm/run-%llx-%llx.sock", p->runtime,
             (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void bad_peers_are_dropped(void **state)
{
    (void)state;
    struct place p;
    struct err e = ERR_INIT;
    char text[200], flood[5000];
    bool taken;
    open_place(&p);
    struct command_socket *s = command_socket_start("", p.file, p.wishes, &e);
    assert_non_null(s);
    int fd = peer_of(&p); /* says nothing and goes */
    close(fd);
    fd = peer_of(&p); /* says too much */
    memset(flood, 'x', sizeof flood);
    send(fd, flood, sizeof flood, MSG_NOSIGNAL);
    while (read(fd, text, sizeof text) > 0)
        ;
    close(fd);
    fd = peer_of(&p); /* half a line */
    send(fd, "sto", 3, MSG_NOSIGNAL);
    close(fd);
    assert_true(command_socket_ask("", p.file, "pause", &taken, text, sizeof text, &e));
    assert_true(taken);
    assert_false(wishes_wants_stop(p.wishes));
    command_socket_stop(s);
    close_place(&p);
}

static void the_folder_is_private(void **state)
{
    (void)state;
    struct place p;
    struct err e = ERR_INIT;
    struct stat st;
    char where[120], text[200];
    bool taken;
    open_place(&p);
    snprintf(where, sizeof where, "%s/seccm", p.runtime);
    struct command_socket *s = command_socket_start("run", p.file, p.wishes, &e);
    assert_int_equal(stat(where, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    /* open to others: not trusted, neither by the one who asks ... */
    assert_int_equal(chmod(where, 0777), 0);
    assert_false(command_socket_ask("run", p.file, "stop", &taken, text, sizeof text, &e));
    assert_false(wishes_wants_stop(p.wishes));
    assert_int_equal(chmod(where, 0700), 0);
    command_socket_stop(s);
    /* ... nor if somebody else's folder stands in its place by a link: then it goes to /tmp */
    assert_int_equal(rmdir(where), 0);
    assert_int_equal(symlink(p.folder, where), 0);
    s = command_socket_start("run", p.file, p.wishes, &e);
    assert_non_null(s);
    assert_true(command_socket_ask("run", p.file, "pause", &taken, text, sizeof text, &e));
    command_socket_stop(s);
    close_place(&p);
}

static void a_socket_left_behind_is_taken_over(void **state)
{
    (void)state;
    struct place p;
    struct err e = ERR_INIT;
    char text[200];
    bool taken;
    open_place(&p);
    struct command_socket *s = command_socket_start("run", p.file, p.wishes, &e);
    struct buf copy = {0};
    struct stat st;
    assert_int_equal(stat(p.file, &st), 0);
    buf_printf(&copy, "%s/seccm/run-%llx-%llx.sock", p.runtime, (unsigned long long)st.st_dev,
               (unsigned long long)st.st_ino);
    command_socket_stop(s);
    /* what a run that was killed leaves */
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", copy.p);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    close(fd);
    assert_false(command_socket_ask("run", p.file, "pause", &taken, text, sizeof text, &e));
    s = command_socket_start("run", p.file, p.wishes, &e);
    assert_non_null(s);
    assert_true(command_socket_ask("run", p.file, "pause", &taken, text, sizeof text, &e));
    command_socket_stop(s);
    buf_free(&copy);
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_and_answers),
        cmocka_unit_test(bad_peers_are_dropped),
        cmocka_unit_test(the_folder_is_private),
        cmocka_unit_test(a_socket_left_behind_is_taken_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
