/* Where the sites are: patterns, lists of points, points picked in an image, in one or several regions,
 * without what lies in exclusions or too near to places that were used before; and in which order they are
 * visited. Coordinates are the stage's x and y in metres, rounded to 1 pm before any decision, so that one
 * seed gives one layout everywhere. */
#ifndef SECCM_PROTOCOL_GRID_H
#define SECCM_PROTOCOL_GRID_H

#include "base/schema.h"

enum grid_shape {
    GRID_RECTANGLE,
    GRID_HEXAGON,
    GRID_LINE,
    GRID_RINGS,
    GRID_SPIRAL,
    GRID_RANDOM,
    GRID_POINTS
};
enum grid_order {
    ORDER_SERPENTINE,
    ORDER_RASTER,
    ORDER_SPIRAL,
    ORDER_NEAREST,
    ORDER_RANDOM,
    ORDER_BLOCKS,
    ORDER_GIVEN
};
enum grid_spares_at { SPARES_BEHIND, SPARES_SPREAD };
enum grid_visit { VISIT_REGIONS, VISIT_TOGETHER };

/* A listed point: from the file, from a CSV file or from an image; already in the stage's coordinates. */
struct grid_entry {
    double x, y; /* m */
    bool spare;
    const char *region; /* NULL = none given */
    struct mark mark;
};

/* Map from image to stage (see analysis/registration.h). */
struct grid_image {
    char *file;             /* for the record only */
    int fit;                /* enum registration_kind */
    int mirror;             /* enum registration_mirror */
    double tolerance;       /* m */
    struct items fiducials; /* struct grid_fiducial */
    double rms, worst;      /* m: residuals, largest leave-one-out error (NAN: no fiducial to spare) */
};
struct grid_fiducial {
    double image[2]; /* px */
    double stage[2]; /* m */
};

/* One pattern of sites. A grid without `regions` is one region without a name. */
struct grid_region {
    char *name; /* NULL = none */
    int shape;  /* enum grid_shape */
    int64_t nx, ny, count, rings;
    double width, height;      /* m: area of random sites */
    double pitch;              /* m; NAN: a list without */
    double origin_x, origin_y; /* m: first site, centre, or lower left corner */
    double rotation;           /* rad, counter-clockwise about the origin */
    int order;                 /* enum grid_order */
    int64_t tile_columns, tile_rows;
    int64_t spares;
    int spares_at; /* enum grid_spares_at */
    const struct ynode *points;
    char *file, *unit;
    struct grid_image image;
    /* derived */
    const struct ynode *node; /* this region's map */
    struct grid_entry *entry; /* listed points */
    int n_entries, first_entry;
    struct source *source; /* of `file` */
};

struct grid_exclusion {
    char *name;
    struct points polygon;    /* m */
    double centre[2], radius; /* m */
    double margin;            /* m */
};

/* Values that the user's own table gives for each point: columns of the CSV file beside x and y, or further
 * keys of points written as maps. A factor may take its value per site from one. */
struct grid_column {
    char name[32];     /* without its unit */
    char unit[16];     /* as in the header ("mV"), "" = none */
    int n;             /* entries: all listed points of the grid; plan_site.entry counts them from 0 */
    char **text;       /* n: as a quantity would be written ("50 mV"); NULL = no value for this point */
    struct mark *mark; /* n */
};

struct grid_tilt_point {
    double x, y, z; /* m */
};

struct grid {
    int64_t format, seed;
    bool has_seed;
    char *name;
    struct grid_region whole; /* a grid that is one pattern; defaults of `regions` */
    struct items regions;     /* struct grid_region */
    int visit;                /* enum grid_visit */
    struct items exclusions;  /* struct grid_exclusion */
    double tilt[2];           /* rise per m along x and y, if known beforehand */
    struct items tilt_points; /* struct grid_tilt_point */
    double tilt_rms;          /* m: residual of the plane through more than three points, NAN = none */
    /* derived */
    struct grid_region *region; /* n_regions: those of `regions`, or `whole` */
    int n_regions;
    struct grid_column *column;
    int n_columns, n_entries;
};

#define GRID_SITES_MAX 100000

extern const struct fields grid_fields;
const char *grid_shape_name(int shape);
const char *grid_order_name(int order);
/* Spares of a region whose file does not say: a tenth of a pattern, none of a list. */
int64_t grid_default_spares(int shape, int64_t sites);

/* Reads a grid's map, with the CSV files that it names (relative to the file in which the map stands); errors
 * go to `d`, NULL then. The tree must outlive the grid. Caller frees. */
struct grid *grid_read(const struct ynode *n, struct diags *d);
void grid_free(struct grid *g);
/* CSV files that were read, for provenance: at most `max` are written; returns how many there are. */
int grid_sources(const struct grid *g, const struct source **out, int max);
/* NULL if there is none of that name. */
const struct grid_column *grid_column_find(const struct grid *g, const char *name);
/* Value of listed point `entry` as a quantity of that dimension; errors name the column and what was found.
 */
bool grid_column_value(const struct grid_column *c, int entry, enum dim dim, double *si, struct err *e);

struct grid_point {
    double x, y; /* m */
    bool spare;
    int row, column;    /* within the region's pattern */
    int pattern;        /* index into grid.region */
    const char *region; /* name, "" = none; lives as long as the grid */
    int entry;          /* listed point, -1 = none */
};

enum grid_gone_why { GONE_EXCLUDED, GONE_USED };
struct grid_gone {
    double x, y;
    const char *region;
    enum grid_gone_why why;
};

/* A place that was used before and how near a new site may come to it, m. */
struct grid_spot {
    double x, y, distance;
};

struct grid_layout {
    struct grid_point *point; /* sites in visiting order, then spares */
    int n, n_sites;
    struct grid_gone *gone; /* places of the pattern that are left out, and why */
    int n_gone;
    int *hits; /* per exclusion: places that it kept free, drawn ones and spares included */
};

/* Places all sites. `seed` counts unless the grid has its own. Errors (random sites that do not fit, nothing
 * left, too many) go to `d`. Caller frees with grid_layout_free(). */
bool grid_place(const struct grid *g, uint64_t seed, const struct grid_spot *used, int n_used,
                struct grid_layout *out, struct diags *d);
void grid_layout_free(struct grid_layout *l);
/* Where to point at for a site: its listed point, or the key of its region, or the region. */
struct mark grid_mark(const struct grid *g, const struct grid_point *p, const char *key);
/* All points of a grid with seed 1 and nothing used before, spares behind; 0 if they can not be placed.
 * Returns the count; *out is the caller's to free. */
int grid_points(const struct grid *g, struct grid_point **out);

#endif
