/* Do groups of sites differ? Rank tests over the levels of a factor. */
#ifndef SECCM_ANALYSIS_GROUPS_H
#define SECCM_ANALYSIS_GROUPS_H

#include <stdbool.h>

/* Kruskal-Wallis (J. Am. Stat. Assoc. 1952, 47, 583) with tie correction; p from chi-square with groups - 1
 * degrees. */
struct kruskal {
    double h, p;
    int groups; /* with at least one value */
    int n;
};
/* x[n] with group[k] in 0..n_groups-1 (others and values that are not finite are left out). false with fewer
 * than 2 groups of at least 2 values in all, or if all values are equal. */
bool kruskal_wallis(const double *x, const int *group, int n, int n_groups, struct kruskal *out);

/* Mann-Whitney (Ann. Math. Stat. 1947, 18, 50), two-sided. Exact p for groups below 50 without ties,
 * otherwise the normal approximation with tie and continuity correction (as R's wilcox.test). */
struct mann_whitney {
    double u; /* number of pairs with x > y, ties half */
    double p;
    double delta; /* Cliff's delta: P(x > y) - P(x < y) */
    bool exact;
    int nx, ny;
};
/* Finite values only; false if a group is empty. */
bool mann_whitney(const double *x, int nx, const double *y, int ny, struct mann_whitney *out);

/* Holm's adjustment of m p values in place (Scand. J. Stat. 1979, 6, 65). NAN entries are left out of the
 * count. */
void holm_adjust(double *p, int m);

/* All pairs a < b of groups, in the order (0,1) (0,2) ... (1,2) ...; p_holm adjusted over all pairs. */
struct group_pair {
    int a, b;
    struct mann_whitney test; /* x = group a, y = group b; p NAN if a group is empty */
    double p_holm;
};
/* Writes n_groups (n_groups - 1) / 2 entries. */
void group_pairs(const double *x, const int *group, int n, int n_groups, struct group_pair *out);

#endif
