/* The ledger of the sample: for each contact where and when it was, the film it left, and for each sweep of
 * the potential the charge that really flowed, by cause. */
#ifndef SECCM_SIM_WORLD_LEDGER_H
#define SECCM_SIM_WORLD_LEDGER_H

#include "sim/cell.h"
#include "sim/world.h"

/* Film charge per interval of potential, so that any window can be asked for later. */
#define LEDGER_BIN_WIDTH 0.01   /* V */
#define LEDGER_LOWEST    (-1.0) /* V versus Li/Li+, lower end of bin 0 */
enum { LEDGER_BINS = 700 };

/* A sweep: the potential moves one way, or stands. It ends when the potential comes back by more than 5 mV.
 */
struct sweep {
    double t_s, e_from, e_to;  /* s; V versus Li/Li+ */
    struct cell_charge charge; /* C */
    int first, bins;           /* film charge in bins first .. first + bins - 1 */
    float *bin;                /* heap, C */
};

struct contact {
    double x, y, contact_z, t_s, broke_t_s, break_height; /* m, s; broke_t_s NAN while attached */
    double wetted, residue;                               /* m, diameters */
    double active;
    struct film film;
    struct host host;
    struct sweep *sweep; /* heap */
    int sweeps, room;
    char *text; /* heap: line of the state file, NULL until it is needed; only after the break */
};

struct ledger {
    struct contact *contact; /* heap */
    int contacts, room;
    bool open; /* the last contact is going on */
    /* the sweep going on, and what flowed since its extreme and may belong to the next */
    struct sweep now;
    int direction; /* -1, 0 (not known yet), +1 */
    double extreme, t_extreme;
    struct cell_charge pending;
    double bin[LEDGER_BINS];
};

void ledger_free(struct ledger *l);
/* Opens a contact at potential e (V versus Li/Li+) and time t (s); returned pointer is valid until the next
 * open. */
struct contact *ledger_open(struct ledger *l, double t, double e);
/* Adds the charges of a step that ended at potential e. No allocation but when a sweep ends. */
void ledger_add(struct ledger *l, double t, double e, const struct cell_charge *q);
/* Ends the contact and its last sweep. */
void ledger_close(struct ledger *l);
/* The sweep going on as if it ended now, into `out` (out->bin is heap and the caller's). */
void ledger_current(const struct ledger *l, struct sweep *out);
/* Film charge of a sweep between two potentials; bins that are cut count in proportion. */
double sweep_film_window(const struct sweep *s, double lo, double hi);
struct contact *ledger_append(struct ledger *l);

#endif
