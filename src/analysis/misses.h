/* Whether approaches still end in a contact: a cumulative sum of yes and no (CUSUM of Bernoulli trials,
 * Reynolds and Stoumbos, J. Qual. Technol. 1999, 31, 87), by the logarithm of how much likelier each outcome
 * is with a probe that gives no contact any more than with one that misses as often as it did so far.
 *
 * How often that is, is learnt from the night itself, apart for an approach behind a hit and behind a miss:
 * on a sample with patches that do not conduct one miss is followed by the next, and says little. */
#ifndef SECCM_ANALYSIS_MISSES_H
#define SECCM_ANALYSIS_MISSES_H

#include <stdbool.h>

/* Alarm: so much likelier, as a logarithm: with independent misses once in 10^6 sites or less (Wald). */
#define MISSES_LIMIT 13.8
/* Part of the approaches that miss with a probe that is blocked. */
#define MISSES_BLOCKED 0.95
/* Approaches with a contact before anything is judged. */
#define MISSES_BASELINE 8

struct misses_count {
    int hits, misses;     /* behind a hit, or at first */
    int again_hit, again; /* behind a miss */
};

struct misses {
    struct misses_count usual,
        open;   /* open: since the sum was 0, what may belong to an alarm in the making */
    bool last;  /* missed */
    double sum; /* never below 0 */
    int in_a_row;
};

void misses_add(struct misses *m, bool missed);
/* Sum / its limit: an alarm at 1. */
double misses_reach(const struct misses *m);

#endif
