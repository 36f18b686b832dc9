/* Modes, ranges and the cell's switch: what has to change before a segment's loop, and no more than that.
 *
 * The cell is opened only where the instrument can not go on otherwise. Behind a gate it may depend on the
 * way taken whether the cell is on: there the script itself looks (its variable m) before it switches
 * anything. */
#ifndef SECCM_INSTRUMENT_MS_MODE_H
#define SECCM_INSTRUMENT_MS_MODE_H

#include "instrument/ms_check.h"
#include "instrument/ms_writer.h"

/* All potentials that the potentiostatic segments apply; low > high if there is none. */
struct ms_span ms_applied_span(const struct ms_writer *w);

/* Potentiostat, the segment's current range, cell on; a cell that was off begins at `potential` (V,
 * instrument frame). */
void ms_enter_potentiostat(struct ms_writer *w, const struct segment *s, double potential);
/* Galvanostat with no current set: the cell carries none before the loop records it. */
void ms_enter_galvanostat(struct ms_writer *w, const struct segment *s);
/* Cell off. */
void ms_enter_open(struct ms_writer *w);
void ms_leave_galvanostat(struct ms_writer *w);

/* What is known where both ways meet. */
struct ms_state ms_state_join(struct ms_state a, struct ms_state b);

#endif
