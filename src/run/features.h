/* The finished attempt's blank and features, on their way to the results file. */
#ifndef SECCM_RUN_FEATURES_H
#define SECCM_RUN_FEATURES_H

#include "run/hop.h"

/* Fits the in-air blank into `out` (its blank_* members) and hands all features of the attempt to the writer.
 */
void attempt_features(struct run *r, struct results_attempt *out);

#endif
