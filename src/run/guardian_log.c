/* The guardian's log: made by the run, locked and written by the guardian, read by the next run. */
#include "run/guardian_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"

#define LOG_MAX  65536
#define LOOK_GAP (50 * NS_MS)

char *guardian_log_path(const char *results_path)
{
    struct buf b = {0};
    size_t n = strlen(results_path);
    const char *tail = ".seccm";
    bool ours = n > strlen(tail) && !strcmp(results_path + n - strlen(tail), tail);
    buf_add(&b, results_path, ours ? n - strlen(tail) : n);
    buf_str(&b, ".guardian.log");
    return b.p;
}

void guardian_log_line(struct buf *out, const struct loop *l, const char *text)
{
    char utc[32];
    loop_utc(l, utc);
    buf_printf(out, "%s ", utc);
    for (; *text; text++)
        buf_char(out, (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
    buf_char(out, '\n');
}

int guardian_log_create(const char *path, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0 || ftruncate(fd, 0) != 0) {
        err_errno(e, ERR_IO, errno, "the guardian's log %s", path);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

/* Until nobody holds the file. */
static bool await_end(int fd, ns_t patience, struct err *e)
{
    struct loop *l = NULL;
    bool ok = true;
    while (ok && flock(fd, LOCK_SH | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            ok = err_errno(e, ERR_IO, errno, "lock");
        } else if (!l) {
            log_line(LOG_INFO, "the last run's guardian is at work: waiting for it");
            l = loop_new(LOOP_REAL, 1, e);
            ok = l != NULL;
        } else if (loop_now(l) >= patience) {
            ok = err_set(e, ERR_IO, "the last run's guardian is still at work after %.0f s",
                         ns_to_s(patience));
        } else {
            loop_sleep_until(l, loop_now(l) + LOOK_GAP);
        }
    }
    loop_free(l);
    return ok;
}

static bool read_text(int fd, struct buf *out, struct err *e)
{
    char bytes[4096];
    ssize_t n;
    while (out->n < LOG_MAX && (n = read(fd, bytes, sizeof bytes)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, errno, "read");
        buf_add(out, bytes, (size_t)n);
    }
    return true;
}

/* The number of lines: the first only says that somebody was on watch. */
static int lines_of(const struct buf *b)
{
    int n = 0;
    for (size_t k = 0; k < b->n; k++)
        n += b->p[k] == '\n';
    return n;
}

bool guardian_log_read(const char *path, ns_t patience, struct guardian_left *out, struct err *e)
{
    struct guardian_left left = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) {
        *out = left;
        return true;
    }
    bool ok = fd >= 0 || err_errno(e, ERR_IO, errno, "open");
    ok = ok && await_end(fd, patience, e) && read_text(fd, &left.text, e);
    if (fd >= 0)
        close(fd);
    if (!ok) {
        buf_free(&left.text);
        return err_context(e, "%s", path);
    }
    left.took_over = lines_of(&left.text) > 1;
    left.safe =
        left.took_over && strstr(left.text.p, GUARDIAN_SAFE) && !strstr(left.text.p, GUARDIAN_NOT_SAFE);
    *out = left;
    return true;
}
