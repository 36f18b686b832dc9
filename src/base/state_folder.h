/* The user's folder for what is remembered from one call of the program to the next: verified rigs, the
 * queue.
 *
 *     $XDG_STATE_HOME/seccm, or ~/.local/state/seccm if that is unset */
#ifndef SECCM_BASE_STATE_FOLDER_H
#define SECCM_BASE_STATE_FOLDER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"

/* Appends its name, without creating it. ERR_IO if nothing says where it is; `what` is to be kept there. */
bool state_folder(struct buf *path, const char *what, struct err *e);
/* Creates it with all folders above it (mode 0700). ERR_IO. */
bool state_folder_make(const char *path, struct err *e);

#endif
