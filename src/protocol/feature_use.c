/* Features that a protocol speaks of. */
#include "protocol/feature_use.h"

#include <stdio.h>
#include <string.h>

#include "analysis/feature_given.h"
#include "analysis/sei.h"
#include "protocol/play.h"

/* Which way a single sweep goes, as far as no level decides. */
static void set_direction(const struct step *s, struct step_shape *shape)
{
    bool known = s->start.given && s->finish.given && !s->start.factor[0] && !s->finish.factor[0];
    shape->falling = !known || s->finish.si < s->start.si;
    shape->rising = !known || s->finish.si > s->start.si;
}

static struct step_shape shape_of(const struct step *s)
{
    struct step_shape shape = {
        .kind = step_kind_name(s->kind),
        .reversed = s->has_reverse,
        .open = s->kind == STEP_REST && s->cell == REST_OPEN,
        .current = s->currents.n > 0,
        .levels = s->currents.n > 0 ? s->currents.n : s->potentials.n,
    };
    if (s->kind == STEP_LSV)
        set_direction(s, &shape);
    return shape;
}

bool feature_use_gives(const struct step *s, const char *name)
{
    struct step_shape shape = shape_of(s);
    return feature_given(&shape, name);
}

/* What of a step's shape stands in the way of the feature; "" = its kind. */
static void tell_shape(const struct step *s, const char *name, char text[64])
{
    struct step_shape shape = shape_of(s), whole = shape;
    whole.reversed = whole.open = whole.falling = whole.rising = true;
    bool other = feature_given(&whole, name);
    text[0] = '\0';
    if (s->kind == STEP_GALVANOSTATIC && other)
        snprintf(text, 64, " without `reverse`");
    else if (s->kind == STEP_REST && other)
        snprintf(text, 64, " with the cell held");
    else if (s->kind == STEP_LSV && other)
        snprintf(text, 64, " with a %s potential", shape.rising ? "rising" : "falling");
    else if (s->kind == STEP_PULSE)
        snprintf(text, 64, " with %d %s%s", shape.levels, shape.current ? "current" : "potential",
                 shape.levels == 1 ? "" : "s");
}

void feature_use_refuse(const struct step *s, const char *name, struct mark m, struct diags *d)
{
    char text[64];
    bool an = s->kind == STEP_OCP || s->kind == STEP_LSV;
    tell_shape(s, name, text);
    diags_error(d, m, "`%s` is %s %s step%s, which has no `%s`", s->name, an ? "an" : "a",
                step_kind_name(s->kind), text, name);
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
        if (feature_use_gives(&p->step[k], f->def->name) && n++ == 0)
            at = k;
    if (n > 1)
        return ambiguous(&p->step[at], f, m, d);
    if (at < 0) {
        diags_error(d, m, "no step of the site gives `%s`", f->def->name);
        return false;
    }
    const struct step *s = &p->step[at];
    bool fits = feature_use_gives(s, f->def->name);
    if (!fits)
        feature_use_refuse(s, f->def->name, m, d);
    snprintf(f->step, sizeof f->step, "%s", s->name);
    return fits;
}

/* Features of the SEI window exist for one step only, and only if the window is declared. */
static bool sei_declared(const struct protocol *p, const struct feature_ref *f, struct mark m,
                         struct diags *d)
{
    if (!feature_of_window(f->def->name) || (p->sei.step && strcmp(p->sei.step, f->step) == 0))
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
static bool has_cycles(const struct protocol *p, int step, const struct feature_def *f)
{
    const struct step *s = &p->step[step];
    bool cycles = f->scope == FEATURE_CYCLE || (s->kind == STEP_GALVANOSTATIC && s->has_reverse);
    for (int k = s->parent; k >= 0; k = p->step[k].parent)
        cycles = cycles || p->step[k].kind == STEP_REPEAT;
    return cycles;
}

bool feature_use_in_cycle(const char *name, int cycle, struct mark m, struct diags *d)
{
    if (feature_in_cycle(name, cycle))
        return true;
    if (cycle == 1)
        diags_error(d, m, "`%s` is relative to cycle 1, where it has no value: ask for a later cycle", name);
    else
        diags_error(d, m, "`%s` is followed over the first %d cycles only", name, SEI_CYCLES);
    return false;
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
    bool cycles = f.def->scope != FEATURE_SITE && has_cycles(p, find_step(p, &list, f.step), f.def);
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
    if (!feature_use_in_cycle(f.def->name, f.cycle, m, d))
        return false;
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
