/* Real guardians of real runs: each run is a process of its own, the test holds the devices' ends of its
 * links. In real time; nothing sleeps, deadlines only end a test that would hang. */
#include "run/guardian.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "fixture.h"
#include "run/guardian_log.h"

#define PATIENCE (60 * NS_S)

/* What a run tells the test. */
struct word {
    char what; /* 'w' on watch, 'l' guardian lost, 'f' failed, 'd' dismissed */
    long guardian;
    double longest;
    char text[200];
};

struct device {
    struct loop *loop;
    int fd;
    bool hung_up; /* nobody holds the other end any more */
    struct watch watch;
    struct buf heard, line;
};

struct scene {
    struct night n; /* for its rig file and folder */
    struct loop *loop;
    struct device stage, pstat;
    struct device stage_anew, pstat_anew; /* the same, plugged in again */
    int host[4];                          /* the run's ends: stage, potentiostat, and the same anew */
    int tell[2], command[2];
    pid_t run;
    char *log;
    struct word word;
    ns_t silence;
    bool replugs;
};

/* ---- the run ---- */

static void tell(struct scene *s, char what, struct guardian *g, const struct err *e)
{
    struct word w = {.what = what};
    if (g) {
        w.guardian = guardian_pid(g);
        w.longest = guardian_longest_silence(g);
    }
    snprintf(w.text, sizeof w.text, "%.199s", e->text);
    if (write(s->tell[1], &w, sizeof w) != sizeof w)
        _exit(2);
}

static bool told_to(struct scene *s, char what)
{
    char c;
    return read(s->command[0], &c, 1) == 1 && c == what;
}

static struct rig *open_rig_of(struct scene *s, struct loop *l, const int host[2], struct err *e)
{
    const struct rig_config *c = s->n.protocol->rig;
    struct link *stage = link_adopt(l, host[0], "stage", e), *pstat = link_adopt(l, host[1], "pstat", e);
    return rig_open(l, c, stage, pstat, 0, c->e_limit, c->i_limit, e);
}

/* A run that only waits: tells that its guardian is on watch, or lost, and ends when it is told to. Before,
 * it may be told that its links are opened anew. */
static void be_the_run(struct scene *s)
{
    struct err e = ERR_INIT;
    struct guardian *g = guardian_start(s->silence, &e);
    struct loop *l = loop_new(LOOP_REAL, 1, &e);
    struct rig *rig = open_rig_of(s, l, s->host, &e);
    bool on = g && rig && guardian_protect(g, rig, s->n.path, &e), end = false;
    tell(s, on ? 'w' : 'f', g, &e);
    if (on && s->replugs) {
        while (!told_to(s, 'r'))
            loop_sleep_until(l, loop_now(l) + 20 * NS_MS);
        rig_close(rig);
        rig = open_rig_of(s, l, s->host + 2, &e);
        on = rig && guardian_protect(g, rig, NULL, &e);
        tell(s, on ? 'w' : 'f', g, &e);
    }
    while (on && guardian_on_watch(g, &e) && !(end = told_to(s, 'e')))
        loop_sleep_until(l, loop_now(l) + 20 * NS_MS);
    if (on && !guardian_on_watch(g, &e))
        tell(s, 'l', g, &e);
    while (on && e.code && !end && !told_to(s, 'e'))
        loop_sleep_until(l, loop_now(l) + 20 * NS_MS);
    if (g)
        guardian_dismiss(g);
    tell(s, 'd', g, &e);
    _exit(0);
}

/* ---- the devices ---- */

static void answer(struct device *d, const char *line)
{
    static const char *const replies[][2] = {
        {"ERR?", "0\n"}, {"POS? 3", "3=6.000000000e+01\n"}, {"cell_off", "e\n\n"}};
    for (size_t k = 0; k < sizeof replies / sizeof replies[0]; k++)
        if (strstr(line, replies[k][0]) && write(d->fd, replies[k][1], strlen(replies[k][1])) < 0)
            return;
}

static void hear(void *ctx, short revents)
{
    struct device *d = ctx;
    char bytes[512];
    ssize_t n = read(d->fd, bytes, sizeof bytes);
    (void)revents;
    d->hung_up = d->hung_up || n == 0;
    if (d->hung_up)
        watch_cancel(d->loop, &d->watch);
    for (ssize_t k = 0; k < n; k++) {
        buf_char(&d->heard, bytes[k]);
        if (bytes[k] != '\n') {
            buf_char(&d->line, bytes[k]);
            continue;
        }
        buf_char(&d->line, 0);
        answer(d, d->line.p);
        buf_clear(&d->line);
    }
}

static void next_word(void *ctx, short revents)
{
    struct scene *s = ctx;
    (void)revents;
    if (read(s->tell[0], &s->word, sizeof s->word) != sizeof s->word)
        s->word.what = 'x';
}

/* Serves the devices until the run says something. */
static void await_word(struct scene *s, char what)
{
    struct watch w = {0};
    ns_t deadline = loop_now(s->loop) + PATIENCE;
    s->word = (struct word){0};
    watch_set(s->loop, &w, s->tell[0], POLLIN, next_word, s);
    while (!s->word.what && loop_now(s->loop) < deadline)
        loop_sleep_until(s->loop, loop_now(s->loop) + 5 * NS_MS);
    watch_cancel(s->loop, &w);
    if (s->word.what != what)
        fail_msg("the run said '%c' (%s) instead of '%c'", s->word.what ? s->word.what : '-', s->word.text,
                 what);
}

/* ---- scenes ---- */

static void device_opens(struct scene *s, struct device *d, int *host)
{
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    *host = pair[0];
    *d = (struct device){.loop = s->loop, .fd = pair[1]};
    watch_set(s->loop, &d->watch, d->fd, POLLIN, hear, d);
}

/* Where nobody is stopped the guardian is as patient as usual: this machine may be busy. */
static void open_scene_as(struct scene *s, ns_t silence, bool replugs)
{
    memset(s, 0, sizeof *s);
    s->silence = silence;
    s->replugs = replugs;
    night_open(&s->n, &(struct night_spec){.columns = 1});
    s->loop = loop_new(LOOP_REAL, 1, NULL);
    s->log = guardian_log_path(s->n.path);
    device_opens(s, &s->stage, &s->host[0]);
    device_opens(s, &s->pstat, &s->host[1]);
    device_opens(s, &s->stage_anew, &s->host[2]);
    device_opens(s, &s->pstat_anew, &s->host[3]);
    assert_int_equal(pipe2(s->tell, O_CLOEXEC), 0);
    assert_int_equal(pipe2(s->command, O_CLOEXEC | O_NONBLOCK), 0);
    s->run = fork();
    if (s->run == 0)
        be_the_run(s);
    assert_true(s->run > 0);
    for (int k = 0; k < 4; k++)
        close(s->host[k]);
    await_word(s, 'w');
}

static void open_scene_with(struct scene *s, ns_t silence)
{
    open_scene_as(s, silence, false);
}

static void open_scene(struct scene *s)
{
    open_scene_with(s, GUARDIAN_SILENCE);
}

static void end_run(struct scene *s)
{
    assert_int_equal(write(s->command[1], "e", 1), 1);
    await_word(s, 'd');
    int status;
    assert_int_equal(waitpid(s->run, &status, 0), s->run);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void close_scene(struct scene *s)
{
    struct device *const d[] = {&s->stage, &s->pstat, &s->stage_anew, &s->pstat_anew};
    for (int k = 0; k < 4; k++) {
        watch_cancel(s->loop, &d[k]->watch);
        close(d[k]->fd);
        buf_free(&d[k]->heard);
        buf_free(&d[k]->line);
    }
    for (int k = 0; k < 2; k++) {
        close(s->tell[k]);
        close(s->command[k]);
    }
    loop_free(s->loop);
    unlink(s->log);
    free(s->log);
    night_close(&s->n);
}

static void pump(struct scene *s)
{
    loop_sleep_until(s->loop, loop_now(s->loop) + 5 * NS_MS);
}

/* The guardian's log once it is done; the devices answer meanwhile. */
static struct guardian_left await_log(struct scene *s)
{
    struct guardian_left left;
    struct err e = ERR_INIT;
    ns_t deadline = loop_now(s->loop) + PATIENCE;
    while (!guardian_log_read(s->log, 0, &left, &e)) {
        assert_true(loop_now(s->loop) < deadline);
        pump(s);
    }
    return left;
}

static int descriptors_of(long pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%ld/fd", pid);
    DIR *d = opendir(path);
    assert_non_null(d);
    for (struct dirent *entry; (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    closedir(d);
    return n;
}

static void an_orderly_end_leaves_nothing_behind(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    long guardian = s.word.guardian;
    assert_int_equal(access(s.log, F_OK), 0);
    end_run(&s);
    pump(&s);
    assert_int_equal(kill((pid_t)guardian, 0), -1);
    assert_int_equal(errno, ESRCH);
    assert_int_equal(access(s.log, F_OK), -1);
    assert_int_equal(s.stage.heard.n + s.pstat.heard.n, 0);
    close_scene(&s);
}

static void a_killed_run_is_taken_over_from(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    kill(s.run, SIGKILL);
    assert_int_equal(waitpid(s.run, NULL, 0), s.run);
    struct guardian_left left = await_log(&s);
    if (!left.took_over || !left.safe)
        fail_msg("%s", left.text.p);
    assert_int_equal(s.stage.heard.p[0], 0x18);
    assert_non_null(strstr(s.stage.heard.p, "MOV 3 60.000000\n"));
    assert_non_null(strstr(s.pstat.heard.p, "cell_off"));
    buf_free(&left.text);
    close_scene(&s);
}

static void a_stopped_run_that_is_killed_never_writes_again(void **state)
{
    (void)state;
    struct scene s;
    open_scene_with(&s, NS_S);
    kill(s.run, SIGSTOP);
    struct guardian_left left = await_log(&s); /* takes the whole silence */
    assert_true(left.took_over && left.safe);
    kill(s.run, SIGCONT);
    int status;
    assert_int_equal(waitpid(s.run, &status, 0), s.run);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_non_null(strstr(left.text.p, "no sign of life"));
    buf_free(&left.text);
    close_scene(&s);
}

/* The guardian holds the new descriptors, and the old ones no more: their far ends see that nobody is there.
 */
static void links_that_were_opened_anew_are_the_guardians_too(void **state)
{
    (void)state;
    struct scene s;
    open_scene_as(&s, GUARDIAN_SILENCE, true);
    int before = descriptors_of(s.word.guardian);
    assert_int_equal(write(s.command[1], "r", 1), 1);
    await_word(&s, 'w');
    assert_int_equal(descriptors_of(s.word.guardian), before);
    ns_t deadline = loop_now(s.loop) + PATIENCE;
    while (!(s.stage.hung_up && s.pstat.hung_up)) {
        assert_true(loop_now(s.loop) < deadline);
        pump(&s);
    }
    kill(s.run, SIGKILL);
    assert_int_equal(waitpid(s.run, NULL, 0), s.run);
    struct guardian_left left = await_log(&s);
    if (!left.took_over || !left.safe)
        fail_msg("%s", left.text.p);
    assert_int_equal(s.stage.heard.n + s.pstat.heard.n, 0);
    assert_int_equal(s.stage_anew.heard.p[0], 0x18);
    assert_non_null(strstr(s.stage_anew.heard.p, "MOV 3 60.000000\n"));
    assert_non_null(strstr(s.pstat_anew.heard.p, "cell_off"));
    buf_free(&left.text);
    close_scene(&s);
}

static void signals_of_the_terminal_are_the_runs_affair(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    const int all[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
    pid_t guardian = (pid_t)s.word.guardian;
    for (int k = 0; k < 5; k++)
        assert_int_equal(kill(guardian, all[k]), 0);
    pump(&s);
    assert_int_equal(getsid(guardian), guardian);
    assert_int_equal(kill(guardian, 0), 0);
    end_run(&s); /* it is asked to leave, and does */
    assert_int_equal(s.stage.heard.n, 0);
    close_scene(&s);
}

static void it_keeps_little_of_what_it_inherited(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    /* 0, 1, 2, socket, pidfd, the loop's bell, log, two links; a sanitizer may hold one of its own */
    int n = descriptors_of(s.word.guardian);
    if (n > 10)
        fail_msg("%d descriptors", n);
    end_run(&s);
    close_scene(&s);
}

static void a_run_notices_that_its_guardian_is_gone(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    kill((pid_t)s.word.guardian, SIGKILL);
    await_word(&s, 'l');
    assert_non_null(strstr(s.word.text, "is gone"));
    end_run(&s);
    assert_int_equal(access(s.log, F_OK), -1);
    assert_int_equal(s.stage.heard.n, 0);
    close_scene(&s);
}

static void a_run_notices_that_its_guardian_does_not_answer(void **state)
{
    (void)state;
    struct scene s;
    open_scene_with(&s, 3 * NS_S);
    pid_t guardian = (pid_t)s.word.guardian;
    kill(guardian, SIGSTOP);
    await_word(&s, 'l');
    assert_non_null(strstr(s.word.text, "does not answer"));
    /* Awake again it finds a run that has gone on beating, and leaves it alone. */
    kill(guardian, SIGCONT);
    end_run(&s);
    assert_int_equal(s.stage.heard.n, 0);
    close_scene(&s);
}

static void a_guardian_that_can_not_be_asked_to_leave_is_ended(void **state)
{
    (void)state;
    struct scene s;
    open_scene(&s);
    pid_t guardian = (pid_t)s.word.guardian;
    kill(guardian, SIGSTOP);
    end_run(&s);
    assert_int_equal(kill(guardian, 0), -1);
    assert_int_equal(s.stage.heard.n, 0);
    close_scene(&s);
}

static void no_site_is_begun(bool is_gone)
{
    struct night n;
    struct err e = ERR_INIT;
    night_open(&n, &(struct night_spec){.columns = 2});
    struct guardian *g = guardian_start(GUARDIAN_SILENCE, &e);
    assert_non_null(g);
    kill((pid_t)guardian_pid(g), SIGKILL);
    if (is_gone) { /* its end of the socket is closed before it can be waited for */
        siginfo_t info;
        assert_int_equal(waitid(P_PID, (id_t)guardian_pid(g), &info, WEXITED | WNOWAIT), 0);
    }
    assert_false(guardian_protect(g, n.rig, n.path, &e)); /* may wait for the answer of one that is gone */
    assert_false(guardian_on_watch(g, &e));
    n.options.guardian = g;
    night_run(&n);
    assert_int_equal(n.end, RUN_PAUSED);
    assert_non_null(strstr(n.e.text, "guardian"));
    assert_true(n.counts.safe);
    assert_int_equal(n.counts.visited, 0);
    assert_int_equal(n.seen.contacts, 0);
    guardian_free(g);
    night_close(&n);
}

/* Found out while it takes its orders, and before. */
static void without_a_guardian_no_site_is_begun(void **state)
{
    (void)state;
    no_site_is_begun(false);
    no_site_is_begun(true);
}

/* ---- log ---- */

static void a_log_of_one_line_tells_that_nobody_took_over(void **state)
{
    (void)state;
    struct scene s = {0};
    struct guardian_left left;
    struct err e = ERR_INIT;
    night_open(&s.n, &(struct night_spec){.columns = 1});
    s.log = guardian_log_path(s.n.path);
    assert_true(guardian_log_read(s.log, 0, &left, &e));
    assert_true(left.text.n == 0 && !left.took_over); /* none there */
    int fd = guardian_log_create(s.log, &e);
    assert_true(fd >= 0);
    assert_false(guardian_log_read(s.log, 0, &left, &e)); /* somebody holds it */
    assert_int_equal(guardian_log_create(s.log, &e), -1);
    struct buf line = {0};
    guardian_log_line(&line, s.n.loop, "on\twatch\x1b[31m");
    assert_string_equal(line.p + line.n - 15, " on?watch?[31m\n");
    assert_int_equal(write(fd, line.p, line.n), line.n);
    close(fd);
    assert_true(guardian_log_read(s.log, 0, &left, &e));
    assert_true(left.text.n == line.n && !left.took_over && !left.safe);
    buf_free(&left.text);
    buf_free(&line);
    unlink(s.log);
    free(s.log);
    night_close(&s.n);
}

static void the_logs_name_follows_that_of_the_results(void **state)
{
    (void)state;
    char *a = guardian_log_path("there/night.seccm"), *b = guardian_log_path("night");
    assert_string_equal(a, "there/night.guardian.log");
    assert_string_equal(b, "night.guardian.log");
    free(a);
    free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_orderly_end_leaves_nothing_behind),
        cmocka_unit_test(a_killed_run_is_taken_over_from),
        cmocka_unit_test(a_stopped_run_that_is_killed_never_writes_again),
        cmocka_unit_test(links_that_were_opened_anew_are_the_guardians_too),
        cmocka_unit_test(signals_of_the_terminal_are_the_runs_affair),
        cmocka_unit_test(it_keeps_little_of_what_it_inherited),
        cmocka_unit_test(a_run_notices_that_its_guardian_is_gone),
        cmocka_unit_test(a_run_notices_that_its_guardian_does_not_answer),
        cmocka_unit_test(a_guardian_that_can_not_be_asked_to_leave_is_ended),
        cmocka_unit_test(without_a_guardian_no_site_is_begun),
        cmocka_unit_test(a_log_of_one_line_tells_that_nobody_took_over),
        cmocka_unit_test(the_logs_name_follows_that_of_the_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
