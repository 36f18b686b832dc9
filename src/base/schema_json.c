/* JSON Schema from tables.
 *
 * Dimensions are defined once under "$defs" and referred to ("length", "length-or-factor"); maps stand where
 * they are used, so that the schema reads like the file. */
#include "base/schema_json.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_writer.h"

#define NUMBER "[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([eE][+-]?[0-9]+)?"

struct writer {
    struct json_writer json;
    bool plain[DIM_COUNT], factor[DIM_COUNT]; /* definitions that are referred to */
    bool feature;
    const struct fields *step; /* table of a step, NULL = none is referred to */
    const struct fields *elsewhere;
};

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
    json_text(&w->json, "$ref", ref);
}

static void factor_schema(struct writer *w)
{
    json_raw(&w->json, "type", "\"string\"");
    json_text(&w->json, "pattern", "^[$][A-Za-z_][A-Za-z0-9_-]*$");
    json_text(&w->json, "description", "the level of the site of this factor of `vary.factors`");
}

/* A plain number is a number for JSON; with a unit it is a string. */
static void quantity_schema(struct writer *w, enum dim dim)
{
    char text[160];
    snprintf(text, sizeof text, "a %s such as %s", dim_name(dim), dim_example(dim));
    json_raw(&w->json, "type", dim == DIM_NONE ? "[\"number\", \"string\"]" : "\"string\"");
    json_text(&w->json, "pattern",
              dim == DIM_NONE ? "^" NUMBER "([ ]*[A-Za-z%].*)?$" : "^" NUMBER "[ ]*([A-Za-z%]|[^ -~]).*$");
    json_text(&w->json, "description", text);
}

static void either(struct writer *w)
{
    json_key(&w->json, "anyOf");
    json_open(&w->json, '[');
    json_new_line(&w->json);
    json_open(&w->json, '{');
}

static void or_else(struct writer *w)
{
    json_close(&w->json, '}');
    json_new_line(&w->json);
    json_open(&w->json, '{');
}

static void end_either(struct writer *w)
{
    json_close(&w->json, '}');
    json_close(&w->json, ']');
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
    json_number(&w->json, "minimum", f->min);
    json_number(&w->json, "maximum", f->max);
}

static void whole_schema(struct writer *w, const struct field *f)
{
    json_raw(&w->json, "type", "\"integer\"");
    limits(w, f);
}

static void list_of(struct writer *w, int least, int most)
{
    json_raw(&w->json, "type", "\"array\"");
    if (least)
        json_number(&w->json, "minItems", least);
    if (most)
        json_number(&w->json, "maxItems", most);
    json_key(&w->json, "items");
    json_open(&w->json, '{');
}

static void text_schema(struct writer *w)
{
    json_raw(&w->json, "type", "[\"string\", \"number\", \"boolean\"]");
}

static void choice_schema(struct writer *w, const struct field *f)
{
    json_key(&w->json, "enum");
    json_open(&w->json, '[');
    for (int i = f->first; f->choices[i]; i++) {
        json_new_line(&w->json);
        buf_json_string(w->json.out, f->choices[i]);
    }
    json_close(&w->json, ']');
}

#define STEP "#/$defs/step"

/* Steps may hold steps: the definition is referred to. */
static void steps_schema(struct writer *w)
{
    list_of(w, 1, 0);
    json_text(&w->json, "$ref", STEP);
    json_close(&w->json, '}');
}

static void named_steps_schema(struct writer *w)
{
    json_raw(&w->json, "type", "\"object\"");
    json_number(&w->json, "minProperties", 1);
    json_key(&w->json, "propertyNames");
    json_open(&w->json, '{');
    json_text(&w->json, "pattern", "^[A-Za-z][A-Za-z0-9_-]*$");
    json_close(&w->json, '}');
    json_key(&w->json, "additionalProperties");
    json_open(&w->json, '{');
    either(w);
    json_text(&w->json, "$ref", STEP);
    or_else(w);
    steps_schema(w);
    end_either(w);
    json_close(&w->json, '}');
}

static void bound_schema(struct writer *w)
{
    static const char pattern[] = "^[<>] *([$][A-Za-z][A-Za-z0-9_-]*|" NUMBER "[ ]*([A-Za-z%]|[^ -~]).*)$";
    either(w);
    json_raw(&w->json, "type", "\"string\"");
    json_text(&w->json, "pattern", pattern);
    or_else(w);
    list_of(w, 1, 2);
    json_raw(&w->json, "type", "\"string\"");
    json_text(&w->json, "pattern", pattern);
    json_close(&w->json, '}');
    end_either(w);
}

static void factors_schema(struct writer *w, const struct fields *sub)
{
    json_raw(&w->json, "type", "\"object\"");
    json_number(&w->json, "minProperties", 1);
    json_key(&w->json, "propertyNames");
    json_open(&w->json, '{');
    json_text(&w->json, "pattern", "^[A-Za-z][A-Za-z0-9_-]*$");
    json_number(&w->json, "maxLength", 31);
    json_close(&w->json, '}');
    json_key(&w->json, "additionalProperties");
    json_open(&w->json, '{');
    either(w);
    list_of(w, 1, 0);
    json_raw(&w->json, "type", "[\"string\", \"number\"]");
    json_close(&w->json, '}');
    or_else(w);
    map_schema(w, sub, MAP_ONLY);
    end_either(w);
    json_close(&w->json, '}');
}

static void intervals_schema(struct writer *w)
{
    json_raw(&w->json, "type", "\"object\"");
    json_number(&w->json, "minProperties", 1);
    json_key(&w->json, "propertyNames");
    json_open(&w->json, '{');
    json_text(&w->json, "pattern", "^([A-Za-z][A-Za-z0-9_-]*[.])?[a-z0-9_]+(@[1-9][0-9]*)?$");
    json_close(&w->json, '}');
    json_key(&w->json, "additionalProperties");
    json_open(&w->json, '{');
    list_of(w, 2, 2);
    json_raw(&w->json, "type", "[\"number\", \"string\"]");
    json_text(&w->json, "pattern", "^" NUMBER "([ ]*([A-Za-z%]|[^ -~]).*)?$");
    json_close(&w->json, '}');
    json_close(&w->json, '}');
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
        json_raw(&w->json, "type", "\"string\"");
        json_text(&w->json, "description", "name of a file");
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
        json_text(&w->json, "$ref", "#/$defs/quantity-of-feature");
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
        json_raw(&w->json, "type", "\"string\"");
        json_close(&w->json, '}');
        json_close(&w->json, '}');
        return;
    case NODE_INTERVALS:
        intervals_schema(w);
        return;
    case NODE_AMOUNT:
        json_raw(&w->json, "type", "[\"number\", \"string\"]");
        json_text(&w->json, "pattern", "^" NUMBER "([ ]*([A-Za-z%]|[^ -~]).*)?$");
        return;
    case NODE_MAPS:
        list_of(w, f->least, 0);
        map_schema(w, f->sub, MAP_OR_EMPTY);
        json_close(&w->json, '}');
        return;
    case NODE_ELSEWHERE:
        if (w->elsewhere)
            map_schema(w, w->elsewhere, MAP_OR_EMPTY);
        return;
    case NODE_POINTS:
        list_of(w, 1, 0);
        either(w);
        list_of(w, 2, 2);
        json_raw(&w->json, "type", "[\"number\", \"string\"]");
        json_close(&w->json, '}');
        or_else(w);
        map_schema(w, f->sub, MAP_OPEN);
        end_either(w);
        json_close(&w->json, '}');
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
        json_raw(&w->json, "enum", "[true, false, \"yes\", \"no\"]");
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
        json_close(&w->json, '}');
        if (f->or_one)
            end_either(w);
        return;
    case FIELD_PAIR:
    case FIELD_POINT:
        list_of(w, 2, 2);
        refer(w, f->dim, false);
        json_close(&w->json, '}');
        return;
    case FIELD_POINTS:
        list_of(w, 1, 0);
        list_of(w, 2, 2);
        refer(w, f->dim, false);
        json_close(&w->json, '}');
        json_close(&w->json, '}');
        return;
    case FIELD_STRINGS:
        list_of(w, 1, 0);
        text_schema(w);
        json_close(&w->json, '}');
        return;
    case FIELD_LIST:
        list_of(w, 1, 0);
        map_schema(w, f->sub, MAP_OR_EMPTY);
        json_close(&w->json, '}');
        return;
    case FIELD_CHOICE:
        choice_schema(w, f);
        return;
    case FIELD_SIGN:
        json_raw(&w->json, "enum", "[1, -1, \"+1\", \"-1\"]");
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
    json_text(&w->json, "description", text.p);
    buf_free(&text);
}

static void default_of(struct writer *w, const struct field *f)
{
    double number;
    if (!f->fallback)
        return;
    if (f->kind != FIELD_STRING && f->kind != FIELD_CHOICE && number_parse(f->fallback, &number))
        json_number(&w->json, "default", number);
    else
        json_text(&w->json, "default", f->fallback);
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
    json_key(&w->json, "required");
    json_open(&w->json, '[');
    for (int i = 0; i < table->n; i++)
        if (table->field[i].required) {
            json_new_line(&w->json);
            buf_json_string(w->json.out, table->field[i].key);
        }
    json_close(&w->json, ']');
}

static void any_of(struct writer *w, const char *const *keys)
{
    json_key(&w->json, "anyOf");
    json_open(&w->json, '[');
    for (int i = 0; keys[i]; i++) {
        json_new_line(&w->json);
        buf_str(w->json.out, "{\"required\": [");
        buf_json_string(w->json.out, keys[i]);
        buf_str(w->json.out, "]}");
    }
    json_close(&w->json, ']');
}

static void use_of(struct writer *w, const struct fields *table, unsigned bit)
{
    json_key(&w->json, "then");
    json_open(&w->json, '{');
    json_key(&w->json, "required");
    json_open(&w->json, '[');
    for (int i = 0; i < table->n_use; i++)
        if (table->use[i].needed & bit) {
            json_new_line(&w->json);
            buf_json_string(w->json.out, table->use[i].key);
        }
    json_close(&w->json, ']');
    json_key(&w->json, "properties");
    json_open(&w->json, '{');
    for (int i = 0; i < table->n_use; i++)
        if (!(table->use[i].possible & bit))
            json_raw(&w->json, table->use[i].key, "false");
    json_close(&w->json, '}');
    json_close(&w->json, '}');
}

/* For each choice of the selector: which keys are needed then, and which have no meaning. */
static void uses(struct writer *w, const struct fields *table)
{
    const struct field *f = table->field;
    while (strcmp(f->key, table->selector) != 0)
        f++;
    json_key(&w->json, "allOf");
    json_open(&w->json, '[');
    for (int k = f->required ? 0 : -1; k < 0 || f->choices[k]; k++) {
        struct buf when = {0};
        buf_printf(&when, "{\"required\": [\"%s\"]", f->key);
        if (k >= 0)
            buf_printf(&when, ", \"properties\": {\"%s\": {\"enum\": [\"%s\"]}}", f->key, f->choices[k]);
        buf_char(&when, '}');
        struct buf absent = {0};
        buf_printf(&absent, "{\"not\": %s}", when.p);
        json_new_line(&w->json);
        json_open(&w->json, '{');
        json_raw(&w->json, "if", k < 0 ? absent.p : when.p);
        use_of(w, table, k < 0 ? USE_ABSENT : 1u << k);
        json_close(&w->json, '}');
        buf_free(&when);
        buf_free(&absent);
    }
    json_close(&w->json, ']');
}

static void map_schema(struct writer *w, const struct fields *table, enum map_rule rule)
{
    bool may_be_empty = rule == MAP_OR_EMPTY && !has_required(table) && !table->any_of;
    json_raw(&w->json, "type", may_be_empty ? "[\"object\", \"null\"]" : "\"object\"");
    if (has_required(table))
        required_keys(w, table);
    if (table->any_of)
        any_of(w, table->any_of);
    if (table->selector)
        uses(w, table);
    if (rule != MAP_OPEN)
        json_raw(&w->json, "additionalProperties", "false");
    json_key(&w->json, "properties");
    json_open(&w->json, '{');
    for (int i = 0; i < table->n; i++) {
        const struct field *f = &table->field[i];
        json_key(&w->json, f->key);
        json_open(&w->json, '{');
        describe(w, f);
        if (rule == MAP_OPEN && f->kind == FIELD_QUANTITY) /* of a point: its unit may stand elsewhere */
            json_raw(&w->json, "type", "[\"number\", \"string\"]");
        else
            value_schema(w, f);
        default_of(w, f);
        json_close(&w->json, '}');
    }
    json_close(&w->json, '}');
}

/* --- definitions that are referred to ----------------------------------------------------------------------
 */

/* One of the keys of the table, exactly. */
static void step_definition(struct writer *w)
{
    json_key(&w->json, "step");
    json_open(&w->json, '{');
    map_schema(w, w->step, MAP_ONLY);
    json_number(&w->json, "minProperties", 1);
    json_number(&w->json, "maxProperties", 1);
    json_close(&w->json, '}');
}

/* A quantity whose dimension only the name of a feature tells. */
static void feature_definition(struct writer *w)
{
    json_key(&w->json, "quantity-of-feature");
    json_open(&w->json, '{');
    json_raw(&w->json, "type", "[\"number\", \"string\"]");
    json_text(&w->json, "pattern", "^(" NUMBER "([ ]*([A-Za-z%]|[^ -~]).*)?|[$][A-Za-z_][A-Za-z0-9_-]*)$");
    json_text(&w->json, "description", "a quantity of the dimension of the feature, or $name of a factor");
    json_close(&w->json, '}');
}

static void definitions(struct writer *w)
{
    json_key(&w->json, "$defs");
    json_open(&w->json, '{');
    if (w->step)
        step_definition(w);
    for (int k = 0; k < DIM_COUNT; k++) {
        char name[64], ref[80];
        if (!w->plain[k])
            continue;
        dim_def_name((enum dim)k, false, name);
        snprintf(ref, sizeof ref, "#/$defs/%s", name);
        json_key(&w->json, name);
        json_open(&w->json, '{');
        quantity_schema(w, (enum dim)k);
        json_close(&w->json, '}');
        if (!w->factor[k])
            continue;
        dim_def_name((enum dim)k, true, name);
        json_key(&w->json, name);
        json_open(&w->json, '{');
        either(w);
        json_text(&w->json, "$ref", ref);
        or_else(w);
        factor_schema(w);
        end_either(w);
        json_close(&w->json, '}');
    }
    if (w->feature)
        feature_definition(w);
    json_close(&w->json, '}');
}

void schema_json(const struct fields *table, const char *id, const char *title,
                 const struct fields *elsewhere, struct buf *out)
{
    struct writer w = {.json = {.out = out}, .elsewhere = elsewhere};
    json_open(&w.json, '{');
    json_text(&w.json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    json_text(&w.json, "$id", id);
    json_text(&w.json, "title", title);
    map_schema(&w, table, MAP_ONLY);
    definitions(&w);
    json_close(&w.json, '}');
    buf_char(out, '\n');
}
