/* A night of the campaign: faults in, truth and lines watched, resumed like by an operator who looks after
 * the rig in the morning; and what must hold after each part of it.
 *
 *   notice of a fault = the run enters the safe state; from there the time until the stop and the cell's
 *   switch are written to the lines, and until the sample's side sees the cell open and the probe retracted
 */
#ifndef SECCM_TESTS_RUN_CAMPAIGN_NIGHT_H
#define SECCM_TESTS_RUN_CAMPAIGN_NIGHT_H

#include "base/bounds.h"
#include "campaign.h"
#include "phases.h"
#include "run/state.h"
#include "sim/world_parts.h"
#include "wire/transcript.h"

/* Everything is repaired by the first morning: what does not finish then, and with another probe in at the
 * second, never will. */
#define AT_MOST_RESUMED 10
#define NEW_PROBE_AFTER 2
#define MOST_FAULTS     6
#define MOST_CHANGES    4096
#define MOST_COMMITTED  512
#define AFTERMATH       (10 * NS_S) /* what was under way when a fault ended has come to rest */

/* A fault of this night. */
struct planned {
    const struct injector *by;
    ns_t at, until; /* NS_NEVER: until it is repaired */
    char phase[16];
};

/* What the sample's side saw change. */
struct change {
    ns_t at;
    bool up, open;
};

/* An attempt whose outcome was stored. */
struct committed {
    int64_t id, samples;
    int site, number;
    enum outcome outcome;
    char reason[256];
    double contact_z;
};

/* s, longest; -1 = never happened. */
struct reaction {
    int notices, notices_late;
    double stop, cut, open, up;
};

struct campaign_night {
    struct night n;
    struct planned fault[MOST_FAULTS];
    int faults;
    struct timer watch;
    struct change change[MOST_CHANGES];
    int changes;
    struct transcript *lines;
    struct committed committed[MOST_COMMITTED];
    int n_committed;
    ns_t away_until[2];   /* stage, potentiostat: unplugged until then */
    int resumed, refused; /* resumptions; of these the rig did not answer */
    struct probe probe;   /* the second one, if there is one */
    enum run_end first_end;
    bool first_safe;
    struct reaction reaction;
};

/* --- faults -------------------------------------------------------------------------------------------- */

static inline void inject(struct campaign_night *c, const struct injector *by, ns_t at)
{
    struct night *n = &c->n;
    ns_t until = by->lasts > 0 ? at + ns_from_s(by->lasts) : 0;
    if (by->how == BY_SIMULATOR) {
        sim_rig_fault(n->sim, (enum sim_fault)by->kind, at, until ? until : NS_NEVER);
        return;
    }
    bool stage = !strcmp(by->device, STAGE);
    if (by->kind == LINK_FAULT_HANGUP)
        c->away_until[!stage] = until ? until : NS_NEVER;
    link_fault(stage ? n->rig->stage_link : n->rig->pstat_link,
               &(struct link_fault){.kind = (enum link_fault_kind)by->kind,
                                    .at = at,
                                    .until = until,
                                    .n = (size_t)by->byte,
                                    .delay = ns_from_s(by->delay)});
}

static inline unsigned losses(const struct campaign_night *c)
{
    unsigned all = 0;
    for (int k = 0; k < c->faults; k++)
        all |= c->fault[k].by->loss;
    return all;
}

/* What a device does not obey at `t`: of faults that have begun and not ended since. */
static inline unsigned losses_at(const struct campaign_night *c, ns_t t)
{
    unsigned all = 0;
    for (int k = 0; k < c->faults; k++) {
        const struct planned *f = &c->fault[k];
        if (t >= f->at && (f->until == NS_NEVER || t <= f->until + AFTERMATH))
            all |= f->by->loss;
    }
    return all;
}

/* --- watching ------------------------------------------------------------------------------------------ */

static inline void watch_truth(void *ctx)
{
    struct campaign_night *c = ctx;
    enum cell_mode cell;
    ns_t now = loop_now(c->n.loop);
    double z = true_z(&c->n, &cell);
    struct change seen = {now, z > c->n.protocol->rig->z_retracted - 50e-9, cell == CELL_OPEN};
    const struct change *last = c->changes ? &c->change[c->changes - 1] : NULL;
    if (c->changes < MOST_CHANGES && (!last || last->up != seen.up || last->open != seen.open))
        c->change[c->changes++] = seen;
    timer_set(c->n.loop, &c->watch, now + NS_MS, watch_truth, c);
}

/* A device whose link went down is plugged in again when its time is over, and recorded as before. */
static inline bool campaign_plug_in(void *ctx, const char *device, struct link **out, struct err *e)
{
    struct campaign_night *c = ctx;
    if (loop_now(c->n.loop) < c->away_until[!!strcmp(device, STAGE)])
        return err_set(e, ERR_LINK, "%s: not plugged in", device);
    *out = simulated_device(&c->n, device);
    link_record(*out, c->lines);
    return true;
}

static inline void record_lines(struct campaign_night *c)
{
    c->n.rig->reopen = campaign_plug_in;
    c->n.rig->reopen_ctx = c;
    link_record(c->n.rig->stage_link, c->lines);
    link_record(c->n.rig->pstat_link, c->lines);
}

static inline void campaign_open(struct campaign_night *c, const struct night_spec *s)
{
    memset(c, 0, sizeof *c);
    night_open(&c->n, s);
    char *path = in_folder(c->n.folder, "lines");
    c->lines = transcript_create(path, &c->n.e);
    assert_non_null(c->lines);
    free(path);
    record_lines(c);
    timer_set(c->n.loop, &c->watch, loop_now(c->n.loop), watch_truth, c);
}

static inline void campaign_close(struct campaign_night *c)
{
    char *path = in_folder(c->n.folder, "lines");
    struct err ignored = ERR_INIT;
    timer_cancel(c->n.loop, &c->watch);
    rig_close(c->n.rig);
    c->n.rig = NULL;
    if (c->lines)
        transcript_close(c->lines, &ignored);
    unlink(path);
    free(path);
    night_close(&c->n);
}

static inline void campaign_fault(struct campaign_night *c, const struct injector *by, ns_t at,
                                  const char *phase)
{
    struct planned *f = &c->fault[c->faults++];
    *f = (struct planned){.by = by, .at = at, .until = by->lasts > 0 ? at + ns_from_s(by->lasts) : NS_NEVER};
    snprintf(f->phase, sizeof f->phase, "%.15s", phase);
    inject(c, by, at);
}

/* --- failing with the story ---------------------------------------------------------------------------- */

static inline void tell(const struct campaign_night *c, const char *what)
{
    const struct night *n = &c->n;
    const struct world_counters *w = &n->seen;
    print_message("%s\n", what);
    for (int k = 0; k < c->faults; k++)
        print_message("  %s in %s at %.6f s\n", c->fault[k].by->name, c->fault[k].phase,
                      ns_to_s(c->fault[k].at));
    print_message("  resumed %d times; ended %s: %s; safe %d\n  %llu crashes, %llu drags, %llu wet travels, "
                  "%llu outside, %llu s left on\n",
                  c->resumed, run_end_name(n->end), n->e.text, n->counts.safe, (unsigned long long)w->crashes,
                  (unsigned long long)w->drags, (unsigned long long)w->wet_travel,
                  (unsigned long long)w->envelope, (unsigned long long)w->cell_left_on);
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    if (!n->file || !results_events(n->file, &ev, &count, &err))
        return;
    for (int k = 0; k < count; k++)
        if (!c->faults || ev[k].t_s > ns_to_s(c->fault[0].at) - 2)
            print_message("  %.4f s site %d %s: %s\n", ev[k].t_s, ev[k].site, ev[k].kind, ev[k].text);
    free(ev);
}

#define MUST(c, condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            tell(c, #condition);                                                                             \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

/* --- what must hold ------------------------------------------------------------------------------------ */

static inline int64_t samples_of(struct night *n, int64_t attempt)
{
    struct results_step *step;
    struct err err = ERR_INIT;
    int count;
    int64_t sum = 0;
    assert_true(results_steps(n->file, attempt, &step, &count, &err));
    for (int k = 0; k < count; k++)
        sum += step[k].samples;
    free(step);
    return sum;
}

static inline bool still_the_same(const struct committed *old, const struct committed *now)
{
    bool z = old->contact_z == now->contact_z || (isnan(old->contact_z) && isnan(now->contact_z));
    return z && old->site == now->site && old->number == now->number && old->outcome == now->outcome &&
           old->samples == now->samples && !strcmp(old->reason, now->reason);
}

/* One outcome for each attempt; a site is measured once; what was committed stays as it was. */
static inline void check_record(struct campaign_night *c)
{
    struct night *n = &c->n;
    int found = 0, before = c->n_committed;
    for (int site = 1; site <= plan_places(n->plan); site++) {
        struct results_attempt a[32];
        int count = attempts_of(n, site, a, 32), measured = 0;
        MUST(c, count <= 32);
        for (int k = 0; k < count; k++) {
            struct committed now = {a[k].id, samples_of(n, a[k].id), site, a[k].number, a[k].outcome,
                                    "",      a[k].contact_z};
            MUST(c, a[k].outcome != OUTCOME_NONE);
            MUST(c, a[k].number == k + 1);
            snprintf(now.reason, sizeof now.reason, "%s", a[k].reason);
            measured += a[k].outcome == OUTCOME_MEASURED;
            bool old = false;
            for (int j = 0; j < before && !old; j++)
                if (c->committed[j].id == now.id) {
                    MUST(c, still_the_same(&c->committed[j], &now));
                    found++;
                    old = true;
                }
            if (!old && c->n_committed < MOST_COMMITTED)
                c->committed[c->n_committed++] = now;
        }
        MUST(c, measured <= 1);
    }
    MUST(c, found == before);
}

/* In open loop, and where it stands, half a um short of the full height is up, as the run then says. */
static inline double short_of_the_top(const struct night *n)
{
    const char *up = n->counts.up;
    return up && (strstr(up, "open loop") || strstr(up, "where it stands")) ? 0.6e-6 : 50e-9;
}

/* From the sample's side; "safe" is said only of what is so. */
static inline void check_harm(struct campaign_night *c)
{
    const struct world_counters *w = &c->n.seen;
    unsigned all = losses(c), now = losses_at(c, c->n.t1);
    enum cell_mode cell;
    double z = true_z(&c->n, &cell);
    bool up = z > c->n.protocol->rig->z_retracted - short_of_the_top(&c->n), open = cell == CELL_OPEN;
    MUST(c, w->crashes == 0 || all & BLIND);
    /* Glass that met the surface for want of a drop, and a stage that wanders off with it just then. */
    MUST(c, w->drags == 0 || (all & BLIND && all & (WANDERS | LOST_STAGE)));
    MUST(c, w->envelope == 0);
    /* A spot that was touched is not visited again; but a drop that was lost comes back by itself where a
     * stage that nobody can move holds it. */
    bool comes_back = all & STAYS_WET || (all & BLIND && all & LOST_STAGE);
    MUST(c, w->revisited == 0 || comes_back);
    MUST(c, w->wet_travel == 0 || all & (WANDERS | STAYS_WET));
    MUST(c, w->cell_left_on == 0 || all & (STAYS_ON | LOST_CELL));
    MUST(c, !c->n.counts.safe || (up && open));
    MUST(c, up || now & LOST_STAGE);
    MUST(c, open || now & (LOST_CELL | STAYS_ON));
}

/* --- reactions ----------------------------------------------------------------------------------------- */

static inline void longer(double *most, double s)
{
    *most = fmax(*most, s);
}

struct writes {
    ns_t *at;
    int n, room;
};

static inline void note_write(struct writes *w, ns_t at)
{
    if (w->n == w->room)
        w->at = xrealloc(w->at, (size_t)(w->room = w->room ? 2 * w->room : 64) * sizeof *w->at);
    w->at[w->n++] = at;
}

/* When the stop byte and the abort of the script were written. */
static inline void read_writes(const struct campaign_night *c, struct writes *stop, struct writes *cut)
{
    char *path = in_folder(c->n.folder, "lines"), *text = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&text, &room, f) > 0) {
        char device[20];
        double t;
        const char *bytes = strstr(text, " > ");
        if (!bytes || sscanf(text, "%lf %19s", &t, device) != 2)
            continue;
        if (!strcmp(device, STAGE) && strstr(bytes, "\\x18"))
            note_write(stop, ns_from_s(t));
        else if (!strcmp(device, PSTAT) && strstr(bytes, "Z\\n"))
            note_write(cut, ns_from_s(t));
    }
    fclose(f);
    free(text);
    free(path);
}

/* s from t to the first write behind it; -1 if there is none. */
static inline double first_write(const struct writes *w, ns_t t)
{
    for (int k = 0; k < w->n; k++)
        if (w->at[k] >= t)
            return ns_to_s(w->at[k] - t);
    return -1;
}

/* s from t until the truth is so; -1 if it never is. */
static inline double until_seen(const struct campaign_night *c, ns_t t, bool up)
{
    for (int k = 0; k < c->changes; k++) {
        bool last = k + 1 == c->changes || c->change[k + 1].at > t;
        if (last && (up ? c->change[k].up : c->change[k].open))
            return c->change[k].at > t ? ns_to_s(c->change[k].at - t) : 0;
    }
    return -1;
}

#define WRITTEN_WITHIN ns_to_s(BOUND_WRITTEN)

static inline void react(struct campaign_night *c, ns_t t, const struct writes *stop,
                         const struct writes *cut)
{
    struct reaction *r = &c->reaction;
    unsigned lost = losses_at(c, t);
    double s = first_write(stop, t), z = first_write(cut, t);
    r->notices++;
    if (!(lost & DEAF_STAGE)) {
        MUST(c, s >= 0 && s <= WRITTEN_WITHIN);
        longer(&r->stop, s);
    }
    if (!(lost & DEAF_PSTAT)) {
        MUST(c, z >= 0 && z <= WRITTEN_WITHIN);
        longer(&r->cut, z);
    }
    if (!(lost & (LOST_CELL | STAYS_ON)))
        longer(&r->open, until_seen(c, t, false));
    if (!(lost & LOST_STAGE))
        longer(&r->up, until_seen(c, t, true));
}

/* Every time that the safe state was entered. Call once, behind the last part. */
static inline void check_reactions(struct campaign_night *c)
{
    struct writes stop = {0}, cut = {0};
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    c->reaction = (struct reaction){.stop = -1, .cut = -1, .open = -1, .up = -1};
    link_record(c->n.rig->stage_link, NULL);
    link_record(c->n.rig->pstat_link, NULL);
    assert_true(transcript_close(c->lines, &err));
    c->lines = NULL;
    read_writes(c, &stop, &cut);
    assert_true(results_events(c->n.file, &ev, &count, &err));
    for (int k = 0; k < count; k++)
        if (!strcmp(ev[k].kind, "state") && !strcmp(ev[k].text, hop_state_name(HOP_SAFE)))
            react(c, ns_from_s(ev[k].t_s), &stop, &cut);
    free(ev);
    free(stop.at);
    free(cut.at);
}

/* --- the night and the mornings ------------------------------------------------------------------------ */

/* Any fault, of those that began and did not end well before `t`. */
static inline bool faulty_at(const struct campaign_night *c, ns_t t)
{
    for (int k = 0; k < c->faults; k++)
        if (t >= c->fault[k].at && (c->fault[k].until == NS_NEVER || t <= c->fault[k].until + AFTERMATH))
            return true;
    return false;
}

/* Finished, paused, or stopped and safe; where "safe" could not be verified a device was lost, and the run
 * says so. */
static inline void check_end(struct campaign_night *c)
{
    enum run_end end = c->n.end;
    if (!c->n.began)
        return; /* the rig was refused before anything moved */
    MUST(c, end == RUN_FINISHED || end == RUN_PAUSED || end == RUN_ABORTED || end == RUN_FAULT);
    MUST(c, end == RUN_FAULT || c->n.counts.safe);
    MUST(c, end == RUN_FINISHED || c->n.e.text[0]);
    MUST(c, end != RUN_FAULT || c->n.counts.safe || faulty_at(c, c->n.t1));
}

static inline void check_part(struct campaign_night *c)
{
    check_harm(c);
    check_record(c);
    check_end(c);
}

/* A new process, later: new lines, the rig identified anew. What does not end by itself is repaired by now.
 */
static inline bool reconnect(struct campaign_night *c)
{
    struct night *n = &c->n;
    rig_close(n->rig);
    sim_rig_mend(n->sim);
    c->away_until[0] = c->away_until[1] = 0;
    for (int k = 0; k < c->faults; k++)
        if (c->fault[k].until > loop_now(n->loop))
            c->fault[k].until = loop_now(n->loop);
    loop_sleep_until(n->loop, loop_now(n->loop) + 60 * NS_S);
    n->e = (struct err)ERR_INIT;
    bool ok = connect_rig(n);
    if (n->rig)
        record_lines(c);
    return ok;
}

static inline bool is_damaged(const struct campaign_night *c)
{
    for (int k = 0; k < c->faults; k++)
        if (fault_row(c->fault[k].by->expect)->place == FAULT_OF_PROBE)
            return true;
    return false;
}

/* The one thing that no repair of the rig brings back. As `seccm resume --new-probe`: its end is where the
 * first one's was, whole and dry. */
static inline void put_in_new_probe(struct campaign_night *c)
{
    struct world *w = sim_rig_world(c->n.sim);
    w->probe.aperture /= w->trouble.broken > 0 ? w->trouble.broken : 1;
    w->trouble.broken = 1;
    w->trouble.soaked = 0;
    w->known = false;
    int64_t newest = 0;
    for (int k = 0; k < c->n_committed; k++)
        newest = c->committed[k].id > newest ? c->committed[k].id : newest;
    c->probe = (struct probe){.number = 2,
                              .id = "another",
                              .aperture = w->probe.aperture,
                              .wetted = c->n.protocol->wetted,
                              .fiducial = {NAN, NAN},
                              .from_attempt = newest + 1};
    c->n.options.probe = &c->probe;
}

/* Whether there is anything left to do in this night. */
static inline bool campaign_resume(struct campaign_night *c)
{
    c->resumed++;
    if (!reconnect(c)) {
        c->refused++;
        return c->n.rig != NULL;
    }
    c->n.options.before = NULL;
    if (c->resumed > NEW_PROBE_AFTER && is_damaged(c) && !c->n.options.probe)
        put_in_new_probe(c);
    struct run_before *before = night_again(&c->n);
    c->n.options.before = NULL;
    free(before);
    check_part(c);
    return true;
}

static inline bool finished(const struct campaign_night *c)
{
    return c->n.began && c->n.end == RUN_FINISHED;
}

/* Behind night_run(): checks, and goes on in as many parts as it takes. */
static inline void campaign_finish(struct campaign_night *c)
{
    c->first_end = c->n.began ? c->n.end : RUN_FAULT;
    c->first_safe = c->n.counts.safe;
    check_part(c);
    while (!finished(c) && c->resumed < AT_MOST_RESUMED)
        MUST(c, campaign_resume(c));
    MUST(c, finished(c));
    check_reactions(c);
}

#endif
