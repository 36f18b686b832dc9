/* Control sites in the run: when one is due, at which spot, and what is done with its verdict.
 *
 * Everything here follows from the results file: how many sites were visited since the last control, when it
 * was, which spots are used. A resumed run therefore goes on with the count, and no spot is used twice. A new
 * probe begins with a control; what the last one of another probe said is not held against its sites. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/hop.h"

#define FLAG "control-failed"

static const struct plan_site *spot_at(const struct run *r, int spot)
{
    return &r->plan->site[r->plan->n_sites + r->plan->n_spares + spot];
}

void watch_start(struct run *r)
{
    struct watch_over *c = &r->watch;
    const struct run_before *b = r->options->before;
    int first = r->plan->n_sites + r->plan->n_spares;
    int64_t since = r->options->probe ? r->options->probe->from_attempt : 0;
    *c = (struct watch_over){.last_s = NAN, .last_attempt = since > 0 ? since - 1 : 0};
    for (int k = 0; b && k < r->plan->n_controls; k++) {
        const struct run_before *s = &b[first + k];
        if (s->outcome == OUTCOME_NONE || s->again)
            continue;
        c->spot = k + 1;
        if (s->outcome != OUTCOME_MEASURED || s->t < c->last_s || s->last_attempt < since)
            continue;
        c->last_s = s->t;
        c->last_attempt = s->last_attempt;
        c->bad = s->control_failed;
    }
    for (int k = 0; b && k < first; k++)
        c->since += b[k].attempts > 0 && !b[k].again && !(b[k].t < c->last_s);
    c->owed = c->bad && r->p->controls.then == CONTROL_PAUSE;
}

static bool is_due(const struct run *r)
{
    const struct control *c = &r->p->controls;
    const struct watch_over *w = &r->watch;
    if (r->plan->n_controls == 0)
        return false;
    return w->owed || isnan(w->last_s) || (c->every && w->since >= c->every) ||
           (!isnan(c->after) && ns_to_s(loop_now(r->loop)) - w->last_s >= c->after);
}

/* --- the verdict ---------------------------------------------------------------------------------------- */

static const struct results_feature *find(const struct features *list, const struct feature_ref *f)
{
    for (int k = 0; k < list->n; k++)
        if (list->row[k].cycle == f->cycle && strcmp(list->row[k].name, f->def->name) == 0 &&
            strcmp(list->row[k].step_name, f->step) == 0)
            return &list->row[k];
    return NULL;
}

double run_feature(const struct run *r, const struct feature_ref *f)
{
    const struct results_feature *row = find(&r->features, f);
    return row && !row->missing[0] ? row->value : NAN;
}

/* Adds the verdict on one interval to the text; true if it holds. */
static bool holds(const struct run *r, const struct accept *a, char *text, size_t room)
{
    char name[128], value[40], low[40], high[40];
    enum dim dim = a->feature.def->dim;
    const struct results_feature *row = find(&r->features, &a->feature);
    double v = run_feature(r, &a->feature);
    bool ok = v >= a->low && v <= a->high;
    size_t n = strlen(text);
    feature_ref_text(&a->feature, name, sizeof name);
    if (isnan(v))
        snprintf(text + n, room - n, "%s%s is missing (%s)", n ? "; " : "", name,
                 row && row->missing[0] ? row->missing : "not computed");
    else
        snprintf(text + n, room - n, "%s%s = %s, %s %s to %s", n ? "; " : "", name,
                 quantity_format(v, dim, value, sizeof value), ok ? "within" : "outside of",
                 quantity_format(a->low, dim, low, sizeof low),
                 quantity_format(a->high, dim, high, sizeof high));
    return ok;
}

void watch_judge(struct run *r)
{
    struct watch_over *w = &r->watch;
    const struct control *c = &r->p->controls;
    if (r->attempt.outcome != OUTCOME_MEASURED)
        return;
    if (!r->attempt.site->control) {
        if (w->bad)
            attempt_flag(r, FLAG);
        return;
    }
    bool good = true;
    w->verdict[0] = '\0';
    for (int k = 0; k < c->n_accept; k++)
        good = holds(r, &c->accept[k], w->verdict, sizeof w->verdict) && good;
    if (!good)
        attempt_flag(r, FLAG);
}

/* What follows from a measured control. Sites behind an earlier failed one carry the flag already. */
static bool conclude(struct run *r, enum run_end *end, struct err *e)
{
    struct watch_over *w = &r->watch;
    const struct attempt *a = &r->attempt;
    bool failed = strstr(a->flags, FLAG) != NULL;
    hop_note(r, "control", "spot %d of %d: %s%s%s", w->spot, r->plan->n_controls, failed ? "failed" : "good",
             w->verdict[0] ? ": " : "", w->verdict);
    if (failed && !w->bad)
        writer_flag(r->w, w->last_attempt, a->id, FLAG);
    w->last_s = a->start_s;
    w->last_attempt = a->id;
    w->since = 0;
    w->bad = failed;
    w->owed = false;
    r->counts.controls_failed += failed;
    if (!failed || r->p->controls.then == CONTROL_FLAG)
        return true;
    *end = RUN_PAUSED;
    r->rules.rule = "control";
    return err_set(e, ERR_LIMIT, "control: site %d: %s", a->site->site, w->verdict);
}

/* --- visits --------------------------------------------------------------------------------------------- */

static bool none_left(struct run *r)
{
    struct watch_over *w = &r->watch;
    if (w->spot < r->plan->n_controls)
        return false;
    if (!w->told)
        hop_note(r, "warning", "control: all %d spots of `%s` are used: the sites go on without controls",
                 r->plan->n_controls, r->p->controls.patch);
    w->told = true;
    return true;
}

static bool visit_control(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    struct watch_over *w = &r->watch;
    for (int tries = 0; tries < CONTROL_TRIES; tries++) {
        if (none_left(r))
            return true;
        const struct plan_site *s = spot_at(r, w->spot);
        if (!rules_allow(r, s, end, e))
            return false;
        w->spot++;
        if (!run_visit(r, t, s, s->site - 1, end, e))
            return false;
        if (r->attempt.outcome == OUTCOME_MEASURED)
            return conclude(r, end, e);
        hop_note(r, "control", "spot %d of %d: not measured: %s: %s", w->spot, r->plan->n_controls,
                 outcome_name(r->attempt.outcome), r->attempt.reason);
    }
    *end = RUN_PAUSED;
    r->rules.rule = "control";
    return err_set(e, ERR_LIMIT, "control: %d spots in a row were not measured (last: site %d: %s: %s)",
                   CONTROL_TRIES, r->attempt.site->site, outcome_name(r->attempt.outcome), r->attempt.reason);
}

bool watch_before_site(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    return !is_due(r) || visit_control(r, t, end, e);
}

bool watch_behind(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    const struct watch_over *w = &r->watch;
    if ((w->since == 0 && !w->owed) || w->spot >= r->plan->n_controls)
        return true;
    /* All sites are done: that its time is over does not make the run an unfinished one. */
    struct err over = ERR_INIT;
    enum run_end how = *end;
    if (rules_allow(r, spot_at(r, w->spot), &how, &over))
        return visit_control(r, t, end, e);
    if (how == RUN_PAUSED) {
        r->rules.rule = NULL;
        r->stopped = false;
        return true;
    }
    *end = how;
    *e = over;
    return false;
}
