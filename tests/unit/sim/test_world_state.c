/* Determinism, the state file, the sample files, and what a step costs. */
#include "sim/world_parts.h"
#include "world_fixture.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char SAMPLE[] = "drift: {rate: 3 nm/min, walk: 10 nm}\nhost: {kind: intercalation}\n";
static const char PROBE[] = "{qrce: {rate: 1 mV/h, walk: 2 mV}}";

static double measure(struct fixture *f, double x)
{
    potential(f, -0.7);
    assert_true(approach(f, x, 0, 2e-6));
    potential(f, -0.2);
    wait_s(f, 0.1);
    take(f);
    double q = ramp(f, -0.2, -3.1, 2, 4e-3) + ramp(f, -3.1, -0.2, 2, 4e-3);
    retract(f, 3e-6, 5e-6);
    return q;
}

static void path_for(char path[64])
{
    snprintf(path, 64, "/tmp/seccm-test-world-%d.yaml", (int)getpid());
}

static void test_same_seed_same_world(void **state)
{
    (void)state;
    double q[3][3];
    for (int run = 0; run < 3; run++) {
        struct fixture f;
        fixture_open(&f, SAMPLE, PROBE, run == 2 ? 9 : 8);
        for (int i = 0; i < 3; i++)
            q[run][i] = measure(&f, 5e-6 * i);
        fixture_close(&f);
    }
    for (int i = 0; i < 3; i++) {
        assert_true(q[0][i] == q[1][i]);
        assert_true(q[0][i] != q[2][i]);
    }
}

static void test_order_of_visits_does_not_change_the_properties(void **state)
{
    (void)state;
    struct fixture a, b;
    fixture_open(&a, "drift: {rate: 0 nm/min}\n", "{}", 8);
    fixture_open(&b, "drift: {rate: 0 nm/min}\n", "{}", 8);
    double first = measure(&a, 0), second = measure(&a, 5e-6);
    double late = measure(&b, 5e-6), early = measure(&b, 0);
    assert_float_equal(first / early, 1, 1e-3); /* where in a millisecond it touches may differ */
    assert_float_equal(second / late, 1, 1e-3);
    assert_true(fabs(first / second - 1) > 1e-3);
    fixture_close(&a);
    fixture_close(&b);
}

/* A run that was interrupted is at other times: without drift that must not change a bit. */
static void test_time_of_day_does_not_change_a_bit(void **state)
{
    (void)state;
    double q[2], film[2];
    for (int i = 0; i < 2; i++) {
        struct fixture f;
        struct world_contact_info c;
        fixture_open(&f, "host: {kind: intercalation}\n", "{}", 8);
        wait_s(&f, i ? 12.3456789 : 0.5);
        q[i] = measure(&f, 5e-6);
        world_contact(f.w, 0, &c);
        film[i] = c.film_charge;
        fixture_close(&f);
    }
    assert_true(q[0] == q[1]);
    assert_true(film[0] == film[1] && film[0] > 0);
}

static void test_nothing_given_is_a_world_of_defaults(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    struct world *w = world_new(NULL, NULL, 1, d);
    assert_non_null(w);
    world_advance(w, NS_S);
    assert_false(world_in_contact(w));
    world_free(w);
    diags_free(d);
}

static void assert_same_contacts(const struct world *a, const struct world *b)
{
    assert_int_equal(world_contact_count(a), world_contact_count(b));
    for (int i = 0; i < world_contact_count(a); i++) {
        struct world_contact_info p, q;
        world_contact(a, i, &p);
        world_contact(b, i, &q);
        assert_true(p.x == q.x && p.y == q.y && p.contact_z == q.contact_z && p.t_s == q.t_s);
        assert_true(p.wetted_diameter == q.wetted_diameter && p.residue_diameter == q.residue_diameter);
        assert_true(p.broke_t_s == q.broke_t_s && p.break_height == q.break_height);
        assert_true(p.film_charge == q.film_charge);
        assert_int_equal(p.sweeps, q.sweeps);
        for (int k = 0; k < p.sweeps; k++) {
            struct world_sweep s, t;
            assert_true(world_contact_sweep(a, i, k, 0.9, 1.4, &s));
            assert_true(world_contact_sweep(b, i, k, 0.9, 1.4, &t));
            assert_int_equal(s.reducing, t.reducing);
            assert_true(s.q_total == t.q_total && s.q_sei == t.q_sei && s.q_sei_window == t.q_sei_window);
            assert_true(s.e_from == t.e_from && s.e_to == t.e_to && s.t_s == t.t_s);
        }
    }
}

static void test_state_survives_a_restart(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    fixture_open(&f, SAMPLE, PROBE, 8);
    measure(&f, 0);
    measure(&f, 5e-6);
    assert_true(world_save(f.w, path, &e));
    fixture_open(&g, SAMPLE, PROBE, 8);
    assert_true(world_load(g.w, path, &e));
    assert_same_contacts(f.w, g.w);
    assert_memory_equal(&(struct world_counters[]){world_counters(f.w)}[0],
                        &(struct world_counters[]){world_counters(g.w)}[0], sizeof(struct world_counters));
    /* Saving again gives the same bytes but for nothing. */
    struct source *first = source_read(path, 1 << 20, &e);
    assert_true(world_save(g.w, path, &e));
    struct source *second = source_read(path, 1 << 20, &e);
    assert_string_equal(first->bytes.p, second->bytes.p);
    source_free(first);
    source_free(second);
    /* The clock goes on: drift is where it was, and a touched spot is remembered. */
    struct world_truth a, b;
    world_truth_at(f.w, 20e-6, 0, ns_to_s(f.t), &a);
    world_truth_at(g.w, 20e-6, 0, 0, &b);
    assert_true(a.contact_z == b.contact_z);
    double again = measure(&g, 0);
    assert_int_equal(world_counters(g.w).revisited, 1);
    assert_true(isfinite(again));
    unlink(path);
    fixture_close(&f);
    fixture_close(&g);
}

/* Another probe's end is elsewhere, and free; which one is mounted is remembered. */
static void test_another_probe_is_mounted(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    struct world_contact_info info;
    const double shift[3] = {3e-6, -1e-6, 0.5e-6};
    fixture_open(&f, SAMPLE, "{aperture: 400 nm, clog: 1, clog-factor: 3}", 8);
    measure(&f, 0);
    assert_true(f.w->clog > 2);
    assert_true(world_save(f.w, path, &e));
    fixture_open(&g, SAMPLE, "{aperture: 400 nm, clog: 1, clog-factor: 3}", 8);
    assert_true(world_load(g.w, path, &e));
    world_set_probe(g.w, 1, (const double[3]){0});
    assert_true(g.w->clog > 2); /* the same as before */
    world_set_probe(g.w, 2, shift);
    assert_true(g.w->clog == 1);
    assert_true(world_save(g.w, path, &e));
    measure(&g, 5e-6);
    world_contact(g.w, 1, &info);
    assert_true(fabs(info.x - 8e-6) < 1e-9 && fabs(info.y + 1e-6) < 1e-9);
    world_contact(f.w, 0, &info);
    assert_true(fabs(info.x) < 1e-9);
    fixture_close(&f);
    fixture_open(&f, SAMPLE, "{aperture: 400 nm, clog: 1, clog-factor: 3}", 8);
    assert_true(world_load(f.w, path, &e));
    f.w->clog = 7; /* mounted already: it stays as it is */
    world_set_probe(f.w, 2, shift);
    assert_true(f.w->clog == 7);
    world_set_probe(f.w, 3, shift);
    assert_true(f.w->clog == 1);
    unlink(path);
    fixture_close(&f);
    fixture_close(&g);
}

/* Glass that broke off and an outside that got wet are so behind a restart, by the file and by its journal,
 * until another probe is mounted. */
static void test_damage_stays_with_the_probe(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    struct world_contact_info was, now;
    for (int journal = 0; journal < 2; journal++) {
        fixture_open(&f, SAMPLE, PROBE, 8);
        assert_true(!journal || world_journal(f.w, path, &e));
        measure(&f, 0);
        world_fault(f.w, SIM_PROBE_WETTING, true);
        world_fault(f.w, SIM_PROBE_BROKEN, true);
        measure(&f, 10e-6);
        world_contact(f.w, 1, &was);
        assert_true(journal || world_save(f.w, path, &e));
        fixture_open(&g, SAMPLE, PROBE, 8);
        assert_true(world_load(g.w, path, &e));
        world_set_probe(g.w, 1, (const double[3]){0});
        assert_true(g.w->trouble.broken == 3 && g.w->trouble.soaked == 1);
        assert_true(g.w->probe.aperture == f.w->probe.aperture);
        measure(&g, 20e-6);
        world_contact(g.w, 2, &now);
        assert_true(now.wetted_diameter > 0.7 * was.wetted_diameter);
        world_set_probe(g.w, 2, (const double[3]){0});
        assert_true(g.w->trouble.broken == 1 && g.w->trouble.soaked == 0);
        measure(&g, 30e-6);
        world_contact(g.w, 3, &now);
        assert_true(now.wetted_diameter < 0.5 * was.wetted_diameter);
        unlink(path);
        fixture_close(&f);
        fixture_close(&g);
    }
}

static void test_contact_going_on_is_saved_as_broken(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    fixture_open(&f, SAMPLE, PROBE, 8);
    potential(&f, -0.7);
    assert_true(approach(&f, 0, 0, 2e-6));
    ramp(&f, -0.2, -3.1, 2, 4e-3);
    assert_true(world_save(f.w, path, &e));
    fixture_open(&g, SAMPLE, PROBE, 8);
    assert_true(world_load(g.w, path, &e));
    struct world_contact_info c, d;
    world_contact(f.w, 0, &c);
    world_contact(g.w, 0, &d);
    assert_true(isnan(c.broke_t_s) && !isnan(d.broke_t_s));
    assert_true(c.film_charge > 0 && c.film_charge == d.film_charge);
    assert_int_equal(c.sweeps, d.sweeps);
    unlink(path);
    fixture_close(&f);
    fixture_close(&g);
}

static void test_missing_file_is_a_fresh_sample(void **state)
{
    (void)state;
    struct fixture f;
    struct err e = ERR_INIT;
    fixture_open(&f, SAMPLE, PROBE, 8);
    assert_true(world_load(f.w, "/tmp/seccm-test-no-such-file.yaml", &e));
    assert_int_equal(world_contact_count(f.w), 0);
    fixture_close(&f);
}

static void test_damaged_and_foreign_state_is_refused(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    fixture_open(&f, SAMPLE, PROBE, 8);
    measure(&f, 0);
    assert_true(world_save(f.w, path, &e));
    struct source *s = source_read(path, 1 << 20, &e);
    fixture_open(&g, SAMPLE, PROBE, 9);
    assert_false(world_load(g.w, path, &e));
    assert_non_null(strstr(e.text, "seed 8"));
    fixture_close(&g);
    /* Cut anywhere: refused, or (at the end of a line) a sample with fewer contacts; never a crash. */
    for (size_t n = 0; n + 2 < s->bytes.n; n += 1 + s->bytes.n / 199) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        assert_int_equal(fwrite(s->bytes.p, 1, n, out), n);
        fclose(out);
        fixture_open(&g, SAMPLE, PROBE, 8);
        err_clear(&e);
        if (world_load(g.w, path, &e))
            assert_int_equal(world_contact_count(g.w), 0);
        else
            assert_int_equal(e.code, ERR_INPUT);
        fixture_close(&g);
    }
    source_free(s);
    unlink(path);
    fixture_close(&f);
}

static void copy_part(const struct source *s, size_t n, const char *path)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(s->bytes.p, 1, n, out), n);
    fclose(out);
}

/* A process that is killed saves nothing: what the journal holds at that instant is what remains. */
static void test_journal_remains_after_a_kill(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    fixture_open(&f, SAMPLE, PROBE, 8);
    measure(&f, -5e-6);
    assert_true(world_journal(f.w, path, &e));
    measure(&f, 0);
    measure(&f, 5e-6);
    fixture_open(&g, SAMPLE, PROBE, 8);
    assert_true(world_load(g.w, path, &e));
    assert_same_contacts(f.w, g.w);
    assert_memory_equal(&(struct world_counters[]){world_counters(f.w)}[0],
                        &(struct world_counters[]){world_counters(g.w)}[0], sizeof(struct world_counters));
    fixture_close(&g);
    /* In the middle of a contact: the spot is touched, and the sample's clock has not gone back. */
    potential(&f, -0.7);
    assert_true(approach(&f, 10e-6, 0, 2e-6));
    fixture_open(&g, SAMPLE, PROBE, 8);
    assert_true(world_load(g.w, path, &e));
    assert_int_equal(world_contact_count(g.w), 4);
    struct world_contact_info c, d;
    world_contact(f.w, 3, &c);
    world_contact(g.w, 3, &d);
    assert_true(isnan(c.broke_t_s) && !isnan(d.broke_t_s));
    assert_true(c.x == d.x && c.contact_z == d.contact_z && c.t_s == d.t_s);
    assert_int_equal(world_counters(g.w).contacts, 4);
    fixture_close(&g);
    fixture_close(&f);
    unlink(path);
}

/* Cut anywhere behind the head, a journal is read up to its last whole line. */
static void test_cut_journal_is_read(void **state)
{
    (void)state;
    char path[64];
    path_for(path);
    struct fixture f, g;
    struct err e = ERR_INIT;
    fixture_open(&f, SAMPLE, PROBE, 8);
    assert_true(world_journal(f.w, path, &e));
    struct source *empty = source_read(path, 1 << 20, &e);
    measure(&f, 0);
    measure(&f, 5e-6);
    struct source *s = source_read(path, 1 << 20, &e);
    int last = 0;
    for (size_t n = empty->bytes.n; n <= s->bytes.n; n += n + 97 < s->bytes.n ? 97 : 1) {
        copy_part(s, n, path);
        fixture_open(&g, SAMPLE, PROBE, 8);
        if (!world_load(g.w, path, &e))
            fail_msg("%zu of %zu bytes: %s", n, s->bytes.n, e.text);
        int count = world_contact_count(g.w);
        assert_true(count >= last && count <= last + 1);
        last = count;
        fixture_close(&g);
    }
    assert_int_equal(last, 2);
    source_free(empty);
    source_free(s);
    fixture_close(&f);
    unlink(path);
}

static void test_bad_settings_are_all_reported(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    struct source *s = source_from_text("sample.yaml", "surface: {roughnes: 3 nm, slope-x: 2 V}\n"
                                                       "regions: [{x: 0 um, y: 0 um}]\n"
                                                       "wetting: {ratio: 0.5}\n");
    struct ytree *t = ytree_parse(s, d);
    assert_non_null(t);
    assert_null(world_new(ytree_root(t), NULL, 1, d));
    assert_int_equal(diags_errors(d), 4);
    ytree_free(t);
    source_free(s);
    diags_free(d);
}

static void test_sample_files_read(void **state)
{
    (void)state;
    static const char *const name[] = {"hopg", "silicon-rough", "null-wetting", "ideal-flat", "capacitive"};
    for (int i = 0; i < 5; i++) {
        char path[80];
        struct err e = ERR_INIT;
        snprintf(path, sizeof path, "instruments/samples/%s.yaml", name[i]);
        struct source *s = source_read(path, 1 << 20, &e);
        if (!s)
            fail_msg("%s", e.text);
        struct world *w = world_from(s->bytes.p, "{}", 42);
        if (!w)
            fail_msg("%s", path);
        double q[2], lowest = 1, highest = -1;
        for (int k = 0; k < 100; k++) {
            struct world_truth truth;
            world_truth_at(w, (k % 10) * 5e-6, (k / 10) * 5e-6, 0, &truth);
            lowest = fmin(lowest, truth.contact_z);
            highest = fmax(highest, truth.peak_z);
        }
        world_truth_cv(w, 12e-6, 25e-6, 3, 0.05, 1, 2, -1, 3, q);
        print_message("%s: heights within %.2f um, film %.2f then %.2f pC\n", name[i],
                      (highest - lowest) * 1e6, q[0] * 1e12, q[1] * 1e12);
        assert_true(highest - lowest < 3e-6);
        if (strcmp(name[i], "capacitive") == 0)
            assert_true(q[0] == 0);
        else
            assert_true(q[0] < -0.3e-12 && q[0] > -15e-12);
        world_free(w);
        source_free(s);
    }
}

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Printed for people; nothing is asserted about time. */
static void test_cost_of_a_step(void **state)
{
    (void)state;
    struct fixture f;
    fixture_open(&f, "host: {kind: intercalation}\n", PROBE, 8);
    potential(&f, -0.2);
    double t0 = now_ns();
    wait_s(&f, 200);
    double air = (now_ns() - t0) / 200e3;
    t0 = now_ns();
    go(&f, 0, 0, 0.6e-6, 0.1e-6);
    wait_s(&f, 190);
    double descent = (now_ns() - t0) / 190e3;
    assert_true(approach(&f, 0, 0, 2e-6));
    t0 = now_ns();
    for (int i = 0; i < 10; i++) {
        ramp(&f, -0.2, -3.15, 1, 2e-3);
        ramp(&f, -3.15, -0.2, 1, 2e-3);
    }
    double contact = (now_ns() - t0) / 59e3;
    print_message("cost of a 1 ms step: air %.0f ns, descent %.0f ns, contact %.0f ns\n", air, descent,
                  contact);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_seed_same_world),
        cmocka_unit_test(test_order_of_visits_does_not_change_the_properties),
        cmocka_unit_test(test_time_of_day_does_not_change_a_bit),
        cmocka_unit_test(test_nothing_given_is_a_world_of_defaults),
        cmocka_unit_test(test_state_survives_a_restart),
        cmocka_unit_test(test_another_probe_is_mounted),
        cmocka_unit_test(test_damage_stays_with_the_probe),
        cmocka_unit_test(test_contact_going_on_is_saved_as_broken),
        cmocka_unit_test(test_missing_file_is_a_fresh_sample),
        cmocka_unit_test(test_damaged_and_foreign_state_is_refused),
        cmocka_unit_test(test_journal_remains_after_a_kill),
        cmocka_unit_test(test_cut_journal_is_read),
        cmocka_unit_test(test_bad_settings_are_all_reported),
        cmocka_unit_test(test_sample_files_read),
        cmocka_unit_test(test_cost_of_a_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
