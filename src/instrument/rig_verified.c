/* Rigs whose mounting and wiring an operator has verified by moves (S5): one line per rig in a text file,
 *
 *     FINGERPRINT UTC-TIME HOW
 *
 * The fingerprint covers whatever the verification depends on, so that a changed rig file or another
 * instrument asks for a new one. The file is replaced as a whole, so that a crash leaves the old or the new
 * one. */
#include "instrument/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/state_folder.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)
#define DIGITS     16
#define FILE_LIMIT ((size_t)1 << 20)

/* Strings are hashed with their NUL, so that "ab","c" and "a","bc" differ. */
static uint64_t hash_text(uint64_t h, const char *text)
{
    for (const char *p = text;; p++) {
        h = (h ^ (unsigned char)*p) * FNV_PRIME;
        if (!*p)
            return h;
    }
}

void rig_fingerprint(const struct rig *r, char text[17])
{
    const struct rig_config *c = r->config;
    char signs[48];
    snprintf(signs, sizeof(signs), "%+d %+d %+d", c->toward_sample, c->potential_sign, c->current_sign);
    uint64_t h = hash_text(FNV_OFFSET, c->stage_driver_name);
    for (int a = 0; a < AXIS_COUNT; a++)
        h = hash_text(h, c->axis[a]);
    h = hash_text(h, signs);
    h = hash_text(h, c->pstat_driver_name);
    h = hash_text(h, c->pstat_model_name);
    h = hash_text(h, r->stage_id);
    h = hash_text(h, r->pstat_id);
    snprintf(text, DIGITS + 1, "%016" PRIx64, h);
}

/* *store is NULL if there is none yet; false if there is one that can not be read (it must not be overwritten
 * then). */
static bool read_store(const char *folder, struct source **store, struct err *e)
{
    struct buf path = {0};
    buf_printf(&path, "%s/verified", folder);
    *store = NULL;
    bool ok = access(path.p, F_OK) != 0 && errno == ENOENT;
    if (!ok) {
        *store = source_read(path.p, FILE_LIMIT, e);
        ok = *store != NULL;
    }
    buf_free(&path);
    return ok;
}

static const char *next_line(const char *p)
{
    const char *lf = strchr(p, '\n');
    return lf ? lf + 1 : p + strlen(p);
}

static bool is_of(const char *line, const char *fingerprint)
{
    return strncmp(line, fingerprint, DIGITS) == 0 && line[DIGITS] == ' ';
}

bool rig_is_verified(const struct rig *r)
{
    char mine[DIGITS + 1];
    struct buf folder = {0};
    bool found = false;
    struct source *s = NULL;
    if (state_folder(&folder, "the verified rigs", NULL))
        read_store(folder.p, &s, NULL);
    rig_fingerprint(r, mine);
    for (const char *p = s ? s->bytes.p : ""; *p && !found; p = next_line(p))
        found = is_of(p, mine);
    source_free(s);
    buf_free(&folder);
    return found;
}

static bool write_all(int fd, const struct buf *b)
{
    for (size_t done = 0; done < b->n;) {
        ssize_t n = write(fd, b->p + done, b->n - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        done += (size_t)n;
    }
    return fsync(fd) == 0;
}

/* So that the new name survives a power cut too; a file system that can not sync folders is none of our
 * worry. */
static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    (void)fsync(fd);
    close(fd);
}

static bool replace_store(const char *folder, const struct buf *text, struct err *e)
{
    struct buf path = {0}, temporary = {0};
    buf_printf(&path, "%s/verified", folder);
    buf_printf(&temporary, "%s/verified.XXXXXX", folder);
    int fd = mkostemp(temporary.p, O_CLOEXEC);
    bool ok = fd >= 0 && write_all(fd, text);
    int number = errno;
    if (fd >= 0 && close(fd) != 0 && ok) {
        ok = false;
        number = errno;
    }
    if (ok && rename(temporary.p, path.p) != 0) {
        ok = false;
        number = errno;
    }
    if (ok)
        sync_folder(folder);
    else if (fd >= 0)
        unlink(temporary.p);
    if (!ok)
        err_errno(e, ERR_IO, number, "%s: can not be written", path.p);
    buf_free(&temporary);
    buf_free(&path);
    return ok;
}

/* All lines of other rigs, then this one's. `how` is kept on one line. */
static void compose(const struct rig *r, const struct source *old, const char *how, struct buf *out)
{
    char mine[DIGITS + 1], utc[32];
    rig_fingerprint(r, mine);
    loop_utc(r->loop, utc);
    for (const char *p = old ? old->bytes.p : ""; *p; p = next_line(p)) {
        size_t n = strcspn(p, "\n");
        if (n > 0 && !is_of(p, mine)) {
            buf_add(out, p, n);
            buf_char(out, '\n');
        }
    }
    buf_printf(out, "%s %s ", mine, utc);
    for (const char *p = how; *p; p++)
        buf_char(out, (unsigned char)*p < 0x20 ? ' ' : *p);
    buf_char(out, '\n');
}

bool rig_mark_verified(const struct rig *r, const char *how, struct err *e)
{
    struct buf folder = {0}, text = {0};
    struct source *old = NULL;
    bool ok = state_folder(&folder, "the verified rigs", e) && state_folder_make(folder.p, e) &&
              read_store(folder.p, &old, e);
    if (ok) {
        compose(r, old, how, &text);
        ok = replace_store(folder.p, &text, e);
    }
    source_free(old);
    buf_free(&text);
    buf_free(&folder);
    return ok || err_context(e, "verified rigs");
}
