/* The simulated rig as a whole: configuration, both devices on one world, faults by time. */
#include <sys/stat.h>
#include <unistd.h>

#include "rig_fixture.h"

#include "base/rng.h"

/* --- configuration ------------------------------------------------------------------------------------- */

static void an_empty_map_is_a_whole_bench(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, "{}");
    assert_int_equal(sim_rig_baud(f.rig, "stage"), 115200);
    assert_int_equal(sim_rig_baud(f.rig, "potentiostat"), 921600);
    heard(&f, &f.stage, 0);
    write_text(&f.stage, "SAI?\nTMX? 3\n");
    assert_string_equal(heard(&f, &f.stage, 0.05), "1 \n2 \n3\n3=6.000000000e+01\n");
    rig_close_all(&f);
}

static void check_errors(const char *yaml, const char *wanted)
{
    struct err e = ERR_INIT;
    char errors[4096];
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    assert_null(rig_from(l, "rig.yaml", yaml, errors, sizeof errors));
    if (!strstr(errors, wanted))
        fail_msg("wanted `%s` in\n%s", wanted, errors);
    loop_free(l);
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    check_errors("stage: {baud: 1, baudrate: 3}", "baudrate");
    check_errors("stage: {latency: 1 um}", "rig.yaml:1:");
    check_errors("stage: {axes: [{id: a, world: x}]}", "along z");
    check_errors("stage: {axes: [{id: a, world: x}, {id: b, world: x}]}", "two axes");
    check_errors("stage: {axes: [{id: a, world: z}, {id: a, world: x}]}", "two axes are called a");
    check_errors("stage: {axes: [{id: a b, world: z}]}", "axis id");
    check_errors("stage: {axes: [{id: a, world: z, range: [5 um, 5 um]}]}", "range");
    check_errors("stage: {axes: [{id: a, world: z, start: 1 mm}]}", "outside");
    check_errors("stage: {axes: 3}", "a list of 1 to 4 axes");
    check_errors("potentiostat: {wiring: {potential: 2}}", "rig.yaml:1:");
    check_errors("potentiostat: {potential: [1 V, 2 V]}", "about 0 V");
    check_errors("sample: no-such-file.yaml", "no-such-file.yaml");
    check_errors("probe: {colour: red}", "colour");
    check_errors("faults: [{kind: stage-silence, at: 1 s}]", "stage-silent");
    check_errors("faults: [{kind: stage-silent}]", "rig.yaml:1:10");
    check_errors("faults: [{kind: stage-silent, at: -1 s}]", "rig.yaml:1:");
    check_errors("faults: [{kind: stage-silent, at: 1 s}, {kind: stage-reset, at: 1 s, for: 2 s}]",
                 "rig.yaml:1:");
    check_errors("faults: [{kind: stage-reset, at: 1 s, for: 2 s}]", "takes no `for`");
    check_errors("faults: {kind: stage-reset}", "rig.yaml:1:");
    /* All at once. */
    check_errors("stage: {apples: 1}\nprobe: {colour: red}", "colour");
    check_errors("stage: {apples: 1}\nprobe: {colour: red}", "apples");
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void a_sample_file_lies_beside_the_rig_file(void **state)
{
    (void)state;
    char dir[] = "/tmp/seccm-sim-rig-XXXXXX", errors[4096], rig[300], path[300];
    assert_non_null(mkdtemp(dir));
    put_file(dir, "flat.yaml", "name: flat\nsurface: {roughness: 0 nm}\n");
    put_file(dir, "bad.yaml", "name: bad\nsurfaces: 3\n");
    snprintf(rig, sizeof rig, "%s/rig.yaml", dir);
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct sim_rig *r = rig_from(l, rig, "sample: flat.yaml", errors, sizeof errors);
    if (!r)
        fail_msg("%s", errors);
    sim_rig_free(r);
    assert_null(rig_from(l, rig, "sample: bad.yaml", errors, sizeof errors));
    if (!strstr(errors, "bad.yaml:2:"))
        fail_msg("no position in\n%s", errors);
    loop_free(l);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, i ? "bad.yaml" : "flat.yaml");
        unlink(path);
    }
    rmdir(dir);
}

/* --- both devices on one world ------------------------------------------------------------------------- */

#define FLAT                                                                                                 \
    "seed: 3\n"                                                                                              \
    "sample: {surface: {slope-x: 0 deg, slope-y: 0 deg, roughness: 0 nm}}\n"                                 \
    "probe: {meniscus: {spread: 0}}\n"

#define HOLD                                                                                                 \
    "e\nvar p\nvar c\nset_pgstat_mode 3\nset_max_bandwidth 400\nset_range_minmax da -4 2\nset_range ba "     \
    "100p\n"                                                                                                 \
    "set_autoranging ba 100p 100p\nset_e -700m\ncell_on\nmeas_loop_ca p c -700m 1m 1000\n"                   \
    "pck_start\npck_add p\npck_add c\npck_end\nendloop\non_finished:\ncell_off\n\n"

/* Current of a package with potential and current, A; NAN if it is none. */
static double current_of(const char *line)
{
    const char *c = strstr(line, ";ba");
    if (line[0] != 'P' || !c)
        return NAN;
    const char *prefixes = "afpnum ";
    return ((double)strtol((char[]){c[3], c[4], c[5], c[6], c[7], c[8], c[9], 0}, NULL, 16) - 134217728) *
           pow(10, 3 * (double)(strchr(prefixes, c[10]) - prefixes) - 18);
}

/* Descends at 1 um/s until the current tells of a contact; stops with the stop byte. Returns whether it did.
 */
static bool approach(struct rig_fixture *f, double threshold)
{
    char line[200];
    ns_t at;
    write_text(&f->stage, "SVO 1 1 2 1 3 1\nVEL 3 1\nMOV 3 45\n");
    ns_t end = loop_now(f->loop) + 20 * NS_S;
    while (loop_now(f->loop) < end && next_line(f, &f->pstat, 1, line, sizeof line, &at))
        if (fabs(current_of(line)) > threshold) {
            write_bytes(&f->stage, "\x18", 1);
            return true;
        }
    return false;
}

static double z_of(struct rig_fixture *f)
{
    heard(f, &f->stage, 0);
    write_text(&f->stage, "POS? 3\n");
    const char *got = heard(f, &f->stage, 0.01);
    assert_non_null(strchr(got, '='));
    return strtod(strchr(got, '=') + 1, NULL);
}

static void a_descent_ends_in_a_contact_that_the_current_shows(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, FLAT);
    struct world *w = sim_rig_world(f.rig);
    write_text(&f.pstat, HOLD);
    pass(&f, 0.1);
    heard(&f, &f.pstat, 0);
    buf_clear(&f.pstat.in);
    assert_true(approach(&f, 2e-12));
    pass(&f, 0.01);
    assert_true(world_in_contact(w));
    struct world_truth truth;
    world_truth_at(w, 100e-6, 100e-6, 0, &truth);
    double glass = z_of(&f) * 1e-6 - 50e-6; /* default mounting */
    NEAR(glass, truth.contact_z, 25e-9);    /* 1 um/s, a sample, the line, the stop, the lag of the stage */
    assert_int_equal(world_counters(w).crashes, 0);
    write_text(&f.stage, "MOV 3 60\nVEL 3 10\n");
    pass(&f, 2);
    assert_false(world_in_contact(w));
    assert_int_equal(world_counters(w).contacts, 1);
    rig_close_all(&f);
}

static void going_on_after_contact_is_a_crash(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, FLAT);
    struct world *w = sim_rig_world(f.rig);
    write_text(&f.stage, "SVO 1 1 3 1\nVEL 3 5\nMOV 3 49\n");
    pass(&f, 5);
    assert_true(world_counters(w).crashes >= 1);
    write_text(&f.stage, "MOV 1 101\n");
    pass(&f, 1);
    assert_true(world_counters(w).drags >= 1);
    rig_close_all(&f);
}

static void mounting_turns_stage_into_world_coordinates(void **state)
{
    (void)state;
    struct rig_fixture f;
    /* z upside down: 0 is retracted, at 40 - 30 = 10 um over the sample. */
    rig_open_yaml(&f, FLAT
                  "stage: {noise: 0 nm, axes: [{id: A, world: z, direction: -1, offset: 40 um, servo: yes, "
                  "range: [0 um, 60 um], start: 30 um}]}\n");
    struct world *w = sim_rig_world(f.rig);
    struct world_truth truth;
    world_truth_at(w, 0, 0, 0, &truth);
    char text[64];
    double contact = 40 - truth.contact_z * 1e6;
    snprintf(text, sizeof text, "VEL A 100\nMOV A %.6f\n", contact - 0.02);
    write_text(&f.stage, text);
    pass(&f, 1);
    assert_false(world_in_contact(w));
    snprintf(text, sizeof text, "MOV A %.6f\n", contact + 0.02);
    write_text(&f.stage, text);
    pass(&f, 1);
    assert_true(world_in_contact(w));
    rig_close_all(&f);
}

static void what_nobody_records_is_counted(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, FLAT);
    struct world *w = sim_rig_world(f.rig);
    write_text(&f.pstat, HOLD);
    pass(&f, 0.1);
    heard(&f, &f.pstat, 0);
    buf_clear(&f.pstat.in);
    assert_true(approach(&f, 2e-12));
    pass(&f, 3);
    assert_int_equal(world_counters(w).cell_left_on, 0); /* the loop records */
    write_text(&f.pstat, "h\n");                         /* halted, and the cell stays on */
    pass(&f, 3);
    write_text(&f.pstat, "H\n");
    pass(&f, 1);
    assert_in_range(world_counters(w).cell_left_on, 2, 3);
    uint64_t left_on = world_counters(w).cell_left_on;
    pass(&f, 3);
    assert_int_equal(world_counters(w).cell_left_on, left_on);
    write_text(&f.pstat, "Z\n"); /* on_finished: cell_off, so open circuit and unrecorded */
    pass(&f, 3);
    write_text(&f.stage, "MOV 3 60\n"); /* something has to let the world's time pass */
    pass(&f, 0.1);
    assert_true(world_counters(w).open_circuit >= 1);
    rig_close_all(&f);
}

static void equal_seeds_give_equal_bytes(void **state)
{
    (void)state;
    char *first = NULL;
    for (int i = 0; i < 2; i++) {
        struct rig_fixture f;
        rig_open_yaml(&f, FLAT);
        write_text(&f.pstat, HOLD);
        write_text(&f.stage, "SVO 3 1\nVEL 3 1\nMOV 3 50.05\n");
        pass(&f, 12);
        const char *all = heard(&f, &f.pstat, 0.5);
        if (first)
            assert_string_equal(all, first);
        else
            first = strdup(all);
        rig_close_all(&f);
    }
    assert_true(strlen(first) > 100000);
    free(first);
}

/* An interrupted and resumed run must meet the same noise at a site as an uninterrupted one. */
static void noise_belongs_to_the_place_and_not_to_what_came_before(void **state)
{
    (void)state;
    char *first = NULL;
    for (int i = 0; i < 2; i++) {
        struct rig_fixture f;
        rig_open_yaml(&f, "potentiostat: {offset-drift: 0 A}");
        write_text(&f.stage, "SVO 1 1 2 1\n");
        for (int before = 0; before < 1 + 2 * i; before++) {
            write_text(&f.stage, before ? "MOV 1 90 2 80\n" : "MOV 2 99\n");
            write_text(&f.pstat, HOLD);
            pass(&f, 2.0123 + 0.1 * i);
            write_text(&f.pstat, "Z\n");
            pass(&f, 1);
        }
        write_text(&f.stage, "MOV 1 95 2 105\n");
        pass(&f, 3);
        heard(&f, &f.pstat, 0);
        write_text(&f.pstat, HOLD);
        const char *all = heard(&f, &f.pstat, 1);
        if (!first)
            first = strdup(all);
        size_t same = 0;
        while (all[same] && all[same] == first[same])
            same++;
        if (all[same] != first[same])
            fail_msg("differs at byte %zu:\n%.100s\n%.100s", same, all + same, first + same);
        rig_close_all(&f);
    }
    assert_true(strlen(first) > 20000);
    free(first);
}

/* Nonsense of all kinds, most of it made of words that exist. */
static void nonsense_is_survived(void **state)
{
    (void)state;
    static const char *const words[] = {
        "e\n",
        "l\n",
        "\n",
        "Z\n",
        "Y\n",
        "h\n",
        "H\n",
        "R\n",
        "var ",
        "p",
        "c",
        " ",
        "\n",
        "meas_loop_cv p c 0 1 -1 10m 1 nscans(2)\n",
        "nscans(",
        "endloop\n",
        "if p < ",
        "else\n",
        "endif\n",
        "breakloop\n",
        "pck_start\n",
        "pck_add p\n",
        "pck_end\n",
        "set_e ",
        "500m",
        "-3",
        "\x18",
        "\x05",
        "MOV 1 ",
        "POS?\n",
        "1=",
        "\"",
        "#",
        "send_string",
        "on_finished:\n",
        "cell_on\n",
        "0x",
        "(",
        "var p\n",
        "var c\n",
        "wait 1m\n",
        "set_pgstat_mode 3\n",
        "\xff",
        "ATZ 1 NaN\n",
        "HLT\n",
        "SVO 1 1\n",
    };
    struct rng rng = rng_stream(1, "test.nonsense");
    struct rig_fixture f;
    rig_open_yaml(&f, "{}");
    for (uint64_t i = 0; i < 20000; i++) {
        const char *w = words[rng_below(rng, sizeof words / sizeof words[0], i, 0)];
        write_text(i % 3 ? &f.pstat : &f.stage, w);
        if (i % 40 == 0)
            pass(&f, 0.15);
    }
    pass(&f, 30);
    write_text(&f.pstat, "\n\nZ\n");
    write_text(&f.stage, "\n\x18");
    pass(&f, 2);
    write_text(&f.stage, "ERR?\n");
    pass(&f, 0.5);
    REPLY(&f, &f.stage, "CSV?\n", "2.0\n");
    REPLY(&f, &f.pstat, "v\n", "v01.08.00\n");
    rig_close_all(&f);
}

static void faults_begin_and_end_in_time(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, "{}");
    sim_rig_fault(f.rig, SIM_STAGE_SILENT, NS_S, 2 * NS_S);
    sim_rig_fault(f.rig, SIM_PSTAT_SILENT, NS_S, NS_NEVER);
    static const struct {
        double t;
        bool stage, pstat;
    } cases[] = {{0.5, true, true}, {1.5, false, false}, {2.5, true, false}, {3.5, true, false}};
    for (int i = 0; i < 4; i++) {
        loop_sleep_until(f.loop, ns_from_s(cases[i].t));
        heard(&f, &f.stage, 0);
        heard(&f, &f.pstat, 0);
        write_text(&f.stage, "CSV?\n");
        write_text(&f.pstat, "v\n");
        assert_string_equal(heard(&f, &f.stage, 0.1), cases[i].stage ? "2.0\n" : "");
        assert_string_equal(heard(&f, &f.pstat, 0), cases[i].pstat ? "v01.08.00\n" : "");
    }
    rig_close_all(&f);
}

static void the_rig_file_plans_faults(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, "faults:\n  - {kind: stage-silent, at: 1 s, for: 1 s}\n"
                      "  - {kind: potentiostat-silent, at: 3 s}\n  - {kind: stage-error, at: 4 s}\n");
    const char *idle = "*IDN?\n", *version = "v\n";
    static const struct {
        double from;
        bool stage, pstat;
    } parts[] = {{0.5, true, true}, {1.5, false, true}, {2.5, true, true}, {3.5, true, false}};
    for (size_t k = 0; k < sizeof parts / sizeof parts[0]; k++) {
        pass(&f, parts[k].from - ns_to_s(loop_now(f.loop)));
        write_text(&f.stage, idle);
        assert_int_equal(*heard(&f, &f.stage, 0.05) != 0, parts[k].stage);
        write_text(&f.pstat, version);
        assert_int_equal(*heard(&f, &f.pstat, 0.05) != 0, parts[k].pstat);
    }
    REPLY(&f, &f.stage, "ERR?\n", "0\n");
    pass(&f, 1);
    REPLY(&f, &f.stage, "ERR?\n", "603\n");
    rig_close_all(&f);
}

/* A run that goes on behind the instants that were planned: what lasts is there, what happened is over. */
static void a_later_loop_meets_only_what_lasts(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    char errors[1000];
    loop_begin_at(l, 10 * NS_S);
    struct rig_fixture f = {.loop = l};
    f.rig = rig_from(l, "rig.yaml",
                     "faults: [{kind: stage-error, at: 4 s}, {kind: stage-silent, at: 1 s, for: 2 s}, "
                     "{kind: potentiostat-silent, at: 3 s}]",
                     errors, sizeof errors);
    assert_non_null(f.rig);
    port_open(&f, &f.stage, "stage");
    port_open(&f, &f.pstat, "potentiostat");
    pass(&f, 0.1);
    REPLY(&f, &f.stage, "ERR?\n", "0\n");
    REPLY(&f, &f.pstat, "v\n", "");
    rig_close_all(&f);
}

static void a_new_line_replaces_the_old_one(void **state)
{
    (void)state;
    struct rig_fixture f;
    rig_open_yaml(&f, "{}");
    write_text(&f.stage, "MOV 1"); /* half a line, then the cable is replugged */
    pass(&f, 0.1);
    link_close(f.stage.link);
    port_open(&f, &f.stage, "stage");
    heard(&f, &f.stage, 0);
    write_text(&f.stage, "ERR?\n");
    assert_string_equal(heard(&f, &f.stage, 0.1), "0\n");
    rig_close_all(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_map_is_a_whole_bench),
        cmocka_unit_test(mistakes_are_named_with_their_place),
        cmocka_unit_test(a_sample_file_lies_beside_the_rig_file),
        cmocka_unit_test(a_descent_ends_in_a_contact_that_the_current_shows),
        cmocka_unit_test(going_on_after_contact_is_a_crash),
        cmocka_unit_test(mounting_turns_stage_into_world_coordinates),
        cmocka_unit_test(what_nobody_records_is_counted),
        cmocka_unit_test(noise_belongs_to_the_place_and_not_to_what_came_before),
        cmocka_unit_test(nonsense_is_survived),
        cmocka_unit_test(equal_seeds_give_equal_bytes),
        cmocka_unit_test(faults_begin_and_end_in_time),
        cmocka_unit_test(the_rig_file_plans_faults),
        cmocka_unit_test(a_later_loop_meets_only_what_lasts),
        cmocka_unit_test(a_new_line_replaces_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
