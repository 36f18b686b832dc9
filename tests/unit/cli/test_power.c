/* Nights that end at any operation on the disk: the process is killed, the power goes and takes unsynced
 * writes and names with it, or the disk reports an error. Afterwards the file opens, every committed site is
 * in it (R1), no spot was wetted that it does not know of (R2), and `seccm resume` finishes a run that equals
 * one that nobody disturbed (R4). So do resumptions with a new probe or with changed files: their record is
 * there as a whole or not at all.
 *
 * SECCM_TEST_OPERATIONS: so many operations are drawn for each way of ending (0: every one of them). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/commands.h"
#include "output/diff.h"
#include "results/probe.h"
#include "unit/cli/power_case.h"

#define PROTOCOL "tests/data/steady/short.yaml"
#define SITES    3
#define SPARES   3

static char folder[128], whole[160], path[160], sample[160];
static char made[160],
    with_probe[160]; /* a protocol of our own; a run with a new probe that nobody disturbed */
static const char *reference = whole; /* what the present case should equal */

/* --- running ------------------------------------------------------------------------------------------- */

static int run_child(const struct command *c, int words, const char *const *word, enum power_end end,
                     long nth, uint64_t salt)
{
    pid_t child = fork();
    if (child == 0) {
        speak_to_log();
        char *argv[16];
        argv[0] = xstrdup(c->name);
        for (int k = 0; k < words; k++)
            argv[k + 1] = xstrdup(word[k]);
        power_arm(path, end, nth, seed + salt, story);
        int status = c->run(c, words + 1, argv);
        fflush(NULL);
        _exit(status);
    }
    return await_child(child);
}

/* Exit status of `seccm run` (or resume) with a disk that ends so. 128 + signal if it was killed. */
static int night(bool resume, enum power_end end, long nth, uint64_t salt)
{
    const char *const run[] = {PROTOCOL, "--virtual", "-q", "-o", path}, *const again[] = {path, "-q"};
    return resume ? run_child(&command_resume, 2, again, end, nth, salt)
                  : run_child(&command_run, 5, run, end, nth, salt);
}

static void forget(const char *stem)
{
    static const char *const suffix[] = {".seccm",     ".seccm-wal", ".seccm-shm",         ".seccm-journal",
                                         ".seccm-new", ".sample",    ".seccm-new-journal", ".seccm-lock"};
    for (size_t k = 0; k < sizeof suffix / sizeof suffix[0]; k++) {
        char name[200];
        snprintf(name, sizeof name, "%s/%s%s", folder, stem, suffix[k]);
        unlink(name);
    }
    unlink(log_path);
}

/* --- looking ------------------------------------------------------------------------------------------- */

/* A drop touched the sample here. */
struct contact {
    double x, y, t;
};

/* Contacts by the sample's own state file, in order; each spot once. */
static int contacts_of(struct contact *c, int max)
{
    char line[4096];
    int n = 0;
    FILE *f = fopen(sample, "r");
    while (f && fgets(line, sizeof line, f)) {
        double x, y, z, t;
        bool known = false;
        if (sscanf(line, " - {at: \"%lf %lf %lf %lf", &x, &y, &z, &t) != 4)
            continue;
        for (int k = 0; k < n; k++)
            known = known || (c[k].x == x && c[k].y == y && c[k].t == t);
        if (!known && n < max)
            c[n++] = (struct contact){x, y, t};
    }
    if (f)
        fclose(f);
    return n;
}

static bool file_there(const char *name)
{
    struct stat st;
    return stat(name, &st) == 0;
}

static void check_sound(void)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &s, NULL), SQLITE_OK);
    int code = sqlite3_step(s);
    MUST(code == SQLITE_ROW, "%s", sqlite3_errmsg(db));
    MUST(!strcmp((const char *)sqlite3_column_text(s, 0), "ok"), "%s",
         (const char *)sqlite3_column_text(s, 0));
    sqlite3_finalize(s);
    sqlite3_close(db);
}

/* R1, R2: every spot that the sample knows of is an attempt of the file and possibly touched at least; the
 * outcome is there of all but the last. `alive`: of the last too, since the process could still tell. Returns
 * the number of sites measured. */
static int check_file(bool alive)
{
    struct contact c[64];
    int n = contacts_of(c, 64), measured = 0;
    struct err e = ERR_INIT;
    if (!file_there(path)) {
        MUST(n == 0, "%d contacts without a results file", n);
        return 0;
    }
    check_sound();
    struct results *r = results_open(path, &e);
    MUST(r, "%s", e.text);
    struct results_sites s;
    MUST(results_sites(r, &s, &e), "%s", e.text);
    MUST(s.n == SITES + SPARES, "%d sites", s.n);
    for (int k = 0; k < n; k++) {
        const struct results_site *at = NULL;
        for (int j = 0; j < s.n; j++)
            if (hypot(s.site[j].x - c[k].x, s.site[j].y - c[k].y) < 0.5e-6)
                at = &s.site[j];
        MUST(at && at->attempts > 0, "contact at %.3f %.3f um without an attempt", c[k].x * 1e6,
             c[k].y * 1e6);
        MUST(at->touched >= TOUCHED_POSSIBLY, "site %d was wetted, the file says `%s`", at->site,
             touched_name(at->touched));
        MUST((k == n - 1 && !alive) || at->outcome != OUTCOME_NONE, "site %d has no outcome", at->site);
    }
    for (int j = 0; j < s.n; j++)
        measured += s.site[j].outcome == OUTCOME_MEASURED;
    results_sites_free(&s);
    assert_true(results_close(r, &e));
    return measured;
}

/* Sites that a fault of the disk spoiled after they were touched. */
static void list_spoilt(struct buf *list)
{
    struct err e = ERR_INIT;
    struct results *r = results_open(path, &e);
    MUST(r, "%s", e.text);
    struct results_sites s;
    MUST(results_sites(r, &s, &e), "%s", e.text);
    for (int j = 0; j < s.n; j++)
        if (s.site[j].outcome == OUTCOME_FAULT)
            buf_printf(list, "%s%d", list->n ? "," : "", s.site[j].site);
    results_sites_free(&s);
    assert_true(results_close(r, &e));
}

/* R4. `spoilt`: how many sites an interruption may have touched. */
static void check_same(int spoilt)
{
    struct err e = ERR_INIT;
    struct buf text = {0}, except = {0};
    struct diff_counts counts;
    buf_str(&except, "");
    list_spoilt(&except);
    struct data *a = data_open(reference, &e), *b = data_open(path, &e);
    MUST(a && b, "%s", e.text);
    bool ok = diff_files(a, b, &(struct diff_options){.most = 20, .except = except.p}, &text, &counts, &e);
    MUST(ok, "%s", e.text);
    MUST(counts.differences == 0, "%s", text.p);
    /* A spoilt site and the spare that stands for it. */
    MUST(counts.interrupted <= 2 * spoilt, "%d sites set aside", counts.interrupted);
    data_close(a);
    data_close(b);
    buf_free(&text);
    buf_free(&except);
}

static bool said(const char *words)
{
    char line[2000];
    bool found = false;
    FILE *f = fopen(log_path, "r");
    while (f && fgets(line, sizeof line, f))
        found = found || strstr(line, words);
    if (f)
        fclose(f);
    return found;
}

static void check_single_file(void)
{
    static const char *const suffix[] = {"-wal", "-shm", "-journal", "-new", "-lock"};
    for (size_t k = 0; k < sizeof suffix / sizeof suffix[0]; k++) {
        char name[200];
        snprintf(name, sizeof name, "%s%s", path, suffix[k]);
        MUST(!file_there(name), "%s is left over", name);
    }
}

/* --- cases --------------------------------------------------------------------------------------------- */

/* What a process may say of its end. */
static void check_status(enum power_end end, int status)
{
    int killed = end >= POWER_CUT_NONE && end <= POWER_CUT_SOME ? POWER_EXIT : 128 + SIGKILL;
    if (kills(end)) {
        MUST(status == (story->hit ? killed : 0), "status %d", status);
        return;
    }
    MUST(status == 3 || status == 0, "status %d", status);
    if (status == 3)
        MUST(said("results `") || said("folder `") || said("-new`"), "the reason is not told");
    if (status == 3 && said("fault: ")) /* the run had begun */
        MUST(said("rig verified safe"), "the rig's state is not told");
}

/* Goes on until the run is finished, undisturbed. */
static void finish(void)
{
    int status = night(file_there(path), POWER_ON, 0, 0);
    MUST(status == 0, "the next try ends with %d", status);
    check_single_file();
    check_sound();
}

/* A night that ends at its nth operation, then the rest of it. true if it got so far. */
static bool one_case(enum power_end end, long nth, long of)
{
    forget("run");
    tell_case(end, nth, of, "run");
    int status = night(false, end, nth, (uint64_t)nth);
    bool hit = story->hit;
    check_status(end, status);
    bool stored = status == 0 || end == POWER_FAIL;
    check_file(!kills(end) && stored);
    finish();
    check_file(true);
    check_same(1);
    return hit;
}

/* The resumption ends like that too. */
static void two_cases(enum power_end first, long nth, enum power_end second, long mth, long of)
{
    forget("run");
    tell_case(first, nth, of, "run");
    night(false, first, nth, (uint64_t)nth);
    check_file(false);
    if (!file_there(path))
        return;
    tell_case(second, mth, of, "resume");
    check_status(second, night(true, second, mth, (uint64_t)mth + 7));
    check_file(false);
    finish();
    check_file(true);
    check_same(2);
}

static int draws(void)
{
    return drawn_operations(5);
}

static long operations; /* of an undisturbed night */

static void sweep(enum power_end end)
{
    struct rng r = rng_stream(seed, power_end_name[end]);
    int n = draws() ? draws() : (int)operations, hit = 0;
    for (int k = 0; k < n; k++) {
        long nth = draws() ? 1 + (long)rng_below(r, (uint64_t)operations, (uint64_t)k, 0) : k + 1;
        hit += one_case(end, nth, operations);
    }
    assert_int_equal(hit, n);
    print_message("%s: %d nights, %ld operations in an undisturbed one\n", power_end_name[end], n,
                  operations);
}

static void killed_at_an_operation(void **state)
{
    (void)state;
    sweep(POWER_KILL);
    sweep(POWER_KILL_TORN);
}

static void power_cut_at_an_operation(void **state)
{
    (void)state;
    sweep(POWER_CUT_NONE);
    sweep(POWER_CUT_ALL);
    sweep(POWER_CUT_SOME);
}

static void disk_fails_at_an_operation(void **state)
{
    (void)state;
    sweep(POWER_FAIL);
    sweep(POWER_FAIL_ON);
    sweep(POWER_FULL);
}

static void resumption_is_interrupted_too(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "twice");
    int n = draws() ? draws() : (int)operations;
    for (uint64_t k = 0; k < (uint64_t)n; k++) {
        enum power_end first = (enum power_end)(POWER_KILL + (int)rng_below(r, POWER_CUT_SOME, k, 0)),
                       second = (enum power_end)(POWER_KILL + (int)rng_below(r, POWER_CUT_SOME, k, 1));
        two_cases(first, 20 + (long)rng_below(r, (uint64_t)operations - 20, k, 2), second,
                  1 + (long)rng_below(r, (uint64_t)operations / 2, k, 3), operations);
    }
    print_message("%d nights interrupted twice\n", n);
}

/* --- resumptions that put something on record ---------------------------------------------------------- */

static const char *const new_probe[] = {path,         "-q",           "--new-probe", "P2",
                                        "--fiducial", "8 um, 3.5 um", "--sim-shift", "-3 um, 1.5 um, -2 um"},
                         *const accepting[] = {path, "-q", "--accept"};

/* The steady bench's short protocol with a fiducial, and so many faults in a row. */
static void make_protocol(int in_a_row)
{
    char line[400], here[100];
    FILE *in = fopen(PROTOCOL, "r"), *out = fopen(made, "w");
    assert_true(in && out && getcwd(here, sizeof here));
    while (fgets(line, sizeof line, in)) {
        if (!strncmp(line, "rig: ", 5))
            fprintf(out, "rig: %s/tests/data/steady/bench.yaml\n", here);
        else if (!strncmp(line, "probe: {", 8))
            fprintf(out, "probe: {fiducial: [5 um, 5 um], %s", line + 8);
        else if (!strncmp(line, "faults: ", 8))
            fprintf(out, "faults: {no-contact: spare, consecutive: {count: %d, then: pause}}\n", in_a_row);
        else
            fputs(line, out);
    }
    fclose(in);
    fclose(out);
}

/* The first of three sites, undisturbed. */
static void begin_part(void)
{
    const char *const run[] = {made, "--virtual", "-q", "--sites", "1", "-o", path};
    forget("run");
    make_protocol(10);
    snprintf(tale, sizeof tale, "the first site");
    int status = run_child(&command_run, 7, run, POWER_ON, 0, 0);
    MUST(status == 0, "status %d", status);
}

static int count(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    int n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    sqlite3_close(db);
    return n;
}

static void probe_is_whole_or_not_there(void)
{
    int keys = count("SELECT count(*) FROM run WHERE key GLOB 'probe.2.*'"),
        events = count("SELECT count(*) FROM event WHERE kind = 'probe'");
    MUST((keys == 0 && events == 0) || (keys == PROBE_KEYS && events == 1), "%d keys, %d events", keys,
         events);
    if (keys == 0)
        MUST(count("SELECT count(*) FROM attempt") == 1, "an attempt with a probe that is not on record");
}

static void change_is_whole_or_not_there(void)
{
    int files = count("SELECT count(*) FROM input WHERE role = 'protocol#resume1'"),
        events = count("SELECT count(*) FROM event WHERE text LIKE 'accepted by %'");
    MUST(files == events && files <= 1, "%d files, %d events", files, events);
    if (files == 0)
        MUST(count("SELECT count(*) FROM attempt") == 1, "an attempt under conditions that nobody accepted");
}

/* A resumption that ends at its nth operation; then the same again, or without the words if they are on
 * record, until the run is finished. */
static void amended_case(const char *const *word, int words, void (*check)(void), enum power_end end,
                         long nth, long of)
{
    begin_part();
    if (check == change_is_whole_or_not_there)
        make_protocol(9);
    tell_case(end, nth, of, word == new_probe ? "new probe" : "accepted change");
    check_status(end, run_child(&command_resume, words, word, end, nth, (uint64_t)nth));
    check_file(false);
    check();
    bool told = word == new_probe && count("SELECT count(*) FROM run WHERE key = 'probe.2.id'");
    int status = run_child(&command_resume, told ? 2 : words, word, POWER_ON, 0, 0);
    MUST(status == 0, "the next try ends with %d", status);
    check_single_file();
    check_sound();
    check_file(true);
    check();
    check_same(1);
}

static void amended_sweep(const char *const *word, int words, void (*check)(void))
{
    struct rng r = rng_stream(seed, word == new_probe ? "new probe" : "accepted");
    begin_part();
    if (check == change_is_whole_or_not_there)
        make_protocol(9);
    int status = run_child(&command_resume, words, word, POWER_ON, 0, 0);
    MUST(status == 0, "status %d", status);
    long all = story->operations;
    if (word == new_probe)
        assert_int_equal(rename(path, with_probe), 0);
    reference = word == new_probe ? with_probe : whole;
    static const enum power_end ends[] = {POWER_KILL, POWER_KILL_TORN, POWER_CUT_NONE, POWER_CUT_SOME};
    int n = draws() ? 2 * draws() : (int)all;
    for (int k = 0; k < n; k++) {
        /* Every other one early, where the record is written. */
        uint64_t room = (uint64_t)(k % 2 && all > 60 ? 60 : all);
        long nth = draws() ? 1 + (long)rng_below(r, room, (uint64_t)k, 0) : k + 1;
        amended_case(word, words, check, ends[k % 4], nth, all);
    }
    print_message("%s: %d resumptions ended, %ld operations in one\n", word[2], n, all);
    reference = whole;
}

static void a_new_probe_is_on_record_or_not(void **state)
{
    (void)state;
    amended_sweep(new_probe, 8, probe_is_whole_or_not_there);
}

static void an_accepted_change_is_on_record_or_not(void **state)
{
    (void)state;
    amended_sweep(accepting, 3, change_is_whole_or_not_there);
}

/* However long the disk takes, in virtual time the night is the same. */
static void slow_disk_changes_nothing(void **state)
{
    (void)state;
    for (int k = 0; k < 3; k++) {
        forget("run");
        tell_case(POWER_SLOW, k, 3, "run");
        int status = night(false, POWER_SLOW, 0, (uint64_t)k);
        MUST(status == 0, "status %d", status);
        MUST(check_file(true) == SITES, "not all sites are measured");
        check_same(0);
        check_single_file();
    }
}

/* The model itself must be able to lose something. */
static void the_cut_loses_what_was_not_synced(void **state)
{
    (void)state;
    int lost = 0, kept = 0;
    for (long nth = operations / 2; nth < operations / 2 + 24; nth++)
        for (int k = 0; k < 2; k++) {
            struct stat st = {0};
            char wal[200];
            forget("run");
            night(false, k ? POWER_CUT_ALL : POWER_CUT_NONE, nth, 0);
            snprintf(wal, sizeof wal, "%s-wal", path);
            stat(wal, &st);
            *(k ? &kept : &lost) += (int)st.st_size;
        }
    print_message("WALs behind 24 cuts: %d bytes with, %d without what was not synced\n", kept, lost);
    assert_true(kept > lost);
}

static int set_up(void **state)
{
    (void)state;
    struct contact c[8];
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/seccm-power-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    setenv("XDG_STATE_HOME", folder, 1);
    snprintf(path, sizeof path, "%s/run.seccm", folder);
    snprintf(whole, sizeof whole, "%s/whole.seccm", folder);
    snprintf(sample, sizeof sample, "%s/run.sample", folder);
    snprintf(made, sizeof made, "%s/made.yaml", folder);
    snprintf(with_probe, sizeof with_probe, "%s/probe.seccm", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    begin_story();
    int status = night(false, POWER_ON, 0, 0);
    operations = story->operations;
    if (status != 0 || operations < 100 || contacts_of(c, 8) < SITES) {
        show_log();
        fail_msg("an undisturbed night ends with %d after %ld operations", status, operations);
    }
    return rename(path, whole);
}

static int tear_down(void **state)
{
    (void)state;
    forget("run");
    forget("whole");
    forget("probe");
    unlink(made);
    return rmdir(folder);
}

int main(void)
{
    choose_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_an_operation),
        cmocka_unit_test(power_cut_at_an_operation),
        cmocka_unit_test(disk_fails_at_an_operation),
        cmocka_unit_test(resumption_is_interrupted_too),
        cmocka_unit_test(slow_disk_changes_nothing),
        cmocka_unit_test(the_cut_loses_what_was_not_synced),
        cmocka_unit_test(a_new_probe_is_on_record_or_not),
        cmocka_unit_test(an_accepted_change_is_on_record_or_not),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
