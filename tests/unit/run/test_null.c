/* Two samples whose truth is known, from the run to the verdict: on one only the wetting follows the cut-off
 * and the film does not, on the other the film does. */
#include "fixture.h"

#include "analysis/compare.h"

static const char *const cutoffs =
    "vary: {design: randomised-blocks, factors: {cutoff: [1.0 V, 0.5 V, 0.05 V]}}\n";

static void screen(struct night *n, const char *sample, const char *window)
{
    struct buf more = {0};
    buf_printf(&more, "%sanalysis: {sei: {step: formation, window: %s}, wetting: {potential: 2.7 V}}\n",
               cutoffs, window);
    night_open(n, &(struct night_spec){
                      .columns = 11,
                      .rows = 9,
                      .spares = "8",
                      .sample = sample,
                      .site = "  - hold: {potential: 3 V, for: 0.2 s}\n"
                              "  - cv: {name: formation, start: 3 V, vertices: [$cutoff, 3 V], rate: 1 V/s, "
                              "cycles: 3, step: 2 mV}",
                      .more = more.p});
    night_run(n);
    assert_int_equal(n->end, RUN_FINISHED);
    ASSERT_UNHARMED(n);
    buf_free(&more);
}

static struct comparison verdict_of(const struct night *n, const char *feature)
{
    struct results_sites sites;
    struct results_feature *row = NULL;
    struct feature_ref ref;
    struct comparison c = {0};
    struct err err = ERR_INIT;
    int rows;
    if (!results_sites(n->file, &sites, &err) || !results_features(n->file, &row, &rows, &err) ||
        !feature_ref_parse(feature, &ref, &err) ||
        !compare_feature(&sites, row, rows, &ref, 0, "cutoff", UNVERIFIED_WITH, &c, &err))
        fail_msg("%s: %s", feature, err.text);
    free(row);
    results_sites_free(&sites);
    print_message("%s: %s (p %.2g as measured): %s\n", feature, compare_verdict_name(c.verdict),
                  c.feature.kw.p, c.text);
    return c;
}

static void wetting_alone_is_no_effect_on_the_film(void **unused)
{
    (void)unused;
    struct night n;
    screen(&n, "null-wetting.yaml", "[1.6 V, 2.6 V]");
    struct comparison charge = verdict_of(&n, "q_sei@2"), ratio = verdict_of(&n, "sei_charge_ratio@2");
    assert_true(charge.verdict != COMPARE_EFFECT);
    assert_true(ratio.verdict != COMPARE_EFFECT);
    /* The quantity as measured does differ: without the area one would be misled. */
    assert_true(charge.feature.kw.p < 0.001 || ratio.feature.kw.p < 0.001);
    night_close(&n);
}

static void an_effect_on_the_film_is_found(void **unused)
{
    (void)unused;
    struct night n;
    screen(&n, "hopg.yaml", "[1.0 V, 1.5 V]");
    struct comparison ratio = verdict_of(&n, "sei_charge_ratio@2");
    assert_int_equal(ratio.verdict, COMPARE_EFFECT);
    night_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wetting_alone_is_no_effect_on_the_film),
        cmocka_unit_test(an_effect_on_the_film_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
