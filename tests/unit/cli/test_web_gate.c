/* Who may ask: addresses, Host and Origin headers, token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/web_gate.h"

static struct web_address at(const char *text)
{
    struct web_address a;
    struct err e = ERR_INIT;
    if (!web_address_parse(text, &a, &e))
        fail_msg("%s: %s", text, e.text);
    return a;
}

static void addresses(void **state)
{
    (void)state;
    const struct {
        const char *text, *address;
        int port;
        bool loopback;
    } good[] = {
        {"8080", "127.0.0.1:8080", 8080, true},
        {":8080", "127.0.0.1:8080", 8080, true},
        {"0", "127.0.0.1:0", 0, true},
        {"localhost:80", "127.0.0.1:80", 80, true},
        {"127.9.9.9:65535", "127.9.9.9:65535", 65535, true},
        {"[::1]:8080", "[::1]:8080", 8080, true},
        {"0.0.0.0:8080", "0.0.0.0:8080", 8080, false},
        {"192.168.1.7:81", "192.168.1.7:81", 81, false},
        {"[fe80::1]:8080", "[fe80::1]:8080", 8080, false},
    };
    for (size_t k = 0; k < sizeof good / sizeof good[0]; k++) {
        char text[80];
        struct web_address a = at(good[k].text);
        assert_string_equal(web_address_text(&a, good[k].port, text, sizeof text), good[k].address);
        assert_int_equal(ntohs(a.v6 ? a.at.v6.sin6_port : a.at.v4.sin_port), good[k].port);
        assert_int_equal(a.loopback, good[k].loopback);
    }
    static const char *const bad[] = {
        "",           "x",          "65536",        "-1",      "8080x",   "127.0.0.1",
        "1.2.3.4:",   "1.2.3:80",   "lab-pc:8080",  "[::1]",   "[::1:80", "::1:80",
        "[::1]80",    "1.2.3.4:+8", "999.1.1.1:80", "[zz]:80", "0x1f90",  "127.0.0.1:8080:1",
        "1.2.3.4: 80"};
    for (size_t k = 0; k < sizeof bad / sizeof bad[0]; k++) {
        struct web_address a;
        struct err e = ERR_INIT;
        if (web_address_parse(bad[k], &a, &e))
            fail_msg("\"%s\" was taken", bad[k]);
        assert_int_equal(e.code, ERR_USAGE);
        assert_non_null(strstr(e.text, "--serve"));
    }
}

/* What a web site can make a browser send as Host is its own name, wherever that name points. */
static void hosts(void **state)
{
    (void)state;
    struct web_address local = at("8080"), open = at("0.0.0.0:8080");
    static const char *const local_names[] = {"127.0.0.1:8080", "localhost:8080", "LOCALHOST",
                                              "localhost:9999", "127.0.0.1",      "[::1]:8080",
                                              "127.1.2.3:1"};
    for (size_t k = 0; k < sizeof local_names / sizeof local_names[0]; k++) {
        assert_true(web_host_is_ours(&local, "lab-pc", local_names[k]));
        assert_true(web_host_is_ours(&open, "lab-pc", local_names[k]));
    }
    static const char *const open_names[] = {"192.168.1.7:8080", "lab-pc:8080", "Lab-PC.local:8080",
                                             "[fe80::1]:8080"};
    for (size_t k = 0; k < sizeof open_names / sizeof open_names[0]; k++) {
        assert_false(web_host_is_ours(&local, "lab-pc", open_names[k]));
        assert_true(web_host_is_ours(&open, "lab-pc", open_names[k]));
    }
    static const char *const never[] = {"rebound.example",
                                        "rebound.example:8080",
                                        "localhost.rebound.example",
                                        "127.0.0.1.example",
                                        "",
                                        ":8080",
                                        "lab-pc.example:8080",
                                        "lab-pcx",
                                        "localhost:8080:1",
                                        "localhost:http",
                                        "[::1",
                                        "user@localhost",
                                        "localhost:8080/x",
                                        "127.0.0.1:99999999999"};
    for (size_t k = 0; k < sizeof never / sizeof never[0]; k++) {
        if (web_host_is_ours(&local, "lab-pc", never[k]) || web_host_is_ours(&open, "lab-pc", never[k]))
            fail_msg("\"%s\" was taken", never[k]);
    }
    assert_false(web_host_is_ours(&local, "lab-pc", NULL));
    assert_false(web_host_is_ours(&open, "", ".local"));
    char longest[1000];
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_false(web_host_is_ours(&open, "lab-pc", longest));
}

static void origins(void **state)
{
    (void)state;
    assert_true(web_origin_is_ours("localhost:8080", NULL, NULL)); /* no browser */
    assert_true(web_origin_is_ours("localhost:8080", "http://localhost:8080", NULL));
    assert_true(web_origin_is_ours("localhost:8080", "http://localhost:8080", "same-origin"));
    assert_false(web_origin_is_ours("localhost:8080", "http://localhost:80", NULL));
    assert_false(web_origin_is_ours("localhost:8080", "https://localhost:8080", NULL));
    assert_false(web_origin_is_ours("localhost:8080", "http://localhost:8080.example", NULL));
    assert_false(web_origin_is_ours("localhost:8080", "null", NULL));
    assert_false(web_origin_is_ours("localhost:8080", "", NULL));
    assert_false(web_origin_is_ours("localhost:8080", NULL, "cross-site"));
    assert_false(web_origin_is_ours("localhost:8080", NULL, "same-site"));
    assert_false(web_origin_is_ours("localhost:8080", "http://localhost:8080", "cross-site"));
    assert_false(web_origin_is_ours(NULL, "http://", NULL));
}

static void sites(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",   "abc", "0",   "000000000",      "-1",        "+1", "1x", " 1",
                                        "1 ", "1.0", "0x1", "99999999999999", "2147483648"};
    int site = 7;
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++)
        assert_false(web_site_read(wrong[k], &site));
    assert_int_equal(site, 7);
    assert_true(web_site_read("12", &site));
    assert_int_equal(site, 12);
    assert_true(web_site_read("999999999", &site));
    assert_int_equal(site, 999999999);
}

static void tokens(void **state)
{
    (void)state;
    char token[WEB_TOKEN + 1], other[WEB_TOKEN + 1], wrong[WEB_TOKEN + 2];
    struct err e = ERR_INIT;
    assert_true(web_token_make(token, &e));
    assert_true(web_token_make(other, &e));
    assert_int_equal(strlen(token), WEB_TOKEN);
    assert_int_equal(strspn(token, "0123456789abcdef"), WEB_TOKEN);
    assert_string_not_equal(token, other);
    assert_true(web_token_is_right(token, token));
    assert_false(web_token_is_right(token, other));
    assert_false(web_token_is_right(token, NULL));
    assert_false(web_token_is_right(token, ""));
    for (int k = 0; k < WEB_TOKEN; k++) { /* every digit counts */
        snprintf(wrong, sizeof wrong, "%s", token);
        wrong[k] ^= 1;
        assert_false(web_token_is_right(token, wrong));
        wrong[k] = '\0';
        assert_false(web_token_is_right(token, wrong));
    }
    snprintf(wrong, sizeof wrong, "%sx", token);
    assert_false(web_token_is_right(token, wrong));
    assert_false(web_token_is_right("................................", "")); /* the stand-in is no key */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses), cmocka_unit_test(hosts),  cmocka_unit_test(origins),
        cmocka_unit_test(sites),     cmocka_unit_test(tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
