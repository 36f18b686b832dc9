/* The SEI film below the drop, in rings: each ring of the surface has its own age, because the drop grows.
 *
 * Per area, with q the charge of the dense film and h that of the layer which goes on thickening (C/m2, both
 * counted positive), E the potential of the sample versus Li/Li+:
 *
 *     dq/dt = j_on exp((E_on - E)/b) exp(-q/lambda) (1 - q/q_sat)
 *     dh/dt = j_res min(E_on - E, 0.5 V) (q/q_sat) / (1 + h/h_0)
 *
 * The dense film blocks its own growth and comes to an end; through it the other goes on growing, in the long
 * run with the root of time. Where the sample says so, a part of the dense film dissolves at high potentials.
 * For a fixed rate the first line without its last factor is solved exactly by u = exp(q/lambda), du/dt
 * constant, which is what a step uses: so steps may be long and the Tafel law stiff.
 * The law knows nothing of the cut-off nor of the wetted area. */
#ifndef SECCM_SIM_CELL_FILM_H
#define SECCM_SIM_CELL_FILM_H

enum { FILM_RINGS = 32 };

/* SI: A/m2, C/m2, V, 1/s. */
struct film_law {
    double onset, onset_current, tafel; /* E_on; j_on; b in V per factor e */
    double saturation, blocking;        /* q_sat; lambda */
    double residual, residual_scale;    /* j_res, A/m2 per V; h_0 */
    double dissolve_rate;               /* of the soluble part, reached 0.5 V above ... */
    double dissolve_above;              /* ... this potential */
    double soluble;                     /* part of what is formed that can dissolve */
    double recovered;                   /* part of the dissolving charge that flows back as oxidation */
};

struct film_ring {
    double outer;   /* m2, area inside the outer edge */
    double charge;  /* q, mean over the ring */
    double soluble; /* part of q that can dissolve, C/m2 */
    double thick;   /* h */
    double unblock; /* exp(q/lambda), kept so that a step needs no exponential per ring */
};

struct film {
    int n;
    double wetted; /* m2 */
    struct film_ring ring[FILM_RINGS];
};

/* What a step would do; made by film_try(), done by film_commit(). */
struct film_step {
    double charge;                                                      /* C, oxidation positive */
    double slope;                                                       /* d charge / d E, >= 0 */
    double grow[FILM_RINGS], thicken[FILM_RINGS], dissolve[FILM_RINGS]; /* C/m2 of the ring's wetted part */
};

/* The wetted area is now `area` (m2; never shrinks while attached; a fresh film is a zeroed struct). What was
 * not wetted before is fresh: a new ring, or thinned exactly into the outermost ring while that is still
 * narrow. */
void film_wet(struct film *f, const struct film_law *law, double area);
/* A later drop on the same spot: the old rings stay, the wetted area starts again at `area`. */
void film_rewet(struct film *f, const struct film_law *law, double area);
void film_try(const struct film *f, const struct film_law *law, double potential, double dt,
              struct film_step *out);
void film_commit(struct film *f, const struct film_law *law, const struct film_step *step);
/* Charge of the whole film, C (positive). */
double film_charge(const struct film *f);

#endif
