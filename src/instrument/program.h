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
    SEGMENT_RAMP,          /* start -> vertex[0], once; the start is a sample */
    SEGMENT_GALVANOSTATIC, /* constant current */
    SEGMENT_OPEN,          /* open circuit, potential recorded */
};

/* A condition that ends a segment. */
enum until_what {
    UNTIL_POTENTIAL_BELOW, /* V */
    UNTIL_POTENTIAL_ABOVE,
    UNTIL_ELAPSED,       /* s since the segment began */
    UNTIL_CHARGE,        /* C: magnitude of the net charge of this segment */
    UNTIL_CURRENT_BELOW, /* A: abs(i); HOLD only */
    UNTIL_CURRENT_ABOVE,
    UNTIL_DRIFT,    /* V/s: abs of the potential's change over `window`, divided by it; OPEN only, once */
    UNTIL_FRACTION, /* 1: charge of this segment over that of the earlier segment `of`, magnitudes;
                       GALVANOSTATIC only, both. `of` left out by a gate has no charge: reached at once */
};

struct until {
    enum until_what what;
    double value;
    bool all;      /* the conditions with this mark end the segment only when all are true of one sample */
    int of;        /* FRACTION: index of the earlier segment in the program */
    double window; /* DRIFT: s */
};

#define UNTIL_MAX 8

struct segment {
    enum segment_kind kind;
    double potential; /* HOLD: V. GALVANOSTATIC, OPEN: unused */
    double start;     /* SWEEP, RAMP */
    double vertex[2]; /* SWEEP: turning points; vertex[1] = start for a plain CV (then there is no third leg).
                         RAMP: vertex[0] is the end */
    double rate;      /* SWEEP, RAMP: V/s */
    double step;      /* SWEEP, RAMP: V */
    int cycles;       /* SWEEP: >= 1 */
    double current;   /* GALVANOSTATIC: A */
    double duration;  /* HOLD, OPEN, GALVANOSTATIC: s; upper bound in any case */
    bool open_ended;  /* HOLD, SWEEP, OPEN: goes on until potentiostat_advance(), bounded by `duration` */
    int skips;        /* HOLD, OPEN, open-ended: a gate. If it runs out instead of being advanced, the device
                         leaves out so many of the following segments; 0 = not a gate */
    double interval;  /* s between samples (SWEEP, RAMP: step / rate) */
    struct until until[UNTIL_MAX];
    int n_until;
    double e_low, e_high; /* GALVANOSTATIC: hardware compliance, V versus reference */
    double i_full;        /* A: largest current to be expected; picks the range */
    bool autorange; /* HOLD, SWEEP, RAMP, not open-ended: begin in the lowest range and follow the current up
                       to i_full */
    double i_least; /* A: with autorange, the lowest range is the one that holds this: what an edge of the
                       potential charges; 0 = the lowest there is */
    double i_ceiling; /* A: abs(i) beyond this ends the program at once with the cell open; 0 = none */
};

#define PROGRAM_MAX 256

struct program {
    struct segment segment[PROGRAM_MAX];
    int n;
};

/* Seconds that a segment takes; an upper bound if it is open-ended or conditions may end it earlier. */
double segment_seconds(const struct segment *s);
/* Seconds between its samples. */
double segment_interval(const struct segment *s);

#endif
