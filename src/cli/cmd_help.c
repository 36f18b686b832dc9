/* seccm help: everything that a protocol, grid, rig or file of steps may hold, or the help of a command. */
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "protocol/language.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool help;
    int n;
    struct err e = ERR_INIT;
    if (!options_parse(self, NULL, 0, argc, argv, words, 1, &n, &help, &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "about protocol, steps, grid, rig or which command");
    const struct language *l = language_find(words[0]);
    struct buf text = {0};
    if (l) {
        language_help(l, &text);
        return put_stdout(&text);
    }
    char ask_help[] = "--help", *ask[] = {argv[1], ask_help, NULL};
    for (int k = 0; commands[k]; k++)
        if (strcmp(commands[k]->name, words[0]) == 0)
            return commands[k]->run(commands[k], 2, ask);
    err_set(&e, ERR_USAGE,
            "help: nothing is known about `%s`; there are protocol, steps, grid, rig and the commands",
            words[0]);
    return options_fail(&e);
}

const struct command command_help = {
    .name = "help",
    .usage = "protocol|steps|grid|rig|COMMAND",
    .summary = "Explain every key of a kind of file, with an example; or a command.",
    .example = "  seccm help protocol | less",
    .run = run,
};
