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

void record_segment_begin(struct run *r, int segment)
{
    struct attempt *a = &r->attempt;
    if (a->n_recorded == PROGRAM_MAX)
        return;
    enum segment_role role = r->program.role[segment];
    struct recorded *c = &a->recorded[a->n_recorded++];
    memset(c, 0, sizeof *c);
    c->segment = segment;
    c->first = a->n_rows;
    struct results_step *s = &c->step;
    s->attempt = a->id;
    s->site = a->site->site;
    s->index = segment;
    snprintf(s->phase, sizeof s->phase, "%s", segment_role_name(role));
    const char *kind = "hold", *name = segment_role_name(role);
    if (role == ROLE_STEP) {
        const struct step *step = &r->p->step[r->program.step[segment]];
        kind = step_kind_name(step->kind);
        name = step->name;
    } else if (r->program.program.segment[segment].kind == SEGMENT_SWEEP) {
        kind = "cv";
    }
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    snprintf(s->name, sizeof s->name, "%s", name);
    segment_settings(&r->program, segment, s->settings, sizeof s->settings);
    a->gap_before = NAN;
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
        a->gap_before = isnan(a->t_last) ? 0 : t - a->t_last;
    a->t_last = t;
    a->row[a->n_rows++] = (struct wave_row){
        .host_us = s->host / NS_US,
        .t = s->t_raw,
        .e_raw = s->e_raw,
        .i_raw = s->i_raw,
        .z_pm = isnan(r->z) ? INT64_MIN : (int64_t)llround(r->z * 1e12),
        .cycle = s->cycle,
        .sweep = s->sweep,
        .range = s->range,
        .status = s->status,
    };
    struct recorded *c = current(r);
    c->n++;
    show_sample(r, s);
    if (r->program.role[c->segment] == ROLE_STEP)
        a->last_cycle = s->cycle;
    if (c->n - a->handed_over >= HAND_OVER)
        hand_over(r);
}

/* The condition that ended a step, in words. */
static void ended_text(const struct run *r, const struct recorded *c, int ended_by, char *text, size_t n)
{
    static const char *const what[] = {"potential below", "potential above", "elapsed", "charge"};
    static const char *const unit[] = {"V", "V", "s", "C"};
    const struct segment *g = &r->program.program.segment[c->segment];
    if (ended_by >= 0 && ended_by < g->n_until)
        snprintf(text, n, "%s %.6g %s", what[g->until[ended_by].what], g->until[ended_by].value,
                 unit[g->until[ended_by].what]);
    else
        snprintf(text, n, "%s",
                 ended_by == ENDED_ADVANCED     ? "host"
                 : ended_by == ENDED_CEILING    ? "current ceiling"
                 : ended_by == ENDED_COMPLIANCE ? "compliance"
                                                : "completed");
}

void record_segment_end(struct run *r, int ended_by)
{
    struct attempt *a = &r->attempt;
    if (a->n_recorded == 0 || a->step_id == 0)
        return;
    struct recorded *c = current(r);
    hand_over(r);
    ended_text(r, c, ended_by, c->step.ended_by, sizeof c->step.ended_by);
    c->step.samples = c->n;
    const struct segment *g = &r->program.program.segment[c->segment];
    /* A gap is what lies between two samples beyond one sample period. */
    c->step.gap_before = isnan(a->gap_before) ? 0 : fmax(0, a->gap_before - g->interval);
    enum segment_kind before = c->segment > 0 ? r->program.program.segment[c->segment - 1].kind : g->kind;
    /* The cell is opened to change the mode, and behind every galvanostatic step. */
    bool mode_change =
        before == SEGMENT_GALVANOSTATIC ||
        (before != g->kind && (g->kind >= SEGMENT_GALVANOSTATIC || before >= SEGMENT_GALVANOSTATIC));
    snprintf(c->step.gap_state, sizeof c->step.gap_state, "%s", mode_change ? "open" : "held");
    writer_step_end(r->w, a->step_id, c->step.ended_by, c->step.gap_before, c->step.gap_state);
    if (r->program.role[c->segment] == ROLE_STEP && ended_by != ENDED_CEILING)
        snprintf(a->last_step, sizeof a->last_step, "%s", c->step.name);
    a->step_id = 0;
}
