/* Signs and reference: one function each way between what an instrument says and what it means for the
 * sample.
 *
 *   E(sample vs declared reference) = potential_sign x E(instrument) + offset
 *   i(sample, oxidation positive)   = current_sign x i(instrument)
 *
 * The signs are a property of how the cell is wired and are required in the rig file, never defaulted. */
#ifndef SECCM_INSTRUMENT_WIRING_H
#define SECCM_INSTRUMENT_WIRING_H

struct wiring {
    int potential_sign; /* +1 or -1 */
    int current_sign;   /* +1 or -1 */
    double offset;      /* V: declared reference's offset, from the protocol */
};

double wiring_sample_potential(const struct wiring *w, double instrument_volts);
double wiring_instrument_potential(const struct wiring *w, double sample_volts);
double wiring_sample_current(const struct wiring *w, double instrument_amperes);
double wiring_instrument_current(const struct wiring *w, double sample_amperes);

#endif
