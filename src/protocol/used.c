/* Spots that earlier runs used. */
#include "protocol/used.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"
#include "protocol/protocol.h"
#include "results/results.h"

#define RESIDUE      1.3 /* residue / wetted diameter before it was measured */
#define ATTEMPTS_MAX 64

double used_residue(const struct protocol *p)
{
    return p->wetted * p->aperture * (isnan(p->residue) ? RESIDUE : p->residue);
}

double used_factor(const struct protocol *p)
{
    return isnan(p->residue) ? 3 : 1.5;
}

struct reading {
    struct used *used;
    int cap;
    double distance; /* m */
};

static void add_spot(struct reading *q, double x, double y)
{
    struct used *u = q->used;
    if (u->n == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 64;
        u->spot = xrealloc(u->spot, (size_t)q->cap * sizeof *u->spot);
    }
    u->spot[u->n++] = (struct grid_spot){x, y, q->distance};
}

/* An attempt without an outcome was interrupted: its spot is possibly touched. */
static bool add_attempts(struct reading *q, struct results *r, const struct results_site *s, struct err *e)
{
    static struct results_attempt a[ATTEMPTS_MAX];
    int n = results_attempts(r, s->site, a, ATTEMPTS_MAX, e);
    for (int i = 0; i < n && i < ATTEMPTS_MAX; i++)
        if (a[i].touched != TOUCHED_NO || a[i].outcome == OUTCOME_NONE) {
            bool known = isfinite(a[i].x) && isfinite(a[i].y);
            add_spot(q, known ? a[i].x : s->x, known ? a[i].y : s->y);
        }
    return n >= 0;
}

/* Half a residue of either run, times the factor. */
static double distance_to(const struct protocol *p, struct results *r)
{
    double aperture, wetted, then = used_residue(p);
    if (results_info_double(r, "aperture", &aperture) && results_info_double(r, "wetted", &wetted))
        then = aperture * wetted * (isnan(p->residue) ? RESIDUE : p->residue);
    return used_factor(p) * (used_residue(p) + then) / 2;
}

static bool read_file(struct protocol *p, const char *path, struct reading *q, struct err *e)
{
    struct results *r = results_open(path, e);
    struct results_sites sites = {0};
    if (!r)
        return false;
    bool ok = results_sites(r, &sites, e);
    q->distance = distance_to(p, r);
    for (int i = 0; ok && i < sites.n; i++)
        if (sites.site[i].attempts > 0)
            ok = add_attempts(q, r, &sites.site[i], e);
    results_sites_free(&sites);
    return results_close(r, ok ? e : NULL) && ok;
}

void used_read(struct protocol *p, struct diags *d)
{
    const struct ynode *list = ynode_get(ytree_root(p->tree), "avoid");
    struct reading q = {.used = &p->used};
    if (!list || ynode_kind(list) != Y_LIST || ynode_count(list) != p->avoid.n || !(p->aperture > 0))
        return;
    for (int i = 0; i < p->avoid.n; i++) {
        struct err e = ERR_INIT;
        char *path = source_beside(p->source->path, p->avoid.v[i]);
        if (!read_file(p, path, &q, &e))
            diags_error(d, ynode_mark(ynode_item(list, i)), "the spots of an earlier run can not be read: %s",
                        e.text);
        free(path);
    }
}

void used_free(struct used *u)
{
    free(u->spot);
    *u = (struct used){0};
}
