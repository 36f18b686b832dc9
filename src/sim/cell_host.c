/* Reversible storage of lithium in or on the electrode. */
#include "sim/cell_host.h"

#include <math.h>

static const double F_RT = 38.92;             /* 1/V at 298.15 K */
static const double BARE_COVER = 1e-4;        /* coverage with active places before nucleation */
static const double THIN_DEPOSIT = 0.1;       /* C/m2: below this stripping slows down (p_0) */
static const double NUCLEATION_WIDTH = 0.015; /* V per factor e of the nucleation rate */

void host_wet(struct host *h, const struct host_law *law, double area)
{
    if (area <= h->area)
        return;
    double fresh = law->kind == HOST_INTERCALATION ? law->filling : 0;
    h->stored = fresh + (h->stored - fresh) * h->area / area;
    h->cover *= h->area / area;
    h->area = area;
}

/* exp(f E/2) and its inverse, bounded so that nothing overflows far from equilibrium. */
static double half_exponential(double eta)
{
    return exp(fmax(-80, fmin(80, 0.5 * F_RT * eta)));
}

static void try_insertion(const struct host *h, const struct host_law *law, double potential, double dt,
                          struct host_step *out)
{
    double u = law->potential - law->slope * (h->stored - 0.5);
    double e = half_exponential(potential - u), rate = law->exchange / law->capacity * dt;
    double out_rate = rate * e, in_rate = rate / e;
    double sum = 1 + out_rate + in_rate;
    double x = (h->stored + in_rate) / sum;
    double dx = 0.5 * F_RT * (-in_rate * sum - (h->stored + in_rate) * (out_rate - in_rate)) / (sum * sum);
    out->stored = x;
    out->cover = 0;
    out->charge = h->area * law->capacity * (h->stored - x);
    out->slope = -h->area * law->capacity * dx;
}

static double next_cover(const struct host *h, const struct host_law *law, double potential, double dt)
{
    double cover = fmax(h->cover, BARE_COVER);
    if (h->stored <= 0.01 * THIN_DEPOSIT)
        cover = BARE_COVER;
    if (potential >= 0)
        return cover;
    double k = dt * law->nucleation_rate * exp(fmin(20, (-law->nucleation - potential) / NUCLEATION_WIDTH));
    return (cover + k) / (1 + k);
}

static void try_plating(const struct host *h, const struct host_law *law, double potential, double dt,
                        struct host_step *out)
{
    /* The coverage of the step is the one at its start: its growth acts from the next step on. */
    double cover = fmax(h->cover, BARE_COVER);
    double e = half_exponential(potential), rate = law->exchange * cover * dt;
    double plated = rate / e, thickness = h->stored + THIN_DEPOSIT;
    double strip = rate * e / thickness; /* relative */
    out->cover = next_cover(h, law, potential, dt);
    if (potential < 0) {
        /* What is lost is lost from the net deposit: the exchange at equilibrium costs nothing. */
        double net = plated - strip * h->stored;
        out->stored = h->stored + law->efficiency * net;
        out->charge = -h->area * net;
        out->slope = h->area * 0.5 * F_RT * (plated + strip * h->stored);
        return;
    }
    double p = (h->stored + plated) / (1 + strip), stripped = strip * p;
    double dp = 0.5 * F_RT * (-plated - p * strip) / (1 + strip);
    out->stored = p;
    out->charge = h->area * (stripped - plated);
    out->slope = h->area * (0.5 * F_RT * (stripped + plated) + strip * dp);
}

void host_try(const struct host *h, const struct host_law *law, double potential, double dt,
              struct host_step *out)
{
    *out = (struct host_step){.stored = h->stored, .cover = h->cover};
    if (law->kind == HOST_INTERCALATION)
        try_insertion(h, law, potential, dt, out);
    else if (law->kind == HOST_PLATING)
        try_plating(h, law, potential, dt, out);
}

void host_commit(struct host *h, const struct host_step *step)
{
    h->stored = step->stored;
    h->cover = step->cover;
}
