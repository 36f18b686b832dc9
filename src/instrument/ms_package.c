/* One pass over the line, no library calls. */
#include "instrument/ms_package.h"

#include <stddef.h>

enum { DIGITS = 7, OFFSET = 0x8000000 };

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

/* Power of ten of an SI prefix; false for a byte that is none. */
static bool prefix_exponent(char c, int8_t *e)
{
    switch (c) {
    case 'a':
        *e = -18;
        return true;
    case 'f':
        *e = -15;
        return true;
    case 'p':
        *e = -12;
        return true;
    case 'n':
        *e = -9;
        return true;
    case 'u':
        *e = -6;
        return true;
    case 'm':
        *e = -3;
        return true;
    case ' ':
    case 'i':
        *e = 0;
        return true;
    case 'k':
        *e = 3;
        return true;
    case 'M':
        *e = 6;
        return true;
    case 'G':
        *e = 9;
        return true;
    case 'T':
        *e = 12;
        return true;
    case 'P':
        *e = 15;
        return true;
    case 'E':
        *e = 18;
        return true;
    default:
        return false;
    }
}

/* Each reader takes the place to read from and gives the place behind, NULL if what stands there is not one.
 * It never looks past a NUL: every byte is checked before the next one is touched. */

static const char *read_nan(const char *p, struct dec *out)
{
    for (int k = 0; k < 5; k++)
        if (p[k] != ' ')
            return NULL;
    if (p[5] != 'n' || p[6] != 'a' || p[7] != 'n')
        return NULL;
    *out = DEC_NAN;
    return p + 8;
}

static const char *read_value(const char *p, struct dec *out)
{
    if (*p == ' ')
        return read_nan(p, out);
    int32_t m = 0;
    for (int k = 0; k < DIGITS; k++) {
        int digit = hex_digit(p[k]);
        if (digit < 0)
            return NULL;
        m = m * 16 + digit;
    }
    int8_t e;
    if (!prefix_exponent(p[DIGITS], &e))
        return NULL;
    *out = (struct dec){m - OFFSET, e};
    return p + DIGITS + 1;
}

/* One metadata field behind its comma: a kind digit and at most four hex digits. */
static const char *read_meta(const char *p, struct ms_var *v)
{
    char kind = *p;
    if (kind < '0' || kind > '9')
        return NULL;
    p++;
    unsigned value = 0;
    int digits = 0;
    for (int digit; (digit = hex_digit(*p)) >= 0; p++) {
        if (++digits > 4)
            return NULL;
        value = value * 16 + (unsigned)digit;
    }
    if (digits == 0)
        return NULL;
    if (kind == '1')
        v->status = (uint8_t)value;
    if (kind == '2')
        v->range = (uint16_t)value;
    return p;
}

static const char *read_var(const char *p, struct ms_var *v)
{
    if (p[0] < 'a' || p[0] > 'z' || p[1] < 'a' || p[1] > 'z')
        return NULL;
    v->type = MS_TYPE(p[0], p[1]);
    v->status = 0;
    v->range = 0;
    p = read_value(p + 2, &v->value);
    while (p && *p == ',')
        p = read_meta(p + 1, v);
    return p;
}

bool ms_package_parse(const char *line, struct ms_package *out)
{
    if (*line != 'P')
        return false;
    const char *p = line;
    out->n = 0;
    do {
        if (out->n == MS_VARS_MAX)
            return false;
        p = read_var(p + 1, &out->var[out->n]);
        if (!p)
            return false;
        out->n++;
    } while (*p == ';');
    return *p == '\0';
}
