/* The model table is what the planner and the driver rely on. */
#include "instrument/abilities.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void every_name_has_a_model_with_rising_ranges(void **state)
{
    (void)state;
    int n = 0;
    for (const char *const *name = potentiostat_model_names(); *name; name++, n++) {
        const struct potentiostat_model *m = potentiostat_model(*name);
        assert_non_null(m);
        assert_string_equal(m->name, *name);
        assert_true(m->e_min < m->e_max && m->i_max > 0 && m->interval_min > 0 && m->script_max > 1000);
        assert_true(m->n_ranges > 0);
        for (int k = 1; k < m->n_ranges; k++)
            assert_true(m->ranges[k].full_scale > m->ranges[k - 1].full_scale);
    }
    assert_int_equal(n, 4);
}

static void an_unknown_model_is_none(void **state)
{
    (void)state;
    assert_null(potentiostat_model("emstat5"));
}

static void an_emstat4_lr_can_not_reach_lithium_with_a_silver_reference(void **state)
{
    (void)state;
    assert_true(potentiostat_model("emstat4-lr")->e_min > -3.15);
    assert_true(potentiostat_model("nexus")->e_min < -3.15);
    assert_false(potentiostat_model("emstat-pico")->galvanostat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_has_a_model_with_rising_ranges),
        cmocka_unit_test(an_unknown_model_is_none),
        cmocka_unit_test(an_emstat4_lr_can_not_reach_lithium_with_a_silver_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
