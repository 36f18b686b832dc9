/* Rules that end a run or leave sites out, each seen in the results file; and which spare is taken. */
#include "fixture.h"

#include "analysis/stats.h"

#define SPREAD                                                                                               \
    "{surface: {roughness: 0 nm}, edge-density: {mean: 0.3, spread: 0}, wetting: {start: 1.5, spread: 0, "   \
    "compression: 0}, double-layer: {spread: 20 %}, trace: {density: 0 uA/cm2}}"

static const struct results_site *site_of(const struct results_sites *s, int number)
{
    for (int k = 0; k < s->n; k++)
        if (s->site[k].site == number)
            return &s->site[k];
    fail_msg("no site %d", number);
    return NULL;
}

/* --- count ---------------------------------------------------------------------------------------------- */

/* Two factors in blocks of four; one site gives no contact. */
static const struct night_spec counted = {
    .columns = 8,
    .rows = 4,
    .spares = "2",
    .sample = "{surface: {roughness: 0 nm, insulating: {list: [{x: 15 um, y: 10 um, radius: 2 um}]}}}",
    .site = "  - cv: {name: formation, start: 3 V, vertices: [$cutoff, 3 V], rate: $rate, step: 10 mV}",
    .more = "vary: {factors: {cutoff: [1 V, 2 V], rate: [10 V/s, 20 V/s]}}\nstop: {count: 3}\n"};

static void check_count(const struct night *n, int wanted)
{
    struct results_sites s = sites_of(n);
    int measured[4] = {0}, left_out = 0;
    for (int k = 0; k < s.n; k++) {
        const struct results_site *site = &s.site[k];
        int at = (s.level_si[2 * k] > 1.5) + 2 * (s.level_si[2 * k + 1] > 15);
        if (site->outcome == OUTCOME_MEASURED)
            measured[at]++;
        if (site->outcome != OUTCOME_NOT_VISITED)
            continue;
        left_out++;
        assert_int_equal(site->attempts, 0);
        assert_non_null(strstr(site->reason, "stop.count: 3 sites with these levels are measured"));
    }
    for (int k = 0; k < 4; k++)
        assert_int_equal(measured[k], wanted);
    assert_int_equal(left_out, 32 - 4 * wanted - 1);
    results_sites_free(&s);
}

static void a_count_is_met_by_each_combination_and_no_more(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &counted);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 12);
    assert_int_equal(n.counts.by_outcome[OUTCOME_NO_CONTACT],
                     1); /* no spare for it: others made up the count */
    check_count(&n, 3);
    assert_info(&n, "state", "finished");
    assert_info(&n, "stopped_by", "stop.count");
    assert_info(&n, "state_reason", "stop.count: 19 sites left out");
    assert_non_null(strstr(n.counts.why, "stop.count"));
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void a_count_goes_on_behind_an_interruption(void **unused)
{
    (void)unused;
    struct night n;
    struct timer t = {0};
    night_open(&n, &counted);
    night_stop_at(&n, &t, 40);
    night_run(&n);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_true(n.counts.visited > 2 && n.counts.visited < 12);
    assert_info(&n, "stopped_by", "");
    struct run_before *before = night_again(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_sites s = sites_of(&n);
    int measured = 0;
    for (int k = 0; k < s.n; k++)
        measured += s.site[k].outcome == OUTCOME_MEASURED;
    assert_int_equal(measured, 12);
    results_sites_free(&s);
    free(before);
    night_close(&n);
}

/* --- when ----------------------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Half-width of the 95 % interval of the median over the median, from the tables of the sign test: rank of
 * the lower end for n = 6, 7, ... (e.g. Conover, Practical Nonparametric Statistics, table A3). */
static double relative_half_width(const double *value, int n)
{
    static const int rank[] = {1, 1, 1, 2, 2,  2,  3,  3,  3,  4,  4,  5,  5,  5,  6,  6,  6,  7,  7,  8,
                               8, 8, 9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 13, 13, 14, 14, 15, 15, 16, 16};
    double v[64];
    if (n < 6)
        return INFINITY;
    assert_true(n - 6 < (int)(sizeof rank / sizeof rank[0]));
    memcpy(v, value, (size_t)n * sizeof *v);
    qsort(v, (size_t)n, sizeof *v, by_value);
    int k = rank[n - 6];
    double median = n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
    return (v[n - k] - v[k - 1]) / 2 / median;
}

struct measured {
    double start, value, level;
};

static int by_start(const void *a, const void *b)
{
    const struct measured *x = a, *y = b;
    return (x->start > y->start) - (x->start < y->start);
}

static int measured_of(const struct night *n, struct measured *m)
{
    struct results_sites s = sites_of(n);
    struct results_feature *f;
    struct err err = ERR_INIT;
    int count, found = 0;
    assert_true(results_features(n->file, &f, &count, &err));
    for (int k = 0; k < s.n; k++)
        if (s.site[k].outcome == OUTCOME_MEASURED)
            m[found++] =
                (struct measured){s.site[k].start_s, site_feature(&s, k, f, count, "contact_capacitance"),
                                  s.n_factors ? s.level_si[k * s.n_factors] : 0};
    qsort(m, (size_t)found, sizeof *m, by_start);
    free(f);
    results_sites_free(&s);
    return found;
}

/* After how many sites every one of the levels is known, by what the file says. */
static int enough_after(const struct measured *m, int n, const double *level, int n_levels, int least,
                        double limit)
{
    for (int k = 1; k <= n; k++) {
        bool enough = true;
        for (int l = 0; l < n_levels; l++) {
            double v[64];
            int count = 0;
            for (int j = 0; j < k; j++)
                if (m[j].level == level[l])
                    v[count++] = m[j].value;
            enough = enough && count >= least && relative_half_width(v, count) < limit;
        }
        if (enough)
            return k;
    }
    return -1;
}

static void a_median_known_well_enough_finishes_the_run(void **unused)
{
    (void)unused;
    struct night n;
    struct measured m[64];
    night_open(&n,
               &(struct night_spec){
                   .columns = 8,
                   .rows = 6,
                   .sample = SPREAD,
                   .more = "stop: {when: {feature: contact_capacitance, half-width: 12 %, at-least: 8}}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    int visited = measured_of(&n, m);
    double none = 0;
    print_message("12 %% after %d sites; a normal spread of 20 %% would need about %.0f\n", visited,
                  pow(1.96 * 1.2533 * 0.2 / 0.12, 2));
    assert_true(visited >= 8 && visited < 48);
    assert_int_equal(enough_after(m, visited, &none, 1, 8, 0.12), visited);
    struct results_sites s = sites_of(&n);
    int left_out = 0;
    for (int k = 0; k < s.n; k++)
        left_out += s.site[k].outcome == OUTCOME_NOT_VISITED && strstr(s.site[k].reason, "stop.when") != NULL;
    assert_int_equal(left_out, 48 - visited);
    results_sites_free(&s);
    assert_info(&n, "stopped_by", "stop.when");
    assert_info(&n, "state_reason", "the median of contact_capacitance is known to +- 12 %");
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static const struct night_spec by_level = {
    .columns = 8,
    .rows = 6,
    .sample = SPREAD,
    .site = "  - hold: {potential: $e, for: 20 ms}",
    .more = "vary: {factors: {e: [2 V, 3 V]}}\n"
            "stop: {when: {feature: contact_capacitance, by: e, half-width: 16 %, at-least: 7}}\n"};

static void each_level_must_be_known(void **unused)
{
    (void)unused;
    struct night n;
    struct measured m[64];
    const double level[] = {2, 3};
    night_open(&n, &by_level);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    int visited = measured_of(&n, m);
    print_message("16 %% at both levels after %d sites\n", visited);
    assert_true(visited >= 14 && visited < 48);
    assert_int_equal(enough_after(m, visited, level, 2, 7, 0.16), visited);
    assert_info(&n, "state_reason", "2 V +- ");
    assert_info(&n, "state_reason", "3 V +- ");
    night_close(&n);
}

/* The values of the earlier part are read back: it ends at the same site. */
static void a_median_is_judged_behind_an_interruption_too(void **unused)
{
    (void)unused;
    struct night whole, n;
    struct measured m[64];
    struct timer t = {0};
    night_open(&whole, &by_level);
    night_run(&whole);
    int visited = measured_of(&whole, m);
    night_open(&n, &by_level);
    night_stop_at(&n, &t, 0.6 * ns_to_s(whole.t1));
    night_run(&n);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    struct run_before *before = night_again(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    int again = measured_of(&n, m);
    const double level[] = {2, 3};
    print_message("%d sites, %d with an interruption\n", visited, again);
    assert_int_equal(enough_after(m, again, level, 2, 7, 0.16), again);
    /* And once more: nothing is left to do. */
    free(before);
    before = night_again(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(measured_of(&n, m), again);
    assert_info(&n, "stopped_by", "stop.when");
    free(before);
    night_close(&n);
    night_close(&whole);
}

/* Another probe of the same size goes on with the sample; one of another size begins its own. */
static void another_size_of_probe_begins_another_sample(void **unused)
{
    (void)unused;
    static const double aperture[] = {400e-9, 250e-9};
    const double level[] = {2, 3};
    for (int k = 0; k < 2; k++) {
        struct night n;
        struct timer t = {0};
        struct measured m[64];
        struct night_spec s = by_level;
        s.columns = 16;
        s.pitch = 3;
        night_open(&n, &s);
        night_stop_at(&n, &t, 60);
        night_run(&n);
        assert_int_equal(n.end, RUN_INTERRUPTED);
        int first = measured_of(&n, m);
        assert_true(first >= 4);
        const struct probe other = {
            .number = 2, .aperture = aperture[k], .from_attempt = n.counts.visited + 1};
        n.options.probe = &other;
        struct run_before *before = night_again(&n);
        assert_int_equal(n.end, RUN_FINISHED);
        int all = measured_of(&n, m), from = k ? first : 0;
        print_message("%g nm: %d sites, %d of them behind the first probe\n", aperture[k] * 1e9, all,
                      all - first);
        assert_int_equal(enough_after(m + from, all - from, level, 2, 7, 0.16), all - from);
        assert_info(&n, "stopped_by", "stop.when");
        free(before);
        night_close(&n);
    }
}

/* --- by ------------------------------------------------------------------------------------------------- */

/* Virtual time begins at midnight, universal time. */
static void no_site_is_begun_that_would_end_too_late(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 10, .rows = 3, .more = "stop: {by: \"00:02\"}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_info(&n, "stopped_by", "stop.by");
    assert_non_null(strstr(n.e.text, "after 00:02"));
    struct results_attempt a;
    double end = 0, longest = 0;
    for (int k = 1; k <= n.counts.visited; k++) {
        a = only_attempt(&n, k);
        end = a.end_s;
        longest = fmax(longest, a.end_s - a.start_s);
    }
    print_message("%d sites, the last one done at %.1f s\n", n.counts.visited, end);
    assert_true(n.counts.visited > 5 && n.counts.visited < 30);
    assert_true(end <= 120);
    assert_true(end + 1.5 * longest > 120);
    ASSERT_UNHARMED(&n);
    /* Resumed, the same time of the next day is meant. */
    struct run_before *before = night_again(&n);
    assert_int_equal(n.end, n.counts.visited == 30 ? RUN_FINISHED : RUN_PAUSED);
    free(before);
    night_close(&n);
}

static void a_date_far_away_lets_all_sites_be_visited(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 4, .more = "stop: {by: \"2000-01-02 06:30\"}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.visited, 4);
    assert_info(&n, "stopped_by", "");
    night_close(&n);
}

/* --- spares --------------------------------------------------------------------------------------------- */

/* Site 3 of the first region and site 10, of the second, give no contact. Spares: 13, 14 beside the first
 * region; 15, 16 beside the second. */
static void a_spare_comes_from_the_region_of_the_lost_site(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n,
               &(struct night_spec){
                   .grid =
                       "{grid: 1, regions: [{name: near, shape: rectangle, columns: 6, rows: 1, pitch: 5 um, "
                       "origin: {x: 10 um, y: 10 um}, spares: 2}, {name: far, shape: rectangle, columns: 6, "
                       "rows: 1, pitch: 5 um, origin: {x: 10 um, y: 40 um}, spares: 2}]}",
                   .sample = "{surface: {roughness: 0 nm, insulating: {list: [{x: 30 um, y: 10 um, radius: 2 "
                             "um}, {x: 15 um, y: 40 um, radius: 2 um}]}}}"});
    int lost[2] = {0}, spare[2] = {0};
    for (int k = 0; k < plan_places(n.plan); k++) {
        const struct plan_site *s = &n.plan->site[k];
        if (!s->spare && fabs(s->x - 30e-6) < 1e-9 && s->y < 20e-6)
            lost[0] = s->site;
        if (!s->spare && fabs(s->x - 15e-6) < 1e-9 && s->y > 20e-6)
            lost[1] = s->site;
    }
    for (int r = 0; r < 2; r++) { /* by the plan alone: the nearest of the region */
        double least = INFINITY;
        const struct plan_site *q = &n.plan->site[lost[r] - 1];
        for (int k = n.plan->n_sites; k < n.plan->n_sites + n.plan->n_spares; k++) {
            const struct plan_site *s = &n.plan->site[k];
            double distance = hypot(s->x - q->x, s->y - q->y);
            if (strcmp(s->region, q->region) == 0 && distance < least) {
                least = distance;
                spare[r] = s->site;
            }
        }
    }
    print_message("sites %d and %d are lost, their spares are %d and %d\n", lost[0], lost[1], spare[0],
                  spare[1]);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_sites s = sites_of(&n);
    int used = 0;
    for (int r = 0; r < 2; r++) {
        assert_int_equal(site_of(&s, lost[r])->outcome, OUTCOME_NO_CONTACT);
        assert_int_equal(site_of(&s, spare[r])->replaces, lost[r]);
        assert_int_equal(site_of(&s, spare[r])->outcome, OUTCOME_MEASURED);
        assert_string_equal(site_of(&s, spare[r])->region, site_of(&s, lost[r])->region);
    }
    for (int k = 0; k < s.n; k++)
        used += s.site[k].replaces > 0;
    assert_int_equal(used, 2);
    results_sites_free(&s);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* Three sites of a region with one spare are lost: the spares of the other region stay where they are. */
static void a_spare_of_another_region_is_not_taken(void **unused)
{
    (void)unused;
    struct night n;
    night_open(
        &n, &(struct night_spec){
                .grid = "{grid: 1, regions: [{name: near, shape: line, count: 6, pitch: 5 um, origin: {x: 10 "
                        "um, y: 10 um}, spares: 3}, {name: far, shape: line, count: 6, pitch: 5 um, origin: "
                        "{x: 10 um, y: 30 um}, spares: 1}]}",
                .sample = "{surface: {roughness: 0 nm, insulating: {list: [{x: 20 um, y: 30 um, radius: 2 "
                          "um}, {x: 30 um, y: 30 um, radius: 2 um}]}}}"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_sites s = sites_of(&n);
    int near = 0, far = 0;
    for (int k = 0; k < s.n; k++) {
        near += s.site[k].replaces && strcmp(s.site[k].region, "near") == 0;
        far += s.site[k].replaces && strcmp(s.site[k].region, "far") == 0;
    }
    assert_int_equal(near, 0);
    assert_int_equal(far, 1);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 11);
    results_sites_free(&s);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_is_met_by_each_combination_and_no_more),
        cmocka_unit_test(a_count_goes_on_behind_an_interruption),
        cmocka_unit_test(a_median_known_well_enough_finishes_the_run),
        cmocka_unit_test(each_level_must_be_known),
        cmocka_unit_test(a_median_is_judged_behind_an_interruption_too),
        cmocka_unit_test(another_size_of_probe_begins_another_sample),
        cmocka_unit_test(no_site_is_begun_that_would_end_too_late),
        cmocka_unit_test(a_date_far_away_lets_all_sites_be_visited),
        cmocka_unit_test(a_spare_comes_from_the_region_of_the_lost_site),
        cmocka_unit_test(a_spare_of_another_region_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
