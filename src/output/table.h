/* A table with named columns that prints as text, CSV or JSON: the one way in which commands put rows on
 * stdout.
 *
 * Numbers go in as SI; what is printed is in the unit of unit_of(), which stands in the header of text and
 * CSV
 * (`contact_z_um`) and beside each value in JSON. A missing value is an empty cell or null, never 0. The
 * table copies all texts. */
#ifndef SECCM_OUTPUT_TABLE_H
#define SECCM_OUTPUT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/quantity.h"

enum cell_kind { CELL_TEXT, CELL_INT, CELL_NUMBER, CELL_BOOL };
enum table_format { TABLE_TEXT, TABLE_CSV, TABLE_JSON };

#define TABLE_MISSING INT64_MIN /* an integer that is not there */

struct table;

struct table *table_new(void);
void table_free(struct table *t);

/* Adds a column, before the first row. `name` without unit; `dim` is looked at for CELL_NUMBER only. */
void table_column(struct table *t, const char *name, enum cell_kind kind, enum dim dim);

/* Cells of the current row from left to right; the next row begins by itself. The kind must be the column's
 * (asserted). NULL text is an empty one. */
void table_text(struct table *t, const char *text);
void table_int(struct table *t, int64_t value);
void table_number(struct table *t, double si);
void table_bool(struct table *t, bool value);

/* Significant digits of numbers printed as text (6 at first); CSV and JSON always have all. */
void table_digits(struct table *t, int digits);

int table_rows(const struct table *t);
int table_columns(const struct table *t);
const char *table_name(const struct table *t, int column);             /* without unit */
void table_header(const struct table *t, int column, struct buf *out); /* with unit */
enum cell_kind table_kind(const struct table *t, int column);
enum dim table_dim(const struct table *t, int column);
const char *table_get_text(const struct table *t, int row, int column);
/* Integers, booleans (0, 1) and numbers (SI) alike; NAN = missing. */
double table_get_number(const struct table *t, int row, int column);

/* Keeps the rows with keep[row]. */
void table_keep(struct table *t, const bool *keep);

void table_print(const struct table *t, enum table_format format, struct buf *out);
/* The two flags that commands offer; --json wins. */
enum table_format table_format_of(bool csv, bool json);

/* A number as CSV and JSON print it: at most 15 significant digits after a change of unit, so that 1.1e-6 m
 * is 1.1 um; every digit if the unit is SI. Prints nothing for NAN. */
void table_print_number(double si, enum dim dim, struct buf *out);

#endif
