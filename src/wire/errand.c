/* Doing an errand: quiet first, then bytes and answer, again until the answer is the wanted one or time is
 * up.
 *
 * Nothing is understood here but "the same text" and "a number behind a text", which is enough for what must
 * be known of a rig whose program is gone. */
#include "wire/errand.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clocale.h"
#include "wire/transcript.h"

/* An answer longer than this is none: the device streams. */
#define ANSWER_MAX 4096

struct errand errand_make(const char *what, int turn, const void *bytes, size_t n)
{
    struct errand q = {.kind = ERRAND_WRITE, .turn = turn};
    assert(n <= sizeof q.bytes);
    snprintf(q.what, sizeof q.what, "%s", what);
    memcpy(q.bytes, bytes, n);
    q.n = (int)n;
    return q;
}

/* Appends what can be read now, without CR. True if anything came. */
static bool take(struct link *k, struct buf *into)
{
    char bytes[512];
    size_t n;
    bool any = false;
    while ((n = link_read(k, bytes, sizeof bytes, NULL)) > 0) {
        any = true;
        for (size_t i = 0; i < n && into->n < ANSWER_MAX; i++)
            if (bytes[i] != '\r')
                buf_char(into, bytes[i]);
    }
    return any;
}

/* Throws input away until none came for `quiet`, at most until `deadline`. */
static void hush(struct link *k, struct buf *waste, ns_t quiet, ns_t deadline)
{
    struct loop *l = link_loop(k);
    ns_t until = loop_now(l) + quiet;
    while (link_up(k, NULL)) {
        buf_clear(waste);
        if (take(k, waste))
            until = loop_now(l) + quiet;
        if (until > deadline)
            until = deadline;
        if (loop_now(l) >= until)
            break;
        loop_wait(l, link_readable(k), until);
    }
    buf_clear(waste);
}

enum verdict { NOT_YET, RIGHT, WRONG };

/* The text as far as it goes is one of the wanted, or may become one. */
static enum verdict judge_text(const struct errand *q, const struct buf *got)
{
    enum verdict v = WRONG;
    const char *one = q->wanted;
    for (;;) {
        size_t n = strcspn(one, "|");
        if (got->n == n && memcmp(got->p, one, n) == 0)
            return RIGHT;
        if (got->n < n && memcmp(got->p, one, got->n) == 0)
            v = NOT_YET;
        if (!one[n])
            return v;
        one += n + 1;
    }
}

/* The number behind `wanted`; `noted` is what CHANGE counts from, and what NOTE leaves there. */
static enum verdict judge_number(const struct errand *q, const struct buf *got, double *noted)
{
    size_t n = strlen(q->wanted);
    char *end;
    if (!memchr(got->p, '\n', got->n))
        return got->n >= ANSWER_MAX ? WRONG : NOT_YET;
    if (strncmp(got->p, q->wanted, n) != 0)
        return WRONG;
    double value = c_strtod(got->p + n, &end);
    if (end == got->p + n || !*end || !strchr(" \n", *end) || !isfinite(value))
        return WRONG;
    if (q->kind == ERRAND_NOTE) {
        *noted = value;
        return RIGHT;
    }
    double from = q->kind == ERRAND_CHANGE ? *noted : 0;
    return value - from >= q->low && value - from <= q->high ? RIGHT : WRONG;
}

static enum verdict judge(const struct errand *q, const struct buf *got, double *noted)
{
    if (!got->n)
        return NOT_YET;
    return q->kind == ERRAND_TEXT ? judge_text(q, got) : judge_number(q, got, noted);
}

static bool unwanted(const struct errand *q, const struct buf *got, struct err *e)
{
    struct buf text = {0};
    if (!got->n)
        return err_set(e, ERR_SILENT, "no answer within %.3g s", ns_to_s(q->answer));
    transcript_escape(&text, got->p, got->n < 80 ? got->n : 80);
    bool whole = got->p[got->n - 1] == '\n';
    err_set(e, whole ? ERR_MISMATCH : ERR_FRAGMENT, whole ? "answered `%s`" : "only `%s` came", text.p);
    buf_free(&text);
    return false;
}

/* Bytes out, one answer in. A wrong answer uses up its time too: what comes behind it belongs to it. */
static bool once(struct link *k, const struct errand *q, double *noted, struct buf *got, ns_t deadline,
                 struct err *e)
{
    struct loop *l = link_loop(k);
    hush(k, got, q->quiet, deadline);
    if (!link_write(k, q->bytes, (size_t)q->n, e))
        return false;
    for (ns_t until = loop_now(l) + q->answer;;) {
        take(k, got);
        if (judge(q, got, noted) == RIGHT)
            return true;
        if (!link_up(k, e))
            return false;
        if (loop_now(l) >= until)
            return unwanted(q, got, e);
        loop_wait(l, link_readable(k), until);
    }
}

bool errand_do(struct link *k, const struct errand *q, double *noted, struct buf *got, struct err *e)
{
    struct buf own = {0};
    struct buf *b = got ? got : &own;
    buf_clear(b);
    if (q->kind == ERRAND_WRITE)
        return link_write(k, q->bytes, (size_t)q->n, e);
    if (q->kind == ERRAND_CHANGE && isnan(*noted))
        return err_set(e, ERR_SILENT, "nothing is known to count from");
    ns_t deadline = loop_now(link_loop(k)) + q->timeout;
    bool ok;
    do {
        struct err why = ERR_INIT;
        ok = once(k, q, noted, b, deadline, &why);
        if (!ok && e)
            *e = why;
    } while (!ok && link_up(k, NULL) && loop_now(link_loop(k)) < deadline);
    if (ok)
        err_clear(e);
    buf_free(&own);
    return ok;
}
