/* What the numbers of a step mean together, for each combination of levels.
 *
 * One value alone can be right and still contradict another of the same step (a scan rate and its step, a
 * current and the potential it should reach), and each of them may be a factor: so these checks run over the
 * combinations, and the first one that fails speaks for all. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/check_step.h"

bool step_first(struct step_view *v, enum step_problem p)
{
    bool seen = *v->reported & (1ull << p);
    *v->reported |= 1ull << p;
    return !seen;
}

const char *step_with(struct step_view *v, const struct value *a, const struct value *b,
                      const struct value *c)
{
    return check_with(v->c->p, v->level, a, b, c, v->with);
}

struct mark step_at(const struct step_view *v, const struct value *value)
{
    return value->given ? value->mark : v->s.step->mark;
}

/* --- sampling --------------------------------------------------------------------------------------------
 */

static void check_interval(struct step_view *v, double interval, const struct value *a, const struct value *b)
{
    double least = v->c->p->rig->model->interval_min;
    if (interval < least * (1 - 1e-9) && step_first(v, PROBLEM_PACE))
        diags_error(
            v->c->d, step_at(v, a), "`%s`: a sample every %s%s is faster than instrument and link manage, %s",
            v->s.step->name, show(interval, DIM_TIME), step_with(v, a, b, NULL), show(least, DIM_TIME));
}

static void check_duration(struct step_view *v, double duration, const struct value *value)
{
    if (duration < v->s.interval * (1 - 1e-9) && step_first(v, PROBLEM_NO_SAMPLE))
        diags_error(v->c->d, step_at(v, value), "`%s`: %s%s is shorter than one sample interval, %s",
                    v->s.step->name, show(duration, DIM_TIME),
                    step_with(v, value, &v->s.step->interval, NULL), show(v->s.interval, DIM_TIME));
}

static void check_pace(struct step_view *v)
{
    check_interval(v, v->s.interval, &v->s.step->interval, NULL);
}

/* --- sweeps ----------------------------------------------------------------------------------------------
 */

/* Rate number `k` gives step and interval of its sweeps: one follows from the other. */
static void check_rate(struct step_view *v, int k)
{
    const struct step *s = v->s.step;
    const struct value *rate = s->kind == STEP_LSV ? &s->rate : &s->rates.v[k];
    double least = v->c->p->rig->model->e_step;
    bool sampled = s->interval.given;
    double e_step = sampled ? v->s.rate[k] * v->s.interval : v->s.e_step;
    check_interval(v, e_step / v->s.rate[k], sampled ? &s->interval : rate, sampled ? NULL : &s->step);
    if (e_step < least * (1 - 1e-9) && step_first(v, PROBLEM_STEP_SIZE))
        diags_error(v->c->d, step_at(v, sampled ? &s->interval : &s->step),
                    "`%s`: a step of %s%s is finer than the instrument's smallest, %s", s->name,
                    show(e_step, DIM_POTENTIAL),
                    step_with(v, sampled ? &s->interval : &s->step, sampled ? rate : NULL, NULL),
                    show(least, DIM_POTENTIAL));
}

static void check_rates(struct step_view *v)
{
    const struct step *s = v->s.step;
    for (int k = 0; k < v->s.n_rates; k++)
        check_rate(v, k);
    if (s->kind == STEP_CV && v->s.n_rates > 1 && v->s.n_rates != v->s.cycles && step_first(v, PROBLEM_RATES))
        diags_error(v->c->d, s->rates.v[0].mark,
                    "`%s`: %d scan rates for %d cycle%s%s: give one for all, or one for each", s->name,
                    v->s.n_rates, v->s.cycles, v->s.cycles == 1 ? "" : "s",
                    step_with(v, &s->cycles, NULL, NULL));
}

/* --- currents --------------------------------------------------------------------------------------------
 */

static bool has_galvanostat(struct step_view *v)
{
    const struct potentiostat_model *m = v->c->p->rig->model;
    if (!m->galvanostat && step_first(v, PROBLEM_NO_GALVANOSTAT))
        diags_error(v->c->d, v->s.step->mark, "`%s`: the potentiostat of this rig, %s, has no galvanostat",
                    v->s.step->name, m->name);
    return m->galvanostat;
}

static void check_limit(struct step_view *v, double i, const struct value *value)
{
    const struct protocol *p = v->c->p;
    if (fabs(i) > p->i_limit && step_first(v, PROBLEM_TOO_MUCH))
        diags_error(v->c->d, step_at(v, value), "`%s`: a current of %s%s is above `limits.current`, %s",
                    v->s.step->name, show(i, DIM_CURRENT), step_with(v, value, NULL, NULL),
                    show(p->i_limit, DIM_CURRENT));
    if (i != 0 && fabs(i) < p->rig->noise_max && step_first(v, PROBLEM_IN_NOISE))
        diags_warning(v->c->d, step_at(v, value),
                      "`%s`: a current of %s%s is below the noise of this rig, %s", v->s.step->name,
                      show(i, DIM_CURRENT), step_with(v, value, NULL, NULL),
                      show(p->rig->noise_max, DIM_CURRENT));
}

static void check_current(struct step_view *v, double i, const struct value *current,
                          const struct value *density)
{
    const struct value *value = density->given ? density : current;
    check_limit(v, i, value);
    if (i == 0 && step_first(v, PROBLEM_NO_CURRENT))
        diags_error(v->c->d, step_at(v, value), "`%s`: no current flows%s; use ocp to watch the open cell",
                    v->s.step->name, step_with(v, value, NULL, NULL));
}

/* The potential limits become the hardware's compliance: they should be reachable by it. */
static void check_compliance(struct step_view *v)
{
    const struct protocol *p = v->c->p;
    const struct rig_config *r = p->rig;
    struct wiring w = {r->potential_sign, r->current_sign, p->offset};
    double low = fmax(r->e_limit[0], r->model->e_min), high = fmin(r->e_limit[1], r->model->e_max);
    for (int i = 0; i < 2; i++) {
        double e = wiring_instrument_potential(&w, p->e_limit[i]);
        if ((e < low || e > high) && step_first(v, PROBLEM_COMPLIANCE))
            diags_warning(
                v->c->d, protocol_mark(p, "limits.potential"),
                "the limit of %s is %s at the instrument, beyond what this rig applies (%s to %s); `%s` is "
                "held by the rig's limit instead",
                show(p->e_limit[i], DIM_POTENTIAL), show(e, DIM_POTENTIAL), show(low, DIM_POTENTIAL),
                show(high, DIM_POTENTIAL), v->s.step->name);
    }
}

static void check_galvanostatic(struct step_view *v)
{
    const struct step *s = v->s.step;
    if (!has_galvanostat(v))
        return;
    check_current(v, v->s.current, &s->current, &s->density);
    if (s->has_reverse) {
        const struct value *back = s->reverse_density.given ? &s->reverse_density : &s->reverse_current;
        check_current(v, v->s.reverse_current, &s->reverse_current, &s->reverse_density);
        if (v->s.current * v->s.reverse_current > 0 && step_first(v, PROBLEM_SAME_WAY))
            diags_error(v->c->d, step_at(v, back),
                        "`%s`: the reverse current of %s%s has the sign of the first, %s: it would go on the "
                        "same way",
                        s->name, show(v->s.reverse_current, DIM_CURRENT),
                        step_with(v, back, &s->current, &s->density), show(v->s.current, DIM_CURRENT));
    }
    check_compliance(v);
}

static void check_pulse(struct step_view *v)
{
    const struct step *s = v->s.step;
    bool currents = s->currents.n > 0, differ = v->s.n_levels == 1;
    const struct values *list = currents ? &s->currents : &s->potentials;
    for (int k = 0; k < v->s.n_levels; k++) {
        check_duration(v, v->s.level_for[k], &s->durations.v[s->durations.n > 1 ? k : 0]);
        differ = differ || v->s.level[k] != v->s.level[0];
    }
    if (!differ && step_first(v, PROBLEM_LEVELS_FLAT))
        diags_warning(v->c->d, step_at(v, &list->v[0]), "`%s`: all levels are the same%s", s->name,
                      step_with(v, &list->v[0], list->n > 1 ? &list->v[1] : NULL, NULL));
    if (!currents || !has_galvanostat(v))
        return;
    for (int k = 0; k < v->s.n_levels; k++)
        check_limit(v, v->s.level[k], &s->currents.v[k]);
    check_compliance(v);
}

/* --- all -------------------------------------------------------------------------------------------------
 */

static void check_step(struct step_view *v)
{
    const struct step *s = v->s.step;
    switch (s->kind) {
    case STEP_CV:
    case STEP_LSV:
        check_rates(v);
        return;
    case STEP_REPEAT:
    case STEP_WHEN:
        return;
    case STEP_HOLD:
    case STEP_OCP:
    case STEP_REST:
        check_duration(v, v->s.duration, &s->duration);
        break;
    case STEP_GALVANOSTATIC:
        check_galvanostatic(v);
        break;
    case STEP_PULSE:
        check_pulse(v);
        break;
    }
    check_pace(v);
    check_until(v);
}

void check_steps(struct check *c)
{
    int n = c->p->n_steps;
    uint64_t *reported = xcalloc((size_t)n + 1, sizeof *reported);
    struct step_view *view = xcalloc((size_t)n + 1, sizeof *view);
    for (int k = 0; k < c->plan->n_combinations; k++) {
        const int *level = c->plan->combination[k].level;
        for (int i = 0; i < n; i++) {
            struct step_view *v = &view[i];
            v->c = c;
            v->reported = &reported[i];
            memcpy(v->level, level, sizeof v->level);
            plan_step(c->plan, level, i, &v->s);
            if (!check_varied(c, &c->p->step[i]))
                check_step(v);
        }
        check_legs(c, view, level, false);
        if (c->p->control.end > c->p->control.first && !c->varied)
            check_legs(c, view, level, true);
    }
    free(view);
    free(reported);
}
