/* SHA-256 (FIPS 180-4) of the input files that a results file keeps. */
#ifndef SECCM_RESULTS_SHA256_H
#define SECCM_RESULTS_SHA256_H

#include <stddef.h>

/* Lower-case hexadecimal digest of n bytes with a NUL behind. */
void sha256_hex(const void *bytes, size_t n, char text[65]);

#endif
