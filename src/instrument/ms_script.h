/* A program as MethodSCRIPT text: one script for the whole program, so that the cell is left open only where
 * a change between controlling the potential and controlling the current forces it.
 *
 * Every segment is exactly one measurement loop; the reader counts the loops to know where it is, and hears
 * when a gate leaves some out. Equal blocks of segments in a row are one loop of the text, so that it stays
 * short; what is run is the same. All values in the text are in the instrument's frame: signs and reference
 * offset are applied here and nowhere else. */
#ifndef SECCM_INSTRUMENT_MS_SCRIPT_H
#define SECCM_INSTRUMENT_MS_SCRIPT_H

#include <stdint.h>

#include "instrument/potentiostat.h"

/* Number behind `M` when the loop begins. */
enum ms_technique { MS_LSV = 0x0000, MS_CV = 0x0005, MS_CA = 0x0007, MS_CP = 0x000A, MS_OCP = 0x000B };

/* What the reader of the stream needs to know of one segment. */
struct ms_segment {
    enum ms_technique technique;
    double leg_end[3]; /* CV: V, instrument frame: where each leg of a cycle that has a length ends */
    int leg_points[3]; /* CV: steps of each leg, rounded up */
    int n_legs;
    double half_step; /* V */
    double interval;  /* s */
    int natural; /* ended_by when the loop ran to its end: ENDED_NATURALLY or index of a time or charge bound
                  */
    bool open_ended;
    int skips; /* gate: segments that are left out if it runs out; 0 = no gate */
};

struct ms_script {
    struct buf text; /* with the leading "e" line and the closing empty line */
    struct ms_segment segment[PROGRAM_MAX];
    int n;
};

/* Texts that the script sends before a loop's end (the stream shows them behind a `T`). */
#define MS_SAY_UNTIL      "until " /* index of the condition follows */
#define MS_SAY_CEILING    "ceiling"
#define MS_SAY_COMPLIANCE "compliance"
#define MS_SAY_OVER       "over" /* with a gate's last sample: it ran out and skips */

/* Checks against limits and model and writes the script. ERR_LIMIT or ERR_INPUT name segment and value. On
 * success the caller frees out->text. */
bool ms_script_build(const struct potentiostat_config *c, const struct program *g, struct ms_script *out,
                     struct err *e);

#endif
