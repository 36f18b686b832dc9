/* What the checks of a plan share. */
#include "protocol/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

const char *check_with(const struct protocol *p, const int level[FACTOR_MAX], const struct value *a,
                       const struct value *b, const struct value *c, char text[160])
{
    const struct value *values[] = {a, b, c};
    bool named[FACTOR_MAX] = {false};
    size_t n = 0, room = 158; /* and the bracket */
    text[0] = '\0';
    for (int i = 0; i < 3; i++) {
        int f = values[i] && values[i]->factor[0] ? factor_find(p, values[i]->factor) : -1;
        if (f < 0 || named[f] || n >= room)
            continue;
        named[f] = true;
        n += (size_t)snprintf(text + n, room - n, "%s%s = %.24s", n ? ", " : " (with ", p->factor[f].name,
                              p->factor[f].text[level[f]]);
    }
    if (n)
        strcat(text, ")");
    return text;
}

const char *show(double si, enum dim dim)
{
    static char text[8][40];
    static int next;
    char *t = text[next++ % 8];
    return quantity_format(si, dim, t, sizeof text[0]);
}

bool check_varied(const struct check *c, const struct step *s)
{
    const struct protocol *p = c->p;
    ptrdiff_t i = s ? s - p->step : -1;
    return c->varied && i >= p->control.first && i < p->control.end && c->varied[i - p->control.first];
}

void check_plan(struct check *c)
{
    check_control(c);
    check_potentials(c);
    check_approach(c);
    check_steps(c);
    check_landing(c);
    check_geometry(c);
    check_analysis(c);
    check_design(c);
    check_stop(c);
    free(c->varied);
    c->varied = NULL;
}
