/* Inside of the writer, for its two files only: jobs, and what the run thread and the writer thread share. */
#ifndef SECCM_RESULTS_WRITER_IMPL_H
#define SECCM_RESULTS_WRITER_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#include "results/queue.h"
#include "results/store.h"
#include "results/writer.h"

#define QUEUE_BOUND     ((size_t)64 << 20)
#define MOST_OPEN_STEPS 8

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
    int n;              /* rows, features */
    int taken, durable; /* rows: so many are in the step, and of them committed */
    int64_t id;         /* step, barrier */
    _Alignas(max_align_t) char body[];
};

struct step_end {
    char ended_by[64], gap_state[8];
    double gap_before;
};

struct flagging {
    int64_t after, before;
    char flag[32];
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

/* Jobs that are not durable yet, in order. */
struct held {
    struct job **job; /* heap */
    int n, cap;
    size_t bytes;
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
    atomic_int_fast64_t lost;    /* rows that could not be kept */
    int bell;                    /* eventfd */

    /* Run thread only. */
    int64_t attempt, step, barrier; /* ids given out */
    ns_t patience;                  /* at a barrier */
    struct job *gathered;           /* rows not yet handed over */
    struct watch watch;
    struct event answered;

    /* Writer thread only; `broken` is read when it has ended. */
    bool open, broken; /* a transaction is open; the database is not touched any more */
    struct open_step steps[MOST_OPEN_STEPS],
        steps_then[MOST_OPEN_STEPS]; /* now; at the last commit, no rows */
    int n_steps, n_steps_then;
    struct held held;
};

/* Keeps the first error and tells the run thread. Any thread. */
void writer_fail(struct writer *w, const struct err *e);
/* The thread; ctx is the writer. */
void *writer_thread(void *ctx);

#endif
