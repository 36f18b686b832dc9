/* Blank and features of the attempt that is going on or has ended, from the rows in memory. */
#ifndef SECCM_RUN_FEATURES_H
#define SECCM_RUN_FEATURES_H

#include "analysis/feature_rows.h"
#include "run/hop.h"

/* Fits the in-air blank into `out` (its blank_* members). */
void attempt_blank(const struct run *r, struct results_attempt *out);
/* Appends the features of what is recorded so far. `out`: record_attempt() with the blank; `only`: see struct
 * feature_attempt. Takes time (of the processor) with the number of samples. */
void attempt_features(struct run *r, const struct results_attempt *out, const char *only,
                      struct features *list);

/* Was the contact lost in the middle of a step, and came back? Of a measured attempt whose blank is in
 * `out`: flagged, told, and the class of its fault, unless the protocol is as strict with the one
 * it has already. */
void attempt_interruptions(struct run *r, const struct results_attempt *out);

#endif
