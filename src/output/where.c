/* Reading and applying the conditions of --where. */
#include "output/where.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "output/units.h"

enum op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_COUNT };

/* Longer ones first, so that `<=` is not read as `<`. */
static const char *const op_text[OP_COUNT] = {"=", "!=", "<=", ">=", "<", ">"};
static const enum op op_order[OP_COUNT] = {OP_NE, OP_LE, OP_GE, OP_EQ, OP_LT, OP_GT};

struct condition {
    int column;
    enum op op;
    bool missing; /* compare with absence */
    double number;
    char text[128];
};

/* --- reading ------------------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return p;
}

static bool is_name_char(char c)
{
    return c && !isspace((unsigned char)c) && !strchr("=!<>\"'", c);
}

static bool unknown_column(const struct table *t, const char *name, struct err *e)
{
    const char *names[256];
    int n = 0;
    for (; n < table_columns(t) && n < 255; n++)
        names[n] = table_name(t, n);
    names[n] = NULL;
    const char *near = text_nearest(name, names);
    return err_set(e, ERR_USAGE, "--where: no column `%s`%s%s%s", name, near ? "; did you mean `" : "",
                   near ? near : "", near ? "`?" : "");
}

/* Finds a column by name; *with_unit if it was named with its unit. */
static bool find_column(const struct table *t, const char *name, int *column, bool *with_unit, struct err *e)
{
    struct buf header = {0};
    bool found = false;
    for (int c = 0; !found && c < table_columns(t); c++) {
        buf_clear(&header);
        table_header(t, c, &header);
        bool bare = strcmp(table_name(t, c), name) == 0;
        if (bare || strcmp(header.p, name) == 0) {
            found = true;
            *column = c;
            *with_unit = !bare;
        }
    }
    buf_free(&header);
    return found || unknown_column(t, name, e);
}

static bool read_name(const char **p, char *name, size_t size, struct err *e)
{
    const char *from = *p = skip_blanks(*p);
    while (is_name_char(**p))
        ++*p;
    size_t n = (size_t)(*p - from);
    if (n == 0 || n >= size)
        return err_set(e, ERR_USAGE, "--where: a column's name is expected at `%.40s`", from);
    snprintf(name, size, "%.*s", (int)n, from);
    return true;
}

static bool read_op(const char **p, enum op *op, struct err *e)
{
    *p = skip_blanks(*p);
    for (int k = 0; k < OP_COUNT; k++) {
        const char *text = op_text[op_order[k]];
        if (strncmp(*p, text, strlen(text)) == 0) {
            *op = op_order[k];
            *p += strlen(text);
            if (**p == '=' && *op == OP_EQ) /* == is what programmers write */
                ++*p;
            return true;
        }
    }
    return err_set(e, ERR_USAGE, "--where: one of = != < <= > >= is expected at `%.40s`",
                   **p ? *p : "the end");
}

/* Where the value that begins at p ends: at ` and `, or at the end. */
static const char *value_end(const char *p)
{
    for (; *p; p++)
        if (isspace((unsigned char)*p) && strncmp(skip_blanks(p), "and", 3) == 0 &&
            isspace((unsigned char)skip_blanks(p)[3]))
            return p;
    return p;
}

static bool read_value(const char **p, char *text, size_t size, bool *quoted, struct err *e)
{
    const char *from = skip_blanks(*p), *end;
    *quoted = *from == '"' || *from == '\'';
    if (*quoted) {
        end = strchr(from + 1, *from);
        if (!end)
            return err_set(e, ERR_USAGE, "--where: the quote at `%.40s` is not closed", from);
        *p = end + 1;
        from++;
    } else {
        end = value_end(from);
        *p = end;
        while (end > from && isspace((unsigned char)end[-1]))
            end--;
    }
    if ((end == from && !*quoted) || (size_t)(end - from) >= size)
        return err_set(e, ERR_USAGE, "--where: a value is expected at `%.40s`", *from ? from : "the end");
    snprintf(text, size, "%.*s", (int)(end - from), from);
    return true;
}

static bool read_number(const struct table *t, const char *text, bool with_unit, struct condition *out,
                        struct err *e)
{
    enum dim dim = table_dim(t, out->column);
    const char *name = table_name(t, out->column);
    if (table_kind(t, out->column) == CELL_BOOL) {
        out->number = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0;
        return out->number > 0 || strcmp(text, "no") == 0 || strcmp(text, "false") == 0 ||
               err_set(e, ERR_USAGE, "--where: `%s` is yes or no, not `%s`", name, text);
    }
    if (with_unit && number_parse(text, &out->number)) {
        out->number = unit_si(out->number, dim);
        return true;
    }
    if (quantity_parse(text, dim, &out->number, e))
        return true;
    if (e)
        e->code = ERR_USAGE;
    return err_context(e, "--where: %s", name);
}

static bool read_condition(const struct table *t, const char **p, struct condition *out, struct err *e)
{
    char name[128];
    bool with_unit = false, quoted;
    memset(out, 0, sizeof *out);
    if (!read_name(p, name, sizeof name, e) || !find_column(t, name, &out->column, &with_unit, e) ||
        !read_op(p, &out->op, e) || !read_value(p, out->text, sizeof out->text, &quoted, e))
        return false;
    out->missing = !quoted && strcmp(out->text, "missing") == 0;
    bool is_text = table_kind(t, out->column) == CELL_TEXT;
    if ((is_text || out->missing) && out->op != OP_EQ && out->op != OP_NE)
        return err_set(e, ERR_USAGE, "--where: `%s` can only be compared by = and != here", name);
    return is_text || out->missing || read_number(t, out->text, with_unit, out, e);
}

/* The `and` between two conditions; false at the end of the expression. */
static bool read_and(const char **p, bool *more, struct err *e)
{
    *p = skip_blanks(*p);
    *more = **p != '\0';
    if (!*more)
        return true;
    if (strncmp(*p, "and", 3) != 0 || !isspace((unsigned char)(*p)[3]))
        return err_set(e, ERR_USAGE, "--where: `and` is expected at `%.40s`", *p);
    *p += 3;
    return true;
}

/* --- applying ------------------------------------------------------------------------------------------ */

static bool compare(double a, enum op op, double b)
{
    bool equal = fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b));
    switch (op) {
    case OP_EQ:
        return equal;
    case OP_NE:
        return !equal;
    case OP_LE:
        return equal || a < b;
    case OP_GE:
        return equal || a > b;
    case OP_LT:
        return !equal && a < b;
    default:
        return !equal && a > b;
    }
}

static bool meets(const struct table *t, int row, const struct condition *c)
{
    bool is_text = table_kind(t, c->column) == CELL_TEXT;
    const char *text = table_get_text(t, row, c->column);
    double number = table_get_number(t, row, c->column);
    bool absent = is_text ? !*text : isnan(number);
    if (c->missing)
        return absent == (c->op == OP_EQ);
    if (is_text)
        return (strcmp(text, c->text) == 0) == (c->op == OP_EQ);
    return !absent && compare(number, c->op, c->number);
}

bool where_apply(struct table *t, const char *expression, struct err *e)
{
    int n = table_rows(t);
    bool *keep = xmalloc((size_t)n + 1);
    memset(keep, true, (size_t)n + 1);
    const char *p = expression;
    bool more = true, ok = true;
    while (ok && more) {
        struct condition c;
        ok = read_condition(t, &p, &c, e);
        for (int row = 0; ok && row < n; row++)
            keep[row] = keep[row] && meets(t, row, &c);
        ok = ok && read_and(&p, &more, e);
    }
    if (ok)
        table_keep(t, keep);
    free(keep);
    return ok;
}
