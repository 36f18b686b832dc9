/* What an earlier part of a run left, read back from its file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/hop.h"

static bool has_flag(const char *flags, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = flags; (p = strstr(p, name)); p += n)
        if ((p == flags || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
            return true;
    return false;
}

/* Heights up to this attempt say nothing of the surface: doubted, and somebody has said so. */
static long long forgotten_to(struct results *file, bool forget)
{
    char *text = results_info(file, forget ? RUN_HEIGHTS_DOUBTED : RUN_HEIGHTS_FORGOTTEN);
    text = text || !forget ? text : results_info(file, RUN_HEIGHTS_FORGOTTEN);
    long long attempt = text ? atoll(text) : 0;
    free(text);
    return attempt;
}

/* A crossing that was not confirmed, or that lay far above, says nothing of the surface. */
static bool is_surface(const struct results_site *s, long long forgotten)
{
    return s->touched == TOUCHED_YES && !has_flag(s->flags, FAR_ABOVE) && s->last_attempt > forgotten;
}

/* Not touched, and cut short by the operator or by a fault that ended the run; or given up after all its
 * tries for what may have passed by now: the site is as fresh as it was. */
static bool is_again(const struct protocol *p, const struct results_site *s, enum fault_class c)
{
    if (s->touched != TOUCHED_NO || s->outcome == OUTCOME_MEASURED)
        return false;
    if (s->outcome == OUTCOME_FAULT && c == FAULT_NOT_DETACHED) /* it was never reached */
        return true;
    enum fault_policy policy = run_policy(p, s->outcome, c);
    return s->outcome == OUTCOME_ABORTED || policy == POLICY_RETRY ||
           (policy >= POLICY_PAUSE && s->outcome == OUTCOME_FAULT);
}

/* --- what the file says of the plan's places --------------------------------------------------------------
 * Anybody may have written to it: what serves as an index, or is followed, is looked at first. */

static bool is_place(int site, int n, const char *table, struct err *e)
{
    return (site >= 1 && site <= n) ||
           err_set(e, ERR_INPUT, "the file's table `%s` names site %d: the plan has 1 to %d", table, site, n);
}

/* Each spare in use stands for one place that nobody else stands for, and in the end for a planned one. */
static bool check_spares(const struct plan *plan, const struct run_before *b, struct err *e)
{
    int sites = plan->n_sites, places = sites + plan->n_spares;
    int *taken = xcalloc((size_t)places + 1, sizeof *taken);
    bool ok = true;
    for (int k = 0; ok && k < plan_places(plan); k++) {
        int place = b[k].replaces, steps = 0;
        if (!place)
            continue;
        if (k < sites || k >= places || place < 1 || place > places)
            ok = err_set(e, ERR_INPUT, "the file says that site %d stands for site %d, which can not be",
                         k + 1, place);
        else if (taken[place])
            ok = err_set(e, ERR_INPUT, "the file says that the sites %d and %d both stand for site %d",
                         taken[place], k + 1, place);
        else
            taken[place] = k + 1;
        while (ok && place > sites && place <= places && steps++ < places)
            place = b[place - 1].replaces;
        if (ok && (place < 1 || place > sites))
            ok = err_set(e, ERR_INPUT,
                         "the file says that spare %d stands for site %d, and so for no planned one", k + 1,
                         b[k].replaces);
    }
    free(taken);
    return ok;
}

static bool read_sites(struct results *file, const struct plan *plan, bool forget, struct run_before *out,
                       struct err *e)
{
    struct results_sites s;
    int n = plan_places(plan);
    long long forgotten = forgotten_to(file, forget);
    if (!results_sites(file, &s, e))
        return false;
    bool ok = s.n == n || err_set(e, ERR_INPUT, "the file has %d sites, the plan %d", s.n, n);
    for (int k = 0; ok && k < n; k++) {
        const struct results_site *site = &s.site[k];
        if (!(ok = is_place(site->site, n, "site", e)))
            break;
        enum fault_class fault = fault_from_name(site->fault);
        out[site->site - 1] = (struct run_before){
            .outcome = site->outcome,
            .fault = fault,
            .attempts = site->attempts,
            .replaces = site->replaces,
            .x = site->x,
            .y = site->y,
            .t = site->start_s,
            .contact_z = is_surface(site, forgotten) ? site->contact_z : NAN,
            .last_attempt = site->last_attempt,
            .control_failed = site->role == SITE_CONTROL && has_flag(site->flags, "control-failed"),
            .value = NAN,
            .aperture = NAN,
            .suspect = has_flag(site->flags, PROBE_SUSPECT),
            .again = is_again(plan->protocol, site, fault),
        };
    }
    ok = ok && check_spares(plan, out, e);
    for (int k = 0; ok && k < n; k++)
        if (out[k].replaces) /* somebody stands for it already */
            out[out[k].replaces - 1].again = false;
    results_sites_free(&s);
    return ok;
}

/* How wide each probe is: what was measured with another one of another size is no part of the sample. */
static bool read_apertures(struct results *file, const struct plan *plan, struct run_before *out,
                           struct err *e)
{
    struct probe *list = xcalloc(PROBES_MAX, sizeof *list);
    int n = probes_read(file, list, e);
    for (int k = 0; n > 0 && k < plan_places(plan); k++)
        out[k].aperture =
            run_aperture(plan->protocol, out[k].attempts ? probe_of(list, n, out[k].last_attempt) : NULL);
    free(list);
    return n > 0;
}

/* The feature of stop.when, of the last attempt of each site. */
static bool read_values(struct results *file, const struct plan *plan, struct run_before *out, struct err *e)
{
    const struct feature_ref *f = &plan->protocol->stop.when.ref;
    struct results_feature *row;
    int n;
    if (!results_features(file, &row, &n, e))
        return false;
    bool ok = true;
    for (int k = 0; k < n && (ok = is_place(row[k].site, plan_places(plan), "feature", e)); k++) {
        bool ours = row[k].cycle == f->cycle && strcmp(row[k].name, f->def->name) == 0 &&
                    strcmp(row[k].step_name, f->step) == 0;
        struct run_before *b = &out[row[k].site - 1];
        if (ours && !row[k].missing[0] && !b->suspect && row[k].attempt == b->last_attempt)
            b->value = row[k].value;
    }
    free(row);
    return ok;
}

bool run_before_read(struct results *file, const struct plan *plan, bool forget, struct run_before *out,
                     struct err *e)
{
    return read_sites(file, plan, forget, out, e) &&
           (!plan->protocol->stop.when.feature ||
            (read_apertures(file, plan, out, e) && read_values(file, plan, out, e)));
}
