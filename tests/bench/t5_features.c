/* T5, features of voltammograms of 2000 points in memory: ours against the smoothing alone (the floor), scipy
 * in a loop and vectorised numpy (peers), and on two threads. */
#include "bench/bench.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#include "analysis/savgol.h"
#include "unit/analysis/synth.h"

#define CURVES 200 /* per block */

struct work {
    struct wave_row *rows;
    int n, curves;
    struct results_step step;
    struct results_attempt attempt;
    struct analysis_settings settings;
};

static void *features_of_curves(void *ctx)
{
    struct work *w = ctx;
    for (int k = 0; k < w->curves; k++) {
        struct features out = {0};
        struct feature_step f = {&w->step, w->rows, w->n};
        struct feature_attempt a = {&w->attempt, &f, 1, synth_wiring};
        features_of_attempt(&a, &w->settings, &out);
        features_free(&out);
    }
    return NULL;
}

static double run_one(void *ctx)
{
    double start = bench_clock();
    features_of_curves(ctx);
    return bench_clock() - start;
}

/* The same number of curves, half of them on each of two threads. */
static double run_two(void *ctx)
{
    struct work half = *(struct work *)ctx;
    half.curves /= 2;
    struct work other = half;
    pthread_t t;
    double start = bench_clock();
    if (pthread_create(&t, NULL, features_of_curves, &other) != 0)
        return -1;
    features_of_curves(&half);
    pthread_join(t, NULL);
    return bench_clock() - start;
}

struct smoothing {
    double *x, *out;
    int n, points;
};

static double run_smoothing(void *ctx)
{
    struct smoothing *s = ctx;
    double start = bench_clock();
    for (int k = 0; k < CURVES; k++)
        savgol(s->x, s->n, s->points, 0, s->out);
    return bench_clock() - start;
}

static void peer_side(struct peer *p, const char *task, struct bench_side *side)
{
    *side = (struct bench_side){.run = peer_run, .ctx = p, .failed = !peer_start(p, task, "")};
}

static void report_peer(struct bench *b, struct bench_side *side, const struct bench_side *ours,
                        const char *name, const char *ratio, const char *aim)
{
    if (isnan(bench_seconds(side))) {
        bench_absent(b, name, "python3-numpy and python3-scipy are not installed (make deps-bench)");
        return;
    }
    bench_value(b, name, CURVES / bench_seconds(side), "CV/s");
    bench_ratio(b, ratio, bench_paired(side, ours), aim);
    peer_stop(side->ctx);
}

void bench_t5(struct bench *b)
{
    struct synth_cv cv = synth_default();
    cv.cycles = 1;
    cv.low = 1.0; /* 2 x 1000 samples of 2 mV */
    cv.noise = 0.1e-12;
    struct work w = {.curves = CURVES, .settings = synth_settings()};
    w.rows = synth_cv_rows(&cv, &w.n);
    w.step = synth_cv_step(&cv, "formation");
    w.attempt = synth_attempt(&cv, 1e-15);
    struct smoothing s = {.n = w.n, .points = savgol_points(w.settings.smoothing, cv.step, w.n)};
    s.x = xcalloc((size_t)s.n, sizeof *s.x);
    s.out = xcalloc((size_t)s.n, sizeof *s.out);
    for (int k = 0; k < s.n; k++)
        s.x[k] = dec_value(w.rows[k].i_raw);
    struct peer loop_peer, numpy_peer;
    struct bench_side side[5] = {
        {.run = run_one, .ctx = &w}, {.run = run_two, .ctx = &w}, {.run = run_smoothing, .ctx = &s}};
    peer_side(&loop_peer, "scipy-loop", &side[3]);
    peer_side(&numpy_peer, "numpy", &side[4]);
    bench_blocks(side, 5);
    bench_begin(b, "T5",
                "features of voltammograms of 2000 points, from stored rows to values with uncertainties");
    bench_value(b, "points", w.n, "");
    bench_value(b, "ours", CURVES / bench_seconds(&side[0]), "CV/s");
    bench_value(b, "smoothing_alone", CURVES / bench_seconds(&side[2]), "CV/s");
    bench_ratio(b, "ours_time_over_smoothing", bench_paired(&side[0], &side[2]), "<= 1.5");
    bench_ratio(b, "two_threads", bench_paired(&side[0], &side[1]), ">= 1.8");
    report_peer(b, &side[3], &side[0], "scipy_loop", "ours_over_scipy_loop", ">= 100");
    report_peer(b, &side[4], &side[0], "numpy", "ours_over_numpy", ">= 15");
    bench_end(b);
    free(s.x);
    free(s.out);
    free(w.rows);
}
