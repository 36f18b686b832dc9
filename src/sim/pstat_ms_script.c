/* Compiles MethodSCRIPT line by line into an array of operations with resolved jumps.
 *
 * Open blocks lie on a stack. What must jump to the end of a block before that is known is chained through
 * its `jump` (each to the previous one, -1 ends the chain) and patched when the block closes. */
#include "sim/pstat_ms_script.h"

#include <stdlib.h>

#include "base/buf.h"
#include "sim/pstat_ms_line.h"

struct ms_script *ms_script_new(const struct ms_limits *limits)
{
    struct ms_script *s = xcalloc(1, sizeof *s);
    s->limits = *limits;
    s->finished = -1;
    return s;
}

void ms_script_free(struct ms_script *s)
{
    if (!s)
        return;
    free(s->op);
    buf_free(&s->texts);
    free(s);
}

/* --- blocks -------------------------------------------------------------------------------------------- */

static int emit(struct ms_script *s, const struct ms_op *op)
{
    if (s->ops == s->cap) {
        s->cap = s->cap ? 2 * s->cap : 64;
        s->op = xrealloc(s->op, (size_t)s->cap * sizeof *s->op);
    }
    s->op[s->ops] = *op;
    return s->ops++;
}

static int emit_plain(struct ms_script *s, enum ms_op_code code, int jump)
{
    return emit(s, &(struct ms_op){.code = code, .line = s->line, .jump = jump});
}

static void patch(struct ms_script *s, int chain, int target)
{
    while (chain >= 0) {
        int previous = s->op[chain].jump;
        s->op[chain].jump = target;
        chain = previous;
    }
}

static bool open_block(struct ms_line *l, struct ms_block b)
{
    if (l->s->depth == MS_MAX_OPEN)
        return ms_line_fail(l, MS_OVERFLOW, 1);
    l->s->open[l->s->depth++] = b;
    return true;
}

static struct ms_block *innermost(struct ms_script *s)
{
    return s->depth ? &s->open[s->depth - 1] : NULL;
}

static bool open_meas(struct ms_line *l, const struct ms_op *op, int column)
{
    struct ms_script *s = l->s;
    if (s->in_meas)
        return ms_line_fail(l, MS_NESTED, column);
    s->in_meas = true;
    emit(s, op);
    int sample = emit_plain(s, MS_SAMPLE, -1);
    return open_block(l, (struct ms_block){BLOCK_MEAS, sample, sample, -1, false});
}

static bool open_loop_block(struct ms_line *l, struct ms_op *op)
{
    struct ms_script *s = l->s;
    emit_plain(s, MS_LOOP, -1);
    op->code = MS_IF;
    op->jump = -1;
    int test = emit(s, op);
    return open_block(l, (struct ms_block){BLOCK_LOOP, test, test, -1, false});
}

static bool close_loop(struct ms_line *l, int column)
{
    struct ms_script *s = l->s;
    struct ms_block *b = innermost(s);
    if (!b || b->kind == BLOCK_IF)
        return ms_line_fail(l, MS_ENDED, column);
    emit_plain(s, MS_JUMP, b->head);
    int end = emit_plain(s, b->kind == BLOCK_MEAS ? MS_MEAS_END : MS_LOOP_END, 0);
    s->op[b->test].jump = end;
    patch(s, b->chain, end);
    if (b->kind == BLOCK_MEAS)
        s->in_meas = false;
    s->depth--;
    return true;
}

/* else, elseif: the branch before jumps to the end, its condition to here. */
static bool next_branch(struct ms_line *l, struct ms_op *op, int column)
{
    struct ms_script *s = l->s;
    struct ms_block *b = innermost(s);
    if (!b || b->kind != BLOCK_IF || b->has_else)
        return ms_line_fail(l, MS_ENDED, column);
    b->chain = emit_plain(s, MS_JUMP, b->chain);
    s->op[b->head].jump = s->ops;
    b->head = -1;
    b->has_else = op->code == MS_ELSE;
    if (op->code == MS_ELSEIF) {
        op->code = MS_IF;
        b->head = emit(s, op);
    }
    return true;
}

static bool close_if(struct ms_line *l, int column)
{
    struct ms_script *s = l->s;
    struct ms_block *b = innermost(s);
    if (!b || b->kind != BLOCK_IF)
        return ms_line_fail(l, MS_ENDED, column);
    if (b->head >= 0)
        s->op[b->head].jump = s->ops;
    patch(s, b->chain, s->ops);
    s->depth--;
    return true;
}

static bool break_loop(struct ms_line *l, int column)
{
    struct ms_script *s = l->s;
    for (int i = s->depth - 1; i >= 0; i--)
        if (s->open[i].kind != BLOCK_IF) {
            s->open[i].chain = emit_plain(s, MS_BREAK, s->open[i].chain);
            return true;
        }
    return ms_line_fail(l, MS_ENDED, column);
}

static bool package_word(struct ms_line *l, const struct ms_op *op, int column)
{
    bool open = l->s->in_package;
    if ((op->code == MS_PCK_START) == open)
        return ms_line_fail(l, MS_PACKAGE_ORDER, column);
    l->s->in_package = op->code != MS_PCK_END;
    emit(l->s, op);
    return true;
}

static bool begin_finished(struct ms_line *l, int column)
{
    struct ms_script *s = l->s;
    if (s->depth || s->finished >= 0)
        return ms_line_fail(l, MS_ENDED, column);
    emit_plain(s, MS_FINISHED, 0);
    s->finished = s->ops;
    return true;
}

static bool changes_flow(enum ms_op_code c)
{
    return (c >= MS_LSV && c <= MS_ABORT) || c == MS_FINISHED;
}

static bool add_op(struct ms_line *l, struct ms_op *op, int column)
{
    struct ms_script *s = l->s;
    if (s->in_package && changes_flow(op->code))
        return ms_line_fail(l, MS_PACKAGE_ORDER, column);
    switch (op->code) {
    case MS_VAR:
    case MS_ARRAY:
        return true;
    case MS_LSV:
    case MS_CV:
    case MS_CA:
    case MS_CP:
    case MS_OCP:
        return open_meas(l, op, column);
    case MS_LOOP:
        return open_loop_block(l, op);
    case MS_ENDLOOP:
        return close_loop(l, column);
    case MS_IF:
        return open_block(l, (struct ms_block){BLOCK_IF, emit(s, op), -1, -1, false});
    case MS_ELSEIF:
    case MS_ELSE:
        return next_branch(l, op, column);
    case MS_ENDIF:
        return close_if(l, column);
    case MS_BREAK:
        return break_loop(l, column);
    case MS_PCK_START:
    case MS_PCK_ADD:
    case MS_PCK_END:
        return package_word(l, op, column);
    case MS_FINISHED:
        return begin_finished(l, column);
    default:
        emit(s, op);
        return true;
    }
}

/* --- lines --------------------------------------------------------------------------------------------- */

bool ms_script_line(struct ms_script *s, const char *text, size_t n, struct ms_error *e)
{
    struct ms_line l = {s, text, text + n, text, e};
    struct ms_op op;
    int column;
    s->line++;
    s->bytes += (int)n + 1;
    if (n > MS_MAX_LINE)
        return ms_line_fail(&l, MS_TOO_LONG, MS_MAX_LINE + 1);
    if (s->bytes > s->limits.bytes)
        return ms_line_fail(&l, MS_OVERFLOW, 1);
    if (!ms_line_read(&l, &op, &column))
        return false;
    return !op.line || add_op(&l, &op, column);
}

bool ms_script_end(struct ms_script *s, struct ms_error *e)
{
    if (s->depth || s->in_package) {
        *e = (struct ms_error){MS_ENDED, s->line, 1};
        return false;
    }
    if (s->finished < 0)
        s->finished = s->ops;
    return true;
}

int ms_script_ops(const struct ms_script *s)
{
    return s->ops;
}

const struct ms_op *ms_script_op(const struct ms_script *s, int i)
{
    return &s->op[i];
}

int ms_script_vars(const struct ms_script *s)
{
    return s->vars;
}

int ms_script_elements(const struct ms_script *s)
{
    return s->elements;
}

int ms_script_array(const struct ms_script *s, int var, int *first)
{
    *first = s->array[var].first;
    return s->array[var].n;
}

const char *ms_script_text(const struct ms_script *s, int i)
{
    return s->texts.p + i;
}

int ms_script_finished(const struct ms_script *s)
{
    return s->finished;
}