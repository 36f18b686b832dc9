/* Help about a file from the tables that the parser reads by, for a terminal. */
#ifndef SECCM_BASE_SCHEMA_HELP_H
#define SECCM_BASE_SCHEMA_HELP_H

#include "base/schema.h"

#define HELP_WIDTH 100 /* columns */

/* Appends every key of the table and of the tables below it: what it takes, default and range, and what it
 * means. */
void schema_help(const struct fields *table, struct buf *out);
/* Appends text, broken at blanks so that no line is longer than HELP_WIDTH; lines begin with `indent` blanks.
 */
void help_wrap(const char *text, int indent, struct buf *out);
/* The same at `limit` columns; lines but the first begin with `hanging` blanks more. */
void help_wrap_to(const char *text, int indent, int hanging, int limit, struct buf *out);

#endif
