/* What the parts of the script's writer share: where the text goes, and what is known of the instrument at
 * this point of it. */
#ifndef SECCM_INSTRUMENT_MS_WRITER_H
#define SECCM_INSTRUMENT_MS_WRITER_H

#include "instrument/ms_flow.h"
#include "instrument/potentiostat.h"

/* Ways to a point of the script may differ by a gate: what they do not agree on is unknown there. */
enum ms_mode { MS_MODE_NONE, MS_MODE_POTENTIOSTAT, MS_MODE_GALVANOSTAT, MS_MODE_UNKNOWN };
enum ms_switch { MS_CELL_OFF, MS_CELL_ON, MS_CELL_UNKNOWN };

struct ms_state {
    enum ms_mode mode;
    enum ms_switch cell;
    double range_low, range_high; /* A, as set in the potentiostatic mode; 0 = not known */
};

struct ms_writer {
    struct buf *b;
    const struct potentiostat_config *c;
    const struct program *g;
    const struct ms_flow *flow;
    struct ms_state now;
    bool started; /* the timer runs */
    bool tracked; /* the script's variable m says while it runs whether the cell is on (1) or off (0) */
};

void ms_volt(struct ms_writer *w, double v);
void ms_ampere(struct ms_writer *w, double v);
void ms_second(struct ms_writer *w, double v);
double ms_instrument_volts(const struct ms_writer *w, double sample);
/* Samples of a HOLD, OPEN or GALVANOSTATIC segment that nothing ends early. */
long long ms_samples(const struct segment *s);

#endif
