/* Features that a protocol speaks of. */
#include "protocol/feature_use.h"

#include <stdio.h>
#include <string.h>

#include "protocol/play.h"

#define GIVEN_MAX 24

/* Features that these kinds of steps give, as src/analysis computes them. What is in none of the lists is a
 * voltammogram's: cv and lsv. */
static const struct {
    enum step_kind kind;
    const char *feature[GIVEN_MAX + 1];
} given[] = {
    {STEP_GALVANOSTATIC,
     {"capacity", "e_mean", "ir_step", "e_cutoff", "t_cutoff", "plateau", "nucleation", "capacity_back",
      "e_mean_back", "ir_step_back", "e_cutoff_back", "t_cutoff_back", "plateau_back", "nucleation_back",
      "coulombic_efficiency"}},
    {STEP_OCP, {"ocp_mean", "ocp_drift", "ocp_noise", "t_end"}},
    {STEP_HOLD, {"i_mean", "i_end", "charge", "t_end"}},
    {STEP_REST, {"e_end", "i_end", "t_end"}},
    {STEP_PULSE,
     {"i_end_1",  "i_end_2",  "i_end_3",  "i_end_4",  "i_end_5",  "i_end_6",  "i_end_7",  "i_end_8",
      "e_end_1",  "e_end_2",  "e_end_3",  "e_end_4",  "e_end_5",  "e_end_6",  "e_end_7",  "e_end_8",
      "charge_1", "charge_2", "charge_3", "charge_4", "charge_5", "charge_6", "charge_7", "charge_8"}},
};

static bool listed(size_t k, const char *name)
{
    for (int i = 0; given[k].feature[i]; i++)
        if (strcmp(given[k].feature[i], name) == 0)
            return true;
    return false;
}

static bool gives(const struct step *s, const struct feature_def *f)
{
    bool other = false;
    for (size_t k = 0; k < sizeof given / sizeof given[0]; k++) {
        if (s->kind == given[k].kind)
            return listed(k, f->name);
        other = other || listed(k, f->name);
    }
    bool both = strcmp(f->name, "coulombic_efficiency") == 0;
    return !step_is_block(s) && (!other || both);
}

static int find_step(const struct protocol *p, const struct step_list *list, const char *name)
{
    for (int i = list->first; i < list->end; i++)
        if (p->step[i].name && strcmp(p->step[i].name, name) == 0)
            return i;
    return -1;
}

static bool unknown_step(const struct protocol *p, const struct step_list *list, const struct feature_ref *f,
                         struct mark m, struct diags *d)
{
    const char *names[STEP_MAX + 1] = {0};
    for (int k = list->first, n = 0; k < list->end && n < STEP_MAX; k++)
        if (!step_is_block(&p->step[k]))
            names[n++] = p->step[k].name;
    diags_error(d, m, "no step is named `%.60s`", f->step);
    const char *nearest = text_nearest(f->step, names);
    if (nearest)
        diags_hint(d, "did you mean `%s`?", nearest);
    return false;
}

static bool ambiguous(const struct step *s, const struct feature_ref *f, struct mark m, struct diags *d)
{
    char text[160];
    struct feature_ref named = *f;
    snprintf(named.step, sizeof named.step, "%s", s->name);
    diags_error(d, m, "`%s` is a feature of several steps: say which, as in `%s`", f->def->name,
                feature_ref_text(&named, text, sizeof text));
    return false;
}

/* The step that has the feature: named, or the only one that can. */
static bool find_owner(const struct protocol *p, const struct step_list *list, struct feature_ref *f,
                       struct mark m, struct diags *d)
{
    bool named = f->step[0] != '\0';
    int at = named ? find_step(p, list, f->step) : -1, n = 0;
    if (named && at < 0)
        return unknown_step(p, list, f, m, d);
    for (int k = list->first; k < list->end && !named; k++)
        if (gives(&p->step[k], f->def) && n++ == 0)
            at = k;
    if (n > 1)
        return ambiguous(&p->step[at], f, m, d);
    if (at < 0) {
        diags_error(d, m, "no step of the site gives `%s`", f->def->name);
        return false;
    }
    const struct step *s = &p->step[at];
    bool fits = gives(s, f->def);
    if (!fits)
        diags_error(d, m, "`%s` is a %s step, which has no `%s`", s->name, step_kind_name(s->kind),
                    f->def->name);
    snprintf(f->step, sizeof f->step, "%s", s->name);
    return fits;
}

/* Features of the SEI window exist for one step only, and only if the window is declared. */
static bool sei_declared(const struct protocol *p, const struct feature_ref *f, struct mark m,
                         struct diags *d)
{
    bool sei = strncmp(f->def->name, "q_sei", 5) == 0 || strncmp(f->def->name, "sei_", 4) == 0;
    if (!sei || (p->sei.step && strcmp(p->sei.step, f->step) == 0))
        return true;
    if (p->sei.step)
        diags_error(d, m, "`%s` is computed for `%s` only, as `analysis.sei` says", f->def->name,
                    p->sei.step);
    else
        diags_error(d, m, "`%s` needs the SEI window: add `analysis: {sei: {step: %s, window: [..]}}`",
                    f->def->name, f->step);
    return false;
}

/* Passes of a repeat, and charge and discharge, are the cycles of a step that has none by itself. */
static bool has_cycles(const struct protocol *p, const struct step_list *list, const char *name)
{
    int i = find_step(p, list, name);
    bool cycles = i >= 0 && p->step[i].kind == STEP_GALVANOSTATIC && p->step[i].has_reverse;
    for (int k = i < 0 ? -1 : p->step[i].parent; k >= 0; k = p->step[k].parent)
        cycles = cycles || p->step[k].kind == STEP_REPEAT;
    return cycles;
}

bool feature_use_read(const struct protocol *p, bool control, const char *text, struct mark m,
                      struct feature_ref *out, struct diags *d)
{
    struct step_list list = play_list(p, control);
    struct feature_ref f;
    struct err e = ERR_INIT;
    if (!feature_ref_parse(text, &f, &e)) {
        diags_error(d, m, "%s", e.text);
        return false;
    }
    if (f.def->scope != FEATURE_SITE && (!find_owner(p, &list, &f, m, d) || !sei_declared(p, &f, m, d)))
        return false;
    bool cycles =
        f.def->scope == FEATURE_CYCLE || (f.def->scope == FEATURE_STEP && has_cycles(p, &list, f.step));
    if (!cycles && f.cycle > 0) {
        diags_error(d, m, "`%s` has no cycles: `%s` is played once", f.def->name,
                    f.def->scope == FEATURE_SITE ? "a site" : f.step);
        return false;
    }
    if (cycles && f.cycle == 0) {
        diags_error(d, m, "`%s` has a value in each cycle: say which, as in `%s.%s@1`", f.def->name, f.step,
                    f.def->name);
        return false;
    }
    *out = f;
    return true;
}

bool feature_use_played(const struct plan *p, const struct feature_ref *f, const int level[FACTOR_MAX],
                        bool control)
{
    if (f->cycle == 0)
        return true;
    struct play play;
    bool found = false;
    struct step_list list = play_list(p->protocol, control);
    int step = find_step(p->protocol, &list, f->step);
    play_make(p, level, control, &play);
    for (int k = 0; k < play.n && !found; k++) {
        const struct play_leg *leg = &play.leg[k];
        int more =
            leg->segment.kind == SEGMENT_SWEEP && leg->segment.cycles > 1 ? leg->segment.cycles - 1 : 0;
        found = leg->step == step && f->cycle >= leg->cycle && f->cycle <= leg->cycle + more;
    }
    play_free(&play);
    return found;
}
