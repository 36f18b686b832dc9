/* What an earlier part of a run left, read back from its file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"

static bool has_flag(const char *flags, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = flags; (p = strstr(p, name)); p += n)
        if ((p == flags || p[-1] == ',') && (p[n] == '\0' || p[n] == ','))
            return true;
    return false;
}

static bool read_sites(struct results *file, const struct plan *plan, struct run_before *out, struct err *e)
{
    struct results_sites s;
    int n = plan_places(plan);
    if (!results_sites(file, &s, e))
        return false;
    bool ok = s.n == n || err_set(e, ERR_INPUT, "the file has %d sites, the plan %d", s.n, n);
    for (int k = 0; ok && k < n; k++) {
        const struct results_site *site = &s.site[k];
        bool cut_short = site->outcome == OUTCOME_ABORTED || site->outcome == OUTCOME_FAULT;
        out[site->site - 1] = (struct run_before){
            .outcome = site->outcome,
            .attempts = site->attempts,
            .replaces = site->replaces,
            .x = site->x,
            .y = site->y,
            .t = site->start_s,
            .contact_z = site->contact_z,
            .last_attempt = site->last_attempt,
            .control_failed = site->role == SITE_CONTROL && has_flag(site->flags, "control-failed"),
            .value = NAN,
            .again = cut_short && site->touched == TOUCHED_NO,
        };
    }
    results_sites_free(&s);
    return ok;
}

/* The feature of stop.when, of the last attempt of each site. */
static bool read_values(struct results *file, const struct plan *plan, struct run_before *out, struct err *e)
{
    const struct feature_ref *f = &plan->protocol->stop.when.ref;
    struct results_feature *row;
    int n;
    if (!results_features(file, &row, &n, e))
        return false;
    for (int k = 0; k < n; k++) {
        bool ours = row[k].cycle == f->cycle && strcmp(row[k].name, f->def->name) == 0 &&
                    strcmp(row[k].step_name, f->step) == 0;
        struct run_before *b = &out[row[k].site - 1];
        if (ours && !row[k].missing[0] && row[k].attempt == b->last_attempt)
            b->value = row[k].value;
    }
    free(row);
    return true;
}

bool run_before_read(struct results *file, const struct plan *plan, struct run_before *out, struct err *e)
{
    return read_sites(file, plan, out, e) &&
           (!plan->protocol->stop.when.feature || read_values(file, plan, out, e));
}
