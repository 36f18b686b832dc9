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

/* --- one look ------------------------------------------------------------------------------------------ */

/* What is new comes from several lists: written in the order of time, and in the order of the lists where the
 * times are equal. */
struct line {
    double t_s;
    int order;
    struct buf text;
};

struct page {
    struct line *line;
    int n, room;
};

static struct buf *begin(struct page *p, const char *utc, double t_s, const char *kind)
{
    if (p->n == p->room)
        p->line = xrealloc(p->line, (size_t)(p->room = p->room ? 2 * p->room : 32) * sizeof *p->line);
    struct line *l = &p->line[p->n];
    *l = (struct line){.t_s = t_s, .order = p->n};
    p->n++;
    struct buf *b = &l->text;
    buf_str(b, "{\"utc\": ");
    buf_json_string(b, utc);
    buf_str(b, ", \"time\": {\"value\": ");
    buf_json_number(b, t_s);
    buf_str(b, ", \"unit\": \"s\"}, \"kind\": ");
    buf_json_string(b, kind);
    return b;
}

static void end(struct buf *b, const char *text)
{
    buf_str(b, ", \"text\": ");
    buf_json_string(b, text);
    buf_str(b, "}\n");
}

static int earlier(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    if (x->t_s < y->t_s || x->t_s > y->t_s)
        return x->t_s < y->t_s ? -1 : 1;
    return x->order - y->order;
}

static bool write_page(struct page *p, FILE *f)
{
    bool ok = true;
    if (p->n > 0)
        qsort(p->line, (size_t)p->n, sizeof *p->line, earlier);
    for (int k = 0; k < p->n; k++) {
        ok = ok && fwrite(p->line[k].text.p, 1, p->line[k].text.n, f) == p->line[k].text.n;
        buf_free(&p->line[k].text);
    }
    free(p->line);
    return p->n == 0 || (fflush(f) == 0 && ok);
}

static void add_state(struct event_log *l, const char *state, const char *utc, double t_s, int measured,
                      int planned, const char *reason, struct page *p)
{
    if (!*utc || !strcmp(l->state, state))
        return;
    snprintf(l->state, sizeof l->state, "%s", state);
    struct buf *b = begin(p, utc, t_s, SNAPSHOT_STATE);
    buf_str(b, ", \"state\": ");
    buf_json_string(b, state);
    buf_printf(b, ", \"measured\": %d, \"planned\": %d", measured, planned);
    end(b, reason);
}

/* The snapshot keeps the newest ones only. */
static void add_lost(const struct event_log *l, const struct snapshot_event *first, struct page *p)
{
    char text[100];
    if (first->number <= l->events + 1)
        return;
    struct buf *b = begin(p, first->utc, first->t_s, "lost");
    uint64_t lost = first->number - l->events - 1;
    buf_printf(b, ", \"events\": %" PRIu64, lost);
    snprintf(text, sizeof text, "%" PRIu64 " events came too fast for this log; the results file has them",
             lost);
    end(b, text);
}

static void add_events(struct event_log *l, struct snapshot *s, int planned, struct page *p)
{
    int n;
    snapshot_events(s, l->event, &n);
    if (n > 0)
        add_lost(l, &l->event[0], p);
    for (int k = 0; k < n; k++) {
        const struct snapshot_event *ev = &l->event[k];
        if (ev->number <= l->events || !strcmp(ev->kind, "site")) /* sites: see below */
            continue;
        if (!strcmp(ev->kind, SNAPSHOT_STATE)) {
            add_state(l, ev->state, ev->utc, ev->t_s, ev->measured, planned, ev->text, p);
            continue;
        }
        struct buf *b = begin(p, ev->utc, ev->t_s, ev->kind);
        buf_printf(b, ", \"site\": %d", ev->site);
        end(b, ev->text);
    }
    if (n > 0)
        l->events = l->event[n - 1].number;
}

static void add_sites(struct event_log *l, struct snapshot *s, struct page *p)
{
    int n = snapshot_places(s);
    struct snapshot_site *site = xcalloc((size_t)n + 1, sizeof *site);
    uint64_t version = snapshot_sites(s, site);
    for (int k = 0; k < n; k++) {
        if (site[k].version <= l->sites || !*site[k].utc)
            continue;
        struct buf *b = begin(p, site[k].utc, site[k].end_s, "site");
        buf_printf(b, ", \"site\": %d, \"outcome\": \"%s\", \"touched\": \"%s\", \"attempts\": %d",
                   snapshot_plan(s)->site[k].site, outcome_name(site[k].outcome),
                   touched_name(site[k].touched), site[k].attempts);
        end(b, site[k].reason);
    }
    l->sites = version;
    free(site);
}

/* Sites first: an outcome belongs before the change of state that it brought about at the same instant. */
void event_log_look(struct event_log *l, struct snapshot *s)
{
    struct snapshot_status now;
    struct page p = {0};
    snapshot_status(s, &now);
    add_sites(l, s, &p);
    add_events(l, s, now.planned, &p);
    if (now.ended) /* by one who tells of no states */
        add_state(l, now.state, now.utc, now.time_s, now.by_outcome[OUTCOME_MEASURED], now.planned,
                  now.reason, &p);
    bool ok = write_page(&p, l->file);
    if (!ok && !l->failed)
        log_line(LOG_WARNING, "--log %s: %s; the run goes on", l->path, strerror(errno));
    l->failed = !ok;
}

void event_log_close(struct event_log *l)
{
    if (!l)
        return;
    fclose(l->file);
    free(l->path);
    free(l);
}
