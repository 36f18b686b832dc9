/* A terminal that somebody closes, for the scenarios.
 *
 *   terminal COMMAND...   runs it as the leader of a session on a terminal of its own and copies what it
 * says; on SIGUSR1 the terminal is closed, as when its window is
 *
 * Exit status: that of the command, 128 + the signal that ended it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t closing;

static void on_signal(int number)
{
    (void)number;
    closing = 1;
}

static void become(const char *name, char **command)
{
    int fd;
    sigset_t none;
    sigemptyset(&none);
    setsid();
    if ((fd = open(name, O_RDWR)) < 0 || ioctl(fd, TIOCSCTTY, 0) != 0)
        _exit(126);
    for (int k = 0; k < 3; k++)
        dup2(fd, k);
    if (fd > 2)
        close(fd);
    signal(SIGHUP, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execvp(command[0], command);
    _exit(127);
}

/* Until the terminal is to be closed, or nobody has it open any more. */
static void copy(int master, const sigset_t *open_mask)
{
    char bytes[4096];
    while (!closing) {
        struct pollfd p = {.fd = master, .events = POLLIN};
        if (ppoll(&p, 1, NULL, open_mask) < 0)
            continue;
        ssize_t n = read(master, bytes, sizeof bytes);
        if (n <= 0)
            return;
        if (fwrite(bytes, 1, (size_t)n, stdout) != (size_t)n || fflush(stdout) != 0)
            return;
    }
}

int main(int argc, char **argv)
{
    char name[64];
    sigset_t usr1, before;
    struct sigaction a = {.sa_handler = on_signal};
    int status, master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (argc < 2 || master < 0 || grantpt(master) != 0 || unlockpt(master) != 0 ||
        ptsname_r(master, name, sizeof name) != 0)
        return 2;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    sigprocmask(SIG_BLOCK, &usr1, &before);
    sigaction(SIGUSR1, &a, NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(name, argv + 1);
    copy(master, &before);
    close(master);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
