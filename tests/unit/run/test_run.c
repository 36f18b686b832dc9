/* The run as a whole: order and spares, going on after an interruption, and a disk that fails in the middle.
 */
#include "fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void spares_stand_in_for_lost_sites(void **unused)
{
    (void)unused;
    struct night n;
    struct results_sites sites;
    struct err err = ERR_INIT;
    night_open(&n,
               &(struct night_spec){
                   .columns = 6,
                   .rows = 2,
                   .spares = "3",
                   .sample = "{surface: {roughness: 5 nm, insulating: {list: [{x: 30 um, y: 10 um, radius: "
                             "2 um}, {x: 15 um, y: 15 um, radius: 2 um}]}}}"});
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_true(results_sites(n.file, &sites, &err));
    int stand_in = 0;
    for (int k = 0; k < sites.n; k++) {
        const struct results_site *s = &sites.site[k];
        assert_true(s->spare || s->outcome != OUTCOME_NONE);
        if (!s->replaces)
            continue;
        stand_in++;
        assert_true(s->spare);
        bool lost = false;
        for (int j = 0; j < sites.n; j++)
            lost = lost || (sites.site[j].site == s->replaces && sites.site[j].outcome == OUTCOME_NO_CONTACT);
        assert_true(lost);
    }
    assert_int_equal(stand_in, 2);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 12);
    results_sites_free(&sites);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

static void only_the_first_sites_are_visited(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 6});
    n.options.only_first = 2;
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_int_equal(n.counts.visited, 2);
    night_close(&n);
}

static void time_up_ends_in_a_pause(void **unused)
{
    (void)unused;
    struct night n;
    night_open(&n, &(struct night_spec){.columns = 10, .more = "stop: {after: 40 s}\n"});
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_true(n.counts.visited > 1 && n.counts.visited < 10);
    assert_true(n.counts.safe);
    assert_non_null(strstr(n.e.text, "stop.after"));
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* What went before is left alone; what was cut short untouched is visited again; a touched one is not. */
static void a_run_goes_on_where_it_was_left(void **unused)
{
    (void)unused;
    struct night n;
    struct run_before before[7];
    night_open(&n, &(struct night_spec){.columns = 6, .spares = "1"});
    for (int k = 0; k < 7; k++) {
        const struct plan_site *s = &n.plan->site[k];
        before[k] = (struct run_before){.x = s->x, .y = s->y, .contact_z = NAN};
    }
    for (int k = 0; k < 4; k++) {
        before[k].outcome = OUTCOME_MEASURED;
        before[k].attempts = 1;
        before[k].contact_z = SAMPLE_PLANE + 200e-9;
    }
    before[2] = (struct run_before){.outcome = OUTCOME_INTERRUPTED, .attempts = 1, .contact_z = NAN};
    before[4] =
        (struct run_before){.outcome = OUTCOME_ABORTED, .attempts = 1, .contact_z = NAN, .again = true};
    n.options.before = before;
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    struct results_attempt a[4];
    assert_int_equal(attempts_of(&n, 1, a, 4), 0);
    assert_int_equal(attempts_of(&n, 3, a, 4), 0); /* interrupted: its spare stands in */
    assert_int_equal(attempts_of(&n, 5, a, 4), 1);
    assert_int_equal(a[0].number, 2);
    ASSERT_OUTCOME(a[0], OUTCOME_MEASURED);
    ASSERT_OUTCOME(only_attempt(&n, 6), OUTCOME_MEASURED);
    ASSERT_OUTCOME(only_attempt(&n, 7), OUTCOME_MEASURED);
    assert_int_equal(n.counts.by_outcome[OUTCOME_MEASURED], 6);
    ASSERT_UNHARMED(&n);
    night_close(&n);
}

/* The stop flag between two sites leaves no attempt behind. */
static void a_stop_before_the_first_site_touches_nothing(void **unused)
{
    (void)unused;
    struct night n;
    struct results_attempt a[4];
    night_open(&n, &(struct night_spec){.columns = 2});
    n.stop = 1;
    night_run(&n);
    assert_int_equal(n.end, RUN_INTERRUPTED);
    assert_true(n.counts.safe);
    assert_int_equal(n.counts.visited, 0);
    assert_int_equal(attempts_of(&n, 1, a, 4), 0);
    night_close(&n);
}

/* --- a disk that is full ------------------------------------------------------------------------------- */

enum verdict {
    ALL_WELL = 0,
    NOT_ENDED = 1,
    NOT_SAFE = 2,
    HARMED = 3,
    NOT_NAMED = 4,
    NOT_UP = 5,
    NOT_OPENED = 6
};

static enum verdict judge(struct night *n)
{
    enum cell_mode cell;
    struct world_counters seen = world_counters(sim_rig_world(n->sim));
    double z = true_z(n, &cell);
    if (n->end != RUN_FAULT)
        return NOT_ENDED;
    if (!n->counts.safe)
        return NOT_SAFE;
    if (seen.crashes || seen.drags || seen.wet_travel || seen.envelope || seen.cell_left_on)
        return HARMED;
    if (z < n->rig->config->z_retracted - 50e-9 || cell != CELL_OPEN)
        return NOT_UP;
    return strstr(n->e.text, "results") ? ALL_WELL : NOT_NAMED;
}

/* In a process of its own, because the limit is the process's: writing fails once the file has grown to
 * `bytes`. */
static enum verdict run_on_a_full_disk(rlim_t bytes)
{
    struct night n;
    struct err err = ERR_INIT;
    struct rlimit all = {0};
    night_open(&n, &(struct night_spec){.columns = 8});
    n.writer = writer_start(n.file, n.loop, &err);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &all);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, all.rlim_max});
    n.began = run_grid(n.rig, n.plan, n.writer, &n.options, &n.end, &n.counts, &n.e);
    setrlimit(RLIMIT_FSIZE, &all);
    enum verdict v = judge(&n);
    writer_stop(n.writer, &err);
    n.file = results_open(n.path, &err); /* it opens, whatever happened to it */
    if (!n.file)
        return NOT_OPENED;
    night_close(&n);
    return v;
}

static void a_full_disk_ends_safely(void **unused)
{
    (void)unused;
    struct rng r = rng_stream(test_seed(), "bytes");
    for (int k = 0; k < 6; k++) {
        rlim_t bytes = 150000 + (rlim_t)rng_below(r, 250000, (uint64_t)k, 0);
        int status = 0;
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            _exit(run_on_a_full_disk(bytes));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        print_message("%llu bytes: verdict %d\n", (unsigned long long)bytes, WEXITSTATUS(status));
        assert_int_equal(WEXITSTATUS(status), ALL_WELL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spares_stand_in_for_lost_sites),
        cmocka_unit_test(only_the_first_sites_are_visited),
        cmocka_unit_test(time_up_ends_in_a_pause),
        cmocka_unit_test(a_run_goes_on_where_it_was_left),
        cmocka_unit_test(a_stop_before_the_first_site_touches_nothing),
        cmocka_unit_test(a_full_disk_ends_safely),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
