/* The shape of the sample: statistics of roughness, slopes, terraces, particles, insulating patches. */
#include "world_fixture.h"

#include "sim/surface.h"
#include "sim/world_noise.h"

static void test_noise_is_standardised_everywhere(void **state)
{
    (void)state;
    struct rng r = rng_stream(11, "test");
    double sum = 0, squares = 0, lattice = 0, largest = 0, bound = noise_fractal_bound(3);
    int n = 200;
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < n; j++) {
            double v = noise_fractal(r, i * 1.37 + 0.1, j * 1.91 + 0.2, 3), l = noise_plane(r, i, j);
            sum += v;
            squares += v * v;
            lattice += l * l;
            largest = fmax(largest, fabs(v));
        }
    }
    assert_float_equal(sum / (n * n), 0, 0.03);
    assert_float_equal(squares / (n * n), 1, 0.05);
    assert_float_equal(lattice / (n * n), 1, 0.05);
    assert_true(largest < bound);
}

static void test_noise_is_smooth_and_has_its_length(void **state)
{
    (void)state;
    struct rng r = rng_stream(12, "test");
    double jump = 0, near = 0, far = 0;
    for (int i = 0; i < 4000; i++) {
        double u = i * 2.731 + 0.05, v = i * 1.117;
        double a = noise_fractal(r, u, v, 1);
        jump = fmax(jump, fabs(a - noise_fractal(r, u + 1e-6, v, 1)));
        near += a * noise_fractal(r, u + 0.2, v, 1);
        far += a * noise_fractal(r, u + 3, v, 1);
    }
    assert_true(jump < 1e-4);
    assert_true(near / 4000 > 0.7);
    assert_true(fabs(far / 4000) < 0.1);
}

static void test_wandering_is_continuous_and_of_unit_size(void **state)
{
    (void)state;
    double squares = 0, jump = 0;
    for (int seed = 0; seed < 400; seed++) {
        struct rng r = rng_stream((uint64_t)seed, "test");
        double t = 1000.0 * seed + 299.9999;
        squares += noise_wander(r, t) * noise_wander(r, t);
        jump = fmax(jump, fabs(noise_wander(r, t) - noise_wander(r, t + 0.0002)));
    }
    assert_float_equal(squares / 400, 1, 0.25);
    assert_true(jump < 1e-4);
}

static void test_slopes_tilt_the_plane(void **state)
{
    (void)state;
    struct surface_config c = {.slope_x = 0.01, .slope_y = -0.02};
    struct surface s;
    surface_init(&s, &c, 1);
    assert_float_equal(surface_height(&s, 50e-6, 0), 50e-6 * tan(0.01), 1e-15);
    assert_float_equal(surface_height(&s, 0, 50e-6), -50e-6 * tan(0.02), 1e-15);
}

static void test_terraces_are_flat_but_for_steps_of_their_height(void **state)
{
    (void)state;
    /* A tilt equal to the mean slope of the stair makes the terraces level. */
    struct surface_config c = {.slope_x = atan(2e-9 / 1e-6), .steps = {.height = 2e-9, .spacing = 1e-6}};
    struct surface s;
    surface_init(&s, &c, 5);
    int steps = 0;
    double last = surface_height(&s, 0, 0);
    for (int i = 1; i <= 20000; i++) {
        double z = surface_height(&s, i * 1e-9, 0.3e-6);
        if (fabs(z - last) > 1e-12) {
            assert_float_equal(z - last, 2e-9, 1e-13);
            steps++;
        }
        last = z;
    }
    assert_int_equal(steps, 20);
}

static void test_listed_particle_is_a_cap(void **state)
{
    (void)state;
    struct surface_disk p = {.x = 1e-6, .y = 2e-6, .radius = 0.5e-6, .height = 0.3e-6};
    struct surface_config c = {.particles = {.list = &p, .n = 1, .spacing = 1e-6, .radius = 1e-6}};
    struct surface s;
    surface_init(&s, &c, 5);
    assert_float_equal(surface_height(&s, 1e-6, 2e-6), 0.3e-6, 1e-15);
    assert_float_equal(surface_height(&s, 1.4e-6, 2e-6), 0.3e-6 * 0.6, 1e-15);
    assert_float_equal(surface_height(&s, 1.51e-6, 2e-6), 0, 1e-15);
}

static void test_nothing_rises_above_the_ceiling(void **state)
{
    (void)state;
    struct surface_config c = {
        .slope_x = 0.01,
        .slope_y = -0.005,
        .roughness = 50e-9,
        .correlation = 1e-6,
        .steps = {.height = 10e-9, .spacing = 1e-6, .direction = 1},
        .particles = {.fraction = 0.5, .spacing = 3e-6, .radius = 0.5e-6, .height = 0.2e-6, .spread = 0.4}};
    struct surface s;
    surface_init(&s, &c, 3);
    double highest = 0;
    for (int i = 0; i < 300; i++) {
        for (int j = 0; j < 300; j++) {
            double x = i * 0.31e-6, y = j * 0.27e-6, z = surface_height(&s, x, y);
            assert_true(z < surface_ceiling(&s, x, y, 0));
            highest = fmax(highest, z - (s.tan_x * x + s.tan_y * y));
        }
    }
    assert_true(highest > 0.2e-6); /* there were particles */
}

static void test_insulating_fraction_and_disks(void **state)
{
    (void)state;
    struct surface_disk patch = {.x = -10e-6, .y = -10e-6, .radius = 2e-6};
    struct surface_config c = {.insulating = {.fraction = 0.08, .size = 3e-6, .list = &patch, .n = 1}};
    struct surface s;
    surface_init(&s, &c, 9);
    int n = 0;
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < 200; j++)
            n += surface_insulating(&s, i * 3e-6 + 1e-6, j * 3e-6 + 1e-6);
    assert_float_equal(n / 40000.0, 0.08, 0.006);
    assert_true(surface_insulating(&s, -10.5e-6, -11e-6));
    struct footing f;
    surface_footing(&s, -8e-6, -10e-6, 0.2e-6, 0.3e-6, &f); /* on the edge of the disk */
    assert_true(f.active > 0.2 && f.active < 0.9);
}

static void test_footing_sees_the_wall_touch_a_particle_first(void **state)
{
    (void)state;
    struct surface_disk p = {.x = 0.45e-6, .y = 0, .radius = 0.2e-6, .height = 0.15e-6};
    struct surface_config c = {.particles = {.list = &p, .n = 1, .spacing = 1e-6, .radius = 1e-6}};
    struct surface s;
    struct footing f;
    surface_init(&s, &c, 1);
    surface_footing(&s, 0, 0, 0.2e-6, 0.3e-6, &f);
    assert_true(f.peak_z > 0.05e-6);
    assert_float_equal(f.drop_z, 0, 1e-15);
}

static void test_region_and_spread_of_properties(void **state)
{
    (void)state;
    struct world *w =
        world_from("edge-density: {mean: 0.2, spread: 0.1, correlation: 5 um}\n"
                   "regions: [{x: 100 um, y: 0 um, width: 50 um, height: 50 um, edge-density: 0.8}]\n",
                   "{}", 4);
    assert_non_null(w);
    double sum = 0, squares = 0, inside = 0;
    int n = 0;
    for (int i = 0; i < 30; i++) {
        for (int j = 0; j < 30; j++, n++) {
            struct world_truth t;
            world_truth_at(w, -i * 7e-6, j * 7e-6, 0, &t);
            assert_int_equal(t.region, 0);
            sum += t.edge_density;
            squares += t.edge_density * t.edge_density;
            world_truth_at(w, 80e-6 + i * 1e-6, -15e-6 + j * 1e-6, 0, &t);
            assert_int_equal(t.region, 1);
            inside += t.edge_density;
        }
    }
    double mean = sum / n;
    assert_float_equal(mean, 0.2, 0.02);
    assert_float_equal(sqrt(squares / n - mean * mean), 0.1, 0.03);
    assert_float_equal(inside / n, 0.8, 0.06);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_is_standardised_everywhere),
        cmocka_unit_test(test_noise_is_smooth_and_has_its_length),
        cmocka_unit_test(test_wandering_is_continuous_and_of_unit_size),
        cmocka_unit_test(test_slopes_tilt_the_plane),
        cmocka_unit_test(test_terraces_are_flat_but_for_steps_of_their_height),
        cmocka_unit_test(test_listed_particle_is_a_cap),
        cmocka_unit_test(test_nothing_rises_above_the_ceiling),
        cmocka_unit_test(test_insulating_fraction_and_disks),
        cmocka_unit_test(test_footing_sees_the_wall_touch_a_particle_first),
        cmocka_unit_test(test_region_and_spread_of_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
