/* `steps` and `use`: steps that are written once and stand in several places.
 *
 * What is used is read again where it is used, so that each use is a step of its own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/step_parts.h"

#define NAME_ROOM 128

struct named_step {
    const char *name; /* the tree's */
    const struct ynode *node;
    struct mark mark;
    bool used, open; /* open: it is being read */
};

struct use_map {
    char *step, *as;
};

static const struct field use_table[] = {
    {"step", FIELD_STRING, DIM_NONE, offsetof(struct use_map, step), true, NULL, 0, 0, NULL, NULL,
     "name that `steps` gives"},
    {"as", FIELD_STRING, DIM_NONE, offsetof(struct use_map, as), false, NULL, 0, 0, NULL, NULL,
     "name of the step here; for a list, what its steps' names begin with"},
};
const struct fields use_fields = FIELDS("`use`", use_table);

void step_begin(struct protocol *p, struct diags *d)
{
    const struct ynode *map = p->steps_node;
    p->step = xcalloc(STEP_MAX, sizeof *p->step);
    if (!map)
        return;
    if (ynode_kind(map) != Y_MAP || ynode_count(map) == 0) {
        diags_error(d, ynode_mark(map),
                    "`steps` is a map of names, each with a step or a list of steps, for example "
                    "{formation: {cv: {...}}}");
        return;
    }
    if (ynode_count(map) > STEP_MAX) {
        diags_error(d, ynode_mark(map), "%d names under `steps`; at most %d are possible", ynode_count(map),
                    STEP_MAX);
        return;
    }
    p->named = xcalloc((size_t)ynode_count(map), sizeof *p->named);
    for (int i = 0; i < ynode_count(map); i++) {
        struct named_step *s = &p->named[p->n_named];
        *s =
            (struct named_step){ynode_key(map, i), ynode_value(map, i), ynode_key_mark(map, i), false, false};
        if (!name_is_plain(s->name) || strlen(s->name) > 60)
            diags_error(d, s->mark,
                        "`%.40s` can not name a step: use letters, digits, - and _, a letter first", s->name);
        else
            p->n_named++;
    }
}

static struct named_step *find(const struct protocol *p, const char *name, struct mark m, struct diags *d)
{
    for (int i = 0; i < p->n_named; i++)
        if (strcmp(p->named[i].name, name) == 0)
            return &p->named[i];
    const char **names = xcalloc((size_t)p->n_named + 1, sizeof *names);
    for (int i = 0; i < p->n_named; i++)
        names[i] = p->named[i].name;
    diags_error(d, m, "no step is named `%.40s` under `steps`", name);
    const char *nearest = text_nearest(name, names);
    if (nearest)
        diags_hint(d, "did you mean `%s`?", nearest);
    free(names);
    return NULL;
}

/* What the steps are called here: by `as`, by their key, and behind the name of a list that they are read
 * for. Leaves the reader's name alone if they keep their own. */
static void set_name(struct step_reader *r, const struct named_step *s, const char *as, char name[NAME_ROOM])
{
    bool is_list = ynode_kind(s->node) == Y_LIST, within = r->is_list && r->name_as;
    const char *own = as ? as : is_list ? NULL : s->name;
    if (within && own)
        snprintf(name, NAME_ROOM, "%.60s-%.60s", r->name_as, own);
    else if (own)
        snprintf(name, NAME_ROOM, "%.60s", own);
    if (own || !within)
        r->name_as = own ? name : NULL;
    if (own)
        memset(r->number, 0, sizeof r->number);
    r->is_list = is_list;
    r->name_is_given = as || within;
}

/* The steps of `s` where the reader is. */
static void read_named(struct step_reader *r, struct named_step *s, const char *as)
{
    const struct step_reader outer = *r;
    char name[NAME_ROOM];
    s->open = true;
    if (s->used)
        r->d = r->quiet;
    s->used = true;
    r->depth++;
    set_name(r, s, as, name);
    bool own = r->name_as == name; /* else its steps are counted on with those around it */
    if (ynode_kind(s->node) == Y_LIST)
        step_read_items(r, s->node);
    else
        step_read_entry(r, s->node);
    r->depth--;
    r->d = outer.d;
    r->is_list = outer.is_list;
    r->name_is_given = outer.name_is_given;
    r->name_as = outer.name_as;
    if (own)
        memcpy(r->number, outer.number, sizeof r->number);
    s->open = false;
}

void step_read_use(struct step_reader *r, const struct ynode *n)
{
    struct use_map m = {0};
    struct mark at = ynode_mark(n);
    if (ynode_kind(n) == Y_MAP) {
        schema_read(n, &use_fields, &m, r->d);
        at = ynode_get(n, "step") ? ynode_mark(ynode_get(n, "step")) : at;
    } else if (ynode_kind(n) == Y_SCALAR && !ynode_is_null(n)) {
        m.step = xstrdup(ynode_text(n));
    } else {
        diags_error(r->d, at, "`use` takes the name of a step, or {step: NAME, as: NAME}");
    }
    if (m.as && (!name_is_plain(m.as) || strlen(m.as) > 40)) {
        diags_error(r->d, ynode_mark(ynode_get(n, "as")),
                    "`%.40s` can not name a step: use letters, digits, - and _, a letter first", m.as);
        free(m.as);
        m.as = NULL;
    }
    struct named_step *s = m.step ? find(r->p, m.step, at, r->d) : NULL;
    if (s && s->open)
        diags_error(r->told, at, "`%.40s` uses itself", s->name);
    else if (s && step_deeper(r, at))
        read_named(r, s, m.as);
    schema_free(&use_fields, &m);
}

/* Steps that nothing uses: read for what is wrong with them, and forgotten. */
static void try_unused(struct protocol *p, struct named_step *s, struct diags *d)
{
    struct step_reader r = {.p = p, .d = d, .quiet = diags_new(), .parent = -1};
    int n = p->n_steps;
    r.told = r.quiet;
    read_named(&r, s, NULL);
    diags_free(r.quiet);
    step_forget(p, n);
}

void step_finish(struct protocol *p, struct diags *d)
{
    bool unused[STEP_MAX] = {false};
    for (int i = 0; i < p->n_named; i++)
        unused[i] = !p->named[i].used;
    for (int i = 0; i < p->n_named; i++)
        if (unused[i])
            try_unused(p, &p->named[i], d);
    /* Next to a mistake in a name this would be noise. */
    for (int i = 0; i < p->n_named && diags_errors(d) == 0; i++)
        if (unused[i])
            diags_warning(d, p->named[i].mark,
                          "`%s` is not used: write `- use: %s` where it belongs, or remove it",
                          p->named[i].name, p->named[i].name);
}

void step_forget(struct protocol *p, int from)
{
    for (int i = from; i < p->n_steps; i++) {
        schema_free(step_fields(p->step[i].kind), &p->step[i]);
        memset(&p->step[i], 0, sizeof p->step[i]);
    }
    p->n_steps = from;
}

void step_free_all(struct protocol *p)
{
    if (p->step)
        step_forget(p, 0);
    free(p->step);
    free(p->named);
    include_free_all(p);
}
