/* Deciding from samples alone: baseline, reach, and the capacitance by triangle. */
#include "fixture.h"

#include "run/contact.h"

static void the_baseline_has_the_noise_of_its_samples(void **unused)
{
    (void)unused;
    uint64_t seed = test_seed();
    struct rng r = rng_stream(seed, "idle");
    double mean = 0, sd = 0;
    for (uint64_t j = 0; j < 200; j++) {
        struct idle b = {0};
        for (uint64_t k = 0; k < IDLE_LEARN; k++)
            idle_add(&b, 3e-12 + 0.2e-12 * rng_normal(r, j, k, 0));
        assert_true(idle_ready(&b));
        mean += b.mean / 200;
        sd += idle_sd(&b) / 200;
    }
    print_message("mean %.4f pA (3), sd %.4f pA (0.2)\n", mean * 1e12, sd * 1e12);
    assert_true(fabs(mean - 3e-12) < 0.01e-12);
    assert_true(fabs(sd - 0.2e-12) < 0.006e-12);
}

static void the_baseline_follows_drift_and_not_a_contact(void **unused)
{
    (void)unused;
    struct rng r = rng_stream(test_seed(), "idle");
    struct idle b = {0};
    for (uint64_t k = 0; k < 20000; k++) /* 20 s of 1 ms, 0.1 pA/s */
        idle_add(&b, 0.1e-15 * (double)k + 0.2e-12 * rng_normal(r, k, 0, 0));
    print_message("%.3f pA behind the drift, sd %.3f pA\n", (2e-12 - b.mean) * 1e12, idle_sd(&b) * 1e12);
    assert_true(fabs(2e-12 - b.mean) < 0.12e-12);
    assert_true(idle_sd(&b) < 0.25e-12);
    double before = b.mean;
    idle_add(&b, b.mean + 10e-12);
    assert_true(fabs(b.mean - before) < 0.03e-12);
    assert_true(idle_reach(&b, 3e-12, 6) >= 3e-12);
    assert_true(idle_reach(&b, 0.1e-12, 6) > 1e-12);
}

static double triangle(double phase, double amplitude)
{
    phase -= floor(phase);
    return amplitude * (phase < 0.25 ? 4 * phase : phase < 0.75 ? 2 - 4 * phase : 4 * phase - 4);
}

struct cell_model {
    double c, leak, offset, noise, slope_of_offset;
    double filter; /* part of the previous sample that remains */
};

/* Periods of a triangle of +-0.1 V at 10 V/s, 1 ms samples, through an integrating and a first-order filter.
 */
static void ramp_of(const struct cell_model *m, int periods, struct rng r, uint64_t j,
                    struct ramp_meter *meter)
{
    double filtered = m->offset;
    ramp_start(meter);
    for (int k = 0; k < 40 * periods; k++) {
        double e = 2 + triangle((k + 1) / 40.0, 0.1), before = 2 + triangle(k / 40.0, 0.1);
        double i = m->c * (e - before) / 1e-3 + m->leak * e + m->offset + m->slope_of_offset * k;
        filtered = m->filter * filtered + (1 - m->filter) * i;
        struct sample s = {
            .e = e, .cycle = k / 40 + 1, .i = filtered + m->noise * rng_normal(r, j, (uint64_t)k, 0)};
        ramp_add(meter, &s, 1e-3);
    }
    ramp_finish(meter);
}

static void the_ramp_estimates_without_bias(void **unused)
{
    (void)unused;
    struct rng r = rng_stream(test_seed(), "ramp");
    const struct cell_model m = {.c = 1e-12, .leak = 1e-12, .offset = 0.5e-12, .noise = 0.2e-12};
    double mean = 0, square = 0, told = 0;
    enum { N = 1000 };
    for (uint64_t j = 0; j < N; j++) {
        struct ramp_meter meter;
        ramp_of(&m, 4, r, j, &meter);
        assert_int_equal(meter.mean.periods, 4);
        double miss = meter.mean.c - m.c;
        mean += miss / N;
        square += miss * miss / N;
        told += meter.mean.c_sd / N;
    }
    double real = sqrt(square - mean * mean);
    print_message("bias %.3f fF, SD %.3f fF, told %.3f fF\n", mean * 1e15, real * 1e15, told * 1e15);
    assert_true(fabs(mean) < 4 * real / sqrt(N) + 0.02e-15);
    assert_true(told > 0.9 * real && told < 1.15 * real);
}

/* An offset that drifts, a filter that remembers the samples behind a turn. */
static void drift_and_filter_bias_it_little(void **unused)
{
    (void)unused;
    struct rng r = rng_stream(1, "ramp");
    const struct cell_model drift = {.c = 1e-12, .slope_of_offset = 1e-16},
                            slow = {.c = 1e-12, .filter = 0.08};
    struct ramp_meter meter;
    ramp_of(&drift, 4, r, 0, &meter);
    print_message("offset drift of 0.1 pA/s: %.3f fF\n", (meter.mean.c - 1e-12) * 1e15);
    assert_true(fabs(meter.mean.c - 1e-12) < 0.5e-15);
    ramp_of(&slow, 4, r, 0, &meter);
    print_message("filter of 400 Hz: %.3f fF\n", (meter.mean.c - 1e-12) * 1e15);
    assert_true(fabs(meter.mean.c - 1e-12) < 2e-15);
}

static void a_flagged_period_is_left_out(void **unused)
{
    (void)unused;
    struct ramp_meter meter;
    ramp_start(&meter);
    for (int k = 0; k < 160; k++) {
        double e = triangle((k + 1) / 40.0, 0.1), before = triangle(k / 40.0, 0.1);
        struct sample s = {.e = e, .cycle = k / 40 + 1, .i = 1e-12 * (e - before) / 1e-3};
        if (k == 45) {
            s.status = SAMPLE_OVERLOAD;
            s.i = 1e-9;
        }
        ramp_add(&meter, &s, 1e-3);
    }
    ramp_finish(&meter);
    assert_int_equal(meter.mean.periods, 3);
    assert_true(fabs(meter.mean.c - 1e-12) < 1e-18);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_baseline_has_the_noise_of_its_samples),
        cmocka_unit_test(the_baseline_follows_drift_and_not_a_contact),
        cmocka_unit_test(the_ramp_estimates_without_bias),
        cmocka_unit_test(drift_and_filter_bias_it_little),
        cmocka_unit_test(a_flagged_period_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
