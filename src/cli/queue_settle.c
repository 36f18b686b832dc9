/* What comes behind a run of the queue: its entry is done, failed, or goes on later; the queue goes on, or
 * stops. */
#include "cli/queue_runner.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "run/machine.h"

#define RETRIES     3
#define RETRY_AFTER 60.0 /* s */

double runner_now(const struct runner *q)
{
    return q->o->virtual_time ? q->virtual_clock : clock_epoch();
}

/* Nobody else can be asked any more: the queue ends here. Always false. */
bool runner_stop(struct runner *q, int status, const char *why)
{
    q->status = status;
    snprintf(q->why, sizeof q->why, "%s", why);
    return false;
}

bool runner_stop_by_signal(struct runner *q)
{
    char why[160];
    snprintf(why, sizeof why, "stopped by %s", machine_signal_name(q->signal));
    return runner_stop(q, 130, why);
}

bool runner_window(const struct runner *q, const struct agenda_entry *en, struct window_now *out,
                   struct window *w, struct err *e)
{
    bool is_virtual = q->o->virtual_time;
    if (!window_read(en->not_before, en->not_after, is_virtual ? LOOP_VIRTUAL_EPOCH : en->added, is_virtual,
                     w, e))
        return false;
    *out = window_look(w, runner_now(q));
    return true;
}

bool runner_end_entry(struct runner *q, const struct agenda_entry *en, enum agenda_state s,
                      const char *reason, int status, struct err *e)
{
    int *const count[AGENDA_STATE_COUNT] = {
        [AGENDA_DONE] = &q->done, [AGENDA_FAILED] = &q->failed, [AGENDA_SKIPPED] = &q->skipped};
    ++*count[s];
    log_line(s == AGENDA_DONE ? LOG_INFO : LOG_WARNING, "queue: entry %lld %s%s%s", (long long)en->id,
             agenda_state_name(s), *reason ? ": " : "", reason);
    return agenda_end(q->a, en->id, s, reason, status, runner_now(q), e);
}

static bool put_back(struct runner *q, const struct agenda_entry *en, const struct agenda_return *r,
                     struct err *e)
{
    log_line(LOG_INFO, "queue: entry %lld will go on: %s", (long long)en->id, r->reason);
    return agenda_put_back(q->a, en->id, r, e);
}

bool runner_stop_at(struct runner *q, const struct agenda_entry *en, int status, const char *reason)
{
    char why[560];
    snprintf(why, sizeof why, "entry %lld: %.520s", (long long)en->id, reason);
    return runner_stop(q, status, why);
}

/* Instruments, links and machines may be in order the next time. A rule that paused or aborted the run wants
 * somebody to look: to approach again and again where no contact was felt is how tips are broken. Of a
 * process that came to nothing the file tells an end of before, which says nothing of why. */
static bool may_try_again(const struct run_outcome *o, bool began, int status)
{
    return o->left == LEFT_DIED || (began ? o->left == LEFT_FAULT : status == 3 || status > 128);
}

/* A run that has not ended well: what its entry says about failures, but never on with an unsafe rig. */
static bool settle_failure(struct runner *q, const struct agenda_entry *en, const struct run_outcome *o,
                           bool began, int status, const char *reason, struct err *e)
{
    struct agenda_return back = {.reason = reason, .status = status, .rest_until = NAN};
    bool again =
        en->after == AGENDA_RETRY && en->retries < RETRIES && may_try_again(o, began, status) && o->safe;
    bool died = o->left == LEFT_DIED && en->after == AGENDA_STOP;
    bool goes_on = o->safe && (again || en->after == AGENDA_CONTINUE);
    back.retry = again;
    if (again)
        back.rest_until = runner_now(q) + RETRY_AFTER;
    bool stored =
        again || died ? put_back(q, en, &back, e) : runner_end_entry(q, en, AGENDA_FAILED, reason, status, e);
    if (!stored || goes_on)
        return stored;
    char why[520];
    snprintf(why, sizeof why, "%s%s", reason, o->safe ? "" : "; the rig is NOT verified safe: look at it");
    return runner_stop_at(q, en, status == 1 ? 1 : 3, why);
}

/* Time was up: as planned. With `retry` a window of every day is used again. */
static bool settle_time(struct runner *q, const struct agenda_entry *en, const struct run_outcome *o,
                        int status, struct err *e)
{
    struct window w;
    struct window_now at;
    if (!runner_window(q, en, &at, &w, e))
        return false;
    if (strcmp(o->rule, "until") != 0 || en->after != AGENDA_RETRY || !w.daily)
        return runner_end_entry(q, en, AGENDA_DONE, o->text, status, e);
    const struct agenda_return back = {.reason = o->text,
                                       .status = status,
                                       .rest_until = at.state == WINDOW_OPEN ? at.closes : NAN,
                                       .last = true};
    return put_back(q, en, &back, e);
}

/* A resumption that came to nothing leaves the file as it was. */
static bool came_further(const struct run_outcome *before, const struct run_outcome *after)
{
    return before->left == LEFT_NOTHING || after->experiment_s > before->experiment_s;
}

/* Stopped by the runner's signal, or by a word to the run itself, which the results file tells. */
static bool settle_stop(struct runner *q, const struct agenda_entry *en, const struct run_outcome *o,
                        int status, struct err *e)
{
    char reason[480] = "stopped by a signal", why[540];
    if (q->signal)
        snprintf(reason, sizeof reason, "stopped by %s", machine_signal_name(q->signal));
    else if (o->left == LEFT_INTERRUPTED)
        snprintf(reason, sizeof reason, "%s", o->text);
    const struct agenda_return back = {.reason = reason, .status = status, .rest_until = NAN};
    snprintf(why, sizeof why, "%s%s", reason, o->safe ? "" : "; the rig is NOT verified safe: look at it");
    return put_back(q, en, &back, e) && runner_stop_at(q, en, 130, why);
}

/* Behind the end of a process with this exit status. */
bool runner_settle(struct runner *q, const struct agenda_entry *en, const struct run_outcome *before,
                   int status, struct err *e)
{
    struct run_outcome o;
    char reason[480];
    if (!run_outcome_read(en->output, &o, e))
        return settle_failure(q, en, &(struct run_outcome){.left = LEFT_PAUSED}, true, 3, e->text, e);
    if (q->o->virtual_time && o.experiment_s > before->experiment_s)
        q->virtual_clock += o.experiment_s - before->experiment_s;
    bool began = o.left != LEFT_NOTHING && came_further(before, &o);
    /* Killed behind its last word, it is finished all the same. */
    if (o.left == LEFT_FINISHED && (status == 0 || (status > 128 && o.safe)))
        return runner_end_entry(q, en, AGENDA_DONE, o.text, status, e);
    if (o.left == LEFT_OUT_OF_TIME && status == 1 && began)
        return settle_time(q, en, &o, status, e);
    /* A signal may meet it before it can tell what a signal means. */
    if (status == 130 || (q->stop.set && (o.left == LEFT_NOTHING || o.left == LEFT_DIED)))
        return settle_stop(q, en, &o, status, e);
    if (o.left == LEFT_NOTHING || (!began && o.left != LEFT_DIED))
        snprintf(reason, sizeof reason, "it did not %s (status %d): see its messages",
                 o.left == LEFT_NOTHING ? "begin" : "go on", status);
    else if (o.left == LEFT_DIED)
        snprintf(reason, sizeof reason, "the run died (status %d); %s", status, o.text);
    else
        snprintf(reason, sizeof reason, "%s", o.text);
    return settle_failure(q, en, &o, began, status, reason, e);
}

bool runner_left_unsettled(const struct agenda_entry *en, const struct run_outcome *o)
{
    if (en->state != AGENDA_RUNNING || o->alive || o->left == LEFT_NOTHING)
        return false;
    return !o->safe || o->left == LEFT_PAUSED || o->left == LEFT_ABORTED || o->left == LEFT_FAULT;
}

bool runner_settle_left(struct runner *q, const struct agenda_entry *en, const struct run_outcome *o,
                        struct err *e)
{
    char reason[480];
    snprintf(reason, sizeof reason, "%s%s", o->left == LEFT_DIED ? "the run died with its runner; " : "",
             o->text);
    return settle_failure(q, en, o, true, 3, reason, e);
}
