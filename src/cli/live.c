/* Snapshot, wishes, page and socket of a run. */
#include "cli/live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/command_socket.h"
#include "cli/web.h"

struct live {
    const char *path;
    struct wishes *wishes;
    struct snapshot *snapshot; /* NULL if nobody looks */
    struct web *web;
    struct attendant *attendant;
    struct command_socket *socket;
};

static bool start_watchers(struct live *l, const struct plan *plan, const struct bench *b,
                           const struct live_options *o, struct err *e)
{
    static const char *const mode[] = {"real", "scaled", "virtual"};
    const char *slash = strrchr(l->path, '/');
    const struct web_head head = {.name = plan->protocol->name ? plan->protocol->name : "",
                                  .file = slash ? slash + 1 : l->path,
                                  .mode = mode[loop_mode(b->loop)],
                                  .speed = loop_speed(b->loop)};
    bool attended = attendant_wanted(&o->attendant);
    if (o->address || attended)
        l->snapshot = snapshot_new(plan);
    if (attended && !(l->attendant = attendant_start(&o->attendant, head.name, l->path, l->snapshot, e)))
        return false;
    return !o->address || (l->web = web_start(o->address, l->snapshot, l->wishes, &head, e)) != NULL;
}

struct live *live_start(const struct plan *plan, const struct bench *b, const char *results_path,
                        const struct live_options *o, const volatile sig_atomic_t *stop, struct err *e)
{
    struct live *l = xcalloc(1, sizeof *l);
    l->path = results_path;
    l->wishes = wishes_new(b->loop, stop);
    if (start_watchers(l, plan, b, o, e))
        return l;
    live_free(l);
    return NULL;
}

static void recall_site(struct live *l, const struct results_site *s)
{
    struct snapshot_site now = {.outcome = s->outcome,
                                .touched = s->touched,
                                .attempts = s->attempts,
                                .stands_for = s->replaces,
                                .contact_z = s->contact_z,
                                .end_s = NAN};
    snprintf(now.reason, sizeof now.reason, "%.127s", s->reason);
    snprintf(now.flags, sizeof now.flags, "%.63s", s->flags);
    if (s->outcome != OUTCOME_NONE)
        snapshot_put_site(l->snapshot, s->site, &now);
}

bool live_recall(struct live *l, struct results *file, struct err *e)
{
    struct results_sites sites;
    struct results_feature *feature;
    int n;
    if (!l->snapshot)
        return true;
    if (!results_sites(file, &sites, e))
        return false;
    for (int k = 0; k < sites.n; k++)
        recall_site(l, &sites.site[k]);
    results_sites_free(&sites);
    if (!results_features(file, &feature, &n, e))
        return false;
    for (int k = 0; k < n; k++)
        snapshot_put_feature(l->snapshot, &feature[k]);
    free(feature);
    snapshot_publish(l->snapshot);
    return true;
}

void live_open(struct live *l, struct results *file, struct run_options *ro)
{
    struct err e = ERR_INIT;
    char *id = results_info(file, "run_id");
    ro->wishes = l->wishes;
    ro->snapshot = l->snapshot;
    l->socket = command_socket_start(id, l->path, l->wishes, &e);
    if (!l->socket)
        log_line(LOG_WARNING, "`seccm pause|continue|skip|stop` will not reach this run: %s", e.text);
    free(id);
    if (!l->web)
        return;
    log_line(LOG_INFO, "live page: %s (to look at)", web_url(l->web));
    log_line(LOG_INFO, "live page with its controls: %s#%s", web_url(l->web), web_token(l->web));
    if (!web_is_private(l->web))
        log_line(LOG_WARNING,
                 "everybody who reaches this address can see the page, and nothing is encrypted: use "
                 "127.0.0.1 and a tunnel (ssh -L) on networks that you do not trust");
}

const char *live_socket(const struct live *l)
{
    return command_socket_path(l->socket);
}

const char *live_url(const struct live *l)
{
    return l->web ? web_url(l->web) : "";
}

/* Behind the word of how the run ended, which may have gone out already. */
void live_not_stored(struct live *l, const struct err *why)
{
    struct snapshot_status now;
    struct results_event ev = {.kind = "fault"};
    char reason[sizeof now.reason];
    if (!l->snapshot)
        return;
    snapshot_status(l->snapshot, &now);
    snprintf(reason, sizeof reason, "%.130s%sTHE RESULTS FILE FAILED AT THE END", now.reason,
             *now.reason ? "; " : "");
    snprintf(now.reason, sizeof now.reason, "%s", reason);
    ev.t_s = now.time_s;
    snprintf(ev.utc, sizeof ev.utc, "%s", now.utc);
    snprintf(ev.text, sizeof ev.text, "%.511s", why->text);
    snapshot_put_event(l->snapshot, &ev);
    snapshot_put_status(l->snapshot, &now);
    snapshot_publish(l->snapshot);
    if (l->attendant)
        attendant_fault(l->attendant, "seccm: the results file failed", why->text);
}

void live_close(struct live *l)
{
    command_socket_stop(l->socket);
    l->socket = NULL;
    attendant_stop(l->attendant);
    l->attendant = NULL;
    if (l->web)
        web_linger(l->web);
    web_stop(l->web);
    l->web = NULL;
}

void live_free(struct live *l)
{
    if (!l)
        return;
    live_close(l);
    snapshot_free(l->snapshot);
    wishes_free(l->wishes);
    free(l);
}
