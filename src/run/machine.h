/* What befalls the machine under a running run: its clock is set, it is suspended and wakes up, or somebody
 * stops the run for a while (SIGSTOP, a debugger). Private to src/run, but for the names of signals.
 *
 * Experiment time is CLOCK_MONOTONIC, which nobody can set; texts for people come from CLOCK_REALTIME, which
 * anybody can. CLOCK_BOOTTIME goes on while the machine sleeps: what it gains on CLOCK_MONOTONIC was slept,
 * and what CLOCK_REALTIME gains on it was set. The sample and the instruments do not sleep: the time is added
 * to experiment time, so that drift and deadlines are judged rightly. */
#ifndef SECCM_RUN_MACHINE_H
#define SECCM_RUN_MACHINE_H

#include "base/loop.h"

struct run;

/* A run that was not awake for longer than this (ns, real time) was stopped: its guardian bears a little
 * more. */
#define MACHINE_STOPPED (4 * NS_S)
/* Clocks that go apart by more than this from one look to the next (ns) were set, or one of them slept. */
#define MACHINE_STEP NS_S

struct machine {
    struct loop *loop;  /* NULL: not watched */
    struct clocks seen; /* at the newest look */
    ns_t longest;       /* without a look, beyond that it was stopped; NS_NEVER in virtual time */
    struct timer wake;
    /* not dealt with yet, 0 = nothing */
    ns_t away;   /* the run was not there for this long */
    ns_t asleep; /* ... of it the machine slept */
    ns_t set_by; /* the wall clock was set forward by this */
    /* of the whole run */
    ns_t set_sum, away_sum;
    bool signal_told;
};

/* Notes what the clocks say. Returns how long the machine slept since the look before (ns). */
ns_t machine_look(struct machine *m, const struct clocks *now);
/* "2 h 03 min", "12 min 05 s", "4.2 s"; returns text. */
const char *machine_duration(ns_t t, char text[32]);

void machine_start(struct run *r);
void machine_stop(struct run *r);

/* "SIGHUP (the terminal was closed, or the session has ended)" */
const char *machine_signal_name(int number);
/* Tells of a clock that was set, and of a signal; never waits. */
void machine_tell(struct run *r);
/* During an attempt: false with ERR_SUSPENDED if the run was away. */
bool machine_awake(struct run *r, struct err *e);
/* At a fault: if the run was away that explains it, whatever came up first. */
void machine_blame(struct run *r, struct err *fault);
/* Behind the safe state: true if the fault was an absence and the instruments are what they were before. */
bool machine_recover(struct run *r, struct err *fault);
/* Where nothing was at stake and the rig is proven anew in any case: an absence is told and forgotten. */
void machine_note(struct run *r);
/* Between sites or attempts: after an absence the instruments are identified anew and the probe fully
 * retracted. */
bool machine_rested(struct run *r, struct err *e);

#endif
