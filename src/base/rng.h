/* Counter-based randomness: a random number is a pure function of (seed, what it is for, indices), so
 * that neither the order of calls nor threads change anything. The mixer is a keyed 64-bit finaliser
 * chain (SplitMix64's, Steele, Lea, Flood, OOPSLA 2014, applied once per index). */
#ifndef SECCM_BASE_RNG_H
#define SECCM_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t key;
};

/* Stream named `what` (a short constant text such as "sim.noise") of a seed. */
struct rng rng_stream(uint64_t seed, const char *what);
uint64_t rng_u64(struct rng r, uint64_t a, uint64_t b, uint64_t c);
/* Uniform in (0, 1), never 0 or 1. */
double rng_uniform(struct rng r, uint64_t a, uint64_t b, uint64_t c);
/* Standard normal (Box-Muller on two derived uniforms). */
double rng_normal(struct rng r, uint64_t a, uint64_t b, uint64_t c);
/* Uniform integer in [0, n), unbiased; n > 0. */
uint64_t rng_below(struct rng r, uint64_t n, uint64_t a, uint64_t b);
/* Fisher-Yates shuffle of n ints; `index` tells apart shuffles of one stream. */
void rng_shuffle(struct rng r, uint64_t index, int *items, int n);

#endif
