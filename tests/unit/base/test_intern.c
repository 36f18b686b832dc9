/* Interned texts: the same pointer for the same text, whoever asks. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/intern.h"

enum { TEXTS = 5000, THREADS = 3 };

static void the_same_text_is_the_same_pointer(void **state)
{
    (void)state;
    char a[] = "q_red", b[] = "q_red";
    const char *first = intern(a);
    assert_string_equal(first, "q_red");
    assert_ptr_not_equal(first, a);
    assert_ptr_equal(intern(b), first);
    a[0] = 'x';
    assert_string_equal(first, "q_red");
    assert_ptr_not_equal(intern(a), first);
    assert_string_equal(intern(NULL), "");
    assert_ptr_equal(intern(""), intern(NULL));
}

static void *ask(void *ctx)
{
    const char **out = ctx;
    char text[32];
    for (int k = 0; k < TEXTS; k++) {
        snprintf(text, sizeof text, "text %d", k);
        out[k] = intern(text);
    }
    return NULL;
}

static void threads_get_the_same_and_nothing_moves(void **state)
{
    (void)state;
    static const char *out[THREADS][TEXTS];
    pthread_t thread[THREADS];
    char text[32];
    for (int k = 0; k < THREADS; k++)
        assert_int_equal(pthread_create(&thread[k], NULL, ask, out[k]), 0);
    for (int k = 0; k < THREADS; k++)
        pthread_join(thread[k], NULL);
    for (int k = 0; k < TEXTS; k++) {
        snprintf(text, sizeof text, "text %d", k);
        assert_string_equal(out[0][k], text);
        for (int j = 1; j < THREADS; j++)
            assert_ptr_equal(out[j][k], out[0][k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_text_is_the_same_pointer),
        cmocka_unit_test(threads_get_the_same_and_nothing_moves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
