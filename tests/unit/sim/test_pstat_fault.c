/* What the simulated potentiostat says and does when it fails. */
#include "rig_fixture.h"

#define HEAD                                                                                                 \
    "e\nvar p\nvar c\nset_pgstat_chan 0\nset_pgstat_mode 3\nset_max_bandwidth 400\n"                         \
    "set_range_minmax da -2 2\nset_range ba 1n\nset_e 100m\ncell_on\n"
#define LOOP    "meas_loop_ca p c 100m 10m 10\npck_start\npck_add p\npck_add c\npck_end\nendloop\n"
#define TAIL    "on_finished:\ncell_off\n\n"
#define LONG_CA HEAD LOOP TAIL

static int open_rig(void **state)
{
    struct rig_fixture *f = calloc(1, sizeof *f);
    rig_open_yaml(f, DUMMY_CELL "potentiostat: {baud: 0}\n");
    *state = f;
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

static enum cell_mode cell_of(struct rig_fixture *f)
{
    double xyz[3];
    enum cell_mode cell;
    sim_rig_probe(f->rig, xyz, &cell);
    return cell;
}

/* Current of a package (A) and its status; false if the line is none. */
static bool package(const char *line, double *i, int *status)
{
    const char *c = strstr(line, ";ba");
    if (line[0] != 'P' || !c)
        return false;
    static const char prefix[] = "afpnum kMGTPE";
    long mantissa = strtol((char[]){c[3], c[4], c[5], c[6], c[7], c[8], c[9], 0}, NULL, 16) - 0x8000000;
    const char *at = strchr(prefix, c[10]);
    assert_non_null(at);
    *i = (double)mantissa * pow(1000, (double)(at - prefix) - 6);
    *status = c[11] == ',' ? (int)strtol((char[]){c[13], 0}, NULL, 16) : 0;
    return true;
}

struct seen {
    int n, flagged, status;
    double mean, sd;
};

/* The samples of the next second. */
static struct seen look_at(struct rig_fixture *f)
{
    struct seen s = {0};
    double sum = 0, squares = 0;
    char *rest = NULL, *text = xstrdup(heard(f, &f->pstat, 1));
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        double i;
        int status;
        if (!package(line, &i, &status))
            continue;
        s.n++;
        s.flagged += status != 0;
        s.status |= status;
        sum += i;
        squares += i * i;
    }
    free(text);
    s.mean = sum / s.n;
    s.sd = sqrt(squares / s.n - s.mean * s.mean);
    return s;
}

static void slow_sends_everything_late(void **state)
{
    struct rig_fixture *f = *state;
    happens(f, SIM_PSTAT_SLOW, 2);
    write_text(&f->pstat, "v\n");
    assert_string_equal(heard(f, &f->pstat, 0.39), "");
    assert_string_equal(heard(f, &f->pstat, 0.02), "v01.08.00\n");
    pass(f, 2);
    REPLY(f, &f->pstat, "v\n", "v01.08.00\n");
}

static void late_withholds_an_answer_but_no_sample(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, LONG_CA);
    heard(f, &f->pstat, 0.2);
    happens(f, SIM_PSTAT_LATE, 0);
    struct seen s = look_at(f);
    assert_in_range(s.n, 98, 102);
    write_text(&f->pstat, "Z\n");
    const char *got = heard(f, &f->pstat, 0.5);
    assert_non_null(strstr(got, "Z\n*\n\n")); /* behind the withheld one, with what came next */
    assert_int_equal(cell_of(f), CELL_OPEN);
    happens(f, SIM_PSTAT_LATE, 0);
    write_text(&f->pstat, "v\n");
    assert_string_equal(heard(f, &f->pstat, 2), "");
    REPLY(f, &f->pstat, "i\n", "v01.08.00\niNX25A00SIM\n");
}

static void a_run_time_error_ends_the_script_and_not_the_cell(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, LONG_CA);
    heard(f, &f->pstat, 0.2);
    happens(f, SIM_PSTAT_ERROR, 1);
    const char *got = heard(f, &f->pstat, 0.1);
    assert_non_null(strstr(got, "!0058: Line "));
    assert_null(strstr(strstr(got, "!0058"), "P"));
    assert_int_equal(cell_of(f), CELL_POTENTIOSTAT);
    /* The next one breaks at its measurement; one without measurement does its work. */
    write_text(&f->pstat, LONG_CA);
    got = heard(f, &f->pstat, 0.1);
    assert_int_equal(strncmp(got, "e\n!0058: Line ", 14), 0);
    REPLY(f, &f->pstat, "e\ncell_off\n\n", "e\n\n");
    assert_int_equal(cell_of(f), CELL_OPEN);
    pass(f, 1);
    write_text(&f->pstat, LONG_CA);
    assert_null(strchr(heard(f, &f->pstat, 0.3), '!'));
}

static void refusing_takes_no_script_but_ends_the_one_that_runs(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, LONG_CA);
    heard(f, &f->pstat, 0.2);
    happens(f, SIM_PSTAT_REFUSING, 2);
    assert_in_range(look_at(f).n, 98, 102);
    write_text(&f->pstat, "Z\n");
    assert_non_null(strstr(heard(f, &f->pstat, 0.1), "*\n\n"));
    assert_int_equal(cell_of(f), CELL_OPEN);
    REPLY(f, &f->pstat, "e\n", "e!0006\n");
    pass(f, 0.2);
    REPLY(f, &f->pstat, "l\n", "l!0006\n");
    pass(f, 0.2);
    REPLY(f, &f->pstat, "r\n", "r!0006\n");
    pass(f, 0.2);
    REPLY(f, &f->pstat, "v\n", "v01.08.00\n");
    pass(f, 2);
    REPLY(f, &f->pstat, "e\ncell_off\n\n", "e\n\n");
}

static void underload_flags_every_sample(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, LONG_CA);
    heard(f, &f->pstat, 0.2);
    assert_int_equal(look_at(f).flagged, 0);
    happens(f, SIM_PSTAT_UNDERLOAD, 1.5);
    struct seen s = look_at(f);
    assert_int_equal(s.flagged, s.n);
    assert_int_equal(s.status, 4);
    pass(f, 1);
    heard(f, &f->pstat, 0.1);
    assert_int_equal(look_at(f).flagged, 0);
}

static void noise_is_thirty_times_as_large(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, LONG_CA);
    heard(f, &f->pstat, 0.2);
    struct seen quiet = look_at(f);
    happens(f, SIM_PSTAT_NOISE, 1.5);
    struct seen loud = look_at(f);
    NEAR(quiet.mean, 100e-12, 2e-12);
    NEAR(loud.mean, 100e-12, 5e-12);
    assert_true(loud.sd > 10 * quiet.sd);
    pass(f, 1);
    heard(f, &f->pstat, 0.1);
    assert_true(look_at(f).sd < 3 * quiet.sd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(slow_sends_everything_late),
        T(late_withholds_an_answer_but_no_sample),
        T(a_run_time_error_ends_the_script_and_not_the_cell),
        T(refusing_takes_no_script_but_ends_the_one_that_runs),
        T(underload_flags_every_sample),
        T(noise_is_thirty_times_as_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
