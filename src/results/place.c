/* Where a results file may live, and who may write it. */
#include "results/place.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define FUSE_MAGIC 0x65735546

/* f_type of file systems whose files other machines may change. */
static const struct {
    uint64_t magic;
    const char *name;
} network_magic[] = {
    {0x6969, "NFS"},
    {0x517b, "SMB"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB2"},
    {0x564c, "NCP"},
    {0x01021997, "9p"},
    {0x5346414f, "AFS"},
    {0x6b414653, "kAFS"},
    {0x73757245, "Coda"},
    {0x00c36400, "Ceph"},
    {0x0bd00bd0, "Lustre"},
    {0xaad7aaea, "PanFS"},
    {0x786f4256, "VirtualBox"},
    {0xbacbacbc, "VMware"},
};

/* FUSE file systems by their type in mountinfo. */
static const struct {
    const char *type;
    enum place_verdict verdict;
} fuse_types[] = {
    {"fuseblk", PLACE_LOCAL},
    {"fuse.fuse-overlayfs", PLACE_LOCAL},
    {"fuse.gocryptfs", PLACE_LOCAL},
    {"fuse.sshfs", PLACE_NETWORK},
    {"fuse.rclone", PLACE_NETWORK},
    {"fuse.s3fs", PLACE_NETWORK},
    {"fuse.glusterfs", PLACE_NETWORK},
    {"fuse.davfs", PLACE_NETWORK},
    {"fuse.curlftpfs", PLACE_NETWORK},
    {"fuse.gcsfuse", PLACE_NETWORK},
    {"fuse.google-drive-ocamlfuse", PLACE_NETWORK},
    {"fuse.gvfsd-fuse", PLACE_NETWORK},
    {"fuse.ceph-fuse", PLACE_NETWORK},
    {"fuse.onedriver", PLACE_NETWORK},
    {"fuse.vmhgfs-fuse", PLACE_NETWORK},
    {"fuse.smbnetfs", PLACE_NETWORK},
};

enum place_verdict place_judge(uint64_t magic, const char *type, const char **name)
{
    /* f_type is a signed long: on some machines the high bit of CIFS is extended. */
    magic &= 0xffffffff;
    for (size_t i = 0; i < sizeof network_magic / sizeof network_magic[0]; i++)
        if (network_magic[i].magic == magic) {
            *name = network_magic[i].name;
            return PLACE_NETWORK;
        }
    *name = type ? type : "unknown";
    if (magic != FUSE_MAGIC)
        return PLACE_LOCAL;
    for (size_t i = 0; type && i < sizeof fuse_types / sizeof fuse_types[0]; i++)
        if (strcmp(fuse_types[i].type, type) == 0)
            return fuse_types[i].verdict;
    *name = type ? type : "FUSE";
    return PLACE_DOUBTFUL;
}

/* Folder part of a path, "." if it has none. Caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? xstrdup(path) : xstrdup(".");
    if (slash)
        folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

/* File system type of a device in mountinfo's lines: "36 35 98:0 /root /mount opts ... - TYPE source opts".
 * The last one wins, as for mount(8). */
static bool mount_type(dev_t device, char type[64])
{
    FILE *f = fopen("/proc/self/mountinfo", "re");
    if (!f)
        return false;
    char *line = NULL;
    size_t cap = 0;
    bool found = false;
    while (getline(&line, &cap, f) > 0) {
        unsigned mj, mn;
        const char *dash = strstr(line, " - ");
        if (dash && sscanf(line, "%*d %*d %u:%u", &mj, &mn) == 2 && makedev(mj, mn) == device)
            found = sscanf(dash + 3, "%63s", type) == 1;
    }
    free(line);
    fclose(f);
    return found;
}

static bool check_kind(const char *folder, struct err *e)
{
    struct statfs fs;
    struct stat st;
    if (statfs(folder, &fs) != 0 || stat(folder, &st) != 0)
        return err_errno(e, ERR_IO, errno, "folder `%s`", folder);
    char type[64];
    const char *name;
    bool known = mount_type(st.st_dev, type);
    switch (place_judge((uint64_t)fs.f_type, known ? type : NULL, &name)) {
    case PLACE_NETWORK:
        return err_set(e, ERR_IO,
                       "folder `%s` is on a network file system (%s), where a crash can damage the results: "
                       "choose a local disk and copy the file when the run has ended",
                       folder, name);
    case PLACE_DOUBTFUL:
        log_line(LOG_WARNING,
                 "folder `%s` is on a user-space file system (%s): if its disk is not in this machine, "
                 "write the results elsewhere",
                 folder, name);
        break;
    case PLACE_LOCAL:
        break;
    }
    return true;
}

static bool check_space(const char *folder, uint64_t need_bytes, struct err *e)
{
    struct statvfs v;
    if (statvfs(folder, &v) != 0)
        return err_errno(e, ERR_IO, errno, "folder `%s`", folder);
    uint64_t available = (uint64_t)v.f_bavail * v.f_frsize;
    if (available < need_bytes)
        return err_set(e, ERR_FULL, "folder `%s` has %.1f MB free, the results may need %.1f MB", folder,
                       (double)available * 1e-6, (double)need_bytes * 1e-6);
    return true;
}

bool place_check(const char *path, uint64_t need_bytes, struct err *e)
{
    char *folder = folder_of(path);
    bool ok = check_kind(folder, e) && check_space(folder, need_bytes, e);
    free(folder);
    return ok;
}

/* Links of folders lead to the same neighbours and may stay. */
char *place_resolve(const char *path)
{
    struct stat st;
    char *whole = lstat(path, &st) == 0 && S_ISLNK(st.st_mode) ? realpath(path, NULL) : NULL;
    return whole ? whole : xstrdup(path);
}

/* The one name of the results file, whatever links lead to it; the file itself need not exist. */
static bool true_name(const char *path, struct buf *name, struct err *e)
{
    char *whole = realpath(path, NULL);
    if (whole) {
        buf_str(name, whole);
        free(whole);
        return true;
    }
    char *folder = folder_of(path);
    char *real = realpath(folder, NULL);
    if (!real) {
        err_errno(e, ERR_IO, errno, "folder `%s`", folder);
        free(folder);
        return false;
    }
    const char *slash = strrchr(path, '/');
    buf_printf(name, "%s/%s", real, slash ? slash + 1 : path);
    free(real);
    free(folder);
    return true;
}

/* The lock file holds process and host; it was written when the lock was taken. */
static bool held_by_other(const char *path, int fd, struct err *e)
{
    char text[120] = "", pid[24] = "unknown", host[65] = "this machine", since[32] = "?";
    struct stat st;
    struct tm tm;
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    sscanf(text, "%23s %64s", pid, host);
    if (fstat(fd, &st) == 0 && gmtime_r(&st.st_mtime, &tm))
        strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%SZ", &tm);
    return err_set(
        e, ERR_IO,
        "`%s` is being written by another run (process %s on %s, since %s): `seccm status` tells how "
        "far it is",
        path, pid, host, since);
}

/* One try. *again: the holder removed the file while we waited for it. */
static bool try_lock(const char *path, const char *lock_path, int *fd, bool *again, struct err *e)
{
    *again = false;
    *fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (*fd < 0)
        return err_errno(e, ERR_IO, errno, "lock file `%s`", lock_path);
    struct stat opened, named;
    if (flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            held_by_other(path, *fd, e);
        else
            err_errno(e, ERR_IO, errno, "lock file `%s`", lock_path);
    } else if (fstat(*fd, &opened) == 0 && stat(lock_path, &named) == 0 && opened.st_dev == named.st_dev &&
               opened.st_ino == named.st_ino) {
        return true;
    } else {
        *again = true;
    }
    close(*fd);
    return false;
}

bool place_lock(const char *path, struct place_lock *lock, struct err *e)
{
    struct buf name = {0};
    int fd;
    bool again, got;
    if (!true_name(path, &name, e)) {
        buf_free(&name);
        return false;
    }
    buf_str(&name, "-lock");
    do
        got = try_lock(path, name.p, &fd, &again, e);
    while (again);
    if (!got) {
        buf_free(&name);
        return false;
    }
    /* The text is for people and messages only: a write that fails is no harm. */
    char host[65] = "";
    gethostname(host, sizeof host - 1);
    if (ftruncate(fd, 0) == 0)
        dprintf(fd, "%ld %s\n", (long)getpid(), host);
    lock->path = name.p;
    lock->fd = fd;
    return true;
}

void place_unlock(struct place_lock *lock)
{
    if (!lock->path)
        return;
    unlink(lock->path); /* before letting go: afterwards it may be another's */
    close(lock->fd);
    free(lock->path);
    lock->path = NULL;
}

bool place_is_held(const char *path, struct err *e)
{
    struct place_lock lock = {0};
    struct buf name = {0};
    char *own = place_resolve(path);
    buf_printf(&name, "%s-lock", own);
    free(own);
    bool held = access(name.p, F_OK) == 0 && !place_lock(path, &lock, e);
    buf_free(&name);
    place_unlock(&lock);
    return held;
}

int place_node(const char *path, struct err *e)
{
    int node = open(path, O_PATH | O_CLOEXEC);
    if (node < 0)
        err_errno(e, ERR_IO, errno, "results `%s`", path);
    return node;
}

enum place_found place_find(int node, const char *path)
{
    struct stat opened, named;
    if (stat(path, &named) == 0 && fstat(node, &opened) == 0 && opened.st_dev == named.st_dev &&
        opened.st_ino == named.st_ino)
        return PLACE_HERE;
    return fstat(node, &opened) == 0 && opened.st_nlink == 0 ? PLACE_DELETED : PLACE_MOVED;
}

void place_name(int node, struct buf *out)
{
    char link[48], name[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", node);
    ssize_t n = readlink(link, name, sizeof name);
    if (n > 0 && n < (ssize_t)sizeof name)
        buf_add(out, name, (size_t)n);
    else
        buf_str(out, "");
}

bool place_sync_folder(const char *path, struct err *e)
{
    char *folder = folder_of(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool ok = fd >= 0 && fsync(fd) == 0;
    if (!ok)
        err_errno(e, ERR_IO, errno, "folder `%s`", folder);
    if (fd >= 0)
        close(fd);
    free(folder);
    return ok;
}
