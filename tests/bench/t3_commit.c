/* T3, durable commit of a site of 10 000 samples: the writer against a bare append of the same samples as
 * doubles with fdatasync, the same over space written beforehand, and HDF5. */
#include "bench/bench.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/rows.h"
#include "results/writer.h"

#define SAMPLES 10000
#define SITES   40 /* per block */
#define BYTES   (SAMPLES * 3 * sizeof(double))

struct raw {
    int fd;
    bool rewind; /* overwrite the same, already written space */
    double *samples;
};

static double run_raw(void *ctx)
{
    struct raw *r = ctx;
    if (r->rewind)
        lseek(r->fd, 0, SEEK_SET);
    double start = bench_clock();
    for (int k = 0; k < SITES; k++)
        if (write(r->fd, r->samples, BYTES) != (ssize_t)BYTES || fdatasync(r->fd) != 0)
            return -1;
    return bench_clock() - start;
}

struct ours {
    struct loop *loop;
    struct writer *writer;
    struct wave_row *rows;
    int site;
    double stall[SITES * (BENCH_BLOCKS + 1)]; /* s at each barrier */
    int n;
};

/* Intent, rows and outcome; the outcome of one site and the intent of the next are one transaction. */
static bool hand_over(struct ours *o)
{
    int64_t attempt, step;
    o->site++;
    if (!writer_attempt_begin(o->writer, o->site, 1, o->site * 1e-6, 0, o->site * 10.0,
                              "2000-01-01T00:00:00.000Z", &attempt))
        return false;
    double asked = bench_clock();
    struct err e = ERR_INIT;
    if (!writer_commit(o->writer) || !writer_barrier(o->writer, &e))
        return false;
    o->stall[o->n++] = bench_clock() - asked;
    struct results_step s = {
        .attempt = attempt, .site = o->site, .index = 1, .phase = "step", .name = "cv", .kind = "cv"};
    s.gap_before = NAN;
    struct results_attempt end = {.id = attempt, .outcome = OUTCOME_MEASURED, .touched = TOUCHED_YES};
    return writer_step_begin(o->writer, &s, &step) && writer_rows(o->writer, step, o->rows, SAMPLES) &&
           writer_step_end(o->writer, step, "done", NAN, "") && writer_attempt_end(o->writer, &end);
}

static double run_ours(void *ctx)
{
    struct ours *o = ctx;
    double start = bench_clock();
    for (int k = 0; k < SITES; k++)
        if (!hand_over(o))
            return -1;
    struct err e = ERR_INIT;
    if (!writer_commit(o->writer) || !writer_barrier(o->writer, &e))
        return -1;
    double seconds = bench_clock() - start;
    writer_checkpoint(o->writer); /* as between two sites: no descent waits for it */
    return writer_barrier(o->writer, &e) ? seconds : -1;
}

static struct results *create(const char *path)
{
    static struct results_site_plan site[SITES * (BENCH_BLOCKS + 1)];
    int n = (int)(sizeof site / sizeof site[0]);
    for (int k = 0; k < n; k++)
        site[k] = (struct results_site_plan){.site = k + 1, .order = k + 1, .region = ""};
    struct results_plan plan = {.run_id = "bench",
                                .program = "bench",
                                .utc = "2000-01-01T00:00:00.000Z",
                                .mode = "virtual",
                                .reference = "",
                                .potential_sign = 1,
                                .current_sign = 1,
                                .stage_id = "",
                                .pstat_id = "",
                                .site = site,
                                .n_sites = n};
    struct err e = ERR_INIT;
    struct results *r = results_create(path, &plan, 0, &e);
    if (!r)
        fprintf(stderr, "%s\n", e.text);
    return r;
}

static void report(struct bench *b, struct bench_side side[3], const struct ours *o)
{
    static const char *const name[] = {"ours", "raw_append", "raw_pre_zeroed"};
    for (int k = 0; k < 3; k++)
        bench_value(b, name[k], SITES / bench_seconds(&side[k]), "sites/s");
    bench_ratio(b, "ours_over_raw_append", bench_paired(&side[1], &side[0]), ">= 1.1");
    bench_ratio(b, "ours_over_raw_pre_zeroed", bench_paired(&side[2], &side[0]), ">= 0.45");
    bench_value(b, "barrier_p50", 1e3 * bench_median(o->stall, o->n), "ms");
    bench_value(b, "barrier_p99", 1e3 * bench_quantile(o->stall, o->n, 0.99), "ms");
}

void bench_t3(struct bench *b)
{
    struct buf path[4] = {{0}};
    static const char *const file[] = {"ours.seccm", "append.raw", "zeroed.raw", "peer.h5"};
    for (int k = 0; k < 4; k++)
        buf_printf(&path[k], "%s/%s", b->folder, file[k]);
    struct err e = ERR_INIT;
    static struct ours ours;
    ours = (struct ours){.rows = xcalloc(SAMPLES, sizeof *ours.rows), .loop = loop_new(LOOP_REAL, 1, &e)};
    bench_rows(ours.rows, SAMPLES, 1, 20, 30);
    double *samples = xmalloc(BYTES);
    for (int k = 0; k < SAMPLES; k++) {
        samples[3 * k] = dec_value(ours.rows[k].t);
        samples[3 * k + 1] = dec_value(ours.rows[k].e_raw);
        samples[3 * k + 2] = dec_value(ours.rows[k].i_raw);
    }
    struct raw append = {open(path[1].p, O_CREAT | O_WRONLY | O_APPEND, 0666), false, samples};
    struct raw zeroed = {open(path[2].p, O_CREAT | O_WRONLY, 0666), true, samples};
    struct results *results = create(path[0].p);
    ours.writer = results ? writer_start(results, ours.loop, &e) : NULL;
    struct peer h5;
    bool has_h5 = peer_start(&h5, "h5py", path[3].p);
    struct bench_side side[4] = {{run_ours, &ours, {0}, !ours.writer},
                                 {run_raw, &append, {0}, append.fd < 0},
                                 {run_raw, &zeroed, {0}, zeroed.fd < 0},
                                 {peer_run, &h5, {0}, !has_h5}};
    bench_blocks(side, 4);
    bench_begin(b, "T3", "durable commit of a site of 10 000 samples of t, E, i");
    report(b, side, &ours);
    if (has_h5) {
        bench_value(b, "h5py", SITES / bench_seconds(&side[3]), "sites/s");
        bench_ratio(b, "ours_over_h5py", bench_paired(&side[3], &side[0]), ">= 4");
        peer_stop(&h5);
    } else {
        bench_absent(b, "h5py", "python3-h5py is not installed (make deps-bench)");
    }
    bench_end(b);
    if (ours.writer && !writer_stop(ours.writer, &e))
        fprintf(stderr, "%s\n", e.text);
    loop_free(ours.loop);
    close(append.fd);
    close(zeroed.fd);
    for (int k = 0; k < 4; k++) {
        unlink(path[k].p);
        buf_free(&path[k]);
    }
    free(samples);
    free(ours.rows);
}
