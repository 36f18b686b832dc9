/* seccm resume: retract, close what was left open, go on in the planned order with the planned levels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/session.h"

/* The inputs must still be what the file was begun with, byte for byte. */
static bool same_input(struct results *r, const char *role, const struct source *now, struct err *e)
{
    struct buf path = {0}, bytes = {0};
    bool ok = results_input(r, role, &path, &bytes, e);
    if (ok && (!now || now->bytes.n != bytes.n || memcmp(now->bytes.p, bytes.p, bytes.n)))
        ok = err_set(e, ERR_INPUT,
                     "the %s file %s is no longer what this run was begun with: put it back as it was "
                     "(its text is in the results file, table `input`)",
                     role, path.p);
    buf_free(&path);
    buf_free(&bytes);
    return ok;
}

/* Files of one role, stored as points, points#2, ... */
static bool same_files(struct results *r, const char *what, const struct source *const *now, int n,
                       struct err *e)
{
    for (int k = 0; k < n; k++) {
        char role[24];
        if (k)
            snprintf(role, sizeof role, "%s#%d", what, k + 1);
        else
            snprintf(role, sizeof role, "%s", what);
        if (!same_input(r, role, now[k], e))
            return false;
    }
    return true;
}

/* The grid's CSV files, and the files of steps. */
static bool same_lists(struct results *r, const struct protocol *p, struct err *e)
{
    const struct source *points[16], *include[INCLUDE_MAX];
    int n = grid_sources(p->grid, points, 16);
    for (int k = 0; k < p->n_includes; k++)
        include[k] = p->include[k].source;
    return same_files(r, "points", points, n < 16 ? n : 16, e) &&
           same_files(r, "include", include, p->n_includes, e);
}

static bool same_inputs(struct results *r, const struct protocol *p, struct err *e)
{
    for (int f = 0; f < p->n_factors; f++) {
        char role[24];
        snprintf(role, sizeof role, "levels%d", f + 1);
        if (p->factor[f].source && !same_input(r, role, p->factor[f].source, e))
            return false;
    }
    return same_input(r, "protocol", p->source, e) && same_input(r, "rig", p->rig->source, e) &&
           (!p->grid_source || same_input(r, "grid", p->grid_source, e)) && same_lists(r, p, e);
}

/* The plan of the file: its protocol, rig and seed. */
static bool plan_of(struct results *r, struct loaded *l, int *status, struct err *e)
{
    struct buf protocol = {0}, rig = {0}, bytes = {0};
    char *seed = results_info(r, "seed");
    bool ok = results_input(r, "protocol", &protocol, &bytes, e);
    buf_clear(&bytes);
    ok = ok && results_input(r, "rig", &rig, &bytes, e);
    if (!ok) {
        *status = options_fail(e);
    } else {
        const struct protocol_options o = {
            .rig_path = rig.p, .has_seed = true, .seed = strtoll(seed, NULL, 10), .include_outside = true};
        ok = load_plan(protocol.p, &o, l, status);
        if (ok && !same_inputs(r, l->protocol, e)) {
            *status = options_fail(e);
            load_free(l);
            ok = false;
        }
    }
    free(seed);
    buf_free(&protocol);
    buf_free(&rig);
    buf_free(&bytes);
    return ok;
}

/* A run that was begun in virtual time goes on so. */
static bool read_mode(const char *path, struct session_options *so, struct err *e)
{
    struct err ignored = ERR_INIT;
    struct results *r = results_open(path, e);
    if (!r)
        return false;
    char *mode = results_info(r, "mode");
    so->bench.virtual_time = so->bench.virtual_time || (!strcmp(mode, "virtual") && so->bench.speed <= 0);
    free(mode);
    results_close(r, &ignored);
    return true;
}

/* What a policy of the protocol aborted goes on only if somebody has looked at rig and sample. */
static bool may_go_on(struct results *r, bool accept, struct err *e)
{
    char *state = results_info(r, "state"), *reason = results_info(r, "state_reason");
    bool ok =
        accept || strcmp(state, "aborted") != 0 ||
        err_set(e, ERR_INPUT,
                "%s: the run was aborted: %s; when rig and sample are in order, go on with: seccm resume "
                "--accept %s",
                results_path(r), reason, results_path(r));
    free(state);
    free(reason);
    return ok;
}

static int resume(const char *path, struct session_options *so)
{
    struct err e = ERR_INIT;
    struct loaded l;
    int status = 0;
    struct results *r = results_open(path, &e);
    if (!r)
        return options_fail(&e);
    bool ok = may_go_on(r, so->accept, &e);
    if (!ok)
        status = options_fail(&e);
    ok = ok && plan_of(r, &l, &status, &e);
    results_close(r, &e);
    if (!ok)
        return status;
    char *state = session_sample_path(path);
    if (!so->bench.sample_state)
        so->bench.sample_state = state;
    status = session_resume(l.plan, path, so);
    free(state);
    load_free(&l);
    return status;
}

/* The guardian is forked while no database is open. */
static int resume_guarded(const char *path, struct session_options *so)
{
    struct err e = ERR_INIT;
    if (!read_mode(path, so, &e) ||
        (!so->bench.virtual_time && !(so->guardian = guardian_start(GUARDIAN_SILENCE, &e))))
        return options_fail(&e);
    int status = resume(path, so);
    guardian_free(so->guardian);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool help;
    int n;
    struct session_options so = {0};
    const struct option options[] = {
        {"virtual", 0, OPTION_FLAG, &so.bench.virtual_time, NULL,
         "simulated rig only (default if it was begun so)"},
        {"speed", 0, OPTION_NUMBER, &so.bench.speed, "K",
         "simulated rig only: K times faster than real time"},
        {"accept", 0, OPTION_FLAG, &so.accept, NULL,
         "go on with a run that a policy of the protocol aborted"},
        {"transcript", 0, OPTION_TEXT, &so.bench.transcript, "FILE", "record all traffic of all links"},
        {"stage", 0, OPTION_TEXT, &so.bench.stage_link, "LINK", "another link, e.g. pty:/dev/pts/4"},
        {"potentiostat", 0, OPTION_TEXT, &so.bench.pstat_link, "LINK", "another link"},
        {"sample-state", 0, OPTION_TEXT, &so.bench.sample_state, "FILE", "simulated rig only"},
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
    if (n == 0) {
        err_set(&e, ERR_USAGE, "resume: which file? (usage: seccm resume %s)", self->usage);
        return options_fail(&e);
    }
    if (!session_until_check(so.until, &e))
        return options_fail(&e);
    return resume_guarded(words[0], &so);
}

const struct command command_resume = {
    .name = "resume",
    .usage = "FILE.seccm [--serve [ADDR:]PORT]",
    .summary = "Go on after an interruption: retract, close the open attempt, visit what is left.",
    .example =
        "  seccm resume night.seccm\n\n"
        "If the last run died, its guardian has made the rig safe: what it did is told and stored as events.",
    .run = run,
};
