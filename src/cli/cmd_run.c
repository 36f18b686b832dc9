/* seccm run: a whole grid, unattended. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "results/place.h"

/* PROTOCOL.yaml -> PROTOCOL.seccm in the present folder. */
static char *default_output(const char *protocol)
{
    const char *slash = strrchr(protocol, '/');
    const char *base = slash ? slash + 1 : protocol;
    const char *dot = strrchr(base, '.');
    struct buf b = {0};
    buf_add(&b, base, dot ? (size_t)(dot - base) : strlen(base));
    buf_str(&b, ".seccm");
    return b.p;
}

/* Another run has it: going on with it is not what its operator wants. */
static bool being_written(const char *path, struct err *e)
{
    if (!place_is_held(path, e))
        return false;
    err_context(e, "%s exists already", path);
    e->code = ERR_USAGE;
    return true;
}

static int run_protocol(const char *protocol, const char *output, const struct protocol_options *po,
                        struct session_options *so, bool keep_sample)
{
    struct err e = ERR_INIT;
    char *path = output ? xstrdup(output) : default_output(protocol);
    int status = 0;
    struct loaded l;
    if (access(path, F_OK) == 0) {
        if (!being_written(path, &e))
            err_set(&e, ERR_USAGE,
                    "%s exists already and nothing is overwritten: go on with `seccm resume %s`, or name "
                    "another file with -o",
                    path, path);
        status = options_fail(&e);
    } else if (load_plan(protocol, po, &l, &status)) {
        char *state = session_sample_path(path);
        if (!so->bench.sample_state) {
            so->bench.sample_state = state;
            if (l.protocol->rig->simulate && !keep_sample && access(state, F_OK) == 0)
                err_set(
                    &e, ERR_USAGE,
                    "%s is left from an earlier run of this name: with --keep-sample the simulated sample "
                    "goes on from it (spots touched there stay touched); for a fresh one remove the file",
                    state);
        }
        status = e.code ? options_fail(&e) : session_run(l.plan, path, so);
        free(state);
        load_free(&l);
    }
    free(path);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1], *output = NULL;
    long seed = -1, sites = -1, sim_seed = 0;
    bool help, keep_sample = false;
    int n;
    struct protocol_options po = {0};
    struct session_options so = {0};
    const struct option options[] = {
        {"output", 'o', OPTION_TEXT, &output, "FILE.seccm", "results file; it must not exist"},
        {"rig", 0, OPTION_TEXT, &po.rig_path, "RIG.yaml", "use this rig instead of the protocol's"},
        {"virtual", 0, OPTION_FLAG, &so.bench.virtual_time, NULL,
         "simulated rig only: as fast as the machine can"},
        {"speed", 0, OPTION_NUMBER, &so.bench.speed, "K",
         "simulated rig only: K times faster than real time"},
        {"seed", 0, OPTION_INT, &seed, "N", "another seed for the design"},
        {"include-outside", 0, OPTION_FLAG, &po.include_outside, NULL,
         "steps may be included from files outside the protocol's folder"},
        {"sites", 0, OPTION_INT, &sites, "N", "only the first N sites of the order"},
        {"transcript", 0, OPTION_TEXT, &so.bench.transcript, "FILE", "record all traffic of all links"},
        {"stage", 0, OPTION_TEXT, &so.bench.stage_link, "LINK", "another link, e.g. pty:/dev/pts/4"},
        {"potentiostat", 0, OPTION_TEXT, &so.bench.pstat_link, "LINK", "another link"},
        {"sim-seed", 0, OPTION_INT, &sim_seed, "N", "simulated rig only: another sample and noise"},
        {"sample-state", 0, OPTION_TEXT, &so.bench.sample_state, "FILE",
         "simulated rig only: where the sample's "
         "state persists"},
        {"keep-sample", 0, OPTION_FLAG, &keep_sample, NULL,
         "simulated rig only: go on with the sample of an earlier run of this name"},
        {"until", 0, OPTION_TEXT, &so.until, "TIME",
         "begin no site that would end after this clock time, \"06:30\" or \"2026-11-23 06:30\""},
        LIVE_OPTIONS(so.live),
        {"quiet", 'q', OPTION_FLAG, &so.quiet, NULL, "no progress"},
    };
    struct err e = ERR_INIT;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        err_set(&e, ERR_USAGE, "run: which protocol? (usage: seccm run %s)", self->usage);
    else if (so.bench.speed < 0 || sites == 0 || sites < -1 || sites > INT_MAX || sim_seed < 0)
        err_set(&e, ERR_USAGE, "run: --speed, --sites and --sim-seed want a positive number");
    else if (so.bench.virtual_time && so.bench.speed > 0)
        err_set(&e, ERR_USAGE, "run: --virtual and --speed exclude each other");
    else
        session_until_check(so.until, &e);
    if (e.code)
        return options_fail(&e);
    po.has_seed = seed >= 0;
    po.seed = seed;
    po.now = so.bench.virtual_time ? LOOP_VIRTUAL_EPOCH : clock_epoch();
    so.only_first = sites > 0 ? (int)sites : 0;
    so.bench.sim_seed = (uint64_t)sim_seed;
    /* First of all: it must inherit neither threads nor databases, and little memory. */
    if (!so.bench.virtual_time && !(so.guardian = guardian_start(GUARDIAN_SILENCE, &e)))
        return options_fail(&e);
    int status = run_protocol(words[0], output, &po, &so, keep_sample);
    guardian_free(so.guardian);
    return status;
}

const struct command command_run = {
    .name = "run",
    .usage = "PROTOCOL [-o FILE.seccm] [--rig RIG.yaml] [--virtual|--speed K] [--serve [ADDR:]PORT]",
    .summary = "Visit all sites of a protocol and store everything in one results file.",
    .example =
        "  seccm run examples/sei-screening.yaml --virtual -o demo.seccm\n\n"
        "Outside of virtual time a guardian process watches over the run: should it die, or give no sign of\n"
        "life for 5 s, the guardian ends it for certain, stops the stage, opens the cell and retracts.",
    .run = run,
};
