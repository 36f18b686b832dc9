/* What the checks of a plan share. */
#include "protocol/check.h"

#include <stdio.h>

#include "protocol/factor.h"

int value_levels(const struct protocol *p, const struct value *v)
{
    int f = v->factor[0] ? factor_find(p, v->factor) : -1;
    return f < 0 ? 1 : p->factor[f].n;
}

double value_level(const struct protocol *p, const struct value *v, int i, struct mark *m, char text[96])
{
    int f = v->factor[0] ? factor_find(p, v->factor) : -1;
    if (f < 0) {
        *m = v->mark;
        snprintf(text, 96, "%s", show(v->si, DIM_POTENTIAL));
        return v->si;
    }
    const struct factor *factor = &p->factor[f];
    *m = factor->level_mark[i];
    snprintf(text, 96, "%s (a level of `%s`)", show(factor->si[i], factor->dim), factor->name);
    return factor->si[i];
}

const char *show(double si, enum dim dim)
{
    static char text[8][40];
    static int next;
    char *t = text[next++ % 8];
    return quantity_format(si, dim, t, sizeof text[0]);
}

void check_plan(struct check *c)
{
    check_potentials(c);
    check_approach(c);
    check_steps(c);
    check_geometry(c);
    check_analysis(c);
}
