/* Reads maps by tables that say what they may hold.
 *
 * Every field is first brought into its absent state, so that `out` can be freed whatever follows. A default
 * is written in the table as one would write it in the file and read by the same reader, so that it can not
 * mean anything else than what the help says; marks of defaults point at the map that does without the key.
 */
#include "base/schema.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where a value is read into, and how it is called in messages. */
struct slot {
    const struct field *field;
    void *at;
    struct diags *d;
    const struct mark *instead; /* mark for values of a default; NULL = their own */
};

static struct mark mark_for(const struct slot *s, const struct ynode *n)
{
    return s->instead ? *s->instead : ynode_mark(n);
}

static const char *kind_name(const struct ynode *n)
{
    static const char *const names[] = {
        [Y_SCALAR] = "a single value", [Y_LIST] = "a list", [Y_MAP] = "a map"};
    return ynode_is_null(n) ? "nothing" : names[ynode_kind(n)];
}

/* The scalar's text, or NULL with an error that says what is wanted. */
static const char *scalar_text(const struct slot *s, const struct ynode *n, const char *wanted)
{
    if (ynode_kind(n) == Y_SCALAR && !ynode_is_null(n))
        return ynode_text(n);
    diags_error(s->d, mark_for(s, n), "`%s`: %s is wanted, found %s", s->field->key, wanted, kind_name(n));
    return NULL;
}

/* --- single values ------------------------------------------------------------------------------------- */

static void check_range(const struct slot *s, struct mark m, double value, const char *text)
{
    const struct field *f = s->field;
    char bound[64];
    if (f->min == 0 && f->max == 0)
        return;
    if (value < f->min)
        diags_error(s->d, m, "`%s`: %s is below the least that is allowed, %s", f->key, text,
                    quantity_format(f->min, f->dim, bound, sizeof bound));
    else if (value > f->max)
        diags_error(s->d, m, "`%s`: %s is above the most that is allowed, %s", f->key, text,
                    quantity_format(f->max, f->dim, bound, sizeof bound));
}

/* One quantity of the field's dimension, checked against its range. */
static bool read_quantity(const struct slot *s, const struct ynode *n, double *si)
{
    struct err e = ERR_INIT;
    char wanted[160];
    const char *name = dim_name(s->field->dim);
    snprintf(wanted, sizeof wanted, "%s %s such as %s", strchr("aeiou", name[0]) ? "an" : "a", name,
             dim_example(s->field->dim));
    const char *text = scalar_text(s, n, wanted);
    if (!text)
        return false;
    double value;
    if (!quantity_parse(text, s->field->dim, &value, &e)) {
        diags_error(s->d, mark_for(s, n), "`%s`: %s", s->field->key, e.text);
        return false;
    }
    check_range(s, mark_for(s, n), value, text);
    *si = value;
    return true;
}

static void read_string(const struct slot *s, const struct ynode *n)
{
    const char *text = scalar_text(s, n, "text");
    if (text)
        *(char **)s->at = xstrdup(text);
}

static bool read_whole(const struct slot *s, const struct ynode *n, int64_t *out)
{
    const char *text = scalar_text(s, n, "a whole number");
    if (!text)
        return false;
    const char *digits = text + (*text == '-' || *text == '+');
    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (*digits == '\0' || digits[strspn(digits, "0123456789")] || errno) {
        diags_error(s->d, mark_for(s, n), "`%s`: `%s` is not a whole number", s->field->key, text);
        return false;
    }
    *out = value;
    return true;
}

static void read_int(const struct slot *s, const struct ynode *n)
{
    int64_t value;
    if (!read_whole(s, n, &value))
        return;
    check_range(s, mark_for(s, n), (double)value, ynode_text(n));
    *(int64_t *)s->at = value;
}

static void read_format(const struct slot *s, const struct ynode *n)
{
    int64_t value;
    if (!read_whole(s, n, &value))
        return;
    if (value < 1 || value > (int64_t)s->field->max)
        diags_error(s->d, mark_for(s, n), "`%s`: this file is of format %lld; this version reads format %g",
                    s->field->key, (long long)value, s->field->max);
    *(int64_t *)s->at = value;
}

static void read_bool(const struct slot *s, const struct ynode *n)
{
    const char *text = scalar_text(s, n, "yes or no");
    if (!text)
        return;
    if (strcmp(text, "true") == 0 || strcmp(text, "yes") == 0)
        *(bool *)s->at = true;
    else if (strcmp(text, "false") == 0 || strcmp(text, "no") == 0)
        *(bool *)s->at = false;
    else
        diags_error(s->d, mark_for(s, n), "`%s`: yes or no is wanted, found `%s`", s->field->key, text);
}

static void read_sign(const struct slot *s, const struct ynode *n)
{
    const char *text = scalar_text(s, n, "+1 or -1");
    if (!text)
        return;
    if (strcmp(text, "+1") == 0 || strcmp(text, "1") == 0)
        *(int *)s->at = 1;
    else if (strcmp(text, "-1") == 0)
        *(int *)s->at = -1;
    else
        diags_error(s->d, mark_for(s, n), "`%s`: +1 or -1 is wanted, found `%s`", s->field->key, text);
}

static void list_names(struct buf *out, const char *const *names)
{
    for (int i = 0; names[i]; i++)
        buf_printf(out, "%s%s", i ? ", " : "", names[i]);
}

static void read_choice(const struct slot *s, const struct ynode *n)
{
    struct buf all = {0};
    buf_str(&all, "one of ");
    list_names(&all, s->field->choices + s->field->first);
    const char *text = scalar_text(s, n, all.p);
    int found = -1;
    for (int i = 0; text && s->field->choices[i]; i++)
        if (strcmp(text, s->field->choices[i]) == 0)
            found = i;
    if (found >= 0) {
        *(int *)s->at = found;
    } else if (text) {
        const char *near = text_nearest(text, s->field->choices);
        diags_error(s->d, mark_for(s, n), "`%s`: `%s` is not %s", s->field->key, text, all.p);
        if (near)
            diags_hint(s->d, "did you mean `%s`?", near);
    }
    buf_free(&all);
}

/* --- values and lists ---------------------------------------------------------------------------------- */

static bool is_name(const char *text)
{
    if (!((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || *text == '_'))
        return false;
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

static bool read_factor(const struct slot *s, const struct ynode *n, struct value *v)
{
    const char *name = ynode_text(n) + 1;
    size_t length = strlen(name);
    if (!is_name(name)) {
        diags_error(s->d, mark_for(s, n), "`%s`: `$%s` is not the name of a factor", s->field->key, name);
        return false;
    }
    if (length >= sizeof v->factor) {
        diags_error(s->d, mark_for(s, n), "`%s`: the name of a factor has at most %zu characters",
                    s->field->key, sizeof v->factor - 1);
        return false;
    }
    memcpy(v->factor, name, length + 1);
    return true;
}

static bool read_value(const struct slot *s, const struct ynode *n, struct value *v)
{
    struct value read = {.si = NAN, .given = !s->instead, .mark = mark_for(s, n)};
    bool factor = ynode_kind(n) == Y_SCALAR && ynode_text(n)[0] == '$';
    int64_t count;
    if (factor) {
        if (!read_factor(s, n, &read))
            return false;
    } else if (s->field->kind == FIELD_COUNT) {
        if (!read_whole(s, n, &count))
            return false;
        check_range(s, read.mark, (double)count, ynode_text(n));
        read.si = (double)count;
    } else if (!read_quantity(s, n, &read.si)) {
        return false;
    }
    *v = read;
    return true;
}

static void read_values(const struct slot *s, const struct ynode *n)
{
    struct values *out = s->at;
    struct value one;
    if (s->field->or_one && ynode_kind(n) == Y_SCALAR && !ynode_is_null(n)) {
        if (read_value(s, n, &one)) {
            out->v = xcalloc(1, sizeof *out->v);
            out->v[0] = one;
            out->n = 1;
        }
        return;
    }
    if (ynode_kind(n) != Y_LIST) {
        diags_error(s->d, mark_for(s, n), "`%s`: a list of values such as %s is wanted, found %s",
                    s->field->key, dim_example(s->field->dim), kind_name(n));
        return;
    }
    int count = ynode_count(n);
    if (count == 0)
        diags_error(s->d, mark_for(s, n), "`%s`: the list is empty", s->field->key);
    out->v = count ? xcalloc((size_t)count, sizeof *out->v) : NULL;
    out->n = count;
    for (int i = 0; i < count; i++)
        if (!read_value(s, ynode_item(n, i), &out->v[i]))
            out->v[i] = (struct value){.si = NAN, .mark = mark_for(s, ynode_item(n, i))};
}

static void read_pair(const struct slot *s, const struct ynode *n)
{
    if (ynode_kind(n) != Y_LIST || ynode_count(n) != 2) {
        char found[48];
        snprintf(found, sizeof found, "a list of %d", ynode_count(n));
        diags_error(s->d, mark_for(s, n), "`%s`: a pair [low, high] is wanted, found %s", s->field->key,
                    ynode_kind(n) == Y_LIST ? found : kind_name(n));
        return;
    }
    double pair[2];
    bool low = read_quantity(s, ynode_item(n, 0), &pair[0]),
         high = read_quantity(s, ynode_item(n, 1), &pair[1]);
    if (!low || !high)
        return;
    if (!(pair[0] < pair[1])) {
        diags_error(s->d, mark_for(s, n), "`%s`: the first of [low, high] must be below the second",
                    s->field->key);
        return;
    }
    memcpy(s->at, pair, sizeof pair);
}

/* --- places and lists ---------------------------------------------------------------------------------- */

static const char *found_text(const struct ynode *n, char text[48])
{
    if (ynode_kind(n) != Y_LIST)
        return kind_name(n);
    snprintf(text, 48, "a list of %d", ynode_count(n));
    return text;
}

static bool read_point(const struct slot *s, const struct ynode *n, double xy[2])
{
    char found[48];
    if (ynode_kind(n) != Y_LIST || ynode_count(n) != 2) {
        diags_error(s->d, mark_for(s, n), "`%s`: a place [x, y] is wanted, found %s", s->field->key,
                    found_text(n, found));
        return false;
    }
    double read[2];
    bool x = read_quantity(s, ynode_item(n, 0), &read[0]), y = read_quantity(s, ynode_item(n, 1), &read[1]);
    if (x && y)
        memcpy(xy, read, sizeof read);
    return x && y;
}

/* The items of a list, at least one; 0 with an error. */
static int list_count(const struct slot *s, const struct ynode *n, const char *wanted)
{
    if (ynode_kind(n) != Y_LIST)
        diags_error(s->d, mark_for(s, n), "`%s`: %s is wanted, found %s", s->field->key, wanted,
                    kind_name(n));
    else if (ynode_count(n) == 0)
        diags_error(s->d, mark_for(s, n), "`%s`: the list is empty", s->field->key);
    else
        return ynode_count(n);
    return 0;
}

static void read_points(const struct slot *s, const struct ynode *n)
{
    struct points *out = s->at;
    int count = list_count(s, n, "a list of places [x, y]");
    if (!count)
        return;
    out->xy = xcalloc((size_t)count, sizeof *out->xy);
    for (int i = 0; i < count; i++)
        if (read_point(s, ynode_item(n, i), out->xy[out->n]))
            out->n++;
}

static void read_strings(const struct slot *s, const struct ynode *n)
{
    struct strings *out = s->at;
    int count = list_count(s, n, "a list of texts");
    if (!count)
        return;
    out->v = xcalloc((size_t)count, sizeof *out->v);
    for (int i = 0; i < count; i++) {
        const char *text = scalar_text(s, ynode_item(n, i), "text");
        if (text)
            out->v[out->n++] = xstrdup(text);
    }
}

static void read_list(const struct slot *s, const struct ynode *n)
{
    struct items *out = s->at;
    const struct fields *sub = s->field->sub;
    int count = list_count(s, n, "a list of maps");
    if (!count)
        return;
    out->v = xcalloc((size_t)count, sub->size);
    out->n = count;
    for (int i = 0; i < count; i++)
        schema_read(ynode_item(n, i), sub, (char *)out->v + (size_t)i * sub->size, s->d);
}

/* --- fields -------------------------------------------------------------------------------------------- */

static void read_field(const struct slot *s, const struct ynode *n)
{
    switch (s->field->kind) {
    case FIELD_STRING:
        read_string(s, n);
        break;
    case FIELD_INT:
        read_int(s, n);
        break;
    case FIELD_FORMAT:
        read_format(s, n);
        break;
    case FIELD_BOOL:
        read_bool(s, n);
        break;
    case FIELD_QUANTITY:
        read_quantity(s, n, s->at);
        break;
    case FIELD_VALUE:
    case FIELD_COUNT:
        read_value(s, n, s->at);
        break;
    case FIELD_VALUES:
        read_values(s, n);
        break;
    case FIELD_PAIR:
        read_pair(s, n);
        break;
    case FIELD_CHOICE:
        read_choice(s, n);
        break;
    case FIELD_SIGN:
        read_sign(s, n);
        break;
    case FIELD_MAP:
        schema_read(n, s->field->sub, s->at, s->d);
        break;
    case FIELD_NODE:
        *(const struct ynode **)s->at = n;
        break;
    case FIELD_POINT:
        read_point(s, n, s->at);
        break;
    case FIELD_POINTS:
        read_points(s, n);
        break;
    case FIELD_STRINGS:
        read_strings(s, n);
        break;
    case FIELD_LIST:
        read_list(s, n);
        break;
    }
}

/* What a field holds before anything is known. */
static void set_absent(const struct field *f, void *at, struct mark m)
{
    switch (f->kind) {
    case FIELD_STRING:
        *(char **)at = NULL;
        break;
    case FIELD_INT:
    case FIELD_FORMAT:
        *(int64_t *)at = 0;
        break;
    case FIELD_BOOL:
        *(bool *)at = false;
        break;
    case FIELD_QUANTITY:
        *(double *)at = NAN;
        break;
    case FIELD_VALUE:
    case FIELD_COUNT:
        *(struct value *)at = (struct value){.si = NAN, .mark = m};
        break;
    case FIELD_VALUES:
        *(struct values *)at = (struct values){0};
        break;
    case FIELD_PAIR:
    case FIELD_POINT:
        ((double *)at)[0] = ((double *)at)[1] = NAN;
        break;
    case FIELD_POINTS:
        *(struct points *)at = (struct points){0};
        break;
    case FIELD_STRINGS:
        *(struct strings *)at = (struct strings){0};
        break;
    case FIELD_LIST:
        *(struct items *)at = (struct items){0};
        break;
    case FIELD_CHOICE:
        *(int *)at = -1;
        break;
    case FIELD_SIGN:
        *(int *)at = 0;
        break;
    case FIELD_MAP:
        break; /* schema_read() of the sub-table does it */
    case FIELD_NODE:
        *(const struct ynode **)at = NULL;
        break;
    }
}

/* Reads the default of a field. A default that does not read is a mistake in the table and said so. */
static void read_fallback(const struct slot *absent, struct mark m)
{
    const struct field *f = absent->field;
    struct source *text = source_from_text(f->key, f->fallback);
    struct diags *d = diags_new();
    struct ytree *t = ytree_parse(text, d);
    if (t) {
        struct slot s = {.field = f, .at = absent->at, .d = d, .instead = &m};
        read_field(&s, ytree_root(t));
    }
    if (diags_errors(d) > 0)
        diags_error(absent->d, m, "internal: the default `%s` of `%s` does not read", f->fallback, f->key);
    ytree_free(t);
    diags_free(d);
    source_free(text);
}

static void read_absent(const struct slot *s, const struct ynode *map, const struct fields *table)
{
    const struct field *f = s->field;
    struct mark m = map ? ynode_mark(map) : (struct mark){0};
    if (f->required && map) {
        diags_error(s->d, m, "`%s` is missing in %s", f->key, table->what);
        if (f->help)
            diags_hint(s->d, "%s: %s", f->key, f->help);
    }
    if (f->kind == FIELD_MAP)
        schema_read(NULL, f->sub, s->at, s->d);
    else if (f->fallback && f->kind != FIELD_NODE)
        read_fallback(s, m);
}

static void report_unknown(const struct ynode *n, int i, const struct fields *table, struct diags *d)
{
    const char **names = xcalloc((size_t)table->n + 1, sizeof *names);
    for (int k = 0; k < table->n; k++)
        names[k] = table->field[k].key;
    const char *near = text_nearest(ynode_key(n, i), names);
    struct buf all = {0};
    list_names(&all, names);
    diags_error(d, ynode_key_mark(n, i), "`%s` is not a key of %s", ynode_key(n, i), table->what);
    if (near)
        diags_hint(d, "did you mean `%s`?", near);
    else
        diags_hint(d, "its keys: %s", all.p ? all.p : "none");
    buf_free(&all);
    free(names);
}

static void check_keys(const struct ynode *n, const struct fields *table, struct diags *d)
{
    for (int i = 0; i < ynode_count(n); i++) {
        bool known = false;
        for (int k = 0; k < table->n && !known; k++)
            known = strcmp(ynode_key(n, i), table->field[k].key) == 0;
        if (!known)
            report_unknown(n, i, table, d);
    }
}

bool schema_read_field(const struct ynode *n, const struct field *f, void *out, struct diags *d)
{
    int before = diags_errors(d);
    struct slot s = {.field = f, .at = (char *)out + f->offset, .d = d};
    set_absent(f, s.at, ynode_mark(n));
    read_field(&s, n);
    return diags_errors(d) == before;
}

bool schema_read(const struct ynode *n, const struct fields *table, void *out, struct diags *d)
{
    int before = diags_errors(d);
    bool is_map = n && ynode_kind(n) == Y_MAP;
    /* `ocp:` with nothing behind is a map of defaults. */
    bool is_empty = n && ynode_is_null(n);
    if (is_map)
        check_keys(n, table, d);
    else if (n && !is_empty)
        diags_error(d, ynode_mark(n), "%s: a map of settings (key: value) is wanted, found %s", table->what,
                    kind_name(n));
    const struct ynode *map = is_map || is_empty ? n : NULL;
    for (int i = 0; i < table->n; i++) {
        const struct field *f = &table->field[i];
        struct slot s = {.field = f, .at = (char *)out + f->offset, .d = d};
        set_absent(f, s.at, map ? ynode_mark(map) : (struct mark){0});
        const struct ynode *given = ynode_get(map, f->key);
        if (given)
            read_field(&s, given);
        else
            read_absent(&s, map, table);
    }
    return diags_errors(d) == before;
}

static void free_strings(struct strings *s)
{
    for (int i = 0; i < s->n; i++)
        free(s->v[i]);
    free(s->v);
    *s = (struct strings){0};
}

static void free_items(const struct fields *table, struct items *list)
{
    for (int i = 0; i < list->n; i++)
        schema_free(table, (char *)list->v + (size_t)i * table->size);
    free(list->v);
    *list = (struct items){0};
}

static void free_field(const struct field *f, void *at)
{
    if (f->kind == FIELD_STRING) {
        free(*(char **)at);
        *(char **)at = NULL;
    } else if (f->kind == FIELD_VALUES) {
        free(((struct values *)at)->v);
        *(struct values *)at = (struct values){0};
    } else if (f->kind == FIELD_POINTS) {
        free(((struct points *)at)->xy);
        *(struct points *)at = (struct points){0};
    } else if (f->kind == FIELD_STRINGS) {
        free_strings(at);
    } else if (f->kind == FIELD_LIST) {
        free_items(f->sub, at);
    } else if (f->kind == FIELD_MAP) {
        schema_free(f->sub, at);
    }
}

void schema_free(const struct fields *table, void *out)
{
    for (int i = 0; i < table->n; i++)
        free_field(&table->field[i], (char *)out + table->field[i].offset);
}
