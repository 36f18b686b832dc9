/* How soon a fault is noticed, and how soon the rig is safe behind that: one table.
 *
 * The drivers, the run and the guardian wait as long as is written here, `seccm help faults` prints it, and
 * the campaigns of faults hold the run to it. */
#ifndef SECCM_BASE_BOUNDS_H
#define SECCM_BASE_BOUNDS_H

#include "base/loop.h"

/* From the fault to its notice; where samples are counted, too, the longer of the two. */
#define BOUND_STALE          (50 * NS_MS) /* samples stop while z goes down: z halts */
#define BOUND_STALE_SAMPLES  3
#define BOUND_SILENT         (500 * NS_MS) /* samples stop: the potentiostat has failed */
#define BOUND_SILENT_SAMPLES 20
#define BOUND_MODE_CHANGE    (2 * NS_S)    /* more, while its program starts, changes its mode or ends */
#define BOUND_REPLY          (300 * NS_MS) /* a question is not answered */
#define BOUND_HEADWAY        NS_S          /* an axis makes no headway, or z does not rise */
#define BOUND_WANDER         (40 * NS_MS)  /* z sinks, or the stage wanders, in contact */
#define BOUND_CEILING        1             /* samples beyond the hard ceiling */
#define BOUND_OVERLOADS      2             /* samples beyond the range */
#define BOUND_GUARDIAN       (5 * NS_S)    /* the run hangs: its guardian hears nothing */

/* From the notice on. */
#define BOUND_WRITTEN  (10 * NS_MS)   /* stop of z and cell off are on their lines */
#define BOUND_AT_REST  (300 * NS_MS)  /* z, of a healthy stage */
#define BOUND_RELINK   (2500 * NS_MS) /* its link is down: tries to open it again */
#define BOUND_OPEN     (100 * NS_MS)  /* the cell, of a healthy potentiostat */
#define BOUND_UP_WAYS  2          /* full retraction: so many times way/speed, for each way that is tried, */
#define BOUND_UP       (2 * NS_S) /* and this more */
#define BOUND_VERIFIED (2 * NS_S) /* the open cell is verified, behind that */

#endif
