/* Spots that earlier runs used. */
#include "protocol/used.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clocale.h"
#include "base/shelf.h"
#include "protocol/protocol.h"
#include "results/probe.h"
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

#define LIST_MAX  ((size_t)1 << 26) /* bytes */
#define LIST_HEAD "x_m,y_m,distance_m\n"

struct reading {
    struct buf *text;
    const struct protocol *p;
    const struct probe *probe; /* of the earlier run, first to last */
    int n_probes;
    double offset[2]; /* m: from the earlier run's coordinates to those with this run's probe */
};

/* Half a residue of either probe, times the factor. */
static double distance_to(const struct protocol *p, const struct probe *earlier)
{
    double then = earlier->aperture * earlier->wetted * (isnan(p->residue) ? RESIDUE : p->residue);
    return used_factor(p) * (used_residue(p) + (then > 0 ? then : used_residue(p))) / 2;
}

static void add_spot(struct reading *q, int64_t attempt, double x, double y)
{
    const double row[] = {x + q->offset[0], y + q->offset[1],
                          distance_to(q->p, probe_of(q->probe, q->n_probes, attempt))};
    for (int k = 0; k < 3; k++) {
        buf_json_number(q->text, row[k]);
        buf_char(q->text, k < 2 ? ',' : '\n');
    }
}

/* An attempt without an outcome was interrupted: its spot is possibly touched. */
static bool add_attempts(struct reading *q, struct results *r, const struct results_site *s, struct err *e)
{
    static struct results_attempt a[ATTEMPTS_MAX];
    int n = results_attempts(r, s->site, a, ATTEMPTS_MAX, e);
    for (int i = 0; i < n && i < ATTEMPTS_MAX; i++)
        if (a[i].touched != TOUCHED_NO || a[i].outcome == OUTCOME_NONE) {
            bool known = isfinite(a[i].x) && isfinite(a[i].y);
            add_spot(q, a[i].id, known ? a[i].x : s->x, known ? a[i].y : s->y);
        }
    return n >= 0;
}

/* Where the stage stands over the earlier run's places: as it did, unless that run had several probes and
 * this protocol's is one of the later ones. Its coordinates are those of its first. */
static void find_offset(struct reading *q)
{
    for (int k = 0; k < q->n_probes; k++)
        if (q->p->probe_id && strcmp(q->probe[k].id, q->p->probe_id) == 0)
            memcpy(q->offset, q->probe[k].offset, sizeof q->offset);
}

/* The list of a results file as it is now. */
static struct source *list_of(const struct protocol *p, const char *path, struct err *e)
{
    struct results *r = results_open(path, e);
    struct results_sites sites = {0};
    if (!r)
        return NULL;
    struct probe *probe = xcalloc(PROBES_MAX, sizeof *probe);
    struct source *s = source_from_text(path, LIST_HEAD);
    struct reading q = {.text = &s->bytes, .p = p, .probe = probe, .n_probes = probes_read(r, probe, e)};
    find_offset(&q);
    bool ok = q.n_probes > 0 && results_sites(r, &sites, e);
    for (int i = 0; ok && i < sites.n; i++)
        if (sites.site[i].attempts > 0)
            ok = add_attempts(&q, r, &sites.site[i], e);
    results_sites_free(&sites);
    free(probe);
    if (results_close(r, ok ? e : NULL) && ok)
        return s;
    source_free(s);
    return NULL;
}

static bool take_spots(struct used *u, const struct source *list, struct err *e)
{
    const char *at = list->bytes.p;
    bool ok = strncmp(at, LIST_HEAD, strlen(LIST_HEAD)) == 0;
    at += ok ? strlen(LIST_HEAD) : 0;
    while (ok && *at) {
        double v[3];
        for (int k = 0; ok && k < 3; k++) {
            char *end;
            v[k] = c_strtod(at, &end);
            ok = end != at && *end == (k < 2 ? ',' : '\n');
            at = end + ok;
        }
        if (!ok)
            break;
        u->spot = xrealloc(u->spot, (size_t)(u->n + 1) * sizeof *u->spot);
        u->spot[u->n++] = (struct grid_spot){v[0], v[1], v[2]};
    }
    return ok || err_set(e, ERR_INPUT, "%s: the stored list of its spots is damaged", list->path);
}

/* A shelf without the list is of a file that was made when lists were not kept: the results themselves. */
static bool read_file(struct protocol *p, const char *path, struct err *e)
{
    const struct shelf *shelf = shelf_in_use();
    bool kept = shelf && shelf_find(shelf, path, NULL);
    struct source *s = kept ? source_read(path, LIST_MAX, e) : list_of(p, path, e);
    if (!s)
        return false;
    p->used.list[p->used.n_lists++] = s;
    return take_spots(&p->used, s, e);
}

void used_read(struct protocol *p, struct diags *d)
{
    const struct ynode *list = ynode_get(ytree_root(p->tree), "avoid");
    if (!list || ynode_kind(list) != Y_LIST || ynode_count(list) != p->avoid.n || !(p->aperture > 0))
        return;
    p->used.list = xcalloc((size_t)p->avoid.n, sizeof *p->used.list);
    for (int i = 0; i < p->avoid.n; i++) {
        struct err e = ERR_INIT;
        char *path = source_beside(p->source->path, p->avoid.v[i]);
        if (!read_file(p, path, &e))
            diags_error(d, ynode_mark(ynode_item(list, i)), "the spots of an earlier run can not be read: %s",
                        e.text);
        free(path);
    }
}

void used_free(struct used *u)
{
    for (int k = 0; k < u->n_lists; k++)
        source_free(u->list[k]);
    free(u->list);
    free(u->spot);
    *u = (struct used){0};
}
