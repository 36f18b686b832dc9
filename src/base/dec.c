/* Decimal numbers exactly as an instrument sent them.
 *
 * A double holds every integer below 2^53 and every power of ten up to 10^22 exactly, so one division or
 * one multiplication of the two is the correctly rounded value (Clinger, PLDI 1990). Everything outside is
 * rare and left to strtod(), which glibc rounds correctly. The one thing not kept is the sign of a zero. */
#include "base/dec.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define EXACT_E 22
#define EXACT_M (INT64_C(1) << 53)

static const double ten_to[EXACT_E + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

double dec_value(struct dec d)
{
    if (dec_is_nan(d))
        return NAN;
    if (d.m > -EXACT_M && d.m < EXACT_M && d.e >= -EXACT_E && d.e <= EXACT_E)
        return d.e < 0 ? (double)d.m / ten_to[-d.e] : (double)d.m * ten_to[d.e];
    char text[40];
    snprintf(text, sizeof text, "%" PRId64 "e%d", d.m, (int)d.e);
    return strtod(text, NULL);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Pushes a digit; false if the mantissa (kept negative, so that INT64_MIN fits) would overflow. */
static bool push_digit(int64_t *negative, int digit)
{
    return !__builtin_mul_overflow(*negative, 10, negative) &&
           !__builtin_sub_overflow(*negative, digit, negative);
}

/* The digits of a number up to its exponent. Zeros are pushed only when a digit follows that needs them
 * or while they fit, because "12.50" should keep its last place but 1 followed by 30 zeros should fit too. */
struct digits {
    int64_t negative; /* minus the mantissa so far */
    int shift;        /* decimal exponent so far */
    int zeros;        /* trailing zeros that did not fit yet */
    bool any;
};

static bool take_digit(struct digits *g, int digit, bool fraction)
{
    g->any = true;
    if (digit == 0) {
        int64_t trial = g->negative;
        if (g->zeros || !push_digit(&trial, 0)) {
            g->zeros++;
            g->shift += fraction ? 0 : 1;
            return true;
        }
        g->negative = trial;
        g->shift -= fraction ? 1 : 0;
        return true;
    }
    /* A digit beyond zeros that did not fit does not fit either. */
    g->shift -= fraction ? 1 : 0;
    return g->zeros == 0 && push_digit(&g->negative, digit);
}

/* Reads "e-12" at *text (if it is there) into *e; false if it is broken. */
static bool take_exponent(const char **text, int *e)
{
    const char *p = *text;
    *e = 0;
    if (*p != 'e' && *p != 'E')
        return true;
    p++;
    bool minus = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    if (!is_digit(*p))
        return false;
    int value = 0;
    for (; is_digit(*p); p++)
        value = value < 100000 ? value * 10 + (*p - '0') : value;
    *e = minus ? -value : value;
    *text = p;
    return true;
}

/* Brings e into the range of int8_t by moving zeros between mantissa and exponent. */
static bool fit(int64_t m, int e, struct dec *out)
{
    if (m == 0 && (e > INT8_MAX || e <= INT8_MIN))
        e = 0;
    for (; e > INT8_MAX; e--)
        if (__builtin_mul_overflow(m, 10, &m))
            return false;
    for (; e <= INT8_MIN; e++) {
        if (m % 10)
            return false;
        m /= 10;
    }
    *out = (struct dec){m, (int8_t)e};
    return true;
}

bool dec_parse(const char *text, struct dec *out)
{
    const char *p = text;
    struct digits g = {0};
    bool minus = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    for (; is_digit(*p); p++)
        if (!take_digit(&g, *p - '0', false))
            return false;
    if (*p == '.') {
        for (p++; is_digit(*p); p++)
            if (!take_digit(&g, *p - '0', true))
                return false;
    }
    int e;
    if (!g.any || !take_exponent(&p, &e) || *p)
        return false;
    int64_t m = g.negative;
    if (!minus && __builtin_sub_overflow(0, m, &m))
        return false;
    return fit(m, e + g.shift, out);
}

/* value / 10^e, rounded once or twice. */
static double scaled(double value, int e)
{
    if (e >= 0)
        return value / (e <= EXACT_E ? ten_to[e] : dec_value((struct dec){1, (int8_t)e}));
    if (e >= -EXACT_E)
        return value * ten_to[-e];
    /* In two steps, because 10^127 times a large value may overflow only halfway. */
    return value * ten_to[EXACT_E] * dec_value((struct dec){1, (int8_t)(-e - EXACT_E)});
}

struct dec dec_from(double value, int e)
{
    if (e <= INT8_MIN || e > INT8_MAX || !isfinite(value))
        return DEC_NAN;
    double m = scaled(value, e);
    if (!(fabs(m) < 9.2e18))
        return DEC_NAN;
    struct dec best = {llround(m), (int8_t)e};
    if (fabs(m) < 1e15)
        return best;
    /* Close to 2^53 the rounding of the scaling can be a whole step: look at the neighbours too. */
    double error = fabs(dec_value(best) - value);
    for (int step = -1; step <= 1 && error > 0; step += 2) {
        struct dec near = {best.m + step, (int8_t)e};
        double its = fabs(dec_value(near) - value);
        if (its < error)
            return near;
    }
    return best;
}
