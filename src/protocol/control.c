/* Control sites: reading, spots, and the sequence of the night. */
#include "protocol/control.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/duration.h"
#include "protocol/feature_use.h"
#include "protocol/play.h"

/* --- reading ------------------------------------------------------------------------------------------- */

static void find_patch(struct protocol *p, struct diags *d)
{
    const char *names[64] = {NULL};
    const struct grid *g = p->grid;
    struct mark m = protocol_mark(p, "control.patch");
    int n = 0;
    p->controls.region = -1;
    for (int i = 0; g && i < g->n_regions; i++) {
        const char *name = g->region[i].name;
        if (name && strcmp(name, p->controls.patch) == 0)
            p->controls.region = i;
        if (name && n < 63)
            names[n++] = name;
    }
    if (!g || p->controls.region >= 0)
        return;
    const char *near = text_nearest(p->controls.patch, names);
    diags_error(d, m, "no region of the grid is named `%.60s`", p->controls.patch);
    if (n == 0)
        diags_hint(d, "give the grid `regions`, each with a name, and one of them to the controls");
    else
        diags_hint(d, near ? "did you mean `%s`?" : "for example `%s`", near ? near : names[0]);
}

static bool read_end(const struct ynode *n, const struct feature_def *f, double *si, struct diags *d)
{
    struct err e = ERR_INIT;
    const char *text = n ? ynode_text(n) : NULL;
    if (text && quantity_parse(text, f->dim, si, &e))
        return true;
    diags_error(d, ynode_mark(n), "%s", text ? e.text : "a single value is wanted");
    return false;
}

static void read_interval(struct protocol *p, const char *name, struct mark m, const struct ynode *list,
                          struct diags *d)
{
    struct control *c = &p->controls;
    struct accept a = {.mark = m};
    if (!feature_use_read(p, true, name, m, &a.feature, d))
        return;
    if (ynode_kind(list) != Y_LIST || ynode_count(list) != 2) {
        diags_error(d, ynode_mark(list), "`%.60s`: an interval [low, high] is wanted", name);
        return;
    }
    if (!read_end(ynode_item(list, 0), a.feature.def, &a.low, d) ||
        !read_end(ynode_item(list, 1), a.feature.def, &a.high, d))
        return;
    if (a.low >= a.high)
        diags_error(d, ynode_mark(list), "the interval %s to %s is empty: the lower end comes first",
                    show(a.low, a.feature.def->dim), show(a.high, a.feature.def->dim));
    else if (c->n_accept == ACCEPT_MAX)
        diags_error(d, m, "more than %d intervals", ACCEPT_MAX);
    else
        c->accept[c->n_accept++] = a;
}

static void read_accept(struct protocol *p, struct diags *d)
{
    const struct ynode *map = p->controls.accept_node;
    if (ynode_kind(map) != Y_MAP || ynode_count(map) == 0) {
        diags_error(
            d, ynode_mark(map),
            "`accept` is a map of features and intervals, for example {contact_charge: [1 fC, 8 fC]}");
        return;
    }
    for (int i = 0; i < ynode_count(map); i++)
        read_interval(p, ynode_key(map, i), ynode_key_mark(map, i), ynode_value(map, i), d);
}

void control_read(struct protocol *p, struct diags *d)
{
    struct control *c = &p->controls;
    const struct ynode *map = ynode_get(ytree_root(p->tree), "control");
    c->region = -1;
    if (!c->patch)
        return;
    if (!ynode_get(map, "every") && !ynode_get(map, "after"))
        diags_error(d, ynode_mark(map),
                    "`control`: when? add `every` (so many sites), `after` (so much time) or both");
    find_patch(p, d);
    if (c->accept_node)
        read_accept(p, d);
}

/* --- spots --------------------------------------------------------------------------------------------- */

/* Copies the points that are (not) of the patch, sites (or spares) only. */
static int take(const struct grid_layout *l, int patch, bool of_patch, bool spare, struct grid_point *to)
{
    int n = 0;
    for (int i = 0; i < l->n; i++)
        if ((l->point[i].pattern == patch) == of_patch && l->point[i].spare == spare)
            to[n++] = l->point[i];
    return n;
}

int control_set_aside(const struct protocol *p, struct grid_layout *l)
{
    int patch = p->controls.region;
    if (patch < 0)
        return 0;
    struct grid_point *point = xcalloc((size_t)l->n + 1, sizeof *point);
    int sites = take(l, patch, false, false, point), spares = take(l, patch, false, true, point + sites);
    int n = take(l, patch, true, false, point + sites + spares);
    n += take(l, patch, true, true, point + sites + spares + n);
    free(l->point);
    l->point = point;
    l->n_sites = sites;
    return n;
}

/* --- the night ----------------------------------------------------------------------------------------- */

struct sequence {
    struct plan *plan;
    double t, last;      /* s: now, begin of the last control */
    double each;         /* s: that a control takes, the last one */
    int since, spot, at; /* sites since then; next spot; index of the place before */
    uint64_t bytes;
};

static double way(const struct plan *p, int from, int to)
{
    return from < 0 ? 0 : hypot(p->site[to].x - p->site[from].x, p->site[to].y - p->site[from].y);
}

/* `next`: site that the way goes on to, -1 = none. */
static void add_control(struct sequence *s, int next)
{
    struct plan *p = s->plan;
    p->controls_needed++;
    s->since = 0;
    s->last = s->t;
    if (s->spot == p->n_controls) { /* the next one is due as long after it as if it had been played */
        s->t += s->each;
        return;
    }
    int at = p->n_sites + p->n_spares + s->spot++;
    struct plan_seconds *t = &p->seconds;
    struct visit_cost c = duration_visit(p, p->site[at].level, true, s->at >= 0);
    double detour = way(p, s->at, at) + (next < 0 ? 0 : way(p, at, next) - way(p, s->at, next));
    c.seconds.motion += detour / p->protocol->rig->speed_xy;
    duration_add(t, &c);
    p->bytes += c.bytes;
    double all = c.seconds.motion + c.seconds.approach + c.seconds.technique + c.seconds.overhead;
    p->site[at].seconds = all;
    t->control += all;
    p->visit[p->n_visits++] = at;
    s->t += s->each = all;
    s->at = at;
}

static bool due(const struct sequence *s)
{
    const struct control *c = &s->plan->protocol->controls;
    return s->plan->controls_needed == 0 || (c->every && s->since >= c->every) ||
           (!isnan(c->after) && s->t - s->last >= c->after);
}

void control_schedule(struct plan *p)
{
    struct sequence s = {.plan = p, .at = -1};
    p->visit = xcalloc((size_t)(p->n_sites + p->n_controls) + 1, sizeof *p->visit);
    for (int i = 0; i < p->n_sites; i++) {
        if (p->n_controls && due(&s))
            add_control(&s, i);
        p->visit[p->n_visits++] = i;
        s.t += p->site[i].seconds;
        s.since++;
        s.at = i;
    }
    if (p->n_controls)
        add_control(&s, -1);
}

/* --- checks -------------------------------------------------------------------------------------------- */

void control_check_spots(const struct plan *p, struct diags *d)
{
    const struct control *c = &p->protocol->controls;
    struct mark m = protocol_mark(p->protocol, c->every ? "control.every" : "control.after");
    int n = p->n_controls, needed = p->controls_needed;
    /* Of the one behind the last sites a run may do without; of one before others it may not. */
    int before = needed - 1, apart = n > 1 ? (p->n_sites + n - 2) / (n - 1) : p->n_sites;
    if (!c->patch)
        return;
    if (n == 0)
        diags_error(d, protocol_mark(p->protocol, "control.patch"),
                    "the patch `%s` has no spot: its places are all excluded or used before", c->patch);
    else if (before > n && c->every)
        diags_error(d, m,
                    "%d control sites are needed (one before the first of %d sites, one after every "
                    "%lld%s%s, one behind "
                    "the last), but the patch `%s` has %d spots; make it larger, or take `every: %d`",
                    needed, p->n_sites, (long long)c->every, isnan(c->after) ? "" : " or after ",
                    isnan(c->after) ? "" : show(c->after, DIM_TIME), c->patch, n, apart);
    else if (before > n)
        diags_warning(d, m,
                      "about %d control sites are needed in %s, but the patch `%s` has %d spots: the last "
                      "part of the run would go without",
                      needed, show(60 * ceil(p->seconds.total / 60), DIM_TIME), c->patch, n);
    else if (before == n)
        diags_warning(
            d, m,
            "all %d spots of the patch `%s` are needed before the last sites: there is none for the "
            "control behind them",
            n, c->patch);
    else if (needed == n)
        diags_warning(d, m,
                      "all %d spots of the patch `%s` are needed: if one gives no measurement, there is none "
                      "for the control behind the last sites",
                      n, c->patch);
}

struct varied {
    struct check *c;
    bool told;
};

/* A control has no levels: nothing that is played there may take its value from a factor. */
static void forbid_factor(void *context, const struct value *v, const struct field *f,
                          const struct step *owner)
{
    struct varied *x = context;
    const struct protocol *p = x->c->p;
    struct step_list played = play_list(p, true);
    if (!v->factor[0] || (owner && (owner < p->step + played.first || owner >= p->step + played.end)))
        return;
    int own = p->control.end - p->control.first;
    if (owner && own > 0) {
        if (!x->c->varied)
            x->c->varied = xcalloc((size_t)own, sizeof *x->c->varied);
        x->c->varied[owner - p->step - p->control.first] = true;
    }
    if (x->told)
        return;
    x->told = true;
    diags_error(x->c->d, v->mark, "`%s` takes its value from `$%s`, but a control site has no level of `%s`",
                f->key, v->factor, v->factor);
    if (owner && p->control.first == p->control.end)
        diags_hint(x->c->d, "give the controls `steps` of their own, with fixed values");
}

void check_control(struct check *c)
{
    const struct control *k = &c->p->controls;
    struct varied x = {.c = c};
    if (!k->patch)
        return;
    protocol_each_value(c->p, forbid_factor, &x);
    const int *level = c->plan->n_controls ? c->plan->site[plan_places(c->plan) - 1].level : NULL;
    for (int i = 0; i < k->n_accept && level && !x.told; i++)
        if (!feature_use_played(c->plan, &k->accept[i].feature, level, true))
            diags_error(c->d, k->accept[i].mark, "`%s` of the control has no cycle %d",
                        k->accept[i].feature.step, k->accept[i].feature.cycle);
}
