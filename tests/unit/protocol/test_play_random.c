/* Random trees of steps, against a second way to say what is played: the test writes the text of a tree and,
 * at the same time, the list of what it should become. */
#include "base/rng.h"
#include "unit/protocol/play_made.h"

#define TREES   300
#define SEED    20260301u
#define LEGS    4000
#define NESTING 3

struct expected {
    int step;  /* in the order of the text */
    int cycle; /* -1: a gate */
    double seconds;
};

struct tree {
    struct rng r;
    uint64_t tree, draws;
    struct buf text;
    int steps;       /* so far; the first is a hold, of which conditions ask */
    int played[200]; /* cycles of each step so far */
    struct expected leg[LEGS];
    int n;
};

static int draw(struct tree *t, int below)
{
    return (int)rng_below(t->r, (uint64_t)below, t->tree, t->draws++);
}

static void expect_leg(struct tree *t, int step, int cycle, double seconds)
{
    if (t->n < LEGS)
        t->leg[t->n] = (struct expected){step, cycle, seconds};
    t->n++;
}

/* A step is a number of legs with seconds and cycles; a block repeats what its steps made. */
struct shape {
    enum step_kind kind;
    int count; /* cycles, pulses or passes */
    bool gates;
    struct shape *inside;
    int n_inside, step;
};

static struct shape *random_list(struct tree *t, int depth, int *n);

static void write_leaf(struct tree *t, struct shape *s)
{
    switch (s->kind) {
    case STEP_HOLD:
        buf_printf(&t->text, "hold: {name: s%d, potential: 3 V, for: 1 s}", s->step);
        return;
    case STEP_CV:
        buf_printf(&t->text, "cv: {name: s%d, start: 3 V, vertices: [1 V, 2 V], rate: 1 V/s, cycles: %d}",
                   s->step, s->count);
        return;
    case STEP_GALVANOSTATIC:
        buf_printf(
            &t->text,
            "galvanostatic: {name: s%d, current: -4 pA, until: {elapsed: 2 s}, reverse: {current: 8 pA, "
            "until: {charge: 24 pC, elapsed: 5 s}}, cycles: %d}",
            s->step, s->count);
        return;
    case STEP_PULSE:
        buf_printf(&t->text, "pulse: {name: s%d, potentials: [3 V, 2 V, 1 V], for: 0.25 s, count: %d}",
                   s->step, s->count);
        return;
    default:
        buf_printf(&t->text, "ocp: {name: s%d, for: 4 s}", s->step);
        return;
    }
}

static void random_step(struct tree *t, int depth, struct shape *s)
{
    static const enum step_kind leaves[] = {STEP_HOLD, STEP_CV, STEP_GALVANOSTATIC, STEP_PULSE, STEP_OCP};
    int what = draw(t, depth < NESTING ? 8 : 5);
    *s = (struct shape){.step = t->steps++, .count = 1 + draw(t, 3)};
    if (what < 5) {
        s->kind = leaves[what];
        write_leaf(t, s);
        return;
    }
    s->kind = what == 5 ? STEP_WHEN : STEP_REPEAT;
    s->gates = what < 7;
    if (s->kind == STEP_WHEN)
        buf_printf(&t->text, "when: {name: s%d, feature: s0.charge, above: 1 fC, steps: [", s->step);
    else
        buf_printf(&t->text, "repeat: {name: s%d, count: %d, ", s->step, s->count);
    if (s->kind == STEP_REPEAT && s->gates)
        buf_printf(&t->text, "until: {feature: s%d.charge, below: 1 fC}, ", t->steps);
    if (s->kind == STEP_REPEAT)
        buf_str(&t->text, "steps: [");
    if (s->kind == STEP_REPEAT && s->gates) /* whose feature is asked for */
        buf_printf(&t->text, "hold: {name: s%d, potential: 3 V, for: 1 s}, ", t->steps++);
    s->inside = random_list(t, depth + 1, &s->n_inside);
    buf_str(&t->text, "]}");
}

static struct shape *random_list(struct tree *t, int depth, int *n)
{
    *n = 1 + draw(t, 3);
    struct shape *list = xcalloc((size_t)*n, sizeof *list);
    for (int k = 0; k < *n; k++) {
        buf_str(&t->text, k ? ", " : "");
        random_step(t, depth, &list[k]);
    }
    return list;
}

static void free_list(struct shape *list, int n)
{
    for (int k = 0; k < n; k++)
        free_list(list[k].inside, list[k].n_inside);
    free(list);
}

/* Cycle `c` of a leaf. */
static void play_cycle(struct tree *t, const struct shape *s, int c)
{
    switch (s->kind) {
    case STEP_CV:
        /* 3 to 1 V, in further cycles 2 to 1 V, and up to 2 V; each start is a sample of 2 ms. */
        expect_leg(t, s->step, c, c - t->played[s->step] == 1 ? 2.002 : 1.002);
        expect_leg(t, s->step, c, 1.002);
        return;
    case STEP_GALVANOSTATIC:
        expect_leg(t, s->step, c, 2);
        expect_leg(t, s->step, c, 3);
        return;
    case STEP_PULSE:
        for (int k = 0; k < 3; k++)
            expect_leg(t, s->step, c, 0.25);
        return;
    default:
        expect_leg(t, s->step, c, s->kind == STEP_HOLD ? 1 : 4);
        return;
    }
}

static void play_list_of(struct tree *t, const struct shape *list, int n)
{
    for (int i = 0; i < n && t->n < LEGS; i++) {
        const struct shape *s = &list[i];
        bool many = s->kind == STEP_CV || s->kind == STEP_GALVANOSTATIC || s->kind == STEP_PULSE;
        int cycles = many ? s->count : 1, passes = s->kind == STEP_REPEAT ? s->count : 1;
        if (!s->inside) {
            for (int c = 1; c <= cycles; c++)
                play_cycle(t, s, t->played[s->step] + c);
            t->played[s->step] += cycles;
            continue;
        }
        if (s->kind == STEP_WHEN)
            expect_leg(t, s->step, -1, GATE_SECONDS);
        for (int pass = 1; pass <= passes; pass++) {
            if (s->kind == STEP_REPEAT && s->gates)
                expect_leg(t, s->step + 1, ++t->played[s->step + 1], 1);
            play_list_of(t, s->inside, s->n_inside);
            if (s->kind == STEP_REPEAT && s->gates && pass < passes)
                expect_leg(t, s->step, -1, GATE_SECONDS);
        }
    }
}

static void compare(const struct made *m, const struct tree *t)
{
    double seconds = 0;
    assert_int_equal(m->play.n, t->n);
    for (int k = 0; k < t->n; k++) {
        const struct play_leg *leg = &m->play.leg[k];
        char name[16];
        snprintf(name, sizeof name, "s%d", t->leg[k].step);
        assert_string_equal(m->p->step[leg->step].name, name);
        assert_int_equal(leg->gate, t->leg[k].cycle < 0);
        if (!leg->gate)
            assert_int_equal(leg->cycle, t->leg[k].cycle);
        near(play_seconds(leg), t->leg[k].seconds);
        seconds += t->leg[k].seconds;
    }
    near(m->plan->seconds.technique / m->plan->n_sites, seconds);
}

/* Instances never come back, and what a gate leads to begins one. Ranges lie in one another or apart. */
static void check_gates(const struct play *p)
{
    for (int k = 1; k < p->n; k++) {
        int step = p->leg[k].instance - p->leg[k - 1].instance;
        assert_true(step == 0 || step == 1);
        assert_true(step == 1 || p->leg[k].step == p->leg[k - 1].step);
        assert_true(step == 1 || (!p->leg[k].gate && !p->leg[k - 1].gate));
    }
    for (int k = 0; k < p->n; k++) {
        int to = k + 1 + p->leg[k].segment.skips;
        assert_int_equal(p->leg[k].gate, p->leg[k].segment.skips > 0);
        assert_true(to <= p->n);
        if (p->leg[k].gate && to < p->n)
            assert_int_not_equal(p->leg[to].instance, p->leg[to - 1].instance);
        for (int i = k + 1; i < to; i++)
            assert_true(i + p->leg[i].segment.skips < to);
    }
}

/* Whatever the host decides, the end is reached, and every leg that is played has the conditions before it.
 */
static void walk(struct tree *t, const struct play *p)
{
    for (int walks = 0; walks < 5; walks++) {
        int k = 0, steps = 0;
        while (k < p->n) {
            bool go = !p->leg[k].gate || draw(t, 2);
            k += 1 + (go ? 0 : p->leg[k].segment.skips);
            assert_true(++steps <= p->n);
        }
        assert_int_equal(k, p->n);
    }
}

static int try_tree(struct tree *t)
{
    int n;
    buf_clear(&t->text);
    buf_str(&t->text, "[hold: {name: s0, potential: 3 V, for: 1 s}, ");
    t->draws = 0;
    t->steps = 1;
    t->n = 0;
    memset(t->played, 0, sizeof t->played);
    expect_leg(t, 0, 1, 1);
    struct shape *list = random_list(t, 0, &n);
    buf_str(&t->text, "]");
    play_list_of(t, list, n);
    free_list(list, n);
    if (t->steps > STEP_MAX || t->n > PLAY_MAX) { /* is refused, and with a reason */
        struct made m = make_try(t->text.p, "");
        assert_null(m.plan);
        made_free(&m);
        return 0;
    }
    struct made m = make(t->text.p, "");
    assert_int_equal(play_count(m.plan, m.plan->combination[0].level, false), t->n);
    compare(&m, t);
    check_gates(&m.play);
    walk(t, &m.play);
    made_free(&m);
    return 1;
}

static void trees_are_played_as_they_are_written(void **state)
{
    (void)state;
    const char *given = getenv("SECCM_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : SEED;
    struct tree *t = xcalloc(1, sizeof *t);
    int played = 0;
    t->r = rng_stream(seed, "test.trees");
    printf("seed %llu\n", (unsigned long long)seed);
    for (t->tree = 0; t->tree < TREES; t->tree++)
        played += try_tree(t);
    printf("%d of %d trees played, the others too long\n", played, TREES);
    assert_true(played > TREES / 2 && played < TREES);
    buf_free(&t->text);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trees_are_played_as_they_are_written),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    quantity_done();
    return failed;
}
