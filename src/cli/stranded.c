/* What is done, and told, where a run can not begin. */
#include "cli/stranded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "run/verify.h"

static bool is_in_here(const char *file_text, const char *override)
{
    const char *text = override ? override : file_text;
    return !strcmp(text, "simulated") || !strncmp(text, "replay:", strlen("replay:"));
}

/* Such a rig was made with this process, at rest. */
static bool goes_nowhere(const struct rig_config *c, const struct bench_options *o)
{
    return is_in_here(c->stage_link, o->stage_link) && is_in_here(c->pstat_link, o->pstat_link);
}

bool stranded_was_safe(struct results *file, const struct left *left)
{
    char *state = results_info(file, "state"), *safe = results_info(file, "safe"),
         *mode = results_info(file, "mode");
    bool created = !strcmp(state, "created"),
         died = !strcmp(state, "running") || !strcmp(state, "recovering");
    died = died || !strcmp(state, "paused by the operator");
    bool was = created || !strcmp(mode, "virtual") ||
               (left->guardian.took_over ? left->guardian.safe : !died && !strcmp(safe, "yes"));
    free(state);
    free(safe);
    free(mode);
    return was;
}

/* --- telling ------------------------------------------------------------------------------------------- */

/* "seccm rig check RIG --safe-state", with the links that were given. */
static void command(const struct rig_config *c, const struct bench_options *o, struct buf *out)
{
    buf_printf(out, "seccm rig check %s --safe-state", c->source->path);
    if (o->stage_link)
        buf_printf(out, " --stage %s", o->stage_link);
    if (o->pstat_link)
        buf_printf(out, " --potentiostat %s", o->pstat_link);
}

void stranded_tell(const struct rig_config *c, const struct bench_options *o)
{
    struct buf line = {0};
    if (goes_nowhere(c, o))
        return;
    command(c, o, &line);
    log_line(LOG_WARNING, "no probe was moved. If one may be down, bring up what answers: %s", line.p);
    buf_free(&line);
}

static void tell_unsafe(const struct rig_config *c, const struct bench_options *o, const char *what)
{
    struct buf line = {0};
    command(c, o, &line);
    log_line(
        LOG_ERROR,
        "NOT VERIFIED SAFE: the last run was not left so, the probe may be down; %s. Look at the rig. To "
        "bring up what answers: %s",
        what, line.p);
    buf_free(&line);
}

/* --- bringing up --------------------------------------------------------------------------------------- */

static bool bring_up(struct rig *r, char *what, size_t n)
{
    struct verified_safe s;
    if (verify_safe_state(r, &s)) {
        snprintf(what, n, "%s, cell open", rung_name(s.rung));
        return true;
    }
    snprintf(what, n, "z is %s, the cell is %s; %.150s%s%.150s",
             s.rung != RUNG_NONE ? rung_name(s.rung) : "NOT known to be up",
             s.open ? "open" : "NOT known to be open", s.stage.text, s.stage.code && s.pstat.code ? "; " : "",
             s.pstat.text);
    return false;
}

bool stranded_bring_up(const struct rig_config *c, const struct bench_options *o, const char *stage_id)
{
    struct bench b;
    struct bench_options bo = *o;
    struct err e = ERR_INIT;
    char what[512];
    bool safe = false;
    bo.partly = true;
    bo.transcript = NULL; /* the one that failed stays as it is */
    if (goes_nowhere(c, o))
        return true;
    if (!bench_open(&b, c, &bo, 0, c->e_limit, c->i_limit, &e)) {
        snprintf(what, sizeof what, "%.400s", e.text);
    } else {
        rig_identify_stage(b.rig, &e);
        if (!b.rig->stage_id[0])
            snprintf(what, sizeof what, "nothing was moved: %.400s", e.text);
        else if (strcmp(b.rig->stage_id, stage_id) != 0)
            snprintf(what, sizeof what, "nothing was moved: the stage is %.160s, and was %.160s",
                     b.rig->stage_id, stage_id);
        else
            safe = bring_up(b.rig, what, sizeof what);
        b.sample_state = NULL;
        bench_close(&b, &e);
    }
    if (safe)
        log_line(LOG_WARNING, "the last run was not left verified safe: the rig is now (%s)", what);
    else
        tell_unsafe(c, o, what);
    return safe;
}
