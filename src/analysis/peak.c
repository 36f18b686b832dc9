/* Peak of a sweep: the extremum of a (smoothed, baseline-corrected) current. */
#include "analysis/peak.h"

#include <math.h>

/* Vertex of the parabola through three points; false if they lie on a line or bend the other way. */
static bool parabola(const double x[3], const double y[3], int sign, double *xv, double *yv,
                     double *curvature)
{
    double d1 = (y[1] - y[0]) / (x[1] - x[0]), d2 = (y[2] - y[1]) / (x[2] - x[1]);
    double c = (d2 - d1) / (x[2] - x[0]); /* second divided difference: half of the curvature */
    if (!isfinite(c) || !(sign * c < 0))
        return false;
    *xv = (x[0] + x[1]) / 2 - d1 / (2 * c);
    *yv = y[1] + (*xv - x[1]) * (d1 + c * (*xv - x[0]));
    *curvature = 2 * c;
    return true;
}

/* Next sample from `best` in direction `way` at which the current has fallen by `depth`, at most `end`. */
static int fallen(const double *i, int best, int end, int way, int sign, double depth)
{
    int k = best + way;
    while (k != end && !(sign * (i[best] - i[k]) >= depth))
        k += way;
    return k;
}

bool peak_find(const double *e, const double *i, int n, double low, double high, int sign, double depth,
               double sd, struct peak *out)
{
    int best = -1, first = -1, last = -1;
    for (int k = 0; k < n; k++) {
        if (!(e[k] >= low && e[k] <= high))
            continue;
        first = first < 0 ? k : first;
        last = k;
        if (best < 0 || sign * (i[k] - i[best]) > 0)
            best = k;
    }
    if (best < 0 || best == first || best == last)
        return false;
    int a = fallen(i, best, first, -1, sign, depth), b = fallen(i, best, last, 1, sign, depth);
    const double x[3] = {e[a], e[best], e[b]};
    const double y[3] = {i[a], i[best], i[b]};
    struct peak p = {.index = best, .e = e[best], .i = i[best], .e_sd = NAN};
    double xv = 0, yv = 0, curvature = 0;
    if (parabola(x, y, sign, &xv, &yv, &curvature) && (xv - x[0]) * (xv - x[2]) <= 0) {
        p.e = xv;
        p.i = yv;
        p.e_sd = sd * sqrt(2) / (fabs(curvature) * fabs(x[2] - x[0]));
    }
    *out = p;
    return true;
}
