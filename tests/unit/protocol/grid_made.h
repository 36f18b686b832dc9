/* Grids from text, placed, for the tests. */
#ifndef SECCM_TEST_GRID_MADE_H
#define SECCM_TEST_GRID_MADE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/grid.h"

/* Puts a and b (may be NULL) in place of the first and second %s of text. */
static inline void fill(char *out, size_t n, const char *text, const char *a, const char *b)
{
    struct buf made = {0};
    for (; *text; text++) {
        if (text[0] != '%' || text[1] != 's') {
            buf_char(&made, *text);
            continue;
        }
        buf_str(&made, a);
        a = b;
        text++;
    }
    assert_true(made.n < n);
    memcpy(out, made.p, made.n + 1);
    buf_free(&made);
}

struct made {
    struct source *source;
    struct diags *d;
    struct ytree *tree;
    struct grid *grid; /* NULL if refused */
    struct grid_layout l;
    bool placed;
    struct buf text; /* messages */
};

static inline struct made make_used(const char *text, uint64_t seed, const struct grid_spot *used, int n)
{
    struct made m = {.source = source_from_text("grid", text), .d = diags_new()};
    m.tree = ytree_parse(m.source, m.d);
    m.grid = m.tree ? grid_read(ytree_root(m.tree), m.d) : NULL;
    m.placed = m.grid && grid_place(m.grid, seed, used, n, &m.l, m.d);
    buf_str(&m.text, "");
    diags_print(m.d, &m.text);
    return m;
}

/* A grid that must be placed. */
static inline struct made place(const char *text)
{
    struct made m = make_used(text, 1, NULL, 0);
    if (!m.placed)
        fail_msg("%s", m.text.p);
    return m;
}

static inline void drop(struct made *m)
{
    grid_layout_free(&m->l);
    grid_free(m->grid);
    ytree_free(m->tree);
    diags_free(m->d);
    source_free(m->source);
    buf_free(&m->text);
}

/* A grid that must be refused with this text. */
static inline void refused(const char *text, const char *message)
{
    struct made m = make_used(text, 1, NULL, 0);
    if (m.placed || !strstr(m.text.p, message))
        fail_msg("`%s` is not refused with `%s` but: %s", text, message, m.text.p);
    drop(&m);
}

static inline void is_at(const struct made *m, int i, double x_um, double y_um)
{
    const struct grid_point *p = &m->l.point[i];
    if (i >= m->l.n || fabs(p->x - x_um * 1e-6) > 0.6e-12 || fabs(p->y - y_um * 1e-6) > 0.6e-12)
        fail_msg("point %d of %d is at %.9g, %.9g um", i, m->l.n, p->x * 1e6, p->y * 1e6);
}

static inline double apart(const struct grid_point *a, const struct grid_point *b)
{
    return sqrt((a->x - b->x) * (a->x - b->x) + (a->y - b->y) * (a->y - b->y));
}

/* Least distance of any two points, m. */
static inline double least_distance(const struct made *m)
{
    double least = INFINITY;
    for (int i = 0; i < m->l.n; i++)
        for (int k = 0; k < i; k++)
            least = fmin(least, apart(&m->l.point[i], &m->l.point[k]));
    return least;
}

/* Length of the way through the sites, m. */
static inline double way(const struct made *m)
{
    double sum = 0;
    for (int i = 1; i < m->l.n_sites; i++)
        sum += apart(&m->l.point[i - 1], &m->l.point[i]);
    return sum;
}

/* A file in /tmp with this text; the caller unlinks path. */
static inline void write_temporary(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/seccm-points-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

#endif
