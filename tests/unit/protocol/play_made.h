/* Plans from a few lines of steps, for the tests of what is played. */
#ifndef TESTS_PLAY_MADE_H
#define TESTS_PLAY_MADE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "protocol/play.h"

struct made {
    struct diags *d;
    struct protocol *p;
    struct plan *plan;
    struct play play; /* of the first combination of levels */
};

/* `site`: what stands behind the key; `more`: further lines. Errors leave plan NULL. */
static inline struct made make_try(const char *site, const char *more)
{
    struct made m = {.d = diags_new()};
    struct err e = ERR_INIT;
    struct buf text = {0};
    buf_printf(&text,
               "seccm: 1\nname: made\nprobe: {aperture: 400 nm}\n"
               "reference: {electrode: \"Li/Li+ by Ag QRCE\", offset: 3.2 V, uncertainty: 0.1 V}\n"
               "rig: parts/rig.yaml\n"
               "grid: {shape: rectangle, columns: 4, rows: 3, pitch: 5 um, origin: {x: 10 um, y: 10 um}}\n"
               "limits: {potential: [0 V, 4 V], current: 5 nA}\n"
               "approach: {bias: 2 V, speed: 1 um/s, travel: 12 um, contact: {threshold: 3 pA}}\n"
               "%s\nsite: %s\n",
               more, site);
    struct source *s = source_from_text("tests/faulty/made.yaml", text.p);
    buf_free(&text);
    m.p = protocol_read(s, NULL, m.d, &e);
    m.plan = m.p ? plan_make(m.p, m.d) : NULL;
    if (m.plan)
        play_make(m.plan, m.plan->combination[0].level, false, &m.play);
    return m;
}

static inline struct made make(const char *site, const char *more)
{
    struct made m = make_try(site, more);
    struct buf b = {0};
    if (!m.plan) {
        diags_print(m.d, &b);
        fail_msg("%s\n%s", site, b.p ? b.p : "");
    }
    return m;
}

static inline void made_free(struct made *m)
{
    play_free(&m->play);
    plan_free(m->plan);
    protocol_free(m->p);
    diags_free(m->d);
}

static inline void near(double found, double expected)
{
    if (isnan(found) || fabs(found - expected) > 1e-9 * fmax(fabs(expected), 1e-3))
        fail_msg("%.12g instead of %.12g", found, expected);
}

#endif
