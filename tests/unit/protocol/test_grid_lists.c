/* Listed points: pairs and maps in the file, CSV files, points of an image, and the values that come with
 * them. */
#include "grid_made.h"

static void pairs_and_maps(void **state)
{
    (void)state;
    struct made m = place("shape: points\nunit: um\npoints:\n  - [1, 2]\n  - [3000 nm, 4]\n"
                          "  - {x: 5 um, y: 6, region: grain, size: 300 nm}\n  - {x: 7, y: 8, spare: yes}\n");
    assert_int_equal(m.l.n_sites, 3);
    is_at(&m, 0, 1, 2);
    is_at(&m, 1, 3, 4);
    is_at(&m, 2, 5, 6);
    is_at(&m, 3, 7, 8);
    assert_true(m.l.point[3].spare);
    assert_string_equal(m.l.point[2].region, "grain");
    assert_string_equal(m.l.point[1].region, "");
    assert_int_equal(m.l.point[2].entry, 2);
    const struct grid_column *size = grid_column_find(m.grid, "size");
    double si;
    struct err e = ERR_INIT;
    assert_non_null(size);
    assert_true(grid_column_value(size, 2, DIM_LENGTH, &si, &e));
    assert_true(fabs(si - 300e-9) < 1e-15);
    assert_false(grid_column_value(size, 0, DIM_LENGTH, &si, &e));
    assert_non_null(strstr(e.text, "column `size`: this site has no value"));
    assert_false(grid_column_value(size, 2, DIM_POTENTIAL, &si, &e));
    assert_int_equal(size->mark[2].line, 6);
    drop(&m);
}

static void points_can_be_moved_and_turned(void **state)
{
    (void)state;
    struct made m = place("{shape: points, unit: um, points: [[1, 0], [0, 2]], origin: {x: 10 um, y: 20 um}, "
                          "rotation: 90 deg}");
    is_at(&m, 0, 10, 21);
    is_at(&m, 1, 8, 20);
    drop(&m);
}

static void faulty_points_are_refused(void **state)
{
    (void)state;
    refused("{shape: points}", "`points` or `file` is missing in the grid");
    refused("{shape: points, points: []}", "a list of places is wanted");
    refused("{shape: points, points: [[1, 2]]}", "`unit: um` beside the list");
    refused("{shape: points, unit: mV, points: [[1, 2]]}", "`unit`: ");
    refused("{shape: points, unit: um, points: [[1, 2, 3]]}", "a point is [x, y], found a list of 3");
    refused("{shape: points, unit: um, points: [5]}", "found a single value");
    refused("{shape: points, unit: um, points: [{x: 1}]}", "`y` is missing in this point");
    refused("{shape: points, unit: um, points: [{x: 1, y: 1, spare: perhaps}]}",
            "`spare`: yes or no is wanted");
    refused("{shape: points, unit: um, points: [{x: 1, y: 1, size: [1]}]}", "a single value of at most 63");
    refused("{shape: points, unit: km, points: [[1, 2]]}", "more than 1 m away");
    refused("{shape: points, unit: um, points: [[1, 2], [3, 4]], spares: 2}", "no site is left");
}

/* --- CSV ------------------------------------------------------------------------------------------------ */

static struct made place_csv(const char *csv, const char *more, bool good)
{
    char path[32], text[300];
    write_temporary(path, csv);
    snprintf(text, sizeof text, "{shape: points, file: %s%s}", path, more);
    struct made m = make_used(text, 1, NULL, 0);
    unlink(path);
    if (m.placed != good)
        fail_msg("%s: %s", csv, m.text.p);
    return m;
}

static void a_csv_file_gives_points_and_values(void **state)
{
    (void)state;
    struct made m = place_csv(
        "\xEF\xBB\xBF# picked by hand\r\nid,x_um,y_nm,\"cutoff_mV\",rate_V_per_s,region,spare,particle_id\r\n"
        "1,10,500,50,1,edge,,a\r\n\r\n2,20.5,600,,2,\"ba\"\"sal\",no,b\r\n3,30,700,70,3,edge,yes,\r\n",
        "", true);
    double si;
    assert_int_equal(m.l.n_sites, 2);
    is_at(&m, 0, 10, 0.5);
    is_at(&m, 1, 20.5, 0.6);
    assert_string_equal(m.l.point[1].region, "ba\"sal");
    assert_true(m.l.point[2].spare);
    const struct grid_column *cutoff = grid_column_find(m.grid, "cutoff"),
                             *rate = grid_column_find(m.grid, "rate");
    assert_string_equal(cutoff->unit, "mV");
    assert_int_equal(cutoff->n, 3);
    assert_string_equal(cutoff->text[0], "50 mV");
    assert_null(cutoff->text[1]);
    assert_true(grid_column_value(rate, 1, DIM_SCAN_RATE, &si, NULL));
    assert_true(si == 2);
    assert_non_null(grid_column_find(m.grid, "particle_id")); /* `id` is no unit */
    assert_int_equal(cutoff->mark[2].line, 6);
    const struct source *sources[2];
    assert_int_equal(grid_sources(m.grid, sources, 2), 1);
    drop(&m);
}

static void semicolons_tabs_and_a_unit_beside_it(void **state)
{
    (void)state;
    struct made m = place_csv("x_mm;y_mm\n0.001;0.002\n", "", true);
    is_at(&m, 0, 1, 2);
    drop(&m);
    m = place_csv("x\ty\n1\t2\n", ", unit: um", true);
    is_at(&m, 0, 1, 2);
    drop(&m);
}

static void csv_says(const char *csv, const char *message)
{
    struct made m = place_csv(csv, "", false);
    if (!strstr(m.text.p, message))
        fail_msg("%s", m.text.p);
    drop(&m);
}

static void faulty_csv_files_are_refused_with_their_place(void **state)
{
    (void)state;
    csv_says("", "the file of points is empty");
    csv_says("x_um,z_um\n1,2\n", "the header has no column for y");
    csv_says("x,y\n1,2\n", "the header `x` has no unit");
    csv_says("x_mV,y_um\n1,2\n", "the unit of `x_mV`");
    csv_says("x_um,y_um,x_nm\n1,2,3\n", "the column `x` is given twice");
    csv_says("x_um,y_um\n1,2\n3,four\n", ":3:3: error: y: `four` is not a number");
    csv_says("x_um;y_um\n1;2,5\n", "(a decimal point is wanted)");
    csv_says("x_um,y_um\n1\n", ":2:1: error: this row has fewer columns than the header, which has 2");
    csv_says("x_um,y_um\n1,2,3\n", "this row has more columns");
    csv_says("x_um,y_um\n", "the file has a header but no points");
    csv_says("x_um,y_um\n1e9,2\n", "is not a place within reach");
    csv_says("x_um,y_um,spare\n1,2,maybe\n", "spare: yes or no is wanted");
    csv_says("x_um,y_um\n\xff,2\n", ":2:0: error: this is not UTF-8 text");
}

/* --- image ---------------------------------------------------------------------------------------------- */

/* 20 nm per pixel, rows counted downward, turned by 90 degrees: stage = (100 um + 20 nm row, 50 um + 20 nm
 * column). */
static void points_of_an_image(void **state)
{
    (void)state;
    struct made m = place("shape: points\nimage:\n  file: sem.tif\n  fiducials:\n"
                          "    - {image: [0, 0], stage: [100 um, 50 um]}\n"
                          "    - {image: [1000, 0], stage: [100 um, 70 um]}\n"
                          "    - {image: [0, 500], stage: [110 um, 50 um]}\n"
                          "points: [[100, 200], {x: 10, y: 0}]\n");
    is_at(&m, 0, 104, 52);
    is_at(&m, 1, 100, 50.2);
    assert_true(m.grid->region[0].image.rms < 1e-12);
    drop(&m);
}

static void an_affine_image_shears(void **state)
{
    (void)state;
    struct made m = place("shape: points\nimage:\n  fit: affine\n  fiducials:\n"
                          "    - {image: [0, 0], stage: [0 um, 0 um]}\n"
                          "    - {image: [100, 0], stage: [10 um, 0 um]}\n"
                          "    - {image: [0, 100], stage: [2 um, 20 um]}\n"
                          "points: [[50, 50]]\n");
    is_at(&m, 0, 6, 10);
    assert_int_equal(diags_warnings(m.d), 1); /* three fiducials fit whatever they say */
    drop(&m);
}

static void the_mirror_of_two_fiducials_is_declared(void **state)
{
    (void)state;
    const char *text = "shape: points\nimage:\n%s  fiducials:\n"
                       "    - {image: [0, 0], stage: [0 um, 0 um]}\n"
                       "    - {image: [100, 0], stage: [100 um, 0 um]}\npoints: [[10, 30]]\n";
    char buffer[400];
    fill(buffer, sizeof buffer, text, "", NULL);
    refused(buffer, "must be declared");
    fill(buffer, sizeof buffer, text, "  mirror: yes\n", NULL);
    struct made m = place(buffer);
    is_at(&m, 0, 10, -30);
    drop(&m);
    fill(buffer, sizeof buffer, text, "  mirror: no\n", NULL);
    m = place(buffer);
    is_at(&m, 0, 10, 30);
    drop(&m);
}

static void a_wrong_fiducial_is_named(void **state)
{
    (void)state;
    const char *text =
        "shape: points\nimage:\n  tolerance: %s\n  fiducials:\n"
        "    - {image: [0, 0], stage: [0 um, 0 um]}\n    - {image: [100, 0], stage: [100 um, 0 um]}\n"
        "    - {image: [0, 100], stage: [0 um, 100 um]}\n    - {image: [100, 100], stage: [100 um, 90 um]}\n"
        "    - {image: [50, 50], stage: [50 um, 50 um]}\npoints: [[10, 30]]\n";
    char buffer[500];
    fill(buffer, sizeof buffer, text, "1 um", NULL);
    refused(buffer, "grid:8:7: error: the fiducials do not fit");
    fill(buffer, sizeof buffer, text, "5 um", NULL);
    struct made m = place(buffer);
    assert_true(m.grid->region[0].image.rms > 1e-6 &&
                m.grid->region[0].image.worst > m.grid->region[0].image.rms);
    drop(&m);
    refused("shape: points\nimage: {fiducials: [{image: [0, 0], stage: [0 um, 0 um]}]}\npoints: [[1, 2]]\n",
            "a similarity needs at least 2");
    refused("shape: points\nunit: um\nimage: {mirror: no, fiducials: [{image: [0, 0], stage: [0 um, 0 um]}, "
            "{image: [1, 0], "
            "stage: [9 um, 0 um]}]}\npoints: [[1, 2]]\n",
            "`unit` has no meaning");
}

static void a_csv_file_can_be_in_pixels(void **state)
{
    (void)state;
    const char *image =
        ", image: {mirror: no, fiducials: [{image: [0, 0], stage: [1 um, 1 um]}, {image: [10, 0], stage: "
        "[2 um, 1 um]}]}";
    struct made m = place_csv("x_px,y_px\n20,30\n", image, true);
    is_at(&m, 0, 3, 4);
    drop(&m);
    m = place_csv("x_um,y_um\n20,30\n", image, false);
    assert_non_null(strstr(m.text.p, "places in an image have no unit of length"));
    drop(&m);
}

static void points_of_an_image_are_ordered_by_where_they_lie(void **state)
{
    (void)state;
    /* Listed from the far end backward; on the stage the pixels are turned by 90 degrees. */
    struct made m = place("shape: points\norder: raster\npitch: 5 um\nimage:\n  fiducials:\n"
                          "    - {image: [0, 0], stage: [100 um, 50 um]}\n"
                          "    - {image: [1000, 0], stage: [100 um, 70 um]}\n"
                          "    - {image: [0, 500], stage: [110 um, 50 um]}\n"
                          "points: [[900, 100], [700, 300], [500, 100], [300, 300], [100, 100]]\n");
    assert_int_equal(m.l.n_sites, 5);
    for (int k = 1; k < 5; k++)
        assert_true(m.l.point[k].y > m.l.point[k - 1].y);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_and_maps),
        cmocka_unit_test(points_can_be_moved_and_turned),
        cmocka_unit_test(faulty_points_are_refused),
        cmocka_unit_test(a_csv_file_gives_points_and_values),
        cmocka_unit_test(semicolons_tabs_and_a_unit_beside_it),
        cmocka_unit_test(faulty_csv_files_are_refused_with_their_place),
        cmocka_unit_test(points_of_an_image),
        cmocka_unit_test(an_affine_image_shears),
        cmocka_unit_test(the_mirror_of_two_fiducials_is_declared),
        cmocka_unit_test(a_wrong_fiducial_is_named),
        cmocka_unit_test(points_of_an_image_are_ordered_by_where_they_lie),
        cmocka_unit_test(a_csv_file_can_be_in_pixels),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
