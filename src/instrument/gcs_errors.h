/* What the numbers of PI's `ERR?` mean. */
#ifndef SECCM_INSTRUMENT_GCS_ERRORS_H
#define SECCM_INSTRUMENT_GCS_ERRORS_H

#include "base/err.h"

/* SERVO_ON: open-loop command with the servo on, as to a push up that was not needed. */
enum { GCS_OK = 0, GCS_STOPPED = 10, GCS_SERVO_ON = 79 };

/* Never NULL. */
const char *gcs_error_text(long code);
/* What it says of the stage: ERR_SERVO, ERR_END_STOP, ERR_REPORTED for an error of its own (also for one that
 * is not in our table), else ERR_REFUSED: a command was not taken. */
enum err_code gcs_error_kind(long code);

#endif
