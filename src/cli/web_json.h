/* The live page's data as JSON, from the snapshot: units beside the values, SI. */
#ifndef SECCM_CLI_WEB_JSON_H
#define SECCM_CLI_WEB_JSON_H

#include "base/buf.h"
#include "run/snapshot.h"
#include "run/wish.h"

/* What does not change while a run is served. */
struct web_head {
    const char *name; /* of the protocol */
    const char *file; /* results file, without its folders */
    const char *mode; /* real, scaled, virtual */
    double speed;     /* experiment seconds per second; 1 in virtual time, which has no rate */
};

void web_json_status(struct snapshot *s, struct wishes *w, const struct web_head *head, struct buf *out);
/* Sites that changed after version `since` (0 = all); with a value each if `feature` (NULL = none) is the
 * name of a column. false if there is no such column. */
bool web_json_sites(struct snapshot *s, uint64_t since, const char *feature, struct buf *out);
void web_json_curve(struct snapshot *s, struct buf *out);
void web_json_events(struct snapshot *s, struct buf *out);
/* Charts of the probe (tip_health_json()), {} while there are none. */
void web_json_health(struct snapshot *s, struct buf *out);

#endif
