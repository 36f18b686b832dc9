/* The inside of the charts of the probe's health, shared by its files and by nobody else. */
#ifndef SECCM_ANALYSIS_TIP_HEALTH_PARTS_H
#define SECCM_ANALYSIS_TIP_HEALTH_PARTS_H

#include "analysis/misses.h"
#include "analysis/surface.h"
#include "analysis/tip_health.h"

struct tip_series_def {
    const char *name, *words, *unit;
    bool log;
    double least;
};
extern const struct tip_series_def tip_series_def[TIP_SERIES];

enum tip_way { TIP_UP = 1, TIP_DOWN = -1 };

struct tip_sign {
    enum tip_series series;
    enum tip_way way;
    double reach; /* of the chart's limit that must be passed */
    bool jump;    /* ... by each of the newest TIP_JUMP values themselves, not by their average */
};

/* One spot may be anything. */
#define TIP_JUMP 2
#define TIP_MUST 3
#define TIP_ALSO 5

/* All of `must`, at least one of `also` (if there are any), none of `not`. The first row that fits is the
 * verdict. Nothing of the technique is asked: what the levels of a factor do shows in none of these.
 *
 * A contact says three things of the opening: the charge that flows when the drop touches, the current in the
 * sample that latched, and the capacitance at rest; all follow the wetted area, so that one alone may be the
 * threshold, two agree. But all three follow the sample as well: such a row (`asks`) is asked of a control,
 * if there are controls, and without them the change has to be large. What is measured in air, and how long a
 * contact's charge takes, is of the probe and the rig only.
 */
struct tip_diagnosis {
    enum tip_verdict verdict;
    bool asks; /* the sample might feign it */
    struct tip_sign must[TIP_MUST];
    struct tip_sign also[TIP_ALSO];
    struct tip_sign not [1];
};
extern const struct tip_diagnosis tip_diagnosis[];
extern const int tip_diagnoses;

/* Of which attempt a point of the charts is. */
struct tip_at {
    int site;
    int64_t attempt;
    double t_s;
    bool control;
};

/* Newest ones that are kept. */
#define TIP_CONTROLS 16

struct tip_control {
    int at;       /* index among the attempts */
    double log_c; /* logarithm of the contact capacitance, NAN: no contact */
};

/* A feature that controls are accepted by: a chart to look at, no part of any verdict. */
struct tip_feature {
    char name[128], unit[16];
    struct chart *chart;
    double next; /* value of the next attempt, NAN = none */
};
#define TIP_FEATURES 16

struct tip_health {
    struct tip_health_settings settings;
    struct chart *chart[TIP_SERIES];
    struct surface *surface; /* of this probe's contacts */
    struct misses misses;
    char *region[CHART_GROUPS]; /* names of the charts' groups */
    int regions;
    struct tip_feature feature[TIP_FEATURES];
    int features;
    struct tip_at *at; /* n_at: one for each point of every chart */
    int n_at, cap_at;
    struct tip_control control[TIP_CONTROLS]; /* oldest first */
    int n_controls;
    bool wants_control;
    int asked_at; /* attempts when a row began to fit that controls are asked of; -1 = none does */
    enum tip_verdict verdict;
    struct tip_news *news;
    int n_news;
};

/* EWMA / limit, of the misses their sum / limit. */
double tip_reach(const struct tip_health *h, enum tip_series s);

#endif
