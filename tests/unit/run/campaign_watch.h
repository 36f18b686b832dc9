/* A night of the campaign while it goes on: which faults are put in, what they take away and when, and what
 * the sample's side saw happen, each at its instant. */
#ifndef SECCM_TESTS_RUN_CAMPAIGN_WATCH_H
#define SECCM_TESTS_RUN_CAMPAIGN_WATCH_H

#include "campaign.h"
#include "phases.h"
#include "run/state.h"
#include "wire/transcript.h"

#define MOST_FAULTS    6
#define MOST_CHANGES   4096
#define MOST_HARM      1024
#define MOST_COMMITTED 512
#define PITCH          5e-6        /* m: of the grids */
#define AFTERMATH      (10 * NS_S) /* what was under way when a fault ended has come to rest */

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

/* What must not happen, or only of itself. */
enum harm_kind { HARM_CONTACT, HARM_CRASH, HARM_DRAG, HARM_WET_TRAVEL, HARM_REVISITED };

struct harm {
    ns_t at;
    enum harm_kind kind;
    double x, y; /* m */
};

/* An attempt whose outcome was stored. */
struct committed {
    int64_t id, samples;
    int site, number;
    double start, end; /* s */
    enum outcome outcome;
    char reason[256];
    double contact_z;
};

/* s, longest; -1 = never happened. */
struct reaction {
    int notices;
    double stop, cut, open, up; /* while the device obeyed all the time */
    int deaf;          /* notices behind which the stage did not, for a part of the time or all of it */
    double up_at_last; /* of these: until it was retracted, by the run or by who repaired it */
    double up_again;   /* of these: since the stage obeys again */
};

struct campaign_night {
    struct night n;
    int number; /* among the nights with several faults */
    struct planned fault[MOST_FAULTS];
    int faults;
    struct timer watch;
    struct change change[MOST_CHANGES];
    int changes;
    struct world_counters counted; /* at the last look */
    struct harm harm[MOST_HARM];
    int harms;
    double deepest; /* m, of the glass below the sample's plane */
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

/* Of faults that last, or have not come to rest, at any time from t0 to t1. */
static inline unsigned losses_between(const struct campaign_night *c, ns_t t0, ns_t t1)
{
    unsigned all = 0;
    for (int k = 0; k < c->faults; k++) {
        const struct planned *f = &c->fault[k];
        if (t1 >= f->at && (f->until == NS_NEVER || t0 <= f->until + AFTERMATH))
            all |= f->by->loss;
    }
    return all;
}

/* The last instant from t0 to t1 at which a fault keeps the stage from obeying; t0 if there is none. */
static inline ns_t obeys_from(const struct campaign_night *c, ns_t t0, ns_t t1)
{
    ns_t from = t0;
    for (int k = 0; k < c->faults; k++) {
        const struct planned *f = &c->fault[k];
        if (f->by->loss & LOST_STAGE && f->at <= t1 && f->until > from)
            from = f->until < t1 ? f->until : t1;
    }
    return from;
}

/* --- watching ------------------------------------------------------------------------------------------ */

static inline void note_harm(struct campaign_night *c, enum harm_kind kind, uint64_t was, uint64_t is,
                             const double at[3])
{
    if (is != was && c->harms < MOST_HARM)
        c->harm[c->harms++] = (struct harm){loop_now(c->n.loop), kind, at[0], at[1]};
}

static inline void watch_truth(void *ctx)
{
    struct campaign_night *c = ctx;
    enum cell_mode cell;
    ns_t now = loop_now(c->n.loop);
    double at[3];
    sim_rig_probe(c->n.sim, at, &cell);
    double z = at[2] + SAMPLE_PLANE;
    c->deepest = fmax(c->deepest, SAMPLE_PLANE - z);
    struct world_counters w = world_counters(sim_rig_world(c->n.sim)), *was = &c->counted;
    note_harm(c, HARM_REVISITED, was->revisited, w.revisited, at); /* before the contact that it is */
    note_harm(c, HARM_CONTACT, was->contacts, w.contacts, at);
    note_harm(c, HARM_CRASH, was->crashes, w.crashes, at);
    note_harm(c, HARM_DRAG, was->drags, w.drags, at);
    note_harm(c, HARM_WET_TRAVEL, was->wet_travel, w.wet_travel, at);
    *was = w;
    struct change seen = {now, z > c->n.protocol->rig->z_retracted - UP_OPEN_LOOP, cell == CELL_OPEN};
    const struct change *last = c->changes ? &c->change[c->changes - 1] : NULL;
    if (c->changes < MOST_CHANGES && (!last || last->up != seen.up || last->open != seen.open))
        c->change[c->changes++] = seen;
    timer_set(c->n.loop, &c->watch, now + NS_MS, watch_truth, c);
}

static inline void is_over(const struct campaign_night *c, struct planned *f)
{
    ns_t now = loop_now(c->n.loop);
    f->at = f->at < now ? f->at : now;
    f->until = f->until < now ? f->until : now;
}

/* Faults of a line are over, or will not come, with a new one in its place. One that hung up is down until
 * then, however short the hanging up was. */
static inline void line_is_new(struct campaign_night *c, const char *device)
{
    for (int k = 0; k < c->faults; k++) {
        struct planned *f = &c->fault[k];
        if (f->by->how != ON_LINE || strcmp(f->by->device, device) != 0)
            continue;
        is_over(c, f);
    }
}

/* A device whose link went down is plugged in again when its time is over, and recorded as before. */
static inline bool campaign_plug_in(void *ctx, const char *device, struct link **out, struct err *e)
{
    struct campaign_night *c = ctx;
    if (loop_now(c->n.loop) < c->away_until[!!strcmp(device, STAGE)])
        return err_set(e, ERR_LINK, "%s: not plugged in", device);
    *out = simulated_device(&c->n, device);
    link_record(*out, c->lines);
    line_is_new(c, device);
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
    if (by->how == ON_LINE && by->kind == LINK_FAULT_HANGUP)
        f->until = NS_NEVER;
}

#endif
