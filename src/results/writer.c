/* The writer, run thread's side: handing over and waiting.
 *
 * Run thread -> queue of jobs -> writer thread (writer_thread.c) -> one transaction until the next commit.
 *
 * Samples come one by one. They are gathered here into jobs of GATHER rows (no lock per sample) and by the
 * thread into chunks of a step.
 *
 * A full queue is an error, since a disk so far behind will not catch up, but no reason to lose anything:
 * what comes while the run goes to its safe state is accepted up to twice the bound, and written. Virtual
 * time can wait for the disk without anybody noticing, so there a full queue makes the run thread wait
 * instead.
 *
 * A barrier is a job that rings an eventfd which the loop watches only meanwhile: the rest of the time
 * virtual time stays free of system calls. The bell is rung before the hold is released, so that time can not
 * jump in between. A disk that does not answer a barrier in time is an error like any other: the rig must not
 * stand in the air with the cell on because of it. */
#include "results/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "results/writer_impl.h"

#define GATHER 256
/* A disk may sleep, or be busy with somebody else's data. */
#define BARRIER_PATIENCE (30 * NS_S)

/* --- errors -------------------------------------------------------------------------------------------- */

void writer_fail(struct writer *w, const struct err *e)
{
    pthread_mutex_lock(&w->error_lock);
    if (w->error.code == ERR_NONE)
        w->error = *e;
    pthread_mutex_unlock(&w->error_lock);
    atomic_store(&w->failed, true);
}

bool writer_ok(struct writer *w, struct err *e)
{
    if (!atomic_load(&w->failed))
        return true;
    pthread_mutex_lock(&w->error_lock);
    if (e)
        *e = w->error;
    pthread_mutex_unlock(&w->error_lock);
    return false;
}

/* --- run thread: handing over -------------------------------------------------------------------------- */

static struct job *job_new(enum job_kind kind, size_t body)
{
    struct job *j = xmalloc(sizeof *j + body);
    j->item.size = sizeof *j + body;
    j->item.lazy = kind == JOB_ROWS; /* a commit or the end of the step follows: one wake-up for all */
    j->kind = kind;
    j->n = j->taken = j->durable = 0;
    j->id = 0;
    return j;
}

static struct job *job_copy(enum job_kind kind, const void *body, size_t size)
{
    struct job *j = job_new(kind, size);
    memcpy(j->body, body, size);
    return j;
}

static void tell_full(struct writer *w)
{
    struct err e;
    err_set(&e, ERR_IO, "results `%s`: %zu MiB of data wait for the disk, which is too slow", w->r->path,
            QUEUE_BOUND >> 20);
    writer_fail(w, &e);
}

/* false if the writer has failed; the job is taken all the same unless there is no room left. */
static bool push_one(struct writer *w, struct job *j)
{
    int rows = j->kind == JOB_ROWS ? j->n : 0;
    if (queue_push(&w->queue, &j->item, loop_mode(w->loop) == LOOP_VIRTUAL))
        return !atomic_load(&w->failed);
    tell_full(w);
    if (!queue_push_beyond(&w->queue, &j->item, 2 * QUEUE_BOUND)) {
        w->lost += rows;
        free(j);
    }
    return false;
}

static bool push_gathered(struct writer *w)
{
    struct job *rows = w->gathered;
    w->gathered = NULL;
    return rows ? push_one(w, rows) : !atomic_load(&w->failed);
}

static bool push(struct writer *w, struct job *j)
{
    bool gathered = push_gathered(w);
    return push_one(w, j) && gathered;
}

/* Nothing new begins on a disk that has failed. */
static bool push_new(struct writer *w, struct job *j)
{
    if (!atomic_load(&w->failed))
        return push(w, j);
    free(j);
    return false;
}

bool writer_attempt_begin(struct writer *w, int site, int number, double x, double y, double t_s,
                          const char *utc, int64_t *attempt)
{
    struct store_intent a = {
        .attempt = w->attempt + 1, .site = site, .number = number, .x = x, .y = y, .t_s = t_s};
    strncpy(a.utc, utc ? utc : "", sizeof a.utc - 1);
    if (!push_new(w, job_copy(JOB_ATTEMPT_BEGIN, &a, sizeof a)))
        return false;
    *attempt = ++w->attempt;
    return true;
}

bool writer_step_begin(struct writer *w, const struct results_step *s, int64_t *step)
{
    struct job *j = job_copy(JOB_STEP_BEGIN, s, sizeof *s);
    ((struct results_step *)j->body)->id = w->step + 1;
    if (!push_new(w, j))
        return false;
    *step = ++w->step;
    return true;
}

bool writer_rows(struct writer *w, int64_t step, const struct wave_row *rows, int n)
{
    while (n > 0) {
        if (w->gathered && (w->gathered->id != step || w->gathered->n == GATHER))
            push_gathered(w); /* a refusal shows in `failed` */
        if (!w->gathered) {
            w->gathered = job_new(JOB_ROWS, GATHER * sizeof *rows);
            w->gathered->id = step;
        }
        struct job *j = w->gathered;
        int some = n < GATHER - j->n ? n : GATHER - j->n;
        memcpy(j->body + (size_t)j->n * sizeof *rows, rows, (size_t)some * sizeof *rows);
        j->n += some;
        rows += some;
        n -= some;
    }
    return !atomic_load(&w->failed);
}

bool writer_step_end(struct writer *w, int64_t step, const char *ended_by, double gap_before,
                     const char *gap_state)
{
    struct step_end end = {.gap_before = gap_before};
    strncpy(end.ended_by, ended_by ? ended_by : "", sizeof end.ended_by - 1);
    strncpy(end.gap_state, gap_state ? gap_state : "", sizeof end.gap_state - 1);
    struct job *j = job_copy(JOB_STEP_END, &end, sizeof end);
    j->id = step;
    return push(w, j);
}

bool writer_attempt_end(struct writer *w, const struct results_attempt *a)
{
    return push(w, job_copy(JOB_ATTEMPT_END, a, sizeof *a));
}

bool writer_features(struct writer *w, const struct results_feature *f, int n)
{
    if (n <= 0)
        return !atomic_load(&w->failed);
    struct job *j = job_copy(JOB_FEATURES, f, (size_t)n * sizeof *f);
    j->n = n;
    return push(w, j);
}

bool writer_event(struct writer *w, const struct results_event *ev)
{
    return push(w, job_copy(JOB_EVENT, ev, sizeof *ev));
}

bool writer_site_outcome(struct writer *w, int site, enum outcome o, const char *reason)
{
    struct site_outcome so = {.site = site, .outcome = o};
    strncpy(so.reason, reason ? reason : "", sizeof so.reason - 1);
    return push(w, job_copy(JOB_SITE_OUTCOME, &so, sizeof so));
}

bool writer_flag(struct writer *w, int64_t after, int64_t before, const char *flag)
{
    struct flagging f = {.after = after, .before = before};
    strncpy(f.flag, flag, sizeof f.flag - 1);
    return push(w, job_copy(JOB_FLAG, &f, sizeof f));
}

bool writer_spare(struct writer *w, int spare, int replaces, int root)
{
    const int site[3] = {spare, replaces, root};
    return push(w, job_copy(JOB_SPARE, site, sizeof site));
}

bool writer_info(struct writer *w, const char *key, const char *value)
{
    size_t k = strlen(key) + 1, v = strlen(value) + 1;
    struct job *j = job_new(JOB_INFO, k + v);
    memcpy(j->body, key, k);
    memcpy(j->body + k, value, v);
    return push(w, j);
}

bool writer_commit(struct writer *w)
{
    return push(w, job_new(JOB_COMMIT, 0));
}

bool writer_checkpoint(struct writer *w)
{
    return push(w, job_new(JOB_CHECKPOINT, 0));
}

/* --- run thread: waiting ------------------------------------------------------------------------------- */

static void on_bell(void *ctx, short revents)
{
    struct writer *w = ctx;
    uint64_t rings;
    (void)revents;
    while (read(w->bell, &rings, sizeof rings) < 0 && errno == EINTR)
        ;
    w->answered.set = atomic_load(&w->reached) >= w->barrier;
}

void writer_set_patience(struct writer *w, ns_t patience)
{
    w->patience = patience;
}

/* The barrier's job holds virtual time until the thread answers it, however late. */
static bool push_barrier(struct writer *w)
{
    struct job *j = job_new(JOB_BARRIER, 0);
    j->id = ++w->barrier;
    w->answered.set = false;
    loop_hold(w->loop);
    if (queue_push(&w->queue, &j->item, loop_mode(w->loop) == LOOP_VIRTUAL))
        return true;
    loop_release(w->loop);
    free(j);
    tell_full(w);
    return false;
}

static void tell_slow(struct writer *w)
{
    struct err e;
    err_set(&e, ERR_IO, "results `%s`: the disk has not stored what it was given for %.3g s", w->r->path,
            ns_to_s(w->patience));
    writer_fail(w, &e);
}

bool writer_barrier(struct writer *w, struct err *e)
{
    if (!push_gathered(w))
        return writer_ok(w, e);
    watch_set(w->loop, &w->watch, w->bell, POLLIN, on_bell, w);
    ns_t deadline = loop_now(w->loop) + loop_patience(w->loop, w->patience);
    if (push_barrier(w) && !loop_wait(w->loop, &w->answered, deadline))
        tell_slow(w);
    watch_cancel(w->loop, &w->watch);
    return writer_ok(w, e);
}

/* --- life ---------------------------------------------------------------------------------------------- */

/* Signals are the main thread's. */
static int start_thread(struct writer *w)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&w->thread, NULL, writer_thread, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static void writer_free(struct writer *w)
{
    if (w->bell >= 0)
        close(w->bell);
    free(w->gathered);
    queue_done(&w->queue);
    pthread_mutex_destroy(&w->error_lock);
    free(w);
}

struct writer *writer_start(struct results *r, struct loop *l, struct err *e)
{
    if (!r->writable) {
        err_set(e, ERR_INTERNAL, "results `%s`: opened for reading only", r->path);
        return NULL;
    }
    struct writer *w = xcalloc(1, sizeof *w);
    w->r = r;
    w->loop = l;
    w->patience = BARRIER_PATIENCE;
    queue_init(&w->queue, QUEUE_BOUND);
    pthread_mutex_init(&w->error_lock, NULL);
    w->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool ok = w->bell >= 0 || err_errno(e, ERR_IO, errno, "eventfd");
    ok = ok && store_last_ids(r, &w->attempt, &w->step, e);
    int code = ok ? start_thread(w) : 0;
    if (ok && code == 0)
        return w;
    if (code)
        err_errno(e, ERR_IO, code, "writer thread");
    writer_free(w);
    return NULL;
}

/* What became of the data, behind the first error. */
static void tell_fate(const struct writer *w, struct err *e)
{
    size_t n = e ? strlen(e->text) : 0;
    if (e && w->lost)
        snprintf(e->text + n, sizeof e->text - n, "; %lld samples could not be stored", (long long)w->lost);
    else if (e)
        snprintf(e->text + n, sizeof e->text - n, "; %s",
                 w->broken ? "what was to be stored last is not"
                           : "what was measured is stored all the same");
}

bool writer_stop(struct writer *w, struct err *e)
{
    push_gathered(w);
    queue_push(&w->queue, &job_new(JOB_STOP, 0)->item, true);
    pthread_join(w->thread, NULL);
    bool ok = writer_ok(w, e);
    if (!ok)
        tell_fate(w, e);
    struct err closing = ERR_INIT;
    if (!results_close(w->r, &closing) && ok) {
        ok = false;
        if (e)
            *e = closing;
    }
    writer_free(w);
    return ok;
}
