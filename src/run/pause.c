/* The operator's pause: between sites, fully retracted, cell open, until the operator says continue or stop.
 *
 * The run thread goes on pumping its loop meanwhile, so that whoever watches it sees it alive. Virtual time
 * stands still: a pause of a minute must not become a night of drift. */
#include <string.h>

#include "run/hop.h"

#define LOOK_EVERY (100 * NS_MS)

static void tell(struct run *r, const char *state)
{
    writer_info(r->w, "state", state);
    writer_commit(r->w);
    show_state(r, state, "");
}

/* Until nobody wants the pause any more; false if the run is to end. */
static bool wait_for_operator(struct run *r, struct err *e)
{
    struct wishes *w = r->options->wishes;
    struct event *event = wishes_event(w);
    ns_t every = (ns_t)((double)LOOK_EVERY * loop_speed(r->loop));
    bool ok;
    loop_hold(r->loop);
    while ((ok = run_wanted(r, e)) && wishes_wants_pause(w)) {
        event->set = false;
        loop_wait(r->loop, event, loop_now(r->loop) + every);
    }
    loop_release(r->loop);
    return ok;
}

/* Fully retracted; a stage that fails here is brought back as one that fails at a site. */
static bool come_up(struct run *r, struct err *e)
{
    return run_retract(r, e) || run_get_over(r, e);
}

bool run_pause(struct run *r, struct err *e)
{
    struct wishes *w = r->options->wishes;
    if (!wishes_wants_pause(w))
        return true;
    /* The last program has ended, and with it the cell is open: the device said so. */
    if (!come_up(r, e))
        return err_context(e, "pause");
    hop_note(r, "operator", "paused by the operator %s", wishes_from(w));
    hop_enter(r, HOP_PAUSED);
    wishes_paused(w, true);
    tell(r, PAUSED_BY_OPERATOR);
    bool ok = wait_for_operator(r, e);
    wishes_paused(w, false);
    r->secured = false; /* the verdict of a safe state before: nobody watched meanwhile */
    if (!ok)
        return false;
    hop_note(r, "operator", "continued by the operator %s", wishes_from(w));
    hop_enter(r, HOP_IDLE);
    tell(r, "running");
    /* Somebody may have moved the stage by hand, or closed the lid. */
    r->air_proven = false;
    if (r->machine.away)
        return machine_rested(r, e);
    return come_up(r, e) || err_context(e, "behind the pause");
}
