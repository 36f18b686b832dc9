/* Surface prediction from contacts: Bayesian linear regression with four coefficients. */
#include "run/surface.h"

#include <math.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>

#include "base/buf.h"

#define KEEP         400
#define TERMS        4
#define SLOPE_PRIOR  0.02   /* m/m */
#define DRIFT_PRIOR  0.2e-9 /* m/s */
#define OFFSET_PRIOR 1e-2   /* m: as good as unknown */

struct contact {
    double x, y, t, z;
};

struct surface {
    double tilt[2], sigma_given;
    struct contact contact[KEEP];
    int n, next;
    double scatter;
    double origin[TERMS]; /* x, y, t, z of the first contact: keeps the numbers small */
    double coefficient[TERMS];
    double covariance[TERMS][TERMS]; /* of the coefficients, scatter already in it */
};

struct surface *surface_new(const double tilt[2], double sigma)
{
    struct surface *s = xcalloc(1, sizeof *s);
    memcpy(s->tilt, tilt, sizeof s->tilt);
    s->sigma_given = sigma;
    s->scatter = sigma;
    gsl_set_error_handler_off();
    return s;
}

void surface_free(struct surface *s)
{
    free(s);
}

static void terms_at(const struct surface *s, double x, double y, double t, double row[TERMS])
{
    row[0] = 1;
    row[1] = x - s->origin[0];
    row[2] = y - s->origin[1];
    row[3] = t - s->origin[2];
}

/* Normal equations (X'X / scatter^2 + P) c = X'z / scatter^2 + P prior, in units scaled by the priors so that the
 * matrix is well conditioned whatever the lengths. */
static bool solve(struct surface *s)
{
    static const double unit[TERMS] = {OFFSET_PRIOR, SLOPE_PRIOR, SLOPE_PRIOR, DRIFT_PRIOR};
    const double prior[TERMS] = {0, s->tilt[0], s->tilt[1], 0};
    double a[TERMS * TERMS] = {0}, b[TERMS] = {0};
    double weight = 1 / (s->scatter * s->scatter);
    for (int k = 0; k < s->n; k++) {
        const struct contact *c = &s->contact[k];
        double row[TERMS];
        terms_at(s, c->x, c->y, c->t, row);
        for (int i = 0; i < TERMS; i++) {
            b[i] += weight * row[i] * unit[i] * (c->z - s->origin[3]);
            for (int j = 0; j < TERMS; j++)
                a[i * TERMS + j] += weight * row[i] * unit[i] * row[j] * unit[j];
        }
    }
    for (int i = 0; i < TERMS; i++) {
        a[i * TERMS + i] += 1;
        b[i] += prior[i] / unit[i];
    }
    gsl_matrix_view m = gsl_matrix_view_array(a, TERMS, TERMS);
    if (gsl_linalg_cholesky_decomp1(&m.matrix))
        return false;
    gsl_vector_view v = gsl_vector_view_array(b, TERMS);
    gsl_linalg_cholesky_svx(&m.matrix, &v.vector);
    gsl_linalg_cholesky_invert(&m.matrix);
    for (int i = 0; i < TERMS; i++) {
        s->coefficient[i] = b[i] * unit[i];
        for (int j = 0; j < TERMS; j++)
            s->covariance[i][j] = a[i * TERMS + j] * unit[i] * unit[j];
    }
    return true;
}

static double plane(const struct surface *s, const double row[TERMS])
{
    double z = s->origin[3];
    for (int i = 0; i < TERMS; i++)
        z += s->coefficient[i] * row[i];
    return z;
}

/* Scatter of the residuals, blended with the given sigma (worth ten contacts) while few are known. */
static double residual_scatter(const struct surface *s)
{
    double sum = 0;
    for (int k = 0; k < s->n; k++) {
        double row[TERMS];
        terms_at(s, s->contact[k].x, s->contact[k].y, s->contact[k].t, row);
        double r = s->contact[k].z - plane(s, row);
        sum += r * r;
    }
    double given = 10 * s->sigma_given * s->sigma_given;
    double scatter = sqrt((sum + given) / (s->n + 10));
    return s->n < 10 ? fmax(scatter, s->sigma_given) : scatter;
}

void surface_add(struct surface *s, double x, double y, double t, double z)
{
    if (s->n == 0) {
        const double first[TERMS] = {x, y, t, z};
        memcpy(s->origin, first, sizeof first);
    }
    s->contact[s->next] = (struct contact){x, y, t, z};
    s->next = (s->next + 1) % KEEP;
    s->n = s->n < KEEP ? s->n + 1 : KEEP;
    for (int pass = 0; pass < 3; pass++) { /* the scatter weighs the data, the data give the scatter */
        solve(s);
        s->scatter = fmax(residual_scatter(s), 1e-9);
    }
    solve(s);
}

int surface_count(const struct surface *s)
{
    return s->n;
}

double surface_scatter(const struct surface *s)
{
    return s->scatter;
}

bool surface_predict(const struct surface *s, double x, double y, double t, double *z, double *sigma)
{
    if (s->n < 3)
        return false;
    double row[TERMS];
    terms_at(s, x, y, t, row);
    double variance = s->scatter * s->scatter;
    for (int i = 0; i < TERMS; i++)
        for (int j = 0; j < TERMS; j++)
            variance += row[i] * s->covariance[i][j] * row[j];
    *z = plane(s, row);
    *sigma = sqrt(variance);
    return true;
}
