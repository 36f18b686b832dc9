/* What the guardian of the last run left behind, for the run that goes on. */
#ifndef SECCM_CLI_LEFT_H
#define SECCM_CLI_LEFT_H

#include "results/writer.h"
#include "run/guardian_log.h"

struct left {
    struct guardian_left guardian;
    int site; /* of the attempt that was open, 0 = none */
    int64_t attempt;
};

/* Waits for the guardian if it is still at work, reads its log, tells the operator, and looks which attempt
 * it ended. To be called before open attempts are closed. The caller frees with left_free(). */
bool left_read(struct results *file, struct left *out, struct err *e);
void left_free(struct left *l);
/* Stores each line of the log as an event of kind "guardian" of that attempt, at experiment time t_s. */
void left_store(const struct left *l, struct writer *w, double t_s);
/* The log is stored now, and goes. A guardian of this run has it in its hands and does so itself. */
void left_clear(const struct left *l, const char *results_path);

#endif
