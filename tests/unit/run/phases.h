/* Random instants of random phases, for faults that may come at any time. */
#ifndef SECCM_TESTS_RUN_PHASES_H
#define SECCM_TESTS_RUN_PHASES_H

#include "fixture.h"

/* Phases of a clean run: when each began and what it was. */
struct phases {
    int n;
    ns_t at[512];
    char name[512][16];
};

static inline void learn_phases(struct phases *p, const struct night_spec *plan)
{
    struct night n;
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    night_open(&n, plan);
    night_run(&n);
    assert_int_equal(n.end, RUN_FINISHED);
    assert_true(results_events(n.file, &ev, &count, &err));
    p->n = 0;
    for (int k = 0; k < count && p->n < 511; k++) {
        if (strcmp(ev[k].kind, "state") != 0)
            continue;
        p->at[p->n] = ns_from_s(ev[k].t_s);
        snprintf(p->name[p->n++], 16, "%.15s", ev[k].text);
    }
    p->at[p->n] = n.t1;
    free(ev);
    night_close(&n);
}

/* A random phase, and a random instant of it. */
static inline ns_t random_instant(const struct phases *p, struct rng r, uint64_t a, uint64_t b,
                                  const char **phase)
{
    for (uint64_t c = 0;; c++) {
        int k = (int)rng_below(r, (uint64_t)p->n, a, 1000 * b + c);
        ns_t length = p->at[k + 1] - p->at[k];
        if (length < NS_MS || !strcmp(p->name[k], "idle"))
            continue;
        *phase = p->name[k];
        return p->at[k] + (ns_t)rng_below(r, (uint64_t)length, a, 1000 * b + 500 + c);
    }
}

#endif
