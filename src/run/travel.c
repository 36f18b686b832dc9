/* Travel: sideways at a safe height, with the contact signal watched; then the proof that the signal is
 * alive. */
#include <math.h>

#include "run/hop.h"

/* Blank and alive need this many periods of the triangle without flagged samples. */
#define ALIVE_NEEDS 2

/* Samples left out at the beginning of a hold: the step of potential charges the stray capacitance. */
#define STEP_SAMPLES 20
#define LEARN_TRIES  10

bool hop_learn_idle(struct run *r, struct idle *b, struct err *e)
{
    for (int attempt = 0; attempt < LEARN_TRIES; attempt++) {
        *b = (struct idle){0};
        for (int seen = 0; !idle_ready(b);) {
            struct potentiostat_item item;
            if (!stream_wait(r, &item, 0, e))
                return false;
            if (item.kind == PSTAT_SAMPLE && seen++ >= STEP_SAMPLES)
                idle_add(b, item.sample.i);
        }
        if (idle_sd(b) <= r->rig->config->noise_max)
            return true;
    }
    attempt_fault(r, FAULT_NOISE, OUTCOME_FAULT, "noise %.3g pA RMS at rest in %s, at most %.3g pA accepted",
                  idle_sd(b) * 1e12, segment_role_name(r->program.role[r->stream.segment]),
                  r->rig->config->noise_max * 1e12);
    return err_set(e, ERR_LIMIT, "%s", r->attempt.reason);
}

/* S3: a contact signal during travel stops the move and retracts. Until the stop has shown where that was it
 * may have been at the site, wherever it was seen last: the move ends there (R2). */
static bool touched_while_travelling(struct run *r, struct err *e)
{
    double at[AXIS_COUNT];
    enum touched before = r->attempt.touched;
    if (reach_is_low(r) && before == TOUCHED_NO)
        r->attempt.touched = TOUCHED_POSSIBLY;
    if (!stage_halt(r->rig->stage, e) || !stage_halt_confirm(r->rig->stage, at, e))
        return false;
    r->attempt.touched = before;
    hop_note(r, "warning",
             "contact signal while travelling at x %.3f y %.3f z %.3f um: stopped and retracted",
             at[AXIS_X] * 1e6, at[AXIS_Y] * 1e6, at[AXIS_Z] * 1e6);
    motion_remember(r, at);
    reach_doubt(r);
    if (!motion_z(r, r->rig->config->z_retracted, r->rig->config->speed_z, e))
        return false;
    return attempt_outcome(r, OUTCOME_ALREADY_WET, "contact signal while travelling to the site");
}

/* A travel that was broken off below the retracted height: a stage that is not heard goes on to the site with
 * nobody watching the signal (R2). What the operator broke off was watched until then. */
static void doubt_travel(struct run *r, const struct err *why)
{
    if (why->code != ERR_CANCELLED && reach_is_low(r) && r->attempt.touched == TOUCHED_NO)
        r->attempt.touched = TOUCHED_POSSIBLY;
}

bool hop_travel(struct run *r, struct err *e)
{
    hop_enter(r, HOP_TRAVEL);
    const struct plan_site *site = r->attempt.site;
    struct idle watch;
    if (!stream_until(r, ROLE_WATCH, e) || !hop_learn_idle(r, &watch, e))
        return false;
    double height = r->cell_was_open ? r->rig->config->z_retracted : motion_clear_height(r, site->x, site->y);
    if (r->z < height - r->rig->config->tolerance && !motion_z(r, height, r->rig->config->speed_z, e))
        return false;
    r->cell_was_open = false;
    bool trigger = false;
    if (!motion_xy(r, site->x, site->y, &watch, &trigger, e)) {
        doubt_travel(r, e);
        return false;
    }
    if (trigger)
        return touched_while_travelling(r, e);
    /* R1, R2: the last site's record and this attempt's intent are durable before anything goes down. */
    if (!writer_barrier(r->w, e))
        return err_context(e, "results file");
    return true;
}

/* S1: displacement current of the stray capacitance, noise in its band, status ok. A drop that touches while
 * the ramp runs shows as noise of the whole, and as capacitance at its end. */
bool hop_judge_signal(struct run *r, const struct ramp *last)
{
    const struct ramp *a = &r->attempt.air;
    const struct rig_config *c = r->rig->config;
    if (a->periods < ALIVE_NEEDS)
        return attempt_fault(r, FAULT_NOISE, OUTCOME_FAULT,
                             "alive ramp: too many flagged samples to judge the signal");
    const struct ramp *wet = reach_is_wet(r, last) ? last : a;
    if (reach_is_wet(r, wet))
        return attempt_outcome(r, OUTCOME_ALREADY_WET,
                               "alive ramp: %.4g pF where %.4g pF is in air: a drop already touches",
                               wet->c * 1e12, r->air.c * 1e12);
    if (fabs(a->c - c->stray) > c->stray_tolerance * c->stray)
        return attempt_fault(
            r, a->c < c->stray ? FAULT_PROBE_OPEN : FAULT_PROBE_SHORTED, OUTCOME_FAULT,
            "alive ramp: the signal is not alive: %.4g pF, expected %.4g pF +- %.0f %% (%s?)", a->c * 1e12,
            c->stray * 1e12, c->stray_tolerance * 100,
            a->c < c->stray ? "broken wire, dry or clogged probe" : "probe shorted, or wet outside");
    if (a->noise > c->noise_max)
        return attempt_fault(r, FAULT_NOISE, OUTCOME_FAULT,
                             "alive ramp: noise %.3g pA RMS, at most %.3g pA accepted", a->noise * 1e12,
                             c->noise_max * 1e12);
    return true;
}

static void judge_alive(struct run *r, const struct ramp *last)
{
    struct attempt *a = &r->attempt;
    hop_judge_signal(r, last);
    bool cleared = a->outcome == OUTCOME_FAULT && reach_is_dry(r, last);
    if (a->outcome != OUTCOME_NONE && !cleared)
        reach_doubt(r);
}

bool hop_prove(struct run *r, struct err *e)
{
    hop_enter(r, HOP_ALIVE);
    int alive = site_program_find(&r->program, ROLE_ALIVE, 0);
    double interval = r->program.program.segment[alive].interval;
    struct ramp_meter meter;
    ramp_start(&meter);
    if (!stream_advance(r, e))
        return false;
    while (r->stream.segment != alive + 1) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (item.kind == PSTAT_SAMPLE && item.segment == alive)
            ramp_add(&meter, &item.sample, interval);
    }
    ramp_finish(&meter);
    r->attempt.air = meter.mean;
    r->attempt.noise_rms = meter.mean.noise;
    judge_alive(r, &meter.last);
    if (r->attempt.outcome != OUTCOME_NONE)
        return true;
    if (!r->have_air)
        air_learn(r, &meter.mean);
    if (r->program.has_blank)
        hop_enter(r, HOP_BLANK);
    return stream_advance(r, e) && stream_until(r, ROLE_APPROACH, e);
}
