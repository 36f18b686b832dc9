/* What a command of the simulated piezo controller is given, and how it fails. */
#include "sim/gcs_call.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/quantity.h"

bool gcs_fail(struct gcs_call *c, enum gcs_error code)
{
    c->s->error = code;
    return false;
}

struct stage_axis *gcs_find_axis(struct stage_gcs *s, const char *id)
{
    for (int i = 0; i < s->c.axes; i++)
        if (strcmp(s->axis[i].c.id, id) == 0)
            return &s->axis[i];
    return NULL;
}

int gcs_read_pairs(struct gcs_call *c, struct gcs_pair *pairs)
{
    if (c->argc < 2 || c->argc % 2)
        return gcs_fail(c, GCS_ARGUMENT_COUNT);
    for (int i = 0; i < c->argc / 2; i++) {
        if (!(pairs[i].axis = gcs_find_axis(c->s, c->argv[2 * i])))
            return gcs_fail(c, GCS_AXIS);
        const char *text = c->argv[2 * i + 1];
        if (!number_parse(text, &pairs[i].value) && strcasecmp(text, "nan") != 0)
            return gcs_fail(c, GCS_SYNTAX);
        if (strcasecmp(text, "nan") == 0)
            pairs[i].value = NAN;
    }
    return c->argc / 2;
}

int gcs_read_numbers(struct gcs_call *c, struct gcs_pair *pairs)
{
    int n = gcs_read_pairs(c, pairs);
    for (int i = 0; i < n; i++)
        if (isnan(pairs[i].value))
            return gcs_fail(c, GCS_SYNTAX);
    return n;
}

int gcs_read_axes(struct gcs_call *c, struct stage_axis *axes[GCS_MAX_ARGS])
{
    if (c->argc == 0) {
        for (int i = 0; i < c->s->c.axes; i++)
            axes[i] = &c->s->axis[i];
        return c->s->c.axes;
    }
    for (int i = 0; i < c->argc; i++)
        if (!(axes[i] = gcs_find_axis(c->s, c->argv[i])))
            return gcs_fail(c, GCS_AXIS);
    return c->argc;
}

void gcs_end_of_line(struct buf *out, bool last)
{
    buf_str(out, last ? "\n" : " \n");
}

ns_t gcs_now(const struct stage_gcs *s)
{
    return loop_now(s->bench->loop);
}

bool gcs_autozero_running(const struct stage_gcs *s)
{
    for (int i = 0; i < s->c.axes; i++)
        if (s->axis[i].autozero)
            return true;
    return false;
}
