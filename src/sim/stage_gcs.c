/* The simulated piezo controller's line: input in order and with its latency, control bytes at once, motion
 * in time.
 *
 *   bytes -> line until LF -> queue -> (latency) -> gcs_execute() -> answer
 *        \-> control byte: acts when it arrives, even in front of half a line
 *
 * Documentation does not tell what becomes of a line that was received and not executed yet when a stop byte
 * overtakes it. Unless configured otherwise it is executed afterwards: the worst case for a host.
 *
 * While anything moves a timer of 1 ms lets the world follow; at rest there is none. */
#include "sim/stage_gcs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/stage_impl.h"

#define WORLD_STEP NS_MS
#define REST_TAUS  25 /* after so many time constants the rest of a move is below 1e-10 of it */

/* --- motion -------------------------------------------------------------------------------------------- */

/* Where the glass end of the probe truly is, m. */
static void true_position(void *ctx, ns_t t, double xyz[3])
{
    const struct stage_gcs *s = ctx;
    xyz[0] = xyz[1] = xyz[2] = 0;
    for (int i = 0; i < s->c.axes; i++) {
        const struct stage_axis *a = &s->axis[i];
        ns_t at = t > a->m.t0 ? t : a->m.t0;
        double way = motion_position(&a->m, at) - (a->c.coarse ? a->c.start : 0);
        xyz[a->c.world] += a->c.offset + a->c.direction * 1e-6 * way;
    }
}

ns_t stage_now(struct stage_gcs *s)
{
    ns_t now = loop_now(s->bench->loop);
    sim_bench_advance(s->bench, now);
    return now;
}

static void next_waypoint(struct stage_gcs *s, struct stage_axis *a)
{
    if (a->ways > 0) {
        stage_axis_go(s, a, a->way[--a->ways], a->slew);
        return;
    }
    a->autozero = false;
    a->zeroed = true;
}

static bool axis_at_rest(const struct stage_axis *a, ns_t now)
{
    return ns_to_s(now - a->m.t0) > a->m.T + REST_TAUS * a->m.tau;
}

static void follow(void *ctx)
{
    struct stage_gcs *s = ctx;
    stage_now(s);
    for (int i = 0; i < s->c.axes; i++)
        if (s->axis[i].autozero && axis_at_rest(&s->axis[i], loop_now(s->bench->loop)))
            next_waypoint(s, &s->axis[i]);
    stage_watch_limits(s);
    stage_moving(s);
}

void stage_moving(struct stage_gcs *s)
{
    ns_t now = loop_now(s->bench->loop);
    bool rest = true;
    for (int i = 0; i < s->c.axes; i++)
        rest = rest && axis_at_rest(&s->axis[i], now) && !s->axis[i].autozero;
    if (!rest && !s->motion.slot)
        timer_set(s->bench->loop, &s->motion, now + WORLD_STEP, follow, s);
}

void stage_axis_go(struct stage_gcs *s, struct stage_axis *a, double target, double speed)
{
    ns_t now = stage_now(s);
    if (target < a->c.safe_low || target > a->c.safe_high)
        world_count_envelope(s->bench->world);
    a->commanded = target;
    if (!stage_axis_stuck(s, a))
        motion_go(&a->m, now, stage_reach(s, a, target), speed);
    stage_moving(s);
}

void stage_new_place(struct stage_gcs *s)
{
    uint64_t place = 0;
    for (int i = 0; i < s->c.axes; i++)
        if (s->axis[i].c.world < 2)
            place = place * UINT64_C(0x100000001B3) + (uint64_t)llround(s->axis[i].commanded * 1e6); /* pm */
    s->bench->place = place;
    s->commands = s->readings = 0;
}

void stage_keep_creep(struct stage_axis *a, ns_t now)
{
    if (a->m.creep != 0)
        a->crept += motion_position(&a->m, now) - motion_target(&a->m);
}

static void stop_axis(struct stage_gcs *s, struct stage_axis *a, ns_t now)
{
    a->autozero = a->barred = false;
    a->ways = 0;
    if (!stage_axis_stuck(s, a)) {
        stage_keep_creep(a, now);
        motion_stop(&a->m, now);
    }
    a->commanded = motion_target(&a->m);
}

void stage_stop(struct stage_gcs *s)
{
    ns_t now = stage_now(s);
    for (int i = 0; i < s->c.axes; i++)
        stop_axis(s, &s->axis[i], now);
    s->error = GCS_STOPPED;
    stage_moving(s);
}

void stage_set_servo(struct stage_gcs *s, struct stage_axis *a, bool on)
{
    ns_t now = stage_now(s);
    if (on == a->servo)
        return;
    a->servo = on;
    a->autozero = a->barred = false;
    a->ways = 0;
    a->crept = 0;
    if (on)
        motion_stop(&a->m, now);
    else
        motion_let_go(&a->m, now, s->c.creep);
    a->commanded = motion_target(&a->m);
    a->volts = 100 * (a->commanded - a->c.low) / (a->c.high - a->c.low);
}

/* --- line ---------------------------------------------------------------------------------------------- */

static void take_turn(void *ctx);

static void schedule(struct stage_gcs *s)
{
    if (s->turn.slot || !s->queue.n)
        return;
    double spread = s->c.jitter * (2 * rng_uniform(s->delay, s->bench->place, s->commands++, 0) - 1);
    double wait = s->c.latency + spread;
    timer_set(s->bench->loop, &s->turn, loop_now(s->bench->loop) + ns_from_s(wait > 0 ? wait : 0), take_turn,
              s);
}

static void take_turn(void *ctx)
{
    struct stage_gcs *s = ctx;
    char line[GCS_MAX_LINE + 1];
    const char *end = memchr(s->queue.p, '\n', s->queue.n);
    size_t n = (size_t)(end - s->queue.p);
    memcpy(line, s->queue.p, n);
    line[n] = 0;
    buf_drop(&s->queue, n + 1);
    struct buf answer = {0};
    gcs_execute(s, line, &answer);
    stage_say(s, answer.p, answer.n);
    buf_free(&answer);
    schedule(s);
}

static bool is_control(unsigned char c)
{
    return c == 0x04 || c == 0x05 || c == 0x07 || c == 0x08 || c == 0x09 || c == 0x18 || c == 0x1b;
}

static void end_line(struct stage_gcs *s)
{
    if (s->line.n > GCS_MAX_LINE)
        s->error = GCS_LINE_TOO_LONG;
    else if (s->queue.n + s->line.n >= GCS_MAX_QUEUE)
        s->error = GCS_INPUT_OVERRUN;
    else {
        buf_add(&s->queue, s->line.p, s->line.n);
        buf_char(&s->queue, '\n');
    }
    buf_clear(&s->line);
}

static void take_byte(struct stage_gcs *s, unsigned char c)
{
    if (is_control(c)) {
        if (c == 0x18 && s->c.stop_discards) {
            buf_clear(&s->queue);
            timer_cancel(s->bench->loop, &s->turn);
        }
        struct buf answer = {0};
        gcs_control(s, c, &answer);
        stage_say(s, answer.p, answer.n);
        buf_free(&answer);
    } else if (c == '\n') {
        end_line(s);
    } else if (c != '\r' && s->line.n <= GCS_MAX_LINE) {
        buf_char(&s->line, (char)c);
    }
}

static void receive(void *ctx)
{
    struct stage_gcs *s = ctx;
    unsigned char bytes[512];
    size_t n;
    bool lost = stage_booting(s);
    while (s->link && (n = link_read(s->link, bytes, sizeof bytes, NULL)) > 0)
        for (size_t i = 0; !lost && i < n; i++)
            take_byte(s, bytes[i]);
    schedule(s);
}

void stage_gcs_attach(struct stage_gcs *s, struct link *far)
{
    link_close(s->link);
    s->link = s->out.link = far;
    outbox_clear(&s->out);
    buf_clear(&s->line);
    buf_clear(&s->queue);
    timer_cancel(s->bench->loop, &s->turn);
    if (far)
        link_on_readable(far, receive, s);
}

/* --- life -------- -------------------------------------------------------------------------------------- */

void stage_power_up(struct stage_gcs *s, struct stage_axis *a)
{
    ns_t now = loop_now(s->bench->loop);
    a->velocity_control = a->c.velocity_control;
    a->velocity = a->c.velocity;
    a->tolerance = s->c.tolerance;
    a->settling = s->c.settling;
    a->slew = s->c.slew;
    a->zeroed = false;
    if (a->c.servo) {
        a->servo = true;
        a->autozero = a->barred = false;
        a->ways = 0;
        motion_stop(&a->m, now);
        a->commanded = motion_target(&a->m);
    } else {
        stage_set_servo(s, a, false);
    }
}

static void build(struct stage_gcs *s, struct stage_axis *a, const struct sim_axis_config *c)
{
    *a = (struct stage_axis){.c = *c, .commanded = c->start, .end_low = -INFINITY, .end_high = INFINITY};
    motion_init(&a->m, loop_now(s->bench->loop), c->start, s->c.tau);
    stage_power_up(s, a);
    a->volts = 100 * (c->start - c->low) / (c->high - c->low);
    a->crept = 0;
}

struct stage_gcs *stage_gcs_new(struct sim_bench *b, const struct sim_stage_config *c)
{
    struct stage_gcs *s = xcalloc(1, sizeof *s);
    s->bench = b;
    s->c = *c;
    s->noise = rng_stream(b->seed, "sim.stage.noise");
    s->delay = rng_stream(b->seed, "sim.stage.latency");
    s->damage = rng_stream(b->seed, "sim.stage.garble");
    s->out.loop = b->loop;
    for (int i = 0; i < c->axes; i++)
        build(s, &s->axis[i], &c->axis[i]);
    world_set_position(b->world, true_position, s);
    return s;
}

void stage_gcs_free(struct stage_gcs *s)
{
    if (!s)
        return;
    timer_cancel(s->bench->loop, &s->turn);
    timer_cancel(s->bench->loop, &s->motion);
    outbox_done(&s->out);
    link_close(s->link);
    buf_free(&s->line);
    buf_free(&s->queue);
    free(s);
}
