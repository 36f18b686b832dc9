/* Programs on the simulated potentiostat, through the driver and the wire: what ends when, judged by the
 * physics of a dummy cell, and which way a program takes behind its gates.
 *
 * The cell: 1 Gohm beside a capacitance C; so a constant current i charges to i R (1 - exp(-t/RC)), and an
 * open circuit decays as exp(-t/RC). The input's low-pass of f Hz follows a step as 1 - exp(-2 pi f t). */
#include "unit/sim/rig_fixture.h"

#include "base/rng.h"
#include "instrument/potentiostat.h"

#define OHM      1e9
#define TWO_PI   6.28318530717958647692
#define ROWS_MAX 60000

struct row {
    int segment;
    double timer, t, e, i;
    int sweep;
};

struct ended {
    int segment, by, samples, first;
};

/* The host's part: it advances `segment` with its sample number `sample` (from 1 on). */
struct order {
    int segment, sample;
};

struct host {
    struct rig_fixture f;
    struct dialogue *dialogue;
    struct potentiostat *p;
    struct program g;
    struct err e;
    struct row *row;
    int rows;
    struct ended ended[PROGRAM_MAX];
    int ends;
    struct order order[PROGRAM_MAX];
    int orders;
};

static struct host h;

static void open_with(const char *yaml, double bandwidth, struct wiring w)
{
    struct potentiostat_config c = {.model = potentiostat_model("nexus"),
                                    .wiring = w,
                                    .bandwidth = bandwidth,
                                    .e_limit = {-5, 5},
                                    .i_limit = 1e-6};
    memset(&h, 0, sizeof h);
    rig_open_yaml(&h.f, yaml);
    h.dialogue = dialogue_new(h.f.pstat.link);
    h.p = potentiostat_driver("methodscript")->open(h.dialogue, &c, &h.e);
    assert_non_null(h.p);
    h.row = xcalloc(ROWS_MAX, sizeof *h.row);
}

#define CELL(stray)                                                                                          \
    "probe: {leak: 1 Gohm, stray: " stray ", stray-gain: 0}\nsample: {drift: {rate: 0 nm/min}}\n"            \
    "potentiostat: {" QUIET "}\n"

static int setup(void **state)
{
    (void)state;
    open_with(CELL("100 aF"), 0, (struct wiring){1, 1, 0});
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    potentiostat_close(h.p);
    dialogue_free(h.dialogue);
    rig_close_all(&h.f);
    free(h.row);
    return 0;
}

static void again_with(const char *yaml, double bandwidth, struct wiring w)
{
    teardown(NULL);
    open_with(yaml, bandwidth, w);
}

/* ---- programs ---- */

static struct segment *add(struct segment s)
{
    assert_true(h.g.n < PROGRAM_MAX);
    if (s.i_full == 0)
        s.i_full = 1e-9;
    h.g.segment[h.g.n] = s;
    return &h.g.segment[h.g.n++];
}

static struct segment *add_hold(double potential, double duration, double interval)
{
    return add((struct segment){
        .kind = SEGMENT_HOLD, .potential = potential, .duration = duration, .interval = interval});
}

static struct segment *add_gate(int skips)
{
    struct segment *s = add_hold(0.1, 0.5, 10e-3);
    s->open_ended = true;
    s->skips = skips;
    return s;
}

static struct segment *add_ramp(double from, double to, double step, double rate)
{
    return add(
        (struct segment){.kind = SEGMENT_RAMP, .start = from, .vertex = {to, 0}, .step = step, .rate = rate});
}

static struct segment *add_sweep(double start, double v0, double v1, int cycles)
{
    return add((struct segment){.kind = SEGMENT_SWEEP,
                                .start = start,
                                .vertex = {v0, v1},
                                .step = 5e-3,
                                .rate = 1,
                                .cycles = cycles});
}

static struct segment *add_current(double current, double duration, double interval)
{
    return add((struct segment){.kind = SEGMENT_GALVANOSTATIC,
                                .current = current,
                                .duration = duration,
                                .interval = interval,
                                .e_low = -4,
                                .e_high = 4});
}

static struct segment *add_open(double duration, double interval)
{
    return add((struct segment){.kind = SEGMENT_OPEN, .duration = duration, .interval = interval});
}

static void until(struct segment *s, struct until u)
{
    s->until[s->n_until++] = u;
}

static void advance(int segment, int sample)
{
    h.order[h.orders++] = (struct order){segment, sample};
}

static void take_sample(const struct potentiostat_item *item, int *samples)
{
    assert_true(h.rows < ROWS_MAX);
    const struct sample *x = &item->sample;
    h.row[h.rows++] = (struct row){item->segment, dec_value(x->t_raw), x->t, x->e, x->i, x->sweep};
    ++*samples;
    for (int k = 0; k < h.orders; k++)
        if (h.order[k].segment == item->segment && h.order[k].sample == *samples)
            assert_true(potentiostat_advance(h.p, &h.e));
}

/* Plays the program to its end and writes down what came. */
static void play(void)
{
    struct potentiostat_item item;
    int samples = 0;
    if (!potentiostat_start(h.p, &h.g, &h.e))
        fail_msg("%s", h.e.text);
    for (;;) {
        switch (potentiostat_next(h.p, &item, &h.e)) {
        case PSTAT_NONE:
            if (!loop_wait(h.f.loop, potentiostat_event(h.p), loop_now(h.f.loop) + 100 * NS_S))
                fail_msg("silence in segment %d", h.ends ? h.ended[h.ends - 1].segment : -1);
            break;
        case PSTAT_BEGIN:
            samples = 0;
            break;
        case PSTAT_SAMPLE:
            take_sample(&item, &samples);
            break;
        case PSTAT_END:
            h.ended[h.ends++] = (struct ended){item.segment, item.ended_by, samples, h.rows - samples};
            break;
        case PSTAT_DONE:
            return;
        case PSTAT_FAILED:
            fail_msg("%s", h.e.text);
        }
    }
}

static void expect(int k, int segment, int by)
{
    assert_true(k < h.ends);
    assert_int_equal(h.ended[k].segment, segment);
    assert_int_equal(h.ended[k].by, by);
}

static const struct row *samples_of(int k)
{
    return &h.row[h.ended[k].first];
}

static void expect_way(const int *segment, int n)
{
    for (int k = 0; k < n && k < h.ends; k++)
        if (h.ended[k].segment != segment[k])
            fail_msg("%d. is segment %d instead of %d", k, h.ended[k].segment, segment[k]);
    assert_int_equal(h.ends, n);
}
#define WAY(...)                                                                                             \
    expect_way((const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int)))

/* ---- ramps ---- */

static void a_ramp_runs_from_end_to_end(void **state)
{
    (void)state;
    add_ramp(0.2, -0.3, 5e-3, 0.5);
    play();
    expect(0, 0, ENDED_NATURALLY);
    assert_int_equal(h.rows, 101);
    for (int k = 0; k < h.rows; k++) {
        NEAR(h.row[k].e, 0.2 - 5e-3 * k, 1e-5);
        NEAR(h.row[k].t, 10e-3 * k, 1e-6);
        assert_int_equal(h.row[k].sweep, 0);
        if (k > 3) /* filter */
            NEAR(h.row[k].i, h.row[k].e / OHM, 1e-13);
    }
}

static void ramps_sweeps_and_holds_follow_each_other_without_a_gap(void **state)
{
    (void)state;
    again_with(CELL("100 aF"), 0, (struct wiring){-1, -1, 3.2});
    add_hold(3, 0.05, 5e-3);
    add_ramp(3, 2.5, 5e-3, 1);
    add_ramp(2.5, 2.7, 5e-3, 1);
    add_sweep(2.7, 2.6, 2.7, 1);
    add_hold(2.7, 0.05, 5e-3);
    play();
    assert_int_equal(h.rows, 10 + 101 + 41 + 41 + 10);
    for (int k = 1; k < h.rows; k++)
        NEAR(h.row[k].timer - h.row[k - 1].timer, 5e-3, 1e-6); /* the device's own clock */
    NEAR(samples_of(1)[100].e, 2.5, 1e-5);
    NEAR(samples_of(2)[0].e, 2.5, 1e-5);
    NEAR(samples_of(2)[40].e, 2.7, 1e-5);
    assert_int_equal(samples_of(3)[40].sweep, 1);
    enum cell_mode cell;
    double at[3];
    sim_rig_probe(h.f.rig, at, &cell);
    assert_int_equal(cell, CELL_OPEN);
}

/* ---- conditions ---- */

/* f = 1 Hz: 100 pA (1 - exp(-2 pi f t)) rises through 50 pA after ln 2 / (2 pi f), and at 0 V falls again. */
static void a_hold_ends_at_a_current(void **state)
{
    (void)state;
    again_with(CELL("100 aF"), 1, (struct wiring){1, 1, 0});
    until(add_hold(0.1, 5, 1e-3), (struct until){UNTIL_CURRENT_ABOVE, 50e-12});
    until(add_hold(0, 5, 1e-3), (struct until){UNTIL_CURRENT_BELOW, 5e-12});
    until(add_hold(-0.1, 5, 1e-3), (struct until){UNTIL_CURRENT_ABOVE, 50e-12}); /* a magnitude */
    play();
    for (int k = 0; k < 3; k++)
        expect(k, k, 0);
    int rise = (int)ceil(log(2) / TWO_PI / 1e-3), fall = (int)ceil(log(10) / TWO_PI / 1e-3);
    assert_in_range(h.ended[0].samples, rise - 1, rise + 1);
    assert_in_range(h.ended[1].samples, fall - 1, fall + 1);
    for (int k = 0; k < 3; k++) {
        const struct row *x = samples_of(k);
        int n = h.ended[k].samples;
        assert_true(k == 1 ? fabs(x[n - 1].i) < 5e-12 : fabs(x[n - 1].i) > 50e-12);
        assert_true(k == 1 ? fabs(x[n - 2].i) >= 5e-12 : fabs(x[n - 2].i) <= 50e-12);
    }
}

static void a_hold_ends_at_a_net_charge_or_at_its_time(void **state)
{
    (void)state;
    for (int sign = 1; sign >= -1; sign -= 2)
        until(add_hold(0.1 * sign, 5, 1e-3), (struct until){UNTIL_CHARGE, 5e-12});
    struct segment *s = add_hold(0.1, 5, 1e-3);
    until(s, (struct until){UNTIL_CHARGE, 5e-12});
    until(s, (struct until){UNTIL_ELAPSED, 20e-3});
    play();
    expect(0, 0, 0);
    expect(1, 1, 0);
    expect(2, 2, 1);
    assert_in_range(h.ended[0].samples, 50, 51); /* 100 pA for 50 ms; the filter keeps back a little */
    assert_in_range(h.ended[1].samples, 50, 51);
    assert_int_equal(h.ended[2].samples, 20);
    for (int k = 0; k < 2; k++) {
        double charge = 0, before = 0;
        for (int j = 0; j < h.ended[k].samples; j++) {
            before = charge;
            charge += 1e-3 * samples_of(k)[j].i;
        }
        assert_true(fabs(charge) >= 5e-12 && fabs(before) < 5e-12);
    }
}

/* RC = 1 s. */
static void a_group_ends_a_segment_when_all_of_it_holds(void **state)
{
    (void)state;
    again_with(CELL("1 nF"), 0, (struct wiring){1, 1, 0});
    for (int k = 0; k < 2; k++) {
        struct segment *s = add_current(100e-12, 3, 10e-3);
        until(s, (struct until){UNTIL_POTENTIAL_ABOVE, 0.099}); /* 4.6 s: never */
        until(s, (struct until){UNTIL_POTENTIAL_ABOVE, k ? 0.08 : 0.02, .all = true});
        until(s, (struct until){UNTIL_ELAPSED, 0.5, .all = true});
        until(s, (struct until){UNTIL_CHARGE, 80e-12, .all = true});
        add_hold(0, 0.01, 1e-3);
    }
    play();
    expect(0, 0, 1);
    expect(2, 2, 1);
    assert_int_equal(h.ended[0].samples, 80); /* the charge is the last to be true */
    double t = -log(0.2);                     /* the potential is */
    assert_in_range(h.ended[2].samples, (int)(t / 10e-3), (int)(t / 10e-3) + 2);
}

static void an_inverted_instrument_ends_at_the_same_potential(void **state)
{
    (void)state;
    again_with("probe: {leak: 1 Gohm, stray: 1 nF, stray-gain: 0}\nsample: {drift: {rate: 0 nm/min}}\n"
               "potentiostat: {wiring: {potential: -1, current: -1}, " QUIET "}\n",
               0, (struct wiring){-1, -1, 3.2});
    until(add_current(-100e-12, 5, 10e-3), (struct until){UNTIL_POTENTIAL_BELOW, 3.15});
    play();
    expect(0, 0, 0);
    assert_in_range(h.ended[0].samples, 69, 71); /* ln 2 s */
    assert_true(h.row[h.rows - 1].e < 3.15 && h.row[h.rows - 2].e >= 3.15);
}

/* E0 exp(-t) drifts by E0 exp(-t) (exp(w) - 1) / w over a window of w s. */
static void an_open_circuit_ends_when_it_drifts_no_more(void **state)
{
    (void)state;
    again_with(CELL("1 nF"), 0, (struct wiring){1, 1, 0});
    add_hold(0.1, 0.1, 10e-3);
    until(add_open(20, 10e-3), (struct until){UNTIL_DRIFT, 10e-3, .window = 0.5});
    until(add_open(1, 10e-3), (struct until){UNTIL_DRIFT, 1, .window = 0.5});
    play();
    expect(1, 1, 0);
    double t = log(0.1 / 10e-3 * (exp(0.5) - 1) / 0.5);
    assert_in_range(h.ended[1].samples, (int)(t / 10e-3) - 1, (int)(t / 10e-3) + 2);
    const struct row *x = samples_of(1);
    for (int k = 50; k < h.ended[1].samples; k++)
        assert_true((fabs(x[k].e - x[k - 50].e) / 0.5 < 10e-3) == (k == h.ended[1].samples - 1));
    expect(2, 2, 0);
    assert_int_equal(h.ended[2].samples, 51); /* never before the window is full */
}

static void a_fraction_of_the_charge_before_ends_the_way_back(void **state)
{
    (void)state;
    again_with(CELL("1 nF"), 0, (struct wiring){1, 1, 0});
    until(add_current(100e-12, 9, 10e-3), (struct until){UNTIL_POTENTIAL_ABOVE, 0.05});
    until(add_current(-50e-12, 9, 7e-3), (struct until){UNTIL_FRACTION, 0.8, .of = 0});
    until(add_current(100e-12, 9, 10e-3), (struct until){UNTIL_FRACTION, 1.5, .of = 1});
    until(add_current(-100e-12, 9, 10e-3), (struct until){UNTIL_FRACTION, 0.5, .of = 0});
    play();
    for (int k = 0; k < 4; k++)
        expect(k, k, 0);
    double q[4];
    for (int k = 0; k < 4; k++)
        q[k] = h.ended[k].samples * fabs(h.g.segment[k].current) * h.g.segment[k].interval;
    NEAR(q[0], 70e-12, 1.01e-12);
    double wanted[4] = {q[0], 0.8 * q[0], 1.5 * q[1], 0.5 * q[0]};
    for (int k = 1; k < 4; k++) {
        double sample = fabs(h.g.segment[k].current) * h.g.segment[k].interval;
        assert_true(q[k] >= wanted[k] * (1 - 1e-6) && q[k] <= wanted[k] + 1.001 * sample);
    }
}

/* ---- gates ---- */

static void add_gated_pair(void)
{
    add_hold(0.1, 0.05, 5e-3);
    add_gate(2);
    add_hold(0.2, 0.05, 5e-3);
    add_ramp(0.2, 0.1, 5e-3, 1);
    add_hold(0.1, 0.05, 5e-3);
}

static void a_gate_that_is_advanced_goes_on(void **state)
{
    (void)state;
    add_gated_pair();
    advance(1, 20);
    play();
    WAY(0, 1, 2, 3, 4);
    expect(1, 1, ENDED_ADVANCED);
    assert_in_range(h.ended[1].samples, 20, 21);
    assert_int_equal(h.ended[3].samples, 21);
}

static void a_gate_that_runs_out_skips(void **state)
{
    (void)state;
    add_gated_pair();
    play();
    WAY(0, 1, 4);
    expect(1, 1, ENDED_NATURALLY);
    assert_int_equal(h.ended[1].samples, 50);
}

static void a_gate_may_skip_all_the_rest(void **state)
{
    (void)state;
    add_gate(1);
    add_hold(0.1, 0.05, 5e-3);
    play();
    WAY(0);
}

/* The advance reaches the device when the gate is over: it ends what runs then, and that is told. */
static void an_advance_that_comes_too_late_ends_the_next_segment(void **state)
{
    (void)state;
    add_gated_pair();
    advance(1, 50);
    play();
    WAY(0, 1, 4);
    expect(1, 1, ENDED_NATURALLY);
    expect(2, 4, ENDED_ADVANCED);
    assert_in_range(h.ended[2].samples, 0, 2);
}

static void gates_within_gates(void **state)
{
    (void)state;
    static const struct {
        int advanced[3]; /* gates */
        int way[8], n;
    } cases[] = {
        {{0}, {0, 1, 7}, 3},
        {{1}, {0, 1, 2, 3, 5, 7}, 6}, /* 5 runs out, too */
        {{1, 3}, {0, 1, 2, 3, 4, 5, 7}, 7},
        {{1, 3, 5}, {0, 1, 2, 3, 4, 5, 6, 7}, 8},
        {{1, 5}, {0, 1, 2, 3, 5, 6, 7}, 7},
    };
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        again_with(CELL("100 aF"), 0, (struct wiring){1, 1, 0});
        add_hold(0.1, 0.05, 5e-3);
        add_gate(5);
        add_hold(0.2, 0.05, 5e-3);
        add_gate(1);
        add_hold(0.3, 0.05, 5e-3);
        add_gate(1); /* ends where the first one does */
        add_hold(0.1, 0.05, 5e-3);
        add_hold(0, 0.05, 5e-3);
        for (int k = 0; k < 3; k++)
            if (cases[c].advanced[k])
                advance(cases[c].advanced[k], 5);
        play();
        expect_way(cases[c].way, cases[c].n);
    }
}

static void a_repeat_of_20_passes_ends_where_a_gate_runs_out(void **state)
{
    (void)state;
    for (int last = 0; last < 20; last += 6) {
        again_with(CELL("100 aF"), 0, (struct wiring){1, 1, 0});
        int way[64], n = 0;
        for (int pass = 0; pass < 20; pass++) {
            add_sweep(0.1, 0, 0.1, 1);
            if (pass < 19)
                add_gate(2 * (19 - pass) - 1);
            if (pass < last)
                advance(2 * pass + 1, 10);
        }
        add_hold(0.1, 0.05, 5e-3);
        for (int k = 0; k <= 2 * last + 1; k++)
            way[n++] = k;
        way[n++] = h.g.n - 1;
        play();
        expect_way(way, n);
    }
}

/* A gate at open circuit; behind it the cell is on or off as the way was. */
static void a_gate_at_open_circuit(void **state)
{
    (void)state;
    for (int go = 0; go < 2; go++) {
        again_with(CELL("1 nF"), 0, (struct wiring){1, 1, 0});
        add_hold(0.1, 0.05, 5e-3);
        struct segment *gate = add_open(0.5, 10e-3);
        gate->open_ended = true;
        gate->skips = 2;
        add_hold(0.2, 0.05, 5e-3);
        add_ramp(0.2, 0.1, 5e-3, 1);
        add_hold(0.1, 0.05, 5e-3);
        if (go)
            advance(1, 20);
        play();
        if (go)
            WAY(0, 1, 2, 3, 4);
        else
            WAY(0, 1, 4);
        const struct row *x = samples_of(h.ends - 1);
        NEAR(x[9].e, 0.1, 1e-5);
        NEAR(x[9].i, 0.1 / OHM, 1e-12); /* the cell is on */
    }
}

static void a_fraction_of_what_was_left_out_is_reached_at_once(void **state)
{
    (void)state;
    add_gate(1);
    add_current(100e-12, 1, 10e-3);
    until(add_current(-100e-12, 1, 10e-3), (struct until){UNTIL_FRACTION, 0.8, .of = 1});
    play();
    WAY(0, 2);
    expect(1, 2, 0);
    assert_int_equal(h.ended[1].samples, 1);
}

/* Segment `at` of a random program of n segments: mostly short ones of all kinds, some with conditions that
 * may or may not end them, and gates, some of which will be advanced. */
static void add_random(struct rng r, uint64_t program, int at, int n)
{
    uint64_t k = 100 * (uint64_t)at;
#define PICK(below) rng_below(r, (uint64_t)(below), program, k++)
    struct segment *s;
    switch (PICK(8)) {
    case 0:
        s = add_hold(0.1 * (double)PICK(3), 0.03, 5e-3);
        s->autorange = PICK(2);
        for (uint64_t u = PICK(3); u > 0; u--) {
            struct until x = {.what = PICK(2) ? UNTIL_CHARGE : UNTIL_CURRENT_ABOVE};
            x.value = 1e-12 * (double)(1 + PICK(90));
            x.all = PICK(2);
            until(s, x);
        }
        return;
    case 1:
        s = add_ramp(0.1, 0.2, 10e-3, 2);
        s->i_full = PICK(2) ? 1e-9 : 1e-8;
        return;
    case 2:
        s = add_current(50e-12, 0.05, 5e-3);
        for (int of = at - 1; of >= 0 && s->n_until == 0; of--)
            if (h.g.segment[of].kind == SEGMENT_GALVANOSTATIC)
                until(s, (struct until){UNTIL_FRACTION, 0.5, .of = of, .all = PICK(2)});
        return;
    case 3:
        s = add_open(0.03, 5e-3);
        if (PICK(2))
            until(s, (struct until){UNTIL_DRIFT, 0.1, .window = 10e-3});
        return;
    case 4:
        add_sweep(0.1, 0.15, 0.1, 1);
        return;
    default:
        s = PICK(3) ? add_hold(0.1, 0.05, 5e-3) : add_open(0.05, 5e-3);
        s->open_ended = true;
        s->skips = (int)PICK(n - at < 6 ? n - at : 6);
        if (PICK(2))
            advance(at, 4);
    }
#undef PICK
}

/* The way through the program that its gates and the host's orders make. */
static int way_of(const struct program *g, int *way)
{
    int n = 0;
    for (int at = 0; at < g->n;) {
        const struct segment *s = &g->segment[at];
        bool advanced = false;
        for (int o = 0; o < h.orders; o++)
            advanced |= h.order[o].segment == at;
        way[n++] = at;
        at += 1 + (s->open_ended && !advanced ? s->skips : 0);
    }
    return n;
}

/* The script must never be refused either, whatever modes it changes between. */
static void any_program_takes_the_way_that_its_gates_say(void **state)
{
    (void)state;
    const char *text = getenv("SECCM_TEST_SEEDS"), *given = getenv("SECCM_TEST_SEED");
    uint64_t programs = text ? 20 * strtoull(text, NULL, 0) : 60;
    uint64_t seed = given ? strtoull(given, NULL, 0) : 1;
    struct rng r = rng_stream(seed, "test.played");
    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint64_t k = 0; k < programs; k++) {
        int way[PROGRAM_MAX], n = 2 + (int)rng_below(r, 24, k, 99);
        again_with(CELL("1 nF"), 0, (struct wiring){1, 1, 0});
        for (int at = 0; at < n; at++)
            add_random(r, k, at, n);
        int ways = way_of(&h.g, way);
        play();
        for (int j = 0; j < ways && j < h.ends; j++)
            if (h.ended[j].segment != way[j])
                fail_msg("program %llu: %d. is segment %d instead of %d", (unsigned long long)k, j,
                         h.ended[j].segment, way[j]);
        assert_int_equal(h.ends, ways);
    }
}

/* ---- folding ---- */

/* Writes one level of loops out: `store_var kN 0i ja`, `loop kN < 10i` ... `add_var kN 1i`, `endloop`. False
 * if there are none. */
static bool unfold(struct buf *text)
{
    struct buf out = {0};
    char *head = strstr(text->p, "store_var k");
    if (!head)
        return false;
    int counter, times;
    assert_int_equal(sscanf(head, "store_var k%d 0i ja\nloop k%*d < %di", &counter, &times), 2);
    char end[64];
    int n = snprintf(end, sizeof end, "add_var k%d 1i\nendloop\n", counter);
    char *body = strchr(strchr(head, '\n') + 1, '\n') + 1, *tail = strstr(body, end);
    assert_non_null(tail);
    buf_add(&out, text->p, (size_t)(head - text->p));
    for (int k = 0; k < times; k++)
        buf_add(&out, body, (size_t)(tail - body));
    buf_str(&out, tail + n);
    buf_free(text);
    *text = out;
    return true;
}

/* All that the device says, but for the marks of loops. */
static void run_text(const char *script, struct buf *said)
{
    char line[256];
    open_with("probe: {leak: 1 Gohm, stray: 1 nF, stray-gain: 0}\nsample: {drift: {rate: 0 nm/min}}\n"
              "potentiostat: {script-size: 1000000, " QUIET "}\n",
              0, (struct wiring){1, 1, 0});
    write_text(&h.f.pstat, script);
    do {
        assert_true(next_line(&h.f, &h.f.pstat, 20, line, sizeof line, NULL));
        if (line[0] != 'L' && line[0] != '+')
            buf_printf(said, "%s\n", line);
        if (line[0] == '!')
            fail_msg("%s", line);
    } while (line[0]);
    teardown(NULL);
}

static void add_long_program(void)
{
    for (int pass = 0; pass < 4; pass++) {
        for (int k = 0; k < 12; k++)
            add_hold(k % 2 ? 0.2 : 0.1, 0.02, 1e-3);
        add_ramp(0.1, 0.3, 5e-3, 2);
        add_ramp(0.3, 0.1, 5e-3, 2);
        struct segment *s = add_current(50e-12, 0.1, 5e-3);
        if (pass)
            until(s, (struct until){UNTIL_FRACTION, 0.9, .of = h.g.n - 4});
        add_open(0.05, 5e-3);
        s = add_current(-50e-12, 0.1, 5e-3);
        until(s, (struct until){UNTIL_FRACTION, 0.8, .of = h.g.n - 3});
        add_gate(1);
        add_hold(0.2, 0.02, 1e-3);
    }
}

static void a_folded_script_does_the_same_as_one_written_out(void **state)
{
    (void)state;
    struct buf text = {0}, folded = {0}, written_out = {0};
    h.g.n = 0;
    add_long_program();
    /* Each pass: the charge before of the pass before lies 4 segments back. */
    for (int k = 0; k < h.g.n; k++)
        for (int u = 0; u < h.g.segment[k].n_until; u++) {
            struct until *x = &h.g.segment[k].until[u];
            while (h.g.segment[x->of].kind != SEGMENT_GALVANOSTATIC)
                x->of--;
        }
    if (!potentiostat_compile(h.p, &h.g, &text, &h.e))
        fail_msg("%s", h.e.text);
    size_t short_text = text.n;
    teardown(NULL);
    run_text(text.p, &folded);
    while (unfold(&text))
        continue;
    assert_true(text.n > 2 * short_text);
    run_text(text.p, &written_out);
    assert_string_equal(folded.p, written_out.p);
    buf_free(&text);
    buf_free(&folded);
    buf_free(&written_out);
    setup(NULL);
}

static void a_folded_program_is_told_segment_by_segment(void **state)
{
    (void)state;
    for (int k = 0; k < 200; k++)
        add_hold(k % 2 ? 0.2 : 0.1, 0.01, 1e-3);
    add_ramp(0.2, 0.1, 5e-3, 2);
    play();
    assert_int_equal(h.ends, 201);
    for (int k = 0; k < 201; k++)
        expect(k, k, ENDED_NATURALLY);
    for (int k = 0; k < 2000; k++)
        NEAR(h.row[k].e, k / 10 % 2 ? 0.2 : 0.1, 1e-5);
}

/* ---- load ---- */

/* What check says before a run is what comes: longest line of each loop's samples, in loops' order. */
static void the_rate_of_bytes_is_what_the_device_sends(void **state)
{
    (void)state;
    add_hold(0.1, 0.02, 1e-3);
    add_ramp(0.1, 0.2, 5e-3, 0.5);
    add_sweep(0.1, 0.2, 0.1, 1);
    add_open(0.02, 2e-3);
    add_current(50e-12, 0.02, 1e-3);
    struct potentiostat_load load;
    struct buf text = {0}, said = {0};
    double rate[5], longest[5] = {0};
    assert_true(potentiostat_compile(h.p, &h.g, &text, &h.e));
    assert_true(potentiostat_load(h.p, &h.g, &load, &h.e));
    assert_int_equal(load.text, text.n);
    assert_true(load.text_max > load.text);
    for (int k = 0; k < 5; k++)
        rate[k] = potentiostat_stream_rate(h.p, &h.g.segment[k]) * segment_interval(&h.g.segment[k]);
    assert_int_equal(load.segment, 4);
    NEAR(load.rate, rate[4] / 1e-3, 1e-6);
    teardown(NULL);
    run_text(text.p, &said);
    int at = -1;
    for (const char *p = said.p; *p; p += strcspn(p, "\n") + 1) {
        at += *p == 'M';
        if (*p == 'P')
            longest[at] = fmax(longest[at], (double)strcspn(p, "\n") + 1);
    }
    for (int k = 0; k < 4; k++)
        NEAR(rate[k], longest[k], 0);
    assert_true(longest[4] > 30 && longest[4] <= rate[4]); /* the current may have its range with it */
    NEAR(potentiostat_line_rate(921600), 92160, 0);
    buf_free(&text);
    buf_free(&said);
    setup(NULL);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_ramp_runs_from_end_to_end),
        T(ramps_sweeps_and_holds_follow_each_other_without_a_gap),
        T(a_hold_ends_at_a_current),
        T(a_hold_ends_at_a_net_charge_or_at_its_time),
        T(a_group_ends_a_segment_when_all_of_it_holds),
        T(an_inverted_instrument_ends_at_the_same_potential),
        T(an_open_circuit_ends_when_it_drifts_no_more),
        T(a_fraction_of_the_charge_before_ends_the_way_back),
        T(a_gate_that_is_advanced_goes_on),
        T(a_gate_that_runs_out_skips),
        T(a_gate_may_skip_all_the_rest),
        T(an_advance_that_comes_too_late_ends_the_next_segment),
        T(gates_within_gates),
        T(a_repeat_of_20_passes_ends_where_a_gate_runs_out),
        T(a_gate_at_open_circuit),
        T(a_fraction_of_what_was_left_out_is_reached_at_once),
        T(any_program_takes_the_way_that_its_gates_say),
        T(a_folded_script_does_the_same_as_one_written_out),
        T(a_folded_program_is_told_segment_by_segment),
        T(the_rate_of_bytes_is_what_the_device_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
