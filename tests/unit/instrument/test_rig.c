/* The rig file, what is derived from it, opening and identifying, and the store of verified rigs. */
#include "instrument/rig.h"

#include <glob.h>
#include <math.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_device.h"

static const char good[] = "rig: 1\n"
                           "name: bench\n"
                           "stage:\n"
                           "  driver: pi-gcs\n"
                           "  link: simulated\n"
                           "  axes: {x: \"1\", y: \"2\", z: \"3\"}\n"
                           "  toward-sample: +1\n"
                           "  x: [5 um, 95 um]\n"
                           "  y: [6 um, 96 um]\n"
                           "  z: [7 um, 97 um]\n"
                           "  retracted: 7 um\n"
                           "potentiostat:\n"
                           "  driver: methodscript\n"
                           "  model: nexus\n"
                           "  link: simulated\n"
                           "wiring: {potential: -1, current: -1}\n"
                           "limits: {potential: [-4 V, 2 V], current: 10 nA}\n"
                           "air: {stray: 1 pF, noise: 0.3 pA}\n"
                           "simulate: {seed: 1}\n";

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/seccm-test-rig-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[96];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

/* Loads `good` with the first `from` replaced by `to`; the printed diagnostics go to *text. */
static struct rig_config *load(const char *from, const char *to, struct buf *text)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/rig.yaml", folder);
    const char *at = from ? strstr(good, from) : good;
    assert_non_null(at);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%.*s%s%s", (int)(at - good), good, from ? to : "", at + (from ? strlen(from) : 0));
    assert_int_equal(fclose(file), 0);
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    struct rig_config *c = rig_load(path, d, &e);
    assert_int_equal(c == NULL, diags_errors(d) > 0);
    assert_int_equal(c == NULL, e.code == ERR_INPUT);
    buf_clear(text);
    buf_str(text, "");
    diags_print(d, text);
    diags_free(d);
    return c;
}

static void refuses(const char *from, const char *to, const char *part)
{
    struct buf text = {0};
    assert_null(load(from, to, &text));
    if (!strstr(text.p, part))
        fail_msg("`%s` does not say `%s`", text.p, part);
    buf_free(&text);
}

static void near(double a, double b)
{
    if (!(fabs(a - b) <= 1e-12 * fabs(b)))
        fail_msg("%.15g is not %.15g", a, b);
}

static void a_good_file_gives_the_rig_frame(void **state)
{
    (void)state;
    struct buf text = {0};
    struct rig_config *c = load(NULL, NULL, &text);
    assert_non_null(c);
    near(c->limit[AXIS_X][0], 5e-6);
    near(c->limit[AXIS_Y][1], 96e-6);
    near(c->limit[AXIS_Z][0], -97e-6);
    near(c->limit[AXIS_Z][1], -7e-6);
    near(c->z_retracted, -7e-6);
    assert_true(c->stage_baud == 115200 && c->pstat_baud == 921600);
    near(c->tolerance, 20e-9);
    assert_true(c->potential_sign == -1 && c->current_sign == -1);
    assert_string_equal(c->model->name, "nexus");
    assert_true(rig_is_simulated(c));
    assert_non_null(c->simulate);
    assert_false(c->autorange);
    rig_config_free(c);
    buf_free(&text);
}

static void signs_are_never_assumed(void **state)
{
    (void)state;
    refuses("wiring: {potential: -1, current: -1}\n", "", "`wiring` is missing");
    refuses("potential: -1, ", "", "`potential` is missing");
    refuses("  toward-sample: +1\n", "", "`toward-sample` is missing");
}

static void unknown_names_come_with_a_suggestion(void **state)
{
    (void)state;
    refuses("model: nexus", "model: nexuss", "did you mean `nexus`");
    refuses("driver: pi-gcs", "driver: pi-gsc", "did you mean `pi-gcs`");
    refuses("driver: methodscript", "driver: metodscript", "did you mean `methodscript`");
    refuses("  retracted", "  retractd: 1 um\n  retracted", "did you mean `retracted`");
}

static void retracted_on_the_side_of_the_sample(void **state)
{
    (void)state;
    refuses("retracted: 7 um", "retracted: 90 um", "sample's side");
    refuses("toward-sample: +1", "toward-sample: -1", "sample's side");
    refuses("retracted: 7 um", "retracted: 6 um", "outside z");
}

static void limits_beyond_the_model(void **state)
{
    (void)state;
    refuses("model: nexus", "model: emstat4-lr", "emstat4-lr applies -3 V to 3 V");
    refuses("current: 10 nA", "current: 2 A", "carries at most");
}

static void links_and_simulation_belong_together(void **state)
{
    (void)state;
    refuses("simulate: {seed: 1}\n", "", "needs a `simulate` map");
    refuses("link: simulated", "link: ttyUSB0", "`link`");
}

static void axes_are_named_apart(void **state)
{
    (void)state;
    refuses("y: \"2\"", "y: \"1\"", "already x");
    refuses("y: \"2\"", "y: \"a name of an axis\"", "1 to 16 letters");
}

static void all_errors_come_at_once(void **state)
{
    (void)state;
    struct buf text = {0};
    assert_null(load("wiring: {potential: -1, current: -1}\nlimits: {potential: [-4 V, 2 V]",
                     "wiring: {potential: 2, current: x}\nlimits: {potential: [4 V, -2 V]", &text));
    int errors = 0;
    for (const char *p = text.p; (p = strstr(p, "error:")); p++)
        errors++;
    assert_int_equal(errors, 3);
    buf_free(&text);
}

static void the_shipped_rigs_load(void **state)
{
    (void)state;
    glob_t found;
    assert_int_equal(glob("instruments/*.yaml", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 3);
    for (size_t k = 0; k < found.gl_pathc; k++) {
        struct diags *d = diags_new();
        struct err e = ERR_INIT;
        struct buf text = {0};
        const char *path = found.gl_pathv[k];
        struct rig_config *c = rig_load(path, d, &e);
        diags_print(d, &text);
        if (!c || diags_warnings(d))
            fail_msg("%s %s", e.text, text.p ? text.p : "");
        assert_int_equal(rig_is_simulated(c), strstr(path, "/example-") == NULL);
        rig_config_free(c);
        buf_free(&text);
        diags_free(d);
    }
    globfree(&found);
}

static void a_missing_file_is_said(void **state)
{
    (void)state;
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    assert_null(rig_load("/nonexistent/rig.yaml", d, &e));
    assert_int_equal(e.code, ERR_INPUT);
    diags_free(d);
}

/* ---- open instruments ---- */

static struct fake f, fp; /* stage, potentiostat */
static struct rig_config *config;
static struct rig *rig;

static bool pstat_is_deaf;

static void hear_both(void *ctx)
{
    (void)ctx;
    fake_hear(&f);
    if (!pstat_is_deaf)
        fake_hear(&fp);
}

static void open_rig(void)
{
    struct buf text = {0};
    struct err e = ERR_INIT;
    memset(&f, 0, sizeof(f));
    memset(&fp, 0, sizeof(fp));
    f.loop = fp.loop = loop_new(LOOP_VIRTUAL, 1, &e);
    link_memory_pair(f.loop, 0, "stage", &f.host, &f.far);
    link_memory_pair(f.loop, 0, "potentiostat", &fp.host, &fp.far);
    loop_on_pump(f.loop, hear_both, NULL);
    config = load(NULL, NULL, &text);
    rig = rig_open(f.loop, config, f.host, fp.host, 3.2, (double[]){-3.5, 9}, 1, &e);
    if (!rig)
        fail_msg("%s", e.text);
    buf_free(&text);
}

static void close_rig(void)
{
    loop_sleep_until(f.loop, loop_now(f.loop) + NS_S);
    assert_int_equal(f.next, f.n);
    assert_int_equal(fp.next, fp.n);
    rig_close(rig);
    link_close(f.far);
    link_close(fp.far);
    loop_free(f.loop);
    rig_config_free(config);
    struct buf *b[] = {&f.heard, &f.script, &fp.heard, &fp.script};
    for (int k = 0; k < 4; k++)
        buf_free(b[k]);
}

static void expect_pstat(void)
{
    fake_expects(&fp, "\nZ\n", "Z!0006\n");
    fake_expects(&fp, "e\ncell_off\n\n", "e\n\n");
    fake_expects(&fp, "t\n", "tnexus11304#Oct 22 2024 14:38:26\nR*\n");
    fake_expects(&fp, "i\n", "iNX1-0042\n");
}

static void expect_stage(const char *limit)
{
    fake_expects(&f, "*IDN?\n", "Physik Instrumente, E-727.3CDA, 120040681, 14.11.01.05\n");
    fake_expects(&f, "ERR?\n", "0\n");
    fake_expects(&f, "SAI?\n", "1 \n2 \n3\n");
    fake_expects(&f, "TMN? 1 2 3\n", "1=0 \n2=0 \n3=0\n");
    fake_expects(&f, "TMX? 1 2 3\n", limit);
}

static void expect_identification(const char *limit)
{
    expect_pstat();
    expect_stage(limit);
}

static void identification_opens_the_cell_and_moves_nothing(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    open_rig();
    expect_identification("1=100 \n2=100 \n3=100\n");
    if (!rig_identify(rig, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(rig->stage_id, "E-727"));
    assert_non_null(strstr(rig->pstat_id, "NX1-0042"));
    close_rig();
}

/* Behind a potentiostat that says nothing the stage is asked all the same, and the other way round. */
static void one_that_is_ill_keeps_the_other_from_nothing(void **state)
{
    (void)state;
    for (int ill = 0; ill < 2; ill++) {
        struct err e = ERR_INIT;
        open_rig();
        pstat_is_deaf = ill == 1;
        if (ill == 0) {
            expect_pstat();
            fake_expects(&f, "*IDN?\n", NULL);
        } else {
            expect_stage("1=100 \n2=100 \n3=100\n");
        }
        assert_false(rig_identify(rig, &e));
        assert_int_equal(e.code, ERR_SILENT);
        assert_non_null(strstr(e.text, ill ? "potentiostat: open cell not confirmed" : "stage: "));
        assert_int_equal(rig->stage_id[0] != '\0', ill == 1);
        assert_int_equal(rig->pstat_id[0] != '\0', ill == 0);
        pstat_is_deaf = false;
        f.next = f.n;
        buf_clear(&fp.heard);
        loop_off_pump(f.loop, hear_both, NULL);
        close_rig();
    }
}

static void an_envelope_that_the_stage_does_not_have(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    open_rig();
    expect_identification("1=100 \n2=100 \n3=60\n");
    assert_false(rig_identify(rig, &e));
    assert_int_equal(e.code, ERR_LIMIT);
    close_rig();
}

static void the_rigs_limits_hold_whatever_the_protocol_says(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct buf text = {0};
    open_rig(); /* protocol: -3.5 V to 9 V, 1 A; rig: -4 V to 2 V, 10 nA; E = 3.2 V - E(instrument) */
    struct program g = {.n = 1};
    g.segment[0] = (struct segment){
        .kind = SEGMENT_HOLD, .potential = 1.3, .duration = 1, .interval = 1e-3, .i_full = 10e-9};
    assert_true(potentiostat_compile(rig->pstat, &g, &text, &e)); /* 1.9 V applied */
    g.segment[0].potential = 1.1;                                 /* 2.1 V applied */
    assert_false(potentiostat_compile(rig->pstat, &g, &text, &e));
    g.segment[0].potential = 6.8; /* -3.6 V applied */
    assert_false(potentiostat_compile(rig->pstat, &g, &text, &e));
    g.segment[0].potential = 1.3;
    g.segment[0].i_full = 11e-9;
    assert_false(potentiostat_compile(rig->pstat, &g, &text, &e));
    buf_free(&text);
    close_rig();
}

/* ---- verified rigs ---- */

static void verification_is_kept_and_bound_to_the_mounting(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char a[17], b[17];
    setenv("XDG_STATE_HOME", folder, 1);
    open_rig();
    rig_fingerprint(rig, a);
    assert_int_equal(strlen(a), 16);
    assert_false(rig_is_verified(rig));
    if (!rig_mark_verified(rig, "moved z by\n2 um", &e))
        fail_msg("%s", e.text);
    assert_true(rig_is_verified(rig));
    config->current_sign = -config->current_sign; /* somebody swaps the leads */
    rig_fingerprint(rig, b);
    assert_string_not_equal(a, b);
    assert_false(rig_is_verified(rig));
    assert_true(rig_mark_verified(rig, "again", &e));
    assert_true(rig_mark_verified(rig, "and again", &e)); /* replaces its own line, keeps the other's */
    assert_true(rig_is_verified(rig));
    config->current_sign = -config->current_sign;
    assert_true(rig_is_verified(rig));
    char path[96], text[512] = "";
    snprintf(path, sizeof(path), "%s/seccm/verified", folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    int lines = 0;
    for (size_t i = 0; i < n; i++)
        lines += text[i] == '\n';
    assert_int_equal(lines, 2);
    assert_non_null(strstr(text, "moved z by 2 um\n"));
    close_rig();
}

static void a_store_that_can_not_be_written(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    char path[96];
    snprintf(path, sizeof(path), "%s/a-file", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    setenv("XDG_STATE_HOME", path, 1);
    open_rig();
    assert_false(rig_mark_verified(rig, "x", &e));
    assert_int_equal(e.code, ERR_IO);
    assert_false(rig_is_verified(rig));
    close_rig();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_file_gives_the_rig_frame),
        cmocka_unit_test(signs_are_never_assumed),
        cmocka_unit_test(unknown_names_come_with_a_suggestion),
        cmocka_unit_test(retracted_on_the_side_of_the_sample),
        cmocka_unit_test(limits_beyond_the_model),
        cmocka_unit_test(links_and_simulation_belong_together),
        cmocka_unit_test(axes_are_named_apart),
        cmocka_unit_test(all_errors_come_at_once),
        cmocka_unit_test(the_shipped_rigs_load),
        cmocka_unit_test(a_missing_file_is_said),
        cmocka_unit_test(identification_opens_the_cell_and_moves_nothing),
        cmocka_unit_test(one_that_is_ill_keeps_the_other_from_nothing),
        cmocka_unit_test(an_envelope_that_the_stage_does_not_have),
        cmocka_unit_test(the_rigs_limits_hold_whatever_the_protocol_says),
        cmocka_unit_test(verification_is_kept_and_bound_to_the_mounting),
        cmocka_unit_test(a_store_that_can_not_be_written),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
