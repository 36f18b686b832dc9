/* seccm report: one HTML file for people. */
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/report.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1], *path = NULL;
    bool help;
    const struct option options[] = {
        {"output", 'o', OPTION_TEXT, &path, "FILE.html", "the report; `-` for standard output"},
    };
    struct err e = ERR_INIT;
    int n;
    if (!options_parse(self, options, 1, argc, argv, words, 1, &n, &help, &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which results file");
    if (!path)
        return put_usage(self, "where to (-o FILE.html)");
    struct data *d = data_open(words[0], &e);
    struct buf html = {0};
    if (d) {
        data_keep(d, DATA_SITES);
        data_region_factor(d); /* regions are compared like levels, */
        data_probe_factor(d);  /* and so are probes */
    }
    bool ok = d && report_html(d, &html, &e);
    data_close(d);
    if (!ok) {
        buf_free(&html);
        return options_fail(&e);
    }
    return strcmp(path, "-") == 0 ? put_stdout(&html) : put_file(path, words[0], &html);
}

const struct command command_report = {
    .name = "report",
    .usage = "FILE.seccm -o report.html",
    .summary =
        "Write one self-contained HTML file: maps, voltammograms, distributions, statistics, provenance.",
    .example = "  seccm report night.seccm -o night.html",
    .run = run,
};
