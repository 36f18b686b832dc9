/* One line of a script under compilation, and the script as far as it is compiled. Private to pstat_ms_line.c
 * and pstat_ms_script.c. */
#ifndef SECCM_SIM_PSTAT_MS_LINE_H
#define SECCM_SIM_PSTAT_MS_LINE_H

#include "base/buf.h"
#include "sim/pstat_ms_script.h"

enum ms_block_kind { BLOCK_IF, BLOCK_LOOP, BLOCK_MEAS };

struct ms_block {
    enum ms_block_kind kind;
    int head;  /* IF: the condition waiting for its jump, -1 after else; loops: where to go on */
    int test;  /* loops: the operation that leaves the loop */
    int chain; /* jumps to the end */
    bool has_else;
};

struct ms_script {
    struct ms_limits limits;
    struct ms_op *op;
    int ops, cap;
    char var[MS_MAX_VARS][32];
    int vars;
    struct {
        int first, n; /* elements; n 0: no array */
    } array[MS_MAX_VARS];
    int elements;
    struct buf texts; /* NUL-separated */
    struct ms_block open[MS_MAX_OPEN];
    int depth;
    bool in_meas, in_package;
    int finished; /* -1: none yet */
    int line, bytes;
};

struct ms_token {
    const char *p;
    int n, column;
};

/* Everything about the line being compiled. */
struct ms_line {
    struct ms_script *s;
    const char *text, *end, *p;
    struct ms_error *e;
};

/* Leaves the code for the present line; always false. */
bool ms_line_fail(struct ms_line *l, int code, int column);
/* Reads the line's command and its arguments into *op; *column is where it began. False after an error. A
 * blank line or a comment leaves op->line 0. */
bool ms_line_read(struct ms_line *l, struct ms_op *op, int *column);

#endif
