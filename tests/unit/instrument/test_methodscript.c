/* Dialogues with a MethodSCRIPT device; each test is named for the misbehaviour or the rule that it shows. */
#include "instrument/potentiostat.h"

#include <math.h>

#include "fake_device.h"

#define OFF "e\ncell_off\n\n"

static struct fake f;
static struct potentiostat *p;
static struct potentiostat_item item;
static struct program g;
static struct err e;

static void setup_with(struct wiring w)
{
    struct potentiostat_config c = {
        .model = potentiostat_model("nexus"), .wiring = w, .e_limit = {-5, 5}, .i_limit = 100e-9};
    memset(&g, 0, sizeof(g));
    err_clear(&e);
    fake_open(&f);
    p = potentiostat_driver("methodscript")->open(f.dialogue, &c, &e);
    assert_non_null(p);
}

static void setup(void)
{
    setup_with((struct wiring){1, 1, 0});
}

static void done(void)
{
    potentiostat_close(p);
    fake_close(&f);
}

static struct segment *add_hold(bool open_ended)
{
    g.segment[g.n] = (struct segment){.kind = SEGMENT_HOLD,
                                      .potential = 0.5,
                                      .duration = 60,
                                      .interval = 1e-3,
                                      .i_full = 1e-9,
                                      .open_ended = open_ended};
    return &g.segment[g.n++];
}

static struct segment *add_cv(double start, double v0, double v1, double step, int cycles)
{
    g.segment[g.n] = (struct segment){.kind = SEGMENT_SWEEP,
                                      .start = start,
                                      .vertex = {v0, v1},
                                      .rate = 1,
                                      .step = step,
                                      .cycles = cycles,
                                      .i_full = 1e-9};
    return &g.segment[g.n++];
}

static void start(const char *then)
{
    fake_expects(&f, FAKE_SCRIPT, "e\n");
    if (then)
        fake_says(&f, 2 * NS_MS, then);
    if (!potentiostat_start(p, &g, &e))
        fail_msg("%s", e.text);
    loop_sleep_until(f.loop, loop_now(f.loop) + 100 * NS_MS);
}

static void expect(enum potentiostat_item_kind kind)
{
    enum potentiostat_item_kind k = potentiostat_next(p, &item, &e);
    if (k != kind)
        fail_msg("item %d instead of %d; %s", k, kind, e.text);
    if (k == PSTAT_NONE || k == PSTAT_FAILED)
        return;
    assert_int_equal(item.kind, kind);
}

static void expect_end(int segment, int ended_by)
{
    expect(PSTAT_END);
    assert_int_equal(item.segment, segment);
    assert_int_equal(item.ended_by, ended_by);
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-9 * fabs(b) + 1e-18))
        fail_msg("%.15g is not %.15g", a, b);
}

/* ---- identification and start ---- */

static void identifies_in_three_lines(void **state)
{
    (void)state;
    char id[160];
    setup();
    fake_expects(&f, "t\n", "tnexus11304#Oct 22 2024 14:38:26\nR*\n");
    fake_expects(&f, "i\n", "iNX1-0042\n");
    assert_true(potentiostat_identify(p, id, sizeof(id), &e));
    assert_string_equal(id, "nexus, firmware 1304#Oct 22 2024 14:38:26, serial NX1-0042");
    done();
}

static void another_model_than_the_rig_file_says(void **state)
{
    (void)state;
    char id[160];
    setup();
    fake_expects(&f, "t\n", "tes4_lr1304#Oct 22 2024 14:38:26\nR*\n");
    fake_expects(&f, "i\n", "iES4\n");
    assert_false(potentiostat_identify(p, id, sizeof(id), &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_non_null(strstr(e.text, "nexus"));
    done();
}

static void a_silent_device(void **state)
{
    (void)state;
    char id[160];
    setup();
    fake_expects(&f, "t\n", NULL);
    assert_false(potentiostat_identify(p, id, sizeof(id), &e));
    assert_int_equal(e.code, ERR_SILENT);
    done();
}

static void a_refused_script_names_line_and_reason(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    fake_expects(&f, FAKE_SCRIPT, "e!4001: Line 3, Col 1\n");
    assert_false(potentiostat_start(p, &g, &e));
    assert_int_equal(e.code, ERR_REFUSED);
    assert_non_null(strstr(e.text, "unknown script command"));
    assert_non_null(strstr(e.text, "Line 3"));
    expect(PSTAT_NONE);
    done();
}

static void what_is_compiled_is_what_is_sent(void **state)
{
    (void)state;
    struct buf text = {0};
    setup();
    add_hold(false);
    assert_true(potentiostat_compile(p, &g, &text, &e));
    start("M0007\n*\n\n");
    assert_string_equal(f.script.p, text.p);
    buf_free(&text);
    done();
}

static void a_stale_line_before_the_start_is_not_taken_for_an_answer(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    assert_true(link_write(f.far, "Z!0006\n", 7, NULL));
    loop_sleep_until(f.loop, NS_MS);
    start("M0007\n*\n\n");
    expect(PSTAT_BEGIN);
    done();
}

static void a_second_start_before_the_end(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    start(NULL);
    assert_false(potentiostat_start(p, &g, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    done();
}

/* ---- the stream ---- */

static void a_whole_program_sample_by_sample(void **state)
{
    (void)state;
    setup_with((struct wiring){-1, -1, 3.2});
    add_hold(false);
    g.segment[0].potential = 3.0; /* 200 mV applied */
    start("M0007\nPda8030D40u;ba80007D0f,10,210;eb8000064m\nPda8030D40u;ba7FFF830f,14,201;eb8000065m\n*\n\n");
    expect(PSTAT_BEGIN);
    assert_int_equal(item.segment, 0);
    expect(PSTAT_SAMPLE);
    assert_true(item.sample.e_raw.m == 200000 && item.sample.e_raw.e == -6);
    assert_true(item.sample.i_raw.m == 2000 && item.sample.i_raw.e == -15);
    near(item.sample.e, 3.0);
    near(item.sample.i, -2e-12);
    near(item.sample.t, 0);
    assert_int_equal(item.sample.range, 16);
    assert_int_equal(item.sample.status, SAMPLE_OK);
    assert_int_equal(item.sample.cycle, 1);
    assert_true(item.sample.host > 0 && item.host == item.sample.host);
    expect(PSTAT_SAMPLE);
    near(item.sample.i, 2e-12);
    near(item.sample.t, 1e-3);
    assert_int_equal(item.sample.range, 1); /* autoranging: per sample */
    assert_int_equal(item.sample.status, SAMPLE_UNDERLOAD);
    expect_end(0, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    expect(PSTAT_NONE);
    done();
}

static void lines_in_pieces_and_nothing_is_waited_for(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    fake_expects(&f, FAKE_SCRIPT, "e\nM00");
    fake_says(&f, 5 * NS_MS, "07\nPda8000000 ;ba80");
    fake_says(&f, 9 * NS_MS, "00001p,10,210;eb8000000 \n");
    assert_true(potentiostat_start(p, &g, &e));
    expect(PSTAT_NONE);
    loop_sleep_until(f.loop, loop_now(f.loop) + 6 * NS_MS);
    expect(PSTAT_BEGIN);
    expect(PSTAT_NONE);
    assert_true(loop_wait(f.loop, potentiostat_event(p), loop_now(f.loop) + NS_S));
    expect(PSTAT_SAMPLE); /* both blanks belong to their values */
    near(item.sample.i, 1e-12);
    expect(PSTAT_NONE);
    done();
}

static void overload_not_a_number_and_timing_are_flagged(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    start("M0007\nPda8000000u;ba8000001n,12,200;eb8000000m\nPda8000000u;ba     nan,10,200;eb8000001m\n"
          "Pda8000000u;ba8000001n,19,200;eb8000002m\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    assert_int_equal(item.sample.status, SAMPLE_OVERLOAD);
    expect(PSTAT_SAMPLE);
    assert_int_equal(item.sample.status, SAMPLE_INVALID);
    assert_true(isnan(item.sample.i) && dec_is_nan(item.sample.i_raw));
    expect(PSTAT_SAMPLE);
    assert_int_equal(item.sample.status, SAMPLE_TIMING | SAMPLE_WARNING);
    done();
}

static void advance_ends_the_open_segment_and_the_next_begins_without_a_gap(void **state)
{
    (void)state;
    setup();
    add_hold(true);
    add_hold(false);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000005m\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    fake_expects(&f, "Y\n", "Y\n*\nM0007\nPda8000000u;ba8000001p,10,210;eb800000Am\n*\n\n");
    assert_true(potentiostat_advance(p, &e));
    assert_true(potentiostat_advance(p, &e)); /* sent once */
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect_end(0, ENDED_ADVANCED);
    assert_false(potentiostat_advance(p, &e)); /* between loops */
    expect(PSTAT_BEGIN);
    assert_int_equal(item.segment, 1);
    assert_false(potentiostat_advance(p, &e)); /* not open-ended */
    expect(PSTAT_SAMPLE);
    near(item.sample.t, 0); /* since its own segment's first sample */
    expect_end(1, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    done();
}

static void a_refused_advance(void **state)
{
    (void)state;
    setup();
    add_hold(true);
    start("M0007\n");
    expect(PSTAT_BEGIN);
    fake_expects(&f, "Y\n", "Y!0003\n");
    assert_true(potentiostat_advance(p, &e));
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect(PSTAT_FAILED);
    assert_int_equal(e.code, ERR_REFUSED);
    done();
    setup();
    add_hold(true);
    start("M0007\n");
    expect(PSTAT_BEGIN);
    fake_expects(&f, "Y\n", "Y!0006\n"); /* no script where one should run */
    assert_true(potentiostat_advance(p, &e));
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect(PSTAT_FAILED);
    assert_int_equal(e.code, ERR_RESET);
    done();
}

static void add_gate(int skips)
{
    struct segment *s = add_hold(true);
    s->duration = 0.5;
    s->interval = 10e-3;
    s->skips = skips;
}

static void a_gate_that_says_it_is_over_leaves_segments_out(void **state)
{
    (void)state;
    setup();
    add_gate(2);
    add_hold(false);
    add_cv(0, 0.2, 0, 0.1, 1);
    add_cv(0, 0.3, 0, 0.1, 1);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000005m\nTover\n*\nM0005\n*\n\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    expect_end(0, ENDED_NATURALLY);
    expect(PSTAT_BEGIN);
    assert_int_equal(item.segment, 3);
    expect_end(3, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    done();
}

static void a_gate_that_ends_without_a_word_goes_on(void **state)
{
    (void)state;
    setup();
    add_gate(1);
    add_cv(0, 0.2, 0, 0.1, 1);
    add_hold(false);
    start("M0007\nY\n*\nM0007\n"); /* the device goes elsewhere */
    expect(PSTAT_BEGIN);
    expect_end(0, ENDED_ADVANCED);
    expect(PSTAT_FAILED);
    assert_int_equal(e.code, ERR_MISMATCH);
    done();
}

static void a_gate_that_runs_out_while_the_advance_is_on_its_way(void **state)
{
    (void)state;
    setup();
    add_gate(1);
    add_hold(false);
    add_hold(false);
    add_hold(false);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000005m\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    fake_expects(&f, "Y\n", "Tover\n*\nM0007\nY\n*\nM0007\n*\n\n");
    assert_true(potentiostat_advance(p, &e));
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect_end(0, ENDED_NATURALLY);
    expect(PSTAT_BEGIN);
    expect_end(2, ENDED_ADVANCED); /* the Y was heard in it */
    expect(PSTAT_BEGIN);
    expect_end(3, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    done();
}

static void an_open_circuit_can_be_advanced(void **state)
{
    (void)state;
    setup();
    g.segment[g.n++] =
        (struct segment){.kind = SEGMENT_OPEN, .duration = 60, .interval = 10e-3, .open_ended = true};
    add_hold(false);
    start("M000B\nPab80000FFm,10,200;eb8000000m\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    fake_expects(&f, "Y\n", "Y\n*\nM0007\n*\n\n");
    assert_true(potentiostat_advance(p, &e));
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect_end(0, ENDED_ADVANCED);
    expect(PSTAT_BEGIN);
    expect_end(1, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    done();
}

static void marks_of_the_scripts_loops_are_no_news(void **state)
{
    (void)state;
    setup();
    for (int k = 0; k < 3; k++)
        add_hold(false);
    start("M0007\n*\nL\nM0007\n*\nM0007\n*\n+\n\n");
    for (int k = 0; k < 3; k++) {
        expect(PSTAT_BEGIN);
        expect_end(k, ENDED_NATURALLY);
    }
    expect(PSTAT_DONE);
    done();
}

static void a_ramp_is_one_sweep(void **state)
{
    (void)state;
    setup();
    g.segment[g.n++] = (struct segment){
        .kind = SEGMENT_RAMP, .start = 0, .vertex = {-0.2, 0}, .rate = 1, .step = 0.1, .i_full = 1e-9};
    start("M0000\nPda8000000 ;ba8000001p;eb8000000m\nPda7FFFF9Cm;ba8000001p;eb8000064m\n"
          "Pda7FFFF38m;ba8000001p;eb80000C8m\n*\n\n");
    expect(PSTAT_BEGIN);
    for (int k = 0; k < 3; k++) {
        expect(PSTAT_SAMPLE);
        near(item.sample.e, -0.1 * k);
        assert_int_equal(item.sample.sweep, 0);
        assert_int_equal(item.sample.cycle, 1);
    }
    expect_end(0, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    done();
}

/* A CV of 3 legs in steps of 100 mV, two cycles; the second does not repeat the start. */
static void sweeps_change_at_the_programmed_vertices(void **state)
{
    (void)state;
    setup();
    add_cv(0, 0.2, -0.1, 0.1, 2);
    static const int mv[] = {0, 100, 200, 100, 0, -100, 0, 100, 200, 100, 0, -100, 0};
    static const int sweep[] = {0, 0, 0, 1, 1, 1, 2, 0, 0, 1, 1, 1, 2};
    struct buf text = {0};
    buf_str(&text, "M0005\nC0000\n");
    for (int k = 0; k < 13; k++) {
        if (k == 7)
            buf_str(&text, "-\nC0001\n");
        buf_printf(&text, "Pda%07Xm;ba8000001p,10,210;eb%07Xm\n", 0x8000000 + mv[k], 0x8000000 + k);
    }
    buf_str(&text, "-\n*\n\n");
    start(text.p);
    expect(PSTAT_BEGIN);
    for (int k = 0; k < 13; k++) {
        expect(PSTAT_SAMPLE);
        assert_int_equal(item.sample.sweep, sweep[k]);
        assert_int_equal(item.sample.cycle, k < 7 ? 1 : 2);
    }
    expect_end(0, ENDED_NATURALLY);
    expect(PSTAT_DONE);
    buf_free(&text);
    done();
}

static void a_plain_voltammogram_has_two_sweeps_even_if_its_vertex_falls_between_steps(void **state)
{
    (void)state;
    setup();
    add_cv(0, 0.25, 0, 0.1, 1);
    static const int mv[] = {0, 100, 200, 100, 0};
    static const int sweep[] = {0, 0, 0, 1, 1};
    struct buf text = {0};
    buf_str(&text, "M0005\n");
    for (int k = 0; k < 5; k++)
        buf_printf(&text, "Pda%07Xm;ba8000001p;eb%07Xm\n", 0x8000000 + mv[k], 0x8000000 + k);
    start(text.p);
    expect(PSTAT_BEGIN);
    for (int k = 0; k < 5; k++) {
        expect(PSTAT_SAMPLE);
        assert_int_equal(item.sample.sweep, sweep[k]);
    }
    buf_free(&text);
    done();
}

static void the_ceiling_ends_the_program(void **state)
{
    (void)state;
    setup();
    add_hold(true)->i_ceiling = 1e-9;
    add_hold(false);
    start("M0007\nPda8000000u;ba8001000p,10,200;eb8000000m\nTceiling\n*\n\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    expect_end(0, ENDED_CEILING);
    expect(PSTAT_DONE);
    done();
}

static void an_end_that_is_not_announced_is_still_given(void **state)
{
    (void)state;
    setup();
    add_hold(true)->i_ceiling = 1e-9;
    start("M0007\nTceiling\n\n"); /* abort without `*` */
    expect(PSTAT_BEGIN);
    expect_end(0, ENDED_CEILING);
    expect(PSTAT_DONE);
    expect(PSTAT_NONE);
    done();
}

static void galvanostatic_ends_say_why(void **state)
{
    (void)state;
    setup();
    struct segment galvanostatic = {.kind = SEGMENT_GALVANOSTATIC,
                                    .current = -1e-12,
                                    .duration = 20,
                                    .interval = 10e-3,
                                    .e_low = -3,
                                    .e_high = 3,
                                    .until = {{UNTIL_POTENTIAL_BELOW, -1}, {UNTIL_CHARGE, 5e-12}},
                                    .n_until = 2};
    for (int k = 0; k < 3; k++)
        g.segment[g.n++] = galvanostatic;
    start("M000A\nPab8000000u,10,200;ba7FFFFFFp,10,210;eb8000000m\nTuntil 0\n*\n"
          "M000A\n*\n"
          "M000A\nPab8000000u,12,200;db7FFFFFFp;eb8000000m\nTcompliance\n*\n\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    near(item.sample.i, -1e-12);
    expect_end(0, 0);
    expect(PSTAT_BEGIN);
    expect_end(1, 1); /* 5 pC at 1 pA is shorter than the duration */
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    assert_int_equal(item.sample.status, SAMPLE_OVERLOAD); /* of the potential: at the rail */
    expect_end(2, ENDED_COMPLIANCE);
    expect(PSTAT_DONE);
    done();
}

static void open_circuit_has_no_current(void **state)
{
    (void)state;
    setup();
    g.segment[g.n++] = (struct segment){.kind = SEGMENT_OPEN, .duration = 1, .interval = 10e-3};
    start("M000B\nPab80000FFm,10,200;eb8000000m\n*\n\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    near(item.sample.e, 0.255);
    assert_true(isnan(item.sample.i) && dec_is_nan(item.sample.i_raw));
    assert_int_equal(item.sample.status, SAMPLE_OK); /* none was to be had; none was damaged */
    done();
}

/* ---- damage ---- */

static void fails_with(const char *stream, enum err_code code, const char *part)
{
    setup();
    add_hold(false);
    start(stream);
    expect(PSTAT_BEGIN);
    expect(PSTAT_FAILED);
    assert_int_equal(e.code, code);
    if (!strstr(e.text, part))
        fail_msg("`%s` does not say `%s`", e.text, part);
    err_clear(&e);
    expect(PSTAT_FAILED); /* and stays so until settled */
    assert_int_equal(e.code, code);
    done();
}

static void one_damaged_line_fails_the_stream(void **state)
{
    (void)state;
    fails_with("M0007\nPda8000000u;ba80#0001p,10,210;eb8000000m\n", ERR_MISMATCH, "ba80#0001p");
    fails_with("M0007\nda8000000u;ba8000001p\n", ERR_MISMATCH, "da8000000u");
    fails_with("M0007\nPda8000000u;eb8000000m\n", ERR_MISMATCH, "potential and current");
    fails_with("M0007\nM0007\n", ERR_MISMATCH, "M0007");
}

static void the_wrong_technique_begins(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    start("M0005\n");
    expect(PSTAT_FAILED);
    assert_int_equal(e.code, ERR_MISMATCH);
    done();
}

static void critical_overload_in_the_midst_of_a_run(void **state)
{
    (void)state;
    fails_with("M0007\n!0032: Line 14\n\n", ERR_REPORTED, "critical cell overload");
    fails_with("M0007\n!0032: Line 14\n", ERR_REPORTED, "Line 14"); /* without the empty line */
}

static void a_device_that_started_anew_in_the_midst_of_a_run(void **state)
{
    (void)state;
    fails_with("M0007\ntnexus11304#Oct 22 2024 14:38:26\n", ERR_RESET, "started anew");
    fails_with("M0007\n!7FFF: Line 3\n", ERR_RESET, "7FFF");
}

/* It says nothing, until it is stopped: then no script runs. */
static void a_device_that_fell_silent_had_started_anew(void **state)
{
    (void)state;
    struct err why = ERR_INIT;
    setup();
    add_hold(true);
    add_hold(false);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000000m\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_SAMPLE);
    expect(PSTAT_NONE);
    err_set(&why, ERR_SILENT, "no data for 1 s");
    assert_false(potentiostat_explain(p, &why)); /* nothing is known yet */
    fake_expects(&f, "\nZ\n" OFF, "Z!0006\n");
    fake_says(&f, 2 * NS_MS, "e\n\n");
    assert_true(potentiostat_cut(p, &e));
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    assert_true(potentiostat_explain(p, &why));
    assert_int_equal(why.code, ERR_RESET);
    assert_string_equal(why.device, "potentiostat");
    assert_non_null(strstr(why.text, "no data for 1 s: "));
    /* Whether it started anew or its program ended unheard can not be told apart. */
    assert_non_null(strstr(why.text, "it has started anew, or ended it unheard"));
    done();
}

/* The same silence, but the script runs: it was the line. */
static void a_device_that_fell_silent_and_runs_its_script_was_silent(void **state)
{
    (void)state;
    struct err why = ERR_INIT;
    setup();
    add_hold(true);
    add_hold(false);
    start("M0007\n");
    expect(PSTAT_BEGIN);
    err_set(&why, ERR_SILENT, "no data for 1 s");
    fake_expects(&f, "\nZ\n" OFF, "Z\n*\n\ne!0006\n");
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_cut(p, &e));
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect(PSTAT_NONE); /* takes the answers to the cut */
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    assert_false(potentiostat_explain(p, &why));
    assert_int_equal(why.code, ERR_SILENT);
    done();
}

static void a_program_that_ends_too_early(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    add_hold(false);
    start("M0007\n*\n\n");
    expect(PSTAT_BEGIN);
    expect_end(0, ENDED_NATURALLY);
    expect(PSTAT_FAILED);
    assert_non_null(strstr(e.text, "segment 1 of 2"));
    done();
}

static void hang_up_in_the_midst_of_a_run(void **state)
{
    (void)state;
    setup();
    add_hold(false);
    start("M0007\n");
    expect(PSTAT_BEGIN);
    fake_hang_up(&f);
    expect(PSTAT_FAILED);
    assert_int_equal(e.code, ERR_LINK);
    assert_false(potentiostat_settle(p, 5 * NS_S, &e));
    assert_int_equal(e.code, ERR_LINK);
    done();
}

/* ---- stopping ---- */

static void finish_is_an_orderly_end(void **state)
{
    (void)state;
    setup();
    add_hold(true);
    add_hold(false);
    start("M0007\n");
    expect(PSTAT_BEGIN);
    fake_expects(&f, "Z\n", "Pda8000000u;ba8000001p,10,210;eb8000000m\nZ\n*\n\n");
    assert_true(potentiostat_finish(p, &e));
    loop_sleep_until(f.loop, loop_now(f.loop) + 10 * NS_MS);
    expect(PSTAT_SAMPLE);
    expect_end(0, ENDED_ADVANCED);
    expect(PSTAT_DONE);
    done();
}

static void cut_writes_at_once_and_settle_waits_for_the_device_to_confirm(void **state)
{
    (void)state;
    struct buf bytes = {0};
    setup();
    add_hold(true);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000000m\n");
    potentiostat_cut_bytes(p, &bytes);
    assert_string_equal(bytes.p, "\nZ\n" OFF);
    ns_t before = loop_now(f.loop);
    fake_expects(&f, "\nZ\n" OFF, "Z\n*\n\ne!0006\nc!0003\n");
    assert_true(potentiostat_cut(p, &e));
    assert_true(loop_now(f.loop) == before);
    expect(PSTAT_NONE); /* what still comes is nobody's */
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    start("M0007\n"); /* idle again */
    expect(PSTAT_BEGIN);
    buf_free(&bytes);
    done();
}

/* Cut, and the open cell confirmed once the device is no longer deaf behind it. */
static void errands_cut_and_prove_the_open_cell(void **state)
{
    (void)state;
    struct errand q[POTENTIOSTAT_ERRANDS];
    setup();
    add_hold(true);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000000m\n");
    assert_int_equal(potentiostat_errands(p, q, POTENTIOSTAT_ERRANDS), 4);
    fake_expects(&f, "\nZ\n" OFF, "Z\n*\n\ne!0006\nc!0003\n");
    assert_true(errand_do(f.host, &q[0], NULL, NULL, &e));
    fake_expects(&f, OFF, NULL); /* still deaf */
    fake_expects(&f, OFF, "e\n\n");
    assert_true(errand_do(f.host, &q[1], NULL, NULL, &e));
    assert_string_equal(q[1].proves, "cell open");
    assert_true(q[2].only_unproven && q[3].only_unproven);
    assert_int_equal(potentiostat_errands(p, q, 1), 1);
    done();
}

static void cell_left_on_after_an_error_is_opened_by_a_second_script(void **state)
{
    (void)state;
    setup();
    add_hold(true);
    start("M0007\n!0032: Line 14\n");
    expect(PSTAT_BEGIN);
    expect(PSTAT_FAILED);
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    done();
}

static void settle_stops_a_running_script(void **state)
{
    (void)state;
    setup();
    add_hold(true);
    start("M0007\nPda8000000u;ba8000001p,10,210;eb8000000m\n");
    fake_expects(&f, "\nZ\n", "Pda8000000u;ba8000001p,10,210;eb8000001m\nZ\n*\n");
    fake_says(&f, 50 * NS_MS, "\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    done();
}

static void a_stop_that_is_not_acknowledged_is_repeated(void **state)
{
    (void)state;
    setup();
    fake_expects(&f, "\nZ\n", NULL);
    fake_expects(&f, OFF, NULL); /* it may be idle, its cell on, and only its answers lost */
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    done();
}

static void a_cell_off_that_is_refused_is_repeated(void **state)
{
    (void)state;
    setup();
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e!0006\n");
    fake_expects(&f, "\nZ\n", "Z\n*\n\n");
    fake_expects(&f, OFF, "e\n\n");
    assert_true(potentiostat_settle(p, 5 * NS_S, &e));
    done();
}

static void a_cell_off_that_ends_in_an_error_is_not_believed(void **state)
{
    (void)state;
    setup();
    fake_expects(&f, "\nZ\n", "Z!0006\n");
    fake_expects(&f, OFF, "e\n!0007: Line 1\n");
    fake_expects(&f, "\nZ\n", NULL); /* and tried again until the time is over */
    fake_expects(&f, OFF, NULL);
    assert_false(potentiostat_settle(p, 170 * NS_MS, &e));
    assert_non_null(strstr(e.text, "open cell not confirmed"));
    done();
}

static void settle_is_bounded_when_the_device_is_silent(void **state)
{
    (void)state;
    setup();
    for (int k = 0; k < 4; k++) {
        fake_expects(&f, "\nZ\n", NULL);
        fake_expects(&f, OFF, NULL);
    }
    ns_t before = loop_now(f.loop);
    assert_false(potentiostat_settle(p, NS_S, &e));
    assert_int_equal(e.code, ERR_SILENT);
    assert_true(loop_now(f.loop) - before <= NS_S + NS_MS);
    done();
}

static void a_device_that_never_stops_streaming(void **state)
{
    (void)state;
    setup();
    fake_expects(&f, "\nZ\n", NULL);
    fake_expects(&f, OFF, NULL);
    for (int k = 0; k < 40; k++)
        fake_says(&f, (k + 1) * 20 * NS_MS, "Pda8000000u;ba8000001p,10,210;eb8000001m\n");
    ns_t before = loop_now(f.loop);
    assert_false(potentiostat_settle(p, 200 * NS_MS, &e));
    assert_true(loop_now(f.loop) - before <= 200 * NS_MS + NS_MS);
    done();
}

#define T(fn) cmocka_unit_test(fn)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(identifies_in_three_lines),
        T(another_model_than_the_rig_file_says),
        T(a_silent_device),
        T(a_refused_script_names_line_and_reason),
        T(what_is_compiled_is_what_is_sent),
        T(a_stale_line_before_the_start_is_not_taken_for_an_answer),
        T(a_second_start_before_the_end),
        T(a_whole_program_sample_by_sample),
        T(lines_in_pieces_and_nothing_is_waited_for),
        T(overload_not_a_number_and_timing_are_flagged),
        T(advance_ends_the_open_segment_and_the_next_begins_without_a_gap),
        T(a_refused_advance),
        T(a_gate_that_says_it_is_over_leaves_segments_out),
        T(a_gate_that_ends_without_a_word_goes_on),
        T(a_gate_that_runs_out_while_the_advance_is_on_its_way),
        T(an_open_circuit_can_be_advanced),
        T(marks_of_the_scripts_loops_are_no_news),
        T(a_ramp_is_one_sweep),
        T(sweeps_change_at_the_programmed_vertices),
        T(a_plain_voltammogram_has_two_sweeps_even_if_its_vertex_falls_between_steps),
        T(the_ceiling_ends_the_program),
        T(an_end_that_is_not_announced_is_still_given),
        T(galvanostatic_ends_say_why),
        T(open_circuit_has_no_current),
        T(one_damaged_line_fails_the_stream),
        T(the_wrong_technique_begins),
        T(critical_overload_in_the_midst_of_a_run),
        T(a_device_that_started_anew_in_the_midst_of_a_run),
        T(a_device_that_fell_silent_had_started_anew),
        T(a_device_that_fell_silent_and_runs_its_script_was_silent),
        T(a_program_that_ends_too_early),
        T(hang_up_in_the_midst_of_a_run),
        T(finish_is_an_orderly_end),
        T(cut_writes_at_once_and_settle_waits_for_the_device_to_confirm),
        T(errands_cut_and_prove_the_open_cell),
        T(cell_left_on_after_an_error_is_opened_by_a_second_script),
        T(settle_stops_a_running_script),
        T(a_stop_that_is_not_acknowledged_is_repeated),
        T(a_cell_off_that_is_refused_is_repeated),
        T(a_cell_off_that_ends_in_an_error_is_not_believed),
        T(settle_is_bounded_when_the_device_is_silent),
        T(a_device_that_never_stops_streaming),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
