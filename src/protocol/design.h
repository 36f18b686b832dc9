/* Which site gets which factor levels: randomised blocks, seeded, balanced, the same everywhere. */
#ifndef SECCM_PROTOCOL_DESIGN_H
#define SECCM_PROTOCOL_DESIGN_H

#include <stdint.h>

enum design { DESIGN_NONE, DESIGN_RANDOMISED_BLOCKS };

/* Sites 0..n-1 in visiting order; blocks are runs of as many consecutive sites as there are combinations
 * (compact in time and space); each combination occurs once per block; an incomplete last block holds a
 * random subset. Writes the combination index (mixed radix of levels, first factor slowest) and the 1-based
 * block of each site. */
void design_assign(enum design d, uint64_t seed, int n_sites, int n_combinations, int *combination,
                   int *block);

#endif
