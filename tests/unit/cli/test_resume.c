/* Going on with a run whose program, instruments, plan or probe are not what they were: what is refused, what
 * is put on record, and where the probe goes. Files are changed behind the program's back with SQLite. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "cli/commands.h"

#define SHORT    "tests/data/steady/short.yaml"
#define CONTROLS "tests/data/steady/controls.yaml"
#define PROBE    "tests/data/steady/probe.yaml"
#define PROGRAM  "seccm " SECCM_VERSION

static char folder[128], path[160], sample[160], log_path[160];

/* --- running and looking ------------------------------------------------------------------------------- */

static int command(const struct command *c, const char *const *word)
{
    pid_t child = fork();
    if (child == 0) {
        char *argv[16];
        int n = 0;
        if (!freopen(log_path, "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(99);
        for (argv[n++] = xstrdup(c->name); *word; word++)
            argv[n++] = xstrdup(*word);
        int status = c->run(c, n, argv);
        fflush(NULL);
        _exit(status);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void read_log(struct buf *text)
{
    char line[2000];
    FILE *f = fopen(log_path, "r");
    buf_str(text, "");
    while (f && fgets(line, sizeof line, f))
        buf_str(text, line);
    if (f)
        fclose(f);
}

static void said(const char *words)
{
    struct buf text = {0};
    read_log(&text);
    if (!strstr(text.p, words))
        fail_msg("does not say `%s`: %s", words, text.p);
    buf_free(&text);
}

static void run_part(const char *protocol, const char *sites)
{
    const char *const word[] = {protocol, "--virtual", "-q", "--sites", sites, "-o", path, NULL};
    unlink(path);
    unlink(sample);
    if (command(&command_run, word) != 0)
        said("a run that ends well");
}

/* Status of `seccm resume -q FILE WORDS...` */
#define RESUME(...) command(&command_resume, (const char *const[]){"-q", path, __VA_ARGS__})
#define PLAINLY     NULL /* no more words */

static void expect(int wanted, int status)
{
    struct buf text = {0};
    read_log(&text);
    if (status != wanted)
        fail_msg("status %d instead of %d: %s", status, wanted, text.p);
    buf_free(&text);
}

static void change(const char *sql)
{
    sqlite3 *db;
    char *why = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_true(sqlite3_changes(db) > 0);
    sqlite3_close(db);
}

static double number(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    double value = sqlite3_column_type(s, 0) == SQLITE_NULL ? NAN : sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return value;
}

static void is(const char *sql, double wanted)
{
    double v = number(sql);
    if (!(fabs(v - wanted) <= 1e-12 * fabs(wanted)))
        fail_msg("%s: %.17g, not %.17g", sql, v, wanted);
}

#define ATTEMPTS "SELECT count(*) FROM attempt"
#define ACCEPTED "SELECT count(*) FROM event WHERE kind = 'resume' AND text LIKE 'accepted by %'"

/* --- what differs -------------------------------------------------------------------------------------- */

static void another_program_and_instruments_must_be_accepted(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    change("UPDATE run SET value = 'seccm 0.0.9' WHERE key = 'program'");
    change("UPDATE run SET value = 'a stage of before' WHERE key = 'stage_id'");
    expect(1, RESUME(PLAINLY));
    said("the program: seccm 0.0.9 -> " PROGRAM);
    said("resume --accept");
    is(ATTEMPTS, 1);
    change("UPDATE run SET value = '" PROGRAM "' WHERE key = 'program'");
    expect(1, RESUME(PLAINLY));
    said("the stage: a stage of before -> ");
    is(ATTEMPTS, 1);
    is("SELECT count(*) FROM run WHERE key = 'resumes'", 0);
    change("UPDATE run SET value = 'seccm 0.0.9' WHERE key = 'program'");
    expect(0, RESUME("--accept", NULL));
    is(ACCEPTED, 2);
    is("SELECT count(*) FROM site WHERE outcome = 'measured'", 3);
    is("SELECT count(*) FROM run WHERE key = 'program' AND value = 'seccm 0.0.9'", 1); /* it began it */
}

/* What was accepted is what counts from then on. */
static void what_was_accepted_is_not_asked_for_again(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    change("UPDATE run SET value = 'seccm 0.0.9' WHERE key = 'program'");
    change("INSERT INTO run (key, value) VALUES ('resumed.program', '" PROGRAM "'), ('resumes', '3')");
    expect(0, RESUME(PLAINLY));
    is(ACCEPTED, 0);
    is("SELECT value FROM run WHERE key = 'resumes'", 4);
    run_part(SHORT, "1");
    change("INSERT INTO run (key, value) VALUES ('resumed.program', 'seccm 0.0.8')");
    expect(1, RESUME(PLAINLY));
    said("the program: seccm 0.0.8 -> " PROGRAM);
}

/* Sites, order and levels of the file are the run's. */
static void another_plan_is_never_gone_on_with(void **state)
{
    static const char *const other[] = {
        "UPDATE site SET x = x + 1e-12 WHERE site = 3",
        "UPDATE site SET y = y - 1e-12 WHERE site = 4",
        "UPDATE level SET text = '0.9 V' WHERE site = 2",
        "UPDATE site SET role = 'control' WHERE site = 5",
        "DELETE FROM site WHERE site = 6",
    };
    (void)state;
    for (size_t k = 0; k < sizeof other / sizeof other[0]; k++) {
        run_part(SHORT, "1");
        change(other[k]);
        expect(1, RESUME("--accept", NULL));
        said("makes another plan");
        is(ATTEMPTS, 1);
    }
}

static void a_damaged_input_is_refused(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    change("UPDATE input SET bytes = bytes || x'0a' WHERE role = 'rig'");
    expect(1, RESUME("--accept", NULL));
    said("damaged (SHA-256)");
    is(ATTEMPTS, 1);
}

/* What the simulated sample is like comes with the results; of a file that was made before that, from disk.
 */
static void the_simulated_samples_file_is_kept(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    is("SELECT count(*) FROM input WHERE role = 'sample' AND path LIKE '/%/tests/data/steady/sample.yaml'",
       1);
    change("UPDATE input SET path = '/gone/' || path");
    expect(0, RESUME(PLAINLY));
    said("goes on from the copy");
    is("SELECT count(*) FROM site WHERE outcome = 'measured'", 3);
    run_part(SHORT, "1");
    change("DELETE FROM input WHERE role = 'sample'");
    expect(0, RESUME(PLAINLY));
    run_part(SHORT, "1");
    change("DELETE FROM input WHERE role = 'sample'");
    change("UPDATE input SET path = '/gone/' || path");
    expect(1, RESUME(PLAINLY));
    said("the sample can not be read: /gone/");
    is(ATTEMPTS, 1);
}

static void an_aborted_run_wants_to_be_looked_at(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    change("UPDATE run SET value = 'aborted' WHERE key = 'state'");
    expect(1, RESUME(PLAINLY));
    said("the run was aborted");
    expect(0, RESUME("--accept", NULL));
}

/* --- probes -------------------------------------------------------------------------------------------- */

static void words_of_a_probe_are_checked(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    expect(2, RESUME("--aperture", "400 nm", NULL));
    expect(2, RESUME("--new-probe", "P2", NULL));
    said("has no fiducial on record");
    expect(1, RESUME("--new-probe", "P2", "--fiducial", "1 um, 2 um", NULL));
    said("--offset DX,DY");
    expect(2, RESUME("--new-probe", "P2", "--fiducial", "1 um, 2 um", "--offset", "1 um, 2 um", NULL));
    expect(2, RESUME("--new-probe", "P2", "--offset", "1 um", NULL));
    expect(2, RESUME("--new-probe", "P2", "--offset", "1 um, 2 um, 3 um", NULL));
    expect(2, RESUME("--new-probe", "P2", "--offset", "1 um, 2 V", NULL));
    expect(2, RESUME("--new-probe", "P2", "--offset", "0 um, 0 um", "--aperture", "1 mm", NULL));
    expect(2, RESUME("--new-probe", "", NULL));
    expect(1, RESUME("--new-probe", "P2", "--offset", "0 um, 100 um", NULL));
    said("is every digit right");
    is(ATTEMPTS, 1);
    is("SELECT count(*) FROM probe", 1);
}

/* By far too far for a digit that was mistyped; with --accept what the stage can reach decides. */
static void a_probe_far_off_wants_to_be_accepted(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    expect(1, RESUME("--new-probe", "P2", "--offset", "41 um, 0 um", "--sim-shift", "-41 um, 0 um", NULL));
    said("41.0, 0.0 um from the last one's");
    is("SELECT count(*) FROM probe", 1);
    expect(0, RESUME("--accept", "--new-probe", "P2", "--offset", "41 um, 0 um", "--sim-shift",
                     "-41 um, 0 um", NULL));
    is("SELECT offset_x FROM probe WHERE number = 2", 41e-6);
}

/* An offset counts from the probe before; one that has made no attempt is told of anew. */
static void probes_follow_one_another(void **state)
{
    (void)state;
    run_part(SHORT, "1");
    expect(0, RESUME("--new-probe", "P2", "--offset", "3 um, 0 um", "--sim-shift", "-3 um, 0 um", NULL));
    is("SELECT count(*) FROM attempt WHERE abs(x - 15e-6) < 50e-9 OR abs(x - 20e-6) < 50e-9", 2);
    change("UPDATE run SET value = 'paused' WHERE key = 'state'");
    change("DELETE FROM attempt WHERE site = 3");
    change("UPDATE site SET outcome = '', attempts = 0, last_attempt = NULL WHERE site = 3");
    expect(0, RESUME("--new-probe", "P3", "--offset", "1 um, 0.5 um", "--sim-shift", "-4 um, -0.5 um", NULL));
    is("SELECT offset_x FROM probe WHERE number = 3", 4e-6);
    is("SELECT offset_y FROM probe WHERE number = 3", 0.5e-6);
    is("SELECT from_attempt FROM probe WHERE number = 3", 3);
    is("SELECT count(*) FROM site WHERE outcome = 'measured'", 3);
    change("UPDATE run SET value = 'paused' WHERE key = 'state'");
    change("DELETE FROM attempt WHERE attempt > 1");
    change("UPDATE site SET outcome = '', attempts = 0, last_attempt = NULL WHERE site IN (2, 3)");
    change("DELETE FROM run WHERE key GLOB 'probe.3.*'");
    expect(0, RESUME("--new-probe", "P4", "--offset", "2 um, 0 um", "--sim-shift", "-2 um, 0 um", NULL));
    is("SELECT count(*) FROM probe", 2);
    is("SELECT count(*) FROM probe WHERE id = 'P4'", 1);
    is("SELECT offset_x FROM probe WHERE number = 2", 2e-6);
}

/* Heights of the old probe would bring the new one, which is longer, down with a crash, or a shorter one
 * never to the surface. */
static void heights_are_learnt_anew(void **state)
{
    static const char *const shift[] = {"0 um, 0 um, -3 um", "0 um, 0 um, 1.5 um"};
    (void)state;
    for (int k = 0; k < 2; k++) {
        /* Site 9 is insulating: a blind approach there goes down to the end of the travel whatever the probe.
         */
        run_part("tests/data/steady/protocol.yaml", "10");
        expect(0, RESUME("--new-probe", "P2", "--offset", "0 um, 0 um", "--sim-shift", shift[k], NULL));
        said("finished: 24 of 24 sites measured");
        is("SELECT value FROM run WHERE key = 'sim.crashes'", 0);
        double before =
                   number("SELECT avg(contact_z) FROM attempt WHERE site <= 10 AND outcome = 'measured'"),
               behind =
                   number("SELECT avg(contact_z) FROM attempt WHERE site BETWEEN 11 AND 24 AND outcome = "
                          "'measured'");
        assert_true(fabs(behind - before - (k ? -1.5e-6 : 3e-6)) < 0.5e-6);
    }
}

/* Twice the stray capacitance in air would be liquid on the glass; of another probe it is how that one is. */
static void a_new_probe_has_charts_of_its_own(void **state)
{
    static const char half[] = "UPDATE attempt SET blank_capacitance = blank_capacitance / 2";
    (void)state;
    run_part(PROBE, "24");
    change(half);
    expect(0, RESUME("--new-probe", "P2", "--offset", "0 um, 0 um", NULL));
    is("SELECT count(*) FROM event WHERE kind = 'health'", 0);
    is("SELECT count(*) FROM site WHERE outcome = 'measured'", 48);
    run_part(PROBE, "24");
    change(half);
    RESUME(PLAINLY);
    is("SELECT count(*) FROM event WHERE kind = 'health' AND text LIKE 'tip-wetting%'", 1);
}

/* A control first; no site of the old probe is blamed, or praised, by it. */
static void a_new_probe_begins_with_a_control(void **state)
{
    (void)state;
    run_part(CONTROLS, "7");
    double before = number("SELECT count(*) FROM attempt"),
           controls = number("SELECT count(*) FROM site WHERE role = 'control' AND attempts > 0");
    expect(0, RESUME("--new-probe", "P2", "--offset", "0 um, 0 um", NULL));
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM attempt JOIN site USING (site) WHERE attempt = %g AND role = 'control'",
             before + 1);
    is(sql, 1);
    is("SELECT count(*) FROM site WHERE role = 'control' AND attempts > 1", 0);
    assert_true(number("SELECT count(*) FROM site WHERE role = 'control' AND attempts > 0") > controls);
}

/* --- the results file fails ----------------------------------------------------------------------------- */

/* What is told goes to a file, a line for each message: title | text. */
static void write_teller(const char *program, const char *told)
{
    FILE *f = fopen(program, "w");
    assert_non_null(f);
    fprintf(f, "#!/bin/sh\nprintf '%%s | %%s\\n' \"$1\" \"$2\" >>'%s'\n", told);
    fclose(f);
    assert_int_equal(chmod(program, 0700), 0);
}

/* Only the last word of the run is refused, when everybody has been told already that it has finished. */
static void a_file_that_fails_at_the_end_is_told_of(void **state)
{
    (void)state;
    char teller[160], told[160];
    struct buf text = {0};
    snprintf(teller, sizeof teller, "%s/teller", folder);
    snprintf(told, sizeof told, "%s/told", folder);
    write_teller(teller, told);
    run_part(SHORT, "1");
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE TRIGGER full BEFORE UPDATE ON run WHEN new.key = 'state' AND "
                                  "new.value = 'finished' BEGIN SELECT RAISE(ABORT, 'no room for it'); END",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    int status = RESUME("--notify-command", teller, NULL);
    said("no room for it");
    said("; what was to be stored last is not");
    assert_int_equal(status, 3);
    snprintf(log_path, sizeof log_path, "%s/told", folder);
    read_log(&text);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    const char *end = strstr(text.p, "3 of 3 sites measured"),
               *fault = strstr(text.p, "seccm: the results file failed | ");
    if (!end || !fault || fault < end || !strstr(fault, "no room for it"))
        fail_msg("told: %s", text.p);
    buf_free(&text);
    unlink(teller);
    unlink(told);
    change("DROP TRIGGER full; UPDATE run SET value = 'fault' WHERE key = 'state'"); /* tidies up, too */
    expect(0, RESUME(PLAINLY));
    is("SELECT count(*) FROM site WHERE outcome = 'measured'", 3);
}

static int set_up(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/seccm-resume-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    setenv("XDG_STATE_HOME", folder, 1);
    snprintf(path, sizeof path, "%s/run.seccm", folder);
    snprintf(sample, sizeof sample, "%s/run.sample", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    unlink(sample);
    unlink(log_path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_program_and_instruments_must_be_accepted),
        cmocka_unit_test(what_was_accepted_is_not_asked_for_again),
        cmocka_unit_test(another_plan_is_never_gone_on_with),
        cmocka_unit_test(a_damaged_input_is_refused),
        cmocka_unit_test(the_simulated_samples_file_is_kept),
        cmocka_unit_test(an_aborted_run_wants_to_be_looked_at),
        cmocka_unit_test(words_of_a_probe_are_checked),
        cmocka_unit_test(a_probe_far_off_wants_to_be_accepted),
        cmocka_unit_test(probes_follow_one_another),
        cmocka_unit_test(heights_are_learnt_anew),
        cmocka_unit_test(a_new_probe_has_charts_of_its_own),
        cmocka_unit_test(a_new_probe_begins_with_a_control),
        cmocka_unit_test(a_file_that_fails_at_the_end_is_told_of),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
