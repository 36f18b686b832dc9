/* Files kept in memory under their names, so that what a results file holds of its inputs can be read again
 * without them, whether or not they are still on disk and whatever they say by now.
 *
 * While a shelf is in use source_read() and source_real() take files from it and from nowhere else; one at a
 * time, for the thread that reads files (the main one). */
#ifndef SECCM_BASE_SHELF_H
#define SECCM_BASE_SHELF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct shelf;

/* The caller frees with shelf_free(), when it is not in use any more. */
struct shelf *shelf_new(void);
void shelf_free(struct shelf *s);
/* Puts a copy of the bytes there, in place of what is there under the same name. */
void shelf_put(struct shelf *s, const char *path, const void *bytes, size_t n);
/* The bytes of a file, NULL if it is not there. Names that differ by `.`, `//` and `..` are the same; so are
 * two that lead to one file on disk. *name: as it was put there, unless NULL. */
const struct buf *shelf_find(const struct shelf *s, const char *path, const char **name);

/* From now on files come from this one; NULL: from disk again. */
void shelf_use(const struct shelf *s);
/* The one in use, NULL = none. */
const struct shelf *shelf_in_use(void);

/* Absolute name of a path without `.`, `//` and `..`, by its letters alone: nothing is asked of the disk but
 * the present folder. */
void path_plain(const char *path, struct buf *out);

#endif
