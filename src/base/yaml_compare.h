/* What two YAML documents say differently. Layout, comments and quotes do not count, nor does the order of
 * the keys of the topmost map; deeper down an order may mean something (of factors, say), so it counts. */
#ifndef SECCM_BASE_YAML_COMPARE_H
#define SECCM_BASE_YAML_COMPARE_H

#include "base/yaml.h"

/* One difference. path: keys and items on the way, "site[2].cv.rate", items counted from 1. Either node is
 * NULL where the other document has something of its own. */
typedef void yaml_change(void *ctx, const char *path, const struct ynode *was, const struct ynode *now);

/* Calls fn for each difference, in the order of the first document, then what only the second has. */
void yaml_compare(const struct ynode *was, const struct ynode *now, yaml_change *fn, void *ctx);

#endif
