/* Contact detection on the current: baseline, reach, and capacitance by triangle. */
#include "run/contact.h"

#include <math.h>
#include <string.h>

void idle_add(struct idle *b, double i)
{
    if (!isfinite(i))
        return; /* one such sample would make a baseline that nothing ever lies beyond */
    b->n++;
    double weight = b->n <= IDLE_LEARN ? 1.0 / b->n : 1.0 / IDLE_MEMORY;
    double step = i - b->mean;
    b->mean += weight * step;
    b->variance = (1 - weight) * (b->variance + weight * step * step);
}

bool idle_ready(const struct idle *b)
{
    return b->n >= IDLE_LEARN;
}

double idle_sd(const struct idle *b)
{
    return sqrt(b->variance);
}

double idle_reach(const struct idle *b, double threshold, double sigmas)
{
    return fmax(threshold, sigmas * idle_sd(b));
}

/* Samples left out at the start and behind each turning point, where the instrument's filter still remembers
 * what was before. */
#define SETTLE 2

void ramp_start(struct ramp_meter *m)
{
    memset(m, 0, sizeof *m);
    m->settle = SETTLE + 1;
}

/* Sums about their means, of one good period. */
struct spread {
    double ss, ee, ii, se, si, ei;
};

static void keep_period(struct ramp_meter *m, const struct spread *v, double alone)
{
    struct ramp r = {.periods = 1};
    double leak = 0;
    r.c = v->si / alone;
    if (v->ee > 0) {
        r.c = (v->si - v->se * v->ei / v->ee) / alone;
        leak = (v->ei - r.c * v->se) / v->ee;
    }
    r.mean = (m->i - r.c * m->s) / m->n; /* at the mean potential */
    r.noise = sqrt(fmax(v->ii - r.c * v->si - leak * v->ei, 0) / (m->n - 3));
    r.c_sd = r.noise / sqrt(alone);
    m->last = r;
    struct ramp *all = &m->mean;
    double k = all->periods;
    all->c = (k * all->c + r.c) / (k + 1);
    all->mean = (k * all->mean + r.mean) / (k + 1);
    all->noise = sqrt((k * all->noise * all->noise + r.noise * r.noise) / (k + 1));
    all->c_sd = sqrt(k * k * all->c_sd * all->c_sd + r.c_sd * r.c_sd) / (k + 1);
    all->periods++;
}

/* Least squares of i = i0 + G E + C dE/dt over one period. A leak (or the slope of a faradaic current) must
 * be in the model: the samples left out behind the turns make the rising half lie higher than the falling one
 * on average. */
static void finish_period(struct ramp_meter *m)
{
    double n = m->n;
    if (m->n >= 8 && !m->bad) {
        const struct spread v = {.ss = m->ss - m->s * m->s / n,
                                 .ee = m->ee - m->e * m->e / n,
                                 .ii = m->ii - m->i * m->i / n,
                                 .se = m->se - m->s * m->e / n,
                                 .si = m->si - m->s * m->i / n,
                                 .ei = m->ei - m->e * m->i / n};
        double alone = v.ee > 0 ? v.ss - v.se * v.se / v.ee : v.ss; /* of dE/dt, apart from E */
        if (alone > 0)
            keep_period(m, &v, alone);
    }
    m->n = 0;
    m->s = m->e = m->i = m->ss = m->se = m->ee = m->si = m->ei = m->ii = 0;
    m->bad = false;
}

void ramp_finish(struct ramp_meter *m)
{
    if (m->cycle)
        finish_period(m);
}

bool ramp_add(struct ramp_meter *m, const struct sample *s, double interval)
{
    bool first = m->cycle == 0;
    int before = m->mean.periods;
    if (s->cycle != m->cycle) {
        if (!first)
            finish_period(m);
        m->cycle = s->cycle;
    }
    double slope = (s->e - m->e_last) / interval;
    m->e_last = s->e;
    if (slope * m->slope_last < 0)
        m->settle = SETTLE; /* a turning point */
    m->slope_last = slope;
    if (m->settle > 0) {
        m->settle--;
        return false;
    }
    if (s->status & (SAMPLE_OVERLOAD | SAMPLE_INVALID)) {
        m->bad = true;
        return false;
    }
    if (m->n++ == 0)
        m->e_first = s->e;
    double e = s->e - m->e_first;
    m->s += slope;
    m->e += e;
    m->i += s->i;
    m->ss += slope * slope;
    m->se += slope * e;
    m->ee += e * e;
    m->si += slope * s->i;
    m->ei += e * s->i;
    m->ii += s->i * s->i;
    return m->mean.periods != before;
}
