/* Watching over a run, and taking over from it.
 *
 * Nothing here may wait for anything that can fail for ever: writes to links are buffered, answers have
 * deadlines, the log is written when what is urgent is done, the terminal only if it takes a line at once. */
#include "run/guardian_watch.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "run/guardian_log.h"

#define HELD_UP 3
/* A killed process is gone within milliseconds unless a thread of it hangs in the kernel (a disk that does
 * not answer). Nothing of it runs again in either case. */
#define END_TIME (2 * NS_S)

enum state { WAITING, ON_WATCH, DISMISSED, RUN_GONE, RUN_SILENT };

struct vigil {
    const struct guardian_post *post;
    enum state state;
    struct event over, dead;
    struct watch socket, run;
    struct silence silence;
    struct guardian_order order;
    struct guardian_descriptors fd;
    struct buf log; /* not written yet */
};

/* --- log ----------------------------------------------------------------------------------------------- */

static void note(struct vigil *v, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct vigil *v, const char *fmt, ...)
{
    char text[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    guardian_log_line(&v->log, v->post->loop, text);
}

/* A terminal that was halted (Ctrl-S) or a pipe that is full must not halt the guardian. */
static void tell(int fd, const struct buf *log)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    struct buf text = {0};
    if (fd < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
        return;
    for (const char *line = log->n ? log->p : ""; *line;) {
        const char *blank = strchr(line, ' '); /* the time is not for the terminal */
        size_t n = strcspn(blank, "\n") + 1;
        buf_str(&text, "seccm guardian:");
        buf_add(&text, blank, n);
        line = blank + n;
    }
    if (text.n && write(fd, text.p, text.n) < 0)
        errno = 0; /* nobody is there to be told */
    buf_free(&text);
}

/* Written when what is urgent is done: a disk that hangs must not hold it up. */
static void write_log(struct vigil *v)
{
    tell(v->post->tell, &v->log);
    for (size_t done = 0; v->fd.log >= 0 && done < v->log.n;) {
        ssize_t n = write(v->fd.log, v->log.p + done, v->log.n - done);
        if (n < 0 && errno != EINTR)
            break;
        done += n > 0 ? (size_t)n : 0;
    }
    buf_clear(&v->log);
}

/* --- watch --------------------------------------------------------------------------------------------- */

static void end_watch(struct vigil *v, enum state why)
{
    if (v->over.set)
        return;
    v->state = v->state == ON_WATCH || why == DISMISSED ? why : DISMISSED;
    v->over.set = true;
}

static void take_order(struct vigil *v, const struct guardian_message *m, struct guardian_descriptors *d)
{
    guardian_close_descriptors(&v->fd);
    v->order = m->order;
    v->fd = *d;
    v->state = ON_WATCH;
}

static void on_socket(void *ctx, short revents)
{
    struct vigil *v = ctx;
    struct guardian_message m;
    struct guardian_descriptors d;
    enum guardian_heard heard;
    (void)revents;
    while (!v->over.set && (heard = guardian_hear(v->post->socket, &m, &d)) != HEARD_NOTHING) {
        if (heard == HEARD_END) {
            end_watch(v, RUN_GONE);
            break;
        }
        v->silence.heard = loop_now(v->post->loop);
        if (m.word == GUARDIAN_GOODBYE)
            end_watch(v, DISMISSED);
        else if (m.word == GUARDIAN_ORDER)
            take_order(v, &m, &d);
        guardian_say(v->post->socket, GUARDIAN_ANSWER, m.number);
    }
    if (v->over.set)
        watch_cancel(v->post->loop, &v->socket);
}

static void on_run(void *ctx, short revents)
{
    struct vigil *v = ctx;
    (void)revents;
    v->dead.set = true;
    watch_cancel(v->post->loop, &v->run);
    /* A goodbye may still lie in the socket. */
    on_socket(v, 0);
    end_watch(v, RUN_GONE);
}

bool silence_too_long(struct silence *s, ns_t now)
{
    ns_t usual = s->bound / SILENCE_LOOKS, gap = now - s->looked;
    /* Never more is forgiven than was missed: on a machine that is busy for hours the end must come too. */
    if (gap > HELD_UP * usual)
        s->heard = s->heard + gap - usual < now ? s->heard + gap - usual : now;
    s->looked = now;
    return now - s->heard >= s->bound;
}

static void keep_watch(struct vigil *v)
{
    struct loop *l = v->post->loop;
    ns_t now = loop_now(l);
    v->silence = (struct silence){v->post->silence, now, now};
    watch_set(l, &v->socket, v->post->socket, POLLIN, on_socket, v);
    watch_set(l, &v->run, v->post->run, POLLIN, on_run, v);
    while (!v->over.set) {
        ns_t look = loop_now(l) + v->silence.bound / SILENCE_LOOKS;
        ns_t end = v->silence.heard + v->silence.bound;
        loop_wait(l, &v->over, v->state == ON_WATCH && end < look ? end : look);
        if (silence_too_long(&v->silence, loop_now(l)) && v->state == ON_WATCH)
            end_watch(v, RUN_SILENT);
    }
    watch_cancel(l, &v->socket);
}

/* --- takeover ------------------------------------------------------------------------------------------ */

/* (1) The run is dead before a byte is written: stopped processes can not wake up again behind SIGKILL. */
static void end_run(struct vigil *v)
{
    const struct guardian_post *p = v->post;
    if (v->state == RUN_SILENT)
        note(v, "the run (process %ld) gave no sign of life for %.1f s: ending it", p->pid,
             ns_to_s(loop_now(p->loop) - v->silence.heard));
    else
        note(v, "the run (process %ld) was gone without a goodbye", p->pid);
    if (v->dead.set)
        return;
    if (!p->end_run(p->ctx) && errno != ESRCH)
        note(v, "SIGKILL: %s", strerror(errno));
    if (loop_wait(p->loop, &v->dead, loop_now(p->loop) + END_TIME))
        note(v, "the run has ended");
    else
        note(v, "the run is killed but not gone: a thread of it hangs in the system; it will not run again");
}

/* What is known of a link's device. */
struct known {
    struct link *link;  /* NULL: it can not be had */
    const char *proven; /* "retracted"; NULL = nothing */
    double noted;
};

static void do_task(struct vigil *v, struct known known[], const struct guardian_task *t)
{
    struct known *k = &known[t->link];
    const struct errand *q = &t->errand;
    const char *device = v->order.device[t->link];
    struct err why = ERR_INIT;
    if (!k->link || (q->only_unproven && k->proven))
        return;
    if (errand_do(k->link, q, &k->noted, NULL, &why)) {
        if (q->proves[0])
            k->proven = q->proves;
        note(v, "%s: %s: %s", device, q->what,
             q->proves[0]              ? q->proves
             : q->kind == ERRAND_WRITE ? "sent"
                                       : "acknowledged");
    } else {
        note(v, "%s: %s: %s", device, q->what, why.text);
    }
}

/* "retracted, cell open": what was proven, in the order of the links. */
static void add_proof(struct buf *b, const char *proven)
{
    buf_printf(b, "%s%s", b->n ? ", " : "", proven);
}

/* (2) and on: stop, cell off, retraction, proofs. All of it is tried whatever fails. True if each device is
 * proven safe; what was proven is appended to `proofs`. */
static bool do_errands(struct vigil *v, struct buf *proofs)
{
    struct known known[GUARDIAN_LINKS] = {0};
    bool safe = true, told = false;
    for (int k = 0; k < v->order.n_links; k++) {
        struct err e = ERR_INIT;
        known[k].noted = NAN;
        known[k].link = link_adopt(v->post->loop, v->fd.link[k], v->order.device[k], &e);
        if (known[k].link)
            v->fd.link[k] = -1;
        else
            note(v, "%s: %s", v->order.device[k], e.text);
    }
    for (int k = 0; k < v->order.n_tasks; k++) {
        /* What proves takes its time; what was done so far is told before. */
        if (v->order.task[k].errand.proves[0] && !told) {
            write_log(v);
            told = true;
        }
        do_task(v, known, &v->order.task[k]);
    }
    for (int k = 0; k < v->order.n_links; k++) {
        safe = safe && known[k].proven;
        if (known[k].proven)
            add_proof(proofs, known[k].proven);
        link_close(known[k].link);
    }
    return safe;
}

static int take_over(struct vigil *v)
{
    struct buf proofs = {0};
    end_run(v);
    if (!v->order.n_links) {
        note(v, "no link leads out of the run: its rig has ended with it");
        write_log(v);
        return 0;
    }
    bool safe = do_errands(v, &proofs);
    note(v, "x and y were left where they were");
    if (safe)
        note(v, "the rig is " GUARDIAN_SAFE " (%s)", proofs.p);
    else
        note(v, "the rig is " GUARDIAN_NOT_SAFE ": look at it%s%s%s", proofs.n ? " (known: " : "",
             proofs.n ? proofs.p : "", proofs.n ? ")" : "");
    write_log(v);
    buf_free(&proofs);
    return safe ? 0 : 3;
}

int guardian_watch(const struct guardian_post *p)
{
    struct vigil v = {.post = p, .fd = {-1, {-1, -1}}};
    keep_watch(&v);
    int status = v.state == DISMISSED ? 0 : take_over(&v);
    watch_cancel(p->loop, &v.run);
    guardian_close_descriptors(&v.fd);
    buf_free(&v.log);
    return status;
}
