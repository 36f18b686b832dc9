/* The bounded queue: order, bound, waiting. */
#include "unit/results/fixture.h"

#include "results/queue.h"

struct number {
    struct queue_item item;
    int n;
};

static struct queue_item *number(int n, size_t size)
{
    struct number *x = calloc(1, sizeof *x);
    x->item.size = size;
    x->n = n;
    return &x->item;
}

static void bound_counts_what_is_being_worked_on(void **state)
{
    (void)state;
    struct queue q;
    queue_init(&q, 100);
    assert_true(queue_push(&q, number(1, 60), false));
    assert_true(queue_push(&q, number(2, 40), false));
    struct queue_item *third = number(3, 1);
    assert_false(queue_push(&q, third, false));
    struct queue_item *first = queue_take(&q);
    assert_false(queue_push(&q, third, false));
    queue_finish(&q, first->size);
    free(first);
    assert_true(queue_push(&q, third, false));
    assert_int_equal(q.bytes, 41);
    queue_done(&q);
}

static void item_beyond_the_bound_fits_an_empty_queue_only(void **state)
{
    (void)state;
    struct queue q;
    queue_init(&q, 100);
    assert_true(queue_push(&q, number(1, 1000), false));
    struct queue_item *second = number(2, 1000);
    assert_false(queue_push(&q, second, false));
    struct queue_item *first = queue_take(&q);
    queue_finish(&q, first->size);
    free(first);
    assert_true(queue_push(&q, second, false));
    queue_done(&q);
}

static void other_bound_holds_for_what_must_not_be_lost(void **state)
{
    (void)state;
    struct queue q;
    queue_init(&q, 100);
    assert_true(queue_push(&q, number(1, 90), false));
    struct queue_item *second = number(2, 60), *third = number(3, 60);
    assert_false(queue_push(&q, second, false));
    assert_true(queue_push_beyond(&q, second, 200));
    assert_false(queue_push_beyond(&q, third, 200));
    assert_true(queue_push_beyond(&q, third, 210));
    assert_int_equal(q.bytes, 210);
    queue_done(&q);
}

#define MANY 20000

static void *push_many(void *ctx)
{
    for (int i = 0; i < MANY; i++)
        queue_push(ctx, number(i, 10), true);
    return NULL;
}

static void waiting_pusher_loses_nothing_and_keeps_the_order(void **state)
{
    (void)state;
    struct queue q;
    pthread_t t;
    queue_init(&q, 25);
    assert_int_equal(pthread_create(&t, NULL, push_many, &q), 0);
    for (int i = 0; i < MANY; i++) {
        struct queue_item *item = queue_take(&q);
        assert_int_equal(((struct number *)item)->n, i);
        queue_finish(&q, item->size);
        free(item);
    }
    pthread_join(t, NULL);
    assert_int_equal(q.bytes, 0);
    queue_done(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bound_counts_what_is_being_worked_on),
        cmocka_unit_test(item_beyond_the_bound_fits_an_empty_queue_only),
        cmocka_unit_test(other_bound_holds_for_what_must_not_be_lost),
        cmocka_unit_test(waiting_pusher_loses_nothing_and_keeps_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
