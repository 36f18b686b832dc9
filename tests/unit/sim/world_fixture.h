/* A world under test: made from YAML text, with a probe that the test moves by hand. */
#ifndef SECCM_TESTS_WORLD_FIXTURE_H
#define SECCM_TESTS_WORLD_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sim/world.h"

/* A probe that goes from `from` to `to` between t0 and t1 and stands otherwise. */
struct hand {
    double from[3], to[3];
    ns_t t0, t1;
};

struct fixture {
    struct world *w;
    struct hand hand;
    ns_t t;
};

static inline void hand_position(void *ctx, ns_t t, double xyz[3])
{
    const struct hand *h = ctx;
    double a = t >= h->t1 ? 1 : t <= h->t0 ? 0 : (double)(t - h->t0) / (double)(h->t1 - h->t0);
    for (int i = 0; i < 3; i++)
        xyz[i] = a >= 1 ? h->to[i] : h->from[i] + a * (h->to[i] - h->from[i]);
}

static inline struct world *world_from(const char *sample, const char *probe, uint64_t seed)
{
    struct diags *d = diags_new();
    struct source *s = source_from_text("sample", sample), *p = source_from_text("probe", probe);
    struct ytree *ts = ytree_parse(s, d), *tp = ytree_parse(p, d);
    struct world *w = ts && tp ? world_new(ytree_root(ts), ytree_root(tp), seed, d) : NULL;
    if (!w) {
        struct buf b = {0};
        diags_print(d, &b);
        print_message("%s", b.p);
        buf_free(&b);
    }
    ytree_free(ts);
    ytree_free(tp);
    source_free(s);
    source_free(p);
    diags_free(d);
    return w;
}

/* 20 um above (0, 0) at time 0. */
static inline void fixture_open(struct fixture *f, const char *sample, const char *probe, uint64_t seed)
{
    *f = (struct fixture){.hand = {.from = {0, 0, 20e-6}, .to = {0, 0, 20e-6}}};
    f->w = world_from(sample, probe, seed);
    assert_non_null(f->w);
    world_set_position(f->w, hand_position, &f->hand);
    world_recording(f->w, true);
}

static inline void fixture_close(struct fixture *f)
{
    world_free(f->w);
}

/* Where the probe is now. */
static inline void here(struct fixture *f, double xyz[3])
{
    hand_position(&f->hand, f->t, xyz);
}

static inline void go(struct fixture *f, double x, double y, double z, double speed)
{
    struct hand h = {.to = {x, y, z}, .t0 = f->t};
    here(f, h.from);
    double d = sqrt((x - h.from[0]) * (x - h.from[0]) + (y - h.from[1]) * (y - h.from[1]) +
                    (z - h.from[2]) * (z - h.from[2]));
    h.t1 = f->t + ns_from_s(d / speed);
    f->hand = h;
}

static inline void wait_s(struct fixture *f, double s)
{
    ns_t end = f->t + ns_from_s(s);
    while (f->t < end) {
        f->t = f->t + NS_MS < end ? f->t + NS_MS : end;
        world_advance(f->w, f->t);
    }
}

static inline void stop(struct fixture *f)
{
    double p[3];
    here(f, p);
    for (int i = 0; i < 3; i++)
        f->hand.from[i] = f->hand.to[i] = p[i];
}

static inline void potential(struct fixture *f, double versus_qrce)
{
    world_control(f->w, CELL_POTENTIOSTAT, versus_qrce, 0, 0);
}

/* Goes to 0.5 um above (x, y), then down at `speed` until a drop touches; stops there. False: none by -1 um.
 */
static inline bool approach(struct fixture *f, double x, double y, double speed)
{
    double p[3];
    struct world_truth truth;
    world_truth_at(f->w, x, y, 0, &truth);
    here(f, p);
    go(f, p[0], p[1], truth.surface_z + 5e-6, 1e-4);
    wait_s(f, 0.5);
    go(f, x, y, truth.surface_z + 5e-6, 1e-4);
    wait_s(f, 2);
    go(f, x, y, truth.surface_z + 0.5e-6, 1e-5);
    wait_s(f, 0.5);
    go(f, x, y, truth.surface_z - 1e-6, speed);
    while (f->t < f->hand.t1 && !world_in_contact(f->w)) {
        f->t += NS_MS;
        world_advance(f->w, f->t);
    }
    stop(f);
    return world_in_contact(f->w);
}

static inline void retract(struct fixture *f, double by, double speed)
{
    double p[3];
    here(f, p);
    go(f, p[0], p[1], p[2] + by, speed);
    wait_s(f, by / speed);
}

static inline double take(struct fixture *f)
{
    struct cell_reading r;
    world_take(f->w, &r);
    return r.charge;
}

/* Staircase ramp as a potentiostat does it: `step` volts, versus QRCE. Returns the charge. */
static inline double ramp(struct fixture *f, double from, double to, double rate, double step)
{
    int n = (int)lround(fabs(to - from) / step);
    double sum = 0;
    for (int i = 1; i <= n; i++) {
        potential(f, from + (to - from) * i / n);
        wait_s(f, step / rate);
        sum += take(f);
    }
    return sum;
}

#endif
