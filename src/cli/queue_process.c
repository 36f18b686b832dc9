/* Starting a run without a shell in between. */
#include "cli/queue_process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clocale.h"

extern char **environ;

#define WORDS_MAX 48

struct words {
    char *v[WORDS_MAX + 1];
    int n;
};

static void say(struct words *w, const char *word)
{
    if (w->n < WORDS_MAX)
        w->v[w->n++] = xstrdup(word);
}

/* Nothing for a value that is not there. */
static void say_option(struct words *w, const char *option, const char *value)
{
    if (!value)
        return;
    say(w, option);
    say(w, value);
}

static void say_number(struct words *w, const char *option, double value)
{
    char text[40];
    c_print_double(text, sizeof text, 17, value);
    say_option(w, option, text);
}

static void say_new(struct words *w, const struct agenda_entry *en)
{
    say(w, "run");
    say(w, en->protocol);
    say_option(w, "-o", en->output);
    say_option(w, "--rig", en->rig);
    if (en->has_seed)
        say_number(w, "--seed", (double)en->seed);
    if (en->sim_seed > 0)
        say_number(w, "--sim-seed", (double)en->sim_seed);
    if (en->include_outside)
        say(w, "--include-outside");
}

static void compose(struct words *w, const struct agenda_entry *en, const struct queue_run_options *o,
                    bool resume, const char *until)
{
    say(w, "seccm");
    if (resume) {
        say(w, "resume");
        say(w, en->output);
    } else {
        say_new(w, en);
    }
    say_option(w, "--stage", en->stage);
    say_option(w, "--potentiostat", en->potentiostat);
    say_option(w, "--until", until);
    if (o->virtual_time)
        say(w, "--virtual");
    if (o->speed > 0)
        say_number(w, "--speed", o->speed);
    if (o->quiet)
        say(w, "--quiet");
    say_option(w, "--serve", o->live.address);
    say_option(w, "--notify-command", o->live.attendant.notify.command);
    say_option(w, "--notify-url", o->live.attendant.notify.url);
    say_option(w, "--log", o->live.attendant.log);
}

/* What nohup has the runner ignore its runs ignore as well. */
static bool hup_is_ignored(void)
{
    struct sigaction a;
    return sigaction(SIGHUP, NULL, &a) == 0 && a.sa_handler == SIG_IGN;
}

/* The lock stays open in it under the same number; signals are as a shell would give them to it. */
static int spawn(char **argv, int lock, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    const int which[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
    for (size_t k = 0; k < sizeof which / sizeof which[0]; k++)
        if (which[k] != SIGHUP || !hup_is_ignored())
            sigaddset(&usual, which[k]);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, lock, lock);
    posix_spawnattr_init(&attr);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &usual);
    int code = posix_spawn(pid, "/proc/self/exe", &files, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&files);
    return code;
}

bool queue_process_start(const struct agenda_entry *en, const struct queue_run_options *o, bool resume,
                         const char *until, int lock, struct queue_process *out, struct err *e)
{
    struct words w = {0};
    struct queue_process p;
    compose(&w, en, o, resume, until);
    int code = spawn(w.v, lock, &p.pid);
    for (int k = 0; k < w.n; k++)
        free(w.v[k]);
    if (code != 0)
        return err_errno(e, ERR_IO, code, "entry %lld: the process can not be started", (long long)en->id);
    p.pidfd = pidfd_open(p.pid, 0);
    if (p.pidfd < 0) {
        int number = errno;
        queue_process_stop(&p);
        queue_process_end(&p);
        return err_errno(e, ERR_IO, number, "pidfd_open");
    }
    *out = p;
    return true;
}

void queue_process_stop(const struct queue_process *p)
{
    kill(p->pid, SIGTERM);
}

int queue_process_end(struct queue_process *p)
{
    int status = 0;
    while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->pidfd = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
