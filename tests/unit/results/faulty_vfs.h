/* An SQLite VFS in front of the usual one that fails on demand: the nth write or fsync, once or from then on,
 * with a torn write if wanted. It can also hold an fsync back until it is let go. Syncs are counted but not
 * passed on: a test that does not cut the power needs none, and the tests get faster. */
#ifndef SECCM_TEST_RESULTS_FAULTY_VFS_H
#define SECCM_TEST_RESULTS_FAULTY_VFS_H

#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum fault_kind { VFS_WELL, VFS_WRITE, VFS_TORN, VFS_FULL, VFS_SYNC };

static struct {
    sqlite3_vfs *real;
    _Atomic enum fault_kind kind;
    atomic_bool lasting;   /* everything after the first fault fails too */
    atomic_long countdown; /* operations until the fault */
    atomic_long operations, wal_syncs, hits;
    atomic_bool gated; /* fsync of a WAL waits for `gate` */
    sem_t gate;
} faulty;

struct faulty_file {
    sqlite3_file base;
    bool wal;
    sqlite3_file *real; /* behind this struct */
};

static inline sqlite3_file *real_file(sqlite3_file *f)
{
    return ((struct faulty_file *)f)->real;
}

/* Is this operation, if it is of the kind that fails, the one? */
static inline bool faulty_hit(bool sync)
{
    faulty.operations++;
    if (faulty.kind == VFS_WELL || sync != (faulty.kind == VFS_SYNC))
        return false;
    long left = atomic_fetch_sub(&faulty.countdown, 1);
    bool hit = left == 1 || (faulty.lasting && left < 1);
    faulty.hits += hit;
    return hit;
}

static inline int faulty_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at)
{
    if (!faulty_hit(false))
        return real_file(f)->pMethods->xWrite(real_file(f), bytes, n, at);
    if (faulty.kind == VFS_TORN)
        real_file(f)->pMethods->xWrite(real_file(f), bytes, n / 2, at);
    return faulty.kind == VFS_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static inline int faulty_sync(sqlite3_file *f, int flags)
{
    (void)flags;
    bool wal = ((struct faulty_file *)f)->wal;
    faulty.wal_syncs += wal;
    if (wal && faulty.gated) {
        struct timespec limit;
        clock_gettime(CLOCK_REALTIME, &limit);
        limit.tv_sec += 60; /* only so that a broken test ends */
        if (sem_timedwait(&faulty.gate, &limit) != 0)
            return SQLITE_IOERR_FSYNC;
    }
    return faulty_hit(true) ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

static inline int faulty_close(sqlite3_file *f)
{
    return real_file(f)->pMethods->xClose(real_file(f));
}
static inline int faulty_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real_file(f)->pMethods->xRead(real_file(f), p, n, at);
}
static inline int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real_file(f)->pMethods->xTruncate(real_file(f), size);
}
static inline int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_file(f)->pMethods->xFileSize(real_file(f), size);
}
static inline int faulty_lock(sqlite3_file *f, int kind)
{
    return real_file(f)->pMethods->xLock(real_file(f), kind);
}
static inline int faulty_unlock(sqlite3_file *f, int kind)
{
    return real_file(f)->pMethods->xUnlock(real_file(f), kind);
}
static inline int faulty_check(sqlite3_file *f, int *out)
{
    return real_file(f)->pMethods->xCheckReservedLock(real_file(f), out);
}
static inline int faulty_control(sqlite3_file *f, int op, void *arg)
{
    return real_file(f)->pMethods->xFileControl(real_file(f), op, arg);
}
static inline int faulty_sector(sqlite3_file *f)
{
    return real_file(f)->pMethods->xSectorSize(real_file(f));
}
static inline int faulty_device(sqlite3_file *f)
{
    return real_file(f)->pMethods->xDeviceCharacteristics(real_file(f));
}
static inline int faulty_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    return real_file(f)->pMethods->xShmMap(real_file(f), page, size, extend, p);
}
static inline int faulty_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real_file(f)->pMethods->xShmLock(real_file(f), offset, n, flags);
}
static inline void faulty_shm_barrier(sqlite3_file *f)
{
    real_file(f)->pMethods->xShmBarrier(real_file(f));
}
static inline int faulty_shm_unmap(sqlite3_file *f, int remove)
{
    return real_file(f)->pMethods->xShmUnmap(real_file(f), remove);
}

static const sqlite3_io_methods faulty_methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_check,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_device,
    .xShmMap = faulty_shm_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_shm_barrier,
    .xShmUnmap = faulty_shm_unmap,
};

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    (void)vfs;
    struct faulty_file *file = (struct faulty_file *)f;
    file->real = (sqlite3_file *)(file + 1);
    file->wal = flags & SQLITE_OPEN_WAL;
    int code = faulty.real->xOpen(faulty.real, name, file->real, flags, out);
    file->base.pMethods = file->real->pMethods ? &faulty_methods : NULL;
    return code;
}

/* Becomes the VFS that everything uses; faults are off. */
static inline void faulty_install(void)
{
    static sqlite3_vfs shim;
    faulty.real = sqlite3_vfs_find(NULL);
    shim = *faulty.real;
    shim.pNext = NULL;
    shim.zName = "faulty";
    shim.szOsFile = (int)sizeof(struct faulty_file) + faulty.real->szOsFile;
    shim.xOpen = faulty_open;
    sem_init(&faulty.gate, 0, 0);
    sqlite3_vfs_register(&shim, 1);
}

static inline void faulty_set(enum fault_kind kind, long nth, bool lasting)
{
    faulty.kind = kind;
    faulty.lasting = lasting;
    faulty.countdown = nth;
    faulty.operations = faulty.wal_syncs = faulty.hits = 0;
}

#endif
