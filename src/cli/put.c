/* Writing to stdout. */
#include "cli/put.h"

#include <errno.h>
#include <stdio.h>

int put_stdout(struct buf *text)
{
    struct err e = ERR_INIT;
    bool ok = (text->n == 0 || fwrite(text->p, 1, text->n, stdout) == text->n) && fflush(stdout) == 0;
    int error = errno;
    buf_free(text);
    if (ok || error == EPIPE)
        return 0;
    err_errno(&e, ERR_IO, error, "writing to standard output");
    return options_fail(&e);
}

int put_usage(const struct command *c, const char *what)
{
    struct err e = ERR_INIT;
    err_set(&e, ERR_USAGE, "%s: %s? (usage: seccm %s %s)", c->name, what, c->name, c->usage);
    return options_fail(&e);
}
