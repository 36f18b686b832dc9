/* Which site gets which factor levels.
 *
 * A block is a run of consecutive sites that holds every combination once, in an order of its own: drift of
 * the reference, evaporation and a slope of the sample act on all levels alike, and whatever part of a night
 * is lost, the rest is balanced to within one site per combination. */
#include "protocol/design.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/rng.h"

static void assign_nothing(int n_sites, int *combination, int *block)
{
    for (int i = 0; i < n_sites; i++)
        combination[i] = block[i] = 0;
}

void design_assign(enum design d, uint64_t seed, int n_sites, int n_combinations, int *combination,
                   int *block)
{
    if (d == DESIGN_NONE || n_combinations < 1) {
        assign_nothing(n_sites, combination, block);
        return;
    }
    struct rng r = rng_stream(seed, "design.randomised-blocks");
    int *order = xcalloc((size_t)n_combinations, sizeof *order);
    for (int first = 0, b = 0; first < n_sites; first += n_combinations, b++) {
        for (int i = 0; i < n_combinations; i++)
            order[i] = i;
        rng_shuffle(r, (uint64_t)b, order, n_combinations);
        for (int i = 0; i < n_combinations && first + i < n_sites; i++) {
            combination[first + i] = order[i];
            block[first + i] = b + 1;
        }
    }
    free(order);
}
