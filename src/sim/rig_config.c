/* What the `simulate:` map of a rig file may say. The defaults are a bench that can be worked with at once: a
 * piezo stage of 200 x 200 x 60 um whose retracted end is 10 um above the mean plane of the sample, and a
 * potentiostat with 0.1 pA of noise in a sample of 1 ms. */
#include "sim/rig_config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "sim/world_config.h"

#define UM 1e6 /* the stage speaks um */

#define QUANTITY(key_, dim_, offset_, fallback_, min_, max_, help_)                                          \
    {                                                                                                        \
        .key = key_, .kind = FIELD_QUANTITY, .dim = DIM_##dim_, .offset = offset_, .fallback = fallback_,    \
        .min = min_, .max = max_, .help = help_                                                              \
    }
#define PLAIN(key_, kind_, offset_, fallback_, help_)                                                        \
    {                                                                                                        \
        .key = key_, .kind = FIELD_##kind_, .offset = offset_, .fallback = fallback_, .help = help_          \
    }
#define COUNT(key_, offset_, fallback_, min_, max_, help_)                                                   \
    {                                                                                                        \
        .key = key_, .kind = FIELD_INT, .offset = offset_, .fallback = fallback_, .min = min_, .max = max_,  \
        .help = help_                                                                                        \
    }
#define PAIR(key_, dim_, offset_, fallback_, help_)                                                          \
    {                                                                                                        \
        .key = key_, .kind = FIELD_PAIR, .dim = DIM_##dim_, .offset = offset_, .fallback = fallback_,        \
        .help = help_                                                                                        \
    }

/* --- simulate ------------------------------------------------------------------------------------------ */

#define R(member) offsetof(struct sim_rig_config, member)

#define F(member) offsetof(struct sim_planned_fault, member)

static const struct field fault_field[] = {
    {.key = "kind",
     .kind = FIELD_CHOICE,
     .offset = F(kind),
     .required = true,
     .choices = sim_fault_names,
     .help = "What goes wrong."},
    {.key = "at",
     .kind = FIELD_QUANTITY,
     .dim = DIM_TIME,
     .offset = F(at),
     .required = true,
     .max = 1e7,
     .help = "When, counted from the beginning of the run."},
    QUANTITY("for", TIME, F(lasts), NULL, 1e-3, 1e7,
             "How long; for good if left out. Not for what happens once."),
};
static const struct fields fault_fields = FIELDS_OF("a fault", fault_field, struct sim_planned_fault);

#define MAP_OR_FILE(key_, offset_, sub_, form_, help_)                                                       \
    {                                                                                                        \
        .key = key_, .kind = FIELD_NODE, .offset = offset_, .sub = sub_, .form = form_, .help = help_        \
    }

static const struct field simulate_field[] = {
    COUNT("seed", R(seed), "1", 0, 9.007e15, "Everything random on this bench follows from it."),
    MAP_OR_FILE("stage", R(stage), &sim_stage_fields, NODE_OWN, "The piezo controller."),
    MAP_OR_FILE("potentiostat", R(potentiostat), &sim_pstat_fields, NODE_OWN,
                "The potentiostat and its wires to the cell."),
    MAP_OR_FILE("sample", R(sample), &sample_fields, NODE_FILE_OR_MAP,
                "The sample, or the name of a file with it, relative to this file."),
    MAP_OR_FILE("probe", R(probe), &probe_fields, NODE_OWN, "The pipette."),
    {.key = "faults",
     .kind = FIELD_LIST,
     .offset = R(faults),
     .sub = &fault_fields,
     .help = "What goes wrong and when, to see what a run makes of it."},
};
const struct fields simulate_fields = FIELDS("`simulate`", simulate_field);

/* --- stage --------------------------------------------------------------------------------------------- */

struct axis_map {
    char *id;
    int world, direction;
    double offset, range[2], envelope[2], start, velocity, velocity_max;
    bool servo, velocity_control;
};

#define A(member) offsetof(struct axis_map, member)

static const char *const world_axes[] = {"x", "y", "z", NULL};

static const struct field axis_field[] = {
    {.key = "id",
     .kind = FIELD_STRING,
     .offset = A(id),
     .required = true,
     .help = "Name that the controller gives it."},
    {.key = "world",
     .kind = FIELD_CHOICE,
     .offset = A(world),
     .required = true,
     .choices = world_axes,
     .help =
         "Direction in the world that it moves the probe along; z is up, away from the sample. A second axis "
         "along z is a coarse one that lifts the whole head."},
    PLAIN("direction", SIGN, A(direction), "+1", "Which way the probe goes when the position rises."),
    QUANTITY("offset", LENGTH, A(offset), "0 um", 0, 0, "Where the probe is in the world at position 0."),
    PAIR("range", LENGTH, A(range), "[0 um, 200 um]", "Travel."),
    PAIR("envelope", LENGTH, A(envelope), NULL, "Moves to targets outside are counted; default: the travel."),
    QUANTITY("start", LENGTH, A(start), NULL, 0, 0,
             "Position at power up; default: the middle, for z the far end."),
    QUANTITY("velocity", SPEED, A(velocity), "10 um/s", 1e-12, 0.1, "Velocity at power up."),
    QUANTITY("velocity-max", SPEED, A(velocity_max), "5 mm/s", 1e-9, 0.1, "Highest velocity."),
    PLAIN("servo", BOOL, A(servo), "no", "Closed loop at power up."),
    PLAIN("velocity-control", BOOL, A(velocity_control), "yes", "Velocity control (VCO) at power up."),
};
static const struct fields axis_fields = FIELDS("an axis of the stage", axis_field);

struct stage_map {
    char *identity;
    int64_t baud;
    double latency, jitter, tau, slew, stopping, noise, tolerance, settling, creep;
    bool halt, stop_discards, error_blocks;
    const struct ynode *axes;
};

#define S(member) offsetof(struct stage_map, member)

static const struct field stage_field[] = {
    PLAIN("identity", STRING, S(identity),
          "(c)2015-2018 Physik Instrumente (PI) GmbH & Co. KG, E-727.3CDA, 120040681, 14.11.01.05",
          "Answer to *IDN?."),
    COUNT("baud", S(baud), "115200", 0, 1e7, "Modelled line rate; 0 = unlimited."),
    QUANTITY("latency", TIME, S(latency), "1 ms", 0, 1, "From the end of a line to its execution."),
    QUANTITY("jitter", TIME, S(jitter), "0.2 ms", 0, 1, "Spread of the latency, either way."),
    QUANTITY("settling-constant", TIME, S(tau), "2 ms", 1e-6, 1,
             "Time constant with which the stage follows."),
    QUANTITY("slew", SPEED, S(slew), "20 mm/s", 1e-9, 1, "Speed without velocity control."),
    QUANTITY("stopping", TIME, S(stopping), "10 ms", 1e-6, 10, "HLT: time to come to rest from 100 um/s."),
    QUANTITY("noise", LENGTH, S(noise), "0.3 nm", 0, 1e-6, "RMS noise of a position."),
    QUANTITY("tolerance", LENGTH, S(tolerance), "10 nm", 1e-12, 1e-5, "On target: distance."),
    QUANTITY("settling", TIME, S(settling), "10 ms", 0, 10, "On target: time within the distance."),
    QUANTITY("creep", LENGTH, S(creep), "1 um", -1e-5, 1e-5,
             "Creep per decade of time with the servo off, from 0.1 s on; z goes toward the sample, with a "
             "negative one away from it."),
    PLAIN("halt", BOOL, S(halt), "yes", "The firmware knows HLT."),
    PLAIN(
        "error-blocks", BOOL, S(error_blocks), "no",
        "As long as an error waits in the slot only *IDN?, ERR? and CSV? are obeyed; not even a stop byte."),
    PLAIN("stop-discards", BOOL, S(stop_discards), "no", "A stop byte throws away lines not executed yet."),
    {.key = "axes",
     .kind = FIELD_NODE,
     .offset = S(axes),
     .sub = &axis_fields,
     .form = NODE_MAPS,
     .least = 1,
     .help = "The axes; default: 1, 2, 3 along x, y, z."},
};
const struct fields sim_stage_fields = FIELDS("the simulated stage", stage_field);

static void set_axis(struct sim_axis_config *a, const struct axis_map *m)
{
    *a = (struct sim_axis_config){.world = m->world,
                                  .direction = m->direction,
                                  .offset = m->offset,
                                  .low = m->range[0] * UM,
                                  .high = m->range[1] * UM,
                                  .safe_low = m->envelope[0] * UM,
                                  .safe_high = m->envelope[1] * UM,
                                  .start = m->start * UM,
                                  .velocity = m->velocity * UM,
                                  .velocity_max = m->velocity_max * UM,
                                  .servo = m->servo,
                                  .velocity_control = m->velocity_control};
    if (isnan(m->envelope[0])) {
        a->safe_low = a->low;
        a->safe_high = a->high;
    }
    if (isnan(m->start))
        a->start = a->world != 2 ? (a->low + a->high) / 2 : a->direction > 0 ? a->high : a->low;
    snprintf(a->id, sizeof a->id, "%s", m->id ? m->id : "");
}

static bool check_axis(const struct axis_map *m, const struct sim_axis_config *a, struct mark mark,
                       struct diags *d)
{
    if (!m->id || !*m->id || strlen(m->id) >= sizeof a->id || strpbrk(m->id, " \t="))
        diags_error(d, mark, "an axis id has 1 to 16 characters without blanks");
    else if (!(a->low < a->high))
        diags_error(d, mark, "axis %s: its range is empty", a->id);
    else if (a->start < a->low || a->start > a->high)
        diags_error(d, mark, "axis %s: it starts outside of its range", a->id);
    else
        return true;
    return false;
}

static bool read_axis(const struct ynode *n, struct sim_axis_config *a, struct diags *d)
{
    struct axis_map m;
    bool ok = schema_read(n, &axis_fields, &m, d);
    if (ok) {
        set_axis(a, &m);
        ok = check_axis(&m, a, ynode_mark(n), d);
    }
    schema_free(&axis_fields, &m);
    return ok;
}

static void default_axes(struct sim_stage_config *c)
{
    /* The surface lies near 50 um of the 60 um of z: fully retracted the glass hangs 10 um above it. */
    static const double high[3] = {200, 200, 60}, start[3] = {100, 100, 60}, offset[3] = {0, 0, -50e-6};
    c->axes = 3;
    for (int i = 0; i < 3; i++) {
        c->axis[i] = (struct sim_axis_config){.id = {(char)('1' + i)},
                                              .world = i,
                                              .direction = 1,
                                              .offset = offset[i],
                                              .high = high[i],
                                              .safe_high = high[i],
                                              .start = start[i],
                                              .velocity = 10,
                                              .velocity_max = 5000,
                                              .velocity_control = true};
    }
}

/* A second axis along z lifts the whole head: the coarse one. */
static bool check_axes(struct sim_stage_config *c, const struct ynode *n, struct diags *d)
{
    unsigned worlds = 0;
    for (int i = 0; i < c->axes; i++) {
        struct sim_axis_config *a = &c->axis[i];
        a->coarse = a->world == 2 && worlds & 4;
        if (worlds & 1u << a->world && !a->coarse) {
            diags_error(d, ynode_mark(n), "two axes move the probe along %s", world_axes[a->world]);
            return false;
        }
        worlds |= 1u << a->world;
        for (int j = 0; j < i; j++)
            if (strcmp(a->id, c->axis[j].id) == 0) {
                diags_error(d, ynode_mark(n), "two axes are called %s", a->id);
                return false;
            }
    }
    if (!(worlds & 4))
        diags_error(d, ynode_mark(n), "no axis moves the probe along z");
    return worlds & 4;
}

static bool read_axes(const struct ynode *n, struct sim_stage_config *c, struct diags *d)
{
    if (!n) {
        default_axes(c);
        return true;
    }
    if (ynode_kind(n) != Y_LIST || ynode_count(n) < 1 || ynode_count(n) > STAGE_MAX_AXES) {
        diags_error(d, ynode_mark(n), "a list of 1 to %d axes is wanted", STAGE_MAX_AXES);
        return false;
    }
    bool ok = true;
    c->axes = ynode_count(n);
    for (int i = 0; i < c->axes; i++)
        ok = read_axis(ynode_item(n, i), &c->axis[i], d) && ok;
    return ok && check_axes(c, n, d);
}

bool sim_stage_config_read(const struct ynode *n, struct sim_stage_config *out, struct diags *d)
{
    struct stage_map m;
    *out = (struct sim_stage_config){0};
    bool ok = schema_read(n, &sim_stage_fields, &m, d);
    if (ok) {
        *out = (struct sim_stage_config){.identity = m.identity,
                                         .baud = m.baud,
                                         .latency = m.latency,
                                         .jitter = m.jitter,
                                         .tau = m.tau,
                                         .slew = m.slew * UM,
                                         .deceleration = 100 / m.stopping,
                                         .noise = m.noise * UM,
                                         .tolerance = m.tolerance * UM,
                                         .settling = m.settling,
                                         .creep = m.creep * UM,
                                         .stop_discards = m.stop_discards,
                                         .halt = m.halt,
                                         .error_blocks = m.error_blocks};
        m.identity = NULL; /* out's now */
        ok = read_axes(m.axes, out, d);
    }
    schema_free(&sim_stage_fields, &m);
    return ok;
}

void sim_stage_config_free(struct sim_stage_config *c)
{
    free(c->identity);
    c->identity = NULL;
}

/* --- potentiostat -------------------------------------------------------------------------------------- */

struct pstat_map {
    struct pstat_config c;
    double potential[2];
};

#define P(member) offsetof(struct pstat_map, member)

static const struct field wiring_field[] = {
    PLAIN("potential", SIGN, P(c.cell.wire_e), "+1", "E(sample versus QRCE) = potential x E(instrument)."),
    PLAIN("current", SIGN, P(c.cell.wire_i), "+1",
          "i(instrument) = current x i(sample, oxidation positive)."),
};
static const struct fields wiring_fields = FIELDS("the simulated wiring", wiring_field);

static const struct field pstat_field[] = {
    PLAIN("firmware", STRING, P(c.firmware), "nexus11100#Jan 28 2025 11:04:43",
          "Type, number and date of the firmware."),
    PLAIN("serial", STRING, P(c.serial), "NX25A00SIM", "Serial number."),
    COUNT("baud", P(c.baud), "921600", 0, 1e8, "Modelled line rate; 0 = unlimited."),
    COUNT("buffer", P(c.buffer), "512", 64, 1e6,
          "Bytes of output that wait for the line before the script does."),
    COUNT("script-size", P(c.script_size), "16384", 256, 1e6, "Longest script, bytes."),
    QUANTITY("latency", TIME, P(c.latency), "0.5 ms", 0, 1, "From receiving a line to acting on it."),
    QUANTITY("interval", TIME, P(c.interval), "50 us", 1e-6, 1, "Shortest time between samples."),
    QUANTITY("swallow", TIME, P(c.swallow), "100 ms", 0, 1, "Input lost after an error in an upload."),
    QUANTITY("swallow-refused", TIME, P(c.swallow_refused), "50 ms", 0, 1,
             "Input lost after a command that was refused while no script ran."),
    PLAIN("error-empty-line", BOOL, P(c.error_empty_line), "no", "An empty line follows a run-time error."),
    {.key = "wiring", .kind = FIELD_MAP, .sub = &wiring_fields, .help = "How the cell is truly connected."},
    PAIR("potential", POTENTIAL, P(potential), "[-10 V, 10 V]", "What the instrument can apply."),
    QUANTITY("potential-step", POTENTIAL, P(c.cell.e_step), "15.625 uV", 1e-9, 0.01,
             "Resolution of the potential."),
    QUANTITY("potential-error", POTENTIAL, P(c.cell.e_error), "0.2 mV", -0.1, 0.1,
             "True minus set potential."),
    QUANTITY("potential-noise", POTENTIAL, P(c.cell.e_noise), "20 uV", 0, 0.1,
             "RMS noise of a measured potential."),
    QUANTITY("noise", CURRENT, P(c.cell.noise), "0.1 pA", 0, 1e-6,
             "RMS noise of a 1 ms sample at 400 Hz bandwidth on the 100 pA range."),
    QUANTITY("mains", CURRENT, P(c.cell.mains), "0.05 pA", 0, 1e-6, "Amplitude of mains pickup."),
    QUANTITY("mains-frequency", FREQUENCY, P(c.cell.mains_freq), "50 Hz", 1, 1000, "Its frequency."),
    QUANTITY("offset", CURRENT, P(c.cell.offset), "0.02 pA", -1e-6, 1e-6, "Offset of the current input."),
    QUANTITY("offset-drift", CURRENT, P(c.cell.drift), "0.01 pA", 0, 1e-6, "Amplitude of its slow drift."),
    QUANTITY("offset-period", TIME, P(c.cell.drift_period), "1 h", 1, 1e6, "Period of its slow drift."),
    QUANTITY("transient", NONE, P(c.cell.transient), "0.02", 0, 10,
             "After a change of range, part of the new one."),
    QUANTITY("lowest-range", CURRENT, P(c.cell.lowest_range), "100 pA", 1e-10, 1,
             "Smaller ranges are not built in."),
};
const struct fields sim_pstat_fields = FIELDS("the simulated potentiostat", pstat_field);

/* Samples of 1 ms at 400 Hz are limited by their length: 500 Hz of noise bandwidth. */
#define NOISE_BANDWIDTH 500.0

bool sim_pstat_config_read(const struct ynode *n, struct pstat_config *out, struct diags *d)
{
    struct pstat_map m;
    *out = (struct pstat_config){0};
    bool ok = schema_read(n, &sim_pstat_fields, &m, d);
    if (ok && !(m.potential[0] < 0 && m.potential[1] > 0)) {
        diags_error(d, n ? ynode_mark(n) : (struct mark){0}, "`potential`: a range about 0 V is wanted");
        ok = false;
    }
    if (!ok) {
        schema_free(&sim_pstat_fields, &m);
        return false;
    }
    m.c.cell.e_low = m.potential[0];
    m.c.cell.e_high = m.potential[1];
    m.c.cell.noise /= sqrt(NOISE_BANDWIDTH);
    *out = m.c;
    return true;
}

void sim_pstat_config_free(struct pstat_config *c)
{
    free(c->firmware);
    free(c->serial);
    c->firmware = c->serial = NULL;
}

static void check_faults(const struct ynode *list, const struct items *planned, struct diags *d)
{
    const struct sim_planned_fault *f = planned->v;
    for (int k = 0; k < planned->n; k++) {
        if (!sim_fault_once((enum sim_fault)f[k].kind) || isnan(f[k].lasts))
            continue;
        const struct ynode *n = ynode_get(ynode_item(list, k), "for");
        diags_error(d, ynode_mark(n), "`%s` happens at an instant: it takes no `for`",
                    sim_fault_names[f[k].kind]);
    }
}

bool sim_rig_config_read(const struct ynode *n, struct sim_rig_config *out, struct diags *d)
{
    int before = diags_errors(d);
    if (schema_read(n, &simulate_fields, out, d))
        check_faults(ynode_get(n, "faults"), &out->faults, d);
    return diags_errors(d) == before;
}

void sim_rig_config_free(struct sim_rig_config *c)
{
    schema_free(&simulate_fields, c);
}
