/* The only place where a sign or the reference offset is applied. */
#include "instrument/wiring.h"

double wiring_sample_potential(const struct wiring *w, double instrument_volts)
{
    return w->potential_sign * instrument_volts + w->offset;
}

double wiring_instrument_potential(const struct wiring *w, double sample_volts)
{
    /* The inverse: a sign is its own reciprocal. */
    return w->potential_sign * (sample_volts - w->offset);
}

double wiring_sample_current(const struct wiring *w, double instrument_amperes)
{
    return w->current_sign * instrument_amperes;
}

double wiring_instrument_current(const struct wiring *w, double sample_amperes)
{
    return w->current_sign * sample_amperes;
}
