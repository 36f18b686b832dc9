/* Charges in the SEI window over the cycles of a voltammogram, and the growth of the wetted area beside them.
 */
#include "analysis/sei.h"

#include <math.h>

#include "analysis/propagate.h"

/* Inputs: offset, leak and stray capacitance of the blank, capacitance at contact and at rest, then charge,
 * falling and rising current of each cycle. */
#define COMMON 5
#define INPUTS (COMMON + 3 * SEI_CYCLES)

struct model {
    const struct sei_cycle *cycle;
    int n;
    bool ends;     /* the capacitances at contact and at rest say how the area grew */
    double moment; /* V: wet potential minus the blank's bias */
};

/* The part that flows in both branches at the turn between two cycles. */
static double common_part(double rising, double falling, double rate_rising, double rate_falling)
{
    return (falling * rate_rising - rising * rate_falling) / (rate_rising - rate_falling);
}

/* C_dl before the reducing pass of cycle k (0-based), F. */
static double pass_capacitance(const struct model *m, const double *x, const double *falling,
                               const double *rising, int k)
{
    const struct sei_cycle *y = m->cycle;
    double stray = x[2], rate = y[k].falling.rate;
    if (k > 0)
        return (rising[k - 1] - falling[k]) / (y[k - 1].rising.rate - rate) - stray;
    double both = x[0] + x[1] * m->moment;
    if (m->n > 1 && isfinite(rising[0]) && isfinite(falling[1]))
        both = common_part(rising[0], falling[1], y[0].rising.rate, y[1].falling.rate);
    return (falling[0] - both) / rate - stray;
}

/* Both limits from the capacitance before each pass. */
static void by_pass(const double *film, const double *area, int n, double *fresh, double *passivated)
{
    double grown[SEI_CYCLES];
    for (int k = 0; k < n; k++)
        grown[k] = area[k];
    area_monotone(grown, n);
    area_deconvolve(film, grown, n, fresh);
    area_ratio(film, grown, n, passivated);
}

static void evaluate(void *ctx, const double *x, double *y)
{
    const struct model *m = ctx;
    const double *q = x + COMMON, *falling = q + m->n, *rising = falling + m->n;
    double charge[SEI_CYCLES] = {0}, film[SEI_CYCLES] = {0}, area[SEI_CYCLES] = {0};
    double ratio[SEI_CYCLES] = {0}, per[SEI_CYCLES] = {0};
    for (int k = 0; k < m->n; k++) {
        const struct sei_cycle *c = &m->cycle[k];
        charge[k] = q[k] - x[0] * c->time - x[1] * c->moment - x[2] * c->swing;
        area[k] = pass_capacitance(m, x, falling, rising, k);
        /* The last term is 0 at a constant rate. */
        film[k] = q[k] - falling[k] * c->time - x[1] * (c->moment - m->moment * c->time) -
                  (area[k] + x[2]) * (c->swing - c->falling.rate * c->time);
    }
    if (m->ends)
        area_bound(film, m->n, x[4] / x[3], ratio, per);
    else
        by_pass(film, area, m->n, ratio, per);
    for (int k = 0; k < m->n; k++) {
        double *out = y + k * SEI_QUANTITIES;
        out[SEI_Q] = charge[k];
        out[SEI_FILM] = film[k];
        out[SEI_C_PASS] = area[k];
        out[SEI_PER_CDL] = film[k] / area[k];
        out[SEI_RATIO] = charge[k] / charge[0];
        out[SEI_FILM_RATIO] = film[k] / film[0];
        out[SEI_RATIO_AREA] = ratio[k];
        out[SEI_RATIO_CDL] = per[k];
    }
}

void sei_compute(const struct sei_cycle *cycle, int n, const struct blank *blank, double wet_potential,
                 const struct area_ends *ends, struct sei_result *out)
{
    double x[INPUTS], sd[INPUTS], y[SEI_CYCLES * SEI_QUANTITIES], y_sd[SEI_CYCLES * SEI_QUANTITIES];
    struct model m = {cycle, n < SEI_CYCLES ? n : SEI_CYCLES, area_ends_known(ends),
                      wet_potential - blank->bias};
    const double none = blank->given ? 0 : NAN;
    x[0] = blank->offset + none;
    x[1] = blank->leak + none;
    x[2] = blank->capacitance + none;
    for (int k = 0; k < 3; k++)
        sd[k] = sqrt(blank->cov[k][k]);
    x[3] = ends->contact;
    x[4] = ends->rest;
    sd[3] = ends->contact_sd;
    sd[4] = ends->rest_sd;
    for (int k = 0; k < m.n; k++) {
        x[COMMON + k] = cycle[k].q;
        sd[COMMON + k] = cycle[k].q_sd;
        x[COMMON + m.n + k] = cycle[k].falling.current;
        sd[COMMON + m.n + k] = cycle[k].falling.sd;
        x[COMMON + 2 * m.n + k] = cycle[k].rising.current;
        sd[COMMON + 2 * m.n + k] = cycle[k].rising.sd;
    }
    propagate(evaluate, &m, x, sd, COMMON + 3 * m.n, y, y_sd, m.n * SEI_QUANTITIES);
    for (int k = 0; k < m.n; k++)
        for (int j = 0; j < SEI_QUANTITIES; j++) {
            out[k].value[j] = y[k * SEI_QUANTITIES + j];
            out[k].sd[j] = y_sd[k * SEI_QUANTITIES + j];
        }
}
