/* Serial ports. On their own these tests show what is refused; with tests/interpose/pty_as_serial.c preloaded
 * and SECCM_TEST_INTERPOSED set (see tests/wire/serial-interposer.sh) a pty stands in for a port. */
#include "wire/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* ---- names and USB devices ---- */

static struct link *second; /* master of another pty */
static struct link_spec other;

/* Which ports there are; `%1` and `%2` stand for the names of the two ptys. */
static void there_are(const char *ports)
{
    char text[600] = "";
    for (const char *p = ports; *p; p++) {
        size_t n = strlen(text);
        const char *name = *p == '%' ? (*++p == '1' ? spec.path : other.path) : NULL;
        snprintf(text + n, sizeof text - n, name ? "%s" : "%.1s", name ? name : p);
    }
    assert_int_equal(setenv("SECCM_PTY_AS_SERIAL", text, 1), 0);
}

static int setup_two(void **state)
{
    other = (struct link_spec){.kind = LINK_SERIAL};
    if (setup(state))
        return -1;
    second = link_open_pty_master(loop, "cell", other.path, sizeof other.path, NULL);
    return second ? 0 : -1;
}

static int teardown_two(void **state)
{
    link_close(second);
    return teardown(state);
}

/* A serial link of a device that is unplugged now. */
static struct link *unplugged_link(const char *ports)
{
    there_are(ports);
    struct link *k = open_port();
    link_close(master);
    master = NULL;
    assert_true(loop_wait(loop, link_readable(k), loop_now(loop) + PATIENCE));
    assert_false(link_up(k, NULL));
    return k;
}

static void assert_reopens_on_second(struct link *k)
{
    struct err e = ERR_INIT;
    struct link *again = link_reopen(k, &e);
    if (!again)
        fail_msg("%s", e.text);
    link_close(k);
    assert_true(link_up(again, NULL));
    assert_string_equal(link_device(again), "cell");
    assert_comes_through(again, second, "there", 5);
    assert_comes_through(second, again, "and back", 8);
    link_close(again);
}

static void assert_does_not_reopen(struct link *k, const char *part)
{
    struct err e = ERR_INIT;
    assert_null(link_reopen(k, &e));
    assert_int_equal(e.code, ERR_LINK);
    if (!strstr(e.text, part))
        fail_msg("`%s` does not say `%s`", e.text, part);
}

static void a_name_that_leads_to_a_port(void **state)
{
    (void)state;
    struct link_spec s = {.kind = LINK_SERIAL, .path = "/tmp/seccm-test-by-id-XXXXXX"};
    struct err e = ERR_INIT;
    int fd = mkstemp(s.path); /* a name that nobody has */
    assert_true(fd >= 0);
    close(fd);
    unlink(s.path);
    assert_int_equal(symlink(spec.path, s.path), 0);
    struct link *k = link_open(loop, &s, "cell", &e);
    unlink(s.path);
    if (!k)
        fail_msg("%s", e.text);
    assert_comes_through(k, master, "mine", 4);
    link_close(k);
}

static void unplugged_and_back_under_another_name(void **state)
{
    (void)state;
    struct link *k = unplugged_link("%1=0403.6001.FT1.0");
    there_are("");
    assert_does_not_reopen(k, "is it plugged in?"); /* not yet */
    there_are("%2=0403.6001.FT1.0");
    assert_reopens_on_second(k);
}

static void another_device_at_the_old_name_is_refused(void **state)
{
    (void)state;
    struct link *k = unplugged_link("%1=0403.6001.FT1.0");
    snprintf(spec.path, sizeof spec.path, "%s", other.path);
    there_are("%1=0403.6001.FT2.0");
    assert_does_not_reopen(k, "0403:6001 serial FT1");
    there_are("%1=1a86.6001.FT1.0"); /* the same number, of another maker */
    assert_does_not_reopen(k, "serial FT1");
    there_are("%1"); /* no USB port at all */
    assert_does_not_reopen(k, "serial FT1");
    link_close(k);
}

static void of_a_device_with_several_ports_the_same_one(void **state)
{
    (void)state;
    struct link *k = unplugged_link("%1=0403.6011.FT4.1");
    there_are("%1=0403.6011.FT4.0:%2=0403.6011.FT4.1");
    assert_reopens_on_second(k);
}

static void ports_that_can_not_be_told_apart_are_refused(void **state)
{
    (void)state;
    struct link_spec s = {.kind = LINK_USB, .path = "FT4"};
    struct err e = ERR_INIT;
    there_are("%1=0403.6011.FT4.0:%2=0403.6011.FT4.1");
    assert_null(link_open(loop, &s, "cell", &e));
    assert_int_equal(e.code, ERR_LINK);
    assert_non_null(strstr(e.text, "several serial ports"));
    assert_non_null(strstr(e.text, spec.path));
    assert_non_null(strstr(e.text, other.path));
}

static void a_port_by_its_usb_device(void **state)
{
    (void)state;
    static const char *const texts[] = {"usb:FT2", "usb:0403:6001:FT2"};
    there_are("%1=0403.6001.FT1.0:%2=0403.6001.FT2.0");
    for (int i = 0; i < 2; i++) {
        struct link_spec s;
        struct err e = ERR_INIT;
        assert_true(link_spec_parse(texts[i], &s, &e));
        struct link *k = link_open(loop, &s, "cell", &e);
        if (!k)
            fail_msg("%s", e.text);
        assert_comes_through(k, second, "hello", 5);
        link_close(k);
    }
    struct link_spec s;
    struct err e = ERR_INIT;
    assert_true(link_spec_parse("usb:0403:6015:FT2", &s, &e));
    assert_null(link_open(loop, &s, "cell", &e));
    assert_non_null(strstr(e.text, "cell: usb:0403:6015:FT2: no serial port belongs"));
}

static void a_port_without_a_usb_device_comes_back_under_its_name(void **state)
{
    (void)state;
    there_are("%1");
    struct link *k = open_port();
    assert_true(link_can_reopen(k));
    struct err e = ERR_INIT;
    struct link *again = link_reopen(k, &e); /* still there: let go of, and taken again */
    if (!again)
        fail_msg("%s", e.text);
    assert_false(link_up(k, NULL));
    link_close(k);
    assert_comes_through(again, master, "again", 5);
    link_close(again);
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
        cmocka_unit_test_setup_teardown(a_name_that_leads_to_a_port, setup_two, teardown_two),
        cmocka_unit_test_setup_teardown(unplugged_and_back_under_another_name, setup_two, teardown_two),
        cmocka_unit_test_setup_teardown(another_device_at_the_old_name_is_refused, setup_two, teardown_two),
        cmocka_unit_test_setup_teardown(of_a_device_with_several_ports_the_same_one, setup_two, teardown_two),
        cmocka_unit_test_setup_teardown(ports_that_can_not_be_told_apart_are_refused, setup_two,
                                        teardown_two),
        cmocka_unit_test_setup_teardown(a_port_by_its_usb_device, setup_two, teardown_two),
        cmocka_unit_test_setup_teardown(a_port_without_a_usb_device_comes_back_under_its_name, setup_two,
                                        teardown_two),
        TEST(a_port_that_does_not_exist),
    };
    if (getenv("SECCM_TEST_INTERPOSED"))
        return cmocka_run_group_tests(interposed, NULL, NULL);
    return cmocka_run_group_tests(alone, NULL, NULL);
}
