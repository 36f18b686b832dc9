/* A contact that is lost in the middle of a step and comes back: how often it is told, by how long it was
 * gone and what the site did then, and what becomes of the site. */
#include "clean_night.h"
#include "phases.h"

struct series {
    const char *words, *site;
    double least; /* part of those gone for 0.2 s or less that must be told, by the flag or as compliance */
};

/* On HOPG, with film formation and hardly any current beside it. */
static const struct series series[] = {
    {"CV at 1 V/s",
     "  - cv: {name: formation, start: 3 V, vertices: [0.2 V, 3 V], rate: 1 V/s, cycles: 2, step: 2 mV}",
     0.05},
    {"CV at 0.1 V/s",
     "  - cv: {name: formation, start: 2 V, vertices: [0.2 V, 2 V], rate: 0.1 V/s, cycles: 1, step: 2 mV}",
     0.2},
    {"-2 pA", "  - galvanostatic: {name: formation, current: -2 pA, sample: 10 ms, until: {elapsed: 10 s}}",
     0.6},
};
static const double lasts[] = {0.05, 0.2, 1};

struct tally {
    int told, compliance, lost;
};

/* The nth phase of that name of a clean run. */
static void find_phase(const struct night_spec *s, const char *name, int nth, ns_t *from, ns_t *to)
{
    struct phases p;
    learn_phases(&p, s);
    *from = *to = 0;
    for (int k = 0; k < p.n && !*from; k++)
        if (!strcmp(p.name[k], name) && --nth == 0) {
            *from = p.at[k];
            *to = p.at[k + 1];
        }
    assert_true(*to > *from);
}

static void measure_phase(const struct night_spec *s, ns_t *from, ns_t *to)
{
    find_phase(s, "measure", 1, from, to);
}

static struct results_attempt lose(struct night *n, const struct night_spec *s, ns_t at, double seconds)
{
    struct results_attempt a[4];
    night_open(n, s);
    sim_rig_fault(n->sim, SIM_DROP_LOST, at, at + ns_from_s(seconds));
    night_run(n);
    assert_true(results_attempts(n->file, 1, a, 4, &n->e) >= 1);
    return a[0];
}

/* From somewhere between 5 and 90 % of the steps. */
static void tally_at(const struct night_spec *s, struct rng r, uint64_t k, double seconds, int count,
                     struct tally *t)
{
    ns_t from, to;
    measure_phase(s, &from, &to);
    for (int c = 0; c < count; c++) {
        struct night n;
        double part = 0.05 + 0.85 * rng_uniform(r, k, (uint64_t)(1000 * seconds), (uint64_t)c);
        struct results_attempt a = lose(&n, s, from + (ns_t)(part * (double)(to - from)), seconds);
        bool told = strstr(a.flags, "contact-interrupted");
        assert_true(!told || a.outcome == OUTCOME_MEASURED);
        t->told += told;
        t->compliance += !told && a.outcome == OUTCOME_MEASURED && strstr(a.flags, "compliance");
        t->lost += a.outcome == OUTCOME_MENISCUS_LOST;
        night_close(&n);
    }
}

static void how_often_it_is_told(void **unused)
{
    (void)unused;
    struct rng r = rng_stream(campaign_seed(), "test.interrupted");
    int count = test_count("SECCM_TEST_INSTANTS", 6);
    const char *sample = getenv("SECCM_TEST_SAMPLE");
    for (uint64_t k = 0; k < sizeof series / sizeof series[0]; k++) {
        struct night_spec s = {.site = series[k].site, .sample = sample ? sample : "hopg.yaml"};
        int told = 0;
        for (size_t d = 0; d < sizeof lasts / sizeof lasts[0]; d++) {
            struct tally t = {0};
            tally_at(&s, r, k, lasts[d], count, &t);
            print_message("%s, gone for %g s: of %d %d flagged, %d compliance, %d meniscus-lost\n",
                          series[k].words, lasts[d], count, t.told, t.compliance, t.lost);
            told += lasts[d] < 0.5 ? t.told + t.compliance : 0;
        }
        if (!sample)
            assert_true(told >= series[k].least * 2 * count);
    }
}

static const char constant[] =
    "  - galvanostatic: {name: charge, current: -2 pA, sample: 10 ms, until: {elapsed: 3 s}}";

static int sites_flagged(struct night *n)
{
    struct results_sites sites;
    int flagged = 0;
    assert_true(results_sites(n->file, &sites, &n->e));
    for (int k = 0; k < sites.n; k++)
        flagged += strstr(sites.site[k].flags, "contact-interrupted") != NULL;
    results_sites_free(&sites);
    return flagged;
}

static void what_the_protocol_says_is_done(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults, *more;
        enum run_end end;
        int visited;
    } policies[] = {
        {NULL, NULL, RUN_FINISHED, 3},
        {"contact-interrupted: skip", NULL, RUN_FINISHED, 3},
        {"contact-interrupted: skip", "stop: {count: 2}", RUN_FINISHED, 2},
        {"contact-interrupted: spare", NULL, RUN_FINISHED, 4},
        {"contact-interrupted: spare", "stop: {count: 3}", RUN_FINISHED, 4},
        {"contact-interrupted: spare", "stop: {count: 2}", RUN_FINISHED, 3}, /* two good ones are there */
        {"contact-interrupted: pause", NULL, RUN_PAUSED, 1},
        {"contact-interrupted: abort", NULL, RUN_ABORTED, 1},
    };
    struct night_spec s = {.columns = 3, .spares = "2", .site = constant, .sample = "hopg.yaml"};
    ns_t from, to;
    measure_phase(&s, &from, &to);
    for (size_t k = 0; k < sizeof policies / sizeof policies[0]; k++) {
        struct night n;
        s.faults = policies[k].faults;
        s.more = policies[k].more;
        struct results_attempt a = lose(&n, &s, from + 2 * NS_S, 0.05);
        assert_int_equal(a.outcome, OUTCOME_MEASURED);
        assert_string_equal(a.fault, "contact-interrupted");
        assert_int_equal(n.end, policies[k].end);
        assert_int_equal(n.counts.visited, policies[k].visited);
        assert_int_equal(sites_flagged(&n), 1);
        assert_true(policies[k].end == RUN_FINISHED || strstr(n.e.text, "contact-interrupted: charge: the "
                                                                        "contact was lost from"));
        assert_int_equal(events_with(&n, "site", "[contact-interrupted] charge: the contact was lost"), 1);
        night_close(&n);
    }
}

/* Of an earlier part of the run no more counts than of this one. */
static void a_site_to_be_replaced_counts_for_nothing_when_resumed(void **unused)
{
    (void)unused;
    struct night_spec s = {.columns = 3,
                           .spares = "2",
                           .site = constant,
                           .sample = "hopg.yaml",
                           .faults = "contact-interrupted: spare",
                           .more = "stop: {count: 3}"};
    struct night n;
    struct timer stop = {0};
    ns_t from, to, next;
    measure_phase(&s, &from, &to);
    find_phase(&s, "approach", 2, &next, &to);
    night_open(&n, &s);
    sim_rig_fault(n.sim, SIM_DROP_LOST, from + 2 * NS_S, from + 2 * NS_S + 50 * NS_MS);
    night_stop_at(&n, &stop, ns_to_s(next) + 0.1);
    night_run(&n);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_int_equal(sites_flagged(&n), 1);
    struct run_before *b = night_again(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_attempt a[2];
    assert_int_equal(attempts_of(&n, n.plan->n_sites + 1, a, 2), 1);
    assert_int_equal(a[0].outcome, OUTCOME_MEASURED);
    free(b);
    night_close(&n);
}

static const char longer[] =
    "  - galvanostatic: {name: charge, current: -2 pA, sample: 10 ms, until: {elapsed: 8 s}}";

/* The drop grew as well: what the protocol is stricter with is what is done. */
static void of_two_things_found_the_stricter_one_is_asked(void **unused)
{
    (void)unused;
    static const struct {
        const char *faults, *fault, *says;
        enum run_end end;
    } both[] = {
        {"contact-interrupted: pause", "contact-interrupted", "the contact was lost", RUN_PAUSED},
        {"contact-interrupted: spare", "contact-interrupted", NULL, RUN_FINISHED},
        {"contact-interrupted: spare, meniscus-spreading: pause", "meniscus-spreading", "the drop spread",
         RUN_PAUSED},
        {NULL, "meniscus-spreading", NULL, RUN_FINISHED},
    };
    struct night_spec s = {.columns = 1, .spares = "2", .site = longer, .sample = "hopg.yaml"};
    ns_t from, to;
    measure_phase(&s, &from, &to);
    for (size_t k = 0; k < sizeof both / sizeof both[0]; k++) {
        struct night n;
        struct results_attempt a;
        s.faults = both[k].faults;
        night_open(&n, &s);
        sim_rig_fault(n.sim, SIM_DROP_SPREADS, from + 3 * NS_S, to);
        sim_rig_fault(n.sim, SIM_DROP_LOST, from + 2 * NS_S, from + 2 * NS_S + 50 * NS_MS);
        night_run(&n);
        assert_int_equal(attempts_of(&n, 1, &a, 1), 1);
        print_message("%s: %s [%s]: %s\n", both[k].faults ? both[k].faults : "", a.flags, a.fault, n.e.text);
        assert_non_null(strstr(a.flags, "meniscus-spreading"));
        assert_non_null(strstr(a.flags, "contact-interrupted"));
        assert_string_equal(a.fault, both[k].fault);
        assert_int_equal(n.end, both[k].end);
        assert_true(!both[k].says || strstr(n.e.text, both[k].says));
        night_close(&n);
    }
}

static void a_contact_that_stays_is_not_flagged(void **unused)
{
    (void)unused;
    static const char *const site[] = {
        "  - cv: {name: formation, start: 3 V, vertices: [0.05 V, 3 V], rate: 1 V/s, cycles: 2}\n"
        "  - hold: {potential: 1 V, for: 2 s}\n"
        "  - pulse: {potentials: [0.5 V, 2 V], for: 0.3 s, count: 3}\n"
        "  - ocp: {for: 1 s}",
        "  - galvanostatic: {current: -2 pA, until: {elapsed: 2 s, potential: \"< 0.1 V\"}, reverse: "
        "{current: 2 pA, until: "
        "{elapsed: 2 s, potential: \"> 2 V\"}}, cycles: 2}\n"
        "  - rest: {for: 1 s}\n"
        "  - cv: {start: 2 V, vertices: [0.1 V, 2 V], rate: 20 V/s, cycles: 2, step: 20 mV}",
    };
    static const char *const sample[] = {"hopg.yaml", "silicon-native-oxide.yaml", "copper.yaml",
                                         "cathode.yaml"};
    uint64_t seed = test_seed();
    for (int k = 0; k < 8; k++) {
        struct night n;
        night_open(&n, &(struct night_spec){
                           .columns = 4, .site = site[k % 2], .sample = sample[k / 2], .seed = seed + 1});
        night_run(&n);
        assert_true(n.counts.visited >= 1);
        assert_int_equal(sites_flagged(&n), 0);
        night_close(&n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_often_it_is_told),
        cmocka_unit_test(what_the_protocol_says_is_done),
        cmocka_unit_test(a_site_to_be_replaced_counts_for_nothing_when_resumed),
        cmocka_unit_test(of_two_things_found_the_stricter_one_is_asked),
        cmocka_unit_test(a_contact_that_stays_is_not_flagged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
