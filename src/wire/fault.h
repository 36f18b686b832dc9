/* Faults of a link for tests: what a bad cable, a crashed firmware or a pulled plug do to the bytes.
 *
 * They act on the side that the link belongs to: what it receives is lost, cut, changed or late; what it
 * writes is lost. Faults are looked at when a chunk arrives (one write of the far side, or one read of the
 * system), in the order in which they were added. */
#ifndef SECCM_WIRE_FAULT_H
#define SECCM_WIRE_FAULT_H

#include "wire/link.h"

#define LINK_FAULT_TABLE(X)                                                                                  \
    X(SILENCE, "silence") /* received chunks are lost */                                                     \
    X(DEAF, "deaf")       /* written bytes are lost: the device never hears them */                          \
    X(CUT, "cut")         /* only the first `n` bytes of each received chunk come through */                 \
    X(GARBLE, "garble") /* byte `n` of the first chunk received that has one is changed by XOR 0x40, once */ \
    X(DELAY, "delay")   /* received chunks come `delay` later */                                             \
    X(HANGUP, "hangup") /* the link goes down at `at`, for good */

enum link_fault_kind {
#define X(id, name) LINK_FAULT_##id,
    LINK_FAULT_TABLE(X)
#undef X
};

/* Plain data. Acts in at <= t < until, experiment time. */
struct link_fault {
    enum link_fault_kind kind;
    ns_t at;
    ns_t until; /* 0: for ever */
    size_t n;   /* CUT, GARBLE */
    ns_t delay; /* DELAY, >= 0 */
};

/* Adds a fault (copied), at most 16 per link. */
void link_fault(struct link *k, const struct link_fault *f);
/* Removes all faults; a link that has hung up stays down. */
void link_fault_clear(struct link *k);
const char *link_fault_name(enum link_fault_kind kind);

#endif
