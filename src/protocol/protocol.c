/* Reading a protocol with the files it names.
 *
 * Everything is read as far as it goes, so that one run of `check` shows the errors of all files at once;
 * only then are defaults that depend on other values filled in. What needs numbers of all of them together is
 * the plan's to check. */
#include "protocol/protocol.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/design.h"
#include "protocol/factor.h"
#include "protocol/gradient.h"
#include "protocol/grid.h"
#include "protocol/step_read.h"

#define FILE_MAX (4u << 20) /* bytes; libyaml's tree is bounded likewise */

/* --- where values stand ----------------------------------------------------------------------------------
 */

struct mark protocol_mark(const struct protocol *p, const char *path)
{
    const struct ynode *n = ytree_root(p->tree);
    while (*path) {
        char key[64];
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        const struct ynode *next = ynode_get(n, key);
        if (!next)
            break;
        n = next;
        path += length + (path[length] == '.');
    }
    return ynode_mark(n);
}

int protocol_fiducials(const struct protocol *p, double (*out)[2], int max)
{
    int n = 0;
    if (!isnan(p->fiducial[0]) && n++ < max)
        memcpy(out[n - 1], p->fiducial, sizeof *out);
    for (int i = 0; p->grid && i < p->grid->n_regions; i++) {
        const struct items *list = &p->grid->region[i].image.fiducials;
        for (int k = 0; p->grid->region[i].node && k < list->n; k++)
            if (n++ < max)
                memcpy(out[n - 1], ((const struct grid_fiducial *)list->v)[k].stage, sizeof *out);
    }
    return n;
}

static void visit_table(const struct fields *table, const void *base, const struct step *owner,
                        protocol_visit *visit, void *context)
{
    for (int i = 0; i < table->n; i++) {
        const struct field *f = &table->field[i];
        const char *at = (const char *)base + f->offset;
        const struct values *list = (const void *)at;
        if (f->kind == FIELD_MAP)
            visit_table(f->sub, at, owner, visit, context);
        else if (f->kind == FIELD_VALUE || f->kind == FIELD_COUNT)
            visit(context, (const void *)at, f, owner);
        else if (f->kind == FIELD_VALUES)
            for (int k = 0; k < list->n; k++)
                visit(context, &list->v[k], f, owner);
    }
}

static void visit_until(const struct until_list *list, const struct step *owner, protocol_visit *visit,
                        void *context)
{
    for (int k = 0; k < list->n; k++)
        visit(context, &list->v[k].value, until_field(list->v[k].what), owner);
}

void protocol_each_value(const struct protocol *p, protocol_visit *visit, void *context)
{
    visit_table(&protocol_fields, p, NULL, visit, context);
    for (int i = 0; i < p->n_steps; i++) {
        const struct step *s = &p->step[i];
        visit_table(step_fields(s->kind), s, s, visit, context);
        visit_until(&s->until, s, visit, context);
        visit_until(&s->reverse_until, s, visit, context);
        if (s->condition.above.given)
            visit(context, &s->condition.above, condition_field(true, s->condition.dim), s);
        if (s->condition.below.given)
            visit(context, &s->condition.below, condition_field(false, s->condition.dim), s);
    }
}

/* --- the files it names ----------------------------------------------------------------------------------
 */

static void read_grid_file(struct protocol *p, struct diags *d)
{
    struct mark m = ynode_mark(p->grid_node);
    struct err e = ERR_INIT;
    p->grid_path = source_beside(p->source->path, ynode_text(p->grid_node));
    p->grid_node = NULL;
    p->grid_source = source_read(p->grid_path, FILE_MAX, &e);
    if (!p->grid_source) {
        diags_error(d, m, "the grid can not be read: %s", e.text);
        return;
    }
    p->grid_tree = ytree_parse(p->grid_source, d);
    if (p->grid_tree)
        p->grid_node = ytree_root(p->grid_tree);
}

static void read_grid(struct protocol *p, struct diags *d)
{
    if (!p->grid_node)
        return;
    if (ynode_is_null(p->grid_node) || ynode_kind(p->grid_node) == Y_LIST) {
        diags_error(d, ynode_mark(p->grid_node), "`grid`: the name of a file or a map is wanted");
        return;
    }
    if (ynode_kind(p->grid_node) == Y_SCALAR)
        read_grid_file(p, d);
    if (p->grid_node)
        p->grid = grid_read(p->grid_node, d);
}

static bool read_rig(struct protocol *p, const struct protocol_options *o, struct diags *d, struct err *e)
{
    bool given = o && o->rig_path;
    if (!given && !p->rig_path)
        return true;
    char *path = given ? xstrdup(o->rig_path) : source_beside(p->source->path, p->rig_path);
    free(p->rig_path);
    p->rig_path = path;
    struct err why = ERR_INIT;
    int before = diags_errors(d);
    p->rig = rig_load(path, d, &why);
    if (p->rig || diags_errors(d) > before)
        return true;
    if (given) {
        *e = why;
        return err_context(e, "rig");
    }
    diags_error(d, protocol_mark(p, "rig"), "the rig can not be read: %s", why.text);
    return true;
}

/* --- what depends on other values ------------------------------------------------------------------------
 */

static void fill_defaults(struct protocol *p)
{
    if (isnan(p->drop))
        p->drop = 0.5 * p->aperture;
    if (!p->approach.leash.given)
        p->approach.leash.si = fmin(0.3e-6, p->drop);
    if (!p->approach.ceiling.given)
        p->approach.ceiling.si = p->i_limit;
    if (!p->retract.bias.given) {
        p->retract.bias = p->approach.bias;
        p->retract.bias.given = false;
    }
    if (!p->retract.travel.given)
        p->retract.travel.si = fmax(5e-6, 10 * p->wetted * p->aperture);
    if (isnan(p->plating) && p->reference && strncmp(p->reference, "Li/Li+", 6) == 0)
        p->plating = 0;
    /* Choices that are a part of their enum's values. */
    p->faults.consecutive_then += POLICY_PAUSE;
    p->faults.total_then += POLICY_PAUSE;
    p->faults.recover_then += POLICY_PAUSE;
    if (isnan(p->faults.back_off[0])) {
        p->faults.back_off[0] = 10;
        p->faults.back_off[1] = 600;
    }
    p->design = p->n_factors ? p->design + DESIGN_FULL_FACTORIAL : DESIGN_NONE;
}

static void check_policy(const struct protocol *p, enum fault_class c, struct diags *d)
{
    const struct fault_row *row = fault_row(c);
    char path[64];
    int policy = p->faults.policy[c];
    if (!row->policies || policy < 0 || (row->policies & 1u << policy)) /* < 0: told already */
        return;
    snprintf(path, sizeof path, "faults.%s", row->name);
    if (policy == POLICY_RETRY)
        diags_error(
            d, protocol_mark(p, path),
            "`retry` is not possible here: the spot was wetted, and a wetted spot is never measured again as "
            "if it were fresh; use spare, skip, pause or abort");
    else if (row->policies & 1u << POLICY_SKIP)
        diags_error(
            d, protocol_mark(p, path),
            "`%s` is not possible here: what is wrong is wrong at every site; use skip, pause or abort",
            fault_policy_name((enum fault_policy)policy));
    else
        diags_error(
            d, protocol_mark(p, path),
            "`%s` is not possible here: with the drop still hanging on nothing may move sideways; use "
            "pause or abort",
            fault_policy_name((enum fault_policy)policy));
}

static void check_scalars(const struct protocol *p, struct diags *d)
{
    if (p->barrels > 1)
        diags_error(d, protocol_mark(p, "probe.barrels"),
                    "this version lands by the surface current of one barrel only");
    for (int c = FAULT_NONE + 1; c < FAULT_COUNT; c++)
        check_policy(p, (enum fault_class)c, d);
}

/* --- all of it -------------------------------------------------------------------------------------------
 */

/* Levels that depend on where the sites are: placed here as the plan will place them. */
static void place_levels(struct protocol *p, struct diags *d)
{
    struct grid_layout layout;
    bool wanted = p->design == DESIGN_GRADIENT;
    for (int i = 0; i < p->n_factors; i++)
        wanted = wanted || p->factor[i].of_points;
    if (!p->grid || !wanted)
        return;
    if (!grid_place(p->grid, (uint64_t)p->seed, p->used.spot, p->used.n, &layout, d))
        return;
    control_set_aside(p, &layout);
    factor_place(p, &layout);
    if (p->design == DESIGN_GRADIENT)
        gradient_apply(p, &layout, d);
    grid_layout_free(&layout);
}

static bool read_all(struct protocol *p, const struct protocol_options *o, struct diags *d, struct err *e)
{
    const struct ynode *root = ytree_root(p->tree);
    schema_read(root, &protocol_fields, p, d);
    if (o && o->aperture > 0)
        p->aperture = o->aperture;
    check_scalars(p, d);
    step_read_all(p, d);
    read_grid(p, d); /* before the factors, which may take values from its points */
    factor_read_all(p, d);
    fill_defaults(p);
    factor_resolve(p, d);
    if (o && o->has_seed)
        p->seed = o->seed;
    used_read(p, d);
    control_read(p, d);
    stop_read(p, d);
    p->now = o ? o->now : 0;
    place_levels(p, d);
    return read_rig(p, o, d, e);
}

struct protocol *protocol_load(const char *path, const struct protocol_options *o, struct diags *d,
                               struct err *e)
{
    struct source *source = source_read(path, FILE_MAX, e);
    return source ? protocol_read(source, o, d, e) : NULL;
}

struct protocol *protocol_read(struct source *source, const struct protocol_options *o, struct diags *d,
                               struct err *e)
{
    struct protocol *p = xcalloc(1, sizeof *p);
    p->include_outside = o && o->include_outside;
    p->source = source;
    int before = diags_errors(d);
    p->tree = ytree_parse(source, d);
    if (p->tree && read_all(p, o, d, e) && diags_errors(d) == before)
        return p;
    protocol_free(p);
    return NULL;
}

void protocol_free(struct protocol *p)
{
    if (!p)
        return;
    used_free(&p->used);
    step_free_all(p);
    factor_free_all(p);
    schema_free(&protocol_fields, p);
    rig_config_free(p->rig);
    grid_free(p->grid);
    free(p->grid_path);
    ytree_free(p->grid_tree);
    source_free(p->grid_source);
    ytree_free(p->tree);
    source_free(p->source);
    free(p);
}
