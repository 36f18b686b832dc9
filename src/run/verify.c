/* Verification of mounting and wiring, once for a rig (S5). */
#include "run/verify.h"

#include <math.h>

#include "base/log.h"
#include "run/contact.h"
#include "run/ladder.h"

#define STEP     2e-6 /* m */
#define SPEED    2e-6 /* m/s */
#define PATIENCE (10 * NS_S)
#define INTERVAL 1e-3 /* s, of the samples */

static bool move_to(struct rig *r, enum axis a, const double at[AXIS_COUNT], double value, struct err *e)
{
    double to[AXIS_COUNT] = {at[0], at[1], at[2]};
    to[a] = value;
    return stage_move_wait(r->stage, 1u << a, to, PATIENCE, e);
}

bool verify_axis(struct rig *r, enum axis a, double *step, struct err *e)
{
    double at[AXIS_COUNT];
    const struct rig_config *c = r->config;
    if (!stage_position(r->stage, at, e) || !stage_set_speed(r->stage, a, SPEED, e))
        return false;
    at[a] = fmin(fmax(at[a], c->limit[a][0]), c->limit[a][1]); /* a position read back has noise */
    double by = at[a] + STEP > c->limit[a][1] ? -STEP : STEP;
    if (!move_to(r, a, at, at[a] + by, e) || !move_to(r, a, at, at[a], e))
        return false;
    *step = by;
    return true;
}

/* A hold first: what charges the stray capacitance when the cell is switched on is no displacement current of
 * the ramp. */
static void ramp_program(const struct rig_config *c, struct program *g, double bias)
{
    double i_full = fmin(c->i_limit, 1e-9);
    *g = (struct program){.n = 2};
    g->segment[0] = (struct segment){.kind = SEGMENT_HOLD,
                                     .potential = bias,
                                     .duration = 0.3,
                                     .interval = INTERVAL,
                                     .i_full = i_full,
                                     .i_ceiling = c->i_limit};
    g->segment[1] = (struct segment){.kind = SEGMENT_SWEEP,
                                     .start = bias,
                                     .vertex = {bias + 0.1, bias - 0.1},
                                     .rate = 10,
                                     .step = 0.01,
                                     .cycles = 5,
                                     .duration = 0.2,
                                     .interval = INTERVAL,
                                     .i_full = i_full,
                                     .i_ceiling = c->i_limit};
}

bool verify_wiring(struct rig *r, double *capacitance, struct err *e)
{
    const struct rig_config *c = r->config;
    struct program g;
    struct ramp_meter meter;
    struct potentiostat_item item = {0};
    ramp_program(c, &g, 0.5 * (c->e_limit[0] + c->e_limit[1]) * c->potential_sign);
    ramp_start(&meter);
    if (!potentiostat_start(r->pstat, &g, e))
        return false;
    ns_t deadline = loop_now(r->loop) + loop_patience(r->loop, PATIENCE);
    while (item.kind != PSTAT_DONE) {
        item.kind = potentiostat_next(r->pstat, &item, e);
        if (item.kind == PSTAT_FAILED)
            return false;
        if (item.kind == PSTAT_SAMPLE && item.segment == 1)
            ramp_add(&meter, &item.sample, INTERVAL);
        if (item.kind == PSTAT_NONE && !loop_wait(r->loop, potentiostat_event(r->pstat), deadline))
            return err_set(e, ERR_SILENT, "potentiostat: no end of the test ramp");
    }
    ramp_finish(&meter);
    if (!potentiostat_settle(r->pstat, 2 * NS_S, e))
        return false;
    *capacitance = meter.mean.c;
    if (meter.mean.periods < 2)
        return err_set(e, ERR_LIMIT, "wiring: the test ramp was overloaded");
    if (meter.mean.c < 0)
        return err_set(e, ERR_LIMIT,
                       "wiring: the displacement current runs against the ramp (%.4g pF): one of "
                       "wiring.potential and wiring.current has the wrong sign",
                       meter.mean.c * 1e12);
    if (fabs(meter.mean.c - c->stray) > c->stray_tolerance * c->stray)
        return err_set(e, ERR_LIMIT, "wiring: %.4g pF in air, the rig file expects %.4g pF +- %.0f %%",
                       meter.mean.c * 1e12, c->stray * 1e12, 100 * c->stray_tolerance);
    return true;
}

static void print_rung(void *ctx, const char *text)
{
    (void)ctx;
    log_line(LOG_WARNING, "%s", text);
}

/* An answer that was damaged, late, or not given at once: the next may be right. */
#define TRIES 3
#define LATE  (300 * NS_MS)

/* Who it is, whatever it was doing. Its limits may be other than the rig file's: that is told, and keeps
 * nobody from a retraction (S5). */
static bool know_stage(struct rig *r, struct err *e)
{
    for (int k = 0; k < TRIES; k++) {
        err_clear(e);
        if (rig_identify_stage(r, e) || r->stage_id[0])
            break;
        if (e->code != ERR_SILENT && e->code != ERR_MISMATCH && e->code != ERR_FRAGMENT &&
            e->code != ERR_LATE)
            break;
        loop_sleep_until(r->loop, loop_now(r->loop) + LATE);
    }
    return r->stage_id[0] != '\0';
}

/* A controller that was just switched on has its servos off: no reason to climb a ladder. */
static enum rung come_up(struct rig *r, struct err *e)
{
    struct ladder l = {.rig = r, .at = {NAN, NAN, NAN}, .say = print_rung};
    struct err way = ERR_INIT;
    if (!know_stage(r, e)) {
        err_context(e, "not moved, since it is not known to be the rig's");
        return RUNG_NONE;
    }
    stage_servo_on_axes(r->stage, 1u << AXIS_Z, NULL);
    enum rung rung = ladder_climb(&l, &way);
    if (rung == RUNG_NONE)
        *e = way; /* what was wrong on a way that led up has been told */
    if (rung != RUNG_NONE && l.lifted)
        log_line(LOG_WARNING, "the coarse axis has lifted the head");
    return rung;
}

bool verify_safe_state(struct rig *r, struct verified_safe *out)
{
    *out = (struct verified_safe){.stage = ERR_INIT, .pstat = ERR_INIT};
    stage_halt(r->stage, NULL); /* the stop, and the cell off, are written whoever hears it */
    potentiostat_cut(r->pstat, NULL);
    out->rung = come_up(r, &out->stage);
    out->open = rig_identify_pstat(r, &out->pstat);
    err_device(&out->stage, "stage");
    err_device(&out->pstat, "potentiostat");
    return out->rung != RUNG_NONE && out->open;
}
