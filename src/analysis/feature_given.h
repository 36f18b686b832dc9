/* Which features a kind of step has, with a value or with a reason why it is missing: what a protocol may ask
 * of a step, and what src/analysis puts out for it. A test plays every kind of step and compares the two. */
#ifndef SECCM_ANALYSIS_FEATURE_GIVEN_H
#define SECCM_ANALYSIS_FEATURE_GIVEN_H

#include <stdbool.h>

/* What of a step decides which features it has, as far as it is known. */
struct step_shape {
    const char *kind; /* as stored: "cv", "lsv", "galvanostatic", ... */
    bool reversed;    /* galvanostatic: the current is turned */
    bool open;        /* rest: the cell is */
    bool falling;     /* lsv: the potential may fall ... */
    bool rising;      /* ... may rise; both where levels decide */
    bool current;     /* pulse: of currents, not of potentials */
    int levels;       /* pulse */
};

/* `name`: as in the registry. false for features of the site. */
bool feature_given(const struct step_shape *s, const char *name);
/* true if such a feature may have a value in that cycle; 0 = any one. What is relative to cycle 1 has none in
 * it, and what goes over the cycles follows a number of them only. */
bool feature_in_cycle(const char *name, int cycle);
/* The feature is of the SEI window: one cv has it, and only if the window is declared. */
bool feature_of_window(const char *name);

#endif
