/* PalmSens instruments that speak MethodSCRIPT: uploads a program as one script, reads its stream, stops it.
 *
 * Stopping. `Z` is the one command that is heard while a script runs: it ends the loop, and the script's own
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
 * A cut is a best effort; potentiostat_settle() then goes step by step and believes only what the device
 * confirms. */
#include "instrument/potentiostat_ops.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instrument/ms_errors.h"
#include "instrument/ms_package.h"
#include "instrument/ms_script.h"

#define OPEN_BYTES "e\ncell_off\n\n"
#define CUT_BYTES  "\nZ\n" OPEN_BYTES

#define REPLY_TIMEOUT (300 * NS_MS)
/* Slowest line that a script is uploaded through. */
#define UPLOAD_BYTES_PER_S 11520.0
/* After an error while a script was being uploaded the device swallows input for 50 to 100 ms. */
#define DEAF_TIME (150 * NS_MS)
#define QUIET     (20 * NS_MS)
/* From Z to the script's end. */
#define STOP_TIME (2 * NS_S)

enum phase { IDLE, RUNNING, CUT, FAILED };

#define NO_REASON INT_MIN

struct ms {
    struct potentiostat base;
    struct potentiostat_config config;
    enum phase phase;
    struct ms_script script; /* of the running program; its text is already sent and freed */
    int segment;             /* -1 before the first loop */
    int next;                /* which one begins with the next loop */
    bool in_loop;
    bool advancing, finishing;
    bool over;     /* the present loop is a gate that ran out */
    bool cut_sent; /* its second script was probably refused, after which the device is deaf for a while */
    int reason;    /* said by the script for the present loop, or NO_REASON */
    /* place within the present loop */
    int scan;       /* scans begun; 0 if the device does not count them */
    int leg;        /* of the scan */
    int leg_points; /* samples of the leg so far */
    int64_t samples;
    double t_first; /* s, device's timer at the loop's first sample */
    bool done_pending;
    struct err failure;
};

static struct ms *ms_of(struct potentiostat *p)
{
    return (struct ms *)p;
}

static struct loop *loop_of(const struct ms *m)
{
    return link_loop(dialogue_link(m->base.dialogue));
}

/* ---- identification ---- */

/* "tes4_lr1304#Oct 22 2021 14:38:26" and, up to the one that ends with `*`, further lines. */
static bool read_firmware(struct ms *m, char *text, size_t n, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    if (!dialogue_query(d, "t\n", REPLY_LINE, REPLY_TIMEOUT, &line, e))
        return false;
    if (line[0] != 't' || line[1] == '!')
        return dialogue_mismatch(d, e, line, "a firmware version");
    snprintf(text, n, "%s", line + 1);
    for (int k = 0; k < 3 && !strchr(line, '*'); k++)
        if (!dialogue_line(d, REPLY_TIMEOUT, &line, e))
            return false;
    return true;
}

static bool read_serial(struct ms *m, char *text, size_t n, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    if (!dialogue_query(d, "i\n", REPLY_LINE, REPLY_TIMEOUT, &line, e))
        return false;
    if (line[0] != 'i' || line[1] == '!')
        return dialogue_mismatch(d, e, line, "a serial number");
    snprintf(text, n, "%s", line + 1);
    return true;
}

static bool ms_identify(struct potentiostat *p, char *id, size_t n, struct err *e)
{
    struct ms *m = ms_of(p);
    const struct potentiostat_model *model = m->config.model;
    char firmware[80], serial[48];
    if (!read_firmware(m, firmware, sizeof(firmware), e) || !read_serial(m, serial, sizeof(serial), e))
        return false;
    if (strncmp(firmware, model->id_prefix, strlen(model->id_prefix)) != 0) {
        dialogue_mismatch(p->dialogue, e, firmware, model->id_prefix);
        return err_context(e, "the rig file says %s", model->name);
    }
    size_t type = strlen(model->id_prefix);
    snprintf(id, n, "%s, firmware %s, serial %s", model->name, firmware + type, serial);
    return true;
}

/* ---- starting ---- */

static bool ms_compile(struct potentiostat *p, const struct program *g, struct buf *text, struct err *e)
{
    struct ms_script *script = xcalloc(1, sizeof(*script));
    bool ok = ms_script_build(&ms_of(p)->config, g, script, e);
    if (ok)
        buf_add(text, script->text.p, script->text.n);
    buf_free(&script->text);
    free(script);
    return ok;
}

/* "P", variables with ";" between them, LF; a variable is 10 characters, one that is measured has status and
 * range behind it (",10,2XX", 7). With potential, time and, but for open circuit, a current. */
static double ms_sample_bytes(struct potentiostat *p, const struct segment *s)
{
    enum { VARIABLE = 10, META = 7, FRAME = 2 };
    (void)p;
    if (s->kind == SEGMENT_OPEN)
        return FRAME + 2 * VARIABLE + META + 1;
    return FRAME + 3 * VARIABLE + META * (s->kind == SEGMENT_GALVANOSTATIC ? 2 : 1) + 2;
}

static size_t ms_text_max(struct potentiostat *p)
{
    return ms_of(p)->config.model->script_max;
}

static bool upload(struct ms *m, const char *text, size_t n, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    ns_t timeout = REPLY_TIMEOUT + ns_from_s((double)n / UPLOAD_BYTES_PER_S);
    if (!dialogue_query(d, text, REPLY_LINE, timeout, &line, e))
        return false;
    if (strcmp(line, "e") == 0)
        return true;
    int code = line[0] == 'e' ? ms_error_code(line) : -1;
    if (code < 0)
        dialogue_mismatch(d, e, line, "`e`, the script accepted");
    else
        err_set(e, ERR_REFUSED, "script refused: %s (`%s`)", ms_error_text(code), line);
    dialogue_drain(d, DEAF_TIME, 2 * DEAF_TIME);
    return false;
}

static void begin_running(struct ms *m)
{
    m->phase = RUNNING;
    m->segment = -1;
    m->next = 0;
    m->in_loop = m->advancing = m->finishing = m->over = m->done_pending = false;
    m->reason = NO_REASON;
    err_clear(&m->failure);
}

static bool ms_start(struct potentiostat *p, const struct program *g, struct err *e)
{
    struct ms *m = ms_of(p);
    if (m->phase != IDLE)
        return err_set(e, ERR_INTERNAL,
                       "potentiostat: a program was started before the last one was settled");
    if (!ms_script_build(&m->config, g, &m->script, e))
        return false;
    bool ok = upload(m, m->script.text.p, m->script.text.n, e);
    buf_free(&m->script.text);
    if (ok)
        begin_running(m);
    return ok;
}

/* ---- the stream ---- */

static enum potentiostat_item_kind fail(struct ms *m, struct err *e)
{
    m->phase = FAILED;
    if (e)
        *e = m->failure;
    return PSTAT_FAILED;
}

static enum potentiostat_item_kind garbage(struct ms *m, const char *line, const char *wanted, struct err *e)
{
    dialogue_mismatch(m->base.dialogue, &m->failure, line, wanted);
    return fail(m, e);
}

static enum potentiostat_item_kind device_error(struct ms *m, const char *line, struct err *e)
{
    int code = ms_error_code(line);
    if (code < 0)
        return garbage(m, line, "an error code", e);
    err_set(&m->failure, ERR_REFUSED, "potentiostat: %s (`%s`)", ms_error_text(code), line);
    if (m->segment >= 0)
        err_context(&m->failure, "segment %d", m->segment);
    return fail(m, e);
}

static enum potentiostat_item_kind take_begin(struct ms *m, const char *line, struct potentiostat_item *out,
                                              struct err *e)
{
    char *end;
    long technique = strtol(line + 1, &end, 16);
    if (end != line + 5 || *end != '\0' || m->in_loop || m->next >= m->script.n)
        return garbage(m, line, "a line of the running program", e);
    if (technique != m->script.segment[m->next].technique)
        return garbage(m, line, "the beginning of the program's next loop", e);
    m->segment = m->next;
    m->in_loop = true;
    m->advancing = m->over = false;
    m->reason = NO_REASON;
    m->scan = m->leg = m->leg_points = 0;
    m->samples = 0;
    out->kind = PSTAT_BEGIN;
    out->segment = m->segment;
    return PSTAT_BEGIN;
}

/* Which sweep this potential belongs to: a leg ends with the sample at its vertex. Its known number of steps
 * bounds it, for a device that turns short of a vertex that is no whole number of steps away. */
static int16_t track_sweep(struct ms *m, const struct ms_segment *s, double e_instrument)
{
    int16_t sweep = (int16_t)m->leg;
    if (m->leg + 1 >= s->n_legs)
        return sweep;
    m->leg_points++;
    bool reached = fabs(e_instrument - s->leg_end[m->leg]) <= s->half_step * 1.001;
    if (reached || m->leg_points > s->leg_points[m->leg]) {
        m->leg++;
        m->leg_points = 0;
    }
    return sweep;
}

static const struct ms_var *find(const struct ms_package *k, uint16_t type, uint16_t other)
{
    for (int i = 0; i < k->n; i++)
        if (k->var[i].type == type || k->var[i].type == other)
            return &k->var[i];
    return NULL;
}

static double value_or_nan(struct dec d)
{
    return dec_is_nan(d) ? NAN : dec_value(d);
}

static double sample_time(struct ms *m, const struct ms_segment *s, struct dec t_raw)
{
    if (dec_is_nan(t_raw))
        return (double)m->samples * s->interval;
    double t = dec_value(t_raw);
    if (m->samples == 0)
        m->t_first = t;
    return t - m->t_first;
}

static enum potentiostat_item_kind take_sample(struct ms *m, const char *line, ns_t at,
                                               struct potentiostat_item *out, struct err *e)
{
    struct ms_package package;
    if (!m->in_loop || !ms_package_parse(line, &package))
        return garbage(m, line, "a data package", e);
    const struct ms_segment *s = &m->script.segment[m->segment];
    const struct ms_var *p = find(&package, MS_TYPE('d', 'a'), MS_TYPE('a', 'b'));
    const struct ms_var *c = find(&package, MS_TYPE('b', 'a'), MS_TYPE('d', 'b'));
    const struct ms_var *t = find(&package, MS_TYPE('e', 'b'), MS_TYPE('e', 'b'));
    if (!p || (!c && s->technique != MS_OCP))
        return garbage(m, line, "a data package with potential and current", e);
    struct sample *x = &out->sample;
    *x = (struct sample){
        .host = at, .t_raw = t ? t->value : DEC_NAN, .e_raw = p->value, .i_raw = c ? c->value : DEC_NAN};
    double volts = value_or_nan(x->e_raw);
    x->t = sample_time(m, s, x->t_raw);
    x->e = wiring_sample_potential(&m->config.wiring, volts);
    x->i = wiring_sample_current(&m->config.wiring, value_or_nan(x->i_raw));
    x->cycle = m->scan > 1 ? m->scan : 1;
    x->sweep = track_sweep(m, s, volts);
    x->range = c ? c->range : p->range;
    /* The device's bits are ours (sample.h); one of the potential (a galvanostat at its rail) counts as well.
     */
    x->status = (p->status | (c ? c->status : 0)) & 0x0F;
    if (dec_is_nan(x->e_raw) || (c && dec_is_nan(x->i_raw)))
        x->status |= SAMPLE_INVALID;
    m->samples++;
    out->kind = PSTAT_SAMPLE;
    out->segment = m->segment;
    return PSTAT_SAMPLE;
}

/* A gate that ran out is over whether or not an advance was on its way. */
static enum potentiostat_item_kind take_end(struct ms *m, struct potentiostat_item *out)
{
    m->in_loop = false;
    m->next = m->segment + 1 + (m->over ? m->script.segment[m->segment].skips : 0);
    out->kind = PSTAT_END;
    out->segment = m->segment;
    if (m->reason != NO_REASON)
        out->ended_by = m->reason;
    else if ((m->advancing && !m->over) || m->finishing)
        out->ended_by = ENDED_ADVANCED;
    else
        out->ended_by = m->script.segment[m->segment].natural;
    return PSTAT_END;
}

static enum potentiostat_item_kind take_done(struct ms *m, struct potentiostat_item *out, struct err *e)
{
    if (m->in_loop) { /* the loop's own end was not announced */
        m->done_pending = true;
        return take_end(m, out);
    }
    bool complete = m->next == m->script.n || m->finishing || m->reason == ENDED_CEILING;
    if (!complete) {
        err_set(&m->failure, ERR_MISMATCH, "potentiostat: the program ended after segment %d of %d",
                m->segment + 1, m->script.n);
        return fail(m, e);
    }
    m->phase = IDLE;
    out->kind = PSTAT_DONE;
    out->segment = m->segment;
    return PSTAT_DONE;
}

static void take_text(struct ms *m, const char *text)
{
    size_t n = strlen(MS_SAY_UNTIL);
    if (strcmp(text, MS_SAY_CEILING) == 0)
        m->reason = ENDED_CEILING;
    else if (strcmp(text, MS_SAY_COMPLIANCE) == 0)
        m->reason = ENDED_COMPLIANCE;
    else if (strcmp(text, MS_SAY_OVER) == 0)
        m->over = true;
    else if (strncmp(text, MS_SAY_UNTIL, n) == 0 && text[n] >= '0' && text[n] < '0' + UNTIL_MAX &&
             m->reason == NO_REASON)
        m->reason = text[n] - '0';
}

static enum potentiostat_item_kind take_line(struct ms *m, const char *line, ns_t at,
                                             struct potentiostat_item *out, struct err *e)
{
    switch (line[0]) {
    case 'P':
        return take_sample(m, line, at, out, e);
    case 'M':
        return take_begin(m, line, out, e);
    case 'C':
        m->scan++;
        m->leg = m->leg_points = 0;
        return PSTAT_NONE;
    case '*':
        return m->in_loop ? take_end(m, out) : garbage(m, line, "a line of the running program", e);
    case 'T':
        take_text(m, line + 1);
        return PSTAT_NONE;
    case '\0':
        return take_done(m, out, e);
    case '!':
        return device_error(m, line, e);
    case 'Z': /* refused: the script was over before it came */
        return PSTAT_NONE;
    case 'Y':
        if (line[1] == '!')
            return device_error(m, line, e);
        m->advancing = m->in_loop; /* of one that came late, too: it ends the loop in which it is heard */
        return PSTAT_NONE;
    case '-': /* scan ends */
    case 'L': /* a loop around measurement loops begins, */
    case '+': /* ends */
        return PSTAT_NONE;
    default:
        return garbage(m, line, "a line of the running program", e);
    }
}

static enum potentiostat_item_kind ms_next(struct potentiostat *p, struct potentiostat_item *out,
                                           struct err *e)
{
    struct ms *m = ms_of(p);
    const char *line;
    ns_t at;
    if (m->phase == FAILED)
        return fail(m, e);
    if (m->done_pending) {
        m->done_pending = false;
        return take_done(m, out, e);
    }
    while (dialogue_next_line(p->dialogue, &line, &at)) {
        if (m->phase != RUNNING)
            continue; /* nobody's: after a cut, or stray text of an idle device */
        out->host = at;
        enum potentiostat_item_kind kind = take_line(m, line, at, out, e);
        if (kind != PSTAT_NONE)
            return kind;
    }
    if (m->phase == RUNNING && !link_up(dialogue_link(p->dialogue), &m->failure))
        return fail(m, e);
    return PSTAT_NONE;
}

/* ---- steering and stopping ---- */

static bool ms_advance(struct potentiostat *p, struct err *e)
{
    struct ms *m = ms_of(p);
    /* A Y that comes after its loop's end would end the next one. */
    if (m->phase != RUNNING || !m->in_loop || !m->script.segment[m->segment].open_ended)
        return err_set(e, ERR_INTERNAL, "potentiostat: advance outside an open-ended segment");
    if (m->advancing)
        return true;
    if (!dialogue_send(p->dialogue, "Y\n", e))
        return false;
    m->advancing = true;
    return true;
}

static bool ms_finish(struct potentiostat *p, struct err *e)
{
    struct ms *m = ms_of(p);
    if (m->phase != RUNNING)
        return err_set(e, ERR_INTERNAL, "potentiostat: no program runs that could be finished");
    if (!dialogue_send(p->dialogue, "Z\n", e))
        return false;
    m->finishing = true;
    return true;
}

static bool ms_cut(struct potentiostat *p, struct err *e)
{
    struct ms *m = ms_of(p);
    m->phase = CUT;
    m->cut_sent = true;
    m->done_pending = false;
    dialogue_cancel(p->dialogue);
    return dialogue_send(p->dialogue, CUT_BYTES, e);
}

static void ms_cut_bytes(struct potentiostat *p, struct buf *out)
{
    (void)p;
    buf_str(out, CUT_BYTES);
}

/* The device may be deaf for a while behind the cut, or still end its script: the question is asked again.
 * Where the cut was lost it is repeated. */
static int ms_errands(struct potentiostat *p, struct errand *out, int max)
{
    struct errand cut = errand_make("cell off", 0, CUT_BYTES, strlen(CUT_BYTES));
    struct errand open = errand_make("open cell", 1, OPEN_BYTES, strlen(OPEN_BYTES));
    (void)p;
    open.kind = ERRAND_TEXT;
    snprintf(open.wanted, sizeof open.wanted, "e\n\n");
    snprintf(open.proves, sizeof open.proves, "cell open");
    open.quiet = DEAF_TIME;
    open.answer = REPLY_TIMEOUT;
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

/* No script runs afterwards, and nothing of one is on its way. */
static bool stop_script(struct ms *m, ns_t deadline, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    char found, second;
    if (!dialogue_send(d, "\nZ\n", e))
        return false;
    ns_t until = loop_now(loop_of(m)) + left(m, deadline, REPLY_TIMEOUT);
    if (!read_until(m, "Z", 1, until, &found, &second, e))
        return err_context(e, "stop not acknowledged");
    ns_t quiet = DEAF_TIME;
    if (second != '!') {
        until = loop_now(loop_of(m)) + left(m, deadline, STOP_TIME);
        if (!read_until(m, "\0!", 2, until, &found, &second, e))
            return err_context(e, "script did not end");
        quiet = found == '!' || m->cut_sent ? DEAF_TIME : QUIET;
    }
    if (!dialogue_drain(d, quiet, left(m, deadline, STOP_TIME)))
        return err_set(e, ERR_MISMATCH, "the device goes on sending");
    return true;
}

static bool open_cell(struct ms *m, ns_t deadline, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    ns_t timeout = left(m, deadline, REPLY_TIMEOUT);
    if (!dialogue_query(d, OPEN_BYTES, REPLY_LINE, timeout, &line, e))
        return false;
    if (strcmp(line, "e") != 0)
        return dialogue_mismatch(d, e, line, "`e`, cell_off accepted");
    if (!dialogue_line(d, left(m, deadline, REPLY_TIMEOUT), &line, e))
        return false;
    if (line[0] != '\0')
        return dialogue_mismatch(d, e, line, "an empty line, cell_off done");
    return true;
}

static bool ms_settle(struct potentiostat *p, ns_t timeout, struct err *e)
{
    struct ms *m = ms_of(p);
    struct err last = ERR_INIT;
    ns_t deadline = loop_now(loop_of(m)) + loop_patience(loop_of(m), timeout);
    m->phase = CUT;
    m->done_pending = false;
    dialogue_cancel(p->dialogue);
    do {
        if (stop_script(m, deadline, &last) && open_cell(m, deadline, &last)) {
            m->phase = IDLE;
            m->cut_sent = false;
            return true;
        }
    } while (link_up(dialogue_link(m->base.dialogue), NULL) && loop_now(loop_of(m)) < deadline);
    if (e)
        *e = last;
    return err_context(e, "open cell not confirmed");
}

static void ms_close(struct potentiostat *p)
{
    free(p);
}

static const struct potentiostat_ops ops = {
    .close = ms_close,
    .identify = ms_identify,
    .compile = ms_compile,
    .sample_bytes = ms_sample_bytes,
    .text_max = ms_text_max,
    .start = ms_start,
    .next = ms_next,
    .advance = ms_advance,
    .finish = ms_finish,
    .cut = ms_cut,
    .settle = ms_settle,
    .cut_bytes = ms_cut_bytes,
    .errands = ms_errands,
};

static struct potentiostat *ms_open(struct dialogue *d, const struct potentiostat_config *c, struct err *e)
{
    if (!c->model || abs(c->wiring.potential_sign) != 1 || abs(c->wiring.current_sign) != 1) {
        err_set(e, ERR_INPUT, "the potentiostat's model and both wiring signs must be given");
        return NULL;
    }
    struct ms *m = xcalloc(1, sizeof(*m));
    m->base.ops = &ops;
    m->base.dialogue = d;
    m->config = *c;
    m->phase = IDLE;
    return &m->base;
}

const struct potentiostat_driver methodscript_driver = {"methodscript", ms_open};
