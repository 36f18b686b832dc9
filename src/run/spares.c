/* Spares: each lost site gets the nearest free one of its region, which takes over its levels.
 *
 * Which spare comes next depends only on what is lost and what is taken, never on the way there: the lowest
 * lost place that nobody stands for is always the next to get one. So a run that is resumed takes the same
 * spares as one that was not interrupted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "run/hop.h"

void tour_start(const struct run *r, struct tour *t)
{
    int n = plan_places(r->plan), sites = r->plan->n_sites, spares = r->plan->n_spares;
    *t = (struct tour){.outcome = xcalloc((size_t)n, sizeof *t->outcome),
                       .fault = xcalloc((size_t)n, sizeof *t->fault),
                       .replaced = xcalloc((size_t)n, sizeof *t->replaced),
                       .replaces = xcalloc((size_t)spares + 1, sizeof *t->replaces)};
    const struct run_before *b = r->options->before;
    for (int k = 0; b && k < n; k++) {
        t->outcome[k] = b[k].again ? OUTCOME_NONE : b[k].outcome;
        t->fault[k] = b[k].fault;
    }
    for (int k = 0; b && k < spares; k++) {
        t->replaces[k] = b[sites + k].replaces;
        if (t->replaces[k])
            t->replaced[t->replaces[k] - 1] = true;
    }
}

void tour_free(struct tour *t)
{
    free(t->outcome);
    free(t->fault);
    free(t->replaced);
    free(t->replaces);
}

int tour_root(const struct run *r, const struct tour *t, int place)
{
    int sites = r->plan->n_sites;
    while (place >= sites)
        place = t->replaces[place - sites] - 1;
    return place;
}

/* The free spare of the region that is nearest to a planned site, -1 = none. Of equally near ones (to the
 * picometre) the first. */
static int nearest_free(const struct run *r, const struct tour *t, int root)
{
    const struct plan_site *site = r->plan->site, *s = &site[root];
    int sites = r->plan->n_sites, best = -1;
    double least = INFINITY;
    for (int k = 0; k < r->plan->n_spares; k++) {
        const struct plan_site *q = &site[sites + k];
        if (t->replaces[k] || t->outcome[sites + k] != OUTCOME_NONE || q->pattern != s->pattern)
            continue;
        double distance = rint(hypot(q->x - s->x, q->y - s->y) * 1e12);
        if (distance < least) {
            least = distance;
            best = k;
        }
    }
    return best;
}

/* A spare takes over levels and block of the site it stands for. */
static bool visit_spare(struct run *r, struct tour *t, int spare, enum run_end *end, struct err *e)
{
    int at = r->plan->n_sites + spare;
    const struct plan_site *root = &r->plan->site[tour_root(r, t, at)];
    r->spare_now = r->plan->site[at];
    memcpy(r->spare_now.level, root->level, sizeof r->spare_now.level);
    r->spare_now.block = root->block;
    r->spare_now.combination = root->combination;
    r->spare_now.seconds = root->seconds;
    r->shown.stands_for = root->site;
    return run_visit(r, t, &r->spare_now, at, end, e);
}

/* The spare at `spare` for the lost place `k`. */
static bool use_spare(struct run *r, struct tour *t, int k, int spare, enum run_end *end, struct err *e)
{
    /* Before the spare is taken, so that one in use is one that is visited. */
    if (!watch_before_site(r, t, end, e) || !rules_allow(r, &r->plan->site[r->plan->n_sites + spare], end, e))
        return false;
    t->replaces[spare] = r->plan->site[k].site;
    t->replaced[k] = true;
    if (!writer_spare(r->w, r->plan->site[r->plan->n_sites + spare].site, t->replaces[spare],
                      r->plan->site[tour_root(r, t, k)].site)) {
        *end = RUN_FAULT;
        return writer_ok(r->w, e) && err_set(e, ERR_IO, "results file: the writer does not take the spare");
    }
    return visit_spare(r, t, spare, end, e);
}

/* The lowest place that is lost and that nobody stands for, -1 = none. */
static int next_lost(const struct run *r, struct tour *t)
{
    int sites = r->plan->n_sites;
    for (int k = t->lost; k < sites + r->plan->n_spares; k++) {
        bool counts = k < sites ? k < r->counts.planned : t->replaces[k - sites] != 0;
        if (counts && !t->replaced[k] && run_wants_spare(r->p, t->outcome[k], t->fault[k])) {
            t->lost = k;
            return k;
        }
    }
    return -1;
}

bool tour_spares(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    int sites = r->plan->n_sites;
    for (int spare = 0; spare < r->plan->n_spares; spare++) {
        bool open = t->replaces[spare] && t->outcome[sites + spare] == OUTCOME_NONE;
        if (open && (!watch_before_site(r, t, end, e) || !visit_spare(r, t, spare, end, e)))
            return false;
    }
    for (int k; !r->rules.enough && (k = next_lost(r, t)) >= 0;) {
        int root = tour_root(r, t, k), spare = nearest_free(r, t, root);
        bool enough =
            r->p->stop.count > 0 && r->rules.measured[r->plan->site[root].combination] >= r->p->stop.count;
        if (spare < 0 && !enough && r->plan->n_spares > 0)
            hop_note(r, "warning", "no spare is left%s%s for site %d",
                     r->plan->site[root].region[0] ? " in region " : "", r->plan->site[root].region,
                     r->plan->site[k].site);
        if (spare < 0 || enough) {
            t->replaced[k] = true; /* nobody can, or need */
            continue;
        }
        if (!use_spare(r, t, k, spare, end, e))
            return false;
        if (sites + spare < t->lost) /* it may be lost itself */
            t->lost = sites + spare;
    }
    return true;
}
