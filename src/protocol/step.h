/* Reading the steps of `site` into an array. */
#ifndef SECCM_PROTOCOL_STEP_H
#define SECCM_PROTOCOL_STEP_H

#include "protocol/protocol.h"

extern const struct fields until_fields;

/* Reads the list of `site` into p->step. Errors go to `d`; what could be read is kept. */
void step_read_all(struct protocol *p, struct diags *d);
void step_free_all(struct protocol *p);
/* Field of the table that a condition of `until` was read by. */
const struct field *until_field(enum until_what w);
/* A name of a step or factor: a letter, then letters, digits, - and _. */
bool name_is_plain(const char *text);

#endif
