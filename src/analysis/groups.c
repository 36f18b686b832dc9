/* Do groups of sites differ? Rank tests over the levels of a factor. */
#include "analysis/groups.h"

#include <math.h>
#include <stdlib.h>

#include "analysis/stats.h"
#include "base/buf.h"

#define EXACT_BELOW 50

bool kruskal_wallis(const double *x, const int *group, int n, int n_groups, struct kruskal *out)
{
    size_t room = (size_t)(n > 0 ? n : 1), groups = (size_t)(n_groups > 0 ? n_groups : 1);
    double *value = xcalloc(2 * room, sizeof *value), *rank = value + room;
    double *sum = xcalloc(2 * groups, sizeof *sum), *size = sum + groups;
    int *of = xcalloc(room, sizeof *of), count = 0, used = 0;
    for (int k = 0; k < n; k++)
        if (isfinite(x[k]) && group[k] >= 0 && group[k] < n_groups) {
            value[count] = x[k];
            of[count++] = group[k];
        }
    double ties = stats_ranks(value, count, rank), h = 0, all = count;
    for (int k = 0; k < count; k++) {
        sum[of[k]] += rank[k];
        size[of[k]]++;
    }
    for (int g = 0; g < n_groups; g++)
        if (size[g] > 0) {
            h += sum[g] * sum[g] / size[g];
            used++;
        }
    double correction = 1 - ties / (all * all * all - all);
    bool ok = used >= 2 && count > used && correction > 0;
    if (ok) {
        h = (12 / (all * (all + 1)) * h - 3 * (all + 1)) / correction;
        *out = (struct kruskal){.h = h, .p = stats_chi2_sf(h, used - 1), .groups = used, .n = count};
    }
    free(value);
    free(sum);
    free(of);
    return ok;
}

/* P(U <= u) for groups of nx and ny without ties, by counting: the number of arrangements with statistic u
 * obeys N(nx, ny, u) = N(nx - 1, ny, u - ny) + N(nx, ny - 1, u); built one group size after another as the
 * coefficients of prod (1 - q^(ny + j)) / (1 - q^j), scaled so that the sum is the probability. */
static double exact_cdf(int nx, int ny, double u)
{
    int most = nx * ny, limit = (int)floor(u + 1e-9);
    double *count = xcalloc((size_t)most + 1, sizeof *count), sum = 0;
    count[0] = 1;
    for (int j = 1; j <= nx; j++) {
        /* Times (1 - q^(ny + j)), from above; divided by (1 - q^j), from below; divided by (ny + j) / j. */
        for (int k = most; k >= ny + j; k--)
            count[k] -= count[k - ny - j];
        for (int k = j; k <= most; k++)
            count[k] += count[k - j];
        for (int k = 0; k <= most; k++)
            count[k] *= (double)j / (ny + j);
    }
    for (int k = 0; k <= limit && k <= most; k++)
        sum += count[k];
    free(count);
    return sum;
}

static double normal_p(double u, double nx, double ny, double ties)
{
    double n = nx + ny, centre = nx * ny / 2;
    double variance = nx * ny / 12 * (n + 1 - ties / (n * (n - 1)));
    if (!(variance > 0))
        return 1;
    double z = (fabs(u - centre) - 0.5) / sqrt(variance);
    return z > 0 ? fmin(1, 2 * stats_normal_sf(z)) : 1;
}

bool mann_whitney(const double *x, int nx, const double *y, int ny, struct mann_whitney *out)
{
    size_t room = (size_t)(nx + ny > 0 ? nx + ny : 1);
    double *value = xcalloc(2 * room, sizeof *value), *rank = value + room;
    int a = stats_sort_finite(x, nx, value), b = stats_sort_finite(y, ny, value + a);
    bool ok = a > 0 && b > 0;
    if (ok) {
        double ties = stats_ranks(value, a + b, rank), sum = 0;
        for (int k = 0; k < a; k++)
            sum += rank[k];
        struct mann_whitney r = {.u = sum - a * (a + 1.0) / 2, .nx = a, .ny = b};
        r.exact = ties == 0 && a < EXACT_BELOW && b < EXACT_BELOW;
        r.delta = 2 * r.u / ((double)a * b) - 1;
        r.p = r.exact ? fmin(1, 2 * exact_cdf(a, b, fmin(r.u, (double)a * b - r.u)))
                      : normal_p(r.u, a, b, ties);
        *out = r;
    }
    free(value);
    return ok;
}

void holm_adjust(double *p, int m)
{
    int left = 0;
    unsigned char *done = xcalloc(1, (size_t)(m > 0 ? m : 1));
    for (int k = 0; k < m; k++) {
        done[k] = isnan(p[k]);
        left += !done[k];
    }
    double least = 0;
    for (; left > 0; left--) {
        int next = -1;
        for (int k = 0; k < m; k++)
            if (!done[k] && (next < 0 || p[k] < p[next]))
                next = k;
        least = fmax(least, fmin(1, p[next] * left));
        p[next] = least;
        done[next] = 1;
    }
    free(done);
}

static int gather(const double *x, const int *group, int n, int wanted, double *out)
{
    int count = 0;
    for (int k = 0; k < n; k++)
        if (group[k] == wanted)
            out[count++] = x[k];
    return count;
}

void group_pairs(const double *x, const int *group, int n, int n_groups, struct group_pair *out)
{
    size_t room = (size_t)(n > 0 ? n : 1);
    int pairs = n_groups * (n_groups - 1) / 2, m = 0;
    double *first = xcalloc(2 * room, sizeof *first), *second = first + room;
    double *p = xcalloc((size_t)(pairs > 0 ? pairs : 1), sizeof *p);
    for (int a = 0; a < n_groups; a++)
        for (int b = a + 1; b < n_groups; b++, m++) {
            int na = gather(x, group, n, a, first), nb = gather(x, group, n, b, second);
            out[m] = (struct group_pair){.a = a, .b = b};
            if (!mann_whitney(first, na, second, nb, &out[m].test)) {
                out[m].test.p = NAN;
                out[m].test.delta = NAN;
            }
            p[m] = out[m].test.p;
        }
    holm_adjust(p, m);
    for (int k = 0; k < m; k++)
        out[k].p_holm = p[k];
    free(first);
    free(p);
}
