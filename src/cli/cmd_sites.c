/* seccm sites: the index, one row per site. */
#include "cli/commands.h"
#include "cli/put.h"
#include "output/tables.h"
#include "output/where.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1], *where = NULL;
    bool csv = false, json = false, help;
    const struct option options[] = {
        {"where", 0, OPTION_TEXT, &where, "EXPR",
         "only these, e.g. \"outcome = measured and cutoff < 0.6 V\""},
        {"csv", 0, OPTION_FLAG, &csv, NULL, "comma-separated, units in the header"},
        {"json", 0, OPTION_FLAG, &json, NULL, "for machines"},
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
    struct data *d = data_open(words[0], &e);
    if (!d)
        return options_fail(&e);
    struct table *t = tables_sites(d);
    struct buf text = {0};
    bool ok = !where || where_apply(t, where, &e);
    if (ok)
        table_print(t, table_format_of(csv, json), &text);
    table_free(t);
    data_close(d);
    return ok ? put_stdout(&text) : options_fail(&e);
}

const struct command command_sites = {
    .name = "sites",
    .usage = "FILE.seccm [--where EXPR] [--csv|--json]",
    .summary = "List the sites: place, levels, outcome and its reason; works beside a running run.",
    .example = "  seccm sites night.seccm --where \"outcome != measured\"",
    .run = run,
};
