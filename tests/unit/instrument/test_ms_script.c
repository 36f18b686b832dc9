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

static void conditions_that_make_no_sense(void **state)
{
    (void)state;
    struct segment *s = add_hold(3, 1);
    s->until[s->n_until++] = (struct until){UNTIL_CHARGE, 1e-12};
    is_refused(ERR_INPUT, "charge");
    s->until[0] = (struct until){UNTIL_POTENTIAL_ABOVE, 1};
    is_refused(ERR_INPUT, "controls the potential");
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
        T(an_empty_program_and_one_that_is_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
