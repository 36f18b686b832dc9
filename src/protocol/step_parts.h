/* What the files that read steps share. */
#ifndef SECCM_PROTOCOL_STEP_PARTS_H
#define SECCM_PROTOCOL_STEP_PARTS_H

#include "protocol/protocol.h"
#include "protocol/step_read.h"

extern const struct fields until_hold, until_galvanostatic, reverse_fields, use_fields;

/* One reading of a list of steps into p->step. */
struct step_reader {
    struct protocol *p;
    struct diags *d;        /* for what stands in a step; set aside where it was told of before */
    struct diags *told;     /* for how the steps are put together */
    struct diags *quiet;    /* is thrown away */
    int parent;             /* block that holds what is read now, -1 = none */
    int depth;              /* blocks, files and named lists around it */
    int entries;            /* looked at so far */
    bool full;              /* more of them than there can be: told */
    const char *name_as;    /* name of the next step, or what those of a list begin with; NULL = their own */
    bool is_list;           /* name_as is of a list */
    bool name_is_given;     /* ... by `as`, not by the key in `steps` */
    int number[STEP_KINDS]; /* steps of each kind so far in a list with name_as */
};

/* Reads the items of a list. */
void step_read_items(struct step_reader *r, const struct ynode *list);
/* One entry of a list: a map with one key. */
void step_read_entry(struct step_reader *r, const struct ynode *entry);
/* false, with an error, if nothing can be nested deeper. */
bool step_deeper(struct step_reader *r, struct mark m);

/* `include: FILE`. */
void step_read_include(struct step_reader *r, const struct ynode *n);
/* `use: NAME` or `use: {step: NAME, as: NAME}`. */
void step_read_use(struct step_reader *r, const struct ynode *n);

/* Reads list->node by the table of the kind of step. */
void until_read(struct until_list *list, const struct fields *table, struct diags *d);
/* Reads the bounds of a condition, as far as the feature is known; which step is meant is seen later. */
void condition_read(struct step *s, struct diags *d);
/* Looks up the step that each condition of the list speaks of. */
void condition_resolve(struct protocol *p, const struct step_list *list, struct diags *d);

/* Forgets the steps from this index on. */
void step_forget(struct protocol *p, int from);
void include_free_all(struct protocol *p);

/* Names that were given must differ; the others get one. */
void step_name_all(struct protocol *p, const struct step_list *list, struct diags *d);

#endif
