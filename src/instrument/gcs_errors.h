/* What the numbers of PI's `ERR?` mean. */
#ifndef SECCM_INSTRUMENT_GCS_ERRORS_H
#define SECCM_INSTRUMENT_GCS_ERRORS_H

enum { GCS_OK = 0, GCS_STOPPED = 10 };

/* Never NULL. */
const char *gcs_error_text(long code);

#endif
