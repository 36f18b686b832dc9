/* The run's own files decide: a change on disk is told, and takes effect only where it can not touch what is
 * measured where, and only if somebody accepts it. */
#include "cli/changes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/yaml_compare.h"

#define FILE_MAX ((size_t)1 << 26)
#define SHOWN    12 /* differences of one file */

/* What may be accepted, by role and place: how faults are met, when the run ends, how devices are reached.
 * With `below` anything inside. */
static const struct {
    const char *role, *path;
    bool below;
} acceptable[] = {
    {"protocol", "faults", true},        {"protocol", "stop", true},
    {"rig", "stage.link", false},        {"rig", "stage.baud", false},
    {"rig", "stage.flow", false},        {"rig", "potentiostat.link", false},
    {"rig", "potentiostat.baud", false}, {"rig", "potentiostat.flow", false},
};

static bool may_change(const char *role, const char *path)
{
    for (size_t k = 0; k < sizeof acceptable / sizeof acceptable[0]; k++) {
        size_t n = strlen(acceptable[k].path);
        if (strcmp(role, acceptable[k].role) == 0 && strncmp(path, acceptable[k].path, n) == 0 &&
            (path[n] == '\0' || (acceptable[k].below && (path[n] == '.' || path[n] == '['))))
            return true;
    }
    return false;
}

void changes_add(struct changes *c, bool may, const char *fmt, ...)
{
    char text[480];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->list = xrealloc(c->list, (size_t)(c->n + 1) * sizeof *c->list);
    c->list[c->n++] = (struct difference){xstrdup(text), may};
    c->held += !may;
}

void changes_free(struct changes *c)
{
    for (int k = 0; k < c->n; k++)
        free(c->list[k].text);
    free(c->list);
    *c = (struct changes){0};
}

/* --- one file ------------------------------------------------------------------------------------------ */

struct comparing {
    const struct stored_file *file;
    struct changes *out;
    int told, untold;
    bool held; /* of the untold ones some may not be accepted */
};

#define WORDS 120 /* of each side that are told */

/* On one line, as flow style has it: {back-off: [5 s, 60 s], consecutive: 3}. What is too long is cut. */
static void add_flow(const struct ynode *n, struct buf *out)
{
    bool map = ynode_kind(n) == Y_MAP;
    if (ynode_kind(n) == Y_SCALAR) {
        buf_str(out, ynode_text(n));
        return;
    }
    buf_char(out, map ? '{' : '[');
    for (int k = 0; k < ynode_count(n) && out->n <= WORDS; k++) {
        buf_str(out, k ? ", " : "");
        if (map)
            buf_printf(out, "%s: ", ynode_key(n, k));
        add_flow(map ? ynode_value(n, k) : ynode_item(n, k), out);
    }
    buf_char(out, map ? '}' : ']');
}

static void words_of(const struct ynode *n, char text[WORDS + 4])
{
    struct buf b = {0};
    if (n)
        add_flow(n, &b);
    else
        buf_str(&b, "nothing");
    bool whole = b.n <= WORDS;
    int shown = whole ? (int)b.n : WORDS;
    while (!whole && shown > 0 && ((unsigned char)b.p[shown] & 0xc0) == 0x80)
        shown--; /* no half of a character */
    snprintf(text, WORDS + 4, "%.*s%s", shown, b.n ? b.p : "", whole ? "" : "...");
    buf_free(&b);
}

static void tell_node(void *ctx, const char *path, const struct ynode *was, const struct ynode *now)
{
    struct comparing *c = ctx;
    bool may = may_change(c->file->role, path);
    if (c->told == SHOWN) {
        c->untold++;
        c->held = c->held || !may;
        return;
    }
    c->told++;
    char a[WORDS + 4], b[WORDS + 4];
    words_of(was, a);
    words_of(now, b);
    bool same = was && now && ynode_kind(was) == ynode_kind(now) && ynode_kind(was) != Y_SCALAR;
    changes_add(c->out, may, "%s:%d: %s: %s -> %s", c->file->path, ynode_mark(now ? now : was).line,
                *path ? path : "the whole file", same ? "its keys" : a, same ? "in another order" : b);
}

/* Length of the line without its end, which may be LF or CR LF; *next points behind that. */
static int line_at(const char *text, const char **next)
{
    size_t n = strcspn(text, "\n");
    *next = text + n + (text[n] == '\n');
    return (int)(n > 0 && text[n] == '\n' && text[n - 1] == '\r' ? n - 1 : n);
}

/* The first line that differs, of a file that is no YAML. With other ends of lines, or some more at the end,
 * it says the same. */
static void tell_line(const struct stored_file *f, const struct source *now, struct changes *out)
{
    const char *a = f->bytes.p, *b = now->bytes.p, *next_a, *next_b;
    if (strlen(a) != f->bytes.n || strlen(b) != now->bytes.n) {
        changes_add(out, false, "%s: it is no text", f->path);
        return;
    }
    for (int line = 1; *a || *b; line++, a = next_a, b = next_b) {
        int n = line_at(a, &next_a), m = line_at(b, &next_b);
        if (n != m || strncmp(a, b, (size_t)n) != 0) {
            changes_add(out, false, "%s:%d: %.*s -> %.*s", f->path, line, n < 100 ? n : 100, a,
                        m < 100 ? m : 100, b);
            return;
        }
    }
}

static void compare_trees(const struct stored_file *f, const struct source *now, struct changes *out)
{
    struct diags *quiet = diags_new();
    struct source *was = source_from_text(f->path, f->bytes.p);
    struct ytree *a = ytree_parse(was, quiet), *b = a ? ytree_parse(now, quiet) : NULL;
    struct comparing c = {.file = f, .out = out};
    if (a && b)
        yaml_compare(ytree_root(a), ytree_root(b), tell_node, &c);
    else
        changes_add(out, false, "%s: it can not be read any more", f->path);
    if (c.untold)
        changes_add(out, !c.held, "%s: and %d more differences", f->path, c.untold);
    ytree_free(b);
    ytree_free(a);
    source_free(was);
    diags_free(quiet);
}

static bool is_yaml(const char *role)
{
    return strcmp(role, "protocol") == 0 || strcmp(role, "rig") == 0 || strcmp(role, "grid") == 0 ||
           strcmp(role, "sample") == 0 || strncmp(role, "include", strlen("include")) == 0;
}

/* As it is on disk, NULL if its bytes are the stored ones, or if there is none. What earlier runs used is
 * listed from results files, which may have gone on. */
static struct source *on_disk(const struct stored_file *f)
{
    struct err e = ERR_INIT;
    if (strncmp(f->role, "avoid", strlen("avoid")) == 0)
        return NULL;
    struct source *s = source_read(f->path, FILE_MAX, &e);
    if (!s) {
        log_line(LOG_INFO, "%s: goes on from the copy in the results file", e.text);
        return NULL;
    }
    if (s->bytes.n != f->bytes.n || memcmp(s->bytes.p, f->bytes.p, f->bytes.n) != 0)
        return s;
    source_free(s);
    return NULL;
}

void changes_find(struct stored *s, struct changes *out)
{
    *out = (struct changes){0};
    if (strcmp(s->program, "seccm " SECCM_VERSION) != 0)
        changes_add(out, true, "the program: %s -> seccm " SECCM_VERSION, s->program);
    for (int k = 0; k < s->n_files; k++) {
        struct stored_file *f = &s->file[k];
        f->now = on_disk(f);
        if (f->now && is_yaml(f->role))
            compare_trees(f, f->now, out);
        else if (f->now)
            tell_line(f, f->now, out);
    }
}

void changes_take(struct stored *s)
{
    for (int k = 0; k < s->n_files; k++) {
        struct stored_file *f = &s->file[k];
        if (!f->now)
            continue;
        buf_free(&f->bytes);
        f->bytes = f->now->bytes;
        f->now->bytes = (struct buf){0};
        source_free(f->now);
        f->now = NULL;
        f->accepted = true;
    }
}

bool changes_allow(const struct changes *c, bool accept, const char *results_path, struct err *e)
{
    if (c->n == 0)
        return true;
    for (int k = 0; k < c->n; k++)
        log_line(accept && !c->held ? LOG_WARNING : LOG_ERROR, "%s%s", c->list[k].text,
                 !c->held         ? ""
                 : c->list[k].may ? " (may be accepted)"
                                  : " (this run can not take it over)");
    if (c->held)
        return err_set(
            e, ERR_INPUT,
            "%s: nothing was moved: it would be another run with what differs (above). Put the files back as "
            "they were, "
            "or move them away (the results file has them, table `input`); or start a new run with "
            "`avoid: [%s]`",
            results_path, results_path);
    return accept || err_set(e, ERR_INPUT,
                             "%s: nothing was moved: not all is as it was (above). If that is meant, go on "
                             "with it: seccm resume "
                             "--accept %s",
                             results_path, results_path);
}
