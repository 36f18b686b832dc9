/* Selection of sites, and the verdict on a factor: wetting alone is not reported as an effect on the film. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/analysis/synth.h"

#include "analysis/compare.h"

#define LEVELS 3

static const char *const level_name[LEVELS] = {"1.0 V", "0.5 V", "0.05 V"};
static const double level_si[LEVELS] = {1.0, 0.5, 0.05};

/* A grid of n sites with one factor, measured, levels in turn. */
static void make_sites(struct results_sites *s, int n)
{
    *s = (struct results_sites){.n = n, .n_factors = 1};
    s->site = xcalloc((size_t)n, sizeof *s->site);
    s->level = xcalloc((size_t)n, sizeof *s->level);
    s->level_si = xcalloc((size_t)n, sizeof *s->level_si);
    for (int k = 0; k < n; k++) {
        s->site[k] = (struct results_site){.site = n - k,
                                           .order = k + 1,
                                           .outcome = OUTCOME_MEASURED,
                                           .last_attempt = 100 + n - k,
                                           .start_s = 30.0 * k};
        s->level[k] = xstrdup(level_name[k % LEVELS]);
        s->level_si[k] = level_si[k % LEVELS];
    }
}

static void free_sites(struct results_sites *s)
{
    for (int k = 0; k < s->n; k++)
        free(s->level[k]);
    free(s->level);
    free(s->level_si);
    free(s->site);
}

/* How a simulated sample answers to the cut-off. */
struct sample {
    double growth[LEVELS]; /* relative growth of the area from the first to the second pass */
    double law[LEVELS];    /* charge per area of the second pass over that of the first */
    double fresh; /* charge per area of a new annulus at its first pass: 1 = fresh, law = passivated before */
    double c_noise;        /* SD of the capacitance, relative */
    double ends;           /* SD of the capacitances at contact and at rest, relative; 0 = not measured */
    double before[LEVELS]; /* relative growth of the area between contact and the first pass */
};

/* Rows of q_sei, c_dl_pass and the three ratios, as the features of a run would hold them. */
static void make_rows(const struct results_sites *s, const struct sample *m, uint64_t seed,
                      struct features *f)
{
    struct rng rng = rng_stream(seed, "test.sites");
    for (int k = 0; k < s->n; k++) {
        int level = k % LEVELS;
        uint64_t site = (uint64_t)s->site[k].site;
        double a0 = 30e-15 * (1 + 0.15 * rng_normal(rng, site, 0, 0)), a1 = a0 * (1 + m->growth[level]);
        double per = -60 * (1 + 0.2 * rng_normal(rng, site, 1, 0));
        double law = m->law[level] * (1 + 0.1 * rng_normal(rng, site, 2, 0));
        double fresh = m->fresh < 0 ? law : m->fresh;
        double q[2] = {per * a0, per * (law * a0 + fresh * (a1 - a0))};
        double c[2] = {a0 + 30e-15 * m->c_noise * rng_normal(rng, site, 3, 0),
                       a1 + 30e-15 * m->c_noise * rng_normal(rng, site, 4, 0)};
        double r[2], per_c[2];
        double contact = a0 / (1 + m->before[level]) + 30e-15 * m->ends * rng_normal(rng, site, 7, 0);
        double rest = a1 + 30e-15 * m->ends * rng_normal(rng, site, 8, 0);
        if (m->ends > 0) {
            area_bound(q, 2, rest / contact, r, per_c);
        } else {
            area_deconvolve(q, c, 2, r);
            area_ratio(q, c, 2, per_c);
        }
        struct feature_place p = {s->site[k].site, s->site[k].last_attempt, 5, "formation", 0};
        for (int cycle = 1; cycle <= 2; cycle++) {
            p.cycle = cycle;
            features_value(f, &p, "q_sei", q[cycle - 1], NAN, NULL);
            features_value(f, &p, "q_sei_film", q[cycle - 1], NAN, NULL);
            features_value(f, &p, "c_dl_pass", c[cycle - 1], NAN, NULL);
            features_value(f, &p, "q_sei_per_cdl", q[cycle - 1] / c[cycle - 1], NAN, NULL);
            features_value(f, &p, "e_peak_red", 1.2 + 0.01 * rng_normal(rng, site, 5, 0), NAN, NULL);
            features_value(f, &p, "e_onset",
                           1.4 + 0.05 * m->growth[level] + 0.001 * rng_normal(rng, site, 6, 0), NAN, NULL);
        }
        features_value(f, &p, "sei_film_ratio", q[1] / q[0], NAN, NULL);
        features_value(f, &p, "sei_charge_ratio", q[1] / q[0], NAN, NULL);
        features_value(f, &p, "sei_charge_ratio_area", r[1], NAN, NULL);
        features_value(f, &p, "sei_charge_ratio_cdl", per_c[1], NAN, NULL);
        p.cycle = 0;
        p.step_name = "plating";
        features_value(f, &p, "capacity", 1e-12 * a1 / 30e-15, NAN, NULL);
        p.step = 0;
        p.step_name = "";
        if (m->ends > 0) {
            features_value(f, &p, "contact_capacitance", contact, NAN, NULL);
            features_value(f, &p, "rest_capacitance", rest, NAN, NULL);
            features_value(f, &p, "wetted_growth", rest / contact, NAN, NULL);
        }
    }
}

static struct comparison verdict(const struct sample *m, const char *feature, uint64_t seed)
{
    struct results_sites s;
    struct features f = {0};
    struct feature_ref ref;
    struct comparison r = {0};
    struct err e = ERR_INIT;
    make_sites(&s, 99);
    make_rows(&s, m, seed, &f);
    if (!feature_ref_parse(feature, &ref, &e) ||
        !compare_feature(&s, f.row, f.n, &ref, 0, "cutoff", UNVERIFIED_WITH, &r, &e))
        fail_msg("%s: %s", feature, e.text);
    features_free(&f);
    free_sites(&s);
    return r;
}

static const struct sample null_fresh = {{0.05, 0.3, 0.6}, {0.3, 0.3, 0.3}, 1, 0.1};
static const struct sample null_passivated = {{0.05, 0.3, 0.6}, {0.3, 0.3, 0.3}, -1, 0.1};
static const struct sample null_between = {{0.05, 0.3, 0.6}, {0.3, 0.3, 0.3}, 0.6, 0.1};
static const struct sample null_dead = {{0.05, 0.3, 0.6}, {0.3, 0.3, 0.3}, 0.1, 0.1};
/* The same with capacitances at both ends, and drops that grew before the first pass too: alike, or only
 * where they did not grow later. */
static const struct sample ends_fresh = {{0.05, 0.3, 0.6}, {0.3, 0.3, 0.3}, 1, 0.1, 0.05, {0.2, 0.2, 0.2}};
static const struct sample ends_dead = {{0.05, 0.3, 0.6}, {0.3, 0.3, 0.3}, 0.1, 0.1, 0.05, {0.2, 0.2, 0.2}};
static const struct sample ends_early = {{0.05, 0.3, 0.2}, {0.3, 0.3, 0.3}, 1, 0.1, 0.05, {0.1, 0.1, 1.2}};
static const struct sample ends_film = {{0.05, 0.1, 0.2}, {0.2, 0.4, 0.8}, 1, 0.1, 0.05, {0.1, 0.1, 0.1}};
static const struct sample real_film = {{0.05, 0.3, 0.6}, {0.3, 0.42, 0.95}, 1, 0.1};
static const struct sample film_only = {{0.1, 0.1, 0.1}, {0.4, 0.3, 0.2}, 1, 0.05};

/* Whatever a new annulus does at its next pass, growth alone is not called an effect on the film. With two
 * corrected forms that would have to agree in direction it never is; a quantity with one form is at the rate
 * of the test's alpha. */
static void wetting_alone_is_not_an_effect_on_the_film(void **state)
{
    (void)state;
    const struct sample *nulls[] = {&null_fresh, &null_passivated, &null_between, &null_dead,
                                    &ends_fresh, &ends_dead,       &ends_early};
    enum { NULLS = sizeof nulls / sizeof nulls[0] };
    static const char *const features[] = {"sei_charge_ratio@2",
                                           "sei_charge_ratio_area@2",
                                           "sei_charge_ratio_cdl@2",
                                           "sei_film_ratio@2",
                                           "q_sei@2",
                                           "q_sei_film@2",
                                           "q_sei_per_cdl@2",
                                           "q_sei@1",
                                           "plating.capacity",
                                           "c_dl_pass@2",
                                           "e_onset@2"};
    enum { FEATURES = sizeof features / sizeof features[0] };
    int confounded = 0, effects = 0;
    for (size_t m = 0; m < NULLS; m++)
        for (size_t k = 0; k < FEATURES; k++)
            for (uint64_t seed = 1; seed <= 10; seed++) {
                struct comparison r = verdict(nulls[m], features[k], 100 * m + seed);
                if (r.verdict == COMPARE_EFFECT && r.n_partners != 1)
                    fail_msg("seed %d, null %d: %s", (int)seed, (int)m, r.text);
                effects += r.verdict == COMPARE_EFFECT;
                confounded += r.verdict == COMPARE_CONFOUNDED_WITH_WETTING;
            }
    struct comparison r = verdict(&null_fresh, "sei_charge_ratio@2", 1);
    printf("seeds 1..%d, %d nulls, %d features: confounded %d of %d, effect %d; %s\n", 100 * (NULLS - 1) + 10,
           NULLS, FEATURES, confounded, NULLS * FEATURES * 10, effects, r.text);
    assert_in_range(effects, 0, NULLS * FEATURES * 10 / 100);
    assert_int_equal(r.verdict, COMPARE_CONFOUNDED_WITH_WETTING);
    assert_true(r.feature.shown && r.area.shown && !r.partner[0].shown);
    assert_non_null(strstr(r.text, "No effect on the film is shown apart from wetting"));
    r = verdict(&null_fresh, "c_dl_pass@2", 1);
    assert_non_null(strstr(r.text, "says nothing about the film"));
}

static void an_effect_on_the_film_is_found(void **state)
{
    (void)state;
    struct comparison r = verdict(&film_only, "formation.sei_charge_ratio@2", 1);
    printf("%s\n", r.text);
    assert_int_equal(r.verdict, COMPARE_EFFECT);
    assert_int_equal(r.n_partners, 2);
    assert_false(r.area.shown);
    /* Asked for a corrected form, the quantity it belongs to is judged. */
    r = verdict(&film_only, "sei_charge_ratio_area@2", 1);
    assert_int_equal(r.verdict, COMPARE_EFFECT);
    assert_string_equal(r.feature.name, "sei_charge_ratio@2");
    r = verdict(&film_only, "q_sei@2", 1);
    printf("%s\n", r.text);
    assert_int_equal(r.verdict, COMPARE_EFFECT);
    r = verdict(&real_film, "sei_charge_ratio@2", 2);
    printf("%s\n", r.text);
    assert_int_equal(r.verdict, COMPARE_EFFECT);
    assert_true(r.area.shown);
}

/* With capacitances at both ends of the contact: growth at different times is seen through, a large effect is
 * found although the wetting differs too. */
static void the_ends_of_the_contact_bracket_the_film(void **state)
{
    (void)state;
    struct comparison r = verdict(&ends_early, "sei_charge_ratio@2", 5);
    printf("%s\n", r.text);
    assert_int_equal(r.verdict, COMPARE_CONFOUNDED_WITH_WETTING);
    assert_true(r.feature.shown && r.area.shown && !r.separate);
    assert_string_equal(r.area.name, "wetted_growth");
    int found = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        r = verdict(&ends_film, "sei_charge_ratio@2", seed);
        found += r.verdict == COMPARE_EFFECT && r.separate && r.area.shown;
        r = verdict(&ends_film, "q_sei_film@2", seed);
        found += r.verdict == COMPARE_EFFECT;
    }
    printf("seeds 1..20: %d of 40 found; %s\n", found, r.text);
    assert_in_range(found, 38, 40);
    assert_string_equal(r.partner[0].name, "q_sei_film per area, new area fresh");
    r = verdict(&ends_film, "plating.capacity", 1);
    assert_string_equal(r.partner[0].name, "capacity per contact_capacitance");
    assert_string_equal(r.partner[1].name, "capacity per rest_capacitance");
    r = verdict(&ends_fresh, "wetted_growth", 1);
    assert_int_equal(r.verdict, COMPARE_CONFOUNDED_WITH_WETTING);
    assert_non_null(strstr(r.text, "says nothing about the film"));
}

static void no_effect_is_no_effect(void **state)
{
    (void)state;
    struct comparison r = verdict(&null_fresh, "e_peak_red@2", 3);
    assert_int_equal(r.verdict, COMPARE_NO_EFFECT_SHOWN);
    static const struct sample quiet = {{0.1, 0.1, 0.1}, {0.3, 0.3, 0.3}, 1, 0.1};
    int shown = 0;
    for (uint64_t seed = 1; seed <= 50; seed++)
        shown += verdict(&quiet, "sei_charge_ratio@2", seed).verdict != COMPARE_NO_EFFECT_SHOWN;
    printf("seeds 1..50 without any difference: %d not NO_EFFECT_SHOWN\n", shown);
    assert_in_range(shown, 0, 2);
    assert_string_equal(compare_verdict_name(COMPARE_CONFOUNDED_WITH_WETTING), "confounded with wetting");
}

/* Without any capacitance nothing that scales with the area can be called an effect. */
static void a_missing_area_is_said(void **state)
{
    (void)state;
    struct results_sites s;
    struct features f = {0};
    struct feature_ref ref;
    struct comparison r = {0};
    struct err e = ERR_INIT;
    make_sites(&s, 60);
    for (int k = 0; k < s.n; k++) {
        struct feature_place p = {s.site[k].site, s.site[k].last_attempt, 5, "formation", 1};
        features_value(&f, &p, "q_red", -1 - k % LEVELS - 0.01 * k, NAN, NULL);
        features_missing(&f, &p, "c_dl_pass", "no in-air blank");
    }
    assert_true(feature_ref_parse("q_red@1", &ref, &e));
    assert_true(compare_feature(&s, f.row, f.n, &ref, 0, "cutoff", UNVERIFIED_WITH, &r, &e));
    assert_int_equal(r.verdict, COMPARE_CONFOUNDED_WITH_WETTING);
    assert_non_null(strstr(r.text, "too few values"));
    features_free(&f);
    /* No values at all. */
    assert_true(compare_feature(&s, f.row, f.n, &ref, 0, "cutoff", UNVERIFIED_WITH, &r, &e));
    assert_int_equal(r.verdict, COMPARE_NO_EFFECT_SHOWN);
    assert_non_null(strstr(r.text, "too few values"));
    assert_false(compare_feature(&s, f.row, f.n, &ref, 1, "none", UNVERIFIED_WITH, &r, &e));
    free_sites(&s);
}

static int missing_count(const struct selection *s, const char *reason)
{
    for (int k = 0; k < s->n_missing; k++)
        if (strcmp(s->missing[k].reason, reason) == 0)
            return s->missing[k].n;
    return 0;
}

static void sites_are_counted_once_and_by_reason(void **state)
{
    (void)state;
    struct results_sites s;
    struct features f = {0};
    struct feature_ref ref;
    struct selection sel;
    struct err e = ERR_INIT;
    make_sites(&s, 12);
    for (int k = 0; k < s.n; k++) {
        struct feature_place p = {s.site[k].site, s.site[k].last_attempt, 5, "formation", 1};
        if (k == 4)
            features_missing(&f, &p, "q_red", "cycle not complete");
        else if (k != 5)
            features_value(&f, &p, "q_red", k, 0.1, NULL);
        p.attempt = 1; /* an earlier attempt of the site does not count */
        features_value(&f, &p, "q_red", 1000, 0.1, NULL);
    }
    s.site[0].outcome = OUTCOME_NO_CONTACT;
    s.site[1].outcome = OUTCOME_OVERLOAD;
    snprintf(s.site[2].flags, sizeof s.site[2].flags, "slow,meniscus-unverified");
    snprintf(s.site[3].flags, sizeof s.site[3].flags, "not-meniscus-unverified-at-all");
    snprintf(s.site[6].flags, sizeof s.site[6].flags, "meniscus-spreading");
    snprintf(s.site[7].flags, sizeof s.site[7].flags, "probe-suspect");
    s.site[10].spare = true;
    s.site[10].outcome = OUTCOME_NOT_VISITED;
    s.site[11].spare = true;
    assert_true(feature_ref_parse("q_red@1", &ref, &e));
    assert_true(select_feature(&s, f.row, f.n, &ref, 0, UNVERIFIED_WITH, &sel, &e));
    assert_int_equal(sel.n_sites, 11);
    assert_int_equal(sel.n, 7);
    assert_int_equal(sel.n_unverified, 3);
    assert_int_equal(missing_count(&sel, "outcome no-contact"), 1);
    assert_int_equal(missing_count(&sel, "outcome overload"), 1);
    assert_int_equal(missing_count(&sel, "cycle not complete"), 1);
    assert_int_equal(missing_count(&sel, "not computed"), 1);
    assert_true(sel.value[0] == 2 && sel.site[0] == 10 && sel.t[0] == 60);
    /* Levels in rising order of their value whatever the order of sites. */
    assert_int_equal(sel.n_levels, LEVELS);
    assert_string_equal(sel.levels[0].name, "0.05 V");
    assert_string_equal(sel.levels[2].name, "1.0 V");
    assert_int_equal(sel.level[0], 0); /* site 10 is third in order: 0.05 V */
    assert_string_equal(sel.step, "formation");
    select_free(&sel);
    assert_true(select_feature(&s, f.row, f.n, &ref, -1, UNVERIFIED_WITHOUT, &sel, &e));
    assert_int_equal(sel.n, 4);
    assert_int_equal(sel.n_unverified, 3);
    assert_int_equal(missing_count(&sel, "probe-suspect"), 1);
    assert_int_equal(missing_count(&sel, "meniscus-unverified"), 1);
    assert_int_equal(missing_count(&sel, "meniscus-spreading"), 1);
    assert_int_equal(sel.n_levels, 1);
    select_free(&sel);
    /* Questions that can not be answered. */
    assert_true(feature_ref_parse("q_red", &ref, &e));
    assert_false(select_feature(&s, f.row, f.n, &ref, 0, UNVERIFIED_WITH, &sel, &e));
    assert_non_null(strstr(e.text, "say which"));
    struct feature_place other = {s.site[6].site, s.site[6].last_attempt, 6, "second", 1};
    features_value(&f, &other, "q_red", 3, NAN, NULL);
    assert_true(feature_ref_parse("q_red@1", &ref, &e));
    assert_false(select_feature(&s, f.row, f.n, &ref, 0, UNVERIFIED_WITH, &sel, &e));
    assert_non_null(strstr(e.text, "`formation` and `second`"));
    assert_true(feature_ref_parse("second.q_red@1", &ref, &e));
    assert_true(select_feature(&s, f.row, f.n, &ref, 0, UNVERIFIED_WITH, &sel, &e));
    assert_int_equal(sel.n, 1);
    select_free(&sel);
    /* A step that was played several times: which time is not to be guessed. */
    for (other.cycle = 1; other.cycle <= 2; other.cycle++)
        features_value(&f, &other, "capacity", other.cycle, NAN, NULL);
    assert_true(feature_ref_parse("second.capacity", &ref, &e));
    assert_false(select_feature(&s, f.row, f.n, &ref, 0, UNVERIFIED_WITH, &sel, &e));
    assert_non_null(strstr(e.text, "`second.capacity@1`"));
    assert_true(feature_ref_parse("capacity@2", &ref, &e));
    assert_true(select_feature(&s, f.row, f.n, &ref, 0, UNVERIFIED_WITH, &sel, &e));
    assert_true(sel.n == 1 && sel.value[0] == 2);
    select_free(&sel);
    features_free(&f);
    free_sites(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wetting_alone_is_not_an_effect_on_the_film),
        cmocka_unit_test(an_effect_on_the_film_is_found),
        cmocka_unit_test(the_ends_of_the_contact_bracket_the_film),
        cmocka_unit_test(no_effect_is_no_effect),
        cmocka_unit_test(a_missing_area_is_said),
        cmocka_unit_test(sites_are_counted_once_and_by_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
