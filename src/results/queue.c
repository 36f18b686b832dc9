/* A queue of jobs from one thread to another, bounded by bytes. */
#include "results/queue.h"

#include <stdlib.h>

void queue_init(struct queue *q, size_t bound)
{
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    pthread_cond_init(&q->drained, NULL);
    q->first = NULL;
    q->last = &q->first;
    q->bytes = 0;
    q->bound = bound;
}

void queue_done(struct queue *q)
{
    while (q->first) {
        struct queue_item *item = q->first;
        q->first = item->next;
        free(item);
    }
    pthread_cond_destroy(&q->drained);
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
}

static bool fits(const struct queue *q, const struct queue_item *item)
{
    return q->bytes == 0 || (item->size <= q->bound && q->bytes <= q->bound - item->size);
}

static void append(struct queue *q, struct queue_item *item)
{
    item->next = NULL;
    *q->last = item;
    q->last = &item->next;
    q->bytes += item->size;
    if (!item->lazy || q->bytes > q->bound / 16)
        pthread_cond_signal(&q->filled);
}

bool queue_push(struct queue *q, struct queue_item *item, bool wait)
{
    pthread_mutex_lock(&q->lock);
    while (wait && !fits(q, item))
        pthread_cond_wait(&q->drained, &q->lock);
    bool ok = fits(q, item);
    if (ok)
        append(q, item);
    pthread_mutex_unlock(&q->lock);
    return ok;
}

bool queue_push_beyond(struct queue *q, struct queue_item *item, size_t bound)
{
    pthread_mutex_lock(&q->lock);
    bool ok = item->size <= bound && q->bytes <= bound - item->size;
    if (ok)
        append(q, item);
    pthread_mutex_unlock(&q->lock);
    return ok;
}

struct queue_item *queue_take(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->first)
        pthread_cond_wait(&q->filled, &q->lock);
    struct queue_item *item = q->first;
    q->first = item->next;
    if (!q->first)
        q->last = &q->first;
    pthread_mutex_unlock(&q->lock);
    return item;
}

void queue_finish(struct queue *q, size_t size)
{
    pthread_mutex_lock(&q->lock);
    q->bytes -= size;
    pthread_cond_signal(&q->drained);
    pthread_mutex_unlock(&q->lock);
}
