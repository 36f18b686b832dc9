/* Waiting for the end of a run that was told to stop. */
#include "cli/stopped.h"

#include <poll.h>
#include <stdio.h>

#include "cli/options.h"
#include "cli/run_outcome.h"
#include "output/status.h"

#define LOOK_EVERY 100 /* ms */
#define LOOKS      600

int stopped_tell(const char *results_path)
{
    struct run_outcome o;
    struct err e = ERR_INIT;
    fflush(stdout); /* what was answered stands there while this waits */
    for (int k = 0; status_writer(results_path); k++) {
        if (k == LOOKS) {
            printf("still at it after %d s: see seccm status %s\n", LOOKS * LOOK_EVERY / 1000, results_path);
            return 1;
        }
        poll(NULL, 0, LOOK_EVERY);
    }
    if (!run_outcome_read(results_path, &o, &e))
        return options_fail(&e);
    printf("%s; the rig is %s\n", o.text, o.safe ? "verified safe" : "NOT verified safe: look at it");
    return o.safe ? 0 : 3;
}
