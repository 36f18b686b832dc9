/* What a site's steps left in the results file, beside what the sample knows of them. */
#ifndef SECCM_TESTS_RUN_PLAYED_H
#define SECCM_TESTS_RUN_PLAYED_H

#include "fixture.h"

#include "analysis/registry.h"
#include "analysis/site_features.h"

#define SEI_WINDOW "analysis: {sei: {step: formation, window: [1 V, 1.5 V]}}\n"

/* A run with everything that was stored of its features; close with played_close(). */
struct played {
    struct night n;
    struct results_feature *feature;
    int n_features;
};

static inline void played_run(struct played *p, const struct night_spec *s)
{
    struct err err = ERR_INIT;
    night_open(&p->n, s);
    night_run(&p->n);
    if (p->n.end != RUN_FINISHED)
        fail_msg("the run ended: %s: %s", run_end_name(p->n.end), p->n.e.text);
    ASSERT_UNHARMED(&p->n);
    assert_true(results_features(p->n.file, &p->feature, &p->n_features, &err));
}

static inline void played_close(struct played *p)
{
    free(p->feature);
    night_close(&p->n);
}

static inline const struct results_feature *row_of(const struct played *p, int site, const char *step,
                                                   const char *name, int cycle)
{
    for (int k = 0; k < p->n_features; k++) {
        const struct results_feature *f = &p->feature[k];
        if (f->site == site && f->cycle == cycle && !strcmp(f->step_name, step) && !strcmp(f->name, name))
            return f;
    }
    return NULL;
}

static inline double value_of(const struct played *p, int site, const char *step, const char *name, int cycle)
{
    const struct results_feature *f = row_of(p, site, step, name, cycle);
    if (!f)
        fail_msg("no row %s.%s@%d at site %d", step, name, cycle, site);
    if (*f->missing)
        fail_msg("%s.%s@%d at site %d is missing: %s", step, name, cycle, site, f->missing);
    return f->value;
}

/* Stored steps of a phase and name (NULL = any) of the last attempt, in order; caller frees. */
static inline struct results_step *steps_of(const struct played *p, int site, const char *phase,
                                            const char *name, int *n)
{
    struct results_attempt a[8];
    struct results_step *step;
    struct err err = ERR_INIT;
    int all, last = attempts_of(&p->n, site, a, 8) - 1;
    assert_true(results_steps(p->n.file, a[last].id, &step, &all, &err));
    *n = 0;
    for (int k = 0; k < all; k++)
        if (!strcmp(step[k].phase, phase) && (!name || !strcmp(step[k].name, name)))
            step[(*n)++] = step[k];
    return step;
}

static inline int count_steps(const struct played *p, int site, const char *phase, const char *name)
{
    int n;
    free(steps_of(p, site, phase, name, &n));
    return n;
}

/* Events of a kind whose text contains `part`; the first of them into text (may be NULL). */
static inline int events_with(const struct played *p, const char *kind, const char *part, char text[512])
{
    struct results_event *ev;
    struct err err = ERR_INIT;
    int count, n = 0;
    assert_true(results_events(p->n.file, &ev, &count, &err));
    for (int k = 0; k < count; k++)
        if (!strcmp(ev[k].kind, kind) && strstr(ev[k].text, part)) {
            print_message("%s: %s\n", kind, ev[k].text);
            if (n++ == 0 && text)
                snprintf(text, 512, "%s", ev[k].text);
        }
    free(ev);
    return n;
}

/* The sweeps of a contact (from 0 on) that go in one direction over at least `span` V; returns the count. */
static inline int sweeps_of(struct played *p, int contact, bool reducing, double span,
                            struct world_sweep *out, int max)
{
    const struct world *w = sim_rig_world(p->n.sim);
    struct world_contact_info info;
    int n = 0;
    world_contact(w, contact, &info);
    for (int k = 0; k < info.sweeps && n < max; k++) {
        struct world_sweep s;
        if (world_contact_sweep(w, contact, k, 1, 1.5, &s) && s.reducing == reducing &&
            fabs(s.e_to - s.e_from) >= span)
            out[n++] = s;
    }
    return n;
}

struct recomputed {
    const struct played *played;
    int n;
};

static inline bool compare_again(void *ctx, const struct results_feature *f, int n, struct err *e)
{
    struct recomputed *r = ctx;
    (void)e;
    r->n += n;
    for (int k = 0; k < n; k++) {
        const struct results_feature *a = &f[k],
                                     *b = row_of(r->played, a->site, a->step_name, a->name, a->cycle);
        assert_non_null(b);
        assert_int_equal(a->step, b->step);
        assert_string_equal(a->missing, b->missing);
        if (memcmp(&a->value, &b->value, sizeof a->value) != 0 && !(isnan(a->value) && isnan(b->value)))
            fail_msg("%s.%s@%d: %.17g recomputed, %.17g stored", a->step_name, a->name, a->cycle, a->value,
                     b->value);
    }
    return true;
}

/* The features computed again from the stored samples are the stored ones, bit by bit. */
static inline void assert_recomputed_same(const struct played *p)
{
    struct analysis_settings s;
    struct err err = ERR_INIT;
    const struct sei_analysis *sei = &p->n.protocol->sei;
    struct recomputed r = {.played = p};
    analysis_settings_default(&s);
    analysis_settings_probe(&s, p->n.file);
    if (sei->step) {
        snprintf(s.sei_step, sizeof s.sei_step, "%s", sei->step);
        memcpy(s.sei_window, sei->window, sizeof s.sei_window);
    }
    if (!features_compute(p->n.file, &s, compare_again, &r, &err))
        fail_msg("%s", err.text);
    assert_int_equal(r.n, p->n_features);
}

#endif
