/* The electrochemical cell between probe and sample: what current flows for what is connected.
 *
 *        terminal V (sample versus QRCE) --+-- stray capacitance C_s(z) --+-- QRCE
 *                                          +-- leak 1/R_L ----------------+
 *                                          +-- pipette R -- interface E --+   E versus Li/Li+, QRCE at E_ref
 *     interface: double layer C_dl A (E - E_pzc), film, host, redox couple, trace reduction, corrosion
 *
 * One implicit (backward Euler) step solves for E in all three modes, so that neither the nanosecond time
 * constant of pipette and double layer nor a steep Tafel law limits the step. Every charge is a difference of
 * states or a rate times the step, and what the instrument sees is their sum: charge is conserved by
 * construction. */
#ifndef SECCM_SIM_CELL_H
#define SECCM_SIM_CELL_H

#include <stdbool.h>

#include "sim/cell_film.h"
#include "sim/cell_host.h"
#include "sim/world.h"

/* A dissolved couple with steady-state transport in the pipette. */
struct redox_law {
    double limiting; /* A; sign: + oxidation, - reduction; 0 = no couple */
    double formal;   /* V versus Li/Li+ */
    double rate;     /* k0, m/s */
    double transfer; /* alpha */
    double mass;     /* m_t at the aperture's area, m/s */
};

/* Trace oxygen and water: a small reduction current that is used up below the drop. */
struct trace_law {
    double density; /* A/m2 at first, positive */
    double below;   /* V versus Li/Li+ */
    double decay;   /* s, hyperbolic */
};

/* A metal that dissolves while something is reduced on it (Wagner and Traud, Z. Elektrochem. 1938, 44, 391):
 * both currents are `density` at `potential`, which is what the open circuit shows. */
struct corrosion_law {
    double density;          /* A/m2; 0 = none */
    double potential;        /* V, on the scale of all potentials here */
    double anodic, cathodic; /* Tafel slopes, V per decade, positive */
};

/* The electrode below one drop. */
struct cell_law {
    double capacitance, zero_charge; /* F/m2; V versus Li/Li+ */
    double aperture_area;            /* m2 */
    struct film_law film;
    struct host_law host;
    struct redox_law redox;
    struct trace_law trace;
    struct corrosion_law corrosion;
};

/* Charges by cause, C, oxidation positive. Corrosion is counted with `redox`. */
struct cell_charge {
    double stray, leak, layer, film, host, redox, trace;
};
static inline double cell_charge_sum(const struct cell_charge *q)
{
    return q->stray + q->leak + q->layer + q->film + q->host + q->redox + q->trace;
}

struct cell {
    enum cell_mode mode;
    double setpoint, low, high; /* as world_control() */
    bool at_compliance;
    double terminal;                /* V, sample versus QRCE */
    double reference;               /* V, QRCE versus Li/Li+ */
    double resistance, leak, stray; /* ohm, S, F */
    double stray_charge;
    /* interface; meaningful while wet */
    bool wet;
    double active;    /* part of the wetted area that conducts */
    double area;      /* m2 that conducts */
    double potential; /* E */
    double drop;      /* V, IR drop of the last step, to guess the next */
    double layer_charge;
    double age;       /* s since the drop touched */
    struct film film; /* in geometric areas; its charges are multiplied by `active` */
    struct host host;
};

void cell_init(struct cell *c, double resistance, double leak, double stray, double reference);
/* A drop touched here: the interface starts without charge and is charged by the next step. */
void cell_attach(struct cell *c, const struct cell_law *law, double area, double active);
void cell_detach(struct cell *c);
/* Connects at once; a change of potential charges the capacitances at once and is added to `q`. */
void cell_control(struct cell *c, const struct cell_law *law, enum cell_mode mode, double setpoint,
                  double low, double high, struct cell_charge *q);
/* One step of dt > 0 seconds to the given stray capacitance (F), reference (V) and wetted area (m2, ignored
 * unless wet); the charges of the step are written to `q`. `law` may be NULL unless wet. */
void cell_step(struct cell *c, const struct cell_law *law, double dt, double stray, double reference,
               double area, struct cell_charge *q);

#endif
