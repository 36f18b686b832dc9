/* Quantities as people write them: an engineering prefix and the unit of the trade (mA/cm2, deg, degC, h).
 *
 * What is printed here reads back through quantity_parse() to 6 significant digits. */
#include "base/quantity.h"

#include <math.h>
#include <stdio.h>

#include "base/clocale.h"

#define DIGITS 6

/* Unit for people, SI value of one of it, and how many powers of ten one step of prefix is (0: no prefix). */
static const struct style {
    const char *unit;
    double si;
    double offset; /* SI value of zero */
    int step;
} styles[DIM_COUNT] = {
    [DIM_NONE] = {"", 1, 0, 0},
    [DIM_LENGTH] = {"m", 1, 0, 3},
    [DIM_TIME] = {"s", 1, 0, 3},
    [DIM_POTENTIAL] = {"V", 1, 0, 3},
    [DIM_CURRENT] = {"A", 1, 0, 3},
    [DIM_CHARGE] = {"C", 1, 0, 3},
    [DIM_SPEED] = {"m/s", 1, 0, 3},
    [DIM_SCAN_RATE] = {"V/s", 1, 0, 3},
    [DIM_CURRENT_DENSITY] = {"A/cm2", 1e4, 0, 3},
    [DIM_CAPACITANCE] = {"F", 1, 0, 3},
    [DIM_CAPACITANCE_DENSITY] = {"F/cm2", 1e4, 0, 3},
    [DIM_CHARGE_DENSITY] = {"C/cm2", 1e4, 0, 3},
    [DIM_RESISTANCE] = {"ohm", 1, 0, 3},
    [DIM_CONDUCTANCE] = {"S", 1, 0, 3},
    [DIM_FREQUENCY] = {"Hz", 1, 0, 3},
    [DIM_AREA] = {"m2", 1, 0, 6},
    [DIM_ANGLE] = {"deg", 3.14159265358979323846 / 180, 0, 0},
    [DIM_TEMPERATURE] = {"degC", 1, 273.15, 0},
    [DIM_DRIFT_POTENTIAL] = {"V/s", 1, 0, 3},
};

static const char *const prefixes[] = {"a", "f", "p", "n", "u", "m", "", "k", "M", "G", "T"};
#define NO_PREFIX   6
#define MOST_PREFIX 10

/* Value rounded to the digits that will be shown, so that 999.9999996 n becomes 1 u and not 1000 n. */
static double rounded(double value)
{
    char text[32];
    c_print_double(text, sizeof text, DIGITS, value);
    return c_strtod(text, NULL);
}

static const char *join(double value, const char *prefix, const char *unit, char *text, size_t n)
{
    char number[32];
    c_print_double(number, sizeof number, DIGITS, value + 0.0); /* + 0.0: no "-0" */
    snprintf(text, n, "%s%s%s%s", number, unit[0] ? " " : "", prefix, unit);
    return text;
}

/* Minutes and hours where people use them: from 2 min and 1 h on. */
static const char *format_time(double s, char *text, size_t n)
{
    if (fabs(s) >= 3600)
        return join(s / 3600, "", "h", text, n);
    return join(s / 60, "", "min", text, n);
}

const char *quantity_format(double si, enum dim dim, char *text, size_t n)
{
    const struct style *s = &styles[dim];
    if (!isfinite(si)) {
        snprintf(text, n, "%s", isnan(si) ? "missing" : si > 0 ? "unlimited" : "-unlimited");
        return text;
    }
    if (dim == DIM_TIME && fabs(si) >= 120)
        return format_time(si, text, n);
    double value = (si - s->offset) / s->si;
    if (s->step == 0 || value == 0)
        return join(value, "", s->unit, text, n);
    double one = pow(10, s->step);
    int k = NO_PREFIX;
    double shown = rounded(value), least = s->step == 3 ? 1 : 0.01;
    while (fabs(shown) < least && k > 0)
        shown = rounded(value * pow(one, NO_PREFIX - --k));
    while (fabs(shown) >= one && k < MOST_PREFIX && dim != DIM_TIME && s->step == 3)
        shown = rounded(value / pow(one, ++k - NO_PREFIX));
    return join(shown, prefixes[k], s->unit, text, n);
}
