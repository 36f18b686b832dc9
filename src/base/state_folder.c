/* Where the user's state is kept (XDG Base Directory Specification, 0.8). */
#include "base/state_folder.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

bool state_folder(struct buf *path, const char *what, struct err *e)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state && state[0] == '/')
        buf_printf(path, "%s/seccm", state);
    else if (home && home[0])
        buf_printf(path, "%s/.local/state/seccm", home);
    else
        return err_set(e, ERR_IO, "neither XDG_STATE_HOME nor HOME says where to keep %s", what);
    return true;
}

/* Makes the folder that `path` names up to its first n bytes. */
static bool make_one(const char *path, size_t n, struct err *e)
{
    struct buf part = {0};
    buf_add(&part, path, n);
    bool ok = mkdir(part.p, 0700) == 0 || errno == EEXIST;
    if (!ok)
        err_errno(e, ERR_IO, errno, "%s: can not be created", part.p);
    buf_free(&part);
    return ok;
}

bool state_folder_make(const char *path, struct err *e)
{
    for (size_t n = 1; path[0]; n++) {
        if (path[n] != '/' && path[n] != '\0')
            continue;
        if (!make_one(path, n, e))
            return false;
        if (!path[n])
            break;
    }
    return true;
}
