/* The plan for people: what will happen, how often, how long, where. */
#include <math.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/design.h"
#include "protocol/factor.h"
#include "protocol/plan_parts.h"
#include "protocol/plan_steps.h"

static const char *or_dash(const char *text)
{
    return text && text[0] ? text : "-";
}

/* "hexagon of 100 sites and 10 spares, pitch 5 um, serpentine" */
static void add_grid(const struct plan *p, struct buf *out)
{
    const struct grid *g = p->protocol->grid;
    const struct grid_region *r = g->region;
    buf_printf(out, "  grid         %s%s", g->name ? g->name : "", g->name ? ": " : "");
    if (g->n_regions > 1)
        buf_printf(out, "%d regions of %d sites and %d spares, visited %s", g->n_regions, p->n_sites,
                   p->n_spares, g->visit == VISIT_TOGETHER ? "together" : "one after another");
    else
        buf_printf(out, "%s of %d sites and %d spares", grid_shape_name(r->shape), p->n_sites, p->n_spares);
    if (g->n_regions > 1 && g->visit == VISIT_TOGETHER)
        buf_printf(out, ", %s", grid_order_name(g->whole.order));
    if (p->n_controls)
        buf_printf(out, ", %d spots for controls in `%s`", p->n_controls, p->protocol->controls.patch);
    if (g->n_regions == 1 && !isnan(r->pitch))
        buf_printf(out, ", pitch %s", show(r->pitch, DIM_LENGTH));
    if (g->n_regions == 1)
        buf_printf(out, ", %s", grid_order_name(r->order));
    buf_char(out, '\n');
    if (g->tilt_points.n > 0)
        buf_printf(out, "  tilt         %.4g along x, %.4g along y, through %d points\n", g->tilt[0],
                   g->tilt[1], g->tilt_points.n);
    if (isfinite(g->tilt_rms))
        buf_printf(out, "               residual standard deviation of the plane %s\n",
                   show(g->tilt_rms, DIM_LENGTH));
    for (int i = 0; i < g->n_regions; i++)
        if (g->region[i].image.fiducials.n > 0) {
            buf_printf(out, "  image        %s: %d fiducials, residuals %s (root mean square)",
                       or_dash(g->region[i].image.file), g->region[i].image.fiducials.n,
                       show(g->region[i].image.rms, DIM_LENGTH));
            if (isfinite(g->region[i].image.worst))
                buf_printf(out, ", largest error when left out %s",
                           show(g->region[i].image.worst, DIM_LENGTH));
            buf_char(out, '\n');
        }
}

/* What each region has, and what was left out: only where there is something to tell. */
static void add_regions(const struct plan *p, struct buf *out)
{
    struct plan_region r[40];
    int n = plan_regions(p, r, 40);
    if (n == 1 && r[0].name[0] == '\0' && p->layout.n_gone == 0)
        return;
    buf_str(out, "\nregions:\n");
    for (int i = 0; i < n; i++) {
        if (r[i].controls)
            buf_printf(out, "  %-16s %5d spots for controls", or_dash(r[i].name), r[i].controls);
        else
            buf_printf(out, "  %-16s %5d sites, %d spares", or_dash(r[i].name), r[i].sites, r[i].spares);
        if (r[i].excluded)
            buf_printf(out, ", %d places excluded", r[i].excluded);
        if (r[i].used)
            buf_printf(out, ", %d places used before", r[i].used);
        buf_char(out, '\n');
    }
}

static void add_identity(const struct plan *p, struct buf *out)
{
    const struct protocol *q = p->protocol;
    buf_printf(out, "%s\n", or_dash(q->name));
    buf_printf(out, "  sample       %s%s%s\n", or_dash(q->sample_name), q->sample_note ? "; " : "",
               q->sample_note ? q->sample_note : "");
    buf_printf(out, "  electrolyte  %s\n", or_dash(q->electrolyte));
    buf_printf(out, "  probe        %s, aperture %s, wetted %.3g +- %.2g apertures\n", or_dash(q->probe_id),
               show(q->aperture, DIM_LENGTH), q->wetted, q->wetted_uncertainty);
    buf_printf(out, "  reference    %s, offset %s +- %s\n", or_dash(q->reference),
               show(q->offset, DIM_POTENTIAL), show(q->offset_uncertainty, DIM_POTENTIAL));
    buf_printf(out, "  rig          %s (%s)\n", or_dash(q->rig->name), q->rig_path);
    add_grid(p, out);
}

/* What the design means, and what can not be told apart because of it. */
static void add_design(const struct plan *p, struct buf *out)
{
    const struct protocol *q = p->protocol;
    const char *along = q->along == ALONG_X ? "x" : q->along == ALONG_Y ? "y" : "the number of the site";
    int64_t n = factor_combinations(q);
    buf_str(out, "\nlevels: ");
    switch ((enum design)q->design) {
    case DESIGN_NONE:
        break;
    case DESIGN_FULL_FACTORIAL:
        buf_printf(out, "full factorial, %lld combinations in the order written, over and over\n",
                   (long long)n);
        break;
    case DESIGN_COMPLETELY_RANDOMISED:
        buf_printf(out, "completely randomised, %lld combinations, seed %lld\n", (long long)n,
                   (long long)p->seed);
        break;
    case DESIGN_RANDOMISED_BLOCKS:
        buf_printf(out, "randomised blocks of %lld, seed %lld\n", (long long)n, (long long)p->seed);
        break;
    case DESIGN_LATIN_SQUARE:
        buf_printf(out, "Latin squares of %lld x %lld sites, seed %lld\n", (long long)n, (long long)n,
                   (long long)p->seed);
        break;
    case DESIGN_BY_COLUMN:
    case DESIGN_BY_ROW:
    case DESIGN_BY_REGION:
        buf_printf(out, "%s, %s; by design what differs between %ss can not be told from the levels\n",
                   design_name((enum design)q->design),
                   q->shuffle ? "in random order" : "in the order written",
                   design_name((enum design)q->design) + 3);
        break;
    case DESIGN_GRADIENT:
        buf_printf(out, "gradient along %s; by design an effect of %s can not be told from the levels\n",
                   along, along);
        break;
    }
    for (int f = 0; f < q->n_factors; f++)
        if (q->factor[f].source)
            buf_printf(out, "  %s: one value per site from %s\n", q->factor[f].name,
                       q->factor[f].source->path);
}

static void add_linked(const struct protocol *q, struct buf *out)
{
    for (int g = 0; g < q->n_groups; g++) {
        int n = 0;
        for (int f = 0; f < q->n_factors; f++)
            n += q->factor[f].group == g;
        for (int f = 0, k = 0; f < q->n_factors && n > 1; f++)
            if (q->factor[f].group == g)
                buf_printf(out, "%s%s", k++ ? " with " : "  linked: ", q->factor[f].name);
        buf_str(out, n > 1 ? "\n" : "");
    }
}

static void add_counts(const struct plan *p, struct buf *out)
{
    if (p->protocol->n_factors == 0)
        return;
    add_design(p, out);
    add_linked(p->protocol, out);
    for (int k = 0; k < p->n_combinations && k < 60; k++) {
        struct buf text = {0};
        factor_describe(p->protocol, p->combination[k].level, &text);
        buf_printf(out, "  %5d site%s  %s\n", p->combination[k].sites,
                   p->combination[k].sites == 1 ? " " : "s", text.p);
        buf_free(&text);
    }
    if (p->n_combinations > 60)
        buf_printf(out, "  ... and %d combinations more\n", p->n_combinations - 60);
}

static void add_part(struct buf *out, const char *name, double s, double total, bool at_most)
{
    buf_printf(out, "  %-10s %s", name, at_most ? "at most " : "");
    plan_add_duration(out, s);
    buf_printf(out, " (%.0f %%)\n", total > 0 ? 100 * s / total : 0);
}

static void add_time(const struct plan *p, struct buf *out)
{
    const struct plan_seconds *t = &p->seconds;
    buf_str(out, "\nduration: about ");
    plan_add_duration(out, t->total);
    buf_str(out, " +- ");
    plan_add_duration(out, t->uncertainty);
    buf_printf(out, ", %.1f s per site\n", t->total / p->n_sites);
    add_part(out, "motion", t->motion, t->total, false);
    add_part(out, "approach", t->approach, t->total, false);
    add_part(out, "technique", t->technique, t->total, t->at_most);
    add_part(out, "overhead", t->overhead, t->total, false);
    if (p->n_controls) {
        buf_str(out, "  of it for control sites: ");
        plan_add_duration(out, t->control);
        buf_char(out, '\n');
    }
    buf_str(out, "  if every contact lies at the far end of the travel: ");
    plan_add_duration(out, t->worst);
    plan_add_clock(p, out);
    buf_printf(out, "\ndata: about %llu samples per site, %.1f MB in all\n",
               (unsigned long long)p->samples_per_site, (double)p->bytes / 1e6);
}

static bool has_regions(const struct plan *p)
{
    for (int i = 0; i < plan_places(p); i++)
        if (p->site[i].region[0])
            return true;
    return false;
}

static void end_line(struct buf *out)
{
    while (out->n && out->p[out->n - 1] == ' ')
        out->p[--out->n] = '\0';
    buf_char(out, '\n');
}

static void add_site(const struct plan *p, const struct plan_site *s, bool regions, struct buf *out)
{
    bool no_level = s->spare || s->control;
    buf_printf(out, "%6d %10.3f %10.3f", s->site, s->x * 1e6, s->y * 1e6);
    if (no_level)
        buf_printf(out, "%8s", plan_role(s));
    else
        buf_printf(out, "%8d", s->block);
    if (regions)
        buf_printf(out, "  %-16s", s->region);
    for (int f = 0; f < p->protocol->n_factors && !no_level; f++)
        buf_printf(out, "  %-12s", p->protocol->factor[f].text[s->level[f]]);
    end_line(out);
}

/* In the order of the night; spares and spots that are not planned behind. */
static void add_sites(const struct plan *p, bool regions, struct buf *out)
{
    int planned = p->n_visits - p->n_sites, first = p->n_sites + p->n_spares;
    for (int k = 0; k < p->n_visits; k++)
        add_site(p, &p->site[p->visit[k]], regions, out);
    for (int i = p->n_sites; i < first; i++)
        add_site(p, &p->site[i], regions, out);
    for (int i = first + planned; i < plan_places(p); i++)
        add_site(p, &p->site[i], regions, out);
}

void plan_print(const struct plan *p, struct buf *out)
{
    bool regions = has_regions(p);
    add_identity(p, out);
    plan_print_steps(p, out);
    add_regions(p, out);
    add_counts(p, out);
    plan_add_controls(p, out);
    add_time(p, out);
    buf_printf(out, "\n  site       x/um       y/um    block%s", regions ? "  region          " : "");
    for (int f = 0; f < p->protocol->n_factors; f++)
        buf_printf(out, "  %-*s", f + 1 < p->protocol->n_factors ? 12 : 0, p->protocol->factor[f].name);
    buf_char(out, '\n');
    add_sites(p, regions, out);
}
