/* What a condition on a feature comes to: met, not met, or nothing that could be compared. */
#ifndef SECCM_RUN_VERDICT_H
#define SECCM_RUN_VERDICT_H

#include <stddef.h>

#include "analysis/feature_rows.h"
#include "protocol/condition.h"

enum verdict_kind { VERDICT_MET, VERDICT_NOT_MET, VERDICT_MISSING };

struct verdict {
    enum verdict_kind kind;
    char text[384]; /* "formation.sei_charge_ratio@3 = 0.12 +- 0.01, not below 0.05" */
};

/* Looks for the feature in `list` (features_find()). A value that is missing, whatever the reason, is never
 * compared. */
void verdict_make(const struct condition *c, const struct features *list, struct verdict *out);

#endif
