/* A night of the campaign: faults in, truth and lines watched, resumed like by an operator who looks after
 * the rig in the morning; and what must hold after each part of it.
 *
 *   notice of a fault = the run enters the safe state; from there the time until the stop and the cell's
 *   switch are written to the lines, and until the sample's side sees the cell open and the probe retracted
 */
#ifndef SECCM_TESTS_RUN_CAMPAIGN_NIGHT_H
#define SECCM_TESTS_RUN_CAMPAIGN_NIGHT_H

#include "base/bounds.h"
#include "campaign_watch.h"
#include "sim/world_parts.h"

/* Everything is repaired by the first morning: what does not finish then, and with another probe in at the
 * second, never will. */
#define AT_MOST_RESUMED 10
#define NEW_PROBE_AFTER 2

/* --- failing with the story ---------------------------------------------------------------------------- */

static inline void tell(const struct campaign_night *c, const char *what)
{
    const struct night *n = &c->n;
    const struct world_counters *w = &n->seen;
    print_message("%s (night %d)\n", what, c->number);
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
            struct committed now = {.id = a[k].id,
                                    .samples = samples_of(n, a[k].id),
                                    .site = site,
                                    .number = a[k].number,
                                    .start = a[k].start_s,
                                    .end = a[k].end_s,
                                    .outcome = a[k].outcome,
                                    .contact_z = a[k].contact_z};
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

static inline const struct committed *attempt_at(const struct campaign_night *c, ns_t t)
{
    for (int k = 0; k < c->n_committed; k++)
        if (ns_to_s(t) >= c->committed[k].start && ns_to_s(t) <= c->committed[k].end)
            return &c->committed[k];
    return NULL;
}

/* The newest contact before harm number `h` that lies where it happened. */
static inline const struct harm *contact_before(const struct campaign_night *c, int h)
{
    for (int k = h - 1; k >= 0; k--)
        if (c->harm[k].kind == HARM_CONTACT && c->harm[k].at < c->harm[h].at &&
            hypot(c->harm[k].x - c->harm[h].x, c->harm[k].y - c->harm[h].y) < PITCH / 2)
            return &c->harm[k];
    return NULL;
}

static inline const struct harm *crash_before(const struct campaign_night *c, int h)
{
    for (int k = h - 1; k >= 0; k--)
        if (c->harm[k].kind == HARM_CRASH)
            return &c->harm[k];
    return NULL;
}

/* A move of x or y told to the stage in t0 <= t <= t1; the lines must be closed. */
static inline bool moved_sideways(const struct campaign_night *c, ns_t t0, ns_t t1)
{
    char *path = in_folder(c->n.folder, "lines"), *text = NULL;
    size_t room = 0;
    bool moved = false;
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (!moved && getline(&text, &room, f) > 0) {
        char device[20];
        double t;
        const char *move = strstr(text, "MOV ");
        if (!strstr(text, " > ") || !move || sscanf(text, "%lf %19s", &t, device) != 2)
            continue;
        moved = !strcmp(device, STAGE) && ns_from_s(t) >= t0 && ns_from_s(t) <= t1 &&
                (move[4] == '1' || move[4] == '2');
    }
    fclose(f);
    free(text);
    free(path);
    return moved;
}

/* How deep glass may go that nobody can keep up, m: the simulated stage creeps by 1 um per decade of time
 * from 0.1 s on. A controller that starts anew is deaf for 1.5 s, and is asked again within a second; from
 * that the drop's height goes off. One that is dead sinks as long as the night. */
static inline double sinks_at_most(unsigned all)
{
    return all & SINKS_ON ? 5e-6 : all & SINKS ? 1.4e-6 : 0;
}

static inline void judge_harm(struct campaign_night *c, int h)
{
    const struct harm *x = &c->harm[h];
    unsigned now = losses_at(c, x->at);
    switch (x->kind) {
    case HARM_CONTACT:
        return;
    case HARM_CRASH:
        /* What the glass meets first is the surface only while no contact can be felt: as deep as S2 allows;
         * or while it sinks and takes no order. */
        MUST(c, now & (BLIND | SINKS | SINKS_ON));
        return;
    case HARM_DRAG: {
        /* Glass that met the surface for want of a drop, and a stage that wanders off with it: a piezo whose
         * servo goes off creeps by more than 20 nm in its first tenth of a second, and no command stops it
         * that comes behind. But it must not be told to go sideways. */
        const struct harm *crash = crash_before(c, h);
        MUST(c, now & WANDERS);
        MUST(c, crash != NULL);
        MUST(c, !moved_sideways(c, crash->at, x->at));
        return;
    }
    case HARM_WET_TRAVEL:
        MUST(c, now & (WANDERS | STAYS_WET));
        return;
    case HARM_REVISITED: {
        /* The drop may touch a second time by itself, where the probe still stands: within the attempt, or
         * behind it with a stage that can not be moved. It is never taken down there a second time. */
        const struct harm *first = contact_before(c, h);
        MUST(c, first != NULL);
        const struct committed *then = attempt_at(c, first->at), *again = attempt_at(c, x->at);
        MUST(c, again == NULL || then == again);
        return;
    }
    }
}

/* From the sample's side; "safe" is said only of what is so. */
static inline void check_harm(struct campaign_night *c)
{
    const struct world_counters *w = &c->n.seen;
    unsigned all = losses(c), now = losses_at(c, c->n.t1);
    enum cell_mode cell;
    double z = true_z(&c->n, &cell);
    bool up = z > night_top(&c->n), open = cell == CELL_OPEN;
    MUST(c, c->deepest <= sinks_at_most(all) || all & BLIND);
    MUST(c, w->envelope == 0);
    MUST(c, w->cell_left_on == 0 || all & (STAYS_ON | LOST_CELL));
    MUST(c, !c->n.counts.safe || (up && open));
    /* Silent and without servo it can be pushed up only, by the voltage, and nobody sees how far. */
    bool pushed =
        all & WANDERS && now & MUTE && z > c->n.protocol->rig->z_retracted - UP_OPEN_LOOP - CREEPS_ON;
    MUST(c, up || pushed || now & LOST_STAGE);
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

/* S4 in numbers, from the notice on, wherever the device obeys. The whole way up takes 0.5 s in closed loop
 * and up to 3 s in open loop; every patience of the ladder comes on top. */
#define WRITTEN_WITHIN   ns_to_s(BOUND_WRITTEN)
#define OPENED_WITHIN    ns_to_s(BOUND_OPEN)
#define RETRACTED_WITHIN 6.0

/* A device that stops obeying while it is brought to rest, by a fault that comes behind the notice of
 * another, counts as one that did not: nothing that the run does reaches it until the fault is over. */
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
    if (!(losses_between(c, t, t + ns_from_s(OPENED_WITHIN)) & (LOST_CELL | STAYS_ON))) {
        double open = until_seen(c, t, false);
        MUST(c, open >= 0 && open < OPENED_WITHIN);
        longer(&r->open, open);
    }
    double up = until_seen(c, t, true);
    unsigned soon = losses_between(c, t, t + ns_from_s(RETRACTED_WITHIN));
    /* Without servo and silent it is pushed up, and comes up for good when it is heard again. */
    bool unseen = losses(c) & WANDERS && soon & MUTE;
    if (soon & LOST_STAGE || (unseen && !(up >= 0 && up < RETRACTED_WITHIN))) {
        r->deaf++;
        longer(&r->up_at_last, up);
        longer(&r->up_again, up - ns_to_s(obeys_from(c, t, t + ns_from_s(up)) - t));
        if (getenv("SECCM_TEST_TELL"))
            print_message("  notice at %.4f s: retracted %.3f s later, the stage obeys since %.3f s\n",
                          ns_to_s(t), up, ns_to_s(obeys_from(c, t, t + ns_from_s(up)) - t));
    } else {
        MUST(c, up >= 0 && up < RETRACTED_WITHIN);
        longer(&r->up, up);
    }
}

/* What harm there was, and every time that the safe state was entered. Call once, behind the last part. */
static inline void check_reactions(struct campaign_night *c)
{
    struct writes stop = {0}, cut = {0};
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    c->reaction =
        (struct reaction){.stop = -1, .cut = -1, .open = -1, .up = -1, .up_at_last = -1, .up_again = -1};
    link_record(c->n.rig->stage_link, NULL);
    link_record(c->n.rig->pstat_link, NULL);
    assert_true(transcript_close(c->lines, &err));
    c->lines = NULL;
    for (int k = 0; k < c->harms; k++)
        judge_harm(c, k);
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
    loop_sleep_until(n->loop, loop_now(n->loop) + 60 * NS_S);
    for (int k = 0; k < c->faults; k++)
        is_over(c, &c->fault[k]); /* what was planned does not begin any more */
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
