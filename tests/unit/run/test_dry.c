/* A probe that runs dry, with nothing else wrong: no contact can be felt any more, so each approach ends
 * where its depth ends, with the glass on its way to the surface (S2). As soon as the surface is known from a
 * contact the glass must not meet it where it is as level as it was predicted, however many sites are missed,
 * though each may be searched deeper than the one before for a slope that is still unknown; and the run
 * pauses when its budget of misses is used up. Before the first contact nothing but the protocol's travel
 * bounds the depth: twice it is gone through, no more. */
#include "phases.h"

#define MOST_MISSES 64

struct watched {
    struct night *n;
    struct timer t;
    double lowest[MOST_MISSES]; /* m above the surface, per approach */
    int approaches;
    ns_t dry;   /* since */
    int before; /* approaches by then */
    bool below; /* within reach of the surface: an approach */
};

#define IN_REACH 1.5e-6 /* m */

static void watch_height(void *ctx)
{
    struct watched *w = ctx;
    double at[3];
    enum cell_mode cell;
    sim_rig_probe(w->n->sim, at, &cell);
    if (loop_now(w->n->loop) < w->dry)
        w->before = w->approaches;
    if (!w->below && at[2] < IN_REACH && w->approaches < MOST_MISSES)
        w->lowest[w->approaches++] = at[2];
    w->below = at[2] < IN_REACH + (w->below ? 1e-6 : 0);
    if (w->below)
        w->lowest[w->approaches - 1] = fmin(w->lowest[w->approaches - 1], at[2]);
    timer_set(w->n->loop, &w->t, loop_now(w->n->loop) + NS_MS, watch_height, w);
}

static ns_t dry_from(const struct night_spec *s, int site)
{
    static struct phases p;
    learn_phases(&p, s);
    for (int k = 0; k < p.n; k++)
        if (!strcmp(p.name[k], "travel") && --site == 0)
            return p.at[k];
    fail_msg("no such site");
    return 0;
}

static void run_dry(const struct night_spec *s, int first_dry, struct watched *w, struct night *n)
{
    ns_t at = dry_from(s, first_dry);
    night_open(n, s);
    sim_rig_fault(n->sim, SIM_DROP_LOST, at, NS_NEVER);
    *w = (struct watched){.n = n, .dry = at};
    timer_set(n->loop, &w->t, 0, watch_height, w);
    night_run(n);
    timer_cancel(n->loop, &w->t);
    print_message("dry from site %d on; %s: %s\n  glass above the surface:", first_dry, run_end_name(n->end),
                  n->e.text);
    for (int k = 0; k < w->approaches; k++)
        print_message("%s %.0f", k == w->before ? " | dry:" : "", w->lowest[k] * 1e9);
    print_message(" nm\n");
}

#define MISSES   5     /* faults.consecutive, as it is by itself */
#define DOUBTED  3     /* behind fewer than three contacts */
#define DEEPER   40e-9 /* m: of a miss than of the first one */
#define CLEAR_BY 30e-9 /* m: between glass and surface */

static const struct night_spec rows = {.columns = 8, .rows = 3, .spares = "12"};

static void a_dry_probe_over_a_known_surface_keeps_its_glass_off(void **unused)
{
    (void)unused;
    for (int site = 2; site <= 11; site++) {
        struct night n;
        struct watched w;
        run_dry(&rows, site, &w, &n);
        assert_int_equal(n.end, RUN_PAUSED);
        assert_true(n.counts.safe);
        assert_int_equal(w.approaches - w.before, site < 4 ? DOUBTED : MISSES);
        for (int k = w.before; k < w.approaches; k++)
            assert_true(w.lowest[k] > CLEAR_BY);
        ASSERT_UNHARMED(&n);
        night_close(&n);
    }
}

static void without_any_contact_the_travel_is_the_bound(void **unused)
{
    (void)unused;
    struct night n;
    struct watched w;
    run_dry(&rows, 1, &w, &n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_true(n.counts.safe);
    assert_int_equal(w.approaches, 2);
    for (int k = 0; k < w.approaches; k++)
        assert_true(w.lowest[k] > 60e-6 - 12e-6 - SAMPLE_PLANE - 50e-9);
    assert_int_equal(n.seen.drags + n.seen.wet_travel, 0);
    night_close(&n);
}

#define STEEP                                                                                                \
    "{surface: {slope-x: %s, slope-y: %s, roughness: 0 nm}, edge-density: {mean: 0.3, spread: 0}, wetting: " \
    "{ratio: 1.5, spread: 0}, trace: {density: 0 uA/cm2}}"

/* What the bound must not cost: a slope at the end of what is expected is learnt nevertheless. */
static void a_steep_sample_is_learnt_nevertheless(void **unused)
{
    (void)unused;
    static const char *const slope[] = {"-1.1 deg", "1.1 deg"};
    const char *one = getenv("SECCM_TEST_SLOPE");
    for (int k = 0; k < 2; k++) {
        struct night n;
        char sample[400];
        snprintf(sample, sizeof sample, STEEP, one ? one : slope[k], one ? one : slope[k]);
        struct night_spec s = rows;
        s.sample = sample;
        night_open(&n, &s);
        night_run(&n);
        print_message("sloped by %s along x and y: %d of %d measured, %s\n", slope[k],
                      n.counts.by_outcome[OUTCOME_MEASURED], n.counts.planned, run_end_name(n.end));
        assert_int_equal(n.end, RUN_FINISHED);
        ASSERT_UNHARMED(&n);
        night_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dry_probe_over_a_known_surface_keeps_its_glass_off),
        cmocka_unit_test(without_any_contact_the_travel_is_the_bound),
        cmocka_unit_test(a_steep_sample_is_learnt_nevertheless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
