/* After a fault of an instrument, behind the safe state: waiting and bringing the rig back, within a budget.
 *
 * Nothing is at stake while it waits: the probe is retracted and the cell open as far as the rig obeys, and
 * it was told so. So it waits longer from try to try, sees the operator's wishes meanwhile, and goes on only
 * with a rig of which everything is proven anew. */
#include <math.h>
#include <stdio.h>

#include "run/hop.h"

#define LOOK_EVERY (100 * NS_MS)

/* s before try number `after` + 1 of a row, after >= 0. */
static double wait_before(const struct faults *f, int after)
{
    return fmin(f->back_off[0] * exp2(fmin(after, 60)), f->back_off[1]);
}

static void tell_state(struct run *r, const char *state, const char *reason)
{
    writer_info(r->w, "state", state);
    writer_info(r->w, "state_reason", reason);
    writer_commit(r->w);
    show_state(r, state, reason);
}

/* In the loop's time; false: the operator stops, or nothing can be stored any more. */
static bool wait_for(struct run *r, double seconds, const char *why, struct err *e)
{
    char text[256];
    struct wishes *w = r->options->wishes;
    struct event *events[] = {w ? wishes_event(w) : NULL};
    ns_t until = loop_now(r->loop) + ns_from_s(seconds), every = LOOK_EVERY;
    if (loop_mode(r->loop) == LOOP_SCALED)
        every = (ns_t)((double)LOOK_EVERY * loop_speed(r->loop));
    snprintf(text, sizeof text, "next try in %.3g s: %.200s", seconds, why);
    hop_note(r, "recovery", "%s", text);
    tell_state(r, RECOVERING, text);
    bool ok;
    while ((ok = run_asked(r, e)) && loop_now(r->loop) < until) {
        ns_t next = loop_now(r->loop) + every;
        if (events[0])
            events[0]->set = false;
        loop_wait_any(r->loop, events, 1, next < until ? next : until);
    }
    tell_state(r, "running", "");
    return ok;
}

static bool give_orders(struct run *r, struct err *e)
{
    struct guardian *g = r->options->guardian;
    if (g && !guardian_protect(g, r->rig, r->options->path, e))
        return false;
    r->links_told = r->rig->reopened;
    if (!g)
        return true;
    hop_note(r, "recovery", "the guardian, process %ld, has the links as they are now", guardian_pid(g));
    return true;
}

/* A link that was opened anew is the guardian's as well, whatever its device says: it has no other by now,
 * and the next try may be long in coming. */
static bool recover_rig(struct run *r, struct err *e)
{
    struct err why = ERR_INIT;
    if (rig_recover(r->rig, e))
        return give_orders(r, e);
    if (r->rig->reopened != r->links_told && !give_orders(r, &why))
        hop_note(r, "recovery", "the new links: %s", why.text);
    return false;
}

bool run_prove(struct run *r, struct err *e)
{
    r->counts.safe = false;
    r->cell_is_open = recover_rig(r, e);
    r->counts.safe = r->cell_is_open && run_retract(r, e);
    r->cell_was_open = r->cell_was_open || r->counts.safe;
    r->air_proven = false;
    return r->counts.safe;
}

/* Which part of the budget is used up, NULL = none. */
static const char *used_up(const struct run *r, char text[160])
{
    const struct faults *f = &r->p->faults;
    const struct recoveries *n = &r->recoveries;
    if (n->in_a_row >= f->recover_consecutive)
        snprintf(text, 160, "%d tries without a site measured in between (faults.recover.consecutive)",
                 n->in_a_row);
    else if (n->total >= f->recover_total)
        snprintf(text, 160, "%d tries altogether (faults.recover.total)", n->total);
    else
        return NULL;
    return text;
}

/* Nothing that waiting could mend: only an operator lowers a head that was lifted. */
static bool is_final(const struct err *e)
{
    return e->code == ERR_LIMIT;
}

/* The end of the tries: the newest error, and what the budget was. The rig was left as the newest try left
 * it, so the safe state has the last word. */
static bool give_up(struct run *r, struct err *fault, const char *budget, bool tried)
{
    struct err all = {.code = ERR_REPORTED};
    snprintf(all.text, sizeof all.text, "not brought back, %s: %.700s", budget, fault->text);
    if (tried)
        safe_state(r, &all);
    snprintf(fault->text, sizeof fault->text, "%s", all.text);
    return run_stop(r, (enum fault_policy)r->p->faults.recover_then, "faults.recover");
}

/* The potentiostat is in order again. If it may have started anew meanwhile, the protocol's word on that
 * holds, too, where it stops the run; false then. */
static bool may_go_on(struct run *r, enum fault_class c, struct err *fault)
{
    enum fault_policy anew = fault_policy(r->p, FAULT_POTENTIOSTAT_RESET);
    if (c != FAULT_POTENTIOSTAT_SILENT || !potentiostat_may_be_anew(r->rig->pstat))
        return true;
    hop_note(r, "found", "%s",
             "potentiostat: no program runs any more: it has ended it unheard when it was told to, or has "
             "started anew; nothing tells which");
    if (anew < POLICY_PAUSE)
        return true;
    snprintf(fault->text, sizeof fault->text,
             "the potentiostat was silent and may have started anew meanwhile (faults.%s: %s)",
             fault_name(FAULT_POTENTIOSTAT_RESET), fault_policy_name(anew));
    return run_stop(r, anew, NULL);
}

bool run_recover(struct run *r, enum fault_class c, struct err *fault)
{
    struct recoveries *n = &r->recoveries;
    char budget[160];
    bool tried = false;
    hop_enter(r, HOP_RECOVER);
    for (;;) {
        struct err e = ERR_INIT;
        if (used_up(r, budget))
            return give_up(r, fault, budget, tried);
        if (!wait_for(r, wait_before(&r->p->faults, n->in_a_row), fault->text, &e)) {
            *fault = e;
            return false;
        }
        machine_note(r);
        n->in_a_row++;
        n->total++;
        if (run_prove(r, &e))
            break;
        tried = true;
        hop_note(r, "recovery", "try %d failed: %s", n->in_a_row, e.text);
        *fault = e;
        if (e.code == ERR_RESET) {
            safe_state(r, fault);
            c = fault_of_err(&e);
            if (fault_policy(r->p, c) >= POLICY_PAUSE)
                return run_stop(r, fault_policy(r->p, c), NULL);
        }
        if (is_final(&e))
            return give_up(r, fault, "and will not be by waiting", tried);
    }
    r->counts.safe = r->in_order = true;
    r->cell_was_open = true;
    hop_note(r, "recovery", "%s: " RECOVERED " (try %d, %d altogether)", fault_name(c), n->in_a_row,
             n->total);
    return may_go_on(r, c, fault);
}

bool run_get_over(struct run *r, struct err *fault)
{
    safe_state(r, fault);
    enum fault_class c = fault_of_err(fault);
    if (c == FAULT_NONE || !fault_row(c)->recovery)
        return false;
    enum fault_policy policy = fault_policy(r->p, c);
    if (policy < POLICY_PAUSE)
        return run_recover(r, c, fault);
    err_context(fault, "%s (policy: %s)", fault_name(c), fault_policy_name(policy));
    return run_stop(r, policy, NULL);
}

bool run_back_off(struct run *r, int after, const char *why, struct err *e)
{
    hop_enter(r, HOP_RECOVER);
    return run_retract(r, e) && wait_for(r, wait_before(&r->p->faults, after - 1), why, e);
}
