/* Features that a protocol speaks of: they must exist, and a step of the site must give them. */
#ifndef SECCM_PROTOCOL_FEATURE_USE_H
#define SECCM_PROTOCOL_FEATURE_USE_H

#include "analysis/registry.h"
#include "protocol/plan.h"

/* Reads a feature as it is written ("formation.q_sei@1"), of a step of a site or of a control site. Fills in
 * the step where only one can be meant. The first error goes to `d`; false then. */
bool feature_use_read(const struct protocol *p, bool control, const char *text, struct mark m,
                      struct feature_ref *out, struct diags *d);
/* true if the step has the feature, with a value or with a reason why it is missing. */
bool feature_use_gives(const struct step *s, const char *name);
/* Says of a step that has it not that it has not. */
void feature_use_refuse(const struct step *s, const char *name, struct mark m, struct diags *d);
/* false, with an error: the feature has no value in that cycle, whatever is played. */
bool feature_use_in_cycle(const char *name, int cycle, struct mark m, struct diags *d);
/* true if the feature's step plays the cycle that is asked for at a site with these levels. */
bool feature_use_played(const struct plan *p, const struct feature_ref *f, const int level[FACTOR_MAX],
                        bool control);

#endif
