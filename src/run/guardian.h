/* The guardian, from the run's side.
 *
 * None of our devices watches its host: when the program dies or hangs, the cell stays on and the probe stays
 * where it is. The guardian is a small process of its own, forked before the run has any thread or database
 * handle. It holds copies of the links' descriptors and the bytes of the safe state, and hears a beat from
 * the run thread ten times a second. When the run dies or falls silent it makes certain that it is dead, then
 * stops the stage, opens the cell, retracts, verifies and writes down what it did. In virtual time there is
 * none. */
#ifndef SECCM_RUN_GUARDIAN_H
#define SECCM_RUN_GUARDIAN_H

#include "base/bounds.h"
#include "instrument/rig.h"

struct guardian;

/* After so much silence of the run thread it counts as stuck. Its longest legal silence is one computation or
 * one upload between two looks at the loop, far below a second (what it was is stored in the results file);
 * the rest is for a machine that is busy with other things. Real time. */
#define GUARDIAN_SILENCE BOUND_GUARDIAN

/* Forks the guardian; to be called before any thread is started and any database is open. */
struct guardian *guardian_start(ns_t silence, struct err *e);
/* Hands over the rig's descriptors and errands and a log beside the results file; from here on the calling
 * thread beats whenever it waits on the rig's loop. To be called again when a link was opened anew
 * (results_path is looked at the first time only): the guardian then closes the descriptors that it had. */
bool guardian_protect(struct guardian *g, struct rig *rig, const char *results_path, struct err *e);
/* False (ERR_LIMIT) if the guardian is gone or does not answer: then nothing may go down any more. NULL (none
 * is wanted) is true. Never waits. */
bool guardian_on_watch(struct guardian *g, struct err *e);
/* The longest time between two beats so far, real seconds; and the silence that the guardian bears. */
double guardian_longest_silence(const struct guardian *g);
double guardian_patience(const struct guardian *g);
long guardian_pid(const struct guardian *g);
/* The run has ended in order, or has done what it could: the guardian leaves, and with it its log. Waits
 * until it is gone; it holds no descriptor afterwards. Before the rig's loop is freed. Once is enough. */
void guardian_dismiss(struct guardian *g);
/* Dismisses if that was not done. NULL does nothing. */
void guardian_free(struct guardian *g);

#endif
