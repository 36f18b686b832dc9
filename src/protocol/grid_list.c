/* Points written into the grid file, and the values that come with them.
 *
 * A list may hold ten thousand points, so it is read directly and not by tables: [x, y], or a map with x and
 * y whose further keys become columns. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/grid_parts.h"

/* --- entries and columns ---------------------------------------------------------------------------------
 */

struct grid_entry *grid_entry_add(struct grid *g, struct grid_region *r)
{
    if (r->n_entries == 0)
        r->first_entry = g->n_entries;
    /* Capacity doubles at powers of two. */
    if ((r->n_entries & (r->n_entries - 1)) == 0)
        r->entry = xrealloc(r->entry, (size_t)(r->n_entries ? 2 * r->n_entries : 1) * sizeof *r->entry);
    g->n_entries++;
    r->entry[r->n_entries] = (struct grid_entry){0};
    return &r->entry[r->n_entries++];
}

const struct grid_column *grid_column_find(const struct grid *g, const char *name)
{
    for (int i = 0; i < g->n_columns; i++)
        if (strcmp(g->column[i].name, name) == 0)
            return &g->column[i];
    return NULL;
}

struct grid_column *grid_column_get(struct grid *g, const char *name, const char *unit, struct mark m,
                                    struct diags *d)
{
    const struct grid_column *found = grid_column_find(g, name);
    if (found)
        return &g->column[found - g->column];
    if (strlen(name) >= sizeof found->name || name[0] == '\0') {
        diags_error(d, m, "the name of a column has 1 to %zu characters", sizeof found->name - 1);
        return NULL;
    }
    if (g->n_columns == GRID_COLUMNS_MAX) {
        diags_error(d, m, "more than %d columns of values", GRID_COLUMNS_MAX);
        return NULL;
    }
    if (!g->column)
        g->column = xcalloc(GRID_COLUMNS_MAX, sizeof *g->column);
    struct grid_column *c = &g->column[g->n_columns++];
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->unit, sizeof c->unit, "%s", unit);
    return c;
}

/* Room of an array of n items that grows to the next power of two. */
static size_t room(int n)
{
    size_t r = 16;
    while (r < (size_t)n)
        r *= 2;
    return n > 0 ? r : 0;
}

void grid_column_put(struct grid *g, struct grid_column *c, const char *text, struct mark m)
{
    int entry = g->n_entries - 1;
    if (room(entry + 1) > room(c->n)) {
        c->text = xrealloc(c->text, room(entry + 1) * sizeof *c->text);
        c->mark = xrealloc(c->mark, room(entry + 1) * sizeof *c->mark);
    }
    for (; c->n <= entry; c->n++) {
        c->text[c->n] = NULL;
        c->mark[c->n] = (struct mark){0};
    }
    struct buf b = {0};
    buf_printf(&b, c->unit[0] ? "%s %s" : "%s", text, c->unit);
    free(c->text[entry]);
    c->text[entry] = b.p;
    c->mark[entry] = m;
}

bool grid_column_value(const struct grid_column *c, int entry, enum dim dim, double *si, struct err *e)
{
    if (entry < 0 || entry >= c->n || !c->text[entry])
        return err_set(e, ERR_INPUT, "column `%s`: this site has no value", c->name);
    return quantity_parse(c->text[entry], dim, si, e) || err_context(e, "column `%s`", c->name);
}

/* --- points ------------------------------------------------------------------------------------------- */

/* How coordinates of this list are read. */
struct reading {
    struct grid *g;
    struct grid_region *r;
    struct diags *d;
    bool pixels;
    double unit; /* m of a plain number, NAN = it must have a unit */
};

static bool read_unit(struct reading *q)
{
    struct err e = ERR_INIT;
    char text[64];
    q->unit = NAN;
    if (!q->r->unit)
        return true;
    snprintf(text, sizeof text, "1 %.50s", q->r->unit);
    if (quantity_parse(text, DIM_LENGTH, &q->unit, &e))
        return true;
    diags_error(q->d, ynode_mark(ynode_get(q->r->node, "unit")), "`unit`: %s", e.text);
    return false;
}

static bool read_coordinate(const struct reading *q, const struct ynode *n, const char *name, double *out)
{
    const char *text = n ? ynode_text(n) : NULL;
    struct err e = ERR_INIT;
    double value;
    if (!text) {
        diags_error(q->d, ynode_mark(n), "%s of a point: a single value is wanted", name);
        return false;
    }
    if ((q->pixels || !isnan(q->unit)) && number_parse(text, &value)) {
        *out = q->pixels ? value : value * q->unit;
        return true;
    }
    if (q->pixels) {
        diags_error(q->d, ynode_mark(n), "%s of a point in an image: `%.40s` is not a plain number", name,
                    text);
        return false;
    }
    if (quantity_parse(text, DIM_LENGTH, out, &e))
        return true;
    diags_error(q->d, ynode_mark(n), "%s of a point: %s", name, e.text);
    if (number_parse(text, &value))
        diags_hint(q->d, "`unit: um` beside the list gives all of its plain numbers a unit");
    return false;
}

static bool in_reach(const struct reading *q, const struct grid_entry *e)
{
    double most = q->pixels ? 1e6 : 1;
    if (fabs(e->x) <= most && fabs(e->y) <= most)
        return true;
    diags_error(q->d, e->mark, "this point is more than %s away from the origin",
                q->pixels ? "a million pixels" : "1 m");
    return false;
}

static bool read_pair(const struct reading *q, const struct ynode *n)
{
    struct grid_entry *e = grid_entry_add(q->g, q->r);
    e->mark = ynode_mark(n);
    if (ynode_count(n) != 2) {
        diags_error(q->d, e->mark, "a point is [x, y], found a list of %d", ynode_count(n));
        return false;
    }
    bool x = read_coordinate(q, ynode_item(n, 0), "x", &e->x),
         y = read_coordinate(q, ynode_item(n, 1), "y", &e->y);
    return x && y && in_reach(q, e);
}

static bool read_spare(const struct reading *q, const struct ynode *n, bool *spare)
{
    const char *text = ynode_text(n);
    *spare = text && (strcmp(text, "yes") == 0 || strcmp(text, "true") == 0);
    if (*spare || (text && (strcmp(text, "no") == 0 || strcmp(text, "false") == 0)))
        return true;
    diags_error(q->d, ynode_mark(n), "`spare`: yes or no is wanted");
    return false;
}

/* A key that is not a coordinate: region and spare mean something, others are columns. */
static bool read_key(const struct reading *q, struct grid_entry *e, const struct ynode *n, int i)
{
    const char *key = ynode_key(n, i);
    const struct ynode *value = ynode_value(n, i);
    const char *text = ynode_text(value);
    if (strcmp(key, "spare") == 0)
        return read_spare(q, value, &e->spare);
    if (!text || strlen(text) > 63 || (ynode_is_null(value) && strcmp(key, "region") == 0)) {
        diags_error(q->d, ynode_mark(value),
                    "`%.40s` of a point: a single value of at most 63 characters is wanted", key);
        return false;
    }
    if (strcmp(key, "region") == 0) {
        e->region = text;
        return true;
    }
    struct grid_column *c = grid_column_get(q->g, key, "", ynode_key_mark(n, i), q->d);
    if (c && !ynode_is_null(value))
        grid_column_put(q->g, c, text, ynode_mark(value));
    return c != NULL;
}

static bool read_map(const struct reading *q, const struct ynode *n)
{
    struct grid_entry *e = grid_entry_add(q->g, q->r);
    const struct ynode *x = ynode_get(n, "x"), *y = ynode_get(n, "y");
    e->mark = ynode_mark(n);
    if (!x || !y) {
        diags_error(q->d, e->mark, "`%s` is missing in this point", x ? "y" : "x");
        return false;
    }
    bool ok = read_coordinate(q, x, "x", &e->x);
    ok = read_coordinate(q, y, "y", &e->y) && ok;
    for (int i = 0; i < ynode_count(n); i++)
        if (strcmp(ynode_key(n, i), "x") != 0 && strcmp(ynode_key(n, i), "y") != 0)
            ok = read_key(q, e, n, i) && ok;
    return ok && in_reach(q, e);
}

void grid_list_read(struct grid *g, struct grid_region *r, struct diags *d)
{
    struct reading q = {.g = g, .r = r, .d = d, .pixels = ynode_get(r->node, "image") != NULL};
    if (ynode_kind(r->points) != Y_LIST || ynode_count(r->points) == 0) {
        diags_error(d, ynode_mark(r->points),
                    "`points`: a list of places is wanted, for example [[10 um, 12 um], [15 um, 12 um]]");
        return;
    }
    if (!read_unit(&q))
        return;
    if (ynode_count(r->points) > GRID_SITES_MAX) {
        diags_error(d, ynode_mark(r->points), "%d points are more than the %d that a grid may have",
                    ynode_count(r->points), GRID_SITES_MAX);
        return;
    }
    /* After some tens of faults the list as a whole is wrong, not its points. */
    int bad = 0;
    for (int i = 0; i < ynode_count(r->points) && bad < 50; i++) {
        const struct ynode *n = ynode_item(r->points, i);
        if (ynode_kind(n) == Y_SCALAR) {
            diags_error(d, ynode_mark(n), "a point is [x, y] or a map with x and y, found a single value");
            bad++;
        } else {
            bad += !(ynode_kind(n) == Y_LIST ? read_pair(&q, n) : read_map(&q, n));
        }
    }
}
