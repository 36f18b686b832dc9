/* seccm report: one HTML file for people. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/put.h"
#include "output/report.h"

static bool write_file(const char *path, const struct buf *text, struct err *e)
{
    FILE *f = fopen(path, "w");
    if (!f)
        return err_errno(e, ERR_IO, errno, "writing `%s`", path);
    bool ok = fwrite(text->p, 1, text->n, f) == text->n && fflush(f) == 0;
    int error = errno;
    if (fclose(f) != 0 && ok) {
        ok = false;
        error = errno;
    }
    return ok || err_errno(e, ERR_IO, error, "writing `%s`", path);
}

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
    bool ok = d && report_html(d, &html, &e);
    data_close(d);
    if (ok && strcmp(path, "-") == 0)
        return put_stdout(&html);
    ok = ok && write_file(path, &html, &e);
    buf_free(&html);
    return ok ? 0 : options_fail(&e);
}

const struct command command_report = {
    .name = "report",
    .usage = "FILE.seccm -o report.html",
    .summary =
        "Write one self-contained HTML file: maps, voltammograms, distributions, statistics, provenance.",
    .example = "  seccm report night.seccm -o night.html",
    .run = run,
};
