/* Reads one number out of a flat JSON object such as a step's settings, {"start": 3.0, "rate": 1e0, "cycles":
 * 5}. Values that are strings, booleans, null, arrays or objects are stepped over; nothing is kept. */
#ifndef SECCM_ANALYSIS_FLATJSON_H
#define SECCM_ANALYSIS_FLATJSON_H

#include <stdbool.h>

/* The number of `key` at the top level; false (and *out untouched) if it is absent, no number, or the text
 * before it is not JSON. Keys are compared byte by byte, escapes in keys are not decoded. */
bool flatjson_number(const char *text, const char *key, double *out);
/* The same with a value for absence. */
double flatjson_or(const char *text, const char *key, double absent);

#endif
