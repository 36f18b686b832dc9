/* Reading lists of steps.
 *
 * An entry is a map with one key: the kind of a step, or `use` or `include`, in whose place the steps come
 * that it stands for. What stands behind one key of the file may so be read more than once; what is wrong
 * with it is told the first time. */
#include "protocol/step_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define ENTRIES_MAX 2000 /* looked at: lists that use lists grow fast */

bool step_deeper(struct step_reader *r, struct mark m)
{
    if (r->depth < STEP_DEPTH_MAX)
        return true;
    diags_error(r->told, m, "steps are nested more than %d deep", STEP_DEPTH_MAX);
    return false;
}

/* --- one step --------------------------------------------------------------------------------------------
 */

static int kind_of(const struct ynode *entry, struct diags *d)
{
    const char *key = ynode_key(entry, 0);
    for (int k = 0; k < STEP_KINDS; k++)
        if (strcmp(key, step_kind_name((enum step_kind)k)) == 0)
            return k;
    diags_error(d, ynode_key_mark(entry, 0),
                "there is no step `%.40s`; there are hold, cv, lsv, galvanostatic, ocp, pulse, rest, repeat "
                "and when, and include and use",
                key);
    const char *nearest = text_nearest(key, step_kind_names());
    if (nearest)
        diags_hint(d, "did you mean `%s`?", nearest);
    return -1;
}

static void check_vertices(const struct step *s, const struct ynode *map, struct diags *d)
{
    const struct ynode *list = ynode_get(map, "vertices");
    if (!list || ynode_kind(list) != Y_LIST || ynode_count(list) == 0)
        return;
    if (s->vertices.n == 1)
        diags_error(d, ynode_mark(list),
                    "a cv has two vertices or more, the turning point and the end of each cycle, "
                    "for example [0.05 V, 3 V]; found 1. A single sweep is an lsv");
    if (s->vertices.n > VERTEX_MAX)
        diags_error(d, ynode_mark(list), "%d vertices; at most %d are possible", s->vertices.n, VERTEX_MAX);
    if (s->rates.n > RATE_MAX)
        diags_error(d, ynode_mark(ynode_get(map, "rate")), "%d rates; at most %d are possible", s->rates.n,
                    RATE_MAX);
}

/* `a` or `b`, not both and not neither. */
static void check_either(const struct ynode *map, const char *a, const char *b, struct diags *d)
{
    if (!map || ynode_kind(map) != Y_MAP)
        return;
    if (ynode_get(map, a) && ynode_get(map, b))
        diags_error(d, ynode_mark(ynode_get(map, b)), "both `%s` and `%s`: one of them says it all", a, b);
    else if (!ynode_get(map, a) && !ynode_get(map, b))
        diags_error(d, ynode_mark(map), "`%s` or `%s` is missing", a, b);
}

static void check_sampling(const struct step *s, const struct ynode *map, struct diags *d)
{
    if (s->step.given && s->interval.given)
        diags_error(d, ynode_mark(ynode_get(map, "sample")),
                    "both `step` and `sample`: with the scan rate either follows from the other");
}

static void check_pulse(const struct step *s, const struct ynode *map, struct diags *d)
{
    check_either(map, "potentials", "currents", d);
    int n = s->potentials.n + s->currents.n;
    if (n > LEVEL_MAX)
        diags_error(d, ynode_mark(map), "%d levels of a pulse; at most %d are possible", n, LEVEL_MAX);
    else if (s->durations.n > 1 && n && !(s->potentials.n && s->currents.n) && s->durations.n != n)
        diags_error(d, ynode_mark(ynode_get(map, "for")),
                    "%d times for %d levels: give one for all, or one for each", s->durations.n, n);
}

static void check_drift(const struct step *s, const struct ynode *map, struct diags *d)
{
    if (s->over.given && !s->drift.given)
        diags_error(d, ynode_mark(ynode_get(map, "over")), "`over` means nothing without `drift`");
}

static void check_reverse(const struct step *s, const struct ynode *map, struct diags *d)
{
    const struct ynode *reverse = ynode_get(map, "reverse");
    check_either(map, "current", "density", d);
    if (reverse)
        check_either(reverse, "current", "density", d);
    else if (s->cycles.given)
        diags_error(d, ynode_mark(ynode_get(map, "cycles")),
                    "cycles of one current only: add `reverse`, or write `repeat` around the step");
}

/* What no table can say of one step. */
static void check_step(const struct step *s, const struct ynode *map, struct diags *d)
{
    switch (s->kind) {
    case STEP_CV:
        check_vertices(s, map, d);
        check_sampling(s, map, d);
        break;
    case STEP_LSV:
        check_sampling(s, map, d);
        break;
    case STEP_GALVANOSTATIC:
        check_reverse(s, map, d);
        break;
    case STEP_PULSE:
        check_pulse(s, map, d);
        break;
    case STEP_OCP:
        check_drift(s, map, d);
        break;
    case STEP_HOLD:
    case STEP_REST:
    case STEP_REPEAT:
    case STEP_WHEN:
        break;
    }
}

/* A step that is read by way of `use` has its name from there. */
static void take_name(struct step_reader *r, struct step *s, const struct ynode *map)
{
    char name[100];
    if (s->name && !name_is_plain(s->name))
        diags_error(r->d, ynode_mark(ynode_get(map, "name")),
                    "`%.40s` can not name a step: use letters, digits, - and _, a letter first", s->name);
    if (!r->name_as)
        return;
    r->number[s->kind]++;
    if (r->is_list && s->name)
        snprintf(name, sizeof name, "%.40s-%.50s", r->name_as, s->name);
    else if (r->is_list)
        snprintf(name, sizeof name, "%.40s-%s%d", r->name_as, step_kind_name(s->kind), r->number[s->kind]);
    else
        snprintf(name, sizeof name, "%.60s", r->name_as);
    if (!r->is_list && s->name && !r->name_is_given && strcmp(s->name, name) != 0)
        diags_error(r->d, ynode_mark(ynode_get(map, "name")),
                    "two names for one step: in `steps` it is `%.40s` already", name);
    free(s->name);
    s->name = xstrdup(name);
}

static void read_block(struct step_reader *r, int index)
{
    struct step *s = &r->p->step[index];
    int parent = r->parent;
    const struct step_reader outer = *r;
    if (s->steps_node && step_deeper(r, s->mark)) {
        r->parent = index;
        r->depth++;
        if (r->name_as && !r->is_list) { /* the block's own; a second use needs other names inside too */
            r->name_as = r->name_is_given ? r->name_as : NULL;
            r->is_list = r->name_is_given;
        }
        step_read_items(r, s->steps_node);
        r->depth--;
        r->parent = parent;
        r->is_list = outer.is_list;
        r->name_as = outer.name_as;
    }
    s->end = r->p->n_steps;
}

static void read_step(struct step_reader *r, const struct ynode *entry, int kind)
{
    struct protocol *p = r->p;
    const struct ynode *map = ynode_value(entry, 0);
    struct step *s = &p->step[p->n_steps++];
    s->kind = (enum step_kind)kind;
    s->mark = ynode_key_mark(entry, 0);
    s->parent = r->parent;
    s->end = p->n_steps;
    int before = diags_errors(r->d);
    schema_read(map, step_fields(s->kind), s, r->d);
    s->has_reverse = ynode_get(map, "reverse") != NULL;
    if (diags_errors(r->d) == before)
        check_step(s, map, r->d);
    until_read(&s->until, s->kind == STEP_HOLD ? &until_hold : &until_galvanostatic, r->d);
    until_read(&s->reverse_until, &until_galvanostatic, r->d);
    const struct ynode *condition = s->kind == STEP_REPEAT ? ynode_get(map, "until") : map;
    const struct ynode *feature = condition ? ynode_get(condition, "feature") : NULL;
    s->condition.mark = feature ? ynode_mark(feature) : s->mark;
    condition_read(s, r->d);
    take_name(r, s, map);
    if (r->name_as && r->is_list)
        snprintf(s->condition.among, sizeof s->condition.among, "%.60s", r->name_as);
    if (step_is_block(s))
        read_block(r, p->n_steps - 1);
}

void step_read_entry(struct step_reader *r, const struct ynode *entry)
{
    if (r->full)
        return;
    if (++r->entries > ENTRIES_MAX || r->p->n_steps == STEP_MAX) {
        diags_error(r->told, ynode_mark(entry), "more than %d steps in all", STEP_MAX);
        r->full = true;
        return;
    }
    if (ynode_kind(entry) != Y_MAP || ynode_count(entry) != 1) {
        diags_error(r->d, ynode_mark(entry),
                    "each step is an entry of its own with one key, for example "
                    "`- hold: {potential: 3 V, for: 1 s}`");
        return;
    }
    const char *key = ynode_key(entry, 0);
    if (strcmp(key, "use") == 0) {
        step_read_use(r, ynode_value(entry, 0));
    } else if (strcmp(key, "include") == 0) {
        step_read_include(r, ynode_value(entry, 0));
    } else {
        int kind = kind_of(entry, r->d);
        if (kind >= 0)
            read_step(r, entry, kind);
    }
}

void step_read_items(struct step_reader *r, const struct ynode *list)
{
    if (ynode_kind(list) != Y_LIST || ynode_count(list) == 0) {
        diags_error(r->d, ynode_mark(list), "`steps` is a list of steps, each beginning with `- `");
        return;
    }
    for (int i = 0; i < ynode_count(list); i++)
        step_read_entry(r, ynode_item(list, i));
}

/* --- lists -----------------------------------------------------------------------------------------------
 */

void step_read_list(struct protocol *p, const struct ynode *list, const char *what, struct step_list *out,
                    struct diags *d)
{
    struct step_reader r = {.p = p, .d = d, .told = d, .parent = -1};
    *out = (struct step_list){p->n_steps, p->n_steps};
    if (!list)
        return;
    if (ynode_kind(list) != Y_LIST || ynode_count(list) == 0) {
        diags_error(d, ynode_mark(list), "`%s` is a list of steps, each beginning with `- `", what);
        return;
    }
    r.quiet = diags_new();
    step_read_items(&r, list);
    diags_free(r.quiet);
    out->end = p->n_steps;
    step_name_all(p, out, d);
    condition_resolve(p, out, d);
}

void step_read_all(struct protocol *p, struct diags *d)
{
    step_begin(p, d);
    step_read_list(p, p->site_node, "site", &p->site, d);
    step_read_list(p, p->controls.steps_node, "control.steps", &p->control, d);
    step_finish(p, d);
}
