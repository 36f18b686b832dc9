/* What the files of the MethodSCRIPT driver share: methodscript.c (identification, upload, stream) and
 * ms_stop.c (every way to an open cell). Private to them. */
#ifndef SECCM_INSTRUMENT_MS_DRIVER_H
#define SECCM_INSTRUMENT_MS_DRIVER_H

#include <limits.h>

#include "base/bounds.h"
#include "instrument/ms_script.h"
#include "instrument/potentiostat_ops.h"

#define MS_REPLY_TIMEOUT BOUND_REPLY
/* After an error while a script was being uploaded the device swallows input for 50 to 100 ms. */
#define MS_DEAF_TIME (150 * NS_MS)

#define NO_REASON INT_MIN

enum phase { IDLE, RUNNING, CUT, FAILED };

struct ms {
    struct potentiostat base;
    struct potentiostat_config config;
    enum phase phase;
    struct ms_script script; /* of the running program; its text is already sent and freed */
    int segment;             /* -1 before the first loop */
    int next;                /* which one begins with the next loop */
    bool in_loop;
    bool advancing, finishing;
    bool over;        /* the present loop is a gate that ran out */
    bool was_running; /* when it was cut: in the midst of a program, which does not end there by itself */
    int stops;        /* sent since then, and not refused */
    bool idle;        /* none of them found a script where one should run */
    bool cut_sent;    /* its second script was probably refused, after which the device is deaf for a while */
    int reason;       /* said by the script for the present loop, or NO_REASON */
    /* place within the present loop */
    int scan;       /* scans begun; 0 if the device does not count them */
    int leg;        /* of the scan */
    int leg_points; /* samples of the leg so far */
    int64_t samples;
    double t_first; /* s, device's timer at the loop's first sample */
    bool done_pending;
    struct err failure;
};

static inline struct ms *ms_of(struct potentiostat *p)
{
    return (struct ms *)p;
}

/* The answer to the first Z of a stop: a refusal (`second` is its second character, '!') says that no script
 * ran. */
void ms_hear_stop(struct ms *m, char second);

/* See potentiostat_ops.h. */
bool ms_cut(struct potentiostat *p, struct err *e);
void ms_cut_bytes(struct potentiostat *p, struct buf *out);
int ms_errands(struct potentiostat *p, struct errand *out, int max);
bool ms_settle(struct potentiostat *p, ns_t timeout, struct err *e);
bool ms_explain(struct potentiostat *p, struct err *found);
bool ms_may_be_anew(struct potentiostat *p);

#endif
