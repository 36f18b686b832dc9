/* A results file read for people: sites, factors, features and the frame, with the look-ups that tables and
 * the report share. A snapshot: it works beside a running run. */
#ifndef SECCM_OUTPUT_DATA_H
#define SECCM_OUTPUT_DATA_H

#include "analysis/registry.h"
#include "output/frame.h"
#include "results/probe.h"

#define DATA_FACTORS 8

/* Which sites are looked at. */
enum data_roles {
    DATA_SITES,    /* those that were to be measured, and spares */
    DATA_CONTROLS, /* spots for controls */
    DATA_ALL,
};

/* Where in the file's features those of one name are, in the file's order. */
struct data_group {
    const char *name;
    int *row; /* heap: indices */
    int n, cap;
};

struct data {
    struct results *r; /* owned */
    struct results_sites sites;
    struct results_factor factor[DATA_FACTORS + 1]; /* and the role or the region, if it was added */
    int n_factors;
    int controls, controls_used, controls_failed; /* spots of the file, whatever data_keep() left; visited
                                                     ones; those that were measured and not accepted */
    struct results_feature *feature;
    int n_features;
    struct data_group *group;
    int n_groups;
    struct frame frame;
    struct probe *probe; /* heap: n_probes, first to last */
    int n_probes;
};

/* Opens a file and reads it. Caller frees with data_close(). ERR_INPUT, ERR_IO. */
struct data *data_open(const char *path, struct err *e);
void data_close(struct data *d);

/* "measured", "control", "all"; ERR_USAGE names them. */
bool data_roles_parse(const char *word, enum data_roles *out, struct err *e);
/* Forgets all other sites, with their features. */
void data_keep(struct data *d, enum data_roles roles);
/* Adds the role of each site as if it were a factor; returns its index. */
int data_role_factor(struct data *d);
/* The same with the region that a site lies in; -1 if all lie in one. */
int data_region_factor(struct data *d);
/* The same with the probe that made the last attempt; -1 if there was only one. */
int data_probe_factor(struct data *d);
/* Name of the probe that made an attempt. */
const char *data_probe_of(const struct data *d, int64_t attempt);
/* Name of that of the last attempt at a site (index); "" if there was none. */
const char *data_probe(const struct data *d, int site);

/* Index into sites.site of a site's number, -1 if there is none. */
int data_site(const struct data *d, int number);
/* Index of a factor; ERR_USAGE names the ones there are. */
bool data_factor(const struct data *d, const char *name, int *out, struct err *e);
/* The level of a factor at a site (index) as written; "" where a spare was never used. */
const char *data_level(const struct data *d, int site, int factor);
double data_level_si(const struct data *d, int site, int factor);
/* true if all levels of the factor are numbers. */
bool data_is_numeric(const struct data *d, int factor);
/* Distinct levels of a factor in rising order (texts in order of appearance): indices of sites that have
 * them. Returns the number found; at most `max` are written. */
int data_levels(const struct data *d, int factor, int *site, int max);
bool data_same_level(const struct data *d, int a, int b, int factor);

/* "measured" ...; a site without outcome is "not-visited", or "in-progress" while its attempt is open. */
const char *data_outcome(const struct data *d, int site);
/* A feature row counts if it belongs to the last attempt of its site. */
bool data_is_current(const struct data *d, const struct results_feature *f);

/* Copies of the features with one of these names (NULL-terminated), name by name; caller frees. */
struct results_feature *data_features(const struct data *d, const char *const *names, int *n);

/* One feature over all sites. */
struct series {
    struct feature_ref ref;             /* step filled in where the feature belongs to one */
    const struct results_feature **row; /* n_sites, in visiting order; NULL = the file says nothing */
};
/* All (step, feature, cycle) that the file has, in the order of first appearance. Caller frees with
 * series_free_all(). */
struct series *data_series(const struct data *d, int *n);
void series_free_all(struct series *s, int n);

#endif
