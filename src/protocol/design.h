/* Which site gets which combination of factor levels: seeded, balanced, the same everywhere. */
#ifndef SECCM_PROTOCOL_DESIGN_H
#define SECCM_PROTOCOL_DESIGN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum design {
    DESIGN_NONE,
    DESIGN_FULL_FACTORIAL,        /* in the order written, over and over */
    DESIGN_COMPLETELY_RANDOMISED, /* each as often, in random order over all sites */
    DESIGN_RANDOMISED_BLOCKS,     /* each once per run of consecutive sites, in random order */
    DESIGN_LATIN_SQUARE,          /* each once per row and column of a square of the grid */
    DESIGN_BY_COLUMN,
    DESIGN_BY_ROW,
    DESIGN_BY_REGION,
    DESIGN_GRADIENT, /* gradient.c: every site has a level of its own */
};
/* Names in a file, from DESIGN_FULL_FACTORIAL on; NULL-terminated. */
extern const char *const design_names[];
const char *design_name(enum design d);

enum along { ALONG_X, ALONG_Y, ALONG_SITE };
extern const char *const along_names[];

/* Where a site lies in its pattern, from 0. */
struct design_place {
    int row, column, region;
};

struct design_request {
    enum design design;
    uint64_t seed;
    bool shuffle; /* by column, row, region: dealt in random order */
    int n_sites, n_combinations;
    const struct design_place *place; /* n_sites, in visiting order; LATIN_SQUARE and BY_... */
};

/* Writes the combination (from 0) of each site and its block: from 1, consecutive sites that hold each
 * combination once (compact in time and space), a square of the grid, or a repetition; 0 = no blocks. An
 * incomplete last block holds a random subset. False (ERR_INPUT) if the pattern has too few columns, rows or
 * regions for all combinations. */
bool design_assign(const struct design_request *q, int *combination, int *block, struct err *e);

#endif
