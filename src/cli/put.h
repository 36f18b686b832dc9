/* Results on stdout, with the disk that is full or the pipe that is closed noticed; and the two errors that
 * every command about a results file shares. */
#ifndef SECCM_CLI_PUT_H
#define SECCM_CLI_PUT_H

#include "base/buf.h"
#include "cli/options.h"

/* Writes and frees the text. Returns the exit status: 0, or 3 with a message. A reader that closed the pipe
 * (head) is no error. */
int put_stdout(struct buf *text);
/* Writes the text to `path`, complete or not at all (a new file beside it takes its place), and frees it.
 * Refuses to replace `input` (the file that the command reads; NULL = none), a results file, or anything that
 * is no regular file. Returns the exit status. */
int put_file(const char *path, const char *input, struct buf *text);
/* Usage error: a word is missing. Returns the exit status. */
int put_usage(const struct command *c, const char *what);

#endif
