/* Smooth random functions of position and of time.
 *
 * Lattice values are nearly normal numbers out of one hash each; between lattice points they are mixed with
 * smooth weights and divided by the root of the sum of the squared weights, so that the variance is 1
 * everywhere and not only at the lattice points. */
#include "sim/world_noise.h"

#include <math.h>

static const double SITE_LATTICE = 100e-9; /* m */

/* Sum of four uniforms of 16 bits (Irwin-Hall), standardised: |value| <= 2 sqrt 3. */
static double nearly_normal(uint64_t bits)
{
    double sum = 0;
    for (int i = 0; i < 4; i++)
        sum += (double)((bits >> (16 * i)) & 0xffff);
    return (sum / 65535.0 - 2.0) * 1.7320508075688772;
}

static double fade(double u)
{
    return u * u * u * (u * (u * 6 - 15) + 10);
}

static double plane_octave(struct rng r, double u, double v, uint64_t octave)
{
    double fu = floor(u), fv = floor(v);
    int64_t iu = (int64_t)fu, iv = (int64_t)fv;
    double a = fade(u - fu), b = fade(v - fv);
    double weight[4] = {(1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b};
    double sum = 0, squares = 0;
    for (int i = 0; i < 4; i++) {
        uint64_t bits = rng_u64(r, (uint64_t)(iu + (i & 1)), (uint64_t)(iv + (i >> 1)), octave);
        sum += weight[i] * nearly_normal(bits);
        squares += weight[i] * weight[i];
    }
    return sum / sqrt(squares);
}

double noise_plane(struct rng r, double u, double v)
{
    return plane_octave(r, u, v, 0);
}

double noise_fractal(struct rng r, double u, double v, int octaves)
{
    double sum = 0, squares = 0, height = 1;
    for (int i = 0; i < octaves; i++) {
        /* Each octave is shifted by an odd amount, so that no lattice point is one of all octaves. */
        sum += height * plane_octave(r, u + 0.37 * i, v + 0.73 * i, (uint64_t)i);
        squares += height * height;
        height *= 0.5;
        u *= 2;
        v *= 2;
    }
    return sum / sqrt(squares);
}

double noise_fractal_bound(int octaves)
{
    double sum = 0, squares = 0, height = 1;
    for (int i = 0; i < octaves; i++, height *= 0.5) {
        sum += height;
        squares += height * height;
    }
    /* Four equal weights of the largest lattice value give 2 x 2 sqrt 3. */
    return 4 * 1.7320508075688772 * sum / sqrt(squares);
}

double noise_wander(struct rng r, double t)
{
    static const double period[] = {14400, 3600, 1200,
                                    300}; /* s; heights go with the root, as in a random walk */
    double sum = 0, squares = 0;
    for (int i = 0; i < 4; i++) {
        double u = t / period[i] + 0.31 * i;
        double f = floor(u), a = fade(u - f), height = sqrt(period[i]);
        double left = nearly_normal(rng_u64(r, (uint64_t)(int64_t)f, 0, (uint64_t)i));
        double right = nearly_normal(rng_u64(r, (uint64_t)((int64_t)f + 1), 0, (uint64_t)i));
        sum += height * (left * (1 - a) + right * a) / sqrt(a * a + (1 - a) * (1 - a));
        squares += height * height;
    }
    return sum / sqrt(squares);
}

double noise_site(struct rng r, double x, double y, unsigned which)
{
    return rng_normal(r, (uint64_t)llround(x / SITE_LATTICE), (uint64_t)llround(y / SITE_LATTICE), which);
}

double noise_site_uniform(struct rng r, double x, double y, unsigned which)
{
    return rng_uniform(r, (uint64_t)llround(x / SITE_LATTICE), (uint64_t)llround(y / SITE_LATTICE), which);
}
