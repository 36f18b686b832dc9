/* The writer thread: everything handed over comes back, commits group as promised, waiting moves no virtual
 * time. */
#include "unit/results/fixture.h"

#include "unit/results/faulty_vfs.h"

struct rig {
    char *folder, *path;
    struct loop *loop;
    struct writer *writer;
};

static struct rig rig_new(enum loop_mode mode, int sites)
{
    struct err e = ERR_INIT;
    struct rig g = {.folder = temp_folder(), .loop = loop_new(mode, 1, NULL)};
    g.path = path_in(g.folder, "run.seccm");
    struct results *r = results_create(g.path, test_plan(sites), 0, &e);
    if (!r || !(g.writer = writer_start(r, g.loop, &e)))
        fail_msg("%s", e.text);
    return g;
}

static void rig_reopen(struct rig *g)
{
    struct err e = ERR_INIT;
    struct results *r = results_open_write(g->path, &e);
    if (!r || !(g->writer = writer_start(r, g->loop, &e)))
        fail_msg("%s", e.text);
}

static void stop_well(struct rig *g)
{
    struct err e = ERR_INIT;
    if (!writer_stop(g->writer, &e))
        fail_msg("%s", e.text);
    g->writer = NULL;
}

static void barrier_well(struct rig *g)
{
    struct err e = ERR_INIT;
    if (!writer_barrier(g->writer, &e))
        fail_msg("%s", e.text);
}

static void rig_free(struct rig *g)
{
    if (g->writer)
        stop_well(g);
    loop_free(g->loop);
    free(g->path);
    remove_folder(g->folder);
}

static struct results *reader(const struct rig *g)
{
    struct err e = ERR_INIT;
    struct results *r = results_open(g->path, &e);
    if (!r)
        fail_msg("%s", e.text);
    return r;
}

static struct results_site site_row(struct results *r, int site)
{
    struct results_sites s;
    struct results_site found = {0};
    assert_true(results_sites(r, &s, NULL));
    for (int i = 0; i < s.n; i++)
        if (s.site[i].site == site)
            found = s.site[i];
    results_sites_free(&s);
    return found;
}

static void assert_double(double a, double b)
{
    assert_true((isnan(a) && isnan(b)) || a == b);
}

/* The attempt of site 2 is test_attempt() with the intent's start. */
static void assert_attempt(struct results *r, int64_t attempt)
{
    struct results_attempt a;
    assert_int_equal(results_attempts(r, 2, &a, 1, NULL), 1);
    assert_int_equal(a.id, attempt);
    assert_int_equal(a.site, 2);
    assert_int_equal(a.number, 1);
    assert_int_equal(a.outcome, OUTCOME_MEASURED);
    assert_int_equal(a.touched, TOUCHED_YES);
    assert_string_equal(a.last_step, "formation");
    assert_int_equal(a.last_cycle, 3);
    const double expected[] = {1e-6,  2e-6, 1.25e-5, -2.5e-12, NAN,   3e-7, 1e-12, 1e-14,
                               1e-13, NAN,  1e-14,   1e-15,    2e-13, 2.5,  12.5,  8.25};
    const double found[] = {a.x,
                            a.y,
                            a.contact_z,
                            a.contact_current,
                            a.contact_charge,
                            a.break_distance,
                            a.blank_capacitance,
                            a.blank_capacitance_sd,
                            a.blank_conductance,
                            a.blank_conductance_sd,
                            a.blank_offset,
                            a.blank_offset_sd,
                            a.noise_rms,
                            a.blank_bias,
                            a.start_s,
                            a.end_s};
    for (size_t i = 0; i < sizeof found / sizeof found[0]; i++)
        assert_double(found[i], expected[i]);
    assert_string_equal(a.flags, "meniscus-unverified");
    assert_string_equal(a.fault, "underload");
}

static void attempts_steps_and_rows_come_back(void **state)
{
    (void)state;
    enum { N = 700 };
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    struct wave_row rows[N], *got;
    int64_t attempt, step;
    int n;
    test_rows(rows, N, rng_stream(1, "rows"), 0, 20, 30);
    assert_true(
        writer_attempt_begin(g.writer, 2, 1, 1e-9, -2e-9, 12.5, "2000-01-01T00:00:12.500Z", &attempt));
    struct results_step s = {.attempt = attempt,
                             .site = 2,
                             .index = 7,
                             .phase = "step",
                             .name = "formation",
                             .kind = "cv",
                             .gap_before = 1,
                             .gap_state = "open",
                             .settings = "{\"rate\": 1.0}"};
    assert_true(writer_step_begin(g.writer, &s, &step));
    for (int k = 0; k < N; k++) /* one by one, as they arrive */
        assert_true(writer_rows(g.writer, step, &rows[k], 1));
    assert_true(writer_step_end(g.writer, step, "vertex", 0.25, "held"));
    struct results_attempt end = test_attempt(attempt);
    assert_true(writer_attempt_end(g.writer, &end));
    barrier_well(&g);

    struct results *r = reader(&g); /* beside the running writer */
    assert_attempt(r, attempt);
    struct results_step *steps;
    assert_true(results_steps(r, attempt, &steps, &n, NULL));
    assert_int_equal(n, 1);
    assert_int_equal(steps->id, step);
    assert_int_equal(steps->site, 2);
    assert_int_equal(steps->index, 7);
    assert_string_equal(steps->phase, "step");
    assert_string_equal(steps->name, "formation");
    assert_string_equal(steps->kind, "cv");
    assert_string_equal(steps->ended_by, "vertex");
    assert_double(steps->gap_before, 0.25);
    assert_string_equal(steps->gap_state, "held");
    assert_string_equal(steps->settings, "{\"rate\": 1.0}");
    assert_int_equal(steps->samples, N);
    free(steps);
    assert_true(results_rows(r, step, &got, &n, NULL));
    assert_int_equal(n, N);
    assert_rows_equal(got, rows, N);
    free(got);

    struct results_site site = site_row(r, 2);
    assert_int_equal(site.outcome, OUTCOME_MEASURED);
    assert_int_equal(site.touched, TOUCHED_YES);
    assert_int_equal(site.attempts, 1);
    assert_int_equal(site.last_attempt, attempt);
    assert_double(site.contact_z, 1.25e-5);
    assert_double(site.start_s, 12.5);
    assert_string_equal(site.start_utc, "2000-01-01T00:00:12.500Z");
    assert_string_equal(site.flags, "meniscus-unverified");
    assert_string_equal(site.fault, "underload");
    results_close(r, NULL);
    rig_free(&g);
}

static void features_events_and_info_come_back(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    struct results_feature f = {1, 1, 0, "", 0, "contact_z", 2e-6, 1e-9, "m", "latch", ""}, *got_f;
    struct results_event ev = {1.5, "2000-01-01T00:00:01.500Z", 1, 1, "warning", "odd \"text\"\n\xc2\xb5"},
                         *got_ev;
    int n;
    assert_true(writer_features(g.writer, &f, 1));
    assert_true(writer_event(g.writer, &ev));
    assert_true(writer_info(g.writer, "state", "running"));
    assert_true(writer_info(g.writer, "state", "finished"));
    stop_well(&g); /* without a commit of ours */
    struct results *r = reader(&g);
    assert_true(results_features(r, &got_f, &n, NULL));
    assert_int_equal(n, 1);
    assert_string_equal(got_f->name, "contact_z");
    assert_double(got_f->value, 2e-6);
    assert_true(results_events(r, &got_ev, &n, NULL));
    assert_int_equal(n, 1);
    assert_double(got_ev->t_s, 1.5);
    assert_string_equal(got_ev->kind, "warning");
    assert_string_equal(got_ev->text, ev.text);
    char *info = results_info(r, "state");
    assert_string_equal(info, "finished");
    free(info);
    free(got_f);
    free(got_ev);
    results_close(r, NULL);
    rig_free(&g);
}

static void clean_end_leaves_one_file(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_REAL, 2);
    struct wave_row rows[10];
    struct buf names = {0};
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    stop_well(&g);
    assert_int_equal(folder_count(g.folder, &names), 1);
    assert_string_equal(names.p, "run.seccm ");
    buf_free(&names);
    struct results *r = reader(&g);
    assert_int_equal(check_prefix(r, rows, 10), 1);
    results_close(r, NULL);
    assert_int_equal(folder_count(g.folder, NULL), 1);
    rig_free(&g);
}

/* Chunks are full at 65536 rows, whatever the sizes in which they were handed over. */
static void long_step_is_stored_in_chunks(void **state)
{
    (void)state;
    enum { N = 2 * WAVEFORM_CHUNK + 1000 };
    struct rig g = rig_new(LOOP_VIRTUAL, 1);
    struct wave_row *rows = calloc(N, sizeof *rows), *got;
    struct results_step s = {.site = 1, .phase = "step"};
    int64_t step;
    int n;
    struct rng r = rng_stream(3, "sizes");
    test_rows(rows, N, r, 0, 20, 30);
    assert_true(writer_attempt_begin(g.writer, 1, 1, 0, 0, 0, "", &s.attempt));
    assert_true(writer_step_begin(g.writer, &s, &step));
    for (int k = 0, some; k < N; k += some) {
        some = 1 + (int)rng_below(r, 5000, (uint64_t)k, 0);
        some = some < N - k ? some : N - k;
        assert_true(writer_rows(g.writer, step, rows + k, some));
    }
    assert_true(writer_step_end(g.writer, step, "done", NAN, ""));
    barrier_well(&g);
    sqlite3 *db;
    sqlite3_stmt *q;
    sqlite3_open_v2(g.path, &db, SQLITE_OPEN_READONLY, NULL);
    sqlite3_prepare_v2(db, "SELECT group_concat(n) FROM (SELECT n FROM waveform ORDER BY seq)", -1, &q, NULL);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(q, 0), "65536,65536,1000");
    sqlite3_finalize(q);
    sqlite3_close(db);
    struct results *in = reader(&g);
    assert_true(results_rows(in, step, &got, &n, NULL));
    assert_int_equal(n, N);
    assert_rows_equal(got, rows, N);
    free(got);
    free(rows);
    results_close(in, NULL);
    rig_free(&g);
}

/* One fsync of the WAL is one durable transaction. */
static void outcome_and_next_intent_are_one_transaction(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    struct wave_row rows[10];
    int64_t next;
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(writer_info(g.writer, "state", "running"));
    barrier_well(&g);
    long before = faulty.wal_syncs;
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    assert_true(writer_attempt_begin(g.writer, 2, 1, 0, 0, 20, "", &next));
    assert_true(writer_commit(g.writer));
    barrier_well(&g); /* nothing left to commit */
    assert_int_equal(faulty.wal_syncs - before, 1);
    struct results *r = reader(&g);
    assert_int_equal(site_row(r, 1).outcome, OUTCOME_MEASURED);
    assert_int_equal(site_row(r, 2).attempts, 1);
    results_close(r, NULL);
    rig_free(&g);
}

static void unfinished_attempt_is_possibly_touched(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    int64_t attempt, again;
    struct results_attempt a[3];
    assert_true(writer_attempt_begin(g.writer, 1, 1, 0, 0, 0, "", &attempt));
    barrier_well(&g);
    struct results *r = reader(&g);
    assert_int_equal(results_attempts(r, 1, a, 3, NULL), 1);
    assert_int_equal(a[0].outcome, OUTCOME_NONE);
    assert_int_equal(a[0].touched, TOUCHED_POSSIBLY);
    assert_int_equal(site_row(r, 1).touched, TOUCHED_POSSIBLY);
    assert_int_equal(site_row(r, 1).outcome, OUTCOME_NONE);

    /* It turns out not to be; the next one is; the one after says no, but the spot stays touched. */
    struct results_attempt end = {
        .id = attempt, .outcome = OUTCOME_NO_CONTACT, .touched = TOUCHED_NO, .x = NAN, .y = NAN};
    assert_true(writer_attempt_end(g.writer, &end));
    barrier_well(&g);
    assert_int_equal(site_row(r, 1).touched, TOUCHED_NO);
    assert_true(writer_attempt_begin(g.writer, 1, 2, 5e-6, 0, 0, "", &again));
    end = (struct results_attempt){.id = again,
                                   .outcome = OUTCOME_UNCONFIRMED,
                                   .touched = TOUCHED_YES,
                                   .reason = "why",
                                   .x = NAN,
                                   .y = 1};
    assert_true(writer_attempt_end(g.writer, &end));
    assert_true(writer_attempt_begin(g.writer, 1, 3, 0, 0, 0, "", &again));
    end = (struct results_attempt){.id = again, .outcome = OUTCOME_FAULT, .touched = TOUCHED_NO};
    assert_true(writer_attempt_end(g.writer, &end));
    barrier_well(&g);
    assert_int_equal(results_attempts(r, 1, a, 3, NULL), 3);
    assert_string_equal(a[1].reason, "why");
    assert_double(a[1].x, 5e-6); /* where it was going, if nobody knows better */
    assert_double(a[1].y, 1);
    struct results_site site = site_row(r, 1);
    assert_int_equal(site.outcome, OUTCOME_FAULT);
    assert_int_equal(site.touched, TOUCHED_YES);
    assert_int_equal(site.attempts, 3);
    results_close(r, NULL);
    rig_free(&g);
}

static void skipped_site_has_an_outcome_without_attempt(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    assert_true(writer_site_outcome(g.writer, 3, OUTCOME_SKIPPED, "stop rule"));
    barrier_well(&g);
    struct results *r = reader(&g);
    struct results_site site = site_row(r, 3);
    assert_int_equal(site.outcome, OUTCOME_SKIPPED);
    assert_string_equal(site.reason, "stop rule");
    assert_int_equal(site.touched, TOUCHED_NO);
    results_close(r, NULL);
    rig_free(&g);
}

static void rows_of_a_step_that_nobody_ended_are_kept(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    struct wave_row rows[300], *got;
    struct results_step s = {.site = 1, .phase = "step"}, *steps;
    int64_t step;
    int n;
    test_rows(rows, 300, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(writer_attempt_begin(g.writer, 1, 1, 0, 0, 0, "", &s.attempt));
    assert_true(writer_step_begin(g.writer, &s, &step));
    assert_true(writer_rows(g.writer, step, rows, 300));
    struct results_attempt end = {.id = s.attempt, .outcome = OUTCOME_FAULT, .touched = TOUCHED_YES};
    assert_true(writer_attempt_end(g.writer, &end));
    stop_well(&g);
    struct results *r = reader(&g);
    assert_true(results_steps(r, s.attempt, &steps, &n, NULL));
    assert_int_equal(n, 1);
    assert_string_equal(steps->ended_by, "");
    assert_int_equal(steps->samples, 300);
    assert_true(results_rows(r, step, &got, &n, NULL));
    assert_rows_equal(got, rows, 300);
    free(got);
    free(steps);
    results_close(r, NULL);
    rig_free(&g);
}

static void ids_go_on_after_a_reopen(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 5);
    struct wave_row rows[10];
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    stop_well(&g);
    rig_reopen(&g);
    assert_true(hand_over_site(g.writer, 2, rows, 10));
    stop_well(&g);
    struct results *r = reader(&g);
    assert_int_equal(check_prefix(r, rows, 10), 2);
    assert_int_equal(site_row(r, 2).last_attempt, 2);
    results_close(r, NULL);
    rig_free(&g);
}

static void used_spare_stands_for_the_lost_site(void **state)
{
    (void)state;
    enum { N = 25 };
    struct rig g = rig_new(LOOP_VIRTUAL, N);
    const struct results_site_plan *root = &test_plan(N)->site[23];
    assert_true(writer_spare(g.writer, 1, 5, root->site));
    barrier_well(&g);
    struct results *r = reader(&g);
    struct results_sites s;
    assert_true(results_sites(r, &s, NULL));
    const struct results_site *spare = &s.site[N - 1]; /* site 1 is visited last */
    assert_int_equal(spare->site, 1);
    assert_int_equal(spare->replaces, 5);
    assert_int_equal(spare->block, root->block);
    for (int k = 0; k < 2; k++) {
        assert_string_equal(s.level[(N - 1) * 2 + k], root->level[k]);
        assert_double(s.level_si[(N - 1) * 2 + k], root->level_si[k]);
    }
    results_sites_free(&s);
    results_close(r, NULL);
    rig_free(&g);
}

static void a_flag_is_added_to_measured_attempts_of_a_range(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 5);
    struct wave_row rows[10];
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    for (int site = 1; site <= 5; site++)
        assert_true(hand_over_site(g.writer, site, rows, 10));
    barrier_well(&g);
    struct results *r = reader(&g);
    struct results_attempt a[5], b;
    int flagged = 0;
    for (int site = 1; site <= 5; site++)
        assert_int_equal(results_attempts(r, site, &a[site - 1], 1, NULL), 1);
    assert_true(writer_flag(g.writer, a[1].id, a[4].id, "in-doubt"));
    assert_true(writer_flag(g.writer, a[2].id, a[4].id, "in-doubt")); /* not twice */
    barrier_well(&g);
    for (int site = 1; site <= 5; site++) {
        char wanted[160];
        bool meant = (site == 3 || site == 4) && a[site - 1].outcome == OUTCOME_MEASURED;
        assert_int_equal(results_attempts(r, site, &b, 1, NULL), 1);
        snprintf(wanted, sizeof wanted, "%s%s%s", a[site - 1].flags, meant && *a[site - 1].flags ? "," : "",
                 meant ? "in-doubt" : "");
        assert_string_equal(b.flags, wanted);
        flagged += meant;
    }
    assert_int_equal(flagged, 2);
    results_close(r, NULL);
    stop_well(&g);
    rig_free(&g);
}

static void resume_marks_open_attempts_as_interrupted(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 3);
    struct wave_row rows[10];
    struct err e = ERR_INIT;
    int64_t open_one;
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    assert_true(writer_attempt_begin(g.writer, 2, 1, 0, 0, 0, "", &open_one));
    stop_well(&g);
    struct results *r = results_open_write(g.path, &e);
    assert_true(results_close_open_attempts(r, &e));
    struct results_attempt a;
    assert_int_equal(results_attempts(r, 2, &a, 1, NULL), 1);
    assert_int_equal(a.outcome, OUTCOME_INTERRUPTED);
    assert_int_equal(a.touched, TOUCHED_POSSIBLY);
    assert_int_equal(site_row(r, 2).outcome, OUTCOME_INTERRUPTED);
    assert_int_equal(site_row(r, 2).touched, TOUCHED_POSSIBLY);
    assert_int_equal(site_row(r, 1).outcome, OUTCOME_MEASURED);
    assert_int_equal(site_row(r, 3).outcome, OUTCOME_NONE);
    assert_true(results_close(r, &e));
    r = reader(&g);
    assert_false(results_close_open_attempts(r, &e));
    results_close(r, NULL);
    rig_free(&g);
}

static void misuse_is_reported_and_spares_what_was_committed(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_REAL, 5);
    struct wave_row rows[10];
    struct err e = ERR_INIT;
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    barrier_well(&g);
    assert_true(writer_ok(g.writer, &e));
    writer_rows(g.writer, 77, rows, 1);
    assert_false(writer_barrier(g.writer, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_non_null(strstr(e.text, "step 77"));
    assert_false(writer_ok(g.writer, NULL));
    assert_false(writer_commit(g.writer));
    assert_false(writer_barrier(g.writer, NULL));
    err_clear(&e);
    assert_false(writer_stop(g.writer, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    g.writer = NULL;
    struct results *r = reader(&g);
    assert_int_equal(check_prefix(r, rows, 10), 1);
    results_close(r, NULL);
    assert_null(writer_start(r = reader(&g), g.loop, &e)); /* a reader can not write */
    results_close(r, NULL);
    rig_free(&g);
}

static void count_up(void *ctx)
{
    ++*(int *)ctx;
}

static void virtual_time_stands_still_at_a_barrier(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_VIRTUAL, 64);
    struct wave_row rows[100];
    struct timer t = {0};
    int fired = 0;
    test_rows(rows, 100, rng_stream(1, "rows"), 0, 5, 0);
    loop_sleep_until(g.loop, NS_S);
    timer_set(g.loop, &t, NS_S + 1, count_up, &fired);
    for (int site = 1; site <= 64; site++) {
        assert_true(hand_over_site(g.writer, site, rows, 100));
        barrier_well(&g);
        assert_true(loop_now(g.loop) == NS_S);
        assert_int_equal(fired, 0);
    }
    loop_sleep_until(g.loop, NS_S + 1);
    assert_int_equal(fired, 1);
    rig_free(&g);
}

struct opener {
    struct loop *loop;
    struct timer timer;
};

/* Lets one fsync through, and the next one a little later. */
/* What an earlier test posted too often would let the thread through. */
static void shut_gate(void)
{
    while (sem_trywait(&faulty.gate) == 0)
        ;
    faulty.gated = true;
}

static void open_gate(void *ctx)
{
    struct opener *o = ctx;
    sem_post(&faulty.gate);
    timer_set(o->loop, &o->timer, loop_now(o->loop) + NS_MS, open_gate, o);
}

/* The disk stands still until callbacks of the loop let it go: without pumping the barrier would not end
 * well. */
static void loop_is_served_while_the_disk_is_slow(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_REAL, 2);
    struct wave_row rows[10];
    struct opener o = {.loop = g.loop};
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    shut_gate();
    timer_set(g.loop, &o.timer, loop_now(g.loop) + NS_MS, open_gate, &o);
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    barrier_well(&g);
    faulty.gated = false;
    timer_cancel(g.loop, &o.timer);
    rig_free(&g);
}

/* Real time can not wait for the disk: a full queue stops the run, and what was accepted is still written. */
static void full_queue_is_an_error_in_real_time(void **state)
{
    (void)state;
    enum { N = 4096 };
    struct rig g = rig_new(LOOP_REAL, 2);
    struct wave_row *rows = calloc(N, sizeof *rows);
    struct results_step s = {.site = 2, .phase = "step"};
    struct err e = ERR_INIT;
    int64_t step;
    size_t accepted = 0;
    test_rows(rows, N, rng_stream(1, "rows"), 0, 5, 0);
    shut_gate();
    assert_true(hand_over_site(g.writer, 1, rows, N));
    assert_true(writer_attempt_begin(g.writer, 2, 1, 0, 0, 0, "", &s.attempt));
    assert_true(writer_commit(g.writer)); /* the thread is stuck here */
    assert_true(writer_step_begin(g.writer, &s, &step));
    while (writer_rows(g.writer, step, rows, N))
        assert_in_range(accepted += N * sizeof *rows, 0, (size_t)80 << 20);
    print_message("refused after %.1f MiB\n", (double)accepted / 1048576);
    assert_true(accepted > (size_t)60 << 20);
    assert_false(writer_ok(g.writer, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_false(writer_event(g.writer, &(struct results_event){.kind = "state"}));
    faulty.gated = false;
    for (int i = 0; i < 100; i++) /* more than fsyncs that may be waiting */
        sem_post(&faulty.gate);
    err_clear(&e);
    assert_false(writer_stop(g.writer, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "stored all the same"));
    g.writer = NULL;
    struct results *r = reader(&g);
    struct results_step *steps;
    int n;
    assert_int_equal(check_prefix(r, rows, N), 1);
    assert_int_equal(site_row(r, 2).touched, TOUCHED_POSSIBLY);
    assert_true(results_steps(r, s.attempt, &steps, &n, NULL)); /* with the rows that were refused */
    assert_int_equal(steps->samples, accepted / sizeof *rows + N);
    free(steps);
    results_close(r, NULL);
    free(rows);
    rig_free(&g);
}

/* Twice the bound is the end of it, and what is lost is counted. */
static void rows_beyond_all_bounds_are_counted(void **state)
{
    (void)state;
    enum { N = 4096 };
    struct rig g = rig_new(LOOP_REAL, 2);
    struct wave_row *rows = calloc(N, sizeof *rows);
    struct results_step s = {.site = 1, .phase = "step"}, *steps;
    struct err e = ERR_INIT;
    int64_t step, given = 0;
    int n;
    test_rows(rows, N, rng_stream(1, "rows"), 0, 5, 0);
    shut_gate();
    assert_true(writer_attempt_begin(g.writer, 1, 1, 0, 0, 0, "", &s.attempt));
    assert_true(writer_commit(g.writer));
    assert_true(writer_step_begin(g.writer, &s, &step));
    for (; given * (int64_t)sizeof *rows < (int64_t)160 << 20; given += N)
        writer_rows(g.writer, step, rows, N);
    assert_false(writer_step_begin(g.writer, &s, &step)); /* nothing new */
    faulty.gated = false;
    for (int i = 0; i < 100; i++)
        sem_post(&faulty.gate);
    assert_false(writer_stop(g.writer, &e));
    g.writer = NULL;
    struct results *r = reader(&g);
    assert_true(results_steps(r, s.attempt, &steps, &n, NULL));
    char lost[80];
    snprintf(lost, sizeof lost, "; %lld samples could not be stored", (long long)(given - steps->samples));
    assert_in_range(steps->samples, (100 << 20) / sizeof *rows, (130 << 20) / sizeof *rows);
    assert_non_null(strstr(e.text, lost));
    free(steps);
    results_close(r, NULL);
    free(rows);
    rig_free(&g);
}

/* An error that passes: from the last commit on everything is written once more, chunks that were full
 * before, steps that were open, and what came after the error. */
static void passing_error_loses_nothing(void **state)
{
    (void)state;
    enum { N = WAVEFORM_CHUNK + 5000, LATE = 300 };
    for (int k = 0; k < 8; k++) {
        struct rig g = rig_new(LOOP_VIRTUAL, 3);
        struct wave_row *rows = calloc(N + LATE, sizeof *rows), *got;
        struct results_step s = {.site = 2, .phase = "step"}, *steps;
        struct err e = ERR_INIT;
        int64_t step;
        int n;
        test_rows(rows, N + LATE, rng_stream(1, "rows"), 0, 20, 30);
        assert_true(hand_over_site(g.writer, 1, rows, 10));
        assert_true(writer_attempt_begin(g.writer, 2, 1, 0, 0, 0, "", &s.attempt));
        assert_true(writer_step_begin(g.writer, &s, &step));
        barrier_well(&g);
        faulty_set(k % 2 ? VFS_SYNC : VFS_FULL, 1 + k / 2, false);
        bool ok = writer_rows(g.writer, step, rows, N) && writer_commit(g.writer);
        assert_false(writer_barrier(g.writer, &e) && ok && k < 4);
        writer_rows(g.writer, step, rows + N, LATE);
        writer_step_end(g.writer, step, "fault", NAN, "");
        struct results_attempt end = {.id = s.attempt, .outcome = OUTCOME_FAULT, .touched = TOUCHED_YES};
        writer_attempt_end(g.writer, &end);
        bool hit = faulty.hits > 0;
        faulty_set(VFS_WELL, 0, false);
        assert_int_equal(writer_stop(g.writer, &e), !hit);
        if (hit)
            assert_non_null(strstr(e.text, "; what was measured is stored all the same"));
        g.writer = NULL;
        struct results *r = reader(&g);
        assert_int_equal(site_row(r, 2).outcome, OUTCOME_FAULT);
        assert_true(results_steps(r, s.attempt, &steps, &n, NULL));
        assert_int_equal(n, 1);
        assert_string_equal(steps->ended_by, "fault");
        assert_true(results_rows(r, step, &got, &n, NULL));
        assert_int_equal(n, N + LATE);
        assert_rows_equal(got, rows, N + LATE);
        free(got);
        free(steps);
        free(rows);
        results_close(r, NULL);
        rig_free(&g);
    }
}

/* A disk that does not come back is an error while the rig stands in the air, not a wait without end. */
static void barrier_has_an_end(void **state)
{
    (void)state;
    struct rig g = rig_new(LOOP_REAL, 2);
    struct wave_row rows[10];
    struct err e = ERR_INIT;
    test_rows(rows, 10, rng_stream(1, "rows"), 0, 5, 0);
    shut_gate();
    writer_set_patience(g.writer, 20 * NS_MS);
    assert_true(hand_over_site(g.writer, 1, rows, 10));
    assert_false(writer_barrier(g.writer, &e));
    assert_int_equal(e.code, ERR_IO);
    assert_non_null(strstr(e.text, "has not stored what it was given for 0.02 s"));
    assert_false(writer_ok(g.writer, NULL));
    faulty.gated = false;
    for (int i = 0; i < 100; i++)
        sem_post(&faulty.gate);
    assert_false(writer_stop(g.writer, &e)); /* said once is enough */
    g.writer = NULL;
    struct results *r = reader(&g);
    assert_int_equal(check_prefix(r, rows, 10), 1);
    results_close(r, NULL);
    rig_free(&g);
}

/* The file loses its name: told at the next commit, and everything is in a complete file in the end. */
static void file_that_loses_its_name_is_noticed(void **state)
{
    (void)state;
    static const struct {
        const char *target, *word, *left;
    } how[] = {{"elsewhere.seccm", "moved away", "elsewhere.seccm"},
               {NULL, "deleted", "run.seccm"},
               {"taken", "deleted", "run.seccm-rescued"}};
    for (size_t k = 0; k < 3; k++) {
        struct rig g = rig_new(LOOP_VIRTUAL, 3);
        struct wave_row rows[50];
        struct err e = ERR_INIT;
        bool taken = how[k].target && !strcmp(how[k].target, "taken");
        char *left = path_in(g.folder, how[k].left), *wal = path_in(g.folder, "run.seccm-wal");
        test_rows(rows, 50, rng_stream(1, "rows"), 0, 5, 0);
        assert_true(hand_over_site(g.writer, 1, rows, 50));
        barrier_well(&g);
        if (k == 0)
            assert_int_equal(rename(g.path, left), 0);
        else
            assert_int_equal(unlink(g.path) + unlink(wal), 0);
        if (taken)
            fclose(fopen(g.path, "w"));
        assert_true(hand_over_site(g.writer, 2, rows, 50));
        assert_false(writer_barrier(g.writer, &e));
        assert_int_equal(e.code, ERR_IO);
        assert_non_null(strstr(e.text, how[k].word));
        writer_event(g.writer, &(struct results_event){.site = 2, .kind = "fault", .text = "last words"});
        assert_false(writer_stop(g.writer, &e));
        g.writer = NULL;
        struct results *r = results_open(left, &e);
        if (!r)
            fail_msg("%s: %s", how[k].word, e.text);
        struct results_event *ev;
        int n;
        assert_int_equal(check_prefix(r, rows, 50), 2);
        assert_true(results_events(r, &ev, &n, NULL));
        assert_int_equal(n, 1);
        free(ev);
        assert_true(results_close(r, &e));
        struct buf names = {0};
        int files = folder_count(g.folder, &names); /* shared memory beside a name that is not ours stays */
        if (files != (taken ? 3 : 1))
            fail_msg("left: %s", names.p);
        buf_free(&names);
        free(left);
        free(wal);
        rig_free(&g);
    }
}

/* Virtual time can wait: nothing is refused however far the disk is behind. */
static void full_queue_waits_in_virtual_time(void **state)
{
    (void)state;
    enum { N = 4096, TIMES = 230 };
    struct rig g = rig_new(LOOP_VIRTUAL, 2);
    struct wave_row *rows = calloc(N, sizeof *rows);
    struct results_step s = {.site = 1, .phase = "step"}, *steps;
    int64_t step;
    int n;
    test_rows(rows, N, rng_stream(1, "rows"), 0, 5, 0);
    assert_true(writer_attempt_begin(g.writer, 1, 1, 0, 0, 0, "", &s.attempt));
    assert_true(writer_step_begin(g.writer, &s, &step));
    for (int i = 0; i < TIMES; i++)
        assert_true(writer_rows(g.writer, step, rows, N));
    barrier_well(&g);
    struct results *r = reader(&g);
    assert_true(results_steps(r, s.attempt, &steps, &n, NULL));
    assert_int_equal(steps->samples, N * TIMES);
    free(steps);
    results_close(r, NULL);
    free(rows);
    rig_free(&g);
}

/* Between sites the WAL is brought home when it has grown, and then starts again from its beginning. */
static void checkpoints_keep_the_wal_short(void **state)
{
    (void)state;
    enum { N = 4096, SITES = 100 };
    struct rig g = rig_new(LOOP_VIRTUAL, SITES);
    struct wave_row *rows = calloc(N, sizeof *rows);
    struct rng r = rng_stream(4, "noise");
    struct buf wal = {0};
    test_rows(rows, N, r, 0, 5, 0);
    for (int k = 0; k < N; k++) /* nothing to compress */
        rows[k].i_raw.m = (int64_t)rng_u64(r, (uint64_t)k, 0, 0),
        rows[k].e_raw.m = (int64_t)rng_u64(r, (uint64_t)k, 0, 1);
    buf_printf(&wal, "%s-wal", g.path);
    long long longest = 0;
    for (int site = 1; site <= SITES; site++) {
        assert_true(hand_over_site(g.writer, site, rows, N));
        assert_true(writer_checkpoint(g.writer));
        barrier_well(&g);
        FILE *f = fopen(wal.p, "rb");
        fseek(f, 0, SEEK_END);
        longest = ftell(f) > longest ? ftell(f) : longest;
        fclose(f);
    }
    print_message("WAL of at most %.1f MiB for %.1f MiB of data\n", (double)longest / 1048576,
                  SITES * N * 16.0 / 1048576);
    assert_true(longest < 5 << 20);
    stop_well(&g);
    struct results *in = reader(&g);
    assert_int_equal(check_prefix(in, rows, N), SITES);
    results_close(in, NULL);
    buf_free(&wal);
    free(rows);
    rig_free(&g);
}

int main(void)
{
    faulty_install();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attempts_steps_and_rows_come_back),
        cmocka_unit_test(features_events_and_info_come_back),
        cmocka_unit_test(clean_end_leaves_one_file),
        cmocka_unit_test(long_step_is_stored_in_chunks),
        cmocka_unit_test(outcome_and_next_intent_are_one_transaction),
        cmocka_unit_test(unfinished_attempt_is_possibly_touched),
        cmocka_unit_test(skipped_site_has_an_outcome_without_attempt),
        cmocka_unit_test(rows_of_a_step_that_nobody_ended_are_kept),
        cmocka_unit_test(ids_go_on_after_a_reopen),
        cmocka_unit_test(used_spare_stands_for_the_lost_site),
        cmocka_unit_test(a_flag_is_added_to_measured_attempts_of_a_range),
        cmocka_unit_test(resume_marks_open_attempts_as_interrupted),
        cmocka_unit_test(misuse_is_reported_and_spares_what_was_committed),
        cmocka_unit_test(virtual_time_stands_still_at_a_barrier),
        cmocka_unit_test(loop_is_served_while_the_disk_is_slow),
        cmocka_unit_test(full_queue_is_an_error_in_real_time),
        cmocka_unit_test(rows_beyond_all_bounds_are_counted),
        cmocka_unit_test(passing_error_loses_nothing),
        cmocka_unit_test(barrier_has_an_end),
        cmocka_unit_test(file_that_loses_its_name_is_noticed),
        cmocka_unit_test(full_queue_waits_in_virtual_time),
        cmocka_unit_test(checkpoints_keep_the_wal_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
