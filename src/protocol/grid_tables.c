/* What a grid file may hold: the tables that the parser, its messages, the help and the JSON Schema share.
 *
 * The keys of a pattern stand at the top of a grid with one pattern and in each item of `regions`; one macro
 * lists them for both, so that they can not differ. */
#include <string.h>

#include "protocol/grid_parts.h"

#define NUMBER(dim_, at_) FIELD_QUANTITY, DIM_##dim_, at_

static const char *const shapes[] = {"rectangle", "hexagon", "line",   "rings",
                                     "spiral",    "random",  "points", NULL};
static const char *const orders[] = {"serpentine", "raster", "spiral", "nearest",
                                     "random",     "blocks", "given",  NULL};
static const char *const spares_at[] = {"behind", "spread", NULL};
static const char *const visits[] = {"by-region", "together", NULL};
static const char *const fits[] = {"similarity", "affine", NULL}; /* enum registration_kind */
static const char *const mirrors[] = {"no", "yes", "auto", NULL}; /* enum registration_mirror */

const char *grid_shape_name(int shape)
{
    return shapes[shape];
}

const char *grid_order_name(int order)
{
    return orders[order];
}

/* --- image -------------------------------------------------------------------------------------------- */

#define F(member) offsetof(struct grid_fiducial, member)
static const struct field fiducial_table[] = {
    {"image", FIELD_POINT, DIM_NONE, F(image), true, NULL, -1e6, 1e6, NULL, NULL,
     "place in the image as [x, y], in pixels or whatever the points are in"},
    {"stage", FIELD_POINT, DIM_LENGTH, F(stage), true, NULL, -1, 1, NULL, NULL,
     "the same place in the stage's coordinates as [x, y]"},
};
static const struct fields fiducial_fields = FIELDS_OF("a fiducial", fiducial_table, struct grid_fiducial);

#define IMAGE_TABLE(name_, at_)                                                                              \
    static const struct field name_##_table[] = {                                                            \
        {"file", FIELD_STRING, DIM_NONE, at_(image.file), false, NULL, 0, 0, NULL, NULL,                     \
         "name of the image, for the record"},                                                               \
        {"fit", FIELD_CHOICE, DIM_NONE, at_(image.fit), false, "similarity", 0, 0, fits, NULL,               \
         "similarity (turn, scale, shift; two fiducials) or affine (shear as well; three fiducials)"},       \
        {"mirror", FIELD_CHOICE, DIM_NONE, at_(image.mirror), false, "auto", 0, 0, mirrors, NULL,            \
         "whether the image is mirrored against the stage; yes for an upright picture whose rows count "     \
         "downward while y counts upward"},                                                                  \
        {"tolerance", NUMBER(LENGTH, at_(image.tolerance)), false, "1 um", 1e-9, 1e-3, NULL, NULL,           \
         "largest residual of the fit (root mean square) that is accepted"},                                 \
        {"fiducials", FIELD_LIST, DIM_NONE, at_(image.fiducials), true, NULL, 0, 0, NULL, &fiducial_fields,  \
         "places that were found both in the image and on the stage"},                                       \
    };                                                                                                       \
    static const struct fields name_##_fields = FIELDS("`image`", name_##_table)

/* --- patterns ----------------------------------------------------------------------------------------- */

#define ORIGIN_TABLE(name_, at_)                                                                             \
    static const struct field name_##_table[] = {                                                            \
        {"x", NUMBER(LENGTH, at_(origin_x)), true, NULL, -1, 1, NULL, NULL,                                  \
         "x of the origin, in the stage's coordinates"},                                                     \
        {"y", NUMBER(LENGTH, at_(origin_y)), true, NULL, -1, 1, NULL, NULL,                                  \
         "y of the origin, in the stage's coordinates"},                                                     \
    };                                                                                                       \
    static const struct fields name_##_fields = FIELDS("the grid's origin", name_##_table)

#define TILE_TABLE(name_, at_)                                                                               \
    static const struct field name_##_table[] = {                                                            \
        {"columns", FIELD_INT, DIM_NONE, at_(tile_columns), false, "3", 1, 1000, NULL, NULL,                 \
         "width of a tile in pitches"},                                                                      \
        {"rows", FIELD_INT, DIM_NONE, at_(tile_rows), false, "3", 1, 1000, NULL, NULL,                       \
         "height of a tile in pitches"},                                                                     \
    };                                                                                                       \
    static const struct fields name_##_fields = FIELDS("`tile`", name_##_table)

/* Only for help and schema: points are read by a parser of their own, which must be fast. */
struct point_help {
    double x, y;
    char *region;
    bool spare;
};
static const struct field point_table[] = {
    {"x", NUMBER(LENGTH, offsetof(struct point_help, x)), true, NULL, -1, 1, NULL, NULL,
     "x of the point; a plain number is in `unit`, or in pixels of `image`"},
    {"y", NUMBER(LENGTH, offsetof(struct point_help, y)), true, NULL, -1, 1, NULL, NULL,
     "y of the point; a plain number is in `unit`, or in pixels of `image`"},
    {"region", FIELD_STRING, DIM_NONE, offsetof(struct point_help, region), false, NULL, 0, 0, NULL, NULL,
     "name of the part of the sample that this point belongs to"},
    {"spare", FIELD_BOOL, DIM_NONE, offsetof(struct point_help, spare), false, "no", 0, 0, NULL, NULL,
     "yes: used only in place of a site where something went wrong"},
};
static const struct fields point_fields = FIELDS("a point", point_table);

#define PATTERN(at_, origin_, tile_, image_)                                                                 \
    {"columns",                                                                                              \
     FIELD_INT,                                                                                              \
     DIM_NONE,                                                                                               \
     at_(nx),                                                                                                \
     false,                                                                                                  \
     NULL,                                                                                                   \
     1,                                                                                                      \
     GRID_SITES_MAX,                                                                                         \
     NULL,                                                                                                   \
     NULL,                                                                                                   \
     "sites per row (rectangle, hexagon)"},                                                                  \
        {"rows",                                                                                             \
         FIELD_INT,                                                                                          \
         DIM_NONE,                                                                                           \
         at_(ny),                                                                                            \
         false,                                                                                              \
         NULL,                                                                                               \
         1,                                                                                                  \
         GRID_SITES_MAX,                                                                                     \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "number of rows (rectangle, hexagon)"},                                                             \
        {"count",                                                                                            \
         FIELD_INT,                                                                                          \
         DIM_NONE,                                                                                           \
         at_(count),                                                                                         \
         false,                                                                                              \
         NULL,                                                                                               \
         1,                                                                                                  \
         GRID_SITES_MAX,                                                                                     \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "number of sites (line, spiral, random)"},                                                          \
        {"rings",                                                                                            \
         FIELD_INT,                                                                                          \
         DIM_NONE,                                                                                           \
         at_(rings),                                                                                         \
         false,                                                                                              \
         NULL,                                                                                               \
         1,                                                                                                  \
         180,                                                                                                \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "number of rings about the site in the middle; ring k has 6 k sites (rings)"},                      \
        {"width",                                                                                            \
         NUMBER(LENGTH, at_(width)),                                                                         \
         false,                                                                                              \
         NULL,                                                                                               \
         10e-9,                                                                                              \
         1,                                                                                                  \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "extent of the area along its x axis (random)"},                                                    \
        {"height",                                                                                           \
         NUMBER(LENGTH, at_(height)),                                                                        \
         false,                                                                                              \
         NULL,                                                                                               \
         10e-9,                                                                                              \
         1,                                                                                                  \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "extent of the area along its y axis (random)"},                                                    \
        {"pitch",                                                                                            \
         NUMBER(LENGTH, at_(pitch)),                                                                         \
         false,                                                                                              \
         NULL,                                                                                               \
         10e-9,                                                                                              \
         10e-3,                                                                                              \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "distance between neighbouring sites; the least distance (random); height of the rows in which a "  \
         "list is ordered (points)"},                                                                        \
        {"origin",                                                                                           \
         FIELD_MAP,                                                                                          \
         DIM_NONE,                                                                                           \
         0,                                                                                                  \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL,                                                                                               \
         &origin_,                                                                                           \
         "where the first site is (rectangle, hexagon, line), the middle (rings, spiral), the lower left "   \
         "corner (random), or what the points count from (points)"},                                         \
        {"rotation",                                                                                         \
         NUMBER(ANGLE, at_(rotation)),                                                                       \
         false,                                                                                              \
         "0 deg",                                                                                            \
         -6.2832,                                                                                            \
         6.2832,                                                                                             \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "turns the pattern about its origin, counter-clockwise"},                                           \
        {"points",                                                                                           \
         FIELD_NODE,                                                                                         \
         DIM_LENGTH,                                                                                         \
         at_(points),                                                                                        \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL,                                                                                               \
         &point_fields,                                                                                      \
         "list of places, each [x, y] or a map whose further keys are values of that point (points)",        \
         NODE_POINTS},                                                                                       \
        {"file",                                                                                             \
         FIELD_STRING,                                                                                       \
         DIM_NONE,                                                                                           \
         at_(file),                                                                                          \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "CSV file of places with units in the header, for example x_um,y_um; further columns are values "   \
         "of each point (points)"},                                                                          \
        {"unit",                                                                                             \
         FIELD_STRING,                                                                                       \
         DIM_NONE,                                                                                           \
         at_(unit),                                                                                          \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "unit of lengths in the list that have none of their own, for example um (points)"},                \
        {"image",                                                                                            \
         FIELD_MAP,                                                                                          \
         DIM_NONE,                                                                                           \
         0,                                                                                                  \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL,                                                                                               \
         &image_,                                                                                            \
         "the points are places in an image: how it lies on the stage (points)"},                            \
        {"order",                                                                                            \
         FIELD_CHOICE,                                                                                       \
         DIM_NONE,                                                                                           \
         at_(order),                                                                                         \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         orders,                                                                                             \
         NULL,                                                                                               \
         "order of visits; serpentine (rectangle, hexagon), nearest (random), given (others) if left out"},  \
        {"tile",                                                                                             \
         FIELD_MAP,                                                                                          \
         DIM_NONE,                                                                                           \
         0,                                                                                                  \
         false,                                                                                              \
         NULL,                                                                                               \
         0,                                                                                                  \
         0,                                                                                                  \
         NULL,                                                                                               \
         &tile_,                                                                                             \
         "size of the tiles that are visited one after another in the order blocks"},                        \
        {"spares",                                                                                           \
         FIELD_INT,                                                                                          \
         DIM_NONE,                                                                                           \
         at_(spares),                                                                                        \
         false,                                                                                              \
         "0",                                                                                                \
         0,                                                                                                  \
         GRID_SITES_MAX,                                                                                     \
         NULL,                                                                                               \
         NULL,                                                                                               \
         "extra sites that replace failed ones; a tenth of the sites of a pattern, none of a list if left "  \
         "out"},                                                                                             \
    {                                                                                                        \
        "spares-at", FIELD_CHOICE, DIM_NONE, at_(spares_at), false, "behind", 0, 0, spares_at, NULL,         \
            "behind the last site in the same pattern, or spread evenly over the pattern"                    \
    }

/* --- which keys a shape uses --------------------------------------------------------------------------- */

#define B(shape_) (1u << GRID_##shape_)
#define LATTICE   (B(RECTANGLE) | B(HEXAGON))
#define PATTERNS  (LATTICE | B(LINE) | B(RINGS) | B(SPIRAL) | B(RANDOM))
#define SHAPES    (PATTERNS | B(POINTS))
static const struct field_use uses[] = {
    {"columns", LATTICE, LATTICE},
    {"rows", LATTICE, LATTICE},
    {"count", B(LINE) | B(SPIRAL) | B(RANDOM), B(LINE) | B(SPIRAL) | B(RANDOM)},
    {"rings", B(RINGS), B(RINGS)},
    {"width", B(RANDOM), B(RANDOM)},
    {"height", B(RANDOM), B(RANDOM)},
    {"pitch", PATTERNS, PATTERNS | B(POINTS)},
    {"origin", PATTERNS, PATTERNS | B(POINTS)},
    {"rotation", 0, SHAPES},
    {"points", 0, B(POINTS)},
    {"file", 0, B(POINTS)},
    {"unit", 0, B(POINTS)},
    {"image", 0, B(POINTS)},
    {"spares", 0, SHAPES},
    {"spares-at", 0, SHAPES},
    /* of the whole grid only */
    {"regions", USE_ABSENT, USE_ABSENT},
    {"visit", 0, USE_ABSENT},
};
#define GRID_USES   (int)(sizeof uses / sizeof uses[0])
#define REGION_USES (GRID_USES - 2)

#define R(member) offsetof(struct grid_region, member)
ORIGIN_TABLE(region_origin, R);
TILE_TABLE(region_tile, R);
IMAGE_TABLE(region_image, R);
static const struct field region_table[] = {
    {"name", FIELD_STRING, DIM_NONE, R(name), true, NULL, 0, 0, NULL, NULL, "what to call this region"},
    {"shape", FIELD_CHOICE, DIM_NONE, R(shape), true, NULL, 0, 0, shapes, NULL,
     "pattern of the sites; a hexagon has equal distances to all six neighbours"},
    PATTERN(R, region_origin_fields, region_tile_fields, region_image_fields),
};
static const struct fields region_fields = {
    .what = "the region",
    .field = region_table,
    .n = (int)(sizeof region_table / sizeof region_table[0]),
    .size = sizeof(struct grid_region),
    .selector = "shape",
    .use = uses,
    .n_use = REGION_USES,
};

/* --- the grid ----------------------------------------------------------------------------------------- */

#define X(member) offsetof(struct grid_exclusion, member)
static const struct field exclusion_table[] = {
    {"name", FIELD_STRING, DIM_NONE, X(name), false, NULL, 0, 0, NULL, NULL, "what is there"},
    {"polygon", FIELD_POINTS, DIM_LENGTH, X(polygon), false, NULL, -1, 1, NULL, NULL,
     "corners [x, y] around what is left out, in the stage's coordinates"},
    {"center", FIELD_POINT, DIM_LENGTH, X(centre), false, NULL, -1, 1, NULL, NULL,
     "middle [x, y] of a circle that is left out"},
    {"radius", NUMBER(LENGTH, X(radius)), false, NULL, 1e-9, 1, NULL, NULL, "radius of that circle"},
    {"margin", NUMBER(LENGTH, X(margin)), false, "0 m", 0, 1e-2, NULL, NULL,
     "sites must also stay this far away from the polygon or circle"},
};
static const char *const exclusion_either[] = {"polygon", "center", NULL};
static const struct fields exclusion_fields = {
    .what = "an exclusion",
    .field = exclusion_table,
    .n = (int)(sizeof exclusion_table / sizeof exclusion_table[0]),
    .size = sizeof(struct grid_exclusion),
    .any_of = exclusion_either,
};

#define T(member) offsetof(struct grid_tilt_point, member)
static const struct field tilt_point_table[] = {
    {"x", NUMBER(LENGTH, T(x)), true, NULL, -1, 1, NULL, NULL, "x in the stage's coordinates"},
    {"y", NUMBER(LENGTH, T(y)), true, NULL, -1, 1, NULL, NULL, "y in the stage's coordinates"},
    {"z", NUMBER(LENGTH, T(z)), true, NULL, -1, 1, NULL, NULL, "height of the sample there"},
};
static const struct fields tilt_point_fields =
    FIELDS_OF("a point of the tilt", tilt_point_table, struct grid_tilt_point);

#define G(member) offsetof(struct grid, member)
static const struct field tilt_table[] = {
    {"x", NUMBER(NONE, G(tilt[0])), false, "0", -0.5, 0.5, NULL, NULL,
     "rise of the sample per length along x"},
    {"y", NUMBER(NONE, G(tilt[1])), false, "0", -0.5, 0.5, NULL, NULL,
     "rise of the sample per length along y"},
    {"points", FIELD_LIST, DIM_NONE, G(tilt_points), false, NULL, 0, 0, NULL, &tilt_point_fields,
     "three or more places where the height is known, instead of x and y: the plane through them"},
};
static const struct fields tilt_fields = FIELDS("the grid's tilt", tilt_table);

#define W(member) offsetof(struct grid, whole.member)
ORIGIN_TABLE(whole_origin, W);
TILE_TABLE(whole_tile, W);
IMAGE_TABLE(whole_image, W);
static const struct field grid_table[] = {
    {"grid", FIELD_FORMAT, DIM_NONE, G(format), false, "1", 1, 1, NULL, NULL,
     "format of the file; this version reads 1"},
    {"name", FIELD_STRING, DIM_NONE, G(name), false, NULL, 0, 0, NULL, NULL, "what to call this grid"},
    {"shape", FIELD_CHOICE, DIM_NONE, W(shape), false, NULL, 0, 0, shapes, NULL,
     "pattern of the sites; a hexagon has equal distances to all six neighbours"},
    PATTERN(W, whole_origin_fields, whole_tile_fields, whole_image_fields),
    {"seed", FIELD_INT, DIM_NONE, G(seed), false, NULL, 0, 0, NULL, NULL,
     "chooses random sites and the random order; the seed of the protocol if left out"},
    {"regions", FIELD_LIST, DIM_NONE, G(regions), false, NULL, 0, 0, NULL, &region_fields,
     "several patterns, each with its own shape, instead of one"},
    {"visit", FIELD_CHOICE, DIM_NONE, G(visit), false, "by-region", 0, 0, visits, NULL,
     "regions one after another, or the sites of all regions together in the grid's order"},
    {"exclude", FIELD_LIST, DIM_NONE, G(exclusions), false, NULL, 0, 0, NULL, &exclusion_fields,
     "parts of the sample where no site may be"},
    {"tilt", FIELD_MAP, DIM_NONE, 0, false, NULL, 0, 0, NULL, &tilt_fields,
     "slope of the sample, if it is known beforehand"},
};
const struct fields grid_fields = {
    .what = "the grid",
    .field = grid_table,
    .n = (int)(sizeof grid_table / sizeof grid_table[0]),
    .selector = "shape",
    .use = uses,
    .n_use = GRID_USES,
};

/* --- messages ------------------------------------------------------------------------------------------- */

static const char *help_of(const char *key)
{
    for (int i = 0; i < grid_fields.n; i++)
        if (strcmp(grid_fields.field[i].key, key) == 0)
            return grid_fields.field[i].help;
    return "";
}

void grid_check_keys(const struct ynode *n, const char *what, int shape, struct diags *d)
{
    for (int i = 0; i < REGION_USES; i++) {
        const struct ynode *given = ynode_get(n, uses[i].key);
        if (!given && uses[i].needed & 1u << shape) {
            diags_error(d, ynode_mark(n), "`%s` is missing in %s", uses[i].key, what);
            diags_hint(d, "%s: %s", uses[i].key, help_of(uses[i].key));
        }
        if (given && !(uses[i].possible & 1u << shape))
            diags_error(d, ynode_mark(given), "`%s` has no meaning for the shape `%s`", uses[i].key,
                        shapes[shape]);
    }
}

void grid_check_no_pattern(const struct ynode *n, struct diags *d)
{
    static const char *const stay[] = {"order", "tile"};
    for (int i = 0; i < ynode_count(n); i++) {
        const char *key = ynode_key(n, i);
        bool pattern = false;
        for (int k = 1; k < region_fields.n; k++)
            pattern = pattern || strcmp(key, region_fields.field[k].key) == 0;
        if (pattern && strcmp(key, stay[0]) != 0 && strcmp(key, stay[1]) != 0)
            diags_error(d, ynode_key_mark(n, i),
                        "`%s` belongs into each of the regions, where `regions` is given", key);
    }
}
