/* What went over all links of a run: one text line per chunk, so that it can be read, searched and replayed.
 *
 *   12.003456789 stage > POS? 3\n
 *   12.005012345 stage < 3=1.000000000e+01\n
 *
 * Time in seconds, device, direction (> sent by the host, < received), bytes with C escapes
 * (\n \r \t \\ \xNN). Lines starting with # are comments. */
#ifndef SECCM_WIRE_TRANSCRIPT_H
#define SECCM_WIRE_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/loop.h"

struct transcript;

/* Creates the file (it must not exist). The caller closes it after the links that record into it. */
struct transcript *transcript_create(const char *path, struct err *e);
bool transcript_close(struct transcript *t, struct err *e);
/* direction '>' or '<'. Errors of the file are kept and reported by transcript_close(). */
void transcript_add(struct transcript *t, ns_t at, const char *device, char direction, const void *bytes,
                    size_t n);

/* Appends bytes as a transcript shows them (a blank at the very end as \x20). */
void transcript_escape(struct buf *out, const void *bytes, size_t n);

/* One line of a transcript, decoded. */
struct transcript_line {
    ns_t at;
    char device[64];
    char direction;
    struct buf bytes; /* caller frees */
};
/* Parses one line (without LF) into `out`, whose old contents are not looked at. false with ERR_INPUT if it
 * is malformed; *skip is set for comments and empty lines, which leave `out` alone. */
bool transcript_parse(const char *line, struct transcript_line *out, bool *skip, struct err *e);

#endif
