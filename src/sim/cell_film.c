/* The SEI film below the drop, in rings. */
#include "sim/cell_film.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

static const double RING_GROWTH = 1.08;   /* area ratio of neighbouring rings: 32 rings make a factor of 11 */
static const double DISSOLVE_RANGE = 0.5; /* V over which dissolution becomes fast */
static const double RESIDUAL_RANGE = 0.5; /* V below the onset in which the slow growth becomes fast */
static const double NEGLIGIBLE = -14;     /* exponent below which the Tafel current is taken as none */
static const double STRONGEST = 30;       /* exponent above which it is as good as instantaneous */

static double inner_area(const struct film *f, int i)
{
    return i > 0 ? f->ring[i - 1].outer : 0;
}

static void thin(struct film_ring *r, const struct film_law *law, double factor)
{
    r->charge *= factor;
    r->soluble *= factor;
    r->thick *= factor;
    r->unblock = exp(r->charge / law->blocking);
}

void film_wet(struct film *f, const struct film_law *law, double area)
{
    if (area <= f->wetted)
        return;
    f->wetted = area;
    if (f->n > 0 && area <= f->ring[f->n - 1].outer)
        return; /* spreads over what an earlier drop wetted */
    double inner = f->n > 0 ? inner_area(f, f->n - 1) : 0;
    struct film_ring *last = f->n > 0 ? &f->ring[f->n - 1] : NULL;
    if (f->n < FILM_RINGS && (f->n <= 1 || last->outer > RING_GROWTH * inner)) {
        f->ring[f->n++] = (struct film_ring){.outer = area, .unblock = 1};
        return;
    }
    thin(last, law, (last->outer - inner) / (area - inner));
    last->outer = area;
}

void film_rewet(struct film *f, const struct film_law *law, double area)
{
    f->wetted = 0;
    for (int i = 0; i < f->n; i++)
        f->ring[i].unblock = exp(f->ring[i].charge / law->blocking);
    film_wet(f, law, area);
}

/* log(1 + x), short for the many steps in which almost nothing grows; error below 1e-13 relative there. */
static double log_1_plus(double x)
{
    return x < 1e-4 ? x * (1 - x * (0.5 - x * (1.0 / 3 - 0.25 * x))) : log1p(x);
}

/* Growth of the dense film of one ring in dt for a Tafel current `rate` of the bare surface, and its
 * derivative by E. */
static double ring_growth(const struct film_ring *r, const struct film_law *law, double rate, double dt,
                          double *slope)
{
    double room = law->saturation - r->charge;
    if (room <= 0)
        return 0;
    double x = rate * dt * room / (law->saturation * law->blocking * r->unblock);
    double grow = law->blocking * log_1_plus(x);
    if (grow >= room) {
        *slope = 0;
        return room;
    }
    *slope = law->blocking * x / (1 + x) / law->tafel;
    return grow;
}

static double ring_dissolving(const struct film_ring *r, const struct film_law *law, double potential,
                              double dt)
{
    if (law->dissolve_rate <= 0 || potential <= law->dissolve_above || r->soluble <= 0)
        return 0;
    double k = law->dissolve_rate * fmin(1, (potential - law->dissolve_above) / DISSOLVE_RANGE) * dt;
    return r->soluble * k / (1 + k);
}

/* Area of a ring that is wetted now. */
static double wetted_part(const struct film *f, int i)
{
    double inner = inner_area(f, i), outer = f->ring[i].outer;
    double end = outer < f->wetted ? outer : f->wetted;
    return end > inner ? end - inner : 0;
}

void film_try(const struct film *f, const struct film_law *law, double potential, double dt,
              struct film_step *out)
{
    out->charge = 0;
    out->slope = 0;
    if (law->saturation <= 0) {
        memset(out, 0, sizeof *out);
        return; /* a surface without film */
    }
    double exponent = (law->onset - potential) / law->tafel;
    double rate = exponent < NEGLIGIBLE ? 0 : law->onset_current * exp(fmin(exponent, STRONGEST));
    double below = law->onset - potential;
    double drive = below > 0 ? law->residual * fmin(below, RESIDUAL_RANGE) : 0;
    for (int i = 0; i < f->n; i++) {
        const struct film_ring *r = &f->ring[i];
        double area = wetted_part(f, i), slope = 0;
        out->grow[i] = rate > 0 ? ring_growth(r, law, rate, dt, &slope) : 0;
        double through = dt * (r->charge / law->saturation) / (1 + r->thick / law->residual_scale);
        out->thicken[i] = drive * through;
        if (below > 0 && below < RESIDUAL_RANGE)
            slope += law->residual * through;
        out->dissolve[i] = ring_dissolving(r, law, potential, dt);
        out->charge += area * (law->recovered * out->dissolve[i] - out->grow[i] - out->thicken[i]);
        out->slope += area * slope;
    }
}

void film_commit(struct film *f, const struct film_law *law, const struct film_step *step)
{
    for (int i = 0; i < f->n; i++) {
        double change = step->grow[i] - step->dissolve[i];
        if (change == 0 && step->thicken[i] == 0)
            continue;
        struct film_ring *r = &f->ring[i];
        double part = wetted_part(f, i) / (r->outer - inner_area(f, i));
        r->charge += part * change;
        r->soluble += part * (law->soluble * step->grow[i] - step->dissolve[i]);
        r->thick += part * step->thicken[i];
        double x = part * change / law->blocking;
        r->unblock = fabs(x) < 1e-4 ? r->unblock * (1 + x * (1 + 0.5 * x)) : exp(r->charge / law->blocking);
    }
}

double film_charge(const struct film *f)
{
    double sum = 0;
    for (int i = 0; i < f->n; i++)
        sum += (f->ring[i].outer - inner_area(f, i)) * (f->ring[i].charge + f->ring[i].thick);
    return sum;
}
