/* Names of outcomes: both directions of the table. */
#include "unit/results/fixture.h"

static void every_name_reads_back(void **state)
{
    (void)state;
    for (int i = 0; i < OUTCOME_COUNT; i++) {
        assert_int_equal(outcome_from_name(outcome_name((enum outcome)i)), i);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(outcome_name((enum outcome)i), outcome_name((enum outcome)k));
    }
    for (int i = TOUCHED_NO; i <= TOUCHED_YES; i++)
        assert_int_equal(touched_from_name(touched_name((enum touched)i)), i);
}

static void unknown_names_read_as_the_safe_value(void **state)
{
    (void)state;
    assert_int_equal(outcome_from_name("melted"), OUTCOME_NONE);
    assert_int_equal(outcome_from_name(NULL), OUTCOME_NONE);
    assert_int_equal(touched_from_name("perhaps"), TOUCHED_YES);
    assert_int_equal(touched_from_name(NULL), TOUCHED_YES);
    assert_string_equal(outcome_name((enum outcome)99), "");
    assert_string_equal(touched_name((enum touched)99), "yes");
}

/* Queries take the worst of several attempts as the largest text. */
static void touched_names_sort_by_gravity(void **state)
{
    (void)state;
    assert_true(strcmp(touched_name(TOUCHED_NO), touched_name(TOUCHED_POSSIBLY)) < 0);
    assert_true(strcmp(touched_name(TOUCHED_POSSIBLY), touched_name(TOUCHED_YES)) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_name_reads_back),
        cmocka_unit_test(unknown_names_read_as_the_safe_value),
        cmocka_unit_test(touched_names_sort_by_gravity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
