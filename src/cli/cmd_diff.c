/* seccm diff: do two runs say the same? */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/diff.h"

static int compare(const char *const words[2], const struct diff_options *o, struct err *e)
{
    struct data *a = data_open(words[0], e), *b = a ? data_open(words[1], e) : NULL;
    struct buf text = {0};
    struct diff_counts c;
    bool ok = b && diff_files(a, b, o, &text, &c, e);
    data_close(a);
    data_close(b);
    if (!ok) {
        buf_free(&text);
        return options_fail(e);
    }
    if (c.differences == 0)
        buf_str(&text, "same");
    else
        buf_printf(&text, "%d difference%s", c.differences, c.differences == 1 ? "" : "s");
    buf_printf(&text, ": %d sites, %d waveforms, %d samples compared", c.sites, c.waveforms, c.samples);
    if (c.interrupted)
        buf_printf(&text, "; %d site%s touched by an interruption or excepted set aside", c.interrupted,
                   c.interrupted == 1 ? "" : "s");
    buf_char(&text, '\n');
    int status = put_stdout(&text);
    return status ? status : c.differences > 0;
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[2];
    bool help;
    long most = 20;
    struct diff_options o = {0};
    const struct option options[] = {
        {"features", 0, OPTION_FLAG, &o.features, NULL, "compare the stored features too"},
        {"except-sites", 0, OPTION_TEXT, &o.except, "LIST", "set these sites aside, e.g. 3,17-20"},
        {"most", 0, OPTION_INT, &most, "N", "differences told in full (20)"},
    };
    struct err e = ERR_INIT;
    int n;
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 2, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n < 2)
        return put_usage(self, "which two results files");
    o.most = most < 0 ? 0 : most > 1000000 ? 1000000 : (int)most;
    return compare(words, &o, &e);
}

const struct command command_diff = {
    .name = "diff",
    .usage = "A.seccm B.seccm [--features] [--except-sites LIST]",
    .summary =
        "Compare order, levels, outcomes and technique waveforms of two runs; exit 0 if they are the same.",
    .example = "  seccm diff whole.seccm resumed.seccm",
    .run = run,
};
