/* What a constant-current step tells. */
#include "analysis/galvano.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

double galvano_capacity(const double *t, const double *i, int n)
{
    double q = n > 1 ? fabs(i[0]) * (t[1] - t[0]) : 0; /* the first sample ends the first interval */
    for (int k = 1; k < n; k++)
        q += (fabs(i[k]) + fabs(i[k - 1])) / 2 * (t[k] - t[k - 1]);
    return q;
}

/* dQ/dE on a grid of potentials. */
struct density {
    double low, cell; /* V: potential of cell 0, width of a cell */
    int n;
    double *q; /* C/V */
};

#define CELLS_MAX 8192

static bool density_make(const double *t, const double *e, const double *i, int n, double width,
                         struct density *d)
{
    double low = INFINITY, high = -INFINITY;
    for (int k = 0; k < n; k++) {
        low = fmin(low, e[k]);
        high = fmax(high, e[k]);
    }
    if (!(width > 0) || !(high - low > 4 * width))
        return false;
    double cell = fmax(width / 4, (high - low) / (CELLS_MAX - 16));
    *d = (struct density){.low = low, .cell = cell, .n = (int)ceil((high - low) / cell) + 1};
    double *raw = xcalloc((size_t)d->n, sizeof *raw);
    d->q = xcalloc((size_t)d->n, sizeof *d->q);
    for (int k = 1; k < n; k++) {
        int c = (int)((e[k] - low) / cell + 0.5);
        raw[c] += (fabs(i[k]) + fabs(i[k - 1])) / 2 * (t[k] - t[k - 1]);
    }
    int reach = (int)ceil(4 * width / cell);
    double norm = 1 / (sqrt(2 * M_PI) * width);
    for (int c = 0; c < d->n; c++)
        for (int b = c - reach > 0 ? c - reach : 0; b <= c + reach && b < d->n; b++) {
            double z = (b - c) * cell / width;
            d->q[c] += raw[b] * norm * exp(-z * z / 2);
        }
    free(raw);
    return true;
}

/* Keeps the largest plateaus, largest first. */
static int keep(struct plateau out[GALVANO_PLATEAUS], int count, struct plateau p)
{
    int at = count < GALVANO_PLATEAUS ? count : GALVANO_PLATEAUS - 1;
    if (count >= GALVANO_PLATEAUS && p.height <= out[at].height)
        return count;
    while (at > 0 && out[at - 1].height < p.height) {
        out[at] = out[at - 1];
        at--;
    }
    out[at] = p;
    return count < GALVANO_PLATEAUS ? count + 1 : count;
}

static double charge_near(const double *t, const double *e, const double *i, int n, double at, double reach)
{
    double q = 0;
    for (int k = 1; k < n; k++)
        if (fabs(e[k] - at) <= reach)
            q += (fabs(i[k]) + fabs(i[k - 1])) / 2 * (t[k] - t[k - 1]);
    return q;
}

int galvano_plateaus(const double *t, const double *e, const double *i, int n, double width,
                     struct plateau out[GALVANO_PLATEAUS])
{
    struct density d;
    if (n < 3 || !density_make(t, e, i, n, width, &d))
        return 0;
    double least = 2 * galvano_capacity(t, i, n) / (d.cell * (d.n - 1));
    int count = 0, margin = (int)ceil(width / d.cell);
    for (int c = margin > 0 ? margin : 1; c < d.n - margin && c + 1 < d.n; c++) {
        double y0 = d.q[c - 1], y1 = d.q[c], y2 = d.q[c + 1];
        if (!(y1 > y0 && y1 >= y2 && y1 >= least))
            continue;
        double bend = y0 - 2 * y1 + y2, shift = bend < 0 ? (y0 - y2) / (2 * bend) : 0;
        struct plateau p = {.e = d.low + (c + shift) * d.cell, .height = y1};
        p.charge = charge_near(t, e, i, n, p.e, 2 * width);
        count = keep(out, count, p);
    }
    free(d.q);
    return count;
}

bool galvano_nucleation(const double *t, const double *e, const double *i, int n, double plateau,
                        double noise, double *overpotential)
{
    double net = 0;
    for (int k = 1; k < n; k++)
        net += (i[k] + i[k - 1]) / 2 * (t[k] - t[k - 1]);
    int sign = net < 0 ? -1 : 1;
    /* From the first sample beyond the plateau (in the direction of the current) until the potential has come
     * back. */
    double extremum = 0;
    bool beyond = false, came_back = false;
    for (int k = 0; k < n && !came_back; k++) {
        double over = sign * (e[k] - plateau);
        if (over > noise)
            beyond = true;
        if (over > extremum)
            extremum = over;
        came_back = beyond && over <= noise;
    }
    if (!beyond || !came_back || !(extremum > noise))
        return false;
    *overpotential = sign * extremum;
    return true;
}
