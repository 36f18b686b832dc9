/* One sample of a technique, as it was sent and as it is meant. */
#ifndef SECCM_INSTRUMENT_SAMPLE_H
#define SECCM_INSTRUMENT_SAMPLE_H

#include <stdint.h>

#include "base/dec.h"
#include "base/loop.h"

enum sample_status {
    SAMPLE_OK = 0,
    SAMPLE_TIMING = 1,
    SAMPLE_OVERLOAD = 2,
    SAMPLE_UNDERLOAD = 4,
    SAMPLE_WARNING = 8, /* close to overload */
    SAMPLE_INVALID = 16 /* the instrument sent not-a-number */
};

struct sample {
    ns_t host;        /* experiment time at which it was received */
    struct dec t_raw; /* s since the program's timer started, as sent; DEC_NAN if the instrument gives none */
    struct dec e_raw; /* V, instrument frame, as sent */
    struct dec i_raw; /* A, instrument frame, as sent */
    double t;         /* s since the first sample of its segment */
    double e;         /* V, sample versus the declared reference */
    double i;         /* A, sample, oxidation positive */
    int32_t cycle;    /* 1-based */
    int16_t sweep;    /* 0-based within the cycle; changes at each programmed vertex */
    uint16_t range;   /* instrument's range index */
    uint8_t status;   /* enum sample_status bits */
};

#endif
