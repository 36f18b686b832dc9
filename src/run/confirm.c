/* Confirmation with z at rest: a contact adds capacitance to what was measured in air, or a current that
 * stays.
 *
 * A drop on a passive surface gives one short capacitive transient and then no current at all, so the absence
 * of current proves nothing; the triangle asks for the double layer instead (13 fF at 400 nm against 1 pF of
 * stray). */
#include <math.h>

#include "run/hop.h"

#define SURE_SIGMAS 5
/* Least capacitance that counts, as part of the stray capacitance: what its dependence on height may feign.
 */
#define LEAST_PART 0.002

struct evidence {
    double current, current_sd; /* A: mean of the second half of the hold, against the baseline in air */
    double noise;               /* A RMS of it */
    double charge;              /* C: all of the hold */
    int n;
};

/* Hold behind the crossing: charge of all of it, mean of its second half. */
static bool read_settle(struct run *r, struct evidence *v, struct err *e)
{
    int settle = site_program_find(&r->program, ROLE_SETTLE, 0);
    const struct segment *g = &r->program.program.segment[settle];
    double sum = 0, squares = 0;
    int n = 0, seen = 0;
    v->charge = r->attempt.contact_current * r->program.approach.interval; /* of the sample that latched */
    while (r->stream.segment <= settle) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (item.kind != PSTAT_SAMPLE)
            continue;
        double i = item.sample.i - r->contact_mean;
        v->charge += i * g->interval;
        if (item.segment == settle && ++seen > g->duration / g->interval / 2) {
            sum += i;
            squares += i * i;
            n++;
        }
    }
    v->n = n;
    v->current = n ? sum / n : 0;
    v->noise = n ? sqrt(fmax(squares / n - v->current * v->current, 0)) : 0;
    v->current_sd = n ? r->contact_sd / sqrt(n) : INFINITY;
    return true;
}

static bool read_probe(struct run *r, struct ramp *out, struct err *e)
{
    int probe = site_program_find(&r->program, ROLE_PROBE, 0);
    double interval = r->program.program.segment[probe].interval;
    struct ramp_meter meter;
    ramp_start(&meter);
    while (r->stream.segment <= probe) {
        struct potentiostat_item item;
        if (!stream_wait(r, &item, 0, e))
            return false;
        if (item.kind == PSTAT_SAMPLE && item.segment == probe)
            ramp_add(&meter, &item.sample, interval);
    }
    ramp_finish(&meter);
    *out = meter.mean;
    return true;
}

static bool is_contact(const struct run *r, const struct evidence *v)
{
    const struct attempt *a = &r->attempt;
    bool stays = fabs(v->current) >
                 fmax(SURE_SIGMAS * v->current_sd, r->program.approach.contact_kind == CONTACT_STEADY
                                                       ? r->program.approach.threshold
                                                       : 0.5 * r->program.approach.threshold);
    bool holds_charge =
        a->c_contact > fmax(SURE_SIGMAS * a->c_contact_sd, LEAST_PART * r->rig->config->stray);
    return stays || (r->program.approach.contact_kind == CONTACT_TRANSIENT && holds_charge);
}

static void learn_contact(struct run *r)
{
    struct attempt *a = &r->attempt;
    r->missed_in_a_row = r->rejected_in_a_row = r->flooded_in_a_row = 0;
    surface_add(r->surface, a->site->x, a->site->y, a->start_s, a->contact_z);
    double c = a->c_contact;
    if (c > 0)
        r->c_contact_typical = isnan(r->c_contact_typical) ? c : 0.8 * r->c_contact_typical + 0.2 * c;
}

static bool rejected(struct run *r)
{
    struct attempt *a = &r->attempt;
    r->rejected_in_a_row++;
    attempt_flag(r, FAR_ABOVE);
    return attempt_outcome(
        r, OUTCOME_LANDING_REJECTED,
        "contact at z %.3f um, %.2f um above the predicted surface, obstacles are expected "
        "up to %.2f um: a drop left behind, or something large",
        a->contact_z * 1e6, a->above * 1e6, r->p->peak * 1e6);
}

bool hop_confirm(struct run *r, struct err *e)
{
    struct attempt *a = &r->attempt;
    struct evidence v = {0};
    struct ramp probe = {0};
    hop_enter(r, HOP_CONFIRM);
    if (!stream_advance(r, e) || !read_settle(r, &v, e) || !read_probe(r, &probe, e) ||
        !stream_until(r, ROLE_DECIDE, e))
        return false;
    a->contact_charge = v.charge;
    a->c_contact = probe.c - a->air.c;
    a->c_contact_sd = hypot(probe.c_sd, a->air.c_sd);
    if (is_contact(r, &v)) {
        a->touched = TOUCHED_YES;
        if (a->too_high)
            return rejected(r);
        learn_contact(r);
        return true;
    }
    if (a->electrical) { /* S7: clearly above the surface, and gone with z at rest */
        a->touched = TOUCHED_NO;
        return attempt_outcome(
            r, OUTCOME_UNCONFIRMED,
            "electrical: %.3g pA for a moment at z %.3f um, far above the predicted surface",
            a->contact_current * 1e12, a->contact_z * 1e6);
    }
    bool noisy = v.noise > r->rig->config->noise_max;
    return attempt_fault(
        r, noisy ? FAULT_NOISE : FAULT_UNCONFIRMED, OUTCOME_UNCONFIRMED,
        "crossing of %.3g pA at z %.3f um, then %.3g +- %.2g pA and %.3g +- %.2g fF more than in air%s",
        a->contact_current * 1e12, a->contact_z * 1e6, v.current * 1e12, v.current_sd * 1e12,
        a->c_contact * 1e15, a->c_contact_sd * 1e15, noisy ? ": noise" : "");
}
