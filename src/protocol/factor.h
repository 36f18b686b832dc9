/* Factors: what differs from site to site, and the scalars that take their level. */
#ifndef SECCM_PROTOCOL_FACTOR_H
#define SECCM_PROTOCOL_FACTOR_H

#include "protocol/protocol.h"

/* Reads the map of `vary.factors` (names and texts); errors go to `d`. */
void factor_read_all(struct protocol *p, struct diags *d);
/* Gives each factor the dimension of the scalars that use it and its levels their numbers. Errors: undefined
 * and unused factors, two dimensions, levels that do not read, lie outside a field's range, or are equal. */
void factor_resolve(struct protocol *p, struct diags *d);
void factor_free_all(struct protocol *p);

/* Index in p->factor, -1 if there is none of that name. */
int factor_find(const struct protocol *p, const char *name);
/* Product of the numbers of levels; 1 without factors. */
int64_t factor_combinations(const struct protocol *p);
/* Levels of combination `k` (mixed radix, first factor slowest). */
void factor_levels(const struct protocol *p, int k, int level[FACTOR_MAX]);
/* "cutoff = 0.5 V, rate = 1 V/s" appended to `out`. */
void factor_describe(const struct protocol *p, const int level[FACTOR_MAX], struct buf *out);

#endif
