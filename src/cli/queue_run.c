/* seccm queue run: one entry after the other, each a process of its own.
 *
 *   queued -> (window open, files unchanged) -> running -> done | failed | queued again
 *
 * What is known of an entry is on disk before and behind each step: the queue's file says that it is running
 * before its process is started, the results file says how the run ended, and the work lock, which the
 * process inherits, says whether it still goes on. So a runner that starts anew has nothing to guess: it
 * waits for the lock and looks at the results file. A run is begun from scratch only while it has no results
 * file, and `seccm run` makes that before anything moves. */
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/cmd_queue.h"
#include "cli/command_socket.h"
#include "cli/queue_runner.h"
#include "cli/web_gate.h"
#include "results/results.h"
#include "results/sha256.h"

/* How often the queue's file is looked at while waiting for a window: it may have been changed. */
#define LOOK_EVERY (10 * NS_S)
#define GLANCE     (NS_S)             /* at what a process does, and at a lock */
#define FILE_LIMIT ((size_t)64 << 20) /* more than any input file may have */

static volatile sig_atomic_t stop_wanted;
static struct loop *volatile waiting_loop;

static void on_signal(int number)
{
    if (!stop_wanted)
        stop_wanted = number;
    if (waiting_loop)
        loop_post(waiting_loop);
}

static void hear_signals(void *ctx)
{
    struct runner *q = ctx;
    q->signal = (int)stop_wanted;
    q->stop.set = stop_wanted != 0;
}

/* --- looking at an entry ------------------------------------------------------------------------------- */

/* All files are what they were when the entry was added. */
static bool same_files(const struct agenda_entry *en, struct err *e)
{
    for (int k = 0; k < en->n_inputs; k++) {
        char digest[65];
        struct source *s = source_read(en->input[k].path, FILE_LIMIT, e);
        if (!s)
            return false;
        sha256_hex(s->bytes.p, s->bytes.n, digest);
        source_free(s);
        if (strcmp(digest, en->input[k].sha256) != 0)
            return err_set(
                e, ERR_INPUT,
                "the %s file %s has changed since the entry was added: add it again, or take it as it "
                "is with `seccm queue retry %lld` and `seccm queue run --accept`",
                en->input[k].role, en->input[k].path, (long long)en->id);
    }
    return true;
}

/* Why the results file that lies there can not be this entry's; NULL: it can. */
static const char *foreign(const struct agenda_entry *en, const struct run_outcome *before)
{
    if (before->left == LEFT_NOTHING)
        return en->made ? "its results file is gone: nothing is begun again from scratch" : NULL;
    if (en->tries == 0)
        return "its results file exists already, made by somebody else";
    return strcmp(before->protocol, en->protocol) ? "its results file was made from another protocol" : NULL;
}

/* --- the process --------------------------------------------------------------------------------------- */

static void note_end(void *ctx, short revents)
{
    (void)revents;
    ((struct event *)ctx)->set = true;
}

/* Until the process has ended; passes a wish to stop on, once. Notes when its results file is there. */
static int await_process(struct runner *q, const struct agenda_entry *en, struct queue_process *p)
{
    struct event ended = {0};
    struct watch watch = {0};
    struct err e = ERR_INIT;
    bool made = en->made, asked = false;
    watch_set(q->loop, &watch, p->pidfd, POLLIN, note_end, &ended);
    while (!ended.set) {
        struct event *const both[] = {&ended, asked ? NULL : &q->stop};
        int which = loop_wait_any(q->loop, both, 2, loop_now(q->loop) + GLANCE);
        if (which == 1) {
            queue_process_stop(p);
            asked = true;
        }
        if (!made && access(en->output, F_OK) == 0 && !(made = agenda_note_made(q->a, en->id, &e)))
            log_line(LOG_WARNING, "%s", e.text);
    }
    watch_cancel(q->loop, &watch);
    return queue_process_end(p);
}

/* The end of the window as the clock of the run will show it. Returns NULL without one. */
static const char *bound(const struct runner *q, double closes, const struct run_outcome *before,
                         char text[40])
{
    if (!isfinite(closes))
        return NULL;
    double t =
        q->o->virtual_time ? LOOP_VIRTUAL_EPOCH + before->experiment_s + closes - runner_now(q) : closes;
    return wallclock_text(t, q->o->virtual_time, text);
}

/* --- one entry ----------------------------------------------------------------------------------------- */

static bool begin(struct runner *q, const struct agenda_entry *en, const struct run_outcome *before,
                  double closes, struct err *e)
{
    struct queue_process p;
    bool taken, resume = before->left != LEFT_NOTHING;
    char text[40];
    const char *until = bound(q, closes, before, text);
    if (!agenda_begin(q->a, en->id, runner_now(q), &taken, e))
        return false;
    if (!taken)
        return true;
    log_line(LOG_INFO, "queue: entry %lld: %s %s%s%s", (long long)en->id, resume ? "resume" : "run",
             resume ? en->output : en->protocol, until ? ", until " : "", until ? until : "");
    if (!queue_process_start(en, q->o, resume, until, q->work, &p, e)) {
        const struct agenda_return back = {.reason = e->text, .status = 3, .rest_until = NAN};
        struct err ignored = ERR_INIT;
        agenda_put_back(q->a, en->id, &back, &ignored);
        return false;
    }
    if (!agenda_note_process(q->a, en->id, p.pid, e))
        log_line(LOG_WARNING, "%s", e->text);
    err_clear(e);
    return runner_settle(q, en, before, await_process(q, en, &p), e);
}

/* Waits a while, at most until `t`; says why once. */
static bool wait_for(struct runner *q, const struct agenda_entry *en, double t, const char *what)
{
    char at[40];
    if (q->told != en->id)
        log_line(LOG_INFO, "queue: entry %lld waits %s%s", (long long)en->id, what,
                 isfinite(t) ? wallclock_show(t, runner_now(q), q->o->virtual_time, at) : "");
    q->told = en->id;
    if (q->o->virtual_time && isfinite(t)) {
        q->virtual_clock = fmax(q->virtual_clock, t);
        return true;
    }
    ns_t look = loop_now(q->loop) + LOOK_EVERY;
    if (isfinite(t))
        look = loop_now(q->loop) + ns_from_s(fmin(ns_to_s(LOOK_EVERY), fmax(0.01, t - runner_now(q))));
    loop_wait(q->loop, &q->stop, look);
    return true;
}

static bool too_late(struct runner *q, const struct agenda_entry *en, const struct run_outcome *before,
                     struct err *e)
{
    char text[480];
    bool begun = before->left != LEFT_NOTHING;
    snprintf(text, sizeof text, "its window is over%s%s", begun ? "; " : "", begun ? before->text : "");
    return runner_end_entry(q, en, begun ? AGENDA_FAILED : AGENDA_SKIPPED, text, en->status, e);
}

/* Takes the entry one step further: waits for its time, gives it up, or has it run. */
static bool consider(struct runner *q, const struct agenda_entry *en, struct err *e)
{
    struct run_outcome before;
    struct window w;
    struct window_now at;
    if (!run_outcome_read(en->output, &before, e))
        return runner_end_entry(q, en, AGENDA_FAILED, e->text, 3, e) && runner_stop_at(q, en, 3, e->text);
    const char *odd = foreign(en, &before);
    if (odd)
        return runner_end_entry(q, en, AGENDA_FAILED, odd, 2, e);
    if (runner_left_unsettled(en, &before))
        return runner_settle_left(q, en, &before, e);
    if (before.left == LEFT_FINISHED)
        return runner_end_entry(q, en, before.measured ? AGENDA_DONE : AGENDA_FAILED, before.text, en->status,
                                e);
    if (before.alive)
        return wait_for(q, en, INFINITY, "for the process that writes its results file now");
    if (en->rest_until > runner_now(q))
        return wait_for(q, en, en->rest_until, "until ");
    if (!runner_window(q, en, &at, &w, e))
        return runner_end_entry(q, en, AGENDA_FAILED, e->text, 2, e);
    if (at.state == WINDOW_OVER || (!w.daily && runner_now(q) + en->seconds / en->sites > at.closes))
        return too_late(q, en, &before, e);
    if (at.state == WINDOW_BEFORE)
        return wait_for(q, en, at.opens, "for its window, ");
    if (runner_now(q) + en->seconds / en->sites > at.closes)
        return wait_for(q, en, at.closes, "for the next window; this one is too short for a site until ");
    if (before.left == LEFT_NOTHING && !q->o->accept && !same_files(en, e)) {
        bool ok = runner_end_entry(q, en, AGENDA_SKIPPED, e->text, 1, e);
        err_clear(e);
        return ok;
    }
    return begin(q, en, &before, at.closes, e);
}

/* The first entry that has work left; NULL without one. */
static const struct agenda_entry *next(const struct agenda_list *l)
{
    for (int k = 0; k < l->n; k++)
        if (l->entry[k].state == AGENDA_QUEUED || l->entry[k].state == AGENDA_RUNNING)
            return &l->entry[k];
    return NULL;
}

/* false: it ends here; an error, or see `why`. */
static bool work(struct runner *q, struct err *e)
{
    for (;;) {
        struct agenda_list l = {0};
        err_clear(e);
        if (!agenda_read(q->a, &l, e))
            return false;
        const struct agenda_entry *en = next(&l);
        bool more = en != NULL, ok = true;
        hear_signals(q);
        if (more && q->stop.set)
            ok = runner_stop_by_signal(q);
        else if (more)
            ok = consider(q, en, e);
        agenda_list_free(&l);
        if (!ok || !more)
            return ok;
    }
}

/* --- the runner ---------------------------------------------------------------------------------------- */

/* The run of a runner that is gone is asked to stop, as its own runner would have. false: it does not listen
 * yet.
 */
static bool stop_orphan(struct runner *q)
{
    struct agenda_list l;
    struct err e = ERR_INIT;
    char text[200];
    bool taken, heard = false;
    if (!agenda_read(q->a, &l, &e))
        return false;
    for (int k = 0; k < l.n; k++) {
        struct results *r = l.entry[k].state == AGENDA_RUNNING ? results_open(l.entry[k].output, &e) : NULL;
        if (!r)
            continue;
        char *id = results_info(r, "run_id");
        results_close(r, &e);
        heard = command_socket_ask(id, l.entry[k].output, "stop", &taken, text, sizeof text, &e);
        if (heard)
            log_line(LOG_INFO, "queue: entry %lld: %s", (long long)l.entry[k].id, text);
        free(id);
    }
    agenda_list_free(&l);
    return heard;
}

/* A run that outlived its runner goes on to its end first. */
static bool take_work_lock(struct runner *q, struct err *e)
{
    bool busy, told = false, asked = false;
    while ((q->work = agenda_lock(q->a, AGENDA_WORK, &busy, e)) < 0 && busy) {
        err_clear(e);
        if (!told)
            log_line(LOG_INFO,
                     "queue: a run that an earlier runner started is still going on: waiting for it");
        told = true;
        if (q->stop.set && !asked)
            asked = stop_orphan(q);
        if (q->stop.set)
            loop_sleep_until(q->loop, loop_now(q->loop) + GLANCE);
        else
            loop_wait(q->loop, &q->stop, loop_now(q->loop) + GLANCE);
    }
    return q->work >= 0;
}

static void tell(struct runner *q, bool ok, const struct err *e)
{
    struct err ne = ERR_INIT;
    char title[64], text[800];
    const char *why = q->status ? q->why : ok ? "nothing is left" : e->text;
    snprintf(title, sizeof title, "seccm queue: %s", q->status || !ok ? "stopped" : "finished");
    snprintf(text, sizeof text, "%d done, %d failed, %d skipped; %.700s", q->done, q->failed, q->skipped,
             why);
    log_line(ok && !q->status ? LOG_INFO : LOG_WARNING, "%s: %s", title + strlen("seccm "), text);
    const struct notify_options *o = &q->o->live.attendant.notify;
    if (!o->command && !o->url)
        return;
    struct notify *n = notify_start(o, "queue", agenda_file(q->a), &ne);
    if (n)
        notify_note(n, title, text);
    else
        log_line(LOG_WARNING, "%s", ne.text);
    notify_free(n);
}

/* As a run does: who started it with nohup may close the terminal. */
static void catch_signals(void)
{
    struct sigaction a = {.sa_handler = on_signal}, before;
    sigemptyset(&a.sa_mask);
    sigaction(SIGINT, &a, NULL);
    sigaction(SIGTERM, &a, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &a, NULL);
}

static int run_locked(struct agenda *a, const struct queue_run_options *o)
{
    struct err e = ERR_INIT;
    struct runner q = {.a = a, .o = o, .work = -1, .virtual_clock = LOOP_VIRTUAL_EPOCH};
    if (!(q.loop = loop_new(LOOP_REAL, 1, &e)))
        return options_fail(&e);
    loop_on_pump(q.loop, hear_signals, &q);
    waiting_loop = q.loop;
    catch_signals();
    bool ok = take_work_lock(&q, &e) && work(&q, &e);
    tell(&q, ok || q.status, &e);
    waiting_loop = NULL;
    if (q.work >= 0)
        close(q.work);
    loop_free(q.loop);
    if (q.status)
        return q.status;
    return !ok ? err_exit_status(e.code) : q.failed || q.skipped ? 1 : 0;
}

/* What each run would refuse is refused now. */
static bool check_live(const struct live_options *o, struct err *e)
{
    const struct notify_options *told = &o->attendant.notify;
    struct web_address address;
    if (o->address && !web_address_parse(o->address, &address, e))
        return false;
    if (!told->command && !told->url)
        return true;
    struct notify *n = notify_start(told, "queue", "", e);
    notify_free(n);
    return n != NULL;
}

static int run_queue(const char *named, const struct queue_run_options *o)
{
    struct err e = ERR_INIT;
    bool busy;
    struct agenda *a = queue_open(named, false, &e);
    if (!a)
        return options_fail(&e);
    int status, runner = agenda_lock(a, AGENDA_RUNNER, &busy, &e);
    if (busy)
        err_set(&e, ERR_IO, "another `seccm queue run` works on `%s` already", agenda_file(a));
    status = runner < 0 ? options_fail(&e) : run_locked(a, o);
    if (runner >= 0)
        close(runner);
    agenda_close(a);
    return status;
}

int queue_run(const struct command *self, int argc, char **argv)
{
    const char *queue = NULL, *words[1];
    bool help;
    int n;
    struct queue_run_options o = {0};
    const struct option options[] = {
        {"accept", 0, OPTION_FLAG, &o.accept, NULL,
         "take protocols and their files as they are now, even if changed"},
        {"virtual", 0, OPTION_FLAG, &o.virtual_time, NULL,
         "simulated rigs only: as fast as the machine can, from midnight on"},
        {"speed", 0, OPTION_NUMBER, &o.speed, "K", "simulated rigs only: K times faster than real time"},
        LIVE_OPTIONS(o.live),
        {"quiet", 'q', OPTION_FLAG, &o.quiet, NULL, "no progress of the runs"},
        QUEUE_OPTION(queue),
    };
    struct err e = ERR_INIT;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 0, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (o.speed < 0 || (o.virtual_time && o.speed > 0)) {
        err_set(&e, ERR_USAGE, "queue run: --speed wants a positive number, and excludes --virtual");
        return options_fail(&e);
    }
    if (!check_live(&o.live, &e))
        return options_fail(&e);
    return run_queue(queue, &o);
}
