/* JSON Schema from tables.
 *
 * Dimensions are defined once under "$defs" and referred to ("length", "length-or-factor"); maps stand where
 * they are used, so that the schema reads like the file. */
#include "base/schema_json.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define NUMBER "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"

struct writer {
    struct buf *out;
    int depth;
    bool plain[DIM_COUNT], factor[DIM_COUNT]; /* definitions that are referred to */
    bool feature;
    const struct fields *step; /* table of a step, NULL = none is referred to */
    bool first;                /* nothing in the present object or array yet */
};

/* --- JSON ----------------------------------------------------------------------------------------------- */

static void new_line(struct writer *w)
{
    if (!w->first)
        buf_char(w->out, ',');
    buf_char(w->out, '\n');
    for (int i = 0; i < w->depth; i++)
        buf_str(w->out, "  ");
    w->first = false;
}

static void key(struct writer *w, const char *name)
{
    new_line(w);
    buf_json_string(w->out, name);
    buf_str(w->out, ": ");
}

static void open_with(struct writer *w, char bracket)
{
    buf_char(w->out, bracket);
    w->depth++;
    w->first = true;
}

static void close_with(struct writer *w, char bracket)
{
    w->depth--;
    if (!w->first) {
        buf_char(w->out, '\n');
        for (int i = 0; i < w->depth; i++)
            buf_str(w->out, "  ");
    }
    buf_char(w->out, bracket);
    w->first = false;
}

static void text_member(struct writer *w, const char *name, const char *text)
{
    key(w, name);
    buf_json_string(w->out, text);
}

static void raw_member(struct writer *w, const char *name, const char *json)
{
    key(w, name);
    buf_str(w->out, json);
}

static void number_member(struct writer *w, const char *name, double value)
{
    key(w, name);
    buf_json_number(w->out, value);
}

/* --- dimensions ------------------------------------------------------------------------------------------
 */

static void dim_def_name(enum dim dim, bool factor, char name[64])
{
    snprintf(name, 64, "%s%s", dim_name(dim), factor ? "-or-factor" : "");
    for (char *p = name; *p; p++)
        if (*p == ' ')
            *p = '-';
}

static void refer(struct writer *w, enum dim dim, bool factor)
{
    char name[64], ref[80];
    w->plain[dim] = true;
    w->factor[dim] = w->factor[dim] || factor;
    dim_def_name(dim, factor, name);
    snprintf(ref, sizeof ref, "#/$defs/%s", name);
    text_member(w, "$ref", ref);
}

static void factor_schema(struct writer *w)
{
    raw_member(w, "type", "\"string\"");
    text_member(w, "pattern", "^[$][A-Za-z_][A-Za-z0-9_-]*$");
    text_member(w, "description", "the level of the site of this factor of `vary.factors`");
}

/* A plain number is a number for JSON; with a unit it is a string. */
static void quantity_schema(struct writer *w, enum dim dim)
{
    char text[160];
    snprintf(text, sizeof text, "a %s such as %s", dim_name(dim), dim_example(dim));
    raw_member(w, "type", dim == DIM_NONE ? "[\"number\", \"string\"]" : "\"string\"");
    text_member(w, "pattern",
                dim == DIM_NONE ? "^" NUMBER "([ ]*[A-Za-z%].*)?$" : "^" NUMBER "[ ]*([A-Za-z%]|[^ -~]).*$");
    text_member(w, "description", text);
}

static void either(struct writer *w)
{
    key(w, "anyOf");
    open_with(w, '[');
    new_line(w);
    open_with(w, '{');
}

static void or_else(struct writer *w)
{
    close_with(w, '}');
    new_line(w);
    open_with(w, '{');
}

static void end_either(struct writer *w)
{
    close_with(w, '}');
    close_with(w, ']');
}

/* --- fields ----------------------------------------------------------------------------------------------
 */

/* How a map may be written beside its keys. */
enum map_rule {
    MAP_OR_EMPTY, /* nothing at all stands for the defaults, if no key is required (`retract:`) */
    MAP_ONLY,
    MAP_OPEN, /* further keys are the user's own */
};
static void map_schema(struct writer *w, const struct fields *table, enum map_rule rule);

static bool bounded(const struct field *f)
{
    return f->min != 0 || f->max != 0;
}

static void limits(struct writer *w, const struct field *f)
{
    if (!bounded(f))
        return;
    number_member(w, "minimum", f->min);
    number_member(w, "maximum", f->max);
}

static void whole_schema(struct writer *w, const struct field *f)
{
    raw_member(w, "type", "\"integer\"");
    limits(w, f);
}

static void list_of(struct writer *w, int least, int most)
{
    raw_member(w, "type", "\"array\"");
    if (least)
        number_member(w, "minItems", least);
    if (most)
        number_member(w, "maxItems", most);
    key(w, "items");
    open_with(w, '{');
}

static void text_schema(struct writer *w)
{
    raw_member(w, "type", "[\"string\", \"number\", \"boolean\"]");
}

static void choice_schema(struct writer *w, const struct field *f)
{
    key(w, "enum");
    open_with(w, '[');
    for (int i = f->first; f->choices[i]; i++) {
        new_line(w);
        buf_json_string(w->out, f->choices[i]);
    }
    close_with(w, ']');
}

#define STEP "#/$defs/step"

/* Steps may hold steps: the definition is referred to. */
static void steps_schema(struct writer *w)
{
    list_of(w, 1, 0);
    text_member(w, "$ref", STEP);
    close_with(w, '}');
}

static void named_steps_schema(struct writer *w)
{
    raw_member(w, "type", "\"object\"");
    number_member(w, "minProperties", 1);
    key(w, "propertyNames");
    open_with(w, '{');
    text_member(w, "pattern", "^[A-Za-z][A-Za-z0-9_-]*$");
    close_with(w, '}');
    key(w, "additionalProperties");
    open_with(w, '{');
    either(w);
    text_member(w, "$ref", STEP);
    or_else(w);
    steps_schema(w);
    end_either(w);
    close_with(w, '}');
}

static void bound_schema(struct writer *w)
{
    static const char pattern[] = "^[<>] *([$][A-Za-z][A-Za-z0-9_-]*|" NUMBER "[ ]*([A-Za-z%]|[^ -~]).*)$";
    either(w);
    raw_member(w, "type", "\"string\"");
    text_member(w, "pattern", pattern);
    or_else(w);
    list_of(w, 1, 2);
    raw_member(w, "type", "\"string\"");
    text_member(w, "pattern", pattern);
    close_with(w, '}');
    end_either(w);
}

static void factors_schema(struct writer *w, const struct fields *sub)
{
    raw_member(w, "type", "\"object\"");
    number_member(w, "minProperties", 1);
    key(w, "propertyNames");
    open_with(w, '{');
    text_member(w, "pattern", "^[A-Za-z][A-Za-z0-9_-]*$");
    number_member(w, "maxLength", 31);
    close_with(w, '}');
    key(w, "additionalProperties");
    open_with(w, '{');
    either(w);
    list_of(w, 1, 0);
    raw_member(w, "type", "[\"string\", \"number\"]");
    close_with(w, '}');
    or_else(w);
    map_schema(w, sub, MAP_ONLY);
    end_either(w);
    close_with(w, '}');
}

static void intervals_schema(struct writer *w)
{
    raw_member(w, "type", "\"object\"");
    number_member(w, "minProperties", 1);
    key(w, "propertyNames");
    open_with(w, '{');
    text_member(w, "pattern", "^([A-Za-z][A-Za-z0-9_-]*[.])?[a-z0-9_]+(@[1-9][0-9]*)?$");
    close_with(w, '}');
    key(w, "additionalProperties");
    open_with(w, '{');
    list_of(w, 2, 2);
    raw_member(w, "type", "[\"number\", \"string\"]");
    text_member(w, "pattern", "^" NUMBER "([ ]*([A-Za-z%]|[^ -~]).*)?$");
    close_with(w, '}');
    close_with(w, '}');
}

static void node_schema(struct writer *w, const struct field *f)
{
    switch (f->form) {
    case NODE_OWN:
        if (f->sub)
            map_schema(w, f->sub, MAP_ONLY);
        return;
    case NODE_FILE_OR_MAP:
        either(w);
        raw_member(w, "type", "\"string\"");
        text_member(w, "description", "name of a file");
        or_else(w);
        map_schema(w, f->sub, MAP_ONLY);
        end_either(w);
        return;
    case NODE_STEPS:
        steps_schema(w);
        if (f->sub)
            w->step = f->sub;
        return;
    case NODE_NAMED_STEPS:
        named_steps_schema(w);
        return;
    case NODE_NAME_OR_MAP:
        either(w);
        text_schema(w);
        or_else(w);
        map_schema(w, f->sub, MAP_ONLY);
        end_either(w);
        return;
    case NODE_OF_FEATURE:
        w->feature = true;
        text_member(w, "$ref", "#/$defs/quantity-of-feature");
        return;
    case NODE_BOUND:
        bound_schema(w);
        return;
    case NODE_FACTORS:
        factors_schema(w, f->sub);
        return;
    case NODE_NAME_LISTS:
        list_of(w, 1, 0);
        list_of(w, 2, 0);
        raw_member(w, "type", "\"string\"");
        close_with(w, '}');
        close_with(w, '}');
        return;
    case NODE_INTERVALS:
        intervals_schema(w);
        return;
    case NODE_AMOUNT:
        raw_member(w, "type", "[\"number\", \"string\"]");
        text_member(w, "pattern", "^" NUMBER "([ ]*([A-Za-z%]|[^ -~]).*)?$");
        return;
    case NODE_POINTS:
        list_of(w, 1, 0);
        either(w);
        list_of(w, 2, 2);
        raw_member(w, "type", "[\"number\", \"string\"]");
        close_with(w, '}');
        or_else(w);
        map_schema(w, f->sub, MAP_OPEN);
        end_either(w);
        close_with(w, '}');
        return;
    }
}

static void value_schema(struct writer *w, const struct field *f)
{
    switch (f->kind) {
    case FIELD_STRING:
        text_schema(w);
        return;
    case FIELD_INT:
    case FIELD_FORMAT:
        whole_schema(w, f);
        return;
    case FIELD_BOOL:
        raw_member(w, "enum", "[true, false, \"yes\", \"no\"]");
        return;
    case FIELD_QUANTITY:
    case FIELD_VALUE:
        refer(w, f->dim, f->kind == FIELD_VALUE);
        if (f->dim == DIM_NONE)
            limits(w, f);
        return;
    case FIELD_COUNT:
        either(w);
        whole_schema(w, f);
        or_else(w);
        factor_schema(w);
        end_either(w);
        return;
    case FIELD_VALUES:
        if (f->or_one) {
            either(w);
            refer(w, f->dim, true);
            or_else(w);
        }
        list_of(w, f->least ? f->least : 1, 0);
        refer(w, f->dim, true);
        close_with(w, '}');
        if (f->or_one)
            end_either(w);
        return;
    case FIELD_PAIR:
    case FIELD_POINT:
        list_of(w, 2, 2);
        refer(w, f->dim, false);
        close_with(w, '}');
        return;
    case FIELD_POINTS:
        list_of(w, 1, 0);
        list_of(w, 2, 2);
        refer(w, f->dim, false);
        close_with(w, '}');
        close_with(w, '}');
        return;
    case FIELD_STRINGS:
        list_of(w, 1, 0);
        text_schema(w);
        close_with(w, '}');
        return;
    case FIELD_LIST:
        list_of(w, 1, 0);
        map_schema(w, f->sub, MAP_OR_EMPTY);
        close_with(w, '}');
        return;
    case FIELD_CHOICE:
        choice_schema(w, f);
        return;
    case FIELD_SIGN:
        raw_member(w, "enum", "[1, -1, \"+1\", \"-1\"]");
        return;
    case FIELD_MAP:
        map_schema(w, f->sub, MAP_OR_EMPTY);
        return;
    case FIELD_NODE:
        node_schema(w, f);
        return;
    }
}

/* Help, and the range where it can not be said otherwise. */
static void describe(struct writer *w, const struct field *f)
{
    struct buf text = {0};
    char low[48], high[48];
    bool quantity = f->kind == FIELD_QUANTITY || f->kind == FIELD_VALUE || f->kind == FIELD_VALUES ||
                    f->kind == FIELD_PAIR || f->kind == FIELD_POINT || f->kind == FIELD_POINTS;
    buf_str(&text, f->help ? f->help : "");
    if (quantity && bounded(f))
        buf_printf(&text, "; %s to %s", quantity_format(f->min, f->dim, low, sizeof low),
                   quantity_format(f->max, f->dim, high, sizeof high));
    text_member(w, "description", text.p);
    buf_free(&text);
}

static void default_of(struct writer *w, const struct field *f)
{
    double number;
    if (!f->fallback)
        return;
    if (f->kind != FIELD_STRING && f->kind != FIELD_CHOICE && number_parse(f->fallback, &number))
        number_member(w, "default", number);
    else
        text_member(w, "default", f->fallback);
}

static bool has_required(const struct fields *table)
{
    for (int i = 0; i < table->n; i++)
        if (table->field[i].required)
            return true;
    return false;
}

static void required_keys(struct writer *w, const struct fields *table)
{
    key(w, "required");
    open_with(w, '[');
    for (int i = 0; i < table->n; i++)
        if (table->field[i].required) {
            new_line(w);
            buf_json_string(w->out, table->field[i].key);
        }
    close_with(w, ']');
}

static void any_of(struct writer *w, const char *const *keys)
{
    key(w, "anyOf");
    open_with(w, '[');
    for (int i = 0; keys[i]; i++) {
        new_line(w);
        buf_str(w->out, "{\"required\": [");
        buf_json_string(w->out, keys[i]);
        buf_str(w->out, "]}");
    }
    close_with(w, ']');
}

static void use_of(struct writer *w, const struct fields *table, unsigned bit)
{
    key(w, "then");
    open_with(w, '{');
    key(w, "required");
    open_with(w, '[');
    for (int i = 0; i < table->n_use; i++)
        if (table->use[i].needed & bit) {
            new_line(w);
            buf_json_string(w->out, table->use[i].key);
        }
    close_with(w, ']');
    key(w, "properties");
    open_with(w, '{');
    for (int i = 0; i < table->n_use; i++)
        if (!(table->use[i].possible & bit))
            raw_member(w, table->use[i].key, "false");
    close_with(w, '}');
    close_with(w, '}');
}

/* For each choice of the selector: which keys are needed then, and which have no meaning. */
static void uses(struct writer *w, const struct fields *table)
{
    const struct field *f = table->field;
    while (strcmp(f->key, table->selector) != 0)
        f++;
    key(w, "allOf");
    open_with(w, '[');
    for (int k = f->required ? 0 : -1; k < 0 || f->choices[k]; k++) {
        struct buf when = {0};
        buf_printf(&when, "{\"required\": [\"%s\"]", f->key);
        if (k >= 0)
            buf_printf(&when, ", \"properties\": {\"%s\": {\"enum\": [\"%s\"]}}", f->key, f->choices[k]);
        buf_char(&when, '}');
        struct buf absent = {0};
        buf_printf(&absent, "{\"not\": %s}", when.p);
        new_line(w);
        open_with(w, '{');
        raw_member(w, "if", k < 0 ? absent.p : when.p);
        use_of(w, table, k < 0 ? USE_ABSENT : 1u << k);
        close_with(w, '}');
        buf_free(&when);
        buf_free(&absent);
    }
    close_with(w, ']');
}

static void map_schema(struct writer *w, const struct fields *table, enum map_rule rule)
{
    bool may_be_empty = rule == MAP_OR_EMPTY && !has_required(table) && !table->any_of;
    raw_member(w, "type", may_be_empty ? "[\"object\", \"null\"]" : "\"object\"");
    if (has_required(table))
        required_keys(w, table);
    if (table->any_of)
        any_of(w, table->any_of);
    if (table->selector)
        uses(w, table);
    if (rule != MAP_OPEN)
        raw_member(w, "additionalProperties", "false");
    key(w, "properties");
    open_with(w, '{');
    for (int i = 0; i < table->n; i++) {
        const struct field *f = &table->field[i];
        key(w, f->key);
        open_with(w, '{');
        describe(w, f);
        if (rule == MAP_OPEN && f->kind == FIELD_QUANTITY) /* of a point: its unit may stand elsewhere */
            raw_member(w, "type", "[\"number\", \"string\"]");
        else
            value_schema(w, f);
        default_of(w, f);
        close_with(w, '}');
    }
    close_with(w, '}');
}

/* --- definitions that are referred to ----------------------------------------------------------------------
 */

/* One of the keys of the table, exactly. */
static void step_definition(struct writer *w)
{
    key(w, "step");
    open_with(w, '{');
    map_schema(w, w->step, MAP_ONLY);
    number_member(w, "minProperties", 1);
    number_member(w, "maxProperties", 1);
    close_with(w, '}');
}

/* A quantity whose dimension only the name of a feature tells. */
static void feature_definition(struct writer *w)
{
    key(w, "quantity-of-feature");
    open_with(w, '{');
    raw_member(w, "type", "[\"number\", \"string\"]");
    text_member(w, "pattern", "^(" NUMBER "([ ]*([A-Za-z%]|[^ -~]).*)?|[$][A-Za-z_][A-Za-z0-9_-]*)$");
    text_member(w, "description", "a quantity of the dimension of the feature, or $name of a factor");
    close_with(w, '}');
}

static void definitions(struct writer *w)
{
    key(w, "$defs");
    open_with(w, '{');
    if (w->step)
        step_definition(w);
    for (int k = 0; k < DIM_COUNT; k++) {
        char name[64], ref[80];
        if (!w->plain[k])
            continue;
        dim_def_name((enum dim)k, false, name);
        snprintf(ref, sizeof ref, "#/$defs/%s", name);
        key(w, name);
        open_with(w, '{');
        quantity_schema(w, (enum dim)k);
        close_with(w, '}');
        if (!w->factor[k])
            continue;
        dim_def_name((enum dim)k, true, name);
        key(w, name);
        open_with(w, '{');
        either(w);
        text_member(w, "$ref", ref);
        or_else(w);
        factor_schema(w);
        end_either(w);
        close_with(w, '}');
    }
    if (w->feature)
        feature_definition(w);
    close_with(w, '}');
}

void schema_json(const struct fields *table, const char *id, const char *title, struct buf *out)
{
    struct writer w = {.out = out};
    open_with(&w, '{');
    text_member(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    text_member(&w, "$id", id);
    text_member(&w, "title", title);
    map_schema(&w, table, MAP_ONLY);
    definitions(&w);
    close_with(&w, '}');
    buf_char(out, '\n');
}
