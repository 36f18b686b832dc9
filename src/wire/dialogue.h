/* Asking a device and reading its answers over a link: lines that survive between calls, deadlines, and
 * four distinct errors for silence (ERR_SILENT), part of a reply (ERR_FRAGMENT), a reply that is not one
 * (ERR_MISMATCH, by the caller that understands it, with dialogue_mismatch()), and one that is the answer to
 * an earlier question (ERR_LATE, by the same).
 *
 *   set command      dialogue_send(d, "MOV 3 10\n")             writes; expects nothing
 *   question         dialogue_query(d, "POS? 3\n", rule, ...)   discards stale input, writes, waits, reply
 *   split-phase      dialogue_ask(d, ...)  ... dialogue_poll(d) ...   the same without waiting
 *   stream           dialogue_next_line(d)                       lines as they come, never waits
 *
 * One question may be outstanding at a time (asserted). A stop byte may be written at any time with
 * dialogue_send(). */
#ifndef SECCM_WIRE_DIALOGUE_H
#define SECCM_WIRE_DIALOGUE_H

#include "base/buf.h"
#include "wire/link.h"

/* When a reply is complete. Lines end with LF; CR before LF, XON/XOFF bytes and NULs before a line are
 * dropped. A NUL inside a line becomes SUB (0x1A), so that no text ends early and no number loses a digit
 * unseen. */
enum reply_rule {
    REPLY_LINE,       /* one line */
    REPLY_GCS,        /* lines until one that does not end with a blank before its LF (PI GCS 2.0) */
    REPLY_EMPTY_LINE, /* lines until an empty one (MethodSCRIPT) */
};

enum reply_state { REPLY_NONE, REPLY_PENDING, REPLY_READY, REPLY_FAILED };

struct dialogue;

/* Does not own the link. */
struct dialogue *dialogue_new(struct link *k);
void dialogue_free(struct dialogue *d);
struct link *dialogue_link(struct dialogue *d);

/* Writes text as it is. */
bool dialogue_send(struct dialogue *d, const char *text, struct err *e);
bool dialogue_send_bytes(struct dialogue *d, const void *bytes, size_t n, struct err *e);

/* Discards (and counts) input that nobody asked for, writes the question, arms the reply. */
bool dialogue_ask(struct dialogue *d, const char *text, enum reply_rule rule, ns_t timeout, struct err *e);
/* READY: *reply is the text without its last LF (lines of a multi-line reply separated by LF, trailing blanks
 * of continued lines kept), valid until the next call on d; *at (optional) is when its last byte came.
 * FAILED: ERR_SILENT, ERR_FRAGMENT (naming what was asked and what came) or ERR_LINK. READY and FAILED end
 * the question. NONE: nothing was asked. A line may have 64 KiB, a reply 1 MiB: what is longer is
 * ERR_MISMATCH for a question, and discarded (and counted) in a stream. */
enum reply_state dialogue_poll(struct dialogue *d, const char **reply, ns_t *at, struct err *e);
/* Set when dialogue_poll() or dialogue_next_line() may have something new: bytes came, the link went down,
 * the deadline of the question passed. Cleared by them when they have nothing more. */
struct event *dialogue_event(struct dialogue *d);
/* Forgets an outstanding question; its late answer will be discarded as stale. */
void dialogue_cancel(struct dialogue *d);
/* ask + wait + poll. */
bool dialogue_query(struct dialogue *d, const char *text, enum reply_rule rule, ns_t timeout,
                    const char **reply, struct err *e);

/* Next complete line without its LF, without waiting; valid until the next call on d. false: none now (and
 * none while a question is outstanding: the lines belong to it). */
bool dialogue_next_line(struct dialogue *d, const char **line, ns_t *at);
/* Waits for the next line. ERR_SILENT or ERR_FRAGMENT at the deadline, ERR_LINK, ERR_MISMATCH (too long). */
bool dialogue_line(struct dialogue *d, ns_t timeout, const char **line, struct err *e);
/* Forgets an outstanding question, then reads and throws away (and counts) until nothing came for `quiet`, at
 * most for `timeout`; false if it never became quiet. A link that is down is quiet. */
bool dialogue_drain(struct dialogue *d, ns_t quiet, ns_t timeout);

/* err_set(ERR_MISMATCH) naming device, what was asked and what came. Always false. ERR_LATE if the question
 * before got no answer and `reply` fits it. */
bool dialogue_mismatch(struct dialogue *d, struct err *e, const char *reply, const char *wanted);
/* Whether `reply` may be an answer to `question` (as it was sent). */
typedef bool dialogue_fits(const char *question, const char *reply);
/* The driver's rule, by which a late answer is told from a damaged one. Without one all are damaged. */
void dialogue_tell_late(struct dialogue *d, dialogue_fits *fits);
/* Answers so far that came behind the deadline of their question, seen as they were thrown away. It takes the
 * next question or a drain to notice one: whoever was told ERR_SILENT looks here afterwards. */
uint64_t dialogue_late(const struct dialogue *d);

/* The link was opened anew: d speaks over k from now on; whatever was outstanding or half received is
 * forgotten. The former link stays the caller's. */
void dialogue_attach(struct dialogue *d, struct link *k);
/* Received bytes discarded so far: late answers, unasked lines, overlong lines, drained bytes. */
uint64_t dialogue_stale(const struct dialogue *d);

#endif
