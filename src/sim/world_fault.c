/* What goes wrong with drop, sample and probe: factors and switches that the world asks for where they act.
 *
 * Sizes: a drop that hangs down reaches 8 um, which is more than a hop's usual clearance and less than the
 * usual way to the retracted end; a spreading contact triples its area within about 2 s; what gets wet
 * outside adds a fifth of the stray capacitance and a tenth of the wetted diameter with every contact. */
#include <math.h>

#include "sim/world_parts.h"

static const double PENDANT = 8e-6;      /* m */
static const double ELSEWHERE = 0.5e-6;  /* m sideways: another place */
static const double FLICKER = 4e-3;      /* s of contact */
static const double WIDER = 1.7320508;   /* of the diameter: three times the area */
static const double SPREADING = 1;       /* s */
static const double FLOODED = 1 / 20e6;  /* S */
static const double SHORTED = 1e-9;      /* S */
static const double SHORTED_STRAY = 5;   /* times */
static const double BLOCKED = 1e4;       /* times the resistance: 100 Gohm, 3 ms with a usual double layer */
static const double BROKEN = 3;          /* times the aperture */
static const double SOAKED_STRAY = 0.2;  /* part of the stray capacitance per contact */
static const double SOAKED_SPREAD = 0.1; /* part of the diameter per contact */

/* --- the drop ------------------------------------------------------------------------------------------ */

/* The fast part of the spreading stays what it was, the slow part does the rest. */
static void widen(struct meniscus_law *law)
{
    double was = law->ratio - law->w.start;
    law->ratio *= WIDER;
    law->w.largest *= WIDER;
    law->w.fast_part *= was / (law->ratio - law->w.start);
    law->w.slow = SPREADING;
}

static bool hangs_here(const struct world *w)
{
    const struct troubles *t = &w->trouble;
    return t->pendant && !w->moving && hypot(w->at[0] - t->pendant_x, w->at[1] - t->pendant_y) > ELSEWHERE;
}

void trouble_attach(struct world *w, struct meniscus_law *law)
{
    struct troubles *t = &w->trouble;
    if (t->wetting)
        t->soaked++;
    law->ratio *= 1 + SOAKED_SPREAD * t->soaked;
    law->w.largest *= 1 + SOAKED_SPREAD * t->soaked;
    if (t->spreads)
        widen(law);
    double height = w->at[2] - (w->wet_z + w->drift);
    t->hanging = hangs_here(w) && height > law->break_height;
    if (t->hanging)
        law->break_height = PENDANT;
    t->pendant = t->pendant && !t->hanging;
    t->flickering = t->flickers;
}

bool trouble_breaks(struct world *w)
{
    struct troubles *t = &w->trouble;
    if (t->dry)
        return true;
    if (t->flickering && !w->moving && w->cell.age > FLICKER) {
        t->recoiled = true;
        return true;
    }
    return false;
}

double trouble_touch(const struct world *w, double touch)
{
    if (w->trouble.dry || w->trouble.recoiled)
        return -INFINITY;
    return hangs_here(w) ? PENDANT : touch;
}

double trouble_reach(const struct world *w)
{
    return w->trouble.pendant ? PENDANT : 0;
}

void trouble_in_air(struct world *w, double height)
{
    if (height > w->spot.meniscus.break_height)
        w->trouble.recoiled = false;
}

/* --- the probe ----------------------------------------------------------------------------------------- */

double trouble_resistance(const struct world *w)
{
    return w->probe.resistance * w->resistance_factor * w->clog * w->trouble.blocked / w->trouble.broken;
}

double trouble_leak(const struct world *w)
{
    double leak = 1 / w->probe.leak;
    if (w->trouble.shorted)
        leak += SHORTED;
    if (w->trouble.flood && w->meniscus.attached)
        leak += FLOODED;
    return leak;
}

double trouble_stray(const struct world *w)
{
    return (w->trouble.shorted ? SHORTED_STRAY : 1) * (1 + SOAKED_STRAY * w->trouble.soaked);
}

/* The glass does not heal. */
static void break_off(struct world *w)
{
    if (w->trouble.broken == 1)
        trouble_take_damage(w, BROKEN, w->trouble.soaked);
}

void trouble_take_damage(struct world *w, double broken, int soaked)
{
    w->probe.aperture *= broken / w->trouble.broken;
    w->trouble.broken = broken;
    w->trouble.soaked = soaked;
    w->known = false;
    w->cell.resistance = trouble_resistance(w);
}

void trouble_new_probe(struct world *w)
{
    trouble_take_damage(w, 1, 0);
}

/* --- switches ------------------------------------------------------------------------------------------ */

static void pendant(struct world *w, bool on)
{
    w->trouble.pendant = on;
    w->trouble.pendant_x = w->at[0];
    w->trouble.pendant_y = w->at[1];
    if (!on && w->trouble.hanging)
        w->wet_spot.meniscus.break_height = -INFINITY;
}

static void probe_fault(struct world *w, enum sim_fault f, bool on)
{
    struct troubles *t = &w->trouble;
    if (f == SIM_PROBE_OPEN && on != t->open) {
        t->open = on;
        world_reconnect(w);
    } else if (f == SIM_PROBE_SHORTED) {
        t->shorted = on;
    } else if (f == SIM_PROBE_BLOCKED) {
        t->blocked = on ? BLOCKED : 1;
        w->cell.resistance = trouble_resistance(w);
    } else if (f == SIM_PROBE_BROKEN && on) {
        break_off(w);
    } else if (f == SIM_PROBE_WETTING) {
        t->wetting = on;
    }
}

void world_fault(struct world *w, enum sim_fault f, bool on)
{
    struct troubles *t = &w->trouble;
    switch (f) {
    case SIM_DROP_LOST:
        t->dry = on;
        return;
    case SIM_DROP_PENDANT:
        pendant(w, on);
        return;
    case SIM_DROP_STICKS:
        t->sticks = on;
        return;
    case SIM_DROP_SPREADS:
        t->spreads = on;
        if (on && w->meniscus.attached)
            widen(&w->wet_spot.meniscus);
        return;
    case SIM_CONTACT_FLICKERS:
        t->flickers = on;
        return;
    case SIM_FLOOD:
        t->flood = on;
        return;
    default:
        probe_fault(w, f, on);
        return;
    }
}
