/* The numbers of a step for one site. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "protocol/plan.h"

#define PI 3.14159265358979323846

struct site {
    const struct plan *p;
    const int *level;
};

static double number(const struct site *at, const struct value *v)
{
    return plan_value(at->p, at->level, v);
}

/* A count of a site whose level is not assigned yet: one. */
static int whole(const struct site *at, const struct value *v)
{
    double value = number(at, v);
    return isnan(value) ? 1 : (int)value;
}

static int numbers(const struct site *at, const struct values *list, double *out, int room)
{
    int n = list->n < room ? list->n : room;
    for (int i = 0; i < n; i++)
        out[i] = number(at, &list->v[i]);
    return n;
}

double plan_wetted_area(const struct plan *p)
{
    double diameter = p->protocol->wetted * p->protocol->aperture;
    return PI / 4 * diameter * diameter;
}

static double current_of(const struct site *at, const struct value *current, const struct value *density)
{
    return density->given ? number(at, density) * plan_wetted_area(at->p) : number(at, current);
}

static int conditions(const struct site *at, const struct until_list *list, struct until out[UNTIL_MAX])
{
    for (int i = 0; i < list->n; i++)
        out[i] = (struct until){
            .what = list->v[i].what, .value = number(at, &list->v[i].value), .all = list->v[i].all, .of = -1};
    return list->n;
}

static void set_condition(const struct site *at, const struct step *s, struct step_now *out)
{
    const struct step_condition *c = &s->condition;
    out->has_condition = c->feature != NULL;
    if (!out->has_condition)
        return;
    struct condition *q = &out->condition;
    snprintf(q->step, sizeof q->step, "%s", c->of);
    snprintf(q->feature, sizeof q->feature, "%s", c->name);
    q->cycle = c->cycle;
    q->above = c->above.given ? number(at, &c->above) : NAN;
    q->below = c->below.given ? number(at, &c->below) : NAN;
    q->go_if_missing = s->kind == STEP_REPEAT || c->missing == MISSING_GO;
}

static void set_pulse(const struct site *at, const struct step *s, struct step_now *out)
{
    const struct values *level = s->potentials.n ? &s->potentials : &s->currents;
    out->n_levels = numbers(at, level, out->level, LEVEL_MAX);
    int n = numbers(at, &s->durations, out->level_for, LEVEL_MAX);
    for (int i = n; i < out->n_levels && n > 0; i++)
        out->level_for[i] = out->level_for[0];
}

void plan_step(const struct plan *p, const int level[FACTOR_MAX], int step, struct step_now *out)
{
    const struct step *s = &p->protocol->step[step];
    const struct site at = {p, level};
    *out = (struct step_now){.step = s};
    out->potential = number(&at, &s->potential);
    out->duration = number(&at, &s->duration);
    out->interval = number(&at, &s->interval);
    out->start = number(&at, &s->start);
    out->finish = number(&at, &s->finish);
    out->e_step = number(&at, &s->step);
    out->current = current_of(&at, &s->current, &s->density);
    out->reverse_current = current_of(&at, &s->reverse_current, &s->reverse_density);
    out->drift = s->drift.given ? number(&at, &s->drift) : NAN;
    out->over = number(&at, &s->over);
    out->cycles = s->kind == STEP_CV || s->kind == STEP_GALVANOSTATIC ? whole(&at, &s->cycles) : 0;
    out->count = s->kind == STEP_PULSE || s->kind == STEP_REPEAT ? whole(&at, &s->count) : 0;
    out->n_vertices = numbers(&at, &s->vertices, out->vertex, VERTEX_MAX);
    out->n_rates = s->kind == STEP_LSV ? 1 : numbers(&at, &s->rates, out->rate, RATE_MAX);
    if (s->kind == STEP_LSV)
        out->rate[0] = number(&at, &s->rate);
    out->n_until = conditions(&at, &s->until, out->until);
    out->n_reverse_until = conditions(&at, &s->reverse_until, out->reverse_until);
    if (s->kind == STEP_PULSE)
        set_pulse(&at, s, out);
    set_condition(&at, s, out);
}
