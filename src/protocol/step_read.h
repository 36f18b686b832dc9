/* Reading lists of steps, with what they include and use. */
#ifndef SECCM_PROTOCOL_STEP_READ_H
#define SECCM_PROTOCOL_STEP_READ_H

#include "protocol/protocol.h"

/* Tables of `steps` files, for help and schema. */
extern const struct fields fragment_fields;

/* Reads `site` (and whatever other lists there are) into p->step. Errors go to `d`; what could be read is
 * kept. */
void step_read_all(struct protocol *p, struct diags *d);
/* Appends the steps of one more list to p->step and sets *out; `what` names the list in messages
 * ("control.steps"). Call it between step_begin() and step_finish(). An absent list (NULL) is left empty. */
void step_read_list(struct protocol *p, const struct ynode *list, const char *what, struct step_list *out,
                    struct diags *d);
/* `steps`: the named ones. */
void step_begin(struct protocol *p, struct diags *d);
/* Tells of named steps that nothing uses. */
void step_finish(struct protocol *p, struct diags *d);
void step_free_all(struct protocol *p);

#endif
