/* The guardian's log of the last run: told, and stored with the attempt that it ended. */
#include "cli/left.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* More than all of its deadlines together. */
#define PATIENCE (120 * NS_S)

/* The newest attempt, if it has no outcome, or the one given to it by a resumption that came no further. */
static bool find_open(struct results *file, struct left *out, struct err *e)
{
    struct results_sites s;
    const struct results_site *newest = NULL;
    if (!results_sites(file, &s, e))
        return false;
    for (int k = 0; k < s.n; k++)
        if (s.site[k].last_attempt && (!newest || s.site[k].last_attempt > newest->last_attempt))
            newest = &s.site[k];
    if (newest && (newest->outcome == OUTCOME_NONE || newest->outcome == OUTCOME_INTERRUPTED)) {
        out->site = newest->site;
        out->attempt = newest->last_attempt;
    }
    results_sites_free(&s);
    return true;
}

/* Line k of the log: its time into utc[32], the rest into text; false behind the last. */
static bool line_at(const struct buf *log, int k, char utc[32], char *text, size_t n)
{
    const char *line = log->p;
    for (; line && *line && k > 0; k--) {
        line = strchr(line, '\n');
        line += line != NULL;
    }
    if (!line || !*line)
        return false;
    size_t all = strcspn(line, "\n"), time = strcspn(line, " \n");
    snprintf(utc, 32, "%.*s", time < 31 ? (int)time : 31, line);
    snprintf(text, n, "%.*s", all > time ? (int)(all - time - 1) : 0, line + time + (all > time));
    return true;
}

static void tell(const struct left *l)
{
    char utc[32], text[512];
    const struct guardian_left *g = &l->guardian;
    if (!g->text.n)
        return;
    if (!g->took_over) {
        log_line(LOG_WARNING, "the last run ended without a word, and so did its guardian (a power cut?): "
                              "nobody made the rig safe");
        return;
    }
    log_line(g->safe ? LOG_INFO : LOG_WARNING,
             "the last run was ended by its guardian, which left the rig %s:",
             g->safe ? GUARDIAN_SAFE : GUARDIAN_NOT_SAFE);
    for (int k = 0; line_at(&g->text, k, utc, text, sizeof text); k++)
        log_line(LOG_INFO, "  %s %s", utc, text);
}

bool left_read(struct results *file, struct left *out, struct err *e)
{
    *out = (struct left){0};
    char *path = guardian_log_path(results_path(file));
    bool ok = guardian_log_read(path, PATIENCE, &out->guardian, e) && find_open(file, out, e);
    free(path);
    if (ok)
        tell(out);
    else
        left_free(out);
    return ok;
}

void left_free(struct left *l)
{
    buf_free(&l->guardian.text);
}

void left_store(const struct left *l, struct writer *w, double t_s)
{
    struct results_event ev = {.t_s = t_s, .site = l->site, .attempt = l->attempt, .kind = "guardian"};
    for (int k = 0; line_at(&l->guardian.text, k, ev.utc, ev.text, sizeof ev.text); k++)
        writer_event(w, &ev);
}

void left_clear(const struct left *l, const char *results_path)
{
    char *path = guardian_log_path(results_path);
    if (l->guardian.text.n)
        unlink(path);
    free(path);
}
