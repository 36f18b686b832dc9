/* JSON lines from the snapshot. */
#include "cli/event_log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"

struct event_log {
    FILE *file;
    char *path;
    bool failed;
    uint64_t events, sites; /* newest event and version of the sites that were written */
    char state[32];
    struct snapshot_event event[SNAPSHOT_EVENTS];
};

struct event_log *event_log_open(const char *path, struct err *e)
{
    FILE *f = fopen(path, "ae");
    if (!f) {
        err_errno(e, ERR_IO, errno, "--log %s", path);
        return NULL;
    }
    struct event_log *l = xcalloc(1, sizeof *l);
    l->file = f;
    l->path = xstrdup(path);
    return l;
}

static void begin(struct buf *b, const char *utc, double t_s, const char *kind)
{
    buf_str(b, "{\"utc\": ");
    buf_json_string(b, utc);
    buf_str(b, ", \"time\": {\"value\": ");
    buf_json_number(b, t_s);
    buf_str(b, ", \"unit\": \"s\"}, \"kind\": ");
    buf_json_string(b, kind);
}

static void end(struct buf *b, const char *text)
{
    buf_str(b, ", \"text\": ");
    buf_json_string(b, text);
    buf_str(b, "}\n");
}

static void add_events(struct event_log *l, struct snapshot *s, struct buf *b)
{
    int n;
    snapshot_events(s, l->event, &n);
    for (int k = 0; k < n; k++) {
        const struct snapshot_event *ev = &l->event[k];
        if (ev->number <= l->events || !strcmp(ev->kind, "site")) /* sites: see below */
            continue;
        begin(b, ev->utc, ev->t_s, ev->kind);
        buf_printf(b, ", \"site\": %d", ev->site);
        end(b, ev->text);
    }
    if (n > 0)
        l->events = l->event[n - 1].number;
}

static void add_sites(struct event_log *l, struct snapshot *s, struct buf *b)
{
    int n = snapshot_places(s);
    struct snapshot_site *site = xcalloc((size_t)n + 1, sizeof *site);
    uint64_t version = snapshot_sites(s, site);
    for (int k = 0; k < n; k++) {
        if (site[k].version <= l->sites || !*site[k].utc)
            continue;
        begin(b, site[k].utc, site[k].end_s, "site");
        buf_printf(b, ", \"site\": %d, \"outcome\": \"%s\", \"touched\": \"%s\", \"attempts\": %d",
                   snapshot_plan(s)->site[k].site, outcome_name(site[k].outcome),
                   touched_name(site[k].touched), site[k].attempts);
        end(b, site[k].reason);
    }
    l->sites = version;
    free(site);
}

static void add_state(struct event_log *l, const struct snapshot_status *now, struct buf *b)
{
    if (!*now->utc || !strcmp(l->state, now->state))
        return;
    snprintf(l->state, sizeof l->state, "%s", now->state);
    begin(b, now->utc, now->time_s, "run");
    buf_str(b, ", \"state\": ");
    buf_json_string(b, now->state);
    buf_printf(b, ", \"measured\": %d, \"planned\": %d", now->by_outcome[OUTCOME_MEASURED], now->planned);
    end(b, now->reason);
}

void event_log_look(struct event_log *l, struct snapshot *s)
{
    struct snapshot_status now;
    struct buf b = {0};
    snapshot_status(s, &now);
    if (!now.ended)
        add_state(l, &now, &b);
    add_events(l, s, &b);
    add_sites(l, s, &b);
    if (now.ended)
        add_state(l, &now, &b);
    bool ok = b.n == 0 || (fwrite(b.p, 1, b.n, l->file) == b.n && fflush(l->file) == 0);
    if (!ok && !l->failed)
        log_line(LOG_WARNING, "--log %s: %s; the run goes on", l->path, strerror(errno));
    l->failed = !ok;
    buf_free(&b);
}

void event_log_close(struct event_log *l)
{
    if (!l)
        return;
    fclose(l->file);
    free(l->path);
    free(l);
}
