/* A queue of jobs from one thread to another, bounded by bytes. */
#ifndef SECCM_RESULTS_QUEUE_H
#define SECCM_RESULTS_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Heads every job (one malloc); what was taken is the taker's to free. */
struct queue_item {
    struct queue_item *next;
    size_t size; /* bytes that count against the bound */
    bool lazy;   /* may wait for the next that is not, or until a sixteenth of the bound is full */
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled, drained;
    struct queue_item *first, **last;
    size_t bytes, bound;
};

void queue_init(struct queue *q, size_t bound);
/* Frees what is left in it. */
void queue_done(struct queue *q);
/* Hands over the item. When it does not fit: with `wait` waits for the taker, otherwise false, and the item
 * stays the caller's. An item larger than the bound fits into an empty queue. */
bool queue_push(struct queue *q, struct queue_item *item, bool wait);
/* Hands over the item if it fits within another bound, for what must not be lost. Never waits. */
bool queue_push_beyond(struct queue *q, struct queue_item *item, size_t bound);
/* Waits for an item. Its bytes count until queue_finish(). */
struct queue_item *queue_take(struct queue *q);
/* The bytes of a taken item count no longer. */
void queue_finish(struct queue *q, size_t size);

#endif
