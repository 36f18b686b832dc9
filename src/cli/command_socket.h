/* The local socket through which `seccm pause|continue|skip|stop FILE` reach the run that writes FILE.
 *
 *     $XDG_RUNTIME_DIR/seccm/RUN-FILE.sock, or /tmp/seccm-UID/RUN-FILE.sock without such a folder
 *
 * RUN is the run's id as stored in the results file, FILE a number made of the file's device and inode, so
 * that two virtual runs of one plan, whose ids are equal, do not meet. The folder is its owner's alone (0700)
 * and the peer's user is checked, so no token is needed. One line asks ("skip 17"), one line answers ("ok
 * ..." or "no ..."). Nobody but the run itself ever writes into the results file. */
#ifndef SECCM_CLI_COMMAND_SOCKET_H
#define SECCM_CLI_COMMAND_SOCKET_H

#include <stddef.h>

#include "base/err.h"
#include "run/wish.h"

struct command_socket;

/* A thread of its own answers. `results_path` must exist. */
struct command_socket *command_socket_start(const char *run_id, const char *results_path, struct wishes *w,
                                            struct err *e);
/* Where it listens; "" for NULL. The run stores it under this name, for those whose environment names other
 * folders. */
#define COMMAND_SOCKET_INFO "command_socket"
const char *command_socket_path(const struct command_socket *s);
/* Removes the socket. */
void command_socket_stop(struct command_socket *s);

/* Asks the run that writes the file. ERR_INPUT if no run listens; otherwise *taken and its answer. */
bool command_socket_ask(const char *run_id, const char *results_path, const char *line, bool *taken,
                        char *text, size_t n, struct err *e);

#endif
