/* Names of outcomes and of how far a spot was touched. */
#include "results/outcome.h"

#include <stddef.h>
#include <string.h>

static const char *const outcome_names[OUTCOME_COUNT] = {
#define X(id, name) [OUTCOME_##id] = name,
    OUTCOME_TABLE(X)
#undef X
};

static const char *const role_names[] = {
    [SITE_MEASURED] = "measured", [SITE_CONTROL] = "control", [SITE_SPARE] = "spare"};

/* In alphabetical order as well as in order of gravity, which the queries of the results file make use of. */
static const char *const touched_names[] = {
    [TOUCHED_NO] = "no",
    [TOUCHED_POSSIBLY] = "possibly",
    [TOUCHED_YES] = "yes",
};

const char *outcome_name(enum outcome o)
{
    return (unsigned)o < OUTCOME_COUNT ? outcome_names[o] : "";
}

enum outcome outcome_from_name(const char *name)
{
    for (int i = 0; name && i < OUTCOME_COUNT; i++)
        if (strcmp(name, outcome_names[i]) == 0)
            return (enum outcome)i;
    return OUTCOME_NONE;
}

const char *site_role_name(enum site_role r)
{
    return (unsigned)r <= SITE_SPARE ? role_names[r] : "";
}

enum site_role site_role_from_name(const char *name)
{
    for (int i = SITE_MEASURED; name && i <= SITE_SPARE; i++)
        if (strcmp(name, role_names[i]) == 0)
            return (enum site_role)i;
    return SITE_MEASURED;
}

const char *touched_name(enum touched t)
{
    return (unsigned)t <= TOUCHED_YES ? touched_names[t] : touched_names[TOUCHED_YES];
}

enum touched touched_from_name(const char *name)
{
    for (int i = TOUCHED_NO; name && i <= TOUCHED_YES; i++)
        if (strcmp(name, touched_names[i]) == 0)
            return (enum touched)i;
    return TOUCHED_YES;
}
