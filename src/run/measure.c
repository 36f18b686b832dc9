/* The protocol's steps, which the potentiostat runs by itself; the host watches status and limits, and that
 * the probe stays where it is. */
#include <math.h>

#include "base/bounds.h"
#include "run/hop.h"

/* The stage is asked this often whether it still stands (a servo that is lost lets it creep), ... */
#define LOOK_EVERY (BOUND_WANDER / 2)
/* ... within so many times the tolerance. */
#define STANDS 5

struct place {
    double at[AXIS_COUNT];
    ns_t next_look;
    bool known;
};

static bool moved(const struct run *r, const struct place *p, const double at[AXIS_COUNT], struct err *e)
{
    for (int a = 0; a < AXIS_COUNT; a++)
        if (fabs(at[a] - p->at[a]) > STANDS * r->rig->config->tolerance)
            return stage_fault(e, ERR_OFF_TARGET,
                               "stage: it wanders: axis %s from %.4f to %.4f um while nothing was commanded",
                               r->rig->config->axis[a], p->at[a] * 1e6, at[a] * 1e6);
    return true;
}

/* Split-phase: never waits. */
static bool look(struct run *r, struct place *p, struct err *e)
{
    double at[AXIS_COUNT];
    struct stage *stage = r->rig->stage;
    enum reply_state state = stage_poll_position(stage, at, NULL, NULL, e);
    if (state == REPLY_FAILED)
        return false;
    if (state == REPLY_READY) {
        if (!p->known)
            for (int a = 0; a < AXIS_COUNT; a++)
                p->at[a] = at[a];
        p->known = true;
        p->next_look = loop_now(r->loop) + LOOK_EVERY;
        if (!moved(r, p, at, e))
            return false;
    }
    bool due = state != REPLY_PENDING && loop_now(r->loop) >= p->next_look;
    return !due || stage_ask_position(stage, e);
}

bool hop_measure(struct run *r, struct err *e)
{
    struct place place = {0};
    hop_enter(r, HOP_MEASURE);
    if (!stream_advance(r, e))
        return false;
    struct potentiostat_item item;
    while (r->program.role[r->stream.segment] != ROLE_RELAX) {
        if (!stream_wait(r, &item, 0, e) || !look(r, &place, e) || !gate_take(r, &item, e))
            return false;
        if (r->stream.done)
            return potentiostat_fault(e, ERR_MISMATCH,
                                      "the potentiostat's program ended in the middle of the steps");
    }
    return motion_last_position(r, e);
}
