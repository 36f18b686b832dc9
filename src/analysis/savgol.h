/* Savitzky-Golay smoothing (Savitzky and Golay, Anal. Chem. 1964, 36, 1627): a polynomial of order 3 is
 * fitted by least squares to each window of an odd number of equidistant samples. At the two ends, where the
 * window would leave the data, the polynomial of the outermost window is evaluated off its centre, so that
 * ends are neither shifted nor lost. The weights come from Gram polynomials by Gorry's recursion (Anal. Chem.
 * 1990, 62, 570). */
#ifndef SECCM_ANALYSIS_SAVGOL_H
#define SECCM_ANALYSIS_SAVGOL_H

#define SAVGOL_ORDER 3
#define SAVGOL_MIN   5
#define SAVGOL_MAX   1001

/* Window in volts to an odd number of points for a spacing `step` (V, sign ignored), between SAVGOL_MIN and
 * the largest odd number <= min(n, SAVGOL_MAX). 0 if n < SAVGOL_MIN. */
int savgol_points(double window, double step, int n);

/* out[n] = smoothed x[n] (`derivative` 0), or its first derivative per sample (`derivative` 1). `points` is
 * odd, within SAVGOL_MIN..SAVGOL_MAX and <= n; otherwise x (or differences) is copied. x and out must not
 * overlap. */
void savgol(const double *x, int n, int points, int derivative, double *out);

/* Weight of the centre sample in its own smoothed value. For white noise of SD s the smoothed value has SD
 * s sqrt(w) and the residual s sqrt(1 - w). */
double savgol_centre_weight(int points);

/* SD of white noise on x[n] (same unit), from the residuals about the smoothed curve; NAN if n < 2 `points`.
 * The ends are left out. Noise slower than the window counts as signal. */
double savgol_noise(const double *x, const double *smoothed, int n, int points);

#endif
