/* The health of the probe, told from what every landing shows before any technique begins: control charts of
 * the contact statistics, and one table that says which of them together mean a probe that is blocked,
 * broken, or wet outside.
 *
 * Everything here follows from the rows of the table `attempt` in their order: the same charts come out
 * during the run, when it is resumed, and when a file is looked at years later. */
#ifndef SECCM_ANALYSIS_TIP_HEALTH_H
#define SECCM_ANALYSIS_TIP_HEALTH_H

#include <stdbool.h>

#include "analysis/chart.h"
#include "base/buf.h"
#include "results/results.h"

/* What is charted: name, words, SI unit, on a logarithmic scale, least scale of a score (chart.h; of the
 * natural logarithm where that is charted), source.
 *
 * The least scales say what never matters: the current and the charge of a contact vary with the wetted area
 * from spot to spot, in air 1.5 % is what height above the sample and temperature do to the stray
 * capacitance, and 0.3 pS is 0.3 pA at 1 V. */
#define TIP_SERIES_TABLE(X)                                                                                  \
    X(AIR_NOISE, "air_noise", "noise in air", "A", true, 0.15)                                               \
    X(AIR_CAPACITANCE, "air_capacitance", "stray capacitance in air", "F", true, 0.015)                      \
    X(AIR_CONDUCTANCE, "air_conductance", "leak in air", "S", false, 3e-13)                                  \
    X(CONTACT_CURRENT, "contact_current", "contact current", "A", true, 0.2)                                 \
    X(CONTACT_CHARGE, "contact_charge", "contact charge", "C", true, 0.2)                                    \
    X(CONTACT_CAPACITANCE, "contact_capacitance", "contact capacitance", "F", true, 0.15)                    \
    X(CONTACT_TIME, "contact_time", "contact charge / current", "s", true, 0.15)                             \
    X(HEIGHT, "height", "height less the fitted surface, in sd", "1", false, 0.7)                            \
    X(BREAK, "break_distance", "break length", "m", true, 0.15)                                              \
    X(MISSES, "misses", "misses in a row, as evidence", "1", false, 0)

enum tip_series {
#define X(id, ...) TIP_##id,
    TIP_SERIES_TABLE(X)
#undef X
        TIP_SERIES
};

enum tip_verdict { TIP_FINE, TIP_BLOCKED, TIP_BROKEN, TIP_WETTING, TIP_VERDICTS };
/* "", tip-blocked, tip-broken, tip-wetting: as the classes of fault are called. */
const char *tip_verdict_name(enum tip_verdict v);

struct tip_health_settings {
    int baseline;   /* landings before a series is judged */
    double sigmas;  /* of the limits */
    double tilt[2]; /* rise per metre that is expected of the sample */
    double sigma;   /* m: scatter of heights that is expected */
};
#define TIP_BASELINE 12
#define TIP_SIGMAS   5.0
/* The same for a feature of the controls, of which there are few. */
#define TIP_CONTROL_BASELINE 5
/* Between the names of such features in the key control.accept of a results file's run table. */
#define TIP_SEPARATOR ';'
/* Defaults of the protocol's keys, for files that do not tell. */
void tip_health_defaults(struct tip_health_settings *s);

/* A change of the verdict. */
struct tip_news {
    enum tip_verdict verdict; /* FINE: what was wrong is no more */
    int site;
    int64_t attempt;
    int since_site; /* where the change began, as far as can be told: what was measured from there on is
                       suspect */
    int64_t since;  /* its attempt */
    double t_s;
    char
        text[400]; /* "tip-blocked: contact capacitance fell from 12.1 to 5.0 fF over 14 sites (limit 8.3)" */
};

struct tip_health;

struct tip_health *tip_health_new(const struct tip_health_settings *s);
void tip_health_free(struct tip_health *h);
/* Another probe: all charts begin anew. */
void tip_health_renew(struct tip_health *h);
/* A feature by which controls are accepted, of the attempt that is added next ("formation.q_red@1", SI unit).
 * Its chart is for people: the verdict on it is the interval of the protocol. */
void tip_health_feature(struct tip_health *h, const char *name, const char *unit, double value);
/* The outcome of an attempt; those that never were in air, or were cut short, tell nothing. region: "" or
 * NULL = none. True if the verdict has changed: *news (if not NULL). A verdict is told once, and again only
 * after the charts have been back inside. */
bool tip_health_add(struct tip_health *h, const struct results_attempt *a, const char *region, bool control,
                    struct tip_news *news);
/* A control now would tell whether it is the probe or the sample that has changed. */
bool tip_health_wants_control(const struct tip_health *h);
enum tip_verdict tip_health_verdict(const struct tip_health *h);
/* All changes so far, oldest first. */
const struct tip_news *tip_health_news(const struct tip_health *h, int *n);
int tip_health_attempts(const struct tip_health *h); /* charted */
const struct chart *tip_health_chart(const struct tip_health *h, enum tip_series s);

/* The charts of a results file, with the settings that its run had; events of kind `probe` renew them. Caller
 * frees. */
bool tip_health_read(struct results *file, struct tip_health **out, struct err *e);

/* One JSON object: verdict, changes, and of each series the newest `most` points with the lines of its chart.
 * SI units, named. */
void tip_health_json(const struct tip_health *h, int most, struct buf *out);

#endif
