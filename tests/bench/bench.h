/* Measuring ours beside a floor and a peer in one run: alternating blocks, medians, paired ratios. A shared
 * machine makes single times worthless; what is compared stands in the same minute. Nothing here gates. */
#ifndef SECCM_BENCH_H
#define SECCM_BENCH_H

#include <stdbool.h>

#include "base/buf.h"

#define BENCH_BLOCKS 15

struct bench {
    const char *seccm;  /* the program */
    const char *folder; /* scratch, on the disk that results would be written to */
    struct buf json;
    bool any;
};

/* One target of shared numbers: opens its object, prints its line. */
void bench_begin(struct bench *b, const char *id, const char *what);
void bench_end(struct bench *b);
void bench_value(struct bench *b, const char *name, double value, const char *unit);
/* A ratio of two sides measured in the same blocks, beside what is aimed at ("" = nothing). */
void bench_ratio(struct bench *b, const char *name, double ratio, const char *aim);
/* What was not measured, and why. */
void bench_absent(struct bench *b, const char *name, const char *reason);

/* Seconds of a clock that only rises. */
double bench_clock(void);
/* Median and quantile of n values (not sorted by this). NAN if n is 0. */
double bench_median(const double *v, int n);
double bench_quantile(const double *v, int n, double p);

/* One of the things compared: run(ctx) does one block and returns its seconds, negative if it failed. */
struct bench_side {
    double (*run)(void *ctx);
    void *ctx;
    double seconds[BENCH_BLOCKS];
    bool failed;
};
/* Warms up once, then runs all sides in each block, in turned order every other time. */
void bench_blocks(struct bench_side *side, int n);
double bench_seconds(const struct bench_side *s);
/* Median over blocks of seconds(a) / seconds(b). */
double bench_paired(const struct bench_side *a, const struct bench_side *b);

/* A peer in Python (tests/bench/peers.py TASK), which does one block for each line that it is sent. */
struct peer {
    int to, from, pid;
};
/* false if Python or what the task imports is not installed. */
bool peer_start(struct peer *p, const char *task, const char *argument);
double peer_run(void *peer);
void peer_stop(struct peer *p);

/* What is measured; each writes its own object. */
void bench_t1(struct bench *b);
void bench_t3(struct bench *b);
void bench_t4(struct bench *b);
void bench_t5(struct bench *b);
void bench_t6(struct bench *b);
void bench_t8(struct bench *b);
void bench_t10(struct bench *b);

#endif
