/* What a run does with the charts of its probe. */
#include "run/health.h"

#include <stdio.h>

#include "base/buf.h"
#include "run/hop.h"

/* Attempts that watchers see of each chart. */
#define SHOWN 200

static enum fault_class class_of(enum tip_verdict v)
{
    static const enum fault_class of[TIP_VERDICTS] = {FAULT_NONE, FAULT_TIP_BLOCKED, FAULT_TIP_BROKEN,
                                                      FAULT_TIP_WETTING};
    return of[v];
}

static void store_number(struct run *r, const char *key, double value)
{
    struct buf text = {0};
    buf_json_number(&text, value);
    writer_info(r->w, key, text.p);
    buf_free(&text);
}

static void show(struct run *r)
{
    struct buf json = {0};
    if (!r->options->snapshot)
        return;
    tip_health_json(r->health.charts, SHOWN, &json);
    snapshot_put_health(r->options->snapshot, &json);
}

/* Their names, so that the charts can be drawn from the file. */
static void store_accepted(struct run *r)
{
    const struct control *c = &r->p->controls;
    struct buf names = {0};
    char name[128];
    for (int k = 0; k < c->n_accept; k++) {
        feature_ref_text(&c->accept[k].feature, name, sizeof name);
        buf_printf(&names, "%s%s", k ? ";" : "", name);
    }
    if (names.n)
        writer_info(r->w, "control.accept", names.p);
    buf_free(&names);
}

static void add_accepted(struct run *r)
{
    const struct control *c = &r->p->controls;
    char name[128];
    for (int k = 0; k < c->n_accept; k++) {
        const struct feature_ref *f = &c->accept[k].feature;
        feature_ref_text(f, name, sizeof name);
        tip_health_feature(r->health.charts, name, f->def->unit, run_feature(r, f));
    }
}

/* What the probe measured since the change that the verdict is about. */
static void flag_since(struct run *r, const struct tip_news *news)
{
    writer_flag(r->w, news->since - 1, INT64_MAX, PROBE_SUSPECT);
    rules_forget(r, news->since);
}

/* What was told just before the end of an earlier part may have come too late to be stored. */
static void flag_again(struct run *r)
{
    int n;
    const struct tip_news *news = tip_health_news(r->health.charts, &n);
    if (n && tip_health_verdict(r->health.charts) != TIP_FINE)
        flag_since(r, &news[n - 1]);
}

void health_judge(struct run *r)
{
    const struct health *h = &r->health;
    if (h->charts && r->attempt.outcome == OUTCOME_MEASURED && !r->attempt.site->control &&
        tip_health_verdict(h->charts) != TIP_FINE)
        attempt_flag(r, PROBE_SUSPECT);
}

void health_start(struct run *r)
{
    const struct protocol *p = r->p;
    struct tip_health_settings s = {.baseline = (int)p->health.baseline,
                                    .sigmas = p->health.sigmas,
                                    .tilt = {p->grid->tilt[0], p->grid->tilt[1]},
                                    .sigma = p->sigma};
    r->health = (struct health){.policy = POLICY_SKIP};
    if (!p->health.watch)
        return;
    r->health.own = !r->options->health;
    r->health.charts = r->health.own ? tip_health_new(&s) : r->options->health;
    r->watch.owed = r->watch.owed || tip_health_wants_control(r->health.charts);
    flag_again(r);
    store_number(r, "health.baseline", s.baseline);
    store_number(r, "health.sigmas", s.sigmas);
    store_accepted(r);
    store_number(r, "surface.sigma", s.sigma);
    store_number(r, "surface.tilt_x", s.tilt[0]);
    store_number(r, "surface.tilt_y", s.tilt[1]);
    show(r);
}

void health_end(struct run *r)
{
    if (r->health.own)
        tip_health_free(r->health.charts);
}

void health_note(struct run *r, const struct results_attempt *a)
{
    struct health *h = &r->health;
    struct tip_news news;
    if (!h->charts)
        return;
    const struct plan_site *site = r->attempt.site;
    if (site->control)
        add_accepted(r);
    bool changed = tip_health_add(h->charts, a, site->region, site->control, &news);
    r->watch.owed = r->watch.owed || tip_health_wants_control(h->charts);
    if (changed) {
        hop_note(r, "health", "%s", news.text);
        if (news.verdict != TIP_FINE)
            flag_since(r, &news);
        enum fault_class c = class_of(news.verdict);
        h->policy = c == FAULT_NONE ? POLICY_SKIP : (enum fault_policy)r->p->faults.policy[c];
        snprintf(h->reason, sizeof h->reason, "%s", news.text);
        if (c != FAULT_NONE)
            run_tell_fault(r, c, news.text);
    }
    health_judge(r);
    show(r);
}

bool health_allows(struct run *r, enum run_end *end, struct err *e)
{
    struct health *h = &r->health;
    if (h->policy < POLICY_PAUSE)
        return true;
    *end = h->policy == POLICY_ABORT ? RUN_ABORTED : RUN_PAUSED;
    err_set(e, ERR_LIMIT, "%s", h->reason);
    return run_stop(r, h->policy, "health");
}
