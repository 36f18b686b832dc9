/* Reads numbers and lists of numbers out of a flat JSON object such as a step's settings, {"start": 3.0,
 * "vertices": [0.05, 3.0], "cycles": 5}. All other values are stepped over; nothing is kept. */
#ifndef SECCM_ANALYSIS_FLATJSON_H
#define SECCM_ANALYSIS_FLATJSON_H

#include <stdbool.h>

/* The number of `key` at the top level; false (and *out untouched) if it is absent, no number, or the text
 * before it is not JSON. Keys are compared byte by byte, escapes in keys are not decoded. */
bool flatjson_number(const char *text, const char *key, double *out);
/* The numbers of the list `key`, in order: at most `max` are written, returns how many there are; 0 if the
 * key is absent, no list, or the list holds anything but numbers. */
int flatjson_numbers(const char *text, const char *key, double *out, int max);
/* The same as flatjson_number() with a value for absence. */
double flatjson_or(const char *text, const char *key, double absent);

#endif
