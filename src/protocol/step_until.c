/* `until`: what ends a step before its time.
 *
 * Conditions are scalars like any other, but for potential and current, which carry their direction:
 * "< 0.05 V". Any of them ends the step; those inside `all` only together, at the same sample. */
#include "protocol/step_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct until_map {
    const struct ynode *potential, *current, *all;
    struct value elapsed, charge, capacity;
};

#define U(member) offsetof(struct until_map, member)
#define POTENTIAL_FIELD                                                                                      \
    {                                                                                                        \
        "potential", FIELD_NODE, DIM_POTENTIAL, U(potential), false, NULL, -20, 20, NULL, NULL,              \
            "\"< 0.05 V\" or \"> 1.5 V\", or a list of one of each", NODE_BOUND                              \
    }
#define CURRENT_FIELD                                                                                        \
    {                                                                                                        \
        "current", FIELD_NODE, DIM_CURRENT, U(current), false, NULL, 1e-18, 1, NULL, NULL,                   \
            "magnitude of the current: \"< 1 pA\" or \"> 1 nA\", or a list of one of each", NODE_BOUND       \
    }
#define ELAPSED_FIELD                                                                                        \
    {                                                                                                        \
        "elapsed", FIELD_VALUE, DIM_TIME, U(elapsed), false, NULL, 1e-3, 1e6, NULL, NULL,                    \
            "time since the step began"                                                                      \
    }
#define CHARGE_FIELD                                                                                         \
    {                                                                                                        \
        "charge", FIELD_VALUE, DIM_CHARGE, U(charge), false, NULL, 1e-18, 1, NULL, NULL,                     \
            "magnitude of the charge that has flowed"                                                        \
    }
#define CAPACITY_FIELD                                                                                       \
    {                                                                                                        \
        "capacity", FIELD_VALUE, DIM_NONE, U(capacity), false, NULL, 1e-6, 1e6, NULL, NULL,                  \
            "charge of this step over that of the half before, or of the galvanostatic step before"          \
    }
#define ALL_FIELD(table)                                                                                     \
    {                                                                                                        \
        "all", FIELD_NODE, DIM_NONE, U(all), false, NULL, 0, 0, NULL, table,                                 \
            "two or more conditions that must hold at the same sample"                                       \
    }

static const struct field all_hold_table[] = {CURRENT_FIELD, ELAPSED_FIELD, CHARGE_FIELD};
static const struct fields all_hold = FIELDS("`all`", all_hold_table);
static const struct field hold_table[] = {CURRENT_FIELD, CHARGE_FIELD, ALL_FIELD(&all_hold)};
static const char *const hold_any[] = {"current", "charge", "all", NULL};
const struct fields until_hold = {
    .what = "`until` of a hold", .field = hold_table, .n = 3, .any_of = hold_any};

static const struct field all_galvanostatic_table[] = {POTENTIAL_FIELD, ELAPSED_FIELD, CHARGE_FIELD,
                                                       CAPACITY_FIELD};
static const struct fields all_galvanostatic = FIELDS("`all`", all_galvanostatic_table);
static const struct field galvanostatic_table[] = {POTENTIAL_FIELD, ELAPSED_FIELD, CHARGE_FIELD,
                                                   CAPACITY_FIELD, ALL_FIELD(&all_galvanostatic)};
/* A lost drop may never reach a potential: one of these ends the step for sure. */
static const char *const until_sure[] = {"elapsed", "charge", NULL};
const struct fields until_galvanostatic = {
    .what = "`until`", .field = galvanostatic_table, .n = 5, .any_of = until_sure};

const struct fields *until_fields(enum step_kind k)
{
    return k == STEP_HOLD ? &until_hold : k == STEP_GALVANOSTATIC ? &until_galvanostatic : NULL;
}

const struct field *until_field(enum until_what w)
{
    static const struct field fields[] = {
        POTENTIAL_FIELD, ELAPSED_FIELD, CHARGE_FIELD, CURRENT_FIELD, CAPACITY_FIELD,
    };
    switch (w) {
    case UNTIL_POTENTIAL_BELOW:
    case UNTIL_POTENTIAL_ABOVE:
        return &fields[0];
    case UNTIL_ELAPSED:
        return &fields[1];
    case UNTIL_CHARGE:
        return &fields[2];
    case UNTIL_CURRENT_BELOW:
    case UNTIL_CURRENT_ABOVE:
        return &fields[3];
    case UNTIL_FRACTION:
    case UNTIL_DRIFT: /* never in a list: a key of the step itself */
        break;
    }
    return &fields[4];
}

struct reading {
    struct until_list *list;
    struct diags *d;
    bool all;
    bool full; /* told of */
};

static void add(struct reading *r, enum until_what what, const struct value *v)
{
    if (r->list->n < UNTIL_MAX) {
        r->list->v[r->list->n++] = (struct until_value){what, r->all, *v};
    } else if (!r->full) {
        diags_error(r->d, v->mark, "more than %d conditions for one step", UNTIL_MAX);
        r->full = true;
    }
}

/* The text behind the sign of a condition: a quantity or `$factor`. */
static bool read_bound(const char *text, enum dim dim, struct value *v, struct err *e)
{
    text += strspn(text, " ");
    if (text[0] != '$')
        return quantity_parse(text, dim, &v->si, e);
    if (!name_is_plain(text + 1) || strlen(text + 1) >= sizeof v->factor)
        return err_set(e, ERR_INPUT, "`%.40s` is not the name of a factor", text);
    snprintf(v->factor, sizeof v->factor, "%s", text + 1);
    return true;
}

static void tell_direction(struct diags *d, struct mark m, bool current)
{
    diags_error(d, m, "a condition on the %s is written with its direction, for example \"< %s\" or \"> %s\"",
                current ? "current" : "potential", current ? "1 pA" : "0.05 V", current ? "1 nA" : "1.5 V");
}

/* One bound, "< 0.05 V"; below: the condition for `<`, the one for `>` follows it in the enum. */
static void read_condition(struct reading *r, const struct ynode *n, enum until_what below)
{
    struct err e = ERR_INIT;
    struct value v = {.si = NAN, .given = true, .mark = ynode_mark(n)};
    const char *text = ynode_text(n);
    char low[48], high[48];
    if (!text || (text[0] != '<' && text[0] != '>') || text[1] == '=') {
        tell_direction(r->d, v.mark, below == UNTIL_CURRENT_BELOW);
        return;
    }
    enum until_what what = text[0] == '<' ? below : below + 1;
    for (int i = 0; i < r->list->n; i++)
        if (r->list->v[i].what == what && r->list->v[i].all == r->all) {
            diags_error(r->d, v.mark, "two conditions with `%c`: the outer one would never count", text[0]);
            return;
        }
    const struct field *f = until_field(what);
    if (!read_bound(text + 1, f->dim, &v, &e)) {
        diags_error(r->d, v.mark, "%s", e.text);
        return;
    }
    if (!v.factor[0] && (v.si < f->min || v.si > f->max)) {
        diags_error(r->d, v.mark, "a %s of %g %s can not be meant: %s to %s are accepted", f->key, v.si,
                    dim_unit(f->dim), quantity_format(f->min, f->dim, low, sizeof low),
                    quantity_format(f->max, f->dim, high, sizeof high));
        return;
    }
    add(r, what, &v);
}

static void read_bounds(struct reading *r, const struct ynode *n, enum until_what below)
{
    if (!n)
        return;
    if (ynode_kind(n) != Y_LIST) {
        read_condition(r, n, below);
        return;
    }
    if (ynode_count(n) == 0)
        diags_error(r->d, ynode_mark(n), "`%s`: the list is empty", until_field(below)->key);
    for (int i = 0; i < ynode_count(n) && i < 4; i++) /* the third is one too many already */
        read_condition(r, ynode_item(n, i), below);
}

/* One map, the outer or that of `all`; *all: the latter's node. Returns the number of its keys. */
static int read_map(struct reading *r, const struct ynode *n, const struct fields *table,
                    const struct ynode **all)
{
    struct until_map m = {0};
    bool ok = schema_read(n, table, &m, r->d);
    read_bounds(r, m.potential, UNTIL_POTENTIAL_BELOW);
    read_bounds(r, m.current, UNTIL_CURRENT_BELOW);
    if (ok && m.elapsed.given)
        add(r, UNTIL_ELAPSED, &m.elapsed);
    if (ok && m.charge.given)
        add(r, UNTIL_CHARGE, &m.charge);
    if (ok && m.capacity.given)
        add(r, UNTIL_FRACTION, &m.capacity);
    bool sure = m.elapsed.given || m.charge.given;
    if (ok && table == &until_galvanostatic && !sure)
        diags_error(r->d, ynode_mark(n),
                    "`until` needs a bound that is met for sure: add `elapsed` or `charge` "
                    "(a lost drop may never reach a potential)");
    *all = m.all;
    return ynode_kind(n) == Y_MAP ? ynode_count(n) : 0;
}

static void read_all(struct reading *r, const struct ynode *n, const struct fields *table)
{
    const struct ynode *none;
    int before = diags_errors(r->d), first = r->list->n;
    r->all = true;
    read_map(r, n, table, &none);
    r->all = false;
    if (diags_errors(r->d) == before && r->list->n - first < 2)
        diags_error(r->d, ynode_mark(n),
                    "`all` holds conditions that must be met together: two or more, or write the one without "
                    "`all`");
}

void until_read(struct until_list *list, const struct fields *table, struct diags *d)
{
    struct reading r = {.list = list, .d = d};
    const struct ynode *all;
    int before = diags_errors(d);
    if (!list->node)
        return;
    int keys = read_map(&r, list->node, table, &all);
    if (all)
        read_all(&r, all, table == &until_hold ? &all_hold : &all_galvanostatic);
    if (keys == 0 && table == &until_hold && diags_errors(d) == before)
        diags_error(d, ynode_mark(list->node), "`until` needs a condition: current, charge or all");
}
