/* Factors: what differs from site to site, and the scalars that take their level. */
#ifndef SECCM_PROTOCOL_FACTOR_H
#define SECCM_PROTOCOL_FACTOR_H

#include "protocol/grid.h"
#include "protocol/protocol.h"

/* What stands behind a factor's name if it is no list: {from: {file, column}}; for help and schema. */
extern const struct fields factor_fields;

/* Reads the maps of `vary.factors` (names and texts) and `vary.linked`; errors go to `d`. */
void factor_read_all(struct protocol *p, struct diags *d);
/* Gives each factor the dimension of the scalars that use it and its levels their numbers. Errors: undefined
 * and unused factors, two dimensions, levels that do not read, lie outside a field's range, or are equal. */
void factor_resolve(struct protocol *p, struct diags *d);
/* Levels that were read per listed point of the grid become those of the sites, once these are placed. */
void factor_place(struct protocol *p, const struct grid_layout *layout);
void factor_free_all(struct protocol *p);
/* Replaces the levels of a factor; the texts are copied, the marks are all that of the factor. */
void factor_set_levels(struct factor *f, int n, const char *const *text);

/* Index in p->factor, -1 if there is none of that name. */
int factor_find(const struct protocol *p, const char *name);
/* Number of combinations that the design deals: the product of the levels of its groups; 1 without. Values
 * beyond GRID_SITES_MAX mean "too many". */
int64_t factor_combinations(const struct protocol *p);
/* Levels of combination `k` of them (mixed radix, first group slowest); factors with one value per site are
 * left. */
void factor_levels(const struct protocol *p, int k, int level[FACTOR_MAX]);
/* "cutoff = 0.5 V, rate = 1 V/s" appended to `out`. */
void factor_describe(const struct protocol *p, const int level[FACTOR_MAX], struct buf *out);

#endif
