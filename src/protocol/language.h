/* The four kinds of file that one writes, as the program itself describes them: `seccm help` and `seccm
 * schema`. */
#ifndef SECCM_PROTOCOL_LANGUAGE_H
#define SECCM_PROTOCOL_LANGUAGE_H

#include "base/schema.h"

struct language {
    const char *name; /* protocol, steps, grid, rig */
    const char *title;
    const struct fields *fields;
    const char *intro; /* paragraphs, separated by empty lines */
    const char
        *example; /* a file that can be used as it stands: the protocol's names grid.yaml and rig.yaml */
};

#define LANGUAGES 4
extern const struct language languages[LANGUAGES];
/* NULL if there is none of that name. */
const struct language *language_find(const char *name);

/* JSON Schema of such a file, indented. `simulate`: the table of a rig's `simulate:`, which the simulator
 * knows; NULL = anything may stand there. */
void language_schema(const struct language *l, const struct fields *simulate, struct buf *out);
/* All keys and the example, for a terminal. */
void language_help(const struct language *l, struct buf *out);

#endif
