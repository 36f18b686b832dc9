/* Snapshot to JSON. */
#include "cli/web_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Enough digits for a figure, and short. */
static void figure(struct buf *out, double value)
{
    if (isfinite(value))
        buf_printf(out, "%.6g", value);
    else
        buf_str(out, "null");
}

static void text(struct buf *out, const char *key, const char *value)
{
    buf_printf(out, "\"%s\":", key);
    buf_json_string(out, value);
    buf_char(out, ',');
}

static void quantity(struct buf *out, const char *key, double value, const char *unit)
{
    buf_printf(out, "\"%s\":{\"value\":", key);
    figure(out, value);
    buf_printf(out, ",\"unit\":\"%s\"},", unit);
}

static const char *yes(bool is)
{
    return is ? "true" : "false";
}

/* --- status -------------------------------------------------------------------------------------------- */

/* ISO 8601, `seconds` later than the ISO 8601 text. */
static void later(const char *utc, double seconds, char out[32])
{
    struct tm tm = {0};
    out[0] = '\0';
    if (!isfinite(seconds) || fabs(seconds) > 1e9 || !strptime(utc, "%Y-%m-%dT%H:%M:%S", &tm))
        return;
    time_t t = timegm(&tm) + (time_t)llround(seconds);
    if (gmtime_r(&t, &tm))
        strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static void outcomes(struct buf *out, const struct snapshot_status *now)
{
    const char *comma = "";
    buf_str(out, "\"outcomes\":{");
    for (int o = 1; o < OUTCOME_COUNT; o++)
        if (now->by_outcome[o]) {
            buf_printf(out, "%s\"%s\":%d", comma, outcome_name((enum outcome)o), now->by_outcome[o]);
            comma = ",";
        }
    buf_str(out, "},");
}

void web_json_status(struct snapshot *s, struct wishes *w, const struct web_head *head, struct buf *out)
{
    struct snapshot_status now;
    char finish[32];
    snapshot_status(s, &now);
    struct snapshot_versions v = snapshot_versions(s);
    struct wishes_state wish = wishes_state(w);
    later(now.utc, now.left_s / head->speed, finish);
    buf_char(out, '{');
    text(out, "program", "seccm " SECCM_VERSION);
    text(out, "run", head->name);
    text(out, "file", head->file);
    text(out, "mode", head->mode);
    buf_printf(out, "\"speed\":%.6g,", head->speed);
    text(out, "state", now.state);
    text(out, "reason", now.reason);
    text(out, "phase", now.phase);
    text(out, "step", now.step);
    buf_printf(out, "\"ended\":%s,\"safe\":%s,\"site\":%d,\"attempt\":%d,\"cycle\":%d,", yes(now.ended),
               yes(now.safe), now.site, now.attempt, now.cycle);
    buf_printf(out, "\"wishes\":{\"pausing\":%s,\"paused\":%s,\"stopping\":%s,\"skipping\":%d},",
               yes(wish.pausing), yes(wish.paused), yes(wish.stopping), wish.skipping);
    buf_printf(out, "\"planned\":%d,\"visited\":%d,\"left\":%d,", now.planned, now.visited, now.left);
    outcomes(out, &now);
    text(out, "utc", now.utc);
    text(out, "finish_utc", finish);
    quantity(out, "time", now.time_s, "s");
    quantity(out, "time_left", now.left_s, "s");
    quantity(out, "x", now.x, "m");
    quantity(out, "y", now.y, "m");
    quantity(out, "z", now.z, "m");
    buf_printf(out,
               "\"versions\":{\"sites\":%" PRIu64 ",\"curve\":%" PRIu64 ",\"events\":%" PRIu64
               ",\"health\":%" PRIu64 "}}\n",
               v.sites, v.curve, v.events, v.health);
}

/* --- sites --------------------------------------------------------------------------------------------- */

struct sites_table {
    const struct plan *plan;
    int n, columns;
    struct snapshot_site *site;
    struct snapshot_column *column;
    float *value; /* NULL = no feature asked for */
};

static void levels(const struct sites_table *t, int index, struct buf *out)
{
    const struct protocol *p = t->plan->protocol;
    int of = t->site[index].stands_for > 0 ? t->site[index].stands_for - 1 : index;
    buf_str(out, "\"levels\":[");
    for (int f = 0; f < p->n_factors; f++) {
        int level = t->plan->site[of].level[f];
        buf_str(out, f ? "," : "");
        buf_json_string(out, level >= 0 && level < p->factor[f].n ? p->factor[f].text[level] : "");
    }
    buf_str(out, "],");
}

static void one_site(const struct sites_table *t, int index, struct buf *out)
{
    const struct plan_site *p = &t->plan->site[index];
    const struct snapshot_site *s = &t->site[index];
    buf_printf(out, "{\"site\":%d,\"x\":%.9g,\"y\":%.9g,\"spare\":%s,", p->site, p->x, p->y, yes(p->spare));
    if (s->stands_for)
        buf_printf(out, "\"stands_for\":%d,", s->stands_for);
    text(out, "region", p->region ? p->region : "");
    levels(t, index, out);
    text(out, "outcome", s->outcome == OUTCOME_NONE ? "" : outcome_name(s->outcome));
    text(out, "touched", touched_name(s->touched));
    text(out, "reason", s->reason);
    text(out, "flags", s->flags);
    if (t->value) {
        buf_str(out, "\"value\":");
        figure(out, (double)t->value[index]);
        buf_char(out, ',');
    }
    buf_str(out, "\"contact_z\":");
    figure(out, s->contact_z);
    buf_printf(out, ",\"attempts\":%d}", s->attempts);
}

static void names(const struct sites_table *t, const char *feature, struct buf *out)
{
    const struct protocol *p = t->plan->protocol;
    buf_str(out, "\"factors\":[");
    for (int f = 0; f < p->n_factors; f++) {
        buf_str(out, f ? "," : "");
        buf_json_string(out, p->factor[f].name);
    }
    buf_str(out, "],\"features\":[");
    for (int k = 0; k < t->columns; k++) {
        buf_str(out, k ? ",{" : "{");
        text(out, "name", t->column[k].name);
        buf_printf(out, "\"unit\":\"%s\"}", t->column[k].unit);
    }
    buf_str(out, "],\"feature\":");
    if (feature)
        buf_json_string(out, feature);
    else
        buf_str(out, "null");
    buf_str(out, ",\"unit\":{\"x\":\"m\",\"y\":\"m\",\"contact_z\":\"m\"},");
}

bool web_json_sites(struct snapshot *s, uint64_t since, const char *feature, struct buf *out)
{
    struct sites_table t = {.plan = snapshot_plan(s), .n = snapshot_places(s)};
    t.site = xcalloc((size_t)t.n + 1, sizeof *t.site);
    t.column = xcalloc(SNAPSHOT_COLUMNS, sizeof *t.column);
    t.value = feature ? xcalloc((size_t)t.n + 1, sizeof *t.value) : NULL;
    uint64_t version = snapshot_sites(s, t.site);
    t.columns = snapshot_columns(s, t.column);
    bool ok = !feature || snapshot_values(s, feature, t.value);
    if (ok) {
        const char *comma = "";
        buf_printf(out, "{\"version\":%" PRIu64 ",\"since\":%" PRIu64 ",", version, since);
        names(&t, feature, out);
        buf_str(out, "\"sites\":[");
        for (int k = 0; k < t.n; k++)
            if (since == 0 || t.site[k].version > since) {
                buf_str(out, comma);
                one_site(&t, k, out);
                comma = ",\n";
            }
        buf_str(out, "]}\n");
    }
    free(t.site);
    free(t.column);
    free(t.value);
    return ok;
}

/* --- curve, events ------------------------------------------------------------------------------------- */

#define COLUMN(out, c, name, member)                                                                         \
    do {                                                                                                     \
        buf_str(out, ",\"" name "\":[");                                                                     \
        for (int k = 0; k < (c)->n; k++) {                                                                   \
            buf_str(out, k ? "," : "");                                                                      \
            figure(out, (double)(c)->point[k].member);                                                       \
        }                                                                                                    \
        buf_char(out, ']');                                                                                  \
    } while (0)

void web_json_curve(struct snapshot *s, struct buf *out)
{
    struct snapshot_curve *c = xcalloc(1, sizeof *c);
    uint64_t version = snapshot_curve(s, c);
    buf_printf(out, "{\"version\":%" PRIu64 ",\"site\":%d,\"attempt\":%d,", version, c->site, c->attempt);
    text(out, "name", c->name);
    text(out, "kind", c->kind);
    text(out, "phase", c->phase);
    text(out, "reference",
         snapshot_plan(s)->protocol->reference ? snapshot_plan(s)->protocol->reference : "");
    buf_printf(out, "\"samples\":%" PRId64 ",\"unit\":{\"t\":\"s\",\"e\":\"V\",\"i\":\"A\",\"z\":\"m\"}",
               c->samples);
    COLUMN(out, c, "t", t);
    COLUMN(out, c, "e", e);
    COLUMN(out, c, "i", i);
    COLUMN(out, c, "z", z);
    COLUMN(out, c, "cycle", cycle);
    buf_str(out, "}\n");
    free(c);
}

void web_json_events(struct snapshot *s, struct buf *out)
{
    struct snapshot_event *ev = xcalloc(SNAPSHOT_EVENTS, sizeof *ev);
    int n;
    uint64_t version = snapshot_events(s, ev, &n);
    buf_printf(out, "{\"version\":%" PRIu64 ",\"events\":[", version);
    const char *before = "";
    for (int k = 0; k < n; k++) {
        if (!strcmp(ev[k].kind, SNAPSHOT_STATE)) /* the status has it */
            continue;
        buf_printf(out, "%s{\"number\":%" PRIu64 ",", before, ev[k].number);
        before = ",\n";
        text(out, "utc", ev[k].utc);
        text(out, "kind", ev[k].kind);
        text(out, "text", ev[k].text);
        quantity(out, "time", ev[k].t_s, "s");
        buf_printf(out, "\"site\":%d}", ev[k].site);
    }
    buf_str(out, "]}\n");
    free(ev);
}

void web_json_health(struct snapshot *s, struct buf *out)
{
    struct buf charts = {0};
    uint64_t version = snapshot_health(s, &charts);
    buf_printf(out, "{\"version\":%" PRIu64 ",\"health\":", version);
    buf_add(out, charts.p, charts.n);
    buf_str(out, "}\n");
    buf_free(&charts);
}
