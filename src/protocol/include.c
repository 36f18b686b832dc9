/* `include`: steps from other files.
 *
 * A file is read once, however often it is included, and stays inside the protocol's folder unless the user
 * says otherwise: a protocol that is passed on should not reach for what happens to lie elsewhere. Where a
 * file really lies is asked of the system, so that neither `..` nor a link goes around that. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/step_parts.h"

#define FILE_MAX (1u << 20) /* bytes */

struct fragment_map {
    int64_t format;
    char *name;
    const struct ynode *steps;
};

#define F(member) offsetof(struct fragment_map, member)
static const struct field fragment_table[] = {
    {"seccm", FIELD_FORMAT, DIM_NONE, F(format), true, NULL, 1, 1, NULL, NULL,
     "format of the file; this version reads 1"},
    {"name", FIELD_STRING, DIM_NONE, F(name), false, NULL, 0, 0, NULL, NULL, "what these steps are for"},
    {"steps", FIELD_NODE, DIM_NONE, F(steps), true, NULL, 0, 0, NULL, &site_fields,
     "list of steps, as `site` of a protocol has them", NODE_STEPS},
};
const struct fields fragment_fields = FIELDS("a file of steps", fragment_table);

/* The real folder of the protocol, with a slash behind; false if it can not be told. */
static bool folder_of(const struct protocol *p, char folder[PATH_MAX])
{
    const char *slash = strrchr(p->source->path, '/');
    char *name = slash ? xstrdup(p->source->path) : xstrdup(".");
    if (slash)
        name[slash - p->source->path + (slash == p->source->path)] = '\0';
    bool ok = realpath(name, folder) && strlen(folder) + 2 < PATH_MAX;
    if (ok && folder[strlen(folder) - 1] != '/')
        strcat(folder, "/");
    free(name);
    return ok;
}

static bool may_read(const struct protocol *p, const char *real, const char *path, struct mark m,
                     struct diags *d)
{
    char folder[PATH_MAX];
    if (p->include_outside)
        return true;
    if (folder_of(p, folder) && strncmp(real, folder, strlen(folder)) == 0)
        return true;
    diags_error(d, m,
                "`%.200s` lies outside the folder of the protocol: put it there, or allow it with "
                "--include-outside",
                path);
    return false;
}

/* The file with that real name, read before or now; NULL with an error. */
static struct include *file_named(struct step_reader *r, const char *real, const char *path, struct mark m)
{
    struct protocol *p = r->p;
    struct err e = ERR_INIT;
    if (!may_read(p, real, path, m, r->d))
        return NULL;
    for (int i = 0; i < p->n_includes; i++)
        if (strcmp(p->include[i].path, real) == 0)
            return &p->include[i];
    if (p->n_includes == INCLUDE_MAX) {
        diags_error(r->d, m, "more than %d files are included", INCLUDE_MAX);
        return NULL;
    }
    struct source *source = source_read(path, FILE_MAX, &e);
    if (!source) {
        diags_error(r->d, m, "the steps can not be read: %s", e.text);
        return NULL;
    }
    struct include *f = &p->include[p->n_includes++];
    *f = (struct include){.path = xstrdup(real), .source = source, .tree = ytree_parse(source, r->d)};
    return f;
}

static struct include *file_at(struct step_reader *r, const char *path, struct mark m)
{
    struct err e = ERR_INIT;
    char *real = source_real(path);
    struct include *f = NULL;
    if (real)
        f = file_named(r, real, path, m);
    else if (!err_errno(&e, ERR_IO, errno, "%s", path))
        diags_error(r->d, m, "the steps can not be read: %s", e.text);
    free(real);
    return f;
}

static void read_file(struct step_reader *r, struct include *f)
{
    struct diags *kept = r->d;
    struct fragment_map m = {0};
    if (!f->tree)
        return;
    if (f->used)
        r->d = r->quiet;
    f->used = f->open = true;
    r->depth++;
    schema_read(ytree_root(f->tree), &fragment_fields, &m, r->d);
    if (m.steps)
        step_read_items(r, m.steps);
    schema_free(&fragment_fields, &m);
    r->depth--;
    f->open = false;
    r->d = kept;
}

void step_read_include(struct step_reader *r, const struct ynode *n)
{
    struct mark m = ynode_mark(n);
    if (ynode_kind(n) != Y_SCALAR || ynode_is_null(n) || !ynode_text(n)[0]) {
        diags_error(r->d, m, "`include` takes the name of a file of steps");
        return;
    }
    char *path = source_beside(m.source->path, ynode_text(n));
    struct include *f = file_at(r, path, m);
    if (f && f->open)
        diags_error(r->told, m, "`%.200s` includes itself", path);
    else if (f && step_deeper(r, m))
        read_file(r, f);
    free(path);
}

void include_free_all(struct protocol *p)
{
    for (int i = 0; i < p->n_includes; i++) {
        free(p->include[i].path);
        ytree_free(p->include[i].tree);
        source_free(p->include[i].source);
    }
    p->n_includes = 0;
}
