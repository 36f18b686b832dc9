/* seccm export: tables for other programs. */
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/export_csv.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1], *format = "csv", *folder = NULL, *role = NULL;
    enum data_roles roles = DATA_SITES;
    bool all = false, help;
    const struct option options[] = {
        {"format", 0, OPTION_TEXT, &format, "csv", "the format"},
        {"output", 'o', OPTION_TEXT, &folder, "DIR", "folder for the tables; made if it is not there"},
        {"role", 0, OPTION_TEXT, &role, "WORD", "measured (sites and spares, the default), control or all"},
        {"all", 0, OPTION_FLAG, &all, NULL, "samples of approach, blank and detach too"},
    };
    struct err e = ERR_INIT;
    int n;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 1, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which results file");
    if (!folder)
        return put_usage(self, "where to (-o DIR)");
    if (strcmp(format, "csv") != 0) {
        err_set(&e, ERR_USAGE, "export: there is no format `%s`: this program writes csv", format);
        return options_fail(&e);
    }
    if (role && !data_roles_parse(role, &roles, &e))
        return options_fail(&e);
    struct data *d = data_open(words[0], &e);
    if (d)
        data_keep(d, roles);
    bool ok = d && export_csv(d, folder, all, &e);
    data_close(d);
    return ok ? 0 : options_fail(&e);
}

const struct command command_export = {
    .name = "export",
    .usage = "FILE.seccm --format csv -o DIR",
    .summary = "Write tidy tables (sites, features, samples, provenance) with units in the headers.",
    .example = "  seccm export night.seccm --format csv -o night-tables",
    .run = run,
};
