/* Values of the simulated MethodSCRIPT device. The writer runs once per sample and variable: no printf. */
#include "sim/pstat_ms_value.h"

#include <math.h>
#include <string.h>

#define ZERO     0x8000000 /* 2^27 */
#define PREFIXES "afpnum kMGTPE"
#define PREFIX_N 13
#define LOWEST   (-18)

static const char hex[] = "0123456789ABCDEF";

double ms_scale(int exponent)
{
    static const double scale[PREFIX_N] = {1e-18, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3, 1,
                                           1e3,   1e6,   1e9,   1e12, 1e15, 1e18};
    return scale[(exponent - LOWEST) / 3];
}

/* 10^-exponent. */
static double inverse_scale(int exponent)
{
    return ms_scale(-exponent);
}

int ms_exponent(double step)
{
    int e = 3 * (int)floor(log10(step / 4) / 3 + 1e-9);
    return e < LOWEST ? LOWEST : e > -LOWEST ? -LOWEST : e;
}

static void write_hex7(char *text, uint32_t x)
{
    for (int i = 6; i >= 0; i--, x >>= 4)
        text[i] = hex[x & 15];
}

/* 8 characters. */
static void write_number(char *text, const struct ms_value *x)
{
    if (!isfinite(x->v)) {
        memcpy(text, "     nan", 8);
        return;
    }
    int e = x->integer ? 0 : x->exponent;
    double m = x->v * inverse_scale(e);
    while (fabs(m) > ZERO - 1.5 && e < -LOWEST) {
        e += 3;
        m = x->v * inverse_scale(e);
    }
    int32_t mantissa = (int32_t)lrint(fmax(fmin(m, ZERO - 1), -ZERO));
    write_hex7(text, (uint32_t)(mantissa + ZERO));
    text[7] = x->integer ? 'i' : mantissa == 0 ? ' ' : PREFIXES[(e - LOWEST) / 3];
}

size_t ms_value_write(char text[MS_VALUE_TEXT], const struct ms_value *x)
{
    text[0] = x->type[0];
    text[1] = x->type[1];
    write_number(text + 2, x);
    if (!x->measured)
        return 10;
    char *meta = text + 10;
    meta[0] = ',';
    meta[1] = '1';
    meta[2] = hex[x->status & 15];
    meta[3] = ',';
    meta[4] = '2';
    meta[5] = hex[x->range >> 4];
    meta[6] = hex[x->range & 15];
    return 17;
}

static int digit_of(char c, int base)
{
    const char *p = c >= 'a' && c <= 'f' ? hex + 10 + (c - 'a') : c ? strchr(hex, c) : NULL;
    return p && p - hex < base ? (int)(p - hex) : -1;
}

int ms_number_read(const char *text, struct ms_value *x, int *at)
{
    const char *p = text;
    bool negative = *p == '-';
    if (*p == '-' || *p == '+')
        p++;
    int base = 10;
    if (p[0] == '0' && (p[1] == 'x' || p[1] == 'b')) {
        base = p[1] == 'x' ? 16 : 2;
        p += 2;
    }
    int64_t m = 0;
    int digits = 0;
    for (int d; (d = digit_of(*p, base)) >= 0; p++, digits++)
        if ((m = m * base + d) > UINT32_MAX)
            return 0x4005;
    *at = (int)(p - text);
    if (!digits || (base == 10 && m > INT32_MAX))
        return digits ? 0x4005 : 0x4004;
    bool integer = base != 10 || *p == 'i';
    const char *prefix = integer || !*p ? NULL : strchr(PREFIXES, *p);
    if ((*p && *p != 'i' && (base != 10 || !prefix || *p == ' ')) || (*p && p[1]))
        return 0x4004;
    int e = prefix ? LOWEST + 3 * (int)(prefix - (PREFIXES)) : 0;
    *x = (struct ms_value){.type = {'j', 'a'}, .exponent = (int8_t)e, .integer = integer};
    /* An exact quotient or product, so that -500m is what strtod gives for -0.5. */
    x->v = e < 0 ? (double)m / inverse_scale(e) : (double)m * ms_scale(e);
    if (negative)
        x->v = -x->v;
    return 0;
}
