/* What tests ask of nights: when a clean one does something, so that a fault can be put there, and which
 * events one has left. */
#ifndef SECCM_TESTS_RUN_CLEAN_NIGHT_H
#define SECCM_TESTS_RUN_CLEAN_NIGHT_H

#include "fixture.h"

/* When a clean run of this plan enters a phase for the n-th time. */
static inline ns_t clean_time(const struct night_spec *s, const char *state, int nth)
{
    struct night n;
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count;
    ns_t at = NS_NEVER;
    night_open(&n, s);
    night_run(&n);
    assert_true(results_events(n.file, &ev, &count, &err));
    for (int k = 0; k < count && at == NS_NEVER; k++)
        if (!strcmp(ev[k].kind, "state") && !strcmp(ev[k].text, state) && --nth == 0)
            at = ns_from_s(ev[k].t_s);
    free(ev);
    night_close(&n);
    assert_true(at != NS_NEVER);
    return at;
}

/* Events of this kind whose text has these words. */
static inline int events_with(const struct night *n, const char *kind, const char *text)
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count, found = 0;
    assert_true(results_events(n->file, &ev, &count, &err));
    for (int k = 0; k < count; k++)
        found += !strcmp(ev[k].kind, kind) && strstr(ev[k].text, text);
    free(ev);
    return found;
}

#endif
