/* Runs a compiled script: one operation after the other until one has to wait.
 *
 *   step() -> execute() -> GO_ON                     next operation
 *                       -> WAIT                      the timer calls step() at wake_at, on the same operation
 *                       -> a code                    run-time error: ends the script, leaves the cell as it
 * is */
#include "sim/pstat_ms_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/pstat_ms_parts.h"

#define MAX_AT_ONCE 1000 /* operations without a wait: an idle loop costs time, as on a real processor */

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

void ms_run_say(struct ms_run *r, const char *text)
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

int ms_run_wait_until(struct ms_run *r, ns_t t)
{
    r->wake_at = t > r->now ? t : r->now;
    return WAIT;
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
        return ms_run_wait_until(r, until);
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
    int code = ms_run_check_potential(r, e);
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
        return set_mode(r, (int)ms_run_number(r, op, 0));
    case MS_BANDWIDTH:
        r->cell->bandwidth = ms_run_number(r, op, 0);
        return GO_ON;
    case MS_WINDOW:
        ms_cell_set_window(r->cell, ms_run_number(r, op, 0), ms_run_number(r, op, 1));
        r->windowed = true;
        return GO_ON;
    case MS_RANGE:
        ms_cell_set_range(r->cell, kind_of(op), ms_run_number(r, op, 0));
        return GO_ON;
    case MS_AUTORANGING:
        ms_cell_set_autoranging(r->cell, kind_of(op), ms_run_number(r, op, 0), ms_run_number(r, op, 1));
        return GO_ON;
    case MS_SET_E:
        return set_potential(r, ms_run_number(r, op, 0));
    case MS_SET_I:
        return set_current(r, ms_run_number(r, op, 0));
    case MS_CELL_ON:
        return switch_on(r);
    case MS_CELL_OFF:
        ms_cell_switch(r->cell, false);
        return GO_ON;
    default: /* MS_CHANNEL: there is one */
        return GO_ON;
    }
}

static int leave(struct ms_run *r)
{
    ms_meas_close(r);
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
    return ms_run_wait_until(r, r->now + ns_from_s(ms_run_number(r, op, 0)));
}

static int execute(struct ms_run *r, const struct ms_op *op)
{
    switch (op->code) {
    case MS_STORE:
        return ms_run_store_literal(r, op);
    case MS_COPY:
        r->var[op->arg[1].var] = *ms_run_value(r, &op->arg[0]);
        return GO_ON;
    case MS_ADD:
    case MS_SUB:
    case MS_MUL:
    case MS_DIV:
        return ms_run_calculate(r, op);
    case MS_ARRAY_SET:
    case MS_ARRAY_GET:
        return ms_run_use_array(r, op);
    case MS_LSV:
    case MS_CV:
    case MS_CA:
    case MS_CP:
    case MS_OCP:
        return ms_meas_begin(r, op);
    case MS_SAMPLE:
        return ms_meas_sample(r, op);
    case MS_MEAS_END:
        ms_meas_close(r);
        return GO_ON;
    case MS_LOOP:
        ms_run_say(r, "L\n");
        return GO_ON;
    case MS_LOOP_END:
        ms_run_say(r, "+\n");
        return GO_ON;
    case MS_IF:
        if (!ms_run_holds(r, op))
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
        ms_run_store(r, &op->arg[0], "eb", ns_to_s(r->now - r->timer_zero), -6);
        return GO_ON;
    case MS_SEND:
        ms_run_say(r, "T");
        ms_run_say(r, ms_script_text(r->script, op->text));
        ms_run_say(r, "\n");
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
        values[i] = ms_run_number(r, op, i);
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
    ms_run_say(r, "\n");
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
    ms_run_say(r, line);
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
            ms_run_wait_until(r, r->now + NS_MS);
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

/* What nobody records while a loop is halted counts; until now somebody did, or nobody. */
static void record(struct ms_run *r, bool on)
{
    if (!r->meas.op)
        return;
    sim_bench_advance(r->cell->bench, loop_now(r->loop));
    world_recording(r->world, on);
}

bool ms_run_halt(struct ms_run *r)
{
    if (r->halted)
        return false;
    r->halted = true;
    r->halted_at = loop_now(r->loop);
    timer_cancel(r->loop, &r->timer);
    record(r, false); /* the cell stays as it is */
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
    record(r, true);
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
