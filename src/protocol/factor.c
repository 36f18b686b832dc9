/* Factors of a design.
 *
 * A level is only text until it is known what it is used for: the first scalar that names the factor fixes
 * its dimension, and every further one must agree. */
#include "protocol/factor.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/grid.h"
#include "protocol/step.h"

int factor_find(const struct protocol *p, const char *name)
{
    for (int i = 0; i < p->n_factors; i++)
        if (strcmp(p->factor[i].name, name) == 0)
            return i;
    return -1;
}

int64_t factor_combinations(const struct protocol *p)
{
    int64_t n = 1;
    for (int i = 0; i < p->n_factors && n <= GRID_SITES_MAX; i++)
        n *= p->factor[i].n;
    return n;
}

void factor_levels(const struct protocol *p, int k, int level[FACTOR_MAX])
{
    for (int i = FACTOR_MAX - 1; i >= 0; i--) {
        int n = i < p->n_factors ? p->factor[i].n : 1;
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

static bool read_levels(const struct ynode *list, struct factor *f, struct diags *d)
{
    if (ynode_kind(list) != Y_LIST || ynode_count(list) == 0) {
        diags_error(d, ynode_mark(list), "factor `%s`: a list of levels is wanted, for example [1 V, 0.5 V]",
                    f->name);
        return false;
    }
    int n = ynode_count(list);
    f->text = xcalloc((size_t)n, sizeof *f->text);
    f->si = xcalloc((size_t)n, sizeof *f->si);
    f->level_mark = xcalloc((size_t)n, sizeof *f->level_mark);
    for (int i = 0; i < n; i++) {
        const struct ynode *item = ynode_item(list, i);
        if (!ynode_text(item)) {
            diags_error(d, ynode_mark(item), "factor `%s`: a level is a single value", f->name);
            return false;
        }
        f->text[f->n] = xstrdup(ynode_text(item));
        f->level_mark[f->n] = ynode_mark(item);
        f->n++;
    }
    return true;
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
    snprintf(f->name, sizeof f->name, "%s", name);
    f->mark = m;
    /* Kept even if its levels do not read, so that its uses are not called undefined. */
    p->n_factors++;
    if (!read_levels(ynode_value(map, i), f, d))
        f->used = true;
}

void factor_read_all(struct protocol *p, struct diags *d)
{
    const struct ynode *map = p->factors_node;
    if (!map)
        return;
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

void factor_free_all(struct protocol *p)
{
    for (int i = 0; i < p->n_factors; i++) {
        struct factor *f = &p->factor[i];
        for (int k = 0; k < f->n; k++)
            free(f->text[k]);
        free(f->text);
        free(f->si);
        free(f->level_mark);
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

static void report_undefined(const struct use *u, const struct value *v)
{
    const char *names[FACTOR_MAX + 1] = {0};
    for (int i = 0; i < u->p->n_factors; i++)
        names[i] = u->p->factor[i].name;
    diags_error(u->d, v->mark, "`$%s` is not a factor: `vary.factors` does not define it", v->factor);
    const char *nearest = text_nearest(v->factor, names);
    if (nearest)
        diags_hint(u->d, "did you mean `$%s`?", nearest);
}

static void parse_levels(const struct use *u, struct factor *f)
{
    for (int i = 0; i < f->n; i++) {
        struct err e = ERR_INIT;
        if (!quantity_parse(f->text[i], f->dim, &f->si[i], &e)) {
            diags_error(u->d, f->level_mark[i], "factor `%s`: %s", f->name, e.text);
            f->si[i] = NAN;
        }
        for (int k = 0; k < i; k++)
            if (f->si[k] == f->si[i]) {
                diags_error(u->d, f->level_mark[i], "factor `%s`: %s is the same level as %s", f->name,
                            f->text[i], f->text[k]);
                break;
            }
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
    if (!v->factor[0])
        return;
    int i = factor_find(u->p, v->factor);
    if (i < 0) {
        report_undefined(u, v);
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
