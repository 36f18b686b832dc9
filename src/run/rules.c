/* Rules between sites: what ends the run, and which sites need no visit any more.
 *
 * All of it is judged from counts and sorted values in memory, so that a site costs the same at the end of a
 * night as at its beginning; after an interruption they are filled from the results file once. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/median.h"
#include "analysis/stats.h"
#include "base/buf.h"
#include "run/hop.h"

/* Where no contact was ever felt, every further approach may drive the glass into the sample: so many, and no
 * more. */
#define BLIND_SITES 2

/* Sites given up for a fault of the probe in air: the next would fare no better. */
#define IN_AIR_SITES 2

/* Bad sites altogether, without `faults.total`: so many, or a quarter of the planned ones. */
#define BAD_SITES 50

/* --- stop.when ------------------------------------------------------------------------------------------ */

static int level_of(const struct run *r, const int level[FACTOR_MAX])
{
    int factor = r->p->stop.when.factor;
    return factor < 0 ? 0 : level[factor];
}

static void put(struct level_values *l, double value, int64_t attempt)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->v = xrealloc(l->v, (size_t)l->cap * sizeof *l->v);
        l->attempt = xrealloc(l->attempt, (size_t)l->cap * sizeof *l->attempt);
    }
    int at = l->n++;
    for (; at > 0 && l->v[at - 1] > value; at--) {
        l->v[at] = l->v[at - 1];
        l->attempt[at] = l->attempt[at - 1];
    }
    l->v[at] = value;
    l->attempt[at] = attempt;
}

static void judge_level(const struct run *r, struct level_values *l)
{
    const struct stop_when *w = &r->p->stop.when;
    double ends[2];
    l->half_width = NAN;
    if (l->n < w->at_least || !median_interval(l->v, l->n, STOP_CONFIDENCE, ends))
        return;
    double median = stats_median_sorted(l->v, l->n);
    l->half_width = (ends[1] - ends[0]) / 2 / (w->relative ? fabs(median) : 1);
}

static bool has_sites(const struct run *r, int level)
{
    const struct plan *p = r->plan;
    for (int k = 0; k < p->n_combinations; k++)
        if (level_of(r, p->combination[k].level) == level)
            return true;
    return false;
}

/* All levels that occur are known well enough; the reason says how well. */
static void judge_all(struct run *r)
{
    const struct stop_when *w = &r->p->stop.when;
    const struct factor *f = w->factor >= 0 ? &r->p->factor[w->factor] : NULL;
    struct buf text = {0};
    char wide[40], limit[40];
    bool enough = true;
    snprintf(limit, sizeof limit, "%.4g %%", 100 * w->half_width);
    if (!w->relative)
        quantity_format(w->half_width, w->ref.def->dim, limit, sizeof limit);
    buf_printf(&text, "stop.when: the median of %s is known to +- %s:", w->feature, limit);
    for (int k = 0; k < r->rules.n_levels && enough; k++) {
        const struct level_values *l = &r->rules.level[k];
        if (!has_sites(r, k))
            continue;
        enough = l->half_width < w->half_width;
        snprintf(wide, sizeof wide, "%.3g %%", 100 * l->half_width);
        if (!w->relative)
            quantity_format(l->half_width, w->ref.def->dim, wide, sizeof wide);
        buf_printf(&text, "%s%s%s +- %s from %d sites", k ? ";" : "", f ? " " : "", f ? f->text[k] : "", wide,
                   l->n);
    }
    if (enough && !r->rules.enough) {
        r->rules.enough = true;
        r->rules.rule = "stop.when";
        snprintf(r->rules.reason, sizeof r->rules.reason, "%s", text.p);
    }
    buf_free(&text);
}

static void note_value(struct run *r, const int level[FACTOR_MAX], double value, int64_t attempt)
{
    int k = level_of(r, level);
    if (!r->p->stop.when.feature || !isfinite(value) || k < 0)
        return;
    put(&r->rules.level[k], value, attempt);
    judge_level(r, &r->rules.level[k]);
}

void rules_forget(struct run *r, int64_t since)
{
    for (int k = 0; k < r->rules.n_levels; k++) {
        struct level_values *l = &r->rules.level[k];
        int kept = 0;
        for (int j = 0; j < l->n; j++)
            if (l->attempt[j] < since) {
                l->v[kept] = l->v[j];
                l->attempt[kept++] = l->attempt[j];
            }
        l->n = kept;
        judge_level(r, l);
    }
}

double run_aperture(const struct protocol *p, const struct probe *probe)
{
    return probe && probe->number > 1 && isfinite(probe->aperture) ? probe->aperture : p->aperture;
}

/* Probes of one size are one sample; what another size wetted, passed and stored is another quantity. */
#define SAME_SIZE 1e-6

static bool is_of_this_size(const struct run *r, const struct run_before *b)
{
    double now = run_aperture(r->p, r->options->probe);
    return !(fabs(b->aperture - now) > SAME_SIZE * now);
}

/* --- beginning ------------------------------------------------------------------------------------------ */

static void recall(struct run *r)
{
    const struct run_before *b = r->options->before;
    const struct plan *p = r->plan;
    struct tour t;
    tour_start(r, &t);
    for (int k = 0; b && k < p->n_sites + p->n_spares; k++) {
        r->rules.left_out += k < p->n_sites && b[k].outcome == OUTCOME_NOT_VISITED;
        if (b[k].outcome != OUTCOME_MEASURED)
            continue;
        if (k >= p->n_sites && !b[k].replaces)
            continue;
        const struct plan_site *root = &p->site[tour_root(r, &t, k)];
        r->rules.measured[root->combination] += !run_wants_spare(r->p, b[k].outcome, b[k].fault);
        if (is_of_this_size(r, &b[k]))
            note_value(r, root->level, b[k].value, b[k].last_attempt);
    }
    tour_free(&t);
    if (p->protocol->stop.when.feature)
        judge_all(r);
}

void rules_start(struct run *r)
{
    const struct stop *s = &r->p->stop;
    struct rules *u = &r->rules;
    int factor = s->when.factor;
    u->n_levels = s->when.feature ? (factor < 0 ? 1 : r->p->factor[factor].n) : 0;
    u->level = xcalloc((size_t)u->n_levels + 1, sizeof *u->level);
    for (int k = 0; k < u->n_levels; k++)
        u->level[k].half_width = NAN;
    u->measured = xcalloc((size_t)r->plan->n_combinations + 1, sizeof *u->measured);
    u->by = s->by ? wallclock_next(&s->clock, loop_epoch(r->loop), loop_mode(r->loop) == LOOP_VIRTUAL) : NAN;
    recall(r);
}

void rules_clock_set(struct run *r, char *text, size_t n)
{
    const struct stop *s = &r->p->stop;
    double now = loop_epoch(r->loop), speed = loop_mode(r->loop) == LOOP_SCALED ? loop_speed(r->loop) : 1;
    bool utc = loop_mode(r->loop) == LOOP_VIRTUAL;
    char by[40];
    snprintf(text, n, "%s", "");
    if (!s->by)
        return;
    double begun = now - ns_to_s(loop_now(r->loop) - r->started) / speed;
    r->rules.by = wallclock_next(&s->clock, begun, utc);
    snprintf(text, n, "; stop.by goes by the new time: %s", wallclock_show(r->rules.by, now, utc, by));
}

void rules_free(struct rules *s)
{
    for (int k = 0; k < s->n_levels; k++) {
        free(s->level[k].v);
        free(s->level[k].attempt);
    }
    free(s->level);
    free(s->measured);
}

/* --- before a site -------------------------------------------------------------------------------------- */

static bool end_paused(struct run *r, const char *rule, enum run_end *end)
{
    r->rules.rule = rule;
    *end = RUN_PAUSED;
    return false;
}

/* s that a visit will take: as planned, times how the sites so far compared with their plan. */
static double expected(const struct run *r, const struct plan_site *site)
{
    const struct rules *u = &r->rules;
    double pace = u->planned > 0 && u->really > 0 ? u->really / u->planned : 1;
    double seconds = site->seconds;
    if (!(seconds > 0))
        seconds = r->plan->seconds.total / r->plan->n_visits;
    return seconds * pace / (loop_mode(r->loop) == LOOP_SCALED ? loop_speed(r->loop) : 1);
}

static bool time_left(struct run *r, const struct plan_site *site, enum run_end *end, struct err *e)
{
    const struct stop *s = &r->p->stop;
    double gone = ns_to_s(loop_now(r->loop) - r->started);
    if (!isnan(s->after) && gone >= s->after) {
        err_set(e, ERR_LIMIT, "stop.after: %.3g h are over", gone / 3600);
        return end_paused(r, "stop.after", end);
    }
    double now = loop_epoch(r->loop), done = now + expected(r, site), until = r->options->until;
    char at[40], bound[40];
    bool utc = loop_mode(r->loop) == LOOP_VIRTUAL;
    if (done > r->rules.by) { /* NAN: no */
        err_set(e, ERR_LIMIT, "stop.by: site %d would be done at %s, after %s", site->site,
                wallclock_show(done, now, utc, at), s->by);
        return end_paused(r, "stop.by", end);
    }
    if (until > 0 && done > until) {
        err_set(e, ERR_LIMIT, "until: site %d would be done at %s, after %s", site->site,
                wallclock_show(done, now, utc, at), wallclock_show(until, now, utc, bound));
        return end_paused(r, "until", end);
    }
    return true;
}

/* A sample of which a part can not be measured is no fault, if it is a small one or a small part. */
static int64_t total_budget(const struct run *r)
{
    int64_t given = r->p->faults.total_count, quarter = r->plan->n_sites / 4;
    return given ? given : quarter > BAD_SITES ? quarter : BAD_SITES;
}

/* What is known from so few contacts may be one drop that hung down, or a particle. */
#define SURE_CONTACTS 3
/* So many approaches behind them that met nothing where it should be, or something far above, or as many as
 * `faults.consecutive` allows, and nobody knows. */
#define MISSED_SITES 3

/* Every further approach would end in the air as well, or the glass would. Only who has looked at the probe
 * may begin as on a fresh sample (run_before_read()): with a dry one the glass would go down the whole
 * travel. */
static bool doubt_surface(struct run *r, struct err *e)
{
    const struct faults *f = &r->p->faults;
    const struct probe *probe = r->options->probe;
    int known = surface_count(r->surface), most = MISSED_SITES;
    char text[32];
    if (f->consecutive_count > 0 && f->consecutive_count < most)
        most = (int)f->consecutive_count;
    if (known == 0 || known >= SURE_CONTACTS || r->missed_in_a_row + r->rejected_in_a_row < most)
        return false;
    writer_flag(r->w, probe ? probe->from_attempt - 1 : 0, r->attempt.id + 1, HEIGHT_DOUBTED);
    snprintf(text, sizeof text, "%lld", (long long)r->attempt.id);
    writer_info(r->w, RUN_HEIGHTS_DOUBTED, text);
    err_set(
        e, ERR_LIMIT,
        "the surface is known from %d contact%s only, and %d approaches since met none at that height (last: "
        "%s): is the probe dry or blocked? Or was it a drop that hung down, or a particle? `resume` goes on "
        "by %s height, `resume --accept` without, down the whole travel",
        known, known > 1 ? "s" : "", r->missed_in_a_row + r->rejected_in_a_row, r->attempt.reason,
        known > 1 ? "their" : "its");
    return true;
}

bool rules_allow(struct run *r, const struct plan_site *site, enum run_end *end, struct err *e)
{
    const struct faults *f = &r->p->faults;
    if (!run_wanted(r, e) || !run_pause(r, e)) {
        *end = run_end_of(r, e);
        return false;
    }
    if (!machine_rested(r, e)) {
        *end = run_end_of(r, e);
        return false;
    }
    if (!health_allows(r, end, e))
        return false;
    if (!guardian_on_watch(r->options->guardian, e)) {
        run_tell_fault(r, FAULT_GUARDIAN_LOST, e->text);
        return end_paused(r, "guardian", end);
    }
    if (!time_left(r, site, end, e))
        return false;
    if (surface_count(r->surface) == 0 && r->blind_sites >= BLIND_SITES) {
        err_set(e, ERR_LIMIT,
                "no contact at the first %d sites (last: %s: %s): is the surface within the travel, and "
                "does the bias give a contact signal?",
                r->blind_sites, outcome_name(r->attempt.outcome), r->attempt.reason);
        return end_paused(r, "no-contact", end);
    }
    if (doubt_surface(r, e))
        return end_paused(r, "surface", end);
    if (r->in_air_in_a_row >= IN_AIR_SITES) {
        err_set(e, ERR_LIMIT, "%d sites in a row were given up before anything was touched (last: %s)",
                r->in_air_in_a_row, r->attempt.reason);
        return end_paused(r, IN_AIR_RULE, end);
    }
    if (f->consecutive_count > 0 && r->bad_in_a_row >= f->consecutive_count) {
        err_set(e, ERR_LIMIT, "%d sites in a row were not measured (last: %s: %s)", r->bad_in_a_row,
                outcome_name(r->attempt.outcome), r->attempt.reason);
        end_paused(r, "faults.consecutive", end);
        if (f->consecutive_then == POLICY_ABORT)
            *end = RUN_ABORTED;
        return false;
    }
    if (r->bad >= total_budget(r)) {
        err_set(e, ERR_LIMIT, "%d sites altogether were not measured (last: %s: %s)", r->bad,
                outcome_name(r->attempt.outcome), r->attempt.reason);
        end_paused(r, "faults.total", end);
        if (f->total_then == POLICY_ABORT)
            *end = RUN_ABORTED;
        return false;
    }
    return true;
}

bool rules_leave_out(struct run *r, const struct plan_site *site, int combination)
{
    int64_t count = r->p->stop.count;
    char text[256];
    if (r->rules.enough) {
        writer_site_outcome(r->w, site->site, OUTCOME_NOT_VISITED, r->rules.reason);
        r->rules.left_out++;
        return true;
    }
    if (count == 0 || r->rules.measured[combination] < count)
        return false;
    snprintf(text, sizeof text, "stop.count: %lld sites with these levels are measured", (long long)count);
    writer_site_outcome(r->w, site->site, OUTCOME_NOT_VISITED, text);
    r->rules.left_out++;
    return true;
}

/* --- behind a site -------------------------------------------------------------------------------------- */

void rules_note(struct run *r, int combination, double seconds)
{
    const struct attempt *a = &r->attempt;
    r->rules.planned += a->site->seconds;
    r->rules.really += seconds;
    if (a->outcome != OUTCOME_MEASURED)
        return;
    /* One that is to be measured again at a spare does not stand for its levels. */
    r->rules.measured[combination] += !run_wants_spare(r->p, a->outcome, a->fault);
    if (!r->p->stop.when.feature)
        return;
    if (!strstr(a->flags, PROBE_SUSPECT))
        note_value(r, a->level, run_feature(r, &r->p->stop.when.ref), a->id);
    judge_all(r);
}
