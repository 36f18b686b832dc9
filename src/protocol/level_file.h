/* Levels from a table: one value per site, from a column of a CSV file (RFC 4180; separators comma, semicolon
 * or tab, whichever stands first in the header; lines that begin with # are left out).
 *
 * The unit stands in the header, `potential_V`, `rate_mV_per_s`, `potential (V)`, `potential [V]` or
 * `potential/V`, or behind each number. A column `site` says which site a row is for; without it the first
 * row is for site 1. */
#ifndef SECCM_PROTOCOL_LEVEL_FILE_H
#define SECCM_PROTOCOL_LEVEL_FILE_H

#include "protocol/grid.h"
#include "protocol/protocol.h"

/* Reads column `column` (its name with or without the unit) of f->source into the levels of `f` and
 * f->of_site. Errors go to `d`, with their place in the file, or at `where` if the column is not there. */
bool level_file_read(struct factor *f, const char *column, struct mark where, struct diags *d);
/* The same from column `column` of the grid's listed points; f->of_site then goes by points (f->of_points).
 */
bool level_points_read(struct factor *f, const struct grid *g, const char *column, struct mark where,
                       struct diags *d);

#endif
