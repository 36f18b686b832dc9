/* Which values the simulated device takes: one place for the checker (literals) and the executor (variables).
 */
#include <math.h>

#include "sim/pstat_ms_script.h"

struct check {
    const struct ms_limits *limits;
    const double *v;
    const bool *known;
    int *which;
};

static int reject(const struct check *c, int i, int code)
{
    *c->which = i;
    return code;
}

static int in_bounds(const struct check *c, int i, double low, double high)
{
    return c->known[i] && !(c->v[i] >= low && c->v[i] <= high) ? reject(c, i, MS_OUT_OF_BOUNDS) : 0;
}

static int positive(const struct check *c, int i)
{
    return c->known[i] && !(c->v[i] > 0) ? reject(c, i, MS_NOT_POSITIVE) : 0;
}

static int potential(const struct check *c, int i)
{
    return in_bounds(c, i, c->limits->e_low, c->limits->e_high);
}

/* Step (V) and rate (V/s) of a staircase at i and i + 1. */
static int staircase(const struct check *c, int i)
{
    int code = positive(c, i);
    if (!code)
        code = positive(c, i + 1);
    if (!code && c->known[i] && c->v[i] < c->limits->e_step)
        return reject(c, i, MS_STEP_TOO_SMALL);
    if (!code && c->known[i] && c->known[i + 1] && c->v[i] / c->v[i + 1] < c->limits->interval)
        return reject(c, i + 1, MS_OUT_OF_BOUNDS);
    return code;
}

/* Interval and duration (s) at i and i + 1. */
static int timing(const struct check *c, int i)
{
    int code = positive(c, i);
    if (!code)
        code = positive(c, i + 1);
    return code ? code : in_bounds(c, i, c->limits->interval, 1e6);
}

/* Ranges are chosen as the smallest that holds the value, so only what no range holds is refused. */
static int range(const struct check *c, const struct ms_op *op, int i)
{
    int code = positive(c, i);
    return code ? code : in_bounds(c, i, 0, op->type[0] == 'a' ? c->limits->e_high : c->limits->i_max);
}

static int mode(const struct check *c)
{
    double m = c->v[0];
    if (!c->known[0] || m == 0 || m == 2 || m == 3 || m == 6)
        return 0;
    return reject(c, 0, m == 4 || m == 5 ? MS_NOT_SUPPORTED : MS_OUT_OF_BOUNDS);
}

static int ordered(const struct check *c)
{
    return c->known[0] && c->known[1] && c->v[0] > c->v[1] ? reject(c, 1, MS_BAD_ARGUMENT) : 0;
}

static int potentials(const struct check *c, int first, int last)
{
    int code = 0;
    for (int i = first; i <= last && !code; i++)
        code = potential(c, i);
    return code;
}

int ms_script_check(const struct ms_op *op, const struct ms_limits *limits, const double *values,
                    const bool *known, int *which)
{
    struct check c = {limits, values, known, which};
    int code;
    switch (op->code) {
    case MS_CHANNEL:
        return in_bounds(&c, 0, 0, 0);
    case MS_MODE:
        return mode(&c);
    case MS_BANDWIDTH:
        return positive(&c, 0);
    case MS_WINDOW:
        code = potentials(&c, 0, 1);
        return code ? code : ordered(&c);
    case MS_RANGE:
        return range(&c, op, 0);
    case MS_AUTORANGING:
        code = range(&c, op, 0);
        code = code ? code : range(&c, op, 1);
        return code ? code : ordered(&c);
    case MS_SET_E:
        return potential(&c, 0);
    case MS_SET_I:
        return in_bounds(&c, 0, -limits->i_max, limits->i_max);
    case MS_LSV:
        code = potentials(&c, 2, 3);
        return code ? code : staircase(&c, 4);
    case MS_CV:
        code = potentials(&c, 2, 4);
        return code ? code : staircase(&c, 5);
    case MS_CA:
        code = potential(&c, 2);
        return code ? code : timing(&c, 3);
    case MS_CP:
        code = in_bounds(&c, 2, -limits->i_max, limits->i_max);
        return code ? code : timing(&c, 3);
    case MS_OCP:
        return timing(&c, 1);
    case MS_WAIT:
        return known[0] && values[0] < 0 ? reject(&c, 0, MS_NOT_POSITIVE) : 0;
    default:
        return 0;
    }
}
