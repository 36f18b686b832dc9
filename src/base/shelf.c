/* Files kept in memory. */
#include "base/shelf.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct book {
    char *name, *plain;
    struct buf bytes;
};

struct shelf {
    struct book *book;
    int n;
};

static const struct shelf *in_use;

struct shelf *shelf_new(void)
{
    return xcalloc(1, sizeof(struct shelf));
}

void shelf_free(struct shelf *s)
{
    if (!s)
        return;
    for (int k = 0; k < s->n; k++) {
        free(s->book[k].name);
        free(s->book[k].plain);
        buf_free(&s->book[k].bytes);
    }
    free(s->book);
    free(s);
}

void shelf_use(const struct shelf *s)
{
    in_use = s;
}

const struct shelf *shelf_in_use(void)
{
    return in_use;
}

/* --- names --------------------------------------------------------------------------------------------- */

static void add_part(const char *part, size_t n, struct buf *out)
{
    if (n == 0 || (n == 1 && part[0] == '.'))
        return;
    if (n == 2 && part[0] == '.' && part[1] == '.') {
        while (out->n && out->p[out->n - 1] != '/')
            out->p[--out->n] = '\0';
        if (out->n)
            out->p[--out->n] = '\0';
        return;
    }
    buf_char(out, '/');
    buf_add(out, part, n);
}

static void add_parts(const char *path, struct buf *out)
{
    for (size_t n; *path; path += n + (path[n] == '/')) {
        n = strcspn(path, "/");
        add_part(path, n, out);
    }
}

void path_plain(const char *path, struct buf *out)
{
    char here[PATH_MAX];
    buf_clear(out);
    if (path[0] != '/' && getcwd(here, sizeof here))
        add_parts(here, out);
    add_parts(path, out);
    if (out->n == 0)
        buf_char(out, '/');
}

/* --- files --------------------------------------------------------------------------------------------- */

static struct book *by_plain(const struct shelf *s, const char *plain)
{
    for (int k = 0; k < s->n; k++)
        if (strcmp(s->book[k].plain, plain) == 0)
            return &s->book[k];
    return NULL;
}

/* By way of the disk: the name may go through a link. */
static struct book *by_disk(const struct shelf *s, const char *path)
{
    struct book *found = NULL;
    char *real = realpath(path, NULL);
    for (int k = 0; real && !found && k < s->n; k++) {
        char *other = realpath(s->book[k].name, NULL);
        if (other && strcmp(real, other) == 0)
            found = &s->book[k];
        free(other);
    }
    free(real);
    return found;
}

void shelf_put(struct shelf *s, const char *path, const void *bytes, size_t n)
{
    struct buf plain = {0};
    path_plain(path, &plain);
    struct book *b = by_plain(s, plain.p);
    if (b) {
        buf_free(&plain);
        buf_clear(&b->bytes);
    } else {
        s->book = xrealloc(s->book, (size_t)(s->n + 1) * sizeof *s->book);
        b = &s->book[s->n++];
        *b = (struct book){.name = xstrdup(path), .plain = plain.p};
    }
    buf_reserve(&b->bytes, n);
    if (n)
        buf_add(&b->bytes, bytes, n);
}

const struct buf *shelf_find(const struct shelf *s, const char *path, const char **name)
{
    struct buf plain = {0};
    path_plain(path, &plain);
    const struct book *b = by_plain(s, plain.p);
    if (!b)
        b = by_disk(s, path);
    buf_free(&plain);
    if (b && name)
        *name = b->name;
    return b ? &b->bytes : NULL;
}
