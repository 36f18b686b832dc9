/* What `seccm rig check` does with the instruments: small moves, the sign of a displacement current, the safe
 * state. */
#ifndef SECCM_RUN_VERIFY_H
#define SECCM_RUN_VERIFY_H

#include "instrument/rig.h"

/* Moves one axis by 2 um and back, slowly, and checks that the position followed. z moves away from the
 * sample; if it is fully retracted already there is no way but toward it: down 2 um and back, which is why
 * the operator is asked first whether the probe is far away. *step (m): the move made, z positive away from
 * the sample. */
bool verify_axis(struct rig *r, enum axis a, double *step, struct err *e);
/* A small triangle in air: with both signs right or both wrong the displacement current follows dE/dt
 * (*capacitance > 0, F). ERR_LIMIT if it is negative or not what the rig file expects. */
bool verify_wiring(struct rig *r, double *capacitance, struct err *e);
/* Stop, cell open, full retraction, each verified. */
bool verify_safe_state(struct rig *r, struct err *e);

#endif
