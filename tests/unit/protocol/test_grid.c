/* Grids: places, order, spares. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/grid.h"

struct made {
    struct source *source;
    struct diags *d;
    struct ytree *tree;
    struct grid *grid;
    struct grid_point *point;
    int n;
};

static struct made make(const char *text)
{
    struct made m = {.source = source_from_text("grid", text), .d = diags_new()};
    m.tree = ytree_parse(m.source, m.d);
    assert_non_null(m.tree);
    m.grid = grid_read(ytree_root(m.tree), m.d);
    if (m.grid)
        m.n = grid_points(m.grid, &m.point);
    return m;
}

static void drop(struct made *m)
{
    free(m->point);
    grid_free(m->grid);
    ytree_free(m->tree);
    diags_free(m->d);
    source_free(m->source);
}

static void at(const struct made *m, int i, double x_um, double y_um)
{
    if (m->point[i].x != x_um / 1e6 || m->point[i].y != y_um / 1e6)
        fail_msg("point %d is at %.9g, %.9g um", i, m->point[i].x * 1e6, m->point[i].y * 1e6);
}

static void rectangle_in_serpentine(void **state)
{
    (void)state;
    struct made m =
        make("{shape: rectangle, columns: 3, rows: 2, pitch: 2 um, origin: {x: 1 um, y: 5 um}, spares: 0}");
    assert_int_equal(m.n, 6);
    at(&m, 0, 1, 5);
    at(&m, 2, 5, 5);
    at(&m, 3, 5, 7);
    at(&m, 5, 1, 7);
    assert_int_equal(m.point[5].row, 1);
    drop(&m);
}

static void rectangle_in_raster(void **state)
{
    (void)state;
    struct made m =
        make("{shape: rectangle, columns: 3, rows: 2, pitch: 2 um, origin: {x: 1 um, y: 5 um}, spares: 0, "
             "order: raster}");
    at(&m, 3, 1, 7);
    at(&m, 5, 5, 7);
    drop(&m);
}

/* All six neighbours of an inner site are one pitch away, to the picometre of rounding. */
static void hexagon_has_six_equal_neighbours(void **state)
{
    (void)state;
    struct made m =
        make("{shape: hexagon, columns: 5, rows: 5, pitch: 5 um, origin: {x: 0 m, y: 0 m}, spares: 0, "
             "order: raster, rotation: 17 deg}");
    int near = 0;
    for (int i = 0; i < m.n; i++) {
        double d = hypot(m.point[i].x - m.point[12].x, m.point[i].y - m.point[12].y);
        near += fabs(d - 5e-6) < 3e-12;
        assert_true(i == 12 || d > 4.999e-6);
    }
    assert_int_equal(near, 6);
    drop(&m);
}

static void rotation_turns_about_the_first_site(void **state)
{
    (void)state;
    struct made m =
        make("{shape: rectangle, columns: 2, rows: 2, pitch: 2 um, origin: {x: 1 um, y: 5 um}, spares: 0, "
             "rotation: 90 deg}");
    at(&m, 0, 1, 5);
    at(&m, 1, 1, 7);
    at(&m, 2, -1, 7);
    drop(&m);
}

static void coordinates_are_whole_picometres(void **state)
{
    (void)state;
    struct made m =
        make("{shape: hexagon, columns: 20, rows: 20, pitch: 1.234567 um, origin: {x: 3.1 um, y: 2.7 um}, "
             "rotation: 12.3 deg}");
    for (int i = 0; i < m.n; i++) {
        double pm = rint(m.point[i].x * 1e12);
        assert_true(m.point[i].x == pm / 1e12);
    }
    drop(&m);
}

static void spares_go_on_behind_the_last_row(void **state)
{
    (void)state;
    struct made m =
        make("{shape: rectangle, columns: 3, rows: 2, pitch: 2 um, origin: {x: 0 m, y: 0 m}, spares: 4}");
    assert_int_equal(m.n, 10);
    for (int i = 0; i < m.n; i++)
        assert_int_equal(m.point[i].spare, i >= 6);
    at(&m, 6, 0, 4);
    at(&m, 9, 4, 6);
    drop(&m);
}

static void a_tenth_of_spares_by_default(void **state)
{
    (void)state;
    struct made m = make("{shape: rectangle, columns: 7, rows: 3, pitch: 2 um, origin: {x: 0 m, y: 0 m}}");
    assert_int_equal(m.grid->region[0].spares, 3);
    drop(&m);
}

static void a_bad_grid_is_refused(void **state)
{
    (void)state;
    struct made m = make("{shape: rectangle, columns: 7, rows: 3, pitch: 2 um}");
    assert_null(m.grid);
    assert_int_equal(diags_errors(m.d), 1);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rectangle_in_serpentine),
        cmocka_unit_test(rectangle_in_raster),
        cmocka_unit_test(hexagon_has_six_equal_neighbours),
        cmocka_unit_test(rotation_turns_about_the_first_site),
        cmocka_unit_test(coordinates_are_whole_picometres),
        cmocka_unit_test(spares_go_on_behind_the_last_row),
        cmocka_unit_test(a_tenth_of_spares_by_default),
        cmocka_unit_test(a_bad_grid_is_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
