/* Units as people write them (mA/cm², µm, °C, deg, 1/s) as text for UDUNITS-2. */
#ifndef SECCM_BASE_UNIT_TEXT_H
#define SECCM_BASE_UNIT_TEXT_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the unit as ASCII text for UDUNITS-2; false if it holds anything that is not part of a unit to us.
 */
bool unit_text(const char *unit, struct buf *out);

#endif
