/* Double-layer capacitance from the difference of an anodic and a cathodic branch at one potential. */
#include "analysis/capacitance.h"

#include <math.h>

#include "analysis/baseline.h"

bool capacitance_branch(const double *e, const double *i, int n, double low, double high, double rate,
                        struct branch *out)
{
    double first = INFINITY, last = -INFINITY, middle = (low + high) / 2, reach = (high - low) / 4;
    for (int k = 0; k < n; k++)
        if (e[k] >= low && e[k] <= high) {
            first = fmin(first, e[k]);
            last = fmax(last, e[k]);
        }
    struct baseline line;
    if (!(first <= low + reach && last >= high - reach) || !baseline_fit(e, i, n, low, high, &line) ||
        line.n < 5)
        return false;
    *out = (struct branch){
        .n = line.n,
        .current = baseline_at(&line, middle),
        .sd = baseline_sd(&line, middle),
        .rate = rate,
    };
    return true;
}

double capacitance_between(const struct branch *anodic, const struct branch *cathodic, double stray,
                           double stray_sd, double *sd)
{
    if (!(anodic->rate > 0 && cathodic->rate < 0)) {
        *sd = NAN;
        return NAN;
    }
    double span = anodic->rate - cathodic->rate;
    double noise = hypot(anodic->sd, cathodic->sd) / span;
    *sd = hypot(noise, stray_sd);
    return (anodic->current - cathodic->current) / span - stray;
}
