/* The commands of the simulated piezo controller: one table, one function per command.
 *
 * A command is carried out wholly or not at all: every function checks all its arguments before it changes
 * anything. Failing commands say nothing; the last error's code waits in one slot until ERR? reads and clears
 * it. What they do is in gcs_query.c, gcs_motion.c and gcs_parameter.c. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sim/gcs_call.h"

struct command {
    const char *name;
    int min, max; /* arguments */
    void (*fn)(struct gcs_call *c);
    const char *help;
};

static void ask_help(struct gcs_call *c);

static const struct command commands[] = {
    {"*IDN?", 0, 0, gcs_ask_identity, "Get Device Identification"},
    {"ATZ", 2, GCS_MAX_ARGS, gcs_do_autozero, "Set Automatic Zero Point Calibration"},
    {"ATZ?", 0, GCS_MAX_ARGS, gcs_ask_autozero, "Get State Of Automatic Zero Point Calibration"},
    {"CCL", 1, 2, gcs_do_level, "Set Command Level"},
    {"CCL?", 0, 0, gcs_ask_level, "Get Command Level"},
    {"CSV?", 0, 0, gcs_ask_syntax, "Get Current Syntax Version"},
    {"ERR?", 0, 0, gcs_ask_error, "Get Error Number"},
    {"HLP?", 0, 0, ask_help, "Get List Of Available Commands"},
    {"HLT", 0, GCS_MAX_ARGS, gcs_do_halt, "Halt Motion Smoothly"},
    {"MOV", 2, GCS_MAX_ARGS, gcs_do_move, "Set Target Position"},
    {"MOV?", 0, GCS_MAX_ARGS, gcs_ask_target, "Get Target Position"},
    {"MVR", 2, GCS_MAX_ARGS, gcs_do_move_relative, "Set Target Relative To Current Position"},
    {"ONT?", 0, GCS_MAX_ARGS, gcs_ask_on_target, "Get On-Target State"},
    {"OVF?", 0, GCS_MAX_ARGS, gcs_ask_overflow, "Get Overflow State"},
    {"POS?", 0, GCS_MAX_ARGS, gcs_ask_position, "Get Real Position"},
    {"PUN?", 0, GCS_MAX_ARGS, gcs_ask_unit, "Get Position Unit"},
    {"SAI?", 0, 1, gcs_ask_axes, "Get List Of Current Axis Identifiers"},
    {"SPA", 3, 3, gcs_do_parameter, "Set Volatile Memory Parameters"},
    {"SPA?", 2, GCS_MAX_ARGS, gcs_ask_parameter, "Get Volatile Memory Parameters"},
    {"SSN?", 0, 0, gcs_ask_serial, "Get Device Serial Number"},
    {"STP", 0, 0, gcs_do_stop, "Stop All Axes"},
    {"SVA", 2, GCS_MAX_ARGS, gcs_do_open_loop, "Set Open-Loop Axis Value"},
    {"SVA?", 0, GCS_MAX_ARGS, gcs_ask_open_loop, "Get Open-Loop Axis Value"},
    {"SVO", 2, GCS_MAX_ARGS, gcs_do_servo, "Set Servo Mode"},
    {"SVO?", 0, GCS_MAX_ARGS, gcs_ask_servo, "Get Servo Mode"},
    {"SVR", 2, GCS_MAX_ARGS, gcs_do_open_loop_relative, "Set Relative Open-Loop Axis Value"},
    {"TMN?", 0, GCS_MAX_ARGS, gcs_ask_low, "Get Minimum Commandable Position"},
    {"TMX?", 0, GCS_MAX_ARGS, gcs_ask_high, "Get Maximum Commandable Position"},
    {"VCO", 2, GCS_MAX_ARGS, gcs_do_velocity_control, "Set Velocity Control Mode"},
    {"VCO?", 0, GCS_MAX_ARGS, gcs_ask_velocity_control, "Get Velocity Control Mode"},
    {"VEL", 2, GCS_MAX_ARGS, gcs_do_velocity, "Set Closed-Loop Velocity"},
    {"VEL?", 0, GCS_MAX_ARGS, gcs_ask_velocity, "Get Closed-Loop Velocity"},
    {"VER?", 0, 0, gcs_ask_version, "Get Versions Of Firmware"},
    {"VOL?", 0, GCS_MAX_ARGS, gcs_ask_volts, "Get Voltage Of Output Signal Channel"},
};

#define COMMANDS (sizeof commands / sizeof commands[0])

static void ask_help(struct gcs_call *c)
{
    buf_str(c->out, "The following commands are valid: \n"
                    "#4 Request Status Register \n#5 Request Motion Status \n"
                    "#7 Request Controller Ready Status \n#24 Stop All Axes \n");
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, "HLT") != 0 || c->s->c.halt)
            buf_printf(c->out, "%s %s \n", commands[i].name, commands[i].help);
    buf_str(c->out, "end of help\n");
}

/* Error 10 of a stop is none that blocks. */
static bool blocked(const struct stage_gcs *s, const char *command)
{
    static const char *const heard[] = {"*IDN?", "ERR?", "CSV?"};
    bool is_heard = !s->c.error_blocks || s->error == GCS_OK || s->error == GCS_STOPPED;
    for (size_t k = 0; command && k < sizeof heard / sizeof heard[0]; k++)
        is_heard = is_heard || strcasecmp(command, heard[k]) == 0;
    return !is_heard;
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
    if (!n || blocked(s, word[0])) /* an empty command */
        return;
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcasecmp(word[0], commands[i].name) != 0)
            continue;
        if (n - 1 < commands[i].min || n - 1 > commands[i].max)
            s->error = GCS_ARGUMENT_COUNT;
        else
            commands[i].fn(&(struct gcs_call){s, n - 1, word + 1, answer});
        return;
    }
    s->error = GCS_UNKNOWN;
}

/* --- control bytes ------------------------------------------------------------------------------------- */

static unsigned moving_mask(const struct stage_gcs *s)
{
    unsigned mask = 0;
    for (int i = 0; i < s->c.axes; i++)
        if (motion_running(&s->axis[i].m, gcs_now(s)) || s->axis[i].autozero)
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
        word |= (gcs_on_target(s, &s->axis[i]) != 0 ? 1u : 0u) << (8 + i);
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
        buf_char(answer, gcs_autozero_running(s) ? (char)0xB0 : (char)0xB1);
        buf_char(answer, '\n');
        return;
    case 0x08:
    case 0x09:
        buf_str(answer, "0\n"); /* no macros, no wave generators */
        return;
    case 0x18:
        if (!blocked(s, NULL))
            stage_stop(s);
        return;
    default: /* #27 is for motor controllers */
        return;
    }
}
