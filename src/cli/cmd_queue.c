/* seccm queue add|list|remove|retry|run: several protocols in a row on one rig. */
#include "cli/cmd_queue.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static const struct command part[] = {
    {"queue add", "PROTOCOL [-o FILE.seccm] [--not-before TIME] [--not-after TIME] [--after-failure WORD]",
     "Check a protocol and put it at the end of the queue.",
     "  seccm queue add screen.yaml -o monday.seccm --not-before 22:00 --not-after 06:30\n\n"
     "Two times of day are a window of every day; one alone, or times with a date, are meant once. No site "
     "is\n"
     "begun that would end after the window. --after-failure says what comes when the run pauses, aborts or "
     "ends\n"
     "with a fault: stop (the queue stops; the default), continue (with the next entry), or retry: a run "
     "that\n"
     "ended with a fault, or died, goes on after a minute, at most three times, and one whose daily window "
     "closed\n"
     "goes on in the next; otherwise as stop, for what a rule paused or aborted wants somebody to look. If "
     "the rig\n"
     "could not be verified safe the queue stops in any case.",
     queue_add},
    {"queue list", "[--all] [--csv|--json]",
     "Show the entries, when each is expected to run, and how each ended.", "  seccm queue list", queue_list},
    {"queue remove", "ID...", "Take entries out of the queue; results files are left alone.",
     "  seccm queue remove 3", queue_remove},
    {"queue retry", "ID...",
     "Put entries that failed or were skipped back; a run that was begun goes on where it was left.",
     "  seccm queue retry 2", queue_retry},
    {"queue run", "[--serve [ADDR:]PORT] [--notify-command PROGRAM] [--log FILE] [--virtual|--speed K]",
     "Work on the entries in order, one at a time, until none is left.",
     "  seccm queue run --notify-command notify-send\n\n"
     "Each entry is a process of its own (`seccm run`, or `seccm resume` for one that was begun before). "
     "Ctrl-C\n"
     "stops the present run safely; calling `seccm queue run` again goes on, also after a crash or a power "
     "cut.\n"
     "`seccm stop FILE` ends the present run and with it the queue.",
     queue_run},
};

struct agenda *queue_open(const char *named, bool make, struct err *e)
{
    struct buf path = {0};
    struct agenda *a = agenda_path(named, &path, e) ? agenda_open(path.p, make, e) : NULL;
    buf_free(&path);
    return a;
}

static int run(const struct command *self, int argc, char **argv)
{
    for (size_t k = 0; argc > 1 && k < sizeof part / sizeof part[0]; k++)
        if (!strcmp(argv[1], part[k].name + strlen("queue ")))
            return part[k].run(&part[k], argc - 1, argv + 1);
    bool help = argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
    FILE *out = help ? stdout : stderr;
    fprintf(out, "seccm queue %s\n\n", self->usage);
    for (size_t k = 0; k < sizeof part / sizeof part[0]; k++)
        fprintf(out, "  seccm %s %s\n      %s\n", part[k].name, part[k].usage, part[k].summary);
    return help ? 0 : 2;
}

const struct command command_queue = {
    .name = "queue",
    .usage = "add|list|remove|retry|run ...",
    .summary = "Run several protocols in a row, each in its window of time.",
    .example = "  seccm queue add screen.yaml && seccm queue run",
    .run = run,
};
