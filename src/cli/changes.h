/* What differs between a run as it was begun (or last went on) and what it would go on with: input files on
 * disk, program, instruments. */
#ifndef SECCM_CLI_CHANGES_H
#define SECCM_CLI_CHANGES_H

#include "cli/stored.h"

struct difference {
    char *text; /* "protocol.yaml:12: stop.count: 3 -> 5"; heap */
    bool may;   /* it may be accepted: neither sites, order, levels nor technique hang on it */
};

struct changes {
    struct difference *list; /* heap */
    int n;
    int held; /* of them may not be accepted */
};

/* Compares the stored files with those on disk by what they say, not by their bytes, and the program. A file
 * that is gone is no difference: the run goes on from the stored one. */
void changes_find(struct stored *s, struct changes *out);
void changes_add(struct changes *c, bool may, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void changes_free(struct changes *c);

/* Prints the list to stderr and refuses (ERR_INPUT) unless all of it is accepted; none is fine. */
bool changes_allow(const struct changes *c, bool accept, const char *results_path, struct err *e);
/* From now on the files as they are on disk are in force, where they say something else than the stored ones
 * or say it differently. */
void changes_take(struct stored *s);

#endif
