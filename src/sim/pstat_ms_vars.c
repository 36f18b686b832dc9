/* Variables and arrays of a script that runs: their values, arithmetic and comparisons. */
#include <math.h>

#include "sim/pstat_ms_parts.h"

const struct ms_value *ms_run_value(const struct ms_run *r, const struct ms_arg *a)
{
    return a->var < 0 ? &a->value : &r->var[a->var];
}

double ms_run_number(const struct ms_run *r, const struct ms_op *op, int i)
{
    return ms_run_value(r, &op->arg[i])->v;
}

void ms_run_store(struct ms_run *r, const struct ms_arg *a, const char type[2], double v, int exponent)
{
    r->var[a->var] = (struct ms_value){.v = v, .type = {type[0], type[1]}, .exponent = (int8_t)exponent};
}

void ms_run_store_measured(struct ms_run *r, const struct ms_arg *a, const char type[2], double v,
                           int exponent, uint8_t status, uint8_t range)
{
    ms_run_store(r, a, type, v, exponent);
    struct ms_value *x = &r->var[a->var];
    x->measured = true;
    x->status = status;
    x->range = range;
}

int ms_run_calculate(struct ms_run *r, const struct ms_op *op)
{
    struct ms_value *x = &r->var[op->arg[0].var];
    const struct ms_value *y = ms_run_value(r, &op->arg[1]);
    bool integer = x->integer && y->integer;
    switch (op->code) {
    case MS_ADD:
        x->v += y->v;
        break;
    case MS_SUB:
        x->v -= y->v;
        break;
    case MS_MUL:
        x->v *= y->v;
        break;
    default:
        if (y->v == 0)
            return MS_DIVISION_BY_ZERO;
        x->v = integer ? trunc(x->v / y->v) : x->v / y->v;
    }
    x->integer = integer;
    x->measured = false;
    x->exponent = -18; /* as fine as 28 bits allow */
    return GO_ON;
}

/* Element that arg[1] of array_set or array_get means; NULL if there is none, *code says why. */
static struct ms_value *element_of(struct ms_run *r, const struct ms_op *op, int *code)
{
    const struct ms_value *index = ms_run_value(r, &op->arg[1]);
    int first, n = ms_script_array(r->script, op->arg[0].var, &first);
    *code = !index->integer ? MS_ARGUMENT_TYPE : index->v < 0 || index->v >= n ? MS_OUT_OF_BOUNDS : GO_ON;
    return *code ? NULL : &r->element[first + (int)index->v];
}

int ms_run_use_array(struct ms_run *r, const struct ms_op *op)
{
    int code;
    struct ms_value *x = element_of(r, op, &code);
    if (!x)
        return code;
    if (op->code == MS_ARRAY_SET)
        *x = *ms_run_value(r, &op->arg[2]);
    else
        r->var[op->arg[2].var] = *x;
    return GO_ON;
}

bool ms_run_holds(const struct ms_run *r, const struct ms_op *op)
{
    double a = ms_run_number(r, op, 0), b = ms_run_number(r, op, 1);
    switch (op->compare) {
    case MS_LESS:
        return a < b;
    case MS_GREATER:
        return a > b;
    case MS_LESS_EQUAL:
        return a <= b;
    case MS_GREATER_EQUAL:
        return a >= b;
    case MS_EQUAL:
        return a == b;
    case MS_NOT_EQUAL:
        return a != b;
    }
    return false;
}

int ms_run_store_literal(struct ms_run *r, const struct ms_op *op)
{
    struct ms_value x = *ms_run_value(r, &op->arg[1]);
    x.type[0] = op->type[0];
    x.type[1] = op->type[1];
    r->var[op->arg[0].var] = x;
    return GO_ON;
}
