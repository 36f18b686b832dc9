/* seccm rig serve: a simulated rig on ptys, for runs in another process. */
#include <signal.h>
#include <stdio.h>

#include "cli/bench.h"
#include "cli/cmd_rig.h"

static volatile sig_atomic_t stop_wanted;

static void on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

struct rig_config *rig_load_printed(const char *path, int *status)
{
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    struct rig_config *c = rig_load(path, d, &e);
    struct buf text = {0};
    diags_print(d, &text);
    if (text.n)
        fputs(text.p, stderr);
    *status = c ? 0 : diags_errors(d) ? 1 : options_fail(&e);
    buf_free(&text);
    diags_free(d);
    return c;
}

static bool host(struct bench *b, const char *device, struct err *e)
{
    char name[128];
    struct link *far = link_open_pty_master(b->loop, device, name, sizeof name, e);
    if (!far)
        return false;
    if (b->transcript)
        link_record(far, b->transcript);
    sim_rig_attach(b->sim, device, far);
    printf("%s pty:%s\n", device, name);
    return true;
}

static void serve(struct loop *l)
{
    struct sigaction a = {.sa_handler = on_signal};
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    fflush(stdout);
    while (!stop_wanted)
        loop_sleep_until(l, loop_now(l) + 50 * NS_MS);
}

/* How the devices were left. */
static void print_end(struct sim_rig *sim)
{
    static const char *const cell[] = {[CELL_OPEN] = "open",
                                       [CELL_POTENTIOSTAT] = "held at a potential",
                                       [CELL_GALVANOSTAT] = "held at a current"};
    double at[3];
    enum cell_mode mode;
    sim_rig_probe(sim, at, &mode);
    fprintf(stderr, "simulated rig: glass %.3f um above the sample's plane, cell %s\n", at[2] * 1e6,
            cell[mode]);
}

static int serve_rig(const struct rig_config *c, double speed, uint64_t seed, const char *state,
                     const char *transcript)
{
    struct err e = ERR_INIT;
    struct diags *d = diags_new();
    struct buf text = {0};
    struct bench b = {0};
    int status = 0;
    b.loop = loop_new(speed > 0 ? LOOP_SCALED : LOOP_REAL, speed > 0 ? speed : 1, &e);
    b.sim = b.loop ? sim_rig_new(b.loop, c->simulate, seed, d) : NULL;
    diags_print(d, &text);
    if (!b.sim) {
        fputs(text.p ? text.p : "", stderr);
        status = e.code ? options_fail(&e) : 1;
    } else if ((transcript && !(b.transcript = transcript_create(transcript, &e))) ||
               (state && !(bench_hold_sample(&b, state, &e) && world_load(sim_rig_world(b.sim), state, &e) &&
                           world_journal(sim_rig_world(b.sim), state, &e))) ||
               !host(&b, "stage", &e) || !host(&b, "potentiostat", &e)) {
        status = options_fail(&e);
    } else {
        serve(b.loop);
        print_end(b.sim);
        char harm[200];
        status = bench_counters(&b, true, 0, harm) ? 0 : 1;
        if (state && !world_save(sim_rig_world(b.sim), state, &e))
            status = options_fail(&e);
    }
    place_unlock(&b.sample_lock);
    buf_free(&text);
    diags_free(d);
    sim_rig_free(b.sim);
    if (b.transcript && !transcript_close(b.transcript, &e))
        status = options_fail(&e);
    loop_free(b.loop);
    return status;
}

int rig_serve(const struct command *self, int argc, char **argv)
{
    const char *words[1], *state = NULL, *transcript = NULL;
    double speed = 0;
    long seed = 0;
    bool help;
    int n, status;
    const struct option options[] = {
        {"speed", 0, OPTION_NUMBER, &speed, "K", "K times faster than real time (the run needs the same)"},
        {"sim-seed", 0, OPTION_INT, &seed, "N", "another sample and noise"},
        {"sample-state", 0, OPTION_TEXT, &state, "FILE", "where the sample's state persists"},
        {"transcript", 0, OPTION_TEXT, &transcript, "FILE", "record all traffic as the devices see it"},
    };
    struct err e = ERR_INIT;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0 || speed < 0 || seed < 0) {
        err_set(&e, ERR_USAGE, "rig serve: %s (usage: seccm rig serve %s)",
                n == 0 ? "which rig?" : "--speed and --sim-seed want a positive number", self->usage);
        return options_fail(&e);
    }
    struct rig_config *c = rig_load_printed(words[0], &status);
    if (!c)
        return status;
    if (!c->simulate) {
        err_set(&e, ERR_INPUT, "%s has no `simulate` part: only a simulated rig can be served", words[0]);
        status = options_fail(&e);
    } else {
        status = serve_rig(c, speed, (uint64_t)seed, state, transcript);
    }
    rig_config_free(c);
    return status;
}
