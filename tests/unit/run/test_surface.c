/* The surface learnt from contacts: right where it must extrapolate, and honest about how far it may be
 * wrong. */
#include "fixture.h"

#include "analysis/surface.h"

struct ground {
    double slope[2], drift, scatter;
    struct rng r;
};

static double height(const struct ground *g, double x, double y, double t, uint64_t k)
{
    return 50e-6 + g->slope[0] * x + g->slope[1] * y + g->drift * t + g->scatter * rng_normal(g->r, k, 0, 0);
}

static void one_contact_says_little(void **unused)
{
    (void)unused;
    struct surface *s = surface_new((const double[2]){0, 0}, 50e-9);
    double z, near, far;
    assert_false(surface_predict(s, 5e-6, 0, 20, &z, &near));
    surface_add(s, 0, 0, 0, 50e-6);
    assert_true(surface_predict(s, 5e-6, 0, 20, &z, &near));
    assert_true(surface_predict(s, 50e-6, 0, 20, &z, &far));
    print_message("from one contact: +- %.0f nm 5 um away, +- %.0f nm 50 um away\n", near * 1e9, far * 1e9);
    assert_true(fabs(z - 50e-6) < 1e-12);
    assert_true(near > 100e-9 && near < 200e-9);
    assert_true(far > 1e-6 && far < 1.1e-6);
    assert_int_equal(surface_count(s), 1);
    surface_free(s);
}

static void an_exact_plane_is_found(void **unused)
{
    (void)unused;
    struct surface *s = surface_new((const double[2]){0, 0}, 50e-9);
    struct ground g = {.slope = {0.01, -0.008}, .drift = 0.01e-9, .r = rng_stream(1, "test")};
    double z, sigma;
    for (int k = 0; k < 40; k++)
        surface_add(s, k % 7 * 5e-6, k / 7 * 5e-6, k * 10, height(&g, k % 7 * 5e-6, k / 7 * 5e-6, k * 10, 0));
    assert_true(surface_predict(s, 20e-6, 30e-6, 400, &z, &sigma));
    assert_true(fabs(z - height(&g, 20e-6, 30e-6, 400, 0)) < 5e-9);
    surface_free(s);
}

/* One row says nothing of the slope across it: the prediction beside it is wide, along it narrow. */
static void collinear_contacts_say_nothing_sideways(void **unused)
{
    (void)unused;
    struct surface *s = surface_new((const double[2]){0, 0}, 20e-9);
    double z, along, beside;
    for (int k = 0; k < 10; k++)
        surface_add(s, k * 5e-6, 0, k, 50e-6 + k * 5e-6 * 0.01);
    assert_true(surface_predict(s, 25e-6, 0, 10, &z, &along));
    assert_true(fabs(z - 50.25e-6) < 5e-9);
    assert_true(surface_predict(s, 25e-6, 50e-6, 10, &z, &beside));
    print_message("along the row +- %.0f nm, 50 um beside it +- %.0f nm\n", along * 1e9, beside * 1e9);
    assert_true(along < 30e-9);
    assert_true(beside > 0.8e-6 && beside < 1.2e-6); /* 0.02 x 50 um */
    surface_free(s);
}

/* Part of contacts that lie within `sigmas` of their own prediction, made from those before. */
struct coverage {
    int n, one, three, four;
    double worst;
};

static void walk_grid(uint64_t seed, double given, double real, int columns, int rows, struct coverage *early,
                      struct coverage *late)
{
    struct rng r = rng_stream(seed, "ground");
    struct ground g = {.slope = {0.01 * rng_normal(r, 1, 0, 0), 0.01 * rng_normal(r, 2, 0, 0)},
                       .drift = 0.02e-9 * rng_normal(r, 3, 0, 0),
                       .scatter = real,
                       .r = rng_stream(seed, "scatter")};
    struct surface *s = surface_new((const double[2]){0, 0}, given);
    for (int k = 0; k < columns * rows; k++) {
        int row = k / columns, column = row % 2 ? columns - 1 - k % columns : k % columns;
        double x = column * 5e-6, y = row * 5e-6, t = 10.0 * k, z, sigma;
        double at = height(&g, x, y, t, (uint64_t)k);
        if (surface_predict(s, x, y, t, &z, &sigma)) {
            struct coverage *c = k < 15 ? early : late;
            double miss = fabs(at - z) / sigma;
            c->n++;
            c->one += miss < 1;
            c->three += miss < 3;
            c->four += miss < 4;
            c->worst = fmax(c->worst, miss);
        }
        surface_add(s, x, y, t, at);
    }
    surface_free(s);
}

static void show(const char *what, const struct coverage *c)
{
    print_message("%s: %.1f %% within 1, %.2f %% within 3, %.3f %% within 4 sigma of %d; worst %.1f\n", what,
                  100.0 * c->one / c->n, 100.0 * c->three / c->n, 100.0 * c->four / c->n, c->n, c->worst);
}

static void sigma_is_honest(void **unused)
{
    (void)unused;
    static const double scatter[] = {10e-9, 50e-9, 120e-9};
    uint64_t seed = test_seed();
    for (int k = 0; k < 3; k++) {
        struct coverage early = {0}, late = {0};
        for (uint64_t j = 0; j < 60; j++)
            walk_grid(seed + 1000 * j, 50e-9, scatter[k], 8, 8, &early, &late);
        char text[64];
        snprintf(text, sizeof text, "scatter %.0f nm (50 told), first 15", scatter[k] * 1e9);
        show(text, &early);
        snprintf(text, sizeof text, "scatter %.0f nm (50 told), later", scatter[k] * 1e9);
        show(text, &late);
        assert_true(late.one > 0.60 * late.n);
        assert_true(late.three > 0.975 * late.n);
        if (scatter[k] <= 50e-9)
            assert_true(early.three > 0.975 * early.n);
        else
            assert_true(early.three > 0.90 * early.n); /* the file's sigma was too small by 2.4 */
    }
}

static void only_the_newest_contacts_count(void **unused)
{
    (void)unused;
    struct surface *s = surface_new((const double[2]){0, 0}, 20e-9);
    double z, sigma;
    for (int k = 0; k < 1000; k++)
        surface_add(s, k % 30 * 1e-6, k / 30 % 30 * 1e-6, k, k < 500 ? 40e-6 : 50e-6);
    assert_int_equal(surface_count(s), 400);
    assert_true(surface_predict(s, 0, 0, 1000, &z, &sigma));
    assert_true(fabs(z - 50e-6) < 10e-9);
    surface_free(s);
}

/* Rough on the scale of the pitch: a sum of random waves, standard deviation 1, correlation length about
 * `length`. */
static double waves(struct rng r, double x, double y, double length)
{
    enum { WAVES = 60 };
    double sum = 0;
    for (uint64_t k = 0; k < WAVES; k++) {
        double kx = rng_normal(r, k, 0, 0) / length, ky = rng_normal(r, k, 1, 0) / length;
        sum += sqrt(2.0 / WAVES) * cos(kx * x + ky * y + 2 * M_PI * rng_uniform(r, k, 2, 0));
    }
    return sum;
}

static void neighbours_help_where_they_can(void **unused)
{
    (void)unused;
    uint64_t seed = test_seed();
    static const double length[] = {2e-6, 6e-6, 15e-6};
    for (int k = 0; k < 3; k++) {
        double square = 0, told = 0;
        int n = 0, three = 0;
        for (uint64_t j = 0; j < 20; j++) {
            struct rng r = rng_stream(seed + j, "waves");
            struct surface *s = surface_new((const double[2]){0, 0}, 50e-9);
            for (int i = 0; i < 144; i++) {
                double x = (i / 12 % 2 ? 11 - i % 12 : i % 12) * 5e-6, y = i / 12 * 5e-6, z, sigma;
                double at = 50e-6 + 0.005 * x + 100e-9 * waves(r, x, y, length[k]);
                if (i >= 30 && surface_predict(s, x, y, i * 10, &z, &sigma)) {
                    square += (at - z) * (at - z);
                    told += sigma * sigma;
                    three += fabs(at - z) < 3 * sigma;
                    n++;
                }
                surface_add(s, x, y, i * 10, at);
            }
            surface_free(s);
        }
        double miss = sqrt(square / n), sigma = sqrt(told / n);
        print_message("100 nm rough over %.0f um: misses by %.0f nm, told %.0f nm, %.2f %% within 3 sigma\n",
                      length[k] * 1e6, miss * 1e9, sigma * 1e9, 100.0 * three / n);
        assert_true(three > 0.97 * n);
        assert_true(miss < 1.3 * sigma && miss > 0.6 * sigma);
        assert_true(length[k] < 5e-6 || miss < 80e-9);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_contact_says_little),
        cmocka_unit_test(an_exact_plane_is_found),
        cmocka_unit_test(collinear_contacts_say_nothing_sideways),
        cmocka_unit_test(sigma_is_honest),
        cmocka_unit_test(neighbours_help_where_they_can),
        cmocka_unit_test(only_the_newest_contacts_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
