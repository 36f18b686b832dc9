/* What the simulated piezo controller says and does when it fails. */
#include "rig_fixture.h"

#define BENCH                                                                                                \
    "stage:\n"                                                                                               \
    "  identity: 'maker, model, 1, 2'\n"                                                                     \
    "  noise: 0 nm\n"                                                                                        \
    "  jitter: 0 s\n"                                                                                        \
    "  baud: 0\n"                                                                                            \
    "  axes:\n"                                                                                              \
    "    - {id: '1', world: x, range: [0 um, 100 um], start: 50 um}\n"                                       \
    "    - {id: '3', world: z, range: [0 um, 60 um], start: 40 um, offset: -50 um}\n"                        \
    "    - {id: '4', world: z, range: [0 um, 5000 um], start: 100 um}\n"

static int open_rig(void **state)
{
    struct rig_fixture *f = calloc(1, sizeof *f);
    rig_open_yaml(f, BENCH);
    *state = f;
    REPLY(f, &f->stage, "SVO 1 1 3 1 4 1\nVEL 1 20 3 20 4 100\nERR?\n", "0\n");
    return 0;
}

static int close_rig(void **state)
{
    rig_close_all(*state);
    free(*state);
    return 0;
}

static void happens(struct rig_fixture *f, enum sim_fault fault, double for_s)
{
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, fault, now, for_s > 0 ? now + ns_from_s(for_s) : NS_NEVER);
    pass(f, 0.001);
}

static double position(struct rig_fixture *f, const char *axis)
{
    char text[32];
    snprintf(text, sizeof text, "POS? %s\n", axis);
    heard(f, &f->stage, 0);
    write_text(&f->stage, text);
    const char *got = heard(f, &f->stage, 0.01);
    assert_non_null(strchr(got, '='));
    return strtod(strchr(got, '=') + 1, NULL);
}

static double height(struct rig_fixture *f)
{
    double xyz[3];
    enum cell_mode cell;
    sim_rig_probe(f->rig, xyz, &cell);
    return xyz[2] * 1e6;
}

static void slow_answers_late_and_moves_in_time(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_STAGE_SLOW, 5);
    heard(f, &f->stage, 0);
    write_text(&f->stage, "MOV 1 51\nMOV? 1\n");
    assert_string_equal(heard(f, &f->stage, 0.39), "");
    double xyz[3];
    enum cell_mode cell;
    sim_rig_probe(f->rig, xyz, &cell);
    NEAR(xyz[0] * 1e6, 51, 1e-6);
    assert_string_equal(heard(f, &f->stage, 0.05), "1=5.100000000e+01\n");
    /* Two questions are answered in order, each 0.4 s late. */
    write_text(&f->stage, "*IDN?\n");
    pass(f, 0.2);
    write_text(&f->stage, "ERR?\n");
    assert_string_equal(heard(f, &f->stage, 0.25), "maker, model, 1, 2\n");
    assert_string_equal(heard(f, &f->stage, 0.25), "0\n");
    pass(f, 5);
    REPLY(f, &f->stage, "ERR?\n", "0\n");
}

static void late_withholds_one_answer(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_STAGE_LATE, 0);
    write_text(&f->stage, "*IDN?\n");
    assert_string_equal(heard(f, &f->stage, 2), "");
    REPLY(f, &f->stage, "ERR?\n", "maker, model, 1, 2\n0\n");
    REPLY(f, &f->stage, "ERR?\n", "0\n");
}

static void garbled_differs_in_one_character(void **state)
{
    struct rig_fixture *f = *state;
    const char *right = "maker, model, 1, 2\n";
    int damaged = 0;
    happens(f, SIM_STAGE_GARBLED, 5);
    for (int k = 0; k < 20; k++) {
        write_text(&f->stage, "*IDN?\n");
        const char *got = heard(f, &f->stage, 0.05);
        int differ = 0;
        assert_int_equal(strlen(got), strlen(right));
        for (size_t i = 0; right[i]; i++)
            differ += got[i] != right[i];
        assert_in_range(differ, 0, 1);
        assert_int_equal(got[strlen(got) - 1], '\n');
        damaged += differ;
    }
    assert_in_range(damaged, 10, 20);
    pass(f, 5);
    REPLY(f, &f->stage, "*IDN?\n", right);
}

static void reset_is_deaf_then_as_at_power_up(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "MOV 1 90\nMOV 7 1\n", ""); /* under way, and an error in the slot */
    pass(f, 0.2);
    happens(f, SIM_STAGE_RESET, 0);
    double at = 0;
    write_text(&f->stage, "MOV 1 10\n*IDN?\n\x18");
    assert_string_equal(heard(f, &f->stage, 1.4), "");
    pass(f, 0.15);
    REPLY(f, &f->stage, "ERR?\n", "0\n");
    REPLY(f, &f->stage, "SVO?\n", "1=0 \n3=0 \n4=0\n");
    REPLY(f, &f->stage, "VEL? 1\n", "1=1.000000000e+01\n");
    REPLY(f, &f->stage, "*IDN?\n", "maker, model, 1, 2\n");
    at = position(f, "1");
    assert_true(at > 53 && at < 57); /* where it was when it lost its move, */
    pass(f, 100);
    double later = position(f, "1");
    assert_true(later > at + 0.05 && later < at + 0.5); /* and creeping */
    REPLY(f, &f->stage, "MOV 1 60\nERR?\n", "5\n");
    REPLY(f, &f->stage, "SVO 1 1\nMOV 1 60\nERR?\n", "0\n");
    pass(f, 1);
    NEAR(position(f, "1"), 60, 1e-6);
}

static void error_waits_in_the_slot(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_STAGE_ERROR, 0);
    REPLY(f, &f->stage, "SVO? 1\n", "1=1\n");
    REPLY(f, &f->stage, "ERR?\n", "603\n");
    REPLY(f, &f->stage, "ERR?\n", "0\n");
}

static void refusing_obeys_stop_and_servo_alone(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "MOV 1 90\n", "");
    happens(f, SIM_STAGE_REFUSING, 2);
    REPLY(f, &f->stage, "MOV 1 51\nERR?\n", "89\n");
    REPLY(f, &f->stage, "MVR 3 1\nERR?\n", "89\n");
    REPLY(f, &f->stage, "MOV? 1\n", "1=9.000000000e+01\n");
    REPLY(f, &f->stage, "\x18", "");
    REPLY(f, &f->stage, "ERR?\n", "10\n");
    REPLY(f, &f->stage, "#5\x05", "0\n");
    REPLY(f, &f->stage, "\nERR?\n", "2\n"); /* the half line */
    REPLY(f, &f->stage, "SVO 1 0\nSVO? 1\n", "1=0\n");
    REPLY(f, &f->stage, "SVO 1 1\nSVO? 1\n", "1=1\n");
    pass(f, 2);
    REPLY(f, &f->stage, "MOV 1 51\nERR?\n", "0\n");
}

static void off_target_ends_short_and_says_so(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_STAGE_OFF_TARGET, 5);
    REPLY(f, &f->stage, "MOV 1 52 3 39\nERR?\n", "0\n");
    pass(f, 2);
    NEAR(position(f, "1"), 51.7, 1e-6);
    NEAR(position(f, "3"), 39.3, 1e-6);
    REPLY(f, &f->stage, "ONT? 1\n", "1=0\n");
    REPLY(f, &f->stage, "MOV 1 51.8\nERR?\n", "0\n");
    pass(f, 1);
    NEAR(position(f, "1"), 51.7, 1e-6);
    pass(f, 3);
    REPLY(f, &f->stage, "MOV 1 52\nERR?\n", "0\n");
    pass(f, 1);
    NEAR(position(f, "1"), 52, 1e-6);
    REPLY(f, &f->stage, "ONT? 1\n", "1=1\n");
}

static void limit_stops_the_motion_there(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->stage, "MOV 3 30\n", "");
    happens(f, SIM_STAGE_LIMIT, 5);
    double from = position(f, "3");
    pass(f, 1);
    double there = position(f, "3");
    assert_true(there < from && there > from - 1.01);
    REPLY(f, &f->stage, "ERR?\n", "216\n");
    REPLY(f, &f->stage, "SVO? 3\n", "3=1\n");
    /* Away from the sample it goes; toward it it does not. */
    REPLY(f, &f->stage, "MOV 3 55\nERR?\n", "0\n");
    pass(f, 1.5);
    NEAR(position(f, "3"), 55, 1e-6);
    REPLY(f, &f->stage, "MOV 1 60\nERR?\n", "0\n");
    pass(f, 0.5);
    NEAR(position(f, "1"), 51, 1e-6);
    REPLY(f, &f->stage, "ERR?\n", "216\n");
    pass(f, 5);
    REPLY(f, &f->stage, "MOV 1 60\nERR?\n", "0\n");
    pass(f, 1);
    NEAR(position(f, "1"), 60, 1e-6);
}

static void stuck_servo_leaves_open_loop(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_STAGE_SERVO_STUCK, 0);
    REPLY(f, &f->stage, "ERR?\n", "1024\n");
    REPLY(f, &f->stage, "SVO?\n", "1=0 \n3=0 \n4=1\n");
    REPLY(f, &f->stage, "SVO 3 1\nERR?\n", "1024\n");
    REPLY(f, &f->stage, "MOV 3 50\nERR?\n", "5\n");
    REPLY(f, &f->stage, "OVF? 3\n", "3=1\n");
    REPLY(f, &f->stage, "SVA 3 100\nERR?\n", "0\n"); /* V: the whole travel */
    pass(f, 0.2);
    NEAR(position(f, "3"), 60, 0.1); /* creep */
    /* A relative step goes on from where it has crept to, also where a stop has ended that. */
    REPLY(f, &f->stage, "SVR 3 -50\nERR?\n", "0\n");
    pass(f, 5);
    double crept = position(f, "3");
    REPLY(f, &f->stage,
          "\x18"
          "ERR?\n",
          "10\n");
    REPLY(f, &f->stage, "SVR 3 10\nERR?\n", "0\n");
    pass(f, 1);
    NEAR(position(f, "3"), crept + 6, 1e-3);
}

static void dead_amplifier_leaves_the_coarse_axis(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_STAGE_SERVO_DEAD, 0);
    double before = height(f);
    NEAR(before, -10, 0.05);
    REPLY(f, &f->stage, "ERR?\n", "1024\n");
    REPLY(f, &f->stage, "SVO 3 1\nERR?\n", "1024\n");
    REPLY(f, &f->stage, "SVA 3 100\nERR?\n", "0\n");
    pass(f, 0.2);
    NEAR(height(f), before, 0.1); /* creep */
    REPLY(f, &f->stage, "MOV 4 300\nERR?\n", "0\n");
    pass(f, 3);
    NEAR(height(f), before + 200, 0.3);
    REPLY(f, &f->stage, "ONT? 4\n", "4=1\n");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(slow_answers_late_and_moves_in_time),
        T(late_withholds_one_answer),
        T(garbled_differs_in_one_character),
        T(reset_is_deaf_then_as_at_power_up),
        T(error_waits_in_the_slot),
        T(refusing_obeys_stop_and_servo_alone),
        T(off_target_ends_short_and_says_so),
        T(limit_stops_the_motion_there),
        T(stuck_servo_leaves_open_loop),
        T(dead_amplifier_leaves_the_coarse_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
