/* The schema of the results file. */
#ifndef SECCM_RESULTS_SCHEMA_SQL_H
#define SECCM_RESULTS_SCHEMA_SQL_H

/* user_version of the file: 1 has no column site.role, 1 and 2 have no attempt.fault */
#define RESULTS_SCHEMA_VERSION 3

/* CREATE statements; the comments in them stay in the file and are its documentation. */
extern const char schema_sql[];

#endif
