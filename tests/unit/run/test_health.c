/* A probe that goes wrong during the night, and one that does not: what the charts say, when, and what the
 * run does. The probe is changed in the world itself; nobody tells the run. */
#include "fixture.h"

#include "sim/world_parts.h"

/* Sites with a healthy probe before something happens to it. */
#define HEALTHY 30

enum wrong { NOTHING, CLOGS, BLOCKS, BREAKS, SOAKS };

struct trouble {
    struct night *n;
    enum wrong what;
    struct timer timer;
    int seen;  /* contacts, when it was looked last */
    int first; /* contacts with a healthy probe */
};

/* Once per contact from the first one on. */
static void spoil(struct trouble *t, int contacts)
{
    struct world *w = sim_rig_world(t->n->sim);
    bool first = contacts == HEALTHY;
    w->known = false;
    switch (t->what) {
    case NOTHING:
        break;
    case CLOGS: /* a smaller opening, and a narrower way to it */
        w->probe.aperture *= 0.96;
        w->probe.resistance *= 1.5;
        break;
    case BLOCKS:
        w->probe.resistance *= first ? 1e4 : 1;
        break;
    case BREAKS:
        w->probe.aperture *= first ? 2 : 1;
        break;
    case SOAKS:
        w->probe.stray *= 1.004;
        w->sample.wetting.ratio *= 1.02;
        break;
    }
}

static void watch(void *ctx)
{
    struct trouble *t = ctx;
    struct world *w = sim_rig_world(t->n->sim);
    int contacts = (int)world_counters(w).contacts;
    if (contacts > t->seen && contacts >= HEALTHY && !world_in_contact(w)) {
        spoil(t, contacts);
        t->seen = contacts;
    }
    timer_set(t->n->loop, &t->timer, loop_now(t->n->loop) + 50 * NS_MS, watch, t);
}

struct told {
    int events, sites; /* of kind health; visited */
    char text[512];
};

static struct told tell(struct night *n)
{
    struct told t = {0};
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count; k++)
        if (!strcmp(ev[k].kind, "health") && t.events++ == 0)
            snprintf(t.text, sizeof t.text, "%s", ev[k].text);
    free(ev);
    t.sites = n->counts.visited;
    return t;
}

static void night_with(struct night *n, struct trouble *t, enum wrong what, const struct night_spec *s)
{
    night_open(n, s);
    *t = (struct trouble){.n = n, .what = what};
    timer_set(n->loop, &t->timer, NS_S, watch, t);
    night_run(n);
    timer_cancel(n->loop, &t->timer);
}

static void look_what(void **unused)
{
    (void)unused;
    int a=getenv("WA")?atoi(getenv("WA")):0, b=getenv("WB")?atoi(getenv("WB")):SOAKS, seeds=getenv("SEEDS")?atoi(getenv("SEEDS")):1;
    for (int seed=1;seed<=seeds;seed++)
    for (int what = a; what <= b; what++) {
        struct night n;
        struct trouble t;
        night_with(&n, &t, (enum wrong)what,
                   &(struct night_spec){.columns = getenv("NX")?atoi(getenv("NX")):10, .rows = getenv("NY")?atoi(getenv("NY")):7, .pitch=getenv("PITCH")?atof(getenv("PITCH")):5, .seed=(uint64_t)seed, .sample = getenv("SAMPLE")?getenv("SAMPLE"):"hopg.yaml", .faults="no-contact: spare, tip-blocked: skip, tip-broken: skip, tip-wetting: skip"});
        struct told told = tell(&n);
        print_message("%d: end %d %s, %d events, %d sites: %s\n", what, n.end, n.e.text, told.events, told.sites,
                      told.text);
        char cmd[300];
        snprintf(cmd, 300, "/tmp/health/look %s", n.path);
        if (system(cmd)) print_message("?\n");
        ASSERT_UNHARMED(&n);
        night_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(look_what),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
