/* The probes of a run, first to last: which one made an attempt, how wide it is, and where its end is.
 *
 * x and y of sites and attempts are sample coordinates: those of the stage with the first probe. With another
 * probe the stage stands at sample coordinates + offset when its end is over the same spot. Heights are not
 * carried over: contact_z is the stage's with the probe of that attempt.
 *
 * The first probe is what the plan says (keys meta.probe, aperture, wetted, ...); the others are rows of the
 * table `run` with keys probe.N.id and so on (see probe_keys()), and rows of the view `probe`. */
#ifndef SECCM_RESULTS_PROBE_H
#define SECCM_RESULTS_PROBE_H

#include "results/amend.h"
#include "results/results.h"

#define PROBES_MAX 100

struct probe {
    int number; /* 1, 2, ... */
    char id[64];
    double aperture;                   /* m */
    double wetted, wetted_uncertainty; /* wetted diameter / aperture */
    double offset[2];                  /* m: stage = sample + offset */
    double fiducial[2];                /* m, stage: where the mark was found with it; NAN = was not */
    int64_t from_attempt;              /* first attempt that it may have made; 1 for the first probe */
    char utc[32];                      /* when it was told of, ISO 8601 */
    double simulated[3];               /* m: where a simulated probe's end truly is against the first's */
};

/* Number of probes, at least 1; out has room for PROBES_MAX. 0 on error (ERR_INPUT, ERR_IO). */
int probes_read(struct results *r, struct probe out[PROBES_MAX], struct err *e);
/* The one that made an attempt (or would make it). */
const struct probe *probe_of(const struct probe *list, int n, int64_t attempt);

/* Keys of a further probe for results_amend(). The texts are in `text`, which must live as long as they are
 * used. Returns their number. */
#define PROBE_KEYS 13
struct probe_text {
    char key[PROBE_KEYS][40], value[PROBE_KEYS][64];
};
int probe_keys(const struct probe *p, struct probe_text *text, struct results_key key[PROBE_KEYS]);

#endif
