/* Writes the steps of a site out into segments.
 *
 * Steps are walked once, in the order in which they stand; repeats walk their steps as often as they are
 * played. What a later leg depends on is kept on the way: where the potential is, how many cycles of a step
 * are behind, and which leg passed a charge last. */
#include "protocol/play.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

struct maker {
    const struct plan *p;
    const int *level;
    struct play *out;
    int room, instances;
    int charge_leg; /* latest galvanostatic one, -1 = none */
    double e;       /* V at which the leg before ended, NAN = not known */
    int *played;    /* per step: cycles so far; of a block: gates so far */
    bool full;
    struct play_leg beyond; /* what is written when it is full */
};

/* The next leg, zeroed but for its place; when there are too many it is not kept. */
static struct play_leg *add(struct maker *m, int step, int instance)
{
    struct play *p = m->out;
    struct play_leg *leg = &m->beyond;
    if (p->n >= PLAY_MAX) {
        m->full = true;
    } else {
        if (p->n == m->room) {
            m->room = m->room ? 2 * m->room : 16;
            p->leg = xrealloc(p->leg, (size_t)m->room * sizeof *p->leg);
        }
        leg = &p->leg[p->n++];
    }
    *leg = (struct play_leg){.step = step, .instance = instance, .cycle = 1};
    return leg;
}

/* --- one step --------------------------------------------------------------------------------------------
 */

struct place {
    struct maker *m;
    const struct step_now *now;
    int step, instance;
    int before; /* cycles of this step in earlier passes */
};

static struct segment *add_leg(const struct place *at, int cycle, int sweep)
{
    struct play_leg *leg = add(at->m, at->step, at->instance);
    leg->cycle = at->before + cycle;
    leg->sweep = sweep;
    leg->segment.interval = at->now->interval;
    return &leg->segment;
}

static void add_hold(const struct place *at, int cycle, int sweep, double potential, double seconds)
{
    struct segment *g = add_leg(at, cycle, sweep);
    g->kind = SEGMENT_HOLD;
    g->potential = potential;
    g->duration = seconds;
    at->m->e = potential;
}

static void add_open(const struct place *at)
{
    struct segment *g = add_leg(at, 1, 0);
    g->kind = SEGMENT_OPEN;
    g->duration = at->now->duration;
    at->m->e = NAN;
    if (at->now->step->kind != STEP_OCP || isnan(at->now->drift))
        return;
    g->until[0] =
        (struct until){.what = UNTIL_DRIFT, .value = at->now->drift, .of = -1, .window = at->now->over};
    g->n_until = 1;
}

/* Seconds after which a galvanostatic segment is over whatever happens: elapsed time or charge, whichever
 * comes first (the planner sees to it that one of them is given). */
static double galvanostatic_bound(const struct segment *g)
{
    double bound = INFINITY;
    for (int k = 0; k < g->n_until; k++) {
        if (g->until[k].what == UNTIL_ELAPSED && !g->until[k].all)
            bound = fmin(bound, g->until[k].value);
        if (g->until[k].what == UNTIL_CHARGE && !g->until[k].all)
            bound = fmin(bound, g->until[k].value / fabs(g->current));
    }
    return bound;
}

static struct segment *add_current(const struct place *at, int cycle, int sweep, double current)
{
    struct segment *g = add_leg(at, cycle, sweep);
    g->kind = SEGMENT_GALVANOSTATIC;
    g->current = current;
    g->e_low = at->m->p->protocol->e_limit[0];
    g->e_high = at->m->p->protocol->e_limit[1];
    at->m->e = NAN;
    return g;
}

static void add_half(const struct place *at, int cycle, int sweep, double current, const struct until *until,
                     int n)
{
    struct maker *m = at->m;
    struct segment *g = add_current(at, cycle, sweep, current);
    memcpy(g->until, until, (size_t)n * sizeof *until);
    g->n_until = n;
    for (int k = 0; k < n; k++)
        if (until[k].what == UNTIL_FRACTION)
            g->until[k].of = m->charge_leg;
    g->duration = galvanostatic_bound(g);
    m->charge_leg = m->out->n - 1;
}

static void add_galvanostatic(const struct place *at)
{
    const struct step_now *s = at->now;
    for (int c = 1; c <= s->cycles && !at->m->full; c++) {
        add_half(at, c, 0, s->current, s->until, s->n_until);
        if (s->step->has_reverse)
            add_half(at, c, 1, s->reverse_current, s->reverse_until, s->n_reverse_until);
    }
}

static void add_pulse(const struct place *at)
{
    const struct step_now *s = at->now;
    bool current = s->step->currents.n > 0;
    for (int c = 1; c <= s->count && !at->m->full; c++)
        for (int k = 0; k < s->n_levels; k++) {
            if (current)
                add_current(at, c, k, s->level[k])->duration = s->level_for[k];
            else
                add_hold(at, c, k, s->level[k], s->level_for[k]);
        }
}

static double rate_of(const struct step_now *s, int cycle)
{
    int k = s->n_rates > 1 ? cycle - 1 : 0;
    return s->rate[k < s->n_rates ? k : s->n_rates - 1];
}

static void set_pace(struct segment *g, const struct step_now *s, double rate)
{
    g->rate = rate;
    g->step = s->step->interval.given ? rate * s->interval : s->e_step;
    g->interval = g->step / rate;
}

static void add_ramp(const struct place *at, int cycle, int sweep, double to, double rate)
{
    struct maker *m = at->m;
    struct segment *g = add_leg(at, cycle, sweep);
    g->kind = SEGMENT_RAMP;
    g->start = m->e;
    g->vertex[0] = to;
    set_pace(g, at->now, rate);
    g->duration = segment_seconds(g);
    m->e = to;
}

static bool same_potential(double a, double b)
{
    return fabs(a - b) < 1e-9;
}

/* start -> vertex -> start, over and over: what an instrument's own cyclic voltammetry does. */
static bool is_plain(const struct step_now *s)
{
    bool ends = !s->step->finish.given || same_potential(s->finish, s->vertex[1]);
    for (int k = 1; k < s->n_rates; k++)
        ends = ends && s->rate[k] == s->rate[0];
    return ends && s->n_vertices == 2 && same_potential(s->vertex[1], s->start);
}

static void add_plain_cv(const struct place *at)
{
    const struct step_now *s = at->now;
    struct segment *g = add_leg(at, 1, 0);
    g->kind = SEGMENT_SWEEP;
    g->start = g->vertex[1] = s->start;
    g->vertex[0] = s->vertex[0];
    g->cycles = s->cycles;
    set_pace(g, s, s->rate[0]);
    g->duration = segment_seconds(g);
    at->m->e = s->start;
}

/* A further cycle goes on from the last vertex; where that is the first one too there is nothing between. */
static bool is_missing(const struct step_now *s, int cycle, int vertex)
{
    return cycle > 1 && vertex == 0 && same_potential(s->vertex[s->n_vertices - 1], s->vertex[0]);
}

static bool has_end(const struct step_now *s)
{
    return s->step->finish.given && !same_potential(s->finish, s->vertex[s->n_vertices - 1]);
}

static void add_cv(const struct place *at)
{
    const struct step_now *s = at->now;
    if (is_plain(s)) {
        add_plain_cv(at);
        return;
    }
    at->m->e = s->start;
    for (int c = 1; c <= s->cycles && !at->m->full; c++)
        for (int k = 0; k < s->n_vertices; k++)
            if (!is_missing(s, c, k))
                add_ramp(at, c, k, s->vertex[k], rate_of(s, c));
    if (has_end(s))
        add_ramp(at, s->cycles, s->n_vertices, s->finish, rate_of(s, s->cycles));
}

static int64_t legs_of(const struct step_now *s)
{
    int64_t n = s->cycles;
    switch (s->step->kind) {
    case STEP_CV:
        return is_plain(s) ? 1 : n * s->n_vertices - (n - 1) * is_missing(s, 2, 0) + has_end(s);
    case STEP_GALVANOSTATIC:
        return n * (1 + s->step->has_reverse);
    case STEP_PULSE:
        return (int64_t)s->count * s->n_levels;
    default:
        return 1;
    }
}

/* Cycles that a step has each time it is played. */
static int cycles_of(const struct step_now *s)
{
    return s->step->kind == STEP_PULSE ? s->count : s->cycles > 0 ? s->cycles : 1;
}

static void make_step(struct maker *m, int index, const struct step_now *s)
{
    const struct place at = {m, s, index, m->instances++, m->played[index]};
    switch (s->step->kind) {
    case STEP_HOLD: {
        add_hold(&at, 1, 0, s->potential, s->duration);
        if (m->full)
            break;
        struct segment *g = &m->out->leg[m->out->n - 1].segment;
        memcpy(g->until, s->until, sizeof g->until);
        g->n_until = s->n_until;
        break;
    }
    case STEP_CV:
        add_cv(&at);
        break;
    case STEP_LSV:
        m->e = s->start;
        add_ramp(&at, 1, 0, s->finish, s->rate[0]);
        break;
    case STEP_GALVANOSTATIC:
        add_galvanostatic(&at);
        break;
    case STEP_PULSE:
        add_pulse(&at);
        break;
    case STEP_REST:
        if (s->step->cell == REST_HOLD)
            add_hold(&at, 1, 0, m->e, s->duration);
        else
            add_open(&at);
        break;
    case STEP_OCP:
        add_open(&at);
        break;
    case STEP_REPEAT:
    case STEP_WHEN:
        break;
    }
    m->played[index] += cycles_of(s);
}

/* --- blocks ----------------------------------------------------------------------------------------------
 */

static void make_list(struct maker *m, int first, int end);

static void add_gate(struct maker *m, int index, const struct step *s)
{
    struct play_leg *leg = add(m, index, m->instances++);
    bool held = s->between == BETWEEN_HOLD && !isnan(m->e);
    leg->gate = true;
    leg->cycle = ++m->played[index];
    leg->segment.kind = held ? SEGMENT_HOLD : SEGMENT_OPEN;
    leg->segment.potential = held ? m->e : 0;
    leg->segment.duration = GATE_SECONDS;
    leg->segment.interval = GATE_INTERVAL;
    leg->segment.open_ended = true;
    if (!held)
        m->e = NAN;
}

/* The gates of this block from leg `first` on lead here. */
static void close_gates(struct maker *m, int index, int first)
{
    for (int k = first; k < m->out->n; k++)
        if (m->out->leg[k].gate && m->out->leg[k].step == index)
            m->out->leg[k].segment.skips = m->out->n - k - 1;
}

/* Where two ways meet the potential is known if it is the same on both. */
static double meet(double a, double b)
{
    return same_potential(a, b) ? a : NAN;
}

static void make_repeat(struct maker *m, int index, const struct step_now *s)
{
    int first = m->out->n;
    double left = NAN; /* potential at the gates */
    for (int pass = 1; pass <= s->count && !m->full; pass++) {
        make_list(m, index + 1, s->step->end);
        if (!s->has_condition || pass == s->count)
            continue;
        add_gate(m, index, s->step);
        left = pass == 1 ? m->e : meet(left, m->e);
    }
    if (s->has_condition && s->count > 1)
        m->e = meet(left, m->e);
    close_gates(m, index, first);
}

static void make_when(struct maker *m, int index, const struct step_now *s)
{
    int first = m->out->n;
    add_gate(m, index, s->step);
    double left = m->e;
    make_list(m, index + 1, s->step->end);
    m->e = meet(left, m->e);
    close_gates(m, index, first);
}

static void make_list(struct maker *m, int first, int end)
{
    const struct step *step = m->p->protocol->step;
    for (int i = first; i < end && !m->full; i = step[i].end) {
        struct step_now s;
        plan_step(m->p, m->level, i, &s);
        if (step[i].kind == STEP_REPEAT)
            make_repeat(m, i, &s);
        else if (step[i].kind == STEP_WHEN)
            make_when(m, i, &s);
        else
            make_step(m, i, &s);
    }
}

struct step_list play_list(const struct protocol *p, bool control)
{
    return control && p->control.end > p->control.first ? p->control : p->site;
}

void play_make(const struct plan *p, const int level[FACTOR_MAX], bool control, struct play *out)
{
    const struct protocol *q = p->protocol;
    struct step_list list = play_list(q, control);
    struct maker m = {.p = p, .level = level, .out = out, .charge_leg = -1};
    *out = (struct play){0};
    m.played = xcalloc((size_t)q->n_steps + 1, sizeof *m.played);
    m.e = plan_value(p, level, &q->approach.bias);
    make_list(&m, list.first, list.end);
    free(m.played);
}

void play_free(struct play *p)
{
    free(p->leg);
    *p = (struct play){0};
}

static int64_t count_list(const struct plan *p, const int *level, int first, int end)
{
    int64_t n = 0;
    for (int i = first; i < end && n < PLAY_COUNT_MAX; i = p->protocol->step[i].end)
        n += play_count_step(p, level, i);
    return n < PLAY_COUNT_MAX ? n : PLAY_COUNT_MAX;
}

int64_t play_count_step(const struct plan *p, const int level[FACTOR_MAX], int step)
{
    struct step_now s;
    plan_step(p, level, step, &s);
    if (!step_is_block(s.step))
        return legs_of(&s);
    int64_t inside = count_list(p, level, step + 1, s.step->end);
    int64_t passes = s.step->kind == STEP_REPEAT ? s.count : 1;
    int64_t gates = s.step->kind == STEP_WHEN ? 1 : s.has_condition ? passes - 1 : 0;
    return inside > PLAY_COUNT_MAX / passes ? PLAY_COUNT_MAX : passes * inside + gates;
}

int64_t play_count(const struct plan *p, const int level[FACTOR_MAX], bool control)
{
    struct step_list list = play_list(p->protocol, control);
    return count_list(p, level, list.first, list.end);
}

/* --- what others ask of it -------------------------------------------------------------------------------
 */

bool play_sweep_range(const struct play *p, double *low, double *high)
{
    *low = INFINITY;
    *high = -INFINITY;
    for (int k = 0; k < p->n; k++) {
        const struct segment *g = &p->leg[k].segment;
        if (g->kind != SEGMENT_SWEEP && g->kind != SEGMENT_RAMP)
            continue;
        const double e[3] = {g->start, g->vertex[0], g->kind == SEGMENT_SWEEP ? g->vertex[1] : g->start};
        for (int j = 0; j < 3; j++) {
            *low = fmin(*low, e[j]);
            *high = fmax(*high, e[j]);
        }
    }
    return *high > *low;
}

double play_seconds(const struct play_leg *leg)
{
    return segment_seconds(&leg->segment);
}

double play_at_most(const struct play *play, int k)
{
    const struct segment *g = &play->leg[k].segment;
    double seconds = play_seconds(&play->leg[k]);
    for (int i = 0; i < g->n_until; i++) {
        const struct until *u = &g->until[i];
        if (u->what != UNTIL_FRACTION || u->all || g->current == 0 || u->of < 0 || u->of >= k)
            continue;
        double charge = fabs(play->leg[u->of].segment.current) * play_at_most(play, u->of);
        seconds = fmin(seconds, u->value * charge / fabs(g->current));
    }
    return seconds;
}

double play_samples(const struct play_leg *leg)
{
    return ceil(play_seconds(leg) / leg->segment.interval - 1e-9);
}

static bool is_galvanostatic(const struct segment *g)
{
    return g->kind == SEGMENT_GALVANOSTATIC;
}

bool play_gap_before(const struct play *play, int k)
{
    const struct segment *g = &play->leg[k].segment;
    bool behind = k && is_galvanostatic(&play->leg[k - 1].segment);
    return g->kind != SEGMENT_OPEN && (behind || is_galvanostatic(g));
}

void play_condition(const struct plan *p, const int level[FACTOR_MAX], const struct play_leg *gate,
                    struct condition *out, bool *leave)
{
    struct step_now s;
    plan_step(p, level, gate->step, &s);
    *out = s.condition;
    *leave = s.step->kind == STEP_REPEAT;
}
