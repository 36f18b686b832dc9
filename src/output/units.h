/* Units in which tables and figures show quantities: one per dimension, chosen for what a contact of some
 * hundred nanometres gives. Inside the program and in the results file everything is SI. */
#ifndef SECCM_OUTPUT_UNITS_H
#define SECCM_OUTPUT_UNITS_H

#include "base/quantity.h"

struct unit {
    const char *name;   /* for JSON and text: "um", "V/s"; "" for plain numbers */
    const char *suffix; /* for column names, with the underscore: "_um", "_V_per_s"; "" for plain numbers */
    const char *label;  /* for figures: "µm" (UTF-8) */
    int exponent;       /* value shown = SI value x 10^exponent */
};

const struct unit *unit_of(enum dim dim);
/* Dimension whose SI unit this is ("C" -> DIM_CHARGE); DIM_NONE if there is none. */
enum dim unit_dim(const char *si_unit);
/* SI to the unit shown. Multiplies or divides by an exact power of ten once; NAN stays NAN. */
double unit_show(double si, enum dim dim);
/* The inverse. */
double unit_si(double shown, enum dim dim);

#endif
