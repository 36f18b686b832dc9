/* seccm rig check|serve|truth: the rig before a run, and the simulated rig's other side. */
#include "cli/cmd_rig.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static const struct command part[] = {
    {"rig check", "RIG.yaml [--move] [--safe-state]",
     "Identify the instruments and read their limits; moves nothing unless asked.",
     "  seccm rig check instruments/simulated-bench.yaml", rig_check},
    {"rig serve", "RIG.yaml [--speed K]", "Host a simulated rig on ptys and print their names.",
     "  seccm rig serve instruments/simulated-bench.yaml --speed 10", rig_serve},
    {"rig truth", "RIG.yaml --at X,Y | --grid GRID.yaml [--csv]",
     "Print the simulated sample's truth, at points or for a grid.",
     "  seccm rig truth instruments/simulated-bench.yaml --at 10,20", rig_truth},
};

static int run(const struct command *self, int argc, char **argv)
{
    for (size_t k = 0; argc > 1 && k < sizeof part / sizeof part[0]; k++)
        if (!strcmp(argv[1], part[k].name + strlen("rig ")))
            return part[k].run(&part[k], argc - 1, argv + 1);
    bool help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    FILE *out = help ? stdout : stderr;
    fprintf(out, "seccm rig %s\n\n", self->usage);
    for (size_t k = 0; k < sizeof part / sizeof part[0]; k++)
        fprintf(out, "  seccm %s %s\n      %s\n", part[k].name, part[k].usage, part[k].summary);
    return help ? 0 : 2;
}

const struct command command_rig = {
    .name = "rig",
    .usage = "check|serve|truth RIG.yaml ...",
    .summary = "Check a rig, host a simulated one, or print a simulated sample's truth.",
    .example = "  seccm rig check instruments/simulated-bench.yaml",
    .run = run,
};
