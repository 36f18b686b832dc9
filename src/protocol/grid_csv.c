/* Points from a CSV file: one row per point, units in the header (x_um, y_um), further columns kept as
 * values.
 *
 * Commas, semicolons and tabs are told apart by the header. Quotes are those of RFC 4180 within a line; lines
 * that are empty or begin with # are skipped. Every message points into the CSV file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "protocol/grid_parts.h"

#define CSV_BYTES_MAX (64u << 20)
#define FIELD_BYTES   128

enum role { ROLE_X, ROLE_Y, ROLE_REGION, ROLE_SPARE, ROLE_VALUE };

struct head {
    enum role role;
    char name[FIELD_BYTES], unit[16];
    double scale; /* m per unit of x and y; 1 in images */
};

struct csv {
    struct grid *g;
    struct grid_region *r;
    struct diags *d;
    const struct source *source;
    const char *at, *end;
    int line;
    char separator;
    struct head head[GRID_COLUMNS_MAX + 4];
    int n_heads;
    bool pixels;
};

/* --- lines and fields ------------------------------------------------------------------------------------
 */

static struct mark mark_at(const struct csv *c, const char *line, const char *field, int length)
{
    return (struct mark){c->source, c->line, (int)(field - line) + 1, length};
}

/* The next line with content: begin and end without the line end; false at the end of the file. */
static bool next_line(struct csv *c, const char **begin, const char **end)
{
    while (c->at < c->end) {
        const char *stop = memchr(c->at, '\n', (size_t)(c->end - c->at));
        *begin = c->at;
        *end = stop ? stop : c->end;
        c->at = stop ? stop + 1 : c->end;
        c->line++;
        while (*end > *begin && ((*end)[-1] == '\r' || (*end)[-1] == ' '))
            (*end)--;
        if (*end > *begin && **begin != '#')
            return true;
    }
    return false;
}

/* One field from *p on; moves *p behind its separator, or to NULL behind the last one. */
static void next_field(const struct csv *c, const char **p, const char *end, char text[FIELD_BYTES])
{
    size_t n = 0;
    const char *s = *p;
    bool quoted = s < end && *s == '"';
    for (s += quoted; s < end && (quoted || *s != c->separator); s++) {
        if (quoted && *s == '"') {
            if (s + 1 >= end || s[1] != '"') {
                quoted = false;
                continue;
            }
            s++;
        }
        if (n + 1 < FIELD_BYTES)
            text[n++] = *s;
    }
    while (n > 0 && text[n - 1] == ' ')
        n--;
    text[n] = '\0';
    size_t blanks = strspn(text, " ");
    memmove(text, text + blanks, n - blanks + 1);
    *p = s < end ? s + 1 : NULL;
}

/* --- header ----------------------------------------------------------------------------------------------
 */

/* Units as they stand behind a column's name: a prefix and a base, perhaps a power, "per" between two. A name
 * such as `particle_id` must not lose its end, so not everything that UDUNITS-2 knows is one. */
static bool is_simple_unit(const char *u, size_t n)
{
    static const char *const bases[] = {"m", "V",   "A",   "C",   "s", "Hz",   "F", "S",  "ohm",
                                        "K", "deg", "rad", "min", "h", "degC", "%", "cm", "percent"};
    while (n > 1 && u[n - 1] >= '2' && u[n - 1] <= '3')
        n--;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        size_t length = strlen(bases[i]);
        bool whole = n == length && strncmp(u, bases[i], n) == 0;
        bool prefixed = n == length + 1 && strchr("fpnumkMG", u[0]) && strncmp(u + 1, bases[i], length) == 0;
        if (whole || prefixed)
            return true;
    }
    return n == 3 && strncmp(u, "\xC2\xB5m", 3) == 0; /* µm */
}

/* Splits "rate_mV_per_s" into "rate" and "mV/s"; false if no unit is there. */
static bool split_unit(const char *head, char name[FIELD_BYTES], char unit[16])
{
    for (const char *cut = strchr(head, '_'); cut; cut = strchr(cut + 1, '_')) {
        const char *u = cut + 1, *per = strstr(u, "_per_");
        size_t first = per ? (size_t)(per - u) : strlen(u);
        bool ok = first > 0 && is_simple_unit(u, first) && (!per || is_simple_unit(per + 5, strlen(per + 5)));
        if (!ok || cut == head || strlen(u) >= 16)
            continue;
        snprintf(name, FIELD_BYTES, "%.*s", (int)(cut - head), head);
        snprintf(unit, 16, "%.*s%s%s", (int)first, u, per ? "/" : "", per ? per + 5 : "");
        return true;
    }
    snprintf(name, FIELD_BYTES, "%s", head);
    unit[0] = '\0';
    return false;
}

/* Metres of the unit of x or y. */
static bool coordinate_unit(struct csv *c, struct head *h, const char *head, struct mark m)
{
    char text[80];
    struct err e = ERR_INIT;
    h->scale = 1;
    if (c->pixels) {
        if (h->unit[0])
            diags_error(c->d, m,
                        "`%s`: places in an image have no unit of length; x and y, or x_px and y_px, are "
                        "wanted",
                        head);
        return !h->unit[0];
    }
    const char *unit = h->unit[0] ? h->unit : c->r->unit;
    if (!unit) {
        diags_error(c->d, m, "the header `%s` has no unit: x_um and y_um, for example, are wanted", head);
        return false;
    }
    snprintf(text, sizeof text, "1 %.60s", unit);
    if (quantity_parse(text, DIM_LENGTH, &h->scale, &e))
        return true;
    diags_error(c->d, m, "the unit of `%s`: %s", head, e.text);
    return false;
}

static bool read_head(struct csv *c, const char *text, struct mark m)
{
    struct head *h = &c->head[c->n_heads];
    char plain[FIELD_BYTES];
    snprintf(plain, sizeof plain, "%s", text);
    if (c->pixels && (strcmp(text, "x_px") == 0 || strcmp(text, "y_px") == 0))
        plain[1] = '\0';
    split_unit(plain, h->name, h->unit);
    h->role = strcmp(h->name, "x") == 0 ? ROLE_X : strcmp(h->name, "y") == 0 ? ROLE_Y : ROLE_VALUE;
    if (strcmp(text, "region") == 0)
        h->role = ROLE_REGION;
    if (strcmp(text, "spare") == 0)
        h->role = ROLE_SPARE;
    for (int i = 0; i < c->n_heads; i++)
        if (strcmp(c->head[i].name, h->name) == 0) {
            diags_error(c->d, m, "the column `%s` is given twice", h->name);
            return false;
        }
    c->n_heads++;
    if (h->role <= ROLE_Y)
        return coordinate_unit(c, h, text, m);
    return h->role != ROLE_VALUE || grid_column_get(c->g, h->name, h->unit, m, c->d);
}

static char separator_of(const char *line, const char *end)
{
    for (const char *p = line; p < end; p++)
        if (*p == ',' || *p == ';' || *p == '\t')
            return *p;
    return ',';
}

static bool read_header(struct csv *c)
{
    const char *line, *end, *p;
    char text[FIELD_BYTES];
    if (!next_line(c, &line, &end)) {
        diags_error(c->d, (struct mark){c->source, 1, 1, 0}, "the file of points is empty");
        return false;
    }
    c->separator = separator_of(line, end);
    bool ok = true, found[2] = {false};
    for (p = line; p && ok;) {
        const char *field = p;
        next_field(c, &p, end, text);
        if (c->n_heads >= GRID_COLUMNS_MAX + 4) {
            diags_error(c->d, mark_at(c, line, field, 0), "more than %d columns", GRID_COLUMNS_MAX);
            return false;
        }
        ok = read_head(c, text, mark_at(c, line, field, (int)strlen(text)));
    }
    for (int i = 0; i < c->n_heads && ok; i++)
        if (c->head[i].role <= ROLE_Y)
            found[c->head[i].role] = true;
    if (ok && !(found[0] && found[1]))
        diags_error(c->d, mark_at(c, line, line, (int)(end - line)),
                    "the header has no column for %s; %s are wanted", found[0] ? "y" : "x",
                    c->pixels ? "x_px and y_px" : "x_um and y_um, for example,");
    return ok && found[0] && found[1];
}

/* --- rows -------------------------------------------------------------------------------------------------
 */

static bool read_cell(struct csv *c, const struct head *h, struct grid_entry *e, const char *text,
                      struct mark m)
{
    double value;
    switch (h->role) {
    case ROLE_X:
    case ROLE_Y:
        if (!number_parse(text, &value) || fabs(value * h->scale) > (c->pixels ? 1e6 : 1)) {
            diags_error(c->d, m, "%s: `%.40s` is not a %s%s", h->name, text,
                        number_parse(text, &value) ? "place within reach" : "number",
                        strchr(text, ',') ? " (a decimal point is wanted)" : "");
            return false;
        }
        *(h->role == ROLE_X ? &e->x : &e->y) = value * h->scale;
        return true;
    case ROLE_SPARE:
        e->spare = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
        if (e->spare || !text[0] || !strcmp(text, "no") || !strcmp(text, "false") || !strcmp(text, "0"))
            return true;
        diags_error(c->d, m, "spare: yes or no is wanted, found `%.40s`", text);
        return false;
    case ROLE_REGION: {
        /* Kept as a column too, which owns the text. */
        struct grid_column *column = grid_column_get(c->g, "region", "", m, c->d);
        if (column && text[0]) {
            grid_column_put(c->g, column, text, m);
            e->region = column->text[c->g->n_entries - 1];
        }
        return column != NULL;
    }
    case ROLE_VALUE:
        if (text[0])
            grid_column_put(c->g, grid_column_get(c->g, h->name, h->unit, m, c->d), text, m);
        return true;
    }
    return false;
}

static bool read_row(struct csv *c, const char *line, const char *end)
{
    char text[FIELD_BYTES];
    const char *p = line;
    int i = 0;
    bool ok = true;
    struct grid_entry *e = grid_entry_add(c->g, c->r);
    e->mark = mark_at(c, line, line, (int)(end - line));
    for (; p && i < c->n_heads; i++) {
        const char *field = p;
        next_field(c, &p, end, text);
        if (strlen(text) > 63) {
            diags_error(c->d, mark_at(c, line, field, 0), "%s: a value of at most 63 bytes is wanted",
                        c->head[i].name);
            ok = false;
        } else {
            ok = read_cell(c, &c->head[i], e, text, mark_at(c, line, field, (int)strlen(text))) && ok;
        }
    }
    if (i == c->n_heads && !p)
        return ok;
    diags_error(c->d, e->mark, "this row has %s columns than the header, which has %d", p ? "more" : "fewer",
                c->n_heads);
    return false;
}

static bool is_text(const struct csv *c)
{
    const char *p = c->at;
    int line = 1;
    while (p < c->end) {
        int n = *p ? utf8_length(p, (size_t)(c->end - p)) : 0;
        if (n == 0) {
            diags_error(c->d, (struct mark){c->source, line, 0, 0},
                        "this is not UTF-8 text: a CSV file is wanted");
            return false;
        }
        line += *p == '\n';
        p += n;
    }
    return true;
}

static void read_rows(struct csv *c)
{
    const char *line, *end;
    for (int bad = 0; bad < 50 && next_line(c, &line, &end);) {
        if (c->r->n_entries == GRID_SITES_MAX) {
            diags_error(c->d, mark_at(c, line, line, 0), "more than the %d points that a grid may have",
                        GRID_SITES_MAX);
            return;
        }
        bad += !read_row(c, line, end);
    }
    if (c->r->n_entries == 0)
        diags_error(c->d, (struct mark){c->source, c->line, 1, 0}, "the file has a header but no points");
}

void grid_csv_read(struct grid *g, struct grid_region *r, struct diags *d)
{
    struct mark m = ynode_mark(ynode_get(r->node, "file"));
    struct err e = ERR_INIT;
    char *path = source_beside(m.source ? m.source->path : NULL, r->file);
    r->source = source_read(path, CSV_BYTES_MAX, &e);
    free(path);
    if (!r->source) {
        diags_error(d, m, "the points can not be read: %s", e.text);
        return;
    }
    struct csv c = {.g = g, .r = r, .d = d, .source = r->source, .at = r->source->bytes.p};
    c.pixels = ynode_get(r->node, "image") != NULL;
    c.end = c.at + r->source->bytes.n;
    if (r->source->bytes.n >= 3 && memcmp(c.at, "\xEF\xBB\xBF", 3) == 0)
        c.at += 3;
    if (is_text(&c) && read_header(&c))
        read_rows(&c);
}
