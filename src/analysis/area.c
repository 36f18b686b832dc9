/* What growth of the wetted area does to a series of charges, and how to take it out again. */
#include "analysis/area.h"

#include <math.h>

bool area_ends_known(const struct area_ends *a)
{
    return isfinite(a->contact) && isfinite(a->rest) && a->contact > 5 * a->contact_sd &&
           a->rest > 5 * a->rest_sd && a->contact - a->rest < 3 * hypot(a->contact_sd, a->rest_sd);
}

void area_bound(const double *q, int n, double growth, double *fresh, double *passivated)
{
    for (int k = 0; k < n; k++) {
        double ratio = q[0] == 0 ? NAN : q[k] / q[0];
        fresh[k] = k > 0 ? ratio - (growth - 1) : ratio;
        passivated[k] = k > 0 ? ratio / growth : ratio;
    }
}

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

void area_monotone(double *a, int n)
{
    double mean[AREA_MOST];
    int count[AREA_MOST], blocks = 0;
    for (int k = 0; k < n && k < AREA_MOST; k++) {
        if (isnan(a[k]))
            continue;
        mean[blocks] = a[k];
        count[blocks++] = 1;
        for (; blocks > 1 && mean[blocks - 2] > mean[blocks - 1]; blocks--) {
            int both = count[blocks - 2] + count[blocks - 1];
            mean[blocks - 2] += (mean[blocks - 1] - mean[blocks - 2]) * count[blocks - 1] / both;
            count[blocks - 2] = both;
        }
    }
    for (int k = 0, block = 0; k < n && block < blocks; k++) {
        if (isnan(a[k]))
            continue;
        a[k] = mean[block];
        if (--count[block] == 0)
            block++;
    }
}

void area_convolve(double q1, const double *r, const double *a, int n, double *q)
{
    for (int k = 0; k < n; k++) {
        q[k] = q1 * r[k] * a[0];
        for (int j = 1; j <= k; j++)
            q[k] += q1 * r[k - j] * (a[j] - a[j - 1]);
    }
}
