/* What the protocol says of a site that went wrong, and how a fault is told.
 *
 * A policy follows from outcome and class alone, which are both stored: a resumed run decides as the run
 * would have that was not interrupted. */
#include <stdarg.h>
#include <stdio.h>

#include "run/hop.h"

enum fault_class fault_of_outcome(enum outcome o)
{
    switch (o) {
    case OUTCOME_NO_CONTACT:
        return FAULT_NO_CONTACT;
    case OUTCOME_UNCONFIRMED:
        return FAULT_UNCONFIRMED;
    case OUTCOME_ALREADY_WET:
        return FAULT_ALREADY_WET;
    case OUTCOME_OVERLOAD:
        return FAULT_OVERLOAD;
    case OUTCOME_MENISCUS_LOST:
        return FAULT_MENISCUS_LOST;
    case OUTCOME_LANDING_REJECTED:
        return FAULT_LANDING_REJECTED;
    case OUTCOME_NOT_DETACHED:
        return FAULT_NOT_DETACHED;
    case OUTCOME_OUT_OF_RANGE:
        return FAULT_OUT_OF_RANGE;
    case OUTCOME_SUSPECTED_CRASH:
        return FAULT_CURRENT_TOO_LARGE;
    default:
        return FAULT_NONE;
    }
}

bool fault_is_in_air(enum fault_class c)
{
    return c == FAULT_PROBE_OPEN || c == FAULT_PROBE_SHORTED;
}

enum fault_policy fault_policy(const struct protocol *p, enum fault_class c)
{
    return fault_row(c)->policies ? (enum fault_policy)p->faults.policy[c] : fault_row(c)->policy;
}

/* A measured site is as it is, whatever the instruments did behind it: only what the drop did counts. */
enum fault_policy run_policy(const struct protocol *p, enum outcome o, enum fault_class c)
{
    if (o == OUTCOME_MEASURED)
        return c == FAULT_MENISCUS_SPREADING || c == FAULT_CONTACT_INTERRUPTED ? fault_policy(p, c)
                                                                               : POLICY_SKIP;
    if (o == OUTCOME_SKIPPED || o == OUTCOME_NOT_VISITED)
        return POLICY_SKIP;
    if (c == FAULT_NONE)
        c = fault_of_outcome(o);
    if (c != FAULT_NONE)
        return fault_policy(p, c);
    return o == OUTCOME_FAULT ? POLICY_PAUSE : POLICY_SPARE;
}

/* `skip` is the only policy that leaves a site without a measurement; behind a pause the operator goes on and
 * the site is as lost as with `spare`. A measured one is not lost. */
bool run_wants_spare(const struct protocol *p, enum outcome o, enum fault_class c)
{
    enum fault_policy policy = run_policy(p, o, c);
    return o != OUTCOME_NONE && (o == OUTCOME_MEASURED ? policy == POLICY_SPARE : policy != POLICY_SKIP);
}

enum fault_class run_fault_class(const struct run *r, const struct err *e)
{
    bool carried = e->code == ERR_LIMIT && r->attempt.outcome != OUTCOME_NONE;
    return carried ? r->attempt.fault : fault_of_err(e);
}

/* "[class] text", so that they can be counted without a table of their own. */
static void tell(struct run *r, const char *kind, enum fault_class c, const char *text)
{
    r->counts.by_fault[c]++;
    if (c == FAULT_NONE)
        hop_note(r, kind, "%s", text);
    else
        hop_note(r, kind, "[%s] %s", fault_name(c), text);
}

void run_tell_fault(struct run *r, enum fault_class c, const char *text)
{
    if (c != FAULT_NONE && c == r->attempt.fault)
        r->attempt.told = true;
    tell(r, "fault", c, text);
}

void run_tell_site(struct run *r)
{
    struct attempt *a = &r->attempt;
    if (a->fault == FAULT_NONE || a->told)
        return;
    a->told = true;
    tell(r, "site", a->fault, attempt_why(a));
}

const char *attempt_why(const struct attempt *a)
{
    return a->outcome == OUTCOME_MEASURED && *a->found ? a->found : a->reason;
}

/* The list of policies is not in this order: `spare` stands before `skip`. */
static int strictness(const struct run *r, enum fault_class c)
{
    enum fault_policy policy = run_policy(r->p, OUTCOME_MEASURED, c);
    return policy == POLICY_SKIP ? -1 : (int)policy;
}

bool attempt_found(struct run *r, enum fault_class c, const char *found)
{
    struct attempt *a = &r->attempt;
    if (a->fault != FAULT_NONE && strictness(r, c) <= strictness(r, a->fault))
        return false;
    a->fault = c;
    a->told = false;
    snprintf(a->found, sizeof a->found, "%s", found);
    return true;
}

bool run_stop(struct run *r, enum fault_policy then, const char *rule)
{
    r->aborted = then == POLICY_ABORT;
    r->stopped = !r->aborted;
    r->rules.rule = rule;
    return false;
}

__attribute__((format(printf, 4, 0))) static bool
device_fault(struct err *e, const char *device, enum err_code code, const char *fmt, va_list args)
{
    char text[sizeof e->text];
    vsnprintf(text, sizeof text, fmt, args);
    err_set(e, code, "%s", text);
    return err_device(e, device);
}

bool stage_fault(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    device_fault(e, "stage", code, fmt, args);
    va_end(args);
    return false;
}

bool potentiostat_fault(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    device_fault(e, "potentiostat", code, fmt, args);
    va_end(args);
    return false;
}
