/* A run that can be watched and told: its snapshot, its operator's wishes, the page and the socket, started
 * and ended together. */
#ifndef SECCM_CLI_LIVE_H
#define SECCM_CLI_LIVE_H

#include "cli/attendant.h"
#include "cli/bench.h"
#include "run/run.h"

struct live;

struct live_options {
    const char *address; /* of the page, as for --serve; NULL = none */
    struct attendant_options attendant;
};

/* Lines of the table of command-line options, for `run` and `resume`. */
#define LIVE_OPTIONS(live)                                                                                   \
    {"serve",       0,                                                                                       \
     OPTION_TEXT,   &(live).address,                                                                         \
     "[ADDR:]PORT", "live page for a browser, on 127.0.0.1 unless told otherwise"},                          \
        {"notify-command",                                                                                   \
         0,                                                                                                  \
         OPTION_TEXT,                                                                                        \
         &(live).attendant.notify.command,                                                                   \
         "PROGRAM",                                                                                          \
         "start it with a title and a text (and JSON on stdin) at the end, at a pause, a fault, a "          \
         "recovery, a change of the probe, each quarter"},                                                   \
        {"notify-url", 0,                                                                                    \
         OPTION_TEXT,  &(live).attendant.notify.url,                                                         \
         "URL",        "POST the same as JSON to a web address"},                                            \
    {                                                                                                        \
        "log", 0, OPTION_TEXT, &(live).attendant.log, "FILE", "append what happens as JSON lines"            \
    }

/* Before the results file is touched, so that an address that is taken costs nothing. The plan and the bench
 * must outlive it, and live_free() comes behind bench_close(). */
struct live *live_start(const struct plan *plan, const struct bench *b, const char *results_path,
                        const struct live_options *o, const volatile sig_atomic_t *stop, struct err *e);
/* What an earlier part of the run left, for the page; before the writer takes the file. */
bool live_recall(struct live *l, struct results *file, struct err *e);
/* The file is there: listens for commands (a warning if that fails), prints the page's address and token. */
void live_open(struct live *l, struct results *file, struct run_options *ro);
/* Where the page is, "" without one. */
const char *live_url(const struct live *l);
/* The run has ended, and its results file failed at the end: page, log and people are told. Before
 * live_close(). */
void live_not_stored(struct live *l, const struct err *why);
/* Where it takes commands, "" if it does not. */
const char *live_socket(const struct live *l);
/* The run has ended: lets open pages see it, then nobody can ask any more. */
void live_close(struct live *l);
void live_free(struct live *l);

#endif
