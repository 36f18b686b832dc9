/* Progress of a run, from what is committed. */
#include "output/status.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/holder.h"
#include "output/table.h"
#include "results/pace.h"

/* More attempts of one site add nothing to the mean. */
#define ATTEMPTS_READ 16

/* --- is someone writing? ------------------------------------------------------------------------------- */

/* Who holds the lock file beside the results file (results/place.h). */
int status_writer(const char *path)
{
    struct buf name = {0};
    struct stat st;
    buf_printf(&name, "%s-lock", path);
    int holder = stat(name.p, &st) == 0 ? holder_of(&st) : 0;
    buf_free(&name);
    return holder;
}

/* --- counting ------------------------------------------------------------------------------------------ */

/* What the visits to a site took together: a pause comes between two of them. */
static bool add_time(const struct data *d, const struct results_site *s, struct pace *p, struct err *e)
{
    struct results_attempt a[ATTEMPTS_READ];
    int n = results_attempts(d->r, s->site, a, ATTEMPTS_READ, e);
    double sum = 0;
    for (int k = 0; k < n && k < ATTEMPTS_READ; k++)
        if (a[k].outcome != OUTCOME_SKIPPED && a[k].end_s > a[k].start_s)
            sum += a[k].end_s - a[k].start_s;
    p->worked += sum;
    p->sites += sum > 0;
    return n >= 0;
}

static bool count_sites(const struct data *d, struct status *out, struct err *e)
{
    struct pace pace = {0};
    double last = NAN;
    for (int k = 0; k < d->sites.n; k++) {
        const struct results_site *s = &d->sites.site[k];
        bool control = s->role == SITE_CONTROL;
        bool used = s->attempts > 0 || s->outcome != OUTCOME_NONE;
        out->planned += !s->spare && !control;
        out->spares += s->spare && used;
        out->done += !s->spare && !control && s->outcome != OUTCOME_NONE;
        if (!control && (!s->spare || used))
            out->by_outcome[s->outcome == OUTCOME_NONE && !used ? OUTCOME_NOT_VISITED : s->outcome]++;
        if (isnan(s->start_s))
            continue;
        if (s->attempts > 0 && !add_time(d, s, &pace, e))
            return false;
        if (!(s->start_s < last)) {
            last = s->start_s;
            out->last_site = s->site;
            snprintf(out->now_utc, sizeof out->now_utc, "%s", s->start_utc);
        }
    }
    out->now_s = last;
    out->per_site_s = pace_per_site(&pace);
    return true;
}

static void add_class(struct status *out, const char *name, int n)
{
    int k = 0;
    while (k < out->n_classes && strcmp(out->by_class[k].name, name) != 0)
        k++;
    if (k == STATUS_CLASSES)
        return;
    if (k == out->n_classes)
        snprintf(out->by_class[out->n_classes++].name, sizeof out->by_class[k].name, "%s", name);
    out->by_class[k].n += n;
    if (out->by_class[k].n <= 0)
        out->by_class[k] = out->by_class[--out->n_classes];
}

/* "[class] text"; and once the instruments were asked what had happened to them, "[class] instead of
 * [class]". */
void status_count_class(const struct results_event *ev, struct status *out)
{
    char name[32], instead[32];
    bool found = strcmp(ev->kind, "found") == 0;
    if (!found && strcmp(ev->kind, "fault") != 0 && strcmp(ev->kind, "site") != 0)
        return;
    int words = sscanf(ev->text, "[%31[^]]] instead of [%31[^]]]", name, instead);
    if (found && words == 2)
        add_class(out, instead, -1);
    if (words >= 1)
        add_class(out, name, 1);
}

static bool count_events(const struct data *d, struct status *out, struct err *e)
{
    struct results_event *event = NULL;
    if (!results_events(d->r, &event, &out->events, e))
        return false;
    for (int k = 0; k < out->events; k++) {
        out->warnings += strcmp(event[k].kind, "warning") == 0;
        out->faults += strcmp(event[k].kind, "fault") == 0;
        status_count_class(&event[k], out);
        if (strcmp(event[k].kind, "probe") == 0)
            out->probe[0] = '\0';
        if (strcmp(event[k].kind, "health") == 0)
            snprintf(out->probe, sizeof out->probe, "%.255s", event[k].text);
        if (!(event[k].t_s <= out->now_s)) {
            out->now_s = event[k].t_s;
            snprintf(out->now_utc, sizeof out->now_utc, "%s", event[k].utc);
        }
    }
    free(event);
    return true;
}

bool status_read(const struct data *d, struct status *out, struct err *e)
{
    memset(out, 0, sizeof *out);
    char *rule = results_info(d->r, "stopped_by");
    snprintf(out->stopped_by, sizeof out->stopped_by, "%s", rule);
    free(rule);
    out->controls = d->controls;
    out->controls_used = d->controls_used;
    out->controls_failed = d->controls_failed;
    char *state = results_info(d->r, "state"), *reason = results_info(d->r, "state_reason"),
         *utc = results_info(d->r, "utc"), *page = results_info(d->r, "live_page");
    snprintf(out->state, sizeof out->state, "%s", state);
    snprintf(out->reason, sizeof out->reason, "%s", reason);
    snprintf(out->start_utc, sizeof out->start_utc, "%s", utc);
    free(state);
    free(reason);
    free(utc);
    out->pid = status_writer(results_path(d->r));
    out->alive = out->pid != 0;
    snprintf(out->page, sizeof out->page, "%s", out->alive ? page : "");
    free(page);
    return count_sites(d, out, e) && count_events(d, out, e);
}

const char *status_words(const struct status *s)
{
    bool live = strcmp(s->state, "running") == 0 || strcmp(s->state, "created") == 0 ||
                strcmp(s->state, "paused by the operator") == 0 || strcmp(s->state, "recovering") == 0;
    return live && !s->alive ? "stopped without notice (go on with `seccm resume`)" : s->state;
}

/* --- printing ------------------------------------------------------------------------------------------ */

/* "8 h 05 min", "12 min 05 s", "4.2 s" */
static const char *duration(double seconds, char text[40])
{
    long s = lround(fmin(seconds, 3e9));
    if (s >= 3600)
        snprintf(text, 40, "%ld h %02ld min", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(text, 40, "%ld min %02ld s", s / 60, s % 60);
    else
        snprintf(text, 40, "%.1f s", seconds);
    return text;
}

void status_print(const struct data *d, const struct status *s, struct buf *out)
{
    char time[40];
    buf_printf(out, "state     %s", status_words(s));
    if (s->alive)
        buf_printf(out, " (process %d)", s->pid);
    if (*s->reason) {
        buf_str(out, ": ");
        frame_one_line(s->reason, out);
    }
    if (*s->page)
        buf_printf(out, "\npage      %s", s->page);
    buf_printf(out, "\nbegun     %s\nprogress  %d of %d sites", s->start_utc, s->done, s->planned);
    if (s->spares)
        buf_printf(out, ", and %d spare%s", s->spares, s->spares == 1 ? "" : "s");
    buf_str(out, "\n");
    for (int o = 0; o < OUTCOME_COUNT; o++)
        if (s->by_outcome[o])
            buf_printf(out, "          %4d %s\n", s->by_outcome[o],
                       o == OUTCOME_NONE ? "in-progress" : outcome_name((enum outcome)o));
    if (s->controls)
        buf_printf(out, "controls  %d of %d spots visited, %d failed\n", s->controls_used, s->controls,
                   s->controls_failed);
    if (d->n_probes > 1)
        buf_printf(out, "probe     %s, number %d of this run\n", d->probe[d->n_probes - 1].id, d->n_probes);
    if (*s->probe) {
        buf_str(out, "probe     ");
        frame_one_line(s->probe, out);
        buf_str(out, "\n");
    }
    if (s->last_site) {
        int at = data_site(d, s->last_site);
        buf_printf(out, "last site %d (%s) at %s\n", s->last_site, data_outcome(d, at), s->now_utc);
        buf_printf(out, "time      %s of experiment", duration(s->now_s, time));
        if (isfinite(s->per_site_s))
            buf_printf(out, ", %s per site", duration(s->per_site_s, time));
        if (isfinite(s->per_site_s) && s->done < s->planned)
            buf_printf(out, ", about %s to go", duration(s->per_site_s * (s->planned - s->done), time));
        buf_str(out, "\n");
    }
    buf_printf(out, "events    %d warnings, %d faults\n", s->warnings, s->faults);
    for (int k = 0; k < s->n_classes; k++)
        buf_printf(out, "%s%4d %s\n", k ? "          " : "classes   ", s->by_class[k].n, s->by_class[k].name);
}

static void number(struct buf *out, const char *key, double value, const char *unit)
{
    buf_printf(out, ", \"%s\": {\"value\": ", key);
    buf_json_number(out, value);
    buf_printf(out, ", \"unit\": \"%s\"}", unit);
}

void status_json(const struct status *s, struct buf *out)
{
    buf_str(out, "{\"state\": ");
    buf_json_string(out, s->state);
    buf_printf(out, ", \"writing\": %s, \"process\": ", s->alive ? "true" : "false");
    if (s->alive)
        buf_printf(out, "%d", s->pid);
    else
        buf_str(out, "null");
    buf_str(out, ", \"reason\": ");
    buf_json_string(out, s->reason);
    buf_str(out, ", \"stopped_by\": ");
    buf_json_string(out, s->stopped_by);
    buf_str(out, ", \"page\": ");
    buf_json_string(out, s->page);
    buf_str(out, ", \"start_utc\": ");
    buf_json_string(out, s->start_utc);
    buf_str(out, ", \"probe\": ");
    buf_json_string(out, s->probe);
    buf_printf(out, ", \"planned\": %d, \"done\": %d, \"spares_used\": %d, \"outcomes\": {", s->planned,
               s->done, s->spares);
    const char *comma = "";
    for (int o = 0; o < OUTCOME_COUNT; o++)
        if (s->by_outcome[o]) {
            buf_printf(out, "%s\"%s\": %d", comma,
                       o == OUTCOME_NONE ? "in-progress" : outcome_name((enum outcome)o), s->by_outcome[o]);
            comma = ", ";
        }
    buf_printf(out, "}, \"controls\": {\"spots\": %d, \"visited\": %d, \"failed\": %d}, \"last_site\": %d",
               s->controls, s->controls_used, s->controls_failed, s->last_site);
    number(out, "time", s->now_s, "s");
    number(out, "time_per_site", s->per_site_s, "s");
    buf_str(out, ", \"last_utc\": ");
    buf_json_string(out, s->now_utc);
    buf_printf(out, ", \"warnings\": %d, \"faults\": %d, \"classes\": {", s->warnings, s->faults);
    for (int k = 0; k < s->n_classes; k++) {
        buf_str(out, k ? ", " : "");
        buf_json_string(out, s->by_class[k].name);
        buf_printf(out, ": %d", s->by_class[k].n);
    }
    buf_str(out, "}}\n");
}
