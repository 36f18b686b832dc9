/* Values of the simulated MethodSCRIPT device: what a variable holds and how a data package writes it.
 *
 *   value = 7 hex digits (28 bits, zero is 0x8000000) and one SI prefix, or "i" for an integer
 *   meta  = ",1" status  ",2" range in two digits                       */
#ifndef SECCM_SIM_PSTAT_MS_VALUE_H
#define SECCM_SIM_PSTAT_MS_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ms_status {
    MS_TIMING = 1,
    MS_OVERLOAD = 2,
    MS_UNDERLOAD = 4,
    MS_OVERLOAD_WARNING = 8,
};

/* Plain data. */
struct ms_value {
    double v;        /* SI */
    char type[2];    /* "ba", "eb", ... */
    int8_t exponent; /* multiple of 3: 10^exponent resolves it */
    bool integer;
    bool measured;  /* has status and range */
    uint8_t status; /* enum ms_status */
    uint8_t range;
};

#define MS_VALUE_TEXT 20 /* longest text of one value with its metadata */

/* Writes type, value and metadata; returns the number of characters. No NUL. */
size_t ms_value_write(char text[MS_VALUE_TEXT], const struct ms_value *x);
/* Exponent (a multiple of 3, -18 ... 18) whose unit is at most a quarter of `step` > 0. */
int ms_exponent(double step);
/* Reads "500m", "-1500m", "3i", "0x1Fi", "0b101": digits and an SI prefix, no decimal point. Returns 0 and
 * fills value, exponent, integer of *x; or 0x4004 (unexpected character, *at is its index) or 0x4005 (too
 * large). */
int ms_number_read(const char *text, struct ms_value *x, int *at);
/* 10^exponent for a multiple of 3 in -18 ... 18. */
double ms_scale(int exponent);

#endif
