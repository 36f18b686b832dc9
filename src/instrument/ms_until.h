/* Conditions that end a segment, as they stand in its loop's body, and the variables that they look at:
 *
 *   n   samples so far                     a   abs(current)
 *   q   charge so far (of a hold)          b   abs(charge)
 *   h   array: the last potentials         d   abs of the potential's change over the window
 *   i   where the oldest of them lies      x   for the moment
 *   f0, f1 ...  samples of earlier segments, see ms_flow.h
 *
 * Times and the charge of a constant current are counted in samples. MethodSCRIPT has no absolute value that
 * is documented for all instruments, but `if` and `mul_var`. */
#ifndef SECCM_INSTRUMENT_MS_UNTIL_H
#define SECCM_INSTRUMENT_MS_UNTIL_H

#include "instrument/ms_writer.h"

/* What a program needs of the variables above. */
struct ms_needs {
    bool count, charge, magnitude;
    int window; /* samples, 0 = no drift is looked at */
};

/* Samples that the window of a DRIFT spans. */
double ms_window(const struct segment *s, const struct until *u);
struct ms_needs ms_needs_of(const struct ms_writer *w, int segment);

/* Declares and presets what any of the program's segments need. */
void ms_write_variables(struct ms_writer *w);
/* Before the loop. */
void ms_write_reset(struct ms_writer *w, int segment);
/* In the body, behind the package: what the conditions look at, then the conditions. */
void ms_write_until(struct ms_writer *w, int segment);
/* `if VARIABLE OP VALUE`, says `text`, leaves with `command`. */
void ms_write_guard(struct ms_writer *w, char variable, const char *op, double value, int quantum,
                    const char *text, const char *command);

#endif
