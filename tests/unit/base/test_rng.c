/* Random numbers are pure functions of their indices, with the right distributions.
 *
 * Bounds are 6 standard errors at a fixed seed, so the tests can not fail by chance from run to run. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/rng.h"

#define SEED UINT64_C(2718281828)
#define N    200000

static struct rng stream(const char *what)
{
    print_message("seed %llu\n", (unsigned long long)SEED);
    return rng_stream(SEED, what);
}

/* SplitMix64 of state 0 begins with these published outputs; the key chain of seed 0 starts with the first.
 */
static void test_mixer_is_splitmix64(void **state)
{
    (void)state;
    struct rng zero = {0};
    /* rng_u64(r, a, 0, 0) = step(step(step(0, a), 0), 0); undo nothing, follow the same chain by hand. */
    uint64_t x = 0;
    for (int i = 0; i < 3; i++) {
        x += UINT64_C(0x9E3779B97F4A7C15);
        x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
        x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
        x ^= x >> 31;
        if (i == 0)
            assert_true(x == UINT64_C(0xE220A8397B1DCDAF));
    }
    assert_true(rng_u64(zero, 0, 0, 0) == x);
}

static void test_order_of_calls_changes_nothing(void **state)
{
    (void)state;
    struct rng r = stream("order");
    uint64_t *forward = calloc(1000, sizeof *forward);
    assert_non_null(forward);
    for (uint64_t i = 0; i < 1000; i++)
        forward[i] = rng_u64(r, i, i * i, 7);
    for (uint64_t i = 1000; i-- > 0;) {
        rng_normal(r, i, 1, 1);
        assert_true(rng_u64(rng_stream(SEED, "order"), i, i * i, 7) == forward[i]);
    }
    free(forward);
}

static void *sum_of_stream(void *out)
{
    struct rng r = rng_stream(SEED, "threads");
    double sum = 0;
    for (uint64_t i = 0; i < 10000; i++)
        sum += rng_normal(r, i, 2, 3);
    *(double *)out = sum;
    return NULL;
}

static void test_threads_change_nothing(void **state)
{
    (void)state;
    pthread_t threads[4];
    double sums[5];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sum_of_stream, &sums[i]), 0);
    sum_of_stream(&sums[4]);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_true(sums[i] == sums[4]);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void test_indices_seeds_and_names_all_matter(void **state)
{
    (void)state;
    enum { SIDE = 20, ALL = SIDE * SIDE * SIDE };
    uint64_t *all = calloc(ALL + 4, sizeof *all);
    assert_non_null(all);
    struct rng r = stream("indices");
    int n = 0;
    for (uint64_t a = 0; a < SIDE; a++)
        for (uint64_t b = 0; b < SIDE; b++)
            for (uint64_t c = 0; c < SIDE; c++)
                all[n++] = rng_u64(r, a, b, c);
    all[n++] = rng_u64(rng_stream(SEED + 1, "indices"), 0, 0, 0);
    all[n++] = rng_u64(rng_stream(SEED, "indicer"), 0, 0, 0);
    all[n++] = rng_u64(rng_stream(SEED, ""), 0, 0, 0);
    all[n++] = rng_u64(rng_stream(0, "indices"), 0, 0, 0);
    qsort(all, (size_t)n, sizeof *all, by_value);
    for (int i = 1; i < n; i++)
        assert_true(all[i - 1] != all[i]);
    free(all);
}

static void check_near(const char *what, double value, double wanted, double standard_error)
{
    if (!(fabs(value - wanted) <= 6 * standard_error))
        fail_msg("%s: %g, wanted %g +- %g", what, value, wanted, standard_error);
}

static void test_uniform_moments_and_neighbours(void **state)
{
    (void)state;
    struct rng r = stream("uniform");
    for (int axis = 0; axis < 3; axis++) {
        double sum = 0, squares = 0, products = 0, last = 0.5;
        for (uint64_t i = 0; i < N; i++) {
            double u = rng_uniform(r, axis == 0 ? i : 5, axis == 1 ? i : 6, axis == 2 ? i : 7);
            assert_true(u > 0 && u < 1);
            sum += u;
            squares += (u - 0.5) * (u - 0.5);
            products += (u - 0.5) * (last - 0.5);
            last = u;
        }
        check_near("mean", sum / N, 0.5, sqrt(1.0 / 12 / N));
        check_near("variance", squares / N, 1.0 / 12, sqrt(1.0 / 180 / N));
        check_near("correlation of neighbours", products / N, 0, 1.0 / 12 / sqrt(N));
    }
}

static void test_every_bit_is_even(void **state)
{
    (void)state;
    struct rng r = stream("bits");
    int ones[64] = {0}, flips[64] = {0};
    for (uint64_t i = 0; i < N; i++) {
        uint64_t x = rng_u64(r, 1, i, 2), change = x ^ rng_u64(r, 1, i ^ 1, 2);
        for (int k = 0; k < 64; k++) {
            ones[k] += (x >> k) & 1;
            flips[k] += (change >> k) & 1;
        }
    }
    for (int k = 0; k < 64; k++) {
        check_near("ones", (double)ones[k] / N, 0.5, 0.5 / sqrt(N));
        check_near("flips", (double)flips[k] / N, 0.5, 0.5 / sqrt(N / 2.0));
    }
}

static void test_streams_are_uncorrelated(void **state)
{
    (void)state;
    struct rng a = stream("sim.noise"), b = rng_stream(SEED, "sim.surface"),
               c = rng_stream(SEED + 1, "sim.noise");
    double ab = 0, ac = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(a, i, 0, 0);
        ab += x * rng_normal(b, i, 0, 0);
        ac += x * rng_normal(c, i, 0, 0);
    }
    check_near("other name", ab / N, 0, 1 / sqrt(N));
    check_near("other seed", ac / N, 0, 1 / sqrt(N));
}

static void test_normal_moments_and_tails(void **state)
{
    (void)state;
    struct rng r = stream("normal");
    double m1 = 0, m2 = 0, m3 = 0, m4 = 0;
    int beyond2 = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(r, i, 3, 4);
        m1 += x;
        m2 += x * x;
        m3 += x * x * x;
        m4 += x * x * x * x;
        beyond2 += fabs(x) > 2;
    }
    check_near("mean", m1 / N, 0, 1 / sqrt(N));
    check_near("variance", m2 / N, 1, sqrt(2.0 / N));
    check_near("third moment", m3 / N, 0, sqrt(15.0 / N));
    check_near("fourth moment", m4 / N, 3, sqrt(96.0 / N));
    check_near("beyond 2 sigma", (double)beyond2 / N, 0.0455003, sqrt(0.0455 * 0.9545 / N));
}

static void test_below_is_unbiased(void **state)
{
    (void)state;
    struct rng r = stream("below");
    int counts[6] = {0};
    for (uint64_t i = 0; i < N; i++) {
        uint64_t k = rng_below(r, 6, i, 0);
        assert_true(k < 6);
        counts[k]++;
    }
    for (int k = 0; k < 6; k++)
        check_near("share", (double)counts[k] / N, 1.0 / 6, sqrt(5.0 / 36 / N));
    /* With 3/4 of the range a plain remainder would hit the lower third of it twice as often. */
    uint64_t n = UINT64_C(3) << 62;
    int low = 0;
    for (uint64_t i = 0; i < N; i++)
        low += rng_below(r, n, i, 1) < n / 3;
    check_near("low third", (double)low / N, 1.0 / 3, sqrt(2.0 / 9 / N));
    assert_int_equal(rng_below(r, 1, 0, 0), 0);
}

static void test_shuffle_is_a_fair_permutation(void **state)
{
    (void)state;
    struct rng r = stream("shuffle");
    int seen[24] = {0};
    for (uint64_t i = 0; i < N; i++) {
        int v[4] = {0, 1, 2, 3}, members = 0;
        rng_shuffle(r, i, v, 4);
        for (int k = 0; k < 4; k++)
            members |= 1 << v[k];
        assert_int_equal(members, 15);
        int rank = v[0] * 6 + (v[1] - (v[1] > v[0])) * 2 + (v[2] > v[3]);
        seen[rank]++;
    }
    for (int k = 0; k < 24; k++)
        check_near("share", (double)seen[k] / N, 1.0 / 24, sqrt(23.0 / 576 / N));
    int one[1] = {9};
    rng_shuffle(r, 0, one, 1);
    rng_shuffle(r, 0, one, 0);
    assert_int_equal(one[0], 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mixer_is_splitmix64),
        cmocka_unit_test(test_order_of_calls_changes_nothing),
        cmocka_unit_test(test_threads_change_nothing),
        cmocka_unit_test(test_indices_seeds_and_names_all_matter),
        cmocka_unit_test(test_uniform_moments_and_neighbours),
        cmocka_unit_test(test_every_bit_is_even),
        cmocka_unit_test(test_streams_are_uncorrelated),
        cmocka_unit_test(test_normal_moments_and_tails),
        cmocka_unit_test(test_below_is_unbiased),
        cmocka_unit_test(test_shuffle_is_a_fair_permutation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
