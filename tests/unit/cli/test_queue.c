/* A queue whose runner, or whose run, ends at any operation on its file: killed, with the power cut, or by
 * errors of the disk. Whatever happened, `seccm queue run` again works off the rest: every entry ends done,
 * none is lost, none is begun twice (its results equal those of a run that nobody disturbed).
 *
 * Started with words this program is seccm itself, since the runner starts its own program anew for each
 * entry. SECCM_TEST_OPERATIONS: so many operations are drawn for each way of ending (0: every one of them).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "cli/agenda.h"
#include "cli/commands.h"
#include "base/yaml.h"
#include "output/diff.h"
#include "run/guardian_log.h"
#include "unit/cli/power_case.h"

#define PROTOCOL "tests/data/steady/short.yaml"
#define SITES    3
#define ENTRIES  2

static char folder[128], queue[160], whole[160], out[ENTRIES][160];

/* Runs a command with a disk that ends so under the queue's file, in a process group of its own. Returns the
 * exit status, 128 + signal; *group: the group, in which a run may still go on. */
static int command(const char *const *word, enum power_end end, long nth, pid_t *group)
{
    pid_t child = fork();
    if (child == 0) {
        setpgid(0, 0);
        speak_to_log();
        char *argv[12];
        int n = 0;
        argv[n++] = xstrdup("queue");
        for (; word[n - 1]; n++)
            argv[n] = xstrdup(word[n - 1]);
        argv[n] = NULL;
        power_arm(queue, end, nth, seed + (uint64_t)nth, story);
        int status = command_queue.run(&command_queue, n, argv);
        fflush(NULL);
        _exit(status);
    }
    setpgid(child, child);
    if (group)
        *group = child;
    return await_child(child);
}

static int add(int k, const char *after, enum power_end end, long nth)
{
    const char *const word[] = {"add", PROTOCOL,  "-o",  out[k], "--after-failure",
                                after, "--queue", queue, NULL};
    return command(word, end, nth, NULL);
}

static int work(enum power_end end, long nth, pid_t *group)
{
    const char *const word[] = {"run", "--virtual", "-q", "--queue", queue, NULL};
    return command(word, end, nth, group);
}

static void forget(const char *stem)
{
    static const char *const suffix[] = {"",      "-wal",     "-shm",    "-journal", "-new",
                                         "-lock", ".seccm-x", "-runner", "-work",    "-new-journal"};
    for (size_t k = 0; k < sizeof suffix / sizeof suffix[0]; k++) {
        char name[200];
        snprintf(name, sizeof name, "%s%s", stem, suffix[k]);
        unlink(name);
    }
    char sample[200];
    snprintf(sample, sizeof sample, "%.*s.sample", (int)(strlen(stem) - strlen(".seccm")), stem);
    unlink(sample);
}

/* A fresh queue with its two entries. */
static void fill(const char *after)
{
    forget(queue);
    unlink(log_path);
    for (int k = 0; k < ENTRIES; k++) {
        forget(out[k]);
        int status = add(k, after, POWER_ON, 0);
        MUST(status == 0, "add ends with %d", status);
    }
}

static void check_run(const char *path, bool disturbed)
{
    struct err e = ERR_INIT;
    struct buf text = {0};
    struct diff_counts counts;
    int attempts = 0, interrupted = 0, measured = 0;
    struct data *a = data_open(whole, &e), *b = data_open(path, &e);
    MUST(a && b, "%s", e.text);
    for (int k = 0; k < b->sites.n; k++) {
        attempts += b->sites.site[k].attempts;
        measured += b->sites.site[k].outcome == OUTCOME_MEASURED;
        interrupted += b->sites.site[k].outcome == OUTCOME_INTERRUPTED;
    }
    MUST(measured == SITES, "%s: %d sites measured", path, measured);
    MUST(attempts == SITES + interrupted && interrupted <= (disturbed ? 1 : 0),
         "%s: %d attempts, %d interrupted", path, attempts, interrupted);
    MUST(diff_files(a, b, &(struct diff_options){.most = 20}, &text, &counts, &e), "%s", e.text);
    MUST(counts.differences == 0, "%s", text.p);
    buf_free(&text);
    data_close(a);
    data_close(b);
}

/* Every entry is there, done, and its run is whole. */
static void check_done(bool disturbed)
{
    struct err e = ERR_INIT;
    struct agenda_list l;
    struct agenda *a = agenda_open(queue, false, &e);
    MUST(a && agenda_read(a, &l, &e), "%s", e.text);
    MUST(l.n == ENTRIES, "%d entries", l.n);
    for (int k = 0; k < l.n; k++) {
        MUST(l.entry[k].id == k + 1, "entry %lld", (long long)l.entry[k].id);
        MUST(l.entry[k].state == AGENDA_DONE, "entry %d is %s: %s", k + 1,
             agenda_state_name(l.entry[k].state), l.entry[k].reason);
        MUST(!strcmp(l.entry[k].output, out[k]), "%s", l.entry[k].output);
        check_run(out[k], disturbed);
    }
    agenda_list_free(&l);
    agenda_close(a);
}

static int draws(void)
{
    return drawn_operations(3);
}

static long operations; /* of an undisturbed runner */

/* --- cases --------------------------------------------------------------------------------------------- */

/* The runner ends at its nth operation. A run that it started may outlive it, but not a power cut. */
static bool one_case(enum power_end end, long nth)
{
    pid_t group;
    fill("stop");
    tell_case(end, nth, operations, "run");
    int status = work(end, nth, &group);
    bool hit = story->hit, cut = end >= POWER_CUT_NONE && end <= POWER_CUT_SOME;
    if (cut)
        kill(-group, SIGKILL);
    MUST(kills(end) ? status == (hit ? (cut ? POWER_EXIT : 128 + SIGKILL) : 0) : status == 0 || status == 3,
         "status %d", status);
    status = work(POWER_ON, 0, NULL);
    MUST(status == 0, "the next runner ends with %d", status);
    check_done(cut);
    return hit;
}

static void sweep(enum power_end end)
{
    struct rng r = rng_stream(seed, power_end_name[end]);
    int n = draws() ? draws() : (int)operations, hit = 0;
    for (int k = 0; k < n; k++)
        hit += one_case(end, draws() ? 1 + (long)rng_below(r, (uint64_t)operations, (uint64_t)k, 0) : k + 1);
    assert_int_equal(hit, n);
    print_message("%s: %d queues, %ld operations in an undisturbed one\n", power_end_name[end], n,
                  operations);
}

static void runner_is_killed(void **state)
{
    (void)state;
    sweep(POWER_KILL);
    sweep(POWER_KILL_TORN);
}

static void power_is_cut(void **state)
{
    (void)state;
    sweep(POWER_CUT_NONE);
    sweep(POWER_CUT_ALL);
    sweep(POWER_CUT_SOME);
}

static void disk_fails(void **state)
{
    (void)state;
    sweep(POWER_FAIL);
    sweep(POWER_FULL);
}

/* The run itself is killed at an operation on its results file; see main(). Its entry says what then. */
static void run_is_killed(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "run");
    for (int k = 0; k < draws() + 1; k++) {
        char text[32];
        long nth = 1 + (long)rng_below(r, 250, (uint64_t)k, 0);
        fill(k % 2 ? "retry" : "stop");
        snprintf(tale, sizeof tale, "run killed at operation %ld (SECCM_TEST_SEED=%llu)", nth,
                 (unsigned long long)seed);
        snprintf(text, sizeof text, "%ld", nth);
        setenv("SECCM_TEST_KILL_RUN", text, 1);
        int status = work(POWER_ON, 0, NULL);
        unsetenv("SECCM_TEST_KILL_RUN");
        if (k % 2) {
            MUST(status == 0, "status %d although it is tried again", status);
        } else if (status != 0) { /* 0: killed behind its last word */
            MUST(status == 3, "status %d", status);
            /* Before its results file was there it has failed; afterwards it can go on. */
            if (access(out[0], F_OK) != 0) {
                const char *const word[] = {"retry", "1", "--queue", queue, NULL};
                status = command(word, POWER_ON, 0, NULL);
                MUST(status == 0, "retry ends with %d", status);
            }
            status = work(POWER_ON, 0, NULL);
            MUST(status == 0, "the next runner ends with %d", status);
        }
        check_done(true);
    }
}

/* A run of a rig that nothing made safe, and its runner, both gone: the next runner resumes nothing and
 * begins nothing, whatever the entry says of failures. With `safe`, by its guardian, the run goes on. The
 * file says `end`: running, or how the run had ended before a resumption that was killed at once. */
static void left_behind(const char *after, const char *end, bool safe)
{
    struct err e = ERR_INIT;
    struct agenda_list l;
    char log[200];
    fill(after);
    snprintf(tale, sizeof tale, "left behind, %s, %s, %s", after, end, safe ? "safe" : "not safe");
    struct agenda *a = agenda_open(queue, false, &e);
    bool taken;
    MUST(a && agenda_begin(a, 1, 0, &taken, &e) && taken && agenda_note_made(a, 1, &e), "%s", e.text);
    struct source *bytes = source_read(whole, (size_t)64 << 20, &e);
    FILE *f = fopen(out[0], "w");
    MUST(bytes && f && fwrite(bytes->bytes.p, 1, bytes->bytes.n, f) == bytes->bytes.n && fclose(f) == 0,
         "copy");
    source_free(bytes);
    sqlite3 *db;
    char sql[160];
    snprintf(
        sql, sizeof sql,
        "UPDATE run SET value = '%s' WHERE key = 'state'; UPDATE run SET value = 'real' WHERE key = 'mode'",
        end);
    MUST(sqlite3_open(out[0], &db) == SQLITE_OK && sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, "%s",
         sqlite3_errmsg(db));
    sqlite3_close(db);
    snprintf(log, sizeof log, "%.*s.guardian.log", (int)(strlen(out[0]) - strlen(".seccm")), out[0]);
    if (safe || strcmp(end, "running") != 0) {
        f = fopen(log, "w");
        MUST(f &&
                 fprintf(f,
                         "2026-11-22T18:00:00.000Z took over: the program is gone\n"
                         "2026-11-22T18:00:01.000Z %s\n",
                         safe ? GUARDIAN_SAFE : GUARDIAN_NOT_SAFE) > 0 &&
                 fclose(f) == 0,
             "log");
    }
    int status = work(POWER_ON, 0, NULL);
    MUST(agenda_read(a, &l, &e) && l.n == ENTRIES, "%s", e.text);
    if (safe) {
        MUST(l.entry[0].tries == 2, "not tried again");
    } else {
        MUST(status == 3, "status %d", status);
        MUST(l.entry[0].tries == 1 && l.entry[1].tries == 0, "%d, %d tries", l.entry[0].tries,
             l.entry[1].tries);
        MUST(l.entry[1].state == AGENDA_QUEUED, "the next entry is %s", agenda_state_name(l.entry[1].state));
    }
    agenda_list_free(&l);
    agenda_close(a);
    unlink(log);
}

static void nothing_goes_on_behind_an_unsafe_rig(void **state)
{
    static const char *const after[] = {"stop", "continue", "retry"};
    (void)state;
    for (int k = 0; k < 3; k++)
        left_behind(after[k], "running", false);
    left_behind("stop", "running", true);
    left_behind("retry", "interrupted", false);
    left_behind("retry", "interrupted", true);
}

/* Adding is all or nothing. */
static void adding_is_interrupted(void **state)
{
    (void)state;
    struct rng r = rng_stream(seed, "add");
    forget(queue);
    add(0, "stop", POWER_ON, 0);
    long of = story->operations;
    for (int k = 0; k < 4 * (draws() + 1); k++) {
        enum power_end end = (enum power_end)(POWER_KILL + (int)rng_below(r, POWER_CUT_SOME, (uint64_t)k, 0));
        long nth = 1 + (long)rng_below(r, (uint64_t)of, (uint64_t)k, 1);
        struct err e = ERR_INIT;
        struct agenda_list l;
        forget(queue);
        unlink(log_path);
        forget(out[0]);
        tell_case(end, nth, operations, "add");
        int status = add(0, "stop", end, nth);
        MUST(status != 0 || !story->hit, "status 0 of a command that was ended");
        struct agenda *a = agenda_open(queue, true, &e);
        MUST(a && agenda_read(a, &l, &e), "%s", e.text);
        MUST(l.n <= 1, "%d entries", l.n);
        MUST(l.n == 0 || (l.entry[0].n_inputs == 2 && l.entry[0].state == AGENDA_QUEUED), "%d inputs",
             l.entry[0].n_inputs);
        bool there = l.n == 1;
        agenda_list_free(&l);
        agenda_close(a);
        status = add(0, "stop", POWER_ON, 0);
        MUST(status == (there ? 2 : 0), "adding again ends with %d", status);
    }
}

/* --- the program --------------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/seccm-queue-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(folder))
        return -1;
    setenv("XDG_STATE_HOME", folder, 1);
    snprintf(queue, sizeof queue, "%s/queue.sqlite", folder);
    snprintf(whole, sizeof whole, "%s/whole.seccm", folder);
    snprintf(log_path, sizeof log_path, "%s/log", folder);
    for (int k = 0; k < ENTRIES; k++)
        snprintf(out[k], sizeof out[k], "%s/run%d.seccm", folder, k);
    begin_story();
    fill("stop");
    int status = work(POWER_ON, 0, NULL);
    operations = story->operations;
    if (status != 0 || operations < 20) {
        show_log();
        fail_msg("an undisturbed queue ends with %d after %ld operations", status, operations);
    }
    return rename(out[0], whole);
}

static int tear_down(void **state)
{
    (void)state;
    forget(queue);
    forget(whole);
    for (int k = 0; k < ENTRIES; k++)
        forget(out[k]);
    unlink(log_path);
    return rmdir(folder);
}

/* As seccm; with SECCM_TEST_KILL_RUN=N the first `run` of the first entry is killed at its Nth operation. */
static int be_seccm(int argc, char **argv)
{
    const struct command *c = !strcmp(argv[1], "resume") ? &command_resume : &command_run;
    const char *nth = getenv("SECCM_TEST_KILL_RUN");
    for (int k = 2; k < argc && nth && c == &command_run; k++) {
        struct stat st;
        char claim[200];
        snprintf(claim, sizeof claim, "%s.seccm-x", argv[k]);
        if (!strstr(argv[k], "run0.seccm") || stat(claim, &st) == 0)
            continue;
        fclose(fopen(claim, "w"));
        power_arm(argv[k], POWER_KILL, atol(nth), 1, xcalloc(1, sizeof(struct power_story)));
    }
    return c->run(c, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return be_seccm(argc, argv);
    choose_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runner_is_killed),
        cmocka_unit_test(power_is_cut),
        cmocka_unit_test(disk_fails),
        cmocka_unit_test(run_is_killed),
        cmocka_unit_test(nothing_goes_on_behind_an_unsafe_rig),
        cmocka_unit_test(adding_is_interrupted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
