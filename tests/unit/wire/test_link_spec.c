/* Texts that say where a device is. */
#include "wire/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void good_texts_come_back_unchanged(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "serial:/dev/ttyUSB0", "pty:/dev/pts/4",      "tcp:192.168.168.10:50000",
        "tcp:[fe80::1]:23",    "tcp:e727.lab:1",      "replay:a b/night.txt",
        "usb:FT1ABC",          "usb:0403:6001:FT1ABC"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct link_spec s;
        struct err e = ERR_INIT;
        char text[300];
        assert_true(link_spec_parse(texts[i], &s, &e));
        assert_string_equal(link_spec_format(&s, text, sizeof text), texts[i]);
    }
}

static void parts_are_where_they_belong(void **state)
{
    (void)state;
    struct link_spec s;
    assert_true(link_spec_parse("tcp:[::1]:65535", &s, NULL));
    assert_int_equal(s.kind, LINK_TCP);
    assert_string_equal(s.path, "::1");
    assert_int_equal(s.port, 65535);
    assert_true(link_spec_parse("serial:/dev/ttyACM1", &s, NULL));
    assert_int_equal(s.kind, LINK_SERIAL);
    assert_string_equal(s.path, "/dev/ttyACM1");
    assert_int_equal(s.baud, 0);
    assert_int_equal(s.flow, FLOW_NONE);
    assert_true(link_spec_parse("usb:0403:6001:FT1ABC", &s, NULL));
    assert_int_equal(s.kind, LINK_USB);
    assert_string_equal(s.path, "FT1ABC");
    assert_true(s.vid == 0x0403 && s.pid == 0x6001);
    assert_true(link_spec_parse("usb:NX1-0042", &s, NULL));
    assert_string_equal(s.path, "NX1-0042");
    assert_true(s.vid == 0 && s.pid == 0);
}

static void bad_texts_are_input_errors_that_quote_them(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "serial",
                                        "serial:",
                                        "/dev/ttyUSB0",
                                        "usb:",
                                        "usb:0403:FT1",
                                        "usb:0403:6001:",
                                        "usb:403:6001:FT1",
                                        "usb:0403:6001:a:b",
                                        "tcp:host",
                                        "tcp:host:",
                                        "tcp::5",
                                        "tcp:h:0",
                                        "tcp:h:65536",
                                        "tcp:h:5x",
                                        "tcp:h:-5",
                                        "tcp:h: 5",
                                        "memory:",
                                        "SERIAL:/dev/x",
                                        "tcp:h:+5",
                                        "tcp:h:1e3",
                                        "tcp:h:99999999999999999999"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct link_spec s = {.port = 77};
        struct err e = ERR_INIT;
        assert_false(link_spec_parse(texts[i], &s, &e));
        assert_int_equal(e.code, ERR_INPUT);
        assert_non_null(strstr(e.text, texts[i]));
        assert_int_equal(s.port, 77);
    }
}

static void too_long_a_path_is_refused(void **state)
{
    (void)state;
    char text[400] = "pty:";
    memset(text + 4, 'x', 256);
    struct link_spec s;
    struct err e = ERR_INIT;
    assert_false(link_spec_parse(text, &s, &e));
    assert_int_equal(e.code, ERR_INPUT);
    text[4 + 255] = 0;
    assert_true(link_spec_parse(text, &s, &e));
    assert_int_equal(strlen(s.path), 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_come_back_unchanged),
        cmocka_unit_test(parts_are_where_they_belong),
        cmocka_unit_test(bad_texts_are_input_errors_that_quote_them),
        cmocka_unit_test(too_long_a_path_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
