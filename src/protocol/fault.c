/* The fault matrix and its text. */
#include "protocol/fault.h"

#include <string.h>

static const struct fault_row rows[] = {
#define X(id_, name_, place_, policies_, policy_, word_, what_)                                              \
    [FAULT_##                                                                                                \
        id_] = {.name = (name_),                                                                             \
                .place = FAULT_##place_,                                                                     \
                .recovery = FAULT_##place_ == FAULT_OF_POTENTIOSTAT || FAULT_##place_ == FAULT_OF_STAGE,     \
                .policies = POLICIES_##policies_,                                                            \
                .policy = POLICY_##policy_,                                                                  \
                .what = (what_)},
    FAULT_CHOICE_TABLE(X)
#undef X
#define X(id_, name_, place_, policy_, what_)                                                                \
    [FAULT_##id_] = {.name = (name_), .place = FAULT_##place_, .policy = POLICY_##policy_, .what = (what_)},
        FAULT_FIXED_TABLE(X)
#undef X
};

const struct fault_row *fault_row(enum fault_class c)
{
    return &rows[c];
}

const char *fault_name(enum fault_class c)
{
    return c == FAULT_NONE ? "" : rows[c].name;
}

enum fault_class fault_from_name(const char *name)
{
    for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++)
        if (strcmp(rows[c].name, name) == 0)
            return (enum fault_class)c;
    return FAULT_NONE;
}

const char *fault_policy_name(enum fault_policy p)
{
    static const char *const name[POLICY_COUNT] = {"retry", "spare", "skip", "pause", "abort"};
    return name[p];
}

/* Of which device, and what happened to it. */
static const struct {
    enum err_code code;
    enum fault_class stage, potentiostat;
} of_device[] = {
    {ERR_SILENT, FAULT_STAGE_SILENT, FAULT_POTENTIOSTAT_SILENT},
    {ERR_FRAGMENT, FAULT_STAGE_GARBLED, FAULT_POTENTIOSTAT_GARBLED},
    {ERR_MISMATCH, FAULT_STAGE_GARBLED, FAULT_POTENTIOSTAT_GARBLED},
    {ERR_LATE, FAULT_STAGE_LATE, FAULT_POTENTIOSTAT_LATE},
    {ERR_REFUSED, FAULT_STAGE_REFUSED, FAULT_POTENTIOSTAT_REFUSED},
    {ERR_RESET, FAULT_STAGE_RESET, FAULT_POTENTIOSTAT_RESET},
    {ERR_REPORTED, FAULT_STAGE_ERROR, FAULT_POTENTIOSTAT_ERROR},
    {ERR_LINK, FAULT_STAGE_UNPLUGGED, FAULT_POTENTIOSTAT_UNPLUGGED},
    {ERR_SERVO, FAULT_SERVO_LOST, FAULT_NONE},
    {ERR_OFF_TARGET, FAULT_AXIS_OFF_TARGET, FAULT_NONE},
    {ERR_END_STOP, FAULT_LIMIT_HIT, FAULT_NONE},
};

enum fault_class fault_of_err(const struct err *e)
{
    bool stage = strcmp(e->device, "stage") == 0;
    if (e->code == ERR_SUSPENDED)
        return FAULT_SUSPENDED;
    if (e->code == ERR_FULL)
        return FAULT_DISK_FULL;
    if (e->code == ERR_IO && !e->device[0])
        return FAULT_DISK_ERROR;
    for (size_t k = 0; k < sizeof of_device / sizeof of_device[0]; k++)
        if (e->device[0] && of_device[k].code == e->code)
            return stage ? of_device[k].stage : of_device[k].potentiostat;
    return FAULT_NONE;
}
