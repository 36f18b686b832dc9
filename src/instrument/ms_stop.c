/* Stopping a MethodSCRIPT device, opening its cell, and what the stop says of what went before.
 *
 * `Z` is the one command that is heard while a script runs: it ends the loop, and the script's own
 * on_finished: opens the cell. Two states are not covered by it: after a run-time error the script is over
 * without on_finished:, so the cell may still be on; and a line may be half sent. Hence the bytes of a cut
 * are
 *
 *     LF  Z LF  e LF  cell_off LF  LF
 *
 * LF ends a half-sent line. (In the midst of an upload the following `Z` then makes the script invalid, so
 * that it is refused rather than run in part.) If a script runs, Z stops it and its end opens the cell; what
 * follows is refused with X!0006 or X!0003 or, when the script is over by then, opens the cell once more. If
 * none runs, Z is refused with Z!0006 and the second script opens the cell. Either way nothing needs to be
 * read in between.
 *
 * Starting anew. A device that resets loses its script and says nothing, or its firmware's name: then a `Z`
 * or `Y` is refused with !0006 where a program should run, and the cell is open.
 *
 * A cut is a best effort; potentiostat_settle() then goes step by step and believes only what the device
 * confirms. */
#include "instrument/ms_driver.h"

#include <stdio.h>
#include <string.h>

#include "instrument/ms_errors.h"

#define OPEN_BYTES "e\ncell_off\n\n"
#define CUT_BYTES  "\nZ\n" OPEN_BYTES

#define QUIET (20 * NS_MS)
/* From Z to the script's end. */
#define STOP_TIME (2 * NS_S)

static struct loop *loop_of(const struct ms *m)
{
    return link_loop(dialogue_link(m->base.dialogue));
}

/* Only who refuses every stop had no script at the first one: of a device that was silent for a while the
 * answer to that may be the one that is missing. */
void ms_hear_stop(struct ms *m, char second)
{
    if (second != '!')
        m->was_running = false;
    else if (m->was_running && m->stops > 0 && --m->stops == 0)
        m->idle = true;
}

static void note_running(struct ms *m)
{
    if (m->phase != RUNNING)
        return;
    m->was_running = m->segment >= 0 && m->segment + 1 < m->script.n;
    m->stops = 0;
}

bool ms_cut(struct potentiostat *p, struct err *e)
{
    struct ms *m = ms_of(p);
    note_running(m);
    m->phase = CUT;
    m->cut_sent = true;
    m->stops++;
    m->done_pending = false;
    dialogue_cancel(p->dialogue);
    return dialogue_send(p->dialogue, CUT_BYTES, e);
}

void ms_cut_bytes(struct potentiostat *p, struct buf *out)
{
    (void)p;
    buf_str(out, CUT_BYTES);
}

/* The device may be deaf for a while behind the cut, or still end its script: the question is asked again.
 * Where the cut was lost it is repeated. */
int ms_errands(struct potentiostat *p, struct errand *out, int max)
{
    struct errand cut = errand_make("cell off", 0, CUT_BYTES, strlen(CUT_BYTES));
    struct errand open = errand_make("open cell", 1, OPEN_BYTES, strlen(OPEN_BYTES));
    (void)p;
    open.kind = ERRAND_TEXT;
    snprintf(open.wanted, sizeof open.wanted, "e\n\n");
    snprintf(open.proves, sizeof open.proves, "cell open");
    open.quiet = MS_DEAF_TIME;
    open.answer = MS_REPLY_TIMEOUT;
    open.timeout = STOP_TIME;
    struct errand all[] = {cut, open, cut, open};
    int n = (int)(sizeof all / sizeof all[0]);
    all[2].turn = 1;
    all[2].only_unproven = all[3].only_unproven = true;
    n = n < max ? n : max;
    memcpy(out, all, (size_t)n * sizeof *out);
    return n;
}

/* Time left until the earlier of `deadline` and now + at_most. */
static ns_t left(const struct ms *m, ns_t deadline, ns_t at_most)
{
    ns_t rest = deadline - loop_now(loop_of(m));
    return rest < at_most ? (rest > 0 ? rest : 0) : at_most;
}

/* Reads on until a line that starts with one of `first` (an empty line counts as NUL). Its second character
 * is given, so that a refusal can be told. */
static bool read_until(struct ms *m, const char *first, size_t n, ns_t until, char *found, char *second,
                       struct err *e)
{
    const char *line;
    for (;;) {
        ns_t rest = left(m, until, NS_NEVER);
        if (!dialogue_line(m->base.dialogue, rest, &line, e))
            return false;
        if (memchr(first, line[0], n)) {
            *found = line[0];
            *second = line[0] ? line[1] : '\0';
            return true;
        }
        if (rest == 0)
            return err_set(e, ERR_MISMATCH, "the device goes on streaming");
    }
}

/* Where one was refused: what became of those before. */
static void hear_other_stops(struct ms *m, ns_t deadline)
{
    char found, second;
    ns_t until = loop_now(loop_of(m)) + left(m, deadline, MS_DEAF_TIME);
    while (m->was_running && m->stops > 0 && read_until(m, "Z", 1, until, &found, &second, NULL))
        ms_hear_stop(m, second);
}

/* No script runs afterwards, and nothing of one is on its way. */
static bool stop_script(struct ms *m, ns_t deadline, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    char found, second;
    m->stops++;
    if (!dialogue_send(d, "\nZ\n", e))
        return false;
    ns_t until = loop_now(loop_of(m)) + left(m, deadline, MS_REPLY_TIMEOUT);
    if (!read_until(m, "Z", 1, until, &found, &second, e))
        return err_context(e, "stop not acknowledged");
    ms_hear_stop(m, second);
    hear_other_stops(m, deadline);
    ns_t quiet = MS_DEAF_TIME;
    if (second != '!') {
        until = loop_now(loop_of(m)) + left(m, deadline, STOP_TIME);
        if (!read_until(m, "\0!", 2, until, &found, &second, e))
            return err_context(e, "script did not end");
        quiet = found == '!' || m->cut_sent ? MS_DEAF_TIME : QUIET;
    }
    if (!dialogue_drain(d, quiet, left(m, deadline, STOP_TIME)))
        return err_set(e, ERR_MISMATCH, "the device goes on sending");
    return true;
}

static bool open_cell(struct ms *m, ns_t deadline, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    ns_t timeout = left(m, deadline, MS_REPLY_TIMEOUT);
    if (!dialogue_query(d, OPEN_BYTES, REPLY_LINE, timeout, &line, e))
        return false;
    int code = line[0] == 'e' ? ms_error_code(line) : -1;
    if (code >= 0)
        return err_set(e, ERR_REFUSED, "cell_off refused: %s (`%s`)", ms_error_text(code), line);
    if (strcmp(line, "e") != 0)
        return dialogue_mismatch(d, e, line, "`e`, cell_off accepted");
    if (!dialogue_line(d, left(m, deadline, MS_REPLY_TIMEOUT), &line, e))
        return false;
    if (line[0] != '\0')
        return dialogue_mismatch(d, e, line, "an empty line, cell_off done");
    return true;
}

bool ms_settle(struct potentiostat *p, ns_t timeout, struct err *e)
{
    struct ms *m = ms_of(p);
    struct err now = ERR_INIT, last = ERR_INIT;
    ns_t deadline = loop_now(loop_of(m)) + loop_patience(loop_of(m), timeout);
    note_running(m);
    m->phase = CUT;
    m->done_pending = false;
    dialogue_cancel(p->dialogue);
    do {
        if (stop_script(m, deadline, &now) && open_cell(m, deadline, &now)) {
            m->phase = IDLE;
            m->cut_sent = false;
            return true;
        }
        /* One that says nothing may obey: idle behind a run-time error, its cell on, it was deaf behind the Z
         * that it refused. By now it hears again. */
        if (now.code == ERR_SILENT)
            dialogue_send(p->dialogue, OPEN_BYTES, NULL);
        if (now.code != ERR_SILENT || last.code != ERR_REFUSED) /* the last try has hardly time to hear */
            last = now;
    } while (link_up(dialogue_link(m->base.dialogue), NULL) && loop_now(loop_of(m)) < deadline);
    if (e)
        *e = last;
    return err_context(e, "open cell not confirmed");
}

/* A device that fell silent in the midst of a program, and has none when it answers again. Why is not known:
 * it started anew, or its program came to an end (by an error, or by itself) of which nothing was heard. */
bool ms_explain(struct potentiostat *p, struct err *found)
{
    if (!ms_of(p)->idle)
        return false;
    err_set(found, ERR_RESET,
            "no program ran any more when it was told to stop: it has started anew, or ended it unheard");
    return true;
}

/* As above, but not every stop was answered: one of those may have ended the program. */
bool ms_may_be_anew(struct potentiostat *p)
{
    const struct ms *m = ms_of(p);
    return m->phase == IDLE && m->was_running && !m->idle && m->stops > 0;
}
