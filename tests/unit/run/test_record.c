/* What is stored of a step of several segments, from samples made by hand: one row, one waveform, its gaps
 * told. */
#include "played.h"

#include "run/hop.h"

/* The recorder by itself: a run that nothing moves in. */
struct recorder {
    struct night n;
    struct run r;
    int segment;
    double t; /* s, the instrument's clock */
};

static void recorder_open(struct recorder *c, const char *site)
{
    struct err e = ERR_INIT;
    static const int level[FACTOR_MAX] = {0};
    memset(c, 0, sizeof *c);
    night_open(&c->n, &(struct night_spec){.site = site});
    c->n.writer = writer_start(c->n.file, c->n.loop, &e);
    c->n.file = NULL;
    c->r = (struct run){.rig = c->n.rig,
                        .loop = c->n.loop,
                        .plan = c->n.plan,
                        .p = c->n.protocol,
                        .w = c->n.writer,
                        .options = &c->n.options,
                        .z = NAN};
    site_program_make(c->n.plan, level, false, &c->r.program);
    c->segment = site_program_find(&c->r.program, ROLE_STEP, 0);
    if (!record_begin(&c->r, &c->n.plan->site[0], 1, &e))
        fail_msg("%s", e.text);
}

/* n samples of the next segment, `gap` (s) later than one interval behind the last; then its end. */
static void play(struct recorder *c, int n, double gap, int ended_by)
{
    double interval = c->r.program.program.segment[c->segment].interval;
    record_segment_begin(&c->r, c->segment);
    c->t += gap;
    for (int k = 0; k < n; k++) {
        c->t += interval;
        struct sample s = {.host = ns_from_s(c->t),
                           .t_raw = dec_from(c->t, -6),
                           .e_raw = dec_from(-0.2, -6),
                           .i_raw = dec_from(1e-12, -15),
                           .cycle = 1};
        record_sample(&c->r, &s);
    }
    if (ended_by != INT_MIN)
        record_segment_end(&c->r, ended_by);
    c->segment++;
}

/* Ends the attempt and opens the file; the last attempt's steps are in *p. */
static void recorder_close(struct recorder *c, struct played *p, struct results_attempt *a)
{
    struct err e = ERR_INIT;
    attempt_outcome(&c->r, OUTCOME_MEASURED, "%s", "");
    if (!record_end(&c->r, &e))
        fail_msg("%s", e.text);
    free(c->r.attempt.row);
    features_free(&c->r.features);
    assert_true(writer_stop(c->n.writer, &e));
    c->n.file = results_open(c->n.path, &e);
    *p = (struct played){.n = c->n};
    *a = only_attempt(&p->n, 1);
}

static const char *const cycling =
    "  - hold: {potential: 3 V, for: 0.2 s}\n"
    "  - galvanostatic: {name: cycling, current: -2 pA, until: {potential: \"< 0.5 V\", elapsed: 1 s}, "
    "reverse: "
    "{current: 1 pA, until: {potential: \"> 2 V\", elapsed: 2 s}}, cycles: 3}\n"
    "  - hold: {name: after, potential: 3 V, for: 0.2 s}";

static void segments_of_a_step_are_one_step(void **unused)
{
    (void)unused;
    struct recorder c;
    struct played p;
    struct results_attempt a;
    recorder_open(&c, cycling);
    play(&c, 20, 0, ENDED_NATURALLY);
    play(&c, 50, 0.07, 0);  /* the change of mode before the step */
    play(&c, 60, 0.03, 0);  /* gaps inside of it */
    play(&c, 40, 0.005, 1); /* less than a sample: none */
    play(&c, 60, 0.02, 0);
    play(&c, 40, 0, 1);
    play(&c, 60, 0, 0);
    play(&c, 20, 0.01, ENDED_NATURALLY);
    recorder_close(&c, &p, &a);
    int n;
    struct results_step *step = steps_of(&p, 1, "step", NULL, &n);
    assert_int_equal(n, 3);
    assert_string_equal(step[1].name, "cycling");
    assert_string_equal(step[1].kind, "galvanostatic");
    assert_int_equal(step[1].samples, 50 + 60 + 40 + 60 + 40 + 60);
    assert_true(fabs(step[1].gap_before - 0.07) < 1e-6);
    assert_string_equal(step[1].gap_state, "open");
    assert_string_equal(step[1].ended_by, "potential below 0.5 V; potential above 2 V; elapsed 1 s");
    assert_string_equal(step[2].gap_state, "open"); /* behind a constant current the cell is opened */
    char text[512];
    assert_int_equal(events_with(&p, "gap", "", text), 1);
    assert_string_equal(text,
                        "cycling: 2 gaps between its segments, cell open, longest 0.03 s, together 0.05 s");
    struct wave_row *rows;
    struct err e = ERR_INIT;
    int count, wanted[][3] = {{0, 1, 0}, {49, 1, 0}, {50, 1, 1}, {110, 2, 0}, {150, 2, 1}, {309, 3, 1}};
    assert_true(results_rows(p.n.file, step[1].id, &rows, &count, &e));
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        assert_int_equal(rows[wanted[k][0]].cycle, wanted[k][1]);
        assert_int_equal(rows[wanted[k][0]].sweep, wanted[k][2]);
    }
    assert_string_equal(a.last_step, "after");
    assert_int_equal(a.last_cycle, 1);
    free(rows);
    free(step);
    played_close(&p);
}

/* What counts as completed when an attempt is cut short in the middle of cycle `cycle` of the second step. */
static void cut_short(int cycle, const char *last_step, int last_cycle)
{
    struct recorder c;
    struct played p;
    struct results_attempt a;
    recorder_open(&c, cycling);
    play(&c, 20, 0, ENDED_NATURALLY);
    for (int k = 1; k < cycle; k++) {
        play(&c, 50, 0, 0);
        play(&c, 50, 0, 0);
    }
    play(&c, 50, 0, 0);
    play(&c, 7, 0, INT_MIN);
    recorder_close(&c, &p, &a);
    assert_string_equal(a.last_step, last_step);
    assert_int_equal(a.last_cycle, last_cycle);
    int n;
    struct results_step *step = steps_of(&p, 1, "step", "cycling", &n);
    assert_int_equal(n, 1);
    assert_int_equal(step[0].samples, 100 * cycle - 43); /* all that came is kept */
    assert_non_null(strstr(step[0].ended_by, "host"));
    free(step);
    played_close(&p);
}

static void what_was_cut_short_is_not_completed(void **unused)
{
    (void)unused;
    cut_short(1, "hold1", 1);
    cut_short(3, "cycling", 2);
}

/* A condition that left the rest of a program out: steps end where they ended, cycles go on over the passes.
 */
static void steps_behind_a_gate_may_be_left_out(void **unused)
{
    (void)unused;
    struct recorder c;
    struct played p;
    struct results_attempt a;
    recorder_open(
        &c, "  - repeat: {count: 3, until: {feature: soak.i_end, below: 1 pA}, steps: [{hold: {name: soak, "
            "potential: 3 V, for: 0.2 s}}]}\n"
            "  - hold: {name: after, potential: 3 V, for: 0.2 s}");
    play(&c, 20, 0, ENDED_NATURALLY);
    play(&c, 3, 0, ENDED_ADVANCED);
    play(&c, 20, 0, ENDED_NATURALLY);
    play(&c, 50, 0, ENDED_NATURALLY);
    c.segment++; /* the third pass */
    play(&c, 20, 0, ENDED_NATURALLY);
    recorder_close(&c, &p, &a);
    assert_int_equal(count_steps(&p, 1, "step", "soak"), 2);
    assert_int_equal(count_steps(&p, 1, "gate", "repeat1"), 2);
    assert_int_equal(count_steps(&p, 1, "step", "after"), 1);
    struct err e = ERR_INIT;
    struct wave_row *rows;
    int n, count;
    struct results_step *step = steps_of(&p, 1, "step", "soak", &n);
    assert_true(results_rows(p.n.file, step[1].id, &rows, &count, &e));
    assert_int_equal(rows[0].cycle, 2);
    free(rows);
    free(step);
    assert_string_equal(a.last_step, "after");
    played_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_of_a_step_are_one_step),
        cmocka_unit_test(what_was_cut_short_is_not_completed),
        cmocka_unit_test(steps_behind_a_gate_may_be_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
