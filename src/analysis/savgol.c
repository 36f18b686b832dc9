/* Savitzky-Golay smoothing with weights from Gram polynomials. */
#include "analysis/savgol.h"

#include <math.h>
#include <string.h>

int savgol_points(double window, double step, int n)
{
    int most = n < SAVGOL_MAX ? n : SAVGOL_MAX;
    most -= most % 2 == 0;
    if (most < SAVGOL_MIN)
        return 0;
    double wanted = step != 0 && isfinite(window / step) ? floor(fabs(window / step) + 0.5) : SAVGOL_MIN;
    if (wanted >= most)
        return most;
    int points = (int)wanted;
    points += points % 2 == 0;
    return points < SAVGOL_MIN ? SAVGOL_MIN : points > most ? most : points;
}

/* Falling product a (a-1) ... with b factors. */
static double falling(int a, int b)
{
    double product = 1;
    for (int k = a - b + 1; k <= a; k++)
        product *= k;
    return product;
}

/* Gram polynomials of degree 0..3 at i in -m..m, and their derivatives, by Gorry's recursion. */
static void gram(int i, int m, double value[SAVGOL_ORDER + 1], double slope[SAVGOL_ORDER + 1])
{
    value[0] = 1;
    slope[0] = 0;
    double before = 0, slope_before = 0;
    for (int k = 1; k <= SAVGOL_ORDER; k++) {
        double scale = (4.0 * k - 2) / (k * (2.0 * m - k + 1));
        double back = (k - 1) * (2.0 * m + k) / (k * (2.0 * m - k + 1));
        value[k] = scale * i * value[k - 1] - back * before;
        slope[k] = scale * (i * slope[k - 1] + value[k - 1]) - back * slope_before;
        before = value[k - 1];
        slope_before = slope[k - 1];
    }
}

/* Weights of the 2m + 1 samples for the fitted value (or derivative) at position `at` in -m..m. */
static void weights(int m, int at, int derivative, double *w)
{
    double value[SAVGOL_ORDER + 1], slope[SAVGOL_ORDER + 1];
    double here[SAVGOL_ORDER + 1], here_slope[SAVGOL_ORDER + 1], scale[SAVGOL_ORDER + 1];
    gram(at, m, here, here_slope);
    for (int k = 0; k <= SAVGOL_ORDER; k++)
        scale[k] = (2 * k + 1) * falling(2 * m, k) / falling(2 * m + k + 1, k + 1) *
                   (derivative ? here_slope[k] : here[k]);
    for (int i = -m; i <= m; i++) {
        gram(i, m, value, slope);
        double sum = 0;
        for (int k = 0; k <= SAVGOL_ORDER; k++)
            sum += scale[k] * value[k];
        w[i + m] = sum;
    }
}

static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += a[k] * b[k];
    return sum;
}

/* Too few samples for a window: the data as they are. */
static void unsmoothed(const double *x, int n, int derivative, double *out)
{
    if (!derivative) {
        if (n > 0)
            memcpy(out, x, (size_t)n * sizeof *x);
        return;
    }
    for (int k = 0; k < n; k++) {
        int a = k > 0 ? k - 1 : k, b = k + 1 < n ? k + 1 : k;
        out[k] = b > a ? (x[b] - x[a]) / (b - a) : 0;
    }
}

void savgol(const double *x, int n, int points, int derivative, double *out)
{
    if (points < SAVGOL_MIN || points > SAVGOL_MAX || points % 2 == 0 || points > n) {
        unsmoothed(x, n, derivative, out);
        return;
    }
    int m = points / 2;
    double w[SAVGOL_MAX];
    weights(m, 0, derivative, w);
    for (int k = m; k < n - m; k++)
        out[k] = dot(w, x + k - m, points);
    for (int k = 0; k < m; k++) {
        weights(m, k - m, derivative, w);
        out[k] = dot(w, x, points);
        weights(m, m - k, derivative, w);
        out[n - 1 - k] = dot(w, x + n - points, points);
    }
}

double savgol_centre_weight(int points)
{
    if (points < SAVGOL_MIN || points > SAVGOL_MAX || points % 2 == 0)
        return 1;
    double w[SAVGOL_MAX];
    weights(points / 2, 0, 0, w);
    return w[points / 2];
}

double savgol_noise(const double *x, const double *smoothed, int n, int points)
{
    if (points < SAVGOL_MIN || points % 2 == 0 || n < 2 * points)
        return NAN;
    int m = points / 2, count = 0;
    double sum = 0;
    for (int k = m; k < n - m; k++, count++)
        sum += (x[k] - smoothed[k]) * (x[k] - smoothed[k]);
    return sqrt(sum / count / (1 - savgol_centre_weight(points)));
}
