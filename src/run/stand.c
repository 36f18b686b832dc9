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
#define ASK_EVERY (BOUND_WANDER / 4)
/* So many readings in a row, the second and third of them asked for at once: one alone may be noise. */
#define IN_A_ROW 3
/* Further than so many tolerances from where it stood the stage wanders ... */
#define STANDS 5
/* ... and lower than so many below the highest it has been it sinks, if its servo is off. What shakes a stage
 * that is held is no more than the former, or is as bad. */
#define SINKS 2

static double middle(const struct trail *t)
{
    const double *z = t->last;
    return t->n < 3 ? z[0] : fmax(fmin(z[0], z[1]), fmin(fmax(z[0], z[1]), z[2]));
}

static void trail_add(struct trail *t, double at)
{
    t->last[2] = t->last[1];
    t->last[1] = t->last[0];
    t->last[0] = at;
    t->n += t->n < 3;
}

static bool trail_off(struct trail *t, bool off)
{
    t->off = off ? t->off + 1 : 0;
    return t->off >= IN_A_ROW;
}

bool trail_sinks(const struct run *r, struct trail *t, double *highest, double z)
{
    trail_add(t, z);
    bool sinks = trail_off(t, z < *highest - SINKS * r->rig->config->tolerance);
    if (t->n == 3)
        *highest = fmax(*highest, middle(t));
    return sinks;
}

bool stand_is_held(struct run *r, double from, const char *told, struct err *e)
{
    bool on[AXIS_COUNT];
    if (!stage_servo(r->rig->stage, on, e))
        return false;
    return (on[AXIS_Z] && r->z > from - STANDS * r->rig->config->tolerance) ||
           stage_fault(e, ERR_OFF_TARGET, "stage: it sinks, from z %.4f to %.4f um, while %s was commanded",
                       from * 1e6, r->z * 1e6, told);
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

/* The first readings together say where it stands; one alone may be the odd one. */
static void settle(struct stand *s, int axis)
{
    const double *t = s->trail[axis].last;
    if (s->trail[axis].n == 2 && !s->rises)
        s->at[axis] = fmax(fmin(t[0], t[1]), fmin(fmax(t[0], t[1]), s->at[axis]));
}

static bool wanders(struct run *r, int axis, double at, struct err *e)
{
    struct stand *s = &r->stand;
    if (!trail_off(&s->away[axis], fabs(at - s->at[axis]) > STANDS * r->rig->config->tolerance))
        return false;
    return !stage_fault(e, ERR_OFF_TARGET,
                        "stage: it wanders: axis %s from %.4f to %.4f um while nothing was commanded",
                        r->rig->config->axis[axis], s->at[axis] * 1e6, at * 1e6);
}

/* z sinks, as seen behind the newest reading. */
static bool z_sinks(struct run *r, double z)
{
    struct stand *s = &r->stand;
    double highest = s->at[AXIS_Z];
    bool sinks = trail_sinks(r, &s->trail[AXIS_Z], &highest, z);
    if (s->rises)
        s->at[AXIS_Z] = highest;
    return sinks;
}

static bool judge(struct run *r, const double at[AXIS_COUNT], struct err *e)
{
    struct stand *s = &r->stand;
    if (z_sinks(r, at[AXIS_Z])) {
        s->trail[AXIS_Z].off = 0;
        if (!stand_is_held(r, s->at[AXIS_Z], s->rises ? "the way up" : "nothing", e))
            return false;
    }
    for (int a = 0; a < AXIS_COUNT; a++) {
        if (a != AXIS_Z)
            trail_add(&s->trail[a], at[a]);
        settle(s, a);
        if (!(a == AXIS_Z && s->rises) && wanders(r, a, at[a], e))
            return false;
    }
    return true;
}

static bool suspicious(const struct stand *s)
{
    return s->trail[AXIS_Z].off || s->away[AXIS_X].off || s->away[AXIS_Y].off || s->away[AXIS_Z].off;
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
        if (!judge(r, at, e))
            return false;
        s->next = loop_now(r->loop) + (suspicious(s) ? 0 : loop_patience(r->loop, ASK_EVERY));
    }
    if (state == REPLY_PENDING || loop_now(r->loop) < s->next)
        return true;
    s->next = NS_NEVER; /* until the answer is there */
    return stage_ask_position(r->rig->stage, e);
}
