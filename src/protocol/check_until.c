/* Conditions that end a step early: one that is never met, or met at once whatever happens, is a mistake that
 * shows only when the night is over. */
#include <math.h>

#include "protocol/check_step.h"

/* One list of conditions with what it is about. */
struct half {
    struct step_view *v;
    const struct until *u;
    const struct value *value[UNTIL_MAX];
    int n;
    double current;                 /* A; NAN for a hold */
    const struct value *of_current; /* where it stands; NULL for a hold */
    double bound;                   /* s after which it is over for sure, by time */
    const struct value *of_bound;   /* NULL = none */
};

static const char *with(const struct half *h, int k)
{
    return step_with(h->v, h->value[k], h->of_current, h->of_bound);
}

static const char *name_of(const struct half *h)
{
    return h->v->s.step->name;
}

static void check_direction(const struct half *h, int k)
{
    const struct until *u = &h->u[k];
    bool down = u->what == UNTIL_POTENTIAL_BELOW;
    if ((down ? h->current > 0 : h->current < 0) && step_first(h->v, PROBLEM_WRONG_WAY))
        diags_error(h->v->c->d, step_at(h->v, h->value[k]),
                    "`%s`: a current of %s%s drives the potential %s and never reaches %c %s", name_of(h),
                    show(h->current, DIM_CURRENT), step_with(h->v, h->of_current, h->value[k], NULL),
                    down ? "up" : "down", down ? '<' : '>', show(u->value, DIM_POTENTIAL));
}

static void check_charge(const struct half *h, int k)
{
    const struct protocol *p = h->v->c->p;
    double most = isnan(h->current) ? p->i_limit : fabs(h->current), charge = h->u[k].value;
    if (h->bound * most >= charge * (1 - 1e-9) || !step_first(h->v, PROBLEM_NO_CHARGE))
        return;
    diags_warning(h->v->c->d, step_at(h->v, h->value[k]),
                  "`%s`: %s%s can not deliver %s within %s%s: the charge is never reached", name_of(h),
                  isnan(h->current) ? "`limits.current`, " : "",
                  show(isnan(h->current) ? most : h->current, DIM_CURRENT), show(charge, DIM_CHARGE),
                  show(h->bound, DIM_TIME), with(h, k));
}

static void check_elapsed(const struct half *h, int k)
{
    const struct step *s = h->v->s.step;
    double t = h->u[k].value;
    if (!h->u[k].all && t < h->v->s.interval && step_first(h->v, PROBLEM_NO_SAMPLE))
        diags_error(h->v->c->d, step_at(h->v, h->value[k]),
                    "`%s`: %s%s is shorter than one sample interval, %s", s->name, show(t, DIM_TIME),
                    step_with(h->v, h->value[k], &s->interval, NULL), show(h->v->s.interval, DIM_TIME));
    if (h->u[k].all && t >= h->bound && step_first(h->v, PROBLEM_NEVER_EARLIER))
        diags_warning(
            h->v->c->d, step_at(h->v, h->value[k]),
            "`%s`: the step is over after %s anyway%s: `all` with an elapsed time of %s never ends it "
            "earlier",
            s->name, show(h->bound, DIM_TIME), with(h, k), show(t, DIM_TIME));
}

static void check_current_bound(const struct half *h, int k)
{
    const struct protocol *p = h->v->c->p;
    double i = h->u[k].value, noise = p->rig->noise_max;
    bool below = h->u[k].what == UNTIL_CURRENT_BELOW;
    if (!below && i > p->i_limit && step_first(h->v, PROBLEM_UNREACHED))
        diags_error(h->v->c->d, step_at(h->v, h->value[k]),
                    "`%s`: a current of %s%s is never reached: `limits.current` ends the step at %s",
                    name_of(h), show(i, DIM_CURRENT), with(h, k), show(p->i_limit, DIM_CURRENT));
    if (i < noise && step_first(h->v, PROBLEM_BELOW_NOISE))
        diags_warning(h->v->c->d, step_at(h->v, h->value[k]),
                      "`%s`: a current of %s%s can not be told from the noise of this rig, %s: %s",
                      name_of(h), show(i, DIM_CURRENT), with(h, k), show(noise, DIM_CURRENT),
                      below ? "when the step ends is chance" : "the noise ends the step at once");
}

/* What lies between `<` and `>` of one kind: outside of both nothing would be left, in `all` nothing is both.
 */
static void check_pair(const struct half *h, int a, int b)
{
    const struct until *low = &h->u[a], *high = &h->u[b];
    bool pair = (low->what == UNTIL_POTENTIAL_BELOW && high->what == UNTIL_POTENTIAL_ABOVE) ||
                (low->what == UNTIL_CURRENT_BELOW && high->what == UNTIL_CURRENT_ABOVE);
    if (!pair || low->all != high->all)
        return;
    enum dim dim = low->what == UNTIL_CURRENT_BELOW ? DIM_CURRENT : DIM_POTENTIAL;
    if (low->all ? low->value > high->value : low->value <= high->value)
        return;
    if (step_first(h->v, PROBLEM_BOUNDS))
        diags_error(h->v->c->d, step_at(h->v, h->value[b]),
                    low->all ? "`%s`: nothing is below %s and above %s at once%s"
                             : "`%s`: everything is below %s or above %s: the step would end at once%s",
                    name_of(h), show(low->value, dim), show(high->value, dim),
                    step_with(h->v, h->value[a], h->value[b], NULL));
}

static void check_half(struct half *h)
{
    for (int k = 0; k < h->n; k++)
        if (h->u[k].what == UNTIL_ELAPSED && !h->u[k].all) {
            h->bound = h->u[k].value;
            h->of_bound = h->value[k];
        }
    for (int k = 0; k < h->n; k++) {
        enum until_what w = h->u[k].what;
        if (w == UNTIL_POTENTIAL_ABOVE || w == UNTIL_POTENTIAL_BELOW)
            check_direction(h, k);
        else if (w == UNTIL_CHARGE)
            check_charge(h, k);
        else if (w == UNTIL_ELAPSED)
            check_elapsed(h, k);
        else if (w == UNTIL_CURRENT_ABOVE || w == UNTIL_CURRENT_BELOW)
            check_current_bound(h, k);
        for (int b = 0; b < h->n; b++)
            check_pair(h, k, b);
    }
}

static void list_values(struct half *h, const struct until_list *list)
{
    for (int k = 0; k < list->n; k++)
        h->value[k] = &list->v[k].value;
    h->n = list->n;
}

static void check_galvanostatic(struct step_view *v)
{
    const struct step *s = v->s.step;
    struct half h = {.v = v, .u = v->s.until, .current = v->s.current, .bound = INFINITY};
    h.of_current = s->density.given ? &s->density : &s->current;
    list_values(&h, &s->until);
    check_half(&h);
    if (!s->has_reverse)
        return;
    struct half back = {.v = v, .u = v->s.reverse_until, .current = v->s.reverse_current, .bound = INFINITY};
    back.of_current = s->reverse_density.given ? &s->reverse_density : &s->reverse_current;
    list_values(&back, &s->reverse_until);
    check_half(&back);
}

static void check_hold(struct step_view *v)
{
    const struct step *s = v->s.step;
    struct half h = {.v = v, .u = v->s.until, .current = NAN, .bound = v->s.duration};
    h.of_bound = &s->duration;
    list_values(&h, &s->until);
    check_half(&h);
}

static void check_ocp(struct step_view *v)
{
    const struct step *s = v->s.step;
    if (isnan(v->s.drift))
        return;
    if (v->s.over < 2 * v->s.interval && step_first(v, PROBLEM_DRIFT_WINDOW))
        diags_error(v->c->d, step_at(v, &s->over),
                    "`%s`: a drift over %s%s is one over fewer than two samples of %s", s->name,
                    show(v->s.over, DIM_TIME), step_with(v, &s->over, &s->interval, NULL),
                    show(v->s.interval, DIM_TIME));
    if (v->s.over >= v->s.duration && step_first(v, PROBLEM_DRIFT_LATE))
        diags_error(v->c->d, step_at(v, s->over.given ? &s->over : &s->duration),
                    "`%s`: a drift over %s%s is not known before the step is over, after %s", s->name,
                    show(v->s.over, DIM_TIME), step_with(v, &s->over, &s->duration, NULL),
                    show(v->s.duration, DIM_TIME));
}

void check_until(struct step_view *v)
{
    switch (v->s.step->kind) {
    case STEP_GALVANOSTATIC:
        check_galvanostatic(v);
        return;
    case STEP_HOLD:
        check_hold(v);
        return;
    case STEP_OCP:
        check_ocp(v);
        return;
    default:
        return;
    }
}
