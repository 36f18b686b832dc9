/* Decoder of MethodSCRIPT data packages: "Pda7F85F3Fu;ba48D503Dp,10,288;eb8000010m".
 *
 *   package = "P" var *(";" var)      var = 2 letters, value, *("," meta)
 *   value   = 7 hex digits offset by 0x8000000, then an SI prefix where a factor of 1 is a BLANK (so lines
 * must not be trimmed); or five blanks and "nan" meta    = "1" status digit, "2" current range in hex, "4"
 * noise
 *
 * Runs once per sample at up to some thousand samples a second, hence by hand and without copies. */
#ifndef SECCM_INSTRUMENT_MS_PACKAGE_H
#define SECCM_INSTRUMENT_MS_PACKAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dec.h"

enum { MS_VARS_MAX = 6 };

/* Two letters of a variable's type as one number, e.g. MS_TYPE('d', 'a'). */
#define MS_TYPE(a, b) ((uint16_t)((uint16_t)(a) << 8 | (uint16_t)(b)))

struct ms_var {
    uint16_t type;
    uint8_t status; /* device's bits: 1 timing, 2 overload, 4 underload, 8 overload warning */
    uint16_t range; /* 0 without metadata */
    struct dec value;
};

struct ms_package {
    int n;
    struct ms_var var[MS_VARS_MAX];
};

/* false if the line is not a whole and valid package; *out is undefined then. */
bool ms_package_parse(const char *line, struct ms_package *out);

#endif
