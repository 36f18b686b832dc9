/* All benchmarks into one JSON file keyed by the ids of the targets: bench BUILD [T3 T5 ...]. BUILD holds the
 * program, scratch files and bench.json. */
#include "bench/bench.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* --- numbers ------------------------------------------------------------------------------------------- */

double bench_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(const double *v, int n, double p)
{
    if (n == 0)
        return NAN;
    double *sorted = xmalloc((size_t)n * sizeof *sorted);
    memcpy(sorted, v, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    double at = p * (n - 1), low = floor(at), value = sorted[(int)low];
    if ((int)low + 1 < n)
        value += (at - low) * (sorted[(int)low + 1] - value);
    free(sorted);
    return value;
}

double bench_median(const double *v, int n)
{
    return bench_quantile(v, n, 0.5);
}

/* --- blocks -------------------------------------------------------------------------------------------- */

static void run_block(struct bench_side *s, int block)
{
    double seconds = s->failed ? -1 : s->run(s->ctx);
    s->failed = seconds < 0;
    if (block >= 0)
        s->seconds[block] = seconds;
}

void bench_blocks(struct bench_side *side, int n)
{
    for (int block = -1; block < BENCH_BLOCKS; block++)
        for (int k = 0; k < n; k++)
            run_block(&side[block % 2 ? n - 1 - k : k], block);
}

double bench_seconds(const struct bench_side *s)
{
    return s->failed ? NAN : bench_median(s->seconds, BENCH_BLOCKS);
}

double bench_paired(const struct bench_side *a, const struct bench_side *b)
{
    double ratio[BENCH_BLOCKS];
    if (a->failed || b->failed)
        return NAN;
    for (int k = 0; k < BENCH_BLOCKS; k++)
        ratio[k] = a->seconds[k] / b->seconds[k];
    return bench_median(ratio, BENCH_BLOCKS);
}

/* --- what is written ----------------------------------------------------------------------------------- */

void bench_begin(struct bench *b, const char *id, const char *what)
{
    buf_printf(&b->json, "%s\n  \"%s\": {\"what\": ", b->any ? "," : "", id);
    buf_json_string(&b->json, what);
    b->any = true;
    printf("\n%s  %s\n", id, what);
    fflush(stdout);
}

void bench_end(struct bench *b)
{
    buf_str(&b->json, "}");
}

static void key(struct bench *b, const char *name)
{
    buf_str(&b->json, ", ");
    buf_json_string(&b->json, name);
    buf_str(&b->json, ": ");
}

void bench_value(struct bench *b, const char *name, double value, const char *unit)
{
    if (isnan(value)) {
        bench_absent(b, name, "it failed");
        return;
    }
    key(b, name);
    buf_str(&b->json, "{\"value\": ");
    buf_json_number(&b->json, value);
    buf_str(&b->json, ", \"unit\": ");
    buf_json_string(&b->json, unit);
    buf_str(&b->json, "}");
    printf("    %-34s %12.5g %s\n", name, value, unit);
}

void bench_ratio(struct bench *b, const char *name, double ratio, const char *aim)
{
    if (isnan(ratio)) {
        bench_absent(b, name, "one of the two sides failed");
        return;
    }
    key(b, name);
    buf_str(&b->json, "{\"ratio\": ");
    buf_json_number(&b->json, ratio);
    buf_str(&b->json, ", \"aim\": ");
    buf_json_string(&b->json, aim);
    buf_str(&b->json, "}");
    printf("    %-34s %12.3f %s%s\n", name, ratio, *aim ? "aim " : "", aim);
}

void bench_absent(struct bench *b, const char *name, const char *reason)
{
    key(b, name);
    buf_str(&b->json, "{\"absent\": ");
    buf_json_string(&b->json, reason);
    buf_str(&b->json, "}");
    printf("    %-34s %12s %s\n", name, "-", reason);
}

/* --- peers --------------------------------------------------------------------------------------------- */

static bool read_line(int fd, char *line, size_t n)
{
    size_t at = 0;
    while (at + 1 < n && read(fd, line + at, 1) == 1 && line[at] != '\n')
        at++;
    line[at] = '\0';
    return at > 0;
}

bool peer_start(struct peer *p, const char *task, const char *argument)
{
    int in[2], out[2];
    char line[64];
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) /* not into another peer */
        return false;
    p->pid = fork();
    if (p->pid == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        execl("/usr/bin/python3", "python3",
              /* Debian's, whose packages deps-bench installs */ "tests/bench/peers.py", task, argument,
              (char *)NULL);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    p->to = in[1];
    p->from = out[0];
    if (p->pid > 0 && read_line(p->from, line, sizeof line) && strcmp(line, "ready") == 0)
        return true;
    peer_stop(p);
    return false;
}

double peer_run(void *peer)
{
    struct peer *p = peer;
    char line[64];
    return write(p->to, "go\n", 3) == 3 && read_line(p->from, line, sizeof line) ? atof(line) : -1;
}

void peer_stop(struct peer *p)
{
    close(p->to);
    close(p->from);
    if (p->pid > 0)
        waitpid(p->pid, NULL, 0);
    p->pid = 0;
}

/* --- all of them --------------------------------------------------------------------------------------- */

static const struct {
    const char *id;
    void (*run)(struct bench *b);
    const char *what, *why_absent;
} all[] = {
    {"T1", bench_t1, NULL, NULL},
    {"T2", NULL, "host-stepped waveform", "no instrument that is stepped by the host exists yet"},
    {"T3", bench_t3, NULL, NULL},
    {"T4", bench_t4, NULL, NULL},
    {"T5", bench_t5, NULL, NULL},
    {"T6", bench_t6, NULL, NULL},
    {"T7", NULL, "index over a million sites", "no archive over several runs exists yet"},
    {"T8", bench_t8, NULL, NULL},
    {"T9", NULL, "hop efficiency over the physical limit", "the limit of a sample is not computed yet"},
    {"T10", bench_t10, NULL, NULL}, /* and T11, from the same runs */
};

static bool wanted(const char *id, int argc, char **argv)
{
    for (int k = 2; k < argc; k++)
        if (strcmp(argv[k], id) == 0)
            return true;
    return argc <= 2;
}

static bool store(const struct bench *b, const char *build)
{
    struct buf path = {0};
    buf_printf(&path, "%s/bench.json", build);
    FILE *f = fopen(path.p, "w");
    bool ok = f && fwrite(b->json.p, 1, b->json.n, f) == b->json.n;
    ok = f && fclose(f) == 0 && ok;
    if (!ok)
        perror(path.p);
    else
        printf("\n%s\n", path.p);
    buf_free(&path);
    return ok;
}

static void run_all(struct bench *b, int argc, char **argv)
{
    buf_printf(&b->json, "{\n  \"machine\": {\"processors\": %ld}", sysconf(_SC_NPROCESSORS_ONLN));
    b->any = true;
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++) {
        if (!wanted(all[k].id, argc, argv))
            continue;
        if (all[k].run) {
            all[k].run(b);
            continue;
        }
        bench_begin(b, all[k].id, all[k].what);
        bench_absent(b, "all", all[k].why_absent);
        bench_end(b);
    }
    buf_str(&b->json, "\n}\n");
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: bench BUILD [T3 ...]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    struct buf program = {0}, folder = {0};
    buf_printf(&program, "%s/seccm", argv[1]);
    buf_printf(&folder, "%s/bench/scratch-XXXXXX", argv[1]);
    struct bench b = {.seccm = program.p, .folder = mkdtemp(folder.p)};
    bool ok = b.folder != NULL;
    if (ok) {
        run_all(&b, argc, argv);
        ok = store(&b, argv[1]);
        if (rmdir(folder.p) != 0)
            fprintf(stderr, "%s: left behind\n", folder.p);
    } else {
        perror(folder.p);
    }
    buf_free(&b.json);
    buf_free(&program);
    buf_free(&folder);
    return ok ? 0 : 3;
}
