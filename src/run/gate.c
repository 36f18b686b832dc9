/* Gates: where the steps that follow depend on what was measured at this very site.
 *
 * The device waits in an open-ended hold for so long that the host can compute the feature (protocol/play.h).
 * To go on it has to be told in time; told too late, the word would end the segment that runs by then, so
 * that a host that is late says nothing and the steps are left out. The device decides by the number of
 * samples in the gate and its driver by the same count, so that both always go the same way.
 *
 * Nothing moves meanwhile, and the device guards the current by itself; the features of a site are computed
 * in a small part of the time there is. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "protocol/play.h"
#include "run/features.h"
#include "run/hop.h"
#include "run/verdict.h"

/* s: of a gate's time that is left alone */
#define MARGIN 0.05

/* Passes of the repeat that lie behind this gate: its gates before lead to the same place. */
static int passes_before(const struct site_program *s, int segment)
{
    int passes = 0, target = segment + s->program.segment[segment].skips;
    for (int k = 0; k <= segment; k++)
        if (s->role[k] == ROLE_GATE && s->step[k] == s->step[segment] &&
            k + s->program.segment[k].skips == target)
            passes++;
    return passes;
}

static void ask(struct run *r, const struct condition *c, struct verdict *out)
{
    struct results_attempt now;
    struct features list = {0};
    record_attempt(r, &now);
    attempt_blank(r, &now);
    attempt_features(r, &now, c->step, &list);
    verdict_make(c, &list, out);
    features_free(&list);
}

/* Late or unheard: the device has left the steps out, and so has its driver. */
static void compare(struct run *r, int ended_by)
{
    struct attempt *a = &r->attempt;
    if (!a->gate_open || ended_by == ENDED_ADVANCED)
        return;
    attempt_flag(r, "gate-late");
    hop_note(r, "gate", "too late: the potentiostat has left the steps out that should have been played (%s)",
             a->gate_says);
}

/* Whether it is too late to go on: by the host's clock since the gate began for it, or by the device's
 * samples, should the host have heard of the beginning late; and the word takes its time, as it did at the
 * advances before. What has come meanwhile is taken. */
static bool in_time(struct run *r, ns_t began, bool *late, struct err *e)
{
    const struct segment *g = &r->program.program.segment[r->stream.segment];
    struct potentiostat_item item = {.kind = PSTAT_SAMPLE};
    loop_wait(r->loop, potentiostat_event(r->rig->pstat), loop_now(r->loop));
    while (item.kind == PSTAT_SAMPLE) {
        /* one sample at least: what the cell did meanwhile is recorded, however short the gate is */
        bool some = r->stream.samples > 0;
        if (some ? !stream_take(r, &item, e) : !stream_wait(r, &item, 0, e))
            return false;
    }
    if (item.kind == PSTAT_END)
        compare(r, item.ended_by);
    double passed = fmax(ns_to_s(loop_now(r->loop) - began), (double)r->stream.samples * g->interval);
    *late = item.kind != PSTAT_NONE || passed > GATE_ASK ||
            passed + ns_to_s(r->stream.advance_took) > GATE_SECONDS - MARGIN;
    return true;
}

static bool decide(struct run *r, int segment, ns_t began, struct err *e)
{
    struct attempt *a = &r->attempt;
    const struct play_leg leg = {.step = r->program.step[segment]};
    struct condition c;
    struct verdict v;
    bool leave, late = false;
    play_condition(r->plan, a->level, &leg, &c, &leave);
    ask(r, &c, &v);
    bool go = v.kind == VERDICT_MISSING ? c.go_if_missing : (v.kind == VERDICT_MET) != leave;
    int passes = passes_before(&r->program, segment);
    if (leave)
        snprintf(a->gate_says, sizeof a->gate_says, go ? "pass %d" : "left after pass %d", passes + go);
    else
        snprintf(a->gate_says, sizeof a->gate_says, go ? "steps played" : "steps left out");
    hop_note(r, "gate", "%s: %s: %s", r->p->step[leg.step].name, v.text, a->gate_says);
    a->gate_open = go;
    if (!go)
        return true;
    if (!in_time(r, began, &late, e))
        return false;
    return late || stream_advance(r, e);
}

bool gate_take(struct run *r, const struct potentiostat_item *item, struct err *e)
{
    if (item->kind == PSTAT_BEGIN && r->program.role[item->segment] == ROLE_GATE)
        return decide(r, item->segment, item->host, e);
    if (item->kind == PSTAT_END && r->program.role[item->segment] == ROLE_GATE)
        compare(r, item->ended_by);
    return true;
}
