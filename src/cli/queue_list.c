/* seccm queue list, remove, retry: looking at the queue and changing it, also while it is worked on. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/loop.h"
#include "cli/cmd_queue.h"
#include "cli/put.h"
#include "cli/window.h"
#include "output/table.h"
#include "protocol/plan_parts.h"

/* When an entry is expected to begin and to end; NAN = unknown or past. */
struct expected {
    double begin, end;
};

/* From the time `t` at which the rig is free; moves it on. */
static struct expected expect(const struct agenda_entry *en, double now, double *t)
{
    struct expected x = {NAN, NAN};
    struct window w;
    if (en->state == AGENDA_RUNNING) {
        x.end = fmax(now, en->started + en->seconds);
        *t = fmax(*t, x.end);
    } else if (en->state == AGENDA_QUEUED &&
               window_read(en->not_before, en->not_after, en->added, false, &w, NULL)) {
        double from = en->rest_until > *t ? en->rest_until : *t;
        struct window_now at = window_look(&w, from);
        if (at.state == WINDOW_OVER)
            return x;
        x.begin = at.state == WINDOW_BEFORE ? at.opens : from;
        x.end = fmin(x.begin + en->seconds, at.closes);
        *t = x.end;
    }
    return x;
}

static void put_time(struct table *t, double s, double now, bool machine)
{
    char text[40];
    table_text(t, isnan(s)  ? ""
                  : machine ? wallclock_text(s, false, text)
                            : wallclock_show(s, now, false, text));
}

static void put_row(struct table *t, const struct agenda_entry *en, struct expected x, double now,
                    bool machine)
{
    table_int(t, en->id);
    table_text(t, agenda_state_name(en->state));
    table_text(t, en->protocol);
    table_text(t, en->output);
    table_text(t, en->rig);
    if (en->has_seed)
        table_int(t, en->seed);
    else
        table_int(t, TABLE_MISSING);
    table_text(t, en->not_before);
    table_text(t, en->not_after);
    table_text(t, agenda_after_name(en->after));
    table_number(t, en->seconds);
    put_time(t, x.begin, now, machine);
    put_time(t, x.end, now, machine);
    put_time(t, en->started, now, machine);
    put_time(t, en->ended, now, machine);
    table_int(t, en->tries);
    table_int(t, en->status >= 0 ? en->status : TABLE_MISSING);
    table_text(t, en->reason);
}

static void put_columns(struct table *t)
{
    static const struct {
        const char *name;
        enum cell_kind kind;
    } columns[] = {{"id", CELL_INT},          {"state", CELL_TEXT},        {"protocol", CELL_TEXT},
                   {"output", CELL_TEXT},     {"rig", CELL_TEXT},          {"seed", CELL_INT},
                   {"not_before", CELL_TEXT}, {"not_after", CELL_TEXT},    {"after_failure", CELL_TEXT},
                   {"planned", CELL_NUMBER},  {"expect_start", CELL_TEXT}, {"expect_end", CELL_TEXT},
                   {"started", CELL_TEXT},    {"ended", CELL_TEXT},        {"tries", CELL_INT},
                   {"status", CELL_INT},      {"reason", CELL_TEXT}};
    for (size_t k = 0; k < sizeof columns / sizeof columns[0]; k++)
        table_column(t, columns[k].name, columns[k].kind, DIM_TIME);
}

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* For people: one line each, and why. */
static void put_line(struct buf *out, const struct agenda_entry *en, struct expected x, double now)
{
    char a[40], b[40];
    buf_printf(out, "%3lld  %-8s %s -> %s, ", (long long)en->id, agenda_state_name(en->state),
               last_part(en->protocol), last_part(en->output));
    plan_add_duration(out, en->seconds);
    if (en->not_before || en->not_after)
        buf_printf(out, ", window %s to %s", en->not_before ? en->not_before : "any time",
                   en->not_after ? en->not_after : "any time");
    if (!isnan(x.begin))
        buf_printf(out, ", expected %s to %s", wallclock_show(x.begin, now, false, a),
                   wallclock_show(x.end, now, false, b));
    else if (!isnan(x.end))
        buf_printf(out, ", since %s, expected to %s", wallclock_show(en->started, now, false, a),
                   wallclock_show(x.end, now, false, b));
    else if (en->state == AGENDA_QUEUED)
        buf_str(out, ", its window will be over");
    else if (!isnan(en->ended))
        buf_printf(out, ", at %s", wallclock_show(en->ended, now, false, a));
    if (en->state <= AGENDA_RUNNING && en->after != AGENDA_STOP)
        buf_printf(out, ", after a failure: %s", agenda_after_name(en->after));
    buf_char(out, '\n');
    if (en->reason && *en->reason)
        buf_printf(out, "     %s\n", en->reason);
}

static void print(const struct agenda_list *l, bool all, bool csv, bool json, struct buf *out)
{
    double now = clock_epoch(), free_at = now;
    struct table *t = table_new();
    put_columns(t);
    for (int k = 0; k < l->n; k++) {
        const struct agenda_entry *en = &l->entry[k];
        if (en->state == AGENDA_REMOVED && !all)
            continue;
        struct expected x = expect(en, now, &free_at);
        if (csv || json)
            put_row(t, en, x, now, true);
        else
            put_line(out, en, x, now);
    }
    if (csv || json)
        table_print(t, table_format_of(csv, json), out);
    else if (!out->n)
        buf_str(out, "the queue is empty\n");
    table_free(t);
}

int queue_list(const struct command *self, int argc, char **argv)
{
    const char *queue = NULL, *words[1];
    bool csv = false, json = false, all = false, help;
    int n;
    const struct option options[] = {
        {"all", 0, OPTION_FLAG, &all, NULL, "removed ones too"},
        {"csv", 0, OPTION_FLAG, &csv, NULL, "comma-separated"},
        {"json", 0, OPTION_FLAG, &json, NULL, "for machines"},
        QUEUE_OPTION(queue),
    };
    struct err e = ERR_INIT;
    struct agenda_list l = {0};
    if (!options_parse(self, options, sizeof options / sizeof options[0], argc, argv, words, 0, &n, &help,
                       &e))
        return options_fail(&e);
    if (help)
        return 0;
    struct agenda *a = queue_open(queue, queue == NULL, &e);
    if (!a || !agenda_read(a, &l, &e)) {
        agenda_close(a);
        return options_fail(&e);
    }
    struct buf text = {0};
    print(&l, all, csv, json, &text);
    agenda_list_free(&l);
    agenda_close(a);
    return put_stdout(&text);
}

/* --- changes ------------------------------------------------------------------------------------------- */

#define IDS_MAX 64

/* An entry that is `running` without anybody at work was left so by a crash. */
static bool nobody_works(struct agenda *a)
{
    bool busy;
    int fd = agenda_lock(a, AGENDA_WORK, &busy, NULL);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool change_one(struct agenda *a, bool remove, const char *word, struct err *e)
{
    char *end;
    bool changed;
    long id = strtol(word, &end, 10);
    if (end == word || *end || id < 1)
        return err_set(e, ERR_USAGE, "`%s` is no number of an entry (see `seccm queue list`)", word);
    if (!(remove ? agenda_remove(a, id, nobody_works(a), &changed, e) : agenda_again(a, id, &changed, e)))
        return false;
    if (changed) {
        printf("entry %ld %s\n", id, remove ? "removed" : "queued again");
        return true;
    }
    return err_set(e, ERR_INPUT,
                   remove
                       ? "there is no entry %ld that could be removed: one that is running is ended by "
                         "`seccm stop FILE`"
                       : "there is no entry %ld that failed or was skipped, or another one has its results "
                         "file now",
                   id);
}

static int change(const struct command *self, bool remove, int argc, char **argv)
{
    const char *queue = NULL, *words[IDS_MAX];
    bool help;
    int n, status = 0;
    const struct option options[] = {QUEUE_OPTION(queue)};
    struct err e = ERR_INIT;
    if (!options_parse(self, options, 1, argc, argv, words, IDS_MAX, &n, &help, &e))
        return options_fail(&e);
    if (help)
        return 0;
    if (n == 0)
        return put_usage(self, "which entry");
    struct agenda *a = queue_open(queue, false, &e);
    if (!a)
        return options_fail(&e);
    for (int k = 0; k < n; k++)
        if (!change_one(a, remove, words[k], &e)) {
            status = options_fail(&e);
            err_clear(&e);
        }
    agenda_close(a);
    return status;
}

int queue_remove(const struct command *self, int argc, char **argv)
{
    return change(self, true, argc, argv);
}

int queue_retry(const struct command *self, int argc, char **argv)
{
    return change(self, false, argc, argv);
}
