/* The bench on which a run takes place: clock, links and, for a simulated rig, the other side of the wire. */
#ifndef SECCM_CLI_BENCH_H
#define SECCM_CLI_BENCH_H

#include "base/shelf.h"
#include "instrument/rig.h"
#include "protocol/plan.h"
#include "results/place.h"
#include "sim/rig.h"
#include "wire/transcript.h"

struct bench_options {
    bool virtual_time;
    double speed;           /* 0 = real time */
    double begin_s;         /* a continued run: experiment time at which it was left; 0 = a new one */
    const char *begun_utc;  /* ... and when it was begun, ISO 8601; NULL = a new one */
    double clock_set_s;     /* ... and by how much the machine's clock was set since */
    const char *transcript; /* NULL = none */
    const char *stage_link, *pstat_link; /* override the rig file's links; NULL = as in the file */
    uint64_t sim_seed;                   /* 0 = as in the rig file */
    const char *sample_state;            /* simulated: file of the sample's state; NULL = forgotten */
    const struct shelf *files; /* simulated: the sample's description is among these; NULL: on disk */
    int sim_probe;             /* simulated: number of the probe mounted; 0 = the first */
    double sim_shift[3];       /* ... and where its end is against the first one's, m */
    bool partly; /* for the safe state: what there is. A link that can not be opened is one that is down,
                    which is warned of, and nobody is identified. */
};

struct bench {
    struct loop *loop;
    struct rig *rig;
    struct sim_rig *sim; /* NULL for real links */
    bool replayed;       /* both links are transcripts of an earlier run: nothing moves */
    struct transcript *transcript;
    const char *sample_state;
    struct place_lock sample_lock; /* held as long as the state is ours */
    uint64_t
        opened_before; /* simulated sample: open circuits that earlier parts of the run left in its state */
};

/* Opens links and drivers and identifies the instruments; nothing moves. On failure everything is closed
 * again. */
bool bench_open(struct bench *b, const struct rig_config *c, const struct bench_options *o, double offset,
                const double e_limit[2], double i_limit, struct err *e);
/* Nobody else may go on from the state of a simulated sample while we do: taken before it is read, let go by
 * bench_close(). */
bool bench_hold_sample(struct bench *b, const char *path, struct err *e);
/* S5: true if this rig was verified by moves (or is simulated in this process, or a transcript). */
bool bench_verified(const struct bench *b, struct err *e);
/* From now on the simulated sample's state is kept on file contact by contact, for a process that may be
 * killed. Does nothing without a simulated sample or a file for its state. */
bool bench_journal(struct bench *b, struct err *e);
/* Saves the simulated sample's state and closes. */
bool bench_close(struct bench *b, struct err *e);
/* Prints a line with what the simulated sample counted; returns false if any of it must never happen. Each
 * safe state may leave one contact at open circuit: there the cell is opened before the retraction. Those of
 * earlier parts of a run, whose safe states were theirs, are not counted again. harm: ": 2 crashes, 1 drags",
 * what must never happen and did, or "". */
bool bench_counters(const struct bench *b, bool print, int safe_states, char harm[200]);

#endif
