/* Describing a sample of values: what is said about a feature over many sites. */
#ifndef SECCM_ANALYSIS_STATS_H
#define SECCM_ANALYSIS_STATS_H

#define STATS_MAD_SCALE 1.4826 /* makes the MAD an estimate of the SD of a normal distribution */

struct stats {
    int n;              /* finite values */
    double mean, sd;    /* SD with n - 1 */
    double median, mad; /* MAD x 1.4826 */
    double q1, q3, iqr; /* quartiles, type 7 */
    double min, max;
    double cv, robust_cv; /* SD / abs(mean); MAD x 1.4826 / abs(median) */
    double skewness,
        kurtosis; /* moments about the mean, m3 / m2^1.5 and m4 / m2^2 - 3 (no small-sample correction) */
    double geo_mean,
        geo_sd; /* of magnitudes; NAN if signs differ or a value is 0. geo_mean carries the sign */
};

/* Values that are not finite are left out. What needs more values than there are is NAN, never 0. */
void stats_describe(const double *x, int n, struct stats *out);

/* Quantile p in [0, 1] of a sorted sample. Type 7 (Hyndman and Fan, Am. Stat. 1996, 50, 361; the default of R
 * and NumPy): h = (n - 1) p + 1; type 5 (Hazen): h = n p + 1/2. NAN if n is 0. */
double stats_quantile(const double *sorted, int n, double p, int type);

/* Copies the finite values of x[n] into out[n] in rising order; returns their count. */
int stats_sort_finite(const double *x, int n, double *out);

double stats_median_sorted(const double *sorted, int n);

/* Midranks (1-based, ties share their mean) of x[n] into rank[n]; returns the sum over tied groups of (t^3 -
 * t). */
double stats_ranks(const double *x, int n, double *rank);

/* Distribution functions by GSL with its error handler off. Upper tails. */
double stats_chi2_sf(double x, double degrees);
double stats_normal_sf(double z);
double stats_normal_cdf(double z);
double stats_normal_quantile(double p);

#endif
