/* The fault matrix: every fault that a night may meet, how it is noticed, what is done at once, what may be
 * tried again, how the attempt ends and what the operator sees.
 *
 * One table for all: `faults:` in a protocol takes its keys and defaults from here, the run asks it for the
 * policy, `seccm help faults` prints it, and the campaigns of faults go through it row by row. */
#ifndef SECCM_PROTOCOL_FAULT_H
#define SECCM_PROTOCOL_FAULT_H

#include <stdbool.h>

#include "base/err.h"

/* Classes whose policy a protocol may choose, each a key of `faults:`. Place; policies it may choose from;
 * default; what it is. */
#define FAULT_CHOICE_TABLE(X)                                                                                \
    X(NO_CONTACT, "no-contact", AT_SITE, ANY, SPARE, "spare", "the approach ended without a contact")        \
    X(UNCONFIRMED, "unconfirmed", AT_SITE, ANY, SPARE, "spare", "the contact did not show again at rest")    \
    X(ALREADY_WET, "already-wet", AT_SITE, ANY, RETRY, "retry",                                              \
      "a contact is there before the approach: a drop was left behind, or liquid has crept")                 \
    X(CURRENT_TOO_LARGE, "current-too-large", AT_SITE, WETTED, PAUSE, "pause",                               \
      "the current at contact or in a step met the hard ceiling: a crash, or the cell is flooded")           \
    X(MENISCUS_LOST, "meniscus-lost", AT_SITE, WETTED, SPARE, "spare",                                       \
      "the drop was lost during the measurement")                                                            \
    X(MENISCUS_SPREADING, "meniscus-spreading", AT_SITE, WETTED, SKIP, "skip",                               \
      "the wetted area grew during the measurement")                                                         \
    X(CONTACT_INTERRUPTED, "contact-interrupted", AT_SITE, WETTED, SKIP, "skip",                             \
      "the contact was lost in the middle of a step and came back")                                          \
    X(NOT_DETACHED, "not-detached", AT_SITE, STOPS, PAUSE, "pause", "the drop did not break on retraction")  \
    X(OVERLOAD, "overload", AT_SITE, WETTED, SPARE, "spare", "the current left the range of the instrument") \
    X(LANDING_REJECTED, "landing-rejected", AT_SITE, WETTED, SPARE, "spare",                                 \
      "the contact was not on what was looked for (`landing`), or far above the surface")                    \
    X(OUT_OF_RANGE, "out-of-range", AT_SITE, ANY, SPARE, "spare",                                            \
      "the place can not be reached inside the rig's envelope any more")                                     \
    X(NOISE, "noise", AT_SITE, ANY, RETRY, "retry",                                                          \
      "the current in air or in the approach is noisier than the rig file accepts")                          \
    X(PROBE_OPEN, "probe-open", AT_SITE, ANY, RETRY, "retry",                                                \
      "the alive ramp shows no displacement current: broken wire, dry or clogged probe")                     \
    X(PROBE_SHORTED, "probe-shorted", AT_SITE, ANY, RETRY, "retry",                                          \
      "the alive ramp shows a leak or far too much displacement current: the probe is shorted or wet "       \
      "outside")                                                                                             \
    X(TIP_BLOCKED, "tip-blocked", OF_PROBE, STOPS_SKIP, PAUSE, "pause",                                      \
      "the control charts say that the probe is clogging")                                                   \
    X(TIP_BROKEN, "tip-broken", OF_PROBE, STOPS_SKIP, PAUSE, "pause",                                        \
      "the control charts say that the end of the probe has broken off")                                     \
    X(TIP_WETTING, "tip-wetting", OF_PROBE, STOPS_SKIP, PAUSE, "pause",                                      \
      "the control charts say that the probe is wet on its outside")                                         \
    X(POTENTIOSTAT_SILENT, "potentiostat-silent", OF_POTENTIOSTAT, ANY, RETRY, "retry",                      \
      "the potentiostat gives no answer before the deadline")                                                \
    X(POTENTIOSTAT_GARBLED, "potentiostat-garbled", OF_POTENTIOSTAT, ANY, RETRY, "retry",                    \
      "the potentiostat gives an answer, or part of one, that is none")                                      \
    X(POTENTIOSTAT_LATE, "potentiostat-late", OF_POTENTIOSTAT, ANY, RETRY, "retry",                          \
      "the potentiostat answers, but to an earlier question or behind its deadline")                         \
    X(POTENTIOSTAT_RESET, "potentiostat-reset", OF_POTENTIOSTAT, ANY, RETRY, "retry",                        \
      "the potentiostat has started anew by itself")                                                         \
    X(POTENTIOSTAT_ERROR, "potentiostat-error", OF_POTENTIOSTAT, ANY, RETRY, "retry",                        \
      "the potentiostat reports an error of its own")                                                        \
    X(POTENTIOSTAT_REFUSED, "potentiostat-refused", OF_POTENTIOSTAT, ANY, PAUSE, "pause",                    \
      "the potentiostat understands a command and refuses it")                                               \
    X(POTENTIOSTAT_UNPLUGGED, "potentiostat-unplugged", OF_POTENTIOSTAT, ANY, RETRY, "retry",                \
      "the potentiostat is gone from its link: unplugged, switched off, or its adapter has hung up")         \
    X(STAGE_SILENT, "stage-silent", OF_STAGE, ANY, RETRY, "retry",                                           \
      "the stage gives no answer before the deadline")                                                       \
    X(STAGE_GARBLED, "stage-garbled", OF_STAGE, ANY, RETRY, "retry",                                         \
      "the stage gives an answer, or part of one, that is none")                                             \
    X(STAGE_LATE, "stage-late", OF_STAGE, ANY, RETRY, "retry",                                               \
      "the stage answers, but to an earlier question or behind its deadline")                                \
    X(STAGE_RESET, "stage-reset", OF_STAGE, ANY, PAUSE, "pause", "the stage has started anew by itself")     \
    X(STAGE_ERROR, "stage-error", OF_STAGE, ANY, PAUSE, "pause", "the stage reports an error of its own")    \
    X(STAGE_REFUSED, "stage-refused", OF_STAGE, ANY, PAUSE, "pause",                                         \
      "the stage understands a command and refuses it")                                                      \
    X(STAGE_UNPLUGGED, "stage-unplugged", OF_STAGE, ANY, RETRY, "retry",                                     \
      "the stage is gone from its link: unplugged, switched off, or its adapter has hung up")                \
    X(AXIS_OFF_TARGET, "axis-off-target", OF_STAGE, ANY, PAUSE, "pause",                                     \
      "an axis does not arrive where it was sent")                                                           \
    X(SERVO_LOST, "servo-lost", OF_STAGE, ANY, PAUSE, "pause",                                               \
      "an axis is not under closed-loop control any more")                                                   \
    X(LIMIT_HIT, "limit-hit", OF_STAGE, ANY, PAUSE, "pause", "an axis has met an end of its travel")

/* Classes with nothing to choose. Place; what becomes of the run; what it is. */
#define FAULT_FIXED_TABLE(X)                                                                                 \
    X(UNDERLOAD, "underload", AT_SITE, SKIP,                                                                 \
      "the current is too small for the range that the instrument is in")                                    \
    X(DISK_FULL, "disk-full", OF_MACHINE, PAUSE, "no space is left for results")                             \
    X(DISK_ERROR, "disk-error", OF_MACHINE, PAUSE,                                                           \
      "the disk does not take results: read-only, damaged, gone, or far too slow")                           \
    X(FILE_LOCKED, "file-locked", OF_MACHINE, PAUSE, "another run holds the results file")                   \
    X(CLOCK_STEPPED, "clock-stepped", OF_MACHINE, SKIP, "somebody or something has set the machine's clock") \
    X(SUSPENDED, "suspended", OF_MACHINE, RETRY,                                                             \
      "the machine was suspended, or the run stopped, and woke up again")                                    \
    X(STOPPED_BY_SIGNAL, "stopped-by-signal", OF_MACHINE, PAUSE,                                             \
      "Ctrl-C, SIGTERM, SIGHUP: the operator, the system or a terminal that was closed ends the run")        \
    X(RUN_DIED, "run-died", OF_MACHINE, PAUSE,                                                               \
      "the program was killed, has crashed, hangs, or the power went")                                       \
    X(GUARDIAN_LOST, "guardian-lost", OF_MACHINE, PAUSE, "the guardian process is gone or does not answer")

enum fault_class {
    FAULT_NONE,
#define X(id, ...) FAULT_##id,
    FAULT_CHOICE_TABLE(X) FAULT_FIXED_TABLE(X)
#undef X
        FAULT_COUNT
};

/* What becomes of the site, and of the run. In all cases the rig is made safe first. In an order in which
 * every set below is a tail of it. */
enum fault_policy {
    POLICY_RETRY, /* again in place where the spot was not touched, else a spare takes its place */
    POLICY_SPARE, /* a spare takes its place */
    POLICY_SKIP,  /* the site is left as it is */
    POLICY_PAUSE, /* the run pauses for the operator */
    POLICY_ABORT, /* the run ends; resume asks for --accept */
    POLICY_COUNT
};

/* Sets of policies. A spot that was wetted is never measured again as if it were fresh: no retry. With the
 * drop still hanging on nothing may move sideways (S3): stops only. */
#define POLICIES_ANY        0x1fu
#define POLICIES_WETTED     (POLICIES_ANY & ~(1u << POLICY_RETRY))
#define POLICIES_STOPS      (1u << POLICY_PAUSE | 1u << POLICY_ABORT)
#define POLICIES_STOPS_SKIP (POLICIES_STOPS | 1u << POLICY_SKIP)

#define POLICY_FIRST_ANY        POLICY_RETRY
#define POLICY_FIRST_WETTED     POLICY_SPARE
#define POLICY_FIRST_STOPS_SKIP POLICY_SKIP
#define POLICY_FIRST_STOPS      POLICY_PAUSE

enum fault_place { FAULT_AT_SITE, FAULT_OF_PROBE, FAULT_OF_POTENTIOSTAT, FAULT_OF_STAGE, FAULT_OF_MACHINE };

/* A row. All texts are sentences or parts of them, without a full stop at the end. */
struct fault_row {
    const char *name;
    enum fault_place place;
    bool recovery;     /* the rig itself is at fault: it has to be proven in order before anything goes on */
    unsigned policies; /* bit per enum fault_policy that a protocol may choose; 0 = nothing to choose */
    enum fault_policy policy; /* default; of the run where there is nothing to choose */
    const char *what;         /* what it is */
};

/* FAULT_NONE has no row: not to be asked for. */
const struct fault_row *fault_row(enum fault_class c);
const char *fault_name(enum fault_class c);         /* "" for FAULT_NONE */
enum fault_class fault_from_name(const char *name); /* FAULT_NONE if unknown */
/* Class of an error that came up from an instrument, the results file or the operator; FAULT_NONE if the
 * error is none of the matrix (an invariant, a limit that was asked for). */
enum fault_class fault_of_err(const struct err *e);
const char *fault_policy_name(enum fault_policy p);
#endif
