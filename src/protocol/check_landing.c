/* The test of a contact by its open-circuit potential: can it be read, and can it ever say yes? */
#include <math.h>
#include <string.h>

#include "instrument/wiring.h"
#include "protocol/check.h"

/* The mean is taken of the second half: fewer samples than this are no mean. */
#define SAMPLES_LEAST 4

static void check_time(struct check *c, const struct landing *l)
{
    double least = c->p->rig->model->interval_min;
    if (l->interval < least * (1 - 1e-9))
        diags_error(c->d, protocol_mark(c->p, "landing.sample"),
                    "`landing`: a sample every %s is faster than instrument and link manage, %s",
                    show(l->interval, DIM_TIME), show(least, DIM_TIME));
    if (l->duration < SAMPLES_LEAST * l->interval * (1 - 1e-9))
        diags_error(c->d, protocol_mark(c->p, "landing.for"),
                    "`landing`: %s holds fewer than %d samples, one every %s", show(l->duration, DIM_TIME),
                    SAMPLES_LEAST, show(l->interval, DIM_TIME));
}

/* What lies beyond the instrument's range is never read, and never accepted. */
static void check_range(struct check *c, const struct landing *l)
{
    const struct rig_config *r = c->p->rig;
    struct wiring w = {r->potential_sign, r->current_sign, c->p->offset};
    double a = wiring_instrument_potential(&w, l->ocp[0]), b = wiring_instrument_potential(&w, l->ocp[1]);
    if (fmin(a, b) > r->model->e_max || fmax(a, b) < r->model->e_min)
        diags_error(c->d, protocol_mark(c->p, "landing.ocp"),
                    "`landing`: %s to %s is %s to %s at the instrument, which reads %s to %s: every contact "
                    "would be rejected",
                    show(l->ocp[0], DIM_POTENTIAL), show(l->ocp[1], DIM_POTENTIAL),
                    show(fmin(a, b), DIM_POTENTIAL), show(fmax(a, b), DIM_POTENTIAL),
                    show(r->model->e_min, DIM_POTENTIAL), show(r->model->e_max, DIM_POTENTIAL));
    const double *limit = c->p->e_limit;
    if (l->ocp[0] < limit[0] || l->ocp[1] > limit[1])
        diags_warning(
            c->d, protocol_mark(c->p, "landing.ocp"),
            "`landing`: %s to %s reaches beyond `limits.potential`, %s to %s: contacts are accepted "
            "whose potential the steps may not be at",
            show(l->ocp[0], DIM_POTENTIAL), show(l->ocp[1], DIM_POTENTIAL), show(limit[0], DIM_POTENTIAL),
            show(limit[1], DIM_POTENTIAL));
    if (l->ocp[1] - l->ocp[0] < 2 * c->p->offset_uncertainty)
        diags_warning(
            c->d, protocol_mark(c->p, "landing.ocp"),
            "`landing`: the interval is narrower than what the reference is known to, +- %s: drift of "
            "the reference would reject good contacts",
            show(c->p->offset_uncertainty, DIM_POTENTIAL));
}

void check_landing(struct check *c)
{
    const struct landing *l = &c->p->landing;
    if (!landing_wanted(l))
        return;
    check_time(c, l);
    check_range(c, l);
    for (int i = 0; i < c->p->n_steps; i++)
        if (c->p->step[i].name && strcmp(c->p->step[i].name, "landing") == 0)
            diags_error(
                c->d, c->p->step[i].mark,
                "a step can not be called `landing` where each landing is tested: its features would have "
                "the same names");
}
