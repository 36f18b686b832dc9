/* Rows and columns, and the three ways to print them. */
#include "output/table.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clocale.h"
#include "output/units.h"

struct column {
    char *name;
    enum cell_kind kind;
    enum dim dim;
};

union cell {
    char *text;
    int64_t integer; /* also booleans */
    double number;
};

struct table {
    struct column *column;
    union cell *cell; /* row-major */
    int n_columns, digits;
    size_t n_cells, cap_cells;
};

struct table *table_new(void)
{
    struct table *t = xcalloc(1, sizeof *t);
    t->digits = 6;
    return t;
}

static void free_cell(const struct table *t, size_t i)
{
    if (t->column[i % (size_t)t->n_columns].kind == CELL_TEXT)
        free(t->cell[i].text);
}

void table_free(struct table *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_cells; i++)
        free_cell(t, i);
    for (int c = 0; c < t->n_columns; c++)
        free(t->column[c].name);
    free(t->column);
    free(t->cell);
    free(t);
}

void table_column(struct table *t, const char *name, enum cell_kind kind, enum dim dim)
{
    assert(t->n_cells == 0);
    t->column = xrealloc(t->column, (size_t)(t->n_columns + 1) * sizeof *t->column);
    t->column[t->n_columns++] = (struct column){xstrdup(name), kind, kind == CELL_NUMBER ? dim : DIM_NONE};
}

static union cell *add(struct table *t, enum cell_kind kind)
{
    assert(t->column[t->n_cells % (size_t)t->n_columns].kind == kind);
    (void)kind;
    if (t->n_cells == t->cap_cells) {
        t->cap_cells = t->cap_cells ? 2 * t->cap_cells : 256;
        t->cell = xrealloc(t->cell, t->cap_cells * sizeof *t->cell);
    }
    return &t->cell[t->n_cells++];
}

void table_text(struct table *t, const char *text)
{
    add(t, CELL_TEXT)->text = xstrdup(text ? text : "");
}

void table_int(struct table *t, int64_t value)
{
    add(t, CELL_INT)->integer = value;
}

void table_number(struct table *t, double si)
{
    add(t, CELL_NUMBER)->number = si;
}

void table_bool(struct table *t, bool value)
{
    add(t, CELL_BOOL)->integer = value;
}

void table_digits(struct table *t, int digits)
{
    t->digits = digits;
}

int table_rows(const struct table *t)
{
    return t->n_columns ? (int)(t->n_cells / (size_t)t->n_columns) : 0;
}

int table_columns(const struct table *t)
{
    return t->n_columns;
}

const char *table_name(const struct table *t, int column)
{
    return t->column[column].name;
}

void table_header(const struct table *t, int column, struct buf *out)
{
    buf_str(out, t->column[column].name);
    buf_str(out, unit_of(t->column[column].dim)->suffix);
}

enum cell_kind table_kind(const struct table *t, int column)
{
    return t->column[column].kind;
}

enum dim table_dim(const struct table *t, int column)
{
    return t->column[column].dim;
}

static const union cell *at(const struct table *t, int row, int column)
{
    return &t->cell[(size_t)row * (size_t)t->n_columns + (size_t)column];
}

const char *table_get_text(const struct table *t, int row, int column)
{
    return t->column[column].kind == CELL_TEXT ? at(t, row, column)->text : "";
}

double table_get_number(const struct table *t, int row, int column)
{
    const union cell *c = at(t, row, column);
    if (t->column[column].kind == CELL_NUMBER)
        return c->number;
    return t->column[column].kind == CELL_TEXT || c->integer == TABLE_MISSING ? NAN : (double)c->integer;
}

void table_keep(struct table *t, const bool *keep)
{
    size_t width = (size_t)t->n_columns, to = 0;
    for (size_t i = 0; i < t->n_cells; i++) {
        if (keep[i / width])
            t->cell[to++] = t->cell[i];
        else
            free_cell(t, i);
    }
    t->n_cells = to;
}

enum table_format table_format_of(bool csv, bool json)
{
    return json ? TABLE_JSON : csv ? TABLE_CSV : TABLE_TEXT;
}

/* --- numbers ------------------------------------------------------------------------------------------- */

void table_print_number(double si, enum dim dim, struct buf *out)
{
    double shown = unit_show(si, dim);
    if (!isfinite(shown))
        return;
    if (unit_of(dim)->exponent == 0) {
        buf_json_number(out, shown);
        return;
    }
    char text[40];
    c_print_double(text, sizeof text, 15, shown);
    buf_str(out, text);
}

/* --- text ---------------------------------------------------------------------------------------------- */

/* Characters of UTF-8 text; good enough for the scripts people write names of samples in. */
static int width_of(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void cell_for_people(const struct table *t, int row, int column, struct buf *out)
{
    const union cell *c = at(t, row, column);
    char text[40];
    switch (t->column[column].kind) {
    case CELL_TEXT:
        for (const char *p = c->text; *p; p++)
            buf_char(out, (unsigned char)*p < 0x20 || *p == 0x7F ? ' ' : *p);
        if (!*c->text)
            buf_char(out, '-');
        return;
    case CELL_BOOL:
        buf_str(out, c->integer ? "yes" : "no");
        return;
    case CELL_INT:
        if (c->integer == TABLE_MISSING)
            buf_char(out, '-');
        else
            buf_printf(out, "%lld", (long long)c->integer);
        return;
    case CELL_NUMBER:
        if (!isfinite(c->number)) {
            buf_char(out, '-');
            return;
        }
        c_print_double(text, sizeof text, t->digits, unit_show(c->number, t->column[column].dim));
        buf_str(out, text);
        return;
    }
}

static bool is_right(const struct table *t, int column)
{
    return t->column[column].kind == CELL_INT || t->column[column].kind == CELL_NUMBER;
}

static void pad(const char *text, int width, bool right, bool last, struct buf *out)
{
    int gap = width - width_of(text);
    for (int k = 0; right && k < gap; k++)
        buf_char(out, ' ');
    buf_str(out, text);
    for (int k = 0; !right && !last && k < gap; k++)
        buf_char(out, ' ');
    buf_str(out, last ? "\n" : "  ");
}

static void print_text(const struct table *t, struct buf *out)
{
    int n = table_rows(t);
    int *width = xcalloc((size_t)t->n_columns + 1, sizeof *width);
    struct buf cell = {0};
    for (int pass = 0; pass < 2; pass++) /* widths first, then lines */
        for (int row = -1; row < n; row++)
            for (int c = 0; c < t->n_columns; c++) {
                buf_clear(&cell);
                if (row < 0)
                    table_header(t, c, &cell);
                else
                    cell_for_people(t, row, c, &cell);
                if (pass == 1)
                    pad(cell.p, width[c], is_right(t, c), c == t->n_columns - 1, out);
                else if (width_of(cell.p) > width[c])
                    width[c] = width_of(cell.p);
            }
    buf_free(&cell);
    free(width);
}

/* --- CSV and JSON -------------------------------------------------------------------------------------- */

static void cell_csv(const struct table *t, int row, int column, struct buf *out)
{
    const union cell *c = at(t, row, column);
    switch (t->column[column].kind) {
    case CELL_TEXT:
        buf_csv_field(out, c->text);
        return;
    case CELL_BOOL:
        buf_str(out, c->integer ? "yes" : "no");
        return;
    case CELL_INT:
        if (c->integer != TABLE_MISSING)
            buf_printf(out, "%lld", (long long)c->integer);
        return;
    case CELL_NUMBER:
        table_print_number(c->number, t->column[column].dim, out);
        return;
    }
}

static void print_csv(const struct table *t, struct buf *out)
{
    struct buf name = {0};
    for (int row = -1; row < table_rows(t); row++)
        for (int c = 0; c < t->n_columns; c++) {
            if (row < 0) {
                buf_clear(&name);
                table_header(t, c, &name);
                buf_csv_field(out, name.p);
            } else {
                cell_csv(t, row, c, out);
            }
            buf_char(out, c + 1 < t->n_columns ? ',' : '\n');
        }
    buf_free(&name);
}

static void cell_json(const struct table *t, int row, int column, struct buf *out)
{
    const union cell *c = at(t, row, column);
    const struct unit *unit = unit_of(t->column[column].dim);
    switch (t->column[column].kind) {
    case CELL_TEXT:
        buf_json_string(out, c->text);
        return;
    case CELL_BOOL:
        buf_str(out, c->integer ? "true" : "false");
        return;
    case CELL_INT:
        if (c->integer == TABLE_MISSING)
            buf_str(out, "null");
        else
            buf_printf(out, "%lld", (long long)c->integer);
        return;
    case CELL_NUMBER:
        if (*unit->name)
            buf_str(out, "{\"value\": ");
        if (isfinite(c->number))
            table_print_number(c->number, t->column[column].dim, out);
        else
            buf_str(out, "null");
        if (*unit->name)
            buf_printf(out, ", \"unit\": \"%s\"}", unit->name);
        return;
    }
}

static void print_json(const struct table *t, struct buf *out)
{
    int n = table_rows(t);
    buf_char(out, '[');
    for (int row = 0; row < n; row++) {
        buf_str(out, row ? ",\n {" : "\n {");
        for (int c = 0; c < t->n_columns; c++) {
            buf_str(out, c ? ", " : "");
            buf_json_string(out, t->column[c].name);
            buf_str(out, ": ");
            cell_json(t, row, c, out);
        }
        buf_char(out, '}');
    }
    buf_str(out, n ? "\n]\n" : "]\n");
}

void table_print(const struct table *t, enum table_format format, struct buf *out)
{
    if (format == TABLE_CSV)
        print_csv(t, out);
    else if (format == TABLE_JSON)
        print_json(t, out);
    else
        print_text(t, out);
}
