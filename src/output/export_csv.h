/* A folder of tidy CSV tables: one row per observation, units in the headers, the conventions beside them. */
#ifndef SECCM_OUTPUT_EXPORT_CSV_H
#define SECCM_OUTPUT_EXPORT_CSV_H

#include "output/data.h"

/* Writes sites.csv, attempts.csv, features.csv (wide), features-long.csv, events.csv, run.csv, README.txt and
 * one samples-STEP.csv per technique step into `folder`, which is made if it is not there; files of these
 * names are replaced, each only once it is complete. `all_phases` writes approach, blank and detach curves
 * too (samples-PHASE.csv). The samples are those of each site's last attempt. */
bool export_csv(const struct data *d, const char *folder, bool all_phases, struct err *e);

#endif
