/* seccm resume: retract, close what was left open, go on in the planned order with the planned levels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "results/place.h"
#include "run/guardian_log.h"

/* Finished, and no planned site is without an outcome (a run may be begun with some of its sites only). What
 * a guardian had to do afterwards is still to be told. */
static bool is_done(struct results *r, bool *done, struct err *e)
{
    struct results_sites s;
    char *state = results_info(r, "state"), *guardian = guardian_log_path(results_path(r));
    *done = strcmp(state, run_end_name(RUN_FINISHED)) == 0 && access(guardian, F_OK) != 0;
    free(state);
    free(guardian);
    if (!*done)
        return true;
    if (!results_sites(r, &s, e))
        return false;
    for (int k = 0; k < s.n; k++)
        *done = *done && (s.site[k].role != SITE_MEASURED || s.site[k].outcome != OUTCOME_NONE);
    results_sites_free(&s);
    return true;
}

static void tell_done(struct results *r)
{
    char *reason = results_info(r, "state_reason");
    log_line(LOG_INFO, "%s: the run is finished, nothing is left to do%s%s", results_path(r),
             *reason ? ": " : "", reason);
    free(reason);
}

/* What a process leaves that is killed on its way out, or whose disk fails there: its lock, and perhaps a WAL
 * or the journal of the last change. */
static bool tidy_up(const char *path, struct err *e)
{
    static const char *const suffix[] = {"-lock", "-wal", "-journal"};
    bool left = false;
    for (int k = 0; k < 3; k++) {
        struct buf name = {0};
        buf_printf(&name, "%s%s", path, suffix[k]);
        left = left || access(name.p, F_OK) == 0;
        buf_free(&name);
    }
    struct results *r = left ? results_open_write(path, e) : NULL;
    return !left || (r && results_close(r, e));
}

/* A run that was begun in virtual time goes on so; one that is over does not, nor one that is under way. */
static bool look(const char *path, struct session_options *so, bool *done, struct err *e)
{
    struct err ignored = ERR_INIT;
    struct results *r = results_open(path, e);
    if (!r)
        return false;
    char *mode = results_info(r, "mode");
    so->bench.virtual_time = so->bench.virtual_time || (!strcmp(mode, "virtual") && so->bench.speed <= 0);
    free(mode);
    bool ok = !place_is_held(path, e) && is_done(r, done, e);
    if (ok && *done)
        tell_done(r);
    results_close(r, &ignored);
    return ok && (!*done || tidy_up(path, e));
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

/* The plan of the stored files, with --accept of those on disk where they may differ; and the probe. */
static bool plan_of(struct results *r, struct resumption *x, struct loaded *l, int *status)
{
    struct err e = ERR_INIT;
    double aperture = 0;
    changes_find(x->stored, x->changes);
    if (!changes_allow(x->changes, x->accept, results_path(r), &e) ||
        !new_probe_aperture(&x->new_probe, x->stored, &aperture, &e)) {
        *status = options_fail(&e);
        return false;
    }
    changes_take(x->stored);
    if (!stored_plan(x->stored, aperture, l, status))
        return false;
    if (stored_same_sites(r, l->plan, &e) &&
        new_probe_resolve(&x->new_probe, x->stored, l->protocol, &x->probe, &e))
        return true;
    *status = options_fail(&e);
    load_free(l);
    return false;
}

static int resume_with(const char *path, struct session_options *so, struct resumption *x)
{
    struct err e = ERR_INIT;
    struct loaded l;
    int status = 0;
    struct results *r = results_open(path, &e);
    if (!r)
        return options_fail(&e);
    bool ok = may_go_on(r, so->accept, &e) && stored_read(r, x->stored, &e);
    if (!ok)
        status = options_fail(&e);
    ok = ok && plan_of(r, x, &l, &status);
    results_close(r, &e);
    if (!ok)
        return status;
    char *state = session_sample_path(path);
    if (!so->bench.sample_state)
        so->bench.sample_state = state;
    struct shelf *files = stored_shelf(x->stored);
    so->bench.files = files;
    status = session_resume(l.plan, path, so, x);
    so->bench.files = NULL;
    shelf_free(files);
    free(state);
    load_free(&l);
    return status;
}

/* The guardian is forked while no database is open. */
static int resume_guarded(const char *path, struct session_options *so, const struct new_probe *probe)
{
    struct err e = ERR_INIT;
    bool done = false;
    if (!look(path, so, &done, &e))
        return options_fail(&e);
    if (done)
        return 0;
    if (!so->bench.virtual_time && !(so->guardian = guardian_start(GUARDIAN_SILENCE, &e)))
        return options_fail(&e);
    struct stored *stored = xcalloc(1, sizeof *stored);
    struct changes changes = {0};
    struct resumption x = {.stored = stored, .changes = &changes, .new_probe = *probe, .accept = so->accept};
    x.new_probe.accept = so->accept;
    int status = resume_with(path, so, &x);
    changes_free(&changes);
    stored_free(stored);
    free(stored);
    guardian_free(so->guardian);
    return status;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool help;
    int n;
    struct session_options so = {0};
    struct new_probe probe = {0};
    const struct option options[] = {
        {"virtual", 0, OPTION_FLAG, &so.bench.virtual_time, NULL,
         "simulated rig only (default if it was begun so)"},
        {"speed", 0, OPTION_NUMBER, &so.bench.speed, "K",
         "simulated rig only: K times faster than real time"},
        {"accept", 0, OPTION_FLAG, &so.accept, NULL,
         "go on with a run that a policy of the protocol aborted, or with a program, instruments, links, "
         "`faults` or `stop` that are not what they were, or with a new probe's end that lies far off; and "
         "forget what air had, if a drop seemed to hang on and the probe is clean, and heights that the run "
         "doubted, if it is wet and open"},
        {"new-probe", 0, OPTION_TEXT, &probe.id, "ID",
         "another probe is mounted: its end is found by --fiducial or --offset, heights are learnt anew"},
        {"fiducial", 0, OPTION_TEXT, &probe.fiducial, "[N:]X,Y",
         "where the stage stands with the new probe over the (Nth) fiducial on record, e.g. \"99 um, 7.5 "
         "um\""},
        {"offset", 0, OPTION_TEXT, &probe.offset, "DX,DY",
         "without a fiducial on record: by how much its end is displaced from the last one's"},
        {"aperture", 0, OPTION_TEXT, &probe.aperture, "LENGTH", "of the new probe, if it is another one"},
        {"sim-shift", 0, OPTION_TEXT, &probe.simulated, "X,Y[,Z]",
         "simulated rig only: where its end truly is, against the first one's"},
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
    if (n == 0)
        err_set(&e, ERR_USAGE, "resume: which file? (usage: seccm resume %s)", self->usage);
    if (n == 0 || !new_probe_check(&probe, &e))
        return options_fail(&e);
    if (!session_until_check(so.until, &e))
        return options_fail(&e);
    char *path = place_resolve(words[0]);
    int status = resume_guarded(path, &so, &probe);
    free(path);
    return status;
}

const struct command command_resume = {
    .name = "resume",
    .usage = "FILE.seccm [--accept] [--new-probe ID --fiducial X,Y] [--serve [ADDR:]PORT]",
    .summary = "Go on after an interruption: retract, close the open attempt, visit what is left.",
    .example =
        "  seccm resume night.seccm\n"
        "  seccm resume night.seccm --new-probe P18 --fiducial \"101.4 um, 7.9 um\"\n\n"
        "The plan is that of the results file, which holds all of its input files. Where those on disk, the\n"
        "program or the instruments say something else by now, it is told, and nothing moves without "
        "--accept.\n"
        "If the last run died, its guardian has made the rig safe: what it did is told and stored as events.",
    .run = run,
};
