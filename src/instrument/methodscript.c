/* PalmSens instruments that speak MethodSCRIPT: uploads a program as one script and reads its stream. How it
 * is stopped: ms_stop.c. */
#include "instrument/ms_driver.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "instrument/ms_errors.h"
#include "instrument/ms_package.h"

/* Slowest line that a script is uploaded through. */
#define UPLOAD_BYTES_PER_S 11520.0

/* ---- identification ---- */

/* "tes4_lr1304#Oct 22 2021 14:38:26" and, up to the one that ends with `*`, further lines. */
static bool read_firmware(struct ms *m, char *text, size_t n, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    if (!dialogue_query(d, "t\n", REPLY_LINE, MS_REPLY_TIMEOUT, &line, e))
        return false;
    if (line[0] != 't' || line[1] == '!')
        return dialogue_mismatch(d, e, line, "a firmware version");
    snprintf(text, n, "%s", line + 1);
    for (int k = 0; k < 3 && !strchr(line, '*'); k++)
        if (!dialogue_line(d, MS_REPLY_TIMEOUT, &line, e))
            return false;
    return true;
}

static bool read_serial(struct ms *m, char *text, size_t n, struct err *e)
{
    struct dialogue *d = m->base.dialogue;
    const char *line;
    if (!dialogue_query(d, "i\n", REPLY_LINE, MS_REPLY_TIMEOUT, &line, e))
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
    ns_t timeout = MS_REPLY_TIMEOUT + ns_from_s((double)n / UPLOAD_BYTES_PER_S);
    if (!dialogue_query(d, text, REPLY_LINE, timeout, &line, e))
        return false;
    if (strcmp(line, "e") == 0)
        return true;
    int code = line[0] == 'e' ? ms_error_code(line) : -1;
    if (code < 0)
        dialogue_mismatch(d, e, line, "`e`, the script accepted");
    else
        err_set(e, ERR_REFUSED, "script refused: %s (`%s`)", ms_error_text(code), line);
    dialogue_drain(d, MS_DEAF_TIME, 2 * MS_DEAF_TIME);
    return false;
}

static void begin_running(struct ms *m)
{
    m->phase = RUNNING;
    m->segment = -1;
    m->next = 0;
    m->idle = m->was_running = m->in_loop = m->advancing = m->finishing = m->over = m->done_pending = false;
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

#define NO_SCRIPT 0x0006 /* wrong mode: nothing runs */
#define FATAL     0x7FFF /* the device resets itself */

/* A run-time error (`!XXXX`), or the refusal of a word to the running script (`Y!XXXX`, `Z!XXXX`). */
static enum potentiostat_item_kind device_error(struct ms *m, const char *line, struct err *e)
{
    int code = ms_error_code(line);
    bool refusal = line[0] != '!';
    if (code < 0)
        return garbage(m, line, "an error code", e);
    bool reset = code == FATAL || (refusal && code == NO_SCRIPT);
    err_set(&m->failure,
            reset     ? ERR_RESET
            : refusal ? ERR_REFUSED
                      : ERR_REPORTED,
            "potentiostat: %s%s (`%s`)",
            refusal && reset ? "no program runs any more, it has started anew or ended it unheard: " : "",
            ms_error_text(code), line);
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

/* Of a line that is none of the program's: a device that starts tells its firmware. */
static enum potentiostat_item_kind stray(struct ms *m, const char *line, struct err *e)
{
    if (!strstr(line, m->config.model->id_prefix))
        return garbage(m, line, "a line of the running program", e);
    err_set(&m->failure, ERR_RESET, "potentiostat: it has started anew and says `%.80s`", line);
    return fail(m, e);
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
    case 'Z': /* a script's own end comes before the refusal of a word to it */
        return line[1] == '!' ? device_error(m, line, e) : PSTAT_NONE;
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
        return stray(m, line, e);
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
        if (m->phase != RUNNING) { /* nobody's: after a cut, or stray text of an idle device */
            if (line[0] == 'Z')
                ms_hear_stop(m, line[1]);
            continue;
        }
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
    .explain = ms_explain,
    .may_be_anew = ms_may_be_anew,
    .cut_bytes = ms_cut_bytes,
    .errands = ms_errands,
};

/* Every reply begins with the letter of its command. */
static bool fits(const char *question, const char *reply)
{
    return question[0] == reply[0];
}

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
    dialogue_tell_late(d, fits);
    return &m->base;
}

const struct potentiostat_driver methodscript_driver = {"methodscript", ms_open};
