/* Choosing rows of a table by an expression such as
 *
 *     outcome = measured and cutoff < 0.6 V and contact_z != missing
 *
 * Conditions `column op value` joined by `and`; op is one of = != < <= > >=. A column is named with or
 * without its unit; with it (`contact_z_um`) a plain number will do, without it the value needs a unit. Text
 * with blanks or operators in it stands in quotes. A missing value meets no condition but `= missing`. */
#ifndef SECCM_OUTPUT_WHERE_H
#define SECCM_OUTPUT_WHERE_H

#include "base/err.h"
#include "output/table.h"

/* Drops the rows that do not match. ERR_USAGE says what is wrong and where; the table is then untouched.
 * Parses quantities: main thread only. */
bool where_apply(struct table *t, const char *expression, struct err *e);

#endif
