/* What the numbers of a step mean together, for each combination of levels.
 *
 * One value alone can be right and still contradict another of the same step (a scan rate and its step, a
 * current and the potential it should reach), and each of them may be a factor: so these checks run over the
 * combinations, and the first one that fails speaks for all. */
#include "protocol/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

enum problem {
    PACE,
    STEP_SIZE,
    EMPTY_LEG,
    UNEVEN,
    NO_SAMPLE,
    NO_GALVANOSTAT,
    TOO_MUCH,
    NO_CURRENT,
    IN_NOISE,
    WRONG_WAY,
    NO_CHARGE,
    COMPLIANCE,
};

struct view {
    struct check *c;
    struct step_now s;
    unsigned *reported; /* bits of enum problem, per step */
    int level[FACTOR_MAX];
    char with[160]; /* latest text of with() */
};

/* true the first time a problem of this step is met. */
static bool first(struct view *v, enum problem p)
{
    bool seen = *v->reported & (1u << p);
    *v->reported |= 1u << p;
    return !seen;
}

static const char *with(struct view *v, const struct value *a, const struct value *b, const struct value *c)
{
    return check_with(v->c->p, v->level, a, b, c, v->with);
}

/* Position of a value: the place of its use, since more than one factor may be to blame. */
static struct mark at(const struct view *v, const struct value *value)
{
    return value->given ? value->mark : v->s.step->mark;
}

static void check_pace(struct view *v)
{
    const struct step *s = v->s.step;
    double least = v->c->p->rig->model->interval_min, interval = v->s.interval;
    bool cv = s->kind == STEP_CV;
    if (interval < least * (1 - 1e-9) && first(v, PACE))
        diags_error(v->c->d, at(v, cv ? &s->rate : &s->interval),
                    "`%s`: a sample every %s%s is faster than instrument and link manage, %s", s->name,
                    show(interval, DIM_TIME),
                    with(v, cv ? &s->rate : &s->interval, cv ? &s->step : NULL, NULL), show(least, DIM_TIME));
    if ((s->kind == STEP_HOLD || s->kind == STEP_OCP) && v->s.duration < interval && first(v, NO_SAMPLE))
        diags_error(v->c->d, at(v, &s->duration), "`%s`: %s%s is shorter than one sample interval, %s",
                    s->name, show(v->s.duration, DIM_TIME), with(v, &s->duration, &s->interval, NULL),
                    show(interval, DIM_TIME));
}

static void check_leg(struct view *v, const struct value *begin, const struct value *end, double from,
                      double to)
{
    const struct step *s = v->s.step;
    double span = fabs(to - from), steps = span / v->s.e_step, gap = fabs(steps - round(steps)) * v->s.e_step;
    if (span < v->s.e_step) {
        if (first(v, EMPTY_LEG))
            diags_error(v->c->d, at(v, end), "`%s`: the sweep from %s to %s%s is less than one step of %s",
                        s->name, show(from, DIM_POTENTIAL), show(to, DIM_POTENTIAL),
                        with(v, begin, end, &s->step), show(v->s.e_step, DIM_POTENTIAL));
    } else if (gap > 1e-6 * v->s.e_step && gap > 1e-9 && first(v, UNEVEN)) {
        diags_warning(
            v->c->d, at(v, end),
            "`%s`: the sweep from %s to %s%s is not a whole number of steps of %s; it turns up to one step "
            "off",
            s->name, show(from, DIM_POTENTIAL), show(to, DIM_POTENTIAL), with(v, begin, end, &s->step),
            show(v->s.e_step, DIM_POTENTIAL));
    }
}

static void check_cv(struct view *v)
{
    const struct step *s = v->s.step;
    double least = v->c->p->rig->model->e_step;
    if (v->s.e_step < least * (1 - 1e-9) && first(v, STEP_SIZE))
        diags_error(v->c->d, at(v, &s->step),
                    "`%s`: a step of %s%s is finer than the instrument's smallest, %s", s->name,
                    show(v->s.e_step, DIM_POTENTIAL), with(v, &s->step, NULL, NULL),
                    show(least, DIM_POTENTIAL));
    const struct value *vertex = s->vertices.v;
    check_leg(v, &s->start, &vertex[0], v->s.start, v->s.vertex[0]);
    check_leg(v, &vertex[0], &vertex[1], v->s.vertex[0], v->s.vertex[1]);
}

static void check_current(struct view *v)
{
    const struct protocol *p = v->c->p;
    const struct step *s = v->s.step;
    double i = fabs(v->s.current);
    if (i > p->i_limit && first(v, TOO_MUCH))
        diags_error(v->c->d, at(v, &s->current), "`%s`: a current of %s%s is above `limits.current`, %s",
                    s->name, show(v->s.current, DIM_CURRENT), with(v, &s->current, NULL, NULL),
                    show(p->i_limit, DIM_CURRENT));
    if (i == 0 && first(v, NO_CURRENT))
        diags_error(v->c->d, at(v, &s->current), "`%s`: no current flows%s; use ocp to watch the open cell",
                    s->name, with(v, &s->current, NULL, NULL));
    if (i > 0 && i < p->rig->noise_max && first(v, IN_NOISE))
        diags_warning(v->c->d, at(v, &s->current),
                      "`%s`: a current of %s%s is below the noise of this rig, %s", s->name,
                      show(v->s.current, DIM_CURRENT), with(v, &s->current, NULL, NULL),
                      show(p->rig->noise_max, DIM_CURRENT));
}

static void check_direction(struct view *v, const struct until *u, const struct value *value)
{
    bool down = u->what == UNTIL_POTENTIAL_BELOW;
    if ((down ? v->s.current > 0 : v->s.current < 0) && first(v, WRONG_WAY))
        diags_error(
            v->c->d, at(v, value), "`%s`: a current of %s%s drives the potential %s and never reaches %c %s",
            v->s.step->name, show(v->s.current, DIM_CURRENT), with(v, &v->s.step->current, value, NULL),
            down ? "up" : "down", down ? '<' : '>', show(u->value, DIM_POTENTIAL));
}

static void check_until(struct view *v)
{
    const struct step *s = v->s.step;
    double elapsed = INFINITY, charge = NAN;
    int of_charge = -1, of_elapsed = -1;
    for (int k = 0; k < v->s.n_until; k++) {
        const struct until *u = &v->s.until[k];
        if (u->what == UNTIL_ELAPSED) {
            elapsed = u->value;
            of_elapsed = k;
        } else if (u->what == UNTIL_CHARGE) {
            charge = u->value;
            of_charge = k;
        } else {
            check_direction(v, u, &s->until[k].value);
        }
    }
    if (elapsed < v->s.interval && first(v, NO_SAMPLE))
        diags_error(v->c->d, at(v, &s->until[of_elapsed].value),
                    "`%s`: %s%s is shorter than one sample interval, %s", s->name, show(elapsed, DIM_TIME),
                    with(v, &s->until[of_elapsed].value, &s->interval, NULL), show(v->s.interval, DIM_TIME));
    if (of_charge >= 0 && elapsed * fabs(v->s.current) < charge * (1 - 1e-9) && first(v, NO_CHARGE))
        diags_warning(v->c->d, at(v, &s->until[of_charge].value),
                      "`%s`: %s can not deliver %s within %s%s: the charge is never reached", s->name,
                      show(v->s.current, DIM_CURRENT), show(charge, DIM_CHARGE), show(elapsed, DIM_TIME),
                      with(v, &s->current, &s->until[of_charge].value, &s->until[of_elapsed].value));
}

/* The potential limits become the hardware's compliance: they should be reachable by it. */
static void check_compliance(struct view *v)
{
    const struct protocol *p = v->c->p;
    const struct rig_config *r = p->rig;
    struct wiring w = {r->potential_sign, r->current_sign, p->offset};
    double low = fmax(r->e_limit[0], r->model->e_min), high = fmin(r->e_limit[1], r->model->e_max);
    for (int i = 0; i < 2; i++) {
        double e = wiring_instrument_potential(&w, p->e_limit[i]);
        if ((e < low || e > high) && first(v, COMPLIANCE))
            diags_warning(
                v->c->d, protocol_mark(p, "limits.potential"),
                "the limit of %s is %s at the instrument, beyond what this rig applies (%s to %s); `%s` is "
                "held by the rig's limit instead",
                show(p->e_limit[i], DIM_POTENTIAL), show(e, DIM_POTENTIAL), show(low, DIM_POTENTIAL),
                show(high, DIM_POTENTIAL), v->s.step->name);
    }
}

static void check_galvanostatic(struct view *v)
{
    const struct step *s = v->s.step;
    const struct potentiostat_model *m = v->c->p->rig->model;
    if (!m->galvanostat) {
        if (first(v, NO_GALVANOSTAT))
            diags_error(v->c->d, s->mark, "`%s`: the potentiostat of this rig, %s, has no galvanostat",
                        s->name, m->name);
        return;
    }
    check_current(v);
    check_until(v);
    check_compliance(v);
}

static void check_step(struct view *v)
{
    check_pace(v);
    if (v->s.step->kind == STEP_CV)
        check_cv(v);
    if (v->s.step->kind == STEP_GALVANOSTATIC)
        check_galvanostatic(v);
}

void check_steps(struct check *c)
{
    unsigned *reported = xcalloc((size_t)c->p->n_steps, sizeof *reported);
    for (int k = 0; k < c->plan->n_combinations; k++) {
        struct view v = {.c = c};
        memcpy(v.level, c->plan->combination[k].level, sizeof v.level);
        for (int i = 0; i < c->p->n_steps; i++) {
            v.reported = &reported[i];
            plan_step(c->plan, v.level, i, &v.s);
            check_step(&v);
        }
    }
    free(reported);
}
