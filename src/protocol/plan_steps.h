/* The steps of a site as `seccm plan` tells of them: nested as they are written, with the gates of conditions
 * and the gaps that can not be avoided. */
#ifndef SECCM_PROTOCOL_PLAN_STEPS_H
#define SECCM_PROTOCOL_PLAN_STEPS_H

#include "protocol/plan.h"

/* Paragraphs "at each site:" and, if they differ, "at each control site:". */
void plan_print_steps(const struct plan *p, struct buf *out);
/* The same as members `"steps": [...]` and `"control_steps": [...]` of an object, each with a comma behind.
 */
void plan_json_steps(const struct plan *p, struct buf *out);

#endif
