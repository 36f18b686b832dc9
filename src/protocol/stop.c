/* Rules that end a run early: reading and checks. */
#include "protocol/stop.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/median.h"
#include "base/buf.h"
#include "base/loop.h"
#include "protocol/check.h"
#include "protocol/factor.h"
#include "protocol/feature_use.h"

/* --- reading ------------------------------------------------------------------------------------------- */

static void read_half_width(struct protocol *p, struct diags *d)
{
    struct stop_when *w = &p->stop.when;
    struct err e = ERR_INIT;
    const char *text = ynode_text(w->half_width_node);
    struct mark m = ynode_mark(w->half_width_node);
    if (!text) {
        diags_error(d, m, "`half-width`: a single value is wanted, such as 5 %%");
        return;
    }
    w->relative = strchr(text, '%') != NULL;
    if (!quantity_parse(text, w->relative ? DIM_NONE : w->ref.def->dim, &w->half_width, &e))
        diags_error(d, m, "%s", e.text);
    else if (!(w->half_width > 0))
        diags_error(d, m, "`half-width` must be more than 0");
}

static void read_by(struct protocol *p, struct diags *d)
{
    struct stop_when *w = &p->stop.when;
    w->factor = w->by ? factor_find(p, w->by) : -1;
    if (!w->by || w->factor >= 0)
        return;
    const char *names[FACTOR_MAX + 1] = {NULL};
    for (int i = 0; i < p->n_factors; i++)
        names[i] = p->factor[i].name;
    diags_error(d, protocol_mark(p, "stop.when.by"), "there is no factor `%.60s`%s", w->by,
                p->n_factors ? "" : ": nothing is varied");
    const char *near = text_nearest(w->by, names);
    if (near)
        diags_hint(d, "did you mean `%s`?", near);
}

void stop_read(struct protocol *p, struct diags *d)
{
    struct stop *s = &p->stop;
    struct err e = ERR_INIT;
    s->when.factor = -1;
    if (s->by && !wallclock_parse(s->by, &s->clock, &e))
        diags_error(d, protocol_mark(p, "stop.by"), "%s", e.text);
    if (!s->when.feature)
        return;
    read_by(p, d);
    if (feature_use_read(p, false, s->when.feature, protocol_mark(p, "stop.when.feature"), &s->when.ref, d) &&
        s->when.half_width_node)
        read_half_width(p, d);
}

/* --- checks -------------------------------------------------------------------------------------------- */

static void check_count(const struct check *c)
{
    int64_t count = c->p->stop.count;
    int most = 0;
    for (int k = 0; k < c->plan->n_combinations; k++)
        most = c->plan->combination[k].sites > most ? c->plan->combination[k].sites : most;
    if (count > most)
        diags_warning(c->d, protocol_mark(c->p, "stop.count"),
                      "%lld measured sites %s are never reached: the plan has %s%d", (long long)count,
                      c->p->n_factors ? "per combination of levels" : "in all",
                      c->p->n_factors ? "at most " : "", most);
}

static void check_cycles(const struct check *c)
{
    const struct stop_when *w = &c->p->stop.when;
    int without = 0;
    for (int k = 0; k < c->plan->n_combinations; k++)
        without += !feature_use_played(c->plan, &w->ref, c->plan->combination[k].level, false);
    if (without)
        diags_error(c->d, protocol_mark(c->p, "stop.when.feature"),
                    "`%s` has no cycle %d at %d of %d combinations of levels: the rule could never be met",
                    w->ref.step, w->ref.cycle, without, c->plan->n_combinations);
}

/* Sites per level of `by`. */
static void check_levels(const struct check *c)
{
    const struct stop_when *w = &c->p->stop.when;
    const struct factor *f = w->factor >= 0 ? &c->p->factor[w->factor] : NULL;
    for (int level = 0; level < (f ? f->n : 1); level++) {
        int sites = 0;
        for (int i = 0; i < c->plan->n_sites; i++)
            sites += !f || c->plan->site[i].level[w->factor] == level;
        if (sites >= w->at_least)
            continue;
        diags_warning(c->d, protocol_mark(c->p, "stop.when"),
                      "the rule can not be met: %lld measured sites are wanted%s%s%s%s, and %d are planned",
                      (long long)w->at_least, f ? " at " : "", f ? f->name : "", f ? " = " : "",
                      f ? f->text[level] : "", sites);
        return;
    }
}

void check_stop(struct check *c)
{
    const struct stop *s = &c->p->stop;
    int least = median_least(STOP_CONFIDENCE);
    if (s->count)
        check_count(c);
    if (!s->when.feature)
        return;
    if (s->when.at_least < least)
        diags_error(c->d, protocol_mark(c->p, "stop.when.at-least"),
                    "%lld values have no confidence interval of the median at %g %%: %d are the least",
                    (long long)s->when.at_least, 100 * STOP_CONFIDENCE, least);
    check_cycles(c);
    check_levels(c);
}

/* Sites that are done when `available` seconds are over. */
static int done_within(const struct plan *p, double available)
{
    int sites = 0;
    for (int k = 0; k < p->n_visits; k++) {
        const struct plan_site *s = &p->site[p->visit[k]];
        available -= s->seconds;
        if (available < 0)
            break;
        sites += !s->control;
    }
    return sites;
}

static void check_clock(const struct plan *p, struct diags *d)
{
    const struct protocol *q = p->protocol;
    struct mark m = protocol_mark(q, "stop.by");
    bool utc = q->now == LOOP_VIRTUAL_EPOCH;
    double by = wallclock_next(&q->stop.clock, q->now, utc), available = by - q->now;
    double first = p->n_visits ? p->site[p->visit[0]].seconds : 0;
    char end[40];
    wallclock_show(by, q->now, utc, end);
    if (available <= 0)
        diags_error(d, m, "%s is past: no site could be begun", q->stop.by);
    else if (available < first)
        diags_error(d, m, "the first site takes about %s, and it is %s to %s: no site could be begun",
                    show(ceil(first), DIM_TIME), show(ceil(available), DIM_TIME), end);
    else if (p->seconds.total > available)
        diags_warning(
            d, m, "the grid takes about %s; if it is begun now, about %d of %d sites will be done by %s",
            show(60 * ceil(p->seconds.total / 60), DIM_TIME), done_within(p, available), p->n_sites, end);
}

void check_stop_time(const struct plan *p, struct diags *d)
{
    const struct stop *s = &p->protocol->stop;
    double total = p->seconds.total;
    if (total > s->after)
        diags_warning(d, protocol_mark(p->protocol, "stop.after"),
                      "the grid takes about %s; after %s about %d of %d sites will be done",
                      show(60 * ceil(total / 60), DIM_TIME), show(s->after, DIM_TIME),
                      done_within(p, s->after), p->n_sites);
    if (s->by && p->protocol->now > 0)
        check_clock(p, d);
}
