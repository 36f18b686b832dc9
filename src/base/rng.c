/* Counter-based randomness.
 *
 * mix() is the output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014; constants of Stafford's
 * variant 13): a bijection of 64 bits in which every input bit flips every output bit with probability close
 * to 1/2. step(x, i) = mix(x + (i + 1) * gamma) is therefore number i of the SplitMix64 generator in state x,
 * which passes the usual batteries. A stream's key is step(step(0, seed), FNV-1a(what)), and a number is
 * step(step(step(key, a), b), c): each index selects a number that is the state for the next. Streams and
 * indices so never share a sequence but by a collision of 64-bit values. */
#include "base/rng.h"

#include <math.h>

#define GAMMA UINT64_C(0x9E3779B97F4A7C15)

static inline uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
    return x ^ (x >> 31);
}

static inline uint64_t step(uint64_t x, uint64_t i)
{
    return mix(x + (i + 1) * GAMMA);
}

static uint64_t fnv1a(const char *text)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001B3);
    return h;
}

struct rng rng_stream(uint64_t seed, const char *what)
{
    return (struct rng){step(step(0, seed), fnv1a(what))};
}

uint64_t rng_u64(struct rng r, uint64_t a, uint64_t b, uint64_t c)
{
    return step(step(step(r.key, a), b), c);
}

/* The upper 52 bits, in the middle of their interval: 2^-53 ... 1 - 2^-53, all exact. */
static inline double unit(uint64_t x)
{
    return ((double)(x >> 12) + 0.5) * 0x1p-52;
}

double rng_uniform(struct rng r, uint64_t a, uint64_t b, uint64_t c)
{
    return unit(rng_u64(r, a, b, c));
}

double rng_normal(struct rng r, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t x = rng_u64(r, a, b, c);
    return sqrt(-2 * log(unit(step(x, 0)))) * cos(2 * 3.14159265358979323846 * unit(step(x, 1)));
}

uint64_t rng_below(struct rng r, uint64_t n, uint64_t a, uint64_t b)
{
    if (n < 2)
        return 0;
    /* 2^64 mod n values at the low end would favour some remainders: they are drawn again. */
    uint64_t surplus = -n % n;
    for (uint64_t c = 0;; c++) {
        uint64_t x = rng_u64(r, a, b, c);
        if (x >= surplus)
            return x % n;
    }
}

void rng_shuffle(struct rng r, uint64_t index, int *items, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int j = (int)rng_below(r, (uint64_t)i + 1, index, (uint64_t)i);
        int kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}
