/* The tables of the language: complete, without contradictions, and each field reaching a member of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/grid.h"
#include "protocol/protocol.h"
#include "protocol/step_read.h"

typedef void visit(const struct fields *t, const struct field *f);

static void each_field(const struct fields *t, visit *v)
{
    for (int i = 0; i < t->n; i++) {
        v(t, &t->field[i]);
        if (t->field[i].sub)
            each_field(t->field[i].sub, v);
    }
}

static void each(visit *v)
{
    each_field(&fragment_fields, v);
    each_field(&protocol_fields, v);
}

static void has_help(const struct fields *t, const struct field *f)
{
    if (!f->help || strlen(f->help) < 8 || f->help[strlen(f->help) - 1] == '.')
        fail_msg("%s: `%s` has no fitting help", t->what, f->key);
}

static void is_unique(const struct fields *t, const struct field *f)
{
    for (const struct field *o = t->field; o < f; o++) {
        if (strcmp(o->key, f->key) == 0)
            fail_msg("%s: `%s` stands twice", t->what, f->key);
        if (f->kind != FIELD_MAP && o->kind != FIELD_MAP && o->offset == f->offset)
            fail_msg("%s: `%s` and `%s` share a member", t->what, o->key, f->key);
    }
}

/* A default must read, lie in its own range, and not stand where the key is required. */
static void default_reads(const struct fields *t, const struct field *f)
{
    if (!f->fallback)
        return;
    assert_false(f->required);
    if (f->kind != FIELD_QUANTITY && f->kind != FIELD_VALUE && f->kind != FIELD_COUNT)
        return;
    double si;
    struct err e = ERR_INIT;
    if (!quantity_parse(f->fallback, f->dim, &si, &e))
        fail_msg("%s: default of `%s`: %s", t->what, f->key, e.text);
    if (f->min != f->max && (si < f->min || si > f->max))
        fail_msg("%s: default of `%s` is out of its range", t->what, f->key);
}

static void every_field_has_help(void **state)
{
    (void)state;
    each(has_help);
}

static void no_key_or_member_twice(void **state)
{
    (void)state;
    each(is_unique);
}

static void every_default_reads(void **state)
{
    (void)state;
    each(default_reads);
}

static void kinds_of_steps_have_names_and_tables(void **state)
{
    (void)state;
    for (int k = 0; k < STEP_KINDS; k++) {
        assert_string_equal(step_kind_name((enum step_kind)k), site_fields.field[k].key);
        assert_ptr_equal(step_fields((enum step_kind)k), site_fields.field[k].sub);
    }
    assert_int_equal(site_fields.n, STEP_KINDS + 2);
    assert_string_equal(site_fields.field[STEP_KINDS].key, "include");
    assert_string_equal(site_fields.field[STEP_KINDS + 1].key, "use");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_has_help),
        cmocka_unit_test(no_key_or_member_twice),
        cmocka_unit_test(every_default_reads),
        cmocka_unit_test(kinds_of_steps_have_names_and_tables),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
