/* Retraction under potential control: z goes up at `retract.detach` while a small triangle asks for the
 * capacitance of the contact; its loss is the break, whether or not any current flows through the film. */
#include <math.h>
#include <stdio.h>

#include "run/hop.h"

#define REST_PERIODS 3
/* Broken when less than this part of the contact's capacitance is left ... */
#define BROKEN_PART 0.35
/* ... in this many periods in a row. */
#define BROKEN_PERIODS 2
/* Lost during the steps: capacitance at rest within this many standard deviations of air and below this part.
 */
#define LOST_SIGMAS 4
/* Spread: so many standard deviations more than at contact, and by the factor of the protocol. */
#define SPREAD_SIGMAS 4
#define LOST_PART     0.25
/* Less than air by this part of what it has: no drop explains that. */
#define GONE_PART 0.5

/* A usual bridge breaks at some times the drop's height; later than at so many it stuck. */
#define LATE_BREAK 5

/* What is left is more than so many contacts have: not the drop alone. */
#define WETTED_PART 2

/* Slower than this part of the speed commanded is no move. */
#define HEADWAY_PART 0.1

struct detach {
    struct ramp_meter meter;
    double interval;
    struct ramp rest; /* before z moves */
    int low;          /* periods in a row that look like air */
    double z_low;     /* m: height at the first of them */
    bool broken;
};

/* Next complete period of the triangle. */
static bool next_period(struct run *r, struct detach *d, bool *got, struct err *e)
{
    double period = 4 * r->p->alive.amplitude / r->p->alive.rate;
    ns_t deadline = loop_now(r->loop) + loop_patience(r->loop, ns_from_s(3 * period + 1));
    *got = false;
    while (loop_now(r->loop) < deadline) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (item.kind == PSTAT_END || r->stream.done)
            return potentiostat_fault(e, ERR_MISMATCH,
                                      "the potentiostat ended its retraction hold by itself");
        if (item.kind == PSTAT_SAMPLE && ramp_add(&d->meter, &item.sample, d->interval)) {
            *got = true;
            return true;
        }
    }
    return true;
}

static void judge_period(struct run *r, struct detach *d)
{
    const struct ramp *now = &d->meter.last;
    double extra = now->c - r->attempt.air.c;
    double whole = fmax(d->rest.c - r->attempt.air.c, 0);
    double reference = fmax(whole, isnan(r->c_contact_typical) ? 0 : LOST_PART * r->c_contact_typical);
    bool low = extra < fmax(BROKEN_PART * reference, 3 * now->c_sd);
    if (!low) {
        d->low = 0;
        return;
    }
    if (d->low++ == 0)
        d->z_low = r->z;
    d->broken = d->low >= BROKEN_PERIODS;
}

/* A drop that covers more than at its landing: what was measured belongs to an area that changed meanwhile.
 * It is kept, and says so. */
static void judge_spreading(struct run *r)
{
    struct attempt *a = &r->attempt;
    char text[256];
    double grown = a->c_rest - a->c_contact, sd = hypot(a->c_rest_sd, a->c_contact_sd);
    if (!(a->c_contact > 0) || !(grown > SPREAD_SIGMAS * sd) ||
        !(a->c_rest > r->p->faults.spreading * a->c_contact))
        return;
    attempt_flag(r, "meniscus-spreading");
    snprintf(text, sizeof text,
             "the drop spread: %.3g +- %.2g fF beyond air behind the last step, %.3g +- %.2g fF at contact",
             a->c_rest * 1e15, a->c_rest_sd * 1e15, a->c_contact * 1e15, a->c_contact_sd * 1e15);
    attempt_found(r, FAULT_MENISCUS_SPREADING, text);
    hop_note(r, "warning", "%s", text);
}

/* Is the drop still there, before anything moves? Only positive evidence counts as lost (R3): the rail of the
 * galvanostat, or a capacitance that was there and is gone. */
static void judge_rest(struct run *r, const struct detach *d)
{
    struct attempt *a = &r->attempt;
    double extra = d->rest.c - a->air.c, sd = hypot(d->rest.c_sd, a->air.c_sd);
    double whole = a->c_contact;
    if (d->rest.periods == 0) { /* nothing was learnt, in either direction */
        attempt_flag(r, "meniscus-unverified");
        return;
    }
    a->c_rest = extra;
    a->c_rest_sd = sd;
    judge_spreading(r);
    if (extra > fmax(LOST_SIGMAS * sd, LOST_PART * whole))
        return;
    const char *rail = a->compliance ? "the galvanostat was driven to compliance; " : "";
    if (a->compliance || (extra < LOST_PART * whole && whole > LOST_SIGMAS * sd))
        attempt_outcome(
            r, OUTCOME_MENISCUS_LOST,
            "%sno contact left before the retraction: %.2g +- %.2g fF beyond air, %.2g fF at contact%s", rail,
            extra * 1e15, sd * 1e15, whole * 1e15,
            extra < -GONE_PART * r->rig->config->stray ? "; nor the air's own: is a wire broken?" : "");
    else
        attempt_flag(r, "meniscus-unverified");
}

/* z up at `detach` speed until the break is seen or the travel is over. */
static bool pull(struct run *r, struct detach *d, struct err *e)
{
    struct stage *stage = r->rig->stage;
    double from = r->z, to = fmin(from + r->program.retract.travel, r->rig->config->z_retracted);
    const double target[AXIS_COUNT] = {r->xy[0], r->xy[1], to};
    if (!stage_set_speed(stage, AXIS_Z, r->program.retract.detach, e) ||
        !stage_move(stage, 1u << AXIS_Z, target, e))
        return false;
    r->stand.rises = true;
    ns_t deadline = loop_now(r->loop) +
                    loop_patience(r->loop, ns_from_s(1.5 * (to - from) / r->program.retract.detach + 2));
    struct headway headway = {0};
    while (!d->broken && loop_now(r->loop) < deadline) {
        bool got;
        if (!next_period(r, d, &got, e))
            return false;
        if (r->z < to - 2 * r->rig->config->tolerance &&
            motion_stalled(&headway, to - r->z, HEADWAY_PART * r->program.retract.detach, r->stand.seen_at,
                           r->loop))
            return stand_end(r, e) && motion_not_obeyed(r, "rise", to, e);
        if (got)
            judge_period(r, d);
        if (r->z > to - 2 * r->rig->config->tolerance && d->low == 0 && got)
            break;
    }
    return stand_end(r, e);
}

/* A bridge that holds on for many times the drop's height: something made it stick. It is kept, and says so.
 */
static void judge_break(struct run *r)
{
    double period = 4 * r->p->alive.amplitude / r->p->alive.rate;
    double late = LATE_BREAK * r->p->drop + BROKEN_PERIODS * period * r->program.retract.detach;
    if (!(r->attempt.break_distance > late))
        return;
    attempt_flag(r, "late-break");
    hop_note(r, "warning", "the drop broke only %.2f um above its contact, later than at %.2f um",
             r->attempt.break_distance * 1e6, late * 1e6);
}

/* At the safe height: what remains must look like air, at rest. */
static bool verify(struct run *r, struct detach *d, struct err *e)
{
    d->low = 0;
    ramp_start(&d->meter);
    for (int k = 0; k < BROKEN_PERIODS + 1; k++) {
        bool got;
        if (!next_period(r, d, &got, e))
            return false;
        if (got && k > 0)
            judge_period(r, d);
    }
    r->attempt.detached = d->low >= BROKEN_PERIODS;
    return true;
}

bool hop_detach(struct run *r, struct err *e)
{
    struct attempt *a = &r->attempt;
    struct detach d = {.z_low = NAN};
    hop_enter(r, HOP_DETACH);
    if (!stream_until(r, ROLE_DETACH, e))
        return false;
    d.interval = r->program.program.segment[r->stream.segment].interval;
    ramp_start(&d.meter);
    for (int k = 0; k < REST_PERIODS; k++) {
        bool got;
        if (!next_period(r, &d, &got, e))
            return false;
    }
    d.rest = d.meter.mean;
    judge_rest(r, &d);
    if (!pull(r, &d, e))
        return false;
    if (d.broken && a->outcome != OUTCOME_MENISCUS_LOST)
        a->break_distance = d.z_low - a->contact_z;
    judge_break(r);
    hop_enter(r, HOP_RETRACT);
    double top = r->rig->config->z_retracted;
    double height = d.broken ? motion_clear_height(r, a->site->x, a->site->y) : top;
    /* Where it stands was read back: at the top that may lie some noise beyond it, and no target does. */
    if (!motion_z(r, fmin(fmax(height, r->z), top), r->program.retract.then, e) || !verify(r, &d, e))
        return false;
    if (a->detached) {
        r->air_proven = air_learn(r, &d.meter.mean) && r->air_proven;
        return true;
    }
    if (height < top && (!motion_z(r, top, r->program.retract.then, e) || !verify(r, &d, e)))
        return false;
    if (!a->detached) {
        r->air_proven = false;
        r->counts.safe_states++; /* the cell is opened over it at the program's end, known and told */
        hop_note(r, "warning", "the drop hangs on at full retraction: the cell is opened over it");
        a->outcome = OUTCOME_NOT_DETACHED; /* stronger than whatever was measured before */
        a->fault = FAULT_NOT_DETACHED;
        double left = d.meter.last.c - a->air.c, rest = d.rest.periods ? d.rest.c - a->air.c : NAN;
        bool outside = rest - left > 0 && left > WETTED_PART * r->c_contact_typical;
        snprintf(a->reason, sizeof a->reason, "%.3g fF beyond air are left at full retraction%s", left * 1e15,
                 outside ? ", more than a contact has: a large drop, or the probe is wet outside" : "");
    }
    return true;
}
