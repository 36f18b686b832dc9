/* An errand: bytes for a device and the answer by which it is known that they were understood, all prepared
 * beforehand, for somebody who has nothing of the device but its link. A driver prepares them while all is
 * well; whoever takes over when it is not needs to know no dialect. Plain data, so that it can be sent to
 * another process of the same program as it is. */
#ifndef SECCM_WIRE_ERRAND_H
#define SECCM_WIRE_ERRAND_H

#include "base/buf.h"
#include "wire/link.h"

enum errand_kind {
    ERRAND_WRITE,  /* nothing is awaited */
    ERRAND_TEXT,   /* the whole answer is one of the texts in `wanted`, separated by `|` */
    ERRAND_NUMBER, /* the answer begins with `wanted`, then a number from low to high */
    ERRAND_NOTE,   /* ... then a number, to be remembered */
    ERRAND_CHANGE, /* ... then a number that differs from the one remembered by low to high */
};

struct errand {
    char what[40]; /* for people: "stop", "retraction" */
    enum errand_kind kind;
    int turn; /* errands of all devices are done in rising order of this; equal ones in that of the list */
    char bytes[200];
    int n;
    char wanted[40];
    double low, high;   /* NUMBER, CHANGE: what the device counts in */
    ns_t quiet;         /* first, input is thrown away until none came for so long */
    ns_t answer;        /* longest wait for one answer; then the bytes are sent again ... */
    ns_t timeout;       /* ... until so much has passed in all (0: they are sent once) */
    char proves[24];    /* what its success proves ("retracted"); "" = nothing */
    bool only_unproven; /* left out if another errand on the same link has proved something already */
};

/* Fills in `what`, `turn` and the bytes (at most sizeof bytes; more is a bug of the caller). The kind is
 * ERRAND_WRITE. */
struct errand errand_make(const char *what, int turn, const void *bytes, size_t n);

/* Sends and waits, through the link's loop; never longer than timeout + answer + quiet. *got (optional) is
 * what came last. *noted: what a NOTE on this link found, NAN = none yet; a CHANGE without it is not sent
 * (ERR_SILENT); NULL for the other kinds. Errors: ERR_LINK, ERR_SILENT without any answer, ERR_FRAGMENT for
 * an answer without an end, ERR_MISMATCH for one that is not wanted. */
bool errand_do(struct link *k, const struct errand *q, double *noted, struct buf *got, struct err *e);

#endif
