/* Spots that an earlier run touched are kept away from; what a plan shows of regions, exclusions and the
 * rest. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/shelf.h"
#include "protocol/plan.h"
#include "results/probe.h"
#include "results/results.h"
#include "results/writer.h"

static char earlier[64];

static void attempt(struct writer *w, int site, double x_um, enum touched touched, bool ended)
{
    int64_t id;
    assert_true(writer_attempt_begin(w, site, 1, x_um * 1e-6, 10e-6, 1, "2000-01-01T00:00:10.000Z", &id));
    struct results_attempt a = {.id = id, .touched = touched, .x = x_um * 1e-6, .y = 10e-6, .end_s = 2};
    a.outcome = touched == TOUCHED_NO ? OUTCOME_NO_CONTACT : OUTCOME_MEASURED;
    if (ended)
        assert_true(writer_attempt_end(w, &a));
}

/* Five sites along y = 10 um: touched at 20 um, not at 30 um, interrupted at 40 um, possibly at 50 um, the
 * last not visited. The aperture of that run: 400 nm. */
static int make_earlier(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct results_site_plan site[5];
    for (int i = 0; i < 5; i++)
        site[i] = (struct results_site_plan){
            .site = i + 1, .order = i + 1, .x = (20 + 10 * i) * 1e-6, .y = 10e-6, .region = ""};
    const struct results_plan plan = {.run_id = "earlier",
                                      .program = "seccm",
                                      .utc = "2000-01-01T00:00:00.000Z",
                                      .mode = "virtual",
                                      .reference = "Ag",
                                      .potential_sign = 1,
                                      .current_sign = 1,
                                      .aperture = 400e-9,
                                      .wetted = 1.5,
                                      .wetted_uncertainty = 0.5,
                                      .stage_id = "",
                                      .pstat_id = "",
                                      .site = site,
                                      .n_sites = 5};
    snprintf(earlier, sizeof earlier, "tests/faulty/made-earlier-%d.seccm", (int)getpid());
    struct loop *l = loop_new(LOOP_VIRTUAL, 1, &e);
    struct results *r = results_create(earlier, &plan, 0, &e);
    struct writer *w = r ? writer_start(r, l, &e) : NULL;
    if (!w)
        fail_msg("%s", e.text);
    attempt(w, 1, 20, TOUCHED_YES, true);
    attempt(w, 2, 30, TOUCHED_NO, true);
    attempt(w, 3, 40, TOUCHED_NO, false);
    attempt(w, 4, 50, TOUCHED_POSSIBLY, true);
    assert_true(writer_stop(w, &e));
    loop_free(l);
    return 0;
}

static int drop_earlier(void **state)
{
    (void)state;
    unlink(earlier);
    return 0;
}

struct made {
    struct diags *d;
    struct protocol *p;
    struct plan *plan;
    struct buf says;
};

/* A protocol in the folder of the faulty ones with this grid and these further lines. */
static struct made load(const char *grid, const char *probe, const char *more)
{
    char path[] = "tests/faulty/made-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f,
            "seccm: 1\nname: made\nprobe: {aperture: 400 nm%s}\n"
            "reference: {electrode: Ag QRCE, offset: 0.1 V, uncertainty: 0.05 V}\nrig: parts/rig.yaml\n"
            "grid: %s\nlimits: {potential: [-1 V, 1 V], current: 5 nA}\n"
            "approach: {bias: 0.2 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}\n"
            "site: [ocp: {for: 1 s}]\n%s\n",
            probe, grid, more);
    fclose(f);
    struct made m = {.d = diags_new()};
    struct err e = ERR_INIT;
    m.p = protocol_load(path, NULL, m.d, &e);
    unlink(path);
    m.plan = m.p ? plan_make(m.p, m.d) : NULL;
    buf_str(&m.says, "");
    diags_print(m.d, &m.says);
    return m;
}

static void drop(struct made *m)
{
    plan_free(m->plan);
    protocol_free(m->p);
    diags_free(m->d);
    buf_free(&m->says);
}

static const char *line = "{shape: line, count: 30, pitch: 2.4 um, origin: {x: 10 um, y: 10 um}, spares: 0}";

static void has(const struct made *m, const char *text)
{
    if (!strstr(m->says.p, text))
        fail_msg("no `%s` in: %s", text, m->says.p);
}

/* Three residues of 1.3 x 0.6 um are 2.34 um: of a line of sites each 2.4 um the two about each spot are
 * gone, but for the untouched one. */
static void touched_spots_are_kept_away_from(void **state)
{
    (void)state;
    char avoid[100];
    snprintf(avoid, sizeof avoid, "avoid: [%s]", strrchr(earlier, '/') + 1);
    struct made all = load(line, "", ""), m = load(line, "", avoid),
                small = load(line, ", residue: 1.3", avoid);
    assert_non_null(all.plan);
    assert_non_null(m.plan);
    assert_int_equal(all.plan->n_sites, 30);
    assert_int_equal(m.p->used.n, 3);
    assert_true(fabs(m.p->used.spot[0].distance - 2.34e-6) < 1e-12);
    int expected = 0, expected_small = 0;
    for (int i = 0; i < 30; i++) {
        double x = 10 + 2.4 * i, nearest = fmin(fabs(x - 20), fmin(fabs(x - 40), fabs(x - 50)));
        expected += nearest >= 2.34;
        expected_small += nearest >= 1.17;
    }
    assert_int_equal(m.plan->n_sites, expected);
    assert_int_equal(small.plan->n_sites, expected_small); /* 1.5 measured residues are enough */
    assert_true(expected < expected_small && expected_small < 30);
    has(&m, "of the grid's places lie too near to spots that earlier runs touched and are left out");
    drop(&all);
    drop(&m);
    drop(&small);
}

/* The earlier run went on with another probe; this one begins with that. */
static void coordinates_are_those_of_the_probe(void **state)
{
    (void)state;
    char avoid[100];
    struct err e = ERR_INIT;
    struct probe_text text;
    struct results_key key[PROBE_KEYS];
    const struct probe second = {.number = 2,
                                 .id = "P2",
                                 .offset = {5e-6, -1e-6},
                                 .from_attempt = 4,
                                 .aperture = 4e-6,
                                 .wetted = 1.5,
                                 .wetted_uncertainty = 0.5};
    struct results_amendment a = {.key = key, .n_keys = probe_keys(&second, &text, key)};
    struct results *r = results_open_write(earlier, &e);
    assert_true(r && results_amend(r, &a, &e) && results_close(r, &e));
    snprintf(avoid, sizeof avoid, "avoid: [%s]", strrchr(earlier, '/') + 1);
    struct made first = load(line, ", id: P1", avoid), same = load(line, ", id: P2", avoid);
    assert_true(first.p && same.p);
    assert_int_equal(first.p->used.n, 3);
    for (int k = 0; k < 3; k++) {
        const struct grid_spot *f = &first.p->used.spot[k], *s = &same.p->used.spot[k];
        assert_true(fabs(s->x - f->x - 5e-6) < 1e-12 && fabs(s->y - f->y + 1e-6) < 1e-12);
    }
    assert_true(fabs(first.p->used.spot[0].x - 20e-6) < 1e-12);
    /* Nor is the second one's drop as small: 3 x the mean of 1.3 x 1.5 x 400 nm (ours) and 1.3 x 1.5 x 4 um.
     */
    double ours = used_residue(first.p), theirs = 1.3 * 1.5 * 4e-6;
    const struct grid_spot *by_first = &first.p->used.spot[0], *by_second = &first.p->used.spot[2];
    assert_true(fabs(by_second->x - 50e-6) < 1e-12);
    assert_true(fabs(by_first->distance - 3 * (ours + 1.3 * 1.5 * 400e-9) / 2) < 1e-12);
    assert_true(fabs(by_second->distance - 3 * (ours + theirs) / 2) < 1e-12);
    drop(&first);
    drop(&same);
}

/* A run that goes on avoids what it avoided at first, whatever the earlier one has done since, or is gone. */
static void the_spots_come_from_a_shelf_as_they_were(void **state)
{
    (void)state;
    char avoid[100];
    snprintf(avoid, sizeof avoid, "avoid: [%s]", strrchr(earlier, '/') + 1);
    struct made m = load(line, "", avoid);
    assert_non_null(m.plan);
    assert_int_equal(m.p->used.n_lists, 1);
    const struct source *list = m.p->used.list[0];
    assert_string_equal(strrchr(list->path, '/'), strrchr(earlier, '/'));
    struct shelf *s = shelf_new();
    shelf_put(s, m.p->source->path, m.p->source->bytes.p, m.p->source->bytes.n);
    shelf_put(s, m.p->rig->source->path, m.p->rig->source->bytes.p, m.p->rig->source->bytes.n);
    shelf_put(s, list->path, list->bytes.p, list->bytes.n);
    char *away = xcalloc(1, strlen(earlier) + 2);
    sprintf(away, "%s-", earlier);
    assert_int_equal(rename(earlier, away), 0);
    shelf_use(s);
    struct diags *d = diags_new();
    struct err e = ERR_INIT;
    struct protocol *p = protocol_load(m.p->source->path, NULL, d, &e);
    shelf_use(NULL);
    assert_int_equal(rename(away, earlier), 0);
    free(away);
    assert_non_null(p);
    assert_int_equal(p->used.n, m.p->used.n);
    assert_memory_equal(p->used.spot, m.p->used.spot, (size_t)p->used.n * sizeof *p->used.spot);
    protocol_free(p);
    /* A list that was cut is told. */
    shelf_put(s, list->path, list->bytes.p, list->bytes.n - 3);
    shelf_use(s);
    assert_null(protocol_load(m.p->source->path, NULL, d, &e));
    shelf_use(NULL);
    diags_print(d, &m.says);
    has(&m, "the stored list of its spots is damaged");
    diags_free(d);
    shelf_free(s);
    drop(&m);
}

static void what_is_no_results_file_is_refused(void **state)
{
    (void)state;
    struct made m = load(line, "", "avoid: [parts/rig.yaml]");
    assert_null(m.plan);
    has(&m, ":10:9: error: the spots of an earlier run can not be read");
    drop(&m);
    m = load(line, "", "avoid: [no-such-file.seccm]");
    has(&m, "no-such-file.seccm");
    drop(&m);
    m = load(line, "", "avoid: earlier.seccm");
    has(&m, "`avoid`: a list of texts is wanted, found a single value");
    drop(&m);
}

/* A measured residue changes what is asked of the pitch. */
static void the_residue_counts_in_the_pitch(void **state)
{
    (void)state;
    const char *near = "{shape: line, count: 3, pitch: 1.5 um, origin: {x: 10 um, y: 10 um}}";
    struct made m = load(near, "", ""), measured = load(near, ", residue: 1.5", ""),
                wide = load(near, ", residue: 2", "");
    has(&m, "less than three times the residue to be expected, 3 x 780 nm");
    assert_null(strstr(measured.says.p, "residue"));
    has(&wide, "less than 1.5 times the residue that was measured");
    drop(&m);
    drop(&measured);
    drop(&wide);
    m = load("{shape: points, unit: um, points: [[10, 10], [20, 10], [20.5, 10]]}", "", "");
    has(&m, "sites 2 and 3 are 500 nm apart: drops of 600 nm wetted diameter meet");
    drop(&m);
}

static const char *const parts =
    "{name: two, exclude: [{name: scratch, polygon: [[9 um, 9 um], [11 um, 9 um], [11 um, 11 um], "
    "[9 um, 11 um]]}, {center: [60 um, 60 um], radius: 3 um}], tilt: {points: [{x: 0 m, y: 0 m, z: 0 "
    "m}, {x: 100 um, y: 0 m, z: 1 um}, {x: 0 m, y: 100 um, z: 0 m}]}, regions: [{name: edge, shape: line, "
    "count: 4, pitch: 5 um, origin: {x: 10 um, y: 10 um}, spares: 1}, {name: 'a<b', shape: rings, rings: "
    "1, pitch: 5 um, origin: {x: 60 um, y: 60 um}, spares: 0}]}";

static void outputs_show_regions_exclusions_and_spares(void **state)
{
    (void)state;
    struct made m = load(parts, "", "");
    struct buf b = {0};
    if (!m.plan)
        fail_msg("%s", m.says.p);
    plan_print(m.plan, &b);
    assert_non_null(strstr(b.p, "two: 2 regions of 9 sites and 1 spares, visited one after another"));
    assert_non_null(strstr(b.p, "edge                 3 sites, 1 spares, 1 places excluded"));
    assert_non_null(strstr(b.p, "0.01 along x, 0 along y, through 3 points"));
    assert_non_null(strstr(b.p, "     0  a<b\n"));
    assert_non_null(strstr(b.p, " spare  edge\n"));
    buf_clear(&b);
    plan_csv(m.plan, &b);
    assert_non_null(strstr(b.p, "\n1,1,15,10,edge,0,no,measured\n"));
    assert_non_null(strstr(b.p, "\n10,10,30,10,edge,0,yes,spare\n"));
    buf_clear(&b);
    plan_json(m.plan, &b);
    assert_non_null(strstr(b.p, "{\"name\": \"edge\", \"sites\": 3, \"spares\": 1, \"excluded\": 1, "
                                "\"used_before\": 0, \"controls\": 0}"));
    assert_non_null(strstr(b.p, "\"polygon_um\": [[9, 9], [11, 9], [11, 11], [9, 11]]"));
    assert_non_null(strstr(b.p, "\"center_um\": [60, 60], \"radius_um\": 3"));
    assert_non_null(strstr(b.p, "{\"x_um\": 10, \"y_um\": 10, \"region\": \"edge\", \"why\": \"excluded\"}"));
    buf_clear(&b);
    plan_svg(m.plan, &b);
    assert_non_null(strstr(b.p, "<title>left out: scratch</title></polygon>"));
    assert_non_null(strstr(b.p, ">a&lt;b</text>"));
    assert_non_null(strstr(b.p, "<title>excluded</title>"));
    assert_non_null(strstr(b.p, "(spare)"));
    buf_free(&b);
    drop(&m);
}

static void an_exclusion_that_excludes_nothing_is_told(void **state)
{
    (void)state;
    struct made m = load("{shape: line, count: 3, pitch: 5 um, origin: {x: 10 um, y: 10 um}, exclude: "
                         "[{center: [90 um, 90 um], "
                         "radius: 1 um}]}",
                         "", "");
    assert_non_null(m.plan);
    has(&m, "this exclusion leaves out nothing");
    drop(&m);
}

/* Against all pairs, for many random sets. */
static void the_closest_pair_is_found(void **state)
{
    (void)state;
    struct made m = load("{shape: random, count: 500, pitch: 0.95 um, width: 60 um, height: 60 um, origin: "
                         "{x: 10 um, y: 10 um}}",
                         "", "");
    assert_non_null(m.plan);
    int a, b;
    double distance, least = INFINITY;
    assert_true(plan_closest(m.plan, &a, &b, &distance));
    for (int i = 0; i < m.plan->n_sites + m.plan->n_spares; i++)
        for (int k = 0; k < i; k++) {
            double dx = m.plan->site[i].x - m.plan->site[k].x, dy = m.plan->site[i].y - m.plan->site[k].y;
            least = fmin(least, sqrt(dx * dx + dy * dy));
        }
    assert_true(distance == least);
    drop(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touched_spots_are_kept_away_from),
        cmocka_unit_test(the_spots_come_from_a_shelf_as_they_were),
        cmocka_unit_test(coordinates_are_those_of_the_probe),
        cmocka_unit_test(what_is_no_results_file_is_refused),
        cmocka_unit_test(the_residue_counts_in_the_pitch),
        cmocka_unit_test(outputs_show_regions_exclusions_and_spares),
        cmocka_unit_test(an_exclusion_that_excludes_nothing_is_told),
        cmocka_unit_test(the_closest_pair_is_found),
    };
    int failed = cmocka_run_group_tests(tests, make_earlier, drop_earlier);
    quantity_done();
    return failed;
}
