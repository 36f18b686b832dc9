/* Uncertainty of computed quantities by numerical differentiation. */
#include "analysis/propagate.h"

#include <math.h>

/* Of the SD: small enough for a quotient by a noisy number to stay clear of its pole. */
#define STEP 0.125

void propagate(void (*fn)(void *ctx, const double *x, double *y), void *ctx, double *x, const double *x_sd,
               int n, double *y, double *sd, int m)
{
    double up[PROPAGATE_OUTPUTS], down[PROPAGATE_OUTPUTS];
    fn(ctx, x, y);
    for (int k = 0; k < m; k++)
        sd[k] = 0;
    for (int j = 0; j < n; j++) {
        if (!(x_sd[j] > 0) || !isfinite(x[j]))
            continue;
        double kept = x[j];
        x[j] = kept + STEP * x_sd[j];
        fn(ctx, x, up);
        x[j] = kept - STEP * x_sd[j];
        fn(ctx, x, down);
        x[j] = kept;
        for (int k = 0; k < m; k++)
            sd[k] += (up[k] - down[k]) * (up[k] - down[k]) / (4 * STEP * STEP);
    }
    for (int k = 0; k < m; k++)
        sd[k] = isnan(y[k]) ? NAN : sqrt(sd[k]);
}
