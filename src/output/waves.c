/* One line per sample. */
#include "output/waves.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/trace.h"
#include "output/table.h"

void waves_header(bool with_site, struct buf *out)
{
    buf_str(out, with_site ? "site,attempt" : "attempt,index,phase,step");
    buf_str(out, ",cycle,sweep,t_s,host_s,potential_V,current_pA,z_um,range,status\n");
}

const char *waves_status(uint8_t status, char text[64])
{
    static const struct {
        uint8_t bit;
        const char *name;
    } bits[] = {{TRACE_TIMING, "timing"},
                {TRACE_OVERLOAD, "overload"},
                {TRACE_UNDERLOAD, "underload"},
                {TRACE_WARNING, "warning"},
                {TRACE_INVALID, "invalid"}};
    text[0] = '\0';
    for (size_t k = 0; k < sizeof bits / sizeof bits[0]; k++)
        if (status & bits[k].bit) {
            size_t n = strlen(text);
            snprintf(text + n, 64 - n, "%s%s", n ? "+" : "", bits[k].name);
        }
    return text[0] ? text : "ok";
}

void waves_rows(const struct frame *f, bool with_site, int attempt, const struct results_step *step,
                const struct wave_row *rows, int n, struct buf *out)
{
    char status[64];
    struct buf head = {0};
    if (with_site) {
        buf_printf(&head, "%d,%d", step->site, attempt);
    } else {
        buf_printf(&head, "%d,%d,", attempt, step->index);
        buf_csv_field(&head, step->phase);
        buf_char(&head, ',');
        buf_csv_field(&head, step->name);
    }
    for (int k = 0; k < n; k++) {
        const struct wave_row *row = &rows[k];
        buf_add(out, head.p, head.n);
        buf_printf(out, ",%d,%d,", row->cycle, row->sweep);
        table_print_number(dec_value(row->t), DIM_TIME, out);
        buf_printf(out, ",%lld.%06lld,", (long long)(row->host_us / 1000000),
                   (long long)(row->host_us % 1000000));
        table_print_number(frame_potential(f, row), DIM_POTENTIAL, out);
        buf_char(out, ',');
        table_print_number(frame_current(f, row), DIM_CURRENT, out);
        buf_char(out, ',');
        table_print_number(frame_height(row), DIM_LENGTH, out);
        buf_printf(out, ",%u,%s\n", row->range, waves_status(row->status, status));
    }
    buf_free(&head);
}
