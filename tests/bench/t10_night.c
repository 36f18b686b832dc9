/* T10, how fast a night passes in virtual time with everything stored, and T11, the memory that a run takes:
 * the demonstration's protocol on grids of two sizes, each in a process of its own. */
#include "bench/bench.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results/results.h"

#define NIGHTS 3 /* of each size; medians */

struct night {
    double wall, experiment, resident; /* s, s, MiB */
    double bytes, samples;             /* per site */
    int measured;
};

/* 200 um of travel hold 25 columns of 5 um; rows above each other in passes of the same pitch. */
static bool write_protocol(const char *path, int columns, int rows)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return false;
    char here[4096];
    fprintf(
        f,
        "seccm: 1\n"
        "name: a night\n"
        "probe: {aperture: 400 nm}\n"
        "reference: {electrode: \"Li/Li+ by Ag QRCE\", offset: 3.2 V, uncertainty: 0.1 V}\n"
        "rig: %s/instruments/simulated-bench.yaml\n"
        "grid: {shape: rectangle, columns: %d, rows: %d, pitch: 2.5 um, origin: {x: 5 um, y: 5 um}}\n"
        "limits: {potential: [0 V, 4 V], current: 5 nA}\n"
        "approach: {bias: 2.5 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}\n"
        "site:\n"
        "  - hold: {potential: 3 V, for: 0.2 s}\n"
        "  - cv: {name: formation, start: 3 V, vertices: [1 V, 3 V], rate: 1 V/s, cycles: 1, step: 2 mV}\n",
        getcwd(here, sizeof here), columns, rows);
    return fclose(f) == 0;
}

static bool run_program(const struct bench *b, const char *protocol, const char *out, struct night *n)
{
    struct rusage usage;
    int status;
    double start = bench_clock();
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 2);
        execl(b->seccm, b->seccm, "run", protocol, "--virtual", "--quiet", "-o", out, (char *)NULL);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child)
        return false;
    n->wall = bench_clock() - start;
    n->resident = (double)usage.ru_maxrss / 1024;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* How long the night was, and what it left. */
static bool read_night(const char *path, struct night *n)
{
    struct err e = ERR_INIT;
    struct results_sites sites = {0};
    struct results *r = results_open(path, &e);
    if (!r)
        return false;
    bool ok = results_sites(r, &sites, &e);
    for (int k = 0; ok && k < sites.n; k++) {
        struct results_attempt a[8];
        int count = results_attempts(r, sites.site[k].site, a, 8, &e);
        for (int i = 0; i < count && i < 8; i++)
            n->experiment = fmax(n->experiment, a[i].end_s);
        n->measured += sites.site[k].outcome == OUTCOME_MEASURED;
    }
    results_sites_free(&sites);
    results_close(r, &e);
    return ok && n->measured > 0;
}

static bool one_night(const struct bench *b, int columns, int rows, struct night *n)
{
    static const char *const tail[] = {".yaml", ".seccm", ".sample"};
    struct buf path[3] = {{0}};
    for (int k = 0; k < 3; k++)
        buf_printf(&path[k], "%s/night%s", b->folder, tail[k]);
    *n = (struct night){0};
    bool ok = write_protocol(path[0].p, columns, rows) && run_program(b, path[0].p, path[1].p, n) &&
              read_night(path[1].p, n);
    FILE *f = fopen(path[1].p, "r");
    if (f) {
        fseek(f, 0, SEEK_END);
        n->bytes = (double)ftell(f) / (columns * rows);
        fclose(f);
    }
    for (int k = 0; k < 3; k++) {
        unlink(path[k].p);
        buf_free(&path[k]);
    }
    return ok;
}

static void median_night(const struct bench *b, int columns, int rows, struct night *out)
{
    double speed[NIGHTS], resident[NIGHTS];
    struct night n;
    for (int k = 0; k < NIGHTS; k++) {
        bool ok = one_night(b, columns, rows, &n);
        speed[k] = ok ? n.experiment / n.wall : NAN;
        resident[k] = ok ? n.resident : NAN;
    }
    *out = n;
    out->wall = out->experiment / bench_median(speed, NIGHTS);
    out->resident = bench_median(resident, NIGHTS);
}

void bench_t10(struct bench *b)
{
    struct night small, large;
    median_night(b, 10, 10, &small);
    median_night(b, 32, 32, &large);
    bench_begin(b, "T10",
                "1024 sites of 2000 technique samples in virtual time, everything stored and analysed");
    bench_value(b, "experiment", large.experiment, "s");
    bench_value(b, "wall", large.wall, "s");
    bench_value(b, "measured", large.measured, "sites");
    bench_value(b, "bytes_per_site", large.bytes, "B");
    bench_ratio(b, "times_real_time", large.experiment / large.wall, ">= 3000 (at 10 000 sites)");
    bench_end(b);
    bench_begin(b, "T11", "largest resident memory of these runs");
    bench_value(b, "resident_100_sites", small.resident, "MiB");
    bench_value(b, "resident_1024_sites", large.resident, "MiB");
    bench_ratio(b, "growth", large.resident / small.resident, "1 (flat; <= 64 MiB)");
    bench_end(b);
}
