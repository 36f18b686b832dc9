/* The YAML tree: shape, positions, and clean refusals of everything that is hostile or not ours. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"
#include "base/yaml.h"

struct doc {
    struct source *s;
    struct diags *d;
    struct ytree *t;
};

static struct doc parse_bytes(const void *bytes, size_t n)
{
    struct doc doc = {source_from_text("f", ""), diags_new(), NULL};
    buf_add(&doc.s->bytes, bytes, n);
    doc.t = ytree_parse(doc.s, doc.d);
    assert_true((doc.t == NULL) == (diags_errors(doc.d) > 0));
    return doc;
}

static struct doc parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void done(struct doc *doc)
{
    ytree_free(doc->t);
    diags_free(doc->d);
    source_free(doc->s);
}

static const struct ynode *root(const struct doc *doc)
{
    if (!doc->t) {
        struct buf out = {0};
        diags_print(doc->d, &out);
        fail_msg("%s", out.p);
    }
    return ytree_root(doc->t);
}

/* `says` is all that is printed. */
static void refuse(const char *text, const char *says)
{
    struct doc doc = parse(text);
    struct buf out = {0};
    diags_print(doc.d, &out);
    assert_string_equal(out.p ? out.p : "", says);
    assert_null(doc.t);
    buf_free(&out);
    done(&doc);
}

/* One error, whose first line is `says`. */
static void refuse_bytes(const void *bytes, size_t n, const char *says)
{
    struct doc doc = parse_bytes(bytes, n);
    struct buf out = {0};
    assert_null(doc.t);
    assert_int_equal(diags_errors(doc.d), 1);
    diags_print(doc.d, &out);
    if (strncmp(out.p, says, strlen(says)) != 0)
        fail_msg("`%s` does not begin with `%s`", out.p, says);
    buf_free(&out);
    done(&doc);
}

static void check_mark(struct mark m, int line, int column, int length)
{
    assert_int_equal(m.line, line);
    assert_int_equal(m.column, column);
    assert_int_equal(m.length, length);
}

static void test_shape(void **state)
{
    (void)state;
    struct doc doc = parse("a: 1 V\nb: [x, 'y', \"z\\n\"]\nc:\n  d: |\n    two\n    lines\n  e:\n");
    const struct ynode *r = root(&doc);
    assert_int_equal(ynode_kind(r), Y_MAP);
    assert_int_equal(ynode_count(r), 3);
    assert_null(ynode_text(r));
    assert_string_equal(ynode_key(r, 1), "b");
    assert_string_equal(ynode_text(ynode_get(r, "a")), "1 V");
    const struct ynode *b = ynode_get(r, "b");
    assert_int_equal(ynode_kind(b), Y_LIST);
    assert_string_equal(ynode_text(ynode_item(b, 2)), "z\n");
    assert_null(ynode_item(b, 3));
    assert_null(ynode_item(b, -1));
    assert_null(ynode_item(r, 0));
    assert_null(ynode_key(b, 0));
    assert_null(ynode_value(r, 3));
    const struct ynode *c = ynode_value(r, 2);
    assert_string_equal(ynode_text(ynode_get(c, "d")), "two\nlines\n");
    assert_string_equal(ynode_text(ynode_get(c, "e")), "");
    assert_null(ynode_get(r, "none"));
    assert_null(ynode_get(b, "a"));
    assert_null(ynode_get(NULL, "a"));
    done(&doc);
}

static void test_null_is_plain_only(void **state)
{
    (void)state;
    struct doc doc = parse("[~, null, '', \"~\", 'null', !!str ~, no, 0]");
    static const bool null[] = {true, true, false, false, false, false, false, false};
    for (int i = 0; i < 8; i++)
        assert_int_equal(ynode_is_null(ynode_item(root(&doc), i)), null[i]);
    assert_false(ynode_is_null(root(&doc)));
    done(&doc);
}

static void test_positions(void **state)
{
    (void)state;
    struct doc doc = parse("a: 1 V\nlist:\n  - 'q'\n  - {k:   v w }  # remark\n");
    const struct ynode *r = root(&doc), *list = ynode_get(r, "list"), *map = ynode_item(list, 1);
    check_mark(ynode_mark(ynode_get(r, "a")), 1, 4, 3);
    check_mark(ynode_key_mark(r, 1), 2, 1, 4);
    check_mark(ynode_mark(ynode_item(list, 0)), 3, 5, 3);
    check_mark(ynode_mark(map), 4, 5, 1);
    check_mark(ynode_key_mark(map, 0), 4, 6, 1);
    check_mark(ynode_mark(ynode_value(map, 0)), 4, 11, 3);
    assert_ptr_equal(ynode_mark(map).source, doc.s);
    done(&doc);
}

static void test_positions_count_bytes(void **state)
{
    (void)state;
    /* Characters of 1 to 4 bytes before the place, and many of them, so that the index has to skip. */
    struct buf b = {0};
    buf_str(&b, "# ");
    for (int i = 0; i < 300; i++)
        buf_str(&b, "\xC2\xB5\xE2\x84\xA6\xF0\x9D\x84\x9E-");
    buf_str(&b, "\n\xC2\xB5\xE2\x84\xA6: [\xC2\xB5, y]\n");
    struct doc doc = parse(b.p);
    check_mark(ynode_key_mark(root(&doc), 0), 2, 1, 5);
    check_mark(ynode_mark(ynode_item(ynode_value(root(&doc), 0), 0)), 2, 9, 2);
    check_mark(ynode_mark(ynode_item(ynode_value(root(&doc), 0), 1)), 2, 13, 1);
    done(&doc);
    buf_free(&b);
}

static void test_positions_with_other_line_ends(void **state)
{
    (void)state;
    struct doc doc = parse("\xEF\xBB\xBF"
                           "a: 1\r\nb: 2\r\n");
    check_mark(ynode_key_mark(root(&doc), 0), 1, 1, 1);
    check_mark(ynode_mark(ynode_value(root(&doc), 1)), 2, 4, 1);
    done(&doc);
    doc = parse("a: 1\rb: 2\r");
    check_mark(ynode_mark(ynode_value(root(&doc), 1)), 2, 4, 1);
    done(&doc);
}

static void test_aliases_are_followed(void **state)
{
    (void)state;
    struct doc doc = parse("a: &x {k: [1, 2]}\nb: *x\nc: &y text\n*y : d\n");
    const struct ynode *r = root(&doc);
    assert_ptr_equal(ynode_get(r, "a"), ynode_get(r, "b"));
    assert_string_equal(ynode_text(ynode_get(r, "text")), "d");
    done(&doc);
}

static void test_alias_errors(void **state)
{
    (void)state;
    refuse("a: *x\n", "f:1:4: error: `*x`: no anchor `&x` stands above\n    a: *x\n       ^~\n");
    refuse("a: &x [*x]\n",
           "f:1:8: error: `*x` stands inside of what it refers to\n    a: &x [*x]\n           ^~\n");
}

static void test_structure_errors_come_together(void **state)
{
    (void)state;
    refuse("a: 1\nb: {c: 2, c: 3}\na: !foo 4\n<<: {d: 5}\n[x]: 6\na: 7\n",
           "f:2:11: error: the key `c` is given twice\n    b: {c: 2, c: 3}\n              ^\n  = first on "
           "line 2\n"
           "f:3:1: error: the key `a` is given twice\n    a: !foo 4\n    ^\n  = first on line 1\n"
           "f:3:4: error: the tag `!foo` is not supported\n    a: !foo 4\n       ^~~~~~\n"
           "f:4:1: error: merge keys (`<<`) are not supported\n    <<: {d: 5}\n    ^~\n"
           "  = write the keys out, or use an alias for the whole value\n"
           "f:5:1: error: a key must be a word, not a list\n    [x]: 6\n    ^\n"
           "f:6:1: error: the key `a` is given twice\n    a: 7\n    ^\n  = first on line 1\n");
}

static void test_syntax_errors(void **state)
{
    (void)state;
    refuse("a: 'x\nb: 1\n", "f:3:1: error: found unexpected end of stream (while scanning a quoted scalar)\n"
                            "    \n    ^\n  = what was being read began on line 1\n");
    refuse("a:\n\t- b\n",
           "f:2:1: error: found character that cannot start any token (while scanning for the next "
           "token)\n     - b\n    ^\n  = YAML is indented with spaces, not with tabs\n");
    refuse("a: [1, 2\nb: 3\n",
           "f:2:2: error: did not find expected ',' or ']' (while parsing a flow sequence)\n"
           "    b: 3\n     ^\n  = what was being read began on line 1\n");
}

static void test_one_document(void **state)
{
    (void)state;
    refuse("a: 1\n---\nb: 2\n",
           "f:2:1: error: a second document begins here; a file holds one\n    ---\n    ^~~\n");
    refuse("", "f:1:1: error: the file holds nothing\n    \n    ^\n");
    refuse("# nothing but this\n", "f:2:1: error: the file holds nothing\n    \n    ^\n");
    struct doc doc = parse("---\na: 1\n...\n");
    assert_string_equal(ynode_text(ynode_get(root(&doc), "a")), "1");
    done(&doc);
}

static void test_junk(void **state)
{
    (void)state;
    static const char elf[] = "\x7f"
                              "ELF\x02\x01\x01\x00\x00\x00";
    refuse_bytes(elf, sizeof elf - 1,
                 "f:1:1: error: this is not UTF-8 text (byte 0x7F): a YAML file is wanted\n");
    refuse_bytes("a: 1\nb: \0", 9, "f:2:4: error: this is not UTF-8 text (byte 0x00)");
    refuse_bytes("a: \xFF\xFE", 5, "f:1:4: error: this is not UTF-8 text (byte 0xFF)");
    refuse_bytes("\xFF\xFE"
                 "a\0:\0",
                 6, "f:1:1: error: this is not UTF-8 text (byte 0xFF)"); /* UTF-16 */
    refuse_bytes("a: \xC2\x81", 5, "f:1:4: error: control characters are not allowed");
    refuse_bytes("a: \"x\\0y\"", 9, "f:1:4: error: a NUL character can not be part of a value");
}

static void test_random_bytes_never_crash(void **state)
{
    (void)state;
    const uint64_t seed = 99;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.yaml");
    static const char alphabet[] = "ab: -[]{},&*!|>'\"#\n\n  \t?%@`~<\xC2\xB5\r\\0";
    for (uint64_t i = 0; i < 20000; i++) {
        char text[64];
        size_t n = rng_below(r, sizeof text, i, 0);
        for (size_t k = 0; k < n; k++)
            text[k] = i % 8 == 0 ? (char)rng_u64(r, i, k, 1)
                                 : alphabet[rng_below(r, sizeof alphabet - 1, i, k + 2)];
        struct doc doc = parse_bytes(text, n);
        struct buf out = {0};
        diags_print(doc.d, &out);
        for (size_t k = 0; k < out.n; k++)
            assert_true((unsigned char)out.p[k] >= 0x20 || out.p[k] == '\n');
        buf_free(&out);
        done(&doc);
    }
}

static void test_size_limit(void **state)
{
    (void)state;
    size_t n = 10485760;
    char *big = malloc(n);
    assert_non_null(big);
    memset(big, 'x', n);
    refuse_bytes(big, n, "f: error: file is 10485760 bytes, at most 4194304\n");
    big[0] = '#'; /* one long remark of the allowed size */
    refuse_bytes(big, 4194304, "f:1:4194305: error: the file holds nothing\n");
    free(big);
}

static void test_depth_limit(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 64; i++)
        buf_char(&b, '[');
    for (int i = 0; i < 64; i++)
        buf_char(&b, ']');
    struct doc doc = parse(b.p);
    root(&doc);
    done(&doc);
    buf_clear(&b);
    for (int i = 0; i < 65; i++)
        buf_char(&b, '[');
    refuse_bytes(b.p, b.n, "f:1:65: error: nested more than 64 deep\n");
    for (int i = 0; i < 1000000; i++)
        buf_char(&b, '[');
    refuse_bytes(b.p, b.n, "f:1:65: error: nested more than 64 deep\n");
    buf_clear(&b);
    for (int i = 0; i < 10000; i++)
        buf_str(&b, "- ");
    refuse_bytes(b.p, b.n, "f:1:129: error: nested more than 64 deep\n");
    buf_free(&b);
}

static void test_depth_limit_through_aliases(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_str(&b, "a0: &a0 [x]\n");
    for (int i = 1; i < 100; i++)
        buf_printf(&b, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    refuse_bytes(b.p, b.n, "f:63:12: error: nested more than 64 deep when aliases are followed\n");
    buf_free(&b);
}

static void test_alias_bomb(void **state)
{
    (void)state;
    struct buf b = {0};
    buf_str(&b, "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int i = 1; i < 30; i++) {
        buf_printf(&b, "a%d: &a%d [", i, i);
        for (int k = 0; k < 10; k++)
            buf_printf(&b, "%s*a%d", k ? ", " : "", i - 1);
        buf_str(&b, "]\n");
    }
    refuse_bytes(b.p, b.n, "f:6:25: error: more than 500000 values when aliases are followed\n");
    buf_free(&b);
}

static void test_node_limit_without_aliases(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 499999; i++)
        buf_str(&b, "- x\n");
    struct doc doc = parse(b.p);
    assert_int_equal(ynode_count(root(&doc)), 499999);
    done(&doc);
    buf_str(&b, "- x\n");
    refuse_bytes(b.p, b.n, "f:500000:3: error: more than 500000 values");
    buf_free(&b);
}

static void test_many_keys_and_anchors(void **state)
{
    (void)state;
    struct buf b = {0};
    for (int i = 0; i < 200000; i++)
        buf_printf(&b, "k%d: x\n", i);
    struct doc doc = parse(b.p);
    assert_int_equal(ynode_count(root(&doc)), 200000);
    done(&doc);
    buf_str(&b, "k0: x\n");
    refuse_bytes(b.p, b.n, "f:200001:1: error: the key `k0` is given twice\n");
    buf_clear(&b);
    for (int i = 0; i < 100000; i++)
        buf_printf(&b, "- &a%d x\n", i);
    refuse_bytes(b.p, b.n, "f:1001:3: error: more than 1000 anchors\n");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape),
        cmocka_unit_test(test_null_is_plain_only),
        cmocka_unit_test(test_positions),
        cmocka_unit_test(test_positions_count_bytes),
        cmocka_unit_test(test_positions_with_other_line_ends),
        cmocka_unit_test(test_aliases_are_followed),
        cmocka_unit_test(test_alias_errors),
        cmocka_unit_test(test_structure_errors_come_together),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_one_document),
        cmocka_unit_test(test_junk),
        cmocka_unit_test(test_random_bytes_never_crash),
        cmocka_unit_test(test_size_limit),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_depth_limit_through_aliases),
        cmocka_unit_test(test_alias_bomb),
        cmocka_unit_test(test_node_limit_without_aliases),
        cmocka_unit_test(test_many_keys_and_anchors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
