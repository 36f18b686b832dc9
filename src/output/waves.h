/* Waveforms as CSV rows in the frame of the sample. */
#ifndef SECCM_OUTPUT_WAVES_H
#define SECCM_OUTPUT_WAVES_H

#include "output/frame.h"

/* Header line. `with_site`: for a file of one step of many sites, the column `site` first and none for the
 * step. */
void waves_header(bool with_site, struct buf *out);
/* All rows of a step; `attempt` is its number within the site. */
void waves_rows(const struct frame *f, bool with_site, int attempt, const struct results_step *step,
                const struct wave_row *rows, int n, struct buf *out);
/* "ok" or what is wrong with a sample, joined by `+`: "timing+overload". Returns text. */
const char *waves_status(uint8_t status, char text[64]);

#endif
