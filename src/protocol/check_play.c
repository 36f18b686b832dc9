/* The steps as they are played: what one alone can not know. How many legs there are, what a sweep comes
 * from, whether the half before was played, and what a condition can ask for when it is asked. */
#include <math.h>
#include <string.h>

#include "protocol/check_step.h"

struct playing {
    struct check *c;
    struct step_view *view;
    const struct play *play;
};

/* --- sweeps ----------------------------------------------------------------------------------------------
 */

/* The value where a sweep ends. Legs of a cv are numbered by their vertex, the one to `end` behind them. */
static const struct value *end_of(const struct step *s, int sweep)
{
    return s->kind == STEP_CV && sweep < s->vertices.n ? &s->vertices.v[sweep] : &s->finish;
}

static const struct value *begin_of(const struct step *s, int cycle, int sweep)
{
    if (s->kind == STEP_LSV || (cycle == 1 && sweep == 0))
        return &s->start;
    return &s->vertices.v[sweep ? sweep - 1 : s->vertices.n - 1];
}

static void check_span(struct step_view *v, const struct value *begin, const struct value *end, double from,
                       double to, double e_step)
{
    const struct step *s = v->s.step;
    const struct value *pace = s->interval.given ? &s->interval : &s->step;
    double span = fabs(to - from), steps = span / e_step, gap = fabs(steps - round(steps)) * e_step;
    if (span < e_step * (1 - 1e-9)) {
        if (step_first(v, PROBLEM_EMPTY_LEG))
            diags_error(v->c->d, step_at(v, end),
                        "`%s`: the sweep from %s to %s%s is less than one step of %s", s->name,
                        show(from, DIM_POTENTIAL), show(to, DIM_POTENTIAL), step_with(v, begin, end, pace),
                        show(e_step, DIM_POTENTIAL));
    } else if (gap > 1e-6 * e_step && gap > 1e-9 && step_first(v, PROBLEM_UNEVEN)) {
        diags_warning(
            v->c->d, step_at(v, end),
            "`%s`: the sweep from %s to %s%s is not a whole number of steps of %s; it turns up to one step "
            "off",
            s->name, show(from, DIM_POTENTIAL), show(to, DIM_POTENTIAL), step_with(v, begin, end, pace),
            show(e_step, DIM_POTENTIAL));
    }
}

static void check_sweep(struct step_view *v, const struct play_leg *leg)
{
    const struct segment *g = &leg->segment;
    const struct step *s = v->s.step;
    if (g->kind == SEGMENT_SWEEP) {
        check_span(v, &s->start, &s->vertices.v[0], g->start, g->vertex[0], g->step);
        return;
    }
    check_span(v, begin_of(s, leg->cycle, leg->sweep), end_of(s, leg->sweep), g->start, g->vertex[0],
               g->step);
}

/* --- what went before ------------------------------------------------------------------------------------
 */

/* The gate that may leave out leg `of` but not leg `k` behind it, NULL = none. */
static const struct play_leg *gate_between(const struct play *play, int of, int k)
{
    for (int i = 0; i < of; i++) {
        const struct play_leg *gate = &play->leg[i];
        int last = i + gate->segment.skips;
        if (gate->gate && of <= last && k > last)
            return gate;
    }
    return NULL;
}

static const struct value *fraction_of(const struct step *s, int sweep)
{
    const struct until_list *list = sweep ? &s->reverse_until : &s->until;
    for (int k = 0; k < list->n; k++)
        if (list->v[k].what == UNTIL_FRACTION)
            return &list->v[k].value;
    return NULL;
}

static void check_fraction(const struct playing *p, struct step_view *v, int k)
{
    const struct play_leg *leg = &p->play->leg[k];
    const struct value *value = fraction_of(v->s.step, leg->sweep);
    for (int j = 0; j < leg->segment.n_until; j++) {
        int of = leg->segment.until[j].of;
        if (leg->segment.until[j].what != UNTIL_FRACTION || !value)
            continue;
        const struct play_leg *gate = of >= 0 ? gate_between(p->play, of, k) : NULL;
        if (of < 0 && step_first(v, PROBLEM_NO_HALF_BEFORE))
            diags_error(v->c->d, step_at(v, value),
                        "`%s`: a capacity is that of the galvanostatic step before, and there is none",
                        v->s.step->name);
        else if (gate && step_first(v, PROBLEM_HALF_LEFT_OUT))
            diags_error(v->c->d, step_at(v, value),
                        "`%s`: the capacity is that of `%s`, which `%s` may leave out", v->s.step->name,
                        p->view[p->play->leg[of].step].s.step->name, p->view[gate->step].s.step->name);
    }
}

static void check_rest(struct step_view *v, const struct play_leg *leg)
{
    if (v->s.step->kind == STEP_REST && leg->segment.kind == SEGMENT_HOLD && isnan(leg->segment.potential) &&
        step_first(v, PROBLEM_POTENTIAL_UNKNOWN))
        diags_error(
            v->c->d, v->s.step->mark,
            "`%s`: the potential before it is not known, since the cell was open, a current flowed or "
            "steps may have been left out: use a hold with its potential",
            v->s.step->name);
}

/* --- gates -----------------------------------------------------------------------------------------------
 */

/* Most cycles of the step that can be behind when leg `k` begins. */
static int cycles_before(const struct playing *p, int step, int k)
{
    int n = 0;
    for (int i = 0; i < k; i++) {
        const struct play_leg *leg = &p->play->leg[i];
        int last = leg->cycle + (leg->segment.kind == SEGMENT_SWEEP ? leg->segment.cycles - 1 : 0);
        if (leg->step == step && !leg->gate && last > n)
            n = last;
    }
    return n;
}

static int find_step(const struct protocol *p, struct step_list list, const char *name)
{
    for (int i = list.first; i < list.end; i++)
        if (p->step[i].name && strcmp(p->step[i].name, name) == 0)
            return i;
    return -1;
}

/* Only the last gate of a block can know a cycle that earlier passes have not reached yet. */
static void check_cycle(const struct playing *p, struct step_view *v, int k, struct step_list list)
{
    const struct condition *q = &v->s.condition;
    const struct play_leg *gate = &p->play->leg[k];
    for (int i = k + 1; i < p->play->n; i++)
        if (p->play->leg[i].gate && p->play->leg[i].step == gate->step)
            return;
    int of = q->cycle ? find_step(p->c->p, list, q->step) : -1;
    int n = of >= 0 ? cycles_before(p, of, k) : 0;
    if (of >= 0 && q->cycle > n && step_first(v, PROBLEM_CYCLE))
        diags_error(v->c->d, v->s.step->condition.mark,
                    "`%s` has %d cycle%s when `%s` asks for number %d: it would never have a value", q->step,
                    n, n == 1 ? "" : "s", v->s.step->name, q->cycle);
}

static void check_bounds(struct step_view *v)
{
    const struct condition *q = &v->s.condition;
    const struct step_condition *c = &v->s.step->condition;
    if (!isnan(q->above) && !isnan(q->below) && !(q->above < q->below) && step_first(v, PROBLEM_BOUNDS))
        diags_error(v->c->d, step_at(v, &c->below), "`%s`: nothing is above %s and below %s%s",
                    v->s.step->name, show(q->above, c->dim), show(q->below, c->dim),
                    step_with(v, &c->above, &c->below, NULL));
}

static void check_gate(const struct playing *p, struct step_view *v, int k, struct step_list list)
{
    const struct play_leg *gate = &p->play->leg[k];
    const struct segment *before = k ? &p->play->leg[k - 1].segment : NULL;
    bool was_held = !before || (before->kind != SEGMENT_OPEN && before->kind != SEGMENT_GALVANOSTATIC);
    check_cycle(p, v, k, list);
    check_bounds(v);
    if (gate->segment.kind == SEGMENT_OPEN && v->s.step->between == BETWEEN_HOLD && was_held &&
        step_first(v, PROBLEM_GATE_OPEN))
        diags_warning(v->c->d, v->s.step->mark,
                      "`%s`: the cell is open while its condition is looked at, since the potential before "
                      "depends on steps that may have been left out: put a hold in front of it",
                      v->s.step->name);
}

/* The step's wish against what the instrument does. */
static void check_gap(const struct playing *p, struct step_view *v, int k)
{
    if (v->s.step->between == BETWEEN_HOLD && !p->play->leg[k].gate && play_gap_before(p->play, k) &&
        step_first(v, PROBLEM_GAP))
        diags_warning(
            v->c->d, v->s.step->mark,
            "`%s`: `between: hold` can not be kept: the potentiostat opens the cell to change between "
            "potential and current; the gap before the step will be open",
            v->s.step->name);
}

/* The instrument samples at whole intervals, so that is what a time becomes. */
static void check_whole(struct step_view *v, const struct play_leg *leg)
{
    const struct segment *g = &leg->segment;
    double times[1 + UNTIL_MAX] = {g->kind == SEGMENT_GALVANOSTATIC ? NAN : g->duration};
    int n = 1;
    for (int k = 0; k < g->n_until; k++)
        if (g->until[k].what == UNTIL_ELAPSED)
            times[n++] = g->until[k].value;
    for (int k = 0; k < n; k++) {
        double samples = times[k] / g->interval;
        if (isfinite(samples) && fabs(samples - round(samples)) > 1e-6 * fmax(1, samples) &&
            step_first(v, PROBLEM_WHOLE))
            diags_warning(
                v->c->d, v->s.step->mark,
                "`%s`: %s is not a whole number of samples of %s: it will last up to one sample more "
                "or less",
                v->s.step->name, show(times[k], DIM_TIME), show(g->interval, DIM_TIME));
    }
}

/* --- all legs --------------------------------------------------------------------------------------------
 */

static bool is_few_enough(struct check *c, const int level[FACTOR_MAX], bool control)
{
    int64_t n = play_count(c->plan, level, control);
    if (n <= PLAY_MAX)
        return true;
    if (c->too_many)
        return false;
    c->too_many = true;
    struct step_list list = play_list(c->p, control);
    const struct step *most = &c->p->step[list.first];
    int64_t largest = 0;
    for (int i = list.first; i < list.end; i = c->p->step[i].end) {
        int64_t legs = play_count_step(c->plan, level, i);
        if (legs > largest) {
            largest = legs;
            most = &c->p->step[i];
        }
    }
    diags_error(c->d, most->mark,
                "what is played at a site has %s%lld parts, of which `%s` makes %s%lld; an instrument's "
                "program has room for %d%s",
                n >= PLAY_COUNT_MAX ? "more than " : "", (long long)n, most->name,
                largest >= PLAY_COUNT_MAX ? "more than " : "", (long long)largest, PLAY_MAX,
                most->kind == STEP_CV ? " (cycles over two vertices that end where they began are one part "
                                        "together; any other has one for each vertex)"
                                      : "");
    return false;
}

void check_legs(struct check *c, struct step_view *view, const int level[FACTOR_MAX], bool control)
{
    struct play play;
    if (!is_few_enough(c, level, control))
        return;
    play_make(c->plan, level, control, &play);
    struct playing p = {.c = c, .view = view, .play = &play};
    for (int k = 0; k < play.n; k++) {
        const struct play_leg *leg = &play.leg[k];
        struct step_view *v = &view[leg->step];
        if (leg->gate) {
            check_gate(&p, v, k, play_list(c->p, control));
            continue;
        }
        if (leg->segment.kind == SEGMENT_SWEEP || leg->segment.kind == SEGMENT_RAMP)
            check_sweep(v, leg);
        check_fraction(&p, v, k);
        check_gap(&p, v, k);
        if (leg->segment.kind != SEGMENT_SWEEP && leg->segment.kind != SEGMENT_RAMP)
            check_whole(v, leg);
        check_rest(v, leg);
    }
    play_free(&play);
}
