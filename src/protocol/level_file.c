/* One value per site from a CSV file.
 *
 * The file's bytes are kept like those of every other input: messages show its lines, and the results file
 * stores it. Rows with the same number share a level, so that replicates are replicates. */
#include "protocol/level_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/factor.h"
#include "protocol/grid.h"

#define COLUMNS_MAX 256
#define CELL_MAX    96

struct cell {
    char text[CELL_MAX]; /* trimmed, quotes removed; cut if longer */
    struct mark mark;
};

struct reader {
    const struct source *source;
    size_t at;
    int line;
    char separator;
};

struct row {
    int site; /* 1-based */
    double number;
    struct cell cell;
};

/* --- cells ---------------------------------------------------------------------------------------------- */

static void trim(char *text)
{
    size_t n = strlen(text), skip = strspn(text, " \t");
    while (n > skip && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        text[--n] = '\0';
    memmove(text, text + skip, n - skip + 1);
}

/* The cell that begins at r->at; leaves r->at at the separator or the end of the line. */
static void read_cell(struct reader *r, size_t line_start, struct cell *out)
{
    const char *p = r->source->bytes.p;
    size_t n = 0, start = r->at;
    bool quoted = p[r->at] == '"';
    r->at += quoted;
    for (; p[r->at] && p[r->at] != '\n' && p[r->at] != '\r'; r->at++) {
        if (quoted && p[r->at] == '"') {
            quoted = p[r->at + 1] == '"';
            r->at += quoted;
            if (!quoted)
                continue;
        } else if (!quoted && p[r->at] == r->separator) {
            break;
        }
        if (n + 1 < sizeof out->text)
            out->text[n++] = p[r->at];
    }
    out->text[n] = '\0';
    trim(out->text);
    out->mark = (struct mark){r->source, r->line, (int)(start - line_start) + 1, (int)(r->at - start)};
}

static void skip_line(struct reader *r)
{
    const char *p = r->source->bytes.p;
    r->at += strcspn(p + r->at, "\n");
    r->at += p[r->at] == '\n';
    r->line++;
}

/* To the next line with content; false at the end of the file. */
static bool next_line(struct reader *r)
{
    const char *p = r->source->bytes.p;
    while (p[r->at] && (p[r->at] == '#' || p[r->at] == '\n' || p[r->at] == '\r'))
        skip_line(r);
    return p[r->at] != '\0';
}

/* Cells of the present line, at most `most`; goes on to the next one. */
static int read_line(struct reader *r, struct cell *cell, int most)
{
    const char *p = r->source->bytes.p;
    size_t start = r->at;
    int n = 0;
    for (;;) {
        struct cell beyond;
        read_cell(r, start, n < most ? &cell[n] : &beyond);
        n += n < most;
        if (!r->separator || p[r->at] != r->separator)
            break;
        r->at++;
    }
    skip_line(r);
    return n;
}

static char find_separator(const char *line)
{
    size_t end = strcspn(line, "\r\n"), at = strcspn(line, ",;\t");
    return at < end ? line[at] : '\0';
}

/* --- units of the header -------------------------------------------------------------------------------- */

static bool is_unit(const char *unit)
{
    char text[CELL_MAX + 2];
    double si;
    snprintf(text, sizeof text, "1 %s", unit);
    for (int k = 0; k < DIM_COUNT; k++)
        if (unit[0] && quantity_parse(text, (enum dim)k, &si, NULL))
            return true;
    return false;
}

/* "mV_per_s" is mV/s in a name. */
static void spell_unit(const char *from, char unit[CELL_MAX])
{
    const char *per = strstr(from, "_per_");
    if (per)
        snprintf(unit, CELL_MAX, "%.*s/%s", (int)(per - from), from, per + 5);
    else
        snprintf(unit, CELL_MAX, "%s", from);
}

/* Splits "potential (V)" and its like at `at`; the unit ends before `close`. */
static bool split_at(char *name, char *at, char close, char unit[CELL_MAX])
{
    char *end = at && close ? strchr(at + 1, close) : NULL;
    if (!at || (close && !end))
        return false;
    if (end)
        *end = '\0';
    snprintf(unit, CELL_MAX, "%s", at + 1);
    trim(unit);
    if (!is_unit(unit))
        return false;
    *at = '\0';
    trim(name);
    return true;
}

/* Name and unit of a header cell; "" without a unit. */
static void split_header(const char *cell, char name[CELL_MAX], char unit[CELL_MAX])
{
    static const char *const pairs[] = {"()", "[]", "/"};
    for (int k = 0; k < 3; k++) {
        snprintf(name, CELL_MAX, "%s", cell);
        char *at = strchr(name, pairs[k][0]);
        if (at && split_at(name, at, pairs[k][1], unit))
            return;
    }
    snprintf(name, CELL_MAX, "%s", cell);
    for (char *at = strchr(name, '_'); at; at = strchr(at + 1, '_')) {
        spell_unit(at + 1, unit);
        if (is_unit(unit)) {
            *at = '\0';
            return;
        }
    }
    unit[0] = '\0';
}

static int find_column(const struct cell *head, int n, const char *column, char unit[CELL_MAX])
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            char name[CELL_MAX];
            split_header(head[i].text, name, unit);
            if (strcmp(pass ? name : head[i].text, column) == 0)
                return i;
        }
    return -1;
}

static void report_column(const struct cell *head, int n, const char *column, struct mark where,
                          struct diags *d)
{
    char(*name)[CELL_MAX] = xcalloc((size_t)n, sizeof *name), unit[CELL_MAX];
    const char *names[COLUMNS_MAX + 1] = {0};
    struct buf all = {0};
    for (int i = 0; i < n; i++) {
        split_header(head[i].text, name[i], unit);
        names[i] = name[i];
        buf_printf(&all, "%s`%s`", i ? ", " : "", head[i].text);
    }
    const char *nearest = text_nearest(column, names);
    diags_error(d, where, "`column`: there is no `%.60s`; the columns of the file are %.400s", column, all.p);
    if (nearest)
        diags_hint(d, "did you mean `%s`?", nearest);
    buf_free(&all);
    free(name);
}

/* --- rows ----------------------------------------------------------------------------------------------- */

static bool site_of(const struct cell *cell, int *site, struct diags *d)
{
    double number;
    if (number_parse(cell->text, &number) && number >= 1 && number <= GRID_SITES_MAX &&
        number == floor(number)) {
        *site = (int)number;
        return true;
    }
    diags_error(d, cell->mark, "`site`: `%.40s` is not the number of a site", cell->text);
    return false;
}

/* All rows; returns their number, -1 with an error told. *out: the caller's to free. */
static int read_rows(struct reader *r, int column, int site_column, const char *unit, struct row **out,
                     struct diags *d)
{
    struct cell *cell = xcalloc(COLUMNS_MAX, sizeof *cell);
    struct row *rows = NULL;
    int n = 0, cap = 0;
    bool ok = true;
    while (ok && next_line(r)) {
        struct mark line = {r->source, r->line, 1, 0};
        int found = read_line(r, cell, COLUMNS_MAX), site = n + 1;
        if (found <= column || found <= site_column || !cell[column].text[0]) {
            diags_error(d, line, "the row has no value in column %d", column + 1);
            ok = false;
        } else if (site_column >= 0 && !site_of(&cell[site_column], &site, d)) {
            ok = false;
        } else if (n == GRID_SITES_MAX) {
            diags_error(d, line, "more rows than the %d sites that a grid may have", GRID_SITES_MAX);
            ok = false;
        } else {
            if (n == cap)
                rows = xrealloc(rows, (size_t)(cap = cap ? 2 * cap : 64) * sizeof *rows);
            struct row *new = &rows[n++];
            *new = (struct row){.site = site, .number = NAN, .cell = cell[column]};
            if (number_parse(new->cell.text, &new->number) && unit[0])
                snprintf(new->cell.text + strlen(new->cell.text), CELL_MAX - strlen(new->cell.text), " %s",
                         unit);
        }
    }
    free(cell);
    *out = rows;
    return ok ? n : -1;
}

static int by_value(const void *a, const void *b)
{
    const struct row *p = a, *q = b;
    if (isnan(p->number) != isnan(q->number))
        return isnan(p->number) ? 1 : -1;
    if (isnan(p->number)) {
        int order = strcmp(p->cell.text, q->cell.text);
        return order ? order : p->site - q->site;
    }
    return p->number < q->number ? -1 : p->number > q->number ? 1 : p->site - q->site;
}

static bool same_value(const struct row *p, const struct row *q)
{
    return isnan(p->number) || isnan(q->number) ? strcmp(p->cell.text, q->cell.text) == 0
                                                : p->number == q->number;
}

/* Levels of sorted rows: ascending, equal ones once. */
static bool take_levels(struct factor *f, const struct row *row, int n, struct diags *d)
{
    const char **text = xcalloc((size_t)n, sizeof *text);
    struct mark *mark = xcalloc((size_t)n, sizeof *mark);
    int levels = 0, last = 0;
    for (int i = 0; i < n; i++)
        last = row[i].site > last ? row[i].site : last;
    f->of_site = xcalloc((size_t)last, sizeof *f->of_site);
    f->n_of_site = last;
    memset(f->of_site, -1, (size_t)last * sizeof *f->of_site);
    bool ok = true;
    for (int i = 0; i < n; i++) {
        if (i == 0 || !same_value(&row[i - 1], &row[i])) {
            text[levels] = row[i].cell.text;
            mark[levels++] = row[i].cell.mark;
        }
        if (f->of_site[row[i].site - 1] >= 0) {
            diags_error(d, row[i].cell.mark, "site %d has a second value", row[i].site);
            ok = false;
        }
        f->of_site[row[i].site - 1] = levels - 1;
    }
    factor_set_levels(f, levels, text);
    memcpy(f->level_mark, mark, (size_t)levels * sizeof *mark);
    free(text);
    free(mark);
    return ok;
}

bool level_file_read(struct factor *f, const char *column, struct mark where, struct diags *d)
{
    struct reader r = {.source = f->source, .line = 1};
    if (f->source->bytes.n && strlen(f->source->bytes.p) != f->source->bytes.n) {
        diags_error(d, where, "the file `%s` is not text", f->source->path);
        return false;
    }
    if (f->source->bytes.n >= 3 && memcmp(f->source->bytes.p, "\xef\xbb\xbf", 3) == 0)
        r.at = 3; /* the mark that spreadsheets put in front of UTF-8 */
    if (!f->source->bytes.n || !next_line(&r)) {
        diags_error(d, where, "the file `%s` is empty", f->source->path);
        return false;
    }
    r.separator = find_separator(f->source->bytes.p + r.at);
    struct cell *head = xcalloc(COLUMNS_MAX, sizeof *head);
    char unit[CELL_MAX] = "", ignored[CELL_MAX];
    int n = read_line(&r, head, COLUMNS_MAX), k = find_column(head, n, column, unit);
    int site = find_column(head, n, "site", ignored);
    struct row *row = NULL;
    if (k < 0)
        report_column(head, n, column, where, d);
    int rows = k < 0 ? -1 : read_rows(&r, k, site, unit, &row, d);
    if (rows == 0)
        diags_error(d, where, "the file `%s` has a header but no rows", f->source->path);
    if (rows > 0)
        qsort(row, (size_t)rows, sizeof *row, by_value);
    bool ok = rows > 0 && take_levels(f, row, rows, d);
    free(row);
    free(head);
    return ok;
}

static bool report_no_column(const struct grid *g, const char *column, struct mark where, struct diags *d)
{
    struct buf all = {0};
    for (int i = 0; i < g->n_columns; i++)
        buf_printf(&all, "%s`%s`", i ? ", " : "", g->column[i].name);
    if (g->n_columns)
        diags_error(d, where, "`column`: there is no `%.60s`; the columns of the grid's points are %.400s",
                    column, all.p);
    else
        diags_error(d, where, "`column`: the points of the grid have no columns beside x and y");
    diags_hint(d, "`file` names a table of its own");
    buf_free(&all);
    return false;
}

/* The number in front of the column's unit, for sorting; NAN if each value has a unit of its own. */
static double number_of(const struct grid_column *c, const char *text)
{
    char plain[CELL_MAX];
    size_t n = strlen(text), unit = strlen(c->unit);
    double number = NAN;
    if (unit && n > unit && strcmp(text + n - unit, c->unit) == 0)
        n -= unit;
    snprintf(plain, sizeof plain, "%.*s", (int)n, text);
    trim(plain);
    return number_parse(plain, &number) ? number : NAN;
}

bool level_points_read(struct factor *f, const struct grid *g, const char *column, struct mark where,
                       struct diags *d)
{
    const struct grid_column *c = grid_column_find(g, column);
    if (!c)
        return report_no_column(g, column, where, d);
    struct row *row = xcalloc((size_t)c->n + 1, sizeof *row);
    int rows = 0;
    for (int i = 0; i < c->n; i++)
        if (c->text[i]) {
            row[rows] = (struct row){.site = i + 1, .number = number_of(c, c->text[i])};
            snprintf(row[rows].cell.text, CELL_MAX, "%s", c->text[i]);
            row[rows++].cell.mark = c->mark[i];
        }
    if (rows == 0)
        diags_error(d, where, "`column`: no point of the grid has a value of `%.60s`", column);
    else
        qsort(row, (size_t)rows, sizeof *row, by_value);
    bool ok = rows > 0 && take_levels(f, row, rows, d);
    f->of_points = ok;
    free(row);
    return ok;
}
