/* Inside of a script that runs, shared by its operations (pstat_ms_run.c), its variables (pstat_ms_vars.c)
 * and its measurement loops (pstat_ms_meas.c). Private to them.
 *
 * An operation returns GO_ON, WAIT (it is called again at r->wake_at) or the code of a run-time error. */
#ifndef SECCM_SIM_PSTAT_MS_PARTS_H
#define SECCM_SIM_PSTAT_MS_PARTS_H

#include "sim/pstat_ms_run.h"

#define GO_ON 0
#define WAIT  (-1)

/* Queues text behind what the line still has to send. */
void ms_run_say(struct ms_run *r, const char *text);
int ms_run_wait_until(struct ms_run *r, ns_t t);

/* Variables. `a` and argument `i` of `op`: a literal or what the variable holds. */
const struct ms_value *ms_run_value(const struct ms_run *r, const struct ms_arg *a);
double ms_run_number(const struct ms_run *r, const struct ms_op *op, int i);
void ms_run_store(struct ms_run *r, const struct ms_arg *a, const char type[2], double v, int exponent);
void ms_run_store_measured(struct ms_run *r, const struct ms_arg *a, const char type[2], double v,
                           int exponent, uint8_t status, uint8_t range);
/* store_var; add_var and the like; array_set and array_get. */
int ms_run_store_literal(struct ms_run *r, const struct ms_op *op);
int ms_run_calculate(struct ms_run *r, const struct ms_op *op);
int ms_run_use_array(struct ms_run *r, const struct ms_op *op);
/* The condition of an if or a loop. */
bool ms_run_holds(const struct ms_run *r, const struct ms_op *op);

/* Measurement loops. A potential (V) against the window that the script has set. */
int ms_run_check_potential(const struct ms_run *r, double e);
int ms_meas_begin(struct ms_run *r, const struct ms_op *op);
/* First call: waits for the sample, or leaves the loop. Second: takes it. */
int ms_meas_sample(struct ms_run *r, const struct ms_op *op);
/* Does nothing if none is open. */
void ms_meas_close(struct ms_run *r);

#endif
