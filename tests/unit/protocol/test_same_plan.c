/* One seed, one plan, with any compiler at any optimisation: sites, order and levels of many grids and
 * designs as a number that is written down here. It changes only when a plan is meant to change; then the
 * number that the test prints takes its place, and the note of the change says that old seeds give other
 * plans. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/plan.h"

#define SEEDS 40

static const char *const grids[] = {
    "shape: rectangle, columns: 12, rows: 9, pitch: 5.3 um, rotation: 17 deg, spares: 7, spares-at: spread",
    "shape: rectangle, columns: 9, rows: 9, pitch: 5 um, order: random",
    "shape: rectangle, columns: 12, rows: 12, pitch: 4 um, order: blocks, tile: {columns: 4, rows: 3}",
    "shape: rectangle, columns: 9, rows: 9, pitch: 5 um, order: nearest",
    "shape: hexagon, columns: 9, rows: 10, pitch: 5.1 um, rotation: -8 deg, order: spiral",
    "shape: rings, rings: 5, pitch: 5 um, rotation: 3 deg",
    "shape: spiral, count: 90, pitch: 5 um",
    "shape: random, count: 90, width: 90 um, height: 80 um, pitch: 4 um, order: nearest",
    "shape: rectangle, columns: 11, rows: 9, pitch: 5um, exclude: [{center: [60um,60um], radius: 9um}]",
};

static const char *const designs[] = {
    "design: randomised-blocks, factors: {cut: [1 V, 0.5 V, 0.2 V], rate: [1 V/s, 0.5 V/s]}",
    "design: completely-randomised, factors: {cut: [1 V, 0.5 V, 0.2 V], rate: [1 V/s, 0.5 V/s]}",
    "design: gradient, along: x, factors: {cut: [1 V, 0.2 V], rate: [1 V/s, 0.3 V/s]}",
    "design: full-factorial, factors: {cut: [1 V, 0.5 V, 0.2 V], rate: [1 V/s, 0.5 V/s]}",
};

static const char protocol[] =
    "seccm: 1\nname: same\nprobe: {aperture: 400 nm}\n"
    "reference: {electrode: Ag, offset: 0 V, uncertainty: 0.05 V}\nrig: parts/rig.yaml\n"
    "limits: {potential: [-2 V, 2 V], current: 5 nA}\n"
    "approach: {bias: 0.2 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}\n"
    "site: [{cv: {start: 1.5 V, vertices: [$cut, 1.5 V], rate: $rate}}]\n";

struct made {
    struct diags *d;
    struct protocol *p;
    struct plan *plan;
};

static struct made make(const char *grid, const char *design, int64_t seed)
{
    char path[] = "tests/faulty/made-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    bool middle = strstr(grid, "rings") || strstr(grid, "spiral, count");
    fprintf(f, "%svary: {%s}\ngrid: {origin: {x: %s, y: %s}, %s}\n", protocol, design,
            middle ? "60 um" : "30 um", middle ? "55 um" : "10 um", grid);
    fclose(f);
    struct made m = {.d = diags_new()};
    struct err e = ERR_INIT;
    m.p = protocol_load(path, &(struct protocol_options){.has_seed = true, .seed = seed}, m.d, &e);
    unlink(path);
    m.plan = m.p ? plan_make(m.p, m.d) : NULL;
    if (!m.plan) {
        struct buf b = {0};
        diags_print(m.d, &b);
        fail_msg("%s; %s: %s%s", grid, design, e.text, b.p ? b.p : "");
    }
    return m;
}

static void drop(struct made *m)
{
    plan_free(m->plan);
    protocol_free(m->p);
    diags_free(m->d);
}

/* FNV-1a, 64 bit (Fowler, Noll, Vo; offset basis and prime as published). */
static uint64_t mix(uint64_t h, int64_t value)
{
    for (int k = 0; k < 8; k++) {
        h ^= (uint64_t)value >> 8 * k & 0xff;
        h *= 0x100000001b3;
    }
    return h;
}

/* Places in pm: what decisions are made on. Levels in units of 1 uV, 1 uV/s: those of a gradient are
 * computed. */
static uint64_t fingerprint(const struct plan *p)
{
    uint64_t h = 0xcbf29ce484222325;
    for (int i = 0; i < p->n_sites + p->n_spares; i++) {
        const struct plan_site *s = &p->site[i];
        h = mix(mix(mix(h, s->site), llround(s->x * 1e12)), llround(s->y * 1e12));
        h = mix(mix(h, s->spare), s->block);
        for (int f = 0; f < p->protocol->n_factors && !s->spare; f++)
            h = mix(h, llround(p->protocol->factor[f].si[s->level[f]] * 1e6));
    }
    return h;
}

static void one_seed_one_plan(void **state)
{
    (void)state;
    static const uint64_t expected = 0xf9f57d843b00d22a;
    uint64_t all = 0xcbf29ce484222325;
    for (size_t g = 0; g < sizeof grids / sizeof grids[0]; g++)
        for (size_t d = 0; d < sizeof designs / sizeof designs[0]; d++)
            for (int64_t seed = 1; seed <= 3; seed++) {
                struct made m = make(grids[g], designs[d], seed), again = make(grids[g], designs[d], seed);
                uint64_t one = fingerprint(m.plan);
                assert_true(one == fingerprint(again.plan));
                all = mix(all, (int64_t)one);
                drop(&m);
                drop(&again);
            }
    print_message("fingerprint of all plans: %#llx\n", (unsigned long long)all);
    assert_true(all == expected);
}

/* Sites per combination differ by one at most, whatever the seed, and no two seeds deal alike. */
static void another_seed_another_balanced_plan(void **state)
{
    (void)state;
    uint64_t seen[SEEDS];
    for (int64_t seed = 1; seed <= SEEDS; seed++) {
        struct made m = make(grids[0], designs[seed % 2], seed);
        int least = m.plan->n_sites, most = 0;
        for (int k = 0; k < m.plan->n_combinations; k++) {
            int n = m.plan->combination[k].sites;
            least = n < least ? n : least;
            most = n > most ? n : most;
        }
        assert_int_equal(m.plan->n_combinations, 6);
        assert_in_range(most - least, 0, 1);
        seen[seed - 1] = fingerprint(m.plan);
        for (int64_t k = 0; k < seed - 1; k++)
            assert_true(seen[k] != seen[seed - 1]);
        drop(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_one_plan),
        cmocka_unit_test(another_seed_another_balanced_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
