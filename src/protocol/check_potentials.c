/* Every potential that the protocol can apply, at every level.
 *
 * Three questions each: is it inside the protocol's own limits; can the instrument apply it once the sign of
 * the wiring and the offset of the reference are accounted for; and is it so close to plating that the
 * reference's uncertainty could carry it there. */
#include "protocol/check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "instrument/wiring.h"

struct window {
    double low, high; /* V at the instrument */
};

static struct window applicable(const struct rig_config *r)
{
    return (struct window){fmax(r->e_limit[0], r->model->e_min), fmin(r->e_limit[1], r->model->e_max)};
}

static double applied(const struct protocol *p, double e)
{
    struct wiring w = {p->rig->potential_sign, p->rig->current_sign, p->offset};
    return wiring_instrument_potential(&w, e);
}

static bool outside(double e, const double limit[2])
{
    const double slack = 1e-9;
    return e < limit[0] - slack || e > limit[1] + slack;
}

/* One level may be used in several steps: its risk is told once. */
static bool told(struct check *c, struct mark m)
{
    for (int i = 0; i < c->n_plating; i++)
        if (c->plating[i].line == m.line && c->plating[i].column == m.column)
            return true;
    if (c->n_plating < 8)
        c->plating[c->n_plating++] = m;
    return false;
}

static void check_one(struct check *c, double e, struct mark m, const char *what, const char *text)
{
    const struct protocol *p = c->p;
    if (outside(e, p->e_limit)) {
        diags_error(c->d, m, "%s of %s is outside `limits.potential`, %s to %s", what, text,
                    show(p->e_limit[0], DIM_POTENTIAL), show(p->e_limit[1], DIM_POTENTIAL));
        return;
    }
    struct window w = applicable(p->rig);
    double v = applied(p, e), u = p->offset_uncertainty;
    if (v < w.low || v > w.high)
        diags_error(c->d, m,
                    "%s of %s must be applied as %s by the instrument (sign of the wiring, offset of the "
                    "reference), but this rig can apply only %s to %s",
                    what, text, show(v, DIM_POTENTIAL), show(w.low, DIM_POTENTIAL),
                    show(w.high, DIM_POTENTIAL));
    else if (v - u < w.low || v + u > w.high)
        diags_warning(
            c->d, m,
            "%s of %s must be applied as %s, closer to the rig's limits (%s to %s) than the uncertainty "
            "of the reference, %s",
            what, text, show(v, DIM_POTENTIAL), show(w.low, DIM_POTENTIAL), show(w.high, DIM_POTENTIAL),
            show(u, DIM_POTENTIAL));
    if (e < p->plating + u && !told(c, m))
        diags_warning(c->d, m,
                      "%s of %s may plate metal, which begins at %s: the reference is known to +- %s only",
                      what, text, show(p->plating, DIM_POTENTIAL), show(u, DIM_POTENTIAL));
}

/* The in-air test of the signal swings about the bias of the approach. */
static void check_alive(const struct check *c, double bias, struct mark m, const char *text)
{
    const struct protocol *p = c->p;
    struct window w = applicable(p->rig);
    double at_bias = applied(p, bias);
    if (outside(bias, p->e_limit) || at_bias < w.low || at_bias > w.high)
        return;
    for (int sign = -1; sign <= 1; sign += 2) {
        double e = bias + sign * p->alive.amplitude, v = applied(p, e);
        if (outside(e, p->e_limit))
            diags_error(
                c->d, m,
                "the bias of %s leaves no room for the test of the signal, which goes %s to both sides "
                "(`alive.amplitude`), inside `limits.potential`",
                text, show(p->alive.amplitude, DIM_POTENTIAL));
        else if (v < w.low || v > w.high)
            diags_error(c->d, m,
                        "the bias of %s and the test of the signal need %s at the instrument, which can "
                        "apply only %s to %s",
                        text, show(v, DIM_POTENTIAL), show(w.low, DIM_POTENTIAL),
                        show(w.high, DIM_POTENTIAL));
    }
}

static const char *noun_of(const struct step *owner, const struct field *f)
{
    if (f->kind == FIELD_VALUES)
        return owner->kind == STEP_PULSE ? "a level" : "a vertex";
    if (strcmp(f->key, "end") == 0)
        return "an end";
    return strcmp(f->key, "start") == 0 ? "a start" : "a potential";
}

static void visit(void *context, const struct value *v, const struct field *f, const struct step *owner)
{
    struct check *c = context;
    bool compared = owner && step_is_block(owner); /* a bound of a feature is not applied */
    if (f->dim != DIM_POTENTIAL || !v->given || (owner && v == &owner->step) || compared ||
        (v->factor[0] && check_varied(c, owner)))
        return;
    for (int i = 0; i < value_levels(c->p, v); i++) {
        struct mark m;
        char text[96], what[96];
        double e = value_level(c->p, v, i, &m, text);
        if (owner)
            snprintf(what, sizeof what, "`%.40s`: %s", owner->name, noun_of(owner, f));
        else
            snprintf(what, sizeof what, "the %s", f->key);
        check_one(c, e, m, what, text);
        if (v == &c->p->approach.bias)
            check_alive(c, e, m, text);
    }
}

void check_potentials(struct check *c)
{
    protocol_each_value(c->p, visit, c);
}
