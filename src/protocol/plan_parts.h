/* What the files of the plan's text share; nobody else includes this. */
#ifndef SECCM_PROTOCOL_PLAN_PARTS_H
#define SECCM_PROTOCOL_PLAN_PARTS_H

#include "protocol/plan.h"

/* "45 s", "12 min", "9 h 05 min". */
void plan_add_duration(struct buf *out, double s);
/* The sequence of controls and what they must show; nothing without controls. */
void plan_add_controls(const struct plan *p, struct buf *out);
/* When it is done by the clock, and the rules that may end it earlier; each begins with a new line. */
void plan_add_clock(const struct plan *p, struct buf *out);

#endif
