/* A YAML document as a tree with source marks, over libyaml.
 *
 * Bounds: 4 MiB of text, depth 64, 500 000 nodes after aliases are followed (so that alias bombs end in an
 * error and not in memory), no duplicate keys, one document. Scalars are text: what they mean is decided by
 * the reader that knows which quantity is expected (so `no`, `1e3` and `0.05 V` mean nothing here). */
#ifndef SECCM_BASE_YAML_H
#define SECCM_BASE_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* A file that was read: its exact bytes are kept for messages and for the results file. */
struct source {
    char *path; /* as the user named it */
    struct buf bytes;
};

/* Reads a regular file of at most `limit` bytes, from the shelf if one is in use (base/shelf.h). Caller frees
 * with source_free(). */
struct source *source_read(const char *path, size_t limit, struct err *e);
struct source *source_from_text(const char *name, const char *text);
void source_free(struct source *s);
/* The one name of a file, whatever way leads to it; NULL with errno if there is none. Caller frees. */
char *source_real(const char *path);
/* A path that the file `from` names, relative to its folder unless absolute. Caller frees. */
char *source_beside(const char *from, const char *path);

struct mark {
    const struct source *source; /* NULL: no position */
    int line, column;            /* 1-based; column counts bytes */
    int length;                  /* bytes to underline, 0 = unknown */
};

/* All that was found wrong, in the order found; printed sorted by file and line. It keeps a copy of what it
 * shows: sources and trees may be freed before it is printed. */
struct diags;
struct diags *diags_new(void);
void diags_free(struct diags *d);
void diags_error(struct diags *d, struct mark m, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void diags_warning(struct diags *d, struct mark m, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a suggestion ("did you mean `cycles`?") to the newest entry; NULL does nothing. */
void diags_hint(struct diags *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int diags_errors(const struct diags *d);
int diags_warnings(const struct diags *d);
/* `file:line:column: error: text`, the source line, a caret line, the hint. Entries beyond 50 are counted. */
void diags_print(const struct diags *d, struct buf *out);

enum ynode_kind { Y_SCALAR, Y_LIST, Y_MAP };

struct ynode; /* owned by its ytree */

struct ytree;
/* Parses; on a syntax or structure error adds it to `d` and returns NULL. `s` must outlive the tree. */
struct ytree *ytree_parse(const struct source *s, struct diags *d);
void ytree_free(struct ytree *t);
const struct ynode *ytree_root(const struct ytree *t);

enum ynode_kind ynode_kind(const struct ynode *n);
struct mark ynode_mark(const struct ynode *n);
/* Scalar text (never NULL for a scalar; NULL otherwise). */
const char *ynode_text(const struct ynode *n);
/* true for a plain (unquoted) empty, `~` or `null` scalar. */
bool ynode_is_null(const struct ynode *n);
int ynode_count(const struct ynode *n);                                /* items of a list or pairs of a map */
const struct ynode *ynode_item(const struct ynode *n, int i);          /* list item */
const char *ynode_key(const struct ynode *n, int i);                   /* i-th key of a map */
struct mark ynode_key_mark(const struct ynode *n, int i);              /* where that key stands */
const struct ynode *ynode_value(const struct ynode *n, int i);         /* i-th value of a map */
const struct ynode *ynode_get(const struct ynode *n, const char *key); /* NULL if absent or n is no map */

/* Nearest of `names` (NULL-terminated) to `word` within a small edit distance, or NULL. */
const char *text_nearest(const char *word, const char *const *names);

#endif
