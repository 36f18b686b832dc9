/* Scripts: whole texts, compared byte by byte, and the limits that stop one from being written. */
#include "instrument/ms_script.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BODY "timer_get t\npck_start\npck_add p\npck_add c\npck_add t\npck_end\n"
#define CEIL                                                                                                 \
    "if c > 5n\nsend_string \"ceiling\"\nabort\nendif\nif c < -5n\nsend_string \"ceiling\"\nabort\nendif\n"

static struct potentiostat_config c;
static struct program g;
static struct ms_script script;
static struct err e;

/* A Nexus with plain wiring and a reference 3.2 V above the declared one; -4 V to 1 V applied, 100 nA. */
static int setup(void **state)
{
    (void)state;
    c = (struct potentiostat_config){
        .model = potentiostat_model("nexus"), .wiring = {1, 1, 3.2}, .e_limit = {-4, 1}, .i_limit = 100e-9};
    memset(&g, 0, sizeof(g));
    memset(&script, 0, sizeof(script));
    err_clear(&e);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    buf_free(&script.text);
    return 0;
}

static struct segment *add(struct segment s)
{
    g.segment[g.n] = s;
    return &g.segment[g.n++];
}

static struct segment *add_hold(double potential, double duration)
{
    return add((struct segment){.kind = SEGMENT_HOLD,
                                .potential = potential,
                                .duration = duration,
                                .interval = 1e-3,
                                .i_full = 1e-9});
}

static struct segment *add_cv(double start, double v0, double v1)
{
    return add((struct segment){.kind = SEGMENT_SWEEP,
                                .start = start,
                                .vertex = {v0, v1},
                                .rate = 1,
                                .step = 2e-3,
                                .cycles = 5,
                                .i_full = 1e-9});
}

static struct segment *add_galvanostatic(double current)
{
    return add((struct segment){.kind = SEGMENT_GALVANOSTATIC,
                                .current = current,
                                .duration = 20,
                                .interval = 10e-3,
                                .e_low = 0,
                                .e_high = 4});
}

static void is(const char *text)
{
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_string_equal(script.text.p, text);
}

static void is_refused(enum err_code code, const char *part)
{
    assert_false(ms_script_build(&c, &g, &script, &e));
    assert_int_equal(e.code, code);
    if (!strstr(e.text, part))
        fail_msg("`%s` does not say `%s`", e.text, part);
}

static void approach_hold_and_voltammogram_keep_the_cell_on(void **state)
{
    (void)state;
    struct segment *hold = add_hold(2.5, 60);
    hold->open_ended = true;
    hold->i_ceiling = 5e-9;
    add_cv(3.0, 0.5, 3.0);
    add_hold(2.5, 10)->open_ended = true;
    is("e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\n"
       "set_pgstat_mode 2\nset_max_bandwidth 5k\nset_range_minmax da -2700m -200m\n"
       "set_range ba 1n\nset_autoranging ba 1n 1n\nset_e -700m\ncell_on\ntimer_start\n"
       "meas_loop_ca p c -700m 1m 60\n" BODY CEIL "endloop\n"
       "meas_loop_cv p c -200m -2700m -200m 2m 1 nscans(5)\n" BODY "endloop\n"
       "meas_loop_ca p c -700m 1m 10\n" BODY "endloop\n"
       "on_finished:\ncell_off\n\n");
    assert_int_equal(script.n, 3);
    assert_int_equal(script.segment[1].n_legs, 2);
    assert_int_equal(script.segment[1].leg_points[0], 1250);
}

static void an_inverted_wiring_inverts_potential_current_and_conditions(void **state)
{
    (void)state;
    c.wiring = (struct wiring){-1, -1, 3.2};
    c.e_limit[0] = -1;
    c.e_limit[1] = 4;
    struct segment *s = add_galvanostatic(-2e-12);
    s->until[s->n_until++] = (struct until){UNTIL_ELAPSED, 15};
    s->until[s->n_until++] = (struct until){UNTIL_POTENTIAL_BELOW, 0.5};
    is("e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\n"
       "set_pgstat_mode 6\nset_max_bandwidth 500\nset_range_minmax da -800m 3200m\n"
       "set_range ab 3200m\nset_autoranging ab 3200m 3200m\nset_range db 100p\nset_autoranging db 100p 100p\n"
       "set_i 0\ncell_on\ntimer_start\n"
       "meas_loop_cp p c 2p 10m 15\n" BODY "if p > 2700m\nsend_string \"until 1\"\nbreakloop\nendif\n"
       "if p > 3200m\nsend_string \"compliance\"\nbreakloop\nendif\n"
       "if p < -800m\nsend_string \"compliance\"\nbreakloop\nendif\n"
       "endloop\ncell_off\non_finished:\ncell_off\n\n");
    assert_int_equal(script.segment[0].natural, 0);
}

static void a_constant_current_between_holds_changes_mode_with_the_cell_open(void **state)
{
    (void)state;
    add_hold(3, 1);
    struct segment *s = add_galvanostatic(-2e-12);
    s->until[s->n_until++] = (struct until){UNTIL_CHARGE, 20e-12};
    add_hold(3, 1);
    is("e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\n"
       "set_pgstat_mode 2\nset_max_bandwidth 5k\nset_range_minmax da -200m -200m\n"
       "set_range ba 1n\nset_autoranging ba 1n 1n\nset_e -200m\ncell_on\ntimer_start\n"
       "meas_loop_ca p c -200m 1m 1\n" BODY "endloop\n"
       "cell_off\nset_pgstat_mode 6\nset_max_bandwidth 5k\nset_range_minmax da -3200m 800m\n"
       "set_range ab 3200m\nset_autoranging ab 3200m 3200m\nset_range db 100p\nset_autoranging db 100p 100p\n"
       "set_i 0\ncell_on\nmeas_loop_cp p c -2p 10m 10\n" BODY
       "if p > 800m\nsend_string \"compliance\"\nbreakloop\nendif\n"
       "if p < -3200m\nsend_string \"compliance\"\nbreakloop\nendif\n"
       "endloop\ncell_off\n"
       "set_pgstat_mode 2\nset_max_bandwidth 5k\nset_range_minmax da -200m -200m\n"
       "set_range ba 1n\nset_autoranging ba 1n 1n\nset_e -200m\ncell_on\n"
       "meas_loop_ca p c -200m 1m 1\n" BODY "endloop\non_finished:\ncell_off\n\n");
    assert_int_equal(script.segment[1].natural, 0);
    assert_int_equal(script.segment[0].natural, ENDED_NATURALLY);
}

static void open_circuit_is_measured_with_the_cell_off(void **state)
{
    (void)state;
    add_hold(3, 1);
    struct segment *s = add((struct segment){.kind = SEGMENT_OPEN, .duration = 2, .interval = 10e-3});
    s->until[s->n_until++] = (struct until){UNTIL_POTENTIAL_ABOVE, 3.1};
    add_hold(3, 1);
    is("e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\n"
       "set_pgstat_mode 2\nset_max_bandwidth 5k\nset_range_minmax da -200m -200m\n"
       "set_range ba 1n\nset_autoranging ba 1n 1n\nset_e -200m\ncell_on\ntimer_start\n"
       "meas_loop_ca p c -200m 1m 1\n" BODY "endloop\n"
       "cell_off\nmeas_loop_ocp p 10m 2\ntimer_get t\npck_start\npck_add p\npck_add t\npck_end\n"
       "if p > -100m\nsend_string \"until 0\"\nbreakloop\nendif\nendloop\n"
       "set_e -200m\ncell_on\nmeas_loop_ca p c -200m 1m 1\n" BODY "endloop\non_finished:\ncell_off\n\n");
}

static void an_open_ended_triangle_repeats_until_its_bound(void **state)
{
    (void)state;
    struct segment *s = add_cv(2.5, 2.55, 2.45);
    s->open_ended = true;
    s->duration = 10;
    s->cycles = 1;
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    /* 0.05 + 0.1 + 0.05 V at 1 V/s: 0.2 s each */
    assert_non_null(strstr(script.text.p, "meas_loop_cv p c -700m -650m -750m 2m 1 nscans(50)\n"));
    assert_int_equal(script.segment[0].n_legs, 3);
}

static void a_single_scan_needs_no_count(void **state)
{
    (void)state;
    add_cv(3, 2, 3)->cycles = 1;
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_null(strstr(script.text.p, "nscans"));
}

static void autoranging_only_in_closed_segments_and_only_if_asked_for(void **state)
{
    (void)state;
    c.autorange = true;
    add_hold(2.5, 60)->open_ended = true;
    add_cv(3, 1, 3)->i_full = 5e-9;
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(script.text.p, "set_range ba 1n\nset_autoranging ba 1n 1n\n"));
    assert_non_null(strstr(script.text.p, "set_range ba 100p\nset_autoranging ba 100p 10n\n"));
}

static void no_line_is_empty_but_the_last_or_too_long(void **state)
{
    (void)state;
    add_hold(2.5, 60);
    add_cv(3, 1, 3);
    add_galvanostatic(1e-12);
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    char *end = strstr(script.text.p, "\n\n");
    assert_ptr_equal(end, script.text.p + script.text.n - 2);
    for (char *p = script.text.p; *p; p += strcspn(p, "\n") + 1)
        assert_true(strcspn(p, "\n") < 256);
}

static void lithium_is_out_of_reach_of_an_emstat4_lr(void **state)
{
    (void)state;
    c.model = potentiostat_model("emstat4-lr");
    add_hold(3, 1);
    add_cv(3, 0.05, 3);
    is_refused(ERR_LIMIT, "segment 1 (sweep)");
    assert_non_null(strstr(e.text, "0.05 V at the sample is -3.15 V applied"));
    assert_non_null(strstr(e.text, "-3 V"));
}

static void the_limits_stop_what_the_instrument_could_do(void **state)
{
    (void)state;
    c.e_limit[0] = -3;
    add_hold(0.1, 1);
    is_refused(ERR_LIMIT, "-3.1 V applied");
}

static void a_limit_is_the_last_value_that_is_allowed(void **state)
{
    (void)state;
    c.e_limit[0] = 0.05 - 3.2;
    add_hold(0.05, 1);
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
}

static void current_beyond_the_limit(void **state)
{
    (void)state;
    add_galvanostatic(-200e-9);
    is_refused(ERR_LIMIT, "segment 0 (galvanostatic)");
}

static void not_a_number_is_never_applied(void **state)
{
    (void)state;
    add_hold(NAN, 1);
    is_refused(ERR_LIMIT, "segment 0");
    g.n = 0;
    add_cv(3, NAN, 3);
    is_refused(ERR_LIMIT, "vertex");
    g.n = 0;
    add_galvanostatic(NAN);
    is_refused(ERR_INPUT, "current");
    g.n = 0;
    add_hold(3, NAN);
    is_refused(ERR_INPUT, "duration");
}

static void a_pico_is_no_galvanostat_and_has_a_window(void **state)
{
    (void)state;
    c.model = potentiostat_model("emstat-pico");
    c.wiring.offset = 0;
    add_galvanostatic(1e-9);
    is_refused(ERR_LIMIT, "no galvanostat");
    g.n = 0;
    c.e_limit[0] = -2;
    c.e_limit[1] = 2;
    struct segment *s = add_cv(0, 1, -1.65);
    s->step = 10e-3;
    is_refused(ERR_LIMIT, "at most 2.6 V");
}

static void faster_than_the_link(void **state)
{
    (void)state;
    add_hold(3, 1)->interval = 0.1e-3;
    is_refused(ERR_LIMIT, "keep up");
}

static void the_ceiling_never_exceeds_the_current_limit(void **state)
{
    (void)state;
    c.i_limit = 2e-9;
    add_hold(3, 1)->i_ceiling = 1;
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(script.text.p, "if c > 2n\n"));
    assert_non_null(strstr(script.text.p, "if c < -2n\n"));
}

static void compliance_is_clamped_to_the_limits(void **state)
{
    (void)state;
    struct segment *s = add_galvanostatic(1e-12);
    s->e_low = -5;
    s->e_high = 9;
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(script.text.p, "set_range_minmax da -4 1\n"));
}

static void refuses_until(struct segment *s, struct until u, const char *part)
{
    s->until[0] = u;
    s->n_until = 1;
    is_refused(ERR_INPUT, part);
}

static void conditions_that_make_no_sense(void **state)
{
    (void)state;
    struct segment *hold = add_hold(3, 1);
    refuses_until(hold, (struct until){UNTIL_POTENTIAL_ABOVE, 1}, "controls the potential");
    refuses_until(hold, (struct until){UNTIL_CURRENT_BELOW, -1e-12}, "magnitude");
    refuses_until(hold, (struct until){UNTIL_CURRENT_BELOW, NAN}, "finite");
    refuses_until(hold, (struct until){UNTIL_CHARGE, 0}, "charge");
    refuses_until(hold, (struct until){UNTIL_ELAPSED, -1}, "elapsed");
    refuses_until(hold, (struct until){UNTIL_DRIFT, 1e-3, .window = 1}, "open circuit only");
    refuses_until(hold, (struct until){UNTIL_FRACTION, 1}, "galvanostatic segment only");
    g.n = 0;
    refuses_until(add_cv(3, 1, 3), (struct until){UNTIL_ELAPSED, 1},
                  "segment 0 (sweep): runs from end to end");
    g.n = 0;
    refuses_until(add_galvanostatic(0), (struct until){UNTIL_CHARGE, 1e-12}, "without a current");
    refuses_until(&g.segment[0], (struct until){UNTIL_CURRENT_ABOVE, 1e-12}, "a hold only");
}

static void a_drift_that_makes_no_sense(void **state)
{
    (void)state;
    struct segment *s = add((struct segment){.kind = SEGMENT_OPEN, .duration = 20, .interval = 10e-3});
    refuses_until(s, (struct until){UNTIL_CHARGE, 1e-12}, "no charge flows");
    refuses_until(s, (struct until){UNTIL_DRIFT, 0, .window = 1}, "must be positive");
    refuses_until(s, (struct until){UNTIL_DRIFT, 1e-3, .window = 5e-3}, "shorter than one sample");
    refuses_until(s, (struct until){UNTIL_DRIFT, 1e-3}, "shorter than one sample");
    s->until[0] = (struct until){UNTIL_DRIFT, 1e-3, .window = 10.1};
    is_refused(ERR_LIMIT, "more than 1000 samples");
    s->until[0].window = 10;
    s->until[s->n_until++] = (struct until){UNTIL_DRIFT, 1e-3, .window = 1};
    is_refused(ERR_INPUT, "one condition on the drift");
}

static void a_fraction_that_makes_no_sense(void **state)
{
    (void)state;
    add_hold(3, 1);
    add_galvanostatic(0);
    struct segment *s = add_galvanostatic(1e-12);
    refuses_until(s, (struct until){UNTIL_FRACTION, 1, .of = 2}, "needs an earlier segment");
    refuses_until(s, (struct until){UNTIL_FRACTION, 1, .of = -1}, "needs an earlier segment");
    refuses_until(s, (struct until){UNTIL_FRACTION, 1, .of = 0},
                  "segment 0 (hold), which is not galvanostatic");
    refuses_until(s, (struct until){UNTIL_FRACTION, 1, .of = 1}, "not zero");
    g.segment[1].current = 1e-12;
    refuses_until(s, (struct until){UNTIL_FRACTION, 0, .of = 1}, "must be positive");
}

static void ramps_that_make_no_sense(void **state)
{
    (void)state;
    struct segment ramp = {
        .kind = SEGMENT_RAMP, .start = 3, .vertex = {2.999, 0}, .rate = 1, .step = 2e-3, .i_full = 1e-9};
    struct segment *s = add(ramp);
    is_refused(ERR_INPUT, "segment 0 (ramp): the ramp is narrower than one step");
    s->vertex[0] = -1.5;
    is_refused(ERR_LIMIT, "end -1.5 V at the sample is -4.7 V applied");
    s->vertex[0] = 2;
    s->step = 1e-6;
    is_refused(ERR_LIMIT, "below the");
    s->step = 2e-3;
    s->rate = 0;
    is_refused(ERR_INPUT, "positive rate");
    s->rate = 1;
    s->open_ended = true;
    is_refused(ERR_INPUT, "can not be open-ended");
}

static void gates_that_make_no_sense(void **state)
{
    (void)state;
    struct segment *gate = add_hold(3, 0.5);
    add_hold(3, 1);
    gate->skips = 1;
    is_refused(ERR_INPUT, "only an open-ended hold or open circuit is a gate");
    gate->open_ended = true;
    gate->skips = 2;
    is_refused(ERR_INPUT, "skips more segments than follow");
    gate->skips = -1;
    is_refused(ERR_INPUT, "is a gate");
    gate->skips = 1;
    gate->duration = 1e-4;
    is_refused(ERR_INPUT, "shorter than one sample");
    gate->duration = 0.5;
    refuses_until(gate, (struct until){UNTIL_ELAPSED, 1}, "takes no conditions");
}

static void a_ramp_is_one_staircase(void **state)
{
    (void)state;
    add((struct segment){
        .kind = SEGMENT_RAMP, .start = 3, .vertex = {1, 0}, .rate = 0.5, .step = 5e-3, .i_full = 1e-9});
    is("e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\n"
       "set_pgstat_mode 2\nset_max_bandwidth 500\nset_range_minmax da -2200m -200m\n"
       "set_range ba 1n\nset_autoranging ba 1n 1n\nset_e -200m\ncell_on\ntimer_start\n"
       "meas_loop_lsv p c -200m -2200m 5m 500m\n" BODY "endloop\non_finished:\ncell_off\n\n");
    assert_int_equal(script.segment[0].technique, MS_LSV);
}

static void a_hold_counts_its_charge_and_a_group_is_nested(void **state)
{
    (void)state;
    struct segment *s = add_hold(3, 10);
    s->until[s->n_until++] = (struct until){UNTIL_CURRENT_BELOW, 1e-12};
    s->until[s->n_until++] = (struct until){UNTIL_CHARGE, 20e-12, .all = true};
    s->until[s->n_until++] = (struct until){UNTIL_ELAPSED, 2, .all = true};
    is("e\nvar p\nvar c\nvar t\nvar n\nvar q\nvar b\nvar a\nvar x\nset_pgstat_chan 0\n"
       "set_pgstat_mode 2\nset_max_bandwidth 5k\nset_range_minmax da -200m -200m\n"
       "set_range ba 1n\nset_autoranging ba 1n 1n\nset_e -200m\ncell_on\ntimer_start\n"
       "store_var n 0 ja\nstore_var q 0 ja\nmeas_loop_ca p c -200m 1m 10\n" BODY
       "add_var n 1\ncopy_var c x\nmul_var x 1m\nadd_var q x\ncopy_var q b\nif b < 0\nmul_var b -1\nendif\n"
       "copy_var c a\nif a < 0\nmul_var a -1\nendif\n"
       "if a < 1p\nsend_string \"until 0\"\nbreakloop\nendif\n"
       "if b >= 20p\nif n >= 2k\nsend_string \"until 1\"\nbreakloop\nendif\nendif\n"
       "endloop\non_finished:\ncell_off\n\n");
    assert_int_equal(script.segment[0].natural, ENDED_NATURALLY);
}

static void a_drift_looks_back_over_its_window(void **state)
{
    (void)state;
    struct segment *s = add((struct segment){.kind = SEGMENT_OPEN, .duration = 20, .interval = 10e-3});
    s->until[s->n_until++] = (struct until){UNTIL_DRIFT, 1e-3, .window = 2};
    is("e\nvar p\nvar c\nvar t\nvar n\nvar d\nvar i\narray h 200i\nset_pgstat_chan 0\n"
       "set_pgstat_mode 2\nset_max_bandwidth 500\ntimer_start\nstore_var n 0 ja\nstore_var i 0i ja\n"
       "meas_loop_ocp p 10m 20\ntimer_get t\npck_start\npck_add p\npck_add t\npck_end\nadd_var n 1\n"
       "if n > 200\narray_get h i d\nsub_var d p\nif d < 0\nmul_var d -1\nendif\nelse\nstore_var d 1M "
       "ja\nendif\n"
       "array_set h i p\nadd_var i 1i\nif i >= 200i\nstore_var i 0i ja\nendif\n"
       "if d < 2m\nsend_string \"until 0\"\nbreakloop\nendif\nendloop\non_finished:\ncell_off\n\n");
}

static void a_fraction_compares_numbers_of_samples(void **state)
{
    (void)state;
    add_galvanostatic(-2e-12);
    struct segment *s = add_galvanostatic(1e-12);
    s->interval = 20e-3;
    s->until[s->n_until++] = (struct until){UNTIL_FRACTION, 0.8, .of = 0};
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(script.text.p, "var x\nvar f0\nstore_var f0 0 ja\n"));
    assert_non_null(strstr(script.text.p, "endloop\ncell_off\ncopy_var n f0\n"));
    assert_non_null(
        strstr(script.text.p, "copy_var f0 x\nmul_var x 800m\nif n >= x\nsend_string \"until 0\"\n"));
}

/* hold | gate, skips 2 | hold, galvanostatic | hold: whether the cell is on at the last one depends. */
static void behind_a_gate_the_script_looks_whether_the_cell_is_on(void **state)
{
    (void)state;
    add_hold(3, 1);
    struct segment *gate = add_hold(3, 0.5);
    gate->interval = 10e-3;
    gate->open_ended = true;
    gate->skips = 2;
    add_hold(2, 1);
    add_galvanostatic(1e-12);
    add_hold(3, 1);
#define MODE2 "set_pgstat_mode 2\nset_max_bandwidth 5k\nset_range_minmax da -1200m -200m\n"
#define RANGE "set_range ba 1n\nset_autoranging ba 1n 1n\n"
#define HOLD3 "meas_loop_ca p c -200m 1m 1\n" BODY "endloop\n"
    is("e\nvar p\nvar c\nvar t\nvar n\nvar s\nstore_var s 0i ja\nvar m\nstore_var m 0i ja\nset_pgstat_chan "
       "0\n" MODE2 RANGE "set_e -200m\ncell_on\nstore_var m 1i ja\ntimer_start\n" HOLD3
       "store_var n 0 ja\nmeas_loop_ca p c -200m 10m 500m\n" BODY
       "add_var n 1\nif n >= 50\nstore_var s 1i ja\nsend_string \"over\"\nendif\nendloop\n"
       "if s == 0i\nmeas_loop_ca p c -1200m 1m 1\n" BODY "endloop\nendif\n"
       "if s == 0i\ncell_off\nstore_var m 0i ja\n"
       "set_pgstat_mode 6\nset_max_bandwidth 5k\nset_range_minmax da -3200m 800m\n"
       "set_range ab 3200m\nset_autoranging ab 3200m 3200m\nset_range db 100p\nset_autoranging db 100p 100p\n"
       "set_i 0\ncell_on\nmeas_loop_cp p c 1p 10m 20\n" BODY
       "if p > 800m\nsend_string \"compliance\"\nbreakloop\nendif\n"
       "if p < -3200m\nsend_string \"compliance\"\nbreakloop\nendif\nendloop\ncell_off\nendif\n"
       "if s == 1i\nstore_var s 0i ja\nendif\n"
       "if m == 0i\n" MODE2 RANGE "set_e -200m\ncell_on\nstore_var m 1i ja\nelse\n" RANGE "endif\n" HOLD3
       "on_finished:\ncell_off\n\n");
}

static int count(const char *part)
{
    int n = 0;
    for (const char *p = script.text.p; (p = strstr(p, part)); p++)
        n++;
    return n;
}

static void equal_blocks_are_a_loop(void **state)
{
    (void)state;
    for (int k = 0; k < 20; k++)
        add_hold(k % 2 ? 2 : 3, 0.1);
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_int_equal(script.n, 20);
    assert_int_equal(count("meas_loop_ca"), 4); /* the first switches on, and so does not equal the others */
    assert_non_null(strstr(script.text.p, "store_var k0 0i ja\nloop k0 < 9i\n"));
    assert_int_equal(count("add_var k0 1i\nendloop\n"), 1);
    assert_int_equal(count("var k"), 1 + 2); /* declared, set and counted */
}

static void pulses_in_a_repeat_are_loops_in_a_loop(void **state)
{
    (void)state;
    for (int pass = 0; pass < 10; pass++) {
        for (int k = 0; k < 20; k++)
            add_hold(k % 2 ? 2 : 3, 0.1);
        add_cv(3, 1, 3);
    }
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_int_equal(script.n, 210);
    assert_non_null(strstr(script.text.p, "loop k1 < "));
    assert_true(script.text.n < 3000);
}

/* 20 passes with a gate behind each but the last: all skip to the same end. */
static void a_repeat_of_20_passes_stays_flat_and_short(void **state)
{
    (void)state;
    for (int pass = 0; pass < 20; pass++) {
        add_cv(3, 1, 3);
        if (pass == 19)
            break;
        struct segment *gate = add_hold(3, 0.5);
        gate->interval = 10e-3;
        gate->open_ended = true;
        gate->skips = 2 * (19 - pass) - 1;
    }
    add_hold(3, 1);
    if (!ms_script_build(&c, &g, &script, &e))
        fail_msg("%s", e.text);
    assert_true(script.text.n < 2500);
    int depth = 0, deepest = 0;
    for (const char *p = script.text.p; *p; p += strcspn(p, "\n") + 1) {
        depth += !strncmp(p, "if ", 3) || !strncmp(p, "loop ", 5) || !strncmp(p, "meas_loop", 9);
        depth -= !strncmp(p, "endif", 5) || !strncmp(p, "endloop", 7);
        deepest = depth > deepest ? depth : deepest;
        assert_true(depth >= 0);
    }
    assert_int_equal(depth, 0);
    assert_true(deepest <= 5);
}

static void too_many_charges_to_remember(void **state)
{
    (void)state;
    for (int k = 0; k < 66; k++) {
        struct segment *s = add_galvanostatic(1e-12 * (1 + k));
        if (k >= 33)
            s->until[s->n_until++] = (struct until){UNTIL_FRACTION, 1, .of = k - 33};
    }
    is_refused(ERR_LIMIT, "remembered");
}

static void an_empty_program_and_one_that_is_too_long(void **state)
{
    (void)state;
    is_refused(ERR_INPUT, "1 to 256 segments");
    struct potentiostat_model small = *c.model;
    small.script_max = 200;
    c.model = &small;
    add_hold(3, 1);
    is_refused(ERR_LIMIT, "bytes");
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(approach_hold_and_voltammogram_keep_the_cell_on),
        T(an_inverted_wiring_inverts_potential_current_and_conditions),
        T(a_constant_current_between_holds_changes_mode_with_the_cell_open),
        T(open_circuit_is_measured_with_the_cell_off),
        T(an_open_ended_triangle_repeats_until_its_bound),
        T(a_single_scan_needs_no_count),
        T(autoranging_only_in_closed_segments_and_only_if_asked_for),
        T(no_line_is_empty_but_the_last_or_too_long),
        T(lithium_is_out_of_reach_of_an_emstat4_lr),
        T(the_limits_stop_what_the_instrument_could_do),
        T(a_limit_is_the_last_value_that_is_allowed),
        T(current_beyond_the_limit),
        T(not_a_number_is_never_applied),
        T(a_pico_is_no_galvanostat_and_has_a_window),
        T(faster_than_the_link),
        T(the_ceiling_never_exceeds_the_current_limit),
        T(compliance_is_clamped_to_the_limits),
        T(conditions_that_make_no_sense),
        T(a_drift_that_makes_no_sense),
        T(a_fraction_that_makes_no_sense),
        T(ramps_that_make_no_sense),
        T(gates_that_make_no_sense),
        T(a_ramp_is_one_staircase),
        T(a_hold_counts_its_charge_and_a_group_is_nested),
        T(a_drift_looks_back_over_its_window),
        T(a_fraction_compares_numbers_of_samples),
        T(behind_a_gate_the_script_looks_whether_the_cell_is_on),
        T(equal_blocks_are_a_loop),
        T(pulses_in_a_repeat_are_loops_in_a_loop),
        T(a_repeat_of_20_passes_stays_flat_and_short),
        T(too_many_charges_to_remember),
        T(an_empty_program_and_one_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
