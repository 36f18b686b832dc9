/* seccm help: everything that a protocol, grid, rig or file of steps may hold, or the help of a command. */
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "base/buf.h"
#include "base/schema_help.h"
#include "protocol/fault_text.h"
#include "protocol/language.h"
#include "sim/fault.h"
#include "sim/rig_config.h"

/* The part of a rig file that belongs to the simulator, whose tables the language does not know. */
static void simulate_help(struct buf *out)
{
    buf_str(out, "What stands in for links that are `simulated`\n\n");
    help_wrap("Every key may be left out. `faults` plans what goes wrong, to see what a run makes of it: "
              "`faults: [{kind: stage-silent, at: 10 min, for: 30 s}, {kind: stage-reset, at: 1 h}]`.",
              0, out);
    schema_help(&simulate_fields, out);
    buf_str(out, "\nKinds of faults\n");
    for (int f = 0; f < SIM_FAULTS; f++) {
        buf_printf(out, "  %s%s\n", sim_fault_names[f], sim_fault_once((enum sim_fault)f) ? " (once)" : "");
        help_wrap(sim_fault_text((enum sim_fault)f), 24, out);
    }
}

/* All classes of faults, or one. */
static int help_faults(const char *name)
{
    struct err e = ERR_INIT;
    struct buf text = {0};
    enum fault_class c = name ? fault_from_name(name) : FAULT_NONE;
    if (name && c == FAULT_NONE) {
        err_set(&e, ERR_USAGE, "help faults: there is no class `%s`; `seccm help faults` lists them", name);
        return options_fail(&e);
    }
    fault_help(c, &text);
    if (name)
        buf_str(&text,
                "\nWhat is said of all classes (safe state, policies, bringing back): seccm help faults\n");
    return put_stdout(&text);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[2];
    bool help;
    int n;
    struct err e = ERR_INIT;
    if (!options_parse(self, NULL, 0, argc, argv, words, 2, &n, &help, &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "about protocol, steps, grid, rig, simulate, faults or which command");
    if (strcmp(words[0], "faults") == 0)
        return help_faults(n > 1 ? words[1] : NULL);
    if (n > 1) {
        err_set(&e, ERR_USAGE, "help: one word, but for `faults CLASS`, not `%s %s`", words[0], words[1]);
        return options_fail(&e);
    }
    const struct language *l = language_find(words[0]);
    struct buf text = {0};
    if (l)
        language_help(l, &text);
    if (l && strcmp(l->name, "rig") == 0)
        buf_char(&text, '\n');
    if (strcmp(words[0], "simulate") == 0 || (l && strcmp(l->name, "rig") == 0))
        simulate_help(&text);
    if (text.n)
        return put_stdout(&text);
    char ask_help[] = "--help", *ask[] = {argv[1], ask_help, NULL};
    for (int k = 0; commands[k]; k++)
        if (strcmp(commands[k]->name, words[0]) == 0)
            return commands[k]->run(commands[k], 2, ask);
    err_set(&e, ERR_USAGE,
            "help: nothing is known about `%s`; there are protocol, steps, grid, rig, simulate, faults and "
            "the commands",
            words[0]);
    return options_fail(&e);
}

const struct command command_help = {
    .name = "help",
    .usage = "protocol|steps|grid|rig|simulate|faults [CLASS]|COMMAND",
    .summary = "Explain every key of a kind of file, with an example; the faults of a night; or a command.",
    .example = "  seccm help protocol | less",
    .run = run,
};
