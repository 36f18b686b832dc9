/* Settings of the analysis against the steps they speak of: a window that a level's sweep does not reach
 * gives no value there, and it is better known before the night than after it. */
#include "protocol/check.h"

#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/factor.h"

static int find_step(const struct protocol *p, const char *name)
{
    for (int i = 0; i < p->n_steps; i++)
        if (strcmp(p->step[i].name, name) == 0)
            return i;
    return -1;
}

static int find_cv(const struct check *c)
{
    const struct protocol *p = c->p;
    struct mark m = protocol_mark(p, "analysis.sei.step");
    int i = find_step(p, p->sei.step);
    if (i >= 0 && p->step[i].kind == STEP_CV)
        return i;
    if (i >= 0) {
        diags_error(c->d, m, "`%s` is a %s step; the SEI charge is taken from a cv", p->sei.step,
                    step_kind_name(p->step[i].kind));
        return -1;
    }
    const char *names[STEP_MAX + 1] = {0};
    for (int k = 0; k < p->n_steps; k++)
        names[k] = p->step[k].name;
    diags_error(c->d, m, "no step is named `%.60s`", p->sei.step);
    const char *nearest = text_nearest(p->sei.step, names);
    if (nearest)
        diags_hint(c->d, "did you mean `%s`?", nearest);
    return -1;
}

static bool covers(const struct step_now *s, double low, double high)
{
    double least = s->start, most = least;
    for (int k = 0; k < s->n_vertices; k++) {
        least = fmin(least, s->vertex[k]);
        most = fmax(most, s->vertex[k]);
    }
    return least <= low + 1e-9 && most >= high - 1e-9;
}

/* Names the combinations whose sweep of step `i` does not cover low..high, at most a few. */
static int uncovered(const struct check *c, int i, double low, double high, struct buf *names)
{
    const struct protocol *p = c->p;
    int n = 0;
    for (int k = 0; k < c->plan->n_combinations; k++) {
        const int *level = c->plan->combination[k].level;
        struct step_now s;
        plan_step(c->plan, level, i, &s);
        if (covers(&s, low, high))
            continue;
        if (p->n_factors && n < 4) {
            buf_str(names, n ? "; " : "");
            factor_describe(p, level, names);
        }
        n++;
    }
    return n;
}

static void check_window(const struct check *c, int step)
{
    const double *w = c->p->sei.window;
    struct buf names = {0};
    int n = uncovered(c, step, w[0], w[1], &names);
    struct mark m = protocol_mark(c->p, "analysis.sei.window");
    if (n == c->plan->n_combinations)
        diags_error(c->d, m,
                    "no sweep of `%s` covers the window %s to %s: there would be no SEI charge at any site",
                    c->p->sei.step, show(w[0], DIM_POTENTIAL), show(w[1], DIM_POTENTIAL));
    else if (n)
        diags_warning(c->d, m,
                      "`%s` does not cover the window %s to %s at %s%s: the SEI charge will be missing there",
                      c->p->sei.step, show(w[0], DIM_POTENTIAL), show(w[1], DIM_POTENTIAL), names.p,
                      n > 4 ? " and more" : "");
    buf_free(&names);
}

static void check_wetting(const struct check *c)
{
    double e = c->p->wet_check_potential;
    struct buf names = {0};
    int missing = 0, cvs = 0;
    for (int i = 0; i < c->p->n_steps; i++)
        if (c->p->step[i].kind == STEP_CV) {
            cvs++;
            missing += uncovered(c, i, e, e, &names) > 0;
        }
    if (cvs == missing)
        diags_warning(c->d, protocol_mark(c->p, "analysis.wetting.potential"),
                      "no voltammogram passes %s at every level: the wetted area can not be compared there",
                      show(e, DIM_POTENTIAL));
    buf_free(&names);
}

void check_analysis(struct check *c)
{
    if (c->p->sei.step) {
        int i = find_cv(c);
        if (i >= 0)
            check_window(c, i);
    }
    if (!isnan(c->p->wet_check_potential))
        check_wetting(c);
}
