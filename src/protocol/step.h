/* The steps of a site: what one may be, as it stands in the file and as numbers for one site.
 *
 * They form trees (`repeat` and `when` hold steps) that are kept flat: a block is followed by what it holds,
 * and `end` tells where that ends. `include` and `use` are gone by then: what they stand for is in their
 * place. */
#ifndef SECCM_PROTOCOL_STEP_H
#define SECCM_PROTOCOL_STEP_H

#include "base/schema.h"
#include "instrument/program.h"
#include "protocol/condition.h"

enum step_kind {
    STEP_HOLD,
    STEP_CV,
    STEP_LSV,
    STEP_GALVANOSTATIC,
    STEP_OCP,
    STEP_PULSE,
    STEP_REST,
    STEP_REPEAT, /* holds steps, as does the next */
    STEP_WHEN,
};
#define STEP_KINDS 9
const char *step_kind_name(enum step_kind k); /* hold, cv, lsv, ... */

enum between { BETWEEN_HOLD, BETWEEN_OPEN };
enum rest_cell { REST_OPEN, REST_HOLD };
enum if_missing { MISSING_SKIP, MISSING_GO };

#define STEP_MAX       100 /* of a protocol, written out as they are read */
#define STEP_DEPTH_MAX 8   /* blocks, files and named lists within one another */
#define VERTEX_MAX     16
#define RATE_MAX       64
#define LEVEL_MAX      32 /* of a pulse */

/* Condition of `until`, with a value that may be a factor. */
struct until_value {
    enum until_what what;
    bool all; /* stands in `all` */
    struct value value;
};

struct until_list {
    struct until_value v[UNTIL_MAX];
    int n;
    const struct ynode *node; /* as in the file, NULL = none */
};

/* Condition on a feature of a step of the same site. */
struct step_condition {
    char *feature; /* as in the file; NULL: a repeat without a condition */
    const struct ynode *above_node, *below_node;
    int missing; /* enum if_missing */
    struct value above, below;
    enum dim dim; /* of the feature */
    char of[64];  /* the step ... */
    char name[48];
    int cycle;      /* ... and cycle that it belongs to, 0 = the newest */
    char among[64]; /* read by `use` with `as`: what the names of the steps beside it begin with */
    struct mark mark;
};

struct step {
    enum step_kind kind;
    char *name; /* never NULL: given, or kind and number ("cv2") */
    struct mark mark;
    int parent;                    /* the block that holds it, -1 = none */
    int end;                       /* behind the last step that it holds; its own index + 1 */
    struct value potential;        /* hold: V vs reference */
    struct value duration;         /* hold, ocp, rest: `for`, s */
    struct value interval;         /* `sample`, s between samples; cv, lsv: absent = by `step` */
    struct value start;            /* cv, lsv: V */
    struct value finish;           /* `end`. cv: absent = the last vertex. lsv: V */
    struct values vertices;        /* cv: two or more */
    struct values rates;           /* cv: V/s, one or one per cycle */
    struct value rate;             /* lsv: V/s */
    struct value step;             /* cv, lsv: V */
    struct value cycles;           /* cv, galvanostatic: a whole number */
    struct value current, density; /* galvanostatic: A, or A/m2 of the declared wetted area */
    struct value reverse_current, reverse_density;
    bool has_reverse;
    struct until_list until; /* hold, galvanostatic */
    struct until_list reverse_until;
    struct value drift, over; /* ocp: V/s, s; drift absent = the whole time */
    struct values potentials; /* pulse: V, or ... */
    struct values currents;   /* ... A */
    struct values durations;  /* pulse: s, one or one per level */
    struct value count;       /* pulse, repeat: a whole number */
    int cell;                 /* rest: enum rest_cell */
    int between;              /* enum between: state of the cell in the gap before this step */
    struct step_condition condition;
    const struct ynode *steps_node; /* repeat, when */
};

/* The same with numbers for one site. Where a level is not assigned yet they are NAN, and counts 1. */
struct step_now {
    const struct step *step;
    double potential, duration, interval, start, finish, e_step, current, reverse_current, drift, over;
    double vertex[VERTEX_MAX];
    int n_vertices;
    double rate[RATE_MAX]; /* lsv: one */
    int n_rates;
    double level[LEVEL_MAX], level_for[LEVEL_MAX]; /* pulse: V or A, and s */
    int n_levels;
    int cycles, count;
    struct until until[UNTIL_MAX], reverse_until[UNTIL_MAX]; /* `of` is the play's to set */
    int n_until, n_reverse_until;
    bool has_condition;
    /* `when` is played if it is true. A `repeat` is left if it is true; go_if_missing: it goes on. */
    struct condition condition;
};

/* Index of a step and of the step behind the last one of a list, in protocol->step: the steps of a site or
 * of a control site. */
struct step_list {
    int first, end;
};

/* Tables of the steps, by enum step_kind, and of an entry of `site` (one field per kind, then `include` and
 * `use`), for help and schema. */
const struct fields *step_fields(enum step_kind k);
extern const struct fields site_fields;
/* What a condition of `until` or of a feature was read by. */
const struct field *until_field(enum until_what w);
const struct field *condition_field(bool above, enum dim dim);
/* Table of `until` of a kind of step. */
const struct fields *until_fields(enum step_kind k);

static inline bool step_is_block(const struct step *s)
{
    return s->kind == STEP_REPEAT || s->kind == STEP_WHEN;
}
/* "hold, cv, lsv, ... and when" for messages. */
const char *step_kinds_text(void);
const char *const *step_kind_names(void); /* NULL-terminated */
/* A name of a step or factor: a letter, then letters, digits, - and _. */
bool name_is_plain(const char *text);

#endif
