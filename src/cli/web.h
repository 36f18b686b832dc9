/* The live page of a running run: a small HTTP server that reads the snapshot and takes the operator's
 * wishes.
 *
 *   GET  /  /live.css  /live.js  /chart.js        the page
 *   GET  /status.json  /sites.json  /curve.json  /events.json  /health.json
 *        sites.json?since=VERSION&feature=NAME: only what changed behind a version; with a value for each
 *   POST /pause  /continue  /skip  /stop  /check  with the token in the header X-Seccm-Token
 *        skip?site=N: only if it is site N that is under way; check: is the token right?
 *
 * Everything may be read by whoever reaches the address; see web_gate.h for the rest. One thread of its own,
 * with low priority, serves all; it knows nothing of the rig, the loop or the results file. Requests are
 * bounded in size and connections in number: when there are too many, those that were served longest ago are
 * closed, so that somebody who opens connections and lets them lie loses his own first. */
#ifndef SECCM_CLI_WEB_H
#define SECCM_CLI_WEB_H

#include "cli/web_json.h"

struct web;

/* Everything pointed to must outlive the server. The address is as for web_address_parse(). */
struct web *web_start(const char *address, struct snapshot *s, struct wishes *w, const struct web_head *head,
                      struct err *e);
/* "http://127.0.0.1:8080/" */
const char *web_url(const struct web *w);
const char *web_token(const struct web *w);
/* Only this machine reaches it. */
bool web_is_private(const struct web *w);
/* Behind the end of a run, if somebody looked at the page lately: gives it some seconds to see the end. */
void web_linger(struct web *w);
void web_stop(struct web *w);

#endif
