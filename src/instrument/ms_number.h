/* Numbers of a MethodSCRIPT: an integer and one SI prefix character, no decimal point ("-1500m", "2",
 * "9218750p"). */
#ifndef SECCM_INSTRUMENT_MS_NUMBER_H
#define SECCM_INSTRUMENT_MS_NUMBER_H

#include "base/buf.h"

/* Smallest steps that are written; finer than any of the instruments resolves. */
enum { MS_QUANTUM_VOLT = -6, MS_QUANTUM_AMPERE = -15, MS_QUANTUM_SECOND = -6 };

/* Appends `value` rounded to 10^quantum (quantum a multiple of 3, -18..18) with the largest prefix that is
 * exact. The integer stays below 10^8 (the device keeps 28 bits): values too large for the quantum are
 * rounded to a coarser one, at no less than 5 significant digits. */
void ms_number(struct buf *b, double value, int quantum);

#endif
