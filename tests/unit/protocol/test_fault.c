/* The matrix of faults is whole: each class has its words, its key and its place in the help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/fault_text.h"
#include "protocol/protocol.h"

#define WIDTH 80

static const struct field *find(const struct fields *table, const char *key)
{
    for (int k = 0; k < table->n; k++)
        if (strcmp(table->field[k].key, key) == 0)
            return &table->field[k];
    return NULL;
}

static void assert_words(const char *name, const char *text)
{
    if (!text || strlen(text) < 4)
        fail_msg("%s: a text is missing", name);
    if (text[strlen(text) - 1] == '.')
        fail_msg("%s: `%s` ends with a full stop", name, text);
}

static void every_class_has_its_words(void **unused)
{
    (void)unused;
    for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++) {
        const struct fault_row *row = fault_row((enum fault_class)c);
        const struct fault_text *t = fault_text((enum fault_class)c);
        assert_words(row->name, row->name);
        assert_words(row->name, row->what);
        assert_words(row->name, t->detected);
        assert_words(row->name, t->at_once);
        assert_words(row->name, t->again);
        assert_words(row->name, t->ends);
        assert_words(row->name, t->seen);
        assert_int_equal(fault_from_name(row->name), c);
    }
    assert_int_equal(fault_from_name("nonsense"), FAULT_NONE);
}

/* A class with a choice is a key of `faults`, with the table's default, and no other key is a class. */
static void every_choice_is_a_key(void **unused)
{
    (void)unused;
    const struct field *faults = find(&protocol_fields, "faults");
    assert_non_null(faults);
    int choices = 0, keys = 0;
    for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++) {
        const struct fault_row *row = fault_row((enum fault_class)c);
        const struct field *f = find(faults->sub, row->name);
        if (!row->policies) {
            assert_null(f);
            continue;
        }
        choices++;
        if (!f)
            fail_msg("%s is no key", row->name);
        assert_string_equal(f->fallback, fault_policy_name(row->policy));
        assert_true(row->policies & 1u << row->policy);
    }
    for (int k = 0; k < faults->sub->n; k++)
        keys += fault_from_name(faults->sub->field[k].key) != FAULT_NONE;
    assert_int_equal(keys, choices);
}

static bool has_line(const char *text, const char *line)
{
    size_t n = strlen(line);
    for (const char *p = text; (p = strstr(p, line)); p += n)
        if ((p == text || p[-1] == '\n') && p[n] == '\n')
            return true;
    return false;
}

static void the_help_has_all_on_eighty_columns(void **unused)
{
    (void)unused;
    struct buf all = {0}, one = {0};
    fault_help(FAULT_NONE, &all);
    for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++) {
        if (!has_line(all.p, fault_name((enum fault_class)c)))
            fail_msg("%s is not in the help", fault_name((enum fault_class)c));
        buf_clear(&one);
        fault_help((enum fault_class)c, &one);
        assert_non_null(strstr(all.p, one.p));
        assert_non_null(strstr(one.p, "noticed: "));
        assert_non_null(strstr(one.p, "policy: "));
    }
    for (const char *p = all.p; *p; p += strcspn(p, "\n"), p += *p == '\n')
        assert_true(strcspn(p, "\n") <= WIDTH);
    buf_free(&all);
    buf_free(&one);
}

/* In figures, so that none of them changes unseen; the campaigns of faults hold the run to them. */
static void the_bounds_are_said(void **unused)
{
    (void)unused;
    static const struct {
        const char *what, *within;
    } rows[] = {
        {"samples stop while z goes down: z halts", "50 ms, or 3 samples"},
        {"samples stop: the potentiostat is silent", "0.5 s, or 20 samples"},
        {"while its program starts, changes its mode or ends", "2 s more"},
        {"a question is not answered", "0.3 s"},
        {"an axis makes no headway, or z does not rise", "1 s"},
        {"z sinks, or the stage wanders, in contact", "40 ms"},
        {"the current is beyond the ceiling", "1 sample"},
        {"the current is beyond the range", "2 samples"},
        {"the run has died (its guardian sees it)", "at once"},
        {"the run hangs (its guardian hears nothing)", "5 s"},
        {"stop of z and cell off are written", "10 ms"},
        {"z is at rest (a healthy stage)", "0.3 s"},
        {"the stage's link is down: tries to open it again", "2.5 s"},
        {"the cell is open (a healthy potentiostat)", "0.1 s"},
        {"z is fully retracted, by each way that is tried", "2 way/speed + 2 s"},
        {"the open cell is verified, behind that", "2 s"},
    };
    struct buf all = {0};
    fault_help(FAULT_NONE, &all);
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        const char *at = strstr(all.p, rows[k].what);
        assert_non_null(at);
        at += strlen(rows[k].what);
        at += strspn(at, " ");
        if (strncmp(at, rows[k].within, strlen(rows[k].within)) != 0 || at[strlen(rows[k].within)] != '\n')
            fail_msg("%s: not %s", rows[k].what, rows[k].within);
    }
    buf_free(&all);
}

/* Errors of each device, by their code. */
static void errors_have_classes(void **unused)
{
    (void)unused;
    static const struct {
        enum err_code code;
        const char *device;
        enum fault_class class;
    } rows[] = {
        {ERR_SILENT, "stage", FAULT_STAGE_SILENT},
        {ERR_SILENT, "potentiostat", FAULT_POTENTIOSTAT_SILENT},
        {ERR_FRAGMENT, "stage", FAULT_STAGE_GARBLED},
        {ERR_LINK, "potentiostat", FAULT_POTENTIOSTAT_UNPLUGGED},
        {ERR_RESET, "stage", FAULT_STAGE_RESET},
        {ERR_OFF_TARGET, "stage", FAULT_AXIS_OFF_TARGET},
        {ERR_SERVO, "stage", FAULT_SERVO_LOST},
        {ERR_FULL, "", FAULT_DISK_FULL},
        {ERR_IO, "", FAULT_DISK_ERROR},
        {ERR_LIMIT, "", FAULT_NONE},
        {ERR_CANCELLED, "", FAULT_NONE},
        {ERR_INTERNAL, "stage", FAULT_NONE},
    };
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct err e = ERR_INIT;
        err_set(&e, rows[k].code, "x");
        err_device(&e, rows[k].device);
        assert_int_equal(fault_of_err(&e), rows[k].class);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_has_its_words),
        cmocka_unit_test(every_choice_is_a_key),
        cmocka_unit_test(the_help_has_all_on_eighty_columns),
        cmocka_unit_test(the_bounds_are_said),
        cmocka_unit_test(errors_have_classes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
