/* Dialogues with the simulated MethodSCRIPT potentiostat: commands, script checker, output, electronics,
 * timing. */
#include <time.h>

#include "rig_fixture.h"

#define QUIET_RIG DUMMY_CELL "potentiostat: {" QUIET "}\n"

static int open_rig(void **state)
{
    struct rig_fixture *f = calloc(1, sizeof *f);
    rig_open_yaml(f, QUIET_RIG);
    *state = f;
    return 0;
}

static int close_rig(void **state)
{
    rig_close_all(*state);
    free(*state);
    return 0;
}

/* --- reading packages by the documented grammar -------------------------------------------------------- */

struct field {
    char type[3];
    double v;
    int status, range; /* -1: none */
    bool integer;
};

static int read_package(const char *line, struct field *out, int max)
{
    assert_int_equal(line[0], 'P');
    int n = 0;
    for (const char *p = line + 1; *p && n < max; n++) {
        struct field *x = &out[n];
        *x = (struct field){.status = -1, .range = -1};
        memcpy(x->type, p, 2);
        char hex[8] = {0};
        memcpy(hex, p + 2, 7);
        static const char prefixes[] = "afpnum kMGTPE";
        char prefix = p[9];
        x->integer = prefix == 'i';
        if (memcmp(p + 2, "     nan", 8) == 0) {
            x->v = NAN;
        } else {
            const char *at = strchr(prefixes, prefix);
            assert_true(x->integer || at);
            double m = (double)strtol(hex, NULL, 16) - 134217728;
            int e = x->integer ? 0 : 3 * (int)(at - prefixes) - 18;
            x->v = e < 0 ? m / pow(10, -e) : m * pow(10, e);
        }
        p += 10;
        while (*p == ',') {
            char meta[4] = {0};
            size_t k = strcspn(p + 1, ",;");
            memcpy(meta, p + 2, k - 1 < 3 ? k - 1 : 3);
            *(p[1] == '1' ? &x->status : &x->range) = (int)strtol(meta, NULL, 16);
            p += 1 + k;
        }
        if (*p == ';')
            p++;
    }
    return n;
}

struct run {
    struct field row[6000][4];
    ns_t at[6000];
    int n;
    char other[4096]; /* all lines but packages */
};

/* Runs a script to its end and collects what it says. */
static struct run *run_script(struct rig_fixture *f, const char *script, double timeout)
{
    static struct run r;
    memset(&r, 0, sizeof r);
    heard(f, &f->pstat, 0);
    buf_clear(&f->pstat.in);
    write_text(&f->pstat, script);
    char line[512];
    ns_t at;
    while (next_line(f, &f->pstat, timeout, line, sizeof line, &at)) {
        if (line[0] == 'P') {
            assert_true(r.n < 6000);
            read_package(line, r.row[r.n], 4);
            r.at[r.n++] = at;
            continue;
        }
        snprintf(r.other + strlen(r.other), sizeof r.other - strlen(r.other), "%s|", line);
        if (!line[0] || strchr(line, '!'))
            break;
    }
    return &r;
}

#define HEAD                                                                                                 \
    "e\nvar p\nvar c\nvar t\nset_pgstat_chan 0\nset_pgstat_mode 3\nset_max_bandwidth 10k\n"                  \
    "set_range_minmax da -2 2\nset_range ba 1n\n"
#define PACK      "pck_start\npck_add p\npck_add c\npck_end\nendloop\n"
#define PACK_TIME "timer_get t\npck_start\npck_add p\npck_add c\npck_add t\npck_end\nendloop\n"
#define TAIL      "on_finished:\ncell_off\n\n"

/* --- idle ---------------------------------------------------------------------------------------------- */

static void identifies_itself_in_two_lines(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat, "t\n", "tnexus11100#Jan 28 2025 11:04:43\nR*\n");
    REPLY(f, &f->pstat, "i\n", "iNX25A00SIM\n");
    REPLY(f, &f->pstat, "v\n", "v01.08.00\n");
    REPLY(f, &f->pstat, "G06\n", "G00000000\n");
    REPLY(f, &f->pstat, "\n", "");
}

static void idle_refusals(void **state)
{
    struct rig_fixture *f = *state;
    static const char *const cases[][2] = {
        {"Z\n", "Z!0006\n"},     {"Y\n", "Y!0006\n"}, {"h\n", "h!0006\n"}, {"H\n", "H!0006\n"},
        {"R\n", "R!0006\n"},     {"x\n", "x!0003\n"}, {"r\n", "r!000C\n"}, {"var p\n", "v!0003\n"},
        {"Lmscr\n", "L!000C\n"}, {"G\n", "G!0007\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        pass(f, 0.06);
        REPLY(f, &f->pstat, cases[i][0], cases[i][1]);
    }
}

static void input_after_a_refusal_is_lost_for_a_while(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat, "Z\nt\n", "Z!0006\n");
    pass(f, 0.01);
    heard(f, &f->pstat, 0);
    write_text(&f->pstat, "Z\n");
    assert_string_equal(heard(f, &f->pstat, 0.03), "Z!0006\n");
    REPLY(f, &f->pstat, "v\n", "");
    REPLY(f, &f->pstat, "v\n", "v01.08.00\n");
}

static void loads_and_runs(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat, "l\nsend_string \"hello # you\"\n\n", "l\n");
    REPLY(f, &f->pstat, "r\n", "r\nThello # you\n\n");
    REPLY(f, &f->pstat, "r\n", "r\nThello # you\n\n");
    REPLY(f, &f->pstat, "e\n\n", "e\n\n");
    REPLY(f, &f->pstat, "l\nbad\n", "l!4001: Line 1, Col 1\n");
    pass(f, 0.2);
    REPLY(f, &f->pstat, "r\n", "r!000C\n");
}

/* --- checker ------------------------------------------------------------------------------------------- */

static void checker_names_line_and_column(void **state)
{
    struct rig_fixture *f = *state;
    static const char *const cases[][2] = {
        {"foo", "4001: Line 1, Col 1"},
        {"var p\n  bar 1", "4001: Line 2, Col 3"},
        {"# only a comment\nvar p # and one behind\nbar", "4001: Line 3, Col 1"},
        {"abs_var p", "4001: Line 1, Col 1"},
        {"on_finished", "4001: Line 1, Col 1"},
        {"set_e x", "420B: Line 1, Col 7"},
        {"var p\nvar p", "4026: Line 2, Col 5"},
        {"var P", "4004: Line 1, Col 5"},
        {"pck_start\npck_add q", "420B: Line 2, Col 9"},
        {"set_e", "4007: Line 1, Col 6"},
        {"set_e 1 2", "420A: Line 1, Col 9"},
        {"set_e 0.5", "4004: Line 1, Col 8"},
        {"set_e 500q", "4004: Line 1, Col 10"},
        {"set_e 5000000000", "4005: Line 1, Col 7"},
        {"set_e 11", "4205: Line 1, Col 7"},
        {"set_e -10001m", "4205: Line 1, Col 7"},
        {"set_i 2", "4205: Line 1, Col 7"},
        {"set_pgstat_chan 1", "4205: Line 1, Col 17"},
        {"set_pgstat_mode 4", "001B: Line 1, Col 17"},
        {"set_pgstat_mode 9", "4205: Line 1, Col 17"},
        {"set_max_bandwidth 0", "4204: Line 1, Col 19"},
        {"set_range_minmax da 1 -1", "0007: Line 1, Col 23"},
        {"set_range_minmax ba 0 1", "0007: Line 1, Col 18"},
        {"set_range da 1", "0007: Line 1, Col 11"},
        {"set_range zz 1", "0002: Line 1, Col 11"},
        {"set_range ba 2", "4205: Line 1, Col 14"},
        {"set_range ba -1n", "4204: Line 1, Col 14"},
        {"set_autoranging ba 1u 1n", "0007: Line 1, Col 23"},
        {"var p\nstore_var p 1 xx", "0002: Line 2, Col 15"},
        {"var p\nstore_var p", "4007: Line 2, Col 12"},
        {"store_var 3 1 ja", "4200: Line 1, Col 11"},
        {"array a", "4007: Line 1, Col 8"},
        {"array a 5", "4200: Line 1, Col 9"},
        {"array a 0i", "4204: Line 1, Col 9"},
        {"array a 20001i", "4205: Line 1, Col 9"},
        {"var a\narray a 5i", "4026: Line 2, Col 7"},
        {"array a 5i\nset_e a", "4200: Line 2, Col 7"},
        {"var a\narray_set a 0i 1", "4200: Line 2, Col 11"},
        {"var p\nvar c\nmeas_loop_ca p c 0 10m 1\nmeas_loop_ca p c 0 10m 1", "400B: Line 4, Col 1"},
        {"var p\nvar c\nmeas_loop_ca p c 0 10m", "4007: Line 3, Col 23"},
        {"var p\nvar c\nmeas_loop_ca p c 0 0 1", "4204: Line 3, Col 20"},
        {"var p\nvar c\nmeas_loop_ca p c 0 1u 1", "4205: Line 3, Col 20"},
        {"var p\nvar c\nmeas_loop_lsv p c 0 1 10u 1", "001C: Line 3, Col 23"},
        {"var p\nvar c\nmeas_loop_lsv p c 0 1 -10m 1", "4204: Line 3, Col 23"},
        {"var p\nvar c\nmeas_loop_cv p c 0 1 11 10m 1", "4205: Line 3, Col 22"},
        {"var p\nvar c\nmeas_loop_cv p c 0 1 -1 10m 1 nscans(0)", "4204: Line 3, Col 31"},
        {"var p\nvar c\nmeas_loop_cv p c 0 1 -1 10m 1 nscan(2)", "4008: Line 3, Col 31"},
        {"var p\nvar c\nmeas_loop_ca p c 0 10m 1 nscans(2)", "4008: Line 3, Col 26"},
        {"pck_end", "401B: Line 1, Col 1"},
        {"var p\npck_add p", "401B: Line 2, Col 1"},
        {"pck_start\npck_start", "401B: Line 2, Col 1"},
        {"var p\nvar c\nmeas_loop_ca p c 0 10m 1\npck_start\nendloop", "401B: Line 5, Col 1"},
        {"var p\nvar c\nmeas_loop_ca p c 0 10m 1\n", "4018: Line 3, Col 1"},
        {"var p\nif p > 1\n", "4018: Line 2, Col 1"},
        {"endloop", "4018: Line 1, Col 1"},
        {"else", "4018: Line 1, Col 1"},
        {"breakloop", "4018: Line 1, Col 1"},
        {"var p\nif p => 1", "4004: Line 2, Col 6"},
        {"var p\nif p > 1\non_finished:", "4018: Line 3, Col 1"},
        {"wait -1", "4204: Line 1, Col 6"},
        {"send_string hello", "4004: Line 1, Col 13"},
        {"send_string", "4007: Line 1, Col 12"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[300], reply[100];
        heard(f, &f->pstat, 0.15);
        snprintf(text, sizeof text, "l\n%s\n%s", cases[i][0], strstr(cases[i][1], "4018") ? "\n" : "");
        snprintf(reply, sizeof reply, "l!%s\n", cases[i][1]);
        REPLY(f, &f->pstat, text, reply);
    }
}

static void upload_errors_swallow_the_rest(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat, "e\nnonsense\nvar p\nsend_string \"x\"\n\n", "e!4001: Line 1, Col 1\n");
    REPLY(f, &f->pstat, "t\n", ""); /* 50 ms after the error */
    pass(f, 0.01);
    REPLY(f, &f->pstat, "v\n", "v01.08.00\n");
}

static void lines_and_scripts_have_a_longest_size(void **state)
{
    struct rig_fixture *f = *state;
    char text[400];
    memset(text, 'a', sizeof text);
    memcpy(text, "l\n#", 3);
    strcpy(text + 2 + 255, "\n\n");
    REPLY(f, &f->pstat, text, "l\n");
    strcpy(text + 2 + 256, "\n\n");
    memset(text + 2 + 255, 'a', 1);
    REPLY(f, &f->pstat, text, "l!0008: Line 1, Col 256\n");
    pass(f, 0.2);
    struct buf big = {0};
    buf_str(&big, "l\n");
    for (int i = 0; i < 2000; i++)
        buf_str(&big, "wait 1m\n");
    buf_str(&big, "wait 1m\nwait 1m\n");
    for (int i = 0; i < 100; i++)
        buf_str(&big, "wait 1m\n");
    write_text(&f->pstat, big.p);
    assert_string_equal(heard(f, &f->pstat, 0.4), "l!000E: Line 2049, Col 1\n");
    buf_free(&big);
}

/* --- control flow -------------------------------------------------------------------------------------- */

static void branches_and_loops(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat,
          "e\nvar i\nvar n\nstore_var i 0i ja\nstore_var n 3i ja\n"
          "loop i < n\n"
          "if i == 0i\nsend_string \"zero\"\nelseif i == 1i\nsend_string \"one\"\nelse\nsend_string "
          "\"more\"\nendif\n"
          "add_var i 1i\nendloop\n"
          "pck_start\npck_add i\npck_end\n\n",
          "e\nL\nTzero\nTone\nTmore\n+\nPja8000003i\n\n");
    REPLY(
        f, &f->pstat,
        "e\nvar i\nstore_var i 0i ja\nloop i < 10i\nadd_var i 1i\nif i >= 2i\nbreakloop\nendif\nendloop\n"
        "pck_start\npck_add i\npck_end\nabort\nsend_string \"never\"\non_finished:\nsend_string \"done\"\n\n",
        "e\nL\n+\nPja8000002i\nTdone\n\n");
}

static void comparisons(void **state)
{
    struct rig_fixture *f = *state;
    static const struct {
        const char *condition;
        bool holds;
    } cases[] = {{"a < 2", true},   {"a < 1", false},      {"a > 500m", true},
                 {"a <= 1", true},  {"a >= 1001m", false}, {"a == 1000m", true},
                 {"a != 1", false}, {"a != b", true},      {"1 > b", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[200];
        snprintf(
            text, sizeof text,
            "e\nvar a\nvar b\nstore_var a 1 ja\nstore_var b -1 ja\nif %s\nsend_string \"yes\"\nendif\n\n",
            cases[i].condition);
        REPLY(f, &f->pstat, text, cases[i].holds ? "e\nTyes\n\n" : "e\n\n");
    }
}

static void arithmetic_and_number_format(void **state)
{
    struct rig_fixture *f = *state;
    /* The documented examples of the encoding: 10m is 800000Am, zero has a blank for its prefix. */
    REPLY(
        f, &f->pstat,
        "e\nvar a\nvar b\nstore_var a 10m ja\nstore_var b 0 ba\npck_start\npck_add a\npck_add b\npck_end\n\n",
        "e\nPja800000Am;ba8000000 \n\n");
    struct run *r =
        run_script(f,
                   "e\nvar a\nvar b\nvar x\nstore_var a 6 ja\nstore_var b -1500m ja\ncopy_var a x\n"
                   "add_var x b\nmul_var x 2\nsub_var x 1\ndiv_var x b\n"
                   "pck_start\npck_add x\npck_add b\npck_end\n\n",
                   1);
    NEAR(r->row[0][0].v, -8.0 / 1.5, 1e-6);
    NEAR(r->row[0][1].v, -1.5, 0);
    REPLY(f, &f->pstat, "e\nvar a\nstore_var a 7i ja\ndiv_var a 2i\npck_start\npck_add a\npck_end\n\n",
          "e\nPja8000003i\n\n");
    REPLY(f, &f->pstat, "e\nvar a\nstore_var a 7 ja\ndiv_var a 0\n\n", "e\n!0028: Line 3\n");
}

static void arrays_keep_values_with_their_types(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat,
          "e\narray a 3i\narray b 2i\nvar i\nvar x\nstore_var i 0i ja\nstore_var x 10m ba\n"
          "loop i < 3i\narray_set a i x\nadd_var i 1i\nadd_var x 1\nendloop\narray_set b 1i i\n"
          "array_get a 0i x\npck_start\npck_add x\npck_end\n"
          "array_get b 1i x\npck_start\npck_add x\npck_end\n\n",
          "e\nL\n+\nPba800000Am\nPja8000003i\n\n");
    REPLY(f, &f->pstat, "e\narray a 3i\nvar x\narray_get a 3i x\n\n", "e\n!4205: Line 3\n");
    REPLY(f, &f->pstat, "e\narray a 3i\nvar x\narray_get a -1i x\n\n", "e\n!4205: Line 3\n");
    REPLY(f, &f->pstat, "e\narray a 3i\nvar x\narray_get a 1 x\n\n", "e\n!4200: Line 3\n");
}

static void endless_loops_do_not_hang_the_device(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat, "e\nvar a\nstore_var a 0i ja\nloop a < 1i\nstore_var a 0i ja\nendloop\n\n", "e\nL\n");
    REPLY(f, &f->pstat, "Z\n", "Z\n\n");
}

/* --- run-time errors ----------------------------------------------------------------------------------- */

static void run_time_errors(void **state)
{
    struct rig_fixture *f = *state;
    static const char *const cases[][2] = {
        {"cell_on", "!0021: Line 1"}, /* mode 0 after power up */
        {"set_pgstat_mode 3\nvar p\nvar c\nmeas_loop_ca p c 0 10m 1\nendloop", "!4027: Line 4"},
        {"var p\nvar c\nmeas_loop_cp p c 1n 10m 1\nendloop", "!0021: Line 3"},
        {"set_range_minmax da -1 1\nset_e 1500m", "!000F: Line 2"},
        {"var x\nstore_var x 20 ja\nset_e x", "!4205: Line 3, Col 7"},
        {"var x\nstore_var x -1 ja\nwait x", "!4204: Line 3, Col 6"},
        {"set_pgstat_mode 6\nvar p\nvar c\ncell_on\nmeas_loop_ca p c 0 10m 1\nendloop", "!0021: Line 5"},
        {"set_e 0", "!0023: Line 1"}, /* the cell is still on from the case before, as galvanostat */
        {"set_pgstat_mode 3", "!4028: Line 1"},
        {"var p\nmeas_loop_ocp p 10m 1\nendloop", "!0014: Line 2"},
        {"cell_off\nset_pgstat_mode 2\ncell_on\nset_i 1n", "!0023: Line 4"},
        {"set_range_minmax da -1 1\nvar p\nvar c\nmeas_loop_cv p c 0 1200m 0 10m 1\nendloop",
         "!000F: Line 4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[300], reply[100];
        snprintf(text, sizeof text, "e\n%s\non_finished:\nsend_string \"never\"\n\n", cases[i][0]);
        snprintf(reply, sizeof reply, "e\n%s\n", cases[i][1]);
        REPLY(f, &f->pstat, text, reply);
    }
}

static void an_empty_line_may_follow_an_error(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, DUMMY_CELL "potentiostat: {error-empty-line: yes}\n");
    REPLY(&f, &f.pstat, "e\ncell_on\n\n", "e\n!0021: Line 1\n\n");
    rig_close_all(&f);
}

static void a_run_time_error_leaves_the_cell_on(void **state)
{
    struct rig_fixture *f = *state;
    REPLY(f, &f->pstat, HEAD "set_e 100m\ncell_on\nset_i 1n\n" TAIL, "e\n!0023: Line 11\n");
    struct run *r = run_script(f, "e\nvar p\nvar c\nmeas_loop_ca p c 100m 10m 20m\n" PACK "cell_off\n\n", 1);
    assert_int_equal(r->n, 2);
    NEAR(r->row[1][1].v, 1e-10, 1e-13);
}

/* --- while running ------------------------------------------------------------------------------------- */

static void z_closes_the_loop_and_runs_on_finished(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, HEAD "cell_on\nmeas_loop_ca p c 0 20m 100\nendloop\nsend_string \"not me\"\n"
                               "on_finished:\nsend_string \"off\"\ncell_off\n\n");
    assert_string_equal(heard(f, &f->pstat, 0.1), "e\nM0007\n");
    REPLY(f, &f->pstat, "Z\n", "Z\n*\nToff\n\n");
    pass(f, 0.1);
    REPLY(f, &f->pstat, "Z\n", "Z!0006\n");
}

static void z_ends_a_wait(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, "e\nwait 1000\nsend_string \"not me\"\n\n");
    assert_string_equal(heard(f, &f->pstat, 0.1), "e\n");
    REPLY(f, &f->pstat, "Z\n", "Z\n\n");
}

static void y_leaves_only_the_loop(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, HEAD "cell_on\nmeas_loop_ca p c 0 20m 100\nendloop\nsend_string \"on\"\nwait 20m\n"
                               "meas_loop_ca p c 0 10m 20m\nendloop\n" TAIL);
    assert_string_equal(heard(f, &f->pstat, 0.1), "e\nM0007\n");
    REPLY(f, &f->pstat, "Y\n", "Y\n*\nTon\nM0007\n*\n\n");
    write_text(&f->pstat, "e\nwait 100m\n\n");
    assert_string_equal(heard(f, &f->pstat, 0.01), "e\n");
    REPLY(f, &f->pstat, "Y\n", "Y\n"); /* no loop: nothing to end */
}

static void idle_commands_are_refused_while_running(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, "e\nwait 10\n\n");
    assert_string_equal(heard(f, &f->pstat, 0.05), "e\n");
    REPLY(f, &f->pstat, "t\n", "t!0006\n");
    REPLY(f, &f->pstat, "e\n", "e!0006\n");
    REPLY(f, &f->pstat, "var c\n", "v!0006\n");
    REPLY(f, &f->pstat, "x\n", "x!0003\n");
    REPLY(f, &f->pstat, "H\n", "H!0006\n");
    REPLY(f, &f->pstat, "\n", "");
    REPLY(f, &f->pstat, "Z\n", "Z\n\n");
}

static void halt_and_resume(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat,
               HEAD "set_e 100m\ncell_on\ntimer_start\nmeas_loop_ca p c 100m 10m 100m\n" PACK_TIME TAIL);
    pass(f, 0.045);
    write_text(&f->pstat, "h\n");
    heard(f, &f->pstat, 0.01);
    assert_string_equal(heard(f, &f->pstat, 0.5), "");
    REPLY(f, &f->pstat, "h\n", "h!0006\n");
    write_text(&f->pstat, "H\n");
    const char *rest = heard(f, &f->pstat, 0.5);
    assert_memory_equal(rest, "H\nP", 3);
    assert_string_equal(rest + strlen(rest) - 3, "*\n\n");
    /* The cell stayed on: 100 mV over 1 Gohm just after the pause too. */
    struct field x[4];
    char line[100];
    snprintf(line, sizeof line, "%.*s", (int)strcspn(rest + 2, "\n"), rest + 2);
    read_package(line, x, 4);
    NEAR(x[1].v, 1e-10, 1e-12);
}

/* --- techniques ---------------------------------------------------------------------------------------- */

static void samples_fall_on_an_absolute_grid(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r = run_script(
        f, HEAD "set_e 100m\ncell_on\ntimer_start\nmeas_loop_ca p c 100m 1m 2\n" PACK_TIME TAIL, 3);
    assert_string_equal(r->other, "e|M0007|*||");
    assert_int_equal(r->n, 2000);
    for (int i = 0; i < r->n; i++) {
        NEAR(r->row[i][2].v, 1e-3 * (i + 1), 1e-6);
        assert_string_equal(r->row[i][0].type, "da");
        assert_string_equal(r->row[i][1].type, "ba");
        assert_string_equal(r->row[i][2].type, "eb");
        assert_int_equal(r->row[i][0].status, -1);
        assert_int_equal(r->row[i][1].status, 0);
        assert_int_equal(r->row[i][1].range, 0);
        /* The line delays a package by its length, always alike. */
        if (i)
            assert_int_equal(r->at[i] - r->at[i - 1], NS_MS);
    }
    NEAR(r->row[100][1].v, 1e-10, 2e-14);
}

static void a_slow_line_delays_samples_and_flags_timing(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, DUMMY_CELL "potentiostat: {baud: 115200, " QUIET "}\n");
    struct run *r =
        run_script(&f, HEAD "cell_on\ntimer_start\nmeas_loop_ca p c 100m 1m 300m\n" PACK_TIME TAIL, 3);
    assert_int_equal(r->n, 300);
    /* 41 bytes a line: 3.6 ms. The buffer takes some at first; then all are late. */
    assert_int_equal(r->row[0][1].status, 0);
    int flagged = 0;
    for (int i = 0; i < r->n; i++)
        flagged += r->row[i][1].status & 1;
    assert_true(flagged > 270);
    double length = r->row[299][2].v - r->row[199][2].v;
    NEAR(length, 100 * 41 * 10 / 115200.0, 0.01);
    rig_close_all(&f);
}

static void lsv_is_a_staircase(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r =
        run_script(f, HEAD "set_e -200m\ncell_on\nmeas_loop_lsv p c -200m 300m 5m 1\n" PACK TAIL, 3);
    assert_string_equal(r->other, "e|M0000|*||");
    assert_int_equal(r->n, 101);
    for (int i = 0; i <= 100; i++) {
        NEAR(r->row[i][0].v, -0.2 + 0.005 * i, 1e-9);
        if (i > 3) /* filter */
            NEAR(r->row[i][1].v, r->row[i][0].v * 1e-9, 1e-13);
    }
}

static void cv_goes_to_both_vertices_and_back(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r =
        run_script(f, HEAD "set_e 0\ncell_on\nmeas_loop_cv p c 0 500m -200m 10m 10\n" PACK TAIL, 3);
    assert_string_equal(r->other, "e|M0005|*||");
    assert_int_equal(r->n, 1 + 50 + 70 + 20);
    for (int i = 0; i < r->n; i++) {
        double e = i <= 50 ? 0.01 * i : i <= 120 ? 0.5 - 0.01 * (i - 50) : -0.2 + 0.01 * (i - 120);
        NEAR(r->row[i][0].v, e, 1e-9);
    }
}

static void cv_scans_are_marked_and_do_not_repeat_the_begin(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r =
        run_script(f, HEAD "set_e 0\ncell_on\nmeas_loop_cv p c 0 100m -100m 10m 10 nscans(3)\n" PACK TAIL, 3);
    assert_string_equal(r->other, "e|M0005|C0000|-|C0001|-|C0002|-|*||");
    assert_int_equal(r->n, 1 + 3 * 40);
    for (int i = 0; i < r->n; i++) {
        int k = i % 40;
        double e = k <= 10 ? 0.01 * k : k <= 30 ? 0.2 - 0.01 * k : -0.4 + 0.01 * k;
        NEAR(r->row[i][0].v, e, 1e-9);
    }
}

static void cv_from_a_vertex_and_with_odd_steps(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r = run_script(f, HEAD "cell_on\nmeas_loop_cv p c 100m 100m -100m 30m 10\n" PACK TAIL, 3);
    /* Vertices that are no multiple of the step away are not overshot. */
    static const double wanted[] = {0.1,   0.07,  0.04, 0.01, -0.02, -0.05, -0.08,
                                    -0.05, -0.02, 0.01, 0.04, 0.07,  0.1};
    assert_int_equal(r->n, 13);
    for (int i = 0; i < 13; i++)
        NEAR(r->row[i][0].v, wanted[i], 1e-6);
}

static void cv_y_and_r(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, HEAD "cell_on\nmeas_loop_cv p c 0 1 -1 10m 1 nscans(2)\nendloop\n" TAIL);
    assert_string_equal(heard(f, &f->pstat, 0.1), "e\nM0005\nC0000\n");
    REPLY(f, &f->pstat, "Y\n", "Y\n-\n*\n\n");
    /* Reversed after about 0.2 V on the way to 1 V: back through 0 to -1 V. */
    write_text(&f->pstat, HEAD "cell_on\nmeas_loop_cv p c 0 1 -1 10m 1\n" PACK TAIL);
    pass(f, 0.2);
    write_text(&f->pstat, "R\n");
    const char *all = heard(f, &f->pstat, 10);
    assert_non_null(strstr(all, "R\n"));
    double highest = 0, lowest = 0;
    for (const char *p = all; (p = strstr(p, "\nP")); p++) {
        struct field x[4];
        char line[100];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(p + 1, "\n"), p + 1);
        read_package(line, x, 4);
        highest = fmax(highest, x[0].v);
        lowest = fmin(lowest, x[0].v);
    }
    NEAR(highest, 0.2, 0.021);
    NEAR(lowest, -1, 1e-6);
}

static void ocp_measures_with_the_cell_off(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r = run_script(f,
                               HEAD "set_e 100m\ncell_on\nwait 100m\ncell_off\nmeas_loop_ocp p 10m 100m\n"
                                    "pck_start\npck_add p\npck_end\nendloop\n\n",
                               3);
    assert_string_equal(r->other, "e|M000B|*||");
    assert_int_equal(r->n, 10);
    assert_string_equal(r->row[0][0].type, "ab");
    assert_int_equal(r->row[0][0].status, 0);
    NEAR(r->row[9][0].v, 0, 1e-3); /* 1 Gohm and 100 aF: discharged at once */
}

static void galvanostat_holds_the_current_up_to_compliance(void **state)
{
    struct rig_fixture *f = *state;
#define CP_HEAD                                                                                              \
    "e\nvar p\nvar c\nset_i 0\nset_pgstat_chan 0\nset_pgstat_mode 6\nset_max_bandwidth 100\n"                \
    "set_range_minmax da -500m 1\nset_range ab 1\nset_range db 1n\n"
    struct run *r = run_script(f, CP_HEAD "cell_on\nmeas_loop_cp p c 200p 10m 100m\n" PACK TAIL, 3);
    assert_string_equal(r->other, "e|M000A|*||");
    assert_int_equal(r->n, 10);
    assert_string_equal(r->row[9][0].type, "ab");
    assert_string_equal(r->row[9][1].type, "db");
    NEAR(r->row[9][0].v, 0.2, 2e-4);
    NEAR(r->row[9][1].v, 2e-10, 2e-14);
    assert_int_equal(r->row[9][0].status, 0);
    r = run_script(f, CP_HEAD "cell_on\nmeas_loop_cp p c -700p 10m 100m\n" PACK TAIL, 3);
    NEAR(r->row[9][0].v, -0.5, 2e-4);
    assert_int_equal(r->row[9][0].status, 2);
    r = run_script(f, CP_HEAD "cell_on\nmeas_loop_cp p c 900p 10m 100m\n" PACK TAIL, 3);
    NEAR(r->row[9][0].v, 0.9, 2e-4);
}

static void breakloop_on_current_ends_the_loop_in_the_device(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r =
        run_script(f,
                   HEAD "cell_on\nmeas_loop_lsv p c 0 1 10m 1\npck_start\npck_add p\npck_add c\npck_end\n"
                        "if c > 500p\nbreakloop\nendif\nendloop\nsend_string \"tripped\"\n" TAIL,
                   3);
    assert_string_equal(r->other, "e|M0000|*|Ttripped||");
    assert_true(r->n >= 51 && r->n <= 53);
    assert_true(r->row[r->n - 1][1].v > 500e-12 && r->row[r->n - 2][1].v <= 500e-12);
}

/* --- electronics --------------------------------------------------------------------------------------- */

static void wiring_is_a_matter_of_signs(void **state)
{
    (void)state;
    static const struct {
        const char *wiring;
        double sign;
    } cases[] = {{"{potential: 1, current: 1}", 1},
                 {"{potential: -1, current: 1}", -1},
                 {"{potential: 1, current: -1}", -1},
                 {"{potential: -1, current: -1}", 1}};
    for (int i = 0; i < 4; i++) {
        struct rig_fixture f;
        char yaml[600];
        snprintf(yaml, sizeof yaml, DUMMY_CELL "potentiostat: {wiring: %s, " QUIET "}\n", cases[i].wiring);
        rig_open_yaml(&f, yaml);
        struct run *r = run_script(&f, HEAD "cell_on\nmeas_loop_ca p c 300m 10m 50m\n" PACK TAIL, 3);
        NEAR(r->row[4][0].v, 0.3, 1e-9);
        NEAR(r->row[4][1].v, cases[i].sign * 3e-10, 1e-13);
        r = run_script(&f, CP_HEAD "cell_on\nmeas_loop_cp p c 900p 10m 100m\n" PACK TAIL, 3);
        NEAR(r->row[9][0].v, cases[i].sign > 0 ? 0.9 : -0.5, 2e-4);
        rig_close_all(&f);
    }
}

static void the_filter_is_of_first_order(void **state)
{
    struct rig_fixture *f = *state;
    /* 10 Hz at 1 ms: each sample goes 1 - exp(-2 pi 10 1e-3) of the way. */
    struct run *r =
        run_script(f,
                   "e\nvar p\nvar c\nset_pgstat_mode 3\nset_max_bandwidth 10\nset_range ba 1n\nset_e 0\n"
                   "cell_on\nwait 1\nmeas_loop_ca p c 1 1m 200m\n" PACK TAIL,
                   3);
    for (int i = 0; i < 200; i++)
        NEAR(r->row[i][1].v, 1e-9 * (1 - exp(-2 * M_PI * 10 * 1e-3 * (i + 1))), 3e-14);
}

static void overload_is_clipped_and_flagged(void **state)
{
    struct rig_fixture *f = *state;
    static const struct {
        const char *e;
        double i;
        int status;
    } cases[] = {{"1900m", 1.9e-9, 0},
                 {"-1900m", -1.9e-9, 0},
                 {"2300m", 2.3e-9, 8},
                 {"3", 2.5e-9, 2},
                 {"-3", -2.5e-9, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "e\nvar p\nvar c\nset_pgstat_mode 3\nset_max_bandwidth 10k\nset_range_minmax da -5 "
                 "5\nset_range ba 1n\n"
                 "cell_on\nmeas_loop_ca p c %s 10m 50m\n" PACK TAIL,
                 cases[i].e);
        struct run *r = run_script(f, text, 3);
        NEAR(r->row[4][1].v, cases[i].i, 1e-12);
        assert_int_equal(r->row[4][1].status, cases[i].status);
    }
}

static void autoranging_follows_after_a_few_samples(void **state)
{
    struct rig_fixture *f = *state;
    struct run *r =
        run_script(f,
                   HEAD "set_autoranging ba 100p 10n\nset_e 10m\ncell_on\nmeas_loop_ca p c 10m 1m 20m\n" PACK
                        "meas_loop_ca p c 2 1m 20m\npck_start\npck_add p\npck_add c\npck_end\nendloop\n" TAIL,
                   3);
    assert_int_equal(r->n, 40);
    /* 10 pA on 1 nA: underload, then 100 pA (16). 2 nA on 100 pA: overload, then 1 nA (0). */
    assert_int_equal(r->row[0][1].range, 0);
    assert_int_equal(r->row[0][1].status, 4);
    assert_int_equal(r->row[2][1].range, 0);
    assert_int_equal(r->row[3][1].range, 16);
    assert_int_equal(r->row[19][1].status, 0);
    NEAR(r->row[19][1].v, 1e-11, 1e-14);
    assert_int_equal(r->row[20][1].status, 2);
    NEAR(r->row[20][1].v, 2.5e-10, 1e-14);
    assert_int_equal(r->row[23][1].range, 0);
    assert_int_equal(r->row[39][1].range, 0);
    NEAR(r->row[39][1].v, 2e-9, 1e-12);
}

static void a_change_of_range_leaves_a_transient(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, DUMMY_CELL "potentiostat: {noise: 0 A, mains: 0 A, offset: 0 A, offset-drift: 0 A, "
                                 "potential-error: 0 V, transient: 0.1}\n");
    struct run *r = run_script(
        &f, HEAD "set_autoranging ba 100p 1n\nset_e 10m\ncell_on\nmeas_loop_ca p c 10m 1m 20m\n" PACK TAIL,
        3);
    assert_int_equal(r->row[3][1].range, 16);
    NEAR(r->row[3][1].v, 2e-11, 1e-13);
    NEAR(r->row[4][1].v, 1.4e-11, 1e-13);
    NEAR(r->row[15][1].v, 1e-11, 1e-14);
    rig_close_all(&f);
}

static double rms_of(const struct run *r, double *mean)
{
    double sum = 0, squares = 0;
    for (int i = 0; i < r->n; i++)
        sum += r->row[i][1].v;
    *mean = sum / r->n;
    for (int i = 0; i < r->n; i++)
        squares += (r->row[i][1].v - *mean) * (r->row[i][1].v - *mean);
    return sqrt(squares / r->n);
}

#define NOISE_SCRIPT(range)                                                                                  \
    "e\nvar p\nvar c\nset_pgstat_mode 3\nset_max_bandwidth 400\nset_range ba " range "\nset_e 0\ncell_on\n"  \
    "meas_loop_ca p c 0 1m 5\n" PACK TAIL

static void noise_has_the_promised_size(void **state)
{
    (void)state;
    struct rig_fixture f;
    double mean, rms;
    rig_open_yaml(&f, "seed: 7\npotentiostat: {mains: 0 A, potential-error: 0 V, transient: 0}\n");
    rms = rms_of(run_script(&f, NOISE_SCRIPT("100p"), 9), &mean);
    NEAR(rms, 1e-13, 1e-14);
    NEAR(mean, 2e-14, 2e-14); /* offset and its drift */
    rms = rms_of(run_script(&f, NOISE_SCRIPT("10n"), 9), &mean);
    NEAR(rms, 1e-12, 1e-13);
    rig_close_all(&f);
}

static void mains_averages_out_over_its_period(void **state)
{
    (void)state;
    struct rig_fixture f;
    double mean;
    rig_open_yaml(
        &f,
        "potentiostat: {noise: 0 A, offset: 0 A, offset-drift: 0 A, potential-error: 0 V, mains: 1 pA}\n");
    struct run *r = run_script(&f, NOISE_SCRIPT("100p"), 9);
    NEAR(rms_of(r, &mean), 1e-12 / sqrt(2), 3e-14);
    NEAR(mean, 0, 1e-14);
    rig_close_all(&f);
}

static void noise_is_the_same_for_the_same_seed(void **state)
{
    (void)state;
    double first[3];
    static const char *const seeds[] = {"seed: 1", "seed: 1", "seed: 2"};
    for (int i = 0; i < 3; i++) {
        struct rig_fixture f;
        rig_open_yaml(&f, seeds[i]);
        first[i] = run_script(&f, NOISE_SCRIPT("100p"), 9)->row[1000][1].v;
        rig_close_all(&f);
    }
    assert_true(first[0] == first[1] && first[0] != first[2]);
}

static void a_ramp_in_air_charges_the_stray_capacitance(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, "probe: {stray: 1 pF, stray-gain: 0, leak: 1e17 ohm}\npotentiostat: {" QUIET "}\n");
    struct run *r = run_script(&f, HEAD "set_e 0\ncell_on\nmeas_loop_lsv p c 0 100m 1m 1\n" PACK TAIL, 3);
    NEAR(r->row[50][1].v, 1e-12, 2e-14); /* 1 pF x 1 V/s; 1 nA range: 19 fA steps */
    rig_close_all(&f);
}

/* --- faults -------------------------------------------------------------------------------------------- */

#define LONG_CA HEAD "set_e 100m\ncell_on\nmeas_loop_ca p c 100m 10m 10\n" PACK TAIL

static void silent_device_sends_nothing(void **state)
{
    struct rig_fixture *f = *state;
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, SIM_PSTAT_SILENT, now, now + NS_S);
    REPLY(f, &f->pstat, "t\n", "");
    pass(f, 1);
    REPLY(f, &f->pstat, "v\n", "v01.08.00\n");
}

static void reset_forgets_script_and_cell(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat, LONG_CA);
    pass(f, 0.5);
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, SIM_PSTAT_RESET, now, now + 200 * NS_MS);
    heard(f, &f->pstat, 0.02);
    assert_string_equal(heard(f, &f->pstat, 0.1), "");
    REPLY(f, &f->pstat, "t\n", "");
    assert_string_equal(heard(f, &f->pstat, 0.1), "\x11"); /* powered up: it hears again */
    REPLY(f, &f->pstat, "r\n", "r!000C\n");
    pass(f, 0.1);
    REPLY(f, &f->pstat, "e\ncell_on\n\n", "e\n!0021: Line 1\n"); /* mode 0 */
}

static void overload_fault_flags_every_sample(void **state)
{
    struct rig_fixture *f = *state;
    ns_t now = loop_now(f->loop);
    sim_rig_fault(f->rig, SIM_PSTAT_OVERLOAD, now + 100 * NS_MS, now + 200 * NS_MS);
    struct run *r = run_script(f, LONG_CA, 3);
    assert_int_equal(r->row[3][1].status, 0);
    assert_int_equal(r->row[12][1].status, 2);
    NEAR(r->row[12][1].v, 2.5e-9, 1e-12);
    assert_int_equal(r->row[40][1].status, 0);
}

static void garbled_lines_differ_but_end(void **state)
{
    struct rig_fixture *f = *state;
    ns_t now = loop_now(f->loop);
    write_text(&f->pstat, LONG_CA);
    pass(f, 0.2);
    sim_rig_fault(f->rig, SIM_PSTAT_GARBLED, now, now + NS_S);
    heard(f, &f->pstat, 0.01);
    char line[2][100];
    ns_t at;
    buf_clear(&f->pstat.in);
    for (int i = 0; i < 10; i++) {
        assert_true(next_line(f, &f->pstat, 1, line[0], sizeof line[0], &at));
        if (i > 1 && strcmp(line[0], line[1]) != 0)
            return;
        strcpy(line[1], line[0]);
    }
    fail_msg("ten equal lines");
}

/* --- world --------------------------------------------------------------------------------------------- */

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void cost_of_a_sample(void **state)
{
    struct rig_fixture *f = *state;
    write_text(&f->pstat,
               HEAD "set_autoranging ba 100p 1n\ncell_on\ntimer_start\nmeas_loop_ca p c 100m 1m 100000\n"
                    "timer_get t\npck_start\npck_add p\npck_add c\npck_add t\npck_end\nendloop\n" TAIL);
    heard(f, &f->pstat, 0.5);
    double before = seconds();
    int lines = 0;
    for (int i = 0; i < 200; i++) {
        const char *got = heard(f, &f->pstat, 1);
        for (; (got = strchr(got, '\n')); got++)
            lines++;
    }
    print_message("%.0f ns/sample with world, line and reading host\n", (seconds() - before) / lines * 1e9);
    assert_in_range(lines, 199990, 200010);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)
    const struct CMUnitTest tests[] = {
        T(identifies_itself_in_two_lines),
        T(idle_refusals),
        T(input_after_a_refusal_is_lost_for_a_while),
        T(loads_and_runs),
        T(checker_names_line_and_column),
        T(upload_errors_swallow_the_rest),
        T(lines_and_scripts_have_a_longest_size),
        T(branches_and_loops),
        T(comparisons),
        T(arithmetic_and_number_format),
        T(arrays_keep_values_with_their_types),
        T(endless_loops_do_not_hang_the_device),
        T(run_time_errors),
        cmocka_unit_test(an_empty_line_may_follow_an_error),
        T(a_run_time_error_leaves_the_cell_on),
        T(z_closes_the_loop_and_runs_on_finished),
        T(z_ends_a_wait),
        T(y_leaves_only_the_loop),
        T(idle_commands_are_refused_while_running),
        T(halt_and_resume),
        T(samples_fall_on_an_absolute_grid),
        cmocka_unit_test(a_slow_line_delays_samples_and_flags_timing),
        T(lsv_is_a_staircase),
        T(cv_goes_to_both_vertices_and_back),
        T(cv_scans_are_marked_and_do_not_repeat_the_begin),
        T(cv_from_a_vertex_and_with_odd_steps),
        T(cv_y_and_r),
        T(ocp_measures_with_the_cell_off),
        T(galvanostat_holds_the_current_up_to_compliance),
        T(breakloop_on_current_ends_the_loop_in_the_device),
        cmocka_unit_test(wiring_is_a_matter_of_signs),
        T(the_filter_is_of_first_order),
        T(overload_is_clipped_and_flagged),
        T(autoranging_follows_after_a_few_samples),
        cmocka_unit_test(a_change_of_range_leaves_a_transient),
        cmocka_unit_test(noise_has_the_promised_size),
        cmocka_unit_test(mains_averages_out_over_its_period),
        cmocka_unit_test(noise_is_the_same_for_the_same_seed),
        cmocka_unit_test(a_ramp_in_air_charges_the_stray_capacitance),
        T(silent_device_sends_nothing),
        T(reset_forgets_script_and_cell),
        T(overload_fault_flags_every_sample),
        T(garbled_lines_differ_but_end),
        T(cost_of_a_sample),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
