/* What is stored of an attempt: its steps and rows go to the writer as they come and are kept until its
 * features are computed. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "run/hop.h"

/* Rows handed to the writer at a time. */
#define HAND_OVER 512

bool record_begin(struct run *r, const struct plan_site *site, int number, struct err *e)
{
    struct attempt *a = &r->attempt;
    r->secured = false;
    struct wave_row *row = a->row;
    int cap = a->cap_rows;
    memset(a, 0, sizeof *a);
    a->row = row;
    a->cap_rows = cap;
    a->site = site;
    a->number = number;
    a->touched = TOUCHED_NO;
    a->contact_z = a->contact_current = a->contact_charge = a->break_distance = a->above = NAN;
    a->c_contact = a->c_contact_sd = a->c_rest = a->c_rest_sd = a->noise_rms = a->t_last = NAN;
    a->start_s = ns_to_s(loop_now(r->loop));
    char utc[32];
    loop_utc(r->loop, utc);
    if (!writer_attempt_begin(r->w, site->site, number, site->x, site->y, a->start_s, utc, &a->id) ||
        !writer_commit(r->w))
        return writer_ok(r->w, e) && err_set(e, ERR_IO, "results file: the writer does not take the attempt");
    return true;
}

static struct recorded *current(struct run *r)
{
    return &r->attempt.recorded[r->attempt.n_recorded - 1];
}

/* What a step is called in the file. */
static void name_step(const struct run *r, int segment, struct results_step *s)
{
    enum segment_role role = r->program.role[segment];
    enum segment_kind g = r->program.program.segment[segment].kind;
    const char *kind = g == SEGMENT_SWEEP ? "cv" : g == SEGMENT_OPEN ? "ocp" : "hold";
    const char *name = segment_role_name(role);
    if (r->program.step[segment] >= 0) {
        const struct step *step = &r->p->step[r->program.step[segment]];
        name = step->name;
        if (role == ROLE_STEP)
            kind = step_kind_name(step->kind);
    }
    snprintf(s->phase, sizeof s->phase, "%s", segment_role_name(role));
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    snprintf(s->name, sizeof s->name, "%s", name);
}

static void close_step(struct run *r, bool whole);

/* The cell is open where it is not controlled, to change the mode, and behind every galvanostatic step. What
 * counts is the segment that was really played before: a gate may have left some out. */
static bool opens_before(const struct run *r, int segment)
{
    const struct segment *g = r->program.program.segment;
    int before = r->attempt.before;
    return g[segment].kind >= SEGMENT_GALVANOSTATIC ||
           (before >= 0 && g[before].kind >= SEGMENT_GALVANOSTATIC);
}

void record_segment_begin(struct run *r, int segment)
{
    struct attempt *a = &r->attempt;
    int instance = r->program.instance[segment];
    if (r->program.unstored)
        return;
    a->gap_before = NAN;
    a->before = a->n_recorded ? a->segment : -1;
    if (a->step_id && instance >= 0 && r->program.instance[a->segment] == instance) {
        a->segment = segment; /* the same step goes on */
        return;
    }
    if (a->step_id) /* its last segments were left out */
        close_step(r, true);
    a->segment = segment;
    if (a->n_recorded == PROGRAM_MAX)
        return;
    struct recorded *c = &a->recorded[a->n_recorded++];
    memset(c, 0, sizeof *c);
    c->segment = segment;
    c->first = a->n_rows;
    c->opened = opens_before(r, segment);
    struct results_step *s = &c->step;
    s->attempt = a->id;
    s->site = a->site->site;
    s->index = segment;
    s->gap_before = NAN;
    name_step(r, segment, s);
    segment_settings(&r->program, segment, s->settings, sizeof s->settings);
    a->handed_over = 0;
    writer_step_begin(r->w, s, &a->step_id);
    s->id = a->step_id;
    show_step(r, s, r->program.program.segment[segment].kind);
}

static void hand_over(struct run *r)
{
    struct attempt *a = &r->attempt;
    struct recorded *c = current(r);
    int n = c->n - a->handed_over;
    if (n > 0)
        writer_rows(r->w, a->step_id, a->row + c->first + a->handed_over, n);
    a->handed_over = c->n;
}

/* The first sample of a segment tells how long nothing was recorded before it: a gap is what lies between two
 * samples beyond one sample period. */
static void take_gap(struct run *r, double t)
{
    struct attempt *a = &r->attempt;
    struct recorded *c = current(r);
    double interval = r->program.program.segment[a->segment].interval;
    a->gap_before = isnan(a->t_last) ? 0 : t - a->t_last - interval;
    if (!(a->gap_before > 1e-6 * interval)) /* what rounding leaves of the same time */
        a->gap_before = 0;
    if (isnan(c->step.gap_before)) {
        c->step.gap_before = a->gap_before;
        return;
    }
    if (!(a->gap_before > interval))
        return;
    c->gaps++;
    c->gap_sum += a->gap_before;
    c->gap_longest = fmax(c->gap_longest, a->gap_before);
    c->gap_open = c->gap_open || opens_before(r, a->segment);
}

void record_sample(struct run *r, const struct sample *s)
{
    struct attempt *a = &r->attempt;
    if (a->n_recorded == 0 || a->step_id == 0)
        return;
    if (a->n_rows == a->cap_rows) {
        a->cap_rows = a->cap_rows ? 2 * a->cap_rows : 32768;
        a->row = xrealloc(a->row, (size_t)a->cap_rows * sizeof *a->row);
    }
    double t = dec_value(s->t_raw);
    if (isnan(a->gap_before))
        take_gap(r, t);
    a->t_last = t;
    int cycle = r->program.cycle[a->segment] + s->cycle - 1;
    a->row[a->n_rows++] = (struct wave_row){
        .host_us = s->host / NS_US,
        .t = s->t_raw,
        .e_raw = s->e_raw,
        .i_raw = s->i_raw,
        .z_pm = isnan(r->z) ? INT64_MIN : (int64_t)llround(r->z * 1e12),
        .cycle = cycle,
        .sweep = (int16_t)(r->program.sweep[a->segment] + s->sweep),
        .range = s->range,
        .status = s->status,
    };
    struct recorded *c = current(r);
    c->n++;
    show_sample(r, s);
    if (c->n - a->handed_over >= HAND_OVER)
        hand_over(r);
}

/* --- ends of steps ------------------------------------------------------------------------------------- */

static void until_text(const struct until *u, struct buf *out)
{
    static const char *const what[] = {
        [UNTIL_POTENTIAL_BELOW] = "potential below",
        [UNTIL_POTENTIAL_ABOVE] = "potential above",
        [UNTIL_ELAPSED] = "elapsed",
        [UNTIL_CHARGE] = "charge",
        [UNTIL_CURRENT_BELOW] = "current below",
        [UNTIL_CURRENT_ABOVE] = "current above",
        [UNTIL_DRIFT] = "drift below",
        [UNTIL_FRACTION] = "capacity",
    };
    static const char *const unit[] = {"V", "V", "s", "C", "A", "A", "V/s", ""};
    buf_printf(out, "%s %.6g%s%s", what[u->what], u->value, *unit[u->what] ? " " : "", unit[u->what]);
}

/* The condition that ended a segment, in words; of a group, all of it. */
static void ended_text(const struct segment *g, int ended_by, struct buf *out)
{
    if (ended_by < 0 || ended_by >= g->n_until) {
        buf_str(out, ended_by == ENDED_ADVANCED     ? "host"
                     : ended_by == ENDED_CEILING    ? "current ceiling"
                     : ended_by == ENDED_COMPLIANCE ? "compliance"
                                                    : "completed");
        return;
    }
    until_text(&g->until[ended_by], out);
    for (int k = 0; g->until[ended_by].all && k < g->n_until; k++)
        if (k != ended_by && g->until[k].all) {
            buf_str(out, " and ");
            until_text(&g->until[k], out);
        }
}

/* The ends of a step's segments, each kind once, in order. */
static void add_end(const struct run *r, struct recorded *c, int ended_by)
{
    struct buf text = {0};
    char *all = c->step.ended_by;
    size_t used = strlen(all);
    if (r->program.role[c->segment] == ROLE_GATE && *r->attempt.gate_says)
        buf_str(&text, r->attempt.gate_open && ended_by != ENDED_ADVANCED ? "too late: steps left out"
                                                                          : r->attempt.gate_says);
    else
        ended_text(&r->program.program.segment[r->attempt.segment], ended_by, &text);
    if (!used)
        snprintf(all, sizeof c->step.ended_by, "%s", text.p);
    else if (!strstr(all, text.p))
        snprintf(all + used, sizeof c->step.ended_by - used, "; %s", text.p);
    buf_free(&text);
}

/* What would not be seen in the step's row; in the samples it is seen from their times. */
static void tell_gaps(struct run *r, const struct recorded *c)
{
    if (c->gaps > 0)
        hop_note(r, "gap", "%s: %d gap%s between its segments, cell %s, longest %.3g s, together %.3g s",
                 c->step.name, c->gaps, c->gaps > 1 ? "s" : "", c->gap_open ? "open" : "held", c->gap_longest,
                 c->gap_sum);
}

/* The last step that was completed, and the last cycle of it; of a step that was cut short, its last whole
 * cycle. */
static void learn_last(struct attempt *a, const struct recorded *c, bool whole)
{
    if (c->n == 0)
        return;
    int first = a->row[c->first].cycle, last = a->row[c->first + c->n - 1].cycle - (whole ? 0 : 1);
    if (!whole && last < first)
        return;
    snprintf(a->last_step, sizeof a->last_step, "%s", c->step.name);
    a->last_cycle = last;
}

/* Most of a step in too insensitive a range: its noise and its small currents are the instrument's. Told once
 * per attempt. */
static void tell_underload(struct run *r, const struct recorded *c)
{
    struct attempt *a = &r->attempt;
    char text[160];
    int n = 0;
    for (int k = 0; k < c->n; k++)
        n += (a->row[c->first + k].status & SAMPLE_UNDERLOAD) != 0;
    if (2 * n <= c->n || a->underload)
        return;
    a->underload = true;
    attempt_flag(r, "underload");
    snprintf(text, sizeof text, "%s: %d of %d samples are too small for their range", c->step.name, n, c->n);
    run_tell_fault(r, FAULT_UNDERLOAD, text);
}

static void close_step(struct run *r, bool whole)
{
    struct attempt *a = &r->attempt;
    struct recorded *c = current(r);
    hand_over(r);
    c->step.samples = c->n;
    if (isnan(c->step.gap_before))
        c->step.gap_before = 0;
    snprintf(c->step.gap_state, sizeof c->step.gap_state, "%s", c->opened ? "open" : "held");
    tell_gaps(r, c);
    writer_step_end(r->w, a->step_id, c->step.ended_by, c->step.gap_before, c->step.gap_state);
    if (r->program.role[c->segment] == ROLE_STEP) {
        learn_last(a, c, whole);
        tell_underload(r, c);
    }
    a->step_id = 0;
}

void record_segment_end(struct run *r, int ended_by)
{
    struct attempt *a = &r->attempt;
    if (a->n_recorded == 0 || a->step_id == 0)
        return;
    add_end(r, current(r), ended_by);
    if (a->segment + 1 >= site_program_end(&r->program, a->segment) || ended_by == ENDED_CEILING)
        close_step(r, ended_by != ENDED_CEILING);
}

void record_stop(struct run *r)
{
    struct attempt *a = &r->attempt;
    if (a->n_recorded == 0 || a->step_id == 0)
        return;
    add_end(r, current(r), ENDED_ADVANCED);
    close_step(r, false);
}
