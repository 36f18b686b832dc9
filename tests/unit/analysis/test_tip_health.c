/* What the charts of a probe say of made-up landings: each row of the table of diagnoses, what must not be
 * taken for a probe, controls that are asked, and how rare a false alarm is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "analysis/misses.h"
#include "analysis/tip_health.h"
#include "base/rng.h"

static uint64_t test_seed(void)
{
    const char *given = getenv("SECCM_TEST_SEED");
    uint64_t seed =
        given ? strtoull(given, NULL, 0) : 1; /* what is left to chance has a small part that fails */
    print_message("seed %llu\n", (unsigned long long)seed);
    return seed;
}

static int test_count(const char *name, int usual)
{
    const char *given = getenv(name);
    return given ? atoi(given) : usual;
}

/* --- landings ------------------------------------------------------------------------------------------- */

/* Factors of a healthy probe's values, and what is added. */
struct state {
    double current, charge, capacitance, air, noise, length; /* factors */
    double leak;                                             /* S more */
    double lower;                                            /* m: contacts lie so much lower */
    bool misses;
};
static const struct state healthy = {1, 1, 1, 1, 1, 1, 0, 0, false};

struct made {
    struct tip_health *h;
    struct rng r;
    int n;              /* landings so far */
    const char *region; /* NULL = none */
    bool control;
    double spread; /* of wetted areas, logarithm */
    struct tip_news news[32];
    int n_news;
};

static void begin(struct made *m, uint64_t seed)
{
    struct tip_health_settings s;
    tip_health_defaults(&s);
    *m = (struct made){.h = tip_health_new(&s), .r = rng_stream(seed, "test.landings"), .spread = 0.2};
}

static double normal(struct made *m, uint64_t what)
{
    return rng_normal(m->r, (uint64_t)m->n, what, 0);
}

/* One landing at the next place of a serpentine of 40 columns. What varies with the wetted area varies in all
 * three contact values; each has its own noise besides. */
static struct results_attempt landing(struct made *m, const struct state *s)
{
    int row = m->n / 40, column = m->n % 40;
    double x = 3e-6 * (row % 2 ? 39 - column : column), y = 3e-6 * row;
    double area = exp(m->spread * normal(m, 1)), t = 20.0 * m->n;
    struct results_attempt a = {.id = m->n + 1, .site = m->n + 1, .number = 1, .x = x, .y = y, .start_s = t};
    a.outcome = s->misses ? OUTCOME_NO_CONTACT : OUTCOME_MEASURED;
    a.touched = s->misses ? TOUCHED_POSSIBLY : TOUCHED_YES;
    a.noise_rms = 1e-13 * s->noise * exp(0.03 * normal(m, 2));
    a.blank_capacitance = 1e-12 * s->air * (1 + 0.002 * sin(t / 5000) + 2e-4 * normal(m, 3));
    a.blank_conductance = 2e-13 + s->leak + 5e-15 * normal(m, 4);
    a.contact_z = a.contact_current = a.contact_charge = a.contact_capacitance = a.break_distance = NAN;
    if (s->misses)
        return a;
    a.contact_z = 50e-6 + 2e-3 * x - 3e-3 * y + 1e-11 * t + 20e-9 * normal(m, 5) - s->lower;
    a.contact_current = -12e-12 * s->current * area * exp(0.2 * normal(m, 6));
    a.contact_charge = -27e-15 * s->charge * area * exp(0.1 * normal(m, 7));
    a.contact_capacitance = 26e-15 * s->capacitance * area * exp(0.05 * normal(m, 8));
    a.break_distance = 320e-9 * s->length * exp(0.2 * normal(m, 9));
    return a;
}

static bool land(struct made *m, const struct state *s)
{
    struct results_attempt a = landing(m, s);
    struct tip_news news;
    m->n++;
    if (!tip_health_add(m->h, &a, m->region, m->control, &news))
        return false;
    assert_int_equal(news.attempt, a.id);
    if (m->n_news < 32)
        m->news[m->n_news++] = news;
    return true;
}

static void land_often(struct made *m, const struct state *s, int n)
{
    for (int k = 0; k < n; k++)
        land(m, s);
}

/* Landings of this state until something is told; `most` + 1 if nothing is. */
static int until_told(struct made *m, const struct state *s, int most)
{
    for (int k = 1; k <= most; k++)
        if (land(m, s))
            return k;
    return most + 1;
}

/* 10 sites between two controls on a patch of their own. */
static void land_with_controls(struct made *m, const struct state *sites, const struct state *controls, int n)
{
    for (int k = 0; k < n; k++) {
        m->control = m->n % 11 == 10;
        m->region = m->control ? "reference" : "screen";
        land(m, m->control ? controls : sites);
    }
}

static void end(struct made *m)
{
    tip_health_free(m->h);
}

/* --- diagnoses ------------------------------------------------------------------------------------------ */

/* What happens to a probe at once, what must be told, and behind how many landings at the latest. */
static const struct {
    const char *what;
    struct state state;
    enum tip_verdict verdict;
    int most;
    const char *text;
} sudden[] = {
    {"half of the opening is clogged", {.3, .3, .3, 1, 1, 1}, TIP_BLOCKED, 16, "contact capacitance fell"},
    {"a resistance before the opening", {.3, 1, .9, 1, .9, 1}, TIP_BLOCKED, 16, "charge / current rose"},
    {"no contact any more", {1, 1, 1, 1, 1, 1, 0, 0, true}, TIP_BLOCKED, 5, "5 approaches in a row"},
    {"a shorter and wider end", {1.6, 1.6, 1.6, 1, 1, 1.5, 0, 0.5e-6}, TIP_BROKEN, 12, "height"},
    {"a much wider end", {5, 5, 5, 1, 1, 1, 0, 0}, TIP_BROKEN, 16, "contact capacitance rose"},
    {"liquid outside", {1.3, 1.3, 1.3, 1.1, 1, 1.3, 0, 0}, TIP_WETTING, 20, "stray capacitance in air rose"},
    {"much liquid outside", {1, 1, 1, 1.3, 1, 1, 0, 0}, TIP_WETTING, 20, "stray capacitance in air rose"},
    {"a leak along the outside",
     {1.3, 1.3, 1.3, 1.01, 1, 1.3, 3e-12, 0},
     TIP_WETTING,
     10,
     "leak in air rose"},
};

static void what_happens_to_a_probe_is_told(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t k = 0; k < sizeof sudden / sizeof sudden[0]; k++)
        for (int night = 0, worst = 0; night < 20; night++) {
            struct made m;
            begin(&m, seed + (uint64_t)night);
            land_often(&m, &healthy, 60);
            assert_int_equal(m.n_news, 0);
            int n = until_told(&m, &sudden[k].state, sudden[k].most);
            worst = n > worst ? n : worst;
            if (n > sudden[k].most)
                fail_msg("%s: nothing told after %d landings", sudden[k].what, n - 1);
            assert_int_equal(tip_health_verdict(m.h), sudden[k].verdict);
            if (!strstr(m.news[0].text, sudden[k].text) ||
                strstr(m.news[0].text, tip_verdict_name(sudden[k].verdict)) != m.news[0].text)
                fail_msg("%s: told as `%s`", sudden[k].what, m.news[0].text);
            /* Told once, whatever follows. */
            land_often(&m, &sudden[k].state, 30);
            if (m.n_news != 1)
                fail_msg("%s: then `%s`", sudden[k].what, m.news[1].text);
            if (night == 19)
                print_message("%s: after at most %d landings: %s\n", sudden[k].what, worst, m.news[0].text);
            end(&m);
        }
}

/* What is plain is told by the second landing, and since when. One landing is a spot, whatever it says. */
static void a_large_step_is_told_at_once(void **state)
{
    static const struct {
        struct state state;
        enum tip_verdict verdict;
    } step[] = {{{8, 8, 8, 1, 1, 1, 0, 0}, TIP_BROKEN}, {{.1, .1, .1, 1, 1, 1, 0, 0}, TIP_BLOCKED}};
    (void)state;
    uint64_t seed = test_seed();
    for (int k = 0; k < 2; k++)
        for (int night = 0; night < 20; night++) {
            struct made m;
            begin(&m, seed + (uint64_t)night);
            m.spread = 0.1;
            land_often(&m, &healthy, night % 2 ? 22 : 60);
            assert_false(land(&m, &step[k].state));
            land_often(&m, &healthy, 8);
            int n = until_told(&m, &step[k].state, 3);
            if (n != 2)
                fail_msg("told after %d landings", n);
            assert_int_equal(m.news[0].verdict, step[k].verdict);
            assert_int_equal(m.news[0].since_site, m.n - 1);
            assert_int_equal(m.news[0].since, m.n - 1);
            assert_non_null(strstr(m.news[0].text, "over 2 sites"));
            assert_non_null(strstr(m.news[0].text, "; probably since site "));
            end(&m);
        }
}

static void a_large_step_is_asked_of_a_control(void **state)
{
    static const struct state rich = {10, 10, 10, 1, 1, 1, 0, 0};
    (void)state;
    for (int sample = 0; sample < 2; sample++) {
        struct made m;
        begin(&m, test_seed());
        m.spread = 0.1;
        land_with_controls(&m, &healthy, &healthy, 77);
        m.control = false;
        m.region = "screen";
        assert_false(land(&m, &rich));
        assert_false(tip_health_wants_control(m.h));
        assert_false(land(&m, &rich));
        assert_true(tip_health_wants_control(m.h));
        m.control = true;
        m.region = "reference";
        assert_true(land(&m, sample ? &healthy : &rich) == !sample);
        assert_false(tip_health_wants_control(m.h));
        if (!sample)
            assert_int_equal(m.news[0].since_site, 78);
        end(&m);
    }
}

static void a_slow_trend_is_told_too(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int night = 0; night < 20; night++) {
        struct made m;
        begin(&m, seed + (uint64_t)night);
        land_often(&m, &healthy, 60);
        struct state s = healthy;
        int n = 0;
        for (; m.n_news == 0 && n < 60; n++) {
            s.capacitance = s.charge = s.current *= 0.95;
            land(&m, &s);
        }
        if (m.n_news == 0 || m.news[0].verdict != TIP_BLOCKED || n > 40)
            fail_msg("5 %% less at each landing: %s after %d", m.n_news ? m.news[0].text : "nothing", n);
        end(&m);
    }
}

static void a_probe_that_recovers_is_told_and_may_fail_again(void **state)
{
    (void)state;
    struct made m;
    begin(&m, test_seed());
    land_often(&m, &healthy, 60);
    assert_true(until_told(&m, &sudden[0].state, 20) <= 20);
    assert_true(until_told(&m, &healthy, 20) <= 20);
    assert_int_equal(m.news[1].verdict, TIP_FINE);
    assert_non_null(strstr(m.news[1].text, "no more"));
    assert_int_equal(tip_health_verdict(m.h), TIP_FINE);
    land_often(&m, &healthy, 30);
    assert_int_equal(m.n_news, 2);
    assert_true(until_told(&m, &sudden[0].state, 20) <= 20);
    assert_int_equal(m.news[2].verdict, TIP_BLOCKED);
    end(&m);
}

static void a_new_probe_begins_anew(void **state)
{
    (void)state;
    struct made m;
    begin(&m, test_seed());
    land_often(&m, &healthy, 60);
    assert_true(until_told(&m, &sudden[4].state, 20) <= 20);
    tip_health_renew(m.h);
    assert_int_equal(tip_health_verdict(m.h), TIP_FINE);
    assert_int_equal(tip_health_attempts(m.h), 0);
    /* What was broken is what this one is. */
    land_often(&m, &sudden[4].state, 60);
    assert_int_equal(m.n_news, 1);
    end(&m);
}

/* --- what is no probe ----------------------------------------------------------------------------------- */

static const struct state richer = {5, 5, 5, 1, 1, 1}, poorer = {.2, .2, .2, 1, 1, 1};

static void regions_may_differ(void **state)
{
    (void)state;
    struct made m;
    begin(&m, test_seed());
    for (int k = 0; k < 12; k++) {
        m.region = k % 2 ? "edges" : "basal plane";
        land_often(&m, k % 2 ? &richer : &healthy, 25);
    }
    assert_int_equal(m.n_news, 0);
    /* ... and a probe that clogs is seen in both. */
    struct state s = richer;
    s.capacitance = s.charge = s.current = 1.5;
    assert_true(until_told(&m, &s, 15) <= 15);
    assert_int_equal(m.news[0].verdict, TIP_BLOCKED);
    end(&m);
}

static void a_spot_or_two_that_differ_are_no_alarm(void **state)
{
    (void)state;
    static const struct state wild = {100, 100, 100, 1, 1, 3, 0, 5e-6};
    struct made m;
    begin(&m, test_seed());
    land_often(&m, &healthy, 60);
    for (int k = 0; k < 20; k++) {
        land(&m, k % 2 ? &wild : &sudden[2].state);
        land_often(&m, &healthy, 12);
    }
    assert_int_equal(m.n_news, 0);
    end(&m);
}

/* Attempts that never came to an end, or were no landing, say nothing; air is judged all the same. */
static void interrupted_attempts_tell_nothing(void **state)
{
    (void)state;
    struct made m;
    begin(&m, test_seed());
    land_often(&m, &healthy, 30);
    int n = tip_health_attempts(m.h);
    static const enum outcome none[] = {OUTCOME_NONE, OUTCOME_INTERRUPTED, OUTCOME_NOT_VISITED};
    for (int k = 0; k < 3; k++) {
        struct results_attempt a = landing(&m, &richer);
        a.outcome = none[k];
        assert_false(tip_health_add(m.h, &a, NULL, false, NULL));
    }
    assert_int_equal(tip_health_attempts(m.h), n);
    struct results_attempt a = landing(&m, &richer);
    a.outcome = OUTCOME_UNCONFIRMED;
    a.touched = TOUCHED_POSSIBLY;
    tip_health_add(m.h, &a, NULL, false, NULL);
    const struct chart *c = tip_health_chart(m.h, TIP_CONTACT_CAPACITANCE);
    assert_true(isnan(chart_point(c, chart_count(c) - 1)->value));
    c = tip_health_chart(m.h, TIP_AIR_CAPACITANCE);
    assert_false(isnan(chart_point(c, chart_count(c) - 1)->value));
    end(&m);
}

/* What was noted for an attempt that is cut short is of no other. */
static void features_of_interrupted_attempts_are_not_the_next_ones(void **state)
{
    (void)state;
    struct made m;
    struct buf json = {0};
    begin(&m, test_seed());
    tip_health_feature(m.h, "charge", "C", 1);
    land(&m, &healthy);
    tip_health_feature(m.h, "charge", "C", 99);
    struct results_attempt a = landing(&m, &healthy);
    a.outcome = OUTCOME_INTERRUPTED;
    assert_false(tip_health_add(m.h, &a, NULL, true, NULL));
    land(&m, &healthy);
    tip_health_json(m.h, 10, &json);
    const char *chart = strstr(json.p, "\"name\":\"charge\"");
    assert_non_null(chart);
    assert_non_null(strstr(chart, "\"v\":[1,null]"));
    buf_free(&json);
    end(&m);
}

/* --- controls ------------------------------------------------------------------------------------------- */

static void controls_tell_probe_from_sample(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int night = 0; night < 20; night++) {
        struct made m;
        begin(&m, seed + (uint64_t)night);
        land_with_controls(&m, &healthy, &healthy, 77);
        /* A poorer part of the sample: the controls are as before. */
        land_with_controls(&m, &poorer, &healthy, 44);
        if (m.n_news)
            fail_msg("the sample was taken for the probe: %s", m.news[0].text);
        end(&m);
        begin(&m, seed + (uint64_t)night);
        land_with_controls(&m, &healthy, &healthy, 77);
        land_with_controls(&m, &poorer, &poorer, 33);
        assert_int_equal(m.n_news, 1);
        assert_int_equal(m.news[0].verdict, TIP_BLOCKED);
        end(&m);
    }
}

static void a_control_is_wanted_to_decide(void **state)
{
    (void)state;
    struct made m;
    begin(&m, test_seed());
    land_with_controls(&m, &healthy, &healthy, 77);
    m.control = false;
    m.region = "screen";
    int n = 0;
    for (; !tip_health_wants_control(m.h) && n < 20; n++)
        assert_false(land(&m, &poorer));
    assert_true(n < 20);
    m.control = true;
    m.region = "reference";
    assert_true(land(&m, &poorer));
    assert_int_equal(m.news[0].verdict, TIP_BLOCKED);
    assert_false(tip_health_wants_control(m.h));
    end(&m);
    /* None comes: it is told without, late. */
    begin(&m, test_seed());
    land_with_controls(&m, &healthy, &healthy, 77);
    m.control = false;
    m.region = "screen";
    n = until_told(&m, &poorer, 60);
    assert_in_range(n, 25, 40);
    end(&m);
}

/* --- false alarms --------------------------------------------------------------------------------------- */

static void a_healthy_night_of_1000_sites_is_quiet(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    int nights = test_count("SECCM_TEST_NIGHTS", 24), alarms = 0, of[TIP_VERDICTS] = {0};
    for (int night = 0; night < nights; night++) {
        struct made m;
        begin(&m, seed + (uint64_t)night);
        m.spread = night % 3 == 0 ? 0.1 : night % 3 == 1 ? 0.25 : 0.5;
        struct state missed = healthy;
        missed.misses = true;
        for (int k = 0; k < 1000; k++) /* every 20th spot does not conduct */
            land(&m, rng_uniform(m.r, (uint64_t)k, 99, 1) < 0.05 ? &missed : &healthy);
        alarms += m.n_news > 0;
        for (int k = 0; k < m.n_news; k++) {
            of[m.news[k].verdict]++;
            print_message("night %d, site %d: %s\n", night, m.news[k].site, m.news[k].text);
        }
        end(&m);
    }
    print_message("%d of %d healthy nights of 1000 sites with an alarm (blocked %d, broken %d, wetting %d)\n",
                  alarms, nights, of[TIP_BLOCKED], of[TIP_BROKEN], of[TIP_WETTING]);
    assert_true(alarms <= 1 + nights / 100);
}

/* --- misses --------------------------------------------------------------------------------------------- */

static void misses_are_judged_by_what_is_usual(void **state)
{
    (void)state;
    struct misses m = {0};
    for (int k = 0; k < 30; k++) /* no contact at all yet: not the probe's history */
        misses_add(&m, true);
    assert_true(misses_reach(&m) == 0);
    m = (struct misses){0};
    for (int k = 0; k < 12; k++)
        misses_add(&m, false);
    for (int k = 0; k < 5; k++) {
        assert_true(misses_reach(&m) < 1);
        misses_add(&m, true);
    }
    assert_true(misses_reach(&m) >= 1);
    assert_int_equal(m.in_a_row, 5);
    /* On a sample where misses come in rows of four, five in a row are nothing. */
    m = (struct misses){0};
    for (int k = 0; k < 400; k++) {
        misses_add(&m, k % 20 >= 16);
        assert_true(misses_reach(&m) < 1);
    }
    for (int k = 0; k < 5; k++)
        misses_add(&m, true);
    assert_true(misses_reach(&m) < 1);
    for (int k = 0; k < 60; k++)
        misses_add(&m, true);
    assert_true(misses_reach(&m) >= 1);
}

/* --- JSON ----------------------------------------------------------------------------------------------- */

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, what)); p++)
        n++;
    return n;
}

static void charts_as_json(void **state)
{
    (void)state;
    struct made m;
    struct buf all = {0}, few = {0};
    begin(&m, test_seed());
    tip_health_json(m.h, 100, &all);
    assert_non_null(
        strstr(all.p, "\"verdict\":\"\",\"baseline\":12,\"sigmas\":5,\"attempts\":0,\"news\":[]"));
    land_often(&m, &healthy, 60);
    until_told(&m, &sudden[2].state, 20);
    buf_clear(&all);
    tip_health_json(m.h, 1000, &all);
    tip_health_json(m.h, 10, &few);
    assert_non_null(strstr(all.p, "\"verdict\":\"tip-blocked\""));
    assert_non_null(strstr(all.p, "\"name\":\"break_distance\",\"title\":\"break length\",\"unit\":\"m\""));
    assert_int_equal(count(all.p, "\"name\":"), TIP_SERIES);
    assert_null(strstr(all.p, "nan"));
    assert_int_equal(count(all.p, "{"), count(all.p, "}"));
    assert_true(few.n < all.n / 3);
    assert_non_null(strstr(few.p, "\"site\":[56,57,58,59,60,61,62,63,64,65]"));
    buf_free(&all);
    buf_free(&few);
    end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_to_a_probe_is_told),
        cmocka_unit_test(a_large_step_is_told_at_once),
        cmocka_unit_test(a_large_step_is_asked_of_a_control),
        cmocka_unit_test(a_slow_trend_is_told_too),
        cmocka_unit_test(a_probe_that_recovers_is_told_and_may_fail_again),
        cmocka_unit_test(a_new_probe_begins_anew),
        cmocka_unit_test(regions_may_differ),
        cmocka_unit_test(a_spot_or_two_that_differ_are_no_alarm),
        cmocka_unit_test(interrupted_attempts_tell_nothing),
        cmocka_unit_test(features_of_interrupted_attempts_are_not_the_next_ones),
        cmocka_unit_test(controls_tell_probe_from_sample),
        cmocka_unit_test(a_control_is_wanted_to_decide),
        cmocka_unit_test(a_healthy_night_of_1000_sites_is_quiet),
        cmocka_unit_test(misses_are_judged_by_what_is_usual),
        cmocka_unit_test(charts_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
