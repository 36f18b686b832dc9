/* Reads replies of PI GCS 2.0: one `axis=value` per line, every line but the last ending with a blank. */
#ifndef SECCM_INSTRUMENT_GCS_REPLY_H
#define SECCM_INSTRUMENT_GCS_REPLY_H

#include <stdbool.h>

/* The value behind "axis=". false if no line names the axis or what stands there is not one finite number. */
bool gcs_reply_value(const char *reply, const char *axis, double *out);
/* A reply that is one whole number and nothing else (ERR?). */
bool gcs_reply_integer(const char *reply, long *out);
/* Does one of the lines (blanks at its end aside) equal `word`? */
bool gcs_reply_has_line(const char *reply, const char *word);

#endif
