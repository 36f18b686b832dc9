/* The physical world of the simulated rig: lets surface, meniscus and cell act on each other in time.
 *
 * One step: ask where the probe is; if it is near the surface look what is below it (remembered until it
 * moves sideways); let the drop touch, spread or break; let the cell pass its charge; count what must not
 * happen. Far above the surface only the stray capacitance is left. */
#include "sim/world.h"

#include <math.h>
#include <stdlib.h>

#include "sim/world_noise.h"
#include "sim/world_parts.h"

static const ns_t LONGEST_STEP = NS_MS;
static const double SLOW_TICK = 0.05;     /* s between looks at what drifts */
static const double SAME_PLACE = 1e-9;    /* m: nearer than this is the same place */
static const double MOVED = 1e-11;        /* m: the stage moves */
static const double FOUND_AGAIN = 0.5;    /* drop within this part of an old radius finds the old film */
static const double STRAY_LENGTH = 10e-6; /* m over which the stray capacitance falls off */
static const double LIFTED = 5e-9;        /* m above the peak: the glass no longer touches */
static const double DRAG = 20e-9, WET_TRAVEL = 50e-9; /* m sideways */
static const ns_t OPEN_GAP = NS_MS;                   /* longer gaps at open circuit count */
static const ns_t ON_GAP = 100 * NS_MS;               /* longer times connected with nobody recording count */
static const double BLOCKED = 1e12;                   /* factor of the resistance */

struct world *world_new(const struct ynode *sample, const struct ynode *probe, uint64_t seed, struct diags *d)
{
    struct world *w = xcalloc(1, sizeof *w);
    bool sample_ok = sample_config_read(sample, &w->sample, d),
         probe_ok = probe_config_read(probe, &w->probe, d);
    if (!sample_ok || !probe_ok) {
        world_free(w);
        return NULL;
    }
    w->seed = seed;
    surface_init(&w->surface, &w->sample.surface, seed);
    w->spots = spot_streams(seed);
    w->drifts = drift_streams(seed);
    w->clogging = rng_stream(seed, "sim.clog");
    w->tick = -1;
    w->clog = w->trouble.blocked = w->trouble.broken = 1;
    w->at[2] = 1e-3;
    w->recording = false;
    cell_init(&w->cell, w->probe.resistance, 1 / w->probe.leak, world_stray(w, w->at[2]),
              drift_reference(&w->probe, &w->drifts, 0));
    return w;
}

void world_free(struct world *w)
{
    if (!w)
        return;
    world_journal_end(w);
    ledger_free(&w->ledger);
    sample_config_free(&w->sample);
    free(w);
}

void world_begin(struct world *w, ns_t t)
{
    w->t = t;
}

void world_set_position(struct world *w, void (*fn)(void *ctx, ns_t t, double xyz[3]), void *ctx)
{
    w->position = fn;
    w->position_ctx = ctx;
    w->moving = true; /* until a step shows that it stands */
}

void world_set_probe(struct world *w, int number, const double shift[3])
{
    int before = w->probe_number > 1 ? w->probe_number : 1;
    if (number != before) {
        w->clog = 1;
        trouble_new_probe(w);
    }
    w->probe_number = number;
    for (int k = 0; k < 3; k++)
        w->shift[k] = shift[k];
    w->tick = -1; /* the resistance is worked out anew */
}

double world_clock(const struct world *w)
{
    return w->epoch + ns_to_s(w->t);
}

double world_stray(const struct world *w, double height)
{
    double part = STRAY_LENGTH / (STRAY_LENGTH + (height > 0 ? height : 0));
    return trouble_stray(w) * w->probe.stray * (1 + w->probe.stray_gain * part);
}

/* --- the contact --------------------------------------------------------------------------------------- */

void world_contact_update(const struct world *w, struct contact *c)
{
    c->wetted = w->meniscus.diameter;
    c->film = w->cell.film;
    c->host = w->cell.host;
    c->active = w->cell.active;
}

/* Clogging belongs to the spot, so that a run which was interrupted meets the same. */
static void maybe_clog(struct world *w)
{
    if (noise_site_uniform(w->clogging, w->wet_x, w->wet_y, 0) < w->probe.blocked)
        w->clog = BLOCKED;
    else if (noise_site_uniform(w->clogging, w->wet_x, w->wet_y, 1) < w->probe.clog)
        w->clog *= w->probe.clog_factor;
}

/* Does the drop land on what an earlier one wetted? */
static bool overlaps(const struct world *w)
{
    if (w->near.contact < 0)
        return false;
    const struct contact *c = &w->ledger.contact[w->near.contact];
    return w->near.distance < 0.5 * (c->wetted + w->probe.aperture);
}

static void attach(struct world *w)
{
    w->wet_spot = w->spot;
    w->wet_x = w->at[0];
    w->wet_y = w->at[1];
    w->wet_z = w->footing.drop_z;
    w->wet_moved = false;
    trouble_attach(w, &w->wet_spot.meniscus);
    meniscus_attach(&w->meniscus, &w->wet_spot.meniscus);
    w->counters.contacts++;
    w->counters.revisited += overlaps(w);
    w->cell.film = (struct film){0};
    w->cell.host = (struct host){0};
    if (w->near.contact >= 0) {
        const struct contact *old = &w->ledger.contact[w->near.contact];
        if (w->near.distance < FOUND_AGAIN * 0.5 * old->wetted) {
            w->cell.film = old->film;
            w->cell.host = old->host;
        }
    }
    cell_attach(&w->cell, &w->wet_spot.cell, meniscus_area(&w->meniscus), w->footing.active);
    maybe_clog(w);
    w->cell.resistance = trouble_resistance(w);
    struct contact *c = ledger_open(&w->ledger, world_clock(w), w->cell.terminal + w->cell.reference);
    c->x = w->at[0];
    c->y = w->at[1];
    c->contact_z = w->at[2];
    c->t_s = world_clock(w);
    world_contact_update(w, c);
    world_journal_contact(w);
}

static void detach(struct world *w, double height)
{
    ledger_close(&w->ledger);
    struct contact *c = &w->ledger.contact[w->ledger.contacts - 1];
    world_contact_update(w, c);
    c->broke_t_s = world_clock(w);
    c->break_height = height;
    c->residue = w->meniscus.diameter * w->sample.wetting.residue;
    w->meniscus.attached = false;
    cell_detach(&w->cell);
    w->known = false; /* there is a residue now */
    world_journal_contact(w);
}

/* --- what is below the probe --------------------------------------------------------------------------- */

/* The nearest earlier contact whose residue the drop of this probe would meet at (x, y). */
static struct residue_near residue_near(const struct world *w, double x, double y)
{
    struct residue_near best = {-1, INFINITY};
    for (int i = 0; i < w->ledger.contacts; i++) {
        const struct contact *c = &w->ledger.contact[i];
        double reach = 0.5 * (c->residue + w->probe.aperture), dx = x - c->x, dy = y - c->y;
        if (fabs(dx) >= reach || fabs(dy) >= reach)
            continue;
        /* Of several contacts on one spot the last counts: it knows the film of those before. */
        double distance = hypot(dx, dy);
        if (distance < reach && distance <= best.distance)
            best = (struct residue_near){i, distance};
    }
    return best;
}

static void look_below(struct world *w)
{
    double x = w->at[0], y = w->at[1];
    if (w->known && fabs(x - w->under_x) < SAME_PLACE && fabs(y - w->under_y) < SAME_PLACE)
        return;
    surface_footing(&w->surface, x, y, 0.5 * w->probe.aperture, 0.5 * w->probe.wall * w->probe.aperture,
                    &w->footing);
    spot_at(&w->sample, &w->probe, &w->spots, &w->surface, x, y, &w->spot);
    w->near = residue_near(w, x, y);
    w->under_x = x;
    w->under_y = y;
    w->known = true;
}

/* Height of the glass above the surface at which the drop touches here. */
static double touch_height(const struct world *w)
{
    double usual =
        w->spot.meniscus.touch_height + (w->near.contact >= 0 ? w->sample.wetting.residue_height : 0);
    return trouble_touch(w, usual);
}

/* The probe's glass and the surface. */
static void watch_glass(struct world *w)
{
    double gap = w->at[2] - (w->footing.peak_z + w->drift);
    if (!w->touching && gap <= 0) {
        w->touching = true;
        w->dragged = false;
        w->touch_x = w->at[0];
        w->touch_y = w->at[1];
        w->counters.crashes++;
    } else if (w->touching && gap > LIFTED) {
        w->touching = false;
    }
    if (w->touching && !w->dragged && hypot(w->at[0] - w->touch_x, w->at[1] - w->touch_y) > DRAG) {
        w->dragged = true;
        w->counters.drags++;
    }
}

/* A probe that travels with its drop attached. Beyond its own diameter the bridge is torn off. */
static bool travelled_away(struct world *w)
{
    double moved = hypot(w->at[0] - w->wet_x, w->at[1] - w->wet_y);
    if (!w->wet_moved && moved > WET_TRAVEL) {
        w->wet_moved = true;
        w->counters.wet_travel++;
    }
    return moved > w->meniscus.diameter;
}

static void wetted_step(struct world *w, double dt)
{
    double height = w->at[2] - (w->wet_z + w->drift);
    if (travelled_away(w)) {
        detach(w, height);
        return;
    }
    double e = w->cell.wet ? w->cell.potential : w->wet_spot.meniscus.zero_charge;
    struct meniscus_law law = w->wet_spot.meniscus;
    if (w->trouble.sticks)
        law.break_height = INFINITY;
    if (trouble_breaks(w) || !meniscus_step(&w->meniscus, &law, dt, height, e))
        detach(w, height);
}

/* True while the probe is too high for anything below to matter. */
static bool far_above(const struct world *w)
{
    double reach = 3 * w->probe.meniscus.height + w->sample.wetting.residue_height + trouble_reach(w);
    double radius = 0.5 * w->probe.wall * w->probe.aperture;
    return w->at[2] > surface_ceiling(&w->surface, w->at[0], w->at[1], radius) + w->drift + reach;
}

static void surface_step(struct world *w, double dt)
{
    if (!w->meniscus.attached && far_above(w)) {
        w->touching = false;
        trouble_in_air(w, INFINITY);
        return;
    }
    look_below(w);
    watch_glass(w);
    if (w->meniscus.attached)
        wetted_step(w, dt);
    else if (w->at[2] - (w->footing.drop_z + w->drift) <= touch_height(w))
        attach(w);
    else
        trouble_in_air(w, w->at[2] - (w->footing.drop_z + w->drift));
}

/* --- time ---------------------------------------------------------------------------------------------- */

static void slow_changes(struct world *w)
{
    double t = world_clock(w);
    int64_t tick = (int64_t)(t / SLOW_TICK);
    if (tick == w->tick)
        return;
    w->tick = tick;
    w->drift = drift_z(&w->sample, &w->drifts, t);
    w->reference = drift_reference(&w->probe, &w->drifts, t);
    w->resistance_factor = drift_resistance(&w->probe, t);
    w->cell.resistance = trouble_resistance(w);
}

static void add_taken(struct world *w, const struct cell_charge *q)
{
    w->taken.stray += q->stray;
    w->taken.leak += q->leak;
    w->taken.layer += q->layer;
    w->taken.film += q->film;
    w->taken.host += q->host;
    w->taken.redox += q->redox;
    w->taken.trace += q->trace;
}

static void count_gaps(struct world *w, ns_t dt)
{
    bool open = w->cell.wet && w->cell.mode == CELL_OPEN && !w->recording;
    if (!open) {
        w->unrecorded_open = 0;
    } else {
        w->counters.open_circuit += w->unrecorded_open <= OPEN_GAP && w->unrecorded_open + dt > OPEN_GAP;
        w->unrecorded_open += dt;
        w->counters.open_circuit_longest =
            fmax(w->counters.open_circuit_longest, ns_to_s(w->unrecorded_open));
    }
    bool on = w->cell.wet && w->cell.mode != CELL_OPEN && !w->recording;
    ns_t before = w->unrecorded_on;
    w->unrecorded_on = on ? before + dt : 0;
    if (w->unrecorded_on > ON_GAP) /* the moments between two measurement loops do not add up */
        w->left_on += before > ON_GAP ? dt : w->unrecorded_on;
}

static void step(struct world *w, ns_t t)
{
    double dt = ns_to_s(t - w->t), was[3] = {w->at[0], w->at[1], w->at[2]};
    ns_t length = t - w->t;
    w->t = t;
    if (w->position)
        w->position(w->position_ctx, t, w->at);
    for (int k = 0; w->position && k < 3; k++)
        w->at[k] += w->shift[k];
    w->moving =
        fabs(w->at[0] - was[0]) > MOVED || fabs(w->at[1] - was[1]) > MOVED || fabs(w->at[2] - was[2]) > MOVED;
    slow_changes(w);
    surface_step(w, dt);
    w->cell.leak = trouble_leak(w);
    struct cell_charge q;
    double area = w->meniscus.attached ? meniscus_area(&w->meniscus) : 0;
    cell_step(&w->cell, &w->wet_spot.cell, dt, world_stray(w, w->at[2]), w->reference, area, &q);
    add_taken(w, &q);
    if (w->ledger.open) {
        q.stray += w->control.stray;
        q.layer += w->control.layer;
        double e = w->cell.wet ? w->cell.potential : w->cell.terminal + w->cell.reference;
        ledger_add(&w->ledger, world_clock(w), e, &q);
    }
    w->control = (struct cell_charge){0};
    count_gaps(w, length);
}

void world_advance(struct world *w, ns_t t)
{
    while (w->t < t) {
        ns_t next = t;
        if ((w->moving || w->meniscus.attached) && t - w->t > LONGEST_STEP)
            next = w->t + LONGEST_STEP;
        step(w, next);
    }
}

static void obey(struct world *w, const struct cell_order *o)
{
    struct cell_charge q = {0};
    cell_control(&w->cell, &w->wet_spot.cell, o->mode, o->setpoint, o->low, o->high, &q);
    add_taken(w, &q);
    w->control.stray += q.stray;
    w->control.layer += q.layer;
}

void world_control(struct world *w, enum cell_mode mode, double setpoint, double compliance_low,
                   double compliance_high)
{
    w->order = (struct cell_order){mode, setpoint, compliance_low, compliance_high};
    if (!w->trouble.open)
        obey(w, &w->order);
}

void world_reconnect(struct world *w)
{
    obey(w, w->trouble.open ? &(struct cell_order){CELL_OPEN, 0, 0, 0} : &w->order);
}

/* An instrument on a broken wire sees its own set point, or its compliance, and no current. */
static void take_nothing(const struct world *w, struct cell_reading *out)
{
    const struct cell_order *o = &w->order;
    bool constant_current = o->mode == CELL_GALVANOSTAT;
    double e = constant_current ? (o->setpoint < 0 ? o->low : o->high) : o->setpoint;
    *out = (struct cell_reading){.charge = 0, .potential = e, .at_compliance = constant_current};
}

void world_take(struct world *w, struct cell_reading *out)
{
    if (w->trouble.open)
        take_nothing(w, out);
    else
        *out = (struct cell_reading){.charge = cell_charge_sum(&w->taken),
                                     .potential = w->cell.terminal,
                                     .at_compliance = w->cell.at_compliance};
    w->taken = (struct cell_charge){0};
}

void world_recording(struct world *w, bool recording)
{
    w->recording = recording;
}

void world_count_envelope(struct world *w)
{
    w->counters.envelope++;
}

struct world_counters world_counters(const struct world *w)
{
    struct world_counters c = w->counters;
    c.cell_left_on = (uint64_t)(w->left_on / NS_S);
    return c;
}

bool world_in_contact(const struct world *w)
{
    return w->meniscus.attached;
}

void world_probe(const struct world *w, double xyz[3])
{
    for (int a = 0; a < 3; a++)
        xyz[a] = w->at[a];
}

enum cell_mode world_cell_mode(const struct world *w)
{
    return w->order.mode;
}
