/* What of a program's control flow is known before its script is written: which segments a gate may leave
 * out, where those end, and which numbers of samples are to be kept for later segments.
 *
 * A gate that runs out sets the script's variable `s` to the mark of the place where its skipped segments
 * end. While `s` is not 0 no guarded segment runs; at the place, `s` returns to 0 if it holds that place's
 * mark. So nothing is nested, however many gates there are:
 *
 *     gate 1 ------- skips ------.          each of A, B and gate 2:  if s == 0i ... endif
 *       A   gate 2 -- skips --.  |          behind B, both marks:     if s == 1i / store_var s 0i / endif
 *                     B       v  v
 *
 * Gates that end at the same place share its mark, and a mark is used again once its place is passed: equal
 * passes of a repeat have equal text. */
#ifndef SECCM_INSTRUMENT_MS_FLOW_H
#define SECCM_INSTRUMENT_MS_FLOW_H

#include "instrument/program.h"

/* Variables that keep numbers of samples: a device holds few variables. */
enum { MS_KEPT_MAX = 32 };

struct ms_flow {
    struct {
        bool guarded; /* a gate may leave it out */
        int over;     /* gate: mark that it sets when it runs out, from 1 on; 0 = no gate */
        int place;    /* mark that is cleared behind this segment, 0 = none */
        int kept;     /* variable that keeps its number of samples, -1 = none */
    } segment[PROGRAM_MAX];
    int n_kept;
    bool gates;
};

/* false if more numbers are to be kept at a time than there are variables. The program's indices must have
 * been checked. */
bool ms_flow_make(const struct program *g, struct ms_flow *out);
/* Is it a gate? */
bool ms_is_gate(const struct segment *s);

#endif
