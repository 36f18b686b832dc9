/* The replay of a transcript: plays a device's side of a recorded conversation.
 *
 * What the host writes must be, as a stream of bytes, what the transcript has as sent. When a recorded chunk
 * has been written completely, what the device said behind it is announced with the recorded delays. The
 * first difference takes the link down with ERR_MISMATCH, naming the line of the transcript, what was
 * expected and what came. Time before the first sent chunk counts from opening the link. */
#include "wire/link.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "wire/link_impl.h"
#include "wire/transcript.h"

struct entry {
    int line; /* of the file */
    ns_t at;
    char direction;
    struct buf bytes;
};

struct link_replay {
    struct link base;
    char *path;
    struct entry *entries;
    int n, cap;
    int next;    /* entry that the host has to write next; n = none left */
    size_t done; /* bytes of it that were written */
    int last;    /* line of the last entry written or announced */
};

/* --- loading ------------------------------------------------------------------------------------------- */

/* Whether `recorded` is how a transcript spells `name` (one word). */
static bool same_device(const char *recorded, const char *name)
{
    for (; *recorded && *name; recorded++, name++)
        if (*recorded != (isgraph((unsigned char)*name) ? *name : '_'))
            return false;
    return *recorded == *name;
}

static bool load_line(struct link_replay *r, const char *text, int number, struct err *e)
{
    struct transcript_line l;
    bool skip;
    if (!transcript_parse(text, &l, &skip, e))
        return err_context(e, "line %d", number);
    if (skip)
        return true;
    if (!same_device(l.device, r->base.device) || !l.bytes.n) {
        buf_free(&l.bytes);
        return true;
    }
    if (r->n == r->cap) {
        r->cap = r->cap ? 2 * r->cap : 64;
        r->entries = xrealloc(r->entries, (size_t)r->cap * sizeof *r->entries);
    }
    r->entries[r->n++] = (struct entry){number, l.at, l.direction, l.bytes};
    return true;
}

static bool load(struct link_replay *r, struct err *e)
{
    FILE *file = fopen(r->path, "re");
    if (!file)
        return err_errno(e, ERR_INPUT, errno, "can not be opened");
    char *text = NULL;
    size_t cap = 0;
    ssize_t n;
    bool ok = true;
    for (int number = 1; ok && (n = getline(&text, &cap, file)) >= 0; number++) {
        if (n && text[n - 1] == '\n')
            text[--n] = 0;
        if (strlen(text) != (size_t)n)
            ok = err_set(e, ERR_INPUT, "line %d: holds a NUL", number);
        else
            ok = load_line(r, text, number, e);
    }
    if (ok && ferror(file))
        ok = err_errno(e, ERR_IO, errno, "read");
    free(text);
    fclose(file);
    if (ok && !r->n)
        return err_set(e, ERR_INPUT, "no line is about device `%s`", r->base.device);
    return ok;
}

/* --- playing ------------------------------------------------------------------------------------------- */

/* Announces what the device says until the host's next turn; `recorded` happens now. */
static void answer(struct link_replay *r, ns_t recorded)
{
    ns_t now = loop_now(r->base.loop);
    for (; r->next < r->n && r->entries[r->next].direction == '<'; r->next++) {
        const struct entry *x = &r->entries[r->next];
        ns_t at = now + (x->at > recorded ? x->at - recorded : 0);
        ns_t before = chunks_last_at(&r->base.in);
        link_announce(&r->base, at > before ? at : before, x->bytes.p, x->bytes.n);
        r->last = x->line;
    }
    r->done = 0;
}

static bool differs(struct link_replay *r, const char *got, size_t n, struct err *e)
{
    struct err why = ERR_INIT;
    struct buf came = {0}, wanted = {0};
    transcript_escape(&came, got, n < 200 ? n : 200);
    if (r->next < r->n) {
        const struct entry *x = &r->entries[r->next];
        size_t rest = x->bytes.n - r->done;
        transcript_escape(&wanted, x->bytes.p + r->done, rest < 200 ? rest : 200);
        err_set(&why, ERR_MISMATCH, "%s: %s:%d: the transcript has `%s` sent, the program sent `%s`",
                r->base.device, r->path, x->line, wanted.p, came.p);
    } else {
        err_set(&why, ERR_MISMATCH,
                "%s: %s:%d: the transcript has nothing sent behind this line, the program sent `%s`",
                r->base.device, r->path, r->last, came.p);
    }
    buf_free(&came);
    buf_free(&wanted);
    link_fail(&r->base, &why);
    return link_up(&r->base, e);
}

static bool replay_write(struct link *k, const void *bytes, size_t n, struct err *e)
{
    struct link_replay *r = (struct link_replay *)k;
    for (const char *p = bytes; n;) {
        if (r->next == r->n)
            return differs(r, p, n, e);
        const struct entry *x = &r->entries[r->next];
        size_t rest = x->bytes.n - r->done, step = n < rest ? n : rest;
        if (memcmp(p, x->bytes.p + r->done, step) != 0)
            return differs(r, p, n, e);
        p += step;
        n -= step;
        r->done += step;
        if (step < rest)
            continue;
        r->last = x->line;
        r->next++;
        answer(r, x->at);
    }
    return true;
}

static void replay_close(struct link *k)
{
    struct link_replay *r = (struct link_replay *)k;
    for (int i = 0; i < r->n; i++)
        buf_free(&r->entries[i].bytes);
    free(r->entries);
    free(r->path);
}

static const struct link_ops replay_ops = {.write = replay_write, .close = replay_close};

struct link *link_replay_open(struct loop *l, const struct link_spec *spec, const char *device, struct err *e)
{
    struct link_replay *r = xcalloc(1, sizeof *r);
    link_init(&r->base, l, &replay_ops, device);
    r->path = xstrdup(spec->path);
    if (!load(r, e)) {
        link_close(&r->base);
        return NULL;
    }
    answer(r, r->entries[0].at);
    return &r->base;
}
