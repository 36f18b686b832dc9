/* How stored numbers become those of the sample, as declared in the file: E = potential_sign x E_raw +
 * offset, i = current_sign x i_raw (oxidation positive). */
#ifndef SECCM_OUTPUT_FRAME_H
#define SECCM_OUTPUT_FRAME_H

#include "results/results.h"

struct frame {
    int potential_sign, current_sign;
    double offset; /* V */
    char reference[128];
};

/* ERR_INPUT if the file does not declare its signs and offset: they are never assumed. */
bool frame_read(struct results *r, struct frame *out, struct err *e);
double frame_potential(const struct frame *f, const struct wave_row *row); /* V vs reference, NAN = absent */
double frame_current(const struct frame *f,
                     const struct wave_row *row); /* A, oxidation positive, NAN = absent */
double frame_height(const struct wave_row *row);  /* m, rig frame, NAN = absent */
/* "# potential: sample vs Li/Li+; current: oxidation positive" (the comment line of CSV files, with line
 * end). */
void frame_comment(const struct frame *f, struct buf *out);
/* Appends text on one line: control characters become blanks. */
void frame_one_line(const char *text, struct buf *out);

#endif
