/* The physical world of the simulated rig: sample surface, meniscus, electrochemical cell, and the counters
 * of what must never happen. Stage and potentiostat firmware act on it; nobody else does.
 *
 * Frames: sample coordinates in metres, x and y along the sample, z = height of the probe's glass end above
 * the mean sample plane (up is positive, toward the sample is falling z). Potentials here are the sample's
 * against Li/Li+ in volts, currents are the sample's with oxidation positive, in amperes: the physical truth,
 * before any wiring or reference. Deterministic for a seed; noise of the electronics belongs to the
 * potentiostat. */
#ifndef SECCM_SIM_WORLD_H
#define SECCM_SIM_WORLD_H

#include "base/loop.h"
#include "base/yaml.h"
#include "sim/fault.h"

struct world;

/* Reads the `sample:` and `probe:` maps of a simulated rig (tables in sim/world_config.c); every error goes
 * to `d` and NULL comes back. The tree need not outlive the call. */
struct world *world_new(const struct ynode *sample, const struct ynode *probe, uint64_t seed,
                        struct diags *d);
void world_free(struct world *w);

/* The loop's time at which the world begins, if it is not 0; before anything else. */
void world_begin(struct world *w, ns_t t);
/* Where the probe is: the stage tells. fn must give the true position at time t >= the last asked. */
void world_set_position(struct world *w, void (*fn)(void *ctx, ns_t t, double xyz[3]), void *ctx);

/* Another probe is mounted: the nth (the first is 1), its end displaced from where the first one's would be
 * (m, sample frame). One that was not seen before is not clogged, broken or wet
 * outside. Behind world_load(). */
void world_set_probe(struct world *w, int number, const double shift[3]);

/* What is connected to the cell from now (the time of the last advance) on. */
enum cell_mode {
    CELL_OPEN,         /* nothing connected: open circuit */
    CELL_POTENTIOSTAT, /* setpoint: volts, probe QRCE against sample handled by the caller: see below */
    CELL_GALVANOSTAT,  /* setpoint: amperes, sample, oxidation positive; compliance in volts versus QRCE */
};
/* setpoint for CELL_POTENTIOSTAT is the sample potential versus the QRCE (V); the world adds the true QRCE
 * potential. */
void world_control(struct world *w, enum cell_mode mode, double setpoint, double compliance_low,
                   double compliance_high);

/* Advances physics to time t (>= last) with the control in force. Called by the stage at least every
 * millisecond while anything moves and by the potentiostat at each of its samples; steps longer than 1 ms are
 * subdivided while the probe is in contact or moving. */
void world_advance(struct world *w, ns_t t);

/* Charge (C, sample, oxidation positive) passed since the last call of world_take_charge() and the sample
 * potential versus the QRCE (V) at the end; what an ideal instrument would integrate. */
struct cell_reading {
    double charge;
    double potential;
    bool at_compliance; /* galvanostat only */
};
void world_take(struct world *w, struct cell_reading *out);

/* What must never happen, counted from the sample's side. */
struct world_counters {
    uint64_t contacts;     /* menisci formed */
    uint64_t crashes;      /* glass touched the surface (counted once per touch) */
    uint64_t drags;        /* xy moved more than 20 nm while glass touched */
    uint64_t wet_travel;   /* xy moved more than 50 nm while a meniscus was attached (once per contact) */
    uint64_t envelope;     /* stage reached beyond its declared safe envelope */
    uint64_t cell_left_on; /* seconds (rounded down) that the cell stayed connected to a contact while nobody
                              sampled */
    uint64_t open_circuit; /* times a wetted contact was at open circuit with nobody recording it */
    double open_circuit_longest; /* s */
    uint64_t revisited;          /* contacts on a spot that overlaps an earlier footprint */
};
/* The potentiostat tells when it records (a measurement loop runs): false -> the two counters above count. */
void world_recording(struct world *w, bool recording);
/* Stage tells that it was commanded outside its safe envelope. */
void world_count_envelope(struct world *w);
struct world_counters world_counters(const struct world *w);

bool world_in_contact(const struct world *w);
/* As of the last advance, for tests: where the glass is, and what is connected to the cell. */
void world_probe(const struct world *w, double xyz[3]);
enum cell_mode world_cell_mode(const struct world *w);
/* Faults of drop, sample and probe (SIM_DROP_LOST to SIM_PROBE_WETTING; others are ignored), from now (the
 * time of the last advance) until switched off again. They are not part of the state that is saved, but what
 * they did to the probe is. */
void world_fault(struct world *w, enum sim_fault f, bool on);

/* Persistent state of the sample (touched spots with their footprints, film charges and ledgers, QRCE drift):
 * a YAML text file beside the results file. Load before the first advance; a missing file means a fresh
 * sample. Save writes a temporary file and renames it. */
bool world_load(struct world *w, const char *path, struct err *e);
bool world_save(const struct world *w, const char *path, struct err *e);
/* Saves now; from now on every contact is appended to the file when the drop touches and again when it
 * breaks, with clock and counters, so that a process that is killed leaves the sample as it is. The work per
 * contact does not grow with their number. Until the world is freed or saved; what can not be appended later
 * is told by world_save(). */
bool world_journal(struct world *w, const char *path, struct err *e);

/* Ground truth of a fresh spot: residues of earlier contacts, over which a drop touches earlier, are left
 * out. t_s is the time of the loop (s), for the drift; times in the ledger are those of the sample's own
 * clock, which goes on over restarts (the same as long as no state was loaded). */
struct world_truth {
    double x, y;               /* m */
    double surface_z;          /* local sample height, m */
    double contact_z;          /* height of the glass at which a meniscus forms on slow approach, m */
    double peak_z;             /* highest surface point within the wall of the pipette, m */
    bool insulating;           /* no current contact signal here */
    double edge_density;       /* 0..1 property that film parameters follow */
    double wetted_diameter;    /* after the initial spreading, m */
    double sei_charge_density; /* C/m2 that saturates the film */
    double sei_onset;          /* V versus Li/Li+ */
    double capacitance;        /* F/m2 */
    int region;                /* index of the region/patch, 0 = bulk */
    double activity;           /* of the particle here or of the binder, relative to the sample's storage */
    double corrosion;          /* V: corrosion potential */
};
void world_truth_at(const struct world *w, double x, double y, double t_s, struct world_truth *out);

/* Predicted noise-free faradaic SEI charge of a fresh spot in the potential window [lo, hi] (V versus Li/Li+)
 * on each reducing sweep of a voltammogram start -> low -> start at `rate`: q[cycle] in C (negative). */
void world_truth_cv(const struct world *w, double x, double y, double start, double low, double rate,
                    int cycles, double window_lo, double window_hi, double *q);

/* Ledger: what really flowed at each contact so far. */
struct world_sweep {
    bool reducing;
    double t_s;                           /* start */
    double e_from, e_to;                  /* V versus Li/Li+ (true) */
    double q_total, q_sei, q_dl, q_other; /* C, signed */
    double q_host;                        /* C, part of q_other: reversible storage */
    double q_sei_window;                  /* C within the window asked for */
};
int world_contact_count(const struct world *w);
struct world_contact_info {
    double x, y, contact_z, t_s, broke_t_s, break_height, wetted_diameter, residue_diameter;
    double film_charge; /* C, now */
    int sweeps;
};
void world_contact(const struct world *w, int index, struct world_contact_info *out);
bool world_contact_sweep(const struct world *w, int index, int sweep, double window_lo, double window_hi,
                         struct world_sweep *out);

#endif
