/* What a potentiostat driver implements; its own struct begins with `struct potentiostat`. */
#ifndef SECCM_INSTRUMENT_POTENTIOSTAT_OPS_H
#define SECCM_INSTRUMENT_POTENTIOSTAT_OPS_H

#include "instrument/potentiostat.h"

struct potentiostat_ops {
    void (*close)(struct potentiostat *p);
    bool (*identify)(struct potentiostat *p, char *id, size_t n, struct err *e);
    bool (*compile)(struct potentiostat *p, const struct program *g, struct buf *text, struct err *e);
    double (*sample_bytes)(struct potentiostat *p, const struct segment *s); /* of its line on the link */
    size_t (*text_max)(struct potentiostat *p);
    bool (*start)(struct potentiostat *p, const struct program *g, struct err *e);
    enum potentiostat_item_kind (*next)(struct potentiostat *p, struct potentiostat_item *out, struct err *e);
    bool (*advance)(struct potentiostat *p, struct err *e);
    bool (*finish)(struct potentiostat *p, struct err *e);
    bool (*cut)(struct potentiostat *p, struct err *e);
    /* Optional: what was found since the last start; *found is set if anything was. Asks nothing. */
    bool (*explain)(struct potentiostat *p, struct err *found);
    /* Optional: see potentiostat_may_be_anew(). */
    bool (*may_be_anew)(struct potentiostat *p);
    bool (*settle)(struct potentiostat *p, ns_t timeout, struct err *e);
    void (*cut_bytes)(struct potentiostat *p, struct buf *out);
    /* Optional: see potentiostat_errands(). */
    int (*errands)(struct potentiostat *p, struct errand *out, int max);
};

struct potentiostat {
    const struct potentiostat_ops *ops;
    struct dialogue *dialogue; /* not owned */
    uint64_t late;             /* dialogue_late() at the newest start */
};

extern const struct potentiostat_driver methodscript_driver;

#endif
