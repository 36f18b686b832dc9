/* seccm schema: JSON Schema of the files, for editors. */
#include "base/yaml.h"
#include "cli/commands.h"
#include "cli/put.h"
#include "protocol/language.h"
#include "sim/rig_config.h"

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
        return put_usage(self, "protocol, steps, grid or rig");
    const struct language *l = language_find(words[0]);
    if (!l) {
        err_set(&e, ERR_USAGE, "schema: there is no file `%s`; there are protocol, steps, grid and rig",
                words[0]);
        return options_fail(&e);
    }
    struct buf text = {0};
    language_schema(l, &simulate_fields, &text);
    return put_stdout(&text);
}

const struct command command_schema = {
    .name = "schema",
    .usage = "protocol|steps|grid|rig",
    .summary = "Print the JSON Schema of a kind of file: an editor completes and checks by it.",
    .example = "  seccm schema protocol > protocol.schema.json",
    .run = run,
};
