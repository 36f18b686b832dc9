/* The in-air blank of a site: regression of the current on 1, E - Eb and dE/dt. */
#include "analysis/blank.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_linalg.h>

/* Solves a positive definite 3 x 3 system scaled to a unit diagonal; false if it is close to singular. */
static bool invert(double a[3][3], double inverse[3][3])
{
    double scale[3], m[9];
    for (int k = 0; k < 3; k++) {
        if (!(a[k][k] > 0))
            return false;
        scale[k] = 1 / sqrt(a[k][k]);
    }
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            m[3 * r + c] = a[r][c] * scale[r] * scale[c];
    double det = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
                 m[2] * (m[3] * m[7] - m[4] * m[6]);
    /* A unit diagonal has a determinant of 1 for independent and 0 for dependent regressors. */
    if (!(det > 1e-9))
        return false;
    gsl_matrix_view view = gsl_matrix_view_array(m, 3, 3);
    if (gsl_linalg_cholesky_decomp1(&view.matrix) || gsl_linalg_cholesky_invert(&view.matrix))
        return false;
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            inverse[r][c] = m[3 * r + c] * scale[r] * scale[c];
    return true;
}

static void row(double e, double dedt, double bias, double x[3])
{
    x[0] = 1;
    x[1] = e - bias;
    x[2] = dedt;
}

bool blank_fit(const double *e, const double *dedt, const double *i, const unsigned char *use, int n,
               double bias, struct blank *out)
{
    double a[3][3] = {{0}}, b[3] = {0}, x[3], inverse[3][3], p[3] = {0};
    int count = 0;
    for (int k = 0; k < n; k++) {
        if ((use && !use[k]) || !isfinite(e[k] + dedt[k] + i[k]))
            continue;
        row(e[k], dedt[k], bias, x);
        for (int r = 0; r < 3; r++) {
            b[r] += x[r] * i[k];
            for (int c = 0; c < 3; c++)
                a[r][c] += x[r] * x[c];
        }
        count++;
    }
    if (count < 6 || !invert(a, inverse))
        return false;
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            p[r] += inverse[r][c] * b[c];
    double left = 0;
    for (int k = 0; k < n; k++) {
        if ((use && !use[k]) || !isfinite(e[k] + dedt[k] + i[k]))
            continue;
        row(e[k], dedt[k], bias, x);
        double r = i[k] - p[0] * x[0] - p[1] * x[1] - p[2] * x[2];
        left += r * r;
    }
    double variance = left / (count - 3);
    *out = (struct blank){
        .given = true,
        .bias = bias,
        .offset = p[0],
        .leak = p[1],
        .capacitance = p[2],
        .noise = sqrt(variance),
        .n = count,
    };
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            out->cov[r][c] = inverse[r][c] * variance;
    return true;
}

double blank_current(const struct blank *b, double e, double dedt)
{
    return b->given ? b->offset + b->leak * (e - b->bias) + b->capacitance * dedt : 0;
}

double blank_sd(const struct blank *b, double x0, double x1, double x2)
{
    const double x[3] = {x0, x1, x2};
    double variance = 0;
    for (int r = 0; r < 3; r++)
        for (int c = 0; c < 3; c++)
            variance += x[r] * x[c] * b->cov[r][c];
    return sqrt(fmax(variance, 0));
}
