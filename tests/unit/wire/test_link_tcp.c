/* TCP links to a listener of the test's own on the loopback interface. */
#include "wire/link.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE (20 * NS_S)

static struct loop *loop;
static int listener;
static struct link_spec spec;

static int setup(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    loop = loop_new(LOOP_REAL, 1, NULL);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&a, n) != 0 || listen(listener, 0) != 0 ||
        getsockname(listener, (struct sockaddr *)&a, &n) != 0)
        return -1;
    spec = (struct link_spec){.kind = LINK_TCP, .path = "127.0.0.1", .port = ntohs(a.sin_port)};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close(listener);
    loop_free(loop);
    return 0;
}

static void question_and_answer(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "e727", &e);
    if (!k)
        fail_msg("%s", e.text);
    int peer = accept(listener, NULL, NULL), on = 0;
    socklen_t n = sizeof on;
    assert_int_equal(getsockopt(link_fd(k), IPPROTO_TCP, TCP_NODELAY, &on, &n), 0);
    assert_true(on);
    char text[16];
    assert_true(link_write(k, "POS?\n", 5, NULL));
    assert_int_equal(recv(peer, text, 5, MSG_WAITALL), 5);
    assert_memory_equal(text, "POS?\n", 5);
    assert_int_equal(send(peer, "1=2\n", 4, 0), 4);
    assert_true(loop_wait(loop, link_readable(k), loop_now(loop) + PATIENCE));
    assert_int_equal(link_read(k, text, sizeof text, NULL), 4);
    assert_memory_equal(text, "1=2\n", 4);
    close(peer);
    assert_true(loop_wait(loop, link_readable(k), loop_now(loop) + PATIENCE));
    assert_false(link_up(k, &e));
    assert_string_equal(e.text, "e727: the far side hung up");
    link_close(k);
}

/* A reset connection is an error of the link and no SIGPIPE. */
static void reset_by_the_far_side(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "e727", NULL);
    int peer = accept(listener, NULL, NULL);
    struct linger abort_it = {1, 0};
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &abort_it, sizeof abort_it);
    close(peer);
    for (int i = 0; i < 3; i++)
        if (!link_write(k, "POS?\n", 5, &e))
            break;
    assert_false(link_up(k, &e));
    assert_int_equal(e.code, ERR_LINK);
    link_close(k);
}

static void nobody_listens(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    close(listener);
    listener = -1;
    assert_null(link_open(loop, &spec, "e727", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "e727: tcp:127.0.0.1:"));
    assert_non_null(strstr(e.text, "refused"));
}

/* With a full queue of connections the listener's host answers nothing. In virtual time the deadline comes at
 * once. */
static void nobody_answers(void **state)
{
    (void)state;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    a.sin_port = htons((uint16_t)spec.port);
    int fill[4];
    for (int i = 0; i < 4; i++) {
        fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)!connect(fill[i], (struct sockaddr *)&a, sizeof a);
    }
    struct err e = ERR_INIT;
    struct loop *v = loop_new(LOOP_VIRTUAL, 0, NULL);
    assert_null(link_open(v, &spec, "e727", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_int_equal(loop_now(v), 3 * NS_S);
    assert_non_null(strstr(e.text, "timed out"));
    for (int i = 0; i < 4; i++)
        close(fill[i]);
    loop_free(v);
}

static int looked_up;

#define NAMED "e727.lab.example"

/* In place of the system's, which it asks: how often a name was looked up. There is one name that it knows
 * itself, as a bare machine knows none, not even its own. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    static int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    if (!real) {
        void *found = dlsym(RTLD_NEXT, "getaddrinfo");
        memcpy(&real, &found, sizeof real);
    }
    looked_up++;
    return real(node && !strcmp(node, NAMED) ? "127.0.0.1" : node, service, hints, out);
}

/* A controller that serves one connection at a time, and a guardian that has a copy of the descriptor: the
 * old connection has ended when the new one is made. */
static void opened_anew_while_another_process_has_a_copy(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char text[8];
    struct link *k = link_open(loop, &spec, "e727", NULL);
    int first = accept(listener, NULL, NULL), copy = dup(link_fd(k));
    struct link *again = link_reopen(k, &e);
    if (!again)
        fail_msg("%s", e.text);
    assert_false(link_up(k, NULL));
    assert_int_equal(poll(&(struct pollfd){.fd = first, .events = POLLIN}, 1, (int)(PATIENCE / NS_MS)), 1);
    assert_int_equal(recv(first, text, sizeof text, MSG_DONTWAIT), 0); /* it hung up */
    close(first);
    int second = accept(listener, NULL, NULL);
    assert_true(link_write(again, "POS?\n", 5, NULL));
    assert_int_equal(recv(second, text, 5, MSG_WAITALL), 5);
    assert_memory_equal(text, "POS?\n", 5);
    close(second);
    close(copy);
    link_close(k);
    link_close(again);
}

/* A name server that has gone the way of the controller would hold up everything. */
static void opened_anew_without_asking_for_the_name_again(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link_spec s = spec;
    strcpy(s.path, NAMED);
    looked_up = 0;
    struct link *k = link_open(loop, &s, "e727", &e);
    if (!k)
        fail_msg("%s", e.text);
    for (int i = 0; i < 3; i++) {
        int peer = accept(listener, NULL, NULL);
        struct link *again = link_reopen(k, &e);
        if (!again)
            fail_msg("%s", e.text);
        close(peer);
        link_close(k);
        k = again;
    }
    assert_int_equal(looked_up, 1);
    close(listener); /* and where it can not be had the address is still the same */
    listener = -1;
    struct err why = ERR_INIT;
    assert_null(link_reopen(k, &why));
    assert_non_null(strstr(why.text, "e727: tcp:" NAMED ":"));
    assert_non_null(strstr(why.text, "refused"));
    assert_int_equal(looked_up, 1);
    link_close(k);
}

static void no_such_host(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link_spec s = {.kind = LINK_TCP, .path = "::zz", .port = 1};
    assert_null(link_open(loop, &s, "e727", &e));
    assert_int_equal(e.code, ERR_LINK);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(question_and_answer),
        TEST(reset_by_the_far_side),
        TEST(nobody_listens),
        TEST(nobody_answers),
        TEST(no_such_host),
        TEST(opened_anew_while_another_process_has_a_copy),
        TEST(opened_anew_without_asking_for_the_name_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
