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
#include "run/ladder.h"

const char *run_end_name(enum run_end end)
{
    static const char *const name[] = {"finished", "paused", "aborted", "interrupted", "fault"};
    return name[end];
}

static int by_time(const void *a, const void *b)
{
    const struct run_before *const *x = a, *const *y = b;
    if ((*x)->t != (*y)->t)
        return (*x)->t < (*y)->t ? -1 : 1;
    return (*x > *y) - (*x < *y);
}

/* A spare for a site that was measured all the same (the drop spread): of the two one counts. */
static bool stands_for_measured(const struct run *r, const struct tour *t, int place)
{
    int sites = r->plan->n_sites;
    while (place >= sites && place < sites + r->plan->n_spares && t->replaces[place - sites]) {
        place = t->replaces[place - sites] - 1;
        if (t->outcome[place] == OUTCOME_MEASURED)
            return true;
    }
    return false;
}

/* What was learnt before the interruption: the surface, in the order in which it was. Heights found with
 * another probe say nothing of this one's. */
static void recall(struct run *r)
{
    const struct run_before *b = r->options->before;
    const struct probe *probe = r->options->probe;
    int places = plan_places(r->plan), n = 0;
    if (!b)
        return;
    struct tour t;
    tour_start(r, &t);
    const struct run_before **known = xcalloc((size_t)places + 1, sizeof *known);
    for (int k = 0; k < places; k++) {
        bool control = r->plan->site[k].control;
        if (!isnan(b[k].contact_z) && (!probe || b[k].last_attempt >= probe->from_attempt))
            known[n++] = &b[k];
        if (b[k].outcome == OUTCOME_NONE || b[k].again || b[k].outcome == OUTCOME_NOT_VISITED)
            continue;
        r->counts.by_outcome[b[k].outcome] +=
            !control && !(b[k].outcome == OUTCOME_MEASURED && stands_for_measured(r, &t, k));
        r->counts.visited += !control;
        r->counts.controls += control;
        r->counts.controls_failed += control && b[k].control_failed;
    }
    tour_free(&t);
    qsort(known, (size_t)n, sizeof *known, by_time);
    for (int k = 0; k < n; k++)
        surface_add(r->surface, known[k]->x, known[k]->y, known[k]->t, known[k]->contact_z);
    free(known);
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
    int todo = r->counts.planned - r->counts.visited - r->rules.left_out;
    clock_text(show_time_left(r, todo > 0 ? todo : 0), left, sizeof left);
    for (int o = 1; o < OUTCOME_COUNT; o++) {
        size_t n = strlen(outcomes);
        if (r->counts.by_outcome[o])
            snprintf(outcomes + n, sizeof outcomes - n, "%s%d %s", n ? ", " : "", r->counts.by_outcome[o],
                     outcome_name((enum outcome)o));
    }
    bool terminal = isatty(STDERR_FILENO);
    char which[60];
    int planned = r->counts.planned, spares = r->counts.visited - planned;
    snprintf(which, sizeof which, "site %d/%d", spares > 0 ? planned : r->counts.visited, planned);
    if (spares > 0)
        snprintf(which, sizeof which, "site %d/%d and spare %d", planned, planned, spares);
    if (site->control)
        snprintf(which, sizeof which, "control %d/%d", r->watch.spot, r->plan->n_controls);
    fprintf(stderr, "%s%s: %s | %s | %s left%s", terminal ? "\r\x1b[K" : "", which,
            outcome_name(r->attempt.outcome), outcomes[0] ? outcomes : "no site yet", left,
            terminal ? "" : "\n");
    if (!terminal && r->attempt.outcome != OUTCOME_MEASURED)
        log_line(LOG_INFO, "site %d: %s: %s", site->site, outcome_name(r->attempt.outcome),
                 r->attempt.reason);
}

enum run_end run_end_of(const struct run *r, const struct err *e)
{
    if (e->code == ERR_CANCELLED)
        return RUN_INTERRUPTED;
    if (r->aborted)
        return RUN_ABORTED;
    bool wanted = r->stopped || e->code == ERR_LIMIT, unsafe = r->secured && !r->counts.safe;
    return wanted && !unsafe ? RUN_PAUSED : RUN_FAULT;
}

/* Went down, and not for want of an instrument, and has felt nothing. */
static bool was_blind(const struct attempt *a)
{
    return a->touched != TOUCHED_NO && (a->fault == FAULT_NONE || !fault_row(a->fault)->recovery);
}

bool run_visit(struct run *r, struct tour *t, const struct plan_site *site, int place, enum run_end *end,
               struct err *e)
{
    if (!rules_allow(r, site, end, e))
        return false;
    ns_t begun = loop_now(r->loop);
    int64_t before = r->attempt.id;
    show_visit(r, site);
    bool ok = hop_site(r, site, site->level, r->options->before ? r->options->before[place].attempts : 0, e);
    enum outcome o = r->attempt.outcome;
    if (r->attempt.id && r->attempt.id != before) {
        bool measured = o == OUTCOME_MEASURED, bad = !measured && o != OUTCOME_SKIPPED;
        t->outcome[place] = o;
        t->fault[place] = r->attempt.fault;
        r->bad += bad;
        if (measured)
            r->recoveries.in_a_row = 0;
        bool in_air = bad && r->attempt.touched == TOUCHED_NO && fault_is_in_air(r->attempt.fault) &&
                      run_policy(r->p, o, r->attempt.fault) == POLICY_RETRY;
        r->in_air_in_a_row = in_air ? r->in_air_in_a_row + 1 : 0;
        r->blind_sites = measured ? 0 : r->blind_sites + (bad && was_blind(&r->attempt));
        if (site->control) {
            r->counts.controls++;
        } else {
            r->counts.by_outcome[o] += !(measured && stands_for_measured(r, t, place));
            r->counts.visited++;
            r->watch.since++;
            r->bad_in_a_row = measured ? 0 : r->bad_in_a_row + bad;
            rules_note(r, site->combination, ns_to_s(loop_now(r->loop) - begun));
        }
        progress(r, site);
    }
    show_visited(r, site);
    if (!ok)
        *end = run_end_of(r, e);
    return ok;
}

static bool planned_sites(struct run *r, struct tour *t, enum run_end *end, struct err *e)
{
    for (int k = 0; k < r->counts.planned; k++) {
        const struct plan_site *s = &r->plan->site[k];
        if (t->outcome[k] != OUTCOME_NONE)
            continue;
        if (rules_leave_out(r, s, s->combination))
            t->outcome[k] = OUTCOME_NOT_VISITED;
        else if (!watch_before_site(r, t, end, e) || !run_visit(r, t, s, k, end, e))
            return false;
    }
    return true;
}

/* Before the first site and behind the last: fully retracted (an identified stage may always be retracted,
 * S5). */
bool run_retract(struct run *r, struct err *e)
{
    double at[AXIS_COUNT];
    r->secured = false; /* the newest safe state does not speak for what moves, or fails, behind it */
    if (!stage_position(r->rig->stage, at, e))
        return false;
    motion_remember(r, at);
    const struct rig_config *c = r->rig->config;
    const double to[AXIS_COUNT] = {at[AXIS_X], at[AXIS_Y], c->z_retracted};
    if (!stage_set_speed(r->rig->stage, AXIS_Z, c->speed_z, e) ||
        !stage_move_wait(r->rig->stage, 1u << AXIS_Z, to,
                         ns_from_s(2 * fabs(at[AXIS_Z] - c->z_retracted) / c->speed_z + 2), e))
        return err_context(e, "stage: full retraction");
    r->z = c->z_retracted;
    r->counts.up = rung_name(RUNG_CLOSED_LOOP); /* whatever it took the last time */
    r->counts.safe = r->cell_is_open;
    return true;
}

/* Where the tip stands nobody knows: what ran here before may have died with it in a drop. So z alone is
 * first, its servo on where it stands; x and y get theirs where nothing touches. A stage that fails in this
 * is a fault as any other, with the tip perhaps down. */
static bool come_up_first(struct run *r, struct err *e)
{
    double at[AXIS_COUNT];
    struct stage *s = r->rig->stage;
    r->cell_is_open = true;             /* who identified it has opened it, and it said so */
    return (stage_position(s, at, e) && /* on record before anything is switched */
            stage_servo_on_axes(s, 1u << AXIS_Z, e) && run_retract(r, e) && stage_servo_on(s, e)) ||
           run_get_over(r, e);
}

/* "Paused" is said of a rig that is verified safe, whatever was meant to be the end. */
static void not_at_rest(struct err *e, const struct err *why)
{
    char text[sizeof e->text];
    snprintf(text, sizeof text, "%s", e->text);
    err_set(e, e->code, "%.480s; and at the end: %.480s", text, *why->text ? why->text : "not verified safe");
}

/* Which rule ended the run, or left sites out of it. */
static void name_rule(struct run *r, enum run_end end)
{
    struct rules *u = &r->rules;
    if (end == RUN_FINISHED && !u->rule && u->left_out > 0) {
        u->rule = "stop.count";
        snprintf(u->reason, sizeof u->reason, "stop.count: %d sites left out, their levels have %lld each",
                 u->left_out, (long long)r->p->stop.count);
    }
    if ((end == RUN_PAUSED || end == RUN_ABORTED) && !u->rule)
        u->rule = "faults";
    if (end == RUN_INTERRUPTED || (end == RUN_FAULT && !r->stopped))
        u->rule = NULL;
    if (end != RUN_FINISHED)
        return;
    if (!u->reason[0] && r->health.policy >= POLICY_PAUSE) /* there was no site left to keep from it */
        snprintf(u->reason, sizeof u->reason, "%.255s", r->health.reason);
    snprintf(r->counts.why, sizeof r->counts.why, "%s", u->reason);
}

/* A run whose rig can not be brought to rest has not ended well, even if every site was visited. */
static void conclude(struct run *r, enum run_end *end, struct err *e)
{
    struct err why = ERR_INIT;
    /* The cell is open since the last program's end. */
    bool in_order = !r->secured || (*end <= RUN_ABORTED && r->counts.safe && r->in_order);
    bool calm = !in_order || run_retract(r, &why);
    if (!calm && *end == RUN_FINISHED) { /* everything is visited, and the protocol has a word on the fault */
        calm = run_get_over(r, &why);
        if (!calm) {
            *e = why;
            *end = run_end_of(r, e);
        }
    } else if (!calm) {
        calm = safe_state(r, &why);
    }
    if (!r->counts.safe && safe_once_more(r) && r->stopped)
        *end = run_end_of(r, e);
    if (!(calm && r->counts.safe) && *end == RUN_FINISHED) {
        *end = RUN_FAULT;
        *e = why;
    }
    if (*end == RUN_PAUSED && !r->counts.safe) {
        *end = RUN_FAULT;
        not_at_rest(e, &why);
    }
    if (*end == RUN_FINISHED && !writer_ok(r->w, e)) /* the last outcome may not be stored */
        *end = RUN_FAULT;
    if (!r->options->quiet && isatty(STDERR_FILENO))
        fputc('\n', stderr);
    name_rule(r, *end);
    writer_info(r->w, "state", run_end_name(*end));
    writer_info(r->w, "state_reason", *end == RUN_FINISHED ? r->rules.reason : e->text);
    writer_info(r->w, "stopped_by", r->rules.rule ? r->rules.rule : "");
    writer_info(r->w, "safe", r->counts.safe ? "yes" : "no");
    hop_enter(r, HOP_IDLE);
    writer_commit(r->w);
    r->shown.ended = true;
    show_state(r, run_end_name(*end), *end == RUN_FINISHED ? "" : e->text);
}

bool run_grid(struct rig *rig, const struct plan *plan, struct writer *w, const struct run_options *o,
              enum run_end *end, struct run_counts *counts, struct err *e)
{
    struct run r = {.rig = rig, .loop = rig->loop, .plan = plan, .p = plan->protocol, .w = w, .options = o};
    struct tour tour = {0};
    r.links_told = rig->reopened;
    air_start(&r);
    r.counts.planned = o->only_first > 0 && o->only_first < plan->n_sites ? o->only_first : plan->n_sites;
    r.surface = surface_new(r.p->grid->tilt, r.p->sigma);
    r.started = loop_now(r.loop);
    recall(&r);
    rules_start(&r);
    watch_start(&r);
    health_start(&r);
    show_begin(&r);
    writer_info(w, "state", "running");
    writer_info(w, "state_reason", "");
    writer_info(w, "stopped_by", "");
    writer_info(w, "safe", "no"); /* until it is verified again */
    *end = RUN_FINISHED;
    machine_start(&r);
    tour_start(&r, &tour);
    bool ready = come_up_first(&r, e);
    if (!ready)
        *end = run_end_of(&r, e);
    else if (planned_sites(&r, &tour, end, e) && tour_spares(&r, &tour, end, e))
        watch_behind(&r, &tour, end, e);
    conclude(&r, end, e);
    machine_stop(&r);
    *counts = r.counts;
    tour_free(&tour);
    rules_free(&r.rules);
    health_end(&r);
    features_free(&r.features);
    free(r.attempt.row);
    surface_free(r.surface);
    return ready;
}
