/* Tables that say what a map of a file may hold. One table serves the parser, its messages, `seccm help` and
 * the JSON Schema, so that they can not disagree. */
#ifndef SECCM_BASE_SCHEMA_H
#define SECCM_BASE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "base/quantity.h"
#include "base/yaml.h"

/* A scalar of a protocol that may be written directly or taken from a factor (`$name`). */
struct value {
    double si;
    char factor[32]; /* "" = si holds the value; otherwise the factor's name */
    bool given;      /* false: absent in the file (si holds the default, NAN without one) */
    struct mark mark;
};

enum field_kind {
    FIELD_STRING,   /* char * (heap, NULL if absent) */
    FIELD_INT,      /* int64_t */
    FIELD_FORMAT,   /* int64_t: version of the file format, 1 to the newest that is read (`max`) */
    FIELD_BOOL,     /* bool: true/false, yes/no */
    FIELD_QUANTITY, /* double, SI (NAN if absent and without default) */
    FIELD_VALUE,    /* struct value */
    FIELD_COUNT,    /* struct value: a whole number */
    FIELD_VALUES,   /* struct values: list of struct value, e.g. vertices */
    FIELD_PAIR,     /* double[2], SI: [low, high] */
    FIELD_CHOICE,   /* int: index into `choices` */
    FIELD_SIGN,     /* int: +1 or -1 (0 if absent) */
    FIELD_MAP,      /* nested map, read by `sub` into the same base struct at `offset` */
    FIELD_NODE,     /* const struct ynode *: read by its own parser */
    FIELD_POINT,    /* double[2], SI: [x, y] */
    FIELD_POINTS,   /* struct points: list of [x, y] */
    FIELD_STRINGS,  /* struct strings: list of text */
    FIELD_LIST,     /* struct items: list of maps, each read by `sub` into an item of sub->size bytes */
};

/* How a FIELD_NODE is written. Its own parser reads it; help and schema go by this. */
enum node_form {
    NODE_OWN,         /* a map by `sub`; without `sub` anything */
    NODE_FILE_OR_MAP, /* the name of a file, or a map by `sub` */
    NODE_STEPS,       /* a list of maps with one key each, one of those of `sub`; without `sub` the same as
                         where it stands with it: steps hold steps */
    NODE_NAMED_STEPS, /* a map of names, each with one such map or a list of them */
    NODE_NAME_OR_MAP, /* a name, or a map by `sub` */
    NODE_OF_FEATURE,  /* a quantity of the dimension of a feature that is named beside it, or `$name` */
    NODE_BOUND,       /* a quantity behind its direction, "< 0.05 V", or a list of one of each direction */
    NODE_FACTORS,     /* a map of names, each with a list of levels or a map by `sub` */
    NODE_NAME_LISTS,  /* a list of lists of two or more names */
    NODE_POINTS,      /* a list of places, each [x, y] or a map by `sub` that may have further keys */
    NODE_INTERVALS,   /* a map of features, each with [low, high] in the feature's unit */
    NODE_AMOUNT,      /* a quantity whose dimension another key decides, or a share in % */
    NODE_MAPS,        /* a list of maps by `sub`, of at least `least` */
    NODE_ELSEWHERE,   /* a map whose table this one's folder does not know; who does hands it to the schema */
};

struct values {
    struct value *v; /* heap */
    int n;
};

struct points {
    double (*xy)[2]; /* heap, SI */
    int n;
};

struct strings {
    char **v; /* heap */
    int n;
};

struct items {
    void *v; /* heap: n structs of the size that the table states */
    int n;
};

struct fields;

struct field {
    const char *key;
    enum field_kind kind;
    enum dim dim; /* QUANTITY, VALUE, VALUES, PAIR, POINT, POINTS, NODE that is a bound */
    size_t offset;
    bool required;
    const char *fallback;       /* default as one would write it in the file; NULL = none */
    double min, max;            /* SI, inclusive; both 0 = unbounded */
    const char *const *choices; /* CHOICE: NULL-terminated */
    const struct fields *sub;   /* MAP, LIST; for NODE: optional, for help and schema only */
    const char *help;           /* one sentence, with the unit's meaning */
    enum node_form form;        /* NODE */
    int least;                  /* VALUES, NODE_MAPS: at least so many, 0 = one; its own parser tells */
    int first;                  /* CHOICE: those before it are known, and refused by a reader with a reason */
    bool or_one;                /* VALUES: one value by itself is a list of one */
};

/* Where the choice of one key, the selector, decides which others there are: bit k of `needed` and `possible`
 * stands for its choice k, USE_ABSENT for a map without it. Keys that are not listed are always possible. */
#define USE_ABSENT (1u << 31)
struct field_use {
    const char *key;
    unsigned needed, possible;
};

/* A named table: `what` for messages ("the cv step"). */
struct fields {
    const char *what;
    const struct field *field;
    int n;
    size_t size; /* LIST: bytes of the struct that one map is read into */
    const char *const
        *any_of;          /* keys of which one at least is wanted, NULL-terminated; its own parser tells */
    const char *selector; /* key of a CHOICE, NULL = none; its own parser tells */
    const struct field_use *use; /* n_use */
    int n_use;
};

#define FIELDS(what_, table_)                                                                                \
    {                                                                                                        \
        what_, table_, (int)(sizeof(table_) / sizeof((table_)[0])), 0, NULL                                  \
    }
/* A table for the items of a FIELD_LIST, each a struct of that type. */
#define FIELDS_OF(what_, table_, type_)                                                                      \
    {                                                                                                        \
        what_, table_, (int)(sizeof(table_) / sizeof((table_)[0])), sizeof(type_), NULL                      \
    }

/* Reads a map into `out`, filling defaults; adds every error found to `d` (unknown key with the nearest known
 * one, missing key, wrong kind, wrong unit, out of range). `n` NULL = the map is absent: defaults are filled
 * and required keys are not asked for. Returns true if this map added no error. Heap members belong to the
 * caller: schema_free(). */
bool schema_read(const struct ynode *n, const struct fields *table, void *out, struct diags *d);
/* Reads one value as `f` says into out + f->offset: for readers of their own (FIELD_NODE). */
bool schema_read_field(const struct ynode *n, const struct field *f, void *out, struct diags *d);
void schema_free(const struct fields *table, void *out);

#endif
