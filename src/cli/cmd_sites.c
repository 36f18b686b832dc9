/* seccm sites: the index, one row per site. */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/tables.h"
#include "output/where.h"

static bool keep_role(struct table *t, const char *role, struct err *e)
{
    static const char *const words[] = {"measured", "control", "spare"};
    char expression[40];
    for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
        if (strcmp(role, words[k]) != 0)
            continue;
        snprintf(expression, sizeof expression, "role = %s", role);
        return where_apply(t, expression, e);
    }
    return err_set(e, ERR_USAGE, "sites: --role is measured, control or spare, not `%s`", role);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1], *where = NULL, *role = NULL;
    bool csv = false, json = false, help;
    const struct option options[] = {
        {"where", 0, OPTION_TEXT, &where, "EXPR",
         "only these, e.g. \"outcome = measured and cutoff < 0.6 V\""},
        {"role", 0, OPTION_TEXT, &role, "WORD", "only these: measured, control, spare"},
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
    bool ok = (!role || keep_role(t, role, &e)) && (!where || where_apply(t, where, &e));
    if (ok)
        table_print(t, table_format_of(csv, json), &text);
    table_free(t);
    data_close(d);
    return ok ? put_stdout(&text) : options_fail(&e);
}

const struct command command_sites = {
    .name = "sites",
    .usage = "FILE.seccm [--where EXPR] [--role WORD] [--csv|--json]",
    .summary = "List the sites: place, levels, outcome and its reason; works beside a running run.",
    .example = "  seccm sites night.seccm --where \"outcome != measured\"",
    .run = run,
};
