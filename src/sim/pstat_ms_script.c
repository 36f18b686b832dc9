/* Compiles MethodSCRIPT line by line into an array of operations with resolved jumps.
 *
 * Open blocks lie on a stack. What must jump to the end of a block before that is known is chained through
 * its `jump` (each to the previous one, -1 ends the chain) and patched when the block closes. */
#include "sim/pstat_ms_script.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* Arguments, one letter each: n new variable, m its number of elements, r array, v variable that is written,
 * x number or variable that is read, i integer literal, t variable type, c comparison, s text in quotes. In
 * brackets: a fixed set of types. */
struct word {
    const char *name;
    enum ms_op_code code;
    const char *args;
    const char *types; /* for t: those allowed, NULL = any known */
    bool scans;        /* takes nscans() */
};

static const struct word words[] = {
    {"var", MS_VAR, "n", NULL, false},
    {"store_var", MS_STORE, "vxt", NULL, false},
    {"copy_var", MS_COPY, "xv", NULL, false},
    {"add_var", MS_ADD, "vx", NULL, false},
    {"sub_var", MS_SUB, "vx", NULL, false},
    {"mul_var", MS_MUL, "vx", NULL, false},
    {"div_var", MS_DIV, "vx", NULL, false},
    {"array", MS_ARRAY, "nm", NULL, false},
    {"array_set", MS_ARRAY_SET, "rxx", NULL, false},
    {"array_get", MS_ARRAY_GET, "rxv", NULL, false},
    {"set_pgstat_chan", MS_CHANNEL, "x", NULL, false},
    {"set_pgstat_mode", MS_MODE, "x", NULL, false},
    {"set_max_bandwidth", MS_BANDWIDTH, "x", NULL, false},
    {"set_range_minmax", MS_WINDOW, "txx", "da", false},
    {"set_range", MS_RANGE, "tx", "ba ab db", false},
    {"set_autoranging", MS_AUTORANGING, "txx", "ba ab db", false},
    {"set_e", MS_SET_E, "x", NULL, false},
    {"set_i", MS_SET_I, "x", NULL, false},
    {"cell_on", MS_CELL_ON, "", NULL, false},
    {"cell_off", MS_CELL_OFF, "", NULL, false},
    {"meas_loop_lsv", MS_LSV, "vvxxxx", NULL, false},
    {"meas_loop_cv", MS_CV, "vvxxxxx", NULL, true},
    {"meas_loop_ca", MS_CA, "vvxxx", NULL, false},
    {"meas_loop_cp", MS_CP, "vvxxx", NULL, false},
    {"meas_loop_ocp", MS_OCP, "vxx", NULL, false},
    {"loop", MS_LOOP, "xcx", NULL, false},
    {"endloop", MS_ENDLOOP, "", NULL, false},
    {"if", MS_IF, "xcx", NULL, false},
    {"elseif", MS_ELSEIF, "xcx", NULL, false},
    {"else", MS_ELSE, "", NULL, false},
    {"endif", MS_ENDIF, "", NULL, false},
    {"breakloop", MS_BREAK, "", NULL, false},
    {"abort", MS_ABORT, "", NULL, false},
    {"wait", MS_WAIT, "x", NULL, false},
    {"timer_start", MS_TIMER_START, "", NULL, false},
    {"timer_get", MS_TIMER_GET, "v", NULL, false},
    {"send_string", MS_SEND, "s", NULL, false},
    {"pck_start", MS_PCK_START, "", NULL, false},
    {"pck_add", MS_PCK_ADD, "v", NULL, false},
    {"pck_end", MS_PCK_END, "", NULL, false},
    {"on_finished:", MS_FINISHED, "", NULL, false},
};

static const char *const comparisons[] = {
    [MS_LESS] = "<",           [MS_GREATER] = ">", [MS_LESS_EQUAL] = "<=",
    [MS_GREATER_EQUAL] = ">=", [MS_EQUAL] = "==",  [MS_NOT_EQUAL] = "!=",
};

/* First letters and the last second letter of the documented variable types. */
static const char *const type_groups[] = {"ai", "ba", "bb", "cz", "dd", "eg", "hd", "id", "jd"};

enum block_kind { BLOCK_IF, BLOCK_LOOP, BLOCK_MEAS };

struct block {
    enum block_kind kind;
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
    struct block open[MS_MAX_OPEN];
    int depth;
    bool in_meas, in_package;
    int finished; /* -1: none yet */
    int line, bytes;
};

struct token {
    const char *p;
    int n, column;
};

/* Everything about the line being compiled. */
struct line {
    struct ms_script *s;
    const char *text, *end, *p;
    struct ms_error *e;
};

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

/* --- words --------------------------------------------------------------------------------------------- */

static bool fail_at(struct line *l, int code, int column)
{
    *l->e = (struct ms_error){code, l->s->line, column};
    return false;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Next word of the line; false at its end or at a comment. */
static bool next_token(struct line *l, struct token *t)
{
    while (l->p < l->end && blank(*l->p))
        l->p++;
    if (l->p == l->end || *l->p == '#')
        return false;
    t->p = l->p;
    t->column = (int)(l->p - l->text) + 1;
    while (l->p < l->end && !blank(*l->p) && *l->p != '#')
        l->p++;
    t->n = (int)(l->p - t->p);
    return true;
}

static bool is(const struct token *t, const char *word)
{
    return (int)strlen(word) == t->n && memcmp(t->p, word, (size_t)t->n) == 0;
}

static bool is_name(const struct token *t)
{
    if (t->p[0] < 'a' || t->p[0] > 'z' || t->n >= 32)
        return false;
    for (int i = 0; i < t->n; i++)
        if (!((t->p[i] >= 'a' && t->p[i] <= 'z') || (t->p[i] >= '0' && t->p[i] <= '9') || t->p[i] == '_'))
            return false;
    return true;
}

static int find_var(const struct ms_script *s, const struct token *t)
{
    for (int i = 0; i < s->vars; i++)
        if (is(t, s->var[i]))
            return i;
    return -1;
}

static bool declare(struct line *l, const struct token *t)
{
    if (!is_name(t))
        return fail_at(l, MS_CHARACTER, t->column);
    if (find_var(l->s, t) >= 0)
        return fail_at(l, MS_DECLARED_TWICE, t->column);
    if (l->s->vars == MS_MAX_VARS)
        return fail_at(l, MS_OVERFLOW, t->column);
    char *name = l->s->var[l->s->vars++];
    memcpy(name, t->p, (size_t)t->n);
    name[t->n] = 0;
    return true;
}

static bool read_var(struct line *l, const struct token *t, bool array, struct ms_arg *a)
{
    if (!is_name(t))
        return fail_at(l, MS_ARGUMENT_TYPE, t->column);
    a->var = find_var(l->s, t);
    if (a->var < 0)
        return fail_at(l, MS_UNDECLARED, t->column);
    return (l->s->array[a->var].n > 0) == array || fail_at(l, MS_ARGUMENT_TYPE, t->column);
}

static bool read_number(struct line *l, const struct token *t, struct ms_arg *a)
{
    char text[40];
    if (t->n >= (int)sizeof text)
        return fail_at(l, MS_TOO_LARGE, t->column);
    memcpy(text, t->p, (size_t)t->n);
    text[t->n] = 0;
    int at = 0;
    int code = ms_number_read(text, &a->value, &at);
    a->var = -1;
    return !code || fail_at(l, code, t->column + (code == MS_CHARACTER ? at : 0));
}

/* Makes the variable declared last an array. */
static bool read_size(struct line *l, const struct token *t)
{
    struct ms_script *s = l->s;
    struct ms_arg a;
    if (!read_number(l, t, &a))
        return false;
    if (!a.value.integer)
        return fail_at(l, MS_ARGUMENT_TYPE, t->column);
    if (!(a.value.v > 0))
        return fail_at(l, MS_NOT_POSITIVE, t->column);
    if (a.value.v > MS_MAX_ELEMENTS - s->elements)
        return fail_at(l, MS_OUT_OF_BOUNDS, t->column);
    s->array[s->vars - 1].first = s->elements;
    s->array[s->vars - 1].n = (int)a.value.v;
    s->elements += (int)a.value.v;
    return true;
}

static bool read_type(struct line *l, const struct token *t, const struct word *w, struct ms_op *op)
{
    bool known = false;
    for (size_t i = 0; i < sizeof type_groups / sizeof type_groups[0]; i++)
        known |= t->n == 2 && t->p[0] == type_groups[i][0] && t->p[1] >= 'a' &&
                 (t->p[1] <= type_groups[i][1] || (t->p[0] == 'a' && t->p[1] >= 's' && t->p[1] <= 'z'));
    if (!known)
        return fail_at(l, MS_INVALID_TYPE, t->column);
    if (w->types) {
        char type[3] = {t->p[0], t->p[1], 0};
        if (!strstr(w->types, type))
            return fail_at(l, MS_BAD_ARGUMENT, t->column);
    }
    memcpy(op->type, t->p, 2);
    return true;
}

static bool read_compare(struct line *l, const struct token *t, struct ms_op *op)
{
    for (int i = 0; i < 6; i++)
        if (is(t, comparisons[i])) {
            op->compare = (enum ms_compare)i;
            return true;
        }
    return fail_at(l, MS_CHARACTER, t->column);
}

/* Text in double quotes; may hold blanks and #. */
static bool read_text(struct line *l, struct ms_op *op)
{
    while (l->p < l->end && blank(*l->p))
        l->p++;
    int column = (int)(l->p - l->text) + 1;
    if (l->p == l->end)
        return fail_at(l, MS_MISSING, column);
    const char *close = memchr(l->p + 1, '"', (size_t)(l->end - l->p - 1));
    if (*l->p != '"' || !close)
        return fail_at(l, MS_CHARACTER, column);
    if (close - l->p - 1 > MS_MAX_TEXT)
        return fail_at(l, MS_TOO_LONG, column);
    op->text = (int)l->s->texts.n;
    buf_add(&l->s->texts, l->p + 1, (size_t)(close - l->p - 1));
    buf_char(&l->s->texts, 0);
    l->p = close + 1;
    return true;
}

/* nscans(n) is the one optional argument that is known. */
static bool read_optional(struct line *l, const struct token *t, const struct word *w, struct ms_op *op)
{
    const char *open = memchr(t->p, '(', (size_t)t->n);
    if (!open)
        return fail_at(l, MS_TOO_MANY, t->column);
    char number[12];
    int n = (int)(t->p + t->n - open) - 2;
    bool scans = w->scans && open - t->p == 6 && memcmp(t->p, "nscans", 6) == 0;
    if (!scans || n < 1 || n >= (int)sizeof number || t->p[t->n - 1] != ')')
        return fail_at(l, MS_OPTIONAL, t->column);
    memcpy(number, open + 1, (size_t)n);
    number[n] = 0;
    struct ms_value v;
    int at;
    int code = ms_number_read(number, &v, &at);
    if (code)
        return fail_at(l, code, t->column);
    if (v.v < 1 || v.v != floor(v.v) || v.v > 65535)
        return fail_at(l, v.v <= 0 ? MS_NOT_POSITIVE : MS_OUT_OF_BOUNDS, t->column);
    op->scans = (int)v.v;
    return true;
}

static bool read_argument(struct line *l, const struct word *w, char kind, const struct token *t,
                          struct ms_op *op)
{
    struct ms_arg *a = &op->arg[op->n];
    switch (kind) {
    case 'n':
        return declare(l, t);
    case 'm':
        return read_size(l, t);
    case 't':
        return read_type(l, t, w, op);
    case 'c':
        return read_compare(l, t, op);
    case 'r':
    case 'v':
    case 'x':
        a->column = t->column;
        op->n++;
        return kind != 'x' || is_name(t) ? read_var(l, t, kind == 'r', a) : read_number(l, t, a);
    }
    return false;
}

static bool read_arguments(struct line *l, const struct word *w, struct ms_op *op)
{
    struct token t;
    for (const char *kind = w->args; *kind; kind++) {
        if (*kind == 's') {
            if (!read_text(l, op))
                return false;
            continue;
        }
        if (!next_token(l, &t))
            return fail_at(l, MS_MISSING, (int)(l->end - l->text) + 1);
        if (!read_argument(l, w, *kind, &t, op))
            return false;
    }
    while (next_token(l, &t))
        if (!read_optional(l, &t, w, op))
            return false;
    return true;
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

static bool open_block(struct line *l, struct block b)
{
    if (l->s->depth == MS_MAX_OPEN)
        return fail_at(l, MS_OVERFLOW, 1);
    l->s->open[l->s->depth++] = b;
    return true;
}

static struct block *innermost(struct ms_script *s)
{
    return s->depth ? &s->open[s->depth - 1] : NULL;
}

static bool open_meas(struct line *l, const struct ms_op *op, int column)
{
    struct ms_script *s = l->s;
    if (s->in_meas)
        return fail_at(l, MS_NESTED, column);
    s->in_meas = true;
    emit(s, op);
    int sample = emit_plain(s, MS_SAMPLE, -1);
    return open_block(l, (struct block){BLOCK_MEAS, sample, sample, -1, false});
}

static bool open_loop_block(struct line *l, struct ms_op *op)
{
    struct ms_script *s = l->s;
    emit_plain(s, MS_LOOP, -1);
    op->code = MS_IF;
    op->jump = -1;
    int test = emit(s, op);
    return open_block(l, (struct block){BLOCK_LOOP, test, test, -1, false});
}

static bool close_loop(struct line *l, int column)
{
    struct ms_script *s = l->s;
    struct block *b = innermost(s);
    if (!b || b->kind == BLOCK_IF)
        return fail_at(l, MS_ENDED, column);
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
static bool next_branch(struct line *l, struct ms_op *op, int column)
{
    struct ms_script *s = l->s;
    struct block *b = innermost(s);
    if (!b || b->kind != BLOCK_IF || b->has_else)
        return fail_at(l, MS_ENDED, column);
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

static bool close_if(struct line *l, int column)
{
    struct ms_script *s = l->s;
    struct block *b = innermost(s);
    if (!b || b->kind != BLOCK_IF)
        return fail_at(l, MS_ENDED, column);
    if (b->head >= 0)
        s->op[b->head].jump = s->ops;
    patch(s, b->chain, s->ops);
    s->depth--;
    return true;
}

static bool break_loop(struct line *l, int column)
{
    struct ms_script *s = l->s;
    for (int i = s->depth - 1; i >= 0; i--)
        if (s->open[i].kind != BLOCK_IF) {
            s->open[i].chain = emit_plain(s, MS_BREAK, s->open[i].chain);
            return true;
        }
    return fail_at(l, MS_ENDED, column);
}

static bool package_word(struct line *l, const struct ms_op *op, int column)
{
    bool open = l->s->in_package;
    if ((op->code == MS_PCK_START) == open)
        return fail_at(l, MS_PACKAGE_ORDER, column);
    l->s->in_package = op->code != MS_PCK_END;
    emit(l->s, op);
    return true;
}

static bool begin_finished(struct line *l, int column)
{
    struct ms_script *s = l->s;
    if (s->depth || s->finished >= 0)
        return fail_at(l, MS_ENDED, column);
    emit_plain(s, MS_FINISHED, 0);
    s->finished = s->ops;
    return true;
}

static bool changes_flow(enum ms_op_code c)
{
    return (c >= MS_LSV && c <= MS_ABORT) || c == MS_FINISHED;
}

static bool add_op(struct line *l, struct ms_op *op, int column)
{
    struct ms_script *s = l->s;
    if (s->in_package && changes_flow(op->code))
        return fail_at(l, MS_PACKAGE_ORDER, column);
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
        return open_block(l, (struct block){BLOCK_IF, emit(s, op), -1, -1, false});
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

static bool check_literals(struct line *l, const struct ms_op *op)
{
    double values[MS_MAX_ARGS] = {0};
    bool known[MS_MAX_ARGS] = {false};
    for (int i = 0; i < op->n; i++) {
        known[i] = op->arg[i].var < 0;
        values[i] = op->arg[i].value.v;
    }
    int which = 0;
    int code = ms_script_check(op, &l->s->limits, values, known, &which);
    return !code || fail_at(l, code, op->n ? op->arg[which].column : 1);
}

bool ms_script_line(struct ms_script *s, const char *text, size_t n, struct ms_error *e)
{
    struct line l = {s, text, text + n, text, e};
    s->line++;
    s->bytes += (int)n + 1;
    if (n > MS_MAX_LINE)
        return fail_at(&l, MS_TOO_LONG, MS_MAX_LINE + 1);
    if (s->bytes > s->limits.bytes)
        return fail_at(&l, MS_OVERFLOW, 1);
    struct token t;
    if (!next_token(&l, &t))
        return true; /* blank, or a comment */
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!is(&t, words[i].name))
            continue;
        struct ms_op op = {.code = words[i].code, .line = s->line, .scans = 1};
        return read_arguments(&l, &words[i], &op) && check_literals(&l, &op) && add_op(&l, &op, t.column);
    }
    return fail_at(&l, MS_UNKNOWN_COMMAND, t.column);
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
