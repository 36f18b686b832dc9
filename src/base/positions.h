/* Places in a text: by character as libyaml counts them, by byte, and by line and column as messages show
 * them. The text must be valid UTF-8. */
#ifndef SECCM_BASE_POSITIONS_H
#define SECCM_BASE_POSITIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/yaml.h"

struct positions {
    const struct source *source; /* must outlive this */
    uint32_t *byte_of;           /* byte of every 64th character */
    uint32_t *line_at;           /* byte where each line starts */
    size_t characters, lines;
};

/* The caller frees with positions_free(). */
void positions_make(struct positions *at, const struct source *s);
void positions_free(struct positions *at);
/* Byte of the character of that index; beyond the text, the number of bytes. */
size_t positions_byte(const struct positions *at, size_t character);
/* Mark of the bytes first..end, the length cut at the end of the line. */
struct mark positions_mark(const struct positions *at, size_t first, size_t end);

/* Bytes of the byte order mark that the text begins with (0 or 3); libyaml does not count it. */
size_t positions_skip_bom(const struct buf *b);
/* true if a line ends with the byte i: LF, or CR without LF behind. */
bool positions_is_line_end(const struct buf *b, size_t i);

#endif
