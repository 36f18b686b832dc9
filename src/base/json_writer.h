/* Indented JSON, one member to a line. */
#ifndef SECCM_BASE_JSON_WRITER_H
#define SECCM_BASE_JSON_WRITER_H

#include <stdbool.h>

#include "base/buf.h"

struct json_writer {
    struct buf *out; /* not owned */
    int depth;
    bool first; /* nothing in the present object or array yet */
};

/* Opens an object or array, and closes the innermost one. */
void json_open(struct json_writer *w, char bracket);
void json_close(struct json_writer *w, char bracket);
/* Begins the next item of an array. */
void json_new_line(struct json_writer *w);
/* Begins the next member of an object; its value follows. */
void json_key(struct json_writer *w, const char *name);
/* Members whole: text, JSON as it is, a number. */
void json_text(struct json_writer *w, const char *name, const char *text);
void json_raw(struct json_writer *w, const char *name, const char *json);
void json_number(struct json_writer *w, const char *name, double value);

#endif
