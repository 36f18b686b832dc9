/* One hop: a site's attempts from intent to outcome. Faults of every phase come back to one place here. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "run/features.h"
#include "run/hop.h"

const char *hop_state_name(enum hop_state s)
{
    static const char *const name[] = {
#define X(id, text) text,
        HOP_STATE_TABLE(X)
#undef X
    };
    return name[s];
}

void hop_note(struct run *r, const char *kind, const char *fmt, ...)
{
    struct results_event ev = {.t_s = ns_to_s(loop_now(r->loop)), .site = r->shown.site};
    ev.attempt = ev.site ? r->attempt.id : 0;
    loop_utc(r->loop, ev.utc);
    snprintf(ev.kind, sizeof ev.kind, "%s", kind);
    va_list args;
    va_start(args, fmt);
    vsnprintf(ev.text, sizeof ev.text, fmt, args);
    va_end(args);
    writer_event(r->w, &ev);
    show_event(r, &ev);
}

void hop_enter(struct run *r, enum hop_state s)
{
    r->state = s;
    hop_note(r, "state", "%s", hop_state_name(s));
}

/* A class that was found before without an outcome (the drop spread) stays where the outcome has none. */
__attribute__((format(printf, 4, 0))) static void decide(struct attempt *a, enum fault_class c,
                                                         enum outcome o, const char *fmt, va_list args)
{
    if (a->outcome != OUTCOME_NONE)
        return;
    a->outcome = o;
    a->fault = c != FAULT_NONE ? c : a->fault;
    vsnprintf(a->reason, sizeof a->reason, fmt, args);
}

bool attempt_outcome(struct run *r, enum outcome o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    decide(&r->attempt, fault_of_outcome(o), o, fmt, args);
    va_end(args);
    return true;
}

bool attempt_fault(struct run *r, enum fault_class c, enum outcome o, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    decide(&r->attempt, c, o, fmt, args);
    va_end(args);
    return true;
}

void attempt_flag(struct run *r, const char *flag)
{
    char *flags = r->attempt.flags;
    size_t n = strlen(flags), room = sizeof r->attempt.flags - n;
    if (!strstr(flags, flag))
        snprintf(flags + n, room, "%s%s", n ? "," : "", flag);
}

static bool decided(const struct run *r)
{
    return r->attempt.outcome != OUTCOME_NONE;
}

/* Without a measurement: up in the hold that runs, then the program's orderly end. Where a drop may hang on,
 * unseen (an approach that felt nothing, a wet signal), no break can be verified: fully retracted before
 * anything moves sideways (S3, S4). */
static bool lift(struct run *r, struct err *e)
{
    const struct attempt *a = &r->attempt;
    bool unseen = a->touched != TOUCHED_NO || a->outcome == OUTCOME_ALREADY_WET;
    double top = r->rig->config->z_retracted;
    if (unseen)
        r->air_proven = false;
    hop_enter(r, HOP_RETRACT);
    double height = unseen ? top : motion_clear_height(r, a->site->x, a->site->y);
    return r->z >= height - r->rig->config->tolerance || motion_z(r, height, r->program.retract.then, e);
}

static bool phases(struct run *r, struct err *e)
{
    hop_enter(r, HOP_UPLOAD);
    if (!hop_prove_air(r, e))
        return false;
    if (decided(r)) /* nothing has moved, and the cell is open */
        return true;
    if (!stream_start(r, e) || !hop_travel(r, e))
        return false;
    if (!decided(r) && !hop_prove(r, e))
        return false;
    if (!decided(r) && !hop_approach(r, e))
        return false;
    if (!decided(r) && !hop_confirm(r, e))
        return false;
    if (!decided(r) && !hop_landing(r, e))
        return false;
    bool measures = !decided(r);
    if (measures && !hop_measure(r, e))
        return false;
    if (measures ? !hop_detach(r, e) : !lift(r, e))
        return false;
    attempt_outcome(r, OUTCOME_MEASURED, "%s", "");
    return stream_finish(r, e);
}

void record_attempt(const struct run *r, struct results_attempt *out)
{
    const struct attempt *a = &r->attempt;
    *out = (struct results_attempt){
        .id = a->id,
        .site = a->site->site,
        .number = a->number,
        .outcome = a->outcome,
        .touched = a->touched,
        .last_cycle = a->last_cycle,
        .x = r->xy[0],
        .y = r->xy[1],
        .contact_z = a->contact_z,
        .contact_current = a->contact_current,
        .contact_charge = a->contact_charge,
        .break_distance = a->break_distance,
        .contact_capacitance = a->c_contact,
        .contact_capacitance_sd = a->c_contact_sd,
        .rest_capacitance = a->c_rest,
        .rest_capacitance_sd = a->c_rest_sd,
        .noise_rms = a->noise_rms,
        .start_s = a->start_s,
        .end_s = ns_to_s(loop_now(r->loop)),
    };
    snprintf(out->fault, sizeof out->fault, "%s", fault_name(a->fault));
    snprintf(out->reason, sizeof out->reason, "%s", a->reason);
    snprintf(out->last_step, sizeof out->last_step, "%s", a->last_step);
    snprintf(out->flags, sizeof out->flags, "%s", a->flags);
}

/* Writes the outcome with everything known of the attempt; the commit that makes it durable is awaited before
 * the next descent. */
bool record_end(struct run *r, struct err *e)
{
    struct results_attempt out;
    record_stop(r);
    record_attempt(r, &out);
    attempt_blank(r, &out);
    attempt_interruptions(r, &out);
    snprintf(out.fault, sizeof out.fault, "%s", fault_name(r->attempt.fault));
    features_free(&r->features);
    r->features = (struct features){0};
    attempt_features(r, &out, NULL, &r->features);
    writer_features(r->w, r->features.row, r->features.n);
    show_features(r, r->features.row, r->features.n);
    watch_judge(r);
    health_judge(r);
    run_tell_site(r);
    health_note(r, &out);
    snprintf(out.flags, sizeof out.flags, "%s", r->attempt.flags);
    if (writer_attempt_end(r->w, &out) && writer_commit(r->w) && writer_checkpoint(r->w))
        return true;
    return writer_ok(r->w, e) && err_set(e, ERR_IO, "results file: the writer does not take the outcome");
}

/* The one place to which faults return: the outcome, then the safe state. true: only the experiment said no,
 * and the rig is in order. */
static bool secure(struct run *r, struct err *fault)
{
    struct attempt *a = &r->attempt;
    machine_blame(r, fault);
    bool experiment = fault->code == ERR_LIMIT && decided(r);
    enum fault_class c = fault_of_err(fault);
    if (!experiment)
        attempt_fault(r, c, fault->code == ERR_CANCELLED ? OUTCOME_ABORTED : OUTCOME_FAULT, "%s: %s",
                      hop_state_name(r->attempt_state), fault->text);
    if (!experiment && a->outcome == OUTCOME_MEASURED && a->fault == FAULT_NONE)
        a->fault = c;
    bool safe = safe_state(r, fault);
    if (!experiment && a->fault == c && fault_of_err(fault) != FAULT_NONE)
        a->fault = fault_of_err(fault); /* by now the instruments were asked what had happened to them */
    return safe && experiment;
}

/* Behind the safe state of a rig that is not in order. true: it was brought back, the run goes on. Whatever
 * is not an instrument's fault (storage, the operator, an invariant) ends the run. */
static bool bring_back(struct run *r, struct err *fault)
{
    const struct attempt *a = &r->attempt;
    bool carried = fault->code == ERR_LIMIT; /* the experiment said no, and then the rig did not obey */
    enum fault_class c = carried ? a->fault : fault_of_err(fault);
    if (c == FAULT_SUSPENDED && r->counts.safe && r->in_order && machine_recover(r, fault))
        return true;
    if (c == FAULT_NONE || (!carried && !fault_row(c)->recovery && c != FAULT_SUSPENDED))
        return false;
    enum fault_policy policy = carried ? run_policy(r->p, a->outcome, c) : fault_policy(r->p, c);
    if (policy < POLICY_PAUSE)
        return run_recover(r, c, fault);
    err_context(fault, "site %d: %s (policy: %s)", a->site->site, fault_name(c), fault_policy_name(policy));
    return run_stop(r, policy, NULL);
}

static bool again_here(const struct run *r)
{
    const struct attempt *a = &r->attempt;
    enum fault_policy policy = run_policy(r->p, a->outcome, a->fault);
    if (a->touched != TOUCHED_NO || a->number % ATTEMPTS_MAX == 0)
        return false;
    return policy == POLICY_RETRY || (a->electrical && policy == POLICY_SPARE);
}

/* What passes by itself is given time; an instrument was waited for already. What fails meanwhile is a fault
 * like one of a phase, and neither the attempt's end nor its safe state says anything of the rig behind it.
 */
static bool wait_here(struct run *r, struct err *e)
{
    const struct attempt *a = &r->attempt;
    if (a->electrical || a->fault == FAULT_NONE || fault_row(a->fault)->recovery ||
        run_back_off(r, a->number, a->reason, e))
        return true;
    safe_state(r, e);
    return e->code != ERR_CANCELLED && bring_back(r, e);
}

static bool attempt(struct run *r, const struct plan_site *site, const int level[FACTOR_MAX], int number,
                    struct err *e)
{
    struct err fault = ERR_INIT;
    if (!record_begin(r, site, number, e))
        return false;
    memcpy(r->attempt.level, level, sizeof r->attempt.level);
    bool ok = phases(r, &fault);
    r->attempt_state = r->state;
    bool in_order = ok || secure(r, &fault);
    bool stored = record_end(r, in_order ? e : NULL);
    if (in_order)
        return stored;
    if (stored && fault.code != ERR_CANCELLED && bring_back(r, &fault))
        return true;
    *e = fault;
    return false;
}

bool hop_site(struct run *r, const struct plan_site *site, const int level[FACTOR_MAX], int earlier_attempts,
              struct err *e)
{
    site_program_make(r->plan, level, site->control, &r->program);
    const struct attempt *a = &r->attempt;
    for (int number = earlier_attempts + 1;; number++) {
        if (!attempt(r, site, level, number, e))
            return false;
        if (a->hangs || !again_here(r))
            break;
        if (!wait_here(r, e) || !machine_rested(r, e))
            return false;
    }
    enum fault_policy policy = run_policy(r->p, a->outcome, a->fault);
    if (a->hangs && policy < POLICY_PAUSE)
        policy = POLICY_PAUSE; /* no other site can be reached either */
    if (policy < POLICY_PAUSE)
        return true;
    err_set(e, ERR_LIMIT, "site %d: %s: %s (policy: %s)", site->site,
            a->outcome == OUTCOME_MEASURED ? fault_name(a->fault) : outcome_name(a->outcome), attempt_why(a),
            fault_policy_name(policy));
    return run_stop(r, policy, NULL);
}
