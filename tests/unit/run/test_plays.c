/* Steps that depend on what was measured, and steps of several segments, on the simulated rig: what is stored
 * against what the sample's ledger says flowed. */
#include "played.h"

#include "analysis/feature_given.h"
#include "protocol/feature_use.h"
#include "wire/fault.h"

/* The value lies within 5 of its SDs of the truth, and `more`. */
static void near_truth(const struct played *p, int site, const char *name, int cycle, double truth,
                       double more)
{
    const struct results_feature *f = row_of(p, site, "formation", name, cycle);
    double value = value_of(p, site, "formation", name, cycle);
    print_message("%s@%d: %.5g +- %.2g, truth %.5g\n", name, cycle, value, f->uncertainty, truth);
    assert_true(fabs(value - truth) <= 5 * f->uncertainty + more);
}

/* --- repeat until -------------------------------------------------------------------------------------- */

#define PASS "{cv: {name: formation, start: 3 V, vertices: [0.8 V, 3 V], rate: 1 V/s}}"

static void a_repeat_ends_when_its_condition_is_met(void **unused)
{
    (void)unused;
    struct played p;
    played_run(&p,
               &(struct night_spec){
                   .columns = 3,
                   .site = "  - repeat: {count: 8, until: {feature: formation.sei_film_ratio, below: 0.1}, "
                           "steps: [" PASS "]}",
                   .more = SEI_WINDOW});
    for (int site = 1; site <= 3; site++) {
        int n = count_steps(&p, site, "step", "formation");
        struct world_sweep truth[16];
        struct results_attempt a = only_attempt(&p.n, site);
        assert_in_range(n, 2, 7);
        assert_int_equal(sweeps_of(&p, site - 1, true, 1.5, truth, 16), n);
        assert_int_equal(count_steps(&p, site, "gate", "repeat1"), n);
        assert_string_equal(a.last_step, "formation");
        assert_int_equal(a.last_cycle, n);
        assert_string_equal(a.flags, "");
        for (int c = 1; c <= n; c++)
            near_truth(&p, site, "q_sei_film", c, truth[c - 1].q_sei_window, 3e-15);
        for (int c = 2; c <= n; c++)
            assert_true((value_of(&p, site, "formation", "sei_film_ratio", c) < 0.1) == (c == n));
        assert_null(row_of(&p, site, "formation", "q_sei_film", n + 1));
    }
    char text[512];
    assert_int_equal(events_with(&p, "gate", "below 0.1: left after pass", text), 3);
    assert_non_null(strstr(text, "repeat1: formation.sei_film_ratio@"));
    assert_non_null(strstr(text, " +- "));
    int n;
    struct results_step *gate = steps_of(&p, 1, "gate", NULL, &n);
    assert_string_equal(gate[0].ended_by, "pass 2");
    assert_string_equal(gate[0].kind, "hold");
    assert_non_null(strstr(gate[n - 1].ended_by, "left after pass"));
    assert_int_equal(gate[n - 1].samples, 50); /* ran out: 0.5 s of 10 ms */
    assert_true(gate[0].samples < 30);         /* advanced in time */
    free(gate);
    assert_recomputed_same(&p);
    played_close(&p);
}

static void a_repeat_whose_condition_is_never_met_plays_all_passes(void **unused)
{
    (void)unused;
    struct played p;
    struct world_sweep truth[16];
    played_run(&p,
               &(struct night_spec){
                   .site = "  - repeat: {count: 4, until: {feature: formation.sei_film_ratio, below: -1}, "
                           "steps: [" PASS ", {hold: {name: soak, potential: 3 V, for: 0.2 s}}]}",
                   .more = SEI_WINDOW});
    assert_int_equal(count_steps(&p, 1, "step", "formation"), 4);
    assert_int_equal(count_steps(&p, 1, "step", "soak"), 4);
    assert_int_equal(count_steps(&p, 1, "gate", NULL), 3);
    assert_int_equal(sweeps_of(&p, 0, true, 1.5, truth, 16), 4);
    assert_int_equal(events_with(&p, "gate", "not below -1: pass", NULL), 2);
    assert_int_equal(events_with(&p, "gate", "is missing", NULL), 1);
    /* A feature of a step without cycles belongs to its pass. */
    for (int c = 1; c <= 4; c++)
        assert_true(fabs(value_of(&p, 1, "soak", "t_end", c) - 0.2) < 2e-3);
    assert_null(row_of(&p, 1, "soak", "t_end", 0));
    assert_recomputed_same(&p);
    played_close(&p);
}

/* --- when ---------------------------------------------------------------------------------------------- */

static void a_when_goes_both_ways(void **unused)
{
    (void)unused;
    struct played p;
    struct world_sweep truth[16];
    played_run(&p, &(struct night_spec){
                       .columns = 2,
                       .site = "  - cv: {name: formation, start: 3 V, vertices: [0.8 V, 3 V], rate: 1 V/s}\n"
                               "  - when: {feature: formation.q_sei@1, below: -50 fC, steps: [{hold: {name: "
                               "grown, potential: 3 V, for: 0.1 s}}, {cv: {name: more, start: 3 V, vertices: "
                               "[0.8 V, 3 V], rate: 1 V/s}}]}\n"
                               "  - when: {feature: formation.q_sei@1, above: -50 fC, steps: [{hold: {name: "
                               "bare, potential: 3 V, for: 0.1 s}}]}\n"
                               "  - hold: {name: after, potential: 3 V, for: 0.1 s}",
                       .more = SEI_WINDOW});
    for (int site = 1; site <= 2; site++) {
        assert_true(value_of(&p, site, "formation", "q_sei", 1) < -50e-15);
        assert_int_equal(count_steps(&p, site, "step", "grown"), 1);
        assert_int_equal(count_steps(&p, site, "step", "more"), 1);
        assert_int_equal(count_steps(&p, site, "step", "bare"), 0);
        assert_int_equal(count_steps(&p, site, "step", "after"), 1);
        assert_int_equal(count_steps(&p, site, "gate", NULL), 2);
        assert_int_equal(sweeps_of(&p, site - 1, true, 1.5, truth, 16), 2);
    }
    assert_int_equal(events_with(&p, "gate", "below -50 fC: steps played", NULL), 2);
    assert_int_equal(events_with(&p, "gate", "not above -50 fC: steps left out", NULL), 2);
    assert_recomputed_same(&p);
    played_close(&p);
}

/* There is no peak: its current is missing, and never below anything. */
static void what_is_missing_goes_as_the_protocol_says(void **unused)
{
    (void)unused;
    struct played p;
    played_run(
        &p, &(struct night_spec){
                .site = "  - cv: {name: formation, start: 3 V, vertices: [1.4 V, 3 V], rate: 2 V/s}\n"
                        "  - when: {feature: formation.i_peak_ox@1, below: 1 A, steps: [{hold: {name: "
                        "skipped, potential: 3 V, for: 0.1 s}}]}\n"
                        "  - when: {feature: formation.i_peak_ox@1, below: 1 pA, missing: go, steps: [{hold: "
                        "{name: gone, potential: 3 V, for: 0.1 s}}]}"});
    assert_int_equal(count_steps(&p, 1, "step", "skipped"), 0);
    assert_int_equal(count_steps(&p, 1, "step", "gone"), 1);
    char text[512];
    assert_int_equal(events_with(&p, "gate", "is missing: no peak", text), 2);
    played_close(&p);
}

/* One of 89 samples is flagged, more than one in a hundred: the charge is missing, and the gate is not
 * fooled. */
static void flagged_samples_are_no_number_for_a_gate(void **unused)
{
    (void)unused;
    static const struct night_spec spec = {
        .site = "  - cv: {name: formation, start: 3 V, vertices: [0.8 V, 3 V], rate: 1 V/s, step: 50 mV}\n"
                "  - when: {feature: formation.q_sei@1, below: -50 fC, steps: [{hold: {name: "
                "grown, potential: 3 V, for: 0.1 s}}]}",
        .more = SEI_WINDOW};
    struct played p;
    struct err err = ERR_INIT;
    struct wave_row *rows;
    int n, n_rows;
    played_run(&p, &spec);
    assert_int_equal(count_steps(&p, 1, "step", "grown"), 1);
    struct results_step *cv = steps_of(&p, 1, "step", "formation", &n);
    assert_true(results_rows(p.n.file, cv[0].id, &rows, &n_rows, &err));
    ns_t at = rows[n_rows / 2].host_us * NS_US;
    free(rows);
    free(cv);
    played_close(&p);
    night_open(&p.n, &spec);
    sim_rig_fault(p.n.sim, SIM_PSTAT_OVERLOAD, at - 20 * NS_MS, at + 20 * NS_MS);
    night_run(&p.n);
    assert_int_equal(p.n.end, RUN_FINISHED);
    assert_true(results_features(p.n.file, &p.feature, &p.n_features, &err));
    const struct results_feature *f = row_of(&p, 1, "formation", "q_sei", 1);
    assert_non_null(f);
    assert_non_null(strstr(f->missing, "1 of 89 samples flagged"));
    assert_int_equal(count_steps(&p, 1, "step", "grown"), 0);
    assert_int_equal(events_with(&p, "gate", "flagged, more than 1 %: steps left out", NULL), 1);
    played_close(&p);
}

/* A condition inside of a repeat, on the newest cycle: the first pass only is large enough. */
static void blocks_stand_within_blocks(void **unused)
{
    (void)unused;
    struct played p;
    played_run(&p,
               &(struct night_spec){
                   .site = "  - repeat: {count: 3, steps: [" PASS ", {when: {feature: formation.q_sei_film, "
                           "below: -60 fC, steps: [{repeat: {count: 2, steps: [{hold: {name: soak, "
                           "potential: 3 V, for: 0.1 s}}]}}]}}]}",
                   .more = SEI_WINDOW});
    assert_int_equal(count_steps(&p, 1, "step", "formation"), 3);
    assert_int_equal(count_steps(&p, 1, "gate", NULL), 3);
    assert_int_equal(count_steps(&p, 1, "step", "soak"), 2);
    assert_int_equal(events_with(&p, "gate", "formation.q_sei_film@1 = ", NULL), 1);
    assert_int_equal(events_with(&p, "gate", "formation.q_sei_film@3 = ", NULL), 1);
    assert_int_equal(events_with(&p, "gate", "steps played", NULL), 1);
    assert_non_null(row_of(&p, 1, "soak", "charge", 2));
    assert_recomputed_same(&p);
    played_close(&p);
}

/* --- what the protocol may ask for ---------------------------------------------------------------------- */

static bool any_row(const struct played *p, const char *step, const char *name)
{
    for (int k = 0; k < p->n_features; k++)
        if (!strcmp(p->feature[k].step_name, step) && !strcmp(p->feature[k].name, name))
            return true;
    return false;
}

/* Every kind of step in every shape: analysis puts out the features that the protocol may ask for, and no
 * others. `other` is a voltammogram without the SEI window. */
static void steps_have_the_features_that_may_be_asked_for(void **unused)
{
    (void)unused;
    struct played p;
    int asked = 0, wrong = 0;
    played_run(&p, &(struct night_spec){
                       .site = "  - hold: {name: soak, potential: 3 V, for: 0.1 s}\n"
                               "  - cv: {name: formation, start: 3 V, vertices: [0.8 V, 3 V], rate: 1 V/s, "
                               "cycles: 2}\n"
                               "  - cv: {name: other, start: 3 V, vertices: [2 V, 3 V], rate: 1 V/s}\n"
                               "  - lsv: {name: down, start: 3 V, end: 2 V, rate: 1 V/s}\n"
                               "  - lsv: {name: up, start: 2 V, end: 3 V, rate: 1 V/s}\n"
                               "  - rest: {name: held, for: 0.1 s, cell: hold}\n"
                               "  - pulse: {name: two, potentials: [2 V, 3 V], for: 0.1 s, count: 2}\n"
                               "  - galvanostatic: {name: once, current: -1 pA, until: {elapsed: 0.2 s}}\n"
                               "  - galvanostatic: {name: turned, current: -1 pA, until: {elapsed: 0.2 s}, "
                               "reverse: {current: 1 pA, until: {elapsed: 0.2 s}}}\n"
                               "  - pulse: {name: three, currents: [-1 pA, 0.5 pA, 1 pA], for: 0.1 s}\n"
                               "  - rest: {name: let-go, for: 0.1 s, cell: open}\n"
                               "  - ocp: {name: relax, for: 0.2 s}",
                       .more = SEI_WINDOW});
    const struct protocol *protocol = p.n.protocol;
    for (int i = 0; i < protocol->n_steps; i++)
        for (int k = 0; k < feature_count(); k++) {
            const char *step = protocol->step[i].name, *name = feature_at(k)->name;
            bool window = feature_of_window(name) && strcmp(step, "formation") != 0;
            bool may = !window && feature_use_gives(&protocol->step[i], name), has = any_row(&p, step, name);
            asked += may;
            wrong += may != has;
            if (may != has)
                print_message("%s.%s: %s\n", step, name, may ? "no row" : "may not be asked for");
        }
    assert_int_equal(wrong, 0);
    /* 4 hold, 14 + 8 and 14 cv, 9 + 3 and 9 + 2 lsv, 4 + 6 pulse, 7 + 15 galvanostatic, 1 rest, 4 ocp. */
    assert_int_equal(asked, 100);
    played_close(&p);
}

/* --- a host that is late ------------------------------------------------------------------------------- */

/* When the gate begins: in a run that goes well, virtual time being deterministic. */
static ns_t gate_time(const struct night_spec *s)
{
    struct played p;
    struct results_event *ev;
    struct err err = ERR_INIT;
    ns_t at = 0;
    int n;
    played_run(&p, s);
    assert_int_equal(count_steps(&p, 1, "step", "inside"), 1);
    assert_true(results_events(p.n.file, &ev, &n, &err));
    for (int k = 0; k < n && !at; k++)
        if (!strcmp(ev[k].kind, "gate"))
            at = ns_from_s(ev[k].t_s);
    assert_true(at > 0);
    free(ev);
    played_close(&p);
    return at;
}

static void a_word_that_is_not_heard_in_time(enum link_fault_kind kind, ns_t delay)
{
    static const struct night_spec spec = {
        .site =
            "  - hold: {name: first, potential: 3 V, for: 0.3 s}\n"
            "  - when: {feature: first.i_end, above: -1 nA, steps: [{hold: {name: inside, potential: 3 V, "
            "for: 0.1 s}}]}\n"
            "  - hold: {name: after, potential: 3 V, for: 0.4 s}"};
    struct played p;
    struct err err = ERR_INIT;
    ns_t at = gate_time(&spec);
    night_open(&p.n, &spec);
    link_fault(p.n.rig->pstat_link,
               &(struct link_fault){
                   .kind = kind, .at = at - 100 * NS_MS, .until = at + 400 * NS_MS, .delay = delay});
    night_run(&p.n);
    print_message("%s: %s, %s\n", link_fault_name(kind), run_end_name(p.n.end), p.n.e.text);
    assert_int_equal(p.n.end, RUN_FINISHED);
    assert_true(results_features(p.n.file, &p.feature, &p.n_features, &err));
    struct results_attempt a = only_attempt(&p.n, 1);
    ASSERT_OUTCOME(a, OUTCOME_MEASURED);
    assert_non_null(strstr(a.flags, "gate-late"));
    assert_int_equal(count_steps(&p, 1, "step", "inside"), 0);
    assert_int_equal(count_steps(&p, 1, "step", "after"), 1);
    assert_int_equal(events_with(&p, "gate", "too late", NULL), 1);
    int n;
    struct results_step *gate = steps_of(&p, 1, "gate", NULL, &n);
    assert_string_equal(gate[0].ended_by, "too late: steps left out");
    free(gate);
    ASSERT_UNHARMED(&p.n);
    played_close(&p);
}

static void a_gate_that_nobody_answers_runs_out(void **unused)
{
    (void)unused;
    a_word_that_is_not_heard_in_time(LINK_FAULT_DEAF, 0);
}

/* --- steps of several segments ------------------------------------------------------------------------- */

static double sum_of(struct played *p, bool reducing, double span, int n,
                     double (*of)(const struct world_sweep *))
{
    struct world_sweep s[64];
    double sum = 0;
    int found = sweeps_of(p, 0, reducing, span, s, 64);
    assert_true(found >= n);
    for (int k = 0; k < found; k++)
        sum += of(&s[k]);
    return sum;
}

static double total(const struct world_sweep *s)
{
    return s->q_total;
}

static void four_vertices_at_two_rates(void **unused)
{
    (void)unused;
    struct played p;
    struct world_sweep truth[16];
    played_run(&p,
               &(struct night_spec){
                   .site = "  - hold: {potential: 3 V, for: 0.2 s}\n"
                           "  - cv: {name: formation, start: 3 V, vertices: [0.8 V, 2 V, 0.5 V, 3 V], end: "
                           "2.5 V, rate: [1 V/s, 0.25 V/s], cycles: 2}",
                   .more = SEI_WINDOW});
    int n = 0, n_rows = 0;
    struct results_step *step = steps_of(&p, 1, "step", "formation", &n);
    struct wave_row *rows;
    struct err err = ERR_INIT;
    assert_int_equal(n, 1); /* nine ramps, one step */
    assert_true(results_rows(p.n.file, step[0].id, &rows, &n_rows, &err));
    assert_int_equal(step[0].samples, n_rows);
    assert_true(step[0].gap_before < 5e-3);
    /* (2.2 + 1.2 + 1.5 + 2.5) V at 2 mV, twice, then 0.5 V; a ramp begins with the vertex: one sample more
     * each. */
    assert_in_range(n_rows, 2 * 3700 + 250, 2 * 3700 + 250 + 9);
    for (int k = 1; k < n_rows; k++) {
        double dt = dec_value(rows[k].t) - dec_value(rows[k - 1].t);
        assert_true(rows[k].cycle > rows[k - 1].cycle ||
                    (rows[k].cycle == rows[k - 1].cycle && rows[k].sweep >= rows[k - 1].sweep));
        assert_true(dt > 0 && dt < (rows[k].cycle == 1 ? 3 : 12) * 2e-3);
    }
    assert_int_equal(rows[n_rows - 1].cycle, 2);
    assert_int_equal(rows[n_rows - 1].sweep, 4);
    free(rows);
    free(step);
    assert_int_equal(events_with(&p, "gap", "formation", NULL), 0);
    /* Of each cycle the first reducing sweep (3 -> 0.8 V) is the pass over the window; it is followed by 2 ->
     * 0.5 V. */
    assert_int_equal(sweeps_of(&p, 0, true, 1.2, truth, 16), 4);
    for (int c = 1; c <= 2; c++)
        near_truth(&p, 1, "q_sei_film", c, truth[2 * (c - 1)].q_sei_window, 3e-15);
    /* 10 uF/cm2 on the wetted disk, whatever the rate. */
    struct world_truth t;
    truth_of(&p.n, 1, 0, &t);
    double area = M_PI / 4 * t.wetted_diameter * t.wetted_diameter;
    for (int c = 1; c <= 2; c++)
        near_truth(&p, 1, "c_dl", c, t.capacitance * area, 0.1 * t.capacitance * area);
    print_message("all reducing sweeps: %.4g fC\n", sum_of(&p, true, 0.4, 4, total) * 1e15);
    assert_recomputed_same(&p);
    played_close(&p);
}

static void a_single_sweep(void **unused)
{
    (void)unused;
    struct played p;
    struct world_sweep truth[4];
    played_run(
        &p, &(struct night_spec){.site = "  - hold: {potential: 3 V, for: 0.2 s}\n"
                                         "  - lsv: {name: scan, start: 3 V, end: 0.8 V, rate: 1 V/s}\n"
                                         "  - rest: {name: relax, for: 0.5 s, cell: open, sample: 10 ms}"});
    assert_int_equal(sweeps_of(&p, 0, true, 1.5, truth, 4), 1);
    /* All that flowed but what the rig's stray capacitance and leak took (q_other). */
    double q = value_of(&p, 1, "scan", "q_net", 1), sd = row_of(&p, 1, "scan", "q_net", 1)->uncertainty;
    print_message("q_net %.4g +- %.2g fC, truth %.4g fC\n", q * 1e15, sd * 1e15,
                  (truth[0].q_total - truth[0].q_other) * 1e15);
    assert_true(fabs(q - (truth[0].q_total - truth[0].q_other)) < 5 * sd);
    assert_true(sd < 0.1 * fabs(q));
    assert_non_null(row_of(&p, 1, "scan", "e_peak_red", 1));
    assert_null(row_of(&p, 1, "scan", "e_peak_ox", 1)); /* one way only */
    double e = value_of(&p, 1, "relax", "e_end", 0);
    print_message("rest ends at %.3f V\n", e);
    assert_true(e > 0.5 && e < 3);
    assert_recomputed_same(&p);
    played_close(&p);
}

/* The charge of each level is what flowed after its edge, by the ledger, in which each edge is a sweep.
 * Before the first edge the instrument changes its range, which shows in the samples behind it: its first
 * level has no charge. */
static void pulses(void **unused)
{
    (void)unused;
    struct played p;
    struct world_sweep down[16], up[16];
    played_run(
        &p, &(struct night_spec){
                .site = "  - hold: {potential: 3 V, for: 0.2 s}\n"
                        "  - pulse: {name: p, potentials: [1.5 V, 3 V], for: 0.1 s, count: 4, sample: 1 ms}\n"
                        "  - hold: {potential: 2.9 V, for: 0.2 s}"});
    assert_int_equal(count_steps(&p, 1, "step", "p"), 1);
    int n = sweeps_of(&p, 0, true, 1.4, down, 16), m = sweeps_of(&p, 0, false, 1.4, up, 16);
    assert_int_equal(n, 4);
    assert_int_equal(m, 4);
    for (int c = 1; c <= 4; c++) {
        double q1 = c == 1 ? NAN : value_of(&p, 1, "p", "charge_1", c),
               q2 = value_of(&p, 1, "p", "charge_2", c);
        print_message("%d: %.5g fC (%.5g), %.5g fC (%.5g); ends at %.3g pA, %.3g pA\n", c, q1 * 1e15,
                      down[c - 1].q_total * 1e15, q2 * 1e15, up[c - 1].q_total * 1e15,
                      value_of(&p, 1, "p", "i_end_1", c) * 1e12, value_of(&p, 1, "p", "i_end_2", c) * 1e12);
        assert_true(c == 1 || fabs(q1 - down[c - 1].q_total) < 0.02 * fabs(down[c - 1].q_total) + 5e-15);
        assert_true(fabs(q2 - up[c - 1].q_total) < 0.02 * fabs(up[c - 1].q_total) + 5e-15);
        assert_true(fabs(value_of(&p, 1, "p", "i_end_1", c)) < 2e-12);
    }
    assert_recomputed_same(&p);
    played_close(&p);
}

#define HOST_SAMPLE                                                                                          \
    "{surface: {roughness: 0 nm}, edge-density: {mean: 0.3, spread: 0}, wetting: {ratio: 1.5, spread: 0}, "  \
    "double-layer: {capacitance: 10 uF/cm2, edge-gain: 0, spread: 0}, sei: {charge: 0 mC/cm2}, trace: "      \
    "{density: 0 uA/cm2}, host: {kind: intercalation, exchange: 1 mA/cm2, potential: 1 V, slope: 0.1 V, "    \
    "capacity: 8 mC/cm2}}"

static void a_current_that_is_reversed(void **unused)
{
    (void)unused;
    struct played p;
    played_run(
        &p, &(struct night_spec){
                .sample = HOST_SAMPLE,
                .site = "  - galvanostatic: {name: cycling, current: -10 pA, until: {potential: \"< 0.8 V\", "
                        "elapsed: 6 s}, reverse: {current: 10 pA, until: {potential: \"> 1.3 V\", elapsed: 6 "
                        "s}}, cycles: 3, sample: 5 ms}"});
    int n = 0, n_rows = 0;
    struct results_step *step = steps_of(&p, 1, "step", "cycling", &n);
    struct wave_row *rows;
    struct err err = ERR_INIT;
    assert_int_equal(n, 1);
    print_message("ended by: %s; gap before %.3g s, %s\n", step[0].ended_by, step[0].gap_before,
                  step[0].gap_state);
    assert_true(results_rows(p.n.file, step[0].id, &rows, &n_rows, &err));
    free(step);
    for (int c = 1; c <= 3; c++) {
        /* By the number of samples: 10 pA for 5 ms each. */
        int count[2] = {0};
        for (int k = 0; k < n_rows; k++)
            if (rows[k].cycle == c)
                count[rows[k].sweep % 2]++;
        double q = value_of(&p, 1, "cycling", "capacity", c),
               back = value_of(&p, 1, "cycling", "capacity_back", c);
        print_message(
            "%d: %.4g pC, %.4g pC, efficiency %.4f, mean %.3f V and %.3f V, ends %.3f V and %.3f V\n", c,
            q * 1e12, back * 1e12, value_of(&p, 1, "cycling", "coulombic_efficiency", c),
            value_of(&p, 1, "cycling", "e_mean", c), value_of(&p, 1, "cycling", "e_mean_back", c),
            value_of(&p, 1, "cycling", "e_cutoff", c), value_of(&p, 1, "cycling", "e_cutoff_back", c));
        assert_true(count[0] > 100 && count[1] > 100);
        assert_true(fabs(q - count[0] * 5e-14) < 1e-15 + 1e-3 * q);
        assert_true(fabs(back - count[1] * 5e-14) < 1e-15 + 1e-3 * back);
        assert_true(fabs(value_of(&p, 1, "cycling", "coulombic_efficiency", c) - back / q) < 1e-12);
        assert_true(fabs(value_of(&p, 1, "cycling", "e_cutoff", c) - 0.8) < 0.02);
        assert_true(fabs(value_of(&p, 1, "cycling", "e_cutoff_back", c) - 1.3) < 0.02);
    }
    free(rows);
    struct world_sweep in[16], out[16];
    assert_int_equal(sweeps_of(&p, 0, true, 0.3, in, 16), 3);
    assert_int_equal(sweeps_of(&p, 0, false, 0.3, out, 16), 3);
    for (int c = 1; c <= 3; c++)
        assert_true(fabs(value_of(&p, 1, "cycling", "capacity", c) + in[c - 1].q_total) < 0.01 * 20e-12);
    for (int c = 1; c <= 2; c++) /* the last one goes on to the potential of the retraction */
        assert_true(fabs(value_of(&p, 1, "cycling", "capacity_back", c) - out[c - 1].q_total) <
                    0.01 * 20e-12);
    events_with(&p, "gap", "cycling", NULL);
    assert_recomputed_same(&p);
    played_close(&p);
}

static void a_hold_ends_at_a_current(void **unused)
{
    (void)unused;
    struct played p;
    played_run(
        &p,
        &(struct night_spec){
            .site = "  - hold: {potential: 3 V, for: 0.2 s}\n"
                    "  - hold: {name: grow, potential: 0.8 V, for: 20 s, sample: 5 ms, until: {current: \"< "
                    "2 pA\"}}\n"
                    "  - ocp: {name: settle, for: 20 s, drift: 20 mV/s, over: 1 s, sample: 10 ms}"});
    int n;
    struct results_step *step = steps_of(&p, 1, "step", "grow", &n);
    double t = value_of(&p, 1, "grow", "t_end", 0), s = value_of(&p, 1, "settle", "t_end", 0);
    print_message("ended after %.3f s by `%s`; open circuit after %.3f s\n", t, step[0].ended_by, s);
    assert_non_null(strstr(step[0].ended_by, "current below 2e-12 A"));
    assert_true(t > 0.01 && t < 19.9);
    assert_true(fabs(t - (double)step[0].samples * 5e-3) < 1e-3);
    free(step);
    played_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_repeat_ends_when_its_condition_is_met),
        cmocka_unit_test(a_repeat_whose_condition_is_never_met_plays_all_passes),
        cmocka_unit_test(a_when_goes_both_ways),
        cmocka_unit_test(what_is_missing_goes_as_the_protocol_says),
        cmocka_unit_test(flagged_samples_are_no_number_for_a_gate),
        cmocka_unit_test(blocks_stand_within_blocks),
        cmocka_unit_test(steps_have_the_features_that_may_be_asked_for),
        cmocka_unit_test(a_gate_that_nobody_answers_runs_out),
        cmocka_unit_test(four_vertices_at_two_rates),
        cmocka_unit_test(a_single_sweep),
        cmocka_unit_test(pulses),
        cmocka_unit_test(a_current_that_is_reversed),
        cmocka_unit_test(a_hold_ends_at_a_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
