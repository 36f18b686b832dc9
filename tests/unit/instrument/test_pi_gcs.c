/* Dialogues with a GCS stage; each test is named for the misbehaviour or the rule that it shows. */
#include "instrument/stage.h"

#include <math.h>

#include "fake_device.h"

#define POS "POS? 1 2 3\n"

static struct fake f;
static struct stage *s;
static struct err e;

/* Axes 1, 2, 3; z of the controller falls toward the sample unless `toward` is +1; the rig may use 5 to 95
 * um. */
static void setup_with(int toward, struct stage_coarse coarse)
{
    struct stage_config c = {
        .id = {"1", "2", "3"}, .toward_sample = toward, .tolerance = 20e-9, .coarse = coarse};
    for (int a = 0; a < AXIS_COUNT; a++) {
        c.limit[a][0] = 5e-6;
        c.limit[a][1] = 95e-6;
    }
    if (toward > 0) {
        c.limit[AXIS_Z][0] = -95e-6;
        c.limit[AXIS_Z][1] = -5e-6;
    }
    err_clear(&e);
    fake_open(&f);
    s = stage_driver("pi-gcs")->open(f.dialogue, &c, &e);
    assert_non_null(s);
}

static void setup(int toward)
{
    setup_with(toward, (struct stage_coarse){0});
}

static void done(void)
{
    stage_close(s);
    fake_close(&f);
}

static void near(double a, double b)
{
    if (!(fabs(a - b) < 1e-13))
        fail_msg("%.15g is not %.15g", a, b);
}

static void identifies_and_clears_an_old_error(void **state)
{
    (void)state;
    char id[160];
    setup(-1);
    fake_expects(&f, "*IDN?\n",
                 "(c)2015-2018 Physik Instrumente (PI) GmbH & Co. KG, E-727.3CDA, 120040681, 14.11.01.05\n");
    fake_expects(&f, "ERR?\n", "5\n");
    fake_expects(&f, "SAI?\n", "1 \n2 \n3\n");
    assert_true(stage_identify(s, id, sizeof(id), &e));
    assert_non_null(strstr(id, "E-727.3CDA"));
    done();
}

static void another_device_at_the_port(void **state)
{
    (void)state;
    char id[160] = "unchanged";
    setup(-1);
    fake_expects(&f, "*IDN?\n", "KEITHLEY INSTRUMENTS INC., MODEL 2400, 1, C33\n");
    assert_false(stage_identify(s, id, sizeof(id), &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_string_equal(id, "unchanged");
    done();
}

static void an_axis_that_the_controller_does_not_have(void **state)
{
    (void)state;
    char id[160];
    setup(-1);
    fake_expects(&f, "*IDN?\n", "Physik Instrumente, E-753.1CD, 111166712, 08.00.02.00\n");
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "SAI?\n", "1\n");
    assert_false(stage_identify(s, id, sizeof(id), &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    assert_non_null(strstr(e.text, "axis y"));
    done();
}

static void limits_turn_round_with_the_mounting(void **state)
{
    (void)state;
    double limit[AXIS_COUNT][2];
    setup(1);
    fake_expects(&f, "TMN? 1 2 3\n", "1=0 \n2=0 \n3=0\n");
    fake_expects(&f, "TMX? 1 2 3\n", "1=100 \n2=100 \n3=98.5\n");
    assert_true(stage_read_limits(s, limit, &e));
    near(limit[AXIS_X][1], 100e-6);
    near(limit[AXIS_Z][0], -98.5e-6);
    near(limit[AXIS_Z][1], 0);
    done();
}

static void an_envelope_beyond_the_controllers_limits(void **state)
{
    (void)state;
    double limit[AXIS_COUNT][2];
    setup(-1);
    fake_expects(&f, "TMN? 1 2 3\n", "1=0 \n2=0 \n3=0\n");
    fake_expects(&f, "TMX? 1 2 3\n", "1=100 \n2=90 \n3=100\n");
    assert_false(stage_read_limits(s, limit, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    assert_non_null(strstr(e.text, "axis y"));
    done();
}

static void moves_are_in_the_controllers_sign_and_um(void **state)
{
    (void)state;
    setup(1);
    fake_expects(&f, "MOV 1 10.000000 3 60.500001\n", NULL);
    fake_expects(&f, "VEL 3 1.250000\n", NULL);
    fake_expects(&f, "VEL 1 50.000000 2 50.000000\n", NULL);
    assert_true(stage_move(s, 1u << AXIS_X | 1u << AXIS_Z, (double[]){10e-6, 0, -60.500001e-6}, &e));
    assert_true(stage_set_speed(s, AXIS_Z, 1.25e-6, &e));
    assert_true(stage_set_speed(s, AXIS_Y, 50e-6, &e));
    done();
}

static void a_target_outside_the_envelope_is_not_sent(void **state)
{
    (void)state;
    setup(-1);
    const double bad[] = {4.9e-6, 95.1e-6, NAN, INFINITY};
    for (int k = 0; k < 4; k++) {
        assert_false(stage_move(s, 1u << AXIS_Z, (double[]){0, 0, bad[k]}, &e));
        assert_int_equal(e.code, ERR_LIMIT);
    }
    done();
}

static void error_7_at_the_controllers_limit(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "MOV 3 90.000000\n", NULL);
    fake_expects(&f, "ERR?\n", "7\n");
    assert_false(stage_move_wait(s, 1u << AXIS_Z, (double[]){0, 0, 90e-6}, NS_S, &e));
    assert_int_equal(e.code, ERR_END_STOP);
    assert_non_null(strstr(e.text, "position out of limits"));
    done();
}

static void position_is_asked_for_without_waiting(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    ns_t asked, at;
    setup(-1);
    fake_expects(&f, POS, NULL);
    fake_says(&f, 5 * NS_MS, "1=1.883246040e+01 \n2=1.747");
    fake_says(&f, 9 * NS_MS, "353172e+01 \n3=6.0e+01\n"); /* in two pieces */
    ns_t start = loop_now(f.loop);
    assert_true(stage_ask_position(s, &e));
    assert_int_equal(stage_poll_position(s, p, &asked, &at, &e), REPLY_PENDING);
    loop_sleep_until(f.loop, start + 7 * NS_MS);
    assert_int_equal(stage_poll_position(s, p, &asked, &at, &e), REPLY_PENDING);
    assert_true(loop_wait(f.loop, stage_event(s), start + NS_S));
    assert_int_equal(stage_poll_position(s, p, &asked, &at, &e), REPLY_READY);
    near(p[AXIS_X], 18.83246040e-6);
    near(p[AXIS_Z], 60e-6);
    assert_true(asked == start && at == start + 9 * NS_MS);
    done();
}

static void silence_is_told_from_half_a_reply(void **state)
{
    (void)state;
    double p[AXIS_COUNT] = {1, 2, 3};
    setup(-1);
    fake_expects(&f, POS, NULL);
    fake_expects(&f, POS, "1=1.0 \n2=2.0 \n");
    assert_false(stage_position(s, p, &e));
    assert_int_equal(e.code, ERR_SILENT);
    assert_false(stage_position(s, p, &e));
    assert_int_equal(e.code, ERR_FRAGMENT);
    assert_true(p[0] == 1 && p[2] == 3);
    done();
}

static void a_reply_with_a_garbage_byte(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, POS, "1=1.0 \n2=2.\xff \n3=3.0\n");
    assert_false(stage_position(s, p, &e));
    assert_int_equal(e.code, ERR_MISMATCH);
    done();
}

static void arrival_needs_both_position_and_on_target(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "MOV 1 50.000000 2 60.000000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, POS, "1=49.0 \n2=60.0 \n3=90.0\n"); /* under way */
    fake_expects(&f, POS, "1=49.99 \n2=60.01 \n3=90.0\n");
    fake_expects(&f, "ONT? 1 2\n", "1=1 \n2=0\n"); /* there, not settled */
    fake_expects(&f, POS, "1=50.001 \n2=60.001 \n3=90.0\n");
    fake_expects(&f, "ONT? 1 2\n", "1=1 \n2=1\n");
    assert_true(stage_move_wait(s, 3, (double[]){50e-6, 60e-6, 0}, NS_S, &e));
    done();
}

static void an_axis_that_never_arrives(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "MOV 1 50.000000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, POS, "1=10.0 \n2=60.0 \n3=90.0\n");
    fake_expects(&f, POS, "1=10.0 \n2=60.0 \n3=90.0\n");
    fake_expects(&f, POS, "1=10.0 \n2=60.0 \n3=90.0\n");
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=1\n"); /* neither lost its servo nor started anew, */
    fake_expects(&f, "ERR?\n", "0\n");                     /* no error, */
    fake_expects(&f, POS, "1=10.0 \n2=60.0 \n3=90.0\n");   /* and no end of its travel */
    assert_false(stage_move_wait(s, 1, (double[]){50e-6, 0, 0}, 12 * NS_MS, &e));
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_non_null(strstr(e.text, "axis x"));
    assert_non_null(strstr(e.text, "50.000 um"));
    assert_non_null(strstr(e.text, "10.000 um"));
    done();
}

static void servo_goes_on_only_where_it_is_off(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=0 \n3=0\n");
    fake_expects(&f, "SVO 2 1 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=1\n");
    assert_true(stage_servo_on(s, &e));
    done();
}

static void a_servo_that_stays_off(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=0\n");
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=0\n");
    assert_false(stage_servo_on(s, &e));
    assert_int_equal(e.code, ERR_SERVO);
    assert_non_null(strstr(e.text, "axis z"));
    done();
}

static void halt_is_one_byte_even_with_a_question_outstanding(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, POS, NULL);
    fake_says(&f, 3 * NS_MS, "1=1 \n2=2 \n3=3\n"); /* comes after the stop: stale */
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "10\n");
    fake_expects(&f, "\x18", NULL); /* a move that the first one overtook */
    fake_expects(&f, "ERR?\n", "10\n");
    fake_expects(&f, POS, "1=10 \n2=20 \n3=30\n");
    assert_true(stage_ask_position(s, &e));
    assert_true(stage_halt(s, &e));
    assert_int_equal(stage_poll_position(s, p, NULL, NULL, &e), REPLY_NONE);
    assert_true(stage_halt_confirm(s, p, &e));
    near(p[AXIS_X], 10e-6);
    near(p[AXIS_Z], 30e-6);
    done();
}

static void error_10_after_stop_is_the_acknowledgement_and_so_is_a_suppressed_one(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "10\n");
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, POS, "1=10 \n2=20 \n3=30\n");
    assert_true(stage_halt(s, &e));
    assert_true(stage_halt_confirm(s, p, &e));
    done();
}

static void stop_without_acknowledgement_is_repeated(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "7\n"); /* an older error hid it */
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "10\n");
    fake_expects(&f, POS, "1=10 \n2=20 \n3=30\n");
    assert_true(stage_halt(s, &e));
    assert_true(stage_halt_confirm(s, p, &e));
    done();
}

/* The position asked for before the stop is answered late: from then on each answer is one question late. */
static void answers_out_of_step_behind_a_stop(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, POS, NULL);
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "1=1 \n2=2 \n3=3\n");
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", "10\n");
    fake_expects(&f, POS, "10\n");
    fake_expects(&f, POS, "1=10 \n2=20 \n3=30\n");
    assert_true(stage_ask_position(s, &e));
    assert_true(stage_halt(s, &e));
    assert_true(stage_halt_confirm(s, p, &e));
    assert_int_equal(e.code, ERR_NONE);
    near(p[AXIS_Z], 30e-6);
    done();
}

static void stop_never_acknowledged(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", NULL);
    fake_expects(&f, "\x18", NULL);
    fake_expects(&f, "ERR?\n", NULL);
    assert_true(stage_halt(s, &e));
    assert_false(stage_halt_confirm(s, p, &e));
    assert_int_equal(e.code, ERR_SILENT);
    assert_non_null(strstr(e.text, "not acknowledged"));
    done();
}

static void bytes_for_a_guardian(void **state)
{
    (void)state;
    struct buf b = {0};
    setup(1);
    stage_halt_bytes(s, &b);
    stage_retract_bytes(s, -5.5e-6, &b);
    stage_retract_bytes(s, 1, &b); /* beyond the envelope: clamped to it */
    assert_string_equal(b.p, "\x18\nMOV 3 5.500000\n\nMOV 3 5.000000\n");
    buf_free(&b);
    done();
}

/* The dialogue's link serves: an errand needs nothing else. */
static int do_errands(double z, double speed, bool done_[STAGE_ERRANDS])
{
    struct errand q[STAGE_ERRANDS];
    int n = stage_errands(s, z, speed, q, STAGE_ERRANDS);
    double noted = NAN;
    for (int k = 0; k < n; k++)
        done_[k] = q[k].only_unproven ? false : errand_do(f.host, &q[k], &noted, NULL, &e);
    return n;
}

static void errands_stop_again_behind_the_first_answer_then_retract_and_see_it_arrive(void **state)
{
    (void)state;
    bool ok[STAGE_ERRANDS];
    setup(1);
    /* One stop at once; a half-sent line is spoilt; 24 is an older error; arrival is seen the second time. */
    fake_expects(&f,
                 "\x18~\n\x18"
                 "ERR?\n",
                 "24\n");
    fake_expects(&f,
                 "\x18"
                 "ERR?\n",
                 "10\n");
    fake_expects(&f, "SVO 3 1\nVEL 3 20.000000\nMOV 3 5.500000\nERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=2.000000000e+01\n");
    fake_expects(&f, "POS? 3\n", "3=5.650000000e+00\n");
    assert_int_equal(do_errands(-5.5e-6, 20e-6, ok), 7);
    for (int k = 0; k < 5; k++)
        assert_true(ok[k]);
    done();
}

static void errands_are_sent_whatever_the_stage_answers(void **state)
{
    (void)state;
    bool ok[STAGE_ERRANDS];
    struct errand q[STAGE_ERRANDS];
    setup(-1);
    int n = stage_errands(s, 90e-6, 20e-6, q, STAGE_ERRANDS);
    ns_t longest = 0;
    for (int k = 0; k < n; k++)
        longest += q[k].timeout + q[k].answer + q[k].quiet;
    link_close(f.far); /* nobody is there */
    f.far = NULL;
    assert_int_equal(do_errands(90e-6, 20e-6, ok), n);
    for (int k = 0; k < n; k++)
        assert_false(ok[k]);
    assert_true(loop_now(f.loop) <= longest);
    assert_true(longest < 60 * NS_S);
    assert_int_equal(stage_errands(s, 90e-6, 20e-6, q, 2), 2); /* no more than there is room for */
    done();
}

/* ---- what happened ---- */

static struct err unexplained(void)
{
    struct err why = ERR_INIT;
    err_set(&why, ERR_MISMATCH, "z does not rise");
    return why;
}

static void explained_as(enum err_code code, const char *part)
{
    struct err why = unexplained();
    assert_true(stage_explain(s, &why));
    assert_int_equal(why.code, code);
    assert_string_equal(why.device, "stage");
    assert_non_null(strstr(why.text, "z does not rise: "));
    if (!strstr(why.text, part))
        fail_msg("`%s` does not say `%s`", why.text, part);
}

static void a_servo_that_was_lost_is_told(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "VEL 3 5.000000\n", NULL);
    fake_expects(&f, "VEL? 3\n", "3=5.000000000e+00\n"); /* as it was set */
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=0\n");
    fake_expects(&f, "ERR?\n", "1024\n");
    assert_true(stage_set_speed(s, AXIS_Z, 5e-6, &e));
    explained_as(ERR_SERVO, "servo of z is off: motion error");
    done();
}

static void a_controller_that_started_anew_is_told_by_its_velocity(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "VEL 3 5.000000\n", NULL);
    fake_expects(&f, "VEL? 3\n", "3=10\n");
    fake_expects(&f, "VEL? 3\n", "3=10\n"); /* asked twice */
    assert_true(stage_set_speed(s, AXIS_Z, 5e-6, &e));
    explained_as(ERR_RESET, "started anew");
    explained_as(ERR_RESET, "started anew"); /* remembered */
    stage_restart_is_over(s);
    assert_false(stage_restarted(s)); /* nothing was set since: there is nothing to ask for */
    done();
}

static void a_late_position_is_no_new_start(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "VEL 3 5.000000\n", NULL);
    fake_expects(&f, "VEL? 3\n", "3=50.02\n3=5\n"); /* what was asked for before comes first */
    fake_expects(&f, "VEL? 3\n", "3=5\n");
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=0\n");
    fake_expects(&f, "ERR?\n", "1024\n");
    assert_true(stage_set_speed(s, AXIS_Z, 5e-6, &e));
    explained_as(ERR_SERVO, "servo of z is off");
    done();
}

static void an_error_that_was_read_before_the_stop_counts(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "ERR?\n", "603\n");
    fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=1\n");
    fake_expects(&f, "ERR?\n", "10\n");
    assert_false(stage_check(s, &e));
    assert_int_equal(e.code, ERR_REPORTED);
    explained_as(ERR_REPORTED, "temperature too high");
    done();
}

static void an_axis_at_an_end_of_its_travel(void **state)
{
    (void)state;
    double limit[AXIS_COUNT][2];
    /* Of x: there on purpose; not so; and it stood there already, and has not left it. */
    static const double targets[] = {95e-6, 50e-6, 50e-6};
    for (int k = 0; k < 3; k++) {
        double at[AXIS_COUNT];
        setup(-1);
        fake_expects(&f, "TMN? 1 2 3\n", "1=0 \n2=0 \n3=0\n");
        fake_expects(&f, "TMX? 1 2 3\n", "1=95 \n2=100 \n3=100\n");
        fake_expects(&f, POS, k == 2 ? "1=95.01 \n2=50 \n3=50\n" : "1=60 \n2=50 \n3=50\n");
        fake_expects(&f, k ? "MOV 1 50.000000\n" : "MOV 1 95.000000\n", NULL);
        fake_expects(&f, "SVO? 1 2 3\n", "1=1 \n2=1 \n3=1\n");
        fake_expects(&f, "ERR?\n", "0\n");
        fake_expects(&f, POS, "1=95.01 \n2=50 \n3=50\n");
        assert_true(stage_read_limits(s, limit, &e));
        assert_true(stage_position(s, at, &e));
        assert_true(stage_move(s, 1u << AXIS_X, (double[]){targets[k], 0, 0}, &e));
        if (k != 1) {
            struct err why = unexplained();
            assert_false(stage_explain(s, &why));
        } else {
            explained_as(ERR_END_STOP, "axis x stands at 95.0100 um, the upper end");
        }
        done();
    }
}

static void what_can_not_be_explained_stays_as_it_was(void **state)
{
    (void)state;
    struct err why = unexplained(), before = why;
    setup(-1);
    fake_expects(&f, "SVO? 1 2 3\n", NULL); /* silent: not asked again */
    assert_false(stage_explain(s, &why));
    assert_memory_equal(&why, &before, sizeof why);
    done();
}

static void a_move_that_is_refused_for_its_servo(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "VEL 3 5.000000\n", NULL);
    fake_expects(&f, "MOV 3 60.000000\n", NULL);
    fake_expects(&f, "ERR?\n", "5\n");
    fake_expects(&f, "VEL? 3\n", "3=10\n");
    fake_expects(&f, "VEL? 3\n", "3=10\n");
    assert_true(stage_set_speed(s, AXIS_Z, 5e-6, &e));
    assert_false(stage_move_wait(s, 1u << AXIS_Z, (double[]){0, 0, 60e-6}, NS_S, &e));
    assert_int_equal(e.code, ERR_RESET);
    done();
}

static void an_answer_to_an_earlier_question_is_late_not_damaged(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_expects(&f, POS, NULL);
    fake_says(&f, 400 * NS_MS, "1=1 \n2=2 \n3=3\n");
    fake_expects(&f, "ERR?\n", NULL);
    assert_false(stage_position(s, p, &e));
    assert_int_equal(e.code, ERR_SILENT);
    assert_false(stage_check(s, &e));
    assert_int_equal(e.code, ERR_LATE);
    assert_non_null(strstr(e.text, "POS? 1 2 3"));
    done();
}

/* ---- ways up ---- */

static void frozen_axes_do_not_move_whatever_is_asked(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "MOV 3 60.000000\n", NULL);
    fake_expects(&f, "MOV 2 60.000000\n", NULL);
    stage_freeze(s, true);
    for (unsigned mask = 1; mask < 8; mask++)
        if (mask != 1u << AXIS_Z) {
            assert_false(stage_move(s, mask, (double[]){50e-6, 50e-6, 60e-6}, &e));
            assert_int_equal(e.code, ERR_LIMIT);
        }
    assert_true(stage_move(s, 1u << AXIS_Z, (double[]){0, 0, 60e-6}, &e));
    stage_freeze(s, false);
    assert_true(stage_move(s, 1u << AXIS_Y, (double[]){0, 60e-6, 0}, &e));
    done();
}

/* 10 um/s: at most 0.5 um in a step; 1.25 um per volt. */
static void open_loop_goes_up_step_by_step(void **state)
{
    (void)state;
    setup(+1); /* up is falling */
    fake_expects(&f, "POS? 3\n", "3=7.0\n");
    fake_expects(&f, "SVO? 3\n", "3=0\n");
    fake_expects(&f, "POS? 3\n", "3=7.0\n"); /* creeps nowhere */
    fake_expects(&f, "SVR 3 -0.200000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=6.75\n");
    fake_expects(&f, "SVR 3 -0.400000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=6.25\n");
    fake_expects(&f, "SVR 3 -0.200000\n", NULL); /* half of what is left */
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=5.98\n");
    if (!stage_retract_open_loop(s, -5.5e-6, 10e-6, &e))
        fail_msg("%s", e.text);
    done();
}

/* A servo that holds is let go with a step, and held again at once where that does not lift: it sinks. */
static void open_loop_holds_what_sinks_when_let_go(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=1\n");
    fake_expects(&f, "SVO 3 0\n", NULL);
    fake_expects(&f, "SVR 3 0.200000\n", NULL);
    fake_expects(&f, "POS? 3\n", "3=49.95\n");
    fake_expects(&f, "SVR 3 -0.200000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    ns_t begun = loop_now(f.loop);
    assert_false(stage_retract_open_loop(s, 90e-6, 10e-6, &e));
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_non_null(strstr(e.text, "does not follow"));
    assert_true(loop_now(f.loop) - begun < 20 * NS_MS);
    done();
}

/* Where it does lift, a push follows before anything else is found out: 200 um are taken for 100 V. */
static void open_loop_pushes_up_what_it_let_go(void **state)
{
    (void)state;
    double limit[AXIS_COUNT][2];
    setup(-1);
    fake_expects(&f, "TMN? 1 2 3\n", "1=0 \n2=0 \n3=0\n");
    fake_expects(&f, "TMX? 1 2 3\n", "1=200 \n2=200 \n3=200\n");
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=1\n");
    fake_expects(&f, "SVO 3 0\n", NULL);
    fake_expects(&f, "SVR 3 0.200000\n", NULL);
    fake_expects(&f, "POS? 3\n", "3=50.2\n");
    fake_expects(&f, "SVR 3 1.000000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=59.6\n");
    assert_true(stage_read_limits(s, limit, &e));
    if (!stage_retract_open_loop(s, 60e-6, 10e-6, &e))
        fail_msg("%s", e.text);
    done();
}

static void open_loop_takes_back_a_step_toward_the_sample(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=0\n");
    fake_expects(&f, "POS? 3\n", "3=50\n"); /* creeps nowhere */
    fake_expects(&f, "SVR 3 0.200000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=49.8\n");
    fake_expects(&f, "SVR 3 -0.200000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    assert_false(stage_retract_open_loop(s, 90e-6, 10e-6, &e));
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_non_null(strstr(e.text, "toward the sample"));
    done();
}

/* Three, each taken back; it creeps by `creep` um in each of their times. */
static void blind_steps(double at, double creep)
{
    static char reply[6][32];
    for (int k = 0; k < 6; k++) {
        snprintf(reply[k], sizeof reply[k], "3=%.4f\n", at + (k + 1) * creep);
        fake_expects(&f, k & 1 ? "SVR 3 -0.200000\n" : "SVR 3 0.200000\n", NULL);
        fake_expects(&f, "ERR?\n", "0\n");
        if (k < 5)
            fake_expects(&f, "POS? 3\n", reply[k]);
    }
}

static void open_loop_does_not_take_creep_for_headway(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=0\n");
    fake_expects(&f, "POS? 3\n", "3=50.03\n");
    blind_steps(50.03, 0.03);
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    assert_false(stage_retract_open_loop(s, 90e-6, 10e-6, &e));
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_non_null(strstr(e.text, "does not follow"));
    done();
}

/* Let loose, it stands where it stood. */
static void open_loop_of_a_stage_that_sticks_on_its_way(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=0\n");
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVR 3 0.200000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 3\n", "3=50.4\n");
    for (int k = 0; k < 3; k++) { /* 2 um per volt; 0.5 um in a step */
        fake_expects(&f, "SVR 3 0.250000\n", NULL);
        fake_expects(&f, "ERR?\n", "0\n");
        fake_expects(&f, "POS? 3\n", "3=50.43\n");
        fake_expects(&f, "SVR 3 -0.250000\n", NULL);
        fake_expects(&f, "ERR?\n", "0\n");
        if (k < 2)
            fake_expects(&f, "POS? 3\n", "3=50.43\n");
    }
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    assert_false(stage_retract_open_loop(s, 90e-6, 10e-6, &e));
    assert_non_null(strstr(e.text, "does not follow"));
    done();
}

static void open_loop_of_a_stage_that_does_not_move(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=0\n");
    fake_expects(&f, "POS? 3\n", "3=50\n"); /* creeps nowhere */
    blind_steps(50.0005, 0);
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    assert_false(stage_retract_open_loop(s, 90e-6, 10e-6, &e));
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_non_null(strstr(e.text, "does not follow"));
    assert_string_equal(e.device, "stage");
    done();
}

static void open_loop_ends_at_the_voltage_limit(void **state)
{
    (void)state;
    setup(-1);
    fake_expects(&f, "POS? 3\n", "3=50\n");
    fake_expects(&f, "SVO? 3\n", "3=0\n");
    fake_expects(&f, "POS? 3\n", "3=50\n"); /* creeps nowhere */
    fake_expects(&f, "SVR 3 0.200000\n", NULL);
    fake_expects(&f, "ERR?\n", "302\n");
    fake_expects(&f, "SVO 3 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    assert_false(stage_retract_open_loop(s, 90e-6, 10e-6, &e));
    assert_int_equal(e.code, ERR_REPORTED);
    done();
}

/* Falling positions lift; 100 um at 50 um/s. */
static const struct stage_coarse coarse = {.id = "4", .away = -1, .by = 100e-6, .speed = 50e-6};

static void the_coarse_axis_must_exist_and_have_room(void **state)
{
    (void)state;
    static const struct {
        const char *axes, *at;
        enum err_code code;
        const char *part;
    } cases[] = {
        {"1 \n2 \n3\n", NULL, ERR_MISMATCH, "coarse axis"},
        {"1 \n2 \n3 \n4\n", "4=80\n", ERR_LIMIT, "80.000 um are left"},
        {"1 \n2 \n3 \n4\n", "4=100\n", ERR_NONE, ""},
    };
    for (int k = 0; k < 3; k++) {
        char id[160];
        setup_with(-1, coarse);
        fake_expects(&f, "*IDN?\n", "Physik Instrumente, E-727.4CDA, 120040681, 14.11.01.05\n");
        fake_expects(&f, "ERR?\n", "0\n");
        fake_expects(&f, "SAI?\n", cases[k].axes);
        bool known = stage_identify(s, id, sizeof id, &e);
        assert_int_equal(known, cases[k].at != NULL);
        if (known) { /* room is no part of who it is: one that has lifted may still be retracted */
            double limit[AXIS_COUNT][2];
            fake_expects(&f, "TMN? 1 2 3\n", "1=-5 \n2=-5 \n3=-205\n");
            fake_expects(&f, "TMX? 1 2 3\n", "1=205 \n2=205 \n3=205\n");
            fake_expects(&f, "POS? 4\n", cases[k].at);
            fake_expects(&f, "TMN? 4\n", "4=0\n");
            assert_int_equal(stage_read_limits(s, limit, &e), cases[k].code == ERR_NONE);
        }
        assert_int_equal(e.code, cases[k].code);
        assert_non_null(strstr(e.text, cases[k].part));
        done();
    }
}

static void the_coarse_axis_lifts_and_is_seen_to(void **state)
{
    (void)state;
    double by;
    setup_with(-1, coarse);
    fake_expects(&f, "POS? 4\n", "4=450.5\n");
    fake_expects(&f, "SVO? 4\n", "4=0\n");
    fake_expects(&f, "SVO 4 1\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "VEL 4 50.000000\nMOV 4 350.500000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "POS? 4\n", "4=400\n");
    fake_expects(&f, "POS? 4\n", "4=350.8\n");
    if (!stage_lift(s, &by, &e))
        fail_msg("%s", e.text);
    near(by, 99.7e-6);
    done();
}

static void a_coarse_axis_that_stops_on_its_way_is_no_lift(void **state)
{
    (void)state;
    double by;
    setup_with(-1, (struct stage_coarse){.id = "4", .away = 1, .by = 1e-6, .speed = 1});
    fake_expects(&f, "POS? 4\n", "4=10\n");
    fake_expects(&f, "SVO? 4\n", "4=1\n");
    fake_expects(&f, "VEL 4 1000000.000000\nMOV 4 11.000000\n", NULL);
    fake_expects(&f, "ERR?\n", "0\n");
    /* 2 s of looking every 51 ms */
    for (int k = 0; k < 41; k++)
        fake_expects(&f, "POS? 4\n", "4=10.9\n");
    assert_false(stage_lift(s, &by, &e));
    assert_int_equal(e.code, ERR_OFF_TARGET);
    assert_non_null(strstr(e.text, "0.900 um of 1.000 um"));
    near(by, 0.9e-6);
    assert_string_equal(e.device, "stage");
    done();
}

static void no_coarse_axis(void **state)
{
    (void)state;
    double by = 7;
    setup(-1);
    assert_false(stage_lift(s, &by, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    assert_true(by == 0);
    done();
}

/* The last errands, for a guardian: from wherever the head stands then. */
static void errands_lift_the_head_where_the_retraction_is_not_proven(void **state)
{
    (void)state;
    struct errand q[STAGE_ERRANDS];
    double noted = NAN;
    setup_with(-1, coarse);
    int n = stage_errands(s, 90e-6, 20e-6, q, STAGE_ERRANDS);
    assert_int_equal(n, 10);
    for (int k = 7; k < 10; k++)
        assert_true(q[k].only_unproven && q[k].turn == 3);
    assert_string_equal(q[9].proves, "lifted by coarse axis");
    assert_false(errand_do(f.host, &q[9], &noted, NULL, &e)); /* nothing to count from: nothing is sent */
    fake_expects(&f, "POS? 4\n", "4=450.5\n");
    fake_expects(&f, "SVO 4 1\nVEL 4 50.000000\nMVR 4 -100.000000\nERR?\n", "0\n");
    fake_expects(&f, "POS? 4\n", "4=400\n");
    fake_expects(&f, "POS? 4\n", "4=351.6\n");
    fake_expects(&f, "POS? 4\n", "4=351.4\n");
    for (int k = 7; k < 10; k++)
        if (!errand_do(f.host, &q[k], &noted, NULL, &e))
            fail_msg("%s", e.text);
    done();
}

static void link_gone(void **state)
{
    (void)state;
    double p[AXIS_COUNT];
    setup(-1);
    fake_hang_up(&f);
    assert_false(stage_position(s, p, &e));
    assert_int_equal(e.code, ERR_LINK);
    done();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifies_and_clears_an_old_error),
        cmocka_unit_test(another_device_at_the_port),
        cmocka_unit_test(an_axis_that_the_controller_does_not_have),
        cmocka_unit_test(limits_turn_round_with_the_mounting),
        cmocka_unit_test(an_envelope_beyond_the_controllers_limits),
        cmocka_unit_test(moves_are_in_the_controllers_sign_and_um),
        cmocka_unit_test(a_target_outside_the_envelope_is_not_sent),
        cmocka_unit_test(error_7_at_the_controllers_limit),
        cmocka_unit_test(position_is_asked_for_without_waiting),
        cmocka_unit_test(silence_is_told_from_half_a_reply),
        cmocka_unit_test(a_reply_with_a_garbage_byte),
        cmocka_unit_test(arrival_needs_both_position_and_on_target),
        cmocka_unit_test(an_axis_that_never_arrives),
        cmocka_unit_test(servo_goes_on_only_where_it_is_off),
        cmocka_unit_test(a_servo_that_stays_off),
        cmocka_unit_test(halt_is_one_byte_even_with_a_question_outstanding),
        cmocka_unit_test(error_10_after_stop_is_the_acknowledgement_and_so_is_a_suppressed_one),
        cmocka_unit_test(stop_without_acknowledgement_is_repeated),
        cmocka_unit_test(answers_out_of_step_behind_a_stop),
        cmocka_unit_test(stop_never_acknowledged),
        cmocka_unit_test(bytes_for_a_guardian),
        cmocka_unit_test(errands_stop_again_behind_the_first_answer_then_retract_and_see_it_arrive),
        cmocka_unit_test(errands_are_sent_whatever_the_stage_answers),
        cmocka_unit_test(a_servo_that_was_lost_is_told),
        cmocka_unit_test(a_controller_that_started_anew_is_told_by_its_velocity),
        cmocka_unit_test(a_late_position_is_no_new_start),
        cmocka_unit_test(an_error_that_was_read_before_the_stop_counts),
        cmocka_unit_test(an_axis_at_an_end_of_its_travel),
        cmocka_unit_test(what_can_not_be_explained_stays_as_it_was),
        cmocka_unit_test(a_move_that_is_refused_for_its_servo),
        cmocka_unit_test(an_answer_to_an_earlier_question_is_late_not_damaged),
        cmocka_unit_test(frozen_axes_do_not_move_whatever_is_asked),
        cmocka_unit_test(open_loop_goes_up_step_by_step),
        cmocka_unit_test(open_loop_holds_what_sinks_when_let_go),
        cmocka_unit_test(open_loop_pushes_up_what_it_let_go),
        cmocka_unit_test(open_loop_takes_back_a_step_toward_the_sample),
        cmocka_unit_test(open_loop_of_a_stage_that_does_not_move),
        cmocka_unit_test(open_loop_does_not_take_creep_for_headway),
        cmocka_unit_test(open_loop_of_a_stage_that_sticks_on_its_way),
        cmocka_unit_test(open_loop_ends_at_the_voltage_limit),
        cmocka_unit_test(the_coarse_axis_must_exist_and_have_room),
        cmocka_unit_test(the_coarse_axis_lifts_and_is_seen_to),
        cmocka_unit_test(a_coarse_axis_that_stops_on_its_way_is_no_lift),
        cmocka_unit_test(no_coarse_axis),
        cmocka_unit_test(errands_lift_the_head_where_the_retraction_is_not_proven),
        cmocka_unit_test(link_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
