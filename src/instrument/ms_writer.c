/* Numbers in the text. */
#include "instrument/ms_writer.h"

#include "instrument/ms_number.h"

void ms_volt(struct ms_writer *w, double v)
{
    ms_number(w->b, v, MS_QUANTUM_VOLT);
}

void ms_ampere(struct ms_writer *w, double v)
{
    ms_number(w->b, v, MS_QUANTUM_AMPERE);
}

void ms_second(struct ms_writer *w, double v)
{
    ms_number(w->b, v, MS_QUANTUM_SECOND);
}

double ms_instrument_volts(const struct ms_writer *w, double sample)
{
    return wiring_instrument_potential(&w->c->wiring, sample);
}

long long ms_samples(const struct segment *s)
{
    return llround(segment_seconds(s) / s->interval);
}
