/* The steps of a site: one table per kind, read into one struct.
 *
 * An entry of `site` is a map with one key, the kind. Conditions of `until` are scalars like any other, but
 * for the potential, which carries its direction: "< 0.05 V". */
#include "protocol/step.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define S(member)           offsetof(struct step, member)
#define VALUE(dim_, member) FIELD_VALUE, DIM_##dim_, S(member)
#define NAME_FIELD                                                                                           \
    {                                                                                                        \
        "name", FIELD_STRING, DIM_NONE, S(name), false, NULL, 0, 0, NULL, NULL, name_help                    \
    }
#define BETWEEN_FIELD                                                                                        \
    {                                                                                                        \
        "between", FIELD_CHOICE, DIM_NONE, S(between), false, "hold", 0, 0, betweens, NULL, between_help     \
    }
#define SAMPLE_FIELD                                                                                         \
    {                                                                                                        \
        "sample", VALUE(TIME, interval), false, "10 ms", 10e-6, 3600, NULL, NULL, "time between samples"     \
    }

static const char *const betweens[] = {"hold", "open", NULL};
static const char name_help[] = "name of the step in tables and features; kind and number if left out";
static const char between_help[] =
    "state of the cell if a gap before this step can not be avoided: held at a potential, or open";

static const struct field hold_table[] = {
    NAME_FIELD,
    {"potential", VALUE(POTENTIAL, potential), true, NULL, -20, 20, NULL, NULL, "potential that is held"},
    {"for", VALUE(TIME, duration), true, NULL, 1e-3, 1e6, NULL, NULL, "how long"},
    SAMPLE_FIELD,
    BETWEEN_FIELD,
};

static const struct field cv_table[] = {
    NAME_FIELD,
    {"start", VALUE(POTENTIAL, start), true, NULL, -20, 20, NULL, NULL, "potential at which it begins"},
    {"vertices", FIELD_VALUES, DIM_POTENTIAL, S(vertices), true, NULL, -20, 20, NULL, NULL,
     "the two turning points; each cycle ends at the second", .items = 2},
    {"rate", VALUE(SCAN_RATE, rate), true, NULL, 1e-6, 1000, NULL, NULL, "scan rate"},
    {"cycles", FIELD_COUNT, DIM_NONE, S(cycles), false, "1", 1, 100000, NULL, NULL, "number of cycles"},
    {"step", VALUE(POTENTIAL, step), false, "2 mV", 1e-6, 1, NULL, NULL,
     "potential from one sample to the next"},
    BETWEEN_FIELD,
};

static const struct field galvanostatic_table[] = {
    NAME_FIELD,
    {"current", VALUE(CURRENT, current), true, NULL, -1, 1, NULL, NULL,
     "current, oxidation of the sample positive"},
    {"until", FIELD_NODE, DIM_NONE, S(until_node), true, NULL, 0, 0, NULL, &until_fields,
     "what ends the step: whichever comes first"},
    SAMPLE_FIELD,
    BETWEEN_FIELD,
};

static const struct field ocp_table[] = {
    NAME_FIELD,
    {"for", VALUE(TIME, duration), true, NULL, 1e-3, 1e6, NULL, NULL, "how long"},
    SAMPLE_FIELD,
};

static const struct fields tables[] = {
    [STEP_HOLD] = FIELDS("the hold step", hold_table),
    [STEP_CV] = FIELDS("the cv step", cv_table),
    [STEP_GALVANOSTATIC] = FIELDS("the galvanostatic step", galvanostatic_table),
    [STEP_OCP] = FIELDS("the ocp step", ocp_table),
};
static const char *const kind_names[] = {"hold", "cv", "galvanostatic", "ocp", NULL};
#define N_KINDS 4

static const struct field site_table[] = {
    {"hold", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tables[STEP_HOLD],
     "keeps a potential (chronoamperometry)"},
    {"cv", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tables[STEP_CV], "cyclic voltammetry"},
    {"galvanostatic", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tables[STEP_GALVANOSTATIC],
     "constant current until a condition"},
    {"ocp", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tables[STEP_OCP],
     "open circuit, potential recorded"},
};
const struct fields site_fields = FIELDS("a step of `site`", site_table);

struct until_map {
    const struct ynode *potential;
    struct value elapsed, charge;
};

static const struct field until_table[] = {
    {"potential", FIELD_NODE, DIM_POTENTIAL, offsetof(struct until_map, potential), false, NULL, -20, 20,
     NULL, NULL, "\"< 0.05 V\" or \"> 1.5 V\", or a list of one of each", NODE_BOUND},
    {"elapsed", FIELD_VALUE, DIM_TIME, offsetof(struct until_map, elapsed), false, NULL, 1e-3, 1e6, NULL,
     NULL, "time since the step began"},
    {"charge", FIELD_VALUE, DIM_CHARGE, offsetof(struct until_map, charge), false, NULL, 1e-18, 1, NULL, NULL,
     "magnitude of the charge that has flowed"},
};
/* A lost drop may never reach a potential: one of these ends the step for sure. */
static const char *const until_sure[] = {"elapsed", "charge", NULL};
const struct fields until_fields = {
    .what = "`until`",
    .field = until_table,
    .n = sizeof until_table / sizeof until_table[0],
    .any_of = until_sure,
};

const char *step_kind_name(enum step_kind k)
{
    return kind_names[k];
}

const struct fields *step_fields(enum step_kind k)
{
    return &tables[k];
}

const struct field *until_field(enum until_what w)
{
    return &until_table[w == UNTIL_ELAPSED ? 1 : w == UNTIL_CHARGE ? 2 : 0];
}

bool name_is_plain(const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (!text[0] || !strchr(letters, text[0]))
        return false;
    for (; *text; text++)
        if (!strchr(letters, *text) && !strchr("0123456789-_", *text))
            return false;
    return true;
}

/* --- until -----------------------------------------------------------------------------------------------
 */

static void add_until(struct step *s, enum until_what what, const struct value *v)
{
    if (s->n_until < UNTIL_MAX)
        s->until[s->n_until++] = (struct until_value){what, *v};
}

/* The text behind the sign of a condition: a potential or `$factor`. */
static bool read_bound(const char *text, struct value *v, struct err *e)
{
    text += strspn(text, " ");
    if (text[0] != '$')
        return quantity_parse(text, DIM_POTENTIAL, &v->si, e);
    if (!name_is_plain(text + 1) || strlen(text + 1) >= sizeof v->factor)
        return err_set(e, ERR_INPUT, "`%.40s` is not the name of a factor", text);
    snprintf(v->factor, sizeof v->factor, "%s", text + 1);
    return true;
}

static void read_condition(const struct ynode *n, struct step *s, struct diags *d)
{
    struct err e = ERR_INIT;
    struct value v = {.si = NAN, .given = true, .mark = ynode_mark(n)};
    const char *text = ynode_text(n);
    if (!text || (text[0] != '<' && text[0] != '>') || text[1] == '=') {
        diags_error(d, v.mark,
                    "a condition on the potential is written with its direction, "
                    "for example \"< 0.05 V\" or \"> 1.5 V\"");
        return;
    }
    enum until_what what = text[0] == '<' ? UNTIL_POTENTIAL_BELOW : UNTIL_POTENTIAL_ABOVE;
    for (int i = 0; i < s->n_until; i++)
        if (s->until[i].what == what) {
            diags_error(d, v.mark, "two conditions with `%c`: the outer one would never count", text[0]);
            return;
        }
    if (!read_bound(text + 1, &v, &e)) {
        diags_error(d, v.mark, "%s", e.text);
        return;
    }
    const struct field *f = until_field(what);
    if (!v.factor[0] && (v.si < f->min || v.si > f->max)) {
        diags_error(d, v.mark, "a potential of %g V can not be meant: %g V to %g V are accepted", v.si,
                    f->min, f->max);
        return;
    }
    add_until(s, what, &v);
}

static void read_until(struct step *s, struct diags *d)
{
    struct until_map m = {0};
    bool ok = schema_read(s->until_node, &until_fields, &m, d);
    if (m.potential && ynode_kind(m.potential) == Y_LIST && ynode_count(m.potential) == 0)
        diags_error(d, ynode_mark(m.potential), "`potential`: the list is empty");
    if (m.potential && ynode_kind(m.potential) == Y_LIST)
        for (int i = 0; i < ynode_count(m.potential); i++)
            read_condition(ynode_item(m.potential, i), s, d);
    else if (m.potential)
        read_condition(m.potential, s, d);
    if (ok && m.elapsed.given)
        add_until(s, UNTIL_ELAPSED, &m.elapsed);
    if (ok && m.charge.given)
        add_until(s, UNTIL_CHARGE, &m.charge);
    if (ok && !m.elapsed.given && !m.charge.given)
        diags_error(d, ynode_mark(s->until_node),
                    "`until` needs a bound that is met for sure: add `elapsed` or `charge` "
                    "(a lost drop may never reach a potential)");
}

/* --- steps -----------------------------------------------------------------------------------------------
 */

static int kind_of(const struct ynode *entry, struct diags *d)
{
    const char *key = ynode_key(entry, 0);
    for (int k = 0; k < N_KINDS; k++)
        if (strcmp(key, kind_names[k]) == 0)
            return k;
    diags_error(d, ynode_key_mark(entry, 0),
                "there is no step `%.40s`; this version has hold, cv, galvanostatic and ocp", key);
    const char *nearest = text_nearest(key, kind_names);
    if (nearest)
        diags_hint(d, "did you mean `%s`?", nearest);
    return -1;
}

static void check_vertices(const struct step *s, const struct ynode *map, struct diags *d)
{
    if (s->vertices.n == 2)
        return;
    const struct ynode *list = ynode_get(map, "vertices");
    if (list && ynode_kind(list) == Y_LIST)
        diags_error(d, ynode_mark(list),
                    "a cv has two vertices in this version, the turning point and the end of each cycle, "
                    "for example [0.05 V, 3 V]; found %d",
                    ynode_count(list));
}

/* One entry of the list; `s` is zeroed. False if nothing of it can be used. */
static bool read_entry(const struct ynode *entry, struct step *s, struct diags *d)
{
    if (ynode_kind(entry) != Y_MAP || ynode_count(entry) != 1) {
        diags_error(d, ynode_mark(entry),
                    "each step is an entry of its own with one key, for example "
                    "`- hold: {potential: 3 V, for: 1 s}`");
        return false;
    }
    int kind = kind_of(entry, d);
    if (kind < 0)
        return false;
    const struct ynode *map = ynode_value(entry, 0);
    s->kind = (enum step_kind)kind;
    s->mark = ynode_key_mark(entry, 0);
    int before = diags_errors(d);
    schema_read(map, &tables[kind], s, d);
    if (kind == STEP_CV && diags_errors(d) == before)
        check_vertices(s, map, d);
    if (s->until_node)
        read_until(s, d);
    if (s->name && !name_is_plain(s->name))
        diags_error(d, ynode_mark(ynode_get(map, "name")),
                    "`%.40s` can not name a step: use letters, digits, - and _, a letter first", s->name);
    return true;
}

static bool name_taken(const struct protocol *p, const char *name)
{
    for (int i = 0; i < p->n_steps; i++)
        if (p->step[i].name && strcmp(p->step[i].name, name) == 0)
            return true;
    return false;
}

/* Steps without a name get kind and number within the kind, skipping names that are taken. */
static void name_steps(struct protocol *p)
{
    int number[N_KINDS] = {0};
    for (int i = 0; i < p->n_steps; i++) {
        struct step *s = &p->step[i];
        number[s->kind]++;
        if (s->name)
            continue;
        char name[48];
        do
            snprintf(name, sizeof name, "%s%d", kind_names[s->kind], number[s->kind]);
        while (name_taken(p, name) && ++number[s->kind]);
        s->name = xstrdup(name);
    }
}

static void check_names(const struct protocol *p, struct diags *d)
{
    for (int i = 0; i < p->n_steps; i++)
        for (int k = 0; k < i; k++)
            if (p->step[i].name && p->step[k].name && strcmp(p->step[i].name, p->step[k].name) == 0) {
                diags_error(d, p->step[i].mark, "a second step named `%.40s`; the first is in line %d",
                            p->step[i].name, p->step[k].mark.line);
                break;
            }
}

void step_read_all(struct protocol *p, struct diags *d)
{
    const struct ynode *list = p->site_node;
    if (!list)
        return;
    if (ynode_kind(list) != Y_LIST || ynode_count(list) == 0) {
        diags_error(d, ynode_mark(list), "`site` is a list of steps, each beginning with `- `");
        return;
    }
    if (ynode_count(list) > STEP_MAX) {
        diags_error(d, ynode_mark(list), "%d steps at each site; at most %d are possible", ynode_count(list),
                    STEP_MAX);
        return;
    }
    p->step = xcalloc((size_t)ynode_count(list), sizeof *p->step);
    for (int i = 0; i < ynode_count(list); i++) {
        struct step *s = &p->step[p->n_steps];
        if (read_entry(ynode_item(list, i), s, d))
            p->n_steps++;
    }
    check_names(p, d);
    name_steps(p);
}

void step_free_all(struct protocol *p)
{
    for (int i = 0; i < p->n_steps; i++)
        schema_free(&tables[p->step[i].kind], &p->step[i]);
    free(p->step);
}
