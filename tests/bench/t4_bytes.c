/* T4, bytes of a stored site: the packed waveform against the entropy of the noise that it holds, below which
 * no lossless method can go, for an instrument that quantises. */
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>

#include "bench/rows.h"

#define SAMPLES 10000

static double packed_bytes(double sigma, double jitter)
{
    struct wave_row *rows = xcalloc(SAMPLES, sizeof *rows);
    struct buf out = {0};
    struct err e = ERR_INIT;
    bench_rows(rows, SAMPLES, 7, sigma, jitter);
    bool ok = waveform_pack(rows, SAMPLES, &out, &e);
    double n = (double)out.n;
    buf_free(&out);
    free(rows);
    return ok ? n : NAN;
}

/* Entropy of n Gaussian values in steps of one, SD sigma steps (fine for sigma > 1): log2(sigma sqrt(2 pi
 * e)). */
static double entropy_bytes(double sigma)
{
    return SAMPLES * log2(sigma * sqrt(2 * M_PI * M_E)) / 8;
}

void bench_t4(struct bench *b)
{
    bench_begin(b, "T4",
                "bytes of 10 000 samples (t, E, i, z, reception, labels), noise of 5, 20, 100 steps");
    static const struct {
        double sigma;
        const char *bytes, *ratio;
    } all[] = {{5, "bytes_5", "over_entropy_5"},
               {20, "bytes_20", "over_entropy_20"},
               {100, "bytes_100", "over_entropy_100"}};
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        double n = packed_bytes(all[k].sigma, 0);
        bench_value(b, all[k].bytes, n, "B");
        bench_ratio(b, all[k].ratio, n / entropy_bytes(all[k].sigma), "<= 1.3");
    }
    double jittered = packed_bytes(20, 30);
    bench_value(b, "bytes_20_reception_jitter_30_us", jittered, "B");
    bench_ratio(b, "over_entropy_of_both", jittered / (entropy_bytes(20) + entropy_bytes(30)), "");
    bench_ratio(b, "smaller_than_float64_of_t_E_i", SAMPLES * 24 / packed_bytes(20, 0), "");
    bench_end(b);
}
