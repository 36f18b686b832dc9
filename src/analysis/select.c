/* One feature over the sites of a file. */
#include "analysis/select.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void select_free(struct selection *s)
{
    free(s->value);
    free(s->site);
    free(s->missing);
    free(s->levels);
    *s = (struct selection){0};
}

static bool has_flag(const char *flags, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = flags; (p = strstr(p, name)); p += n)
        if ((p == flags || p[-1] == ',' || p[-1] == ' ') && (p[n] == '\0' || p[n] == ',' || p[n] == ' '))
            return true;
    return false;
}

static void count_missing(struct selection *s, const char *reason)
{
    for (int k = 0; k < s->n_missing; k++)
        if (strcmp(s->missing[k].reason, reason) == 0) {
            s->missing[k].n++;
            return;
        }
    s->missing = xrealloc(s->missing, (size_t)(s->n_missing + 1) * sizeof *s->missing);
    struct select_missing *m = &s->missing[s->n_missing++];
    snprintf(m->reason, sizeof m->reason, "%s", reason);
    m->n = 1;
}

/* Index in `sites` + 1 of each site's number; caller frees. */
static int *places_of(const struct results_sites *sites, int *most)
{
    *most = 0;
    for (int k = 0; k < sites->n; k++)
        *most = sites->site[k].site > *most ? sites->site[k].site : *most;
    int *place = xcalloc((size_t)*most + 1, sizeof *place);
    for (int k = 0; k < sites->n; k++)
        if (sites->site[k].site > 0)
            place[sites->site[k].site] = k + 1;
    return place;
}

/* A row of this feature, whatever its cycle, of the attempt that counts. */
static bool is_of(const struct results_sites *sites, const int *place, int most,
                  const struct results_feature *f, const struct feature_ref *ref)
{
    return strcmp(f->name, ref->def->name) == 0 && f->site >= 1 && f->site <= most && place[f->site] &&
           (!ref->step[0] || strcmp(f->step_name, ref->step) == 0) &&
           sites->site[place[f->site] - 1].last_attempt == f->attempt;
}

/* Rows of the feature by position of their site in `sites`; false if two steps have it, or if a step that was
 * played several times has it and the cycle is not said. */
static bool find_rows(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                      const struct feature_ref *ref, const struct results_feature **of, char step[64],
                      struct err *e)
{
    int most;
    int *place = places_of(sites, &most);
    bool ok = true;
    const struct results_feature *other = NULL;
    step[0] = '\0';
    for (int k = 0; k < n_rows && ok; k++) {
        const struct results_feature *f = &rows[k];
        if (!is_of(sites, place, most, f, ref))
            continue;
        if (f->cycle != ref->cycle) {
            other = f;
            continue;
        }
        if (step[0] && strcmp(step, f->step_name) != 0)
            ok = err_set(e, ERR_INPUT, "`%s` is in the steps `%s` and `%s`: say which, as in `%s.%s`",
                         f->name, step, f->step_name, step, f->name);
        snprintf(step, 64, "%s", f->step_name);
        of[place[f->site] - 1] = f;
    }
    if (ok && other && ref->cycle == 0 && !step[0])
        ok = err_set(e, ERR_INPUT, "`%s.%s` has a value for each cycle: say which, as in `%s.%s@1`",
                     other->step_name, other->name, other->step_name, other->name);
    free(place);
    return ok;
}

/* The flag that says that the drop may not have covered what it is taken to have covered all the time, or
 * that the probe may not have been what it is taken for; NULL = none. */
static const char *doubt_of(const struct results_site *site)
{
    static const char *const flags[] = {"meniscus-unverified", "meniscus-spreading", "contact-interrupted",
                                        "probe-suspect"};
    for (size_t k = 0; site->outcome == OUTCOME_MEASURED && k < sizeof flags / sizeof flags[0]; k++)
        if (has_flag(site->flags, flags[k]))
            return flags[k];
    return NULL;
}

/* Why a site has no value, or NULL. */
static const char *why_missing(const struct results_site *site, const struct results_feature *f,
                               const char *left_out, char text[96])
{
    if (site->outcome != OUTCOME_MEASURED) {
        const char *name = site->outcome == OUTCOME_NONE ? "none yet" : outcome_name(site->outcome);
        snprintf(text, 96, "outcome %s", name);
        return text;
    }
    if (left_out)
        return left_out;
    if (!f)
        return "not computed";
    return f->missing[0] ? f->missing : isfinite(f->value) ? NULL : "no finite value";
}

static int level_of(struct selection *s, const char *name, double si)
{
    for (int k = 0; k < s->n_levels; k++)
        if (strcmp(s->levels[k].name, name) == 0)
            return k;
    s->levels = xrealloc(s->levels, (size_t)(s->n_levels + 1) * sizeof *s->levels);
    snprintf(s->levels[s->n_levels].name, sizeof s->levels[0].name, "%s", name);
    s->levels[s->n_levels].si = si;
    return s->n_levels++;
}

/* Insertion sort of the levels by their value, carrying the sites' indices along. */
static void order_levels(struct selection *s)
{
    for (int k = 0; k < s->n_levels; k++)
        if (isnan(s->levels[k].si))
            return;
    for (int a = 1; a < s->n_levels; a++)
        for (int b = a; b > 0 && s->levels[b - 1].si > s->levels[b].si; b--) {
            struct select_level kept = s->levels[b];
            s->levels[b] = s->levels[b - 1];
            s->levels[b - 1] = kept;
            for (int k = 0; k < s->n; k++)
                s->level[k] = s->level[k] == b ? b - 1 : s->level[k] == b - 1 ? b : s->level[k];
        }
}

static void take_site(struct selection *s, const struct results_sites *sites, int k,
                      const struct results_feature *f, int factor)
{
    const struct results_site *site = &sites->site[k];
    s->value[s->n] = f->value;
    s->sd[s->n] = f->uncertainty;
    s->t[s->n] = site->start_s;
    s->site[s->n] = site->site;
    if (factor < 0)
        s->level[s->n] = level_of(s, "", NAN);
    else
        s->level[s->n] = level_of(s, sites->level[k * sites->n_factors + factor],
                                  sites->level_si ? sites->level_si[k * sites->n_factors + factor] : NAN);
    s->n++;
}

bool select_feature(const struct results_sites *sites, const struct results_feature *rows, int n_rows,
                    const struct feature_ref *ref, int factor, enum unverified unverified,
                    struct selection *out, struct err *e)
{
    if (ref->def->scope == FEATURE_CYCLE && ref->cycle == 0)
        return err_set(e, ERR_INPUT, "`%s` is a feature of a cycle: say which, as in `%s@1`", ref->def->name,
                       ref->def->name);
    if (factor >= sites->n_factors)
        return err_set(e, ERR_INPUT, "there are only %d factors", sites->n_factors);
    size_t room = (size_t)(sites->n > 0 ? sites->n : 1);
    const struct results_feature **of = xcalloc(room, sizeof *of);
    struct selection s = {0};
    if (!find_rows(sites, rows, n_rows, ref, of, s.step, e)) {
        free(of);
        return false;
    }
    s.value = xcalloc(3 * room, sizeof *s.value);
    s.sd = s.value + room;
    s.t = s.sd + room;
    s.site = xcalloc(2 * room, sizeof *s.site);
    s.level = s.site + room;
    for (int k = 0; k < sites->n; k++) {
        const struct results_site *site = &sites->site[k];
        bool in_reserve = site->spare || site->role == SITE_CONTROL;
        if (in_reserve && (site->outcome == OUTCOME_NONE || site->outcome == OUTCOME_NOT_VISITED))
            continue;
        s.n_sites++;
        const char *doubt = doubt_of(site);
        s.n_unverified += doubt != NULL;
        char text[96];
        const char *why = why_missing(site, of[k], unverified == UNVERIFIED_WITHOUT ? doubt : NULL, text);
        if (why)
            count_missing(&s, why);
        else
            take_site(&s, sites, k, of[k], factor);
    }
    order_levels(&s);
    free(of);
    *out = s;
    return true;
}
