/* How a run ended. */
#include "cli/run_outcome.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/status.h"
#include "results/results.h"
#include "run/guardian_log.h"

/* More than all deadlines of a guardian together; real time. */
#define PATIENCE (120 * NS_S)

static enum run_left left_of(const struct status *s)
{
    static const struct {
        const char *state;
        enum run_left left;
    } all[] = {{"finished", LEFT_FINISHED},
               {"paused", LEFT_PAUSED},
               {"aborted", LEFT_ABORTED},
               {"interrupted", LEFT_INTERRUPTED},
               {"fault", LEFT_FAULT}};
    static const char *const of_time[] = {"stop.after", "stop.by", "until"};
    for (size_t k = 0; k < sizeof of_time / sizeof of_time[0]; k++)
        if (!strcmp(s->state, "paused") && !strcmp(s->stopped_by, of_time[k]))
            return LEFT_OUT_OF_TIME;
    for (size_t k = 0; k < sizeof all / sizeof all[0]; k++)
        if (!strcmp(s->state, all[k].state))
            return all[k].left;
    return LEFT_DIED; /* created, running, paused by the operator: with nobody behind it */
}

/* Behind a run that died stands its guardian, outside of virtual time. A resumption that is killed before its
 * first commit leaves the end of before in the file; that its guardian's log is there says that it was. */
static bool ask_guardian(const char *path, bool nothing_moved, struct run_outcome *o, struct err *e)
{
    struct guardian_left g = {0};
    char *log = guardian_log_path(path);
    bool ok = guardian_log_read(log, PATIENCE, &g, e);
    if (o->left == LEFT_DIED || g.text.n)
        o->safe = nothing_moved || (g.took_over && g.safe);
    buf_free(&g.text);
    free(log);
    return ok;
}

static bool read_file(struct data *d, struct run_outcome *o, struct err *e)
{
    struct status s;
    struct buf protocol = {0}, bytes = {0};
    if (!status_read(d, &s, e) || !results_input(d->r, "protocol", &protocol, &bytes, e)) {
        buf_free(&protocol);
        return false;
    }
    char *safe = results_info(d->r, "safe"), *mode = results_info(d->r, "mode");
    o->left = left_of(&s);
    o->safe = !strcmp(safe, "yes");
    o->experiment_s = isfinite(s.now_s) ? s.now_s : 0;
    snprintf(o->rule, sizeof o->rule, "%s", s.stopped_by);
    snprintf(o->protocol, sizeof o->protocol, "%s", protocol.p);
    snprintf(o->text, sizeof o->text, "%d of %d sites measured%s%.300s", s.by_outcome[OUTCOME_MEASURED],
             s.planned, *s.reason ? ": " : "", s.reason);
    o->alive = s.alive;
    o->measured = s.by_outcome[OUTCOME_MEASURED];
    bool nothing_moved = !strcmp(s.state, "created") || !strcmp(mode, "virtual");
    bool ok = s.alive || ask_guardian(results_path(d->r), nothing_moved, o, e);
    free(safe);
    free(mode);
    buf_free(&protocol);
    buf_free(&bytes);
    return ok;
}

bool run_outcome_read(const char *path, struct run_outcome *out, struct err *e)
{
    struct run_outcome o = {.left = LEFT_NOTHING, .safe = true};
    if (access(path, F_OK) == 0) {
        struct data *d = data_open(path, e);
        bool ok = d && read_file(d, &o, e);
        data_close(d);
        if (!ok)
            return false;
    }
    *out = o;
    return true;
}
