/* Charges from sampled currents: weights of the samples. */
#include "analysis/integrate.h"

#include <math.h>

/* Weight of the part [a, b] (fractions) of an interval of length h between two samples: the straight line
 * between them, integrated. */
static void add_part(double h, double a, double b, double *w0, double *w1)
{
    double upper = (b * b - a * a) / 2;
    *w1 += h * upper;
    *w0 += h * (b - a - upper);
}

static bool on_side(double sign, enum charge_side side)
{
    return side == CHARGE_RED ? sign < 0 : sign > 0;
}

/* The part of [a, b] of one interval that lies on the wanted side. */
static void add_side(double h, double a, double b, double s0, double s1, enum charge_side side, double *w)
{
    if (side == CHARGE_NET) {
        add_part(h, a, b, &w[0], &w[1]);
        return;
    }
    bool crosses = (s0 < 0 && s1 > 0) || (s0 > 0 && s1 < 0);
    if (!crosses) {
        if (on_side(s0 != 0 ? s0 : s1, side))
            add_part(h, a, b, &w[0], &w[1]);
        return;
    }
    double zero = s0 / (s0 - s1);
    if (on_side(s0, side) && zero > a)
        add_part(h, a, fmin(b, zero), &w[0], &w[1]);
    if (on_side(s1, side) && zero < b)
        add_part(h, fmax(a, zero), b, &w[0], &w[1]);
}

void integrate_weights(const double *t, const double *sign, int n, double t0, double t1,
                       enum charge_side side, double *w)
{
    for (int k = 0; k < n; k++)
        w[k] = 0;
    for (int k = 0; k + 1 < n; k++) {
        double h = t[k + 1] - t[k];
        if (!(h > 0) || t[k + 1] <= t0 || t[k] >= t1)
            continue;
        double a = t0 > t[k] ? (t0 - t[k]) / h : 0;
        double b = t1 < t[k + 1] ? (t1 - t[k]) / h : 1;
        if (b > a)
            add_side(h, a, b, sign ? sign[k] : 0, sign ? sign[k + 1] : 0, side, &w[k]);
    }
}

void integrate_means(const double *t, int n, double *w)
{
    for (int k = 1; k < n; k++)
        w[k] = t[k] - t[k - 1];
    if (n > 0)
        w[0] = n > 1 ? w[1] : 0;
}

double integrate_dot(const double *w, const double *x, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += w[k] * x[k];
    return sum;
}

double integrate_norm(const double *w, int n)
{
    return sqrt(integrate_dot(w, w, n));
}

/* Index of the first sample at or beyond `level` in direction `sign`, from `begin` on; n if none. */
static int first_beyond(const double *e, int begin, int n, double level, double sign)
{
    int k = begin;
    while (k < n && !(sign * (e[k] - level) >= 0))
        k++;
    return k;
}

/* Time at which the line from sample k - 1 to k passes `level`. */
static double crossing(const double *t, const double *e, int k, double level)
{
    double span = e[k] - e[k - 1];
    return span != 0 ? t[k - 1] + (t[k] - t[k - 1]) * (level - e[k - 1]) / span : t[k];
}

bool integrate_window(const double *t, const double *e, int n, double from, double to, double tolerance,
                      double *t_from, double *t_to)
{
    if (n < 2 || from == to)
        return false;
    double sign = to > from ? 1 : -1;
    /* The sweep has to begin before the window ... */
    if (sign * (e[0] - from) > tolerance)
        return false;
    int begin = first_beyond(e, 0, n, from, sign);
    if (begin == n)
        return false;
    double first = begin > 0 ? crossing(t, e, begin, from) : t[0];
    int end = first_beyond(e, begin, n, to, sign);
    double last = 0;
    if (end < n) {
        last = end > 0 ? crossing(t, e, end, to) : t[0];
    } else {
        /* ... and to end behind it, or so close that the missing piece is within half a step. */
        int outermost = begin;
        for (int k = begin; k < n; k++)
            if (sign * (e[k] - e[outermost]) > 0)
                outermost = k;
        if (sign * (to - e[outermost]) > tolerance)
            return false;
        last = t[outermost];
    }
    if (!(last > first))
        return false;
    *t_from = first;
    *t_to = last;
    return true;
}
