/* Random sites that keep a least distance (Poisson disk): places are drawn evenly over the area and kept if
 * no site is nearer than the pitch, until there are enough. Every kept site is so evenly distributed over
 * what was left free, without the preference for edges that growing from neighbour to neighbour has. Random
 * sequential discs fill at most 54.7 % of an area (Feder, J. Theor. Biol. 87 (1980) 237), which bounds what
 * can fit. */
#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/check.h"
#include "protocol/grid_parts.h"

#define TRIES_EACH  150 /* per wanted site; near the bound the last ones need many */
#define TRIES_LEAST 20000
#define RANDOM_FILL 0.547

struct probe {
    double x, y, least; /* m, m^2 */
};

static bool too_near(void *context, double x, double y, int id)
{
    (void)id;
    const struct probe *p = context;
    double dx = x - p->x, dy = y - p->y;
    return dx * dx + dy * dy < p->least;
}

static void report_few(const struct grid_region *r, int found, int64_t wanted, struct diags *d)
{
    diags_error(
        d, ynode_mark(ynode_get(r->node, "count")),
        "only %d of %lld places (spares included) at least %s apart were found in %s by %s: fewer sites, a "
        "smaller pitch or a larger area are needed",
        found, (long long)wanted, show(r->pitch, DIM_LENGTH), show(r->width, DIM_LENGTH),
        show(r->height, DIM_LENGTH));
}

/* More discs of one pitch than the densest packing (0.907) holds in the area widened by half a disc all round
 * never fit; random ones end far below that. */
static bool is_hopeless(const struct grid_region *r, int64_t wanted, struct diags *d)
{
    double area = (r->width + r->pitch) * (r->height + r->pitch);
    double most = 0.907 * area / (0.78539816339744831 * r->pitch * r->pitch);
    double random = most * RANDOM_FILL / 0.907;
    /* Few sites may be lucky with the edges; many follow the law of large numbers. */
    if ((double)wanted <= (wanted > 1000 ? 1.03 * random : most))
        return false;
    diags_error(d, ynode_mark(ynode_get(r->node, "count")),
                "%lld places (spares included) at least %s apart can not fit into %s by %s: the densest "
                "packing holds "
                "%.0f, a random one about %.0f",
                (long long)wanted, show(r->pitch, DIM_LENGTH), show(r->width, DIM_LENGTH),
                show(r->height, DIM_LENGTH), floor(most), floor(random));
    return true;
}

bool grid_generate_random(const struct grid *g, int region, uint64_t seed, grid_accept *accept, void *context,
                          struct grid_bag *out, struct diags *d)
{
    const struct grid_region *r = &g->region[region];
    struct rng rng = rng_stream(seed, "grid.random");
    int64_t wanted = r->count + r->spares, tries = TRIES_EACH * wanted + TRIES_LEAST;
    int found = 0;
    if (is_hopeless(r, wanted, d))
        return false;
    struct grid_near *near = grid_near_new(r->pitch, (int)wanted);
    for (int64_t k = 0; k < tries && found < wanted; k++) {
        double u = r->width * rng_uniform(rng, (uint64_t)region, (uint64_t)k, 0);
        double v = r->height * rng_uniform(rng, (uint64_t)region, (uint64_t)k, 1);
        struct grid_point p = grid_at(g, region, u, v);
        struct probe probe = {p.x, p.y, r->pitch * r->pitch};
        if (grid_near_each(near, p.x, p.y, too_near, &probe) || !accept(context, &p))
            continue;
        p.spare = found >= r->count;
        p.column = found;
        grid_near_add(near, p.x, p.y, found++);
        *grid_bag_add(out) = p;
    }
    grid_near_free(near);
    if (found < wanted)
        report_few(r, found, wanted, d);
    return found == wanted;
}
