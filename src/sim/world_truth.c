/* The truth about the sample, for comparison with what a run found: properties of a spot, predictions, the
 * ledger. */
#include "sim/world.h"

#include <math.h>
#include <stdlib.h>

#include "sim/world_parts.h"

void world_truth_at(const struct world *w, double x, double y, double t_s, struct world_truth *out)
{
    struct footing f;
    struct spot s;
    surface_footing(&w->surface, x, y, 0.5 * w->probe.aperture, 0.5 * w->probe.wall * w->probe.aperture, &f);
    spot_at(&w->sample, &w->probe, &w->spots, &w->surface, x, y, &s);
    double drift = drift_z(&w->sample, &w->drifts, w->epoch + t_s);
    *out = (struct world_truth){
        .x = x,
        .y = y,
        .surface_z = surface_height(&w->surface, x, y) + drift,
        .contact_z = f.drop_z + s.meniscus.touch_height + drift,
        .peak_z = f.peak_z + drift,
        .insulating = f.active == 0,
        .edge_density = s.edge_density,
        .wetted_diameter = s.meniscus.aperture * s.meniscus.ratio,
        .sei_charge_density = s.cell.film.saturation,
        .sei_onset = s.cell.film.onset,
        .capacitance = s.cell.capacitance,
        .region = s.region,
        .activity = s.activity,
        .corrosion = s.cell.corrosion.potential,
    };
}

/* A drop on a fresh spot with nothing else in the world. */
struct trial {
    const struct spot *spot;
    struct meniscus meniscus;
    struct film film;
    double active;
};

/* Film charge that passes while the potential goes from e0 to e1 in time t (s), as far as it lies in [lo,
 * hi]. */
static double trial_ramp(struct trial *r, double e0, double e1, double t, double lo, double hi)
{
    int steps = (int)fmax(1, ceil(t / 1e-3));
    double sum = 0, dt = t / steps;
    for (int i = 0; i < steps; i++) {
        double e = e0 + (e1 - e0) * (i + 0.5) / steps;
        struct film_step step;
        meniscus_step(&r->meniscus, &r->spot->meniscus, dt, r->spot->meniscus.touch_height, e);
        film_wet(&r->film, &r->spot->cell.film, meniscus_area(&r->meniscus));
        film_try(&r->film, &r->spot->cell.film, e, dt, &step);
        film_commit(&r->film, &r->spot->cell.film, &step);
        if (e >= lo && e <= hi)
            sum += r->active * step.charge;
    }
    return sum;
}

void world_truth_cv(const struct world *w, double x, double y, double start, double low, double rate,
                    int cycles, double window_lo, double window_hi, double *q)
{
    static const double DWELL = 0.5; /* s at the start potential after the drop touched */
    struct footing f;
    struct spot s;
    surface_footing(&w->surface, x, y, 0.5 * w->probe.aperture, 0.5 * w->probe.wall * w->probe.aperture, &f);
    spot_at(&w->sample, &w->probe, &w->spots, &w->surface, x, y, &s);
    struct trial r = {.spot = &s, .active = f.active};
    meniscus_attach(&r.meniscus, &s.meniscus);
    trial_ramp(&r, start, start, DWELL, 1, 0);
    double t = fabs(start - low) / rate;
    for (int i = 0; i < cycles; i++) {
        q[i] = trial_ramp(&r, start, low, t, window_lo, window_hi);
        trial_ramp(&r, low, start, t, 1, 0);
    }
}

int world_contact_count(const struct world *w)
{
    return w->ledger.contacts;
}

/* The last contact may still be going on; then its film is the cell's. */
static bool going_on(const struct world *w, int index)
{
    return w->ledger.open && index == w->ledger.contacts - 1;
}

void world_contact(const struct world *w, int index, struct world_contact_info *out)
{
    const struct contact *c = &w->ledger.contact[index];
    bool now = going_on(w, index);
    *out = (struct world_contact_info){
        .x = c->x,
        .y = c->y,
        .contact_z = c->contact_z,
        .t_s = c->t_s,
        .broke_t_s = c->broke_t_s,
        .break_height = c->break_height,
        .wetted_diameter = now ? w->meniscus.diameter : c->wetted,
        .residue_diameter = c->residue,
        .film_charge = now ? w->cell.active * film_charge(&w->cell.film) : c->active * film_charge(&c->film),
        .sweeps = c->sweeps + now,
    };
}

bool world_contact_sweep(const struct world *w, int index, int sweep, double window_lo, double window_hi,
                         struct world_sweep *out)
{
    if (index < 0 || index >= w->ledger.contacts)
        return false;
    const struct contact *c = &w->ledger.contact[index];
    struct sweep current = {0};
    if (sweep < 0 || sweep >= c->sweeps + going_on(w, index))
        return false;
    if (sweep == c->sweeps)
        ledger_current(&w->ledger, &current);
    const struct sweep *s = sweep == c->sweeps ? &current : &c->sweep[sweep];
    *out = (struct world_sweep){
        .reducing = s->e_to < s->e_from,
        .t_s = s->t_s,
        .e_from = s->e_from,
        .e_to = s->e_to,
        .q_total = cell_charge_sum(&s->charge),
        .q_sei = s->charge.film,
        .q_dl = s->charge.layer,
        .q_other = s->charge.stray + s->charge.leak + s->charge.host + s->charge.redox + s->charge.trace,
        .q_host = s->charge.host,
        .q_sei_window = sweep_film_window(s, window_lo, window_hi),
    };
    free(current.bin);
    return true;
}
