/* What `seccm rig check` does with the instruments: small moves, the sign of a displacement current, the safe
 * state. */
#ifndef SECCM_RUN_VERIFY_H
#define SECCM_RUN_VERIFY_H

#include "instrument/rig.h"
#include "run/ladder.h"

/* Moves one axis by 2 um and back, slowly, and checks that the position followed. z moves away from the
 * sample; if it is fully retracted already there is no way but toward it: down 2 um and back, which is why
 * the operator is asked first whether the probe is far away. *step (m): the move made, z positive away from
 * the sample. */
bool verify_axis(struct rig *r, enum axis a, double *step, struct err *e);
/* A small triangle in air: with both signs right or both wrong the displacement current follows dE/dt
 * (*capacitance > 0, F). ERR_LIMIT if it is negative or not what the rig file expects. */
bool verify_wiring(struct rig *r, double *capacitance, struct err *e);
struct verified_safe {
    enum rung rung; /* how z came up; RUNG_NONE: it is not known to be up */
    bool open;      /* the cell of the potentiostat that the rig file says */
    /* What was wrong with each: why z or the cell is not proven; without an error nothing was. */
    struct err stage, pstat;
};

/* S4 for a rig that was opened and not identified yet, whatever it was doing: stop and cell off are written
 * at once; a stage that is what the rig file says is retracted, by the ladder (S5: z alone); the cell is
 * opened. Neither keeps the other from its part. A stage that does not say who it is is not moved. True if
 * both are verified. Waits, bounded. */
bool verify_safe_state(struct rig *r, struct verified_safe *out);

#endif
