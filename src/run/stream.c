/* The stream of samples of the running program, seen from the run thread. */
#include <math.h>
#include <string.h>

#include "base/bounds.h"
#include "run/hop.h"

/* An open-ended segment ends within this when it is told to. */
#define ADVANCE_TIME NS_S
/* An instrument that follows the current takes a few samples for each of its ranges. */
#define OVERLOADS_RANGING 4

/* A site may be skipped until its steps are done; behind them it ends by itself. */
static bool skipped(struct run *r)
{
    struct attempt *a = &r->attempt;
    struct wishes *w = r->options->wishes;
    bool open = a->outcome == OUTCOME_NONE && r->state >= HOP_UPLOAD && r->state <= HOP_MEASURE;
    if (!open || !wishes_wants_skip(w, a->site->site))
        return false;
    return attempt_outcome(r, OUTCOME_SKIPPED, "skipped by the operator %s", wishes_from(w));
}

bool run_asked(struct run *r, struct err *e)
{
    machine_tell(r);
    if (r->options->stop && *r->options->stop)
        return err_set(e, ERR_CANCELLED, "stopped by %s", machine_signal_name((int)*r->options->stop));
    if (wishes_wants_stop(r->options->wishes))
        return err_set(e, ERR_CANCELLED, "stopped by the operator %s", wishes_from(r->options->wishes));
    if (skipped(r))
        return err_set(e, ERR_LIMIT, "%s", r->attempt.reason);
    show_now(r);
    return writer_ok(r->w, e) || err_context(e, "results file");
}

bool run_wanted(struct run *r, struct err *e)
{
    return run_asked(r, e) && (!r->shown.site || machine_awake(r, e));
}

/* Part by which an instrument's clock may go wrong. */
#define CLOCK_PART 0.01

/* Samples that wait somewhere on their way (this program was stopped or is too slow, an adapter clogged) come
 * in as if they were fresh. The instrument's own clock tells: how much later a sample came than the one that
 * came most promptly in this program. Without such a clock 0. */
static ns_t behind(struct stream *st, const struct sample *s)
{
    if (dec_is_nan(s->t_raw))
        return 0;
    double t = dec_value(s->t_raw), offset = ns_to_s(s->host) - t;
    if (isnan(st->offset) || t < st->offset_t || offset < st->offset) {
        st->offset = offset;
        st->offset_t = t;
    }
    double late = offset - st->offset - CLOCK_PART * (t - st->offset_t);
    return late > 0 ? ns_from_s(late) : 0;
}

bool stream_start(struct run *r, struct err *e)
{
    memset(&r->stream, 0, sizeof r->stream);
    r->stream.offset = NAN;
    r->stream.sp = &r->program;
    r->stream.segment = -1;
    r->stream.last_sample = r->stream.last_came = loop_now(r->loop);
    r->cell_is_open = false;
    if (r->counts.safe) { /* watchers see it before it is so */
        r->counts.safe = false;
        r->shown.next = 0;
        show_now(r);
    }
    if (!potentiostat_start(r->rig->pstat, &r->program.program, e))
        return err_context(e, "starting the program");
    return true;
}

/* Ranges that an autoranging segment may still rise to from this one. */
static int ranges_above(const struct run *r, int range)
{
    const struct potentiostat_model *m = r->rig->config->model;
    const struct segment *g = &r->stream.sp->program.segment[r->stream.segment];
    bool above = false;
    int n = 0;
    for (int k = 0; g->autorange && k < m->n_ranges; k++) {
        n += above;
        above = above || m->ranges[k].index == range;
        if (m->ranges[k].full_scale >= g->i_full * (1 - 1e-9))
            break;
    }
    return n;
}

/* z is going down, or was stopped a moment ago: what was met may be the glass's. */
static bool crash_like(struct run *r, enum segment_role role)
{
    struct attempt *a = &r->attempt;
    if (!a->lowered || role < ROLE_APPROACH || role > ROLE_DECIDE)
        return false;
    a->touched = a->touched == TOUCHED_NO ? TOUCHED_POSSIBLY : a->touched;
    return true;
}

/* At a contact one overload may be its transient; at two sites in a row it is what they have in common. */
#define FLOODED_SITES 2

/* What it means hangs on where it comes: in air only a leak makes such a current, at a contact a flood or a
 * crash. */
static void name_overload(struct run *r, const struct sample *s, enum segment_role role)
{
    struct attempt *a = &r->attempt;
    int n = r->stream.overloads;
    const char *where = segment_role_name(role);
    if (a->outcome != OUTCOME_NONE)
        return;
    if (!a->lowered && role <= ROLE_APPROACH) {
        reach_doubt(r);
        attempt_fault(
            r, FAULT_PROBE_SHORTED, OUTCOME_FAULT,
            "%d overloaded samples in a row in %s, in air, at %.4g V, %.4g A: probe shorted, or wet "
            "outside",
            n, where, s->e, s->i);
        return;
    }
    if (crash_like(r, role) && ++r->flooded_in_a_row >= FLOODED_SITES) {
        attempt_fault(
            r, FAULT_CURRENT_TOO_LARGE, OUTCOME_OVERLOAD,
            "%d overloaded samples in a row in %s at %.4g V, %.4g A, at %d sites in a row: flooded, "
            "or the probe is damaged",
            n, where, s->e, s->i, r->flooded_in_a_row);
        return;
    }
    attempt_outcome(r, OUTCOME_OVERLOAD, "%d overloaded samples in a row in %s at %.4g V, %.4g A", n, where,
                    s->e, s->i);
}

/* A sample that was too large to measure does not count as long as ranges and contact transients settle: the
 * grace is one sample, and some for each range that the instrument may still change to; the second in a row
 * in the largest range ends the step (S6). */
static bool judge_sample(struct run *r, const struct sample *s, struct err *e)
{
    struct stream *st = &r->stream;
    if (s->status & ~SAMPLE_TIMING)
        st->flagged++;
    st->overloads = s->status & (SAMPLE_OVERLOAD | SAMPLE_INVALID) ? st->overloads + 1 : 0;
    if (st->overloads < BOUND_OVERLOADS ||
        st->overloads < BOUND_OVERLOADS + OVERLOADS_RANGING * ranges_above(r, s->range))
        return true;
    enum segment_role role = st->sp->role[st->segment];
    if (role == ROLE_RELAX ||
        role == ROLE_DETACH) { /* all steps are measured; only the break is unverified */
        attempt_flag(r, "overload-at-detach");
        attempt_outcome(r, OUTCOME_MEASURED, "overloaded behind the last step: fully retracted");
        return err_set(e, ERR_LIMIT, "%d overloaded samples in a row in %s", st->overloads,
                       segment_role_name(role));
    }
    name_overload(r, s, role);
    return err_set(e, ERR_LIMIT, "%s", r->attempt.reason);
}

/* Lines that were lost may have held a segment's end and the next one's beginning: then samples of one are
 * taken for the other's, and no segment ever seems to end. */
static bool in_step(struct run *r, ns_t now, struct err *e)
{
    struct stream *st = &r->stream;
    if (st->advanced_at && now - st->advanced_at > loop_patience(r->loop, ADVANCE_TIME))
        return potentiostat_fault(
            e, ERR_SILENT, "potentiostat: it does not end %s, %.2g s after it was told to",
            segment_role_name(st->sp->role[st->segment]), ns_to_s(now - st->advanced_at));
    const struct segment *g = &st->sp->program.segment[st->segment];
    double expected = segment_seconds(g) / g->interval;
    if (++st->samples <= 1.1 * expected + 20)
        return true;
    return potentiostat_fault(e, ERR_MISMATCH,
                              "potentiostat: %lld samples in %s, which has %.0f: lines were lost",
                              (long long)st->samples, segment_role_name(st->sp->role[st->segment]), expected);
}

static bool take_end(struct run *r, const struct potentiostat_item *item, struct err *e)
{
    enum segment_role role = r->stream.sp->role[item->segment];
    r->stream.ended_by = item->ended_by;
    r->stream.between = true;
    if (r->stream.advanced_at && item->ended_by == ENDED_ADVANCED &&
        item->host - r->stream.advanced_at > r->stream.advance_took)
        r->stream.advance_took = item->host - r->stream.advanced_at;
    record_segment_end(r, item->ended_by);
    if (item->ended_by == ENDED_COMPLIANCE) {
        r->attempt.compliance = true;
        attempt_flag(r, "compliance");
    }
    if (item->ended_by != ENDED_CEILING)
        return true;
    r->attempt.ceiling = true;
    attempt_fault(
        r, FAULT_CURRENT_TOO_LARGE, crash_like(r, role) ? OUTCOME_SUSPECTED_CRASH : OUTCOME_OVERLOAD,
        "current beyond the hard ceiling in %s: the potentiostat opened the cell", segment_role_name(role));
    return err_set(e, ERR_LIMIT, "%s", r->attempt.reason);
}

bool stream_take(struct run *r, struct potentiostat_item *item, struct err *e)
{
    struct stream *st = &r->stream;
    if (!run_wanted(r, e))
        return false;
    item->kind = potentiostat_next(r->rig->pstat, item, e);
    switch (item->kind) {
    case PSTAT_NONE:
        return true;
    case PSTAT_BEGIN:
        st->segment = item->segment;
        st->between = false;
        st->last_sample = item->host;
        st->overloads = 0;
        st->samples = 0;
        st->advanced_at = 0;
        st->last_came = item->host;
        record_segment_begin(r, item->segment);
        return true;
    case PSTAT_SAMPLE:
        st->quiet_longest = fmax(st->quiet_longest, ns_to_s(item->host - st->last_came));
        st->last_came = item->host;
        st->behind = behind(st, &item->sample);
        st->last_sample = item->host - st->behind;
        record_sample(r, &item->sample);
        return in_step(r, item->host, e) && judge_sample(r, &item->sample, e);
    case PSTAT_END:
        return take_end(r, item, e);
    case PSTAT_DONE:
        st->done = true;
        return true;
    case PSTAT_FAILED:
        return err_context(e, "potentiostat");
    }
    return true;
}

/* How long the device may be silent at this point. */
static double patience_now(const struct run *r)
{
    const struct stream *st = &r->stream;
    if (st->segment < 0)
        return ns_to_s(BOUND_MODE_CHANGE);
    double period = st->sp->program.segment[st->segment].interval;
    bool ending = st->segment + 1 >= st->sp->program.n;
    double patience = fmax(ns_to_s(BOUND_SILENT), BOUND_SILENT_SAMPLES * period);
    return ending || st->between ? patience + ns_to_s(BOUND_MODE_CHANGE) : patience;
}

bool stream_wait(struct run *r, struct potentiostat_item *item, double patience, struct err *e)
{
    ns_t deadline =
        loop_now(r->loop) + loop_patience(r->loop, ns_from_s(patience > 0 ? patience : patience_now(r)));
    for (;;) {
        if (!stream_take(r, item, e))
            return false;
        if (item->kind != PSTAT_NONE)
            return stand_look(r, e);
        if (loop_now(r->loop) >= deadline)
            return potentiostat_fault(
                e, ERR_SILENT, "potentiostat \"%s\": no data for %.3g s in %s",
                r->rig->config->pstat_model_name, ns_to_s(loop_now(r->loop) - r->stream.last_came),
                r->stream.segment < 0 ? "its program's start"
                                      : segment_role_name(r->stream.sp->role[r->stream.segment]));
        if (!stand_look(r, e))
            return false;
        struct event *events[] = {potentiostat_event(r->rig->pstat),
                                  r->stand.on ? stage_event(r->rig->stage) : NULL};
        ns_t look = r->stand.on && r->stand.next < deadline ? r->stand.next : deadline;
        loop_wait_any(r->loop, events, 2, look);
    }
}

bool stream_until(struct run *r, enum segment_role role, struct err *e)
{
    while (r->stream.segment < 0 || r->stream.sp->role[r->stream.segment] != role) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (r->stream.done)
            return potentiostat_fault(e, ERR_MISMATCH,
                                      "the potentiostat's program ended before its %s segment",
                                      segment_role_name(role));
    }
    return true;
}

bool stream_advance(struct run *r, struct err *e)
{
    r->stream.advanced_at = loop_now(r->loop);
    return potentiostat_advance(r->rig->pstat, e) ||
           err_context(e, "ending %s", segment_role_name(r->stream.sp->role[r->stream.segment]));
}

bool stream_finish(struct run *r, struct err *e)
{
    r->stream.advanced_at = loop_now(r->loop);
    if (!r->stream.done && !potentiostat_finish(r->rig->pstat, e))
        return false;
    while (!r->stream.done) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, ns_to_s(BOUND_MODE_CHANGE), e))
            return err_context(e, "ending the program");
    }
    return stream_settle(r, BOUND_MODE_CHANGE, e);
}

bool stream_settle(struct run *r, ns_t timeout, struct err *e)
{
    r->cell_is_open = potentiostat_settle(r->rig->pstat, timeout, e);
    return r->cell_is_open;
}

double stream_stale_after(const struct run *r)
{
    double period = r->stream.sp->program.segment[r->stream.segment].interval;
    /* However slow the line was before: longer than this z does not go on without samples, unless sampling
     * itself is slow. */
    double at_most = ns_to_s(loop_patience(r->loop, BOUND_STALE));
    return fmax(BOUND_STALE_SAMPLES * period, fmin(1.5 * r->stream.quiet_longest, at_most));
}
