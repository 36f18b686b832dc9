/* What was found wrong in files, shown where it stands:
 *
 *     sei.yaml:12:14: error: `s/V` is not a scan rate
 *          rate: 1 s/V
 *                ^~~~~
 *       = did you mean `V/s`?
 *
 * The line with its caret is drawn when the entry is added, so that a rejected file can be freed before
 * anybody has read what was wrong with it. Everything printed passes through one filter: control bytes, which
 * a file may hold, do not reach a terminal. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/yaml.h"

#define MOST_PRINTED 50
#define MOST_KEPT    200 /* the rest is counted only: finding a line costs one pass over its file */
#define WINDOW       100 /* columns of a source line that are shown */
#define LEAD         60  /* columns shown to the left of the caret in a longer line */

struct entry {
    char *path; /* NULL: no position */
    int line, column;
    bool warning;
    int order;
    char *text, *hint;
    char *shown; /* the source line and the caret line, ready to print; NULL: none */
};

struct diags {
    struct entry *entries;
    int n, cap;
    int errors, warnings;
    bool newest_kept;
};

struct diags *diags_new(void)
{
    return xcalloc(1, sizeof(struct diags));
}

void diags_free(struct diags *d)
{
    if (!d)
        return;
    for (int i = 0; i < d->n; i++) {
        free(d->entries[i].path);
        free(d->entries[i].text);
        free(d->entries[i].hint);
        free(d->entries[i].shown);
    }
    free(d->entries);
    free(d);
}

/* --- drawing ------------------------------------------------------------------------------------------- */

/* Appends the character at p (n bytes may be read) so that it takes one column and does no harm; returns its
 * bytes. Invalid bytes and control characters become `?`, tabs and line breaks a blank. */
static size_t add_harmless(struct buf *out, const char *p, size_t n)
{
    unsigned char c = (unsigned char)*p;
    int length = utf8_length(p, n);
    bool c1_control = c == 0xC2 && length == 2 && (unsigned char)p[1] < 0xA0;
    if (c == '\t' || c == '\n' || c == '\r')
        buf_char(out, ' ');
    else if (length == 0 || c < 0x20 || c == 0x7F || c1_control)
        buf_char(out, '?');
    else
        buf_add(out, p, (size_t)length);
    return length ? (size_t)length : 1;
}

static void add_text(struct buf *out, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < n;)
        i += add_harmless(out, text + i, n - i);
}

/* The line of a mark, without its line break. */
static bool find_line(const struct source *s, int line, const char **start, size_t *n)
{
    const char *p = s->bytes.p, *end = p + s->bytes.n;
    for (; line > 1 && p < end; p++)
        if (*p == '\n' || (*p == '\r' && (p + 1 == end || p[1] != '\n')))
            line--;
    if (line != 1)
        return false;
    *start = p;
    *n = 0;
    while (p + *n < end && p[*n] != '\n' && p[*n] != '\r')
        (*n)++;
    return true;
}

/* Bytes of the character at p; an invalid byte is one of its own. */
static size_t one_column(const char *p, size_t n)
{
    int length = utf8_length(p, n);
    return length ? (size_t)length : 1;
}

/* Columns that the bytes from..to of a line take. */
static size_t columns(const char *line, size_t n, size_t from, size_t to)
{
    size_t count = 0;
    for (size_t i = from; i < n && i < to; count++)
        i += one_column(line + i, n - i);
    return count;
}

/* The line of a mark and the caret below it; NULL if the text has no such line. Caller frees. */
static char *draw(const struct mark *m)
{
    const char *line;
    size_t n;
    struct buf b = {0}, *out = &b;
    if (!m->source || !find_line(m->source, m->line, &line, &n))
        return NULL;
    size_t bytes_before = m->column > 0 ? (size_t)m->column - 1 : 0;
    if (bytes_before > n)
        bytes_before = n;
    size_t caret = columns(line, n, 0, bytes_before), total = columns(line, n, 0, n);
    size_t width = columns(line, n, bytes_before, bytes_before + (size_t)(m->length > 0 ? m->length : 0));
    size_t first = total > WINDOW && caret > LEAD ? caret - LEAD : 0;
    size_t last = total - first > WINDOW ? first + WINDOW : total;
    buf_str(out, first ? " ..." : "    ");
    for (size_t i = 0, column = 0; i < n && column < last; column++)
        i += column < first ? one_column(line + i, n - i) : add_harmless(out, line + i, n - i);
    buf_str(out, last < total ? "...\n    " : "\n    ");
    for (size_t i = first; i < caret; i++)
        buf_char(out, ' ');
    buf_char(out, '^');
    for (size_t i = 1; i < width && caret + i < last; i++)
        buf_char(out, '~');
    buf_char(out, '\n');
    return b.p;
}

/* --- adding -------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 0))) static char *compose(const char *fmt, va_list ap)
{
    char text[1024];
    vsnprintf(text, sizeof text, fmt, ap);
    return xstrdup(text);
}

__attribute__((format(printf, 4, 0))) static void add(struct diags *d, struct mark m, bool warning,
                                                      const char *fmt, va_list ap)
{
    *(warning ? &d->warnings : &d->errors) += 1;
    d->newest_kept = d->n < MOST_KEPT;
    if (!d->newest_kept)
        return;
    if (d->n == d->cap) {
        d->cap = d->cap ? 2 * d->cap : 16;
        d->entries = xrealloc(d->entries, (size_t)d->cap * sizeof *d->entries);
    }
    d->entries[d->n] = (struct entry){.path = m.source ? xstrdup(m.source->path) : NULL,
                                      .line = m.line,
                                      .column = m.column,
                                      .warning = warning,
                                      .order = d->n,
                                      .text = compose(fmt, ap),
                                      .shown = draw(&m)};
    d->n++;
}

void diags_error(struct diags *d, struct mark m, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, m, false, fmt, ap);
    va_end(ap);
}

void diags_warning(struct diags *d, struct mark m, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    add(d, m, true, fmt, ap);
    va_end(ap);
}

void diags_hint(struct diags *d, const char *fmt, ...)
{
    if (!fmt || d->n == 0 || !d->newest_kept)
        return;
    struct entry *newest = &d->entries[d->n - 1];
    va_list ap;
    va_start(ap, fmt);
    free(newest->hint);
    newest->hint = compose(fmt, ap);
    va_end(ap);
}

int diags_errors(const struct diags *d)
{
    return d->errors;
}

int diags_warnings(const struct diags *d)
{
    return d->warnings;
}

/* --- printing ------------------------------------------------------------------------------------------ */

static void print_entry(const struct entry *e, struct buf *out)
{
    if (e->path) {
        add_text(out, e->path);
        if (e->line > 0)
            buf_printf(out, ":%d:%d", e->line, e->column);
        buf_str(out, ": ");
    }
    buf_str(out, e->warning ? "warning: " : "error: ");
    add_text(out, e->text);
    buf_char(out, '\n');
    if (e->shown)
        buf_str(out, e->shown);
    if (e->hint) {
        buf_str(out, "  = ");
        add_text(out, e->hint);
        buf_char(out, '\n');
    }
}

static int by_place(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
    const char *in_x = x->path ? x->path : "";
    const char *in_y = y->path ? y->path : "";
    int order = strcmp(in_x, in_y);
    if (order == 0)
        order = (x->line > y->line) - (x->line < y->line);
    if (order == 0)
        order = (x->column > y->column) - (x->column < y->column);
    return order ? order : (x->order > y->order) - (x->order < y->order);
}

void diags_print(const struct diags *d, struct buf *out)
{
    const struct entry **sorted = xmalloc((size_t)d->n * sizeof *sorted);
    for (int i = 0; i < d->n; i++)
        sorted[i] = &d->entries[i];
    if (d->n > 1)
        qsort(sorted, (size_t)d->n, sizeof *sorted, by_place);
    int shown = d->n < MOST_PRINTED ? d->n : MOST_PRINTED;
    for (int i = 0; i < shown; i++)
        print_entry(sorted[i], out);
    int more = d->errors + d->warnings - shown;
    if (more > 0)
        buf_printf(out, "... and %d more\n", more);
    free(sorted);
}
