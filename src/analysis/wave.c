/* A steady-state wave. */
#include "analysis/wave.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/onset.h"
#include "base/buf.h"

#define FLAT 0.1 /* of the wave, over a tenth of the sweep */

static double mean_of(const double *x, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += x[k];
    return sum / n;
}

/* How much a stretch rises or falls over its length, from the means of its halves. */
static double change(const double *x, int n)
{
    int half = n / 2;
    return 2 * (mean_of(x + n - half, half) - mean_of(x, half));
}

const char *wave_find(const double *e, const double *i, int n, int persist, double sd, struct wave *out)
{
    int tenth = n / 10;
    if (tenth < 4)
        return "the sweep has too few samples";
    double foot = mean_of(i, tenth), plateau = mean_of(i + n - tenth, tenth), height = plateau - foot;
    if (!(fabs(height) > 5 * sd))
        return "no wave above 5 x the noise";
    if (fabs(change(i, tenth)) > FLAT * fabs(height))
        return "no wave: the sweep does not begin on a flat foot";
    if (fabs(change(i + n - tenth, tenth)) > FLAT * fabs(height))
        return "no wave: the sweep does not end on a plateau";
    /* Smoothed samples within one window (twice `persist`) are not independent. */
    struct wave w = {.i_lim = height, .i_lim_sd = sd * sqrt(2 * fmin(1, 2.0 * persist / tenth))};
    double *over = xcalloc((size_t)n, sizeof *over), slope = 0;
    const char *why = NULL;
    for (int k = 0; k < n; k++)
        over[k] = i[k] - foot;
    for (int k = 0; k < WAVE_PARTS && !why; k++) {
        double part = (k + 1) * 0.25;
        if (!onset_find(e, over, n, height < 0 ? -1 : 1, part * fabs(height), persist > 1 ? persist : 1,
                        &w.e[k], &slope))
            why = "no wave: the current does not rise from foot to plateau once";
        w.e_sd[k] = hypot(sd, part * w.i_lim_sd) / fabs(slope);
    }
    free(over);
    if (!why)
        *out = w;
    return why;
}
