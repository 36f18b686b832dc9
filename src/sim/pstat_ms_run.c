/* Runs a compiled script: one operation after the other until one has to wait.
 *
 *   step() -> execute() -> GO_ON                     next operation
 *                       -> WAIT                      the timer calls step() at wake_at, on the same operation
 *                       -> a code                    run-time error: ends the script, leaves the cell as it
 * is */
#include "sim/pstat_ms_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define GO_ON        0
#define WAIT         (-1)
#define MAX_AT_ONCE  1000 /* operations without a wait: an idle loop costs time, as on a real processor */
#define LATE         0.25 /* of the interval: the timing flag is set */
#define STEP_EPSILON 1e-6 /* of a step, against rounding when counting steps */

/* --- output -------------------------------------------------------------------------------------------- */

static double ns_per_byte(const struct ms_run *r)
{
    return r->out.baud > 0 ? 1e10 / (double)r->out.baud : 0;
}

void ms_run_send(struct ms_run *r, const char *bytes, size_t n)
{
    ns_t now = r->running ? r->now : loop_now(r->loop);
    ns_t start = r->line_free > now ? r->line_free : now;
    r->line_free = start + (ns_t)((double)n * ns_per_byte(r));
    r->out.send(r->out.ctx, bytes, n);
}

static void say(struct ms_run *r, const char *text)
{
    ms_run_send(r, text, strlen(text));
}

/* Whether n more bytes fit behind what the line has not sent yet; if not, *until is when they will. */
static bool line_has_room(const struct ms_run *r, size_t n, ns_t *until)
{
    double per_byte = ns_per_byte(r);
    ns_t wait = r->line_free - (ns_t)((double)(r->out.buffer - (int64_t)n) * per_byte);
    *until = wait;
    return per_byte == 0 || wait <= r->now;
}

/* --- values -------------------------------------------------------------------------------------------- */

static const struct ms_value *value_of(const struct ms_run *r, const struct ms_arg *a)
{
    return a->var < 0 ? &a->value : &r->var[a->var];
}

static double number(const struct ms_run *r, const struct ms_op *op, int i)
{
    return value_of(r, &op->arg[i])->v;
}

static void store(struct ms_run *r, const struct ms_arg *a, const char type[2], double v, int exponent)
{
    r->var[a->var] = (struct ms_value){.v = v, .type = {type[0], type[1]}, .exponent = (int8_t)exponent};
}

static void store_measured(struct ms_run *r, const struct ms_arg *a, const char type[2], double v,
                           int exponent, uint8_t status, uint8_t range)
{
    store(r, a, type, v, exponent);
    struct ms_value *x = &r->var[a->var];
    x->measured = true;
    x->status = status;
    x->range = range;
}

static int calculate(struct ms_run *r, const struct ms_op *op)
{
    struct ms_value *x = &r->var[op->arg[0].var];
    const struct ms_value *y = value_of(r, &op->arg[1]);
    bool integer = x->integer && y->integer;
    switch (op->code) {
    case MS_ADD:
        x->v += y->v;
        break;
    case MS_SUB:
        x->v -= y->v;
        break;
    case MS_MUL:
        x->v *= y->v;
        break;
    default:
        if (y->v == 0)
            return MS_DIVISION_BY_ZERO;
        x->v = integer ? trunc(x->v / y->v) : x->v / y->v;
    }
    x->integer = integer;
    x->measured = false;
    x->exponent = -18; /* as fine as 28 bits allow */
    return GO_ON;
}

/* Element that arg[1] of array_set or array_get means; NULL if there is none, *code says why. */
static struct ms_value *element_of(struct ms_run *r, const struct ms_op *op, int *code)
{
    const struct ms_value *index = value_of(r, &op->arg[1]);
    int first, n = ms_script_array(r->script, op->arg[0].var, &first);
    *code = !index->integer ? MS_ARGUMENT_TYPE : index->v < 0 || index->v >= n ? MS_OUT_OF_BOUNDS : GO_ON;
    return *code ? NULL : &r->element[first + (int)index->v];
}

static int use_array(struct ms_run *r, const struct ms_op *op)
{
    int code;
    struct ms_value *x = element_of(r, op, &code);
    if (!x)
        return code;
    if (op->code == MS_ARRAY_SET)
        *x = *value_of(r, &op->arg[2]);
    else
        r->var[op->arg[2].var] = *x;
    return GO_ON;
}

static bool holds(const struct ms_run *r, const struct ms_op *op)
{
    double a = number(r, op, 0), b = number(r, op, 1);
    switch (op->compare) {
    case MS_LESS:
        return a < b;
    case MS_GREATER:
        return a > b;
    case MS_LESS_EQUAL:
        return a <= b;
    case MS_GREATER_EQUAL:
        return a >= b;
    case MS_EQUAL:
        return a == b;
    case MS_NOT_EQUAL:
        return a != b;
    }
    return false;
}

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
    s->level = number(r, op, 2);
    s->goal[0] = number(r, op, 3);
    s->goal[1] = cv ? number(r, op, 4) : 0;
    s->goal[2] = s->level;
    s->step = number(r, op, cv ? 5 : 4);
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

static int check_potential(const struct ms_run *r, double e)
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
        code = check_potential(r, number(r, op, i));
    return code;
}

static void announce_scan(struct ms_run *r)
{
    char line[8];
    snprintf(line, sizeof line, "C%04X\n", (unsigned)r->meas.stairs.scan & 0xffff);
    say(r, line);
    r->meas.scan_shown = r->meas.stairs.scan;
}

static int begin_meas(struct ms_run *r, const struct ms_op *op)
{
    int code = r->broken ? r->broken : check_meas(r, op);
    if (code)
        return code;
    struct ms_meas *m = &r->meas;
    *m = (struct ms_meas){.op = op, .grid = r->now, .more = true};
    m->end = ms_script_op(r->script, r->ip + 1)->jump;
    bool staircase = op->code == MS_LSV || op->code == MS_CV;
    int timing = op->code == MS_OCP ? 1 : 3;
    double interval = staircase ? 0 : number(r, op, timing);
    say(r, technique(op->code));
    ms_cell_begin(r->cell, r->now);
    if (staircase) {
        set_up_stairs(r, op, &m->stairs);
        interval = m->stairs.step / number(r, op, op->code == MS_CV ? 6 : 5);
        ms_cell_set_e(r->cell, m->stairs.level);
        if (op->scans > 1)
            announce_scan(r);
    } else {
        m->n = llround(number(r, op, timing + 1) / interval);
        if (op->code == MS_CA)
            ms_cell_set_e(r->cell, number(r, op, 2));
        else if (op->code == MS_CP)
            ms_cell_set_i(r->cell, number(r, op, 2));
    }
    m->interval = interval * 1e9;
    world_recording(r->world, true);
    return GO_ON;
}

static void close_meas(struct ms_run *r)
{
    if (!r->meas.op)
        return;
    world_recording(r->world, false);
    say(r, r->meas.op->scans > 1 ? "-\n*\n" : "*\n");
    r->meas.op = NULL;
}

static void store_sample(struct ms_run *r, const struct cell_sample *s, uint8_t timing)
{
    const struct ms_op *op = r->meas.op;
    if (op->code == MS_CP || op->code == MS_OCP) {
        store_measured(r, &op->arg[0], "ab", s->e, s->e_exponent, s->e_status | timing, s->e_range);
        if (op->code == MS_CP)
            store(r, &op->arg[1], "db", s->i, s->i_exponent);
        return;
    }
    store(r, &op->arg[0], "da", s->e, s->e_exponent);
    store_measured(r, &op->arg[1], "ba", s->i, s->i_exponent, s->i_status | timing, s->i_range);
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

static int wait_until(struct ms_run *r, ns_t t)
{
    r->wake_at = t > r->now ? t : r->now;
    return WAIT;
}

/* First call: waits for the sample, or leaves the loop. Second: takes it. */
static int sample(struct ms_run *r, const struct ms_op *op)
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
        say(r, "-\n");
        announce_scan(r);
    }
    r->waiting = true;
    return wait_until(r, m->grid + (ns_t)((double)(m->k + 1) * m->interval + 0.5));
}

/* --- packages ------------------------------------------------------------------------------------------ */

static int add_to_package(struct ms_run *r, const struct ms_op *op)
{
    if (r->package_n + MS_VALUE_TEXT + 2 > sizeof r->package)
        return MS_OVERFLOW;
    char *p = r->package + r->package_n;
    size_t n = 0;
    if (r->package_n > 1)
        p[n++] = ';';
    n += ms_value_write(p + n, &r->var[op->arg[0].var]);
    r->package_n += n;
    return GO_ON;
}

static int end_package(struct ms_run *r)
{
    ns_t until;
    if (!line_has_room(r, r->package_n + 1, &until))
        return wait_until(r, until);
    r->package[r->package_n] = '\n';
    ms_run_send(r, r->package, r->package_n + 1);
    return GO_ON;
}

/* --- operations ---------------------------------------------------------------------------------------- */

static int set_mode(struct ms_run *r, int mode)
{
    if (r->cell->on && mode != r->cell->mode)
        return MS_NEEDS_CELL_OFF;
    r->cell->mode = mode;
    return GO_ON;
}

static int set_potential(struct ms_run *r, double e)
{
    if (r->cell->on && ms_cell_galvanostat(r->cell))
        return MS_NOT_IN_MODE;
    int code = check_potential(r, e);
    if (!code)
        ms_cell_set_e(r->cell, e);
    return code;
}

static int set_current(struct ms_run *r, double i)
{
    if (r->cell->on && !ms_cell_galvanostat(r->cell))
        return MS_NOT_IN_MODE;
    ms_cell_set_i(r->cell, i);
    return GO_ON;
}

static int switch_on(struct ms_run *r)
{
    if (r->cell->mode == 0)
        return MS_PGSTAT_MODE;
    ms_cell_switch(r->cell, true);
    return GO_ON;
}

static enum cell_kind kind_of(const struct ms_op *op)
{
    return op->type[0] == 'b' ? CELL_BA : op->type[0] == 'a' ? CELL_AB : CELL_DB;
}

static int settings(struct ms_run *r, const struct ms_op *op)
{
    switch (op->code) {
    case MS_MODE:
        return set_mode(r, (int)number(r, op, 0));
    case MS_BANDWIDTH:
        r->cell->bandwidth = number(r, op, 0);
        return GO_ON;
    case MS_WINDOW:
        ms_cell_set_window(r->cell, number(r, op, 0), number(r, op, 1));
        r->windowed = true;
        return GO_ON;
    case MS_RANGE:
        ms_cell_set_range(r->cell, kind_of(op), number(r, op, 0));
        return GO_ON;
    case MS_AUTORANGING:
        ms_cell_set_autoranging(r->cell, kind_of(op), number(r, op, 0), number(r, op, 1));
        return GO_ON;
    case MS_SET_E:
        return set_potential(r, number(r, op, 0));
    case MS_SET_I:
        return set_current(r, number(r, op, 0));
    case MS_CELL_ON:
        return switch_on(r);
    case MS_CELL_OFF:
        ms_cell_switch(r->cell, false);
        return GO_ON;
    default: /* MS_CHANNEL: there is one */
        return GO_ON;
    }
}

static int store_literal(struct ms_run *r, const struct ms_op *op)
{
    struct ms_value x = *value_of(r, &op->arg[1]);
    x.type[0] = op->type[0];
    x.type[1] = op->type[1];
    r->var[op->arg[0].var] = x;
    return GO_ON;
}

static int leave(struct ms_run *r)
{
    close_meas(r);
    r->ip = (r->finishing ? ms_script_ops(r->script) : ms_script_finished(r->script)) - 1;
    r->finishing = true;
    return GO_ON;
}

/* First call: waits. Second: goes on. */
static int wait_op(struct ms_run *r, const struct ms_op *op)
{
    if (r->waiting) {
        r->waiting = false;
        return GO_ON;
    }
    r->waiting = true;
    return wait_until(r, r->now + ns_from_s(number(r, op, 0)));
}

static int execute(struct ms_run *r, const struct ms_op *op)
{
    switch (op->code) {
    case MS_STORE:
        return store_literal(r, op);
    case MS_COPY:
        r->var[op->arg[1].var] = *value_of(r, &op->arg[0]);
        return GO_ON;
    case MS_ADD:
    case MS_SUB:
    case MS_MUL:
    case MS_DIV:
        return calculate(r, op);
    case MS_ARRAY_SET:
    case MS_ARRAY_GET:
        return use_array(r, op);
    case MS_LSV:
    case MS_CV:
    case MS_CA:
    case MS_CP:
    case MS_OCP:
        return begin_meas(r, op);
    case MS_SAMPLE:
        return sample(r, op);
    case MS_MEAS_END:
        close_meas(r);
        return GO_ON;
    case MS_LOOP:
        say(r, "L\n");
        return GO_ON;
    case MS_LOOP_END:
        say(r, "+\n");
        return GO_ON;
    case MS_IF:
        if (!holds(r, op))
            r->ip = op->jump - 1;
        return GO_ON;
    case MS_JUMP:
    case MS_BREAK:
        r->ip = op->jump - 1;
        return GO_ON;
    case MS_ABORT:
        return leave(r);
    case MS_WAIT:
        return wait_op(r, op);
    case MS_TIMER_START:
        r->timer_zero = r->now;
        return GO_ON;
    case MS_TIMER_GET:
        store(r, &op->arg[0], "eb", ns_to_s(r->now - r->timer_zero), -6);
        return GO_ON;
    case MS_SEND:
        say(r, "T");
        say(r, ms_script_text(r->script, op->text));
        say(r, "\n");
        return GO_ON;
    case MS_PCK_START:
        r->package[0] = 'P';
        r->package_n = 1;
        return GO_ON;
    case MS_PCK_ADD:
        return add_to_package(r, op);
    case MS_PCK_END:
        return end_package(r);
    case MS_FINISHED:
        r->finishing = true;
        return GO_ON;
    default:
        return settings(r, op);
    }
}

/* --- control ------------------------------------------------------------------------------------------- */

/* Values that came from variables are checked when they are used. */
static int check_variables(const struct ms_run *r, const struct ms_op *op, int *column)
{
    double values[MS_MAX_ARGS];
    bool known[MS_MAX_ARGS];
    bool any = false;
    for (int i = 0; i < op->n; i++) {
        values[i] = number(r, op, i);
        known[i] = true;
        any |= op->arg[i].var >= 0;
    }
    int which = 0;
    int code = any ? ms_script_check(op, r->limits, values, known, &which) : GO_ON;
    *column = op->n ? op->arg[which].column : 0;
    return code;
}

static void finish(struct ms_run *r)
{
    say(r, "\n");
    r->running = false;
}

/* The cell stays as it is, on_finished is not run. */
static void run_time_error(struct ms_run *r, const struct ms_op *op, int code, int column)
{
    char line[64];
    int n = snprintf(line, sizeof line, "!%04X: Line %d", (unsigned)code, op->line);
    if (column)
        n += snprintf(line + n, sizeof line - (size_t)n, ", Col %d", column);
    snprintf(line + n, sizeof line - (size_t)n, r->error_empty_line ? "\n\n" : "\n");
    if (r->meas.op)
        world_recording(r->world, false);
    r->meas.op = NULL;
    say(r, line);
    r->running = false;
}

static void step(void *ctx);

static void arm(struct ms_run *r)
{
    timer_set(r->loop, &r->timer, r->wake_at, step, r);
}

static void step(void *ctx)
{
    struct ms_run *r = ctx;
    if (r->halted)
        return;
    if (r->wake_at > r->now)
        r->now = r->wake_at;
    for (int n = 0; r->running; n++) {
        if (r->ip >= ms_script_ops(r->script)) {
            finish(r);
            return;
        }
        if (n == MAX_AT_ONCE) {
            wait_until(r, r->now + NS_MS);
            arm(r);
            return;
        }
        const struct ms_op *op = ms_script_op(r->script, r->ip);
        int column = 0;
        int code = op->code < MS_SAMPLE || op->code == MS_WAIT ? check_variables(r, op, &column) : GO_ON;
        if (code == GO_ON) {
            column = 0;
            code = execute(r, op);
        }
        if (code == WAIT) {
            arm(r);
            return;
        }
        if (code == GO_ON)
            r->ip++;
        else
            run_time_error(r, op, code, column);
    }
}

void ms_run_start(struct ms_run *r, const struct ms_script *script)
{
    r->script = script;
    r->running = true;
    r->halted = r->finishing = r->waiting = r->windowed = false;
    r->ip = 0;
    r->now = r->wake_at = r->timer_zero = loop_now(r->loop);
    r->meas = (struct ms_meas){0};
    r->package_n = 0;
    for (int i = 0; i < ms_script_vars(script); i++)
        r->var[i] = (struct ms_value){.type = {'a', 'a'}};
    int elements = ms_script_elements(script);
    r->element = xrealloc(r->element, (size_t)(elements + 1) * sizeof *r->element);
    for (int i = 0; i < elements; i++)
        r->element[i] = (struct ms_value){.type = {'a', 'a'}};
    step(r);
}

/* The host interrupts a wait: the script's clock catches up with the loop's. */
static void interrupt(struct ms_run *r)
{
    timer_cancel(r->loop, &r->timer);
    ns_t now = loop_now(r->loop);
    if (now > r->now)
        r->now = now;
    r->wake_at = r->now;
    r->halted = false;
    r->waiting = false;
}

void ms_run_abort(struct ms_run *r)
{
    if (r->finishing) {
        ms_run_resume(r); /* on_finished itself is not aborted */
        return;
    }
    interrupt(r);
    leave(r);
    r->ip++;
    step(r);
}

void ms_run_end_loop(struct ms_run *r)
{
    if (!r->meas.op)
        return;
    interrupt(r);
    r->ip = r->meas.end;
    step(r);
}

bool ms_run_halt(struct ms_run *r)
{
    if (r->halted)
        return false;
    r->halted = true;
    r->halted_at = loop_now(r->loop);
    timer_cancel(r->loop, &r->timer);
    return true;
}

bool ms_run_resume(struct ms_run *r)
{
    if (!r->halted)
        return false;
    ns_t pause = loop_now(r->loop) - r->halted_at;
    r->halted = false;
    r->meas.grid += pause;
    r->wake_at += pause;
    if (r->meas.op)
        ms_cell_begin(r->cell, loop_now(r->loop));
    arm(r);
    return true;
}

void ms_run_reverse(struct ms_run *r)
{
    if (r->meas.op && r->meas.op->code == MS_CV)
        r->meas.stairs.steps = r->meas.stairs.j;
}

void ms_run_break(struct ms_run *r, int code)
{
    r->broken = code;
    if (!code || !r->running)
        return;
    interrupt(r);
    int last = ms_script_ops(r->script) - 1;
    run_time_error(r, ms_script_op(r->script, r->ip < last ? r->ip : last), code, 0);
}

void ms_run_done(struct ms_run *r)
{
    ms_run_kill(r);
    free(r->element);
    r->element = NULL;
}

void ms_run_kill(struct ms_run *r)
{
    timer_cancel(r->loop, &r->timer);
    if (r->meas.op)
        world_recording(r->world, false);
    r->meas.op = NULL;
    r->running = r->halted = false;
}
