/* The list is /proc/locks: "1: FLOCK  ADVISORY  WRITE 4711 08:01:123456 0 EOF". */
#include "base/holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/sysmacros.h>

/* Has the process the file open, as stat(2) tells of both? -1: it can not be looked at. */
static int has_open(int pid, const struct stat *file)
{
    char name[64];
    struct stat st;
    snprintf(name, sizeof name, "/proc/%d/fd", pid);
    DIR *folder = opendir(name);
    int found = folder ? 0 : -1;
    for (struct dirent *d; folder && found == 0 && (d = readdir(folder));)
        found = fstatat(dirfd(folder), d->d_name, &st, 0) == 0 && st.st_ino == file->st_ino &&
                st.st_dev == file->st_dev;
    if (folder)
        closedir(folder);
    return found;
}

/* Some file systems tell stat(2) another device than the kernel's list (overlays, subvolumes). There the
 * number of the file must do, which a file elsewhere may have as well: the process is asked what it has open.
 * Of one that can not be asked (another user's, or gone with its lock inherited) it is believed only where a
 * file system has no device of its own, number 0. Not for devices: those of terminals are small numbers. */
static bool is_it_loosely(const struct stat *file, int pid)
{
    int open = S_ISREG(file->st_mode) ? has_open(pid, file) : 0;
    return open > 0 || (open < 0 && major(file->st_dev) == 0);
}

static int look_for(const struct stat *file, bool strictly)
{
    FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    int holder = 0;
    while (locks && !holder && fgets(line, sizeof line, locks)) {
        int pid;
        unsigned mj, mn;
        unsigned long inode;
        if (sscanf(line, "%*d: FLOCK %*s WRITE %d %x:%x:%lu", &pid, &mj, &mn, &inode) == 4 &&
            inode == (unsigned long)file->st_ino &&
            (strictly ? makedev(mj, mn) == file->st_dev : is_it_loosely(file, pid)))
            holder = pid;
    }
    if (locks)
        fclose(locks);
    return holder;
}

int holder_of(const struct stat *file)
{
    int holder = look_for(file, true);
    return holder ? holder : look_for(file, false);
}

/* Its words with blanks between them; "" if the system does not tell. */
static void command_of(int pid, char *text, size_t n)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/cmdline", pid);
    FILE *f = fopen(path, "re");
    size_t got = f ? fread(text, 1, n - 1, f) : 0;
    if (f)
        fclose(f);
    while (got > 0 && text[got - 1] == '\0')
        got--;
    text[got] = '\0';
    for (size_t k = 0; k < got; k++)
        if (text[k] == '\0')
            text[k] = ' ';
        else if ((unsigned char)text[k] < ' ' || text[k] == 0x7f)
            text[k] = '?';
}

const char *holder_text(const struct stat *file, char *text, size_t n)
{
    char command[160];
    int pid = holder_of(file);
    if (!pid) {
        snprintf(text, n, "another program");
        return text;
    }
    command_of(pid, command, sizeof command);
    snprintf(text, n, *command ? "process %d (%s)" : "process %d", pid, command);
    return text;
}
