/* seccm features: what was computed from the samples. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/site_features.h"
#include "cli/commands.h"
#include "cli/put.h"
#include "output/tables.h"
#include "output/where.h"

/* The settings that the run was analysed with, as its file keeps them. */
static void settings_of(struct results *r, struct analysis_settings *s)
{
    analysis_settings_default(s);
    analysis_settings_probe(s, r);
    double number;
    char *step = results_info(r, "meta.analysis_sei_step");
    bool window = results_info_double(r, "meta.analysis_sei_low", &s->sei_window[0]) &&
                  results_info_double(r, "meta.analysis_sei_high", &s->sei_window[1]);
    if (*step && window)
        snprintf(s->sei_step, sizeof s->sei_step, "%s", step);
    if (results_info_double(r, "meta.analysis_wetting_potential", &number) && isfinite(number))
        s->wet_potential = number;
    free(step);
}

/* Computes all features of the file again and replaces the stored ones. */
static bool recompute(const char *path, struct err *e)
{
    struct results *r = results_open_write(path, e);
    if (!r)
        return false;
    struct analysis_settings s;
    settings_of(r, &s);
    bool ok = features_recompute(r, &s, e);
    return results_close(r, ok ? e : NULL) && ok;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1], *where = NULL, *role = NULL;
    enum data_roles roles = DATA_SITES;
    bool again = false, tidy = false, csv = false, json = false, help;
    const struct option options[] = {
        {"recompute", 0, OPTION_FLAG, &again, NULL,
         "compute from the samples again and replace what is stored"},
        {"long", 0, OPTION_FLAG, &tidy, NULL,
         "one row per value, with uncertainty, method, reason of absence"},
        {"where", 0, OPTION_TEXT, &where, "EXPR", "only these rows, e.g. \"step = formation and cycle = 1\""},
        {"role", 0, OPTION_TEXT, &role, "WORD", "measured (sites and spares, the default), control or all"},
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
    if (role && !data_roles_parse(role, &roles, &e))
        return options_fail(&e);
    struct data *d = !again || recompute(words[0], &e) ? data_open(words[0], &e) : NULL;
    if (!d)
        return options_fail(&e);
    data_keep(d, roles);
    struct table *t = tidy ? tables_features_long(d) : tables_features_wide(d);
    struct buf text = {0};
    bool ok = !where || where_apply(t, where, &e);
    if (ok)
        table_print(t, table_format_of(csv, json), &text);
    table_free(t);
    data_close(d);
    return ok ? put_stdout(&text) : options_fail(&e);
}

const struct command command_features = {
    .name = "features",
    .usage = "FILE.seccm [--recompute] [--long] [--where EXPR] [--csv|--json]",
    .summary = "List the features: one row per site, step and cycle.",
    .example = "  seccm features night.seccm --where \"step = formation and cycle = 1\" --csv",
    .run = run,
};
