/* Statistics of a made-up run as text and JSON, and the report. */
#include "unit/output/fixture.h"

#include "output/report.h"
#include "output/report_parts.h"
#include "output/summary.h"

static const char evil[] = "</script><script>alert('x')</script> & \"SEI\" <b>";

static struct fixture fixture;

static int set_up(void **state)
{
    (void)state;
    fixture_init(&fixture);
    fixture.n_sites = 24;
    fixture.name = evil;
    fixture_write(&fixture);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    fixture_remove(&fixture);
    return 0;
}

static struct data *open_data(void)
{
    struct err e = ERR_INIT;
    struct data *d = data_open(fixture.path, &e);
    if (!d)
        fail_msg("%s", e.text);
    return d;
}

static void make(const struct data *d, const char *feature, const struct summary_options *o,
                 struct summary *s)
{
    struct feature_ref ref;
    struct err e = ERR_INIT;
    if (!feature_ref_parse(feature, &ref, &e) || !summary_make(d, &ref, o, s, &e))
        fail_msg("%s", e.text);
}

static void test_levels_add_up_to_all_sites(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct summary all, by;
    const struct summary_options whole = {.factor = -1, .seed = 1, .resamples = 500};
    const struct summary_options parts = {.factor = 0, .seed = 1, .resamples = 500};
    make(d, "formation.q_red@1", &whole, &all);
    make(d, "formation.q_red@1", &parts, &by);
    assert_int_equal(all.n_levels, 1);
    assert_int_equal(by.n_levels, 3);
    assert_string_equal(by.level[0].name, "0.05 V");
    int n = 0, sites = 0;
    double sum = 0;
    for (int k = 0; k < 3; k++) {
        n += by.level[k].sites.n;
        sites += by.level[k].sites.n_sites;
        sum += by.level[k].stats.mean * by.level[k].sites.n;
        assert_true(by.level[k].has_intervals);
        assert_true(by.level[k].median.bca[0] <= by.level[k].stats.median);
        assert_true(by.level[k].median.bca[1] >= by.level[k].stats.median);
    }
    assert_int_equal(n, all.level[0].sites.n);
    assert_int_equal(n, fixture.n_sites); /* one without contact, its spare measured */
    assert_int_equal(sites, fixture.n_sites + 1);
    assert_true(fabs(sum / n / all.level[0].stats.mean - 1) < 1e-12);
    assert_true(by.has_comparison && !all.has_comparison);
    summary_free(&all);
    summary_free(&by);
    data_close(d);
}

static void test_unverified_menisci_can_be_left_out(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct summary with, without;
    struct summary_options o = {.factor = -1, .seed = 1, .resamples = 200, .unverified = UNVERIFIED_WITH};
    make(d, "plating.capacity", &o, &with);
    o.unverified = UNVERIFIED_WITHOUT;
    make(d, "plating.capacity", &o, &without);
    assert_int_equal(with.n_unverified, 1);
    assert_int_equal(without.n_unverified, 1);
    assert_int_equal(with.level[0].sites.n, without.level[0].sites.n + 1);
    summary_free(&with);
    summary_free(&without);
    data_close(d);
}

static void test_text_and_json_tell_n_missing_and_the_seed(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct summary s;
    struct buf text = {0}, json = {0};
    const struct summary_options o = {.factor = 0, .seed = 42, .resamples = 200};
    make(d, "formation.sei_charge_ratio@2", &o, &s);
    summary_print(d, &s, &text);
    summary_json(d, &s, &json);
    assert_non_null(strstr(text.p, "missing at "));
    assert_non_null(strstr(text.p, "no-contact"));
    assert_non_null(strstr(text.p, "seed 42"));
    assert_non_null(strstr(json.p, "\"seed\": 42"));
    assert_non_null(strstr(json.p, "\"by\": \"cutoff\""));
    assert_non_null(strstr(json.p, "\"verdict\": "));
    assert_null(strstr(json.p, "nan"));
    summary_free(&s);
    buf_free(&text);
    buf_free(&json);
    data_close(d);
}

static void test_the_report_is_complete_and_asks_nothing_of_the_network(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct buf html = {0};
    struct err e = ERR_INIT;
    if (!report_html(d, &html, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(html.p, "Chart.js v"));
    assert_non_null(strstr(html.p, "connect-src") ? html.p : strstr(html.p, "default-src 'none'"));
    assert_null(strstr(html.p, "<script src"));
    assert_null(strstr(html.p, "<link"));
    assert_null(strstr(html.p, "@import"));
    assert_null(strstr(html.p, "{{"));
    assert_non_null(strstr(html.p, "Li/Li+ by Ag QRCE"));
    assert_non_null(strstr(html.p, "</html>"));
    buf_free(&html);
    data_close(d);
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, word)); p += strlen(word))
        n++;
    return n;
}

static void test_texts_of_the_user_stay_texts(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct buf html = {0}, escaped = {0};
    struct err e = ERR_INIT;
    assert_true(report_html(d, &html, &e));
    assert_null(strstr(html.p, "<script>alert"));
    assert_int_equal(count(html.p, "</script>"), 4); /* data, library, charts of the probe, our own */
    report_escape(evil, &escaped);
    assert_int_equal(count(html.p, escaped.p), 3); /* title, heading, provenance */
    buf_free(&escaped);
    buf_free(&html);
    data_close(d);
}

/* The charts follow from the attempts: files of older programs have them too. */
static void test_charts_of_the_probe(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct buf html = {0};
    struct err e = ERR_INIT;
    assert_true(report_html(d, &html, &e));
    assert_non_null(
        strstr(html.p, "\"health\":{\"verdict\":\"\",\"baseline\":12,\"sigmas\":5,\"attempts\":"));
    assert_int_equal(count(html.p, "\"title\":\"contact capacitance\""), 1);
    assert_non_null(strstr(html.p, "\"told\":[]"));
    buf_free(&html);
    data_close(d);
}

static void test_curves_keep_their_ends_and_their_count(void **state)
{
    (void)state;
    struct data *d = open_data();
    struct buf json = {0};
    struct err e = ERR_INIT;
    assert_true(report_json(d, &json, &e));
    assert_int_equal(count(json.p, "\"legs\":"), fixture.n_sites * fixture.cycles);
    assert_int_equal(count(json.p, "\"q\":"), fixture.n_sites);
    const char *gs = strstr(json.p, "\"gs\":");
    assert_non_null(strstr(gs, "\"t\":[0,"));
    assert_non_null(strstr(gs, "\"e\":[3,"));
    assert_null(strstr(json.p, "nan"));
    assert_null(strstr(json.p, "inf"));
    buf_free(&json);
    data_close(d);
}

static void test_a_run_without_any_measurement_gives_a_report(void **state)
{
    (void)state;
    struct fixture f;
    struct err e = ERR_INIT;
    struct buf html = {0};
    fixture_init(&f);
    f.visited = 1;
    f.no_contact = 1;
    fixture_write(&f);
    struct data *d = data_open(f.path, &e);
    assert_non_null(d);
    if (!report_html(d, &html, &e))
        fail_msg("%s", e.text);
    assert_non_null(strstr(html.p, "interrupted"));
    buf_free(&html);
    data_close(d);
    fixture_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels_add_up_to_all_sites),
        cmocka_unit_test(test_unverified_menisci_can_be_left_out),
        cmocka_unit_test(test_text_and_json_tell_n_missing_and_the_seed),
        cmocka_unit_test(test_the_report_is_complete_and_asks_nothing_of_the_network),
        cmocka_unit_test(test_texts_of_the_user_stay_texts),
        cmocka_unit_test(test_charts_of_the_probe),
        cmocka_unit_test(test_curves_keep_their_ends_and_their_count),
        cmocka_unit_test(test_a_run_without_any_measurement_gives_a_report),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
