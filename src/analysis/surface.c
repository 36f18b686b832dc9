/* Surface prediction from contacts: Bayesian linear regression with four coefficients, and its residuals. */
#include "analysis/surface.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_errno.h>
#include <gsl/gsl_linalg.h>

#include "base/buf.h"

#define KEEP         400
#define TERMS        4
#define SLOPE_PRIOR  0.02   /* m/m */
#define DRIFT_PRIOR  0.2e-9 /* m/s */
#define OFFSET_PRIOR 1e-2   /* m: as good as unknown */
#define GIVEN_WORTH  5      /* contacts that the given sigma is worth */
#define TRUST_FROM   10     /* contacts from which on the scatter may fall below the given sigma */

/* Neighbours: this many, weighted by the inverse square of their distance, ... */
#define NEIGHBOURS 4
/* ... doubted as if this many contacts had shown no likeness at all, ... */
#define DOUBT 8
/* ... and not used where the nearest is further away than usual by this factor. */
#define FAR 1.5

/* Contacts further off the plane than this many times the scatter count less, and tell their neighbours no
 * more than it. */
#define OUTLIER 2.5

struct contact {
    double x, y, t, z;
    long near[NEIGHBOURS]; /* serial numbers of the nearest ones before it, -1 = none */
    double distance[NEIGHBOURS];
    double weight; /* below 1 for a contact that lies far off: on a particle, in a pit */
};

struct surface {
    double tilt[2], sigma_given;
    struct contact contact[KEEP]; /* serial number modulo KEEP */
    long total;
    double scatter;       /* m, about the plane */
    double freedom;       /* degrees of freedom in it */
    double likeness;      /* part of the neighbours' residual that is expected here */
    double local_scatter; /* m, about plane and neighbours */
    double usual;         /* m, usual distance to the nearest */
    double origin[TERMS]; /* x, y, t, z of the first contact: keeps the numbers small */
    double coefficient[TERMS];
    double covariance[TERMS][TERMS]; /* of the coefficients, scatter already in it */
};

struct surface *surface_new(const double tilt[2], double sigma)
{
    struct surface *s = xcalloc(1, sizeof *s);
    memcpy(s->tilt, tilt, sizeof s->tilt);
    s->sigma_given = sigma;
    s->scatter = s->local_scatter = sigma;
    gsl_set_error_handler_off();
    return s;
}

void surface_free(struct surface *s)
{
    free(s);
}

static long oldest(const struct surface *s)
{
    return s->total > KEEP ? s->total - KEEP : 0;
}

static const struct contact *contact_at(const struct surface *s, long serial)
{
    return &s->contact[serial % KEEP];
}

static void terms_at(const struct surface *s, double x, double y, double t, double row[TERMS])
{
    row[0] = 1;
    row[1] = x - s->origin[0];
    row[2] = y - s->origin[1];
    row[3] = t - s->origin[2];
}

/* Normal equations (X'X / scatter^2 + P) c = X'z / scatter^2 + P prior, in units scaled by the priors so that
 * the matrix is well conditioned whatever the lengths. */
static bool solve(struct surface *s)
{
    static const double unit[TERMS] = {OFFSET_PRIOR, SLOPE_PRIOR, SLOPE_PRIOR, DRIFT_PRIOR};
    const double prior[TERMS] = {0, s->tilt[0], s->tilt[1], 0};
    double a[TERMS * TERMS] = {0}, b[TERMS] = {0};
    double precision = 1 / (s->scatter * s->scatter);
    for (long k = oldest(s); k < s->total; k++) {
        const struct contact *c = contact_at(s, k);
        double row[TERMS], weight = c->weight * precision;
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

/* Variance of the plane itself, m^2. */
static double plane_variance(const struct surface *s, const double row[TERMS])
{
    double variance = 0;
    for (int i = 0; i < TERMS; i++)
        for (int j = 0; j < TERMS; j++)
            variance += row[i] * s->covariance[i][j] * row[j];
    return variance;
}

static double residual(const struct surface *s, const struct contact *c)
{
    double row[TERMS], most = OUTLIER * s->scatter;
    terms_at(s, c->x, c->y, c->t, row);
    return fmin(fmax(c->z - plane(s, row), -most), most);
}

/* Scatter of the residuals: what the fit itself has used up (the leverages) is no freedom of theirs. */
static void learn_scatter(struct surface *s)
{
    double sum = 0, used = 0, counted = 0;
    for (long k = oldest(s); k < s->total; k++) {
        struct contact *c = &s->contact[k % KEEP];
        double row[TERMS];
        terms_at(s, c->x, c->y, c->t, row);
        double r = c->z - plane(s, row), off = fabs(r) / (OUTLIER * s->scatter);
        c->weight = off > 1 ? 1 / (off * off) : 1;
        sum += c->weight * r * r;
        counted += c->weight;
        used += c->weight * plane_variance(s, row) / (s->scatter * s->scatter);
    }
    s->freedom = GIVEN_WORTH + fmax(counted - used, 0);
    s->scatter = sqrt((sum + GIVEN_WORTH * s->sigma_given * s->sigma_given) / s->freedom);
    if (s->total < TRUST_FROM)
        s->scatter = fmax(s->scatter, s->sigma_given);
    s->scatter = fmax(s->scatter, 1e-9);
}

/* --- neighbours ---------------------------------------------------------------------------------------- */

/* The nearest contacts to x, y with serial numbers below `before`, nearest first. */
static void find_near(const struct surface *s, double x, double y, long before, long near[NEIGHBOURS],
                      double distance[NEIGHBOURS])
{
    for (int j = 0; j < NEIGHBOURS; j++) {
        near[j] = -1;
        distance[j] = INFINITY;
    }
    for (long k = oldest(s); k < before; k++) {
        double d = hypot(contact_at(s, k)->x - x, contact_at(s, k)->y - y);
        int j = NEIGHBOURS;
        for (; j > 0 && d < distance[j - 1]; j--)
            if (j < NEIGHBOURS) {
                near[j] = near[j - 1];
                distance[j] = distance[j - 1];
            }
        if (j < NEIGHBOURS) {
            near[j] = k;
            distance[j] = d;
        }
    }
}

/* Weighted mean residual of neighbours; 0 where none is near enough to tell anything. */
static double neighbours_say(const struct surface *s, const long near[NEIGHBOURS],
                             const double distance[NEIGHBOURS])
{
    double sum = 0, weights = 0;
    for (int j = 0; j < NEIGHBOURS; j++) {
        if (near[j] < oldest(s) || distance[j] > FAR * s->usual)
            continue;
        double weight = 1 / (distance[j] * distance[j] + 1e-4 * s->usual * s->usual);
        sum += weight * residual(s, contact_at(s, near[j]));
        weights += weight;
    }
    return weights > 0 ? sum / weights : 0;
}

/* How much of what its neighbours before it said was found at each contact. */
static void learn_likeness(struct surface *s)
{
    double mm = DOUBT * s->scatter * s->scatter, mr = 0, rr = 0;
    long n = 0;
    s->usual = 0;
    for (long k = oldest(s); k < s->total; k++)
        if (isfinite(contact_at(s, k)->distance[0])) {
            s->usual += contact_at(s, k)->distance[0];
            n++;
        }
    s->usual /= n ? (double)n : 1;
    for (long k = oldest(s); k < s->total; k++) {
        const struct contact *c = contact_at(s, k);
        double m = neighbours_say(s, c->near, c->distance), r = residual(s, c);
        mm += m * m;
        mr += m * r;
        rr += r * r;
    }
    s->likeness = fmin(fmax(mr / mm, 0), 1);
    double b = s->likeness, gained = 2 * b * mr - b * b * (mm - DOUBT * s->scatter * s->scatter);
    s->local_scatter = rr > 0 ? s->scatter * sqrt(fmax(1 - gained / rr, 0.01)) : s->scatter;
}

void surface_add(struct surface *s, double x, double y, double t, double z)
{
    if (!isfinite(x) || !isfinite(y) || !isfinite(t) || !isfinite(z))
        return;
    if (s->total == 0) {
        const double first[TERMS] = {x, y, t, z};
        memcpy(s->origin, first, sizeof first);
    }
    struct contact c = {.x = x, .y = y, .t = t, .z = z, .weight = 1};
    find_near(s, x, y, s->total, c.near, c.distance);
    s->contact[s->total++ % KEEP] = c;
    for (int pass = 0; pass < 3; pass++) { /* the scatter weighs the data, the data give the scatter */
        solve(s);
        learn_scatter(s);
    }
    solve(s);
    learn_likeness(s);
}

int surface_count(const struct surface *s)
{
    return (int)(s->total - oldest(s));
}

double surface_scatter(const struct surface *s)
{
    return s->scatter;
}

bool surface_predict(const struct surface *s, double x, double y, double t, double *z, double *sigma)
{
    if (s->total < 1)
        return false;
    double row[TERMS], distance[NEIGHBOURS];
    long near[NEIGHBOURS];
    terms_at(s, x, y, t, row);
    find_near(s, x, y, s->total, near, distance);
    bool close = s->likeness > 0 && distance[0] <= FAR * s->usual;
    double scatter = close ? s->local_scatter : s->scatter;
    /* Student's t has wider shoulders than the normal distribution. */
    double known = s->freedom / (s->freedom - 2);
    *z = plane(s, row) + (close ? s->likeness * neighbours_say(s, near, distance) : 0);
    *sigma = sqrt(known * scatter * scatter + plane_variance(s, row));
    return true;
}

double surface_plane_sigma(const struct surface *s, double x, double y, double t)
{
    double row[TERMS];
    terms_at(s, x, y, t, row);
    return sqrt(plane_variance(s, row));
}
