/* Waveforms as lossless chunks: per column an integer mantissa and a decimal exponent, delta, byte shuffle,
 * zstd (through c-blosc). What an instrument sent decodes to the same double as the text it sent. */
#ifndef SECCM_RESULTS_WAVEFORM_H
#define SECCM_RESULTS_WAVEFORM_H

#include "base/buf.h"
#include "base/dec.h"
#include "base/err.h"

#define WAVEFORM_CHUNK 65536

/* One stored row. e_raw and i_raw are in the instrument's frame, as sent. */
struct wave_row {
    int64_t host_us;  /* experiment time of reception, microseconds */
    struct dec t;     /* s since the program's timer started, as sent */
    struct dec e_raw; /* V */
    struct dec i_raw; /* A */
    int64_t z_pm;     /* last reported height in the rig frame, pm; INT64_MIN = none */
    int32_t cycle;    /* 1-based */
    int16_t sweep;
    uint16_t range;
    uint8_t status;
};

/* n <= WAVEFORM_CHUNK rows to a blob (appended to out). */
bool waveform_pack(const struct wave_row *rows, int n, struct buf *out, struct err *e);
/* The inverse: rows[n] must hold n rows. ERR_INPUT if the blob is damaged. */
bool waveform_unpack(const void *blob, size_t size, struct wave_row *rows, int n, struct err *e);

#endif
