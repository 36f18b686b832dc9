/* Volatile parameters of the simulated piezo controller, and the command level that guards them. */
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/quantity.h"
#include "sim/gcs_call.h"

enum parameter {
    PARAM_SLEW = 0x07000200,
    PARAM_LOW = 0x07000000,
    PARAM_HIGH = 0x07000001,
    PARAM_UNIT = 0x07000601,
    PARAM_TOLERANCE = 0x07000900,
    PARAM_SETTLING = 0x07000901,
};

static bool read_parameter(struct gcs_call *c, const char *text, unsigned long *id)
{
    char *end;
    *id = strtoul(text, &end, 0);
    return (*text >= '0' && *text <= '9' && !*end) || gcs_fail(c, GCS_SYNTAX);
}

/* Value of a numeric parameter; false if there is none of that number. */
static double *parameter_of(struct stage_axis *a, unsigned long id)
{
    switch (id) {
    case PARAM_SLEW:
        return &a->slew;
    case PARAM_LOW:
        return &a->c.low;
    case PARAM_HIGH:
        return &a->c.high;
    case PARAM_TOLERANCE:
        return &a->tolerance;
    case PARAM_SETTLING:
        return &a->settling;
    }
    return NULL;
}

/* SPA? axis id ...; numbers come back without leading zeros. */
void gcs_ask_parameter(struct gcs_call *c)
{
    if (c->argc < 2 || c->argc % 2) {
        gcs_fail(c, GCS_ARGUMENT_COUNT);
        return;
    }
    struct buf text = {0};
    for (int i = 0; i < c->argc; i += 2) {
        unsigned long id;
        struct stage_axis *a = gcs_find_axis(c->s, c->argv[i]);
        const double *value = NULL;
        bool ok = (a || gcs_fail(c, GCS_AXIS)) && read_parameter(c, c->argv[i + 1], &id) &&
                  ((value = parameter_of(a, id)) || id == PARAM_UNIT || gcs_fail(c, GCS_UNKNOWN_PARAMETER));
        if (!ok) {
            buf_free(&text);
            return;
        }
        buf_printf(&text, "%s 0x%lX=", a->c.id, id);
        if (value)
            buf_printf(&text, "%.9e", *value);
        else
            buf_str(&text, "um");
        gcs_end_of_line(&text, i + 2 == c->argc);
    }
    buf_add(c->out, text.p, text.n);
    buf_free(&text);
}

void gcs_ask_level(struct gcs_call *c)
{
    buf_printf(c->out, "%d\n", c->s->command_level);
}

void gcs_do_parameter(struct gcs_call *c)
{
    unsigned long id;
    double value;
    if (c->argc != 3) {
        gcs_fail(c, GCS_ARGUMENT_COUNT);
        return;
    }
    struct stage_axis *a = gcs_find_axis(c->s, c->argv[0]);
    double *where = NULL;
    if (!(a || gcs_fail(c, GCS_AXIS)) || !read_parameter(c, c->argv[1], &id) ||
        !((where = parameter_of(a, id)) || gcs_fail(c, GCS_UNKNOWN_PARAMETER)) ||
        !(number_parse(c->argv[2], &value) || gcs_fail(c, GCS_SYNTAX)))
        return;
    if (c->s->command_level < 1 && id != PARAM_TOLERANCE && id != PARAM_SETTLING)
        gcs_fail(c, GCS_COMMAND_LEVEL);
    else if (id != PARAM_LOW && id != PARAM_HIGH && value <= 0)
        gcs_fail(c, GCS_PARAMETER_RANGE);
    else
        *where = value;
}

void gcs_do_level(struct gcs_call *c)
{
    double level;
    if (!number_parse(c->argv[0], &level))
        gcs_fail(c, GCS_SYNTAX);
    else if (level == 0 || (level == 1 && c->argc == 2 && strcasecmp(c->argv[1], "advanced") == 0))
        c->s->command_level = (int)level;
    else
        gcs_fail(c, GCS_PARAMETER_RANGE);
}
