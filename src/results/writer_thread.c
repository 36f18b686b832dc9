/* The writer thread's side: jobs into transactions.
 *
 * A transaction begins with the first job after a commit and ends at writer_commit(), at a barrier, or when a
 * chunk of samples is full; so what was handed over between two commits becomes durable together or not at
 * all, in the order of handing over.
 *
 * Jobs are held until the commit behind them, so that an error loses nothing while the process lives: the
 * first error ends the thread's use of the database, and what was not durable then and what comes after it is
 * held until the end (the rig is in its safe state by then). There it is tried once more, from the last
 * commit on: the disk may have space again, or the cable be back. Rewriting everything since the last commit
 * is right after a failed fsync too, of which the operating system may have forgotten which pages it did not
 * write. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results/writer_impl.h"

#define CHECKPOINT_PAGES 1024 /* 4 MiB */

/* --- jobs that are not durable yet --------------------------------------------------------------------- */

static void hold(struct writer *w, struct job *j)
{
    struct held *h = &w->held;
    if (h->n == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 64;
        h->job = xrealloc(h->job, (size_t)h->cap * sizeof *h->job);
    }
    h->job[h->n++] = j;
    h->bytes += j->item.size;
}

/* Forgets what was committed: all but rows of the last job that came behind a full chunk. */
static void let_go(struct writer *w)
{
    struct held *h = &w->held;
    struct job *last = h->n ? h->job[h->n - 1] : NULL;
    bool partly = last && last->kind == JOB_ROWS && last->taken < last->n;
    for (int k = 0; k < h->n - partly; k++)
        free(h->job[k]);
    h->n = h->bytes = 0;
    if (partly) {
        last->durable = last->taken;
        hold(w, last);
    }
}

static int rows_in(const struct held *h)
{
    int n = 0;
    for (int k = 0; k < h->n; k++)
        n += h->job[k]->kind == JOB_ROWS ? h->job[k]->n - h->job[k]->durable : 0;
    return n;
}

/* --- rows ---------------------------------------------------------------------------------------------- */

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

static void remember_steps(struct writer *w)
{
    w->n_steps_then = w->n_steps;
    for (int i = 0; i < w->n_steps; i++) {
        w->steps_then[i] = w->steps[i];
        w->steps_then[i].rows = NULL;
        w->steps_then[i].n = w->steps_then[i].cap = 0;
    }
}

static bool commit(struct writer *w, struct err *e)
{
    for (int i = 0; i < w->n_steps; i++)
        if (!flush(w, &w->steps[i], e))
            return false;
    if (!w->open)
        return true;
    w->open = false;
    if (!store_commit(w->r, e))
        return false;
    let_go(w);
    remember_steps(w);
    return store_in_place(w->r, e);
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
    for (int left = j->n - j->taken; left;) { /* the commit of its last row frees the job */
        if (!w->open && !(w->open = store_begin(w->r, e)))
            return false;
        int room = WAVEFORM_CHUNK - s->n, n = left < room ? left : room;
        grow(s, n);
        memcpy(s->rows + s->n, row + j->taken, (size_t)n * sizeof *row);
        s->n += n;
        j->taken += n;
        left -= n;
        if (s->n == WAVEFORM_CHUNK && !commit(w, e))
            return false;
    }
    return true;
}

/* --- the other jobs ------------------------------------------------------------------------------------ */

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

/* --- errors -------------------------------------------------------------------------------------------- */

/* What was committed stays; what was not is gone from the database, as after a crash, and held here. */
static void give_up(struct writer *w, const struct err *e)
{
    w->broken = true;
    w->open = false;
    w->r->damaged = true;
    store_rollback(w->r);
    writer_fail(w, e);
    loop_post(w->loop);
}

/* After the first error: nothing that says what happened is thrown away while there is room. */
static void keep(struct writer *w, struct job *j)
{
    if (w->held.bytes + j->item.size <= QUEUE_BOUND) {
        hold(w, j);
        return;
    }
    w->lost += j->kind == JOB_ROWS ? j->n : 0;
    free(j);
}

/* Takes over the job. */
static void work(struct writer *w, struct job *j)
{
    bool writes = jobs[j->kind].writes;
    struct err e = ERR_INIT;
    if (w->broken && writes) {
        keep(w, j);
        return;
    }
    if (writes)
        hold(w, j);
    if (!w->broken && !perform(w, j, &e))
        give_up(w, &e);
    if (!writes)
        free(j);
}

static void begin_again(struct writer *w)
{
    while (w->n_steps)
        forget_step(w, &w->steps[0]);
    memcpy(w->steps, w->steps_then, sizeof w->steps);
    w->n_steps = w->n_steps_then;
    w->broken = w->r->damaged = false;
}

/* A mistake of the program and a damaged file do not get better by writing more. */
static bool worth_trying(struct writer *w)
{
    struct err e;
    return !writer_ok(w, &e) && (e.code == ERR_IO || e.code == ERR_FULL || e.code == ERR_NOMEM);
}

static void rescue(struct writer *w)
{
    struct held again = w->held;
    struct err e = ERR_INIT;
    w->held = (struct held){0};
    begin_again(w);
    for (int k = 0; k < again.n; k++) {
        again.job[k]->taken = again.job[k]->durable;
        work(w, again.job[k]);
    }
    free(again.job);
    if (!w->broken && !commit(w, &e))
        give_up(w, &e);
}

/* --- the thread ---------------------------------------------------------------------------------------- */

static void answer(struct writer *w, int64_t barrier)
{
    uint64_t one = 1;
    atomic_store(&w->reached, barrier);
    while (write(w->bell, &one, sizeof one) < 0 && errno == EINTR)
        ;
    loop_release(w->loop);
}

void *writer_thread(void *ctx)
{
    struct writer *w = ctx;
    remember_steps(w);
    for (bool stop = false; !stop;) {
        struct job *j = (struct job *)queue_take(&w->queue);
        size_t size = j->item.size;
        int64_t barrier = j->kind == JOB_BARRIER ? j->id : 0;
        stop = j->kind == JOB_STOP;
        work(w, j);
        if (barrier)
            answer(w, barrier);
        queue_finish(&w->queue, size);
    }
    if (w->broken && worth_trying(w))
        rescue(w);
    w->lost += rows_in(&w->held);
    for (int k = 0; k < w->held.n; k++)
        free(w->held.job[k]);
    free(w->held.job);
    while (w->n_steps)
        forget_step(w, &w->steps[0]);
    return NULL;
}
