/* The phases of a hop: one table for the enum and its names, which are logged, stored and shown. */
#ifndef SECCM_RUN_STATE_H
#define SECCM_RUN_STATE_H

#define HOP_STATE_TABLE(X)                                                                                   \
    X(IDLE, "idle")                                                                                          \
    X(UPLOAD, "upload")                                                                                      \
    X(TRAVEL, "travel")                                                                                      \
    X(ALIVE, "alive")                                                                                        \
    X(BLANK, "blank")                                                                                        \
    X(DESCENT, "descent")                                                                                    \
    X(APPROACH, "approach")                                                                                  \
    X(CONFIRM, "confirm")                                                                                    \
    X(LANDING, "landing")                                                                                    \
    X(MEASURE, "measure")                                                                                    \
    X(DETACH, "detach")                                                                                      \
    X(RETRACT, "retract")                                                                                    \
    X(SAFE, "safe")                                                                                          \
    X(RECOVER, "recover")                                                                                    \
    X(PAUSED, "paused")

enum hop_state {
#define X(id, name) HOP_##id,
    HOP_STATE_TABLE(X)
#undef X
};

const char *hop_state_name(enum hop_state s);

#endif
