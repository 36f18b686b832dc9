/* The plan for machines: JSON and CSV, units in the names. */
#include <math.h>

#include "base/buf.h"
#include "protocol/design.h"
#include "protocol/plan_steps.h"

/* Coordinates are whole picometres: as um they have six decimals, and no dust behind them. */
static double micrometres(double m)
{
    return rint(m * 1e12) / 1e6;
}

/* Unit of a factor in a column name: "_V", "" for plain numbers. */
static void add_unit(struct buf *out, enum dim dim)
{
    if (dim == DIM_NONE)
        return;
    buf_char(out, '_');
    for (const char *u = dim_unit(dim); *u; u++)
        if (*u != '/')
            buf_char(out, *u);
        else
            buf_str(out, "_per_");
}

static void add_number(struct buf *out, const char *key, double value)
{
    buf_json_string(out, key);
    buf_str(out, ": ");
    buf_json_number(out, value);
}

static void add_factors(const struct plan *p, struct buf *out)
{
    buf_str(out, "  \"factors\": [");
    for (int f = 0; f < p->protocol->n_factors; f++) {
        const struct factor *a = &p->protocol->factor[f];
        buf_str(out, f ? ", {\"name\": " : "{\"name\": ");
        buf_json_string(out, a->name);
        buf_str(out, ", \"unit\": ");
        buf_json_string(out, dim_unit(a->dim));
        buf_str(out, ", \"levels\": [");
        for (int k = 0; k < a->n; k++) {
            buf_str(out, k ? ", " : "");
            buf_json_number(out, a->si[k]);
        }
        buf_str(out, "]}");
    }
    buf_str(out, "],\n");
}

static void add_levels(const struct plan *p, const int level[FACTOR_MAX], struct buf *out)
{
    buf_str(out, "\"levels\": {");
    for (int f = 0; f < p->protocol->n_factors; f++) {
        const struct factor *a = &p->protocol->factor[f];
        buf_str(out, f ? ", " : "");
        buf_json_string(out, a->name);
        buf_str(out, ": ");
        buf_json_number(out, a->si[level[f]]);
    }
    buf_str(out, "}");
}

static void add_combinations(const struct plan *p, struct buf *out)
{
    buf_printf(out, "  \"design\": \"%s\",\n  \"combinations\": [",
               design_name((enum design)p->protocol->design));
    for (int k = 0; k < p->n_combinations && p->protocol->n_factors; k++) {
        buf_str(out, k ? ",\n    {" : "\n    {");
        add_levels(p, p->combination[k].level, out);
        buf_printf(out, ", \"sites\": %d}", p->combination[k].sites);
    }
    buf_str(out, "],\n");
}

static void add_seconds(const struct plan *p, struct buf *out)
{
    const struct plan_seconds *t = &p->seconds;
    const struct {
        const char *key;
        double value;
    } parts[] = {{"motion", t->motion},           {"approach", t->approach}, {"technique", t->technique},
                 {"overhead", t->overhead},       {"control", t->control},   {"total", t->total},
                 {"uncertainty", t->uncertainty}, {"worst", t->worst}};
    buf_str(out, "  \"duration_s\": {");
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        buf_str(out, i ? ", " : "");
        add_number(out, parts[i].key, rint(parts[i].value * 1000) / 1000);
    }
    buf_str(out, "},\n");
}

static void add_site(const struct plan *p, const struct plan_site *s, struct buf *out)
{
    buf_printf(out, "    {\"site\": %d, \"order\": %d, ", s->site, s->order);
    add_number(out, "x_um", micrometres(s->x));
    buf_str(out, ", ");
    add_number(out, "y_um", micrometres(s->y));
    buf_str(out, ", \"region\": ");
    buf_json_string(out, s->region);
    buf_printf(out, ", \"block\": %d, \"spare\": %s, \"role\": \"%s\", ", s->block,
               s->spare ? "true" : "false", plan_role(s));
    if (s->spare || s->control)
        buf_str(out, "\"levels\": {}");
    else
        add_levels(p, s->level, out);
    buf_str(out, "}");
}

static void add_regions(const struct plan *p, struct buf *out)
{
    struct plan_region r[1000];
    int n = plan_regions(p, r, 1000);
    buf_str(out, "  \"regions\": [");
    for (int i = 0; i < n; i++) {
        buf_str(out, i ? ", {\"name\": " : "{\"name\": ");
        buf_json_string(out, r[i].name);
        buf_printf(
            out, ", \"sites\": %d, \"spares\": %d, \"excluded\": %d, \"used_before\": %d, \"controls\": %d}",
            r[i].sites, r[i].spares, r[i].excluded, r[i].used, r[i].controls);
    }
    buf_str(out, "],\n");
}

/* Places of the pattern that are not visited, and why. */
static void add_left_out(const struct plan *p, struct buf *out)
{
    buf_str(out, "  \"left_out\": [");
    for (int i = 0; i < p->layout.n_gone; i++) {
        const struct grid_gone *g = &p->layout.gone[i];
        buf_str(out, i ? ",\n    {" : "\n    {");
        add_number(out, "x_um", micrometres(g->x));
        buf_str(out, ", ");
        add_number(out, "y_um", micrometres(g->y));
        buf_str(out, ", \"region\": ");
        buf_json_string(out, g->region);
        buf_printf(out, ", \"why\": \"%s\"}", g->why == GONE_USED ? "used before" : "excluded");
    }
    buf_str(out, "],\n");
}

static void add_corner(struct buf *out, const double xy[2])
{
    buf_char(out, '[');
    buf_json_number(out, micrometres(xy[0]));
    buf_str(out, ", ");
    buf_json_number(out, micrometres(xy[1]));
    buf_char(out, ']');
}

static void add_exclusions(const struct plan *p, struct buf *out)
{
    const struct items *list = &p->protocol->grid->exclusions;
    const struct grid_exclusion *x = list->v;
    buf_str(out, "  \"exclusions\": [");
    for (int i = 0; i < list->n; i++) {
        buf_str(out, i ? ", {\"name\": " : "{\"name\": ");
        buf_json_string(out, x[i].name ? x[i].name : "");
        buf_str(out, ", ");
        add_number(out, "margin_um", micrometres(x[i].margin));
        if (x[i].polygon.n == 0) {
            buf_str(out, ", \"center_um\": ");
            add_corner(out, x[i].centre);
            buf_str(out, ", ");
            add_number(out, "radius_um", micrometres(x[i].radius));
        } else {
            buf_str(out, ", \"polygon_um\": [");
            for (int k = 0; k < x[i].polygon.n; k++) {
                buf_str(out, k ? ", " : "");
                add_corner(out, x[i].polygon.xy[k]);
            }
            buf_char(out, ']');
        }
        buf_char(out, '}');
    }
    buf_str(out, "],\n");
}

/* Spots, what must hold at them, and the night's sequence by number of site. */
static void add_controls(const struct plan *p, struct buf *out)
{
    const struct control *c = &p->protocol->controls;
    if (!p->n_controls) {
        buf_str(out, "  \"controls\": null,\n");
        return;
    }
    buf_printf(out,
               "  \"controls\": {\"spots\": %d, \"planned\": %d, \"needed\": %d, \"patch\": ", p->n_controls,
               p->n_visits - p->n_sites, p->controls_needed);
    buf_json_string(out, c->patch);
    buf_printf(out, ", \"then\": \"%s\", \"accept\": {", c->then == CONTROL_PAUSE ? "pause" : "flag");
    for (int k = 0; k < c->n_accept; k++) {
        char name[128];
        buf_str(out, k ? ", " : "");
        buf_json_string(out, feature_ref_text(&c->accept[k].feature, name, sizeof name));
        buf_str(out, ": {\"low\": ");
        buf_json_number(out, c->accept[k].low);
        buf_str(out, ", \"high\": ");
        buf_json_number(out, c->accept[k].high);
        buf_str(out, ", \"unit\": ");
        buf_json_string(out, c->accept[k].feature.def->unit);
        buf_char(out, '}');
    }
    buf_str(out, "}},\n  \"sequence\": [");
    for (int k = 0; k < p->n_visits; k++)
        buf_printf(out, "%s%d", k ? ", " : "", p->site[p->visit[k]].site);
    buf_str(out, "],\n");
}

void plan_json(const struct plan *p, struct buf *out)
{
    const struct protocol *q = p->protocol;
    int n = plan_places(p);
    buf_str(out, "{\n  \"name\": ");
    buf_json_string(out, q->name);
    buf_str(out, ",\n  \"protocol\": ");
    buf_json_string(out, q->source->path);
    buf_str(out, ",\n  \"rig\": ");
    buf_json_string(out, q->rig_path);
    buf_printf(out, ",\n  \"seed\": %lld,\n  \"planned\": %d,\n  \"spares\": %d,\n", (long long)p->seed,
               p->n_sites, p->n_spares);
    plan_json_steps(p, out);
    add_regions(p, out);
    add_exclusions(p, out);
    add_left_out(p, out);
    add_factors(p, out);
    add_combinations(p, out);
    add_controls(p, out);
    add_seconds(p, out);
    buf_printf(out, "  \"samples_per_site\": %llu,\n  \"bytes\": %llu,\n  \"sites\": [\n",
               (unsigned long long)p->samples_per_site, (unsigned long long)p->bytes);
    for (int i = 0; i < n; i++) {
        add_site(p, &p->site[i], out);
        buf_str(out, i + 1 < n ? ",\n" : "\n");
    }
    buf_str(out, "  ]\n}\n");
}

void plan_csv(const struct plan *p, struct buf *out)
{
    buf_str(out, "site,order,x_um,y_um,region,block,spare");
    for (int f = 0; f < p->protocol->n_factors; f++) {
        buf_printf(out, ",%s", p->protocol->factor[f].name);
        add_unit(out, p->protocol->factor[f].dim);
    }
    buf_str(out, ",role\n");
    for (int i = 0; i < plan_places(p); i++) {
        const struct plan_site *s = &p->site[i];
        buf_printf(out, "%d,%d,", s->site, s->order);
        buf_json_number(out, micrometres(s->x));
        buf_char(out, ',');
        buf_json_number(out, micrometres(s->y));
        buf_char(out, ',');
        buf_csv_field(out, s->region);
        buf_printf(out, ",%d,%s", s->block, s->spare ? "yes" : "no");
        for (int f = 0; f < p->protocol->n_factors; f++) {
            buf_char(out, ',');
            if (!s->spare && !s->control)
                buf_json_number(out, p->protocol->factor[f].si[s->level[f]]);
        }
        buf_printf(out, ",%s\n", plan_role(s));
    }
}
