/* Cumulative sum of approaches without contact. */
#include "analysis/misses.h"

#include <math.h>

/* Never taken to be rarer than this, whatever a clean night says: spots that do not conduct come together. */
#define RAREST 0.03
/* What is thought of a miss behind a miss before any was seen, worth so many. */
#define PRIOR_MISSES 0.06
#define PRIOR_WORTH  1.0

static double usual(int misses, int hits)
{
    return fmax(RAREST, (misses + PRIOR_MISSES) / (misses + hits + PRIOR_WORTH));
}

static void count(struct misses_count *c, bool behind_a_miss, bool missed)
{
    c->misses += !behind_a_miss && missed;
    c->hits += !behind_a_miss && !missed;
    c->again += behind_a_miss && missed;
    c->again_hit += behind_a_miss && !missed;
}

static void close_open(struct misses *m)
{
    m->usual.misses += m->open.misses;
    m->usual.hits += m->open.hits;
    m->usual.again += m->open.again;
    m->usual.again_hit += m->open.again_hit;
    m->open = (struct misses_count){0};
}

void misses_add(struct misses *m, bool missed)
{
    const struct misses_count *u = &m->usual;
    double often = usual(u->misses, u->hits);
    if (m->last)
        often = fmax(often, usual(u->again, u->again_hit));
    often = fmin(often, MISSES_BLOCKED);
    double likelier = missed ? log(MISSES_BLOCKED / often) : log((1 - MISSES_BLOCKED) / (1 - often));
    m->sum = u->hits + u->again_hit >= MISSES_BASELINE ? fmax(0, m->sum + likelier) : 0;
    m->in_a_row = missed ? m->in_a_row + 1 : 0;
    count(&m->open, m->last, missed);
    if (m->sum <= 0)
        close_open(m);
    m->last = missed;
}

double misses_reach(const struct misses *m)
{
    return m->sum / MISSES_LIMIT;
}
