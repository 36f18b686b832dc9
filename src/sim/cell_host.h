/* Reversible storage of lithium in or on the electrode: insertion into a host, or plating on a bare metal.
 *
 * Insertion: Langmuir isotherm with Butler-Volmer kinetics (Levi and Aurbach, Electrochim. Acta 1999, 45,
 * 167); with x the occupied part, eta = E - U(x), U(x) = U_half - slope (x - 1/2), f = F/RT:
 *
 *     Q dx/dt = j_0 [ (1 - x) exp(-f eta/2) - x exp(f eta/2) ]
 *
 * Plating: nuclei must form first; their coverage c grows with the overpotential and vanishes with the
 * deposit p, so that a constant current shows a dip (nucleation) and then a plateau:
 *
 *     dp/dt = j_0 c [ exp(-f E/2) - exp(f E/2) p/(p + p_0) ]
 *
 * What empties the host is solved implicitly, so that a step can not take out more than there is. */
#ifndef SECCM_SIM_CELL_HOST_H
#define SECCM_SIM_CELL_HOST_H

enum host_kind { HOST_NONE, HOST_INTERCALATION, HOST_PLATING };

struct host_law {
    int kind;               /* enum host_kind */
    double exchange;        /* A/m2 */
    double potential;       /* V versus Li/Li+: U_half (insertion) */
    double slope;           /* V from empty to full */
    double capacity;        /* C/m2 */
    double filling;         /* insertion: occupied part of a fresh host */
    double nucleation;      /* V below 0 at which nuclei form at the rate ... */
    double nucleation_rate; /* ... 1/s */
    double efficiency;      /* part of the plated charge that can be stripped again */
};

struct host {
    double stored; /* insertion: x; plating: strippable charge, C/m2 */
    double cover;  /* plating: coverage with nuclei */
    double area;   /* m2 for which `stored` holds */
};

struct host_step {
    double charge, slope; /* C, oxidation positive; d charge / d E >= 0 */
    double stored, cover;
};

/* The area grew: the fresh part is filled as the law says, and bare of plated metal. */
void host_wet(struct host *h, const struct host_law *law, double area);
void host_try(const struct host *h, const struct host_law *law, double potential, double dt,
              struct host_step *out);
void host_commit(struct host *h, const struct host_step *step);

#endif
