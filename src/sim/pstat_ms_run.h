/* Runs a compiled script on the simulated electronics.
 *
 * The script has its own clock `now`: samples fall on an absolute grid, and what delays it is the model
 * (waits, an output line that can not keep up), never the simulating computer. Timers of the loop only make
 * it keep step.
 *
 * Readings of the documentation that matter:
 *   meas_loop_cv   PalmSens describes begin potential as where the scan starts and stops, vertex 1 and 2 as
 * the first and second potential where the direction reverses: begin -> v1 -> v2 -> begin per scan. The begin
 * potential is sampled once, as the very first point; each level reached is one point; a vertex that is no
 * multiple of the step away is not overshot. a point        is the mean current over its whole step, reported
 * at its end. set_i          before set_pgstat_mode 6 is fine (the vendor's CP example does so) as long as
 * the cell is off. */
#ifndef SECCM_SIM_PSTAT_MS_RUN_H
#define SECCM_SIM_PSTAT_MS_RUN_H

#include "sim/pstat_ms_cell.h"
#include "sim/pstat_ms_script.h"

#define MS_MAX_PACKAGE 1024

struct ms_staircase {
    double goal[3]; /* V */
    int goals, scans;
    double step;      /* V, > 0 */
    double origin;    /* V, where the present segment began */
    double level;     /* V */
    int segment;      /* index of the goal */
    int64_t j, steps; /* done and in all in this segment */
    int direction, scan;
};

struct ms_meas {
    const struct ms_op *op; /* NULL: none open */
    int end;                /* index of its MS_MEAS_END */
    ns_t grid;              /* sample k is due at grid + (k + 1) x interval */
    double interval;        /* ns */
    int64_t k, n;           /* samples taken; in all (not for staircases) */
    bool more;              /* staircase: another level was set */
    int scan_shown;         /* number of the scan announced */
    struct ms_staircase stairs;
};

/* Where output goes. `baud` 0: as fast as you like. */
struct ms_output {
    void (*send)(void *ctx, const char *bytes, size_t n);
    void *ctx;
    int64_t baud;
    int64_t buffer; /* bytes that may wait for the line before the script does */
};

struct ms_run {
    struct loop *loop;
    struct world *world;
    struct ms_cell *cell;
    const struct ms_limits *limits;
    struct ms_output out;
    bool error_empty_line; /* an empty line follows a run-time error */

    const struct ms_script *script; /* not owned */
    bool running, halted, finishing;
    int broken;    /* fault: code that measurements stop with, 0 = none */
    bool windowed; /* set_range_minmax da was used by this script */
    bool waiting;  /* the present operation has waited already */
    int ip;
    ns_t now, wake_at, halted_at, timer_zero, line_free;
    struct timer timer;
    struct ms_meas meas;
    struct ms_value var[MS_MAX_VARS];
    struct ms_value *element; /* of all arrays; heap */
    char package[MS_MAX_PACKAGE];
    size_t package_n;
};

/* Starts a script; the cell stays as the one before left it. */
void ms_run_start(struct ms_run *r, const struct ms_script *script);
/* Z: closes what is open, goes on with on_finished. */
void ms_run_abort(struct ms_run *r);
/* Y: ends the open measurement loop, if any. */
void ms_run_end_loop(struct ms_run *r);
/* h, H. False if it makes no sense now. */
bool ms_run_halt(struct ms_run *r);
bool ms_run_resume(struct ms_run *r);
/* R: the scan goes the other way. */
void ms_run_reverse(struct ms_run *r);
/* Fault: the script that runs, and every later one at its first measurement, stops with this run-time error;
 * 0 = no more. */
void ms_run_break(struct ms_run *r, int code);
/* Forgets everything without a word: power failure. */
void ms_run_kill(struct ms_run *r);
/* Frees what the scripts took. */
void ms_run_done(struct ms_run *r);
/* Queues text behind what the line still has to send. */
void ms_run_send(struct ms_run *r, const char *bytes, size_t n);

#endif
