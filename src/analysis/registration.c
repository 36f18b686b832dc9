/* Registration by least squares.
 *
 * In the plane the best similarity is a quotient of sums: with both sets of points centred and read as
 * complex numbers p and q, a = sum(conj(p) q) / sum(|p|^2) is scale and rotation in one, which is Umeyama's
 * solution without a singular value decomposition. A mirrored map is the same for conj(p). */
#include "analysis/registration.h"

#include <math.h>
#include <stdlib.h>

#include "base/buf.h"

/* Sums about the means. */
struct sums {
    double from[2], to[2]; /* means */
    double xx, xy, yy;     /* scatter of `from` */
    double xu, xv, yu, yv; /* with `to` = (u, v) */
};

int registration_needed(enum registration_kind kind)
{
    return kind == REGISTRATION_AFFINE ? 3 : 2;
}

static void add_means(int n, const double (*p)[2], double mean[2])
{
    mean[0] = mean[1] = 0;
    for (int i = 0; i < n; i++) {
        mean[0] += p[i][0] / n;
        mean[1] += p[i][1] / n;
    }
}

static struct sums sums_of(int n, const double (*from)[2], const double (*to)[2])
{
    struct sums s = {{0}};
    add_means(n, from, s.from);
    add_means(n, to, s.to);
    for (int i = 0; i < n; i++) {
        double x = from[i][0] - s.from[0], y = from[i][1] - s.from[1];
        double u = to[i][0] - s.to[0], v = to[i][1] - s.to[1];
        s.xx += x * x;
        s.xy += x * y;
        s.yy += y * y;
        s.xu += x * u;
        s.xv += x * v;
        s.yu += y * u;
        s.yv += y * v;
    }
    return s;
}

/* Points in one line: the smaller principal moment is nothing beside the larger one. */
static bool in_line(const struct sums *s)
{
    double trace = s->xx + s->yy;
    return s->xx * s->yy - s->xy * s->xy <= 1e-9 * trace * trace;
}

static void shift(struct registration *r, const struct sums *s)
{
    for (int k = 0; k < 2; k++)
        r->a[k][2] = s->to[k] - r->a[k][0] * s->from[0] - r->a[k][1] * s->from[1];
}

static void fit_similarity(const struct sums *s, bool mirrored, struct registration *r)
{
    double m = mirrored ? -1 : 1, moment = s->xx + s->yy;
    double c = (s->xu + m * s->yv) / moment, d = (s->xv - m * s->yu) / moment;
    r->a[0][0] = c;
    r->a[0][1] = -m * d;
    r->a[1][0] = d;
    r->a[1][1] = m * c;
    r->mirrored = mirrored;
    shift(r, s);
}

static void fit_affine(const struct sums *s, struct registration *r)
{
    double det = s->xx * s->yy - s->xy * s->xy;
    r->a[0][0] = (s->yy * s->xu - s->xy * s->yu) / det;
    r->a[0][1] = (s->xx * s->yu - s->xy * s->xu) / det;
    r->a[1][0] = (s->yy * s->xv - s->xy * s->yv) / det;
    r->a[1][1] = (s->xx * s->yv - s->xy * s->xv) / det;
    r->mirrored = r->a[0][0] * r->a[1][1] < r->a[0][1] * r->a[1][0];
    shift(r, s);
}

void registration_map(const struct registration *r, const double from[2], double to[2])
{
    double x = from[0], y = from[1];
    for (int k = 0; k < 2; k++)
        to[k] = r->a[k][0] * x + r->a[k][1] * y + r->a[k][2];
}

double registration_residual(const struct registration *r, const double from[2], const double to[2])
{
    double at[2];
    registration_map(r, from, at);
    return hypot(at[0] - to[0], at[1] - to[1]);
}

static double square_sum(const struct registration *r, int n, const double (*from)[2], const double (*to)[2])
{
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double length = registration_residual(r, from[i], to[i]);
        sum += length * length;
    }
    return sum;
}

static bool check_pairs(enum registration_kind kind, enum registration_mirror mirror, int n,
                        const double (*from)[2], const double (*to)[2], struct err *e)
{
    int needed = registration_needed(kind);
    if (n < needed)
        return err_set(e, ERR_INPUT, "%d fiducial%s: %s needs at least %d", n, n == 1 ? "" : "s",
                       kind == REGISTRATION_AFFINE ? "an affine map" : "a similarity", needed);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 2; k++)
            if (!isfinite(from[i][k]) || !isfinite(to[i][k]))
                return err_set(e, ERR_INPUT, "fiducial %d is not a number", i + 1);
    struct sums s = sums_of(n, from, to), t = sums_of(n, to, from);
    if (!(s.xx + s.yy > 0) || !(t.xx + t.yy > 0))
        return err_set(e, ERR_INPUT, "all fiducials are at one place");
    if (kind == REGISTRATION_AFFINE && (in_line(&s) || in_line(&t)))
        return err_set(e, ERR_INPUT, "the fiducials lie in one line: an affine map needs three that do not");
    if (kind == REGISTRATION_SIMILARITY && mirror == MIRROR_AUTO && (n < 3 || in_line(&s)))
        return err_set(e, ERR_INPUT,
                       "whether the image is mirrored can not be found from %s: it must be declared",
                       n < 3 ? "two fiducials" : "fiducials in one line");
    return true;
}

/* What follows from the matrix and the residuals. */
static void describe(struct registration *r, const struct sums *s, double squares)
{
    int parameters = r->kind == REGISTRATION_AFFINE ? 6 : 4, freedom = 2 * r->n - parameters;
    r->scale = sqrt(fabs(r->a[0][0] * r->a[1][1] - r->a[0][1] * r->a[1][0]));
    r->rotation = atan2(r->a[1][0], r->a[0][0]);
    r->rms = sqrt(squares / r->n);
    r->sigma = freedom > 0 ? sqrt(squares / freedom) : NAN;
    r->centre[0] = s->from[0];
    r->centre[1] = s->from[1];
    double det = s->xx * s->yy - s->xy * s->xy, moment = s->xx + s->yy;
    bool affine = r->kind == REGISTRATION_AFFINE;
    r->inverse[0] = affine ? s->yy / det : 1 / moment;
    r->inverse[1] = affine ? -s->xy / det : 0;
    r->inverse[2] = affine ? s->xx / det : 1 / moment;
}

bool registration_fit(enum registration_kind kind, enum registration_mirror mirror, int n,
                      const double (*from)[2], const double (*to)[2], struct registration *out, struct err *e)
{
    if (!check_pairs(kind, mirror, n, from, to, e))
        return false;
    struct registration r = {.kind = kind, .n = n};
    struct sums s = sums_of(n, from, to);
    if (kind == REGISTRATION_AFFINE) {
        fit_affine(&s, &r);
    } else {
        fit_similarity(&s, mirror == MIRROR_YES, &r);
        struct registration other = r;
        fit_similarity(&s, true, &other);
        if (mirror == MIRROR_AUTO && square_sum(&other, n, from, to) < square_sum(&r, n, from, to))
            r = other;
    }
    describe(&r, &s, square_sum(&r, n, from, to));
    *out = r;
    return true;
}

bool registration_leave_one_out(enum registration_kind kind, enum registration_mirror mirror, int n,
                                const double (*from)[2], const double (*to)[2], double *error, struct err *e)
{
    struct registration all, r;
    if (n <= registration_needed(kind))
        return err_set(e, ERR_INPUT, "%d fiducials: to leave one out takes at least %d", n,
                       registration_needed(kind) + 1);
    if (!registration_fit(kind, mirror, n, from, to, &all, e))
        return false;
    mirror = all.mirrored ? MIRROR_YES : MIRROR_NO; /* as all of them say */
    double *found = xcalloc((size_t)n, sizeof *found);
    double(*f)[2] = xcalloc((size_t)n, sizeof *f), (*t)[2] = xcalloc((size_t)n, sizeof *t);
    bool ok = true;
    for (int i = 0; i < n && ok; i++) {
        int m = 0;
        for (int k = 0; k < n; k++)
            for (int c = 0; c < 2 && k != i; c++) {
                f[m][c] = from[k][c];
                t[m][c] = to[k][c];
                m += c;
            }
        ok = registration_fit(kind, mirror, m, (const double(*)[2])f, (const double(*)[2])t, &r, e) ||
             err_context(e, "without fiducial %d", i + 1);
        found[i] = ok ? registration_residual(&r, from[i], to[i]) : NAN;
    }
    for (int i = 0; i < n && ok; i++)
        error[i] = found[i];
    free(found);
    free(f);
    free(t);
    return ok;
}

double registration_error(const struct registration *r, const double from[2])
{
    double x = from[0] - r->centre[0], y = from[1] - r->centre[1];
    double leverage = r->inverse[0] * x * x + 2 * r->inverse[1] * x * y + r->inverse[2] * y * y;
    return r->sigma * sqrt(2 * (1.0 / r->n + leverage));
}
