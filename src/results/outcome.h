/* Names of outcomes and of how far a spot was touched: one table each. */
#ifndef SECCM_RESULTS_OUTCOME_H
#define SECCM_RESULTS_OUTCOME_H

#define OUTCOME_TABLE(X)                                                                                     \
    X(NONE, "")                                                                                              \
    X(MEASURED, "measured")                                                                                  \
    X(NO_CONTACT, "no-contact")                                                                              \
    X(UNCONFIRMED, "unconfirmed")                                                                            \
    X(ALREADY_WET, "already-wet")                                                                            \
    X(NOT_DETACHED, "not-detached")                                                                          \
    X(OVERLOAD, "overload")                                                                                  \
    X(MENISCUS_LOST, "meniscus-lost")                                                                        \
    X(SUSPECTED_CRASH, "suspected-crash")                                                                    \
    X(LANDING_REJECTED, "landing-rejected")                                                                  \
    X(OUT_OF_RANGE, "out-of-range")                                                                          \
    X(FAULT, "fault")                                                                                        \
    X(SKIPPED, "skipped")                                                                                    \
    X(INTERRUPTED, "interrupted")                                                                            \
    X(ABORTED, "aborted")                                                                                    \
    X(NOT_VISITED, "not-visited")

enum outcome {
#define X(id, name) OUTCOME_##id,
    OUTCOME_TABLE(X)
#undef X
        OUTCOME_COUNT
};
const char *outcome_name(enum outcome o);
enum outcome outcome_from_name(const char *name); /* OUTCOME_NONE if unknown */

/* What a site is for. Statistics and exports leave controls out unless they are asked for. */
enum site_role { SITE_MEASURED, SITE_CONTROL, SITE_SPARE };
const char *site_role_name(enum site_role r);         /* measured, control, spare */
enum site_role site_role_from_name(const char *name); /* SITE_MEASURED if unknown */

/* Whether the sample may have been wetted at this spot. Only TOUCHED_NO may be tried again in place. */
enum touched { TOUCHED_NO, TOUCHED_POSSIBLY, TOUCHED_YES };
const char *touched_name(enum touched t);
enum touched touched_from_name(const char *name); /* TOUCHED_YES if unknown: the safe reading */

#endif
