/* `--log FILE`: what happens in a run as JSON lines, for programs that follow it; one object per line,
 * appended.
 *
 *   {"utc": ..., "time": {"value": ..., "unit": "s"}, "kind": "site", "site": 3, "outcome": "measured",
 * "text": ""}
 *
 * Kinds: run (its state changed), site (one has its outcome), and those of the results file's events
 * (warning, fault, operator ...), without the phases. The results file holds the same and more; this is a
 * convenience, written from the snapshot by the attendant's thread: a slow disk delays the log and nothing
 * else. */
#ifndef SECCM_CLI_EVENT_LOG_H
#define SECCM_CLI_EVENT_LOG_H

#include "run/snapshot.h"

struct event_log;

struct event_log *event_log_open(const char *path, struct err *e);
/* Appends what is new since the last look. */
void event_log_look(struct event_log *l, struct snapshot *s);
void event_log_close(struct event_log *l);

#endif
