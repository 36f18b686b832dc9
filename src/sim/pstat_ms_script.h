/* Scripts of the simulated MethodSCRIPT device: checked line by line while they are uploaded, kept as
 * operations.
 *
 * Written from the public MethodSCRIPT documentation and PalmSens' own example scripts (github.com/PalmSens/
 * MethodSCRIPT_Examples: 006 for loops, comparisons and variable arithmetic, 016, 034 for breakloop,
 * MSLoopExample 001, 004, 008, 009 for the measurement loops; 006 for arrays with array_get and array_set,
 * 029 for measurement loops within loops, 034 for those within an if). What those do not show is not
 * accepted; there is no absolute value, for instance. Strict on purpose: what a real device might forgive is
 * an error here.
 */
#ifndef SECCM_SIM_PSTAT_MS_SCRIPT_H
#define SECCM_SIM_PSTAT_MS_SCRIPT_H

#include "sim/pstat_ms_value.h"

#define MS_MAX_LINE     255
#define MS_MAX_ARGS     8
#define MS_MAX_VARS     64
#define MS_MAX_OPEN     16 /* nested if and loop */
#define MS_MAX_TEXT     128
#define MS_MAX_ELEMENTS 20000 /* of all arrays together: as many as example 029 takes */

/* Codes of the device that this model uses. */
enum ms_error_code {
    MS_INVALID_TYPE = 0x0002,
    MS_UNKNOWN = 0x0003,
    MS_WRONG_STATE = 0x0006,
    MS_BAD_ARGUMENT = 0x0007,
    MS_TOO_LONG = 0x0008,
    MS_NO_SCRIPT = 0x000C,
    MS_OVERFLOW = 0x000E,
    MS_POTENTIAL = 0x000F,
    MS_OCP_CELL_ON = 0x0014,
    MS_NOT_SUPPORTED = 0x001B,
    MS_STEP_TOO_SMALL = 0x001C,
    MS_PGSTAT_MODE = 0x0021,
    MS_NOT_IN_MODE = 0x0023,
    MS_DIVISION_BY_ZERO = 0x0028,
    MS_TIMING_ERROR = 0x0058,
    MS_UNKNOWN_COMMAND = 0x4001,
    MS_CHARACTER = 0x4004,
    MS_TOO_LARGE = 0x4005,
    MS_MISSING = 0x4007,
    MS_OPTIONAL = 0x4008,
    MS_NESTED = 0x400B,
    MS_ENDED = 0x4018,
    MS_PACKAGE_ORDER = 0x401B,
    MS_DECLARED_TWICE = 0x4026,
    MS_NEEDS_CELL_ON = 0x4027,
    MS_NEEDS_CELL_OFF = 0x4028,
    MS_ARGUMENT_TYPE = 0x4200,
    MS_NOT_POSITIVE = 0x4204,
    MS_OUT_OF_BOUNDS = 0x4205,
    MS_TOO_MANY = 0x420A,
    MS_UNDECLARED = 0x420B,
};

enum ms_op_code {
    MS_VAR,
    MS_STORE,
    MS_COPY,
    MS_ADD,
    MS_SUB,
    MS_MUL,
    MS_DIV,
    MS_ARRAY,
    MS_ARRAY_SET,
    MS_ARRAY_GET,
    MS_CHANNEL,
    MS_MODE,
    MS_BANDWIDTH,
    MS_WINDOW,
    MS_RANGE,
    MS_AUTORANGING,
    MS_SET_E,
    MS_SET_I,
    MS_CELL_ON,
    MS_CELL_OFF,
    MS_LSV,
    MS_CV,
    MS_CA,
    MS_CP,
    MS_OCP,
    MS_SAMPLE,   /* waits for the next sample; `jump` when there is none */
    MS_MEAS_END, /* closes the measurement loop */
    MS_LOOP,
    MS_LOOP_END,
    MS_ENDLOOP, /* word only */
    MS_IF,      /* `jump` if the condition is false; also tests a loop's */
    MS_ELSEIF,
    MS_ELSE,
    MS_ENDIF,
    MS_JUMP,
    MS_BREAK,
    MS_ABORT,
    MS_WAIT,
    MS_TIMER_START,
    MS_TIMER_GET,
    MS_SEND,
    MS_PCK_START,
    MS_PCK_ADD,
    MS_PCK_END,
    MS_FINISHED,
};

enum ms_compare { MS_LESS, MS_GREATER, MS_LESS_EQUAL, MS_GREATER_EQUAL, MS_EQUAL, MS_NOT_EQUAL };

struct ms_arg {
    int var;               /* index, or -1: literal */
    struct ms_value value; /* literal */
    int column;
};

struct ms_op {
    enum ms_op_code code;
    int line;
    int n;
    struct ms_arg arg[MS_MAX_ARGS];
    char type[2];            /* store_var, set_range...: the variable type named */
    enum ms_compare compare; /* conditions: arg[0] compare arg[1] */
    int scans;               /* nscans() */
    int jump;                /* index of an operation */
    int text;                /* send_string: index into texts */
};

/* What the electronics can do, for the checker. */
struct ms_limits {
    double e_low, e_high; /* V */
    double i_max;         /* A */
    double e_step;        /* V, one LSB of the DAC */
    double interval;      /* s, shortest */
    int bytes;            /* of a script */
};

struct ms_error {
    int code, line, column; /* column 0: none */
};

struct ms_script;

struct ms_script *ms_script_new(const struct ms_limits *limits);
void ms_script_free(struct ms_script *s);
/* Next line, without its LF. False: *e says why; the script is of no use any more. */
bool ms_script_line(struct ms_script *s, const char *text, size_t n, struct ms_error *e);
/* The upload is complete: is everything closed? */
bool ms_script_end(struct ms_script *s, struct ms_error *e);

int ms_script_ops(const struct ms_script *s);
const struct ms_op *ms_script_op(const struct ms_script *s, int i);
int ms_script_vars(const struct ms_script *s);
/* Elements of all arrays; where those of variable `var` begin, and how many it has (0: it is no array). */
int ms_script_elements(const struct ms_script *s);
int ms_script_array(const struct ms_script *s, int var, int *first);
const char *ms_script_text(const struct ms_script *s, int i);
/* Index of the first operation behind on_finished:, or the number of operations. */
int ms_script_finished(const struct ms_script *s);

/* Checks the values of an operation's arguments as far as `known`; 0 or a code, and *which argument. Used
 * while compiling for literals and while running for variables. */
int ms_script_check(const struct ms_op *op, const struct ms_limits *limits, const double *values,
                    const bool *known, int *which);

#endif
