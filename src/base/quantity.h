/* Quantities with units: "50 mV/s", "2 um", "-1 mA/cm2", "5 %".
 *
 * The number is read by our own finite-number parser, the unit by UDUNITS-2 (cached). All calls must come
 * from the main thread before any motion: two threads parsing units crash UDUNITS-2. Values are SI. */
#ifndef SECCM_BASE_QUANTITY_H
#define SECCM_BASE_QUANTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* id, SI unit for UDUNITS, name for messages, examples for messages */
#define DIM_TABLE(X)                                                                                         \
    X(NONE, "1", "number", "0.5 or 5 %")                                                                     \
    X(LENGTH, "m", "length", "2 um or 400 nm")                                                               \
    X(TIME, "s", "time", "50 ms, 10 s or 2 h")                                                               \
    X(POTENTIAL, "V", "potential", "0.05 V or 50 mV")                                                        \
    X(CURRENT, "A", "current", "2 pA or 5 nA")                                                               \
    X(CHARGE, "C", "charge", "20 pC")                                                                        \
    X(SPEED, "m/s", "speed", "1 um/s")                                                                       \
    X(SCAN_RATE, "V/s", "scan rate", "50 mV/s or 1 V/s")                                                     \
    X(CURRENT_DENSITY, "A/m2", "current density", "-1 mA/cm2")                                               \
    X(CAPACITANCE, "F", "capacitance", "1 pF")                                                               \
    X(CAPACITANCE_DENSITY, "F/m2", "capacitance per area", "10 uF/cm2")                                      \
    X(CHARGE_DENSITY, "C/m2", "charge per area", "1 mC/cm2")                                                 \
    X(RESISTANCE, "ohm", "resistance", "10 Mohm")                                                            \
    X(CONDUCTANCE, "S", "conductance", "0.1 pS")                                                             \
    X(FREQUENCY, "Hz", "frequency", "50 Hz")                                                                 \
    X(AREA, "m2", "area", "1.3e-9 cm2")                                                                      \
    X(ANGLE, "rad", "angle", "0.5 deg")                                                                      \
    X(TEMPERATURE, "K", "temperature", "25 degC")                                                            \
    X(DRIFT_POTENTIAL, "V/s", "potential drift", "1 mV/s")

enum dim {
#define X(id, unit, name, example) DIM_##id,
    DIM_TABLE(X)
#undef X
        DIM_COUNT
};

/* Loads UDUNITS once; false if its database is not installed. quantity_parse() calls it itself. */
bool quantity_init(struct err *e);
/* Frees what quantity_init() made. */
void quantity_done(void);

/* Parses `text` as a quantity of dimension `dim` into SI. Errors (ERR_INPUT) name what was found and what is
 * accepted. Plain numbers are accepted for DIM_NONE only. Units of the same dimension must have a
 * dimensionless quotient (UDUNITS calls V/s and s/V convertible; we do not); offset units only for
 * temperature. "1C" (C-rate), "1 M" (molar) and "s/V" get their own texts. */
bool quantity_parse(const char *text, enum dim dim, double *si, struct err *e);
/* Finite decimal number, whole string; no hex, inf, nan, or locale. */
bool number_parse(const char *text, double *out);

const char *dim_name(enum dim dim);
const char *dim_unit(enum dim dim);
const char *dim_example(enum dim dim);

/* Prints an SI value with an engineering prefix for people: 4e-7 m -> "400 nm". Returns text. */
const char *quantity_format(double si, enum dim dim, char *text, size_t n);

#endif
