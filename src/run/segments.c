/* Builds the potentiostat program of one site. */
#include "run/segments.h"

#include <math.h>
#include <string.h>

#include "protocol/play.h"

/* An open-ended segment ends by itself some time (no device has a watchdog): this long beyond what the
 * slowest move in it may take, with the patience that the mover has. */
#define SPARE_S      60.0
#define PATIENCE     3.5
#define RELAX_S      0.1
#define WATCH_SAMPLE 2e-3
/* Rest before the triangle alone (s): the step of potential charges the stray capacitance. */
#define AIR_REST_S 0.2

/* Longest that the moves within a segment may take, s: the whole envelope once, and the slow part of the
 * role. */
static double bound_of(const struct site_program *s, const struct protocol *p, enum segment_role role)
{
    const struct rig_config *c = p->rig;
    double x = c->limit[AXIS_X][1] - c->limit[AXIS_X][0], y = c->limit[AXIS_Y][1] - c->limit[AXIS_Y][0];
    double z = c->limit[AXIS_Z][1] - c->limit[AXIS_Z][0], slow = 0;
    if (role == ROLE_WATCH)
        slow = hypot(x, y) / c->speed_xy + z / c->speed_z;
    if (role == ROLE_APPROACH)
        slow = s->approach.travel / s->approach.speed + z / c->speed_z;
    if (role == ROLE_DETACH)
        slow = s->retract.travel / s->retract.detach;
    return SPARE_S + PATIENCE * (slow + z / s->retract.then);
}

static struct segment *add(struct site_program *s, enum segment_role role)
{
    int k = s->program.n++;
    s->role[k] = role;
    s->step[k] = s->instance[k] = -1;
    s->cycle[k] = 1;
    struct segment *g = &s->program.segment[k];
    memset(g, 0, sizeof *g);
    return g;
}

/* In air and at the contact the currents are small and must be quiet: a range that holds the displacement
 * current of the ramps and several thresholds. More than that overloads, which is a contact as well. */
static void contact_range(struct segment *g, const struct site_program *s, const struct protocol *p)
{
    double ramps = p->rig->stray * fmax(p->alive.rate, p->alive.blank_rate);
    g->i_full = fmax(2 * ramps, 5 * s->approach.threshold);
    g->i_ceiling = s->approach.ceiling;
}

static void add_hold(struct site_program *s, enum segment_role role, const struct protocol *p,
                     double potential, double seconds, double interval, bool open_ended)
{
    struct segment *g = add(s, role);
    g->kind = SEGMENT_HOLD;
    g->potential = potential;
    g->duration = seconds;
    g->interval = interval;
    g->open_ended = open_ended;
    contact_range(g, s, p);
}

/* bias -> bias + A -> bias - A -> bias: symmetric, so that a leak drops out; 4 A / rate long. */
static void add_triangle(struct site_program *s, enum segment_role role, const struct protocol *p,
                         double bias, int periods, bool open_ended)
{
    struct segment *g = add(s, role);
    g->kind = SEGMENT_SWEEP;
    g->start = bias;
    g->vertex[0] = bias + p->alive.amplitude;
    g->vertex[1] = bias - p->alive.amplitude;
    g->rate = p->alive.rate;
    g->interval = s->approach.interval;
    g->step = g->rate * g->interval;
    g->cycles = periods;
    g->open_ended = open_ended;
    g->duration = open_ended ? bound_of(s, p, role) : periods * 4 * p->alive.amplitude / g->rate;
    contact_range(g, s, p);
}

static bool in_repeat(const struct protocol *p, int step)
{
    for (int k = p->step[step].parent; k >= 0; k = p->step[k].parent)
        if (p->step[k].kind == STEP_REPEAT)
            return true;
    return false;
}

/* `first`: index of the play's first leg in the program, where the play counts from 0. */
static void add_step(struct site_program *s, const struct plan *p, const struct play_leg *leg, int first)
{
    struct segment *g = add(s, leg->gate ? ROLE_GATE : ROLE_STEP);
    int k = s->program.n - 1;
    s->step[k] = leg->step;
    s->instance[k] = leg->instance;
    s->cycle[k] = leg->cycle;
    s->repeated[k] = in_repeat(p->protocol, leg->step);
    s->sweep[k] = leg->sweep;
    *g = leg->segment;
    for (int j = 0; j < g->n_until; j++)
        if (g->until[j].what == UNTIL_FRACTION)
            g->until[j].of += first;
    g->i_full = g->kind == SEGMENT_GALVANOSTATIC ? fabs(g->current) : p->protocol->i_limit;
    g->i_ceiling = p->protocol->i_limit;
    g->autorange = true;
}

/* V at which a segment ends; NAN: not known. */
static double end_of(const struct segment *g)
{
    return g->kind == SEGMENT_HOLD    ? g->potential
           : g->kind == SEGMENT_SWEEP ? g->start
           : g->kind == SEGMENT_RAMP  ? g->vertex[0]
                                      : NAN;
}

/* The charge of a pulse is wanted, so that no sample of an edge may be lost to a range that is too low: the
 * lowest is the one for what the largest edge charges within a sample. */
static void range_pulses(struct site_program *s, const struct protocol *p)
{
    for (int first = 0, end; first < s->program.n; first = end) {
        struct segment *g = s->program.segment;
        end = site_program_end(s, first);
        if (s->role[first] != ROLE_STEP || g[first].kind != SEGMENT_HOLD ||
            p->step[s->step[first]].kind != STEP_PULSE)
            continue;
        double low = g[first].potential, high = low, before = first > 0 ? end_of(&g[first - 1]) : NAN;
        for (int k = first; k < end; k++) {
            low = fmin(low, g[k].potential);
            high = fmax(high, g[k].potential);
        }
        double edge = fmax(high, before) - fmin(low, before); /* fmin() and fmax() leave NAN out */
        for (int k = first; k < end; k++)
            g[k].i_least = fmin(p->rig->stray * edge / g[k].interval, g[k].i_full);
    }
}

/* The in-air sweep covers the range of all voltammograms of the site, so that the leak is known where it
 * matters. */
static void add_blank(struct site_program *s, const struct protocol *p)
{
    struct segment *g = add(s, ROLE_BLANK);
    g->kind = SEGMENT_SWEEP;
    g->start = s->blank_high;
    g->vertex[0] = s->blank_low;
    g->vertex[1] = s->blank_high;
    g->rate = p->alive.blank_rate;
    g->interval = s->approach.interval;
    g->step = g->rate * g->interval;
    g->cycles = 1;
    g->duration = segment_seconds(g);
    contact_range(g, s, p);
    g->i_ceiling =
        0; /* in air the step to its start charges the stray capacitance: no cell is there to protect */
}

static void add_landing(struct site_program *s, const struct protocol *p, double bias)
{
    struct segment *g = add(s, ROLE_LANDING);
    g->kind = SEGMENT_OPEN;
    g->duration = p->landing.duration;
    g->interval = p->landing.interval;
    add_hold(s, ROLE_JUDGE, p, bias, bound_of(s, p, ROLE_JUDGE), s->approach.interval, true);
}

void site_program_make(const struct plan *plan, const int level[FACTOR_MAX], bool control,
                       struct site_program *out)
{
    const struct protocol *p = plan->protocol;
    memset(out, 0, sizeof *out);
    plan_approach(plan, level, &out->approach);
    plan_retract(plan, level, &out->retract);
    double bias = out->approach.bias, away = out->retract.bias;
    add_hold(out, ROLE_WATCH, p, bias, bound_of(out, p, ROLE_WATCH), WATCH_SAMPLE, true);
    add_triangle(out, ROLE_ALIVE, p, bias, ALIVE_PERIODS, false);
    add_hold(out, ROLE_READY, p, bias, bound_of(out, p, ROLE_READY), out->approach.interval, true);
    struct play play;
    play_make(plan, level, control, &play);
    out->has_blank = play_sweep_range(&play, &out->blank_low, &out->blank_high);
    if (out->has_blank)
        add_blank(out, p);
    add_hold(out, ROLE_APPROACH, p, bias, bound_of(out, p, ROLE_APPROACH), out->approach.interval, true);
    add_hold(out, ROLE_SETTLE, p, bias, out->approach.confirm, out->approach.interval, false);
    add_triangle(out, ROLE_PROBE, p, bias, PROBE_PERIODS, false);
    add_hold(out, ROLE_DECIDE, p, bias, bound_of(out, p, ROLE_DECIDE), out->approach.interval, true);
    if (landing_wanted(&p->landing))
        add_landing(out, p, bias);
    int first = out->program.n;
    for (int k = 0; k < play.n; k++)
        add_step(out, plan, &play.leg[k], first);
    play_free(&play);
    range_pulses(out, p);
    add_hold(out, ROLE_RELAX, p, away, RELAX_S, out->approach.interval, false);
    add_triangle(out, ROLE_DETACH, p, away, 1, true);
}

void site_program_air(const struct plan *plan, const int level[FACTOR_MAX], struct site_program *out)
{
    const struct protocol *p = plan->protocol;
    memset(out, 0, sizeof *out);
    out->unstored = true;
    plan_approach(plan, level, &out->approach);
    plan_retract(plan, level, &out->retract);
    add_hold(out, ROLE_WATCH, p, out->approach.bias, AIR_REST_S, WATCH_SAMPLE, false);
    add_triangle(out, ROLE_ALIVE, p, out->approach.bias, ALIVE_PERIODS, false);
}

int site_program_find(const struct site_program *s, enum segment_role role, int from)
{
    for (int k = from; k < s->program.n; k++)
        if (s->role[k] == role)
            return k;
    return -1;
}

int site_program_end(const struct site_program *s, int segment)
{
    int end = segment + 1;
    while (s->instance[segment] >= 0 && end < s->program.n && s->role[end] == s->role[segment] &&
           s->instance[end] == s->instance[segment])
        end++;
    return end;
}

const char *segment_role_name(enum segment_role role)
{
    static const char *const name[] = {"watch",  "alive",   "ready", "blank", "approach", "settle", "probe",
                                       "decide", "landing", "judge", "step",  "gate",     "relax",  "detach"};
    return name[role];
}
