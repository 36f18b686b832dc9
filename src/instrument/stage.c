/* Passes each call on to the driver and holds what all drivers share: the envelope (S6) and waiting for
 * arrival. */
#include "instrument/stage.h"

#include <math.h>
#include <string.h>

#include "instrument/stage_ops.h"

/* Coordinates are decided on at 1 pm; less than that outside is rounding. */
#define ROUNDING 1e-12
/* Whose fault it is, in errors. */
#define DEVICE "stage"
/* Axes that freezing stops. */
#define SIDEWAYS (1u << AXIS_X | 1u << AXIS_Y)
/* Between two looks at a moving stage: a few replies' time on the line. */
#define POLL_INTERVAL (5 * NS_MS)

static const struct stage_driver *const drivers[] = {&pi_gcs_driver};
static const char *const names[] = {"pi-gcs", NULL};

const struct stage_driver *stage_driver(const char *name)
{
    for (size_t k = 0; k < sizeof(drivers) / sizeof(drivers[0]); k++)
        if (strcmp(drivers[k]->name, name) == 0)
            return drivers[k];
    return NULL;
}

const char *const *stage_driver_names(void)
{
    return names;
}

const char *axis_name(enum axis a)
{
    static const char *const name[AXIS_COUNT] = {"x", "y", "z"};
    return name[a];
}

void stage_close(struct stage *s)
{
    if (s)
        s->ops->close(s);
}

bool stage_identify(struct stage *s, char *id, size_t n, struct err *e)
{
    return s->ops->identify(s, id, n, e) || err_device(e, DEVICE);
}

bool stage_read_limits(struct stage *s, double limit[AXIS_COUNT][2], struct err *e)
{
    double found[AXIS_COUNT][2];
    if (!s->ops->read_limits(s, found, e))
        return err_device(e, DEVICE);
    for (int a = 0; a < AXIS_COUNT; a++) {
        const double *want = s->config.limit[a];
        if (want[0] < found[a][0] - 1e-9 || want[1] > found[a][1] + 1e-9)
            return err_set(
                e, ERR_LIMIT,
                "axis %s: the rig's envelope %.3f to %.3f um exceeds the controller's %.3f to %.3f um",
                axis_name((enum axis)a), want[0] * 1e6, want[1] * 1e6, found[a][0] * 1e6, found[a][1] * 1e6);
    }
    memcpy(limit, found, sizeof(found));
    return true;
}

bool stage_servo(struct stage *s, bool on[AXIS_COUNT], struct err *e)
{
    return s->ops->servo(s, on, e) || err_device(e, DEVICE);
}

bool stage_servo_on_axes(struct stage *s, unsigned mask, struct err *e)
{
    return s->ops->servo_on(s, mask, e) || err_device(e, DEVICE);
}

bool stage_servo_on(struct stage *s, struct err *e)
{
    return stage_servo_on_axes(s, SIDEWAYS | 1u << AXIS_Z, e);
}

bool stage_set_speed(struct stage *s, enum axis a, double speed, struct err *e)
{
    if (!(speed > 0) || !isfinite(speed))
        return err_set(e, ERR_LIMIT, "axis %s: a speed of %g m/s is none", axis_name(a), speed);
    return s->ops->set_speed(s, a, speed, e) || err_device(e, DEVICE);
}

void stage_freeze(struct stage *s, bool frozen)
{
    s->frozen = frozen;
}

bool stage_move(struct stage *s, unsigned mask, const double target[AXIS_COUNT], struct err *e)
{
    double clamped[AXIS_COUNT] = {0};
    if (s->frozen && mask & SIDEWAYS)
        return err_set(e, ERR_LIMIT, "x and y are frozen: the probe is not known to be clear of the sample");
    for (int a = 0; a < AXIS_COUNT; a++) {
        if (!(mask & 1u << a))
            continue;
        const double *limit = s->config.limit[a];
        if (!(target[a] >= limit[0] - ROUNDING && target[a] <= limit[1] + ROUNDING)) /* NAN fails */
            return err_set(e, ERR_LIMIT,
                           "axis %s: target %.3f um is outside the rig's envelope %.3f to %.3f um",
                           axis_name((enum axis)a), target[a] * 1e6, limit[0] * 1e6, limit[1] * 1e6);
        clamped[a] = fmin(fmax(target[a], limit[0]), limit[1]);
    }
    return s->ops->move(s, mask, clamped, e) || err_device(e, DEVICE);
}

bool stage_check(struct stage *s, struct err *e)
{
    return s->ops->check(s, e) || err_device(e, DEVICE);
}

bool stage_ask_position(struct stage *s, struct err *e)
{
    return s->ops->ask_position(s, e) || err_device(e, DEVICE);
}

enum reply_state stage_poll_position(struct stage *s, double position[AXIS_COUNT], ns_t *asked, ns_t *at,
                                     struct err *e)
{
    enum reply_state state = s->ops->poll_position(s, position, asked, at, e);
    if (state == REPLY_FAILED)
        err_device(e, DEVICE);
    if (state == REPLY_READY)
        s->late = dialogue_late(s->dialogue);
    return state;
}

struct event *stage_event(struct stage *s)
{
    return dialogue_event(s->dialogue);
}

bool stage_position(struct stage *s, double position[AXIS_COUNT], struct err *e)
{
    if (!s->ops->position(s, position, e))
        return err_device(e, DEVICE);
    s->late = dialogue_late(s->dialogue);
    return true;
}

bool stage_on_target(struct stage *s, unsigned mask, bool *yes, struct err *e)
{
    return s->ops->on_target(s, mask, yes, e) || err_device(e, DEVICE);
}

/* First axis of mask that is further from its target than the tolerance; AXIS_COUNT if all are there. */
static enum axis first_away(const struct stage *s, unsigned mask, const double target[],
                            const double position[])
{
    for (int a = 0; a < AXIS_COUNT; a++)
        if ((mask & 1u << a) && !(fabs(position[a] - target[a]) <= s->config.tolerance))
            return (enum axis)a;
    return AXIS_COUNT;
}

bool stage_restarted(struct stage *s)
{
    if (!s->anew.code && s->ops->restarted)
        s->ops->restarted(s, &s->anew);
    return s->anew.code != ERR_NONE;
}

void stage_restart_is_over(struct stage *s)
{
    err_clear(&s->anew);
}

bool stage_explain(struct stage *s, struct err *e)
{
    struct err found = ERR_INIT;
    if (!e || e->code == ERR_RESET)
        return false;
    if (stage_restarted(s)) {
        found = s->anew;
    } else if (!s->ops->explain || !s->ops->explain(s, &found)) {
        if (e->code != ERR_SILENT || dialogue_late(s->dialogue) == s->late)
            return false;
        err_set(&found, ERR_LATE, "the answer came behind its deadline");
    }
    err_set(e, found.code, "%s%s%s", e->text, e->text[0] ? ": " : "", found.text);
    err_device(e, DEVICE);
    return true;
}

/* Always false. */
static bool not_there(struct stage *s, enum axis away, const double target[], const double position[],
                      ns_t timeout, struct err *e)
{
    if (away == AXIS_COUNT)
        err_set(e, ERR_OFF_TARGET, "all axes at their targets, but not settled after %.3f s",
                ns_to_s(timeout));
    else
        err_set(e, ERR_OFF_TARGET, "axis %s did not arrive in %.3f s: target %.3f um, position %.3f um",
                axis_name(away), ns_to_s(timeout), target[away] * 1e6, position[away] * 1e6);
    stage_explain(s, e);
    return err_device(e, DEVICE);
}

/* The controller's "on target" alone is not believed: a target it has dropped counts as reached there. */
bool stage_move_wait(struct stage *s, unsigned mask, const double target[AXIS_COUNT], ns_t timeout,
                     struct err *e)
{
    struct loop *l = link_loop(dialogue_link(s->dialogue));
    ns_t deadline = loop_now(l) + loop_patience(l, timeout);
    if (!stage_move(s, mask, target, e))
        return false;
    if (!stage_check(s, e)) {
        if (e && e->code == ERR_SERVO) /* or was it a reset that switched it off? */
            stage_explain(s, e);
        return false;
    }
    for (;;) {
        double position[AXIS_COUNT];
        if (!stage_position(s, position, e))
            return false;
        enum axis away = first_away(s, mask, target, position);
        bool settled = false;
        if (away == AXIS_COUNT && !stage_on_target(s, mask, &settled, e))
            return false;
        if (settled)
            return true;
        if (loop_now(l) >= deadline)
            return not_there(s, away, target, position, timeout, e);
        loop_sleep_until(l, loop_now(l) + POLL_INTERVAL);
    }
}

bool stage_retract_open_loop(struct stage *s, double z, double speed, struct err *e)
{
    if (!s->ops->retract_open_loop)
        return err_set(e, ERR_LIMIT, "this stage can not be moved with its servo off");
    double inside = fmin(fmax(z, s->config.limit[AXIS_Z][0]), s->config.limit[AXIS_Z][1]);
    return s->ops->retract_open_loop(s, inside, speed, e) || err_device(e, DEVICE);
}

bool stage_push_up(struct stage *s, struct err *e)
{
    return !s->ops->push_up || s->ops->push_up(s, e) || err_device(e, DEVICE);
}

bool stage_lift(struct stage *s, double *by, struct err *e)
{
    *by = 0;
    if (!s->ops->lift || !s->config.coarse.id[0])
        return err_set(e, ERR_LIMIT, "the rig has no coarse axis");
    return s->ops->lift(s, by, e) || err_device(e, DEVICE);
}

bool stage_halt(struct stage *s, struct err *e)
{
    return s->ops->halt(s, e) || err_device(e, DEVICE);
}

bool stage_halt_confirm(struct stage *s, double position[AXIS_COUNT], struct err *e)
{
    return s->ops->halt_confirm(s, position, e) || err_device(e, DEVICE);
}

void stage_halt_bytes(struct stage *s, struct buf *out)
{
    s->ops->halt_bytes(s, out);
}

void stage_retract_bytes(struct stage *s, double z, struct buf *out)
{
    s->ops->retract_bytes(s, z, out);
}

/* What every driver has: bytes, and nothing read. The stop is repeated because a move may have waited
 * in front of the first. */
static int plain_errands(struct stage *s, double z, struct errand *out, int max)
{
    struct buf halt = {0}, retract = {0};
    stage_halt_bytes(s, &halt);
    stage_retract_bytes(s, z, &retract);
    int n = 0;
    if (n < max)
        out[n++] = errand_make("stop", 0, halt.p, halt.n);
    if (n < max)
        out[n++] = errand_make("stop again", 1, halt.p, halt.n);
    if (n < max)
        out[n++] = errand_make("retraction", 1, retract.p, retract.n);
    buf_free(&halt);
    buf_free(&retract);
    return n;
}

int stage_errands(struct stage *s, double z, double speed, struct errand *out, int max)
{
    return s->ops->errands ? s->ops->errands(s, z, speed, out, max) : plain_errands(s, z, out, max);
}
