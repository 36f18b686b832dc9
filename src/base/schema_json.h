/* JSON Schema (draft 2020-12) from the tables that the parser reads by, for editors.
 *
 * A quantity is a string with a unit, so that its pattern asks for a number and a unit's first letter only;
 * which units and what range are in the description, and are the parser's to check. Everything else, keys,
 * kinds, choices, ranges of whole numbers, where `$name` may stand, is the same for both. */
#ifndef SECCM_BASE_SCHEMA_JSON_H
#define SECCM_BASE_SCHEMA_JSON_H

#include "base/schema.h"

/* Appends the schema of a file that `table` reads, indented, with a newline at the end. `id` is its "$id";
 * `elsewhere` is the table of its NODE_ELSEWHERE, NULL = anything may stand there. */
void schema_json(const struct fields *table, const char *id, const char *title,
                 const struct fields *elsewhere, struct buf *out);

#endif
