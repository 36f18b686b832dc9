/* Places, lists of places, of texts and of maps in tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/schema.h"

struct mark_pair {
    char *name;
    double from[2];
};
struct picture {
    double corner[2];
    struct points outline;
    struct strings files;
    struct items pairs;
};

static const struct field pair_table[] = {
    {"name", FIELD_STRING, DIM_NONE, offsetof(struct mark_pair, name), false, NULL, 0, 0, NULL, NULL,
     "a word"},
    {"from", FIELD_POINT, DIM_NONE, offsetof(struct mark_pair, from), true, NULL, 0, 0, NULL, NULL,
     "a place"},
};
static const struct fields pair_fields = FIELDS_OF("a pair", pair_table, struct mark_pair);
static const struct field picture_table[] = {
    {"corner", FIELD_POINT, DIM_LENGTH, offsetof(struct picture, corner), false, "[1 um, 2 um]", -1, 1, NULL,
     NULL, "a place"},
    {"outline", FIELD_POINTS, DIM_LENGTH, offsetof(struct picture, outline), false, NULL, -1, 1, NULL, NULL,
     "places"},
    {"files", FIELD_STRINGS, DIM_NONE, offsetof(struct picture, files), false, NULL, 0, 0, NULL, NULL,
     "texts"},
    {"pairs", FIELD_LIST, DIM_NONE, offsetof(struct picture, pairs), false, NULL, 0, 0, NULL, &pair_fields,
     "maps"},
};
static const struct fields picture_fields = FIELDS("the picture", picture_table);

static bool read_text(const char *text, struct picture *p, struct buf *says)
{
    struct source *s = source_from_text("f", text);
    struct diags *d = diags_new();
    struct ytree *t = ytree_parse(s, d);
    assert_non_null(t);
    memset(p, 0xA5, sizeof *p);
    bool ok = schema_read(ytree_root(t), &picture_fields, p, d);
    buf_str(says, "");
    diags_print(d, says);
    ytree_free(t);
    diags_free(d);
    source_free(s);
    return ok;
}

static void everything_is_read_and_freed(void **state)
{
    (void)state;
    struct picture p;
    struct buf says = {0};
    assert_true(read_text("corner: [-3 nm, 4 nm]\noutline: [[0 m, 1 m], [500 nm, -1 um]]\nfiles: [a, b c]\n"
                          "pairs: [{name: x, from: [1, 2]}, {from: [3, -4.5]}]\n",
                          &p, &says));
    assert_true(p.corner[0] == -3e-9 && p.corner[1] == 4e-9);
    assert_int_equal(p.outline.n, 2);
    assert_true(p.outline.xy[1][0] == 500e-9 && p.outline.xy[1][1] == -1e-6);
    assert_int_equal(p.files.n, 2);
    assert_string_equal(p.files.v[1], "b c");
    const struct mark_pair *pairs = p.pairs.v;
    assert_int_equal(p.pairs.n, 2);
    assert_string_equal(pairs[0].name, "x");
    assert_null(pairs[1].name);
    assert_true(pairs[1].from[1] == -4.5);
    schema_free(&picture_fields, &p);
    assert_null(p.outline.xy);
    assert_null(p.files.v);
    assert_null(p.pairs.v);
    buf_free(&says);
}

static void what_is_absent_is_empty(void **state)
{
    (void)state;
    struct picture p;
    struct buf says = {0};
    assert_true(read_text("{}", &p, &says));
    assert_true(p.corner[0] == 1e-6 && p.corner[1] == 2e-6);
    assert_int_equal(p.outline.n + p.files.n + p.pairs.n, 0);
    schema_free(&picture_fields, &p);
    buf_free(&says);
}

static void faults_are_told_where_they_are(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"corner: 5", "f:1:9: error: `corner`: a place [x, y] is wanted, found a single value"},
        {"corner: [1 um]", "`corner`: a place [x, y] is wanted, found a list of 1"},
        {"corner: [1 um, 2 s]", "f:1:16: error: `corner`: `2 s` is a time"},
        {"corner: [5 m, 0 m]", "above the most that is allowed, 1 m"},
        {"outline: [[1 um, 2 um], 3]", "f:1:25: error: `outline`: a place [x, y] is wanted"},
        {"outline: {a: 1}", "`outline`: a list of places [x, y] is wanted, found a map"},
        {"outline: []", "`outline`: the list is empty"},
        {"files: a", "`files`: a list of texts is wanted, found a single value"},
        {"files: [[a]]", "f:1:9: error: `files`: text is wanted, found a list"},
        {"pairs: {from: [1, 2]}", "`pairs`: a list of maps is wanted, found a map"},
        {"pairs: [{from: [1, 2]}, {form: [1, 2]}]", "f:1:26: error: `form` is not a key of a pair"},
        {"pairs: [{from: [1, 2]}, {name: a}]", "f:1:25: error: `from` is missing in a pair"},
        {"pairs: [5]", "a pair: a map of settings (key: value) is wanted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct picture p;
        struct buf says = {0};
        assert_false(read_text(cases[i][0], &p, &says));
        if (!strstr(says.p, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], says.p);
        schema_free(&picture_fields, &p);
        buf_free(&says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_is_read_and_freed),
        cmocka_unit_test(what_is_absent_is_empty),
        cmocka_unit_test(faults_are_told_where_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
