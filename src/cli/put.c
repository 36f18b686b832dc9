/* Writing to stdout. */
#include "cli/put.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

static bool may_replace(const char *path, const char *input, struct err *e)
{
    struct stat old, in;
    size_t n = strlen(path);
    if (n > 6 && strcmp(path + n - 6, ".seccm") == 0)
        return err_set(e, ERR_USAGE, "`%s` is the name of a results file: name the output otherwise", path);
    if (stat(path, &old) != 0)
        return true;
    if (!S_ISREG(old.st_mode))
        return err_set(e, ERR_USAGE, "`%s` is there and is no regular file", path);
    if (input && stat(input, &in) == 0 && in.st_dev == old.st_dev && in.st_ino == old.st_ino)
        return err_set(e, ERR_USAGE, "`%s` is the input: name the output otherwise", path);
    return true;
}

static bool write_new(const char *path, const struct buf *text, struct err *e)
{
    FILE *f = fopen(path, "wx");
    if (!f)
        return err_errno(e, ERR_IO, errno, "writing `%s`", path);
    bool ok = (text->n == 0 || fwrite(text->p, 1, text->n, f) == text->n) && fflush(f) == 0;
    int error = errno;
    if (fclose(f) != 0 && ok) {
        ok = false;
        error = errno;
    }
    return ok || err_errno(e, ERR_IO, error, "writing `%s`", path);
}

int put_file(const char *path, const char *input, struct buf *text)
{
    struct err e = ERR_INIT;
    struct buf fresh = {0};
    bool ok = may_replace(path, input, &e);
    buf_printf(&fresh, "%s.%ld.new", path, (long)getpid());
    if (ok && (ok = write_new(fresh.p, text, &e)) && rename(fresh.p, path) != 0)
        ok = err_errno(&e, ERR_IO, errno, "writing `%s`", path);
    if (!ok && e.code != ERR_USAGE)
        unlink(fresh.p);
    buf_free(&fresh);
    buf_free(text);
    return ok ? 0 : options_fail(&e);
}

int put_usage(const struct command *c, const char *what)
{
    struct err e = ERR_INIT;
    err_set(&e, ERR_USAGE, "%s: %s? (usage: seccm %s %s)", c->name, what, c->name, c->usage);
    return options_fail(&e);
}
