/* Waveform chunks: whatever goes in comes out, damage is always found, and size stays near the noise. */
#include "unit/results/fixture.h"

static uint64_t seed;

/* Packs, unpacks, compares; returns the size of the blob. */
static size_t round_trip(const struct wave_row *rows, int n)
{
    struct buf blob = {0};
    struct err e = ERR_INIT;
    struct wave_row *back = calloc((size_t)n + 1, sizeof *back);
    buf_str(&blob, "kept");
    if (!waveform_pack(rows, n, &blob, &e))
        fail_msg("%s", e.text);
    assert_memory_equal(blob.p, "kept", 4);
    if (!waveform_unpack(blob.p + 4, blob.n - 4, back, n, &e))
        fail_msg("%s", e.text);
    assert_rows_equal(rows, back, n);
    size_t size = blob.n - 4;
    free(back);
    buf_free(&blob);
    return size;
}

/* Columns of all kinds: `wild` of 8 numbers are any 64 bits, the others small, constant or extreme. */
static int64_t any_integer(struct rng r, uint64_t i, uint64_t what, uint64_t wild)
{
    static const int64_t extreme[] = {INT64_MIN, INT64_MAX, INT64_MIN + 1,  -1,
                                      0,         1,         INT64_MAX / 10, INT64_MIN / 10};
    if (rng_below(r, 8, i, what) < wild)
        return (int64_t)rng_u64(r, i, what, 1);
    if (rng_below(r, 16, i, what + 100) == 0)
        return extreme[rng_below(r, 8, i, what + 200)];
    return (int64_t)rng_below(r, 1 + ((uint64_t)1 << rng_below(r, 20, what, 7)), i, what + 300) - 100;
}

static struct dec any_dec(struct rng r, uint64_t i, uint64_t what, uint64_t wild)
{
    struct dec d = {any_integer(r, i, what, wild), -12};
    uint64_t kind = rng_below(r, 8, i, what + 400);
    if (kind < wild)
        d.e = (int8_t)rng_u64(r, i, what, 2);
    else if (rng_below(r, 50, i, what + 500) == 0)
        d = DEC_NAN;
    return d;
}

static void random_rows_come_back_exactly(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "random rows");
    for (uint64_t trial = 0; trial < 300; trial++) {
        struct rng here = {rng_u64(r, trial, 0, 0)};
        uint64_t wild = rng_below(here, 9, 0, 0);
        int n = (int)rng_below(here, trial % 30 ? 300 : 20000, 0, 1);
        struct wave_row *rows = calloc((size_t)n + 1, sizeof *rows);
        for (int k = 0; k < n; k++) {
            uint64_t i = (uint64_t)k;
            rows[k] = (struct wave_row){.host_us = any_integer(here, i, 10, wild),
                                        .t = any_dec(here, i, 20, wild),
                                        .e_raw = any_dec(here, i, 30, wild),
                                        .i_raw = any_dec(here, i, 40, wild),
                                        .z_pm = any_integer(here, i, 50, wild),
                                        .cycle = (int32_t)any_integer(here, i, 60, wild),
                                        .sweep = (int16_t)any_integer(here, i, 70, wild),
                                        .range = (uint16_t)any_integer(here, i, 80, wild),
                                        .status = (uint8_t)any_integer(here, i, 90, wild)};
        }
        round_trip(rows, n);
        free(rows);
    }
}

static void empty_single_and_full_chunks(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct buf blob = {0};
    struct wave_row one = {
        .host_us = -1, .t = DEC_NAN, .e_raw = {5, DEC_NAN_E}, .i_raw = {-7, 127}, .z_pm = INT64_MIN};
    struct wave_row *full = calloc(WAVEFORM_CHUNK + 1, sizeof *full);
    round_trip(&one, 0);
    round_trip(&one, 1);
    test_rows(full, WAVEFORM_CHUNK, rng_stream(seed, "full"), 0, 20, 30);
    round_trip(full, WAVEFORM_CHUNK);
    assert_false(waveform_pack(full, WAVEFORM_CHUNK + 1, &blob, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    free(full);
    buf_free(&blob);
}

/* What an instrument sends is text; it must come back as the double that the text means. */
static void sent_text_comes_back_as_the_same_double(void **state)
{
    (void)state;
    static const char *const sent[] = {"-1.23456789e-12", "0.000",        "3.2",    "1e22",
                                       "-0.05",           "12345.678e-9", "9.1e-31"};
    enum { N = sizeof sent / sizeof sent[0] };
    struct wave_row rows[N], back[N];
    struct buf blob = {0};
    memset(rows, 0, sizeof rows);
    for (int k = 0; k < N; k++)
        assert_true(dec_parse(sent[k], &rows[k].i_raw));
    assert_true(waveform_pack(rows, N, &blob, NULL));
    assert_true(waveform_unpack(blob.p, blob.n, back, N, NULL));
    for (int k = 0; k < N; k++)
        assert_true(dec_value(back[k].i_raw) == strtod(sent[k], NULL));
    buf_free(&blob);
}

/* Bytes per sample against the entropy of white noise of sigma LSB: log2(sigma sqrt(2 pi e)) bits. With 3 LSB
 * the wave itself, which changes by up to 15 LSB per sample, is the larger part, so there is no bound for it.
 */
static void size_stays_near_the_noise_entropy(void **state)
{
    (void)state;
    enum { N = 10000 };
    struct wave_row *rows = calloc(N, sizeof *rows);
    static const double sigma[] = {3, 20, 60, 300};
    for (size_t i = 0; i < sizeof sigma / sizeof sigma[0]; i++) {
        test_rows(rows, N, rng_stream(seed, "realistic"), i, sigma[i], 0);
        size_t size = round_trip(rows, N);
        double entropy = N * log2(sigma[i] * sqrt(2 * M_PI * M_E)) / 8;
        test_rows(rows, N, rng_stream(seed, "realistic"), i, sigma[i], 30);
        size_t with_jitter = round_trip(rows, N);
        print_message("noise %3g LSB: %zu bytes, %.2f x noise entropy, (t, E, i as doubles) / blob = %.1f; "
                      "%zu bytes with 30 us jitter of reception\n",
                      sigma[i], size, (double)size / entropy, N * 24.0 / (double)size, with_jitter);
        assert_true(sigma[i] < 10 || (double)size <= 1.3 * entropy);
    }
    free(rows);
}

/* An autoranging instrument sends other prefixes as the current grows: each change of exponent must not cost
 * a jump. */
static void changing_exponents_are_cheap(void **state)
{
    (void)state;
    enum { N = 10000 };
    struct wave_row *rows = calloc(N, sizeof *rows);
    struct rng r = rng_stream(seed, "autorange");
    test_rows(rows, N, r, 0, 20, 0);
    size_t fixed = round_trip(rows, N);
    int changes = 0;
    for (int k = 0; k < N; k++) {
        int64_t m = rows[k].i_raw.m * 1000;
        rows[k].i_raw = llabs(m) > 1000000 ? (struct dec){m / 1000, -15} : (struct dec){m, -18};
        changes += k && rows[k].i_raw.e != rows[k - 1].i_raw.e;
    }
    size_t ranged = round_trip(rows, N);
    print_message("%d changes of exponent: %zu bytes instead of %zu\n", changes, ranged, fixed);
    assert_true(changes > 10);
    assert_true(ranged < 2 * fixed);
    free(rows);
}

static void every_flipped_bit_is_found(void **state)
{
    (void)state;
    enum { N = 500 };
    struct wave_row rows[N], back[N];
    struct buf blob = {0};
    test_rows(rows, N, rng_stream(seed, "flip"), 0, 20, 5);
    assert_true(waveform_pack(rows, N, &blob, NULL));
    for (size_t bit = 0; bit < 8 * blob.n; bit++) {
        struct err e = ERR_INIT;
        blob.p[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(waveform_unpack(blob.p, blob.n, back, N, &e));
        assert_int_equal(e.code, ERR_INPUT);
        blob.p[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < blob.n; n++)
        assert_false(waveform_unpack(blob.p, n, back, N, NULL));
    assert_true(waveform_unpack(blob.p, blob.n, back, N, NULL));
    assert_false(waveform_unpack(blob.p, blob.n, back, N - 1, NULL));
    buf_free(&blob);
}

/* The checksum as the format states it, so that damaged contents behind a right sum reach the decoder. */
static uint64_t mix(uint64_t h)
{
    h = (h ^ (h >> 33)) * UINT64_C(0xff51afd7ed558ccd);
    h = (h ^ (h >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
    return h ^ (h >> 33);
}

static void seal(char *blob, size_t size)
{
    uint32_t n;
    memcpy(&n, blob + 4, 4);
    uint64_t h = mix(((uint64_t)n << 32) ^ (size - 16)), word;
    size_t at = 16;
    for (; size - at >= 8; at += 8) {
        memcpy(&word, blob + at, 8);
        h = mix((h + 1) ^ word);
    }
    word = 0;
    memcpy(&word, blob + at, size - at);
    h = mix((h + 1) ^ word);
    memcpy(blob + 8, &h, 8);
}

/* No promise what comes out, but nothing may be touched that is not ours (run under the sanitizers). */
static void forged_contents_do_no_harm(void **state)
{
    (void)state;
    enum { N = 300 };
    struct wave_row rows[N], back[N];
    struct rng r = rng_stream(seed, "forge");
    struct buf blob = {0};
    test_rows(rows, N, r, 0, 20, 5);
    assert_true(waveform_pack(rows, N, &blob, NULL));
    char *forged = malloc(blob.n);
    memcpy(forged, blob.p, blob.n);
    seal(forged, blob.n);
    assert_memory_equal(forged, blob.p, blob.n);
    int refused = 0;
    for (uint64_t trial = 0; trial < 20000; trial++) {
        size_t size = rng_below(r, 10, trial, 0) ? blob.n : 16 + (size_t)rng_below(r, blob.n - 16, trial, 1);
        memcpy(forged, blob.p, size);
        for (uint64_t k = 0; k <= trial % 3; k++)
            forged[16 + rng_below(r, size - 16, trial, 2 + k)] = (char)rng_u64(r, trial, k, 3);
        seal(forged, size);
        refused += !waveform_unpack(forged, size, back, N, NULL);
    }
    print_message("%d of 20000 forged blobs refused\n", refused);
    assert_true(refused > 1000);
    free(forged);
    buf_free(&blob);
}

int main(void)
{
    seed = test_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rows_come_back_exactly),
        cmocka_unit_test(empty_single_and_full_chunks),
        cmocka_unit_test(sent_text_comes_back_as_the_same_double),
        cmocka_unit_test(size_stays_near_the_noise_entropy),
        cmocka_unit_test(changing_exponents_are_cheap),
        cmocka_unit_test(every_flipped_bit_is_found),
        cmocka_unit_test(forged_contents_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
