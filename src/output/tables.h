/* The tables that several commands and the export share. All return a new table (caller frees). */
#ifndef SECCM_OUTPUT_TABLES_H
#define SECCM_OUTPUT_TABLES_H

#include "output/data.h"
#include "output/table.h"

/* One row per site in visiting order: what was planned and how it ended. */
struct table *tables_sites(const struct data *d);
/* Long form: one row per site, step, cycle and feature, with uncertainty, unit, method or the reason of
 * absence. */
struct table *tables_features_long(const struct data *d);
/* Wide form: one row per site, step and cycle that has any feature, one column per feature. */
struct table *tables_features_wide(const struct data *d);
/* Attempts of one site or (site = 0) of all. NULL on error. */
struct table *tables_attempts(const struct data *d, int site, struct err *e);
/* What is known of the run: key, value. NULL on error. */
struct table *tables_run(struct results *r, struct err *e);
struct table *tables_events(struct results *r, struct err *e);

#endif
