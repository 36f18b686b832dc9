/* A straight line by least squares, with its covariance. */
#include "analysis/baseline.h"

#include <math.h>

static bool inside(double x, double low, double high)
{
    return x >= low && x <= high;
}

bool baseline_fit(const double *x, const double *y, int n, double low, double high, struct baseline *out)
{
    int count = 0;
    double sx = 0, sy = 0;
    for (int k = 0; k < n; k++)
        if (inside(x[k], low, high) && isfinite(y[k])) {
            count++;
            sx += x[k];
            sy += y[k];
        }
    if (count < 3)
        return false;
    double x0 = sx / count, y0 = sy / count, xx = 0, xy = 0;
    for (int k = 0; k < n; k++)
        if (inside(x[k], low, high) && isfinite(y[k])) {
            xx += (x[k] - x0) * (x[k] - x0);
            xy += (x[k] - x0) * (y[k] - y0);
        }
    if (!(xx > 0))
        return false;
    double slope = xy / xx, left = 0;
    for (int k = 0; k < n; k++)
        if (inside(x[k], low, high) && isfinite(y[k])) {
            double r = y[k] - y0 - slope * (x[k] - x0);
            left += r * r;
        }
    double variance = left / (count - 2);
    *out = (struct baseline){
        .n = count,
        .x0 = x0,
        .y0 = y0,
        .slope = slope,
        .var_y0 = variance / count,
        .var_slope = variance / xx,
        .residual = sqrt(variance),
    };
    return true;
}

double baseline_at(const struct baseline *b, double x)
{
    return b->y0 + b->slope * (x - b->x0);
}

double baseline_sd(const struct baseline *b, double x)
{
    return sqrt(b->var_y0 + b->var_slope * (x - b->x0) * (x - b->x0));
}
