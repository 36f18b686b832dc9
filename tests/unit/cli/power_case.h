/* One case of a program whose disk fails: its seed, its tale, its log, and how it is told when it goes wrong.
 * Include it in one file of a program, behind cmocka.h. */
#ifndef SECCM_TEST_CLI_POWER_CASE_H
#define SECCM_TEST_CLI_POWER_CASE_H

#include <time.h>

#include <sys/wait.h>

#include "unit/cli/power_disk.h"

static uint64_t seed;
static char log_path[160]; /* what the programs said */
static struct power_story *story;
static char tale[200]; /* the case, for messages */

static void choose_seed(void)
{
    const char *given = getenv("SECCM_TEST_SEED");
    seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000003u + (uint64_t)getpid();
    print_message("seed %llu\n", (unsigned long long)seed);
}

/* Shared with the children. */
static void begin_story(void)
{
    story = mmap(NULL, sizeof *story, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static void show_log(void)
{
    char line[400];
    FILE *f = fopen(log_path, "r");
    while (f && fgets(line, sizeof line, f))
        print_message("    %s", line);
    if (f)
        fclose(f);
}

#define MUST(condition, ...)                                                                                 \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            print_message("%s\n  at `%s`: not (%s): ", tale, story->what, #condition);                       \
            print_message(__VA_ARGS__);                                                                      \
            print_message("\n");                                                                             \
            show_log();                                                                                      \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

static void tell_case(enum power_end end, long nth, long of, const char *what)
{
    snprintf(tale, sizeof tale, "%s: %s at operation %ld of %ld (SECCM_TEST_SEED=%llu)", what,
             power_end_name[end], nth, of, (unsigned long long)seed);
}

static bool kills(enum power_end end)
{
    return end >= POWER_KILL && end <= POWER_CUT_SOME;
}

/* So many operations for each way of ending; 0: every one of them. */
static int drawn_operations(int usual)
{
    const char *given = getenv("SECCM_TEST_OPERATIONS");
    return given ? atoi(given) : usual;
}

/* In a child: what it says goes to the log. */
static void speak_to_log(void)
{
    if (!freopen(log_path, "a", stderr) || !freopen(log_path, "a", stdout))
        _exit(99);
}

/* Its exit status, or 128 + signal. */
static int await_child(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
