/* Where a results file may live, and who may write it.
 *
 * SQLite's WAL needs shared memory and locks that all processes on the file see. Network file systems do not
 * give them reliably, so a run refuses to write there. */
#ifndef SECCM_RESULTS_PLACE_H
#define SECCM_RESULTS_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum place_verdict { PLACE_LOCAL, PLACE_DOUBTFUL, PLACE_NETWORK };

/* What a file system is good for. `magic` is f_type of statfs(2); `type` its name in /proc/self/mountinfo,
 * NULL if it is not known (it tells FUSE file systems apart). `name` receives a name for messages. */
enum place_verdict place_judge(uint64_t magic, const char *type, const char **name);

/* Is the folder of `path` fit for a results file with `need_bytes` still to come? ERR_IO, ERR_FULL. A
 * doubtful file system is warned of. */
bool place_check(const char *path, uint64_t need_bytes, struct err *e);

/* The file's own name where the path ends in a link to it, otherwise the path as it is. All that lies beside
 * a results file (lock, WAL, guardian's log, simulated sample) is called after this name. Caller frees. */
char *place_resolve(const char *path);

/* The lock among writers: a file PATH-lock beside the results file, held by flock(2), so that it vanishes
 * with the process however that ends; a file left behind by kill -9 means nothing and is taken over. It is a
 * file of its own because closing any descriptor of the database would drop the locks that SQLite holds on it
 * in this process (fcntl(2)). */
struct place_lock {
    char *path; /* heap; NULL = not held */
    int fd;
};
/* ERR_IO that names the process if another writer holds it. */
bool place_lock(const char *path, struct place_lock *lock, struct err *e);
/* Another process holds the lock of that file now: *e says which, where and since when. Whoever may go on
 * takes the lock himself; this is only to refuse early and in plain words. */
bool place_is_held(const char *path, struct err *e);
/* Removes the lock file and lets go. */
void place_unlock(struct place_lock *lock);

/* A descriptor that stands for the file and holds nothing of it: closing it drops no lock of this process.
 * -1 on error. */
int place_node(const char *path, struct err *e);
enum place_found { PLACE_HERE, PLACE_MOVED, PLACE_DELETED };
/* Is the file of place_node() still what `path` names? Moved: it has another name. */
enum place_found place_find(int node, const char *path);
/* The name that the file has now, as far as the system knows; "" if it does not. */
void place_name(int node, struct buf *out);

/* Makes a renamed or removed entry of the folder of `path` durable. */
bool place_sync_folder(const char *path, struct err *e);

#endif
