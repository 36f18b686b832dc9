/* seccm plan: what a protocol will do, before it does it. */
#include "base/loop.h"
#include "cli/commands.h"
#include "cli/load.h"
#include "cli/put.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *rig = NULL, *svg = NULL, *words[1];
    bool json = false, csv = false, outside = false, help;
    long seed = -1;
    const struct option options[] = {
        {"json", 0, OPTION_FLAG, &json, NULL, "the whole plan as JSON"},
        {"csv", 0, OPTION_FLAG, &csv, NULL, "one row per site"},
        {"svg", 0, OPTION_TEXT, &svg, "FILE", "map of the sites in order, coloured by factor"},
        {"rig", 0, OPTION_TEXT, &rig, "RIG.yaml", "plan for this rig instead of the protocol's"},
        {"seed", 0, OPTION_INT, &seed, "N", "another seed for the design"},
        {"include-outside", 0, OPTION_FLAG, &outside, NULL,
         "steps may be included from files outside the protocol's folder"},
    };
    struct err e = ERR_INIT;
    int n, status = 0;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0) {
        err_set(&e, ERR_USAGE, "plan: which protocol? (usage: seccm plan %s)", self->usage);
        return options_fail(&e);
    }
    struct loaded l;
    const struct protocol_options o = {.rig_path = rig,
                                       .has_seed = seed >= 0,
                                       .seed = seed,
                                       .include_outside = outside,
                                       .now = clock_epoch()};
    if (!load_plan(words[0], &o, &l, &status))
        return status;
    struct buf text = {0};
    if (svg) {
        plan_svg(l.plan, &text);
        status = put_file(svg, words[0], &text);
    }
    if (json)
        plan_json(l.plan, &text);
    else if (csv)
        plan_csv(l.plan, &text);
    else
        plan_print(l.plan, &text);
    int printed = put_stdout(&text);
    load_free(&l);
    return status ? status : printed;
}

const struct command command_plan = {
    .name = "plan",
    .usage = "PROTOCOL [--json|--csv] [--svg FILE]",
    .summary = "Show all sites in order with their levels, duration, data volume and warnings.",
    .example = "  seccm plan examples/sei-screening.yaml --svg map.svg",
    .run = run,
};
