/* What a sample file and the `probe:` map of a simulated rig may say: plain data, SI. */
#ifndef SECCM_SIM_WORLD_CONFIG_H
#define SECCM_SIM_WORLD_CONFIG_H

#include "base/schema.h"
#include "sim/cell.h"
#include "sim/meniscus.h"
#include "sim/surface.h"

/* A part of the surface with its own grade; also the reference patch. A disk or a rectangle about (x, y). */
struct region {
    char *name;
    double x, y;                                   /* m */
    double radius;                                 /* m, or NAN: */
    double width, height;                          /* m */
    double edge_density;                           /* 0..1, mean inside */
    double spread;                                 /* factor of all site-to-site spreads inside */
    double corrosion_potential, corrosion_density; /* V, A/m2; NAN = as elsewhere */
};

struct sample_config {
    char *name, *note;
    struct surface_config surface;
    struct wetting_config wetting;
    struct {
        double mean, spread, correlation; /* 0..1, 0..1, m */
    } edges;
    struct {
        double capacitance, zero_charge, edge_gain, spread; /* F/m2, V, relative per edge density, relative */
    } layer;
    struct {
        double charge, charge_edge, charge_spread; /* C/m2; relative gain at edge density 1; relative */
        double onset, onset_edge, onset_spread;    /* V at edge density 0, at 1; V */
        double tafel, onset_current, blocking;     /* V per e; A/m2; lambda / saturation */
        double residual, residual_edge; /* part of `charge` per s and V; relative loss at edge density 1 */
        double dissolve_rate, dissolve_above, soluble, recovered;
    } sei;
    struct host_law host;
    struct redox_law redox;
    struct trace_law trace;
    struct corrosion_law corrosion;
    double corrosion_spread; /* V, standard deviation from site to site */
    struct {
        double film, host,
            capacitance; /* of what lies between the particles, relative to them; 1 = the same */
    } binder;
    struct {
        double rate, walk; /* m/s; m, RMS of the wandering */
    } drift;
    struct region *region; /* heap; region[i] has index i + 1, 0 is the bulk */
    int regions;
};

struct probe_config {
    double aperture, wall;    /* m, diameter; outer diameter of the glass / aperture */
    double resistance;        /* ohm */
    double stray, stray_gain; /* F far above the sample; relative rise at the surface */
    double leak;              /* ohm */
    double evaporation;       /* relative growth of the resistance per hour */
    double clog, clog_factor; /* probability per contact; what it multiplies the resistance by */
    double blocked;           /* probability per contact that the probe is lost altogether */
    struct meniscus_config meniscus;
    struct {
        double potential, rate, walk; /* V versus Li/Li+; V/s; V, RMS of the wandering */
        double jump_every, jump;      /* s, mean time between jumps (0 = none); V, standard deviation */
    } qrce;
};

extern const struct fields sample_fields, probe_fields;

/* Reads both maps (NULL = defaults); lists included. False if an error was added. Free in either case. */
bool sample_config_read(const struct ynode *n, struct sample_config *out, struct diags *d);
bool probe_config_read(const struct ynode *n, struct probe_config *out, struct diags *d);
void sample_config_free(struct sample_config *c);

#endif
