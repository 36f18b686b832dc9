/* The receive FIFO against a model that keeps every byte in plain arrays. */
#include "wire/chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"

#define ROUNDS 20000

static void empty_fifo_gives_nothing(void **state)
{
    (void)state;
    struct chunks c = {0};
    char byte;
    assert_null(chunks_next(&c, NULL));
    assert_false(chunks_readable(&c));
    assert_int_equal(chunks_read(&c, &byte, 1, NULL), 0);
    assert_int_equal(chunks_last_at(&c), 0);
    chunks_free(&c);
}

static void a_read_never_crosses_a_chunk(void **state)
{
    (void)state;
    struct chunks c = {0};
    char text[16];
    ns_t at = -1;
    chunks_push(&c, 10, "abc", 3);
    chunks_push(&c, 20, "de", 2);
    assert_int_equal(chunks_read(&c, text, sizeof text, &at), 0);
    assert_int_equal(at, -1);
    chunks_arrive(&c, 11);
    chunks_arrive(&c, 21);
    assert_int_equal(chunks_read(&c, text, sizeof text, &at), 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(at, 11);
    assert_int_equal(chunks_read(&c, text, 1, &at), 1);
    assert_int_equal(at, 21);
    assert_int_equal(chunks_read(&c, text, sizeof text, &at), 1);
    assert_int_equal(text[0], 'e');
    assert_false(chunks_readable(&c));
    chunks_free(&c);
}

static void dead_bytes_are_stepped_over(void **state)
{
    (void)state;
    struct chunks c = {0};
    char text[16];
    chunks_push(&c, 1, "abcdef", 6);
    chunks_push(&c, 1, "XY", 2);
    chunks_push(&c, 1, "gh", 2);
    struct chunk *k = chunks_next(&c, NULL);
    k->n = 2;
    k->dead = 4;
    chunks_arrive(&c, 1);
    k = chunks_next(&c, NULL);
    k->n = 0;
    k->dead = 2;
    chunks_arrive(&c, 1);
    char *bytes;
    assert_non_null(chunks_next(&c, &bytes));
    assert_memory_equal(bytes, "gh", 2);
    chunks_arrive(&c, 1);
    assert_int_equal(chunks_read(&c, text, sizeof text, NULL), 2);
    assert_memory_equal(text, "ab", 2);
    assert_true(chunks_readable(&c));
    assert_int_equal(chunks_read(&c, text, sizeof text, NULL), 2);
    assert_memory_equal(text, "gh", 2);
    assert_int_equal(chunks_bytes(&c), 0);
    chunks_free(&c);
}

/* Bytes are a running count, so the model is two counters and the sizes of the chunks. */
static void random_use_agrees_with_the_model(void **state)
{
    (void)state;
    const uint64_t seed = 20240607;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct rng r = rng_stream(seed, "test.chunks");
    struct chunks c = {0};
    static size_t size[ROUNDS];
    size_t pushed = 0, arrived = 0, popped = 0;
    unsigned char in = 0, out = 0, bytes[600];
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t what = rng_below(r, 3, (uint64_t)i, 0);
        if (what == 0) {
            size_t n = 1 + rng_below(r, i % 50 ? 12 : 600, (uint64_t)i, 1);
            for (size_t j = 0; j < n; j++)
                bytes[j] = in++;
            chunks_push(&c, i, bytes, n);
            size[pushed++] = n;
        } else if (what == 1 && arrived < pushed) {
            assert_non_null(chunks_next(&c, NULL));
            chunks_arrive(&c, (ns_t)++arrived);
        } else {
            ns_t at = 0;
            size_t wanted = 1 + rng_below(r, 600, (uint64_t)i, 2);
            size_t got = chunks_read(&c, bytes, wanted, &at);
            if (popped == arrived) {
                assert_int_equal(got, 0);
                continue;
            }
            assert_int_equal(got, wanted < size[popped] ? wanted : size[popped]);
            assert_int_equal(at, popped + 1);
            for (size_t j = 0; j < got; j++)
                assert_int_equal(bytes[j], out++);
            size[popped] -= got;
            popped += !size[popped];
        }
    }
    assert_true(popped > 1000);
    chunks_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(empty_fifo_gives_nothing),
        cmocka_unit_test(a_read_never_crosses_a_chunk),
        cmocka_unit_test(dead_bytes_are_stepped_over),
        cmocka_unit_test(random_use_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
