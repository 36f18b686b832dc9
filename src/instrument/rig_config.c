/* The rig file: the tables that say what it may hold, and the checks between its values. No instrument is
 * touched, so that a protocol can be planned on any desk. */
#include "instrument/rig.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "instrument/stage_ops.h"

#define AT(member)     offsetof(struct rig_config, member)
#define SIMULATED      "simulated"
#define RIG_FILE_LIMIT ((size_t)1 << 20)
#define AXIS_ID_MAX    16

static const char *const flow_names[] = {"none", "rts-cts", "xon-xoff", NULL};

static const struct field axis_table[] = {
    {.key = "x",
     .kind = FIELD_STRING,
     .offset = AT(axis[AXIS_X]),
     .required = true,
     .help = "name of the x axis"},
    {.key = "y",
     .kind = FIELD_STRING,
     .offset = AT(axis[AXIS_Y]),
     .required = true,
     .help = "name of the y axis"},
    {.key = "z",
     .kind = FIELD_STRING,
     .offset = AT(axis[AXIS_Z]),
     .required = true,
     .help = "name of the z axis"},
};
static const struct fields axis_fields = FIELDS("the stage's axes", axis_table);

static const struct field coarse_table[] = {
    {.key = "axis",
     .kind = FIELD_STRING,
     .offset = AT(coarse_axis),
     .required = true,
     .help = "what the controller calls it"},
    {.key = "away",
     .kind = FIELD_SIGN,
     .offset = AT(coarse_away),
     .required = true,
     .help = "+1 if a rising position of it lifts the probe from the sample, -1 if a falling one does"},
    {.key = "by",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = AT(coarse_by),
     .required = true,
     .min = 1e-6,
     .max = 0.05,
     .help = "how far it lifts; it must have as much room"},
    {.key = "speed",
     .kind = FIELD_QUANTITY,
     .dim = DIM_SPEED,
     .offset = AT(coarse_speed),
     .fallback = "50 um/s",
     .min = 1e-9,
     .max = 1,
     .help = "its speed"},
};
static const struct fields coarse_fields = FIELDS("the stage's coarse axis", coarse_table);

static const struct field stage_table[] = {
    {.key = "driver",
     .kind = FIELD_STRING,
     .offset = AT(stage_driver_name),
     .required = true,
     .help = "how the stage is spoken to: pi-gcs"},
    {.key = "link",
     .kind = FIELD_STRING,
     .offset = AT(stage_link),
     .required = true,
     .help =
         "serial:DEVICE, usb:SERIAL or usb:VID:PID:SERIAL (the port of this USB device, whatever its name), "
         "tcp:HOST:PORT, pty:DEVICE, or simulated"},
    {.key = "baud",
     .kind = FIELD_INT,
     .offset = AT(stage_baud),
     .fallback = "115200",
     .min = 300,
     .max = 4e6,
     .help = "bits per second of a serial line"},
    {.key = "flow",
     .kind = FIELD_CHOICE,
     .offset = AT(stage_flow),
     .fallback = "none",
     .choices = flow_names,
     .help = "flow control of a serial line"},
    {.key = "axes",
     .kind = FIELD_MAP,
     .offset = 0,
     .required = true,
     .sub = &axis_fields,
     .help = "what the controller calls the axes"},
    {.key = "toward-sample",
     .kind = FIELD_SIGN,
     .offset = AT(toward_sample),
     .required = true,
     .help =
         "+1 if a rising z position of the controller brings the probe to the sample, -1 if away from it"},
    {.key = "x",
     .kind = FIELD_PAIR,
     .dim = DIM_LENGTH,
     .offset = AT(x),
     .required = true,
     .help = "where x may go, in the controller's coordinates"},
    {.key = "y",
     .kind = FIELD_PAIR,
     .dim = DIM_LENGTH,
     .offset = AT(y),
     .required = true,
     .help = "where y may go, in the controller's coordinates"},
    {.key = "z",
     .kind = FIELD_PAIR,
     .dim = DIM_LENGTH,
     .offset = AT(z_stage),
     .required = true,
     .help = "where z may go, in the controller's coordinates"},
    {.key = "retracted",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = AT(retracted),
     .required = true,
     .help = "the controller's z position with the probe furthest from the sample"},
    {.key = "speed-xy",
     .kind = FIELD_QUANTITY,
     .dim = DIM_SPEED,
     .offset = AT(speed_xy),
     .fallback = "20 um/s",
     .min = 1e-9,
     .max = 1,
     .help = "speed of travel between sites"},
    {.key = "speed-z",
     .kind = FIELD_QUANTITY,
     .dim = DIM_SPEED,
     .offset = AT(speed_z),
     .fallback = "10 um/s",
     .min = 1e-9,
     .max = 1,
     .help = "speed of z far from the sample"},
    {.key = "tolerance",
     .kind = FIELD_QUANTITY,
     .dim = DIM_LENGTH,
     .offset = AT(tolerance),
     .fallback = "20 nm",
     .min = 1e-10,
     .max = 1e-5,
     .help = "an axis this close to its target has arrived"},
    {.key = "coarse",
     .kind = FIELD_MAP,
     .sub = &coarse_fields,
     .help =
         "another axis of the controller that lifts the whole head: only for the safe state, where z itself "
         "fails"},
};
static const struct fields stage_fields = FIELDS("the rig's stage", stage_table);

static const struct field pstat_table[] = {
    {.key = "driver",
     .kind = FIELD_STRING,
     .offset = AT(pstat_driver_name),
     .required = true,
     .help = "how the potentiostat is spoken to: methodscript"},
    {.key = "model",
     .kind = FIELD_STRING,
     .offset = AT(pstat_model_name),
     .required = true,
     .help = "nexus, emstat4-lr, emstat4-hr or emstat-pico"},
    {.key = "link",
     .kind = FIELD_STRING,
     .offset = AT(pstat_link),
     .required = true,
     .help =
         "serial:DEVICE, usb:SERIAL or usb:VID:PID:SERIAL (the port of this USB device, whatever its name), "
         "tcp:HOST:PORT, pty:DEVICE, or simulated"},
    {.key = "baud",
     .kind = FIELD_INT,
     .offset = AT(pstat_baud),
     .fallback = "921600",
     .min = 300,
     .max = 4e6,
     .help = "bits per second of a serial line"},
    {.key = "flow",
     .kind = FIELD_CHOICE,
     .offset = AT(pstat_flow),
     .fallback = "none",
     .choices = flow_names,
     .help = "flow control of a serial line"},
    {.key = "bandwidth",
     .kind = FIELD_QUANTITY,
     .dim = DIM_FREQUENCY,
     .offset = AT(bandwidth),
     .fallback = "0 Hz",
     .max = 1e6,
     .help = "low-pass of the current; 0 Hz: five times the rate of samples"},
    {.key = "autorange",
     .kind = FIELD_BOOL,
     .offset = AT(autorange),
     .fallback = "no",
     .help = "lets steps of known length use smaller current ranges; approaches never do"},
};
static const struct fields pstat_fields = FIELDS("the rig's potentiostat", pstat_table);

static const struct field wiring_table[] = {
    {.key = "potential",
     .kind = FIELD_SIGN,
     .offset = AT(potential_sign),
     .required = true,
     .help = "E(sample) = potential x E(instrument) + the reference's offset"},
    {.key = "current",
     .kind = FIELD_SIGN,
     .offset = AT(current_sign),
     .required = true,
     .help = "i(sample, oxidation positive) = current x i(instrument)"},
};
static const struct fields wiring_fields = FIELDS("the rig's wiring", wiring_table);

static const struct field limits_table[] = {
    {.key = "potential",
     .kind = FIELD_PAIR,
     .dim = DIM_POTENTIAL,
     .offset = AT(e_limit),
     .required = true,
     .help = "what the instrument may apply, after sign and reference offset"},
    {.key = "current",
     .kind = FIELD_QUANTITY,
     .dim = DIM_CURRENT,
     .offset = AT(i_limit),
     .required = true,
     .min = 1e-15,
     .max = 10,
     .help = "largest current either way"},
};
static const struct fields limits_fields = FIELDS("the rig's limits", limits_table);

static const struct field air_table[] = {
    {.key = "stray",
     .kind = FIELD_QUANTITY,
     .dim = DIM_CAPACITANCE,
     .offset = AT(stray),
     .required = true,
     .min = 1e-16,
     .max = 1e-6,
     .help = "capacitance that a ramp in air shows: proves the contact signal alive"},
    {.key = "tolerance",
     .kind = FIELD_QUANTITY,
     .dim = DIM_NONE,
     .offset = AT(stray_tolerance),
     .fallback = "50 %",
     .min = 0.01,
     .max = 0.95,
     .help = "how far the found capacitance may be from the expected one"},
    {.key = "noise",
     .kind = FIELD_QUANTITY,
     .dim = DIM_CURRENT,
     .offset = AT(noise_max),
     .required = true,
     .min = 1e-18,
     .max = 1e-3,
     .help = "largest RMS noise of the current in air"},
};
static const struct fields air_fields = FIELDS("the rig's signal in air", air_table);

static const struct field rig_table[] = {
    {.key = "rig",
     .kind = FIELD_INT,
     .offset = AT(format),
     .required = true,
     .min = 1,
     .max = 1,
     .help = "version of this file format: 1"},
    {.key = "name",
     .kind = FIELD_STRING,
     .offset = AT(name),
     .required = true,
     .help = "what people call this rig"},
    {.key = "stage",
     .kind = FIELD_MAP,
     .required = true,
     .sub = &stage_fields,
     .help = "what moves the probe"},
    {.key = "potentiostat",
     .kind = FIELD_MAP,
     .required = true,
     .sub = &pstat_fields,
     .help = "what measures"},
    {.key = "wiring",
     .kind = FIELD_MAP,
     .required = true,
     .sub = &wiring_fields,
     .help = "signs between instrument and sample: never assumed"},
    {.key = "limits",
     .kind = FIELD_MAP,
     .required = true,
     .sub = &limits_fields,
     .help = "what may be applied"},
    {.key = "air",
     .kind = FIELD_MAP,
     .required = true,
     .sub = &air_fields,
     .help = "the contact signal in air"},
    {.key = "simulate",
     .kind = FIELD_NODE,
     .offset = AT(simulate),
     .form = NODE_ELSEWHERE,
     .help = "what stands in for simulated links"},
};
const struct fields rig_fields = FIELDS("a rig", rig_table);

/* What the checks need to put an error where it belongs. */
struct checker {
    struct rig_config *c;
    const struct ynode *root;
    struct diags *d;
};

static struct mark mark_of(const struct checker *k, const char *map, const char *key)
{
    const struct ynode *n = ynode_get(ynode_get(k->root, map), key);
    return ynode_mark(n ? n : k->root);
}

static void check_name(const struct checker *k, const char *map, const char *key, const char *name,
                       bool known, const char *const *names)
{
    if (known)
        return;
    diags_error(k->d, mark_of(k, map, key), "`%s`: `%s` is not known", key, name);
    const char *near = text_nearest(name, names);
    if (near)
        diags_hint(k->d, "did you mean `%s`?", near);
    else
        diags_hint(k->d, "known: %s and others", names[0]);
}

static void check_link(const struct checker *k, const char *map, const char *text)
{
    struct link_spec spec;
    struct err e = ERR_INIT;
    if (strcmp(text, SIMULATED) != 0 && !link_spec_parse(text, &spec, &e))
        diags_error(k->d, mark_of(k, map, "link"), "`link`: %s", e.text);
}

static void check_simulate(const struct checker *k)
{
    const struct rig_config *c = k->c;
    bool stage = strcmp(c->stage_link, SIMULATED) == 0, pstat = strcmp(c->pstat_link, SIMULATED) == 0;
    if ((stage || pstat) && !c->simulate)
        diags_error(k->d, ynode_mark(k->root), "a simulated link needs a `simulate` map");
    if (c->simulate && !stage && !pstat)
        diags_error(k->d, ynode_mark(c->simulate), "`simulate` is given, but no link is `simulated`");
    if (stage != pstat)
        diags_warning(k->d, mark_of(k, stage ? "stage" : "potentiostat", "link"),
                      "only one of the two links is simulated: contact can not be felt");
}

static bool is_axis_id(const char *id)
{
    size_t n = strlen(id);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)id[i]) && id[i] != '_')
            return false;
    return n > 0 && n <= AXIS_ID_MAX;
}

static void check_axes(const struct checker *k)
{
    const struct ynode *axes = ynode_get(ynode_get(k->root, "stage"), "axes");
    for (int a = 0; a < AXIS_COUNT; a++) {
        const char *name = axis_name((enum axis)a);
        struct mark m = ynode_mark(ynode_get(axes, name));
        if (!is_axis_id(k->c->axis[a]))
            diags_error(k->d, m, "`%s`: an axis is named by 1 to 16 letters, digits or _", name);
        for (int b = 0; b < a; b++)
            if (strcmp(k->c->axis[a], k->c->axis[b]) == 0)
                diags_error(k->d, m, "`%s`: axis \"%s\" is already %s", name, k->c->axis[a],
                            axis_name((enum axis)b));
    }
}

static void check_coarse(const struct checker *k)
{
    const struct ynode *map = ynode_get(ynode_get(k->root, "stage"), "coarse");
    const struct ynode *axis = ynode_get(map, "axis");
    const char *id = k->c->coarse_axis;
    if (!id)
        return;
    if (!is_axis_id(id))
        diags_error(k->d, ynode_mark(axis), "`axis`: an axis is named by 1 to 16 letters, digits or _");
    for (int a = 0; a < AXIS_COUNT; a++)
        if (strcmp(id, k->c->axis[a]) == 0)
            diags_error(k->d, ynode_mark(axis), "`axis`: axis \"%s\" is already %s", id,
                        axis_name((enum axis)a));
}

/* Fully retracted is the end of z away from the sample: nothing may be higher. */
static void check_retracted(const struct checker *k)
{
    const struct rig_config *c = k->c;
    double away = c->toward_sample > 0 ? c->z_stage[0] : c->z_stage[1];
    if (fabs(c->retracted - away) > 0.5 * (c->z_stage[1] - c->z_stage[0])) {
        diags_error(k->d, mark_of(k, "stage", "retracted"), "`retracted` lies on the sample's side of z");
        diags_hint(k->d, "with toward-sample %+d it is near %g um", c->toward_sample, away * 1e6);
    } else if (c->retracted < c->z_stage[0] || c->retracted > c->z_stage[1]) {
        diags_error(k->d, mark_of(k, "stage", "retracted"), "`retracted` lies outside z");
    }
}

static void check_limits(const struct checker *k)
{
    const struct rig_config *c = k->c;
    const struct potentiostat_model *m = c->model;
    if (!m)
        return;
    if (c->e_limit[0] < m->e_min || c->e_limit[1] > m->e_max)
        diags_error(k->d, mark_of(k, "limits", "potential"), "`potential`: the %s applies %g V to %g V",
                    m->name, m->e_min, m->e_max);
    if (c->i_limit > m->i_max)
        diags_error(k->d, mark_of(k, "limits", "current"), "`current`: the %s carries at most %g A", m->name,
                    m->i_max);
}

static void derive(struct rig_config *c)
{
    memcpy(c->limit[AXIS_X], c->x, sizeof(c->x));
    memcpy(c->limit[AXIS_Y], c->y, sizeof(c->y));
    double p = -c->toward_sample * c->z_stage[0], q = -c->toward_sample * c->z_stage[1];
    c->limit[AXIS_Z][0] = fmin(p, q);
    c->limit[AXIS_Z][1] = fmax(p, q);
    c->z_retracted = -c->toward_sample * c->retracted;
    c->model = potentiostat_model(c->pstat_model_name);
}

static void check(struct checker *k)
{
    struct rig_config *c = k->c;
    derive(c);
    check_name(k, "stage", "driver", c->stage_driver_name, stage_driver(c->stage_driver_name),
               stage_driver_names());
    check_name(k, "potentiostat", "driver", c->pstat_driver_name, potentiostat_driver(c->pstat_driver_name),
               potentiostat_driver_names());
    check_name(k, "potentiostat", "model", c->pstat_model_name, c->model, potentiostat_model_names());
    check_link(k, "stage", c->stage_link);
    check_link(k, "potentiostat", c->pstat_link);
    check_simulate(k);
    check_axes(k);
    check_coarse(k);
    check_retracted(k);
    check_limits(k);
}

struct rig_config *rig_load(const char *path, struct diags *d, struct err *e)
{
    struct source *source = source_read(path, RIG_FILE_LIMIT, e);
    if (!source)
        return NULL;
    int before = diags_errors(d);
    struct rig_config *c = xcalloc(1, sizeof(*c));
    c->source = source;
    c->tree = ytree_parse(source, d);
    if (c->tree && schema_read(ytree_root(c->tree), &rig_fields, c, d))
        check(&(struct checker){c, ytree_root(c->tree), d});
    if (diags_errors(d) == before)
        return c;
    err_set(e, ERR_INPUT, "%s: %d errors", path, diags_errors(d) - before);
    rig_config_free(c);
    return NULL;
}

void rig_config_free(struct rig_config *c)
{
    if (!c)
        return;
    schema_free(&rig_fields, c);
    ytree_free(c->tree);
    source_free(c->source);
    free(c);
}

bool rig_is_simulated(const struct rig_config *c)
{
    return strcmp(c->stage_link, SIMULATED) == 0 || strcmp(c->pstat_link, SIMULATED) == 0;
}
