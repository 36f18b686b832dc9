/* Documents are compared by what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/yaml_compare.h"

static const char *words(const struct ynode *n)
{
    return !n ? "-" : ynode_text(n) ? ynode_text(n) : "...";
}

static void list(void *ctx, const char *path, const struct ynode *was, const struct ynode *now)
{
    buf_printf(ctx, "%s: %s > %s\n", path, words(was), words(now));
}

static void differ(const char *a, const char *b, const char *wanted)
{
    struct diags *d = diags_new();
    struct buf out = {0};
    struct source *s = source_from_text("a", a), *t = source_from_text("b", b);
    struct ytree *was = ytree_parse(s, d), *now = ytree_parse(t, d);
    assert_non_null(was);
    assert_non_null(now);
    buf_str(&out, "");
    yaml_compare(ytree_root(was), ytree_root(now), list, &out);
    assert_string_equal(out.p, wanted);
    ytree_free(was);
    ytree_free(now);
    source_free(s);
    source_free(t);
    buf_free(&out);
    diags_free(d);
}

static void layout_is_no_difference(void **state)
{
    (void)state;
    differ("a: 1\nb: {c: [x, y]}\n", "# remark\na:   '1'\n\nb:\n  c:\n    - x\n    - \"y\"\n", "");
    differ("a: 1\nb: 2\n", "b: 2\na: 1\n", ""); /* the topmost map */
    differ("a: &x 5\nb: *x\n", "a: 5\nb: 5\n", "");
}

static void every_difference_has_its_place(void **state)
{
    (void)state;
    differ("a: 1\nb: {c: 2, d: 3}\n", "a: 1\nb: {c: 4, d: 3}\n", "b.c: 2 > 4\n");
    differ("a: 1\nb: {c: 2}\n", "b: {c: 2, e: 9}\nf: {g: 1}\n", "a: 1 > -\nb.e: - > 9\nf: - > ...\n");
    differ("s: [cv: {n: 1}, ocp: {}]\n", "s: [cv: {n: 2}]\n", "s[1].cv.n: 1 > 2\ns[2]: ... > -\n");
    differ("s: [1]\n", "s: [1, 2]\n", "s[2]: - > 2\n");
    differ("s: [1]\n", "s: {a: 1}\n", "s: ... > ...\n");
    differ("s: 1\n", "s: [1]\n", "s: 1 > ...\n");
    differ("- 1\n", "a: 1\n", ": ... > ...\n");
    differ("a: ~\n", "a: '~'\n", "a: ~ > ~\n"); /* nothing, and a text */
}

static void order_of_keys_counts_below(void **state)
{
    (void)state;
    differ("v: {a: 1, b: 2}\n", "v: {b: 2, a: 1}\n", "v: ... > ...\n");
    differ("v: {a: 1, b: 2}\n", "v: {c: 3, a: 1, b: 2}\n", "v.c: - > 3\n");
    differ("v: {a: 1, c: 3, b: 2}\n", "v: {a: 1, b: 2}\n", "v.c: 3 > -\n");
    differ("v: {a: 1, c: 3, b: 2}\n", "v: {b: 2, a: 1, d: 4}\n", "v.c: 3 > -\nv.d: - > 4\nv: ... > ...\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_is_no_difference),
        cmocka_unit_test(every_difference_has_its_place),
        cmocka_unit_test(order_of_keys_counts_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
