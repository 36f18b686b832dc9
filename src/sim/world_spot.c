/* Properties of the sample at one spot.
 *
 * A smooth field of edge density carries what neighbouring sites share; on top of it every site has its own
 * independent deviations, which belong to its position and not to the order of visits. */
#include "sim/world_spot.h"

#include <math.h>

#include "sim/world_noise.h"

static const double THICKENING_SCALE = 0.25; /* h_0 of the slowly growing layer / charge of the dense film */
enum { FIELD_OCTAVES = 2 };

/* The independent deviations of a site. */
enum deviation {
    DEV_DROP,
    DEV_BREAK,
    DEV_RATIO,
    DEV_LAYER,
    DEV_CHARGE,
    DEV_ONSET,
    DEV_RESIDUAL,
    DEV_HOST,
    DEV_CORROSION
};

struct spot_streams spot_streams(uint64_t seed)
{
    return (struct spot_streams){rng_stream(seed, "sim.edges"), rng_stream(seed, "sim.site")};
}

static bool inside(const struct region *r, double x, double y)
{
    if (!isnan(r->radius))
        return hypot(x - r->x, y - r->y) < r->radius;
    return fabs(x - r->x) < r->width / 2 && fabs(y - r->y) < r->height / 2;
}

static double clamp(double v, double lo, double hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Deviations are cut at 4 standard deviations: no site is absurd. */
static double deviation(const struct spot_streams *r, double x, double y, enum deviation which)
{
    return clamp(noise_site(r->site, x, y, which), -4, 4);
}

static void set_meniscus(const struct sample_config *s, const struct probe_config *p,
                         const struct spot_streams *r, double x, double y, double spread,
                         struct meniscus_law *m)
{
    double factor = 1 + spread * p->meniscus.height_spread * deviation(r, x, y, DEV_DROP);
    m->aperture = p->aperture;
    m->touch_height = p->meniscus.height * clamp(factor, 0.3, 3);
    double breaks =
        p->meniscus.breaks * exp(spread * p->meniscus.break_spread * deviation(r, x, y, DEV_BREAK));
    m->break_height = fmax(p->meniscus.height * breaks, 1.05 * m->touch_height);
    m->ratio = clamp(s->wetting.ratio * exp(spread * s->wetting.spread * deviation(r, x, y, DEV_RATIO)),
                     s->wetting.start, s->wetting.largest);
    m->zero_charge = s->layer.zero_charge;
    m->w = s->wetting;
}

static void set_film(const struct sample_config *s, const struct spot_streams *r, double x, double y,
                     double spread, double edge, struct film_law *f)
{
    f->saturation = s->sei.charge * (1 + s->sei.charge_edge * edge) *
                    exp(spread * s->sei.charge_spread * deviation(r, x, y, DEV_CHARGE));
    if (f->saturation <= 0)
        f->saturation = 0;
    f->blocking = fmax(s->sei.blocking * f->saturation, 1e-12);
    f->onset = s->sei.onset + (s->sei.onset_edge - s->sei.onset) * edge +
               spread * s->sei.onset_spread * deviation(r, x, y, DEV_ONSET);
    f->onset_current = f->saturation > 0 ? s->sei.onset_current : 0;
    f->tafel = s->sei.tafel;
    f->residual = f->saturation * s->sei.residual * (1 - s->sei.residual_edge * edge) *
                  exp(spread * s->sei.charge_spread * deviation(r, x, y, DEV_RESIDUAL));
    f->residual_scale = fmax(THICKENING_SCALE * f->saturation, 1e-12);
    f->dissolve_rate = s->sei.dissolve_rate;
    f->dissolve_above = s->sei.dissolve_above;
    f->soluble = s->sei.soluble;
    f->recovered = s->sei.recovered;
}

static void set_corrosion(const struct sample_config *s, const struct spot_streams *r, const struct region *g,
                          double x, double y, double spread, struct corrosion_law *k)
{
    *k = s->corrosion;
    if (g && !isnan(g->corrosion_potential))
        k->potential = g->corrosion_potential;
    if (g && !isnan(g->corrosion_density))
        k->density = g->corrosion_density;
    k->potential += spread * s->corrosion_spread * deviation(r, x, y, DEV_CORROSION);
}

/* Active particles in a binder that stores little and forms little film. */
static void set_composite(const struct sample_config *s, const struct surface *surface, double x, double y,
                          struct spot *out)
{
    struct surface_disk particle;
    struct cell_law *c = &out->cell;
    if (surface_particle(surface, x, y, &particle)) {
        out->activity = particle.activity;
    } else {
        out->activity = s->binder.host;
        c->capacitance *= s->binder.capacitance;
        c->film.saturation *= s->binder.film;
        c->film.blocking = fmax(c->film.blocking * s->binder.film, 1e-12);
        c->film.residual *= s->binder.film;
        c->film.residual_scale = fmax(c->film.residual_scale * s->binder.film, 1e-12);
    }
    c->host.exchange *= out->activity;
    c->host.capacity *= out->activity;
    if (out->activity <= 0)
        c->host.kind = HOST_NONE;
}

void spot_at(const struct sample_config *s, const struct probe_config *p, const struct spot_streams *r,
             const struct surface *surface, double x, double y, struct spot *out)
{
    *out = (struct spot){0};
    double mean = s->edges.mean, spread = 1;
    for (int i = 0; i < s->regions && out->region == 0; i++) {
        if (inside(&s->region[i], x, y)) {
            out->region = i + 1;
            mean = s->region[i].edge_density;
            spread = s->region[i].spread;
        }
    }
    double field = noise_fractal(r->edges, x / s->edges.correlation, y / s->edges.correlation, FIELD_OCTAVES);
    double edge = clamp(mean + spread * s->edges.spread * field, 0, 1);
    out->edge_density = edge;
    set_meniscus(s, p, r, x, y, spread, &out->meniscus);
    struct cell_law *c = &out->cell;
    c->capacitance = s->layer.capacitance * (1 + s->layer.edge_gain * edge) *
                     exp(spread * s->layer.spread * deviation(r, x, y, DEV_LAYER));
    c->zero_charge = s->layer.zero_charge;
    c->aperture_area = M_PI / 4 * p->aperture * p->aperture;
    set_film(s, r, x, y, spread, edge, &c->film);
    c->host = s->host;
    c->host.exchange *= exp(spread * s->sei.charge_spread * deviation(r, x, y, DEV_HOST));
    c->redox = s->redox;
    c->trace = s->trace;
    set_corrosion(s, r, out->region ? &s->region[out->region - 1] : NULL, x, y, spread, &c->corrosion);
    set_composite(s, surface, x, y, out);
}
