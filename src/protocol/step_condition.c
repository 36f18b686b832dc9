/* Conditions on features: of `when`, and of a `repeat` that ends early.
 *
 * The dimension of a bound is that of the feature, so the registry must know the feature before the bound can
 * be read. Which step is meant is looked up when all steps are there, so that one that comes later can be
 * told from one that does not exist. */
#include "protocol/step_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/feature_given.h"
#include "analysis/registry.h"
#include "protocol/feature_use.h"

#define X(id, unit, name, example)                                                                           \
    [DIM_##id] = {.key = "above", .kind = FIELD_VALUE, .dim = DIM_##id, .help = "more than this"},
static const struct field above_fields[DIM_COUNT] = {DIM_TABLE(X)};
#undef X
#define X(id, unit, name, example)                                                                           \
    [DIM_##id] = {.key = "below", .kind = FIELD_VALUE, .dim = DIM_##id, .help = "less than this"},
static const struct field below_fields[DIM_COUNT] = {DIM_TABLE(X)};
#undef X

const struct field *condition_field(bool above, enum dim dim)
{
    return above ? &above_fields[dim] : &below_fields[dim];
}

/* What is known of the site only when all of its steps are over. */
static bool comes_last(const char *feature)
{
    return strcmp(feature, "rest_capacitance") == 0 || strcmp(feature, "wetted_growth") == 0 ||
           strcmp(feature, "break_distance") == 0;
}

static void read_bound(const struct ynode *n, bool above, enum dim dim, struct value *v, struct diags *d)
{
    struct one {
        struct value value;
    } one = {{0}};
    *v = (struct value){.si = NAN};
    if (!n)
        return;
    /* The reader of tables tells of everything that may be wrong with a scalar. */
    struct field f = *condition_field(above, dim);
    f.offset = offsetof(struct one, value);
    schema_read_field(n, &f, &one, d);
    *v = one.value;
    v->given = true;
    v->mark = ynode_mark(n);
}

static void tell_order(const struct step_condition *c, struct diags *d)
{
    if (c->above.given && c->below.given && !c->above.factor[0] && !c->below.factor[0] &&
        !(c->above.si < c->below.si))
        diags_error(d, c->below.mark, "nothing is above %s and below %s", ynode_text(c->above_node),
                    ynode_text(c->below_node));
}

void condition_read(struct step *s, struct diags *d)
{
    struct step_condition *c = &s->condition;
    struct feature_ref ref;
    struct err e = ERR_INIT;
    c->above = c->below = (struct value){.si = NAN};
    if (!c->feature)
        return;
    if (!c->above_node && !c->below_node)
        diags_error(d, c->mark,
                    "a condition needs `above` or `below`, for example {feature: %.40s, below: 0.05}",
                    c->feature);
    if (!feature_ref_parse(c->feature, &ref, &e)) {
        diags_error(d, c->mark, "%s", e.text);
        return;
    }
    if (ref.def->scope == FEATURE_SITE && comes_last(ref.def->name))
        diags_error(d, c->mark, "`%s` is known only behind the last step", ref.def->name);
    else if (ref.def->scope != FEATURE_SITE && !ref.step[0])
        diags_error(d, c->mark, "of which step? `formation.%s` is that of the step `formation`",
                    ref.def->name);
    snprintf(c->of, sizeof c->of, "%s", ref.step);
    snprintf(c->name, sizeof c->name, "%s", ref.def->name);
    c->cycle = ref.cycle;
    c->dim = ref.def->dim;
    int before = diags_errors(d);
    read_bound(c->above_node, true, c->dim, &c->above, d);
    read_bound(c->below_node, false, c->dim, &c->below, d);
    if (diags_errors(d) == before)
        tell_order(c, d);
}

/* --- the step that is meant ------------------------------------------------------------------------------
 */

static int find_step(const struct protocol *p, const struct step_list *list, const char *name)
{
    for (int i = list->first; i < list->end; i++)
        if (strcmp(p->step[i].name, name) == 0)
            return i;
    return -1;
}

/* Among steps that `use` renamed together, one of them is meant first. */
static int find_of(const struct protocol *p, const struct step_list *list, struct step_condition *c)
{
    char name[sizeof c->among + sizeof c->of + 2];
    snprintf(name, sizeof name, "%s-%s", c->among, c->of);
    int i = c->among[0] ? find_step(p, list, name) : -1;
    if (i >= 0 && strlen(name) < sizeof c->of)
        memcpy(c->of, name, strlen(name) + 1);
    return i >= 0 ? i : find_step(p, list, c->of);
}

static void tell_unknown(const struct protocol *p, const struct step_list *list,
                         const struct step_condition *c, struct diags *d)
{
    const char *names[STEP_MAX + 1] = {0};
    int n = 0;
    for (int i = list->first; i < list->end; i++)
        if (!step_is_block(&p->step[i]))
            names[n++] = p->step[i].name;
    diags_error(d, c->mark, "no step of this site is named `%.60s`", c->of);
    const char *nearest = text_nearest(c->of, names);
    if (nearest)
        diags_hint(d, "did you mean `%s.%s`?", nearest, c->name);
}

/* Is there a repeat around both, so that in later passes the one that stands behind has been played? */
static bool repeated_together(const struct protocol *p, int a, int b)
{
    for (int i = p->step[a].parent; i >= 0; i = p->step[i].parent) {
        const struct step *block = &p->step[i];
        if (block->kind == STEP_REPEAT && b > i && b < block->end)
            return true;
    }
    return false;
}

/* A cv of one cycle that no repeat plays again: there is no later one. */
static bool plays_once(const struct protocol *p, int step)
{
    const struct step *t = &p->step[step];
    if (t->kind != STEP_CV || t->cycles.factor[0] || !(t->cycles.si < 2))
        return false;
    for (int i = t->parent; i >= 0; i = p->step[i].parent)
        if (p->step[i].kind == STEP_REPEAT)
            return false;
    return true;
}

/* What never has a value would be missing at every site: its steps left out, or played to the last pass. */
static void check_feature(const struct protocol *p, const struct step_condition *c, int of, struct diags *d)
{
    const struct step *t = &p->step[of];
    if (!feature_use_gives(t, c->name))
        feature_use_refuse(t, c->name, c->mark, d);
    else if (feature_of_window(c->name) && (!p->sei.step || strcmp(p->sei.step, c->of) != 0))
        diags_error(d, c->mark, "`%s` has no value without `analysis: {sei: {step: %s, window: [...]}}`%s%s",
                    c->name, c->of, p->sei.step ? "; it is of " : "", p->sei.step ? p->sei.step : "");
    else if (c->cycle == 0 && !feature_in_cycle(c->name, 1) && plays_once(p, of))
        diags_error(d, c->mark, "`%s` is relative to cycle 1, where it has no value, and `%s` has one cycle",
                    c->name, c->of);
    else
        feature_use_in_cycle(c->name, c->cycle, c->mark, d);
}

static void resolve(struct protocol *p, const struct step_list *list, int i, struct diags *d)
{
    const struct step *s = &p->step[i];
    struct step_condition *c = &p->step[i].condition;
    int of = find_of(p, list, c);
    if (of < 0) {
        tell_unknown(p, list, c, d);
        return;
    }
    const struct step *t = &p->step[of];
    bool inside = of > i && of < s->end;
    if (step_is_block(t))
        diags_error(d, c->mark, "`%s` is a %s, which has no features: name one of its steps", t->name,
                    step_kind_name(t->kind));
    else if (s->kind == STEP_REPEAT && !inside)
        diags_error(d, c->mark,
                    "`%s` is not a step of `%s`: its features do not change from pass to pass, and nothing "
                    "would ever end it",
                    t->name, s->name);
    else if (s->kind == STEP_WHEN && (of > i && !repeated_together(p, i, of)))
        diags_error(d, c->mark, "`%s` is %s `%s`: its features are not known yet", t->name,
                    inside ? "inside" : "behind", s->name);
    else
        check_feature(p, c, of, d);
}

void condition_resolve(struct protocol *p, const struct step_list *list, struct diags *d)
{
    for (int i = list->first; i < list->end; i++)
        if (p->step[i].condition.of[0])
            resolve(p, list, i, d);
}
