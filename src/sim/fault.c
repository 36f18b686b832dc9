/* Names and texts of the faults. */
#include "sim/fault.h"

#include <stddef.h>

enum span { LASTS, ONCE };

const char *const sim_fault_names[SIM_FAULTS + 1] = {
#define X(id, name, span, what) name,
    SIM_FAULT_TABLE(X)
#undef X
        NULL,
};

const char *sim_fault_text(enum sim_fault f)
{
    static const char *const text[SIM_FAULTS] = {
#define X(id, name, span, what) what,
        SIM_FAULT_TABLE(X)
#undef X
    };
    return text[f];
}

bool sim_fault_once(enum sim_fault f)
{
    static const enum span spans[SIM_FAULTS] = {
#define X(id, name, span, what) span,
        SIM_FAULT_TABLE(X)
#undef X
    };
    return spans[f] == ONCE;
}
