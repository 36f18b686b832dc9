/* The fault matrix in words, for the operator: `seccm help faults`. */
#ifndef SECCM_PROTOCOL_FAULT_TEXT_H
#define SECCM_PROTOCOL_FAULT_TEXT_H

#include "base/buf.h"
#include "protocol/fault.h"

/* Sentences or parts of them, without a full stop at the end. */
struct fault_text {
    const char *detected; /* how it is noticed */
    const char *at_once;  /* what is done without asking anybody */
    const char *again;    /* what may be tried again */
    const char *ends;     /* outcome of the attempt, and of the run */
    const char *seen;     /* what the operator sees */
};

/* FAULT_NONE has none: not to be asked for. */
const struct fault_text *fault_text(enum fault_class c);
/* One class, or with FAULT_NONE all of them with what holds for all. For a terminal of 80 columns. */
void fault_help(enum fault_class c, struct buf *out);

#endif
