/* Rows as a potentiostat sends them: t, E and i with the noise of an instrument. */
#ifndef SECCM_BENCH_ROWS_H
#define SECCM_BENCH_ROWS_H

#include <math.h>

#include "base/rng.h"
#include "results/waveform.h"

/* A triangle of potential and a wave of current in steps of 1 fA with Gaussian noise of `sigma` steps;
 * reception jitters by `jitter` us (SD). */
static inline void bench_rows(struct wave_row *rows, int n, uint64_t site, double sigma, double jitter)
{
    struct rng r = rng_stream(1, "bench.rows");
    for (int k = 0; k < n; k++) {
        double phase = (double)(k % 4000) / 4000, up = phase < 0.5 ? 2 * phase : 2 - 2 * phase;
        double wave = 3000 * exp(-pow((up - 0.4) * 12, 2)) * (phase < 0.5 ? 1 : -0.8) + 150 * up;
        rows[k] = (struct wave_row){
            .host_us = 5000000 + 1000 * (int64_t)k + llround(jitter * rng_normal(r, site, (uint64_t)k, 1)),
            .t = {k, -3},
            .e_raw = {-3200 + 2 * (int64_t)(up * 1000), -3},
            .i_raw = {llround(wave + sigma * rng_normal(r, site, (uint64_t)k, 2)), -15},
            .z_pm = 12345678,
            .cycle = 1 + k / 4000,
            .sweep = phase >= 0.5,
            .range = 3,
        };
    }
}

#endif
