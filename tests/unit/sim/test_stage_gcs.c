/* Dialogues with the simulated piezo controller: answers, silence, error codes, motion in time. */
#include "rig_fixture.h"

#define AXES                                                                                                 \
    "stage:\n"                                                                                               \
    "  identity: 'maker, model, 1, 2'\n"                                                                     \
    "  noise: 0 nm\n"                                                                                        \
    "  jitter: 0 s\n"                                                                                        \
    "  baud: 0\n"                                                                                            \
    "  axes:\n"                                                                                              \
    "    - {id: '1', world: x, range: [0 um, 100 um], envelope: [10 um, 90 um], start: 50 um, servo: yes}\n" \
    "    - {id: '2', world: y, range: [0 um, 100 um], start: 50 um, servo: yes, direction: -1, "             \
    "offset: 7 um}\n"                                                                                        \
    "    - {id: Z, world: z, range: [0 um, 60 um], start: 60 um, offset: -20 um}\n"

static int open_rig(void **state)
{
    struct rig_fixture *f = calloc(1, sizeof *f);
    rig_open_yaml(f, AXES);
    *state = f;
    return 0;
}

static int close_rig(void **state)
{
    rig_close_all(*state);
    free(*state);
    return 0;
}

static double position(struct rig_fixture *f, const char *axis)
{
    char text[32];
    snprintf(text, sizeof text, "POS? %s\n", axis);
    heard(f, &f->stage, 0);
    write_text(&f->stage, text);
    const char *got = heard(f, &f->stage, 0.002);
    assert_non_null(strchr(got, '='));
    return strtod(strchr(got, '=') + 1, NULL);
}

static void answers_its_identity(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "*IDN?\n", "maker, model, 1, 2\n");
    REPLY(f, &f->stage, "*idn?\n", "maker, model, 1, 2\n");
    REPLY(f, &f->stage, "SAI?\n", "1 \n2 \nZ\n");
    REPLY(f, &f->stage, "SAI? ALL\n", "1 \n2 \nZ\n");
    REPLY(f, &f->stage, "CSV?\n", "2.0\n");
    REPLY(f, &f->stage, "PUN? Z\n", "Z=um\n");
    REPLY(f, &f->stage, "SSN?\n", "120040681\n");
}

static void help_lists_halt_and_continues_lines(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->stage, "HLP?\n");
    const char *got = heard(f, &f->stage, 0.05);
    assert_non_null(strstr(got, "HLT "));
    size_t n = strlen(got);
    assert_true(n > 2 && got[n - 1] == '\n' && got[n - 2] != ' ');
    for (const char *p = strchr(got, '\n'); p[1]; p = strchr(p + 1, '\n'))
        assert_int_equal(p[-1], ' ');
}

static void numbers_have_nine_decimals_and_lines_continue(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "POS?\n", "1=5.000000000e+01 \n2=5.000000000e+01 \nZ=6.000000000e+01\n");
    REPLY(f, &f->stage, "TMN? 1 Z\n", "1=0.000000000e+00 \nZ=0.000000000e+00\n");
    REPLY(f, &f->stage, "TMX? Z\n", "Z=6.000000000e+01\n");
    REPLY(f, &f->stage, "VEL? 1\n", "1=1.000000000e+01\n");
    REPLY(f, &f->stage, "SVO?\n", "1=1 \n2=1 \nZ=0\n");
    REPLY(f, &f->stage, "ONT? 1\n", "1=1\n");
    REPLY(f, &f->stage, "OVF? 1 2\n", "1=0 \n2=0\n");
    REPLY(f, &f->stage, "VOL? 1 3\n", "1=5.000000000e+01 \n3=1.000000000e+02\n");
}

static void set_commands_are_silent(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "SVO Z 1\nVEL Z 5\nMOV Z 59\nVCO Z 1\n", "");
    REPLY(f, &f->stage, "ERR?\n", "0\n");
    REPLY(f, &f->stage, "MOV? Z\n", "Z=5.900000000e+01\n");
    REPLY(f, &f->stage, "VEL? Z\n", "Z=5.000000000e+00\n");
}

static void unknown_query_is_silent_and_leaves_error_2(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "FOO?\n", "");
    REPLY(f, &f->stage, "ERR?\n", "2\n");
    REPLY(f, &f->stage, "ERR?\n", "0\n");
    REPLY(f, &f->stage, "DFH? 1\n", "");
    REPLY(f, &f->stage, "ERR?\n", "2\n");
}

static void each_mistake_has_its_code(void **state)
{
    struct rig_fixture *f = *state;
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"MOV 1\n", "24\n"},
        {"MOV 1 5 2\n", "24\n"},
        {"MOV 9 5\n", "15\n"},
        {"MOV 1 abc\n", "1\n"},
        {"MOV 1 nan\n", "1\n"},
        {"MOV 1 101\n", "7\n"},
        {"MOV 1 -0.001\n", "7\n"},
        {"MVR 1 60\n", "7\n"},
        {"MOV Z 30\n", "5\n"},
        {"VEL 1 0\n", "8\n"},
        {"VEL 1 -1\n", "8\n"},
        {"VEL 1 1e9\n", "8\n"},
        {"SVA 1 10\n", "79\n"},
        {"SVA Z 500\n", "302\n"},
        {"SVO 1 2\n", "17\n"},
        {"POS? 9\n", "15\n"},
        {"STP 1\n", "24\n"},
        {"SPA? 1 0x123\n", "54\n"},
        {"SPA 1 0x07000001 200\n", "60\n"},
        {"SAI? NONE\n", "1\n"},
        {"VOL? 4\n", "15\n"},
        {"MOV 1  5  2  5  1\n", "24\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        REPLY(f, &f->stage, cases[i].text, "");
        heard(f, &f->stage, 0);
        write_text(&f->stage, "ERR?\n");
        const char *code = heard(f, &f->stage, 0.01);
        if (strcmp(code, cases[i].code) != 0)
            fail_msg("%s: error %s instead of %s", cases[i].text, code, cases[i].code);
    }
    REPLY(f, &f->stage, "POS?\n", "1=5.000000000e+01 \n2=5.000000000e+01 \nZ=6.000000000e+01\n");
}

static void more_than_32_arguments_are_refused(void **state)
{
    struct rig_fixture *f = *state;
    char line[256] = "POS?";
    for (int i = 0; i < 33; i++)
        strcat(line, " 1");
    strcat(line, "\n");
    REPLY(f, &f->stage, line, "");
    REPLY(f, &f->stage, "ERR?\n", "24\n");
    char longest[700];
    memset(longest, 'A', sizeof longest);
    strcpy(longest + 600, "\n");
    REPLY(f, &f->stage, longest, "");
    REPLY(f, &f->stage, "ERR?\n", "3\n");
}

static void one_bad_axis_moves_none(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "MOV 1 60 2 200\n", "");
    REPLY(f, &f->stage, "ERR?\n", "7\n");
    REPLY(f, &f->stage, "MOV? 1 2\n", "1=5.000000000e+01 \n2=5.000000000e+01\n");
    REPLY(f, &f->stage, "MOV 1 60 2 40\n", "");
    REPLY(f, &f->stage, "MOV? 1 2\n", "1=6.000000000e+01 \n2=4.000000000e+01\n");
}

static void parameters_drop_leading_zeros(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "SPA? 1 0x07000900\n", "1 0x7000900=1.000000000e-02\n");
    REPLY(f, &f->stage, "SPA? 1 0x07000601\n", "1 0x7000601=um\n");
    REPLY(f, &f->stage, "SPA 1 0x07000900 0.5\n", "");
    REPLY(f, &f->stage, "SPA? 1 0x7000900\n", "1 0x7000900=5.000000000e-01\n");
    REPLY(f, &f->stage, "CCL 1 advanced\nCCL?\n", "1\n");
    REPLY(f, &f->stage, "SPA 1 0x07000001 80\nTMX? 1\n", "1=8.000000000e+01\n");
}

static void moves_at_the_velocity_and_settles(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 100\n", "");
    ns_t begin = loop_now(f->loop);
    write_text(&f->stage, "MOV 1 60\n"); /* acts after 1 ms: 100 ms of travel */
    loop_sleep_until(f->loop, begin + 51 * NS_MS);
    write_bytes(&f->stage, "\x05", 1);
    assert_string_equal(heard(f, &f->stage, 0.0001), "1\n");
    loop_sleep_until(f->loop,
                     begin + 60 * NS_MS); /* POS? is executed at 61 ms: 6 um on the way, 0.2 um of lag */
    NEAR(position(f, "1"), 50 + 6 - 0.2, 1e-6);
    loop_sleep_until(f->loop, begin + 102 * NS_MS);
    write_bytes(&f->stage, "\x05", 1);
    assert_string_equal(heard(f, &f->stage, 0.0001), "0\n");
    pass(f, 0.05);
    REPLY(f, &f->stage, "ONT? 1\n", "1=1\n");
    NEAR(position(f, "1"), 60, 1e-9);
}

static void on_target_waits_for_the_settling_time(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 100\n", "");
    ns_t begin = loop_now(f->loop);
    write_text(&f->stage, "MOV 1 60\n");
    /* Lag 0.2 um, tolerance 10 nm, 2 ms: within after 101 + 2 ln(20) = 107 ms; 10 ms later on target. */
    loop_sleep_until(f->loop, begin + 115 * NS_MS + 500 * NS_US);
    write_text(&f->stage, "ONT? 1\n");
    assert_string_equal(heard(f, &f->stage, 0.0015), "1=0\n");
    loop_sleep_until(f->loop, begin + 117 * NS_MS);
    write_text(&f->stage, "ONT? 1\n");
    assert_string_equal(heard(f, &f->stage, 0.0015), "1=1\n");
}

static void a_new_move_replaces_the_old_one(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 100\n", "");
    ns_t begin = loop_now(f->loop);
    write_text(&f->stage, "MOV 1 60\n");
    loop_sleep_until(f->loop, begin + 50 * NS_MS);
    write_text(&f->stage, "MOV 1 50\n"); /* turns at 55 um */
    pass(f, 0.2);
    NEAR(position(f, "1"), 50, 1e-9);
    REPLY(f, &f->stage, "MVR 1 2\nMVR 1 3\nMOV? 1\n", "1=5.500000000e+01\n");
}

static void stop_byte_acts_at_once_even_in_front_of_half_a_line(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 100\n", "");
    ns_t begin = loop_now(f->loop);
    write_text(&f->stage, "MOV 1 60\n");
    loop_sleep_until(f->loop, begin + 51 * NS_MS); /* 50 ms under way */
    write_bytes(&f->stage, "MOV 1\x18", 6);
    pass(f, 0.0002);
    write_text(&f->stage, " 70 80\n"); /* the half line ends as nonsense */
    pass(f, 0.005);
    double x = position(f, "1");
    assert_true(fabs(x - (50 + 100 * 0.05)) <= 100 * 0.002 + 100 * 0.0002);
    pass(f, 0.5);
    NEAR(position(f, "1"), x, 1e-12);
    heard(f, &f->stage, 0);
    write_text(&f->stage, "MOV? 1\n");
    NEAR(strtod(heard(f, &f->stage, 0.01) + 2, NULL), x, 1e-9);
    REPLY(f, &f->stage, "ERR?\n", "24\n"); /* the last error is kept */
    REPLY(f, &f->stage, "SVO? 1\n", "1=1\n");
}

static void a_stop_overtakes_a_line_that_waits_for_its_turn(void **state)
{
    (void)state;
    for (int discards = 0; discards < 2; discards++) {
        struct rig_fixture f;
        char yaml[1500];
        snprintf(yaml, sizeof yaml, "%s  stop-discards: %s\n", AXES, discards ? "yes" : "no");
        rig_open_yaml(&f, yaml);
        write_text(&f.stage, "MOV 1 51\n\x18");
        pass(&f, 1);
        NEAR(position(&f, "1"), discards ? 50 : 51, 1e-9);
        REPLY(&f, &f.stage, "ERR?\n", "10\n");
        rig_close_all(&f);
    }
}

static void every_kind_of_stop_leaves_error_10(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "\x18", "");
    REPLY(f, &f->stage, "ERR?\n", "10\n");
    REPLY(f, &f->stage, "STP\n", "");
    REPLY(f, &f->stage, "ERR?\n", "10\n");
    REPLY(f, &f->stage, "HLT 1\n", "");
    REPLY(f, &f->stage, "ERR?\n", "10\n");
    REPLY(f, &f->stage, "HLT\n", "");
    REPLY(f, &f->stage, "ERR?\n", "10\n");
}

static void halt_slows_down(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 100\n", "");
    ns_t begin = loop_now(f->loop);
    write_text(&f->stage, "MOV 1 90\n");
    loop_sleep_until(f->loop, begin + 100 * NS_MS);
    write_text(&f->stage, "HLT 1\n"); /* 100 ms under way: 60 um, and 0.5 um of braking in 10 ms */
    pass(f, 0.05);
    NEAR(position(f, "1"), 60.5, 1e-6);
    REPLY(f, &f->stage, "MOV? 1\n", "1=6.050000000e+01\n");
}

static void without_halt_it_is_unknown(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, "stage: {halt: no}\n");
    REPLY(&f, &f.stage, "HLT\n", "");
    REPLY(&f, &f.stage, "ERR?\n", "2\n");
    write_text(&f.stage, "HLP?\n");
    assert_null(strstr(heard(&f, &f.stage, 0.3), "HLT"));
    rig_close_all(&f);
}

static void control_bytes_answer(void **state)
{
    struct rig_fixture *f = *state;
    pass(f, 0.05);
    REPLY(f, &f->stage, "\x04", "0x0330\n"); /* nothing moves, servo on 1 2, on target 1 2 */
    REPLY(f, &f->stage, "\x05", "0\n");
    REPLY(f, &f->stage, "\x07", "\xb1\n");
}

static void answers_come_in_order_after_the_latency(void **state)
{
    struct rig_fixture *f = *state;
    heard(f, &f->stage, 0);
    write_text(&f->stage, "TMN? 1\nTMX? 1\n");
    assert_string_equal(heard(f, &f->stage, 0.0009), "");
    assert_string_equal(heard(f, &f->stage, 0.0002), "1=0.000000000e+00\n");
    assert_string_equal(heard(f, &f->stage, 0.001), "1=1.000000000e+02\n");
}

static void autozero_moves_and_locks_out_moves(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "SPA 1 0x07000200 1000\nCCL 1 advanced\nSPA 1 0x07000200 1000\n", "");
    REPLY(f, &f->stage, "ERR?\n", "60\n");
    uint64_t outside = world_counters(sim_rig_world(f->rig)).envelope;
    REPLY(f, &f->stage, "ATZ 1 NaN\n", "");
    assert_true(position(f, "1") < 10);
    REPLY(f, &f->stage, "\x07", "\xb0\n");
    REPLY(f, &f->stage, "MOV 2 60\nERR?\n", "61\n");
    REPLY(f, &f->stage, "SVO 1 0\nERR?\n", "61\n");
    pass(f, 1);
    REPLY(f, &f->stage, "ATZ? 1\n", "1=1\n");
    REPLY(f, &f->stage, "\x07", "\xb1\n");
    NEAR(position(f, "1"), 50, 1e-6);
    assert_true(world_counters(sim_rig_world(f->rig)).envelope > outside);
}

static void stop_ends_autozero(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "ATZ 1 0\n\x18", "");
    REPLY(f, &f->stage, "ATZ 1 NaN\n", "");
    REPLY(f, &f->stage, "\x18", "");
    REPLY(f, &f->stage, "\x07", "\xb1\n");
    REPLY(f, &f->stage, "ATZ? 1\n", "1=0\n");
}

static void targets_outside_the_envelope_are_counted(void **state)
{
    struct rig_fixture *f = *state;
    struct world *w = sim_rig_world(f->rig);
    REPLY(f, &f->stage, "MOV 1 89\n", "");
    REPLY(f, &f->stage, "MOV 1 101\n", ""); /* refused: not a move */
    assert_int_equal(world_counters(w).envelope, 0);
    REPLY(f, &f->stage, "MOV 1 95\n", "");
    assert_int_equal(world_counters(w).envelope, 1);
}

static void open_loop_follows_the_voltage(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "SVA Z 50\nSVA? Z\n", "Z=5.000000000e+01\n");
    pass(f, 0.2);
    NEAR(position(f, "Z"), 30, 1e-6);
    REPLY(f, &f->stage, "SVR Z -10\nSVA? Z\n", "Z=4.000000000e+01\n");
    pass(f, 0.2);
    REPLY(f, &f->stage, "SVO Z 1\nMOV? Z\n", "Z=2.400000000e+01\n");
    REPLY(f, &f->stage, "MOV Z 25\nERR?\n", "0\n");
}

static void servo_off_creeps(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "SVO 1 0\n", "");
    double x = position(f, "1");
    pass(f, 10);
    assert_true(fabs(position(f, "1") - x) > 0.05);
    REPLY(f, &f->stage, "MOV 1 50\nERR?\n", "5\n");
}

static void no_velocity_control_means_slew_rate(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 1\nVCO 1 0\nMOV 1 80\n", "");
    NEAR(position(f, "1"), 80, 1e-3); /* 30 um within 50 ms */
}

static void nothing_runs_at_rest(void **state)
{
    struct rig_fixture *f = *state;
    /* An hour of rest must not be an hour of millisecond timers: this test would take seconds if it were. */
    pass(f, 3600 * 100.0);
    NEAR(position(f, "1"), 50, 1e-12);
}

/* Units that obey nothing as long as an error waits: neither moves nor the stop byte, until it is read. */
static void an_error_that_blocks(void **unused)
{
    (void)unused;
    struct rig_fixture f;
    rig_open_yaml(
        &f, "seed: 1\nstage: {error-blocks: yes, identity: \"a, b, c, d\", axes: [{id: \"1\", world: x, "
            "range: [0 um, 100 um], start: 50 um, servo: yes}, {id: \"2\", world: z}]}\npotentiostat: "
            "{}\n" DUMMY_CELL);
    REPLY(&f, &f.stage, "VEL 1 1\nMOV 1 60\n", "");
    REPLY(&f, &f.stage, "MOV 1 500\n", "");
    REPLY(&f, &f.stage, "POS? 1\n", "");
    REPLY(&f, &f.stage, "\x18*IDN?\n", "a, b, c, d\n"); /* goes on */
    REPLY(&f, &f.stage, "ERR?\n", "7\n");
    REPLY(&f, &f.stage, "\x05", "1\n");
    REPLY(&f, &f.stage, "\x18", "");
    REPLY(&f, &f.stage, "ERR?\n", "10\n");
    rig_close_all(&f);
}

static void silent_fault_goes_on_moving(void **state)
{
    struct rig_fixture *f = *state;
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, SIM_STAGE_SILENT, now, now + NS_S);
    REPLY(f, &f->stage, "MOV 1 51\nPOS? 1\n", "");
    pass(f, 1);
    NEAR(position(f, "1"), 51, 1e-9);
}

static void frozen_fault_accepts_and_does_nothing(void **state)
{
    struct rig_fixture *f = *state;
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, SIM_STAGE_FROZEN, now, now + NS_S);
    REPLY(f, &f->stage, "MOV 1 51\nERR?\n", "0\n");
    REPLY(f, &f->stage, "MOV? 1\n", "1=5.100000000e+01\n");
    pass(f, 0.5);
    NEAR(position(f, "1"), 50, 1e-9);
    REPLY(f, &f->stage, "ONT? 1\n", "1=0\n");
    pass(f, 1);
    REPLY(f, &f->stage, "MOV 1 51\n", "");
    pass(f, 0.5);
    NEAR(position(f, "1"), 51, 1e-9);
}

static void lost_servo_shows_in_svo_ovf_and_error(void **state)
{
    struct rig_fixture *f = *state;
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, SIM_STAGE_SERVO_LOST, now + NS_MS, now + NS_S);
    pass(f, 0.01);
    REPLY(f, &f->stage, "SVO? 1\n", "1=0\n");
    REPLY(f, &f->stage, "ERR?\n", "1024\n");
    REPLY(f, &f->stage, "OVF? 1\n", "1=1\n");
    REPLY(f, &f->stage, "SVO 1 1\nERR?\n", "1024\n");
    pass(f, 1);
    REPLY(f, &f->stage, "SVO 1 1\nERR?\n", "0\n");
    REPLY(f, &f->stage, "SVO? 1\n", "1=1\n");
}

static void velocity_change_acts_on_the_running_move(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "VEL 1 1\nMOV 1 80\n", "");
    REPLY(f, &f->stage, "VEL 1 1000\n", "");
    pass(f, 0.05);
    NEAR(position(f, "1"), 80, 1e-6);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(answers_its_identity),
        T(help_lists_halt_and_continues_lines),
        T(numbers_have_nine_decimals_and_lines_continue),
        T(set_commands_are_silent),
        T(unknown_query_is_silent_and_leaves_error_2),
        T(each_mistake_has_its_code),
        T(more_than_32_arguments_are_refused),
        T(one_bad_axis_moves_none),
        T(parameters_drop_leading_zeros),
        T(moves_at_the_velocity_and_settles),
        T(on_target_waits_for_the_settling_time),
        T(a_new_move_replaces_the_old_one),
        T(stop_byte_acts_at_once_even_in_front_of_half_a_line),
        cmocka_unit_test(a_stop_overtakes_a_line_that_waits_for_its_turn),
        T(every_kind_of_stop_leaves_error_10),
        T(halt_slows_down),
        cmocka_unit_test(without_halt_it_is_unknown),
        T(control_bytes_answer),
        T(answers_come_in_order_after_the_latency),
        T(autozero_moves_and_locks_out_moves),
        T(stop_ends_autozero),
        T(targets_outside_the_envelope_are_counted),
        T(open_loop_follows_the_voltage),
        T(servo_off_creeps),
        cmocka_unit_test(an_error_that_blocks),
        T(no_velocity_control_means_slew_rate),
        T(nothing_runs_at_rest),
        T(silent_fault_goes_on_moving),
        T(frozen_fault_accepts_and_does_nothing),
        T(lost_servo_shows_in_svo_ovf_and_error),
        T(velocity_change_acts_on_the_running_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
