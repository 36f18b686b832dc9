/* From characters, which libyaml counts, to the lines and bytes of messages.
 *
 * Bytes are kept for every STRIDE-th character only; the way between two of them is walked. Most files are
 * ASCII, where both are the same. */
#include "base/positions.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define STRIDE 64

bool positions_is_line_end(const struct buf *b, size_t i)
{
    return b->p[i] == '\n' || (b->p[i] == '\r' && (i + 1 >= b->n || b->p[i + 1] != '\n'));
}

size_t positions_skip_bom(const struct buf *b)
{
    return b->n >= 3 && memcmp(b->p, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

void positions_make(struct positions *at, const struct source *s)
{
    const struct buf *b = &s->bytes;
    size_t line_ends = 0;
    for (size_t i = 0; i < b->n; i++)
        line_ends += positions_is_line_end(b, i);
    *at = (struct positions){.source = s};
    at->byte_of = xmalloc((b->n / STRIDE + 1) * sizeof *at->byte_of);
    at->line_at = xmalloc((line_ends + 1) * sizeof *at->line_at);
    at->line_at[at->lines++] = 0;
    for (size_t i = 0; i < b->n; i++)
        if (positions_is_line_end(b, i))
            at->line_at[at->lines++] = (uint32_t)(i + 1);
    for (size_t i = positions_skip_bom(b); i < b->n; at->characters++) {
        if (at->characters % STRIDE == 0)
            at->byte_of[at->characters / STRIDE] = (uint32_t)i;
        i += (size_t)utf8_length(b->p + i, b->n - i);
    }
}

void positions_free(struct positions *at)
{
    free(at->byte_of);
    free(at->line_at);
}

size_t positions_byte(const struct positions *at, size_t character)
{
    const struct buf *b = &at->source->bytes;
    if (character >= at->characters)
        return b->n;
    size_t block = character / STRIDE, i = at->byte_of[block], left = at->characters - block * STRIDE;
    /* As many bytes as characters from here to the next known place: ASCII, nothing to walk. */
    size_t next = left > STRIDE ? at->byte_of[block + 1] : b->n;
    if (next - i == (left > STRIDE ? STRIDE : left))
        return i + character % STRIDE;
    for (size_t k = character % STRIDE; k > 0; k--)
        i += (size_t)utf8_length(b->p + i, b->n - i);
    return i;
}

struct mark positions_mark(const struct positions *at, size_t first, size_t end)
{
    size_t low = 0, high = at->lines;
    while (high - low > 1) {
        size_t middle = (low + high) / 2;
        *(at->line_at[middle] <= first ? &low : &high) = middle;
    }
    const struct buf *b = &at->source->bytes;
    size_t length = 0;
    while (first + length < end && b->p[first + length] != '\n' && b->p[first + length] != '\r')
        length++;
    size_t start =
        at->line_at[low] == 0 && first >= positions_skip_bom(b) ? positions_skip_bom(b) : at->line_at[low];
    return (struct mark){at->source, (int)low + 1, (int)(first - start) + 1, (int)length};
}
