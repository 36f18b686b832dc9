/* A resumption's record, all of it or nothing: a process that dies here has changed nothing, one that dies
 * behind it goes on under the conditions that were accepted. */
#include "cli/resumption.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "run/run.h"

#define PROGRAM "seccm " SECCM_VERSION

struct record {
    struct results_event *event;
    int n_events;
    struct results_key *key;
    int n_keys;
    struct results_input *input;
    int n_inputs;
    char (*role)[48];
    char utc[32], number[16];
    double t_s;
    struct probe_text probe;
};

bool resumption_is_current(const struct resumption *x, struct results *file, struct err *e)
{
    struct stored now;
    bool ok = stored_read(file, &now, e);
    if (ok && (now.resumes != x->stored->resumes || now.last_attempt != x->stored->last_attempt))
        ok = err_set(e, ERR_IO, "%s: somebody else has gone on with it a moment ago: see seccm status %s",
                     results_path(file), results_path(file));
    stored_free(&now);
    return ok;
}

bool resumption_same_rig(struct resumption *x, const struct rig *rig, const char *results_path, struct err *e)
{
    struct changes found = {0};
    const struct stored *s = x->stored;
    if (strcmp(s->stage_id, rig->stage_id) != 0)
        changes_add(&found, true, "the stage: %.180s -> %.180s", s->stage_id, rig->stage_id);
    if (strcmp(s->pstat_id, rig->pstat_id) != 0)
        changes_add(&found, true, "the potentiostat: %.180s -> %.180s", s->pstat_id, rig->pstat_id);
    bool ok = changes_allow(&found, x->accept, results_path, e);
    for (int k = 0; k < found.n; k++)
        changes_add(x->changes, true, "%s", found.list[k].text);
    changes_free(&found);
    return ok;
}

/* --- the record ---------------------------------------------------------------------------------------- */

static void add_event(struct record *r, const char *kind, const char *before, const char *text)
{
    struct results_event *ev = &r->event[r->n_events++];
    *ev = (struct results_event){.t_s = r->t_s};
    snprintf(ev->utc, sizeof ev->utc, "%s", r->utc);
    snprintf(ev->kind, sizeof ev->kind, "%s", kind);
    snprintf(ev->text, sizeof ev->text, "%s%s", before, text);
}

static void add_key(struct record *r, const char *key, const char *value)
{
    r->key[r->n_keys++] = (struct results_key){key, value, ""};
}

static void who_am_i(char *text, size_t n)
{
    const struct passwd *p = getpwuid(geteuid());
    if (p)
        snprintf(text, n, "%.64s", p->pw_name);
    else
        snprintf(text, n, "user %ld", (long)geteuid());
}

/* Every resumption, and every difference that was accepted, with the name of who did. */
static void tell_differences(const struct resumption *x, struct record *r)
{
    char who[80], before[128], text[160];
    who_am_i(who, sizeof who);
    snprintf(text, sizeof text, "number %d, by %s with " PROGRAM, x->stored->resumes + 1, who);
    add_event(r, "resume", "", text);
    snprintf(before, sizeof before, "accepted by %s: ", who);
    for (int k = 0; k < x->changes->n; k++)
        add_event(r, "resume", before, x->changes->list[k].text);
}

static void take_files(const struct resumption *x, struct record *r)
{
    for (int k = 0; k < x->stored->n_files; k++) {
        const struct stored_file *f = &x->stored->file[k];
        if (!f->accepted)
            continue;
        char *role = r->role[r->n_inputs];
        snprintf(role, sizeof r->role[0], "%.24s#resume%d", f->role, x->stored->resumes + 1);
        r->input[r->n_inputs++] = (struct results_input){role, f->path, f->bytes.p, f->bytes.n};
    }
}

static void tell_probe(const struct resumption *x, struct record *r)
{
    struct probe p = x->probe;
    char text[320];
    if (!x->new_probe.id)
        return;
    snprintf(p.utc, sizeof p.utc, "%s", r->utc);
    r->n_keys += probe_keys(&p, &r->probe, r->key + r->n_keys);
    snprintf(text, sizeof text,
             "probe %d is %s, aperture %.4g nm: its end is displaced by %.3f, %.3f um from the first one's; "
             "heights and baselines of earlier probes are not used",
             p.number, p.id, p.aperture * 1e9, p.offset[0] * 1e6, p.offset[1] * 1e6);
    add_event(r, "probe", "", text);
    log_line(LOG_INFO, "%s", text);
}

bool resumption_store(const struct resumption *x, struct results *file, const struct bench *b, double t_s,
                      struct err *e)
{
    struct record r = {.t_s = t_s};
    size_t files = (size_t)x->stored->n_files + 1;
    r.event = xcalloc((size_t)x->changes->n + 2, sizeof *r.event);
    r.key = xcalloc(PROBE_KEYS + 5, sizeof *r.key);
    r.input = xcalloc(files, sizeof *r.input);
    r.role = xcalloc(files, sizeof *r.role);
    loop_utc(b->loop, r.utc);
    snprintf(r.number, sizeof r.number, "%d", x->stored->resumes + 1);
    add_key(&r, "resumes", r.number);
    add_key(&r, "resumed.program", PROGRAM);
    add_key(&r, "resumed.stage_id", b->rig->stage_id);
    add_key(&r, "resumed.pstat_id", b->rig->pstat_id);
    tell_differences(x, &r);
    tell_probe(x, &r);
    take_files(x, &r);
    char *doubted = x->accept ? results_info(file, RUN_HEIGHTS_DOUBTED) : NULL;
    if (doubted)
        add_key(&r, RUN_HEIGHTS_FORGOTTEN, doubted);
    const struct results_amendment a = {r.input, r.n_inputs, r.key, r.n_keys, r.event, r.n_events};
    bool ok = results_amend(file, &a, e);
    free(doubted);
    free(r.event);
    free(r.key);
    free(r.input);
    free(r.role);
    return ok;
}
