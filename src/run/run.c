/* The run: sites in the plan's order, spares for what was lost, rules for stopping, progress for the
 * operator. */
#include "run/run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "run/hop.h"

const char *run_end_name(enum run_end end)
{
    static const char *const name[] = {"finished", "paused", "interrupted", "fault"};
    return name[end];
}

/* What was learnt before the interruption: the surface. */
static void recall(struct run *r)
{
    const struct run_before *b = r->options->before;
    if (!b)
        return;
    for (int k = 0; k < r->plan->n_sites + r->plan->n_spares; k++) {
        if (!isnan(b[k].contact_z))
            surface_add(r->surface, b[k].x, b[k].y, b[k].t, b[k].contact_z);
        if (b[k].outcome != OUTCOME_NONE && !b[k].again) {
            r->counts.by_outcome[b[k].outcome]++;
            r->counts.visited++;
        }
    }
}

static void clock_text(double seconds, char *text, size_t n)
{
    int s = (int)fmin(seconds, 3.6e8);
    if (s >= 3600)
        snprintf(text, n, "%d h %02d min", s / 3600, s / 60 % 60);
    else
        snprintf(text, n, "%d min %02d s", s / 60, s % 60);
}

static void progress(const struct run *r, const struct plan_site *site)
{
    if (r->options->quiet)
        return;
    char left[32], outcomes[160] = "";
    double gone = ns_to_s(loop_now(r->loop) - r->started);
    int todo = r->counts.planned - r->counts.visited;
    clock_text(r->counts.visited ? gone / r->counts.visited * (todo > 0 ? todo : 0) : 0, left, sizeof left);
    for (int o = 1; o < OUTCOME_COUNT; o++) {
        size_t n = strlen(outcomes);
        if (r->counts.by_outcome[o])
            snprintf(outcomes + n, sizeof outcomes - n, "%s%d %s", n ? ", " : "", r->counts.by_outcome[o],
                     outcome_name((enum outcome)o));
    }
    bool terminal = isatty(STDERR_FILENO);
    fprintf(stderr, "%ssite %d/%d: %s | %s | %s left%s", terminal ? "\r\x1b[K" : "", r->counts.visited,
            r->counts.planned, outcome_name(r->attempt.outcome), outcomes, left, terminal ? "" : "\n");
    if (!terminal && r->attempt.outcome != OUTCOME_MEASURED)
        log_line(LOG_INFO, "site %d: %s: %s", site->site, outcome_name(r->attempt.outcome),
                 r->attempt.reason);
}

/* Where no contact was ever felt, every further approach may drive the glass into the sample: so many, and no
 * more. */
#define BLIND_SITES 2

/* Rules that stop a run between sites. true = go on. */
static bool rules(struct run *r, enum run_end *end, struct err *e)
{
    const struct faults *f = &r->p->faults;
    double gone = ns_to_s(loop_now(r->loop) - r->started);
    if (!run_wanted(r, e)) {
        *end = e->code == ERR_CANCELLED ? RUN_INTERRUPTED : RUN_FAULT;
        return false;
    }
    if (!isnan(r->p->stop_after) && gone >= r->p->stop_after) {
        *end = RUN_PAUSED;
        return err_set(e, ERR_LIMIT, "stop.after: %.3g h are over", gone / 3600);
    }
    if (surface_count(r->surface) == 0 && r->bad_in_a_row >= BLIND_SITES) {
        *end = RUN_PAUSED;
        return err_set(
            e, ERR_LIMIT,
            "no contact at the first %d sites (last: %s: %s): is the surface within the travel, and "
            "does the bias give a contact signal?",
            r->bad_in_a_row, outcome_name(r->attempt.outcome), r->attempt.reason);
    }
    if (f->consecutive_count > 0 && r->bad_in_a_row >= f->consecutive_count) {
        *end = RUN_PAUSED;
        return err_set(e, ERR_LIMIT, "%d sites in a row were not measured (last: %s: %s)", r->bad_in_a_row,
                       outcome_name(r->attempt.outcome), r->attempt.reason);
    }
    return true;
}

static enum run_end end_of(const struct err *e)
{
    return e->code == ERR_CANCELLED ? RUN_INTERRUPTED : e->code == ERR_LIMIT ? RUN_PAUSED : RUN_FAULT;
}

/* One site; false ends the run. */
static bool visit(struct run *r, const struct plan_site *site, const int level[FACTOR_MAX], int earlier,
                  enum run_end *end, struct err *e)
{
    if (!rules(r, end, e))
        return false;
    bool ok = hop_site(r, site, level, earlier, e);
    enum outcome o = r->attempt.outcome;
    if (r->attempt.id) {
        r->counts.by_outcome[o]++;
        r->counts.visited++;
        r->bad_in_a_row = o == OUTCOME_MEASURED ? 0 : r->bad_in_a_row + 1;
        progress(r, site);
    }
    if (!ok)
        *end = end_of(e);
    return ok;
}

/* Whether a spare should stand in for a site with this outcome. */
static bool wants_spare(const struct run *r, enum outcome o)
{
    const struct faults *f = &r->p->faults;
    switch (o) {
    case OUTCOME_NONE:
    case OUTCOME_MEASURED:
    case OUTCOME_NOT_VISITED:
    case OUTCOME_SKIPPED:
        return false;
    case OUTCOME_NO_CONTACT:
        return f->no_contact == POLICY_SPARE || f->no_contact == POLICY_RETRY;
    case OUTCOME_UNCONFIRMED:
        return f->unconfirmed == POLICY_SPARE || f->unconfirmed == POLICY_RETRY;
    case OUTCOME_OVERLOAD:
        return f->overload == POLICY_SPARE;
    case OUTCOME_MENISCUS_LOST:
        return f->meniscus_lost == POLICY_SPARE;
    default:
        return true;
    }
}

struct tour {
    enum outcome *outcome; /* per planned site and spare */
    int *replaces;         /* per spare */
    int next_spare;
};

static void tour_start(const struct run *r, struct tour *t)
{
    int n = r->plan->n_sites + r->plan->n_spares;
    t->outcome = xcalloc((size_t)n, sizeof *t->outcome);
    t->replaces = xcalloc((size_t)r->plan->n_spares + 1, sizeof *t->replaces);
    t->next_spare = 0;
    const struct run_before *b = r->options->before;
    for (int k = 0; b && k < n; k++) {
        t->outcome[k] = b[k].again ? OUTCOME_NONE : b[k].outcome;
        if (k >= r->plan->n_sites && b[k].replaces) {
            t->replaces[k - r->plan->n_sites] = b[k].replaces;
            t->next_spare = k - r->plan->n_sites + 1;
        }
    }
}

static bool planned_sites(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    int n = r->counts.planned;
    for (int k = 0; k < n; k++) {
        const struct plan_site *s = &r->plan->site[k];
        if (t->outcome[k] != OUTCOME_NONE)
            continue;
        bool ok = visit(r, s, s->level, r->options->before ? r->options->before[k].attempts : 0, end, e);
        t->outcome[k] = r->attempt.outcome;
        if (!ok)
            return false;
    }
    return true;
}

static bool is_replaced(const struct run *r, const struct tour *t, int site)
{
    for (int k = 0; k < r->plan->n_spares; k++)
        if (t->replaces[k] == site)
            return true;
    return false;
}

/* The planned site whose levels a spare takes over: a spare may stand for a spare. */
static int root_of(const struct run *r, const struct tour *t, int spare)
{
    int planned = r->plan->n_sites, root = t->replaces[spare] - 1;
    while (root >= planned)
        root = t->replaces[root - planned] - 1;
    return root;
}

/* A spare takes over levels and block of the site it stands for. */
static bool visit_spare(struct run *r, struct tour *t, int spare, enum run_end *end, struct err *e)
{
    int at = r->plan->n_sites + spare;
    const struct plan_site *root = &r->plan->site[root_of(r, t, spare)];
    r->spare_now = r->plan->site[at];
    memcpy(r->spare_now.level, root->level, sizeof r->spare_now.level);
    r->spare_now.block = root->block;
    int earlier = r->options->before ? r->options->before[at].attempts : 0;
    bool ok = visit(r, &r->spare_now, r->spare_now.level, earlier, end, e);
    if (r->attempt.site == &r->spare_now)
        t->outcome[at] = r->attempt.outcome;
    return ok;
}

/* The next free spare for the lost site at index k of the plan. */
static bool use_spare(struct run *r, struct tour *t, int k, enum run_end *end, struct err *e)
{
    int spare = t->next_spare;
    if (!rules(r, end, e)) /* before the spare is taken: a spare in use is one that is visited */
        return false;
    t->next_spare++;
    t->replaces[spare] = r->plan->site[k].site;
    if (!writer_spare(r->w, r->plan->site[r->plan->n_sites + spare].site, t->replaces[spare],
                      r->plan->site[root_of(r, t, spare)].site)) {
        *end = RUN_FAULT;
        return writer_ok(r->w, e) && err_set(e, ERR_IO, "results file: the writer does not take the spare");
    }
    return visit_spare(r, t, spare, end, e);
}

/* Spares that an earlier part of the run had taken but not reached; then one for each lost site, a spare that
 * fails included. */
static bool spare_sites(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    int planned = r->plan->n_sites;
    for (int spare = 0; spare < t->next_spare; spare++)
        if (t->replaces[spare] && t->outcome[planned + spare] == OUTCOME_NONE &&
            !visit_spare(r, t, spare, end, e))
            return false;
    for (int k = 0; k < planned + r->plan->n_spares && t->next_spare < r->plan->n_spares; k++) {
        if (k >= r->counts.planned && k < planned)
            continue; /* sites that this run leaves out */
        if (wants_spare(r, t->outcome[k]) && !is_replaced(r, t, r->plan->site[k].site) &&
            !use_spare(r, t, k, end, e))
            return false;
    }
    return true;
}

/* Before the first site and behind the last: fully retracted (an identified stage may always be retracted,
 * S5). */
static bool fully_retract(struct run *r, struct err *e)
{
    double at[AXIS_COUNT];
    if (!stage_position(r->rig->stage, at, e))
        return false;
    r->xy[0] = at[AXIS_X];
    r->xy[1] = at[AXIS_Y];
    r->z = at[AXIS_Z];
    const struct rig_config *c = r->rig->config;
    const double to[AXIS_COUNT] = {at[AXIS_X], at[AXIS_Y], c->z_retracted};
    if (!stage_set_speed(r->rig->stage, AXIS_Z, c->speed_z, e) ||
        !stage_move_wait(r->rig->stage, 1u << AXIS_Z, to,
                         ns_from_s(2 * fabs(at[AXIS_Z] - c->z_retracted) / c->speed_z + 2), e))
        return err_context(e, "stage: full retraction");
    r->z = c->z_retracted;
    return true;
}

/* A run whose rig can not be brought to rest has not ended well, even if every site was visited. */
static void conclude(struct run *r, enum run_end *end, struct err *e)
{
    struct err why = ERR_INIT;
    /* The cell is open since the last program's end. */
    bool in_order = !r->secured || ((*end == RUN_FINISHED || *end == RUN_PAUSED) && r->counts.safe);
    if (in_order && !fully_retract(r, &why))
        safe_state(r, &why);
    if (!r->counts.safe && *end == RUN_FINISHED) {
        *end = RUN_FAULT;
        *e = why;
    }
    if (*end == RUN_FINISHED && !writer_ok(r->w, e)) /* the last outcome may not be stored */
        *end = RUN_FAULT;
    if (!r->options->quiet && isatty(STDERR_FILENO))
        fputc('\n', stderr);
    writer_info(r->w, "state", run_end_name(*end));
    writer_info(r->w, "state_reason", *end == RUN_FINISHED ? "" : e->text);
    writer_info(r->w, "safe", r->counts.safe ? "yes" : "no");
    hop_enter(r, HOP_IDLE);
    writer_commit(r->w);
}

bool run_grid(struct rig *rig, const struct plan *plan, struct writer *w, const struct run_options *o,
              enum run_end *end, struct run_counts *counts, struct err *e)
{
    struct run r = {.rig = rig, .loop = rig->loop, .plan = plan, .p = plan->protocol, .w = w, .options = o};
    struct tour tour = {0};
    r.c_contact_typical = NAN;
    r.counts.safe = true;
    r.counts.planned = o->only_first > 0 && o->only_first < plan->n_sites ? o->only_first : plan->n_sites;
    r.surface = surface_new(r.p->grid->tilt, r.p->sigma);
    r.started = loop_now(r.loop);
    recall(&r);
    writer_info(w, "state", "running");
    *end = RUN_FINISHED;
    bool ready = fully_retract(&r, e);
    if (ready) {
        tour_start(&r, &tour);
        if (planned_sites(&r, &tour, end, e))
            spare_sites(&r, &tour, end, e);
        conclude(&r, end, e);
    }
    r.counts.safe = r.counts.safe && ready;
    *counts = r.counts;
    free(tour.outcome);
    free(tour.replaces);
    free(r.attempt.row);
    surface_free(r.surface);
    return ready;
}
