/* What growth of the wetted area does to a series of charges, and how to take it out again. */
#include "analysis/area.h"

#include <math.h>

void area_deconvolve(const double *q, const double *a, int n, double *r)
{
    for (int k = 0; k < n; k++) {
        r[k] = NAN;
        if (q[0] == 0 || a[0] == 0)
            continue;
        double left = q[k] / q[0] * a[0];
        for (int j = 1; j <= k; j++)
            left -= r[k - j] * (a[j] - a[j - 1]);
        r[k] = left / a[0];
    }
}

void area_ratio(const double *q, const double *a, int n, double *r)
{
    for (int k = 0; k < n; k++)
        r[k] = q[0] == 0 || a[k] == 0 ? NAN : q[k] / q[0] * (a[0] / a[k]);
}

void area_convolve(double q1, const double *r, const double *a, int n, double *q)
{
    for (int k = 0; k < n; k++) {
        q[k] = q1 * r[k] * a[0];
        for (int j = 1; j <= k; j++)
            q[k] += q1 * r[k - j] * (a[j] - a[j - 1]);
    }
}
