/* A disk that can lose power: an SQLite VFS in front of the usual one, and the few system calls by which
 * names come and go, so that a process can be ended, fail or be left without its unsynced writes at any
 * chosen operation.
 *
 * What is modelled, for files whose path begins with `prefix`:
 *   - a file is what was last synced (`durable`) and the writes and truncations since (`op`);
 *   - a folder maps names to files; a name made, removed or renamed is durable once the folder is synced.
 * Everything goes to the real file system too, so that reading, locks and shared memory are the real ones. At
 * the cut the files are rewritten to what the disk may hold afterwards: without what was not synced, with all
 * of it, or with any part of it, down to single sectors and names. Syncs are noted and not passed on.
 *
 * Include it in one file of a program: it defines fsync(), fdatasync(), unlink(), rename() and renameat2(),
 * by which SQLite and the results folder's own code are seen. */
#ifndef SECCM_TEST_CLI_POWER_DISK_H
#define SECCM_TEST_CLI_POWER_DISK_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/rng.h"

#define POWER_SECTOR 512
#define POWER_EXIT   77 /* status of a process whose power was cut */
#define POWER_NAMES  16
#define POWER_FILES  64

enum power_end {
    POWER_ON,        /* only counts */
    POWER_KILL,      /* SIGKILL: what was written stays */
    POWER_KILL_TORN, /* the same in the middle of a write */
    POWER_CUT_NONE,  /* power cut: of what was not synced nothing is there, */
    POWER_CUT_ALL,   /* all of it, */
    POWER_CUT_SOME,  /* any sectors and names of it */
    POWER_FAIL,      /* this operation fails */
    POWER_FAIL_ON,   /* this one and all that follow */
    POWER_FULL,      /* as if the disk were full: this one and all that need space */
    POWER_SLOW,      /* every operation takes a while, now and then a long one */
    POWER_ENDS
};

static const char *const power_end_name[POWER_ENDS] = {"nothing",
                                                       "kill",
                                                       "kill in a write",
                                                       "cut, unsynced lost",
                                                       "cut, unsynced kept",
                                                       "cut, unsynced torn",
                                                       "one error",
                                                       "only errors",
                                                       "disk full",
                                                       "slow disk"};

/* What a parent may ask about a child that ended. */
struct power_story {
    long operations;
    bool hit;
    char what[96]; /* the operation at which it happened */
};

struct power_op {
    bool truncate;
    sqlite3_int64 at; /* of a truncation: the new size */
    size_t n;
    char *bytes;
};

struct power_content {
    struct buf durable;
    struct power_op *op;
    int n, cap;
};

struct power_name {
    char *path;
    int durable, now; /* index into `file`, -1 = no such name */
};

static struct {
    sqlite3_vfs *real;
    pthread_mutex_t lock;
    enum power_end end;
    long at; /* the operation, from 1 */
    struct rng rng;
    const char *prefix;
    char *folder;
    struct power_story *story; /* shared with the parent */
    struct power_content file[POWER_FILES];
    int files;
    struct power_name name[POWER_NAMES];
    int names;
} power = {.lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP};

/* --- the model ----------------------------------------------------------------------------------------- */

static inline int power_file_new(void)
{
    if (power.files == POWER_FILES)
        abort();
    return power.files++;
}

static inline void power_read_whole(const char *path, struct buf *out)
{
    FILE *f = fopen(path, "rb");
    char block[8192];
    for (size_t n; f && (n = fread(block, 1, sizeof block, f)) > 0;)
        buf_add(out, block, n);
    if (f)
        fclose(f);
}

/* NULL for a path that is none of ours. What is there when it is first seen is durable. */
static inline struct power_name *power_name_of(const char *path)
{
    static const char *const suffix[] = {"", "-wal", "-journal", "-new", "-new-journal", "-new-wal"};
    bool ours = false;
    size_t n = power.prefix ? strlen(power.prefix) : 0;
    if (!path || !n || strncmp(path, power.prefix, n) != 0)
        return NULL;
    for (size_t k = 0; k < sizeof suffix / sizeof suffix[0]; k++)
        ours = ours || strcmp(path + n, suffix[k]) == 0;
    if (!ours)
        return NULL;
    for (int k = 0; k < power.names; k++)
        if (strcmp(power.name[k].path, path) == 0)
            return &power.name[k];
    struct power_name *name = &power.name[power.names++];
    struct stat st;
    *name = (struct power_name){.path = xstrdup(path), .durable = -1, .now = -1};
    if (stat(path, &st) == 0) {
        name->durable = name->now = power_file_new();
        power_read_whole(path, &power.file[name->now].durable);
    }
    return name;
}

static inline void power_resize(struct buf *b, size_t n)
{
    if (n > b->n) {
        size_t more = n - b->n;
        buf_reserve(b, more);
        memset(b->p + b->n, 0, more);
    }
    b->n = n;
}

/* Applies part of the operation: the sectors that are drawn, or all of them. */
static inline void power_apply(struct buf *b, const struct power_op *op, bool draw, uint64_t file,
                               uint64_t index)
{
    if (op->truncate) {
        if (!draw || rng_below(power.rng, 2, file, 100000 * index))
            power_resize(b, (size_t)op->at);
        return;
    }
    size_t end = (size_t)op->at + op->n;
    for (size_t from = (size_t)op->at; from < end;) {
        size_t to = (from / POWER_SECTOR + 1) * POWER_SECTOR;
        to = to < end ? to : end;
        if (!draw || rng_below(power.rng, 2, file, 100000 * index + 1 + from / POWER_SECTOR)) {
            if (b->n < to)
                power_resize(b, to);
            memcpy(b->p + from, op->bytes + (from - (size_t)op->at), to - from);
        }
        from = to;
    }
}

static inline void power_synced(struct power_content *c)
{
    for (int k = 0; k < c->n; k++) {
        power_apply(&c->durable, &c->op[k], false, 0, 0);
        free(c->op[k].bytes);
    }
    c->n = 0;
}

static inline void power_note(int file, struct power_op op, const void *bytes)
{
    struct power_content *c = &power.file[file];
    if (c->n == c->cap) {
        c->cap = c->cap ? 2 * c->cap : 64;
        c->op = xrealloc(c->op, (size_t)c->cap * sizeof *c->op);
    }
    if (bytes) {
        op.bytes = xmalloc(op.n);
        memcpy(op.bytes, bytes, op.n);
    }
    c->op[c->n++] = op;
}

static inline void power_folder_synced(void)
{
    for (int k = 0; k < power.names; k++)
        power.name[k].durable = power.name[k].now;
}

/* --- the end ------------------------------------------------------------------------------------------- */

static inline void power_write_whole(const char *path, const struct buf *b)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (size_t done = 0; fd >= 0 && done < b->n;) {
        ssize_t n = write(fd, b->p + done, b->n - done);
        if (n <= 0)
            _exit(POWER_EXIT + 1);
        done += (size_t)n;
    }
    if (fd < 0 || close(fd) != 0)
        _exit(POWER_EXIT + 1);
}

/* Shared memory means nothing after a cut: nothing of it, or anything. */
static inline void power_spoil_shm(void)
{
    struct buf path = {0}, junk = {0};
    buf_printf(&path, "%s-shm", power.prefix);
    if (syscall(SYS_unlinkat, AT_FDCWD, path.p, 0) == 0 && rng_below(power.rng, 2, 1, 0)) {
        for (uint64_t k = 0; k < 4096; k++) {
            uint64_t word = rng_u64(power.rng, k, 2, 0);
            buf_add(&junk, &word, sizeof word);
        }
        power_write_whole(path.p, &junk);
    }
    buf_free(&junk);
    buf_free(&path);
}

static inline void power_cut(void)
{
    bool all = power.end == POWER_CUT_ALL, some = power.end == POWER_CUT_SOME;
    struct buf image[POWER_FILES] = {{0}};
    for (int k = 0; k < power.files; k++) {
        struct power_content *c = &power.file[k];
        buf_add(&image[k], c->durable.p ? c->durable.p : "", c->durable.n);
        for (int j = 0; j < c->n && (all || some); j++)
            power_apply(&image[k], &c->op[j], some, (uint64_t)k, (uint64_t)j);
    }
    for (int k = 0; k < power.names; k++) {
        const struct power_name *name = &power.name[k];
        bool now = all || (some && rng_below(power.rng, 2, (uint64_t)k, 3));
        int file = now ? name->now : name->durable;
        syscall(SYS_unlinkat, AT_FDCWD, name->path, 0);
        if (file >= 0)
            power_write_whole(name->path, &image[file]);
    }
    power_spoil_shm();
    _exit(POWER_EXIT);
}

static inline void power_burn(uint64_t turns)
{
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
}

/* Counts an operation; ends the process if this is the one. true: the operation must fail. `torn`, if there
 * is one, does half of the operation. */
static inline bool power_operation(const char *what, const char *path, bool needs_space,
                                   void (*torn)(void *ctx), void *ctx)
{
    long n = ++power.story->operations;
    bool now = n == power.at;
    if (now) {
        const char *slash = path ? strrchr(path, '/') : NULL;
        power.story->hit = true;
        snprintf(power.story->what, sizeof power.story->what, "%s %s", what, slash ? slash + 1 : "");
    }
    switch (power.end) {
    case POWER_ON:
    case POWER_ENDS:
        return false;
    case POWER_KILL_TORN:
        if (now && torn)
            torn(ctx);
        /* fallthrough */
    case POWER_KILL:
        if (now)
            kill(getpid(), SIGKILL);
        return false;
    case POWER_CUT_NONE:
    case POWER_CUT_ALL:
    case POWER_CUT_SOME:
        if (now)
            power_cut();
        return false;
    case POWER_FAIL:
        return now;
    case POWER_FAIL_ON:
        return n >= power.at;
    case POWER_FULL:
        return n >= power.at && needs_space;
    case POWER_SLOW:
        power_burn(rng_below(power.rng, rng_below(power.rng, 20, (uint64_t)n, 4) ? 30000 : 10000000,
                             (uint64_t)n, 5));
        return false;
    }
    return false;
}

/* --- the VFS ------------------------------------------------------------------------------------------- */

struct power_handle {
    sqlite3_file base;
    int file; /* index, -1: not modelled */
    char path[256];
    sqlite3_file *real; /* behind this struct */
};

static inline sqlite3_file *power_real(sqlite3_file *f)
{
    return ((struct power_handle *)f)->real;
}

struct power_write {
    sqlite3_file *f;
    const void *bytes;
    int n;
    sqlite3_int64 at;
};

static inline void power_half_write(void *ctx)
{
    struct power_write *w = ctx;
    power_real(w->f)->pMethods->xWrite(power_real(w->f), w->bytes, w->n / 2, w->at);
}

static inline int power_vfs_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    struct power_handle *h = (struct power_handle *)f;
    struct power_write w = {f, bytes, n, at};
    if (h->file < 0)
        return power_real(f)->pMethods->xWrite(power_real(f), bytes, n, at);
    pthread_mutex_lock(&power.lock);
    int code = SQLITE_OK;
    if (power_operation("write", h->path, true, power_half_write, &w))
        code = power.end == POWER_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    else
        power_note(h->file, (struct power_op){.at = at, .n = (size_t)n}, bytes);
    pthread_mutex_unlock(&power.lock);
    return code ? code : power_real(f)->pMethods->xWrite(power_real(f), bytes, n, at);
}

static inline int power_vfs_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct power_handle *h = (struct power_handle *)f;
    if (h->file < 0)
        return power_real(f)->pMethods->xTruncate(power_real(f), size);
    pthread_mutex_lock(&power.lock);
    bool fails = power_operation("truncate", h->path, false, NULL, NULL);
    if (!fails)
        power_note(h->file, (struct power_op){.truncate = true, .at = size}, NULL);
    pthread_mutex_unlock(&power.lock);
    return fails ? SQLITE_IOERR_TRUNCATE : power_real(f)->pMethods->xTruncate(power_real(f), size);
}

/* SQLite's own locks are held around system calls, so ours never is around a call of the real VFS. The real
 * one syncs the folder too when it should. */
static inline int power_vfs_sync(sqlite3_file *f, int flags)
{
    struct power_handle *h = (struct power_handle *)f;
    if (h->file < 0)
        return SQLITE_OK;
    pthread_mutex_lock(&power.lock);
    bool fails = power_operation("sync", h->path, false, NULL, NULL);
    pthread_mutex_unlock(&power.lock);
    int code = fails ? SQLITE_IOERR_FSYNC : power_real(f)->pMethods->xSync(power_real(f), flags);
    pthread_mutex_lock(&power.lock);
    if (!fails)
        power_synced(&power.file[h->file]);
    pthread_mutex_unlock(&power.lock);
    return code;
}

static inline int power_vfs_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    struct power_handle *h = (struct power_handle *)f;
    pthread_mutex_lock(&power.lock);
    bool fails = power_operation("shared memory of", h->path, true, NULL, NULL);
    pthread_mutex_unlock(&power.lock);
    return fails ? SQLITE_IOERR_SHMMAP
                 : power_real(f)->pMethods->xShmMap(power_real(f), page, size, extend, p);
}

static inline int power_vfs_close(sqlite3_file *f)
{
    return power_real(f)->pMethods->xClose(power_real(f));
}
static inline int power_vfs_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return power_real(f)->pMethods->xRead(power_real(f), p, n, at);
}
static inline int power_vfs_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return power_real(f)->pMethods->xFileSize(power_real(f), size);
}
static inline int power_vfs_lock(sqlite3_file *f, int kind)
{
    return power_real(f)->pMethods->xLock(power_real(f), kind);
}
static inline int power_vfs_unlock(sqlite3_file *f, int kind)
{
    return power_real(f)->pMethods->xUnlock(power_real(f), kind);
}
static inline int power_vfs_check(sqlite3_file *f, int *out)
{
    return power_real(f)->pMethods->xCheckReservedLock(power_real(f), out);
}
static inline int power_vfs_control(sqlite3_file *f, int op, void *arg)
{
    return power_real(f)->pMethods->xFileControl(power_real(f), op, arg);
}
static inline int power_vfs_sector(sqlite3_file *f)
{
    return power_real(f)->pMethods->xSectorSize(power_real(f));
}
static inline int power_vfs_device(sqlite3_file *f)
{
    return power_real(f)->pMethods->xDeviceCharacteristics(power_real(f));
}
static inline int power_vfs_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return power_real(f)->pMethods->xShmLock(power_real(f), offset, n, flags);
}
static inline void power_vfs_shm_barrier(sqlite3_file *f)
{
    power_real(f)->pMethods->xShmBarrier(power_real(f));
}
static inline int power_vfs_shm_unmap(sqlite3_file *f, int remove)
{
    return power_real(f)->pMethods->xShmUnmap(power_real(f), remove);
}

/* Version 2: no memory mapping of the database, so that every write is seen. */
static const sqlite3_io_methods power_methods = {
    .iVersion = 2,
    .xClose = power_vfs_close,
    .xRead = power_vfs_read,
    .xWrite = power_vfs_write,
    .xTruncate = power_vfs_truncate,
    .xSync = power_vfs_sync,
    .xFileSize = power_vfs_size,
    .xLock = power_vfs_lock,
    .xUnlock = power_vfs_unlock,
    .xCheckReservedLock = power_vfs_check,
    .xFileControl = power_vfs_control,
    .xSectorSize = power_vfs_sector,
    .xDeviceCharacteristics = power_vfs_device,
    .xShmMap = power_vfs_shm_map,
    .xShmLock = power_vfs_shm_lock,
    .xShmBarrier = power_vfs_shm_barrier,
    .xShmUnmap = power_vfs_shm_unmap,
};

static inline int power_vfs_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
    (void)vfs;
    struct power_handle *h = (struct power_handle *)f;
    memset(h, 0, sizeof *h);
    h->real = (sqlite3_file *)(h + 1);
    h->file = -1;
    pthread_mutex_lock(&power.lock);
    struct power_name *name = power_name_of(path);
    bool makes = name && name->now < 0 && flags & SQLITE_OPEN_CREATE;
    bool fails = makes && power_operation("make", path, true, NULL, NULL);
    pthread_mutex_unlock(&power.lock);
    int code = fails ? SQLITE_CANTOPEN : power.real->xOpen(power.real, path, h->real, flags, out);
    pthread_mutex_lock(&power.lock);
    if (code == SQLITE_OK && name) {
        if (makes)
            name->now = power_file_new();
        h->file = name->now;
        snprintf(h->path, sizeof h->path, "%s", path);
    }
    pthread_mutex_unlock(&power.lock);
    h->base.pMethods = code == SQLITE_OK ? &power_methods : NULL;
    return code;
}

/* --- system calls that change or sync a folder --------------------------------------------------------- */

static inline int power_sync_fd(int fd)
{
    struct stat st, of;
    if (!power.prefix)
        return (int)syscall(SYS_fsync, fd);
    if (fstat(fd, &st) != 0)
        return -1;
    if (!S_ISDIR(st.st_mode) || stat(power.folder, &of) != 0 || of.st_ino != st.st_ino ||
        of.st_dev != st.st_dev)
        return 0;
    pthread_mutex_lock(&power.lock);
    bool fails = power_operation("sync folder of", power.prefix, false, NULL, NULL);
    if (!fails)
        power_folder_synced();
    pthread_mutex_unlock(&power.lock);
    if (fails)
        errno = EIO;
    return fails ? -1 : 0;
}

int fsync(int fd)
{
    return power_sync_fd(fd);
}

int fdatasync(int fd)
{
    return power_sync_fd(fd);
}

int unlink(const char *path)
{
    pthread_mutex_lock(&power.lock);
    struct power_name *name = power_name_of(path);
    int code = -1;
    if (name && name->now >= 0 && power_operation("remove", path, false, NULL, NULL))
        errno = EIO;
    else
        code = (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (code == 0 && name)
        name->now = -1;
    int number = errno;
    pthread_mutex_unlock(&power.lock);
    errno = number;
    return code;
}

int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags)
{
    pthread_mutex_lock(&power.lock);
    struct power_name *a = power_name_of(from), *b = power_name_of(to);
    int code = -1;
    if (b && power_operation("rename to", to, true, NULL, NULL))
        errno = power.end == POWER_FULL ? ENOSPC : EIO;
    else
        code = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
    if (code == 0 && a && b) {
        b->now = a->now;
        a->now = -1;
    }
    int number = errno;
    pthread_mutex_unlock(&power.lock);
    errno = number;
    return code;
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* --- */

/* For a child that does nothing else: from here on the nth operation on the files beginning with `path`
 * (absolute) meets `end`. */
static inline void power_arm(const char *path, enum power_end end, long nth, uint64_t seed,
                             struct power_story *story)
{
    static sqlite3_vfs shim;
    *story = (struct power_story){0};
    power.story = story;
    power.end = end;
    power.at = nth;
    power.rng = rng_stream(seed, "power");
    power.folder = xstrdup(path);
    *strrchr(power.folder, '/') = '\0';
    power.prefix = path;
    power.real = sqlite3_vfs_find(NULL);
    shim = *power.real;
    shim.pNext = NULL;
    shim.zName = "power";
    shim.szOsFile = (int)sizeof(struct power_handle) + power.real->szOsFile;
    shim.xOpen = power_vfs_open;
    sqlite3_vfs_register(&shim, 1);
}

#endif
