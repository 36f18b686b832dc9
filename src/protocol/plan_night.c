/* The plan for people, what concerns the night as a whole: control sites, the clock, what ends it early. */
#include <math.h>

#include "base/buf.h"
#include "base/loop.h"
#include "protocol/check.h"
#include "protocol/plan_parts.h"

void plan_add_duration(struct buf *out, double s)
{
    long minutes = lround(s / 60);
    if (s < 120)
        buf_printf(out, "%.0f s", s);
    else if (minutes < 60)
        buf_printf(out, "%ld min", minutes);
    else
        buf_printf(out, "%ld h %02ld min", minutes / 60, minutes % 60);
}

/* What the clock will show, if the run is begun now. */
static void add_finish(const struct plan *p, struct buf *out)
{
    double now = p->protocol->now, end = now + p->seconds.total;
    char at[40], early[40], late[40], begun[40];
    if (!(now > 0))
        return;
    bool utc = now == LOOP_VIRTUAL_EPOCH;
    buf_printf(out, "\n  begun now, at %s, it is done about %s (%s to %s)",
               wallclock_show(now, now, utc, begun), wallclock_show(end, now, utc, at),
               wallclock_show(end - p->seconds.uncertainty, now, utc, early),
               wallclock_show(end + p->seconds.uncertainty, now, utc, late));
}

static void add_when(const struct plan *p, struct buf *out)
{
    const struct stop_when *w = &p->protocol->stop.when;
    buf_printf(out, "\n  finished when the median of %s is known to +- ", w->feature);
    if (w->relative)
        buf_printf(out, "%.4g %%", 100 * w->half_width);
    else
        buf_str(out, show(w->half_width, w->ref.def->dim));
    if (w->by)
        buf_printf(out, " at each level of %s", w->by);
    buf_printf(out, ", from %lld measured sites%s on", (long long)w->at_least, w->by ? " each" : "");
}

static void add_stop(const struct plan *p, struct buf *out)
{
    const struct stop *s = &p->protocol->stop;
    if (isfinite(s->after)) {
        buf_str(out, "\n  no new site is begun after ");
        plan_add_duration(out, s->after);
    }
    if (s->by)
        buf_printf(out, "\n  no new site is begun that would end after %s", s->by);
    if (s->count)
        buf_printf(out, "\n  a combination of levels with %lld measured sites gets no more",
                   (long long)s->count);
    if (s->when.feature)
        add_when(p, out);
}

void plan_add_clock(const struct plan *p, struct buf *out)
{
    add_finish(p, out);
    add_stop(p, out);
}

/* "C1 | 25 sites | C2 | ..." in numbers of sites, and what a control must show. */
void plan_add_controls(const struct plan *p, struct buf *out)
{
    const struct control *c = &p->protocol->controls;
    if (!p->n_controls)
        return;
    int planned = p->n_visits - p->n_sites, shown = 0;
    buf_printf(out, "\ncontrols: %d of the %d spots of `%s`, before the first site, ", planned, p->n_controls,
               c->patch);
    if (c->every)
        buf_printf(out, "every %lld sites%s", (long long)c->every, isnan(c->after) ? "" : " or ");
    if (!isnan(c->after)) {
        buf_str(out, "after ");
        plan_add_duration(out, c->after);
    }
    bool closed = p->site[p->visit[p->n_visits - 1]].control;
    buf_str(out,
            closed ? " and behind the last\n  in order:" : "; no spot is left behind the last\n  in order:");
    for (int k = 0; k < p->n_visits; k++) {
        const struct plan_site *s = &p->site[p->visit[k]];
        bool first = !s->control && (k == 0 || p->site[p->visit[k - 1]].control);
        bool last = !s->control && (k + 1 == p->n_visits || p->site[p->visit[k + 1]].control);
        if (s->control && shown++ == 12) {
            buf_str(out, " ...");
            break;
        }
        if (s->control)
            buf_printf(out, " [%d]", s->site);
        else if (first)
            buf_printf(out, " %d", s->site);
        else if (last)
            buf_printf(out, "-%d", s->site);
    }
    buf_char(out, '\n');
    for (int k = 0; k < c->n_accept; k++) {
        char name[128];
        enum dim dim = c->accept[k].feature.def->dim;
        buf_printf(out, "  %s from %s to %s, otherwise %s\n",
                   feature_ref_text(&c->accept[k].feature, name, sizeof name), show(c->accept[k].low, dim),
                   show(c->accept[k].high, dim),
                   c->then == CONTROL_PAUSE ? "the run pauses" : "the sites around it are flagged");
    }
}
