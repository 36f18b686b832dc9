/* Messages for the operator on stderr.
 *
 * A line is composed first and written by one call, so that lines of two threads do not mix. Control bytes
 * are shown as `?`: what an instrument sent may be part of a message and must not steer the terminal. */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int limit = LOG_INFO;

static const char *const prefix[] = {
    [LOG_ERROR] = "seccm: error: ",
    [LOG_WARNING] = "seccm: warning: ",
    [LOG_INFO] = "seccm: ",
    [LOG_DEBUG] = "seccm: debug: ",
};

void log_set_level(enum log_level level)
{
    atomic_store(&limit, (int)level);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    if ((int)level > atomic_load(&limit))
        return;
    char line[2048];
    size_t room = sizeof line - 1; /* for the newline */
    size_t n = (size_t)snprintf(line, room, "%s", prefix[level]);
    va_list ap;
    va_start(ap, fmt);
    int more = vsnprintf(line + n, room - n, fmt, ap);
    va_end(ap);
    if (more > 0)
        n = n + (size_t)more < room ? n + (size_t)more : room - 1;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = line[i] == '\t' ? ' ' : '?';
    line[n++] = '\n';
    fwrite(line, 1, n, stderr);
    fflush(stderr);
}
