/* Factors of a design.
 *
 * A level is only text until it is known what it is used for: the first scalar that names the factor fixes
 * its dimension, and every further one must agree. Linked factors form a group, and a factor alone is a group
 * of one: the design deals combinations of the levels of groups, so that it need not know what is linked. */
#include "protocol/factor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/design.h"
#include "protocol/grid.h"
#include "protocol/level_file.h"

#define LEVEL_FILE_MAX (4u << 20) /* bytes */

int factor_find(const struct protocol *p, const char *name)
{
    for (int i = 0; i < p->n_factors; i++)
        if (strcmp(p->factor[i].name, name) == 0)
            return i;
    return -1;
}

/* All factors of a group have as many levels. */
static int group_levels(const struct protocol *p, int g)
{
    for (int i = 0; i < p->n_factors; i++)
        if (p->factor[i].group == g)
            return p->factor[i].n;
    return 1;
}

int64_t factor_combinations(const struct protocol *p)
{
    int64_t n = 1;
    for (int g = 0; g < p->n_groups && n <= GRID_SITES_MAX; g++)
        n *= group_levels(p, g);
    return n;
}

void factor_levels(const struct protocol *p, int k, int level[FACTOR_MAX])
{
    for (int g = p->n_groups - 1; g >= 0; g--) {
        int n = group_levels(p, g);
        for (int i = 0; i < p->n_factors; i++)
            if (p->factor[i].group == g)
                level[i] = k % n;
        k /= n;
    }
}

void factor_describe(const struct protocol *p, const int level[FACTOR_MAX], struct buf *out)
{
    for (int i = 0; i < p->n_factors; i++)
        buf_printf(out, "%s%s = %s", i ? ", " : "", p->factor[i].name,
                   level[i] < 0 ? "open" : p->factor[i].text[level[i]]);
}

/* --- reading ---------------------------------------------------------------------------------------------
 */

struct file_map {
    char *file, *column;
};

static const struct field file_table[] = {
    {"file", FIELD_STRING, DIM_NONE, offsetof(struct file_map, file), false, NULL, 0, 0, NULL, NULL,
     "table with a header (CSV), relative to this file; the listed points of the grid if left out"},
    {"column", FIELD_STRING, DIM_NONE, offsetof(struct file_map, column), true, NULL, 0, 0, NULL, NULL,
     "column with one value per site; the unit stands in its header, such as `potential_V` or `rate (mV/s)`, "
     "or "
     "behind each number. Rows are sites in their order unless there is a column `site`"},
};
static const struct fields file_fields = FIELDS("`from`", file_table);

static const struct field factor_table[] = {
    {"from", FIELD_MAP, DIM_NONE, 0, true, NULL, 0, 0, NULL, &file_fields,
     "where the value of each site stands"},
};
const struct fields factor_fields = FIELDS("the factor", factor_table);

void factor_set_levels(struct factor *f, int n, const char *const *text)
{
    char **copy = xcalloc((size_t)n, sizeof *copy);
    for (int i = 0; i < n; i++)
        copy[i] = xstrdup(text[i]);
    for (int i = 0; i < f->n; i++)
        free(f->text[i]);
    free(f->text);
    f->text = copy;
    f->si = xrealloc(f->si, (size_t)n * sizeof *f->si);
    f->level_mark = xrealloc(f->level_mark, (size_t)n * sizeof *f->level_mark);
    for (int i = 0; i < n; i++) {
        f->si[i] = NAN;
        f->level_mark[i] = f->mark;
    }
    f->n = n;
}

static bool read_list(const struct ynode *list, struct factor *f, struct diags *d)
{
    int n = ynode_count(list);
    const char **text = xcalloc((size_t)n, sizeof *text);
    bool ok = true;
    for (int i = 0; i < n && ok; i++) {
        text[i] = ynode_text(ynode_item(list, i));
        if (!text[i]) {
            diags_error(d, ynode_mark(ynode_item(list, i)), "factor `%s`: a level is a single value",
                        f->name);
            ok = false;
        }
    }
    if (ok)
        factor_set_levels(f, n, text);
    for (int i = 0; i < n && ok; i++)
        f->level_mark[i] = ynode_mark(ynode_item(list, i));
    free(text);
    return ok;
}

static bool read_file(const struct protocol *p, const struct ynode *map, struct factor *f, struct diags *d)
{
    struct file_map m = {0};
    struct err e = ERR_INIT;
    bool ok = schema_read(map, &factor_fields, &m, d);
    const struct ynode *from = ynode_get(map, "from");
    if (ok && !m.file) {
        /* A grid that does not read has been told of. */
        ok = p->grid && level_points_read(f, p->grid, m.column, ynode_mark(ynode_get(from, "column")), d);
    } else if (ok) {
        char *path = source_beside(p->source->path, m.file);
        f->source = source_read(path, LEVEL_FILE_MAX, &e);
        free(path);
        if (!f->source)
            diags_error(d, ynode_mark(ynode_get(from, "file")), "the levels can not be read: %s", e.text);
        ok = f->source && level_file_read(f, m.column, ynode_mark(ynode_get(from, "column")), d);
    }
    schema_free(&factor_fields, &m);
    return ok;
}

static bool read_levels(const struct protocol *p, const struct ynode *n, struct factor *f, struct diags *d)
{
    if (ynode_kind(n) == Y_MAP)
        return read_file(p, n, f, d);
    if (ynode_kind(n) == Y_LIST && ynode_count(n) > 0)
        return read_list(n, f, d);
    diags_error(d, ynode_mark(n),
                "factor `%s`: a list of levels is wanted, for example [1 V, 0.5 V], or "
                "{from: {file: NAME.csv, column: NAME}}",
                f->name);
    return false;
}

/* Columns that every table of sites, features or attempts has: what is asked of one by its name must not be
 * taken for the other. */
static bool is_column(const char *name)
{
    static const char *const columns[] = {
        "site",        "order",          "visit",    "x",       "y",       "region",  "block",    "outcome",
        "reason",      "contact_z",      "attempts", "attempt", "touched", "spare",   "role",     "flags",
        "start",       "start_utc",      "start_s",  "step",    "cycle",   "feature", "value",    "value_si",
        "uncertainty", "uncertainty_si", "unit",     "unit_si", "method",  "missing", "replaces", "fault",
        "probe"};
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        if (strcmp(columns[k], name) == 0)
            return true;
    return false;
}

static void read_factor(struct protocol *p, const struct ynode *map, int i, struct diags *d)
{
    const char *name = ynode_key(map, i);
    struct mark m = ynode_key_mark(map, i);
    struct factor *f = &p->factor[p->n_factors];
    if (!name_is_plain(name) || strlen(name) >= sizeof f->name) {
        diags_error(
            d, m, "`%.40s` can not name a factor: use letters, digits, - and _, a letter first, at most %zu",
            name, sizeof f->name - 1);
        return;
    }
    if (is_column(name))
        diags_error(d, m, "`%s` can not name a factor: tables of sites have a column of that name already",
                    name);
    snprintf(f->name, sizeof f->name, "%s", name);
    f->mark = m;
    /* Kept even if its levels do not read, so that its uses are not called undefined. */
    p->n_factors++;
    if (!read_levels(p, ynode_value(map, i), f, d))
        f->used = true;
}

static void read_factors(struct protocol *p, struct diags *d)
{
    const struct ynode *map = p->factors_node;
    if (ynode_kind(map) != Y_MAP || ynode_count(map) == 0) {
        diags_error(d, ynode_mark(map),
                    "`factors` is a map of name and levels, for example {cutoff: [1 V, 0.5 V]}");
        return;
    }
    if (ynode_count(map) > FACTOR_MAX)
        diags_error(d, ynode_key_mark(map, FACTOR_MAX), "%d factors; at most %d are possible",
                    ynode_count(map), FACTOR_MAX);
    for (int i = 0; i < ynode_count(map) && i < FACTOR_MAX; i++)
        read_factor(p, map, i, d);
}

/* --- groups ----------------------------------------------------------------------------------------------
 */

/* `sign`: "$" where the name is used, "" where it is only named. */
static void report_undefined(const struct protocol *p, struct mark m, const char *sign, const char *name,
                             struct diags *d)
{
    const char *names[FACTOR_MAX + 1] = {0};
    for (int i = 0; i < p->n_factors; i++)
        names[i] = p->factor[i].name;
    diags_error(d, m, "`%s%.40s` is not a factor: `vary.factors` does not define it", sign, name);
    const char *nearest = text_nearest(name, names);
    if (nearest)
        diags_hint(d, "did you mean `%s%s`?", sign, nearest);
}

/* Joins factor `i` to those that are linked with `first` (-1: none yet). False with an error told. */
static bool join(struct protocol *p, int i, int first, bool linked[FACTOR_MAX], struct mark m,
                 struct diags *d)
{
    struct factor *f = &p->factor[i];
    const struct factor *other = first < 0 ? f : &p->factor[first];
    if (linked[i])
        diags_error(d, m, "`%s` is linked already: a factor can be in one list only", f->name);
    else if (f->source || f->of_site)
        diags_error(d, m, "`%s` takes one value per site from %s: there is nothing to link", f->name,
                    f->source ? "a file" : "the grid");
    else if (f->n && other->n && f->n != other->n)
        diags_error(d, m, "linked factors have as many levels: `%s` has %d, `%s` has %d", other->name,
                    other->n, f->name, f->n);
    else {
        linked[i] = true;
        f->group = other->group;
        return true;
    }
    return false;
}

static void read_link(struct protocol *p, const struct ynode *list, bool linked[FACTOR_MAX], struct diags *d)
{
    for (int k = 0, first = -1; k < ynode_count(list); k++) {
        const struct ynode *item = ynode_item(list, k);
        const char *name = ynode_text(item) ? ynode_text(item) : "";
        int i = factor_find(p, name + (name[0] == '$'));
        if (i < 0)
            report_undefined(p, ynode_mark(item), "", name + (name[0] == '$'), d);
        else if (join(p, i, first, linked, ynode_mark(item), d) && first < 0)
            first = i;
    }
}

static void read_linked(struct protocol *p, struct diags *d)
{
    const struct ynode *n = p->linked_node;
    bool linked[FACTOR_MAX] = {false};
    if (!n)
        return;
    if (p->design + DESIGN_FULL_FACTORIAL == DESIGN_GRADIENT) {
        diags_error(d, ynode_mark(n),
                    "`linked` means nothing in a gradient: all of its factors change together");
        return;
    }
    bool fits = ynode_kind(n) == Y_LIST && ynode_count(n) > 0;
    for (int i = 0; fits && i < ynode_count(n); i++)
        fits = ynode_kind(ynode_item(n, i)) == Y_LIST && ynode_count(ynode_item(n, i)) > 1;
    if (!fits)
        diags_error(d, ynode_mark(n),
                    "`linked` is a list of lists of two or more factors, for example [[cutoff, rate]]");
    for (int i = 0; fits && i < ynode_count(n); i++)
        read_link(p, ynode_item(n, i), linked, d);
}

/* Numbers the groups that are left, in the order of their first factors. */
static void number_groups(struct protocol *p)
{
    int number[FACTOR_MAX];
    for (int g = 0; g < FACTOR_MAX; g++)
        number[g] = -1;
    for (int i = 0; i < p->n_factors; i++) {
        struct factor *f = &p->factor[i];
        if (f->of_site) {
            f->group = -1;
            continue;
        }
        if (number[f->group] < 0)
            number[f->group] = p->n_groups++;
        f->group = number[f->group];
    }
}

void factor_read_all(struct protocol *p, struct diags *d)
{
    if (!p->factors_node)
        return;
    read_factors(p, d);
    for (int i = 0; i < p->n_factors; i++)
        p->factor[i].group = i;
    read_linked(p, d);
    number_groups(p);
}

void factor_free_all(struct protocol *p)
{
    for (int i = 0; i < p->n_factors; i++) {
        struct factor *f = &p->factor[i];
        for (int k = 0; k < f->n; k++)
            free(f->text[k]);
        free(f->text);
        free(f->si);
        free(f->level_mark);
        free(f->of_site);
        source_free(f->source);
    }
}

void factor_place(struct protocol *p, const struct grid_layout *layout)
{
    for (int i = 0; i < p->n_factors; i++) {
        struct factor *f = &p->factor[i];
        if (!f->of_points)
            continue;
        int *of_site = xcalloc((size_t)layout->n_sites + 1, sizeof *of_site);
        for (int k = 0; k < layout->n_sites; k++) {
            int entry = layout->point[k].entry;
            of_site[k] = entry >= 0 && entry < f->n_of_site ? f->of_site[entry] : -1;
        }
        free(f->of_site);
        f->of_site = of_site;
        f->n_of_site = layout->n_sites;
    }
}

/* --- resolving -------------------------------------------------------------------------------------------
 */

struct use {
    struct protocol *p;
    struct diags *d;
    bool typed[FACTOR_MAX], parsed[FACTOR_MAX];
    struct mark first[FACTOR_MAX];
};

/* Is a level that stands twice a mistake? Not where it goes with different levels of a linked factor, nor
 * where a gradient comes back; from a file equal levels are one already. */
static bool must_differ(const struct protocol *p, const struct factor *f)
{
    bool linked = false;
    for (int i = 0; i < p->n_factors; i++)
        linked = linked || (&p->factor[i] != f && p->factor[i].group == f->group);
    return !linked && !f->of_site && p->design != DESIGN_GRADIENT;
}

static void find_equal(const struct use *u, const struct factor *f, int i)
{
    for (int k = 0; k < i; k++)
        if (f->si[k] == f->si[i]) {
            diags_error(u->d, f->level_mark[i], "factor `%s`: %s is the same level as %s", f->name,
                        f->text[i], f->text[k]);
            return;
        }
}

static void parse_levels(const struct use *u, struct factor *f)
{
    for (int i = 0; i < f->n; i++) {
        struct err e = ERR_INIT;
        if (!quantity_parse(f->text[i], f->dim, &f->si[i], &e)) {
            diags_error(u->d, f->level_mark[i], "factor `%s`: %s", f->name, e.text);
            f->si[i] = NAN;
        }
        if (must_differ(u->p, f))
            find_equal(u, f, i);
    }
}

/* In a gradient only the ends must be whole: what lies between is rounded. */
static void check_whole(const struct use *u, const struct factor *f, const struct field *field)
{
    for (int i = 0; i < f->n; i++)
        if (f->si[i] != rint(f->si[i]) && !isnan(f->si[i])) {
            diags_error(u->d, f->level_mark[i],
                        "factor `%s`: %s can not be a level of `%s`, which is a whole number", f->name,
                        f->text[i], field->key);
            return;
        }
}

static void check_range(const struct use *u, const struct factor *f, const struct field *field)
{
    char low[48], high[48];
    if (field->min == 0 && field->max == 0)
        return;
    for (int i = 0; i < f->n; i++)
        if (f->si[i] < field->min || f->si[i] > field->max)
            diags_error(u->d, f->level_mark[i],
                        "factor `%s`: %s can not be a level of `%s`, which takes %s to %s", f->name,
                        f->text[i], field->key, quantity_format(field->min, field->dim, low, sizeof low),
                        quantity_format(field->max, field->dim, high, sizeof high));
}

static void set_dimension(struct use *u, int i, const struct value *v, enum dim dim)
{
    u->p->factor[i].dim = dim;
    u->typed[i] = true;
    u->first[i] = v->mark;
}

/* First pass: dimensions that suit the levels. */
static void visit_dimension(void *context, const struct value *v, const struct field *field,
                            const struct step *owner)
{
    (void)owner;
    struct use *u = context;
    int i = v->factor[0] ? factor_find(u->p, v->factor) : -1;
    double si;
    if (i >= 0 && !u->typed[i] && u->p->factor[i].n > 0 &&
        quantity_parse(u->p->factor[i].text[0], field->dim, &si, NULL))
        set_dimension(u, i, v, field->dim);
}

static void visit_use(void *context, const struct value *v, const struct field *field,
                      const struct step *owner)
{
    (void)owner;
    struct use *u = context;
    if (!v->factor[0] || !v->given) /* not given: a default that is another scalar's value */
        return;
    int i = factor_find(u->p, v->factor);
    if (i < 0) {
        report_undefined(u->p, v->mark, "$", v->factor, u->d);
        return;
    }
    struct factor *f = &u->p->factor[i];
    f->used = true;
    if (!u->typed[i])
        set_dimension(u, i, v, field->dim);
    if (!u->parsed[i]) {
        parse_levels(u, f);
        u->parsed[i] = true;
    }
    if (f->dim != field->dim) {
        diags_error(u->d, v->mark, "`$%s` is a %s here but a %s in line %d", f->name, dim_name(field->dim),
                    dim_name(f->dim), u->first[i].line);
        return;
    }
    check_range(u, f, field);
    if (field->kind == FIELD_COUNT && !f->whole) {
        f->whole = true;
        check_whole(u, f, field);
    }
}

void factor_resolve(struct protocol *p, struct diags *d)
{
    struct use u = {.p = p, .d = d};
    protocol_each_value(p, visit_dimension, &u);
    protocol_each_value(p, visit_use, &u);
    for (int i = 0; i < p->n_factors; i++)
        if (!p->factor[i].used)
            diags_error(d, p->factor[i].mark,
                        "factor `%s` is not used: write `$%s` where its level belongs, or remove it",
                        p->factor[i].name, p->factor[i].name);
}
