/* seccm pause, continue, skip, stop: told to the run that writes a file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command_socket.h"
#include "cli/commands.h"
#include "cli/put.h"
#include "cli/stopped.h"
#include "cli/web_gate.h"
#include "output/status.h"

/* Why nobody answers. */
static bool explain(const char *path, struct err *e)
{
    struct err why = ERR_INIT;
    struct data *d = data_open(path, &why);
    struct status s;
    if (d && status_read(d, &s, &why)) {
        if (s.alive)
            err_set(e, ERR_LINK,
                    "process %d writes %s but takes no command from here: it is another user's, or about to "
                    "begin or to end; `kill -TERM %d` stops it safely",
                    s.pid, path, s.pid);
        else
            err_set(e, ERR_INPUT, "no run of %s is alive on this machine (state: %s)", path,
                    status_words(&s));
    }
    data_close(d);
    return false;
}

static bool ask(const char *path, const char *line, bool *taken, char *text, size_t n, struct err *e)
{
    struct results *r = results_open(path, e);
    if (!r)
        return false;
    char *id = results_info(r, "run_id");
    struct err ignored = ERR_INIT;
    results_close(r, &ignored);
    bool ok = command_socket_ask(id, path, line, taken, text, n, e);
    free(id);
    return ok || (e->code == ERR_INPUT && explain(path, e));
}

static int run(const struct command *self, int argc, char **argv)
{
    const char *words[1];
    bool help, taken;
    int n;
    const char *named = NULL;
    int site = 0;
    bool skips = !strcmp(self->name, "skip");
    const struct option options[] = {
        {"site", 0, OPTION_TEXT, &named, "N", "only if it is site N that is under way"}};
    struct err e = ERR_INIT;
    char line[48], text[200];
    if (!options_parse(self, options, skips ? 1 : 0, argc, argv, words, 1, &n, &help, &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which results file");
    if (named && !web_site_read(named, &site)) {
        err_set(&e, ERR_USAGE, "%s: --site wants the number of a site, from 1, not `%.40s`", self->name,
                named);
        return options_fail(&e);
    }
    snprintf(line, sizeof line, named ? "%s %d" : "%s", self->name, site);
    if (!ask(words[0], line, &taken, text, sizeof text, &e))
        return options_fail(&e);
    printf("%s\n", text);
    if (taken && !strcmp(self->name, "stop"))
        return stopped_tell(words[0]);
    return taken ? 0 : 1;
}

const struct command command_pause = {
    .name = "pause",
    .usage = "FILE.seccm",
    .summary =
        "Let a running run wait behind its present site: retracted, cell open, until `continue` or `stop`.",
    .example = "  seccm pause night.seccm",
    .run = run,
};

const struct command command_continue = {
    .name = "continue",
    .usage = "FILE.seccm",
    .summary = "Let a paused run go on, or take a pause back that has not begun.",
    .example = "  seccm continue night.seccm",
    .run = run,
};

const struct command command_skip = {
    .name = "skip",
    .usage = "FILE.seccm [--site N]",
    .summary =
        "End the present site of a running run safely, with the outcome `skipped`, and go on to the next.",
    .example = "  seccm skip night.seccm",
    .run = run,
};

const struct command command_stop = {
    .name = "stop",
    .usage = "FILE.seccm",
    .summary = "Stop a running run as Ctrl-C does: halt the stage, open the cell, retract, verify; tell what "
               "came of it.",
    .example =
        "  seccm stop night.seccm\n\n"
        "It waits for the run's end, at most a minute: status 0 if the rig was verified safe, 3 if not, "
        "1 if the run\nis still at it.",
    .run = run,
};
