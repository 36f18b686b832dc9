/* Levels that are linear in x, y or the number of the site.
 *
 *    level
 *      |              o   third level
 *      |          o
 *      o      o           o: sites; first, second and third level are written, the rest lies between
 *      |  o   second
 *      +--------------- x, y or number
 *
 * Afterwards the factor is like one with a value per site from a file. The number of a level is that of its
 * text (six digits), so that table, results file and instrument agree. */
#include "protocol/gradient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clocale.h"
#include "protocol/design.h"
#include "protocol/factor.h"
#include "protocol/grid.h"

struct place {
    double at; /* m, or the number of the site */
    int site;  /* from 0 */
};

static int by_place(const void *a, const void *b)
{
    const struct place *p = a, *q = b;
    return p->at < q->at ? -1 : p->at > q->at ? 1 : p->site - q->site;
}

/* Planned sites in the order along the gradient. */
static struct place *find_places(const struct protocol *p, const struct grid_layout *layout)
{
    struct place *place = xcalloc((size_t)layout->n_sites + 1, sizeof *place);
    for (int i = 0; i < layout->n_sites; i++) {
        const struct grid_point *at = &layout->point[i];
        place[i] = (struct place){p->along == ALONG_X ? at->x : p->along == ALONG_Y ? at->y : i, i};
    }
    qsort(place, (size_t)layout->n_sites, sizeof *place, by_place);
    return place;
}

/* Level at part t (0 to 1) of the way. */
static double between(const struct factor *f, double t)
{
    double at = t * (f->n - 1);
    int k = (int)fmin(floor(at), f->n - 2);
    double value = f->si[k] + (f->si[k + 1] - f->si[k]) * (at - k);
    if (fabs(value) < 1e-12 * fmax(fabs(f->si[k]), fabs(f->si[k + 1])))
        value = 0; /* the way from - to + leads through nothing, not through what rounding leaves of it */
    return f->whole ? rint(value) : value;
}

static void interpolate(struct factor *f, const struct place *place, int n)
{
    double first = place[0].at, span = place[n - 1].at - first, last = NAN;
    char(*text)[64] = xcalloc((size_t)n, sizeof *text);
    const char **all = xcalloc((size_t)n, sizeof *all);
    int levels = 0;
    f->of_site = xcalloc((size_t)n, sizeof *f->of_site);
    f->n_of_site = n;
    for (int i = 0; i < n; i++) {
        double value = between(f, span > 0 ? (place[i].at - first) / span : 0);
        if (levels == 0 || value != last) {
            int length = c_print_double(text[levels], sizeof text[0], 6, value);
            if (f->dim != DIM_NONE)
                snprintf(text[levels] + length, sizeof text[0] - (size_t)length, " %s", dim_unit(f->dim));
            all[levels] = text[levels];
            levels++;
            last = value;
        }
        f->of_site[place[i].site] = levels - 1;
    }
    factor_set_levels(f, levels, all);
    for (int k = 0; k < levels; k++)
        quantity_parse(f->text[k], f->dim, &f->si[k], NULL);
    free(text);
    free(all);
}

static bool can_interpolate(const struct factor *f, struct diags *d)
{
    for (int i = 0; i < f->n; i++)
        if (isnan(f->si[i]))
            return false;
    if (f->n < 2)
        diags_error(d, f->mark, "factor `%s`: a gradient needs two levels or more to go between", f->name);
    return f->n >= 2;
}

void gradient_apply(struct protocol *p, const struct grid_layout *layout, struct diags *d)
{
    struct place *place = find_places(p, layout);
    int n = layout->n_sites;
    for (int i = 0; i < p->n_factors && n > 0; i++) {
        struct factor *f = &p->factor[i];
        if (f->of_site || !can_interpolate(f, d))
            continue;
        interpolate(f, place, n);
        f->group = -1;
    }
    p->n_groups = 0;
    free(place);
}
