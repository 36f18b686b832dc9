/* Signs and offset: each way is the other's inverse for every wiring. */
#include "instrument/wiring.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void there_and_back_is_the_same_for_every_wiring(void **state)
{
    (void)state;
    for (int p = -1; p <= 1; p += 2)
        for (int c = -1; c <= 1; c += 2) {
            struct wiring w = {p, c, 3.2};
            for (double v = -3; v <= 3; v += 0.25) {
                assert_true(fabs(wiring_sample_potential(&w, wiring_instrument_potential(&w, v)) - v) <
                            1e-12);
                assert_true(wiring_sample_current(&w, wiring_instrument_current(&w, v)) == v);
            }
        }
}

static void lithium_at_a_silver_quasi_reference(void **state)
{
    (void)state;
    struct wiring plain = {1, 1, 3.2}, inverted = {-1, -1, 3.2};
    assert_true(fabs(wiring_instrument_potential(&plain, 0.05) + 3.15) < 1e-12);
    assert_true(fabs(wiring_instrument_potential(&inverted, 0.05) - 3.15) < 1e-12);
    assert_true(fabs(wiring_sample_potential(&inverted, 3.15) - 0.05) < 1e-12);
    assert_true(wiring_sample_current(&inverted, 2e-12) == -2e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_is_the_same_for_every_wiring),
        cmocka_unit_test(lithium_at_a_silver_quasi_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
