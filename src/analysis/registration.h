/* Registration: the map from one picture's coordinates to another's (image px -> stage m), fitted to pairs of
 * places that are the same in both (fiducials), and how far it can be trusted.
 *
 * Least squares of the distances in the target's coordinates. A similarity is rotation, one scale, shift and,
 * if so declared or found, a mirror (S. Umeyama, IEEE Trans. Pattern Anal. Mach. Intell. 13 (1991) 376); an
 * affine map also has shear and two scales. Units are the caller's: residuals and errors are in those of
 * `to`. */
#ifndef SECCM_ANALYSIS_REGISTRATION_H
#define SECCM_ANALYSIS_REGISTRATION_H

#include "base/err.h"

enum registration_kind { REGISTRATION_SIMILARITY, REGISTRATION_AFFINE };

/* Whether one picture is the mirror image of the other; AUTO takes what fits better and needs three fiducials
 * that are not in one line. An affine map finds it by itself. */
enum registration_mirror { MIRROR_NO, MIRROR_YES, MIRROR_AUTO };

struct registration {
    enum registration_kind kind;
    double a[2][3];  /* to_x = a00 x + a01 y + a02, to_y = a10 x + a11 y + a12 */
    double scale;    /* of lengths; affine: square root of the change of areas */
    double rotation; /* rad, counter-clockwise, of the x axis */
    bool mirrored;
    int n;
    double rms;   /* root mean square of the lengths of the residuals */
    double sigma; /* standard deviation per coordinate of a fiducial: sqrt(sum of squares / (2n -
                     parameters)); NAN without more fiducials than needed */
    double centre[2], inverse[3]; /* for registration_error(): mean of `from`, inverse scatter xx, xy, yy */
};

/* Fiducials needed: 2 for a similarity, 3 for an affine map. */
int registration_needed(enum registration_kind kind);
/* Fits n pairs. ERR_INPUT: too few, not finite, all in one place or (affine, AUTO) in one line. */
bool registration_fit(enum registration_kind kind, enum registration_mirror mirror, int n,
                      const double (*from)[2], const double (*to)[2], struct registration *out,
                      struct err *e);
void registration_map(const struct registration *r, const double from[2], double to[2]);
/* Length of the residual of a pair. */
double registration_residual(const struct registration *r, const double from[2], const double to[2]);
/* For each fiducial how far off it lies from the fit to all others: error[n]. Needs one fiducial more than
 * registration_needed(); ERR_INPUT otherwise, or where the others do not determine the map. */
bool registration_leave_one_out(enum registration_kind kind, enum registration_mirror mirror, int n,
                                const double (*from)[2], const double (*to)[2], double *error, struct err *e);
/* Predicted standard error (length, both coordinates) of the mapped place `from`: covariance of the least
 * squares fit, which for equal scatter of all fiducials is the expected target registration error of
 * Fitzpatrick, West and Maurer, IEEE Trans. Med. Imaging 17 (1998) 694. NAN where sigma is. */
double registration_error(const struct registration *r, const double from[2]);

#endif
