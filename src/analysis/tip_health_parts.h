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

/* Of which attempt a point of the charts is. */
struct tip_at {
    int site;
    int64_t attempt;
    double t_s;
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
