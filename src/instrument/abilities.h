/* What an instrument model can do: data that the planner checks against and the driver clamps to. */
#ifndef SECCM_INSTRUMENT_ABILITIES_H
#define SECCM_INSTRUMENT_ABILITIES_H

#include <stdbool.h>
#include <stddef.h>

struct current_range {
    int index;         /* as the instrument names it in its data */
    double full_scale; /* A */
};

struct potentiostat_model {
    const char *name;      /* "nexus", "emstat4-lr" ... as in the rig file */
    const char *id_prefix; /* how its identification starts */
    double e_min, e_max;   /* V applied */
    double e_step;         /* V: smallest step */
    double i_max;          /* A */
    double interval_min;   /* s between samples that link and device keep up with */
    bool galvanostat;
    const struct current_range *ranges; /* potentiostatic, rising */
    int n_ranges;
    size_t script_max;    /* bytes of a program */
    int mode;             /* the instrument's number of its potentiostatic mode */
    double window;        /* V between the lowest and highest potential of one program */
    double bandwidth_max; /* Hz */
};

/* NULL if unknown. */
const struct potentiostat_model *potentiostat_model(const char *name);
/* NULL-terminated names for messages. */
const char *const *potentiostat_model_names(void);

#endif
