/* One site in full: what was planned, its attempts, their steps, the features, and every sample. */
#ifndef SECCM_OUTPUT_SHOW_H
#define SECCM_OUTPUT_SHOW_H

#include "output/data.h"
#include "output/table.h"

/* For people (TABLE_TEXT) or machines (TABLE_JSON). `site` is the site's number. */
bool show_site(const struct data *d, int site, enum table_format format, struct buf *out, struct err *e);
/* All samples of an attempt as CSV, with the convention in a comment line before the header; `attempt` 0 =
 * the last one; `step` NULL = all phases, otherwise those with this name or phase. Hands over text piece by
 * piece. */
bool show_samples(const struct data *d, int site, int attempt, const char *step,
                  void (*put)(void *ctx, const struct buf *text), void *ctx, struct err *e);

#endif
