/* The schema of the results file. */
#ifndef SECCM_RESULTS_SCHEMA_SQL_H
#define SECCM_RESULTS_SCHEMA_SQL_H

#define RESULTS_SCHEMA_VERSION 2 /* user_version of the file; 1 has no column site.role */

/* CREATE statements; the comments in them stay in the file and are its documentation. */
extern const char schema_sql[];

#endif
