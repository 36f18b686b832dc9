/* seccm check: every error of protocol, grid and rig files at the desk. */
#include <stdio.h>

#include "base/loop.h"
#include "cli/commands.h"
#include "cli/load.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *rig = NULL, *words[64];
    bool outside = false;
    const struct option options[] = {
        {"rig", 0, OPTION_TEXT, &rig, "RIG.yaml", "check against this rig instead of the protocol's"},
        {"include-outside", 0, OPTION_FLAG, &outside, NULL,
         "steps may be included from files outside the protocol's folder"},
    };
    struct err e = ERR_INIT;
    int n;
    bool help;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 64, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0) {
        err_set(&e, ERR_USAGE, "check: which protocol? (usage: seccm check %s)", self->usage);
        return options_fail(&e);
    }
    int worst = 0;
    for (int k = 0; k < n; k++) {
        struct loaded l;
        int status = 0;
        const struct protocol_options o = {.rig_path = rig, .include_outside = outside, .now = clock_epoch()};
        if (load_plan(words[k], &o, &l, &status)) {
            printf("%s: ok, %d sites%s", words[k], l.plan->n_sites, l.warnings ? ", " : "\n");
            if (l.warnings)
                printf("%d warning%s\n", l.warnings, l.warnings == 1 ? "" : "s");
            load_free(&l);
        }
        worst = status > worst ? status : worst;
    }
    return worst;
}

const struct command command_check = {
    .name = "check",
    .usage = "PROTOCOL...",
    .summary = "Find every error of a protocol, its grid and its rig, without touching an instrument.",
    .example = "  seccm check examples/sei-screening.yaml",
    .run = run,
};
