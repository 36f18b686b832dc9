/* What watchers see of the run: the run thread's side of the snapshot. Nothing here waits, and nothing does
 * anything when nobody may look. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "results/pace.h"
#include "run/hop.h"

/* A watcher sees news at most this often, in the watcher's time; virtual time passes many times faster. */
#define SHOW_EVERY         (50 * NS_MS)
#define SHOW_EVERY_VIRTUAL (500 * NS_MS)

static struct snapshot *watched(const struct run *r)
{
    return r->options->snapshot;
}

/* Time to go: the mean of this part of the run; before its first site, the plan's. */
double show_time_left(const struct run *r, int left)
{
    const struct shown *s = &r->shown;
    double each = pace_per_site(&(struct pace){ns_to_s(s->worked), s->worked_at});
    if (isfinite(each))
        return each * left;
    return r->plan->n_sites > 0 ? r->plan->seconds.total / r->plan->n_sites * left : 0;
}

static struct snapshot_status status_now(const struct run *r)
{
    const struct shown *s = &r->shown;
    struct snapshot_status now = {
        .planned = r->counts.planned,
        .visited = r->counts.visited,
        .left = r->counts.planned > s->done ? r->counts.planned - s->done : 0,
        .site = s->site,
        .time_s = ns_to_s(loop_now(r->loop)),
        .x = r->xy[0],
        .y = r->xy[1],
        .z = r->z,
        .ended = s->ended,
        .safe = r->counts.safe,
    };
    memcpy(now.by_outcome, r->counts.by_outcome, sizeof now.by_outcome);
    now.left_s = show_time_left(r, now.left);
    loop_utc(r->loop, now.utc);
    snprintf(now.state, sizeof now.state, "%s", s->state);
    snprintf(now.reason, sizeof now.reason, "%.255s", s->reason);
    snprintf(now.phase, sizeof now.phase, "%s", hop_state_name(r->state));
    if (s->site) {
        const struct attempt *a = &r->attempt;
        now.attempt = a->number;
        now.cycle = a->last_cycle;
        if (a->n_recorded > 0)
            snprintf(now.step, sizeof now.step, "%s", a->recorded[a->n_recorded - 1].step.name);
    }
    return now;
}

static ns_t show_every(const struct run *r)
{
    if (loop_mode(r->loop) == LOOP_VIRTUAL)
        return SHOW_EVERY_VIRTUAL;
    return (ns_t)((double)SHOW_EVERY * loop_speed(r->loop));
}

void show_now(struct run *r)
{
    if (!watched(r) || loop_now(r->loop) < r->shown.next)
        return;
    struct snapshot_status now = status_now(r);
    snapshot_put_status(watched(r), &now);
    snapshot_publish(watched(r));
    r->shown.next = loop_now(r->loop) + show_every(r);
}

void show_state(struct run *r, const char *state, const char *reason)
{
    snprintf(r->shown.state, sizeof r->shown.state, "%s", state);
    snprintf(r->shown.reason, sizeof r->shown.reason, "%.255s", reason);
    r->shown.next = 0;
    if (watched(r)) {
        struct snapshot_status now = status_now(r);
        snapshot_put_state(watched(r), &now);
    }
    show_now(r);
}

void show_begin(struct run *r)
{
    for (int k = 0; r->options->before && k < r->counts.planned; k++)
        r->shown.done += r->options->before[k].outcome != OUTCOME_NONE && !r->options->before[k].again;
    show_state(r, "running", "");
}

void show_visit(struct run *r, const struct plan_site *site)
{
    wishes_site(r->options->wishes, site->site);
    r->shown.site = site->site;
    r->shown.began = loop_now(r->loop);
}

void show_visited(struct run *r, const struct plan_site *site)
{
    const struct attempt *a = &r->attempt;
    wishes_site(r->options->wishes, 0);
    r->shown.site = 0;
    r->shown.done += !site->spare && !site->control;
    r->shown.next = 0;
    if (a->outcome != OUTCOME_SKIPPED) {
        r->shown.worked += loop_now(r->loop) - r->shown.began;
        r->shown.worked_at++;
    }
    if (!watched(r) || a->site != site)
        return;
    struct snapshot_site now = {.outcome = a->outcome,
                                .touched = a->touched,
                                .attempts = a->number,
                                .contact_z = a->contact_z,
                                .stands_for = site->spare ? r->shown.stands_for : 0};
    now.end_s = ns_to_s(loop_now(r->loop));
    loop_utc(r->loop, now.utc);
    snprintf(now.reason, sizeof now.reason, "%.127s", a->reason);
    snprintf(now.flags, sizeof now.flags, "%.63s", a->flags);
    snapshot_put_site(watched(r), site->site, &now);
    show_now(r);
}

void show_event(struct run *r, const struct results_event *ev)
{
    r->shown.next = 0; /* worth telling at once */
    if (watched(r) && strcmp(ev->kind, "state") != 0)
        snapshot_put_event(watched(r), ev);
}

void show_features(struct run *r, const struct results_feature *f, int n)
{
    for (int k = 0; watched(r) && k < n; k++)
        snapshot_put_feature(watched(r), &f[k]);
}

void show_step(struct run *r, const struct results_step *step, enum segment_kind kind)
{
    if (watched(r))
        snapshot_begin_curve(watched(r), step->site, r->attempt.number, step,
                             kind == SEGMENT_GALVANOSTATIC || kind == SEGMENT_OPEN);
}

void show_sample(struct run *r, const struct sample *s)
{
    if (!watched(r))
        return;
    const struct snapshot_point p = {
        .t = (float)s->t, .e = (float)s->e, .i = (float)s->i, .z = (float)r->z, .cycle = s->cycle};
    snapshot_put_point(watched(r), &p);
}
