/* Approach: z goes down on a leash held by fresh samples without contact, and the first sample beyond the
 * baseline halts it.
 *
 *        z
 *        |  o  where the last fresh no-contact sample was taken (z_free)
 *        |  |
 *        |  |  leash: the target is never further down than this
 *        |  v
 *        |  x  target commanded to the controller
 *        |
 *   -----+---- bottom: the end of the travel
 *
 * If host, link or process dies, the controller ends its last move at x; if samples stop, z is halted before.
 */
#include <assert.h>
#include <math.h>

#include "run/hop.h"

/* Slow approach starts this many standard deviations (and `surface.peak`) above the predicted contact height.
 */
#define START_SIGMAS 3
/* A contact so many standard deviations (and `surface.peak`) above the prediction is no obstacle's: less than
 * the above, so that what is met as the fast descent comes to rest counts. */
#define CLEAR_OF_SIGMAS 2.5
/* Depth below the prediction at which an approach gives up: no more than this part of the drop ... */
#define DEPTH_PART 0.5
/* ... which must leave so many standard deviations of the prediction between glass and surface, where nothing
 * conducts (binder, oxide) or the drop is gone: a site that is missed costs a spare, a crash costs the tip
 * ... */
#define KEEP_SIGMAS 3
/* ... down to this least depth, without which a surface that is rough against the drop could never be learnt
 * ... */
#define LEAST_SIGMAS 1
/* ... deeper by the plane's own uncertainty for each site in a row that was missed, at most this often: a
 * wrong slope misses all sites that follow, and could not be learnt either. But neighbours that do not
 * conduct are missed as well, so what is added leaves one standard deviation of the drop ... */
#define DEEPER_AT_MOST 3
/* ... and behind a miss no deeper than leaves one scatter of the contacts between the glass and a surface
 * that is where it was predicted. What is that uncertain is the slope, and a slope that led one site to be
 * missed leads the next, further on, to be missed at as many standard deviations: going there finds no
 * contact, and a probe that has run dry would meet the surface with its glass, deeper at every site ... */
#define KEEP_SCATTERS 1
/* ... and never further than this below the prediction (S2). */
#define TRAVEL_SIGMAS 3
#define TRAVEL_BEYOND 0.5e-6
/* Slower than this part of the speed commanded is no descent. */
#define HEADWAY_PART 0.1
/* A new target is sent when it is this part of the leash further down. */
#define TARGET_PART 0.1

struct descent {
    struct idle base;
    double speed, leash, bottom;
    double z_free;  /* m: lowest height known free of contact */
    double z_seen;  /* m: newest position */
    ns_t seen_at;   /* when the answer came: it was true some time before */
    ns_t true_at;   /* best guess of when: half way between question and answer */
    bool confirmed; /* a free sample followed it */
    double z_rest;  /* m: since rest_since z has not gone down noticeably from here */
    ns_t rest_since;
    double target; /* m: commanded */
    bool latched;
    struct sample crossing;
    double reach; /* A: at the crossing */
    ns_t halted_at;
    struct headway headway;
};

/* Where the surface is expected. */
struct prediction {
    bool known;
    double z, sigma; /* m */
};

/* Depth below the predicted contact height at which the approach gives up. */
static double depth_below(const struct run *r, double sigma, double plane_sigma)
{
    int missed = r->missed_in_a_row < DEEPER_AT_MOST ? r->missed_in_a_row : DEEPER_AT_MOST;
    double drop = r->p->drop, keep = fmin(DEPTH_PART * drop, drop - KEEP_SIGMAS * sigma);
    double room = fmax(0, drop - (1 + LEAST_SIGMAS) * sigma);
    double least = LEAST_SIGMAS * sigma + fmin(missed * plane_sigma, room);
    if (missed > 0)
        least = fmin(least, fmax(0, drop - KEEP_SCATTERS * surface_scatter(r->surface)));
    return fmin(TRAVEL_SIGMAS * sigma + TRAVEL_BEYOND, fmax(keep, least));
}

/* One sample: free, or the latch (S7). */
static bool judge(struct run *r, struct descent *d, const struct sample *s, struct err *e)
{
    if (!isfinite(s->i))
        return true; /* says nothing: confirms no height either */
    double reach = idle_reach(&d->base, r->program.approach.threshold, r->program.approach.sigmas);
    if (fabs(s->i - d->base.mean) > reach) {
        if (r->attempt.touched == TOUCHED_NO) /* whether or not the stop can be written */
            r->attempt.touched = TOUCHED_POSSIBLY;
        if (!stage_halt(r->rig->stage, e))
            return false;
        d->halted_at = loop_now(r->loop);
        d->latched = true;
        d->crossing = *s;
        d->reach = reach;
        return true;
    }
    idle_add(&d->base, s->i);
    if (idle_sd(&d->base) > r->rig->config->noise_max) { /* a contact could hide in it (S1) */
        reach_doubt(r);
        attempt_fault(r, FAULT_NOISE, OUTCOME_FAULT,
                      "noise %.3g pA RMS in the approach, at most %.3g pA accepted", idle_sd(&d->base) * 1e12,
                      r->rig->config->noise_max * 1e12);
        return err_set(e, ERR_LIMIT, "%s", r->attempt.reason);
    }
    if (!d->confirmed && s->host - r->stream.behind >= d->seen_at) { /* taken, not only received, after it */
        d->z_free = fmin(d->z_free, d->z_seen);
        d->confirmed = true;
    }
    return true;
}

/* Only samples of the approach hold tell anything about a contact. */
static bool take_item(struct run *r, struct descent *d, const struct potentiostat_item *item, struct err *e)
{
    if (item->kind != PSTAT_SAMPLE)
        return potentiostat_fault(e, ERR_MISMATCH, "the potentiostat ended its approach hold by itself");
    return judge(r, d, &item->sample, e);
}

static bool take_samples(struct run *r, struct descent *d, struct err *e)
{
    while (!d->latched) {
        struct potentiostat_item item;
        if (!stream_take(r, &item, e))
            return false;
        if (item.kind == PSTAT_NONE)
            return true;
        if (!take_item(r, d, &item, e))
            return false;
    }
    return true;
}

/* z is at rest when it has not gone down by this much for this long. */
#define REST_STEP 2e-9
#define REST_TIME (50 * NS_MS)

static void saw(struct descent *d, double z, ns_t asked, ns_t when)
{
    d->z_seen = z;
    d->seen_at = when;
    d->true_at = asked + (when - asked) / 2;
    d->confirmed = false;
    if (z < d->z_rest - REST_STEP) {
        d->z_rest = z;
        d->rest_since = when;
    }
}

/* At the bottom: near enough, at rest, and still free. */
static bool at_bottom(const struct descent *d, double tolerance)
{
    return d->target <= d->bottom && d->confirmed && d->z_free <= d->bottom + tolerance &&
           d->seen_at - d->rest_since >= REST_TIME;
}

/* Commanded down, and yet (nearly) at rest. */
static bool stuck(const struct run *r, struct descent *d, double tolerance)
{
    if (d->z_seen - d->target <= tolerance)
        d->headway.since = 0;
    double step = fmax(REST_STEP, HEADWAY_PART * d->speed);
    return motion_stalled(&d->headway, d->z_seen, step, d->seen_at, r->loop);
}

static bool take_position(struct run *r, struct descent *d, struct err *e)
{
    double at[AXIS_COUNT];
    ns_t asked, when;
    enum reply_state state = stage_poll_position(r->rig->stage, at, &asked, &when, e);
    if (state == REPLY_FAILED)
        return false;
    if (state == REPLY_READY) {
        r->z = at[AXIS_Z];
        saw(d, at[AXIS_Z], asked, when);
    }
    return state == REPLY_PENDING || stage_ask_position(r->rig->stage, e);
}

/* S2: the only place that commands z toward the sample during the slow approach. */
static bool extend(struct run *r, struct descent *d, struct err *e)
{
    double next = fmax(d->bottom, d->z_free - d->leash);
    bool worth = d->target - next > TARGET_PART * d->leash || (next == d->bottom && d->target > next);
    if (!worth)
        return true;
    assert(next >= d->z_free - d->leash - 1e-12);
    d->target = next;
    const double to[AXIS_COUNT] = {r->xy[0], r->xy[1], next};
    return stage_move(r->rig->stage, 1u << AXIS_Z, to, e);
}

static ns_t stale_at(const struct run *r)
{
    return r->stream.last_sample + ns_from_s(stream_stale_after(r));
}

/* Samples that waited on their way are worked off; one that comes as it is taken ends the wait. With z at
 * rest there is time for that. */
#define FRESH_WITHIN (5 * NS_S)

static bool take_until_fresh(struct run *r, struct descent *d, struct err *e)
{
    struct potentiostat_item item;
    ns_t until = loop_now(r->loop) + loop_patience(r->loop, FRESH_WITHIN);
    do {
        if (!stream_wait(r, &item, 0, e) || !take_item(r, d, &item, e))
            return false;
        if (d->latched || loop_now(r->loop) < stale_at(r))
            return true;
    } while (loop_now(r->loop) < until);
    return potentiostat_fault(e, ERR_LATE, "potentiostat: its samples come %.2f s after they were taken",
                              ns_to_s(loop_now(r->loop) - r->stream.last_sample));
}

/* S1: without fresh samples z stops; with them it goes on from where it stopped. */
static bool wait_for_fresh(struct run *r, struct descent *d, struct err *e)
{
    double at[AXIS_COUNT];
    if (!stage_halt(r->rig->stage, e))
        return false;
    hop_note(r, "warning", "samples stale for %.1f ms during the approach: z halted",
             ns_to_s(loop_now(r->loop) - r->stream.last_sample) * 1e3);
    if (!stage_halt_confirm(r->rig->stage, at, e))
        return false;
    r->z = at[AXIS_Z];
    d->target = at[AXIS_Z];
    d->headway.since = 0;
    saw(d, at[AXIS_Z], loop_now(r->loop), loop_now(r->loop));
    if (!take_until_fresh(r, d, e))
        return false;
    return d->latched || stage_ask_position(r->rig->stage, e);
}

/* Nothing goes down without the guardian. */
static bool watched_over(struct run *r, struct err *e)
{
    if (guardian_on_watch(r->options->guardian, e))
        return true;
    attempt_fault(r, FAULT_GUARDIAN_LOST, OUTCOME_FAULT, "%s", e->text);
    return false;
}

/* Goes down until the latch or the bottom. `leashed`: slow approach; otherwise one move to a height known to
 * be clear. */
static bool descend(struct run *r, struct descent *d, bool leashed, struct err *e)
{
    struct stage *stage = r->rig->stage;
    double tolerance = 2 * r->rig->config->tolerance;
    r->attempt.lowered = true;
    ns_t deadline =
        loop_now(r->loop) + loop_patience(r->loop, ns_from_s(3 * (r->z - d->bottom) / d->speed + 10));
    d->z_free = d->z_rest = d->z_seen = r->z;
    d->seen_at = d->true_at = d->rest_since = loop_now(r->loop);
    d->confirmed = true;
    d->target = r->z;
    d->headway = (struct headway){0};
    if (!stage_set_speed(stage, AXIS_Z, d->speed, e) || !stage_ask_position(stage, e))
        return false;
    const double down[AXIS_COUNT] = {r->xy[0], r->xy[1], d->bottom};
    if (!leashed && !stage_move(stage, 1u << AXIS_Z, down, e))
        return false;
    if (!leashed)
        d->target = d->bottom;
    while (!d->latched) {
        if (!watched_over(r, e))
            return false;
        if (!take_samples(r, d, e) || d->latched)
            return d->latched;
        if (loop_now(r->loop) >= stale_at(r)) {
            if (!wait_for_fresh(r, d, e))
                return false;
            if (!leashed && !d->latched && !stage_move(stage, 1u << AXIS_Z, down, e))
                return false;
            if (!leashed)
                d->target = d->bottom;
            continue;
        }
        if (!take_position(r, d, e) || (leashed && !extend(r, d, e)))
            return false;
        if (at_bottom(d, tolerance))
            break;
        if (stuck(r, d, tolerance) || loop_now(r->loop) > deadline)
            return motion_not_obeyed(r, "follow", d->target, e);
        struct event *events[] = {potentiostat_event(r->rig->pstat), stage_event(stage)};
        loop_wait_any(r->loop, events, 2, stale_at(r));
    }
    return d->latched || motion_last_position(r, e);
}

/* A fast descent that was broken off: it has gone on toward the sample, unseen, until a stop reached the
 * stage, or to its bottom if none did. What may hang down was met or not: nobody knows (R2). Only where the
 * operator broke it off did the samples, all of them judged, last as long as the descent. */
static void doubt_descent(struct run *r, struct descent *d, const struct err *why)
{
    struct err ignored = ERR_INIT;
    bool all_judged = why->code == ERR_CANCELLED && take_samples(r, d, &ignored) && !d->latched;
    if (!all_judged && r->attempt.touched == TOUCHED_NO)
        r->attempt.touched = TOUCHED_POSSIBLY;
}

/* What was seen at the crossing: the height at its instant, from the last position and the speed since. */
static void note_crossing(struct run *r, struct descent *d, double z_halt)
{
    struct attempt *a = &r->attempt;
    double since = fmax(0, ns_to_s(d->crossing.host - d->true_at));
    a->contact_z = fmax(z_halt, d->z_seen - d->speed * since);
    a->contact_current = d->crossing.i - d->base.mean;
    a->noise_rms = idle_sd(&d->base);
    r->z = z_halt;
}

static bool no_contact(struct run *r, const struct descent *d)
{
    r->missed_in_a_row++;
    return attempt_outcome(r, OUTCOME_NO_CONTACT, "no contact down to z %.3f um", d->bottom * 1e6);
}

/* Before anything goes down: the stage answers, has no error to report that nobody asked for (a stop later on
 * would overwrite it in the slot), and stands where it was left. */
static bool still_there(struct run *r, struct err *e)
{
    double at[AXIS_COUNT], left[2], tolerance = 10 * r->rig->config->tolerance;
    if (!stage_check(r->rig->stage, e) || !stage_position(r->rig->stage, at, e))
        return false;
    motion_to_stage(r, r->xy[0], r->xy[1], left);
    if (fabs(at[AXIS_X] - left[0]) > tolerance || fabs(at[AXIS_Y] - left[1]) > tolerance ||
        fabs(at[AXIS_Z] - r->z) > tolerance)
        return stage_fault(
            e, ERR_OFF_TARGET,
            "the stage stands at x %.3f y %.3f z %.3f um, it was left at x %.3f y %.3f z %.3f um",
            at[AXIS_X] * 1e6, at[AXIS_Y] * 1e6, at[AXIS_Z] * 1e6, left[0] * 1e6, left[1] * 1e6, r->z * 1e6);
    r->z = at[AXIS_Z];
    return true;
}

/* How far a contact lies above what was predicted. The fast descent and the place where it comes to rest are
 * clear of every obstacle that is to be expected: what is met there hangs down, or is something large. */
static void judge_height(struct run *r, const struct prediction *p, bool in_descent)
{
    struct attempt *a = &r->attempt;
    a->above = p->known ? a->contact_z - p->z : NAN;
    a->electrical = p->known && a->above > 2 * START_SIGMAS * p->sigma;
    a->too_high = p->known && (in_descent || a->above > r->p->peak + CLEAR_OF_SIGMAS * p->sigma);
}

/* A stage without servo takes no stop and sinks on: seen at once, there is still a drop's height to lift it.
 */
static bool held(struct run *r, struct err *e)
{
    bool on[AXIS_COUNT];
    if (!stage_servo(r->rig->stage, on, e))
        return false;
    return on[AXIS_Z] || stage_fault(e, ERR_SERVO, "stage: its servo of z is off, at the contact");
}

bool hop_approach(struct run *r, struct err *e)
{
    const struct protocol *p = r->p;
    struct attempt *a = &r->attempt;
    struct descent d = {.speed = r->rig->config->speed_z, .leash = r->program.approach.leash};
    hop_enter(r, HOP_DESCENT);
    if (!watched_over(r, e))
        return false;
    if (!hop_learn_idle(r, &d.base, e)) {
        if (a->outcome == OUTCOME_FAULT)
            reach_doubt(r);
        return false;
    }
    if (!still_there(r, e))
        return false;
    struct prediction s;
    double low = r->rig->config->limit[AXIS_Z][0], now = ns_to_s(loop_now(r->loop));
    s.known = surface_predict(r->surface, a->site->x, a->site->y, now, &s.z, &s.sigma);
    double plane_sigma = surface_plane_sigma(r->surface, a->site->x, a->site->y, now);
    if (s.known && s.z < low)
        return attempt_outcome(r, OUTCOME_OUT_OF_RANGE,
                               "the surface is expected at z %.3f um, the rig's range ends at %.3f um",
                               s.z * 1e6, low * 1e6);
    if (s.known) {
        d.bottom = fmax(low, s.z + START_SIGMAS * s.sigma + p->peak);
        if (d.bottom < r->z && !descend(r, &d, false, e)) {
            doubt_descent(r, &d, e);
            return false;
        }
    }
    bool in_descent = d.latched;
    if (!in_descent) {
        hop_enter(r, HOP_APPROACH);
        a->touched = TOUCHED_POSSIBLY;
        d.bottom = s.known ? s.z - depth_below(r, s.sigma, plane_sigma) : r->z - r->program.approach.travel;
        d.bottom = fmax(low, fmax(d.bottom, r->z - r->program.approach.travel));
        d.speed = r->program.approach.speed;
        if (!descend(r, &d, true, e))
            return false;
    } else {
        attempt_flag(r, "contact-in-descent");
    }
    a->touched = TOUCHED_POSSIBLY;
    if (!d.latched)
        return no_contact(r, &d);
    double at[AXIS_COUNT];
    if (!stage_halt_confirm(r->rig->stage, at, e) || !held(r, e))
        return err_context(e, "halting at the contact");
    stand_begin(r, at);
    note_crossing(r, &d, at[AXIS_Z]);
    judge_height(r, &s, in_descent);
    r->contact_mean = d.base.mean;
    r->contact_sd = idle_sd(&d.base);
    return true;
}
