/* Decimal numbers exactly as an instrument sent them: mantissa x 10^exponent.
 *
 * What came over the wire is stored this way and decodes to the same double as the text it was sent
 * as (strtod of "MeE"), so nothing is lost by packing and nothing is gained by rounding. */
#ifndef SECCM_BASE_DEC_H
#define SECCM_BASE_DEC_H

#include <stdbool.h>
#include <stdint.h>

struct dec {
    int64_t m;
    int8_t e; /* DEC_NAN_E: not a number, m is ignored */
};

#define DEC_NAN_E INT8_MIN
#define DEC_NAN   ((struct dec){0, DEC_NAN_E})

/* Correctly rounded for |m| < 2^53 and |e| <= 22 (one exact division or multiplication); otherwise by strtod.
 */
double dec_value(struct dec d);
/* Reads "-12.50e-3" into mantissa and exponent without loss; false if it is no number or does not fit. */
bool dec_parse(const char *text, struct dec *out);
/* Nearest multiple of 10^e. NaN and overflow give DEC_NAN. */
struct dec dec_from(double value, int e);
static inline bool dec_is_nan(struct dec d)
{
    return d.e == DEC_NAN_E;
}

#endif
