/* What a technique potentiostat is asked to do at one site: a list of segments that run one after another
 * without the cell being left floating in between, unless a change of mode forces it. Plain data; potentials
 * are the sample's versus the declared reference (V), currents the sample's with oxidation positive (A),
 * times s. */
#ifndef SECCM_INSTRUMENT_PROGRAM_H
#define SECCM_INSTRUMENT_PROGRAM_H

#include <math.h>
#include <stdbool.h>

enum segment_kind {
    SEGMENT_HOLD,          /* constant potential */
    SEGMENT_SWEEP,         /* start -> vertex[0] -> vertex[1] -> start, `cycles` times (a voltammogram) */
    SEGMENT_GALVANOSTATIC, /* constant current */
    SEGMENT_OPEN,          /* open circuit, potential recorded */
};

/* A condition that ends a segment. */
enum until_what { UNTIL_POTENTIAL_BELOW, UNTIL_POTENTIAL_ABOVE, UNTIL_ELAPSED, UNTIL_CHARGE };

struct until {
    enum until_what what;
    double value; /* V, s, or C (magnitude) */
};

#define UNTIL_MAX 4

struct segment {
    enum segment_kind kind;
    double potential; /* HOLD: V. GALVANOSTATIC, OPEN: unused */
    double start;     /* SWEEP */
    double
        vertex[2];  /* SWEEP: turning points; vertex[1] = start for a plain CV (then there is no third leg) */
    double rate;    /* SWEEP: V/s */
    double step;    /* SWEEP: V */
    int cycles;     /* SWEEP: >= 1 */
    double current; /* GALVANOSTATIC: A */
    double duration; /* HOLD, OPEN, GALVANOSTATIC: s; upper bound in any case */
    bool open_ended; /* HOLD, SWEEP: goes on until potentiostat_advance(), bounded by `duration` */
    double interval; /* s between samples (SWEEP: step / rate) */
    struct until until[UNTIL_MAX];
    int n_until;
    double e_low, e_high; /* GALVANOSTATIC: hardware compliance, V versus reference */
    double i_full;        /* A: largest current to be expected; picks the range */
    bool autorange;   /* HOLD, SWEEP, not open-ended: begin in the lowest range and follow the current up to
                         i_full */
    double i_ceiling; /* A: abs(i) beyond this ends the program at once with the cell open; 0 = none */
};

#define PROGRAM_MAX 64

struct program {
    struct segment segment[PROGRAM_MAX];
    int n;
};

/* Seconds that a segment takes, its bound if open-ended. */
double segment_seconds(const struct segment *s);

#endif
