/* The writer thread.
 *
 * Run thread -> queue of jobs -> writer thread -> one transaction until the next commit. A transaction begins
 * with the first job after a commit and ends at writer_commit(), at a barrier, or when a chunk of samples is
 * full; so what was handed over between two commits becomes durable together or not at all, in the order of
 * handing over.
 *
 * Samples come one by one. They are gathered here into jobs of GATHER rows (no lock per sample) and by the
 * thread into chunks of a step.
 *
 * The first error ends the thread's use of the database; jobs that follow are dropped and barriers answered.
 * A full queue is an error of the run's side only: what was accepted is still written, nothing more is.
 * Virtual time can wait for the disk without anybody noticing, so there a full queue makes the run thread
 * wait instead.
 *
 * A barrier is a job that rings an eventfd which the loop watches only meanwhile: the rest of the time
 * virtual time stays free of system calls. The bell is rung before the hold is released, so that time can not
 * jump in between. */
#include "results/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "results/queue.h"
#include "results/store.h"

#define QUEUE_BOUND      ((size_t)64 << 20)
#define GATHER           256
#define MOST_OPEN_STEPS  8
#define CHECKPOINT_PAGES 1024 /* 4 MiB */

enum job_kind {
    JOB_ATTEMPT_BEGIN,
    JOB_STEP_BEGIN,
    JOB_ROWS,
    JOB_STEP_END,
    JOB_ATTEMPT_END,
    JOB_FEATURES,
    JOB_EVENT,
    JOB_SITE_OUTCOME,
    JOB_FLAG,
    JOB_SPARE,
    JOB_INFO,
    JOB_COMMIT,
    JOB_BARRIER,
    JOB_CHECKPOINT,
    JOB_STOP,
    JOB_KINDS
};

struct job {
    struct queue_item item;
    enum job_kind kind;
    int n;      /* rows, features */
    int64_t id; /* step, barrier */
    _Alignas(max_align_t) char body[];
};

struct step_end {
    char ended_by[64], gap_state[8];
    double gap_before;
};

struct site_outcome {
    int site;
    enum outcome outcome;
    char reason[256];
};

/* A step whose end has not come yet, on the thread's side. */
struct open_step {
    int64_t step, attempt;
    int seq; /* of the next chunk */
    int n, cap;
    struct wave_row *rows;
};

struct writer {
    struct results *r;
    struct loop *loop;
    pthread_t thread;
    struct queue queue;

    pthread_mutex_t error_lock;
    struct err error; /* the first one */
    atomic_bool failed;
    atomic_int_fast64_t reached; /* last barrier that was answered */
    int bell;                    /* eventfd */

    /* Run thread only. */
    int64_t attempt, step, barrier; /* ids given out */
    struct job *gathered;           /* rows not yet handed over */
    struct watch watch;
    struct event answered;

    /* Writer thread only. */
    bool open, broken; /* a transaction is open; the database is not touched any more */
    struct open_step steps[MOST_OPEN_STEPS];
    int n_steps;
};

/* --- errors -------------------------------------------------------------------------------------------- */

static void keep_error(struct writer *w, const struct err *e)
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

/* --- thread: rows -------------------------------------------------------------------------------------- */

static struct open_step *find_step(struct writer *w, int64_t step)
{
    for (int i = 0; i < w->n_steps; i++)
        if (w->steps[i].step == step)
            return &w->steps[i];
    return NULL;
}

static bool unknown_step(int64_t step, struct err *e)
{
    return err_set(e, ERR_INTERNAL, "writer: step %" PRId64 " is not open", step);
}

static bool flush(struct writer *w, struct open_step *s, struct err *e)
{
    if (s->n == 0)
        return true;
    if (!store_waveform(w->r, s->step, s->seq, s->rows, s->n, e))
        return false;
    s->seq++;
    s->n = 0;
    return true;
}

static bool commit(struct writer *w, struct err *e)
{
    for (int i = 0; i < w->n_steps; i++)
        if (!flush(w, &w->steps[i], e))
            return false;
    if (!w->open)
        return true;
    w->open = false;
    return store_commit(w->r, e);
}

static void grow(struct open_step *s, int n)
{
    if (s->n + n <= s->cap)
        return;
    s->cap = s->cap ? s->cap : 1024;
    while (s->cap < s->n + n)
        s->cap *= 2;
    s->rows = xrealloc(s->rows, (size_t)s->cap * sizeof *s->rows);
}

static bool do_rows(struct writer *w, struct job *j, struct err *e)
{
    struct open_step *s = find_step(w, j->id);
    if (!s)
        return unknown_step(j->id, e);
    const struct wave_row *row = (const struct wave_row *)j->body;
    int left = j->n;
    while (left) {
        int room = WAVEFORM_CHUNK - s->n, n = left < room ? left : room;
        grow(s, n);
        memcpy(s->rows + s->n, row, (size_t)n * sizeof *row);
        s->n += n;
        row += n;
        left -= n;
        if (s->n == WAVEFORM_CHUNK && !commit(w, e))
            return false;
        if (!w->open && left && !(w->open = store_begin(w->r, e)))
            return false;
    }
    return true;
}

/* --- thread: the other jobs ---------------------------------------------------------------------------- */

static void forget_step(struct writer *w, struct open_step *s)
{
    free(s->rows);
    *s = w->steps[--w->n_steps];
}

static bool do_attempt_begin(struct writer *w, struct job *j, struct err *e)
{
    return store_attempt_begin(w->r, (const struct store_intent *)j->body, e);
}

static bool do_step_begin(struct writer *w, struct job *j, struct err *e)
{
    const struct results_step *s = (const struct results_step *)j->body;
    if (w->n_steps == MOST_OPEN_STEPS)
        return err_set(e, ERR_INTERNAL, "writer: more than %d steps open at once", MOST_OPEN_STEPS);
    w->steps[w->n_steps++] = (struct open_step){.step = s->id, .attempt = s->attempt};
    return store_step_begin(w->r, s, e);
}

static bool do_step_end(struct writer *w, struct job *j, struct err *e)
{
    const struct step_end *end = (const struct step_end *)j->body;
    struct open_step *s = find_step(w, j->id);
    if (!s)
        return unknown_step(j->id, e);
    if (!flush(w, s, e))
        return false;
    forget_step(w, s);
    return store_step_end(w->r, j->id, end->ended_by, end->gap_before, end->gap_state, e);
}

/* Steps that nobody has ended keep their rows and have no `ended_by`. */
static bool do_attempt_end(struct writer *w, struct job *j, struct err *e)
{
    const struct results_attempt *a = (const struct results_attempt *)j->body;
    for (int i = w->n_steps - 1; i >= 0; i--) {
        if (w->steps[i].attempt != a->id)
            continue;
        if (!flush(w, &w->steps[i], e))
            return false;
        forget_step(w, &w->steps[i]);
    }
    return store_attempt_end(w->r, a, e);
}

static bool do_features(struct writer *w, struct job *j, struct err *e)
{
    const struct results_feature *f = (const struct results_feature *)j->body;
    for (int i = 0; i < j->n; i++)
        if (!store_feature(w->r, &f[i], e))
            return false;
    return true;
}

static bool do_event(struct writer *w, struct job *j, struct err *e)
{
    return store_event(w->r, (const struct results_event *)j->body, e);
}

static bool do_site_outcome(struct writer *w, struct job *j, struct err *e)
{
    const struct site_outcome *o = (const struct site_outcome *)j->body;
    return store_site_outcome(w->r, o->site, o->outcome, o->reason, e);
}

struct flagging {
    int64_t after, before;
    char flag[32];
};

static bool do_flag(struct writer *w, struct job *j, struct err *e)
{
    const struct flagging *f = (const struct flagging *)j->body;
    return store_flag(w->r, f->after, f->before, f->flag, e);
}

/* Body: spare, replaces, root. */
static bool do_spare(struct writer *w, struct job *j, struct err *e)
{
    const int *site = (const int *)j->body;
    return store_spare(w->r, site[0], site[1], site[2], e);
}

/* Body: key, NUL, value, NUL. */
static bool do_info(struct writer *w, struct job *j, struct err *e)
{
    return store_info(w->r, j->body, j->body + strlen(j->body) + 1, "", e);
}

static bool do_commit(struct writer *w, struct job *j, struct err *e)
{
    (void)j;
    return commit(w, e);
}

static bool do_checkpoint(struct writer *w, struct job *j, struct err *e)
{
    (void)j;
    if (!commit(w, e))
        return false;
    if (w->r->wal_pages < CHECKPOINT_PAGES)
        return true;
    w->r->wal_pages = 0;
    return store_checkpoint(w->r, e);
}

static const struct {
    bool (*perform)(struct writer *w, struct job *j, struct err *e);
    bool writes; /* needs a transaction */
} jobs[JOB_KINDS] = {
    [JOB_ATTEMPT_BEGIN] = {do_attempt_begin, true},
    [JOB_STEP_BEGIN] = {do_step_begin, true},
    [JOB_ROWS] = {do_rows, true},
    [JOB_STEP_END] = {do_step_end, true},
    [JOB_ATTEMPT_END] = {do_attempt_end, true},
    [JOB_FEATURES] = {do_features, true},
    [JOB_EVENT] = {do_event, true},
    [JOB_SITE_OUTCOME] = {do_site_outcome, true},
    [JOB_FLAG] = {do_flag, true},
    [JOB_SPARE] = {do_spare, true},
    [JOB_INFO] = {do_info, true},
    [JOB_COMMIT] = {do_commit, false},
    [JOB_BARRIER] = {do_commit, false},
    [JOB_CHECKPOINT] = {do_checkpoint, false},
    [JOB_STOP] = {do_commit, false},
};

static bool perform(struct writer *w, struct job *j, struct err *e)
{
    if (jobs[j->kind].writes && !w->open && !(w->open = store_begin(w->r, e)))
        return false;
    return jobs[j->kind].perform(w, j, e);
}

/* What was committed stays; what was not is gone, as after a crash. */
static void give_up(struct writer *w, const struct err *e)
{
    w->broken = true;
    w->r->damaged = true;
    store_rollback(w->r);
    keep_error(w, e);
    loop_post(w->loop);
}

static void answer(struct writer *w, int64_t barrier)
{
    uint64_t one = 1;
    atomic_store(&w->reached, barrier);
    while (write(w->bell, &one, sizeof one) < 0 && errno == EINTR)
        ;
    loop_release(w->loop);
}

static void *thread_main(void *ctx)
{
    struct writer *w = ctx;
    for (bool stop = false; !stop;) {
        struct job *j = (struct job *)queue_take(&w->queue);
        struct err e = ERR_INIT;
        if (!w->broken && !perform(w, j, &e))
            give_up(w, &e);
        if (j->kind == JOB_BARRIER)
            answer(w, j->id);
        stop = j->kind == JOB_STOP;
        queue_finish(&w->queue, &j->item);
    }
    while (w->n_steps)
        forget_step(w, &w->steps[0]);
    return NULL;
}

/* --- run thread: handing over -------------------------------------------------------------------------- */

static struct job *job_new(enum job_kind kind, size_t body)
{
    struct job *j = xmalloc(sizeof *j + body);
    j->item.size = sizeof *j + body;
    j->kind = kind;
    j->n = 0;
    j->id = 0;
    return j;
}

static struct job *job_copy(enum job_kind kind, const void *body, size_t size)
{
    struct job *j = job_new(kind, size);
    memcpy(j->body, body, size);
    return j;
}

static bool push_one(struct writer *w, struct job *j)
{
    if (!atomic_load(&w->failed)) {
        if (queue_push(&w->queue, &j->item, loop_mode(w->loop) == LOOP_VIRTUAL || j->kind == JOB_STOP))
            return true;
        struct err e;
        err_set(&e, ERR_FULL, "results `%s`: %zu MiB of data wait for the disk, which is too slow",
                w->r->path, QUEUE_BOUND >> 20);
        keep_error(w, &e);
    }
    free(j);
    return false;
}

static bool push_gathered(struct writer *w)
{
    struct job *rows = w->gathered;
    w->gathered = NULL;
    return !rows || push_one(w, rows);
}

static bool push(struct writer *w, struct job *j)
{
    if (push_gathered(w))
        return push_one(w, j);
    free(j);
    return false;
}

bool writer_attempt_begin(struct writer *w, int site, int number, double x, double y, double t_s,
                          const char *utc, int64_t *attempt)
{
    struct store_intent a = {
        .attempt = w->attempt + 1, .site = site, .number = number, .x = x, .y = y, .t_s = t_s};
    strncpy(a.utc, utc ? utc : "", sizeof a.utc - 1);
    if (!push(w, job_copy(JOB_ATTEMPT_BEGIN, &a, sizeof a)))
        return false;
    *attempt = ++w->attempt;
    return true;
}

bool writer_step_begin(struct writer *w, const struct results_step *s, int64_t *step)
{
    struct job *j = job_copy(JOB_STEP_BEGIN, s, sizeof *s);
    ((struct results_step *)j->body)->id = w->step + 1;
    if (!push(w, j))
        return false;
    *step = ++w->step;
    return true;
}

bool writer_rows(struct writer *w, int64_t step, const struct wave_row *rows, int n)
{
    while (n > 0) {
        if (w->gathered && (w->gathered->id != step || w->gathered->n == GATHER) && !push_gathered(w))
            return false;
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

bool writer_barrier(struct writer *w, struct err *e)
{
    struct job *j = job_new(JOB_BARRIER, 0);
    j->id = ++w->barrier;
    w->answered.set = false;
    watch_set(w->loop, &w->watch, w->bell, POLLIN, on_bell, w);
    loop_hold(w->loop);
    if (push(w, j))
        loop_wait(w->loop, &w->answered, NS_NEVER);
    else
        loop_release(w->loop);
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
    int code = pthread_create(&w->thread, NULL, thread_main, w);
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

bool writer_stop(struct writer *w, struct err *e)
{
    if (!atomic_load(&w->failed))
        push_gathered(w);
    queue_push(&w->queue, &job_new(JOB_STOP, 0)->item, true);
    pthread_join(w->thread, NULL);
    bool ok = writer_ok(w, e);
    struct err closing = ERR_INIT;
    if (!results_close(w->r, &closing) && ok) {
        ok = false;
        if (e)
            *e = closing;
    }
    writer_free(w);
    return ok;
}
