/* What the protocol says of a site that went wrong. */
#include "run/hop.h"

/* Outcomes that are a class of fault by themselves. */
static enum fault_class class_of(enum outcome o)
{
    switch (o) {
    case OUTCOME_NO_CONTACT:
        return FAULT_NO_CONTACT;
    case OUTCOME_UNCONFIRMED:
        return FAULT_UNCONFIRMED;
    case OUTCOME_OVERLOAD:
        return FAULT_OVERLOAD;
    case OUTCOME_MENISCUS_LOST:
        return FAULT_MENISCUS_LOST;
    case OUTCOME_LANDING_REJECTED:
        return FAULT_LANDING_REJECTED;
    case OUTCOME_NOT_DETACHED:
        return FAULT_NOT_DETACHED;
    default:
        return FAULT_NONE;
    }
}

enum fault_policy run_policy(const struct run *r, enum outcome o)
{
    enum fault_class c = class_of(o);
    if (c != FAULT_NONE)
        return (enum fault_policy)r->p->faults.policy[c];
    if (o == OUTCOME_FAULT && r->attempt.away)
        return fault_row(FAULT_SUSPENDED)->policy;
    return o == OUTCOME_FAULT ? POLICY_PAUSE : POLICY_SPARE;
}
