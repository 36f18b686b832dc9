/* Equal consecutive pieces of a script as a loop: ten pulses are written once, and `loop k0 < 10i` runs them
 * ten times. What the device executes is the same, command for command, as if all were written out. */
#ifndef SECCM_INSTRUMENT_MS_FOLD_H
#define SECCM_INSTRUMENT_MS_FOLD_H

#include "base/buf.h"

enum { MS_FOLD_DEPTH = 4 }; /* loops within loops; their counters are the variables k0, k1, ... */

/* Appends the pieces in order, folded; returns the number of counters that it uses. A loop in MethodSCRIPT
 * holds whole pieces only. */
int ms_fold(const struct buf *piece, int n, struct buf *out);

#endif
