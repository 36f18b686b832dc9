/* The last check before the wire (S6): a program, in the instrument's frame, against limits and model. */
#ifndef SECCM_INSTRUMENT_MS_CHECK_H
#define SECCM_INSTRUMENT_MS_CHECK_H

#include "instrument/potentiostat.h"

/* The device counts scans with four hex digits. */
enum { MS_SCANS_MAX = 65535 };
/* Samples in the window of a drift: they lie in an array of the device, whose memory no document states. */
enum { MS_WINDOW_MAX = 1000 };

/* A span of applied potentials. */
struct ms_span {
    double low, high; /* V, instrument frame */
};

/* ERR_LIMIT or ERR_INPUT naming segment, the sample's value, the applied value and the limit. */
bool ms_check(const struct potentiostat_config *c, const struct program *g, struct err *e);
/* What the configuration allows: its limits inside the model's. */
struct ms_span ms_allowed(const struct potentiostat_config *c);
/* Compliance of a galvanostatic segment inside what is allowed. Without e_low < e_high: all that is allowed.
 */
struct ms_span ms_compliance(const struct potentiostat_config *c, const struct segment *s);
/* Smallest range that measures `amperes`; NULL if none does. */
const struct current_range *ms_range(const struct potentiostat_model *m, double amperes);
const char *segment_kind_name(enum segment_kind kind);

#endif
