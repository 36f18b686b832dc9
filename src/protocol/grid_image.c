/* Points picked in an image: the fiducials say where it lies on the stage. */
#include <math.h>
#include <stdlib.h>

#include "analysis/registration.h"
#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/grid_parts.h"

struct pairs {
    double (*from)[2], (*to)[2]; /* px, m */
    int n;
};

static struct pairs pairs_of(const struct grid_image *image)
{
    const struct grid_fiducial *f = image->fiducials.v;
    struct pairs p = {.n = image->fiducials.n};
    p.from = xcalloc((size_t)p.n + 1, sizeof *p.from);
    p.to = xcalloc((size_t)p.n + 1, sizeof *p.to);
    for (int i = 0; i < p.n; i++)
        for (int k = 0; k < 2; k++) {
            p.from[i][k] = f[i].image[k];
            p.to[i][k] = f[i].stage[k];
        }
    return p;
}

/* A fiducial that did not read was told already. */
static bool all_read(const struct pairs *p)
{
    for (int i = 0; i < p->n; i++)
        for (int k = 0; k < 2; k++)
            if (isnan(p->from[i][k]) || isnan(p->to[i][k]))
                return false;
    return p->n > 0;
}

#define FROM(p) (const double(*)[2])(p)->from
#define TO(p)   (const double(*)[2])(p)->to

/* Which fiducial fits the others worst; without one to spare, which has the largest residual. */
static int worst_of(const struct pairs *p, const struct registration *r, struct grid_image *image)
{
    double *error = xcalloc((size_t)p->n, sizeof *error);
    int worst = 0;
    image->worst = NAN;
    bool left_out = registration_leave_one_out(image->fit, image->mirror, p->n, FROM(p), TO(p), error, NULL);
    for (int i = 0; i < p->n; i++) {
        if (!left_out)
            error[i] = registration_residual(r, p->from[i], p->to[i]);
        worst = error[i] > error[worst] ? i : worst;
    }
    if (left_out)
        image->worst = error[worst];
    free(error);
    return worst;
}

static void check_fit(struct grid_region *r, const struct pairs *p, const struct registration *fit,
                      struct diags *d)
{
    const struct ynode *image = ynode_get(r->node, "image"), *list = ynode_get(image, "fiducials");
    int worst = worst_of(p, fit, &r->image);
    r->image.rms = fit->rms;
    if (fit->rms > r->image.tolerance) {
        diags_error(
            d, ynode_mark(ynode_item(list, worst)),
            "the fiducials do not fit: their residuals are %s (root mean square), more than the tolerance "
            "of %s; fiducial %d fits the others worst",
            show(fit->rms, DIM_LENGTH), show(r->image.tolerance, DIM_LENGTH), worst + 1);
    } else if (p->n == registration_needed(r->image.fit)) {
        diags_warning(
            d, ynode_mark(list),
            "%d fiducials fit without any residual whatever they say: one more would show a mistake", p->n);
    }
}

void grid_image_apply(struct grid_region *r, struct diags *d)
{
    struct err e = ERR_INIT;
    struct registration fit;
    struct pairs p = pairs_of(&r->image);
    if (!all_read(&p)) {
        free(p.from);
        free(p.to);
        return;
    }
    int before = diags_errors(d);
    if (!registration_fit(r->image.fit, r->image.mirror, p.n, FROM(&p), TO(&p), &fit, &e))
        diags_error(d, ynode_mark(ynode_get(ynode_get(r->node, "image"), "fiducials")), "%s", e.text);
    else
        check_fit(r, &p, &fit, d);
    for (int i = 0; i < r->n_entries && diags_errors(d) == before; i++) {
        const double from[2] = {r->entry[i].x, r->entry[i].y};
        double to[2];
        registration_map(&fit, from, to);
        r->entry[i].x = grid_round(to[0]);
        r->entry[i].y = grid_round(to[1]);
    }
    free(p.from);
    free(p.to);
}
