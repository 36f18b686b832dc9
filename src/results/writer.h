/* The writer thread: the only one that touches the database while a run goes on.
 *
 * The run thread hands over jobs through a queue bounded by bytes and never waits for the disk, except at a
 * barrier (writer_barrier), where experiment time stands still in virtual mode. The run sees an error of the
 * disk at writer_ok() and at the barrier, and goes to the safe state. What was not durable by then, and the
 * outcome that follows, is held in memory and written once more at the end. */
#ifndef SECCM_RESULTS_WRITER_H
#define SECCM_RESULTS_WRITER_H

#include "base/loop.h"
#include "results/results.h"

struct writer;

/* Takes over the handle (on failure it stays the caller's). The loop must outlive the writer; it is woken at
 * completions and at an error. */
struct writer *writer_start(struct results *r, struct loop *l, struct err *e);
/* Finishes all jobs, checkpoints, joins the thread, closes the file. After an error it tries once more to
 * store what is not durable yet. Reports the first error of the writer, and whether anything was lost. */
bool writer_stop(struct writer *w, struct err *e);

/* Jobs. Ids are given out here (the writer is their only source), so that nothing waits for the database. All
 * false only if the writer has failed or the queue is full (64 MiB): then the run must go to its safe state.
 * Nothing new begins then, but what belongs to the present attempt is still taken (another 64 MiB) and
 * written if the disk allows; in virtual time a full queue is waited for instead. Texts longer than the
 * fields of results.h are cut. */

/* Intent before action: a new attempt of a site. */
bool writer_attempt_begin(struct writer *w, int site, int number, double x, double y, double t_s,
                          const char *utc, int64_t *attempt);
/* A step begins; fields of `s` but id, ended_by and samples are stored. */
bool writer_step_begin(struct writer *w, const struct results_step *s, int64_t *step);
/* Rows are collected and committed as filled chunks; the rest at writer_step_end(). Copies. */
bool writer_rows(struct writer *w, int64_t step, const struct wave_row *rows, int n);
bool writer_step_end(struct writer *w, int64_t step, const char *ended_by, double gap_before,
                     const char *gap_state);
/* The row with the outcome: makes the attempt, and with it the site, valid. Committed together with
 * everything of the attempt that is still pending; steps that were not ended keep their rows. The outcome
 * becomes the site's if it is its last attempt. `site`, `number` and `start_s` are known from the beginning;
 * x and y replace those of the intent unless they are NAN. */
bool writer_attempt_end(struct writer *w, const struct results_attempt *a);
/* Copies the rows; their texts live as results.h says. */
bool writer_features(struct writer *w, const struct results_feature *f, int n);
bool writer_event(struct writer *w, const struct results_event *ev);
/* Outcome of a site that was never visited or is skipped. */
bool writer_site_outcome(struct writer *w, int site, enum outcome o, const char *reason);
/* Adds a flag to all measured attempts with ids between `after` and `before` (both left out) that are no
 * controls: what is said of them afterwards. */
bool writer_flag(struct writer *w, int64_t after, int64_t before, const char *flag);
/* A spare site is used in place of `replaces` with block and levels of `root` (the planned site whose levels
 * are wanted). */
bool writer_spare(struct writer *w, int spare, int replaces, int root);
/* Run-level key (state: running, paused, finished ...; counters). */
bool writer_info(struct writer *w, const char *key, const char *value);
/* Starts a durable commit of everything handed over so far; outcome of site k and intent of site k+1 become
 * one transaction this way. */
bool writer_commit(struct writer *w);
/* Waits (through the loop) until everything handed over so far is durable. A disk that takes longer than the
 * patience is an error. */
bool writer_barrier(struct writer *w, struct err *e);
/* 30 s unless set. */
void writer_set_patience(struct writer *w, ns_t patience);
/* Between sites only: let the writer checkpoint the WAL when it has grown. */
bool writer_checkpoint(struct writer *w);
/* false and the error if the writer has failed. Never waits. */
bool writer_ok(struct writer *w, struct err *e);

#endif
