/* Parts of the report, for the files report*.c only. */
#ifndef SECCM_OUTPUT_REPORT_PARTS_H
#define SECCM_OUTPUT_REPORT_PARTS_H

#include "output/data.h"

/* Text as HTML; quotes too, so that it may stand in attributes. */
void report_escape(const char *text, struct buf *out);
/* A number with `digits` significant digits, null if it is not finite. */
void report_number(double value, int digits, struct buf *out);

/* The static parts, as HTML: what was measured and how; what happened. */
bool report_header(const struct data *d, struct buf *out, struct err *e);
bool report_summary(const struct data *d, struct buf *out, struct err *e);
bool report_provenance(const struct data *d, struct buf *out, struct err *e);

/* The data for the figures, as one JSON object. */
bool report_json(const struct data *d, struct buf *out, struct err *e);
/* Members "cv", "gs" and "blank" of that object: curves of measured sites with fewer points than were
 * recorded. */
bool report_curves(const struct data *d, struct buf *out, struct err *e);
/* Member "stats": every feature by every factor. */
bool report_stats(const struct data *d, const struct series *series, int n, struct buf *out, struct err *e);

#endif
