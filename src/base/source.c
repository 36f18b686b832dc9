/* Files that were read whole: their exact bytes serve messages and go into the results file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/shelf.h"
#include "base/yaml.h"

static struct source *source_new(const char *path)
{
    struct source *s = xcalloc(1, sizeof *s);
    s->path = xstrdup(path);
    buf_reserve(&s->bytes, 0);
    return s;
}

void source_free(struct source *s)
{
    if (!s)
        return;
    free(s->path);
    buf_free(&s->bytes);
    free(s);
}

char *source_beside(const char *from, const char *path)
{
    const char *slash = from && path[0] != '/' ? strrchr(from, '/') : NULL;
    struct buf b = {0};
    if (slash)
        buf_add(&b, from, (size_t)(slash - from) + 1);
    buf_str(&b, path);
    return b.p;
}

struct source *source_from_text(const char *name, const char *text)
{
    struct source *s = source_new(name);
    buf_str(&s->bytes, text);
    return s;
}

/* Says what is wrong with the file before a byte of it is read. */
static bool acceptable(int fd, const char *path, size_t limit, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_IO, errno, "%s", path);
    if (S_ISDIR(st.st_mode))
        return err_set(e, ERR_INPUT, "%s: is a directory, a file is wanted", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "%s: is not a regular file", path);
    if ((unsigned long long)st.st_size > limit)
        return err_set(e, ERR_INPUT, "%s: file is %lld bytes, at most %zu", path, (long long)st.st_size,
                       limit);
    return true;
}

/* Reads to the end; one byte more than the limit is asked for, in case the file is growing. */
static bool read_all(int fd, const char *path, size_t limit, struct buf *b, struct err *e)
{
    for (;;) {
        char block[16384];
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, ERR_IO, errno, "%s: reading", path);
        if (n == 0)
            return true;
        buf_add(b, block, (size_t)n);
        if (b->n > limit)
            return err_set(e, ERR_INPUT, "%s: file has more than %zu bytes", path, limit);
    }
}

/* From the shelf in use. */
static struct source *take_down(const struct shelf *shelf, const char *path, size_t limit, struct err *e)
{
    const struct buf *bytes = shelf_find(shelf, path, NULL);
    if (!bytes) {
        err_set(e, ERR_INPUT, "%s: is not among the files that are stored", path);
        return NULL;
    }
    if (bytes->n > limit) {
        err_set(e, ERR_INPUT, "%s: file is %zu bytes, at most %zu", path, bytes->n, limit);
        return NULL;
    }
    struct source *s = source_new(path);
    if (bytes->n)
        buf_add(&s->bytes, bytes->p, bytes->n);
    return s;
}

char *source_real(const char *path)
{
    const struct shelf *shelf = shelf_in_use();
    const char *name;
    if (!shelf)
        return realpath(path, NULL);
    if (shelf_find(shelf, path, &name))
        return xstrdup(name);
    errno = ENOENT;
    return NULL;
}

struct source *source_read(const char *path, size_t limit, struct err *e)
{
    if (shelf_in_use())
        return take_down(shelf_in_use(), path, limit, e);
    /* Opening a fifo must not wait for its writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        err_errno(e, ERR_INPUT, errno, "%s", path);
        return NULL;
    }
    struct source *s = source_new(path);
    if (!acceptable(fd, path, limit, e) || !read_all(fd, path, limit, &s->bytes, e)) {
        source_free(s);
        s = NULL;
    }
    close(fd);
    return s;
}
