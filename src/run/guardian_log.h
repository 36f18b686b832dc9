/* What a guardian did, on a file beside the results: the next program to look at these results reads it.
 *
 * While a run goes on the file holds one line ("on watch ...") and is locked by the guardian; a run that ends
 * in order removes it. */
#ifndef SECCM_RUN_GUARDIAN_LOG_H
#define SECCM_RUN_GUARDIAN_LOG_H

#include "base/buf.h"
#include "base/loop.h"

#define GUARDIAN_ON_WATCH "on watch"
#define GUARDIAN_SAFE     "verified safe"
#define GUARDIAN_NOT_SAFE "NOT VERIFIED SAFE"

/* night.seccm -> night.guardian.log; caller frees. */
char *guardian_log_path(const char *results_path);
/* Creates or empties the file, locks it and writes its first line. The descriptor, -1 on failure. */
int guardian_log_create(const char *path, struct err *e);
/* "2026-11-22T18:00:00.000Z TEXT" and a newline, whose control bytes are shown as `?`. */
void guardian_log_line(struct buf *out, const struct loop *l, const char *text);

struct guardian_left {
    struct buf text; /* the log; empty if there is none: the last run ended in order or had no guardian */
    bool took_over;  /* it had to act */
    bool safe;       /* ... and verified what it did */
};
/* Reads what the guardian of the last run left, as soon as it has come to its end: waits for it, at most for
 * `patience` of real time (ERR_IO: it is still at work). The caller frees the text. */
bool guardian_log_read(const char *path, ns_t patience, struct guardian_left *out, struct err *e);

#endif
