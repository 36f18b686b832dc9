/* Help from tables: one section per map, under the path by which it is written ("approach.contact"). */
#include "base/schema_help.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

#define KEY_WIDTH  20
#define TEXT_START 24

/* Columns that a text takes: bytes that begin a character. */
static int width_of(const char *text, size_t n)
{
    int columns = 0;
    for (size_t i = 0; i < n; i++)
        columns += ((unsigned char)text[i] & 0xc0) != 0x80;
    return columns;
}

/* Wraps behind a line that has `at` columns already. */
static void wrap_from(const char *text, int at, int indent, int limit, struct buf *out)
{
    bool begins = at <= indent;
    while (*text) {
        size_t n = strcspn(text, " ");
        int columns = width_of(text, n);
        if (!begins && at + 1 + columns > limit) {
            buf_printf(out, "\n%*s", indent, "");
            at = indent;
            begins = true;
        }
        if (!begins)
            buf_char(out, ' ');
        buf_add(out, text, n);
        at += columns + !begins;
        begins = false;
        text += n;
        text += strspn(text, " ");
    }
    buf_char(out, '\n');
}

void help_wrap(const char *text, int indent, struct buf *out)
{
    buf_printf(out, "%*s", indent, "");
    wrap_from(text, indent, indent, HELP_WIDTH, out);
}

void help_wrap_to(const char *text, int indent, int hanging, int limit, struct buf *out)
{
    buf_printf(out, "%*s", indent, "");
    wrap_from(text, indent, indent + hanging, limit, out);
}

/* "a length" or "an angle". */
static void add_noun(struct buf *out, const char *noun)
{
    buf_printf(out, "%s %s", strchr("aeiou", noun[0]) ? "an" : "a", noun);
}

static void add_choices(struct buf *out, const char *const *choice)
{
    for (int i = 0; choice[i]; i++)
        buf_printf(out, "%s%s", i ? (choice[i + 1] ? ", " : " or ") : "", choice[i]);
}

/* "< 0.05 V": the example of a dimension may be several. */
static void add_bound_kind(const struct field *f, struct buf *out)
{
    const char *example = dim_example(f->dim);
    int n = (int)strcspn(example, ",");
    const char * or = strstr(example, " or ");
    n = or && or -example < n ? (int)(or -example) : n;
    buf_printf(out, "\"< %.*s\", \"> %.*s\" or \"< $name\", or a list of one of each direction", n, example,
               n, example);
}

static void add_node_kind(const struct field *f, struct buf *out)
{
    static const char *const kinds[] = {
        [NODE_OWN] = "a map",
        [NODE_FILE_OR_MAP] = "the name of a file, or a map",
        [NODE_STEPS] = "a list, each entry with one of the keys below",
        [NODE_NAMED_STEPS] = "a map of names, each with a step or a list of steps",
        [NODE_NAME_OR_MAP] = "a name, or a map",
        [NODE_OF_FEATURE] = "a quantity of the dimension of the feature, or $name",
        [NODE_FACTORS] = "a map of names, each with a list of levels or a map",
        [NODE_NAME_LISTS] = "a list of lists of names",
        [NODE_POINTS] = "a list of places, each [x, y] or a map",
        [NODE_INTERVALS] = "a map of features, each with [low, high]",
        [NODE_AMOUNT] = "a percentage, or a quantity in the unit of the feature",
        [NODE_MAPS] = "a list of maps",
        [NODE_ELSEWHERE] = "has rules of its own",
    };
    if (f->form == NODE_BOUND)
        add_bound_kind(f, out);
    else if (f->form == NODE_STEPS && !f->sub)
        buf_str(out, "a list of steps of any kind");
    else
        buf_str(out, f->form == NODE_OWN && !f->sub ? "has rules of its own" : kinds[f->form]);
}

/* What one writes behind the key. */
static void add_kind(const struct field *f, struct buf *out)
{
    switch (f->kind) {
    case FIELD_STRING:
        buf_str(out, "text");
        return;
    case FIELD_INT:
    case FIELD_FORMAT:
        buf_str(out, "a whole number");
        return;
    case FIELD_COUNT:
        buf_str(out, "a whole number or $name");
        return;
    case FIELD_BOOL:
        buf_str(out, "yes or no");
        return;
    case FIELD_QUANTITY:
    case FIELD_VALUE:
        add_noun(out, dim_name(f->dim));
        buf_str(out, f->kind == FIELD_VALUE ? " or $name" : "");
        return;
    case FIELD_VALUES:
        if (f->or_one) {
            add_noun(out, dim_name(f->dim));
            buf_str(out, " or $name, or ");
        }
        buf_str(out, "a list");
        if (f->least)
            buf_printf(out, " of %d or more", f->least);
        buf_printf(out, ", each a %s or $name", dim_name(f->dim));
        return;
    case FIELD_PAIR:
        buf_printf(out, "[low, high], each a %s", dim_name(f->dim));
        return;
    case FIELD_POINT:
        buf_printf(out, "[x, y], each a %s", dim_name(f->dim));
        return;
    case FIELD_POINTS:
        buf_printf(out, "a list of [x, y], each a %s", dim_name(f->dim));
        return;
    case FIELD_STRINGS:
        buf_str(out, "a list of texts");
        return;
    case FIELD_LIST:
        buf_str(out, "a list of maps");
        return;
    case FIELD_CHOICE:
        add_choices(out, f->choices + f->first);
        return;
    case FIELD_SIGN:
        buf_str(out, "+1 or -1");
        return;
    case FIELD_MAP:
        buf_str(out, "a map");
        return;
    case FIELD_NODE:
        add_node_kind(f, out);
        return;
    }
}

static bool has_range(const struct field *f)
{
    return (f->min != 0 || f->max != 0) && f->kind != FIELD_FORMAT && f->kind != FIELD_NODE;
}

static void add_bound(double value, enum dim dim, struct buf *out)
{
    char text[48];
    if (dim == DIM_NONE)
        buf_printf(out, "%.12g", value);
    else
        buf_str(out, quantity_format(value, dim, text, sizeof text));
}

static void add_field(const struct field *f, struct buf *out)
{
    struct buf text = {0};
    add_kind(f, &text);
    if (has_range(f)) {
        buf_str(&text, ", ");
        add_bound(f->min, f->dim, &text);
        buf_str(&text, " to ");
        add_bound(f->max, f->dim, &text);
    }
    if (f->required)
        buf_str(&text, "; required");
    else if (f->fallback)
        buf_printf(&text, "; %s if left out", f->fallback);
    buf_printf(out, "  %-*s  ", KEY_WIDTH, f->key);
    int at = 2 + KEY_WIDTH + 2;
    if (strlen(f->key) > KEY_WIDTH) {
        buf_printf(out, "\n%*s", TEXT_START, "");
        at = TEXT_START;
    }
    wrap_from(text.p, at, TEXT_START, HELP_WIDTH, out);
    if (f->help)
        help_wrap(f->help, TEXT_START, out);
    buf_free(&text);
}

static void section(const struct fields *table, const char *path, struct buf *out)
{
    if (path[0])
        buf_printf(out, "\n%s\n", path);
    for (int i = 0; i < table->n; i++)
        add_field(&table->field[i], out);
    for (int i = 0; table->any_of && table->any_of[i]; i++)
        buf_printf(out, "%s%s%s", i ? " or " : "  At least one of: ", table->any_of[i],
                   table->any_of[i + 1] ? "" : "\n");
    for (int i = 0; i < table->n; i++) {
        const struct field *f = &table->field[i];
        char below[160];
        const char *each =
            f->kind == FIELD_LIST || f->form == NODE_STEPS || f->form == NODE_POINTS || f->form == NODE_MAPS
                ? "[]"
            : f->form == NODE_FACTORS ? ".NAME"
                                      : "";
        snprintf(below, sizeof below, "%s%s%s%s", path, path[0] ? "." : "", f->key, each);
        if (f->sub)
            section(f->sub, below, out);
    }
}

void schema_help(const struct fields *table, struct buf *out)
{
    section(table, "", out);
}
