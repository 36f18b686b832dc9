/* seccm show: one site in full. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/show.h"

static void put_piece(void *ctx, const struct buf *text)
{
    (void)ctx;
    fwrite(text->p, 1, text->n, stdout); /* errors are sticky: put_stdout() looks in the end */
}

static bool site_number(const char *word, long *site, struct err *e)
{
    char *end;
    *site = strtol(word, &end, 10);
    return (end != word && !*end && *site > 0 && *site < 1000000000) ||
           err_set(e, ERR_USAGE, "show: a site is a number, not `%s`", word);
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[2], *step = NULL;
    bool csv = false, json = false, help;
    long attempt = 0, site;
    const struct option options[] = {
        {"csv", 0, OPTION_FLAG, &csv, NULL, "all samples of the last attempt, in the sample's frame"},
        {"step", 0, OPTION_TEXT, &step, "NAME", "with --csv: only this step or phase"},
        {"attempt", 0, OPTION_INT, &attempt, "N", "with --csv: this attempt instead of the last"},
        {"json", 0, OPTION_FLAG, &json, NULL, "for machines (without samples)"},
    };
    struct err e = ERR_INIT;
    int n;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 2, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n < 2)
        return put_usage(self, n ? "which site" : "which results file and site");
    if (!site_number(words[1], &site, &e))
        return options_fail(&e);
    struct data *d = data_open(words[0], &e);
    if (!d)
        return options_fail(&e);
    struct buf text = {0};
    bool ok = csv ? show_samples(d, (int)site, (int)attempt, step, put_piece, NULL, &e)
                  : show_site(d, (int)site, table_format_of(false, json), &text, &e);
    data_close(d);
    int status = put_stdout(&text);
    return ok ? status : options_fail(&e);
}

const struct command command_show = {
    .name = "show",
    .usage = "FILE.seccm SITE [--csv [--step NAME] [--attempt N]] [--json]",
    .summary = "Show one site: attempts, steps, features; with --csv every sample.",
    .example = "  seccm show night.seccm 17\n  seccm show night.seccm 17 --csv --step formation > site17.csv",
    .run = run,
};
