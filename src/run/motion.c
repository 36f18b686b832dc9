/* Moving the probe: away from the sample, or sideways with the contact signal watched. Toward the sample:
 * approach.c. */
#include <math.h>

#include "base/bounds.h"
#include "run/hop.h"

/* A move has failed when it took this many times its ideal duration and a second. */
#define SLOWNESS 1.5
#define GRACE_S  1.0

static bool program_runs(const struct run *r)
{
    return r->stream.sp && !r->stream.done;
}

struct follow {
    unsigned mask;
    double target[AXIS_COUNT];
    ns_t deadline;
    struct idle *watch; /* NULL: the signal is recorded but not judged */
    bool trigger;
    struct headway headway;
};

/* Takes all samples that are there; sets trigger when a watched one lies beyond the baseline. */
static bool take_samples(struct run *r, struct follow *f, struct err *e)
{
    while (program_runs(r)) {
        struct potentiostat_item item;
        if (!stream_take(r, &item, e))
            return false;
        if (item.kind == PSTAT_NONE)
            return true;
        if (item.kind != PSTAT_SAMPLE || !f->watch)
            continue;
        double reach = idle_reach(f->watch, r->program.approach.threshold, r->program.approach.sigmas);
        if (fabs(item.sample.i - f->watch->mean) > reach) {
            f->trigger = true;
            return true;
        }
        idle_add(f->watch, item.sample.i);
    }
    return run_wanted(r, e);
}

static bool arrived(const struct run *r, const struct follow *f, const double at[AXIS_COUNT])
{
    double tolerance = 2 * r->rig->config->tolerance;
    for (int a = 0; a < AXIS_COUNT; a++)
        if (f->mask & 1u << a && fabs(at[a] - f->target[a]) > tolerance)
            return false;
    return true;
}

/* Of a move of some micrometres; creep of a servo that was lost is some ten nanometres in a second. */
#define HEADWAY 100e-9

/* Positions come every few milliseconds. A longer gap is not the stage's: this program was held up, and what
 * it sees first is an answer from before. */
#define HELD_UP (200 * NS_MS)

bool motion_stalled(struct headway *h, double to_go, double step, ns_t seen_at, const struct loop *l)
{
    if (h->seen && seen_at - h->seen > loop_patience(l, HELD_UP))
        h->since = 0;
    h->seen = seen_at;
    if (h->since == 0 || to_go < h->best - step) {
        h->best = to_go;
        h->since = seen_at;
    }
    return seen_at - h->since > loop_patience(l, BOUND_HEADWAY);
}

static double to_go(const struct follow *f, const double at[AXIS_COUNT])
{
    double sum = 0;
    for (int a = 0; a < AXIS_COUNT; a++)
        if (f->mask & 1u << a)
            sum += fabs(at[a] - f->target[a]);
    return sum;
}

void motion_to_stage(const struct run *r, double x, double y, double stage[2])
{
    const struct probe *p = r->options->probe;
    stage[0] = x + (p ? p->offset[0] : 0);
    stage[1] = y + (p ? p->offset[1] : 0);
}

void motion_remember(struct run *r, const double at[AXIS_COUNT])
{
    const struct probe *p = r->options->probe;
    r->xy[0] = at[AXIS_X] - (p ? p->offset[0] : 0);
    r->xy[1] = at[AXIS_Y] - (p ? p->offset[1] : 0);
    r->z = at[AXIS_Z];
}

static bool not_there(const struct run *r, const struct follow *f, struct err *e)
{
    struct err why = ERR_INIT;
    double at[2];
    motion_to_stage(r, r->xy[0], r->xy[1], at);
    stage_check(r->rig->stage, &why);
    return stage_fault(e, why.code ? why.code : ERR_OFF_TARGET,
                       "stage did not reach its target in time: at x %.4f y %.4f z %.4f um, wanted "
                       "x %.4f y %.4f z %.4f um (axes %s%s%s)%s%s",
                       at[0] * 1e6, at[1] * 1e6, r->z * 1e6, f->target[0] * 1e6, f->target[1] * 1e6,
                       f->target[2] * 1e6, f->mask & 1 ? "x" : "", f->mask & 2 ? "y" : "",
                       f->mask & 4 ? "z" : "", why.code ? "; " : "", why.text);
}

/* Commands the move and follows it by its positions until it has arrived, the signal triggered, or it is
 * late. */
static bool follow(struct run *r, struct follow *f, struct err *e)
{
    struct stage *stage = r->rig->stage;
    if (!stand_end(r, e) || !stage_move(stage, f->mask, f->target, e) || !stage_ask_position(stage, e))
        return false;
    struct trail trail = {0};
    double highest = r->z;
    bool up = f->mask & 1u << AXIS_Z && f->target[AXIS_Z] > r->z;
    for (;;) {
        if (!take_samples(r, f, e))
            return false;
        if (f->trigger)
            return true;
        double at[AXIS_COUNT];
        ns_t seen_at;
        enum reply_state state = stage_poll_position(stage, at, NULL, &seen_at, e);
        if (state == REPLY_FAILED)
            return false;
        if (state == REPLY_READY) {
            motion_remember(r, at);
            if (arrived(r, f, at))
                return true;
            /* There is a drop's height of time where it was in contact, and the error slot is asked later. */
            if (up && trail_sinks(r, &trail, &highest, r->z)) {
                trail.off = 0;
                if (!stand_is_held(r, highest, "the way up", e))
                    return false;
            }
            if (motion_stalled(&f->headway, to_go(f, at), HEADWAY, seen_at, r->loop) ||
                loop_now(r->loop) > f->deadline)
                return not_there(r, f, e);
            if (!stage_ask_position(stage, e))
                return false;
        }
        struct event *events[] = {stage_event(stage),
                                  program_runs(r) ? potentiostat_event(r->rig->pstat) : NULL};
        loop_wait_any(r->loop, events, 2, loop_now(r->loop) + 20 * NS_MS);
    }
}

bool motion_last_position(struct run *r, struct err *e)
{
    double at[AXIS_COUNT];
    for (;;) {
        enum reply_state state = stage_poll_position(r->rig->stage, at, NULL, NULL, e);
        if (state == REPLY_FAILED)
            return false;
        if (state == REPLY_READY)
            motion_remember(r, at);
        if (state != REPLY_PENDING)
            return true;
        loop_wait(r->loop, stage_event(r->rig->stage), loop_now(r->loop) + 20 * NS_MS);
    }
}

bool motion_not_obeyed(struct run *r, const char *verb, double target, struct err *e)
{
    struct err why = ERR_INIT;
    double z = r->z;
    if (motion_last_position(r, &why))
        stage_check(r->rig->stage, &why);
    return stage_fault(e, why.code ? why.code : ERR_OFF_TARGET,
                       "stage: z does not %s: at %.4f um, commanded %.4f um%s%s", verb, z * 1e6, target * 1e6,
                       why.code ? "; " : "", why.text);
}

static ns_t deadline_for(struct run *r, double distance, double speed)
{
    return loop_now(r->loop) + loop_patience(r->loop, ns_from_s(SLOWNESS * distance / speed + GRACE_S));
}

bool motion_z(struct run *r, double z, double speed, struct err *e)
{
    struct follow f = {.mask = 1u << AXIS_Z, .target = {r->xy[0], r->xy[1], z}};
    f.deadline = deadline_for(r, fabs(z - r->z), speed);
    if (!stage_set_speed(r->rig->stage, AXIS_Z, speed, e) || !follow(r, &f, e))
        return err_context(e, "moving z to %.3f um", z * 1e6);
    return true;
}

bool motion_xy(struct run *r, double x, double y, struct idle *watch, bool *trigger, struct err *e)
{
    double speed = r->rig->config->speed_xy;
    struct follow f = {.mask = 1u << AXIS_X | 1u << AXIS_Y, .target = {0, 0, r->z}, .watch = watch};
    motion_to_stage(r, x, y, f.target);
    f.deadline = deadline_for(r, hypot(x - r->xy[0], y - r->xy[1]), speed);
    if (!stage_set_speed(r->rig->stage, AXIS_X, speed, e) ||
        !stage_set_speed(r->rig->stage, AXIS_Y, speed, e) || !follow(r, &f, e))
        return err_context(e, "moving to x %.3f y %.3f um", x * 1e6, y * 1e6);
    *trigger = f.trigger;
    return true;
}

/* Standard deviations of the predicted surface kept as distance (S3). */
#define CLEAR_SIGMAS 4
/* Fewer contacts than this are no knowledge of the surface (S3). */
#define CONTACTS_NEEDED 3

double motion_clear_height(const struct run *r, double x, double y)
{
    if (surface_count(r->surface) < CONTACTS_NEEDED)
        return r->rig->config->z_retracted;
    double top = -INFINITY, t = ns_to_s(loop_now(r->loop));
    const double at[2][2] = {{x, y}, {r->xy[0], r->xy[1]}};
    for (int k = 0; k < 2; k++) {
        double z, sigma;
        if (!surface_predict(r->surface, at[k][0], at[k][1], t, &z, &sigma))
            return r->rig->config->z_retracted;
        top = fmax(top, z + CLEAR_SIGMAS * sigma);
    }
    return fmin(top + r->p->peak + r->p->clearance, r->rig->config->z_retracted);
}
