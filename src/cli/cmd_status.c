/* seccm status: progress of a run. */
#include "cli/commands.h"
#include "cli/put.h"
#include "output/status.h"

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool json = false, help;
    const struct option options[] = {{"json", 0, OPTION_FLAG, &json, NULL, "for machines"}};
    struct err e = ERR_INIT;
    int n;
    if (!options_parse(self, options, 1, argc, argv, words, 1, &n, &help, &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which results file");
    struct data *d = data_open(words[0], &e);
    struct status s;
    struct buf text = {0};
    bool ok = d && status_read(d, &s, &e);
    if (ok && json)
        status_json(&s, &text);
    else if (ok)
        status_print(d, &s, &text);
    data_close(d);
    return ok ? put_stdout(&text) : options_fail(&e);
}

const struct command command_status = {
    .name = "status",
    .usage = "FILE.seccm [--json]",
    .summary = "Tell how far a run is: state, sites by outcome, time; works beside a running run.",
    .example = "  watch seccm status night.seccm",
    .run = run,
};
