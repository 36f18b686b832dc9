/* Asking a device and reading its answers: bytes become lines, lines become replies.
 *
 * Bytes are taken from the link one chunk at a time and only until a line is complete, so that each line has
 * the time at which its last byte was seen and the memory needed is bounded by the link. */
#include "wire/dialogue.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire/transcript.h"

#define LINE_MAX_BYTES  ((size_t)64 << 10)
#define REPLY_MAX_BYTES ((size_t)1 << 20)
#define SHOWN           ((size_t)120) /* bytes of a question or an answer that a message shows */
#define XON             0x11
#define XOFF            0x13
#define SUB             0x1a

struct dialogue {
    struct link *link;
    struct loop *loop;

    char chunk[4096]; /* taken from the link, not yet looked at from `pos` on */
    size_t pos, n;
    ns_t at; /* when these bytes were seen */

    struct buf line;
    bool line_given; /* `line` was handed out: the next byte begins a new one */
    bool overlong;   /* the line is too long: the rest of it is discarded */
    uint64_t stale;

    bool asked;
    enum reply_rule rule;
    ns_t timeout, deadline;
    struct timer timer;
    struct buf question; /* kept for messages */
    struct buf reply;    /* lines of a multi-line reply so far */
    int lines;           /* of it */

    struct buf former; /* a question that was given up, and whose answer may still come; "" = none */
    bool overdue;      /* it was given up at its deadline */
    bool answered;     /* the last question was, as far as is known */
    uint64_t late;
    dialogue_fits *fits;
};

struct dialogue *dialogue_new(struct link *k)
{
    struct dialogue *d = xcalloc(1, sizeof *d);
    d->link = k;
    d->loop = link_loop(k);
    return d;
}

void dialogue_free(struct dialogue *d)
{
    if (!d)
        return;
    timer_cancel(d->loop, &d->timer);
    buf_free(&d->line);
    buf_free(&d->question);
    buf_free(&d->reply);
    buf_free(&d->former);
    free(d);
}

struct link *dialogue_link(struct dialogue *d)
{
    return d->link;
}

uint64_t dialogue_stale(const struct dialogue *d)
{
    return d->stale;
}

uint64_t dialogue_late(const struct dialogue *d)
{
    return d->late;
}

void dialogue_tell_late(struct dialogue *d, dialogue_fits *fits)
{
    d->fits = fits;
}

struct event *dialogue_event(struct dialogue *d)
{
    return link_readable(d->link);
}

/* --- bytes to lines ------------------------------------------------------------------------------------ */

enum feed { FEED_NOTHING, FEED_LINE, FEED_OVERLONG };

static bool refill(struct dialogue *d)
{
    d->pos = 0;
    d->n = link_read(d->link, d->chunk, sizeof d->chunk, &d->at);
    return d->n;
}

/* Adds n bytes of one line (without LF) but for those that are no text. */
static void add_text(struct dialogue *d, const char *bytes, size_t n)
{
    struct buf *b = &d->line;
    buf_reserve(b, n);
    for (size_t i = 0; i < n; i++) {
        char c = bytes[i];
        if (c == XON || c == XOFF || (c == 0 && b->n == 0))
            continue;
        b->p[b->n++] = c ? c : SUB;
    }
    b->p[b->n] = 0;
}

/* Ends an overlong line, of which nothing is kept. */
static enum feed end_overlong(struct dialogue *d, size_t n)
{
    d->stale += n;
    d->overlong = false;
    return FEED_OVERLONG;
}

/* Looks at bytes until a line is complete. After FEED_LINE it stands in d->line and ended at d->at. */
static enum feed feed(struct dialogue *d)
{
    if (d->line_given) {
        buf_clear(&d->line);
        d->line_given = false;
    }
    while (d->pos < d->n || refill(d)) {
        const char *start = d->chunk + d->pos;
        const char *lf = memchr(start, '\n', d->n - d->pos);
        size_t n = lf ? (size_t)(lf - start) : d->n - d->pos;
        d->pos += n + (lf != NULL);
        if (d->overlong) {
            if (lf)
                return end_overlong(d, n + 1);
            d->stale += n;
            continue;
        }
        add_text(d, start, n);
        if (d->line.n > LINE_MAX_BYTES) {
            d->stale += d->line.n;
            buf_clear(&d->line);
            d->overlong = true;
            if (lf)
                return end_overlong(d, 1);
            continue;
        }
        if (!lf)
            continue;
        if (d->line.n && d->line.p[d->line.n - 1] == '\r')
            d->line.p[--d->line.n] = 0;
        d->line_given = true;
        return FEED_LINE;
    }
    return FEED_NOTHING;
}

/* Whether a line has begun, or a reply of which more is to come. */
static bool has_fragment(const struct dialogue *d)
{
    return d->lines || d->overlong || (d->line.n && !d->line_given);
}

static void mark_more(struct dialogue *d)
{
    if (d->pos < d->n)
        link_readable(d->link)->set = true;
}

/* What a question given up at its deadline is still owed is told from noise by the end of a line. */
static void count_late(struct dialogue *d)
{
    if (!d->former.n || !memchr(d->chunk + d->pos, '\n', d->n - d->pos))
        return;
    d->late += d->overdue;
    buf_clear(&d->former);
    d->overdue = false;
}

static void discard(struct dialogue *d)
{
    if (!d->line_given)
        d->stale += d->line.n;
    buf_clear(&d->line);
    d->line_given = d->overlong = false;
    do {
        count_late(d);
        d->stale += d->n - d->pos;
    } while (refill(d));
}

/* The deadline has passed. If the program itself was held up the answer may have come in time: whatever the
 * system has received counts before anything is called late. */
static bool is_late(struct dialogue *d, ns_t deadline)
{
    if (loop_now(d->loop) < deadline)
        return false;
    link_look(d->link);
    return true;
}

/* --- questions ----------------------------------------------------------------------------------------- */

static ns_t later(const struct dialogue *d, ns_t timeout)
{
    ns_t now = loop_now(d->loop);
    timeout = loop_patience(d->loop, timeout);
    return timeout > NS_NEVER - now ? NS_NEVER : now + timeout;
}

static void on_deadline(void *ctx)
{
    struct dialogue *d = ctx;
    link_readable(d->link)->set = true;
}

static void end_question(struct dialogue *d)
{
    d->asked = false;
    timer_cancel(d->loop, &d->timer);
}

/* No answer to this question was understood: it may be one of those that come next. */
static void give_up(struct dialogue *d, bool overdue)
{
    end_question(d);
    buf_clear(&d->former);
    buf_add(&d->former, d->question.p, d->question.n);
    d->overdue = overdue;
}

void dialogue_cancel(struct dialogue *d)
{
    if (d->asked)
        give_up(d, false);
}

void dialogue_attach(struct dialogue *d, struct link *k)
{
    end_question(d);
    d->link = k;
    d->pos = d->n = 0;
    d->line_given = d->overlong = d->overdue = false;
    d->lines = 0;
    buf_clear(&d->line);
    buf_clear(&d->reply);
    buf_clear(&d->former);
}

bool dialogue_send_bytes(struct dialogue *d, const void *bytes, size_t n, struct err *e)
{
    return link_write(d->link, bytes, n, e);
}

bool dialogue_send(struct dialogue *d, const char *text, struct err *e)
{
    return link_write(d->link, text, strlen(text), e);
}

bool dialogue_ask(struct dialogue *d, const char *text, enum reply_rule rule, ns_t timeout, struct err *e)
{
    assert(!d->asked && "one question at a time");
    discard(d);
    if (d->answered) /* devices answer in order: nothing older will come */
        buf_clear(&d->former);
    d->answered = false;
    buf_clear(&d->question);
    buf_str(&d->question, text);
    buf_clear(&d->reply);
    d->lines = 0;
    if (!link_write(d->link, text, strlen(text), e))
        return false;
    d->rule = rule;
    d->timeout = timeout;
    d->deadline = later(d, timeout);
    d->asked = true;
    if (d->deadline != NS_NEVER)
        timer_set(d->loop, &d->timer, d->deadline, on_deadline, d);
    return true;
}

/* Takes the line that has just been completed into the reply; true if the reply is complete then. */
static bool take_line(struct dialogue *d, const char **reply)
{
    struct buf *line = &d->line;
    bool last = d->rule == REPLY_LINE ||
                (d->rule == REPLY_GCS && !(line->n && line->p[line->n - 1] == ' ')) ||
                (d->rule == REPLY_EMPTY_LINE && !line->n);
    if (last && !d->lines) { /* the common case: nothing to put together */
        *reply = line->p;
        return true;
    }
    if (!(last && d->rule == REPLY_EMPTY_LINE)) {
        if (d->lines)
            buf_char(&d->reply, '\n');
        buf_add(&d->reply, line->p, line->n);
        d->lines++;
    }
    *reply = d->reply.p;
    return last;
}

/* "DEVICE: asked `POS? 3\n`" */
static void add_asked(const struct dialogue *d, struct buf *b)
{
    buf_printf(b, "%s: asked `", link_device(d->link));
    transcript_escape(b, d->question.p, d->question.n < SHOWN ? d->question.n : SHOWN);
    buf_str(b, "`");
}

static void add_got(struct buf *b, const char *text, size_t n)
{
    buf_str(b, "`");
    transcript_escape(b, text, n < SHOWN ? n : SHOWN);
    buf_str(b, n < SHOWN ? "`" : "...`");
}

/* Whatever there is of a reply or line that is not complete. */
static void add_fragment(const struct dialogue *d, struct buf *b)
{
    struct buf text = {0};
    if (d->asked && d->lines) {
        buf_add(&text, d->reply.p, d->reply.n);
        buf_char(&text, '\n');
    }
    if (!d->line_given)
        buf_add(&text, d->line.p, d->line.n);
    add_got(b, text.p, text.n);
    buf_free(&text);
}

/* Sets e to `b` and frees b. */
static bool give(struct err *e, enum err_code code, struct buf *b)
{
    err_set(e, code, "%s", b->p);
    buf_free(b);
    return false;
}

static bool overlong(struct dialogue *d, struct err *e)
{
    struct buf b = {0};
    if (d->asked)
        add_asked(d, &b);
    else
        buf_str(&b, link_device(d->link));
    buf_printf(&b, ": more than %zu KiB came without an end",
               (d->reply.n > REPLY_MAX_BYTES ? REPLY_MAX_BYTES : LINE_MAX_BYTES) >> 10);
    return give(e, ERR_MISMATCH, &b);
}

/* Nothing or not enough came within d->timeout. */
static bool too_late(struct dialogue *d, struct err *e)
{
    struct buf b = {0};
    if (d->asked)
        add_asked(d, &b);
    else
        buf_printf(&b, "%s: waited for a line", link_device(d->link));
    bool fragment = has_fragment(d);
    if (fragment) {
        buf_str(&b, ", only ");
        add_fragment(d, &b);
    } else {
        buf_str(&b, ", no answer");
    }
    buf_printf(&b, " within %.10g ms", ns_to_s(d->timeout) * 1e3);
    if (d->asked)
        give_up(d, true);
    return give(e, fragment ? ERR_FRAGMENT : ERR_SILENT, &b);
}

static bool link_gone(struct dialogue *d, struct err *e)
{
    struct err why = ERR_INIT;
    link_up(d->link, &why);
    if (!d->asked)
        return err_set(e, why.code, "%s", why.text);
    struct buf b = {0};
    add_asked(d, &b);
    buf_printf(&b, ": %s", why.text);
    return give(e, why.code, &b);
}

enum reply_state dialogue_poll(struct dialogue *d, const char **reply, ns_t *at, struct err *e)
{
    if (!d->asked) {
        link_readable(d->link)->set = false;
        return REPLY_NONE;
    }
    enum feed got;
    bool late = is_late(d, d->deadline);
    while ((got = feed(d)) == FEED_LINE && d->reply.n <= REPLY_MAX_BYTES) {
        if (!take_line(d, reply))
            continue;
        end_question(d);
        d->answered = true;
        if (at)
            *at = d->at;
        mark_more(d);
        return REPLY_READY;
    }
    if (got != FEED_NOTHING || d->overlong)
        overlong(d, e);
    else if (!link_up(d->link, NULL))
        link_gone(d, e);
    else if (late)
        too_late(d, e);
    else {
        link_readable(d->link)->set = false;
        return REPLY_PENDING;
    }
    end_question(d);
    mark_more(d);
    return REPLY_FAILED;
}

bool dialogue_query(struct dialogue *d, const char *text, enum reply_rule rule, ns_t timeout,
                    const char **reply, struct err *e)
{
    if (!dialogue_ask(d, text, rule, timeout, e))
        return false;
    for (;;) {
        enum reply_state s = dialogue_poll(d, reply, NULL, e);
        if (s != REPLY_PENDING)
            return s == REPLY_READY;
        loop_wait(d->loop, dialogue_event(d), d->deadline);
    }
}

/* --- streams ------------------------------------------------------------------------------------------- */

bool dialogue_next_line(struct dialogue *d, const char **line, ns_t *at)
{
    if (d->asked)
        return false;
    enum feed got;
    while ((got = feed(d)) == FEED_OVERLONG)
        ;
    if (got == FEED_NOTHING) {
        link_readable(d->link)->set = false;
        return false;
    }
    *line = d->line.p;
    if (at)
        *at = d->at;
    mark_more(d);
    return true;
}

bool dialogue_line(struct dialogue *d, ns_t timeout, const char **line, struct err *e)
{
    assert(!d->asked && "a question is outstanding");
    ns_t deadline = later(d, timeout);
    d->timeout = timeout;
    d->lines = 0;
    for (;;) {
        bool late = is_late(d, deadline);
        enum feed got = feed(d);
        if (got == FEED_LINE) {
            *line = d->line.p;
            mark_more(d);
            return true;
        }
        if (got == FEED_OVERLONG)
            return overlong(d, e);
        if (!link_up(d->link, NULL))
            return link_gone(d, e);
        if (late)
            return too_late(d, e);
        link_readable(d->link)->set = false;
        loop_wait(d->loop, link_readable(d->link), deadline);
    }
}

bool dialogue_drain(struct dialogue *d, ns_t quiet, ns_t timeout)
{
    dialogue_cancel(d);
    ns_t end = later(d, timeout);
    for (;;) {
        discard(d);
        link_readable(d->link)->set = false;
        if (!link_up(d->link, NULL))
            return true;
        ns_t quiet_at = later(d, quiet);
        if (!loop_wait(d->loop, link_readable(d->link), quiet_at < end ? quiet_at : end))
            return quiet_at <= end;
    }
}

bool dialogue_mismatch(struct dialogue *d, struct err *e, const char *reply, const char *wanted)
{
    struct buf b = {0};
    add_asked(d, &b);
    buf_str(&b, ", got ");
    add_got(&b, reply, strlen(reply));
    buf_printf(&b, ", wanted %s", wanted);
    bool late = d->fits && d->former.n && d->fits(d->former.p, reply);
    if (late) {
        buf_str(&b, ": the answer to `");
        transcript_escape(&b, d->former.p, d->former.n < SHOWN ? d->former.n : SHOWN);
        buf_str(&b, "` that was given up");
    }
    d->answered = false;
    give_up(d, d->overdue); /* its own answer comes behind this one, if at all */
    return give(e, late ? ERR_LATE : ERR_MISMATCH, &b);
}
