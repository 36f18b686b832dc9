/* Reads one line of a script: its command by the table of words, its arguments by the command's letters. */
#include "sim/pstat_ms_line.h"

#include <math.h>
#include <string.h>

/* Arguments, one letter each: n new variable, m its number of elements, r array, v variable that is written,
 * x number or variable that is read, i integer literal, t variable type, c comparison, s text in quotes. In
 * brackets: a fixed set of types. */
struct ms_word {
    const char *name;
    enum ms_op_code code;
    const char *args;
    const char *types; /* for t: those allowed, NULL = any known */
    bool scans;        /* takes nscans() */
};

static const struct ms_word words[] = {
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

bool ms_line_fail(struct ms_line *l, int code, int column)
{
    *l->e = (struct ms_error){code, l->s->line, column};
    return false;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Next word of the line; false at its end or at a comment. */
static bool next_token(struct ms_line *l, struct ms_token *t)
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

static bool is(const struct ms_token *t, const char *word)
{
    return (int)strlen(word) == t->n && memcmp(t->p, word, (size_t)t->n) == 0;
}

static bool is_name(const struct ms_token *t)
{
    if (t->p[0] < 'a' || t->p[0] > 'z' || t->n >= 32)
        return false;
    for (int i = 0; i < t->n; i++)
        if (!((t->p[i] >= 'a' && t->p[i] <= 'z') || (t->p[i] >= '0' && t->p[i] <= '9') || t->p[i] == '_'))
            return false;
    return true;
}

static int find_var(const struct ms_script *s, const struct ms_token *t)
{
    for (int i = 0; i < s->vars; i++)
        if (is(t, s->var[i]))
            return i;
    return -1;
}

static bool declare(struct ms_line *l, const struct ms_token *t)
{
    if (!is_name(t))
        return ms_line_fail(l, MS_CHARACTER, t->column);
    if (find_var(l->s, t) >= 0)
        return ms_line_fail(l, MS_DECLARED_TWICE, t->column);
    if (l->s->vars == MS_MAX_VARS)
        return ms_line_fail(l, MS_OVERFLOW, t->column);
    char *name = l->s->var[l->s->vars++];
    memcpy(name, t->p, (size_t)t->n);
    name[t->n] = 0;
    return true;
}

static bool read_var(struct ms_line *l, const struct ms_token *t, bool array, struct ms_arg *a)
{
    if (!is_name(t))
        return ms_line_fail(l, MS_ARGUMENT_TYPE, t->column);
    a->var = find_var(l->s, t);
    if (a->var < 0)
        return ms_line_fail(l, MS_UNDECLARED, t->column);
    return (l->s->array[a->var].n > 0) == array || ms_line_fail(l, MS_ARGUMENT_TYPE, t->column);
}

static bool read_number(struct ms_line *l, const struct ms_token *t, struct ms_arg *a)
{
    char text[40];
    if (t->n >= (int)sizeof text)
        return ms_line_fail(l, MS_TOO_LARGE, t->column);
    memcpy(text, t->p, (size_t)t->n);
    text[t->n] = 0;
    int at = 0;
    int code = ms_number_read(text, &a->value, &at);
    a->var = -1;
    return !code || ms_line_fail(l, code, t->column + (code == MS_CHARACTER ? at : 0));
}

/* Makes the variable declared last an array. */
static bool read_size(struct ms_line *l, const struct ms_token *t)
{
    struct ms_script *s = l->s;
    struct ms_arg a;
    if (!read_number(l, t, &a))
        return false;
    if (!a.value.integer)
        return ms_line_fail(l, MS_ARGUMENT_TYPE, t->column);
    if (!(a.value.v > 0))
        return ms_line_fail(l, MS_NOT_POSITIVE, t->column);
    if (a.value.v > MS_MAX_ELEMENTS - s->elements)
        return ms_line_fail(l, MS_OUT_OF_BOUNDS, t->column);
    s->array[s->vars - 1].first = s->elements;
    s->array[s->vars - 1].n = (int)a.value.v;
    s->elements += (int)a.value.v;
    return true;
}

static bool read_type(struct ms_line *l, const struct ms_token *t, const struct ms_word *w, struct ms_op *op)
{
    bool known = false;
    for (size_t i = 0; i < sizeof type_groups / sizeof type_groups[0]; i++)
        known |= t->n == 2 && t->p[0] == type_groups[i][0] && t->p[1] >= 'a' &&
                 (t->p[1] <= type_groups[i][1] || (t->p[0] == 'a' && t->p[1] >= 's' && t->p[1] <= 'z'));
    if (!known)
        return ms_line_fail(l, MS_INVALID_TYPE, t->column);
    if (w->types) {
        char type[3] = {t->p[0], t->p[1], 0};
        if (!strstr(w->types, type))
            return ms_line_fail(l, MS_BAD_ARGUMENT, t->column);
    }
    memcpy(op->type, t->p, 2);
    return true;
}

static bool read_compare(struct ms_line *l, const struct ms_token *t, struct ms_op *op)
{
    for (int i = 0; i < 6; i++)
        if (is(t, comparisons[i])) {
            op->compare = (enum ms_compare)i;
            return true;
        }
    return ms_line_fail(l, MS_CHARACTER, t->column);
}

/* Text in double quotes; may hold blanks and #. */
static bool read_text(struct ms_line *l, struct ms_op *op)
{
    while (l->p < l->end && blank(*l->p))
        l->p++;
    int column = (int)(l->p - l->text) + 1;
    if (l->p == l->end)
        return ms_line_fail(l, MS_MISSING, column);
    const char *close = memchr(l->p + 1, '"', (size_t)(l->end - l->p - 1));
    if (*l->p != '"' || !close)
        return ms_line_fail(l, MS_CHARACTER, column);
    if (close - l->p - 1 > MS_MAX_TEXT)
        return ms_line_fail(l, MS_TOO_LONG, column);
    op->text = (int)l->s->texts.n;
    buf_add(&l->s->texts, l->p + 1, (size_t)(close - l->p - 1));
    buf_char(&l->s->texts, 0);
    l->p = close + 1;
    return true;
}

/* nscans(n) is the one optional argument that is known. */
static bool read_optional(struct ms_line *l, const struct ms_token *t, const struct ms_word *w,
                          struct ms_op *op)
{
    const char *open = memchr(t->p, '(', (size_t)t->n);
    if (!open)
        return ms_line_fail(l, MS_TOO_MANY, t->column);
    char number[12];
    int n = (int)(t->p + t->n - open) - 2;
    bool scans = w->scans && open - t->p == 6 && memcmp(t->p, "nscans", 6) == 0;
    if (!scans || n < 1 || n >= (int)sizeof number || t->p[t->n - 1] != ')')
        return ms_line_fail(l, MS_OPTIONAL, t->column);
    memcpy(number, open + 1, (size_t)n);
    number[n] = 0;
    struct ms_value v;
    int at;
    int code = ms_number_read(number, &v, &at);
    if (code)
        return ms_line_fail(l, code, t->column);
    if (v.v < 1 || v.v != floor(v.v) || v.v > 65535)
        return ms_line_fail(l, v.v <= 0 ? MS_NOT_POSITIVE : MS_OUT_OF_BOUNDS, t->column);
    op->scans = (int)v.v;
    return true;
}

static bool read_argument(struct ms_line *l, const struct ms_word *w, char kind, const struct ms_token *t,
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

static bool read_arguments(struct ms_line *l, const struct ms_word *w, struct ms_op *op)
{
    struct ms_token t;
    for (const char *kind = w->args; *kind; kind++) {
        if (*kind == 's') {
            if (!read_text(l, op))
                return false;
            continue;
        }
        if (!next_token(l, &t))
            return ms_line_fail(l, MS_MISSING, (int)(l->end - l->text) + 1);
        if (!read_argument(l, w, *kind, &t, op))
            return false;
    }
    while (next_token(l, &t))
        if (!read_optional(l, &t, w, op))
            return false;
    return true;
}

static bool check_literals(struct ms_line *l, const struct ms_op *op)
{
    double values[MS_MAX_ARGS] = {0};
    bool known[MS_MAX_ARGS] = {false};
    for (int i = 0; i < op->n; i++) {
        known[i] = op->arg[i].var < 0;
        values[i] = op->arg[i].value.v;
    }
    int which = 0;
    int code = ms_script_check(op, &l->s->limits, values, known, &which);
    return !code || ms_line_fail(l, code, op->n ? op->arg[which].column : 1);
}

bool ms_line_read(struct ms_line *l, struct ms_op *op, int *column)
{
    struct ms_token t;
    *op = (struct ms_op){0};
    if (!next_token(l, &t))
        return true;
    *column = t.column;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!is(&t, words[i].name))
            continue;
        *op = (struct ms_op){.code = words[i].code, .line = l->s->line, .scans = 1};
        return read_arguments(l, &words[i], op) && check_literals(l, op);
    }
    return ms_line_fail(l, MS_UNKNOWN_COMMAND, t.column);
}
