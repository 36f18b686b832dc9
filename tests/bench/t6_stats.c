/* T6, statistics: the bootstrap of a median by order statistics against sorting the sample, which any median
 * needs, and against numpy's resampling; Kruskal-Wallis against scipy. */
#include "bench/bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/bootstrap.h"
#include "analysis/groups.h"
#include "analysis/stats.h"
#include "base/rng.h"

struct sample {
    double *x, *out;
    int n;
};

static double run_bootstrap(void *ctx)
{
    struct sample *s = ctx;
    struct interval i;
    double start = bench_clock();
    if (!bootstrap_median(s->x, s->n, 0.95, BOOTSTRAP_RESAMPLES, 1, &i))
        return -1;
    return bench_clock() - start;
}

static double run_sort(void *ctx)
{
    struct sample *s = ctx;
    double start = bench_clock();
    stats_sort_finite(s->x, s->n, s->out);
    return bench_clock() - start;
}

struct grouped {
    double *x;
    int *group;
    int n;
};

static double run_kruskal(void *ctx)
{
    struct grouped *g = ctx;
    struct kruskal out;
    double start = bench_clock();
    if (!kruskal_wallis(g->x, g->group, g->n, 8, &out))
        return -1;
    return bench_clock() - start;
}

static void fill(struct sample *s, int n)
{
    struct rng r = rng_stream(1, "bench.t6");
    s->n = n;
    s->x = xcalloc((size_t)n, sizeof *s->x);
    s->out = xcalloc((size_t)n, sizeof *s->out);
    for (int k = 0; k < n; k++)
        s->x[k] = exp(rng_normal(r, (uint64_t)k, 0, 0));
}

static void report_peer(struct bench *b, struct bench_side *peer, const struct bench_side *ours,
                        const char *name, const char *ratio, const char *aim)
{
    if (isnan(bench_seconds(peer))) {
        bench_absent(b, name, "python3-numpy and python3-scipy are not installed (make deps-bench)");
        return;
    }
    bench_value(b, name, 1e3 * bench_seconds(peer), "ms");
    bench_ratio(b, ratio, bench_paired(peer, ours), aim);
    peer_stop(peer->ctx);
}

void bench_t6(struct bench *b)
{
    struct sample large, small;
    fill(&large, 1000000);
    fill(&small, 10000);
    struct grouped grouped = {large.x, xcalloc(100000, sizeof(int)), 100000};
    for (int k = 0; k < grouped.n; k++)
        grouped.group[k] = k % 8;
    struct peer numpy, scipy;
    struct bench_side side[6] = {
        {.run = run_bootstrap, .ctx = &large},
        {.run = run_sort, .ctx = &large},
        {.run = run_bootstrap, .ctx = &small},
        {.run = peer_run, .ctx = &numpy, .failed = !peer_start(&numpy, "bootstrap", "")},
        {.run = run_kruskal, .ctx = &grouped},
        {.run = peer_run, .ctx = &scipy, .failed = !peer_start(&scipy, "kruskal", "")},
    };
    bench_blocks(side, 6);
    bench_begin(b, "T6",
                "interval of a median from 10 000 resamples; Kruskal-Wallis of 1e5 values in 8 groups");
    bench_value(b, "bootstrap_1e6", 1e3 * bench_seconds(&side[0]), "ms");
    bench_value(b, "sort_1e6", 1e3 * bench_seconds(&side[1]), "ms");
    bench_ratio(b, "bootstrap_time_over_sort", bench_paired(&side[0], &side[1]), "<= 2");
    bench_value(b, "bootstrap_1e4", 1e3 * bench_seconds(&side[2]), "ms");
    report_peer(b, &side[3], &side[2], "numpy_bootstrap_1e4", "bootstrap_over_numpy", "");
    bench_value(b, "kruskal_wallis", 1e3 * bench_seconds(&side[4]), "ms");
    report_peer(b, &side[5], &side[4], "scipy_kruskal_wallis", "kruskal_wallis_over_scipy", ">= 5");
    bench_absent(b, "moran", "spatial statistics do not exist yet");
    bench_end(b);
    free(large.x);
    free(large.out);
    free(small.x);
    free(small.out);
    free(grouped.group);
}
