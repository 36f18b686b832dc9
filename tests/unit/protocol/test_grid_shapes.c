/* Patterns: where their sites are, how far apart, which spares they get; regions, exclusions, tilt. */
#include "grid_made.h"

static void a_line_goes_along_its_rotation(void **state)
{
    (void)state;
    struct made m = place(
        "{shape: line, count: 4, pitch: 2 um, origin: {x: 1 um, y: 2 um}, rotation: 90 deg, spares: 1}");
    assert_int_equal(m.l.n_sites, 4);
    is_at(&m, 0, 1, 2);
    is_at(&m, 3, 1, 8);
    is_at(&m, 4, 1, 10); /* the spare goes on */
    assert_true(m.l.point[4].spare);
    drop(&m);
}

static void rings_have_six_sites_more_each(void **state)
{
    (void)state;
    struct made m = place("{shape: rings, rings: 3, pitch: 2 um, origin: {x: 10 um, y: 10 um}, spares: 5}");
    assert_int_equal(m.l.n_sites, 1 + 6 + 12 + 18);
    is_at(&m, 0, 10, 10);
    is_at(&m, 1, 12, 10);
    int ring[5] = {0};
    for (int i = 0; i < m.l.n; i++) {
        double r = apart(&m.l.point[0], &m.l.point[i]) / 2e-6;
        assert_true(fabs(r - rint(r)) < 1e-6);
        ring[lrint(r)]++;
        assert_int_equal(m.l.point[i].spare, lrint(r) == 4);
    }
    assert_int_equal(ring[2], 12);
    assert_int_equal(ring[4], 5); /* spares are on the next ring */
    assert_true(least_distance(&m) > 2e-6 - 2e-12);
    drop(&m);
}

/* Consecutive sites one pitch apart, none nearer, turns not much further. */
static void the_spiral_keeps_its_pitch(void **state)
{
    (void)state;
    struct made m =
        place("{shape: spiral, count: 300, pitch: 2 um, origin: {x: 100 um, y: 50 um}, spares: 0}");
    assert_int_equal(m.l.n, 300);
    is_at(&m, 0, 100, 50);
    for (int i = 1; i < m.l.n; i++)
        assert_true(fabs(apart(&m.l.point[i - 1], &m.l.point[i]) - 2e-6) < 3e-12);
    double least = least_distance(&m), outer = apart(&m.l.point[0], &m.l.point[299]);
    assert_true(least > 2e-6 - 3e-12);
    /* 300 sites of about pitch^2 x 1.03 each fill a disk of this radius. */
    double expected = sqrt(300 * 1.03 / 3.14159265) * 2e-6;
    assert_true(fabs(outer - expected) < 0.1 * expected);
    drop(&m);
}

static void random_sites_keep_their_distance_and_area(void **state)
{
    (void)state;
    struct made m =
        place("{shape: random, count: 400, pitch: 2 um, width: 80 um, height: 40 um, origin: {x: 5 um, y: 7 "
              "um}, spares: 20, seed: 3}");
    assert_int_equal(m.l.n_sites, 400);
    assert_int_equal(m.l.n, 420);
    assert_true(least_distance(&m) >= 2e-6);
    int quadrant[4] = {0};
    for (int i = 0; i < m.l.n; i++) {
        double x = m.l.point[i].x * 1e6, y = m.l.point[i].y * 1e6;
        assert_true(x >= 5 && x <= 85 && y >= 7 && y <= 47);
        quadrant[(x > 45) + 2 * (y > 27)]++;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(quadrant[i], 75, 135); /* 105 expected */
    drop(&m);
}

/* The same seed the same sites, another seed others; the grid's own seed counts more than the protocol's. */
static void seeds_choose_random_sites(void **state)
{
    (void)state;
    const char *text =
        "{shape: random, count: 50, pitch: 2 um, width: 50 um, height: 50 um, origin: {x: 0 m, y: 0 m}}";
    const char *own =
        "{shape: random, count: 50, pitch: 2 um, width: 50 um, height: 50 um, origin: {x: 0 m, y: 0 m}, "
        "seed: 7}";
    struct made a = make_used(text, 7, NULL, 0), b = make_used(text, 8, NULL, 0),
                c = make_used(own, 8, NULL, 0);
    assert_int_equal(a.l.n, 55);
    int same = 0;
    for (int i = 0; i < a.l.n; i++) {
        assert_true(a.l.point[i].x == c.l.point[i].x && a.l.point[i].y == c.l.point[i].y);
        same += a.l.point[i].x == b.l.point[i].x;
    }
    assert_true(same < 5);
    drop(&a);
    drop(&b);
    drop(&c);
}

/* Computed apart from this program (Python, from the definition of the generator): compilers and optimisation
 * must not matter. */
static void random_sites_are_the_same_everywhere(void **state)
{
    (void)state;
    struct made m =
        place("{shape: random, count: 3, pitch: 5 um, width: 50 um, height: 50 um, rotation: 30 deg, origin: "
              "{x: 100 um, y: 100 um}, spares: 0, order: given}");
    is_at(&m, 0, 108.803860, 108.238237);
    is_at(&m, 1, 120.086554, 147.668802);
    is_at(&m, 2, 99.408476, 113.355637);
    drop(&m);
}

static void too_many_random_sites_are_refused(void **state)
{
    (void)state;
    refused(
        "{shape: random, count: 200, pitch: 10 um, width: 50 um, height: 50 um, origin: {x: 0 m, y: 0 m}}",
        "220 places (spares included) at least 10 um apart can not fit into 50 um by 50 um: the densest "
        "packing holds 41");
    refused("{shape: random, count: 37, pitch: 10 um, width: 50 um, height: 50 um, origin: {x: 0 m, y: 0 m}}",
            "of 41 places (spares included) at least 10 um apart were found in 50 um by 50 um");
}

/* --- spares ------------------------------------------------------------------------------------------- */

static void spares_can_be_spread(void **state)
{
    (void)state;
    struct made m =
        place("{shape: rectangle, columns: 5, rows: 8, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 10, "
              "spares-at: spread}");
    assert_int_equal(m.l.n_sites, 40);
    assert_int_equal(m.l.n, 50);
    int rows[10] = {0};
    for (int i = 40; i < 50; i++)
        rows[m.l.point[i].row]++;
    for (int i = 0; i < 10; i++)
        assert_int_equal(rows[i], 1); /* ten rows of five, one spare in each */
    drop(&m);
}

static void spares_of_a_list_are_its_last_or_every_so_many(void **state)
{
    (void)state;
    const char *points = "points: [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0]]";
    char text[300];
    snprintf(text, sizeof text, "{shape: points, unit: um, %s, spares: 2}", points);
    struct made a = place(text);
    assert_int_equal(a.l.n_sites, 4);
    is_at(&a, 4, 4, 0);
    is_at(&a, 5, 5, 0);
    drop(&a);
    snprintf(text, sizeof text, "{shape: points, unit: um, %s, spares: 2, spares-at: spread}", points);
    struct made b = place(text);
    assert_int_equal(b.l.n_sites, 4);
    is_at(&b, 4, 1, 0);
    is_at(&b, 5, 4, 0);
    drop(&b);
    snprintf(text, sizeof text, "{shape: points, unit: um, %s}", points);
    struct made c = place(text);
    assert_int_equal(c.l.n_sites, 6); /* none by default */
    drop(&c);
}

/* --- regions ------------------------------------------------------------------------------------------ */

static const char *const two_regions = "visit: %s\norder: %s\n"
                                       "regions:\n"
                                       "  - {name: edge, shape: line, count: 3, pitch: 4 um, origin: {x: 0 "
                                       "um, y: 10 um}, spares: 1, order: given}\n"
                                       "  - {name: basal, shape: rectangle, columns: 2, rows: 2, pitch: 3 "
                                       "um, origin: {x: 1 um, y: 0 um}, spares: 0}\n";

static void each_region_has_its_own_pattern_and_name(void **state)
{
    (void)state;
    char text[600];
    fill(text, sizeof text, two_regions, "by-region", "serpentine");
    struct made m = place(text);
    assert_int_equal(m.l.n_sites, 7);
    assert_int_equal(m.l.n, 8);
    is_at(&m, 2, 8, 10);
    is_at(&m, 3, 1, 0);
    is_at(&m, 6, 1, 3);
    is_at(&m, 7, 12, 10);
    assert_string_equal(m.l.point[0].region, "edge");
    assert_string_equal(m.l.point[3].region, "basal");
    assert_string_equal(m.l.point[7].region, "edge");
    assert_int_equal(m.l.point[3].pattern, 1);
    drop(&m);
}

static void regions_can_be_visited_together(void **state)
{
    (void)state;
    char text[600];
    fill(text, sizeof text, two_regions, "together", "nearest");
    struct made m = place(text);
    /* From the lower left up to the line, which no order by region does. */
    is_at(&m, 0, 1, 0);
    assert_string_equal(m.l.point[3].region, "basal");
    assert_string_equal(m.l.point[4].region, "edge");
    assert_true(m.l.point[7].spare);
    drop(&m);
}

static void keys_in_the_wrong_place_are_refused(void **state)
{
    (void)state;
    refused("{pitch: 1 um, regions: [{name: a, shape: line, count: 3, pitch: 4 um, origin: {x: 0 um, y: 10 "
            "um}}]}",
            "`pitch` belongs into each of the regions");
    refused("{shape: line, count: 3, pitch: 4 um, origin: {x: 0 um, y: 10 um}, rows: 2}",
            "`rows` has no meaning for the shape `line`");
    refused("{shape: rings, pitch: 4 um, origin: {x: 0 um, y: 10 um}}", "`rings` is missing in the grid");
    refused("{pitch: 4 um}", "`shape` is missing in the grid");
}

/* --- exclusions and used places ----------------------------------------------------------------------- */

static void excluded_places_are_left_out(void **state)
{
    (void)state;
    /* A concave polygon: an L about the lower left; (2, 2) lies in its notch. */
    struct made m =
        place("{shape: rectangle, columns: 4, rows: 4, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 0,\n"
              " exclude: [{name: scratch, polygon: [[-0.5 um, -0.5 um], [2.5 um, -0.5 um], [2.5 um, 0.5 um], "
              "[0.5 um, "
              "0.5 um], [0.5 um, 2.5 um], [-0.5 um, 2.5 um]]}]}");
    assert_int_equal(m.l.n_sites, 16 - 5);
    assert_int_equal(m.l.n_gone, 5);
    assert_int_equal(m.l.gone[0].why, GONE_EXCLUDED);
    for (int i = 0; i < m.l.n; i++)
        assert_false((m.l.point[i].x < 0.5e-6 && m.l.point[i].y < 2.5e-6) ||
                     (m.l.point[i].y < 0.5e-6 && m.l.point[i].x < 2.5e-6));
    assert_int_equal(m.l.hits[0], 5);
    drop(&m);
}

static void a_margin_widens_polygon_and_circle(void **state)
{
    (void)state;
    const char *text =
        "{shape: line, count: 10, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 0, exclude: [{%s}]}";
    static const struct {
        const char *what;
        int left;
    } cases[] = {
        {"polygon: [[3.5 um, -1 um], [4.5 um, -1 um], [4.5 um, 1 um], [3.5 um, 1 um]]", 9},
        {"polygon: [[3.5 um, -1 um], [4.5 um, -1 um], [4.5 um, 1 um], [3.5 um, 1 um]], margin: 0.6 um", 7},
        {"center: [4 um, 0 um], radius: 1.5 um", 7},
        {"center: [4 um, 0 um], radius: 1.5 um, margin: 1 um", 5},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char buffer[400];
        fill(buffer, sizeof buffer, text, cases[i].what, NULL);
        struct made m = place(buffer);
        assert_int_equal(m.l.n_sites, cases[i].left);
        drop(&m);
    }
}

/* Spares that are left out are looked for further on. */
static void spares_keep_their_number(void **state)
{
    (void)state;
    struct made m = place(
        "{shape: line, count: 4, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 2, exclude: [{center: [4 um, "
        "0 um], radius: 0.5 um}]}");
    assert_int_equal(m.l.n, 6);
    is_at(&m, 4, 5, 0);
    is_at(&m, 5, 6, 0);
    drop(&m);
}

static void used_places_are_kept_away_from(void **state)
{
    (void)state;
    const struct grid_spot used[] = {{2.2e-6, 0, 1e-6}, {7e-6, 0.9e-6, 1e-6}, {5e-6, 2e-6, 1e-6}};
    struct made m =
        make_used("{shape: line, count: 10, pitch: 1 um, origin: {x: 0 m, y: 0 m}, spares: 0}", 1, used, 3);
    assert_int_equal(m.l.n_sites, 7); /* 2, 3 and 7 um are gone; 5 um is 2 um away */
    assert_int_equal(m.l.n_gone, 3);
    assert_int_equal(m.l.gone[2].why, GONE_USED);
    drop(&m);
    /* Random sites find other places. */
    struct grid_spot middle = {25e-6, 25e-6, 15e-6};
    m = make_used(
        "{shape: random, count: 60, pitch: 2 um, width: 50 um, height: 50 um, origin: {x: 0 m, y: 0 m}}", 1,
        &middle, 1);
    assert_int_equal(m.l.n, 66);
    for (int i = 0; i < m.l.n; i++)
        assert_true(sqrt(pow(m.l.point[i].x - 25e-6, 2) + pow(m.l.point[i].y - 25e-6, 2)) >= 15e-6);
    drop(&m);
}

static void nothing_left_is_an_error(void **state)
{
    (void)state;
    refused("{shape: line, count: 4, pitch: 1 um, origin: {x: 0 m, y: 0 m}, exclude: [{center: [0 m, 0 m], "
            "radius: 1 "
            "mm}]}",
            "no site is left");
}

/* --- tilt --------------------------------------------------------------------------------------------- */

static void a_plane_goes_through_points(void **state)
{
    (void)state;
    const char *text = "{shape: line, count: 2, pitch: 1 um, origin: {x: 0 m, y: 0 m}, tilt: {points: [%s]}}";
    char buffer[400];
    /* z = 1 um + 0.02 x - 0.01 y */
    fill(buffer, sizeof buffer, text,
         "{x: 0 um, y: 0 um, z: 1 um}, {x: 100 um, y: 0 um, z: 3 um}, {x: 0 um, y: 100 um, z: 0 um}", NULL);
    struct made m = place(buffer);
    assert_true(fabs(m.grid->tilt[0] - 0.02) < 1e-12 && fabs(m.grid->tilt[1] + 0.01) < 1e-12);
    assert_true(isnan(m.grid->tilt_rms));
    drop(&m);
    /* A fourth point 0.4 um off the plane: residuals of +-0.1 um each, one degree of freedom. */
    fill(buffer, sizeof buffer, text,
         "{x: 0 um, y: 0 um, z: 1 um}, {x: 100 um, y: 0 um, z: 3 um}, {x: 0 um, y: 100 um, z: 0 um}, {x: "
         "100 um, y: "
         "100 um, z: 2.4 um}",
         NULL);
    m = place(buffer);
    assert_true(fabs(m.grid->tilt[0] - 0.022) < 1e-12 && fabs(m.grid->tilt[1] + 0.008) < 1e-12);
    assert_true(fabs(m.grid->tilt_rms - 0.2e-6) < 1e-12);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_goes_along_its_rotation),
        cmocka_unit_test(rings_have_six_sites_more_each),
        cmocka_unit_test(the_spiral_keeps_its_pitch),
        cmocka_unit_test(random_sites_keep_their_distance_and_area),
        cmocka_unit_test(seeds_choose_random_sites),
        cmocka_unit_test(random_sites_are_the_same_everywhere),
        cmocka_unit_test(too_many_random_sites_are_refused),
        cmocka_unit_test(spares_can_be_spread),
        cmocka_unit_test(spares_of_a_list_are_its_last_or_every_so_many),
        cmocka_unit_test(each_region_has_its_own_pattern_and_name),
        cmocka_unit_test(regions_can_be_visited_together),
        cmocka_unit_test(keys_in_the_wrong_place_are_refused),
        cmocka_unit_test(excluded_places_are_left_out),
        cmocka_unit_test(a_margin_widens_polygon_and_circle),
        cmocka_unit_test(spares_keep_their_number),
        cmocka_unit_test(used_places_are_kept_away_from),
        cmocka_unit_test(nothing_left_is_an_error),
        cmocka_unit_test(a_plane_goes_through_points),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
