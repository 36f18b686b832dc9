/* The electrochemical cell between probe and sample. */
#include "sim/cell.h"

#include <math.h>

static const double F_RT = 38.92;       /* 1/V at 298.15 K */
static const double PRECISE = 1e-6;     /* V: Newton steps below this end the solution */
static const double LARGEST_STEP = 0.1; /* V: Newton steps are cut to this */
static const double TRACE_WIDTH = 0.1;  /* V from `below` to half of the limiting trace current */
static const double STEEPEST = 40;      /* exponent of a Tafel law beyond which it is cut */
static const double INSTANT = 1e-4;     /* s: time constants below this count as none in cell_control() */
enum { MOST_STEPS = 100 };

void cell_init(struct cell *c, double resistance, double leak, double stray, double reference)
{
    *c = (struct cell){
        .mode = CELL_OPEN, .resistance = resistance, .leak = leak, .stray = stray, .reference = reference};
}

void cell_attach(struct cell *c, const struct cell_law *law, double area, double active)
{
    c->wet = active > 0;
    c->active = active;
    c->area = area * active;
    c->age = 0;
    c->layer_charge = 0;
    c->drop = 0;
    c->potential = c->terminal + c->reference;
    film_rewet(&c->film, &law->film, area);
    host_wet(&c->host, &law->host, c->area);
}

void cell_detach(struct cell *c)
{
    c->wet = false;
}

static double layer_charge(const struct cell *c, const struct cell_law *law)
{
    return law->capacitance * c->area * (c->potential - law->zero_charge);
}

void cell_control(struct cell *c, const struct cell_law *law, enum cell_mode mode, double setpoint,
                  double low, double high, struct cell_charge *q)
{
    c->mode = mode;
    c->setpoint = setpoint;
    c->low = low;
    c->high = high;
    c->at_compliance = false;
    if (mode != CELL_POTENTIOSTAT)
        return;
    double change = setpoint - c->terminal;
    c->terminal = setpoint;
    q->stray += c->stray * change;
    c->stray_charge += c->stray * change;
    if (c->wet && c->resistance * law->capacitance * c->area < INSTANT) {
        c->potential += change;
        double charge = layer_charge(c, law);
        q->layer += charge - c->layer_charge;
        c->layer_charge = charge;
    }
}

/* A current and its derivative by E. */
struct branch {
    double i, slope;
};

/* Mass-transfer form of a steady-state wave, with m_t falling as the wetted area grows, because the supply
 * through the pipette does not grow with it: i/i_lim = 1 / (theta + (m_t/k0) exp(alpha f (E - E0))), theta =
 * 1 + exp(f (E - E0)) for a reduction; mirrored for an oxidation. */
static struct branch redox(const struct redox_law *r, double area, double aperture_area, double potential)
{
    if (r->limiting == 0)
        return (struct branch){0, 0};
    double sign = r->limiting < 0 ? 1 : -1, alpha = r->limiting < 0 ? r->transfer : 1 - r->transfer;
    double x = fmax(-60, fmin(60, sign * F_RT * (potential - r->formal)));
    double kinetic = r->mass * aperture_area / (area * r->rate) * exp(alpha * x), nernst = exp(x);
    double sum = 1 + nernst + kinetic;
    return (struct branch){r->limiting / sum,
                           -r->limiting * sign * F_RT * (nernst + alpha * kinetic) / (sum * sum)};
}

static struct branch trace(const struct trace_law *t, double area, double age, double potential)
{
    double x = (t->below - potential) / TRACE_WIDTH;
    if (t->density == 0 || x <= 0)
        return (struct branch){0, 0};
    double limit = t->density * area / (1 + age / t->decay);
    return (struct branch){-limit * x / (1 + x), limit / (TRACE_WIDTH * (1 + x) * (1 + x))};
}

/* j (10^((E - E_c)/b_a) - 10^(-(E - E_c)/b_c)), bounded so that nothing overflows far away. */
static struct branch corrosion(const struct corrosion_law *k, double area, double potential)
{
    if (k->density == 0)
        return (struct branch){0, 0};
    double out = M_LN10 * (potential - k->potential) / k->anodic;
    double in = M_LN10 * (k->potential - potential) / k->cathodic;
    double anodic = k->density * area * exp(fmin(out, STEEPEST));
    double cathodic = k->density * area * exp(fmin(in, STEEPEST));
    return (struct branch){anodic - cathodic, M_LN10 * (anodic / k->anodic + cathodic / k->cathodic)};
}

/* What flows through the interface in a step at potential E, and what the films become by it. */
struct interface {
    struct branch redox, trace, corrosion;
    struct film_step film;
    struct host_step host;
    double charge, slope; /* C and C/V without the double layer */
};

static void interface_try(const struct cell *c, const struct cell_law *law, double potential, double dt,
                          struct interface *out)
{
    film_try(&c->film, &law->film, potential, dt, &out->film);
    host_try(&c->host, &law->host, potential, dt, &out->host);
    out->redox = redox(&law->redox, c->area, law->aperture_area, potential);
    out->trace = trace(&law->trace, c->area, c->age, potential);
    out->corrosion = corrosion(&law->corrosion, c->area, potential);
    out->charge = c->active * out->film.charge + out->host.charge +
                  dt * (out->redox.i + out->trace.i + out->corrosion.i);
    out->slope = c->active * out->film.slope + out->host.slope +
                 dt * (out->redox.slope + out->trace.slope + out->corrosion.slope);
}

/* Terminal potential at the end of a step if `inward` amperes flow into a branch of conductance g behind the
 * source potential `behind` (wet: the pipette; otherwise g = 0). *slope = dV/d(behind). */
static double terminal(struct cell *c, double dt, double g, double behind, double *slope)
{
    *slope = 0;
    c->at_compliance = false;
    if (c->mode == CELL_POTENTIOSTAT)
        return c->setpoint;
    double current = c->mode == CELL_GALVANOSTAT ? c->setpoint : 0;
    double sum = c->leak + c->stray / dt + g;
    double v = (current + c->stray_charge / dt + g * behind) / sum;
    if (c->mode == CELL_GALVANOSTAT && (v <= c->low || v >= c->high)) {
        c->at_compliance = true;
        return v <= c->low ? c->low : c->high;
    }
    *slope = g / sum;
    return v;
}

/* Newton's method on the charge balance of the interface,
 *     faradaic charge(E) + layer charge(E) - layer charge before = dt (V(E) + E_ref - E)/R,
 * whose left side rises and whose right side falls with E, so that there is one root. */
static void solve_interface(struct cell *c, const struct cell_law *law, double dt, struct interface *in)
{
    double g = 1 / c->resistance, capacity = law->capacitance * c->area, slope;
    double e = c->mode == CELL_POTENTIOSTAT ? c->setpoint + c->reference - c->drop : c->potential;
    for (int i = 0; i < MOST_STEPS; i++) {
        interface_try(c, law, e, dt, in);
        double v = terminal(c, dt, g, e - c->reference, &slope);
        double f = in->charge + capacity * (e - law->zero_charge) - c->layer_charge -
                   dt * g * (v + c->reference - e);
        double step = -f / (in->slope + capacity + dt * g * (1 - slope));
        if (fabs(step) < PRECISE) {
            e += step;
            break;
        }
        e += fmax(-LARGEST_STEP, fmin(LARGEST_STEP, step));
    }
    c->potential = e;
    c->terminal = terminal(c, dt, g, e - c->reference, &slope);
    c->drop = c->terminal + c->reference - e;
}

static void wet_step(struct cell *c, const struct cell_law *law, double dt, double area,
                     struct cell_charge *q)
{
    c->area = area * c->active;
    film_wet(&c->film, &law->film, area);
    host_wet(&c->host, &law->host, c->area);
    struct interface in;
    solve_interface(c, law, dt, &in);
    film_commit(&c->film, &law->film, &in.film);
    host_commit(&c->host, &in.host);
    double charge = layer_charge(c, law);
    q->layer = charge - c->layer_charge;
    c->layer_charge = charge;
    q->film = c->active * in.film.charge;
    q->host = in.host.charge;
    q->redox = dt * (in.redox.i + in.corrosion.i);
    q->trace = dt * in.trace.i;
    c->age += dt;
}

void cell_step(struct cell *c, const struct cell_law *law, double dt, double stray, double reference,
               double area, struct cell_charge *q)
{
    *q = (struct cell_charge){0};
    c->stray = stray;
    c->reference = reference;
    if (c->wet) {
        wet_step(c, law, dt, area, q);
    } else {
        double slope;
        c->terminal = terminal(c, dt, 0, 0, &slope);
    }
    q->leak = c->leak * c->terminal * dt;
    double charge = c->stray * c->terminal;
    q->stray = charge - c->stray_charge;
    c->stray_charge = charge;
}
