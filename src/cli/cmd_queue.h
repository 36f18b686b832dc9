/* The parts of `seccm queue`, one file each. */
#ifndef SECCM_CLI_CMD_QUEUE_H
#define SECCM_CLI_CMD_QUEUE_H

#include "cli/agenda.h"
#include "cli/options.h"

int queue_add(const struct command *self, int argc, char **argv);
int queue_list(const struct command *self, int argc, char **argv);
int queue_remove(const struct command *self, int argc, char **argv);
int queue_retry(const struct command *self, int argc, char **argv);
int queue_run(const struct command *self, int argc, char **argv);

/* Opens the queue that --queue names (NULL: the default); NULL on error. */
struct agenda *queue_open(const char *named, bool make, struct err *e);

#define QUEUE_OPTION(named)                                                                                  \
    {                                                                                                        \
        "queue", 0, OPTION_TEXT, &(named), "FILE", "another queue than $XDG_STATE_HOME/seccm/queue.sqlite"   \
    }

#endif
