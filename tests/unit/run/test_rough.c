/* A thousand sites on a rough, tilted sample with insulating patches: what must never happen does not happen,
 * passivated sites are not called lost, and what was missed is told. SECCM_TEST_SIDE chooses another number
 * of sites per side. */
#include "fixture.h"

#define SAMPLE (getenv("SECCM_TEST_FILE") ? getenv("SECCM_TEST_FILE") : "tests/data/rough.yaml")

struct tally {
    int outcome[OUTCOME_COUNT];
    int conducting_missed, insulating_measured, insulating, unverified, attempts;
};

static void count_sites(struct night *n, struct tally *t)
{
    for (int k = 1; k <= n->plan->n_sites + n->plan->n_spares; k++) {
        struct results_attempt a[8];
        struct world_truth w;
        int count = attempts_of(n, k, a, 8);
        if (count == 0)
            continue;
        truth_of(n, k, a[count - 1].start_s, &w);
        enum outcome o = a[count - 1].outcome;
        assert_true(o != OUTCOME_NONE);
        t->attempts += count;
        t->outcome[o]++;
        t->insulating += w.insulating;
        t->conducting_missed += o == OUTCOME_NO_CONTACT && !w.insulating;
        t->insulating_measured += o == OUTCOME_MEASURED && w.insulating;
        if (o == OUTCOME_NO_CONTACT && getenv("SECCM_TEST_SHOW"))
            print_message("%d%s: %s\n", k, w.insulating ? " insulating" : "", a[count - 1].reason);
        t->unverified += strstr(a[count - 1].flags, "meniscus-unverified") != NULL;
    }
}

static void show(const struct night *n, const struct tally *t)
{
    for (int o = 1; o < OUTCOME_COUNT; o++)
        if (t->outcome[o])
            print_message("%d %s, ", t->outcome[o], outcome_name((enum outcome)o));
    print_message("%d attempts in %.1f h of the sample's time\n", t->attempts, ns_to_s(n->t1 - n->t0) / 3600);
    print_message("%d sites insulating; %d conducting ones missed; %d flagged meniscus-unverified; %llu "
                  "crashes, %llu drags, "
                  "%llu wet travels, %llu open circuits\n",
                  t->insulating, t->conducting_missed, t->unverified, (unsigned long long)n->seen.crashes,
                  (unsigned long long)n->seen.drags, (unsigned long long)n->seen.wet_travel,
                  (unsigned long long)n->seen.open_circuit);
    if (n->end != RUN_FINISHED)
        print_message("%s: %s\n", run_end_name(n->end), n->e.text);
}

static void work_through(const char *sample, const char *surface, int side, uint64_t seed, struct tally *t,
                         struct night *n)
{
    night_open(n, &(struct night_spec){
                      .columns = side,
                      .rows = side,
                      .spares = "200",
                      .pitch = 5,
                      .seed = seed,
                      .sample = sample,
                      .surface = surface,
                      .faults = "consecutive: {count: 12, then: pause}",
                      .site = "  - cv: {name: formation, start: 3 V, vertices: [0.3 V, 3 V], rate: 10 V/s, "
                              "cycles: 1, step: 10 mV}"});
    night_run(n);
    *t = (struct tally){0};
    count_sites(n, t);
    print_message("%s, seed %llu: ", sample, (unsigned long long)seed);
    show(n, t);
}

static void a_thousand_rough_sites(void **unused)
{
    (void)unused;
    struct night n;
    struct tally t;
    int side = test_count("SECCM_TEST_SIDE", 32);
    uint64_t seed = (uint64_t)test_count("SECCM_TEST_SAMPLE", 1);
    work_through(SAMPLE, "clearance: 2 um, peak: 1 um, sigma: 40 nm, drop: 200 nm", side, seed, &t, &n);
    assert_int_equal(n.end, RUN_FINISHED);
    ASSERT_UNHARMED(&n);
    assert_int_equal(t.outcome[OUTCOME_MENISCUS_LOST], 0);
    assert_true(t.outcome[OUTCOME_MEASURED] > 0.95 * side * side);
    assert_true(t.conducting_missed < 0.1 * side * side);
    assert_true(n.counts.safe);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_thousand_rough_sites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
