/* The snapshot: what is published is whole, versions tell what changed, curves are thinned without losing
 * their extremes, and readers in other threads never see a half of anything. */
#include "fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#define SITES 50

static struct plan plan = {.n_sites = SITES, .n_spares = 2};

static void publish_tells_what_changed(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_new(&plan);
    struct snapshot_versions v = snapshot_versions(s), w;
    struct snapshot_status now = {.site = 3};
    snapshot_put_status(s, &now);
    assert_int_equal(snapshot_versions(s).status, v.status); /* not before it is published */
    snapshot_publish(s);
    w = snapshot_versions(s);
    assert_int_equal(w.status, v.status + 1);
    assert_int_equal(w.sites, v.sites);
    assert_int_equal(w.curve, v.curve);
    assert_int_equal(w.events, v.events);
    snapshot_publish(s); /* no news, no new version */
    assert_int_equal(snapshot_versions(s).status, w.status);
    snapshot_free(s);
}

static void charts_of_the_probe(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_new(&plan);
    struct buf seen = {0}, json = {0};
    uint64_t before = snapshot_health(s, &seen);
    assert_string_equal(seen.p, "{}");
    for (int k = 0; k < 3; k++) { /* the newest counts; the others are freed */
        buf_printf(&json, "{\"attempts\":%d}", k);
        snapshot_put_health(s, &json);
        assert_null(json.p);
    }
    buf_clear(&seen);
    assert_int_equal(snapshot_health(s, &seen), before);
    snapshot_publish(s);
    buf_clear(&seen);
    assert_int_equal(snapshot_health(s, &seen), before + 1);
    assert_string_equal(seen.p, "{\"attempts\":2}");
    buf_str(&json, "{}");
    snapshot_put_health(s, &json); /* never published */
    buf_free(&seen);
    snapshot_free(s);
}

static void sites_and_features(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_new(&plan);
    struct snapshot_site site[SITES + 2],
        now = {.outcome = OUTCOME_OVERLOAD, .attempts = 2, .contact_z = 1e-6};
    float value[SITES + 2];
    struct snapshot_column column[SNAPSHOT_COLUMNS];
    snapshot_put_site(s, 7, &now);
    snapshot_put_site(s, 0, &now); /* no such site */
    snapshot_put_site(s, SITES + 3, &now);
    struct results_feature f = {
        .site = 7, .step_name = "formation", .cycle = 2, .name = "q_red", .value = -3e-12};
    f.unit = "C";
    snapshot_put_feature(s, &f);
    f = (struct results_feature){
        .site = 9, .step_name = "", .name = "contact_z", .value = NAN}; /* missing: no column */
    snapshot_put_feature(s, &f);
    snapshot_publish(s);
    uint64_t version = snapshot_sites(s, site);
    assert_int_equal(site[6].outcome, OUTCOME_OVERLOAD);
    assert_int_equal(site[6].version, version);
    assert_int_equal(site[5].version, 0);
    assert_int_equal(snapshot_columns(s, column), 1);
    assert_string_equal(column[0].name, "formation.q_red@2");
    assert_string_equal(column[0].unit, "C");
    assert_true(snapshot_values(s, "formation.q_red@2", value));
    assert_true(value[6] == -3e-12f && isnan(value[5]) && isnan(value[8]));
    assert_false(snapshot_values(s, "contact_z", value));
    snapshot_free(s);
}

static void events_are_a_ring(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_new(&plan);
    struct snapshot_event *out = xcalloc(SNAPSHOT_EVENTS, sizeof *out);
    int n;
    for (int k = 1; k <= 3 * SNAPSHOT_EVENTS + 5; k++) {
        struct results_event ev = {.t_s = k, .kind = "warning"};
        snprintf(ev.text, sizeof ev.text, "event %d", k);
        snapshot_put_event(s, &ev);
        if (k % 7 == 0)
            snapshot_publish(s);
    }
    snapshot_publish(s);
    snapshot_events(s, out, &n);
    assert_int_equal(n, SNAPSHOT_EVENTS);
    for (int k = 0; k < n; k++) {
        int number = 2 * SNAPSHOT_EVENTS + 6 + k;
        char text[32];
        snprintf(text, sizeof text, "event %d", number);
        assert_int_equal(out[k].number, number);
        assert_string_equal(out[k].text, text);
    }
    free(out);
    snapshot_free(s);
}

static void begin(struct snapshot *s, bool by_potential)
{
    struct results_step step = {.site = 4};
    snprintf(step.name, sizeof step.name, "formation");
    snprintf(step.kind, sizeof step.kind, "cv");
    snapshot_begin_curve(s, 4, 1, &step, by_potential);
}

/* Whatever the number of samples: never too many points, in order, over the whole time, and the one sample
 * that sticks out is among them. */
static void thinning_keeps_extremes(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    struct rng r = rng_stream(seed, "snapshot");
    struct snapshot *s = snapshot_new(&plan);
    struct snapshot_curve *c = xcalloc(1, sizeof *c);
    for (int round = 0; round < 40; round++) {
        int samples = 10 + (int)rng_below(r, 100000, 1, (uint64_t)round);
        int odd = (int)rng_below(r, (uint64_t)samples * 9 / 10, 2, (uint64_t)round);
        bool by_potential = round % 2, seen = false;
        begin(s, by_potential);
        for (int k = 0; k < samples; k++) {
            float noise = (float)rng_uniform(r, 3, (uint64_t)round, (uint64_t)k);
            float key = k == odd ? 5 : noise, other = k == odd ? 0 : 10 * noise;
            struct snapshot_point p = {
                .t = (float)k, .e = by_potential ? key : other, .i = by_potential ? other : key};
            snapshot_put_point(s, &p);
            if (k % 997 == 0)
                snapshot_publish(s);
        }
        snapshot_publish(s);
        snapshot_curve(s, c);
        assert_int_equal(c->samples, samples);
        assert_in_range(c->n, 1, SNAPSHOT_POINTS);
        assert_true(samples < SNAPSHOT_POINTS || c->n >= SNAPSHOT_POINTS / 2);
        assert_true(c->point[c->n - 1].t >= (float)samples * 0.9f - 2);
        for (int k = 0; k < c->n; k++) {
            assert_true(k == 0 || c->point[k].t > c->point[k - 1].t);
            seen = seen || (by_potential ? c->point[k].e : c->point[k].i) == 5;
        }
        if (!seen)
            fail_msg("round %d: sample %d of %d is lost", round, odd, samples);
    }
    free(c);
    snapshot_free(s);
}

static void samples_that_are_no_numbers_are_left_out(void **state)
{
    (void)state;
    struct snapshot *s = snapshot_new(&plan);
    struct snapshot_curve *c = xcalloc(1, sizeof *c);
    begin(s, false);
    for (int k = 0; k < 100; k++)
        snapshot_put_point(s,
                           &(struct snapshot_point){.t = (float)k, .i = k % 2 ? NAN : 1, .e = 2, .z = NAN});
    snapshot_publish(s);
    snapshot_curve(s, c);
    assert_int_equal(c->samples, 50);
    assert_int_equal(c->n, 50);
    assert_string_equal(c->name, "formation");
    free(c);
    snapshot_free(s);
}

/* --- readers in other threads ----------------------------------------------------------------------------
 */

struct readers {
    struct snapshot *s;
    atomic_bool stop;
    atomic_int torn, reads;
};

/* Everything of one publication bears the same number. */
static void *read_on(void *ctx)
{
    struct readers *r = ctx;
    struct snapshot_curve *c = xcalloc(1, sizeof *c);
    struct snapshot_event *ev = xcalloc(SNAPSHOT_EVENTS, sizeof *ev);
    struct snapshot_site *site = xcalloc(SITES + 2, sizeof *site);
    float value[SITES + 2];
    int n, torn = 0;
    uint64_t last = 0;
    while (!atomic_load(&r->stop)) {
        struct snapshot_status now;
        uint64_t version = snapshot_status(r->s, &now);
        torn += now.site != now.attempt || now.visited != now.site || version < last;
        last = version;
        snapshot_curve(r->s, c);
        for (int k = 0; k < c->n; k++)
            torn += c->point[k].e != (float)c->site || c->attempt != c->site % 1000;
        snapshot_events(r->s, ev, &n);
        for (int k = 1; k < n; k++)
            torn += ev[k].number != ev[k - 1].number + 1;
        snapshot_sites(r->s, site);
        for (int k = 0; k < SITES; k++)
            torn += site[k].attempts != site[k].stands_for;
        if (snapshot_values(r->s, "q", value))
            for (int k = 0; k < SITES; k++)
                torn += !isnan(value[k]) && value[k] < 0;
        atomic_fetch_add(&r->reads, 1);
    }
    atomic_fetch_add(&r->torn, torn);
    free(c);
    free(ev);
    free(site);
    return NULL;
}

static void put_all(struct snapshot *s, int k)
{
    struct snapshot_status now = {.site = k, .attempt = k, .visited = k};
    struct results_step step = {.site = k};
    struct results_event ev = {.kind = "warning", .site = k};
    struct results_feature f = {.site = 1 + k % SITES, .step_name = "", .name = "q", .unit = "", .value = k};
    snapshot_put_status(s, &now);
    snapshot_begin_curve(s, k, k % 1000, &step, false);
    for (int j = 0; j < 20; j++)
        snapshot_put_point(s, &(struct snapshot_point){.t = (float)j, .e = (float)k, .i = (float)j});
    snapshot_put_event(s, &ev);
    snapshot_put_site(s, 1 + k % SITES, &(struct snapshot_site){.attempts = k, .stands_for = k});
    snapshot_put_feature(s, &f);
}

static void readers_see_whole_things(void **state)
{
    (void)state;
    struct readers r = {.s = snapshot_new(&plan)};
    pthread_t thread[3];
    struct snapshot_versions before = snapshot_versions(r.s);
    for (int k = 0; k < 3; k++)
        assert_int_equal(pthread_create(&thread[k], NULL, read_on, &r), 0);
    for (int k = 1; k < 3000 || atomic_load(&r.reads) < 300; k++) {
        put_all(r.s, k);
        snapshot_publish(r.s);
        struct snapshot_versions v = snapshot_versions(r.s); /* whatever the readers do, it has arrived */
        assert_true(v.status > before.status && v.sites > before.sites && v.curve > before.curve);
        before = v;
    }
    atomic_store(&r.stop, true);
    for (int k = 0; k < 3; k++)
        pthread_join(thread[k], NULL);
    print_message("%d reads\n", atomic_load(&r.reads));
    assert_int_equal(atomic_load(&r.torn), 0);
    snapshot_free(r.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publish_tells_what_changed),
        cmocka_unit_test(charts_of_the_probe),
        cmocka_unit_test(sites_and_features),
        cmocka_unit_test(events_are_a_ring),
        cmocka_unit_test(thinning_keeps_extremes),
        cmocka_unit_test(samples_that_are_no_numbers_are_left_out),
        cmocka_unit_test(readers_see_whole_things),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
