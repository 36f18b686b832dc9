/* Serial ports. On their own these tests show what is refused; with tests/interpose/pty_as_serial.c preloaded
 * and SECCM_TEST_INTERPOSED set (see tests/wire/serial-interposer.sh) a pty stands in for a port. */
#include "wire/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE (20 * NS_S)

static struct loop *loop;
static struct link *master;
static struct link_spec spec;

static int setup(void **state)
{
    (void)state;
    loop = loop_new(LOOP_REAL, 1, NULL);
    spec = (struct link_spec){.kind = LINK_SERIAL, .baud = 57600};
    master = link_open_pty_master(loop, "cell", spec.path, sizeof spec.path, NULL);
    return master ? setenv("SECCM_PTY_AS_SERIAL", spec.path, 1) : -1;
}

static int teardown(void **state)
{
    (void)state;
    link_close(master);
    loop_free(loop);
    return 0;
}

static void a_pty_is_no_serial_port(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    assert_null(link_open(loop, &spec, "cell", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "cell: serial:/dev/pts/"));
    assert_non_null(strstr(e.text, "no serial port of this name"));
}

static void a_port_that_does_not_exist(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link_spec s = {.kind = LINK_SERIAL, .path = "/dev/ttyNONE7"};
    assert_null(link_open(loop, &s, "cell", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "/dev/ttyNONE7"));
}

static struct link *open_port(void)
{
    struct err e = ERR_INIT;
    struct link *k = link_open(loop, &spec, "cell", &e);
    if (!k)
        fail_msg("%s", e.text);
    return k;
}

static void assert_comes_through(struct link *from, struct link *to, const void *bytes, size_t n)
{
    char got[512];
    size_t sum = 0;
    assert_true(link_write(from, bytes, n, NULL));
    while (sum < n) {
        if (!link_readable(to)->set)
            assert_true(loop_wait(loop, link_readable(to), loop_now(loop) + PATIENCE));
        sum += link_read(to, got + sum, sizeof got - sum, NULL);
    }
    assert_memory_equal(got, bytes, n);
}

static void all_256_bytes_pass_both_ways(void **state)
{
    (void)state;
    unsigned char all[256];
    for (int i = 0; i < 256; i++)
        all[i] = (unsigned char)i;
    struct link *k = open_port();
    assert_comes_through(k, master, all, sizeof all);
    assert_comes_through(master, k, all, sizeof all);
    link_close(k);
}

static void the_line_is_set_as_asked(void **state)
{
    (void)state;
    struct termios t;
    struct link *k = open_port();
    int exclusive = 0;
    assert_int_equal(tcgetattr(link_fd(k), &t), 0);
    assert_int_equal(cfgetospeed(&t), B57600);
    assert_int_equal(t.c_cflag & (CSIZE | PARENB | CSTOPB | CRTSCTS | HUPCL), CS8);
    assert_int_equal(t.c_iflag & (IXON | IXOFF | ICRNL | INLCR | IGNCR | ISTRIP | PARMRK | IGNPAR), 0);
    assert_int_equal(t.c_lflag & (ICANON | ECHO | ISIG), 0);
    assert_int_equal(t.c_oflag & OPOST, 0);
    assert_int_equal(ioctl(link_fd(k), TIOCGEXCL, &exclusive), 0);
    assert_true(exclusive);
    link_close(k);
    spec.baud = 0;
    spec.flow = FLOW_XONXOFF;
    k = open_port();
    assert_int_equal(tcgetattr(link_fd(k), &t), 0);
    assert_int_equal(cfgetospeed(&t), B115200);
    assert_true(t.c_iflag & IXON);
    link_close(k);
}

static void a_port_in_use_is_refused_and_left_alone(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct termios t;
    struct link *k = open_port();
    struct link_spec other = spec;
    other.baud = 9600;
    assert_null(link_open(loop, &other, "other", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "in use"));
    assert_int_equal(tcgetattr(link_fd(k), &t), 0);
    assert_int_equal(cfgetospeed(&t), B57600);
    assert_comes_through(k, master, "mine", 4);
    link_close(k);
    k = open_port();
    assert_comes_through(k, master, "again", 5);
    link_close(k);
}

static void unplugged(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct link *k = open_port();
    link_close(master);
    master = NULL;
    assert_true(loop_wait(loop, link_readable(k), loop_now(loop) + PATIENCE));
    assert_false(link_up(k, &e));
    assert_int_equal(e.code, ERR_LINK);
    link_close(k);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest alone[] = {
        TEST(a_pty_is_no_serial_port),
        TEST(a_port_that_does_not_exist),
    };
    const struct CMUnitTest interposed[] = {
        TEST(all_256_bytes_pass_both_ways),
        TEST(the_line_is_set_as_asked),
        TEST(a_port_in_use_is_refused_and_left_alone),
        TEST(unplugged),
        TEST(a_port_that_does_not_exist),
    };
    if (getenv("SECCM_TEST_INTERPOSED"))
        return cmocka_run_group_tests(interposed, NULL, NULL);
    return cmocka_run_group_tests(alone, NULL, NULL);
}
