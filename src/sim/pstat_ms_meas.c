/* The measurement loops of a script that runs: staircases and samples on an absolute grid. */
#include <math.h>
#include <stdio.h>

#include "sim/pstat_ms_parts.h"

#define LATE         0.25 /* of the interval: the timing flag is set */
#define STEP_EPSILON 1e-6 /* of a step, against rounding when counting steps */

/* --- staircases ---------------------------------------------------------------------------------------- */

static void begin_segment(struct ms_staircase *s)
{
    double way = s->goal[s->segment] - s->level;
    s->origin = s->level;
    s->direction = way < 0 ? -1 : 1;
    s->steps = (int64_t)floor(fabs(way) / s->step + STEP_EPSILON);
    s->j = 0;
}

/* Moves on to the next level; false behind the last one of the last scan. */
static bool next_level(struct ms_staircase *s)
{
    while (s->j >= s->steps) {
        if (++s->segment == s->goals) {
            if (s->scan + 1 == s->scans)
                return false;
            s->scan++;
            s->segment = 0;
        }
        begin_segment(s);
    }
    s->j++;
    s->level = s->origin + s->direction * s->step * (double)s->j;
    return true;
}

static void set_up_stairs(const struct ms_run *r, const struct ms_op *op, struct ms_staircase *s)
{
    bool cv = op->code == MS_CV;
    *s = (struct ms_staircase){.goals = cv ? 3 : 1, .scans = op->scans};
    s->level = ms_run_number(r, op, 2);
    s->goal[0] = ms_run_number(r, op, 3);
    s->goal[1] = cv ? ms_run_number(r, op, 4) : 0;
    s->goal[2] = s->level;
    s->step = ms_run_number(r, op, cv ? 5 : 4);
    begin_segment(s);
}

/* --- measurement loops --------------------------------------------------------------------------------- */

static const char *technique(enum ms_op_code code)
{
    switch (code) {
    case MS_LSV:
        return "M0000\n";
    case MS_CV:
        return "M0005\n";
    case MS_CA:
        return "M0007\n";
    case MS_CP:
        return "M000A\n";
    default:
        return "M000B\n";
    }
}

int ms_run_check_potential(const struct ms_run *r, double e)
{
    double slack = r->limits->e_step / 2;
    return r->windowed && !(e >= r->cell->window_low - slack && e <= r->cell->window_high + slack)
               ? MS_POTENTIAL
               : GO_ON;
}

static int check_meas(const struct ms_run *r, const struct ms_op *op)
{
    const struct ms_cell *c = r->cell;
    if (c->mode == 0 || (op->code != MS_OCP && (op->code == MS_CP) != ms_cell_galvanostat(c)))
        return MS_PGSTAT_MODE;
    if (op->code == MS_OCP)
        return c->on ? MS_OCP_CELL_ON : GO_ON;
    if (!c->on)
        return MS_NEEDS_CELL_ON;
    if (op->code == MS_CP)
        return GO_ON;
    int last = op->code == MS_CV ? 4 : op->code == MS_LSV ? 3 : 2;
    int code = GO_ON;
    for (int i = 2; i <= last && !code; i++)
        code = ms_run_check_potential(r, ms_run_number(r, op, i));
    return code;
}

static void announce_scan(struct ms_run *r)
{
    char line[8];
    snprintf(line, sizeof line, "C%04X\n", (unsigned)r->meas.stairs.scan & 0xffff);
    ms_run_say(r, line);
    r->meas.scan_shown = r->meas.stairs.scan;
}

int ms_meas_begin(struct ms_run *r, const struct ms_op *op)
{
    int code = r->broken ? r->broken : check_meas(r, op);
    if (code)
        return code;
    struct ms_meas *m = &r->meas;
    *m = (struct ms_meas){.op = op, .grid = r->now, .more = true};
    m->end = ms_script_op(r->script, r->ip + 1)->jump;
    bool staircase = op->code == MS_LSV || op->code == MS_CV;
    int timing = op->code == MS_OCP ? 1 : 3;
    double interval = staircase ? 0 : ms_run_number(r, op, timing);
    ms_run_say(r, technique(op->code));
    ms_cell_begin(r->cell, r->now);
    if (staircase) {
        set_up_stairs(r, op, &m->stairs);
        interval = m->stairs.step / ms_run_number(r, op, op->code == MS_CV ? 6 : 5);
        ms_cell_set_e(r->cell, m->stairs.level);
        if (op->scans > 1)
            announce_scan(r);
    } else {
        m->n = llround(ms_run_number(r, op, timing + 1) / interval);
        if (op->code == MS_CA)
            ms_cell_set_e(r->cell, ms_run_number(r, op, 2));
        else if (op->code == MS_CP)
            ms_cell_set_i(r->cell, ms_run_number(r, op, 2));
    }
    m->interval = interval * 1e9;
    world_recording(r->world, true);
    return GO_ON;
}

void ms_meas_close(struct ms_run *r)
{
    if (!r->meas.op)
        return;
    world_recording(r->world, false);
    ms_run_say(r, r->meas.op->scans > 1 ? "-\n*\n" : "*\n");
    r->meas.op = NULL;
}

static void store_sample(struct ms_run *r, const struct cell_sample *s, uint8_t timing)
{
    const struct ms_op *op = r->meas.op;
    if (op->code == MS_CP || op->code == MS_OCP) {
        ms_run_store_measured(r, &op->arg[0], "ab", s->e, s->e_exponent, s->e_status | timing, s->e_range);
        if (op->code == MS_CP)
            ms_run_store(r, &op->arg[1], "db", s->i, s->i_exponent);
        return;
    }
    ms_run_store(r, &op->arg[0], "da", s->e, s->e_exponent);
    ms_run_store_measured(r, &op->arg[1], "ba", s->i, s->i_exponent, s->i_status | timing, s->i_range);
}

/* The sample is due. Afterwards the next level is set at once: its step begins here. */
static void take_sample(struct ms_run *r)
{
    struct ms_meas *m = &r->meas;
    ns_t due = m->grid + (ns_t)((double)(m->k + 1) * m->interval + 0.5);
    bool late = (double)(r->now - due) > LATE * m->interval;
    if (late)
        m->grid += r->now - due;
    struct cell_sample s;
    ms_cell_sample(r->cell, r->now, &s);
    store_sample(r, &s, late ? MS_TIMING : 0);
    m->k++;
    if (m->op->code != MS_LSV && m->op->code != MS_CV) {
        m->more = m->k < m->n;
        return;
    }
    m->more = next_level(&m->stairs);
    if (m->more)
        ms_cell_set_e(r->cell, m->stairs.level);
}

/* First call: waits for the sample, or leaves the loop. Second: takes it. */
int ms_meas_sample(struct ms_run *r, const struct ms_op *op)
{
    struct ms_meas *m = &r->meas;
    if (r->waiting) {
        r->waiting = false;
        take_sample(r);
        return GO_ON;
    }
    if (!m->more) {
        r->ip = op->jump - 1;
        return GO_ON;
    }
    if (m->stairs.scan != m->scan_shown) {
        ms_run_say(r, "-\n");
        announce_scan(r);
    }
    r->waiting = true;
    return ms_run_wait_until(r, m->grid + (ns_t)((double)(m->k + 1) * m->interval + 0.5));
}
