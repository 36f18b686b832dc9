/* Who holds a file or a port: the process with a flock(2) on it, found in the kernel's list of locks. Asking
 * by taking the lock could get in the way of a program that starts at this moment. */
#ifndef SECCM_BASE_HOLDER_H
#define SECCM_BASE_HOLDER_H

#include <stddef.h>
#include <sys/stat.h>

/* Number of the process; 0 = nobody holds it, or the system does not say who. */
int holder_of(const struct stat *file);
/* "process 4711 (seccm run night.yaml)", its command line cut to what fits and bytes that do not print shown
 * as
 * `?`; "another program" if it is not known. Returns text. */
const char *holder_text(const struct stat *file, char *text, size_t n);

#endif
