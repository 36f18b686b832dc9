/* The stage while the probe is in contact: that it stays where it is, or on its way up does not sink.
 *
 * A piezo whose servo switched itself off, or whose controller starts anew, sinks toward the sample by some
 * hundred nm in the first tenth of a second, and the drop is no higher than that: there is no time to wait
 * for a sample or a step to end. So positions are asked for all the time, in between whatever the run waits
 * for, and nothing waits for their answers. */
#include <math.h>

#include "base/bounds.h"
#include "run/hop.h"

/* From one answer to the next question: the line has time for more, and a log of it need not. Of real time,
 * as questions cost that, however fast a simulation is. */
#define ASK_EVERY (BOUND_WANDER * 2 / 5)
/* Further than so many tolerances from where it stood the stage wanders ... */
#define STANDS 5
/* ... and lower than so many below the highest it has been it sinks. */
#define SINKS 2

bool stand_sinks(const struct run *r, double from, double z)
{
    return z < from - SINKS * r->rig->config->tolerance;
}

void stand_begin(struct run *r, const double at[AXIS_COUNT])
{
    r->stand = (struct stand){.on = true, .next = loop_now(r->loop), .seen_at = loop_now(r->loop)};
    for (int a = 0; a < AXIS_COUNT; a++)
        r->stand.at[a] = at[a];
}

bool stand_end(struct run *r, struct err *e)
{
    bool was = r->stand.on;
    r->stand.on = false;
    return !was || motion_last_position(r, e);
}

static bool wanders(const struct run *r, int axis, const double at[AXIS_COUNT])
{
    const struct stand *s = &r->stand;
    if (axis == AXIS_Z && stand_sinks(r, s->at[axis], at[axis]))
        return true;
    return !(axis == AXIS_Z && s->rises) && fabs(at[axis] - s->at[axis]) > STANDS * r->rig->config->tolerance;
}

static bool judge(struct run *r, const double at[AXIS_COUNT], struct err *e)
{
    struct stand *s = &r->stand;
    for (int a = 0; a < AXIS_COUNT; a++)
        if (wanders(r, a, at))
            return stage_fault(e, ERR_OFF_TARGET,
                               "stage: it wanders: axis %s from %.4f to %.4f um while %s was commanded",
                               r->rig->config->axis[a], s->at[a] * 1e6, at[a] * 1e6,
                               a == AXIS_Z && s->rises ? "the way up" : "nothing");
    if (s->rises)
        s->at[AXIS_Z] = fmax(s->at[AXIS_Z], at[AXIS_Z]);
    return true;
}

bool stand_look(struct run *r, struct err *e)
{
    double at[AXIS_COUNT];
    struct stand *s = &r->stand;
    if (!s->on)
        return true;
    enum reply_state state = stage_poll_position(r->rig->stage, at, NULL, &s->seen_at, e);
    if (state == REPLY_FAILED)
        return false;
    if (state == REPLY_READY) {
        motion_remember(r, at);
        s->next = loop_now(r->loop) + loop_patience(r->loop, ASK_EVERY);
        if (!judge(r, at, e))
            return false;
    }
    if (state == REPLY_PENDING || loop_now(r->loop) < s->next)
        return true;
    s->next = NS_NEVER; /* until the answer is there */
    return stage_ask_position(r->rig->stage, e);
}
