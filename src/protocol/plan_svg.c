/* The plan as a map: sites in their order, coloured by factor level, or by region where nothing is varied.
 *
 * Drawn in micrometres turned into a fixed picture width, y upward as on the stage. Colours are Okabe and
 * Ito's, which colour-blind readers can tell apart; more combinations than colours are told apart by hue
 * around the circle. */
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "protocol/factor.h"
#include "protocol/plan.h"

#define WIDTH  640.0 /* px of the longer side of the map */
#define MARGIN 48.0
#define LEGEND 190.0
#define ROW    20.0

static const char *const colours[] = {"#0072b2", "#e69f00", "#009e73", "#cc79a7",
                                      "#d55e00", "#56b4e9", "#8a6d00"};
#define N_COLOURS 7
#define REGIONS   40

struct map {
    double x0, y1;    /* m: left and top of the sites */
    double scale;     /* px per m */
    double w, h;      /* px of the map */
    double radius;    /* px */
    int combinations; /* colours; 0: too many to tell apart */
    struct plan_region region[REGIONS];
    int regions; /* that are told apart by colour; 0 = levels are */
};

static void escape(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '<')
            buf_str(out, "&lt;");
        else if (*text == '&')
            buf_str(out, "&amp;");
        else if ((unsigned char)*text >= 0x20)
            buf_char(out, *text);
    }
}

static void add_colour(struct buf *out, const struct map *m, int combination)
{
    if (m->combinations <= N_COLOURS)
        buf_str(out, colours[combination]);
    else
        buf_printf(out, "hsl(%d,65%%,%d%%)", 360 * combination / m->combinations, combination % 2 ? 60 : 42);
}

static struct map layout(const struct plan *p)
{
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
    for (int i = 0; i < plan_places(p); i++) {
        x0 = fmin(x0, p->site[i].x);
        x1 = fmax(x1, p->site[i].x);
        y0 = fmin(y0, p->site[i].y);
        y1 = fmax(y1, p->site[i].y);
    }
    for (int i = 0; i < p->layout.n_gone; i++) {
        x0 = fmin(x0, p->layout.gone[i].x);
        x1 = fmax(x1, p->layout.gone[i].x);
        y0 = fmin(y0, p->layout.gone[i].y);
        y1 = fmax(y1, p->layout.gone[i].y);
    }
    int a, b;
    double pitch;
    if (!plan_closest(p, &a, &b, &pitch))
        pitch = 10e-6;
    double side = fmax(fmax(x1 - x0, y1 - y0), pitch);
    struct map m = {.x0 = x0, .y1 = y1, .scale = WIDTH / side, .combinations = p->n_combinations};
    m.regions = p->protocol->n_factors ? 0 : plan_regions(p, m.region, REGIONS);
    m.regions = m.regions > 1 ? m.regions : 0;
    if (m.regions)
        m.combinations = m.regions;
    m.w = (x1 - x0) * m.scale;
    m.h = (y1 - y0) * m.scale;
    m.radius = fmin(fmax(0.36 * pitch * m.scale, 1.5), 16);
    return m;
}

static double px(const struct map *m, double x)
{
    return MARGIN + (x - m->x0) * m->scale;
}

static double py(const struct map *m, double y)
{
    return MARGIN + 24 + (m->y1 - y) * m->scale;
}

/* Exclusions below everything else; parts outside the map are cut off. */
static void add_exclusions(const struct plan *p, const struct map *m, struct buf *out)
{
    const struct items *list = &p->protocol->grid->exclusions;
    const struct grid_exclusion *x = list->v;
    buf_printf(
        out, "<clipPath id=\"map\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></clipPath>\n",
        MARGIN - 20, MARGIN + 4, m->w + 40, m->h + 40);
    buf_str(out, "<g clip-path=\"url(#map)\" fill=\"#f2dede\" stroke=\"#c77\">\n");
    for (int i = 0; i < list->n; i++) {
        if (x[i].polygon.n == 0) {
            buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\">", px(m, x[i].centre[0]),
                       py(m, x[i].centre[1]), x[i].radius * m->scale);
        } else {
            buf_str(out, "<polygon points=\"");
            for (int k = 0; k < x[i].polygon.n; k++)
                buf_printf(out, "%.1f,%.1f ", px(m, x[i].polygon.xy[k][0]), py(m, x[i].polygon.xy[k][1]));
            buf_str(out, "\">");
        }
        buf_str(out, "<title>left out: ");
        escape(out, x[i].name ? x[i].name : "exclusion");
        buf_printf(out, "</title></%s>\n", x[i].polygon.n ? "polygon" : "circle");
    }
    buf_str(out, "</g>\n");
}

/* Places that are left out: a small cross each. */
static void add_gone(const struct plan *p, const struct map *m, struct buf *out)
{
    double r = fmax(0.5 * m->radius, 1.5);
    for (int i = 0; i < p->layout.n_gone; i++) {
        const struct grid_gone *g = &p->layout.gone[i];
        double x = px(m, g->x), y = py(m, g->y);
        buf_printf(out, "<path d=\"M%.1f %.1fl%.1f %.1fm0 %.1fl%.1f %.1f\" stroke=\"%s\">", x - r, y - r,
                   2 * r, 2 * r, -2 * r, -2 * r, 2 * r, g->why == GONE_USED ? "#555" : "#c77");
        buf_printf(out, "<title>%s</title></path>\n", g->why == GONE_USED ? "used before" : "excluded");
    }
}

/* Each region's name above its sites; not where one list has them all, here and there. */
static void add_region_names(const struct plan *p, const struct map *m, struct buf *out)
{
    if (p->protocol->grid->n_regions == 1)
        return;
    struct plan_region r[40];
    int n = plan_regions(p, r, 40);
    for (int i = 0; i < n; i++) {
        double left = INFINITY, top = -INFINITY;
        for (int k = 0; k < plan_places(p) && r[i].name[0]; k++)
            if (strcmp(p->site[k].region, r[i].name) == 0) {
                left = fmin(left, p->site[k].x);
                top = fmax(top, p->site[k].y);
            }
        if (!isfinite(left))
            continue;
        buf_printf(out,
                   "<text class=\"region\" x=\"%.1f\" y=\"%.1f\" font-size=\"12\" font-style=\"italic\">",
                   px(m, left) - m->radius, py(m, top) - m->radius - 4);
        escape(out, r[i].name);
        buf_str(out, "</text>\n");
    }
}

static int colour_of(const struct map *m, const struct plan_site *s)
{
    for (int i = 0; i < m->regions; i++)
        if (strcmp(m->region[i].name, s->region) == 0)
            return i;
    return s->combination;
}

static void add_path(const struct plan *p, const struct map *m, struct buf *out)
{
    buf_str(out, "<polyline fill=\"none\" stroke=\"#bbb\" stroke-width=\"1.2\" points=\"");
    for (int i = 0; i < p->n_sites; i++)
        buf_printf(out, "%.1f,%.1f ", px(m, p->site[i].x), py(m, p->site[i].y));
    buf_str(out, "\"/>\n");
}

/* A control: a diamond, dark if it is planned, hollow in reserve. */
static void add_diamond(double x, double y, double r, bool planned, struct buf *out)
{
    buf_printf(out, "<path d=\"M%.1f %.1fl%.1f %.1fl%.1f %.1fl%.1f %.1fz\" fill=\"%s\" stroke=\"#222\">", x,
               y - r, r, r, -r, r, -r, -r, planned ? "#222" : "#fff");
}

static void add_number(double x, double y, const struct map *m, const struct plan_site *s, struct buf *out)
{
    const char *colour = s->control ? (s->seconds > 0 ? "#fff" : "#222") : s->spare ? "#777" : "#fff";
    double size = (s->control ? 0.6 : 0.85) * m->radius;
    if (m->radius >= 7)
        buf_printf(
            out,
            "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%.1f\" text-anchor=\"middle\" fill=\"%s\">%d</text>\n",
            x, y + 0.38 * size, size, colour, s->site);
}

static void add_site(const struct plan *p, const struct map *m, const struct plan_site *s, struct buf *out)
{
    double x = px(m, s->x), y = py(m, s->y);
    if (s->control) {
        add_diamond(x, y, m->radius, s->seconds > 0, out);
        buf_printf(out, "<title>site %d: %s; x %.3f um, y %.3f um; ", s->site,
                   s->seconds > 0 ? "control" : "control in reserve", s->x * 1e6, s->y * 1e6);
        escape(out, s->region);
        buf_str(out, "</title></path>\n");
        add_number(x, y, m, s, out);
        return;
    }
    buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\" ", x, y, m->radius);
    if (s->spare) {
        buf_str(out, "fill=\"#fff\" stroke=\"#999\" stroke-dasharray=\"2 2\">");
    } else {
        buf_str(out, "fill=\"");
        add_colour(out, m, colour_of(m, s));
        buf_str(out, "\">");
    }
    buf_printf(out, "<title>site %d%s: x %.3f um, y %.3f um", s->site, s->spare ? " (spare)" : "", s->x * 1e6,
               s->y * 1e6);
    if (s->region[0]) {
        buf_str(out, "; ");
        escape(out, s->region);
    }
    if (!s->spare && p->protocol->n_factors) {
        struct buf text = {0};
        factor_describe(p->protocol, s->level, &text);
        buf_str(out, "; ");
        escape(out, text.p);
        buf_free(&text);
    }
    buf_str(out, "</title></circle>\n");
    add_number(x, y, m, s, out);
}

/* A round length near a fifth of the map. */
static double bar_length(const struct map *m)
{
    double want = WIDTH / 5 / m->scale, decade = pow(10, floor(log10(want)));
    return want >= 5 * decade ? 5 * decade : want >= 2 * decade ? 2 * decade : decade;
}

static void add_scale(const struct map *m, struct buf *out)
{
    double bar = bar_length(m), y = MARGIN + 24 + m->h + 38;
    char text[32];
    buf_printf(out, "<path d=\"M%.1f %.1fh%.1f\" stroke=\"#222\" stroke-width=\"3\"/>\n", MARGIN, y,
               bar * m->scale);
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\">%s, y upward</text>\n",
               MARGIN + bar * m->scale + 8, y + 4, quantity_format(bar, DIM_LENGTH, text, sizeof text));
}

static void add_key(const struct map *m, int row, int combination, const char *text, struct buf *out)
{
    double x = MARGIN + m->w + 40, y = MARGIN + 24 + row * ROW;
    buf_printf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" ", x, y);
    if (combination < 0) {
        buf_str(out, "fill=\"#fff\" stroke=\"#999\" stroke-dasharray=\"2 2\"/>");
    } else {
        buf_str(out, "fill=\"");
        add_colour(out, m, combination);
        buf_str(out, "\"/>");
    }
    buf_printf(out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\">", x + 14, y + 4);
    escape(out, text);
    buf_str(out, "</text>\n");
}

static void add_control_key(const struct map *m, int row, bool planned, struct buf *out)
{
    double x = MARGIN + m->w + 40, y = MARGIN + 24 + row * ROW;
    add_diamond(x, y, 7, planned, out);
    buf_printf(out, "</path>\n<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\">%s</text>\n", x + 14, y + 4,
               planned ? "control" : "control in reserve");
}

static void add_legend(const struct plan *p, const struct map *m, struct buf *out)
{
    int row = 0, most = (int)(m->h / ROW) > 6 ? (int)(m->h / ROW) : 6;
    for (int k = 0; k < m->combinations && p->protocol->n_factors && row < most; k++) {
        struct buf text = {0};
        factor_describe(p->protocol, p->combination[k].level, &text);
        add_key(m, row++, k, text.p, out);
        buf_free(&text);
    }
    for (int k = 0; k < m->regions && row < most; k++)
        add_key(m, row++, k, m->region[k].name[0] ? m->region[k].name : "elsewhere", out);
    if (p->n_spares)
        add_key(m, row++, -1, "spare", out);
    if (p->n_visits > p->n_sites)
        add_control_key(m, row++, true, out);
    if (p->n_visits - p->n_sites < p->n_controls)
        add_control_key(m, row, false, out);
}

void plan_svg(const struct plan *p, struct buf *out)
{
    struct map m = layout(p);
    double w = m.w + 2 * MARGIN + LEGEND, h = fmax(m.h, 8 * ROW) + 2 * MARGIN + 48;
    buf_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" "
        "font-family=\"sans-serif\" fill=\"#222\">\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        w, h, w, h);
    buf_printf(out, "<text x=\"%.1f\" y=\"28\" font-size=\"16\">", MARGIN);
    escape(out, p->protocol->name);
    buf_str(out, "</text>\n");
    add_exclusions(p, &m, out);
    add_path(p, &m, out);
    add_gone(p, &m, out);
    for (int i = 0; i < plan_places(p); i++)
        add_site(p, &m, &p->site[i], out);
    add_region_names(p, &m, out);
    add_scale(&m, out);
    add_legend(p, &m, out);
    buf_str(out, "</svg>\n");
}
