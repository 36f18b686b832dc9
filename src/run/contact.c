/* Contact detection on the current: baseline, reach, and capacitance by triangle. */
#include "run/contact.h"

#include <math.h>
#include <string.h>

void idle_add(struct idle *b, double i)
{
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

/* Samples left out at the start and behind each turning point, where the instrument's filter still remembers what was
 * before. */
#define SETTLE 2

void ramp_start(struct ramp_meter *m)
{
    memset(m, 0, sizeof *m);
    m->settle = SETTLE + 1;
}

/* Least squares of i = mean + C dE/dt over one period: the triangle is symmetric about its bias, so a leak
 * (proportional to E) drops out. */
static void finish_period(struct ramp_meter *m)
{
    double n = m->n, det = n * m->ss - m->s * m->s;
    if (m->n >= 8 && det > 0 && !m->bad) {
        struct ramp r = {.periods = 1};
        r.c = (n * m->si - m->s * m->i) / det;
        r.mean = (m->i - r.c * m->s) / n;
        double rss = m->ii - r.mean * m->i - r.c * m->si;
        r.noise = sqrt(fmax(rss, 0) / (n - 2));
        r.c_sd = r.noise * sqrt(n / det);
        m->last = r;
        struct ramp *all = &m->mean;
        double k = all->periods;
        all->c = (k * all->c + r.c) / (k + 1);
        all->mean = (k * all->mean + r.mean) / (k + 1);
        all->noise = sqrt((k * all->noise * all->noise + r.noise * r.noise) / (k + 1));
        all->c_sd = sqrt(k * k * all->c_sd * all->c_sd + r.c_sd * r.c_sd) / (k + 1);
        all->periods++;
    }
    m->n = 0;
    m->s = m->ss = m->i = m->si = m->ii = 0;
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
    m->n++;
    m->s += slope;
    m->ss += slope * slope;
    m->i += s->i;
    m->si += slope * s->i;
    m->ii += s->i * s->i;
    return m->mean.periods != before;
}
