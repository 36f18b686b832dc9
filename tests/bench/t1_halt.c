/* T1, contact to halt over ptys at 1 kHz: from the sample that crosses the threshold being written on the
 * potentiostat's pty to the stop byte being readable on the stage's pty.
 *
 * Ours is the program itself, approaching sites of the simulated rig in real time; this process stands
 * between the two and passes bytes on. The peers react to a made stream: a minimal C client that polls, and
 * pyserial's readline(). */
#include "bench/bench.h"

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define CROSSINGS 300
#define STOP      0x18
#define THRESHOLD 3e-12 /* A, as in the protocol below: beyond six sigmas of the noise */

struct latencies {
    double s[4096];
    int n;
};

static void keep(struct latencies *l, double seconds)
{
    if (l->n < (int)(sizeof l->s / sizeof l->s[0]))
        l->s[l->n++] = seconds;
}

/* --- ptys ---------------------------------------------------------------------------------------------- */

struct pty {
    int master, slave; /* the slave stays open here, so that the master never hangs up */
    char name[64];
};

static void make_raw(int fd)
{
    struct termios t;
    if (tcgetattr(fd, &t) == 0) {
        cfmakeraw(&t);
        tcsetattr(fd, TCSANOW, &t);
    }
}

static bool pty_open(struct pty *p)
{
    p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (p->master < 0 || grantpt(p->master) != 0 || unlockpt(p->master) != 0 ||
        ptsname_r(p->master, p->name, sizeof p->name) != 0)
        return false;
    p->slave = open(p->name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    make_raw(p->slave);
    return p->slave >= 0;
}

static void pty_close(struct pty *p)
{
    close(p->slave);
    close(p->master);
}

/* --- samples ------------------------------------------------------------------------------------------- */

/* The current of a MethodSCRIPT package, A; NAN if the line has none. */
static double current_of(const char *line)
{
    static const char prefix[] = "afpnum kMGT"; /* 1e-18 ... */
    const char *ba = line[0] == 'P' ? strstr(line, "ba") : NULL;
    unsigned value;
    char letter;
    if (!ba || sscanf(ba + 2, "%7x%c", &value, &letter) != 2 || !strchr(prefix, letter))
        return NAN;
    return ((double)value - 0x8000000) * pow(10, 3.0 * (double)(strchr(prefix, letter) - prefix) - 18);
}

/* Feeds bytes and calls fn for each whole line. */
struct lines {
    char text[256];
    size_t n;
};

static void feed_lines(struct lines *l, const char *bytes, size_t n, void (*fn)(void *ctx, const char *line),
                       void *ctx)
{
    for (size_t k = 0; k < n; k++) {
        if (bytes[k] == '\n') {
            l->text[l->n] = '\0';
            fn(ctx, l->text);
            l->n = 0;
        } else if (l->n + 1 < sizeof l->text) {
            l->text[l->n++] = bytes[k];
        }
    }
}

/* --- the peers ----------------------------------------------------------------------------------------- */

static void minimal_line(void *ctx, const char *line)
{
    const char stop = STOP;
    if (current_of(line) > THRESHOLD && write(*(int *)ctx, &stop, 1) != 1)
        _exit(1);
}

/* The least that a C program can do. */
static pid_t minimal_client(const struct pty *pstat, const struct pty *stage)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    int in = open(pstat->name, O_RDWR | O_NOCTTY), out = open(stage->name, O_RDWR | O_NOCTTY);
    struct pollfd p = {.fd = in, .events = POLLIN};
    struct lines l = {.n = 0};
    char bytes[256];
    for (;;) {
        poll(&p, 1, -1);
        ssize_t n = read(in, bytes, sizeof bytes);
        if (n <= 0)
            _exit(0);
        feed_lines(&l, bytes, (size_t)n, minimal_line, &out);
    }
}

static void write_sample(int fd, bool crossing)
{
    const char *line = crossing ? "Pda8000FA0m;ba800C350f,10,204\n" : "Pda8000FA0m;ba8000064f,10,204\n";
    if (write(fd, line, strlen(line)) < 0)
        perror("pty");
}

static bool wait_for_stop(int fd, double seconds)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char bytes[64];
    for (double end = bench_clock() + seconds; bench_clock() < end;) {
        if (poll(&p, 1, 10) <= 0)
            continue;
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n > 0 && memchr(bytes, STOP, (size_t)n))
            return true;
    }
    return false;
}

/* A stream of 1 kHz in which about every twelfth sample crosses. */
static void stream_crossings(const struct pty *pstat, const struct pty *stage, struct latencies *out)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    for (int k = 0; k < CROSSINGS; k++) {
        for (int i = 0; i < 12; i++) {
            at.tv_nsec += 1000000;
            at.tv_sec += at.tv_nsec / 1000000000;
            at.tv_nsec %= 1000000000;
            clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
            if (i < 11)
                write_sample(pstat->master, false);
        }
        double written = bench_clock();
        write_sample(pstat->master, true);
        if (wait_for_stop(stage->master, 0.1))
            keep(out, bench_clock() - written);
    }
}

static void measure_minimal(struct latencies *out)
{
    struct pty pstat, stage;
    if (!pty_open(&pstat) || !pty_open(&stage))
        return;
    pid_t child = minimal_client(&pstat, &stage);
    usleep(100000);
    stream_crossings(&pstat, &stage, out);
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    pty_close(&pstat);
    pty_close(&stage);
}

static bool measure_pyserial(struct latencies *out)
{
    struct pty pstat, stage;
    struct peer p;
    if (!pty_open(&pstat) || !pty_open(&stage))
        return false;
    struct buf names = {0};
    buf_printf(&names, "%s %s", pstat.name, stage.name);
    bool ok = peer_start(&p, "pyserial", names.p);
    if (ok) {
        ok = write(p.to, "go\n", 3) == 3;
        usleep(200000);
        stream_crossings(&pstat, &stage, out);
        ok = write(pstat.master, "*\n", 2) == 2 && ok;
        peer_stop(&p);
    }
    buf_free(&names);
    pty_close(&pstat);
    pty_close(&stage);
    return ok;
}

/* --- ours ---------------------------------------------------------------------------------------------- */

/* A simulated rig in a process of its own. */
struct served {
    pid_t pid;
    char stage[64], pstat[64]; /* names of its ptys */
};

static bool serve(const struct bench *b, struct served *s)
{
    int out[2];
    if (pipe2(out, O_CLOEXEC) != 0)
        return false;
    s->pid = fork();
    if (s->pid == 0) {
        dup2(out[1], 1);
        dup2(open("/dev/null", O_WRONLY), 2);
        execl(b->seccm, b->seccm, "rig", "serve", "instruments/simulated-bench.yaml", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    bool ok = f && fscanf(f, "stage pty:%63s potentiostat pty:%63s", s->stage, s->pstat) == 2;
    if (f)
        fclose(f);
    return ok;
}

/* Runs `seccm WORDS... --stage ... --potentiostat ...`. */
static pid_t program(const struct bench *b, const char *const *words, const char *stage, const char *pstat)
{
    struct buf link[2] = {{0}};
    buf_printf(&link[0], "pty:%s", stage);
    buf_printf(&link[1], "pty:%s", pstat);
    const char *argv[16] = {b->seccm};
    int n = 1;
    while (*words && n < 10)
        argv[n++] = *words++;
    const char *const links[] = {"--stage", link[0].p, "--potentiostat", link[1].p};
    memcpy(argv + n, links, sizeof links);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        if (!getenv("BENCH_TALK"))
            dup2(null, 2);
        setenv("XDG_STATE_HOME", b->folder, 1);
        execv(b->seccm, (char *const *)argv);
        _exit(127);
    }
    buf_free(&link[0]);
    buf_free(&link[1]);
    return child;
}

/* What passes, and what is made of it: the time at which the first of the samples was written that have been
 * beyond the threshold without a gap until the stop. */
struct between {
    int sim_stage, sim_pstat;
    struct pty host_stage, host_pstat;
    struct lines lines;
    double baseline, last;      /* A */
    double now, streak, sample; /* s: of the bytes being passed, the first sample beyond, the last sample */
    double stop;                /* s: the last stop; a second one belongs to the same contact */
    int beyond;                 /* samples in a row */
    struct latencies *out;
};

static void judge(void *ctx, const char *line)
{
    struct between *t = ctx;
    double i = current_of(line);
    if (isnan(i))
        return;
    bool crossing = fabs(i - t->baseline) > THRESHOLD;
    t->last = i;
    t->sample = t->now;
    if (crossing && t->beyond == 0)
        t->streak = t->now;
    t->beyond = crossing ? t->beyond + 1 : 0;
    t->baseline += (i - t->baseline) * (crossing ? 0.002 : 0.02);
}

/* A contact that only just crosses by the program's reckoning may not do so by ours: then it is the sample
 * that came last. Stops that no current explains (ends of moves) are none of ours. */
static void take_stop(struct between *t)
{
    bool again = t->now - t->stop < 0.5;
    t->stop = t->now;
    if (again || t->beyond >= 20)
        return;
    if (t->beyond > 0)
        keep(t->out, t->now - t->streak);
    else if (fabs(t->last - t->baseline) > THRESHOLD / 2)
        keep(t->out, t->now - t->sample);
}

static void pass_on(struct between *t, int from, int to)
{
    char bytes[4096];
    ssize_t n = read(from, bytes, sizeof bytes);
    if (n <= 0)
        return;
    t->now = bench_clock();
    if (from == t->host_stage.master && memchr(bytes, STOP, (size_t)n))
        take_stop(t);
    if (from == t->sim_pstat)
        feed_lines(&t->lines, bytes, (size_t)n, judge, t);
    for (ssize_t done = 0, k; done < n; done += k)
        if ((k = write(to, bytes + done, (size_t)(n - done))) < 0)
            return;
}

static void pump(struct between *t, pid_t child)
{
    struct pollfd p[4] = {{t->sim_pstat, POLLIN, 0},
                          {t->host_stage.master, POLLIN, 0},
                          {t->sim_stage, POLLIN, 0},
                          {t->host_pstat.master, POLLIN, 0}};
    const int to[4] = {t->host_pstat.master, t->sim_stage, t->host_stage.master, t->sim_pstat};
    while (waitpid(child, NULL, WNOHANG) == 0) {
        poll(p, 4, 100);
        for (int k = 0; k < 4; k++)
            if (p[k].revents & POLLIN)
                pass_on(t, p[k].fd, to[k]);
    }
}

static bool write_protocol(const char *path)
{
    char here[4096];
    FILE *f = fopen(path, "w");
    if (!f || !getcwd(here, sizeof here))
        return false;
    fprintf(f,
            "seccm: 1\n"
            "name: halts\n"
            "probe: {aperture: 400 nm}\n"
            "reference: {electrode: \"Li/Li+ by Ag QRCE\", offset: 3.2 V, uncertainty: 0.1 V}\n"
            "rig: %s/instruments/simulated-bench.yaml\n"
            "grid: {shape: rectangle, columns: 10, rows: 1, pitch: 3 um, origin: {x: 10 um, y: 10 um}}\n"
            "limits: {potential: [0 V, 4 V], current: 5 nA}\n"
            "approach: {bias: 2.5 V, speed: 1 um/s, travel: 12 um, contact: {threshold: %g pA}}\n"
            "site: [{hold: {potential: 3 V, for: 0.1 s}}]\n",
            here, THRESHOLD * 1e12);
    return fclose(f) == 0;
}

static void approach_sites(const struct bench *b, const struct served *s, struct latencies *out)
{
    static struct between t;
    t = (struct between){.out = out,
                         .sim_stage = open(s->stage, O_RDWR | O_NOCTTY | O_CLOEXEC),
                         .sim_pstat = open(s->pstat, O_RDWR | O_NOCTTY | O_CLOEXEC)};
    make_raw(t.sim_stage);
    make_raw(t.sim_pstat);
    if (!pty_open(&t.host_stage) || !pty_open(&t.host_pstat))
        return;
    struct buf path[2] = {{0}};
    buf_printf(&path[0], "%s/halt.yaml", b->folder);
    buf_printf(&path[1], "%s/halt.seccm", b->folder);
    if (write_protocol(path[0].p)) {
        const char *const words[] = {"run", path[0].p, "-o", path[1].p, NULL};
        pump(&t, program(b, words, t.host_stage.name, t.host_pstat.name));
    }
    for (int k = 0; k < 2; k++) {
        unlink(path[k].p);
        buf_free(&path[k]);
    }
    pty_close(&t.host_stage);
    pty_close(&t.host_pstat);
    close(t.sim_stage);
    close(t.sim_pstat);
}

static void measure_ours(const struct bench *b, struct latencies *out)
{
    struct served s;
    static const char *const words[] = {"rig",    "check", "instruments/simulated-bench.yaml",
                                        "--move", "--yes", NULL};
    if (serve(b, &s)) {
        waitpid(program(b, words, s.stage, s.pstat), NULL, 0); /* S5: a real rig is verified by moves first */
        approach_sites(b, &s, out);
    }
    kill(s.pid, SIGTERM);
    waitpid(s.pid, NULL, 0);
    struct buf state = {0};
    buf_printf(&state, "%s/seccm/verified", b->folder);
    unlink(state.p);
    state.p[state.n - strlen("/verified")] = '\0';
    rmdir(state.p);
    buf_free(&state);
}

void bench_t1(struct bench *b)
{
    static struct latencies ours, minimal, pyserial;
    measure_minimal(&minimal);
    bool has_pyserial = measure_pyserial(&pyserial);
    measure_ours(b, &ours);
    measure_minimal(&minimal); /* once more, so that a drift of the machine shows on both sides */
    bench_begin(b, "T1", "contact to halt over ptys at 1 kHz, the whole program against the simulated rig");
    bench_value(b, "halts", ours.n, "");
    bench_value(b, "ours_p50", 1e6 * bench_median(ours.s, ours.n), "us");
    bench_value(b, "ours_worst", 1e6 * bench_quantile(ours.s, ours.n, 1), "us");
    double floor = bench_median(minimal.s, minimal.n);
    bench_value(b, "minimal_c_poll_p50", 1e6 * floor, "us");
    bench_ratio(b, "ours_p50_over_minimal_c", bench_median(ours.s, ours.n) / floor, "<= 1.1");
    if (has_pyserial) {
        double py = bench_median(pyserial.s, pyserial.n);
        bench_value(b, "pyserial_p50", 1e6 * py, "us");
        bench_ratio(b, "ours_p50_over_pyserial", bench_median(ours.s, ours.n) / py, "<= 0.6");
    } else {
        bench_absent(b, "pyserial_p50", "python3-serial is not installed (make deps-bench)");
    }
    bench_end(b);
}
