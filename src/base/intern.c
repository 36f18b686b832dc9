/* Interned texts: a hash table with open addressing that doubles. */
#include "base/intern.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static struct {
    pthread_mutex_t lock;
    char **slot; /* heap, a power of two of them; NULL = free */
    size_t slots, used;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* FNV-1a. */
static size_t hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (size_t)(h ^ h >> 32);
}

/* Where the text is, or would be. */
static char **find(char **slot, size_t slots, const char *text)
{
    size_t at = hash(text) & (slots - 1);
    while (slot[at] && strcmp(slot[at], text) != 0)
        at = (at + 1) & (slots - 1);
    return &slot[at];
}

static void grow(void)
{
    size_t slots = pool.slots ? 2 * pool.slots : 256;
    char **slot = xcalloc(slots, sizeof *slot);
    for (size_t k = 0; k < pool.slots; k++)
        if (pool.slot[k])
            *find(slot, slots, pool.slot[k]) = pool.slot[k];
    free(pool.slot);
    pool.slot = slot;
    pool.slots = slots;
}

const char *intern(const char *text)
{
    if (!text || !*text)
        return "";
    pthread_mutex_lock(&pool.lock);
    if (2 * pool.used >= pool.slots)
        grow();
    char **at = find(pool.slot, pool.slots, text);
    if (!*at) {
        *at = xstrdup(text);
        pool.used++;
    }
    const char *found = *at;
    pthread_mutex_unlock(&pool.lock);
    return found;
}
