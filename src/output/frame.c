/* Signs and offset of a file, and the functions that apply them. */
#include "output/frame.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool frame_read(struct results *r, struct frame *out, struct err *e)
{
    double potential, current, offset;
    if (!results_info_double(r, "potential_sign", &potential) ||
        !results_info_double(r, "current_sign", &current) || !results_info_double(r, "offset", &offset) ||
        fabs(potential) != 1 || fabs(current) != 1 || !isfinite(offset))
        return err_set(e, ERR_INPUT,
                       "results `%s`: signs and reference offset are not declared, so that potentials "
                       "and currents have no meaning",
                       results_path(r));
    char *reference = results_info(r, "reference");
    *out = (struct frame){(int)potential, (int)current, offset, ""};
    snprintf(out->reference, sizeof out->reference, "%s", *reference ? reference : "undeclared reference");
    free(reference);
    return true;
}

double frame_potential(const struct frame *f, const struct wave_row *row)
{
    return dec_is_nan(row->e_raw) ? NAN : f->potential_sign * dec_value(row->e_raw) + f->offset;
}

double frame_current(const struct frame *f, const struct wave_row *row)
{
    return dec_is_nan(row->i_raw) ? NAN : f->current_sign * dec_value(row->i_raw);
}

double frame_height(const struct wave_row *row)
{
    return row->z_pm == INT64_MIN ? NAN : (double)row->z_pm / 1e12;
}

void frame_one_line(const char *text, struct buf *out)
{
    for (; *text; text++)
        buf_char(out, (unsigned char)*text < 0x20 || *text == 0x7F ? ' ' : *text);
}

void frame_comment(const struct frame *f, struct buf *out)
{
    buf_str(out, "# potential: sample vs ");
    frame_one_line(f->reference, out);
    buf_str(out, "; current: oxidation positive\n");
}
