/* Confidence interval of a median by order statistics. */
#include "analysis/median.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

/* P(Bin(n, 1/2) < k) <= tail for the ranks that may be left out at each end. The slack takes in rounding of
 * the sum, so that n = 6 at 31/32 is not lost by a bit. */
static bool covers(int n, int k, double confidence)
{
    return 2 * gsl_cdf_binomial_P((unsigned)(k - 1), 0.5, (unsigned)n) <= 1 - confidence + 1e-12;
}

bool median_interval(const double *sorted, int n, double confidence, double out[2])
{
    int low = 0,
        high = n / 2 + 1; /* largest k that covers, by bisection: low covers or is 0, high does not */
    while (high - low > 1) {
        int middle = (low + high) / 2;
        if (covers(n, middle, confidence))
            low = middle;
        else
            high = middle;
    }
    if (low == 0)
        return false;
    out[0] = sorted[low - 1];
    out[1] = sorted[n - low];
    return true;
}

int median_least(double confidence)
{
    return 1 + (int)ceil(log2(1 / (1 - confidence)) - 1e-12);
}
