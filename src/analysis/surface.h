/* What the contacts so far say about the height of the sample: a plane that may drift in time, fitted by
 * least squares with weak prior knowledge of slope and drift, so that it also predicts (with an honest
 * uncertainty) beside a single row of points,
 *
 *   z(x, y, t) = c0 + c1 x + c2 y + c3 t
 *
 * and as much of the residuals of the nearest earlier contacts as has proved right so far: on a surface that
 * is rough on the scale of the pitch a contact says something of its neighbours, on a white one nothing.
 *
 * Prior: slopes N(given tilt, 0.02^2) (about 1 degree), drift N(0, (0.2 nm/s)^2). The scatter about the plane
 * starts at the protocol's `surface.sigma` (worth five contacts, and never less until ten are known) and is
 * then learnt. */
#ifndef SECCM_ANALYSIS_SURFACE_H
#define SECCM_ANALYSIS_SURFACE_H

#include <stdbool.h>

struct surface;

/* tilt: rise per metre along x and y expected beforehand; sigma: m. */
struct surface *surface_new(const double tilt[2], double sigma);
void surface_free(struct surface *s);
/* A contact at x, y (m) and time t (s) at height z (m). Only the newest 400 are kept; one of which
 * anything is not finite is not taken. */
void surface_add(struct surface *s, double x, double y, double t, double z);
int surface_count(const struct surface *s);
/* Predicted contact height (m) and its standard deviation for one more contact there (scatter included;
 * widened as long as the scatter itself is known from few contacts). Fewer than 3 contacts fix no plane: what
 * they say is carried on by the tilt expected beforehand, and by as much more uncertainty as it leaves. false
 * without any. */
bool surface_predict(const struct surface *s, double x, double y, double t, double *z, double *sigma);
/* Part of it that is the plane's own uncertainty there (m): the same for neighbouring sites, unlike the
 * scatter. */
double surface_plane_sigma(const struct surface *s, double x, double y, double t);
/* Scatter about the plane (m). */
double surface_scatter(const struct surface *s);

#endif
