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

void misses_add(struct misses *m, bool missed)
{
    bool judged = m->hits + m->again_hit >= MISSES_BASELINE;
    double often = usual(m->misses, m->hits);
    if (m->last)
        often = fmax(often, usual(m->again, m->again_hit));
    often = fmin(often, MISSES_BLOCKED);
    double likelier = missed ? log(MISSES_BLOCKED / often) : log((1 - MISSES_BLOCKED) / (1 - often));
    m->sum = judged ? fmax(0, m->sum + likelier) : 0;
    m->in_a_row = missed ? m->in_a_row + 1 : 0;
    /* What belongs to an alarm in the making is not what is usual. */
    bool suspicious = judged && m->sum > MISSES_LIMIT / 3;
    if (m->last && !suspicious) {
        m->again += missed;
        m->again_hit += !missed;
    } else if (!suspicious) {
        m->misses += missed;
        m->hits += !missed;
    }
    m->last = missed;
}

double misses_reach(const struct misses *m)
{
    return m->sum / MISSES_LIMIT;
}
