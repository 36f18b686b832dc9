/* The commands of the simulated piezo controller: one table, one function per command.
 *
 * A command is carried out wholly or not at all: every function checks all its arguments before it changes
 * anything. Failing commands say nothing; the last error's code waits in one slot until ERR? reads and clears
 * it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/quantity.h"
#include "sim/stage_impl.h"

#define FULL_VOLTS   100.0
#define VOLTS_LOW    -20.0
#define VOLTS_HIGH   120.0
#define ATZ_FRACTION 0.9 /* autozero sweeps to this part of the travel */

enum parameter {
    PARAM_SLEW = 0x07000200,
    PARAM_LOW = 0x07000000,
    PARAM_HIGH = 0x07000001,
    PARAM_UNIT = 0x07000601,
    PARAM_TOLERANCE = 0x07000900,
    PARAM_SETTLING = 0x07000901,
};

struct call {
    struct stage_gcs *s;
    int argc;
    char **argv;
    struct buf *out;
};

/* --- arguments and answers ----------------------------------------------------------------------------- */

static bool fail(struct call *c, enum gcs_error code)
{
    c->s->error = code;
    return false;
}

static struct stage_axis *find_axis(struct stage_gcs *s, const char *id)
{
    for (int i = 0; i < s->c.axes; i++)
        if (strcmp(s->axis[i].c.id, id) == 0)
            return &s->axis[i];
    return NULL;
}

struct pair {
    struct stage_axis *axis;
    double value;
};

/* Arguments as axis value axis value ...; number of pairs, 0 after an error. */
static int read_pairs(struct call *c, struct pair *pairs)
{
    if (c->argc < 2 || c->argc % 2)
        return fail(c, GCS_ARGUMENT_COUNT);
    for (int i = 0; i < c->argc / 2; i++) {
        if (!(pairs[i].axis = find_axis(c->s, c->argv[2 * i])))
            return fail(c, GCS_AXIS);
        const char *text = c->argv[2 * i + 1];
        if (!number_parse(text, &pairs[i].value) && strcasecmp(text, "nan") != 0)
            return fail(c, GCS_SYNTAX);
        if (strcasecmp(text, "nan") == 0)
            pairs[i].value = NAN;
    }
    return c->argc / 2;
}

/* As read_pairs(), but NaN is an error: ATZ alone takes one. */
static int read_numbers(struct call *c, struct pair *pairs)
{
    int n = read_pairs(c, pairs);
    for (int i = 0; i < n; i++)
        if (isnan(pairs[i].value))
            return fail(c, GCS_SYNTAX);
    return n;
}

/* Axes named, or all of them if none is. 0 after an error. */
static int read_axes(struct call *c, struct stage_axis *axes[GCS_MAX_ARGS])
{
    if (c->argc == 0) {
        for (int i = 0; i < c->s->c.axes; i++)
            axes[i] = &c->s->axis[i];
        return c->s->c.axes;
    }
    for (int i = 0; i < c->argc; i++)
        if (!(axes[i] = find_axis(c->s, c->argv[i])))
            return fail(c, GCS_AXIS);
    return c->argc;
}

/* Ends a line: a continued one with a blank before its LF. */
static void end_of_line(struct buf *out, bool last)
{
    buf_str(out, last ? "\n" : " \n");
}

typedef double getter(struct stage_gcs *s, const struct stage_axis *a);

static void answer_axes(struct call *c, getter *get, bool integer)
{
    struct stage_axis *axes[GCS_MAX_ARGS];
    int n = read_axes(c, axes);
    for (int i = 0; i < n; i++) {
        double value = get(c->s, axes[i]);
        if (integer)
            buf_printf(c->out, "%s=%d", axes[i]->c.id, (int)value);
        else
            buf_printf(c->out, "%s=%.9e", axes[i]->c.id, value);
        end_of_line(c->out, i == n - 1);
    }
}

/* --- what axes answer ---------------------------------------------------------------------------------- */

static ns_t now_of(const struct stage_gcs *s)
{
    return loop_now(s->bench->loop);
}

static double get_position(struct stage_gcs *s, const struct stage_axis *a)
{
    double noise = s->c.noise > 0 ? s->c.noise * rng_normal(s->noise, s->bench->place, s->readings++, 0) : 0;
    return motion_position(&a->m, now_of(s)) + noise;
}

static double get_target(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->commanded;
}

static double get_on_target(struct stage_gcs *s, const struct stage_axis *a)
{
    if (s->off_target || !a->servo || a->autozero || a->commanded != motion_target(&a->m))
        return 0;
    return now_of(s) >= motion_settled_at(&a->m, a->tolerance) + ns_from_s(a->settling);
}

static double get_servo(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->servo;
}

static double get_velocity(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->velocity;
}

static double get_velocity_control(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->velocity_control;
}

static double get_low(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->c.low;
}

static double get_high(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->c.high;
}

static double get_volts(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->volts;
}

static double get_overflow(struct stage_gcs *s, const struct stage_axis *a)
{
    return stage_servo_refused(s, a); /* a controller that lost its servo has run into the voltage limit */
}

static double get_zeroed(struct stage_gcs *s, const struct stage_axis *a)
{
    (void)s;
    return a->zeroed;
}

/* --- queries ------------------------------------------------------------------------------------------- */

static void ask_identity(struct call *c)
{
    buf_printf(c->out, "%s\n", c->s->c.identity);
}

static void ask_axes(struct call *c)
{
    if (c->argc && strcasecmp(c->argv[0], "ALL") != 0) {
        fail(c, GCS_SYNTAX);
        return;
    }
    for (int i = 0; i < c->s->c.axes; i++) {
        buf_str(c->out, c->s->axis[i].c.id);
        end_of_line(c->out, i == c->s->c.axes - 1);
    }
}

static void ask_syntax(struct call *c)
{
    buf_str(c->out, "2.0\n");
}

static void ask_version(struct call *c)
{
    buf_str(c->out, "FW_ARM: V1.0.0 \nFW_DSP: V1.0.0\n");
}

static void ask_serial(struct call *c)
{
    buf_str(c->out, "120040681\n");
}

static void ask_error(struct call *c)
{
    buf_printf(c->out, "%d\n", c->s->error);
    c->s->error = GCS_OK;
}

static void ask_position(struct call *c)
{
    answer_axes(c, get_position, false);
}

static void ask_target(struct call *c)
{
    answer_axes(c, get_target, false);
}

static void ask_on_target(struct call *c)
{
    answer_axes(c, get_on_target, true);
}

static void ask_servo(struct call *c)
{
    answer_axes(c, get_servo, true);
}

static void ask_velocity(struct call *c)
{
    answer_axes(c, get_velocity, false);
}

static void ask_velocity_control(struct call *c)
{
    answer_axes(c, get_velocity_control, true);
}

static void ask_low(struct call *c)
{
    answer_axes(c, get_low, false);
}

static void ask_high(struct call *c)
{
    answer_axes(c, get_high, false);
}

static void ask_open_loop(struct call *c)
{
    answer_axes(c, get_volts, false);
}

static void ask_overflow(struct call *c)
{
    answer_axes(c, get_overflow, true);
}

static void ask_autozero(struct call *c)
{
    answer_axes(c, get_zeroed, true);
}

static void ask_unit(struct call *c)
{
    struct stage_axis *axes[GCS_MAX_ARGS];
    int n = read_axes(c, axes);
    for (int i = 0; i < n; i++) {
        buf_printf(c->out, "%s=um", axes[i]->c.id);
        end_of_line(c->out, i == n - 1);
    }
}

/* Per output channel, which are numbered and drive one axis each. */
static void ask_volts(struct call *c)
{
    int channel[GCS_MAX_ARGS], n = 0;
    for (int i = 0; i < c->argc; i++) {
        double value;
        if (!number_parse(c->argv[i], &value) || value < 1 || value > c->s->c.axes || value != floor(value)) {
            fail(c, GCS_AXIS);
            return;
        }
        channel[n++] = (int)value;
    }
    for (; c->argc == 0 && n < c->s->c.axes; n++)
        channel[n] = n + 1;
    for (int i = 0; i < n; i++) {
        const struct stage_axis *a = &c->s->axis[channel[i] - 1];
        double x = motion_position(&a->m, now_of(c->s));
        buf_printf(c->out, "%d=%.9e", channel[i], FULL_VOLTS * (x - a->c.low) / (a->c.high - a->c.low));
        end_of_line(c->out, i == n - 1);
    }
}

static bool read_parameter(struct call *c, const char *text, unsigned long *id)
{
    char *end;
    *id = strtoul(text, &end, 0);
    return (*text >= '0' && *text <= '9' && !*end) || fail(c, GCS_SYNTAX);
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
static void ask_parameter(struct call *c)
{
    if (c->argc < 2 || c->argc % 2) {
        fail(c, GCS_ARGUMENT_COUNT);
        return;
    }
    struct buf text = {0};
    for (int i = 0; i < c->argc; i += 2) {
        unsigned long id;
        struct stage_axis *a = find_axis(c->s, c->argv[i]);
        const double *value = NULL;
        bool ok = (a || fail(c, GCS_AXIS)) && read_parameter(c, c->argv[i + 1], &id) &&
                  ((value = parameter_of(a, id)) || id == PARAM_UNIT || fail(c, GCS_UNKNOWN_PARAMETER));
        if (!ok) {
            buf_free(&text);
            return;
        }
        buf_printf(&text, "%s 0x%lX=", a->c.id, id);
        if (value)
            buf_printf(&text, "%.9e", *value);
        else
            buf_str(&text, "um");
        end_of_line(&text, i + 2 == c->argc);
    }
    buf_add(c->out, text.p, text.n);
    buf_free(&text);
}

static void ask_level(struct call *c)
{
    buf_printf(c->out, "%d\n", c->s->command_level);
}

/* --- motion -------------------------------------------------------------------------------------------- */

static bool autozero_running(const struct stage_gcs *s)
{
    for (int i = 0; i < s->c.axes; i++)
        if (s->axis[i].autozero)
            return true;
    return false;
}

static double speed_of(const struct stage_axis *a)
{
    return a->velocity_control && a->velocity < a->slew ? a->velocity : a->slew;
}

/* All or nothing. Relative moves count from the target, not from the position. */
static void move(struct call *c, bool relative)
{
    struct pair p[GCS_MAX_ARGS];
    int n = read_numbers(c, p);
    for (int i = 0; i < n; i++) {
        const struct stage_axis *a = p[i].axis;
        if (c->s->refusing) {
            fail(c, GCS_MOTION_MODE);
            return;
        }
        if (autozero_running(c->s)) {
            fail(c, GCS_AUTOZERO);
            return;
        }
        if (!a->servo) {
            fail(c, GCS_SERVO_OFF);
            return;
        }
        if (relative)
            p[i].value += a->commanded;
        if (p[i].value < a->c.low || p[i].value > a->c.high) {
            fail(c, GCS_POSITION_LIMIT);
            return;
        }
    }
    bool sideways = false;
    for (int i = 0; i < n; i++) {
        stage_axis_go(c->s, p[i].axis, p[i].value, speed_of(p[i].axis));
        sideways |= p[i].axis->c.world < 2;
    }
    if (sideways)
        stage_new_place(c->s);
}

static void do_move(struct call *c)
{
    move(c, false);
}

static void do_move_relative(struct call *c)
{
    move(c, true);
}

static void do_velocity(struct call *c)
{
    struct pair p[GCS_MAX_ARGS];
    int n = read_numbers(c, p);
    for (int i = 0; i < n; i++)
        if (p[i].value <= 0 || p[i].value > p[i].axis->c.velocity_max) {
            fail(c, GCS_VELOCITY_LIMIT);
            return;
        }
    ns_t now = n ? stage_now(c->s) : 0;
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = p[i].axis;
        a->velocity = p[i].value;
        if (motion_running(&a->m, now) && a->servo && a->velocity_control && !a->autozero &&
            !stage_axis_stuck(c->s, a))
            motion_go(&a->m, now, motion_target(&a->m), speed_of(a));
    }
}

static bool read_switches(struct call *c, struct pair *p, int *n)
{
    *n = read_numbers(c, p);
    for (int i = 0; i < *n; i++)
        if (p[i].value != 0 && p[i].value != 1)
            return fail(c, GCS_PARAMETER_RANGE);
    return *n > 0;
}

static void do_servo(struct call *c)
{
    struct pair p[GCS_MAX_ARGS];
    int n;
    if (!read_switches(c, p, &n))
        return;
    if (autozero_running(c->s)) {
        fail(c, GCS_AUTOZERO);
        return;
    }
    for (int i = 0; i < n; i++) {
        if (p[i].value == 1 && stage_servo_refused(c->s, p[i].axis))
            fail(c, GCS_MOTION_ERROR);
        else
            stage_set_servo(c->s, p[i].axis, p[i].value == 1);
    }
}

static void do_velocity_control(struct call *c)
{
    struct pair p[GCS_MAX_ARGS];
    int n;
    if (read_switches(c, p, &n))
        for (int i = 0; i < n; i++)
            p[i].axis->velocity_control = p[i].value == 1;
}

static void open_loop(struct call *c, bool relative)
{
    struct pair p[GCS_MAX_ARGS];
    int n = read_numbers(c, p);
    for (int i = 0; i < n; i++) {
        if (p[i].axis->servo) {
            fail(c, GCS_SERVO_ON);
            return;
        }
        if (relative)
            p[i].value += p[i].axis->volts;
        if (p[i].value < VOLTS_LOW || p[i].value > VOLTS_HIGH) {
            fail(c, GCS_VOLTAGE_LIMIT);
            return;
        }
    }
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = p[i].axis;
        a->volts = p[i].value;
        if (!stage_axis_stuck(c->s, a)) {
            stage_keep_creep(a, stage_now(c->s)); /* a step goes on from there */
            motion_stop(&a->m, stage_now(c->s));
        }
        stage_axis_go(c->s, a, a->c.low + (a->c.high - a->c.low) * a->volts / FULL_VOLTS + a->crept, a->slew);
    }
}

static void do_open_loop(struct call *c)
{
    open_loop(c, false);
}

static void do_open_loop_relative(struct call *c)
{
    open_loop(c, true);
}

/* Sweeps each axis to the low end, far up, and back to where it was. */
static void do_autozero(struct call *c)
{
    struct pair p[GCS_MAX_ARGS];
    int n = read_pairs(c, p);
    if (!n)
        return;
    if (autozero_running(c->s)) {
        fail(c, GCS_AUTOZERO);
        return;
    }
    ns_t now = stage_now(c->s);
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = p[i].axis;
        a->way[0] = motion_position(&a->m, now);
        a->way[1] = a->c.low + ATZ_FRACTION * (a->c.high - a->c.low);
        a->ways = 2;
        a->autozero = true;
        a->zeroed = false;
        stage_axis_go(c->s, a, a->c.low, a->slew);
    }
}

static void do_stop(struct call *c)
{
    stage_stop(c->s);
}

static void do_halt(struct call *c)
{
    struct stage_axis *axes[GCS_MAX_ARGS];
    if (!c->s->c.halt) {
        fail(c, GCS_UNKNOWN);
        return;
    }
    int n = read_axes(c, axes);
    if (!n)
        return;
    ns_t now = stage_now(c->s);
    for (int i = 0; i < n; i++) {
        struct stage_axis *a = axes[i];
        a->autozero = a->barred = false;
        a->ways = 0;
        if (!stage_axis_stuck(c->s, a))
            motion_halt(&a->m, now, c->s->c.deceleration);
        a->commanded = motion_target(&a->m);
    }
    c->s->error = GCS_STOPPED;
    stage_moving(c->s);
}

/* --- settings ------------------------------------------------------------------------------------------ */

static void do_parameter(struct call *c)
{
    unsigned long id;
    double value;
    if (c->argc != 3) {
        fail(c, GCS_ARGUMENT_COUNT);
        return;
    }
    struct stage_axis *a = find_axis(c->s, c->argv[0]);
    double *where = NULL;
    if (!(a || fail(c, GCS_AXIS)) || !read_parameter(c, c->argv[1], &id) ||
        !((where = parameter_of(a, id)) || fail(c, GCS_UNKNOWN_PARAMETER)) ||
        !(number_parse(c->argv[2], &value) || fail(c, GCS_SYNTAX)))
        return;
    if (c->s->command_level < 1 && id != PARAM_TOLERANCE && id != PARAM_SETTLING)
        fail(c, GCS_COMMAND_LEVEL);
    else if (id != PARAM_LOW && id != PARAM_HIGH && value <= 0)
        fail(c, GCS_PARAMETER_RANGE);
    else
        *where = value;
}

static void do_level(struct call *c)
{
    double level;
    if (!number_parse(c->argv[0], &level))
        fail(c, GCS_SYNTAX);
    else if (level == 0 || (level == 1 && c->argc == 2 && strcasecmp(c->argv[1], "advanced") == 0))
        c->s->command_level = (int)level;
    else
        fail(c, GCS_PARAMETER_RANGE);
}

/* --- table --------------------------------------------------------------------------------------------- */

struct command {
    const char *name;
    int min, max; /* arguments */
    void (*fn)(struct call *c);
    const char *help;
};

static void ask_help(struct call *c);

static const struct command commands[] = {
    {"*IDN?", 0, 0, ask_identity, "Get Device Identification"},
    {"ATZ", 2, GCS_MAX_ARGS, do_autozero, "Set Automatic Zero Point Calibration"},
    {"ATZ?", 0, GCS_MAX_ARGS, ask_autozero, "Get State Of Automatic Zero Point Calibration"},
    {"CCL", 1, 2, do_level, "Set Command Level"},
    {"CCL?", 0, 0, ask_level, "Get Command Level"},
    {"CSV?", 0, 0, ask_syntax, "Get Current Syntax Version"},
    {"ERR?", 0, 0, ask_error, "Get Error Number"},
    {"HLP?", 0, 0, ask_help, "Get List Of Available Commands"},
    {"HLT", 0, GCS_MAX_ARGS, do_halt, "Halt Motion Smoothly"},
    {"MOV", 2, GCS_MAX_ARGS, do_move, "Set Target Position"},
    {"MOV?", 0, GCS_MAX_ARGS, ask_target, "Get Target Position"},
    {"MVR", 2, GCS_MAX_ARGS, do_move_relative, "Set Target Relative To Current Position"},
    {"ONT?", 0, GCS_MAX_ARGS, ask_on_target, "Get On-Target State"},
    {"OVF?", 0, GCS_MAX_ARGS, ask_overflow, "Get Overflow State"},
    {"POS?", 0, GCS_MAX_ARGS, ask_position, "Get Real Position"},
    {"PUN?", 0, GCS_MAX_ARGS, ask_unit, "Get Position Unit"},
    {"SAI?", 0, 1, ask_axes, "Get List Of Current Axis Identifiers"},
    {"SPA", 3, 3, do_parameter, "Set Volatile Memory Parameters"},
    {"SPA?", 2, GCS_MAX_ARGS, ask_parameter, "Get Volatile Memory Parameters"},
    {"SSN?", 0, 0, ask_serial, "Get Device Serial Number"},
    {"STP", 0, 0, do_stop, "Stop All Axes"},
    {"SVA", 2, GCS_MAX_ARGS, do_open_loop, "Set Open-Loop Axis Value"},
    {"SVA?", 0, GCS_MAX_ARGS, ask_open_loop, "Get Open-Loop Axis Value"},
    {"SVO", 2, GCS_MAX_ARGS, do_servo, "Set Servo Mode"},
    {"SVO?", 0, GCS_MAX_ARGS, ask_servo, "Get Servo Mode"},
    {"SVR", 2, GCS_MAX_ARGS, do_open_loop_relative, "Set Relative Open-Loop Axis Value"},
    {"TMN?", 0, GCS_MAX_ARGS, ask_low, "Get Minimum Commandable Position"},
    {"TMX?", 0, GCS_MAX_ARGS, ask_high, "Get Maximum Commandable Position"},
    {"VCO", 2, GCS_MAX_ARGS, do_velocity_control, "Set Velocity Control Mode"},
    {"VCO?", 0, GCS_MAX_ARGS, ask_velocity_control, "Get Velocity Control Mode"},
    {"VEL", 2, GCS_MAX_ARGS, do_velocity, "Set Closed-Loop Velocity"},
    {"VEL?", 0, GCS_MAX_ARGS, ask_velocity, "Get Closed-Loop Velocity"},
    {"VER?", 0, 0, ask_version, "Get Versions Of Firmware"},
    {"VOL?", 0, GCS_MAX_ARGS, ask_volts, "Get Voltage Of Output Signal Channel"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void ask_help(struct call *c)
{
    buf_str(c->out, "The following commands are valid: \n"
                    "#4 Request Status Register \n#5 Request Motion Status \n"
                    "#7 Request Controller Ready Status \n#24 Stop All Axes \n");
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, "HLT") != 0 || c->s->c.halt)
            buf_printf(c->out, "%s %s \n", commands[i].name, commands[i].help);
    buf_str(c->out, "end of help\n");
}

void gcs_execute(struct stage_gcs *s, char *line, struct buf *answer)
{
    char *word[GCS_MAX_ARGS + 2], *rest = NULL;
    int n = 0;
    for (char *w = strtok_r(line, " \t", &rest); w; w = strtok_r(NULL, " \t", &rest)) {
        if (n == GCS_MAX_ARGS + 1) {
            s->error = GCS_ARGUMENT_COUNT;
            return;
        }
        word[n++] = w;
    }
    if (!n)
        return; /* an empty command */
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcasecmp(word[0], commands[i].name) != 0)
            continue;
        if (n - 1 < commands[i].min || n - 1 > commands[i].max)
            s->error = GCS_ARGUMENT_COUNT;
        else
            commands[i].fn(&(struct call){s, n - 1, word + 1, answer});
        return;
    }
    s->error = GCS_UNKNOWN;
}

/* --- control bytes ------------------------------------------------------------------------------------- */

static unsigned moving_mask(const struct stage_gcs *s)
{
    unsigned mask = 0;
    for (int i = 0; i < s->c.axes; i++)
        if (motion_running(&s->axis[i].m, now_of(s)) || s->axis[i].autozero)
            mask |= 1u << i;
    return mask;
}

/* The layout of the status word differs between units; here: bits 0-3 moving, 4-7 servo on, 8-11 on target.
 */
static unsigned status_word(struct stage_gcs *s)
{
    unsigned word = moving_mask(s);
    for (int i = 0; i < s->c.axes; i++) {
        word |= (s->axis[i].servo ? 1u : 0u) << (4 + i);
        word |= (get_on_target(s, &s->axis[i]) != 0 ? 1u : 0u) << (8 + i);
    }
    return word;
}

void gcs_control(struct stage_gcs *s, unsigned char byte, struct buf *answer)
{
    switch (byte) {
    case 0x04:
        buf_printf(answer, "0x%04X\n", status_word(s));
        return;
    case 0x05:
        buf_printf(answer, "%X\n", moving_mask(s));
        return;
    case 0x07:
        buf_char(answer, autozero_running(s) ? (char)0xB0 : (char)0xB1);
        buf_char(answer, '\n');
        return;
    case 0x08:
    case 0x09:
        buf_str(answer, "0\n"); /* no macros, no wave generators */
        return;
    case 0x18:
        stage_stop(s);
        return;
    default: /* #27 is for motor controllers */
        return;
    }
}
