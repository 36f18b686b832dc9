/* Features of the SEI window over the cycles of one voltammogram, whose cycles may lie in several stored
 * steps: the passes of a `repeat` go on counting, and their ratios are to cycle 1 wherever it is.
 *
 *   sei_series_new() ... sei_series_add(each stored step) ... sei_series_write() ... sei_series_free() */
#ifndef SECCM_ANALYSIS_SEI_FEATURES_H
#define SECCM_ANALYSIS_SEI_FEATURES_H

#include "analysis/cv_curve.h"

struct sei_series;

/* The steps (results_step) that are added must stay until sei_series_write(). */
struct sei_series *sei_series_new(void);
void sei_series_free(struct sei_series *s);
/* Measures what the curve's cycles say. The features of cycles beyond SEI_CYCLES are missing: that is said
 * here. NULL as `s` is ignored. */
void sei_series_add(struct sei_series *s, const struct cv_curve *c, struct features *out);
/* Appends the features of all cycles added so far. */
void sei_series_write(const struct sei_series *s, const struct blank *blank, const struct area_ends *ends,
                      struct features *out);

#endif
