/* What the four hex digits behind a MethodSCRIPT `!` mean. */
#ifndef SECCM_INSTRUMENT_MS_ERRORS_H
#define SECCM_INSTRUMENT_MS_ERRORS_H

/* Reads the code of "!0032: Line 7, Col 3" or "e!4001: ..." (the first `!` counts); -1 if there is none. */
int ms_error_code(const char *line);
/* Never NULL. */
const char *ms_error_text(int code);

#endif
